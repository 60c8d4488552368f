//! The skills and tools that an engine knows, in the order they were loaded.
//!
//! Readers take a [`Snapshot`] and keep it as long as they like; a change builds the next one beside it. A call therefore
//! sees one consistent registry, and loading never waits for calls. Of two skills with one name the first wins.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde_json::{Value, json};

use super::cache::Cache;
use super::config::Config;
use super::snapshot::{Entry, Snapshot};
use crate::crew;
use crate::error::Result;
use crate::skill::{self, Diagnostic, Discovery, Severity, Skill, Skipped};

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

/// What became of the skills in a reload.
#[derive(Debug, Default)]
pub(super) struct ReloadReport {
    /// What is there now.
    pub(super) load: LoadReport,
    /// Names that are new.
    pub(super) added: Vec<String>,
    /// Names whose content, or whose folder, is another.
    pub(super) changed: Vec<String>,
    /// Names that are gone.
    pub(super) removed: Vec<String>,
}

impl ReloadReport {
    pub(super) fn to_json(&self) -> Value {
        let mut document = self.load.to_json();
        document["added"] = json!(self.added);
        document["changed"] = json!(self.changed);
        document["removed"] = json!(self.removed);
        document
    }
}

/// The registry of an engine.
#[derive(Debug, Default)]
pub(super) struct Registry {
    /// The only names that are loaded, if the host says so.
    allowed: Option<BTreeSet<String>>,
    /// How many threads may load.
    workers: usize,
    /// Where tools are kept between loads, if the host says so, and what calls may write.
    cache_dir: Option<PathBuf>,
    write_paths: Vec<PathBuf>,
    current: RwLock<Arc<Snapshot>>,
    /// One change at a time; readers do not wait for it.
    places: Mutex<Places>,
}

/// Where skills come from.
#[derive(Debug, Default)]
struct Places {
    /// Folders that were loaded, in that order.
    roots: Vec<PathBuf>,
    /// Folders of skills that were taken out.
    removed: HashSet<PathBuf>,
}

impl Registry {
    /// An empty registry, into which only the skills that the config names are let, by `workers` threads at most.
    pub(super) fn new(config: &Config, workers: usize) -> Self {
        Self {
            allowed: config.skills.clone(),
            workers,
            cache_dir: config.cache_dir.clone(),
            write_paths: config.policy.write_paths.clone(),
            ..Self::default()
        }
    }

    /// The cache for one load; what is wrong with it goes to `diagnostics`.
    fn cache(&self, diagnostics: &mut Vec<Diagnostic>) -> Option<Cache> {
        let opened = Cache::open(self.cache_dir.as_deref()?, &self.write_paths);
        opened.map_err(|finding| diagnostics.push(finding)).ok()
    }

    /// The registry as it is now.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, snapshot: Snapshot) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }

    /// Adds the skills below `root`. A skill that was loaded from the same folder before is replaced by what the
    /// folder holds now; one whose name another folder has taken is skipped; one that was taken out is back.
    pub(super) fn load(&self, root: &Path) -> Result<LoadReport> {
        let mut places = self.places();
        let discovery = skill::discover_by(root, self.workers)?;
        let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
        places.removed.retain(|folder| !folder.starts_with(&root));
        if !places.roots.contains(&root) {
            places.roots.push(root);
        }
        let before = self.snapshot();
        let mut report = LoadReport::default();
        let mut entries = before.entries().to_vec();
        let cache = self.cache(&mut report.diagnostics);
        self.merge(before.entries(), &mut entries, discovery, &places, cache.as_ref(), &mut report);
        report.diagnostics.extend(cache.into_iter().flat_map(Cache::finish));
        let snapshot = Snapshot::new(entries, before.disabled().clone());
        report.name_tools(&snapshot);
        self.publish(snapshot);
        Ok(report)
    }

    /// Reads every folder that was loaded anew, in the same order. What is unchanged stays as it is; a folder that cannot
    /// be read is an error, and then nothing changes.
    pub(super) fn reload(&self) -> Result<ReloadReport> {
        let places = self.places();
        let discoveries: Vec<_> =
            places.roots.iter().map(|root| skill::discover_by(root, self.workers)).collect::<Result<_>>()?;
        let before = self.snapshot();
        let mut report = ReloadReport::default();
        let mut entries: Vec<Arc<Entry>> = Vec::new();
        let cache = self.cache(&mut report.load.diagnostics);
        for discovery in discoveries {
            self.merge(before.entries(), &mut entries, discovery, &places, cache.as_ref(), &mut report.load);
        }
        report.load.diagnostics.extend(cache.into_iter().flat_map(Cache::finish));
        for entry in &entries {
            let name = &entry.skill.name;
            match before.entries().iter().find(|known| known.skill.name == *name) {
                None => report.added.push(name.clone()),
                Some(known) if Arc::ptr_eq(known, entry) => {}
                Some(_) => report.changed.push(name.clone()),
            }
        }
        let is_there = |name: &String| entries.iter().any(|entry| entry.skill.name == *name);
        let known = before.entries().iter().map(|entry| entry.skill.name.clone());
        report.removed = known.filter(|name| !is_there(name)).collect();
        let snapshot = Snapshot::new(entries, before.disabled().clone());
        report.load.name_tools(&snapshot);
        self.publish(snapshot);
        Ok(report)
    }

    /// Takes a skill out, until its folder is loaded again. [`crate::error::Status::SkillNotFound`].
    pub(super) fn remove(&self, name: &str) -> Result<()> {
        let mut places = self.places();
        let before = self.snapshot();
        let root = before.skill(name)?.0.skill.root.clone();
        let entries = before.entries().iter().filter(|entry| entry.skill.root != root).cloned().collect();
        places.removed.insert(root);
        self.publish(Snapshot::new(entries, before.disabled().clone()));
        Ok(())
    }

    /// Gives the tools of a skill out, or no longer. [`crate::error::Status::SkillNotFound`].
    pub(super) fn enable(&self, name: &str, is_enabled: bool) -> Result<()> {
        let _one = self.places();
        let before = self.snapshot();
        before.skill(name)?;
        let mut disabled = before.disabled().clone();
        match is_enabled {
            true => disabled.remove(name),
            false => disabled.insert(name.to_owned()),
        };
        self.publish(Snapshot::new(before.entries().to_vec(), disabled));
        Ok(())
    }

    /// Puts what was discovered beside `entries`, or in the place of what came from the same folder. What is `known` and
    /// unchanged is used again.
    fn merge(
        &self,
        known: &[Arc<Entry>],
        entries: &mut Vec<Arc<Entry>>,
        discovery: Discovery,
        places: &Places,
        cache: Option<&Cache>,
        report: &mut LoadReport,
    ) {
        let Discovery { skills, skipped, diagnostics } = discovery;
        report.skipped.extend(skipped);
        report.diagnostics.extend(diagnostics);
        let mut wanted: Vec<(Option<usize>, Skill)> = Vec::new();
        for skill in skills {
            let name = &skill.name;
            if places.removed.contains(&skill.root) {
                continue;
            }
            if self.allowed.as_ref().is_some_and(|allowed| !allowed.contains(name)) {
                let message = format!("the skill '{name}' is not among the config's \"skills\"");
                report.skipped.push(left_out(skill, Severity::Info, "skill-not-allowed", message));
                continue;
            }
            let place = entries.iter().position(|entry| entry.skill.name == *name);
            match place.and_then(|place| entries.get(place)) {
                Some(entry) if entry.skill.root != skill.root => {
                    let first = entry.skill.root.display();
                    let message = format!("the name '{name}' is taken by the skill loaded before from {first}");
                    report.skipped.push(left_out(skill, Severity::Error, "duplicate-skill", message));
                    continue;
                }
                _ => {}
            }
            report.skills.push(name.clone());
            wanted.push((place, skill));
        }
        let made = crew::map(wanted, self.workers, |(place, skill)| (place, made(known, skill, cache)));
        for (place, made) in made {
            match place.and_then(|place| entries.get_mut(place)) {
                Some(entry) => *entry = made,
                None => entries.push(made),
            }
        }
    }
}

impl LoadReport {
    /// Adds the names of the tools, which are final only in a snapshot.
    fn name_tools(&mut self, snapshot: &Snapshot) {
        for (entry, tools) in snapshot.skills() {
            if self.skills.contains(&entry.skill.name) {
                self.tools.extend(tools.iter().map(|tool| tool.name.clone()));
            }
        }
    }
}

/// The entry of a skill: the one that is known, where nothing has changed.
fn made(known: &[Arc<Entry>], skill: Skill, cache: Option<&Cache>) -> Arc<Entry> {
    let same = |entry: &&Arc<Entry>| entry.skill.root == skill.root && entry.skill.digest == skill.digest;
    known.iter().find(same).cloned().unwrap_or_else(|| Entry::new(skill, cache))
}

fn left_out(skill: Skill, severity: Severity, code: &'static str, message: String) -> Skipped {
    let mut diagnostics = vec![Diagnostic { severity, code, field: Some("name".into()), line: None, message }];
    diagnostics.extend(skill.diagnostics);
    Skipped { path: skill.root, diagnostics }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::error::Status;
    use crate::runtime::{Language, Runtime};

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
    fn a_reload_tells_what_is_new_changed_and_gone() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for name in ["alpha", "beta", "gamma"] {
            write(one.path(), name, "one");
        }
        write(two.path(), "beta", "two");
        let registry = Registry::default();
        registry.load(one.path()).unwrap();
        registry.load(two.path()).unwrap();
        let before = registry.snapshot();
        let same = registry.reload().unwrap();
        assert!(same.added.is_empty() && same.changed.is_empty() && same.removed.is_empty());
        assert_eq!(same.load.skills, ["alpha", "beta", "gamma"]);
        assert!(Arc::ptr_eq(before.skill("alpha").unwrap().0, registry.snapshot().skill("alpha").unwrap().0));

        write(one.path(), "alpha", "other");
        fs::remove_dir_all(one.path().join("gamma")).unwrap();
        // The second folder's beta comes into its own.
        fs::remove_dir_all(one.path().join("beta")).unwrap();
        write(two.path(), "delta", "two");
        let report = registry.reload().unwrap();
        assert_eq!((report.added, report.removed), (vec!["delta".into()], vec!["gamma".into()]));
        assert_eq!(report.changed, ["alpha", "beta"]);
        let beta = registry.snapshot().skill("beta").unwrap().0.skill.root.clone();
        assert_eq!(beta, two.path().canonicalize().unwrap().join("beta"));

        fs::remove_dir_all(two.path()).unwrap();
        assert_eq!(registry.reload().unwrap_err().status, Status::SkillDirectory);
        assert_eq!(registry.snapshot().skills().count(), 3, "a folder that is away for a moment takes nothing with it");
    }

    #[test]
    fn what_is_taken_out_stays_out_until_its_folder_is_loaded() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "alpha", "one");
        write(root.path(), "beta", "one");
        let registry = Registry::default();
        registry.load(root.path()).unwrap();
        registry.remove("alpha").unwrap();
        assert_eq!(registry.remove("alpha").unwrap_err().status, Status::SkillNotFound);
        registry.reload().unwrap();
        assert_eq!(registry.snapshot().skills().count(), 1);
        registry.load(root.path()).unwrap();
        assert_eq!(registry.snapshot().skills().count(), 2);
    }

    #[test]
    fn a_disabled_skill_gives_no_tools() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "alpha", "one");
        write(root.path(), "beta", "one");
        let registry = Registry::default();
        registry.load(root.path()).unwrap();
        registry.enable("alpha", false).unwrap();
        registry.reload().unwrap();
        let snapshot = registry.snapshot();
        assert_eq!(snapshot.tools().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["beta"]);
        let error = snapshot.tool("alpha").unwrap_err();
        assert!(error.status == Status::ToolNotFound && error.message.contains("disabled"), "{error}");
        assert!(snapshot.skill("alpha").is_ok());
        registry.enable("alpha", true).unwrap();
        assert!(registry.snapshot().tool("alpha").is_ok());
        assert_eq!(registry.enable("x", true).unwrap_err().status, Status::SkillNotFound);
    }

    #[test]
    fn only_allowed_names_are_let_in() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "alpha", "one");
        write(root.path(), "beta", "one");
        let registry = Registry { allowed: Some(BTreeSet::from(["beta".to_owned()])), ..Registry::default() };
        let report = registry.load(root.path()).unwrap();
        assert_eq!(report.skills, ["beta"]);
        assert_eq!(report.skipped[0].diagnostics[0].code, "skill-not-allowed");
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
