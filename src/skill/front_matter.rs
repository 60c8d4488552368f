//! SKILL.md cut in two: the YAML between the `---` fences, and the instructions below.
//!
//! What would be expensive to parse is refused here, before the YAML parser sees a byte: size and nesting are bounded first.

use super::diagnostic::Diagnostic;
use super::nesting::{self, MAX_DEPTH};
use super::repair;
use super::yaml::{self, Mapping};

/// The most bytes of YAML that are read, in the front matter and in a `## Runtime` block: 64 KiB.
pub const MAX_FRONT_MATTER_BYTES: usize = 64 * 1024;
/// SKILL.md in its parts; lines count from 1 in the file.
#[derive(Debug)]
pub(super) struct Parts<'t> {
    pub yaml: &'t str,
    pub yaml_line: usize,
    pub body: &'t str,
    pub body_line: usize,
}

/// Cuts a SKILL.md. CRLF, a byte order mark and blank lines before the first fence are accepted.
pub(super) fn split(text: &str) -> Result<Parts<'_>, Diagnostic> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Lines { rest: text, number: 0 };
    let opened = loop {
        match lines.next() {
            Some(line) if line.trim().is_empty() => {}
            Some(line) => break line.trim_end() == "---",
            None => break false,
        }
    };
    if !opened {
        return Err(Diagnostic::error(
            "front-matter-missing",
            "SKILL.md does not begin with front matter; its first line must be `---`, then `name:` and `description:`, then `---`",
        )
        .line(Some(1)));
    }
    let yaml_start = lines.rest;
    let yaml_line = lines.number + 1;
    let mut length = 0;
    while let Some(line) = lines.next() {
        let fence = line.trim_end();
        if fence == "---" || fence == "..." {
            let yaml = yaml_start.get(..length).unwrap_or_default();
            return Ok(Parts { yaml, yaml_line, body: lines.rest, body_line: lines.number + 1 });
        }
        length += line.len();
        if length > MAX_FRONT_MATTER_BYTES {
            return Err(Diagnostic::error(
                "front-matter-too-large",
                format!(
                    "no closing `---` within {} KiB of front matter; close it, or move long text to the body or a reference file",
                    MAX_FRONT_MATTER_BYTES / 1024
                ),
            )
            .line(Some(yaml_line)));
        }
    }
    Err(Diagnostic::error("front-matter-unclosed", "the front matter has no closing `---` line").line(Some(yaml_line)))
}

/// How [`parse`] treats YAML that does not parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Retry once with the values quoted that broke it.
    Lenient,
    /// Refuse it.
    Strict,
}

/// A YAML text with its place in the file, read.
#[derive(Debug)]
pub(super) struct Source<'t> {
    pub entries: serde_json::Map<String, serde_json::Value>,
    pub yaml: &'t str,
    pub first_line: usize,
}

/// Reads the YAML of a front matter or of a `## Runtime` block.
pub(super) fn parse<'t>(
    yaml: &'t str,
    first_line: usize,
    mode: Mode,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Source<'t>, Diagnostic> {
    check(yaml, first_line)?;
    let mapping = match yaml::parse_mapping(yaml) {
        Ok(mapping) => mapping,
        Err(failure) => {
            let repaired = match (mode, failure.code) {
                (Mode::Lenient, "yaml-invalid") => repair::quote(yaml),
                _ => None,
            };
            let reread = repaired.and_then(|r| yaml::parse_mapping(&r.yaml).ok().map(|mapping| (mapping, r.quoted)));
            let Some((mapping, quoted)) = reread else {
                let line = failure.line.map(|line| line + first_line - 1);
                let remedy =
                    if failure.code == "yaml-invalid" { "; put values with `: ` or ` #` in quotes" } else { "" };
                let message = format!("{}{remedy}", in_file(&failure.message, first_line - 1));
                return Err(Diagnostic::error(failure.code, message).line(line));
            };
            for (key, line) in quoted {
                diagnostics.push(
                    Diagnostic::warning(
                        "yaml-repaired",
                        format!("the value of `{key}` is not valid YAML and was read as plain text; put it in quotes"),
                    )
                    .field(&key)
                    .line(Some(line + first_line - 1)),
                );
            }
            mapping
        }
    };
    let Mapping { entries, duplicates } = mapping;
    for key in duplicates {
        let line = last_line_of(yaml, &key).map(|line| line + first_line - 1);
        diagnostics.push(
            Diagnostic::warning(
                "duplicate-key",
                format!("`{key}` is given more than once; the last one counts, remove the others"),
            )
            .field(&key)
            .line(line),
        );
    }
    Ok(Source { entries, yaml, first_line })
}

impl Source<'_> {
    /// The line in the file where a top-level field is given.
    pub fn line_of(&self, field: &str) -> Option<usize> {
        let mut numbered = self.yaml.lines().zip(self.first_line..);
        numbered.find(|(line, _)| value_after_key(line, field).is_some()).map(|(_, number)| number)
    }

    /// The one-line plain value of a top-level field as its author wrote it: `1.10` where the number is 1.1.
    pub fn written(&self, field: &str) -> Option<&str> {
        let value = self.yaml.lines().rev().find_map(|line| value_after_key(line, field))?;
        let value = value.split_once(" #").map_or(value, |(value, _)| value).trim();
        (!value.is_empty()).then_some(value)
    }
}

fn value_after_key<'l>(line: &'l str, field: &str) -> Option<&'l str> {
    line.strip_prefix(field)?.trim_start().strip_prefix(':')
}

fn last_line_of(yaml: &str, key: &str) -> Option<usize> {
    let numbered = yaml.lines().zip(1..).filter(|(line, _)| value_after_key(line.trim_start(), key).is_some());
    numbered.last().map(|(_, number)| number)
}

/// Refuses what would be expensive or is never YAML.
fn check(yaml: &str, first_line: usize) -> Result<(), Diagnostic> {
    if yaml.len() > MAX_FRONT_MATTER_BYTES {
        let message =
            format!("more than {} KiB of YAML; move long text to a reference file", MAX_FRONT_MATTER_BYTES / 1024);
        return Err(Diagnostic::error("front-matter-too-large", message).line(Some(first_line)));
    }
    if let Some(line) = nesting::too_deep(yaml) {
        let message = format!(
            "brackets or list items are nested more than {MAX_DEPTH} deep; flatten the value, or put text in quotes"
        );
        return Err(Diagnostic::error("front-matter-too-deep", message).line(Some(line + first_line)));
    }
    let mut line = first_line;
    for byte in yaml.bytes() {
        match byte {
            b'\n' => line += 1,
            b'\t' | b'\r' => {}
            0 => {
                let message = "a NUL byte in the front matter; save SKILL.md as plain UTF-8 text";
                return Err(Diagnostic::error("front-matter-nul", message).line(Some(line)));
            }
            1..=0x1f | 0x7f => {
                let message = format!("a control character (0x{byte:02x}) in the front matter; remove it");
                return Err(Diagnostic::error("front-matter-control-character", message).line(Some(line)));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The parser's message with its `line 3` counted in the file, not in the YAML.
fn in_file(message: &str, lines_above: usize) -> String {
    const MARK: &str = "line ";
    let mut pieces = message.split(MARK);
    let mut shifted = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        let digits = piece.find(|c: char| !c.is_ascii_digit()).unwrap_or(piece.len());
        let (number, rest) = piece.split_at_checked(digits).unwrap_or_default();
        shifted.push_str(MARK);
        match number.parse::<usize>() {
            Ok(number) => shifted.push_str(&number.saturating_add(lines_above).to_string()),
            Err(_) => shifted.push_str(number),
        }
        shifted.push_str(rest);
    }
    shifted
}

/// Lines with their terminators, and what is left after them.
struct Lines<'t> {
    rest: &'t str,
    number: usize,
}

impl<'t> Iterator for Lines<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.find('\n').map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        self.number += 1;
        Some(line)
    }
}
