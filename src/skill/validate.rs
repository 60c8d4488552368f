//! The Agent Skills specification to the letter: what an author wants to know before publishing, never a condition for loading.
//!
//! Errors are violations of the specification; warnings and infos are its advice. Fields that the specification does not have are
//! errors in the front matter; a `## Runtime` block in the body is the place for SkillLite's own.

use std::path::Path;

use serde_json::Value;

use super::diagnostic::Diagnostic;
use super::front_matter::{self, Mode, Source};
use super::load::{Document, SKILL_MD, load};
use super::manifest::quoted;
use super::yaml::kind_of;

const FIELDS: [&str; 6] = ["name", "description", "license", "compatibility", "metadata", "allowed-tools"];
const MAX_NAME_CHARS: usize = 64;
const MAX_DESCRIPTION_CHARS: usize = 1024;
const MAX_COMPATIBILITY_CHARS: usize = 500;
const ADVISED_BODY_LINES: usize = 500;

/// Checks the skill in `dir` against the specification. Empty: nothing to say. A skill with errors here may well load.
pub fn validate(dir: &Path) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    if let Err(fatal) = check(dir, &mut findings) {
        findings.insert(0, fatal);
    }
    findings
}

fn check(dir: &Path, findings: &mut Vec<Diagnostic>) -> Result<(), Diagnostic> {
    let document = Document::read(dir)?;
    let text = document.text(findings)?;
    let parts = front_matter::split(&text)?;
    let source = front_matter::parse(parts.yaml, parts.yaml_line, Mode::Strict, findings)?;
    if document.file_name != SKILL_MD[0] {
        findings.push(Diagnostic::warning("skill-md-case", "the file must be named `SKILL.md`"));
    }
    for key in source.entries.keys().filter(|key| !FIELDS.contains(&key.as_str())) {
        let message = format!(
            "{} is no field of the specification; put it under `metadata`, or in a `## Runtime` block of the body",
            quoted(key)
        );
        findings.push(Diagnostic::error("field-unknown", message).field(key).line(source.line_of(key)));
    }
    let folder = document.root.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    check_name(&source, folder, findings);
    check_texts(&source, findings);
    check_metadata(&source, findings);
    let lines = parts.body.lines().count();
    if lines > ADVISED_BODY_LINES {
        let message = format!(
            "the instructions have {lines} lines; under {ADVISED_BODY_LINES} is advised, move detail to references/"
        );
        findings.push(Diagnostic::info("body-long", message));
    }
    // What loading notices about the files and the runtime block belongs in front of the author too.
    let noticed = match load(dir) {
        Ok(skill) => skill.diagnostics,
        Err(skipped) => skipped.diagnostics,
    };
    for finding in noticed {
        let is_known = findings.iter().any(|known| known.code == finding.code && known.field == finding.field);
        let is_covered = matches!(
            finding.code,
            "description-missing"
                | "name-not-directory"
                | "name-not-specified"
                | "name-unusable"
                | "field-type"
                | "field-coerced"
        );
        let is_specified = finding.field.as_deref().is_some_and(|field| FIELDS.contains(&field));
        if !is_known && (!is_covered || !is_specified) {
            findings.push(finding);
        }
    }
    Ok(())
}

fn check_name(source: &Source<'_>, folder: &str, findings: &mut Vec<Diagnostic>) {
    let mut error = |code, message: String| {
        findings.push(Diagnostic::error(code, message).field("name").line(source.line_of("name")));
    };
    let name = match scalar(source, "name") {
        Scalar::Text(name) if !name.trim().is_empty() => name.trim().to_string(),
        Scalar::Other(kind) => return error("name-type", format!("`name` is {kind}; it must be a text")),
        _ => return error("name-missing", "no `name`, or an empty one; it must be the folder's name".to_string()),
    };
    for (code, problem) in name_problems(&name) {
        error(code, format!("the name {} {problem}", quoted(&name)));
    }
    if name != folder {
        error(
            "name-not-directory",
            format!("the name {} must equal the folder's name {}", quoted(&name), quoted(folder)),
        );
    }
}

/// What the specification has against a name.
pub(super) fn name_problems(name: &str) -> Vec<(&'static str, &'static str)> {
    let mut problems = Vec::new();
    if name.chars().count() > MAX_NAME_CHARS {
        problems.push(("name-too-long", "is longer than 64 characters"));
    }
    if name.chars().any(|c| c.to_lowercase().ne(std::iter::once(c))) {
        problems.push(("name-not-lowercase", "must be lowercase"));
    }
    if name.chars().any(|c| !c.is_alphanumeric() && c != '-') {
        problems.push(("name-characters", "may only hold letters, digits and hyphens"));
    }
    if name.starts_with('-') || name.ends_with('-') {
        problems.push(("name-hyphen-edge", "must not begin or end with a hyphen"));
    }
    if name.contains("--") {
        problems.push(("name-hyphen-double", "must not hold two hyphens in a row"));
    }
    problems
}

fn check_texts(source: &Source<'_>, findings: &mut Vec<Diagnostic>) {
    let rules: [(&str, Option<usize>, bool); 4] = [
        ("description", Some(MAX_DESCRIPTION_CHARS), true),
        ("compatibility", Some(MAX_COMPATIBILITY_CHARS), false),
        ("license", None, false),
        ("allowed-tools", None, false),
    ];
    for (field, max_chars, is_required) in rules {
        let (code, message) = match scalar(source, field) {
            Scalar::Missing if is_required => ("description-missing", "there is no `description`".to_string()),
            Scalar::Missing => continue,
            Scalar::Other(kind) => ("field-type", format!("`{field}` is {kind}; it must be a text")),
            Scalar::Text(text) if text.trim().is_empty() && is_required => {
                ("description-missing", "the `description` is empty".to_string())
            }
            Scalar::Text(text) if text.trim().is_empty() && max_chars.is_some() => {
                ("field-empty", format!("`{field}` is empty; fill it or leave it out"))
            }
            Scalar::Text(text) => match max_chars {
                Some(max) if text.chars().count() > max => {
                    let count = text.chars().count();
                    ("field-too-long", format!("`{field}` has {count} characters; at most {max} are allowed"))
                }
                _ => continue,
            },
        };
        findings.push(Diagnostic::error(code, message).field(field).line(source.line_of(field)));
    }
}

fn check_metadata(source: &Source<'_>, findings: &mut Vec<Diagnostic>) {
    let line = source.line_of("metadata");
    let entries = match source.entries.get("metadata") {
        None | Some(Value::Null) => return,
        Some(Value::Object(entries)) => entries,
        Some(other) => {
            let message = format!("`metadata` is {}; it must be a mapping of texts to texts", kind_of(other));
            return findings.push(Diagnostic::error("metadata-type", message).field("metadata").line(line));
        }
    };
    for (key, value) in entries {
        let kind = kind_of(value);
        let finding = match value {
            Value::String(_) => continue,
            Value::Object(_) | Value::Array(_) => Diagnostic::error(
                "metadata-type",
                format!("`metadata` {} is {kind}; values must be texts", quoted(key)),
            ),
            _ => Diagnostic::warning(
                "metadata-value",
                format!("`metadata` {} is {kind}; values are texts, put it in quotes", quoted(key)),
            ),
        };
        findings.push(finding.field("metadata").line(line));
    }
}

enum Scalar {
    Missing,
    Text(String),
    Other(&'static str),
}

/// A field's text. A plain number or boolean counts as the text it is written as: the specification's readers do not type it.
fn scalar(source: &Source<'_>, field: &str) -> Scalar {
    match source.entries.get(field) {
        None | Some(Value::Null) => Scalar::Missing,
        Some(Value::String(text)) => Scalar::Text(text.clone()),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => {
            Scalar::Text(source.written(field).map_or_else(|| value.to_string(), str::to_string))
        }
        Some(other) => Scalar::Other(kind_of(other)),
    }
}
