//! The config document of an engine, read into plain data. See `docs/api-conventions.md` for the document.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::dependencies;
use super::disclosure::{self, Disclosure};
use super::document::{Section, invalid, parse};
use super::environment;
use super::host::Host;
use super::network::Settings;
use super::scan;
use crate::error::{Error, Result, Status};
use crate::limit::{self, Limit};
use crate::runtime::Language;
use crate::sandbox::{Limits, Policy, Tier};

const KEYS: &[&str] = &[
    "policy",
    "interpreters",
    "search_path",
    "cwd",
    "max_running",
    "max_queued",
    "supervisor_path",
    "warm",
    "skills",
    "disclosure",
    "cache_dir",
    "dependencies",
];
const POLICY_KEYS: &[&str] =
    &["min_tier", "max_tier", "network", "limits", "env", "read_paths", "write_paths", "subprocess", "scan"];
const INTERPRETER_KEYS: &[&str] = &["python", "node", "bash", "sh"];

/// The most calls that may be configured to run at once.
const MAX_RUNNING: u64 = 4096;
/// The most calls that may be configured to wait.
const MAX_QUEUED: u64 = 1 << 20;

/// Where a script starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorkingDirectory {
    /// In the call's own writable directory.
    #[default]
    Work,
    /// In the read-only folder of the skill.
    Skill,
}

impl WorkingDirectory {
    pub(super) const NAMES: &'static [&'static str] = &["work", "skill"];

    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "work" => Some(Self::Work),
            "skill" => Some(Self::Skill),
            _ => None,
        }
    }
}

/// What an engine is told when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What its calls may do.
    pub policy: Policy,
    /// Which hosts its calls may reach.
    pub(super) network: Settings,
    /// Which findings of the scan its calls are refused for.
    pub(super) scan: scan::Settings,
    /// Interpreters to use instead of those on the search path.
    pub interpreters: BTreeMap<Language, PathBuf>,
    /// The only skills that are loaded, by name; all when absent.
    pub skills: Option<BTreeSet<String>>,
    /// Where interpreters are looked for.
    pub search_path: Vec<PathBuf>,
    /// Where scripts start, unless a call says otherwise.
    pub cwd: WorkingDirectory,
    /// Calls that run at once; 1 to 4096.
    pub max_running: usize,
    /// Calls that wait for their turn; 0 to 1048576.
    pub max_queued: usize,
    /// The supervisor executable, for hosts that may not execute memory files.
    pub supervisor_path: Option<PathBuf>,
    /// Whether the generic tools of progressive disclosure are given out.
    pub disclosure: Disclosure,
    /// A folder that the library may write, for what is worth keeping.
    pub cache_dir: Option<PathBuf>,
    /// What may be installed for skills; nothing when absent.
    pub(super) dependencies: Option<dependencies::Settings>,
}

impl Config {
    /// The config of the document `text`; empty text is the empty document: safe defaults, with the search path and
    /// the processor count of `host`. A key that is unknown, of the wrong type or out of range is
    /// [`Status::InvalidConfig`]; a feature that this version lacks is [`Status::Unsupported`].
    pub fn parse(text: &str, host: &Host) -> Result<Self> {
        let document = match text.trim() {
            "" => Value::Object(serde_json::Map::new()),
            text => parse(text, "the config", Status::InvalidConfig)?,
        };
        let top = Section::open("", &document, KEYS)?;
        let max_running = top.integer("max_running", 1..=MAX_RUNNING)?;
        let max_queued = top.integer("max_queued", 0..=MAX_QUEUED)?.unwrap_or(1024);
        refuse_warm(&top)?;
        let (policy, network, scan) = policy(&top)?;
        let dependencies = dependencies::Settings::read(&top, &policy)?;
        Ok(Self {
            dependencies,
            policy,
            network,
            scan,
            interpreters: interpreters(&top)?,
            skills: top.texts("skills")?.map(|names| names.into_iter().map(str::to_owned).collect()),
            search_path: top.paths("search_path")?.unwrap_or_else(|| host.search_path.clone()),
            cwd: top.choice("cwd", WorkingDirectory::NAMES, WorkingDirectory::from_name)?.unwrap_or_default(),
            max_running: max_running.map_or(host.cores.max(1) * 2, |number| number as usize),
            max_queued: max_queued as usize,
            supervisor_path: top.path("supervisor_path")?,
            disclosure: disclosure(&top)?,
            cache_dir: top.path("cache_dir")?,
        })
    }
}

fn interpreters(top: &Section<'_>) -> Result<BTreeMap<Language, PathBuf>> {
    let mut found = BTreeMap::new();
    if let Some(section) = top.section("interpreters", INTERPRETER_KEYS)? {
        for key in INTERPRETER_KEYS {
            if let (Some(language), Some(path)) = (Language::from_name(key), section.path(key)?) {
                found.insert(language, path);
            }
        }
    }
    Ok(found)
}

fn policy(top: &Section<'_>) -> Result<(Policy, Settings, scan::Settings)> {
    let mut policy = Policy::default();
    let Some(section) = top.section("policy", POLICY_KEYS)? else {
        return Ok((policy, Settings::default(), scan::Settings::default()));
    };
    let names: Vec<_> = Tier::ALL.iter().map(|tier| tier.name()).collect();
    if let Some(tier) = section.choice("min_tier", &names, Tier::parse)? {
        policy.min_tier = tier;
    }
    if let Some(tier) = section.choice("max_tier", &names, Tier::parse)? {
        policy.max_tier = tier;
        // Whoever caps the tier and says nothing else wants to run below the cap.
        if section.get("min_tier").is_none() {
            policy.min_tier = policy.min_tier.min(tier);
        }
    }
    if policy.min_tier > policy.max_tier {
        return Err(invalid(
            "policy.min_tier",
            format_args!("is '{}', above 'policy.max_tier' '{}'", policy.min_tier, policy.max_tier),
        ));
    }
    for (key, value) in limits(&section, Limits::FIELDS)? {
        limit::set(Limits::FIELDS, &mut policy.limits, &key, value)?;
    }
    policy.environment = environment::read(&section, false)?;
    policy.read_paths = granted(&section, "read_paths")?;
    policy.write_paths = granted(&section, "write_paths")?;
    if let Some(allows) = section.boolean("subprocess")? {
        policy.allows_subprocess = allows;
    }
    Ok((policy, Settings::read(&section)?, scan::Settings::read(&section)?))
}

/// The `limits` of a section: known keys, whole numbers. Each lies within its range.
pub(super) fn limits<T>(section: &Section<'_>, fields: &[Limit<T>]) -> Result<Vec<(String, u64)>> {
    let known: Vec<_> = fields.iter().map(|field| field.key).collect();
    let Some(limits) = section.section("limits", &known)? else { return Ok(Vec::new()) };
    let mut changes = Vec::new();
    for field in fields {
        if let Some(value) = limits.integer(field.key, field.min..=field.max)? {
            changes.push((field.key.to_owned(), value));
        }
    }
    Ok(changes)
}

fn granted(section: &Section<'_>, key: &str) -> Result<Vec<PathBuf>> {
    let paths = section.paths(key)?.unwrap_or_default();
    if paths.iter().any(|path| path == Path::new("/")) {
        return Err(invalid(&section.key_name(key), "grants '/'; name the folders that are needed"));
    }
    Ok(paths)
}

fn refuse_warm(top: &Section<'_>) -> Result<()> {
    match top.get("warm") {
        None | Some(Value::Bool(false)) => Ok(()),
        Some(Value::Object(counts)) if counts.values().all(|count| count == 0) => Ok(()),
        Some(Value::Object(_)) => Err(Error::new(
            Status::Unsupported,
            "'warm' asks for processes started ahead; they are not in this version: set it to false",
        )),
        Some(_) => Err(invalid("warm", "must be false or an object of counts")),
    }
}

fn disclosure(top: &Section<'_>) -> Result<Disclosure> {
    let chosen = match top.get("disclosure") {
        None | Some(Value::Bool(false)) => return Ok(Disclosure::Off),
        Some(Value::Bool(true)) => Disclosure::On,
        Some(Value::String(word)) if word == "only" => Disclosure::Only,
        Some(_) => return Err(invalid("disclosure", "must be true, false or \"only\"")),
    };
    disclosure::check("'disclosure'")?;
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Host {
        Host { search_path: vec!["/usr/bin".into()], cores: 3, ..Host::default() }
    }

    #[test]
    fn nothing_means_safe_defaults() {
        for text in
            ["", "  \n", "{}", r#"{"policy":null,"warm":false}"#, r#"{"policy":{"network":[]},"warm":{"node":0}}"#]
        {
            let config = Config::parse(text, &host()).unwrap();
            assert_eq!(config.policy, Policy::default(), "{text}");
            assert_eq!((config.max_running, config.max_queued), (6, 1024));
            assert_eq!(config.search_path, [PathBuf::from("/usr/bin")]);
        }
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"{"policy":{"min_tier":"landlock","max_tier":"namespaces","network":false,
            "limits":{"wall_ms":5e3,"pids":4},"env":{"LD_PRELOAD":"/x.so","A":"b"},"read_paths":["/data//in/./"],
            "write_paths":["/out"],"subprocess":false},
            "interpreters":{"python":"/opt/py/bin/python3","sh":"/bin/sh"},"search_path":["/a","/b"],"cwd":"skill",
            "max_running":1,"max_queued":0,"supervisor_path":"/opt/supervisor","cache_dir":"/var/cache/host"}"#;
        let config = Config::parse(text, &host()).unwrap();
        let policy = &config.policy;
        assert_eq!((policy.min_tier, policy.max_tier), (Tier::Landlock, Tier::Namespaces));
        assert_eq!((policy.limits.wall_ms, policy.limits.pids), (5000, 4));
        assert_eq!(policy.environment.get("LD_PRELOAD").map(String::as_str), Some("/x.so"));
        assert_eq!(policy.read_paths, [PathBuf::from("/data/in")]);
        assert_eq!(policy.write_paths, [PathBuf::from("/out")]);
        assert!(!policy.allows_subprocess);
        assert_eq!(config.interpreters.get(&Language::Sh), Some(&PathBuf::from("/bin/sh")));
        assert_eq!(config.search_path.len(), 2);
        assert_eq!(config.cwd, WorkingDirectory::Skill);
        assert_eq!((config.max_running, config.max_queued), (1, 0));
        assert_eq!(config.supervisor_path, Some("/opt/supervisor".into()));
        assert_eq!(config.cache_dir, Some("/var/cache/host".into()));
    }

    #[test]
    fn disclosure_is_chosen_where_it_is_there() {
        let read = |text: &str| Config::parse(text, &host()).map(|config| config.disclosure);
        assert_eq!(read(r#"{"disclosure":false}"#).unwrap(), Disclosure::Off);
        for (text, chosen) in
            [(r#"{"disclosure":true}"#, Disclosure::On), (r#"{"disclosure":"only"}"#, Disclosure::Only)]
        {
            match read(text) {
                Ok(found) => assert_eq!(found, chosen),
                Err(error) => {
                    assert!(!cfg!(feature = "disclosure") && error.status == Status::Unsupported, "{error}");
                }
            }
        }
    }

    #[test]
    fn a_cap_alone_lowers_the_floor_with_it() {
        let config = Config::parse(r#"{"policy":{"max_tier":"landlock"}}"#, &host()).unwrap();
        assert_eq!(config.policy.min_tier, Tier::Landlock);
    }

    #[cfg(all(feature = "network", target_os = "linux"))]
    #[test]
    fn the_network_is_a_list_or_an_object() {
        for (text, shown) in [
            (r#"{"policy":{"network":["API.example.org.:443"]}}"#, "api.example.org"),
            (r#"{"policy":{"network":{"allow":["*.example.org:443"],"limits":{"connections":2}}}}"#, "connections: 2"),
            (r#"{"policy":{"network":{"allow":[],"accept_port_only":true}}}"#, "accepts_port_only: true"),
            (r#"{"policy":{"network":{"allow":null}}}"#, "rules: []"),
        ] {
            let config = Config::parse(text, &host()).unwrap();
            assert!(format!("{:?}", config.network).contains(shown), "{:?}", config.network);
        }
        let bad: &[(&str, &[&str])] = &[
            (r#"{"policy":{"network":true}}"#, &["'policy.network'", "list the hosts"]),
            (r#"{"policy":{"network":["a.org"]}}"#, &["'policy.network'", "'a.org' has no port", "write it as"]),
            (r#"{"policy":{"network":[1]}}"#, &["'policy.network'", "a string"]),
            (r#"{"policy":{"network":{"alow":[]}}}"#, &["'policy.network.alow'", "allow, limits"]),
            (r#"{"policy":{"network":{"allow":["https://a.org"]}}}"#, &["'policy.network.allow'", "scheme"]),
            (r#"{"policy":{"network":{"limits":{"connections":0}}}}"#, &["connections", "between 1 and 4096"]),
            (r#"{"policy":{"network":{"limits":{"rate":1}}}}"#, &["'policy.network.limits.rate'", "idle_ms"]),
        ];
        for (text, needles) in bad {
            let error = Config::parse(text, &host()).unwrap_err();
            assert_eq!(error.status, Status::InvalidConfig, "{error}");
            needles.iter().for_each(|needle| assert!(error.message.contains(needle), "'{needle}' is not in: {error}"));
        }
    }

    /// Each bad document gives its status and a message that names the key.
    #[test]
    fn bad_documents_are_named() {
        use Status::{InvalidConfig, InvalidJson, Unsupported};
        let deep = format!(r#"{{"policy":{}"#, r#"{"policy":"#.repeat(100_000));
        let long = format!(r#"{{"{}":1}}"#, "k".repeat(10_000));
        let many: Vec<_> = (0..300).map(|n| format!(r#""V{n}":"""#)).collect();
        let many = format!(r#"{{"policy":{{"env":{{{}}}}}}}"#, many.join(","));
        let large = format!(r#"{{"policy":{{"env":{{"A":"{}"}}}}}}"#, "x".repeat(200_000));
        let rows: &[(&str, Status, &[&str])] = &[
            ("nonsense", InvalidJson, &["config"]),
            ("{", InvalidJson, &["config"]),
            (&deep, InvalidJson, &["recursion limit"]),
            ("[]", InvalidConfig, &["document", "an array"]),
            ("null", InvalidConfig, &["document", "null"]),
            (r#"{"polcy":{}}"#, InvalidConfig, &["'polcy'", "known keys: policy, interpreters"]),
            (&long, InvalidConfig, &["kkk", "…", "known keys"]),
            (r#"{"cwd":"work","cwd":"skill"}"#, InvalidConfig, &["'cwd' appears twice"]),
            (r#"{"policy":{"netwrk":false}}"#, InvalidConfig, &["'policy.netwrk'", "network"]),
            (r#"{"policy":[]}"#, InvalidConfig, &["'policy'", "object"]),
            (r#"{"policy":{"min_tier":"none"}}"#, InvalidConfig, &["'policy.min_tier'", "'none'", "landlock"]),
            (r#"{"policy":{"min_tier":1}}"#, InvalidConfig, &["'policy.min_tier'", "a number"]),
            (r#"{"policy":{"min_tier":"full","max_tier":"landlock"}}"#, InvalidConfig, &["min_tier", "max_tier"]),
            (r#"{"policy":{"network":"off"}}"#, InvalidConfig, &["policy.network"]),
            (r#"{"policy":{"limits":{"ram":1}}}"#, InvalidConfig, &["'policy.limits.ram'", "memory_bytes"]),
            (r#"{"policy":{"limits":{"ram":"x"}}}"#, InvalidConfig, &["'policy.limits.ram'", "memory_bytes"]),
            (r#"{"policy":{"limits":{"wall_ms":0}}}"#, InvalidConfig, &["wall_ms", "between"]),
            (r#"{"policy":{"limits":{"wall_ms":-1}}}"#, InvalidConfig, &["wall_ms", "-1", "86400000"]),
            (r#"{"policy":{"limits":{"wall_ms":1e300}}}"#, InvalidConfig, &["wall_ms", "between"]),
            (r#"{"policy":{"limits":{"pids":"8"}}}"#, InvalidConfig, &["pids", "whole number"]),
            (r#"{"policy":{"limits":{"pids":99999999999999999999}}}"#, InvalidConfig, &["pids", "between"]),
            (r#"{"policy":{"limits":5}}"#, InvalidConfig, &["'policy.limits'", "object"]),
            (r#"{"policy":{"env":{"A=B":"x"}}}"#, InvalidConfig, &["'policy.env.A=B'"]),
            (r#"{"policy":{"env":{"":"x"}}}"#, InvalidConfig, &["'policy.env.'"]),
            (r#"{"policy":{"env":{"A":1}}}"#, InvalidConfig, &["'policy.env.A'", "a string"]),
            (r#"{"policy":{"env":{"A":"\u0000"}}}"#, InvalidConfig, &["'policy.env.A'", "NUL"]),
            (&many, InvalidConfig, &["'policy.env'", "256"]),
            (&large, InvalidConfig, &["'policy.env'", "131072"]),
            (r#"{"policy":{"read_paths":"/x"}}"#, InvalidConfig, &["'policy.read_paths'", "array"]),
            (r#"{"policy":{"read_paths":["x"]}}"#, InvalidConfig, &["'policy.read_paths'", "'x'", "absolute"]),
            (r#"{"policy":{"read_paths":["/"]}}"#, InvalidConfig, &["'policy.read_paths'", "'/'"]),
            (r#"{"policy":{"write_paths":["/a/../b"]}}"#, InvalidConfig, &["'policy.write_paths'", "'..'"]),
            (r#"{"policy":{"write_paths":["/a\u0000"]}}"#, InvalidConfig, &["'policy.write_paths'", "NUL"]),
            (r#"{"policy":{"subprocess":"no"}}"#, InvalidConfig, &["'policy.subprocess'", "true or false"]),
            (r#"{"interpreters":{"ruby":"/r"}}"#, InvalidConfig, &["'interpreters.ruby'", "python, node"]),
            (r#"{"interpreters":{"python":"python3"}}"#, InvalidConfig, &["'interpreters.python'", "absolute"]),
            (r#"{"cwd":"/"}"#, InvalidConfig, &["'cwd'", "work, skill"]),
            (r#"{"max_running":0}"#, InvalidConfig, &["'max_running'", "between 1 and 4096"]),
            (r#"{"max_running":1.5}"#, InvalidConfig, &["'max_running'", "1.5"]),
            (r#"{"max_queued":-3}"#, InvalidConfig, &["'max_queued'", "-3"]),
            (r#"{"supervisor_path":7}"#, InvalidConfig, &["'supervisor_path'"]),
            (r#"{"cache_dir":"cache"}"#, InvalidConfig, &["'cache_dir'", "absolute"]),
            (r#"{"warm":{"python":2}}"#, Unsupported, &["'warm'"]),
            (r#"{"warm":true}"#, InvalidConfig, &["'warm'"]),
            (r#"{"disclosure":1}"#, InvalidConfig, &["'disclosure'", "\"only\""]),
            (r#"{"disclosure":"all"}"#, InvalidConfig, &["'disclosure'"]),
        ];
        for (text, status, needles) in rows {
            let error = Config::parse(text, &host()).unwrap_err();
            assert_eq!(error.status, *status, "{error}");
            for needle in *needles {
                assert!(error.message.contains(needle), "'{needle}' is not in: {error}");
            }
            assert!(error.message.len() < 400, "{error}");
        }
    }
}
