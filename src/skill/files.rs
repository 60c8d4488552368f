//! The list of a skill's files with their digests: what was loaded, byte for byte.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::beneath::{OpenError, Root, hex};
use super::diagnostic::Diagnostic;
use super::manifest::quoted;

/// The most files that are listed of one skill.
pub const MAX_FILES: usize = 10_000;
/// The most bytes that are hashed of one skill: 64 MiB, small files first.
pub const MAX_HASHED_BYTES: u64 = 64 << 20;
/// Directory entries looked at, listed or not.
const MAX_ENTRIES: usize = 100_000;
/// Folders within folders.
const MAX_DEPTH: usize = 16;
/// Findings of one kind that are reported one by one.
const MAX_FINDINGS: usize = 20;
const BUFFER_BYTES: usize = 64 * 1024;

/// Folders that are no part of a skill: version control, installed packages, byte code.
const LEFT_OUT: [&str; 3] = [".git", "node_modules", "__pycache__"];

/// A regular file of a skill, as it was when the skill was loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SkillFile {
    /// Relative to the skill's folder, `/`-separated, always UTF-8.
    pub path: PathBuf,
    /// Length in bytes.
    pub size: u64,
    /// Lowercase hex SHA-256 of the content. Empty for a file beyond [`MAX_HASHED_BYTES`]: listed, but not pinned and not readable.
    pub sha256: String,
    /// Whether any execute permission is set.
    pub is_executable: bool,
}

impl SkillFile {
    /// The path as text.
    pub(super) fn path_text(&self) -> &str {
        self.path.to_str().unwrap_or_default()
    }
}

#[derive(Debug)]
pub(super) struct Listing {
    pub files: Vec<SkillFile>,
    pub digest: String,
    /// Links that leave the folder: not listed, never opened.
    pub escaping: Vec<String>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Lists and hashes. `skill_md` (path, content) is what the loader has already read, so that what was parsed is what is pinned.
pub(super) fn list(root: &Root, root_path: &Path, skill_md: (&str, &[u8])) -> Listing {
    let mut walk = Walk::default();
    walk.directory(root_path, "", 0);
    let Walk { mut found, mut diagnostics, .. } = walk;

    if found.iter().map(|candidate| candidate.size).sum::<u64>() > MAX_HASHED_BYTES {
        found.sort_by(|a, b| (a.size, &a.path).cmp(&(b.size, &b.path)));
    }
    let mut files = Vec::with_capacity(found.len());
    let mut escaping = Vec::new();
    let mut unpinned = Vec::new();
    let mut left_bytes = MAX_HASHED_BYTES;
    let mut buffer = vec![0; BUFFER_BYTES];
    for Candidate { path, .. } in found {
        let mut open = match root.open_file(&path) {
            Ok(open) => open,
            Err(OpenError::Escapes) => {
                escaping.push(path);
                continue;
            }
            Err(OpenError::Missing | OpenError::NotAFile) => continue,
            Err(OpenError::Io(error)) => {
                let message = format!("{} cannot be read ({error}) and was left out", quoted(&path));
                push(&mut diagnostics, Diagnostic::warning("file-unreadable", message));
                continue;
            }
        };
        let hashed = match skill_md {
            (name, content) if name == path => Ok(Some((hex(&Sha256::digest(content)), content.len() as u64))),
            _ if open.size > left_bytes => Ok(None),
            _ => open.hash(left_bytes, &mut buffer),
        };
        let (sha256, size) = match hashed {
            Ok(Some((sha256, size))) => {
                left_bytes = left_bytes.saturating_sub(size);
                (sha256, size)
            }
            Ok(None) => {
                unpinned.push(path.clone());
                (String::new(), open.size)
            }
            Err(error) => {
                let message = format!("{} cannot be read ({error}) and was left out", quoted(&path));
                push(&mut diagnostics, Diagnostic::warning("file-unreadable", message));
                continue;
            }
        };
        files.push(SkillFile { path: PathBuf::from(path), size, sha256, is_executable: open.is_executable });
    }
    files.sort_by(|a, b| a.path_text().cmp(b.path_text()));

    for path in &escaping {
        let message = format!(
            "the link {} leaves the skill's folder and was refused; copy the file into the skill",
            quoted(path)
        );
        push(&mut diagnostics, Diagnostic::warning("symlink-escape", message));
    }
    if let Some(first) = unpinned.first() {
        let message = format!(
            "the files exceed {} MiB: {} of them are not pinned and cannot be read as resources (first: {}); move large data out of the skill",
            MAX_HASHED_BYTES >> 20,
            unpinned.len(),
            quoted(first)
        );
        diagnostics.push(Diagnostic::warning("files-too-large", message));
    }
    Listing { digest: digest(&files), files, escaping, diagnostics }
}

fn digest(files: &[SkillFile]) -> String {
    let mut hasher = Sha256::new();
    for file in files {
        let mark = if file.is_executable { "x" } else { "-" };
        hasher.update(format!("{}\0{}\0{}\0{mark}\n", file.path_text(), file.size, file.sha256));
    }
    format!("sha256:{}", hex(&hasher.finalize()))
}

/// Adds a finding unless there are many of its kind already; the last one says so.
fn push(diagnostics: &mut Vec<Diagnostic>, finding: Diagnostic) {
    let same = diagnostics.iter().filter(|d| d.code == finding.code).count();
    if same < MAX_FINDINGS {
        diagnostics.push(finding);
    } else if same == MAX_FINDINGS {
        diagnostics.push(Diagnostic { message: "and more of the same".to_string(), ..finding });
    }
}

struct Candidate {
    path: String,
    size: u64,
}

#[derive(Default)]
struct Walk {
    found: Vec<Candidate>,
    entries: usize,
    is_full: bool,
    diagnostics: Vec<Diagnostic>,
}

impl Walk {
    fn directory(&mut self, directory: &Path, prefix: &str, depth: usize) {
        let reader = match fs::read_dir(directory) {
            Ok(reader) => reader,
            Err(error) => {
                let message = format!("the folder {} cannot be read ({error}) and was left out", quoted(prefix));
                return push(&mut self.diagnostics, Diagnostic::warning("file-unreadable", message));
            }
        };
        let mut entries = Vec::new();
        for entry in reader.flatten() {
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return self.full(format!("the folder has more than {MAX_ENTRIES} entries"));
            }
            match entry.file_name().into_string() {
                Ok(name) => entries.push((name, entry)),
                Err(name) => {
                    let message = format!(
                        "the file name {} in {} is not UTF-8 and was left out; rename it",
                        quoted(&name.to_string_lossy()),
                        if prefix.is_empty() { "the skill's folder".to_string() } else { quoted(prefix) }
                    );
                    push(&mut self.diagnostics, Diagnostic::warning("file-name-not-utf8", message));
                }
            }
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, entry) in entries {
            if self.is_full {
                return;
            }
            let Ok(kind) = entry.file_type() else { continue };
            let path = format!("{prefix}{name}");
            if kind.is_dir() {
                if LEFT_OUT.contains(&name.as_str()) {
                    continue;
                }
                if depth >= MAX_DEPTH {
                    let message = format!(
                        "folders are nested more than {MAX_DEPTH} deep at {}; the rest was left out",
                        quoted(&path)
                    );
                    push(&mut self.diagnostics, Diagnostic::warning("files-too-deep", message));
                    continue;
                }
                self.directory(&entry.path(), &format!("{path}/"), depth + 1);
            } else if kind.is_file() || kind.is_symlink() {
                if self.found.len() >= MAX_FILES {
                    return self.full(format!("the skill has more than {MAX_FILES} files"));
                }
                let size = entry.metadata().map_or(0, |metadata| metadata.len());
                self.found.push(Candidate { path, size });
            } else {
                let message = format!("{} is a device, socket or pipe and was left out", quoted(&path));
                push(&mut self.diagnostics, Diagnostic::warning("special-file", message));
            }
        }
    }

    fn full(&mut self, what: String) {
        if !self.is_full {
            self.is_full = true;
            let message = format!("{what}; the rest was left out, move data out of the skill");
            self.diagnostics.push(Diagnostic::warning("files-too-many", message));
        }
    }
}
