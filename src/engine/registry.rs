//! The skills and tools that an engine knows, in the order they were loaded.
//!
//! Readers take a snapshot and keep it as long as they like; a load builds the next one beside it. A call therefore
//! sees one consistent registry, and loading never waits for calls. Of two skills with one name the first wins.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use serde_json::{Value, json};

use super::document::excerpt;
use crate::error::{Error, Result, Status};
use crate::runtime::{Language, Runtime, python_needs_site};
use crate::skill::{self, Diagnostic, Discovery, Severity, Skill, Skipped};
use crate::tool::{Tool, tools_of, unique_names};

/// The most bytes of a skill's Python sources that are read to find out what they import.
const MAX_SOURCE_BYTES: u64 = 4 << 20;
/// How many names an error message lists.
const NAMED: usize = 12;

/// A loaded skill and its tools, before their names are made unique.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) skill: Arc<Skill>,
    /// What the search for tools had to say.
    pub(super) diagnostics: Vec<Diagnostic>,
    tools: Vec<Tool>,
    needs_site: OnceLock<bool>,
}

impl Entry {
    fn new(skill: Skill) -> Arc<Self> {
        let skill = Arc::new(skill);
        let (tools, diagnostics) = tools_of(&skill);
        Arc::new(Self { skill, diagnostics, tools, needs_site: OnceLock::new() })
    }

    /// Whether the skill's Python code imports anything beyond the standard library, and so needs `site`. Found on
    /// the first call; when the sources cannot be read in full the answer is yes, which is slower and always right.
    pub(super) fn needs_site(&self, python: &Runtime) -> bool {
        *self.needs_site.get_or_init(|| {
            let mut left = MAX_SOURCE_BYTES;
            let mut sources = Vec::new();
            for file in &self.skill.files {
                let is_declared =
                    self.tools.iter().any(|tool| tool.language == Language::Python && tool.script == file.path);
                if !is_declared && file.path.extension().is_none_or(|ending| ending != "py") {
                    continue;
                }
                let Some(Ok(source)) = file.path.to_str().map(|path| self.skill.read_resource(path, left)) else {
                    return true;
                };
                left = left.saturating_sub(source.len() as u64);
                sources.push((file.path.as_path(), source));
            }
            let sources: Vec<_> = sources.iter().map(|(path, source)| (*path, source.as_slice())).collect();
            python_needs_site(&sources, python)
        })
    }
}

/// One state of the registry.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    entries: Vec<Arc<Entry>>,
    /// For each entry its tools, under their final names.
    tools: Vec<Vec<Arc<Tool>>>,
    by_name: HashMap<String, (usize, usize)>,
}

impl Snapshot {
    fn new(entries: Vec<Arc<Entry>>) -> Self {
        let mut named: Vec<Tool> = entries.iter().flat_map(|entry| entry.tools.iter().cloned()).collect();
        unique_names(&mut named);
        let mut named = named.into_iter().map(Arc::new);
        let tools: Vec<Vec<_>> = entries.iter().map(|entry| named.by_ref().take(entry.tools.len()).collect()).collect();
        let mut by_name = HashMap::new();
        for (position, tools) in tools.iter().enumerate() {
            for (index, tool) in tools.iter().enumerate() {
                by_name.insert(tool.name.clone(), (position, index));
            }
        }
        Self { entries, tools, by_name }
    }

    /// Each skill with its tools, in load order.
    pub(super) fn skills(&self) -> impl Iterator<Item = (&Arc<Entry>, &[Arc<Tool>])> {
        self.entries.iter().zip(self.tools.iter().map(Vec::as_slice))
    }

    /// Every tool, in load order.
    pub(super) fn tools(&self) -> impl Iterator<Item = &Arc<Tool>> {
        self.tools.iter().flatten()
    }

    /// The tool of this name and its skill; [`Status::ToolNotFound`] names those that there are.
    pub(super) fn tool(&self, name: &str) -> Result<(&Arc<Entry>, &Arc<Tool>)> {
        let found = self.by_name.get(name).and_then(|(position, index)| {
            Some((self.entries.get(*position)?, self.tools.get(*position)?.get(*index)?))
        });
        found.ok_or_else(|| {
            let known = self.tools().map(|tool| tool.name.as_str());
            Error::new(Status::ToolNotFound, format!("no tool '{}'; {}", excerpt(name), list("tools", known)))
        })
    }

    /// The skill of this name; [`Status::SkillNotFound`] names those that there are.
    pub(super) fn skill(&self, name: &str) -> Result<(&Arc<Entry>, &[Arc<Tool>])> {
        self.skills().find(|(entry, _)| entry.skill.name == name).ok_or_else(|| {
            let known = self.entries.iter().map(|entry| entry.skill.name.as_str());
            Error::new(Status::SkillNotFound, format!("no skill '{}'; {}", excerpt(name), list("skills", known)))
        })
    }
}

fn list<'n>(what: &str, names: impl Iterator<Item = &'n str>) -> String {
    let mut names: Vec<_> = names.take(NAMED + 1).collect();
    if names.is_empty() {
        return format!("no {what} are loaded");
    }
    if names.len() > NAMED {
        names.truncate(NAMED);
        names.push("…");
    }
    format!("loaded {what}: {}", names.join(", "))
}

/// What one load brought.
#[derive(Debug, Default)]
pub(super) struct LoadReport {
    /// Names of the skills that were found and can be used now.
    pub(super) skills: Vec<String>,
    /// Names of their tools.
    pub(super) tools: Vec<String>,
    /// Folders that gave no skill.
    pub(super) skipped: Vec<Skipped>,
    /// What concerns the whole folder.
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl LoadReport {
    pub(super) fn to_json(&self) -> Value {
        let skipped: Vec<_> = self
            .skipped
            .iter()
            .map(|skipped| json!({ "path": skipped.path.to_string_lossy(), "diagnostics": skipped.diagnostics }))
            .collect();
        json!({ "skills": self.skills, "tools": self.tools, "skipped": skipped, "diagnostics": self.diagnostics })
    }
}

/// The registry of an engine.
#[derive(Debug, Default)]
pub(super) struct Registry {
    current: RwLock<Arc<Snapshot>>,
    /// One load at a time; readers do not wait for it.
    loading: Mutex<()>,
}

impl Registry {
    /// The registry as it is now.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds the skills below `root`. A skill that was loaded from the same folder before is replaced by what the
    /// folder holds now; one whose name another folder has taken is skipped.
    pub(super) fn load(&self, root: &Path) -> Result<LoadReport> {
        let _one = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        let (snapshot, report) = merge(&self.snapshot(), skill::discover(root)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
        Ok(report)
    }
}

/// The registry `before` with what was discovered.
fn merge(before: &Snapshot, discovery: Discovery) -> (Snapshot, LoadReport) {
    let Discovery { skills, skipped, diagnostics } = discovery;
    let mut entries = before.entries.clone();
    let mut report = LoadReport { skipped, diagnostics, ..LoadReport::default() };
    for skill in skills {
        let name = skill.name.clone();
        match entries.iter_mut().find(|entry| entry.skill.name == name) {
            None => entries.push(Entry::new(skill)),
            Some(entry) if entry.skill.root == skill.root => {
                if entry.skill.digest != skill.digest {
                    *entry = Entry::new(skill);
                }
            }
            Some(entry) => {
                report.skipped.push(duplicate(skill, &entry.skill.root));
                continue;
            }
        }
        report.skills.push(name);
    }
    let snapshot = Snapshot::new(entries);
    for (entry, tools) in snapshot.skills() {
        if report.skills.contains(&entry.skill.name) {
            report.tools.extend(tools.iter().map(|tool| tool.name.clone()));
        }
    }
    (snapshot, report)
}

fn duplicate(skill: Skill, first: &Path) -> Skipped {
    let reason = Diagnostic {
        severity: Severity::Error,
        code: "duplicate-skill",
        field: Some("name".into()),
        line: None,
        message: format!("the name '{}' is taken by the skill loaded before from {}", skill.name, first.display()),
    };
    let mut diagnostics = vec![reason];
    diagnostics.extend(skill.diagnostics);
    Skipped { path: skill.root, diagnostics }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(root: &Path, name: &str, text: &str) {
        let scripts = root.join(name).join("scripts");
        fs::create_dir_all(&scripts).unwrap();
        let front = format!("---\nname: {name}\ndescription: Says {text}.\n---\n# {name}\n");
        fs::write(root.join(name).join("SKILL.md"), front).unwrap();
        fs::write(scripts.join("main.py"), format!("import sys\nprint({text:?}, sys.argv)\n")).unwrap();
    }

    #[test]
    fn the_first_of_a_name_wins_and_the_second_is_reported() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(one.path(), "alpha", "one");
        write(two.path(), "alpha", "two");
        write(two.path(), "beta", "two");
        let registry = Registry::default();
        let first = registry.load(one.path()).unwrap();
        assert_eq!(first.skills, ["alpha"]);
        assert_eq!(first.tools.len(), 1);
        let second = registry.load(two.path()).unwrap();
        assert_eq!(second.skills, ["beta"]);
        assert_eq!(second.skipped.len(), 1);
        assert_eq!(second.skipped[0].diagnostics[0].code, "duplicate-skill");
        let snapshot = registry.snapshot();
        assert_eq!(
            snapshot.skills().map(|(entry, _)| entry.skill.name.as_str()).collect::<Vec<_>>(),
            ["alpha", "beta"]
        );
        let alpha = one.path().canonicalize().unwrap().join("alpha");
        assert_eq!(snapshot.skill("alpha").unwrap().0.skill.root, alpha);
        let json = second.to_json();
        assert_eq!(json["skipped"][0]["diagnostics"][0]["code"], "duplicate-skill");
    }

    #[test]
    fn loading_a_folder_again_picks_up_what_changed() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "alpha", "one");
        write(root.path(), "beta", "one");
        let registry = Registry::default();
        let names = registry.load(root.path()).unwrap().tools;
        let before = registry.snapshot();
        write(root.path(), "beta", "two");
        assert_eq!(registry.load(root.path()).unwrap().tools, names);
        let after = registry.snapshot();
        let same = |name: &str| Arc::ptr_eq(before.skill(name).unwrap().0, after.skill(name).unwrap().0);
        assert!(same("alpha") && !same("beta"));
        assert_eq!(after.skills().count(), 2);
    }

    #[test]
    fn what_is_missing_is_named_beside_what_is_there() {
        let registry = Registry::default();
        let error = registry.snapshot().tool("x").unwrap_err();
        assert_eq!(error.status, Status::ToolNotFound);
        assert!(error.message.contains("no tools are loaded"), "{error}");
        let root = tempfile::tempdir().unwrap();
        for number in 0..20 {
            write(root.path(), &format!("skill{number:02}"), "x");
        }
        registry.load(root.path()).unwrap();
        let error = registry.snapshot().skill(&"y".repeat(500)).unwrap_err();
        assert_eq!(error.status, Status::SkillNotFound);
        assert!(error.message.contains("skill00, ") && error.message.ends_with('…') && error.message.len() < 300);
        let missing = registry.load(Path::new("/nonexistent")).unwrap_err();
        assert_eq!(missing.status, Status::SkillDirectory);
    }

    #[test]
    fn site_is_needed_only_for_foreign_imports() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "plain", "x");
        write(root.path(), "foreign", "x");
        fs::write(root.path().join("foreign/scripts/helper.py"), "import numpy\n").unwrap();
        let registry = Registry::default();
        registry.load(root.path()).unwrap();
        let python = Runtime {
            language: Language::Python,
            program: "/usr/bin/python3".into(),
            arguments: Vec::new(),
            mounts: Vec::new(),
            symlinks: Vec::new(),
            environment: Vec::new(),
            standard_modules: vec!["sys".into()],
        };
        let snapshot = registry.snapshot();
        assert!(!snapshot.skill("plain").unwrap().0.needs_site(&python));
        assert!(snapshot.skill("foreign").unwrap().0.needs_site(&python));
    }
}
