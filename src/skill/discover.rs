//! Folders of skills: which folders hold one, in which order, and what was left out and why.
//!
//! The walk is bounded and its order is that of the paths, so that two processes that look at the same folder see the same skills.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::diagnostic::Diagnostic;
use super::load::{SKILL_MD, load};
use super::manifest::quoted;
use super::{Skill, Skipped};
use crate::crew;
use crate::error::{Error, Result, Status};

/// Folders below the root.
const MAX_DEPTH: usize = 6;
/// Folders looked into.
const MAX_DIRECTORIES: usize = 2_000;
/// Entries of one folder looked at.
const MAX_ENTRIES: usize = 20_000;
/// Never hold skills of their own, and are large.
const LEFT_OUT: [&str; 3] = [".git", "node_modules", "__pycache__"];

/// What [`discover`] found below one root.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// The skills, in the order of their paths; no two have the same name.
    pub skills: Vec<Skill>,
    /// Folders with a SKILL.md that gave no skill, with the reasons; a skill whose name was taken is among them.
    pub skipped: Vec<Skipped>,
    /// What concerns the folder of skills: duplicates, bounds that were hit, links that leave, unreadable folders.
    pub diagnostics: Vec<Diagnostic>,
}

/// Loads every skill below `root`: the folder itself if it holds a SKILL.md, otherwise the folders in it, 6 deep and 2,000 in all;
/// `.git`, `node_modules` and `__pycache__` are left out, a skill's own subfolders are part of it.
///
/// Errors: `SkillDirectory` when `root` is missing, no directory or unreadable. Everything below that is a diagnostic.
pub fn discover(root: &Path) -> Result<Discovery> {
    discover_by(root, 1)
}

/// [`discover`], by at most `workers` threads.
pub fn discover_by(root: &Path, workers: usize) -> Result<Discovery> {
    let failed = |what: String| {
        let shown = quoted(&root.to_string_lossy());
        Error::new(Status::SkillDirectory, format!("skill directory {shown} {what}"))
    };
    let canonical = root.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => failed("does not exist; create it or correct the path".to_string()),
        io::ErrorKind::NotADirectory => failed("is no directory; give the folder that holds the skills".to_string()),
        _ => failed(format!("cannot be opened: {error}")),
    })?;
    if !canonical.is_dir() {
        return Err(failed("is no directory; give the folder that holds the skills".to_string()));
    }
    // Only the root's own unreadability is an error: below it the rest is still worth having.
    fs::read_dir(&canonical).map_err(|error| failed(format!("cannot be read: {error}; check its permissions")))?;

    let mut walk = Walk {
        root: canonical.clone(),
        seen: HashSet::new(),
        folders: Vec::new(),
        is_full: false,
        diagnostics: Vec::new(),
    };
    walk.enter(canonical, 0);

    let mut found = Discovery { diagnostics: walk.diagnostics, ..Discovery::default() };
    let mut taken: HashMap<String, usize> = HashMap::new();
    for loaded in crew::map(walk.folders, workers, |folder| load(&folder)) {
        let skill = match loaded {
            Ok(skill) => skill,
            Err(skipped) => {
                found.skipped.push(skipped);
                continue;
            }
        };
        let first = taken.get(&skill.name).and_then(|at| found.skills.get(*at));
        if let Some(first) = first {
            let message = format!(
                "the name {} of {} is already taken by {}; the first one is used, rename the other",
                quoted(&skill.name),
                quoted(&skill.root.to_string_lossy()),
                quoted(&first.root.to_string_lossy())
            );
            let finding = Diagnostic::warning("name-duplicate", message).field("name");
            found.diagnostics.push(finding.clone());
            found.skipped.push(Skipped { path: skill.root, diagnostics: vec![finding] });
            continue;
        }
        taken.insert(skill.name.clone(), found.skills.len());
        found.skills.push(skill);
    }
    Ok(found)
}

struct Walk {
    root: PathBuf,
    /// Canonical: a folder that links lead to twice, or in a circle, is looked into once.
    seen: HashSet<PathBuf>,
    folders: Vec<PathBuf>,
    is_full: bool,
    diagnostics: Vec<Diagnostic>,
}

impl Walk {
    /// Looks into a canonical directory. The recursion is as deep as `MAX_DEPTH`.
    fn enter(&mut self, directory: PathBuf, depth: usize) {
        if self.is_full || self.seen.contains(&directory) {
            return;
        }
        if self.seen.len() >= MAX_DIRECTORIES {
            self.is_full = true;
            let message = format!(
                "more than {MAX_DIRECTORIES} folders; the rest was not searched, give a folder closer to the skills"
            );
            return self.diagnostics.push(Diagnostic::warning("discovery-too-large", message));
        }
        self.seen.insert(directory.clone());
        let reader = match fs::read_dir(&directory) {
            Ok(reader) => reader,
            Err(error) => {
                let message = format!("the folder {} cannot be read: {error}", quoted(&directory.to_string_lossy()));
                return self.diagnostics.push(Diagnostic::warning("directory-unreadable", message));
            }
        };
        let mut children = Vec::new();
        let mut entries = 0usize;
        for entry in reader.flatten() {
            entries += 1;
            if entries > MAX_ENTRIES {
                let message = format!(
                    "the folder {} has more than {MAX_ENTRIES} entries; the rest was not searched",
                    quoted(&directory.to_string_lossy())
                );
                self.diagnostics.push(Diagnostic::warning("discovery-too-large", message));
                break;
            }
            let name = entry.file_name();
            let Ok(kind) = entry.file_type() else { continue };
            if !kind.is_dir() && SKILL_MD.iter().any(|skill_md| name == *skill_md) {
                return self.folders.push(directory);
            }
            if (kind.is_dir() || kind.is_symlink()) && !LEFT_OUT.iter().any(|left_out| name == *left_out) {
                children.push((name, kind.is_symlink()));
            }
        }
        children.sort_unstable();
        for (name, is_link) in children {
            let path = directory.join(name);
            let target = if is_link { self.followed(&path) } else { Some(path) };
            let Some(target) = target else { continue };
            if depth >= MAX_DEPTH {
                let message = format!(
                    "folders are nested more than {MAX_DEPTH} deep at {}; the rest was not searched",
                    quoted(&target.to_string_lossy())
                );
                self.diagnostics.push(Diagnostic::info("discovery-too-deep", message));
                break;
            }
            self.enter(target, depth + 1);
        }
    }

    /// Where a link leads, if it is a directory inside the root.
    fn followed(&mut self, link: &Path) -> Option<PathBuf> {
        let target = link.canonicalize().ok()?;
        if !target.starts_with(&self.root) {
            let message = format!(
                "the link {} leaves the folder of skills and was not followed; add its target as a folder of its own",
                quoted(&link.to_string_lossy())
            );
            self.diagnostics.push(Diagnostic::warning("symlink-escape", message));
            return None;
        }
        target.is_dir().then_some(target)
    }
}
