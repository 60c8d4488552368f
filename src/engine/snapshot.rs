//! One state of the registry: skills with their tools under names that are unique. It never changes, so whoever holds one
//! sees one consistent registry.

#[cfg(all(feature = "dependencies", target_os = "linux"))]
use std::collections::BTreeMap;
use std::collections::{BTreeSet, HashMap};
#[cfg(all(feature = "dependencies", target_os = "linux"))]
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
#[cfg(all(feature = "dependencies", target_os = "linux"))]
use std::sync::{Mutex, PoisonError};

use super::cache::Cache;
use super::document::excerpt;
use super::scan;
use crate::error::{Error, Result, Status};
use crate::runtime::{Language, Runtime, python_needs_site};
#[cfg(all(feature = "dependencies", target_os = "linux"))]
use crate::skill::{Dependencies, Ecosystem};
use crate::skill::{Diagnostic, Skill};
use crate::tool::{Tool, stored, tools_of, unique_names};

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
    /// What the scan said, once somebody asked.
    pub(super) scanned: scan::Memory,
    /// What scripts declare to need, by their path.
    #[cfg(all(feature = "dependencies", target_os = "linux"))]
    needs: Mutex<BTreeMap<PathBuf, Needs>>,
}

/// What one script declares to need, if anything.
#[cfg(all(feature = "dependencies", target_os = "linux"))]
type Needs = Option<Arc<Dependencies>>;

impl Entry {
    /// A skill with its tools: those that the cache keeps, otherwise read from its scripts.
    pub(super) fn new(skill: Skill, cache: Option<&Cache>) -> Arc<Self> {
        let skill = Arc::new(skill);
        let place = cache.and_then(|cache| Some((cache, stored::key(&skill)?)));
        let kept = place.as_ref().and_then(|(cache, key)| stored::read(&cache.get(key)?, &skill));
        let (tools, diagnostics) = match kept {
            Some(tools) => (tools, Vec::new()),
            None => {
                let (tools, diagnostics) = tools_of(&skill);
                // What there is something to say about is read each time.
                if let (Some((cache, key)), true) = (place, diagnostics.is_empty()) {
                    stored::write(&tools).into_iter().for_each(|bytes| cache.put(&key, &bytes));
                }
                (tools, diagnostics)
            }
        };
        Arc::new(Self {
            skill,
            diagnostics,
            tools,
            needs_site: OnceLock::new(),
            scanned: Default::default(),
            #[cfg(all(feature = "dependencies", target_os = "linux"))]
            needs: Mutex::default(),
        })
    }

    /// What the script declares to need, read on the first call. Errors as [`Skill::dependencies`]; they are not kept.
    #[cfg(all(feature = "dependencies", target_os = "linux"))]
    pub(super) fn dependencies(&self, script: &Path, ecosystem: Ecosystem) -> Result<Needs> {
        if let Some(needs) = self.needs.lock().unwrap_or_else(PoisonError::into_inner).get(script) {
            return Ok(needs.clone());
        }
        let needs = self.skill.dependencies(script, ecosystem)?.map(Arc::new);
        self.needs.lock().unwrap_or_else(PoisonError::into_inner).insert(script.to_path_buf(), needs.clone());
        Ok(needs)
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
    /// Skills whose tools are not given out and cannot be called.
    disabled: BTreeSet<String>,
}

impl Snapshot {
    /// The state with these skills. The names of tools do not depend on what is disabled.
    pub(super) fn new(entries: Vec<Arc<Entry>>, disabled: BTreeSet<String>) -> Self {
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
        Self { entries, tools, by_name, disabled }
    }

    /// Each skill with its tools, in load order.
    pub(super) fn skills(&self) -> impl Iterator<Item = (&Arc<Entry>, &[Arc<Tool>])> {
        self.entries.iter().zip(self.tools.iter().map(Vec::as_slice))
    }

    /// The skills, in load order.
    pub(super) fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// Which skills are disabled.
    pub(super) fn disabled(&self) -> &BTreeSet<String> {
        &self.disabled
    }

    /// Every tool that can be called, in load order.
    pub(super) fn tools(&self) -> impl Iterator<Item = &Arc<Tool>> {
        self.enabled().flat_map(|(_, tools)| tools)
    }

    /// The tool of this name and its skill; [`Status::ToolNotFound`] names those that there are, or says that its skill is
    /// disabled.
    pub(super) fn tool(&self, name: &str) -> Result<(&Arc<Entry>, &Arc<Tool>)> {
        let found = self.by_name.get(name).and_then(|(position, index)| {
            Some((self.entries.get(*position)?, self.tools.get(*position)?.get(*index)?))
        });
        if let Some((entry, _)) = found.filter(|(entry, _)| self.disabled.contains(&entry.skill.name)) {
            let (tool, skill) = (excerpt(name), excerpt(&entry.skill.name));
            let message =
                format!("tool '{tool}' belongs to the skill '{skill}', which is disabled; enable it to call it");
            return Err(Error::new(Status::ToolNotFound, message));
        }
        found.ok_or_else(|| {
            let known = self.tools().map(|tool| tool.name.as_str());
            Error::new(Status::ToolNotFound, format!("no tool '{}'; {}", excerpt(name), list("tools", known)))
        })
    }

    /// The skills whose tools are given out, in load order.
    pub(super) fn enabled(&self) -> impl Iterator<Item = (&Arc<Entry>, &[Arc<Tool>])> {
        self.skills().filter(|(entry, _)| !self.disabled.contains(&entry.skill.name))
    }

    /// [`Snapshot::skill`], of those alone that are not disabled.
    pub(super) fn enabled_skill(&self, name: &str) -> Result<(&Arc<Entry>, &[Arc<Tool>])> {
        if self.disabled.contains(name) {
            let message = format!("the skill '{}' is disabled; enable it to use it", excerpt(name));
            return Err(Error::new(Status::SkillNotFound, message));
        }
        self.skill(name)
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
