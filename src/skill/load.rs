//! One folder to one [`Skill`]: read SKILL.md, merge what it declares, list and hash the files, decide whether it is usable.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::beneath::{OpenError, Root};
use super::diagnostic::{Diagnostic, Severity, is_invisible};
use super::files::SkillMd;
use super::front_matter::{self, Mode, Parts, Source};
use super::identity::Identity;
use super::manifest::{Manifest, quoted};
use super::{Skill, Skipped, entry_point, files, runtime_block};

/// The most bytes of a SKILL.md that are read: 4 MiB.
pub const MAX_SKILL_MD_BYTES: u64 = 4 << 20;
/// Names longer than this are not used at all; the specification's bound of 64 only warns.
const MAX_NAME_CHARS: usize = 256;

/// The names under which SKILL.md is found, the right one first.
pub(super) const SKILL_MD: [&str; 2] = ["SKILL.md", "skill.md"];

/// Whether a path relative to the skill's folder is its SKILL.md.
pub(super) fn is_skill_md(path: &str) -> bool {
    SKILL_MD.contains(&path)
}

/// Loads the skill in `dir`, leniently: what PyYAML reads, loads; findings are in [`Skill::diagnostics`].
///
/// A skill is skipped, with the reason, when SKILL.md cannot be read, has no usable description or name, or declares an entry point
/// outside its own folder.
pub fn load(dir: &Path) -> Result<Skill, Skipped> {
    let mut diagnostics = Vec::new();
    load_into(dir, &mut diagnostics).map_err(|reason| {
        diagnostics.insert(0, reason);
        Skipped { path: dir.to_path_buf(), diagnostics: std::mem::take(&mut diagnostics) }
    })
}

fn load_into(dir: &Path, diagnostics: &mut Vec<Diagnostic>) -> Result<Skill, Diagnostic> {
    let document = Document::read(dir)?;
    let text = document.text(diagnostics)?;
    let parts = front_matter::split(&text)?;
    let front = front_matter::parse(parts.yaml, parts.yaml_line, Mode::Lenient, diagnostics)?;
    let lines = (front.line_of("name"), front.line_of("description"));
    let mut sources = vec![front];
    sources.extend(runtime_source(&parts, diagnostics));
    let mut manifest = Manifest::merge(sources, diagnostics);

    let description = manifest.description.as_deref().map(str::trim).unwrap_or_default().to_string();
    if description.is_empty() {
        return Err(Diagnostic::error(
            "description-missing",
            "no `description`, or an empty one; say in one sentence what the skill does and when to use it",
        )
        .field("description")
        .line(lines.1));
    }
    let name = name(manifest.name.as_deref(), &document.root, lines.0, diagnostics)?;
    let listing = files::list(&document.directory, &document.skill_md());
    if let Some(declared) = manifest.entry_point.take() {
        match entry_point::resolve(&declared, &listing) {
            Ok(path) => manifest.entry_point = Some(path),
            Err(refusal) if refusal.severity == Severity::Error => return Err(refusal.field("entry_point")),
            Err(finding) => diagnostics.push(finding.field("entry_point")),
        }
    }
    diagnostics.extend(listing.diagnostics);
    if let Some(nested) = listing.files.iter().map(|file| file.path_text()).find(|path| path.ends_with("/SKILL.md")) {
        let message = format!(
            "{} is a file of this skill, not a skill of its own; load its folder if it is meant as one",
            quoted(nested)
        );
        diagnostics.push(Diagnostic::info("skill-nested", message));
    }
    if document.file_name != SKILL_MD[0] {
        let message = format!("`{}` was read; rename it to `{}`", document.file_name, SKILL_MD[0]);
        diagnostics.push(Diagnostic::warning("skill-md-case", message));
    }
    Ok(Skill {
        name,
        description,
        root: document.root.clone(),
        manifest,
        body: parts.body.trim().to_string(),
        files: listing.files,
        digest: listing.digest,
        pins: Arc::new(listing.pins),
        diagnostics: std::mem::take(diagnostics),
    })
}

/// SKILL.md as it is on disk.
pub(super) struct Document {
    pub root: PathBuf,
    directory: Root,
    pub file_name: &'static str,
    bytes: Vec<u8>,
    identity: Identity,
    started: SystemTime,
}

impl Document {
    pub fn read(dir: &Path) -> Result<Self, Diagnostic> {
        let unreadable = |error: std::io::Error| {
            let message = format!("the folder {} cannot be opened: {error}", quoted(&dir.to_string_lossy()));
            Diagnostic::error("skill-directory-unreadable", message)
        };
        let started = SystemTime::now();
        let root = dir.canonicalize().map_err(unreadable)?;
        let directory = Root::open(&root).map_err(unreadable)?;
        for file_name in SKILL_MD {
            let mut open = match directory.open_file(file_name) {
                Ok(open) => open,
                Err(OpenError::Missing) => continue,
                Err(OpenError::Escapes) => {
                    let message =
                        format!("{file_name} is a link that leaves the skill's folder; copy the file into it");
                    return Err(Diagnostic::error("skill-md-escape", message));
                }
                Err(OpenError::WrongKind) => {
                    let message = format!("{file_name} is no regular file; it must be a text file");
                    return Err(Diagnostic::error("skill-md-unreadable", message));
                }
                Err(OpenError::Io(error)) => {
                    return Err(Diagnostic::error(
                        "skill-md-unreadable",
                        format!("{file_name} cannot be read: {error}"),
                    ));
                }
            };
            let bytes = open.read(MAX_SKILL_MD_BYTES).map_err(|error| {
                Diagnostic::error("skill-md-unreadable", format!("{file_name} cannot be read: {error}"))
            })?;
            if bytes.len() as u64 > MAX_SKILL_MD_BYTES {
                let message = format!(
                    "{file_name} has more than {} MiB; move long text to references/",
                    MAX_SKILL_MD_BYTES >> 20
                );
                return Err(Diagnostic::error("skill-md-too-large", message));
            }
            return Ok(Self { root, directory, file_name, bytes, identity: open.identity, started });
        }
        let message = format!("there is no SKILL.md in {}", quoted(&dir.to_string_lossy()));
        Err(Diagnostic::error("skill-md-missing", message))
    }

    fn skill_md(&self) -> SkillMd<'_> {
        SkillMd { name: self.file_name, content: &self.bytes, identity: self.identity, started: self.started }
    }

    /// The text. Bytes that are not UTF-8 are tolerated in the instructions, where they cannot change what the skill declares.
    pub fn text(&self, diagnostics: &mut Vec<Diagnostic>) -> Result<std::borrow::Cow<'_, str>, Diagnostic> {
        let error = match std::str::from_utf8(&self.bytes) {
            Ok(text) => return Ok(text.into()),
            Err(error) => error,
        };
        let valid = self.bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = Some(valid.iter().filter(|byte| **byte == b'\n').count() + 1);
        let valid = std::str::from_utf8(valid).unwrap_or_default();
        if front_matter::split(valid).is_err() {
            let message = "SKILL.md is not UTF-8 text; save it as UTF-8";
            return Err(Diagnostic::error("skill-md-not-utf8", message).line(line));
        }
        let message = "the instructions hold bytes that are not UTF-8, read as \u{fffd}; save SKILL.md as UTF-8";
        diagnostics.push(Diagnostic::warning("body-not-utf8", message).line(line));
        Ok(String::from_utf8_lossy(&self.bytes))
    }
}

/// The `## Runtime` block; one that cannot be read is left out with a warning.
pub(super) fn runtime_source<'t>(parts: &Parts<'t>, diagnostics: &mut Vec<Diagnostic>) -> Option<Source<'t>> {
    let (yaml, line) = runtime_block::find(parts.body)?;
    match front_matter::parse(yaml, parts.body_line + line - 1, Mode::Lenient, diagnostics) {
        Ok(source) => Some(source),
        Err(finding) => {
            let message = format!("the `## Runtime` block was ignored: {}", finding.message);
            diagnostics.push(Diagnostic { severity: Severity::Warning, code: "runtime-invalid", message, ..finding });
            None
        }
    }
}

/// The name to use: the declared one if it can be used, otherwise the folder's.
fn name(
    declared: Option<&str>,
    root: &Path,
    line: Option<usize>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<String, Diagnostic> {
    let folder = root.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let declared = declared.map(str::trim).unwrap_or_default();
    let mut warn = |code, message| diagnostics.push(Diagnostic::warning(code, message).field("name").line(line));
    if is_usable(declared) {
        if declared != folder {
            let message =
                format!("the name {} is not the folder's name {}; make them equal", quoted(declared), quoted(folder));
            warn("name-not-directory", message);
        }
        if !is_specified(declared) {
            let message = format!(
                "the name {} is outside the specification: 1–64 lowercase letters, digits and single hyphens between them",
                quoted(declared)
            );
            warn("name-not-specified", message);
        }
        return Ok(declared.to_string());
    }
    let problem = if declared.is_empty() {
        "there is no `name`".to_string()
    } else {
        format!(
            "the name {} holds slashes, control or invisible characters, or is longer than {MAX_NAME_CHARS}",
            quoted(declared)
        )
    };
    if is_usable(folder) {
        warn("name-unusable", format!("{problem}; the folder's name {} is used", quoted(folder)));
        return Ok(folder.to_string());
    }
    let message = format!("{problem}, and the folder's name cannot be used either; add `name: ` to the front matter");
    Err(Diagnostic::error("name-unusable", message).field("name").line(line))
}

fn is_usable(name: &str) -> bool {
    let is_refused = |c: char| c.is_control() || is_invisible(c) || matches!(c, '/' | '\\');
    !name.is_empty()
        && !matches!(name, "." | "..")
        && name.chars().count() <= MAX_NAME_CHARS
        && !name.chars().any(is_refused)
}

fn is_specified(name: &str) -> bool {
    super::validate::name_problems(name).is_empty()
}
