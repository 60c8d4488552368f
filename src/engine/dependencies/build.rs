//! One environment made: an installer in a sandbox, with the network open to the index alone, and what it left copied out.
//!
//! The installer works in the run's own work directory; the cache is not even visible to it. It sees no variable, file or
//! credential of the host beyond what any call sees, and its isolation is that of calls.

use std::collections::BTreeMap;
use std::ffi::{CStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::settings::{Index, Settings};
use super::{Workshop, store, tree};
use crate::engine::network::Narrowing;
use crate::engine::{command, environment};
use crate::error::{Error, Result, Status};
use crate::runtime::{Installer, Kind, Runtime};
use crate::sandbox::{Bind, Captured, Command, End, Layout, Outcome, Policy, Stop, Tier};
use crate::skill::{Dependencies, Ecosystem};

/// Where installers put temporary files: beside the packages, so that moving them costs nothing.
const TEMPORARY: &str = "tmp";
/// Where they keep what they fetched; thrown away.
const CACHE: &str = "cache";
/// pip reads it unless it is not there, and in the Landlock tier it is there and closed.
const DISTRIBUTION: &str = "/etc/debian_version";
/// How much of what the installer said last goes into an error, in characters.
const SAID_IN_ERRORS: usize = 1000;
/// The same for a record.
const SAID_IN_RECORDS: usize = 8000;

/// What is to be installed.
#[derive(Clone, Copy)]
pub(super) struct Job<'j> {
    pub(super) skill: &'j str,
    pub(super) needs: &'j Dependencies,
    pub(super) index: &'j Index,
    pub(super) interpreter: &'j Runtime,
}

/// What was installed.
pub(super) struct Built {
    pub(super) installer: &'static str,
    pub(super) amount: tree::Amount,
    /// What the installer said, its end.
    pub(super) log: String,
}

/// The folder of an environment that calls see.
pub(super) fn folder_name(ecosystem: Ecosystem) -> &'static CStr {
    match ecosystem {
        Ecosystem::Python => c"site",
        // Node looks for packages in folders of this name only.
        Ecosystem::Node => c"node_modules",
    }
}

/// Installs and copies into `part`, an empty folder. [`Status::BuildFailed`] says what the installer said and who was
/// denied to it; [`Status::Closed`]; what [`crate::sandbox::Sandbox::start`] refuses.
pub(super) fn build(job: Job<'_>, settings: &Settings, workshop: &Workshop<'_>, part: &Path) -> Result<Built> {
    let installer = workshop.interpreters.installer(job.interpreter)?;
    let mut policy = Policy {
        min_tier: workshop.policy.min_tier,
        max_tier: workshop.policy.max_tier,
        limits: settings.limits,
        ..Policy::default()
    };
    let tier = workshop.sandbox.tier(&policy)?;
    let mut rules = settings.hosts.clone();
    rules.push(job.index.host.clone());
    let way = workshop.gateway.open(&workshop.network.only(rules), None, &Narrowing::default(), tier)?;
    policy.network = way.policy();

    let layout = workshop.sandbox.layout(&policy, part)?;
    let (tools, certificates) = (workshop.interpreters.tools(), workshop.interpreters.certificates());
    let mut needed = installer.runtime.environment.clone();
    needed.extend(certificates.environment.iter().cloned());
    needed.extend(way.environment(&layout.temporary, !certificates.environment.is_empty()));
    needed.push(("TMPDIR".into(), layout.work.join(TEMPORARY).into()));
    let nothing = BTreeMap::new();
    let search_path = command::search_path(&installer.runtime, Some(&tools));
    let environment = environment::assemble(&layout, &search_path, &needed, &nothing, &nothing)?;
    let (mut binds, symlinks) = command::view(&installer.runtime, Some(&tools), Some(&certificates));
    if tier == Tier::Landlock && Path::new(DISTRIBUTION).is_file() {
        let path = PathBuf::from(DISTRIBUTION);
        binds.push(Bind { source: path.clone(), target: path, is_writable: false });
    }
    let mut files: Vec<(PathBuf, Vec<u8>)> = way.files(&layout.temporary);
    files.push((Path::new(TEMPORARY).join(".keep"), Vec::new()));
    files.extend(job.needs.files.iter().map(|(name, content)| (PathBuf::from(name), content.clone())));
    let command = Command {
        program: installer.runtime.program.clone(),
        arguments: arguments(&installer, job, settings, &layout),
        environment,
        stdin: Vec::new(),
        home_source: part.to_path_buf(),
        binds,
        symlinks,
        files,
        is_followed: false,
        working_directory: layout.work.clone(),
        layout,
    };
    let run = workshop.sandbox.start(command, &policy, way.uplink())?;
    run.wait(None);
    let outcome = run.take_outcome().unwrap_or_else(|| Err(Error::new(Status::Internal, "a build has no outcome")))?;
    if outcome.stop == Some(Stop::Cancelled) || workshop.is_closed.load(Ordering::SeqCst) {
        return Err(store::closed());
    }
    let failed = |reason: &str| failure(job, &installer, settings, reason, &outcome, &way.report());
    if let Some(reason) = why_ended(&outcome) {
        return Err(failed(&reason));
    }
    let Some(work) = &outcome.work else { return Err(failed("its work directory is gone")) };
    let name = folder_name(job.needs.ecosystem);
    let target = part.join(name.to_string_lossy().as_ref());
    let amount = tree::copy(std::os::fd::AsFd::as_fd(work), name, &target, settings.limits.disk_bytes)
        .map_err(|reason| failed(&format!("it {reason}")))?;
    let log = said(&outcome, SAID_IN_RECORDS);
    Ok(Built { installer: installer.kind.name(), amount, log })
}

/// The whole command line: a program of the host's, its own options, what to install from where.
fn arguments(installer: &Installer, job: Job<'_>, settings: &Settings, layout: &Layout) -> Vec<OsString> {
    let within = |name: &str| layout.work.join(name).into_os_string();
    let target = within(&folder_name(job.needs.ecosystem).to_string_lossy());
    let url = OsString::from(&job.index.url);
    let mut words: Vec<OsString> = vec![installer.runtime.program.clone().into_os_string()];
    words.extend(installer.runtime.arguments.iter().cloned());
    let mut say = |given: &[&str]| words.extend(given.iter().map(OsString::from));
    match installer.kind {
        Kind::Pip => {
            say(&[
                "install",
                "--isolated",
                "--no-input",
                "--disable-pip-version-check",
                "--no-cache-dir",
                "--no-color",
            ]);
            say(&["--progress-bar", "off", "--no-warn-script-location", "--retries", "2", "--timeout", "60"]);
            if !settings.runs_scripts {
                say(&["--only-binary", ":all:"]);
            }
            words.extend(["--index-url".into(), url, "--target".into(), target]);
            words.extend(["--requirement".into(), within("requirements.txt")]);
        }
        Kind::Uv => {
            say(&["pip", "install", "--no-config", "--no-python-downloads", "--no-progress", "--color", "never"]);
            // Not compiled here, each start would compile in vain: environments are read-only.
            say(&["--compile-bytecode", "--link-mode", "hardlink"]);
            if !settings.runs_scripts {
                say(&["--no-build"]);
            }
            words.extend(["--cache-dir".into(), within(CACHE), "--default-index".into(), url]);
            words.extend(["--python".into(), job.interpreter.program.clone().into(), "--target".into(), target]);
            words.extend(["--requirement".into(), within("requirements.txt")]);
        }
        Kind::Npm => {
            let has_lock = job.needs.files.iter().any(|(name, _)| name.ends_with("lock.json"));
            say(&[if has_lock { "ci" } else { "install" }, "--omit=dev", "--no-audit", "--no-fund"]);
            // A lock names the registry that its author had.
            say(&["--no-update-notifier", "--no-progress", "--replace-registry-host=always", "--fetch-retries=1"]);
            if !settings.runs_scripts {
                say(&["--ignore-scripts"]);
            }
            words.extend(["--registry".into(), url, "--cache".into(), within(CACHE)]);
            words.extend([
                "--userconfig".into(),
                within("none-of-the-users"),
                "--globalconfig".into(),
                within("none-of-the-hosts"),
            ]);
        }
    }
    words
}

/// Why an installer did not come to a good end.
fn why_ended(outcome: &Outcome) -> Option<String> {
    let limit = match outcome.stop {
        Some(Stop::Wall) => Some("wall_ms"),
        Some(Stop::Cpu) => Some("cpu_ms"),
        Some(Stop::Memory) => Some("memory_bytes"),
        Some(Stop::Pids) => Some("pids"),
        Some(Stop::Disk) => Some("disk_bytes or file_bytes"),
        Some(Stop::Cancelled) | None => None,
    };
    match (limit, outcome.end) {
        (Some(limit), _) => Some(format!("it reached dependencies.limits.{limit}")),
        (None, End::Exited(0)) => None,
        (None, End::Exited(code)) => Some(format!("exit code {code}")),
        (None, End::Signaled(signal)) => Some(format!("signal {signal} ended it")),
    }
}

/// All that helps to mend it, in one line.
fn failure(
    job: Job<'_>,
    installer: &Installer,
    settings: &Settings,
    reason: &str,
    outcome: &Outcome,
    network: &Value,
) -> Error {
    let Job { skill, needs, index, .. } = job;
    let mut message = format!(
        "what skill '{skill}' needs was not installed by {} from {}: {reason}; it needs {}",
        installer.kind.name(),
        index.url,
        needs.summary(),
    );
    for denied in network["denied"].as_array().into_iter().flatten() {
        let text = |key: &str| denied[key].as_str().unwrap_or_default();
        let reason = text("reason").replace("policy.network", "dependencies.hosts");
        message.push_str(&format!("; {}:{} was not reached: {reason}", text("host"), denied["port"]));
    }
    if !settings.runs_scripts {
        message.push_str(
            "; \"dependencies\": {\"scripts\": true} lets packages be built by their own code, in the sandbox",
        );
    }
    let said = said(outcome, SAID_IN_ERRORS);
    message.push_str(&format!("; it said: {}", said.split_whitespace().collect::<Vec<_>>().join(" ")));
    Error::new(Status::BuildFailed, message)
}

/// The end of what it wrote, errors last.
fn said(outcome: &Outcome, most: usize) -> String {
    let text = |captured: &Captured| String::from_utf8_lossy(&captured.bytes).trim().to_owned();
    let all = format!("{}\n{}", text(&outcome.stdout), text(&outcome.stderr));
    let count = all.chars().count();
    all.chars().skip(count.saturating_sub(most)).collect::<String>().trim().to_owned()
}
