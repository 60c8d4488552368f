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
mod tests;
