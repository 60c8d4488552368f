//! The engine: one configured instance, through which everything above works.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use serde_json::{Map, Value};

use super::Host;
use super::call::Call;
use super::catalogue;
use super::command::{Recipe, search_path};
use super::config::Config;
use super::dependencies::{Environments, Workshop};
use super::disclosure::{self, Asked, Disclosure, Request};
use super::document::parse;
use super::environment;
use super::inputs;
use super::network::Gateway;
use super::options::CallOptions;
use super::origin::Origin;
use super::prompt;
use super::registry::Registry;
use super::result::{Subject, answered};
use super::scan::Inspector;
use super::snapshot::Snapshot;
use crate::error::{Error, Result, Status};
use crate::limit;
use crate::runtime::{Interpreters, Language, Lookup};
use crate::sandbox::{Command, Limits, Network, Options, Policy, Sandbox};
use crate::tool::dialect::Dialect;

/// One configured instance: registry of skills, policy, executor of calls. Everything may be called from any thread,
/// concurrently. Dropping it lets the calls that it started go on; [`Engine::close`] ends them.
pub struct Engine {
    origin: Origin,
    config: Config,
    registry: Registry,
    interpreters: Interpreters,
    sandbox: Arc<Sandbox>,
    gateway: Gateway,
    inspector: Inspector,
    environments: Environments,
    is_closed: AtomicBool,
    calls_made: AtomicU64,
}

impl Engine {
    /// Makes an engine for a config document ([`Config::parse`]) and the process around it. Starts nothing.
    pub fn new(config: &str, host: Host) -> Result<Self> {
        let config = Config::parse(config, &host)?;
        let sandbox = Sandbox::new(Options {
            supervisor_path: config.supervisor_path.clone(),
            max_running: config.max_running,
            max_queued: config.max_queued,
        });
        let registry = Registry::new(&config, host.cores);
        let interpreters = Interpreters::new(Lookup {
            search_path: config.search_path.clone(),
            home: host.home,
            overrides: config.interpreters.clone(),
            variables: host.variables,
        });
        Ok(Self {
            origin: Origin::here(),
            inspector: Inspector::new(config.scan.clone()),
            environments: Environments::new(&config),
            config,
            registry,
            interpreters,
            sandbox: Arc::new(sandbox),
            gateway: Gateway::new(),
            is_closed: AtomicBool::new(false),
            calls_made: AtomicU64::new(0),
        })
    }

    /// Loads the skills below `dir` and adds them to those that are there. Of two skills with one name the first
    /// stays; a folder that was loaded before is read anew. Gives `{skills, tools, skipped, diagnostics}`. Errors:
    /// [`Status::SkillDirectory`], [`Status::Forked`], [`Status::Closed`].
    pub fn load(&self, dir: &Path) -> Result<Value> {
        self.check()?;
        Ok(self.registry.load(dir)?.to_json())
    }

    /// Reads every folder that was loaded anew, in the same order. Gives what [`Engine::load`] gives, and `added`, `changed`
    /// and `removed`; what is unchanged stays as it is. A folder that cannot be read is an error, and then nothing
    /// changes. Errors as [`Engine::load`].
    pub fn reload(&self) -> Result<Value> {
        self.check()?;
        Ok(self.registry.reload()?.to_json())
    }

    /// Takes a skill out, until its folder is loaded again. Calls in flight go on. Errors: [`Status::SkillNotFound`].
    pub fn remove(&self, skill: &str) -> Result<()> {
        self.check()?;
        self.registry.remove(skill)
    }

    /// Gives the tools of a skill out and lets them be called, or no longer. Errors: [`Status::SkillNotFound`].
    pub fn enable(&self, skill: &str, is_enabled: bool) -> Result<()> {
        self.check()?;
        self.registry.enable(skill, is_enabled)
    }

    /// The catalogue: an array with one object for each skill, in load order.
    pub fn skills(&self) -> Result<Value> {
        Ok(catalogue::skills(&*self.snapshot()?))
    }

    /// The tools as the `tools` field of a request in this dialect. Errors: [`Status::UnknownDialect`].
    pub fn tools(&self, dialect: &str) -> Result<Value> {
        Ok(self.offer(Dialect::parse(dialect)?, &|_| true)?.definitions)
    }

    /// Whether generic tools are given out, and others beside them.
    pub(super) fn disclosure(&self) -> Disclosure {
        self.config.disclosure
    }

    /// What a system prompt says of the skills, by an options document ([`prompt::Options::parse`]). Errors:
    /// [`Status::InvalidJson`], [`Status::InvalidConfig`], [`Status::SkillNotFound`], [`Status::Unsupported`].
    pub fn prompt(&self, options: &str) -> Result<String> {
        disclosure::check("the prompt block")?;
        let options = prompt::Options::parse(options)?;
        prompt::block(&*self.snapshot()?, &options, self.config.disclosure)
    }

    /// The instructions of a skill: the Markdown body of its SKILL.md. Errors: [`Status::SkillNotFound`].
    pub fn instructions(&self, skill: &str) -> Result<String> {
        Ok(self.snapshot()?.skill(skill)?.0.skill.body.clone())
    }

    /// The files of a skill: an array of `{path, size, sha256, is_executable}`. Errors: [`Status::SkillNotFound`].
    pub fn resources(&self, skill: &str) -> Result<Value> {
        Ok(catalogue::resources(&self.snapshot()?.skill(skill)?.0.skill))
    }

    /// The content of one file of a skill, at most `max_bytes` long. Errors: [`Status::SkillNotFound`],
    /// [`Status::ResourceNotFound`], [`Status::ResourceTooLarge`], [`Status::PathEscape`], [`Status::SkillChanged`],
    /// [`Status::Io`].
    pub fn read_resource(&self, skill: &str, path: &str, max_bytes: u64) -> Result<Vec<u8>> {
        self.snapshot()?.skill(skill)?.0.skill.read_resource(path, max_bytes)
    }

    /// What a skill declares, its files with their digests and its tools, as an object. Errors:
    /// [`Status::SkillNotFound`].
    pub fn manifest(&self, skill: &str) -> Result<Value> {
        let snapshot = self.snapshot()?;
        let (entry, tools) = snapshot.skill(skill)?;
        Ok(catalogue::manifest(entry, tools))
    }

    /// What the sources of a skill look like they might do, as an object; advice, and no isolation. Errors:
    /// [`Status::SkillNotFound`], [`Status::SkillChanged`], [`Status::Io`], [`Status::Unsupported`].
    pub fn scan(&self, skill: &str) -> Result<Value> {
        let snapshot = self.snapshot()?;
        let entry = snapshot.skill(skill)?.0;
        entry.skill.verify_all()?;
        self.inspector.report(entry)
    }

    /// Starts a call of `tool` and returns at once. `arguments` is a JSON object and `options` an options document
    /// ([`CallOptions::parse`]); either may be empty. Errors name what to repair and mean that nothing was started;
    /// what goes wrong later is in the result.
    pub fn call(&self, tool: &str, arguments: &str, options: &str) -> Result<Arc<Call>> {
        self.check()?;
        let options = CallOptions::parse(options)?;
        self.start(&*self.snapshot()?, tool, &arguments_of(arguments)?, options)
    }

    /// What [`Engine::call`] would do with the same inputs, as a numbered list of steps for a person to read. Nothing is
    /// run. The same errors.
    pub fn plan(&self, tool: &str, arguments: &str, options: &str) -> Result<String> {
        self.check()?;
        let options = CallOptions::parse(options)?;
        let snapshot = self.snapshot()?;
        match self.request(&snapshot, tool, &arguments_of(arguments)?, &options)? {
            Request::Answer { .. } => Ok(format!("{tool} is answered by the library itself: no process is started\n")),
            Request::Script(asked) => {
                let arranged = self.arrange(asked, options)?;
                Ok(self.sandbox.plan(arranged.command, &arranged.policy)?.to_string())
            }
        }
    }

    /// [`Engine::call`], waited for: the result document.
    pub fn execute(&self, tool: &str, arguments: &str, options: &str) -> Result<Arc<Value>> {
        self.call(tool, arguments, options)?.wait(None)
    }

    /// Installs what the scripts of a skill declare to need, or of every enabled skill when the name is empty, and waits for
    /// that: calls only use what is there. Gives `{"environments": […]}`. Errors: [`Status::SkillNotFound`],
    /// [`Status::BuildFailed`], [`Status::InvalidDependencies`], [`Status::Closed`] when the engine is closed meanwhile,
    /// [`Status::Unsupported`], those of a call that are the host's.
    pub fn prepare(&self, skill: &str) -> Result<Value> {
        let snapshot = self.snapshot()?;
        let candidates = match skill {
            "" => snapshot.enabled().collect(),
            name => vec![snapshot.skill(name)?],
        };
        let workshop = Workshop {
            interpreters: &self.interpreters,
            sandbox: &self.sandbox,
            gateway: &self.gateway,
            policy: &self.config.policy,
            network: &self.config.network,
            is_closed: &self.is_closed,
        };
        self.environments.prepare(&workshop, &candidates)
    }

    /// Ends the calls in flight (their results say `cancelled`) and refuses everything from now on with
    /// [`Status::Closed`]. Results of finished calls stay. Repeating it does nothing.
    pub fn close(&self) -> Result<()> {
        self.origin.check()?;
        self.is_closed.store(true, Ordering::SeqCst);
        self.sandbox.close();
        self.gateway.close();
        Ok(())
    }

    /// The process that made the engine.
    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    pub(super) fn snapshot(&self) -> Result<Arc<Snapshot>> {
        self.check()?;
        Ok(self.registry.snapshot())
    }

    fn check(&self) -> Result<()> {
        self.origin.check()?;
        if self.is_closed.load(Ordering::SeqCst) {
            return Err(Error::new(Status::Closed, "the engine is closed; make a new one"));
        }
        Ok(())
    }

    /// The longest time that a call may take, in milliseconds.
    pub(crate) fn wall_ms(&self) -> u64 {
        self.config.policy.limits.wall_ms
    }

    /// From a tool's name to a run, or to an answer that needs none.
    pub(super) fn start(
        &self,
        snapshot: &Snapshot,
        tool: &str,
        arguments: &Value,
        options: CallOptions,
    ) -> Result<Arc<Call>> {
        let start = Instant::now();
        match self.request(snapshot, tool, arguments, &options)? {
            Request::Answer { skill, output } => {
                let call_id = self.call_id(options.call_id);
                let subject = Subject { tool: tool.to_owned(), skill, call_id, ..Subject::default() };
                let document = answered(&subject, output, start.elapsed());
                Ok(Call::answered(subject, document, options.is_streamed, self.sandbox.clone()))
            }
            Request::Script(asked) => {
                let Arranged { subject, command, policy } = self.arrange(asked, options)?;
                let run = self.sandbox.start(command, &policy, subject.network.uplink())?;
                Ok(Call::new(subject, run, self.sandbox.clone()))
            }
        }
    }

    /// What a call asks for, once its arguments are judged.
    pub(super) fn request<'s>(
        &self,
        snapshot: &'s Snapshot,
        tool: &str,
        arguments: &Value,
        options: &CallOptions,
    ) -> Result<Request<'s>> {
        if let Some(generic) = disclosure::generic(tool, self.config.disclosure) {
            let limits = limit::narrowed(Limits::FIELDS, &self.config.policy.limits, &options.limits)?;
            return disclosure::request(snapshot, generic, arguments, limits.output_bytes);
        }
        let (entry, tool) = snapshot.tool(tool)?;
        Ok(Request::Script(Asked { entry, tool, invocation: tool.prepare(arguments)? }))
    }

    fn call_id(&self, chosen: Option<String>) -> String {
        chosen.unwrap_or_else(|| {
            let number = self.calls_made.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            format!("call-{number}")
        })
    }

    /// Everything before the sandbox: look up, verify, lay out.
    fn arrange(&self, asked: Asked<'_>, options: CallOptions) -> Result<Arranged> {
        let Asked { entry, tool, mut invocation } = asked;
        if let Some(stdin) = options.stdin {
            if !invocation.stdin.is_empty() {
                return Err(Error::new(
                    Status::InvalidConfig,
                    format!("'stdin' is set, but tool '{}' takes its arguments there", tool.name),
                ));
            }
            invocation.stdin = stdin.into_bytes();
        }
        let limits = limit::narrowed(Limits::FIELDS, &self.config.policy.limits, &options.limits)?;
        // The variables of the policy are merged below, where their order is decided.
        let mut policy = Policy { limits, environment: Default::default(), ..self.config.policy.clone() };
        let (mut files, inputs) = inputs::gather(options.files, &policy)?;
        let tier = self.sandbox.tier(&policy)?;
        let network =
            self.gateway.open(&self.config.network, entry.skill.manifest.network.as_ref(), &options.network, tier)?;
        policy.network = network.policy();

        entry.skill.verify_all()?;
        self.inspector.check(entry)?;
        let runtime = match tool.language {
            Language::Native => self.interpreters.native(&entry.skill.root.join(&tool.script))?,
            language => self.interpreters.find(language)?,
        };
        let packages = self.environments.provide(entry, tool, &runtime, tier)?;
        let tools = policy.allows_subprocess.then(|| self.interpreters.tools());

        let layout = self.sandbox.layout(&policy, &entry.skill.root)?;
        let certificates = (policy.network != Network::Closed).then(|| self.interpreters.certificates());
        files.extend(network.files(&layout.temporary));
        files.extend(packages.files(&layout));
        let mut needed = runtime.environment.clone();
        needed.extend(certificates.iter().flat_map(|trusted| trusted.environment.iter().cloned()));
        let has_authorities = certificates.as_ref().is_some_and(|trusted| !trusted.environment.is_empty());
        needed.extend(network.environment(&layout.temporary, has_authorities));
        packages.steer(&layout, &mut needed);
        let environment = environment::assemble(
            &layout,
            &search_path(&runtime, tools.as_deref()),
            &needed,
            &self.config.policy.environment,
            &options.environment,
        )?;
        let subject = Subject {
            tool: tool.name.clone(),
            skill: entry.skill.name.clone(),
            call_id: self.call_id(options.call_id),
            network,
            dependencies: packages.report(),
            inputs,
            disk_bytes: policy.limits.disk_bytes,
        };
        let command = Recipe {
            tool,
            runtime: &runtime,
            tools: tools.as_deref(),
            certificates: certificates.as_deref(),
            packages: packages.bind(),
            needs_site: tool.language == Language::Python && entry.needs_site(&runtime),
            invocation,
            environment,
            files,
            is_streamed: options.is_streamed,
            cwd: options.cwd.unwrap_or(self.config.cwd),
            layout,
        }
        .into_command();
        Ok(Arranged { subject, command, policy })
    }
}

/// A call that only needs to be started.
struct Arranged {
    subject: Subject,
    command: Command,
    policy: Policy,
}

/// The arguments of a call; none are an empty object.
fn arguments_of(text: &str) -> Result<Value> {
    match text.trim() {
        "" => Ok(Value::Object(Map::new())),
        text => parse(text, "the arguments", Status::InvalidArguments),
    }
}

/// What this host can give: the document of `skl_probe`. Starts a supervisor and ends it again.
pub fn probe() -> Result<Value> {
    let sandbox = Sandbox::new(Options { supervisor_path: None, max_running: 1, max_queued: 0 });
    let report = sandbox.report();
    sandbox.close();
    Ok(super::result::report(&report?))
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("config", &self.config).finish_non_exhaustive()
    }
}
