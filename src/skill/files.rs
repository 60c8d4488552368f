//! The list of a skill's files with their digests: what was loaded, byte for byte.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::SystemTime;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::beneath::{Directory, OpenError, Root, hex};
use super::diagnostic::Diagnostic;
use super::identity::{Identity, Kind};
use super::manifest::quoted;
use super::pins::{FolderId, Pins, Recorder};

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
pub(super) const BUFFER_BYTES: usize = 64 * 1024;

/// Folders that are no part of a skill: version control, installed packages, byte code.
pub(super) const LEFT_OUT: [&str; 3] = [".git", "node_modules", "__pycache__"];

/// Whether a folder of this name is no part of a skill.
pub(super) fn is_left_out(name: &OsStr) -> bool {
    LEFT_OUT.iter().any(|left_out| name == *left_out)
}

/// A regular file of a skill, as it was when the skill was loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SkillFile {
    /// Relative to the skill's folder, `/`-separated, always UTF-8.
    pub path: PathBuf,
    /// Length in bytes.
    pub size: u64,
    /// Lowercase hex SHA-256 of the content. Empty for a file beyond [`MAX_HASHED_BYTES`]: listed, not readable as a
    /// resource, and pinned by what the system says about it (inode, size, times, mode) instead of by its content.
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
    pub pins: Pins,
    /// Links that leave the folder: not listed, never opened.
    pub escaping: Vec<String>,
    pub diagnostics: Vec<Diagnostic>,
}

/// The SKILL.md that the loader has read, so that what was parsed is what is pinned.
#[derive(Clone, Copy, Debug)]
pub(super) struct SkillMd<'d> {
    pub name: &'d str,
    pub content: &'d [u8],
    /// From before it was read.
    pub identity: Identity,
    /// From before that.
    pub started: SystemTime,
}

/// Lists and hashes.
pub(super) fn list(root: &Root, skill_md: &SkillMd<'_>) -> Listing {
    let mut walk = Walk {
        root,
        recorder: Recorder::new(skill_md.started),
        found: Vec::new(),
        entries: 0,
        is_full: false,
        diagnostics: Vec::new(),
    };
    // A folder that cannot be read is one of the diagnostics.
    let _ = walk.directory("", 0);
    let Walk { mut found, mut diagnostics, mut recorder, .. } = walk;

    if found.iter().map(|candidate| candidate.identity.size).sum::<u64>() > MAX_HASHED_BYTES {
        found.sort_unstable_by(|a, b| (a.identity.size, &a.path).cmp(&(b.identity.size, &b.path)));
    }
    let mut listed = Vec::with_capacity(found.len());
    let mut escaping = Vec::new();
    let mut unpinned = Vec::new();
    let mut left_bytes = MAX_HASHED_BYTES;
    let mut buffer = vec![0; BUFFER_BYTES];
    for candidate in found {
        let path = candidate.path.as_str();
        let mut open = match root.open_file(path) {
            Ok(open) => open,
            Err(OpenError::Escapes) => {
                escaping.push(path.to_owned());
                candidate.leave_out(&mut recorder);
                continue;
            }
            Err(OpenError::Missing | OpenError::WrongKind) => {
                candidate.leave_out(&mut recorder);
                continue;
            }
            Err(OpenError::Io(error)) => {
                let message = format!("{} cannot be read ({error}) and was left out", quoted(path));
                push(&mut diagnostics, Diagnostic::warning("file-unreadable", message));
                candidate.leave_out(&mut recorder);
                continue;
            }
        };
        let mut identity = open.identity;
        let hashed = if path == skill_md.name {
            identity = skill_md.identity;
            Ok(Some((hex(&Sha256::digest(skill_md.content)), skill_md.content.len() as u64)))
        } else if identity.size > left_bytes {
            Ok(None)
        } else {
            open.hash(left_bytes, &mut buffer)
        };
        let (sha256, size) = match hashed {
            Ok(Some((sha256, size))) => {
                left_bytes = left_bytes.saturating_sub(size);
                (sha256, size)
            }
            Ok(None) => {
                unpinned.push(path.to_owned());
                (String::new(), identity.size)
            }
            Err(error) => {
                let message = format!("{} cannot be read ({error}) and was left out", quoted(path));
                push(&mut diagnostics, Diagnostic::warning("file-unreadable", message));
                candidate.leave_out(&mut recorder);
                continue;
            }
        };
        let path = PathBuf::from(path);
        listed.push((SkillFile { path, size, sha256, is_executable: identity.is_executable }, candidate, identity));
    }
    listed.sort_unstable_by(|a, b| a.0.path_text().cmp(b.0.path_text()));
    let mut files = Vec::with_capacity(listed.len());
    for (at, (file, candidate, identity)) in listed.into_iter().enumerate() {
        candidate.record(at, &file, identity, &mut recorder);
        files.push(file);
    }

    for path in &escaping {
        let message = format!(
            "the link {} leaves the skill's folder and was refused; copy the file into the skill",
            quoted(path)
        );
        push(&mut diagnostics, Diagnostic::warning("symlink-escape", message));
    }
    if let Some(first) = unpinned.first() {
        let message = format!(
            "the files exceed {} MiB: {} of them are pinned by size and times only and cannot be read as resources (first: {}); move large data out of the skill",
            MAX_HASHED_BYTES >> 20,
            unpinned.len(),
            quoted(first)
        );
        diagnostics.push(Diagnostic::warning("files-too-large", message));
    }
    Listing { digest: digest(&files), files, pins: recorder.finish(), escaping, diagnostics }
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

/// A file or link that was found.
struct Candidate {
    path: String,
    folder: FolderId,
    /// Its own, not that of a link's target.
    identity: Identity,
    /// What a link says.
    target: Option<OsString>,
}

impl Candidate {
    fn name(&self) -> &OsStr {
        OsStr::new(self.path.rsplit('/').next().unwrap_or_default())
    }

    /// It is none of the skill's files.
    fn leave_out(self, recorder: &mut Recorder) {
        match &self.target {
            Some(target) => recorder.dead_link(self.folder, self.name(), target, &self.identity),
            None => recorder.opaque(self.folder, self.name(), &self.identity),
        }
    }

    /// It is the skill's file number `at`, and `read` is the identity of what was hashed.
    fn record(self, at: usize, file: &SkillFile, read: Identity, recorder: &mut Recorder) {
        match &self.target {
            Some(target) => recorder.link(self.folder, self.name(), target, (at, file), &[self.identity, read]),
            None => recorder.file(self.folder, (at, file), &read),
        }
    }
}

struct Walk<'r> {
    root: &'r Root,
    recorder: Recorder,
    found: Vec<Candidate>,
    entries: usize,
    is_full: bool,
    diagnostics: Vec<Diagnostic>,
}

impl Walk<'_> {
    /// Looks into the folder `prefix`, which is empty or ends in `/`. `Err`: it cannot be read.
    fn directory(&mut self, prefix: &str, depth: usize) -> Result<(), ()> {
        let listed = self.root.open_directory(prefix).and_then(|directory| {
            let identity = directory.identity().map_err(OpenError::Io)?;
            let names = directory.names(MAX_ENTRIES - self.entries + 1).map_err(OpenError::Io)?;
            Ok((directory, identity, names))
        });
        let (directory, identity, mut names) = match listed {
            Ok(listed) => listed,
            Err(error) => {
                let message = format!("the folder {} cannot be read ({error}) and was left out", quoted(prefix));
                push(&mut self.diagnostics, Diagnostic::warning("file-unreadable", message));
                return Err(());
            }
        };
        let folder = self.recorder.folder(prefix, &identity);
        self.entries += names.len();
        if self.entries > MAX_ENTRIES {
            self.entries = MAX_ENTRIES;
            self.full(format!("the folder has more than {MAX_ENTRIES} entries"));
        }
        names.sort_unstable();
        for name in names {
            if !self.is_full {
                self.entry(&directory, folder, prefix, &name, depth);
            }
        }
        if self.is_full {
            self.recorder.incomplete(folder, &identity);
        }
        Ok(())
    }

    fn entry(&mut self, directory: &Directory, folder: FolderId, prefix: &str, name: &OsStr, depth: usize) {
        // Gone meanwhile: then the folder is no longer as it was listed, which verifying notices.
        let Ok(identity) = directory.look(name) else { return };
        if identity.kind == Kind::Directory && is_left_out(name) {
            return;
        }
        let Some(text) = name.to_str() else {
            let message = format!(
                "the file name {} in {} is not UTF-8 and was left out; rename it",
                quoted(&name.to_string_lossy()),
                if prefix.is_empty() { "the skill's folder".to_string() } else { quoted(prefix) }
            );
            push(&mut self.diagnostics, Diagnostic::warning("file-name-not-utf8", message));
            return self.recorder.opaque(folder, name, &identity);
        };
        let path = format!("{prefix}{text}");
        match identity.kind {
            Kind::Directory if depth >= MAX_DEPTH => {
                let message = format!(
                    "folders are nested more than {MAX_DEPTH} deep at {}; the rest was left out",
                    quoted(&path)
                );
                push(&mut self.diagnostics, Diagnostic::warning("files-too-deep", message));
                self.recorder.opaque(folder, name, &identity);
            }
            Kind::Directory => match self.directory(&format!("{path}/"), depth + 1) {
                Ok(()) => self.recorder.subfolder(folder, name),
                Err(()) => self.recorder.opaque(folder, name, &identity),
            },
            Kind::File | Kind::Link if self.found.len() >= MAX_FILES => {
                self.full(format!("the skill has more than {MAX_FILES} files"));
            }
            Kind::File => self.found.push(Candidate { path, folder, identity, target: None }),
            Kind::Link => {
                // Exchanged meanwhile: as above.
                let Ok(target) = directory.link_target(name) else { return };
                self.found.push(Candidate { path, folder, identity, target: Some(target) });
            }
            Kind::Special => {
                let message = format!("{} is a device, socket or pipe and was left out", quoted(&path));
                push(&mut self.diagnostics, Diagnostic::warning("special-file", message));
                self.recorder.special(folder, name);
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
