//! The environments of one engine: found by calls, built by [`Environments::prepare`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use serde_json::{Value, json};

use super::build::{Job, build, folder_name};
use super::settings::{Index, Settings};
use super::store::Store;
use super::{Candidate, Workshop};
use crate::engine::Config;
use crate::engine::snapshot::Entry;
use crate::error::{Error, Result, Status};
use crate::runtime::{Language, Runtime};
use crate::sandbox::{Bind, Layout, Tier};
use crate::skill::{Dependencies, Ecosystem};
use crate::tool::Tool;

/// Where Node finds packages in a view of the call's own: above every script, whatever its kind of module.
const NODE_MODULES: &str = "/node_modules";
/// What makes `import` look where `require` does, for scripts that lie where the host has them.
const NODE_PRELOAD: &str = include_str!("modules.cjs");
const NODE_PRELOAD_NAME: &str = ".skilllite/modules.cjs";

/// What an engine knows of environments.
pub(in crate::engine) struct Environments {
    settings: Option<Settings>,
    cache: PathBuf,
    granted: Vec<PathBuf>,
    store: OnceLock<Store>,
}

impl Environments {
    /// Touches no file.
    pub(in crate::engine) fn new(config: &Config) -> Self {
        Self {
            settings: config.dependencies.clone(),
            cache: config.cache_dir.clone().unwrap_or_default(),
            granted: config.policy.write_paths.clone(),
            store: OnceLock::new(),
        }
    }

    /// What a call of `tool` gets. [`Status::NotPrepared`] when its environment is not there,
    /// [`Status::InvalidDependencies`]. Without settings nothing is an error: scripts import what the host has.
    pub(in crate::engine) fn provide(
        &self,
        entry: &Entry,
        tool: &Tool,
        runtime: &Runtime,
        tier: Tier,
    ) -> Result<Provided> {
        let Some(ecosystem) = ecosystem_of(tool.language) else { return Ok(Provided::default()) };
        let needs = match (entry.dependencies(&tool.script, ecosystem), &self.settings) {
            (Ok(None), _) => return Ok(Provided::default()),
            (Ok(Some(needs)), _) => needs,
            (Err(error), None) if error.status == Status::InvalidDependencies => {
                return Ok(Provided { environment: None, report: json!({ "state": "host", "hint": error.message }) });
            }
            (Err(error), _) => return Err(error),
        };
        let mut report = told(&needs);
        let Some(settings) = &self.settings else {
            report["state"] = json!("host");
            report["hint"] = json!(hint(&entry.skill.name, &needs));
            return Ok(Provided { environment: None, report });
        };
        let key = key_of(&needs, index_of(settings, &entry.skill.name, &needs)?, settings, runtime)?;
        let Some(folder) = self.store()?.complete(&key)? else {
            let message = format!(
                "what skill '{}' needs is not installed: {}; call skl_engine_prepare() for it first",
                entry.skill.name,
                needs.summary()
            );
            return Err(Error::new(Status::NotPrepared, message));
        };
        report["state"] = json!("ready");
        report["key"] = json!(key);
        let folder = folder.join(folder_name(ecosystem).to_string_lossy().as_ref());
        let has_own_view = tier != Tier::Landlock;
        Ok(Provided { environment: Some(Environment { ecosystem, folder, has_own_view }), report })
    }

    /// Builds what the tools of `candidates` need and is not there. Gives `{"environments": […]}`, one for each skill and
    /// set of needs; nothing is touched where nothing is declared. Errors: [`Status::BuildFailed`],
    /// [`Status::InvalidDependencies`], [`Status::InterpreterNotFound`], [`Status::Closed`], [`Status::Io`], those of a call.
    pub(in crate::engine) fn prepare(&self, workshop: &Workshop<'_>, candidates: &[Candidate<'_>]) -> Result<Value> {
        let mut environments = Vec::new();
        for (entry, tools) in candidates {
            for wanted in wanted(entry, tools)? {
                environments.push(self.ensure(workshop, entry, &wanted)?);
            }
        }
        Ok(json!({ "environments": environments }))
    }

    /// The environment of one set of needs, as the report has it.
    fn ensure(&self, workshop: &Workshop<'_>, entry: &Entry, wanted: &Wanted) -> Result<Value> {
        let (start, needs) = (Instant::now(), &*wanted.needs);
        let skill = &entry.skill.name;
        let mut report = json!({ "skill": skill, "tools": wanted.tools });
        merge(&mut report, told(needs));
        let Some(settings) = &self.settings else {
            merge(&mut report, json!({ "state": "host", "hint": hint(skill, needs) }));
            return Ok(report);
        };
        let index = index_of(settings, skill, needs)?;
        entry.skill.verify_all()?;
        let interpreter = workshop.interpreters.find(wanted.language)?;
        let key = key_of(needs, index, settings, &interpreter)?;
        let job = Job { skill, needs, index, interpreter: &interpreter };
        let (state, folder) = match self.store()?.complete(&key)? {
            Some(folder) => ("ready", folder),
            None => self.made(job, &key, settings, workshop)?,
        };
        merge(&mut report, json!({ "state": state, "key": key, "path": folder.to_string_lossy() }));
        let record = Store::record(&folder).unwrap_or_default();
        for field in ["installer", "packages", "files", "bytes", "log"] {
            report[field] = record[field].clone();
        }
        report["duration_ms"] = json!(start.elapsed().as_millis() as u64);
        Ok(report)
    }

    /// Makes an environment, or waits for somebody else who does.
    fn made(
        &self,
        job: Job<'_>,
        key: &str,
        settings: &Settings,
        workshop: &Workshop<'_>,
    ) -> Result<(&'static str, PathBuf)> {
        let store = self.store()?;
        let place = store.place(key, workshop.is_closed)?;
        if let Some(folder) = store.complete(key)? {
            return Ok(("ready", folder));
        }
        let record = place.clear().and_then(|part| {
            let built = build(job, settings, workshop, part)?;
            Ok(json!({
                "key": key,
                "requirements": job.needs.requirements,
                "index": job.index.url,
                "interpreter": job.interpreter.program.to_string_lossy(),
                "installer": built.installer,
                "packages": packages(job.needs.ecosystem, part),
                "files": built.amount.entries,
                "bytes": built.amount.bytes,
                "log": built.log,
            }))
        });
        match record {
            Ok(record) => Ok(("built", place.finish(&record)?)),
            Err(error) => {
                place.abandon();
                Err(error)
            }
        }
    }

    fn store(&self) -> Result<&Store> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let opened = Store::open(&self.cache, &self.granted)?;
        Ok(self.store.get_or_init(|| opened))
    }
}

/// One environment that a skill's tools want.
struct Wanted {
    language: Language,
    tools: Vec<String>,
    needs: Arc<Dependencies>,
}

/// What the tools of a skill need, the same needs once.
fn wanted(entry: &Entry, tools: &[Arc<Tool>]) -> Result<Vec<Wanted>> {
    let mut found: Vec<Wanted> = Vec::new();
    for tool in tools {
        let Some(ecosystem) = ecosystem_of(tool.language) else { continue };
        let Some(needs) = entry.dependencies(&tool.script, ecosystem)? else { continue };
        match found.iter_mut().find(|other| other.needs.files == needs.files && other.language == tool.language) {
            Some(same) => same.tools.push(tool.name.clone()),
            None => found.push(Wanted { language: tool.language, tools: vec![tool.name.clone()], needs }),
        }
    }
    Ok(found)
}

fn ecosystem_of(language: Language) -> Option<Ecosystem> {
    match language {
        Language::Python => Some(Ecosystem::Python),
        Language::Node => Some(Ecosystem::Node),
        Language::Bash | Language::Sh | Language::Native => None,
    }
}

fn index_of<'s>(settings: &'s Settings, skill: &str, needs: &Dependencies) -> Result<&'s Index> {
    settings.index(needs.ecosystem).map_err(|key| {
        let message = format!(
            "what skill '{skill}' needs has no index to come from: {}; name one in the config: \"dependencies\": {{\"{key}\": \"https://…\"}}",
            needs.summary()
        );
        Error::new(Status::InvalidDependencies, message)
    })
}

/// What a result and a report say of needs.
fn told(needs: &Dependencies) -> Value {
    let language = match needs.ecosystem {
        Ecosystem::Python => Language::Python,
        Ecosystem::Node => Language::Node,
    };
    json!({ "language": language, "source": needs.source, "requirements": needs.requirements })
}

fn hint(skill: &str, needs: &Dependencies) -> String {
    format!(
        "skill '{skill}' declares that it needs {}; the engine installs nothing, so the script imports what the interpreter of the host has; the host can set \"cache_dir\" and \"dependencies\" in the config and call skl_engine_prepare()",
        needs.summary()
    )
}

/// The name of an environment: all that decides what it holds.
fn key_of(needs: &Dependencies, index: &Index, settings: &Settings, interpreter: &Runtime) -> Result<String> {
    super::store::key(&needs.files, &index.url, settings.runs_scripts, &interpreter.program)
}

/// What is installed, as the folders say it: `pandas==2.2.3`, `ms@2.1.3`; sorted.
fn packages(ecosystem: Ecosystem, part: &Path) -> Vec<String> {
    let folder = part.join(folder_name(ecosystem).to_string_lossy().as_ref());
    let mut found: Vec<String> = match ecosystem {
        Ecosystem::Python => {
            let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let names = names.filter_map(|entry| entry.file_name().into_string().ok());
            names.filter_map(|name| Some(name.strip_suffix(".dist-info")?.replacen('-', "==", 1))).collect()
        }
        Ecosystem::Node => {
            let lock = std::fs::read(folder.join(".package-lock.json")).unwrap_or_default();
            let lock: Value = serde_json::from_slice(&lock).unwrap_or_default();
            let entries = lock["packages"].as_object().into_iter().flatten();
            let named = |(path, package): (&String, &Value)| {
                let (_, name) = path.rsplit_once("node_modules/")?;
                Some(format!("{name}@{}", package["version"].as_str()?))
            };
            entries.filter_map(named).collect()
        }
    };
    found.sort_unstable();
    found.dedup();
    found
}

fn merge(document: &mut Value, more: Value) {
    if let (Value::Object(document), Value::Object(more)) = (document, more) {
        document.extend(more);
    }
}

/// What a call gets; nothing by default.
#[derive(Debug, Default)]
pub(in crate::engine) struct Provided {
    environment: Option<Environment>,
    report: Value,
}

#[derive(Debug)]
struct Environment {
    ecosystem: Ecosystem,
    folder: PathBuf,
    /// Whether the call's file tree is its own, so that the folder can be where it is looked for.
    has_own_view: bool,
}

impl Provided {
    /// What must be visible.
    pub(in crate::engine) fn bind(&self) -> Option<Bind> {
        let Environment { ecosystem, folder, has_own_view } = self.environment.as_ref()?;
        let target = match ecosystem {
            Ecosystem::Node if *has_own_view => PathBuf::from(NODE_MODULES),
            _ => folder.clone(),
        };
        Some(Bind { source: folder.clone(), target, is_writable: false })
    }

    /// Adds the variables that lead the interpreter there.
    pub(in crate::engine) fn steer(&self, layout: &Layout, variables: &mut Vec<(OsString, OsString)>) {
        let Some(Environment { ecosystem, folder, has_own_view }) = &self.environment else { return };
        match ecosystem {
            Ecosystem::Python => variables.push(("PYTHONPATH".into(), folder.into())),
            Ecosystem::Node if *has_own_view => {}
            Ecosystem::Node => {
                variables.push(("NODE_PATH".into(), folder.into()));
                let mut option = OsString::from("--require=");
                option.push(layout.temporary.join(NODE_PRELOAD_NAME));
                match variables.iter_mut().find(|(name, _)| name == "NODE_OPTIONS") {
                    Some((_, options)) => {
                        options.push(" ");
                        options.push(option);
                    }
                    None => variables.push(("NODE_OPTIONS".into(), option)),
                }
            }
        }
    }

    /// Files that the run needs.
    pub(in crate::engine) fn files(&self, layout: &Layout) -> Option<(PathBuf, Vec<u8>)> {
        let environment = self.environment.as_ref()?;
        (environment.ecosystem == Ecosystem::Node && !environment.has_own_view)
            .then(|| (layout.temporary.join(NODE_PRELOAD_NAME), NODE_PRELOAD.as_bytes().to_vec()))
    }

    /// The `dependencies` of the result: `null` where nothing is declared.
    pub(in crate::engine) fn report(&self) -> Value {
        self.report.clone()
    }
}
