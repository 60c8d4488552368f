//! The config of environments: which index, who else may be reached for it, how much a build may use.

use serde_json::Value;
use url::Url;

use crate::engine::config::limits;
use crate::engine::document::{Section, excerpt, invalid};
use crate::error::Result;
use crate::limit;
use crate::network::Rule;
use crate::sandbox::{Limits, Policy};
use crate::skill::Ecosystem;

const KEYS: &[&str] = &["python_index", "node_registry", "hosts", "scripts", "limits"];

/// What the host allows to be installed, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Settings {
    python_index: Option<Index>,
    node_registry: Option<Index>,
    /// Further hosts that an index sends its clients to.
    pub(super) hosts: Vec<Rule>,
    /// Whether what packages bring is executed to install them, inside the sandbox.
    pub(super) runs_scripts: bool,
    /// Of one build.
    pub(super) limits: Limits,
}

/// Where packages come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) url: String,
    /// Who serves it.
    pub(super) host: Rule,
}

impl Settings {
    /// Reads `dependencies` of the config: `false`, or an object, which needs `cache_dir`. What calls may write by `policy`
    /// must not hold that.
    pub(in crate::engine) fn read(top: &Section<'_>, policy: &Policy) -> Result<Option<Self>> {
        if let None | Some(Value::Bool(false)) = top.get("dependencies") {
            return Ok(None);
        }
        let Some(section) = top.section("dependencies", KEYS)? else { return Ok(None) };
        let Some(cache) = top.path("cache_dir")? else {
            return Err(invalid("dependencies", "needs 'cache_dir': the folder in which environments are kept"));
        };
        if let Some(path) = policy.write_paths.iter().find(|path| cache.starts_with(path) || path.starts_with(&cache)) {
            let complaint = format_args!(
                "shares files with policy.write_paths {}, where calls could change what others import",
                path.display()
            );
            return Err(invalid("cache_dir", complaint));
        }
        if cache.as_os_str().as_encoded_bytes().contains(&b':') {
            return Err(invalid("cache_dir", "holds ':', which separates the folders of PYTHONPATH and NODE_PATH"));
        }
        let mut build = Limits {
            wall_ms: 600_000,
            cpu_ms: 600_000,
            memory_bytes: 4 << 30,
            pids: 256,
            open_files: 4096,
            file_bytes: 2 << 30,
            disk_bytes: 2 << 30,
            output_bytes: 64 << 10,
        };
        for (key, value) in limits(&section, Limits::FIELDS)? {
            limit::set(Limits::FIELDS, &mut build, &key, value)?;
        }
        let host = |text: &str| {
            Rule::parse(text).map_err(|error| invalid(&section.key_name("hosts"), format_args!(": {error}")))
        };
        Ok(Some(Self {
            python_index: index(&section, "python_index")?,
            node_registry: index(&section, "node_registry")?,
            hosts: section.texts("hosts")?.unwrap_or_default().into_iter().map(host).collect::<Result<_>>()?,
            runs_scripts: section.boolean("scripts")?.unwrap_or(false),
            limits: build,
        }))
    }

    /// The index of an ecosystem, or the key that would name it.
    pub(super) fn index(&self, ecosystem: Ecosystem) -> Result<&Index, &'static str> {
        match ecosystem {
            Ecosystem::Python => self.python_index.as_ref().ok_or("python_index"),
            Ecosystem::Node => self.node_registry.as_ref().ok_or("node_registry"),
        }
    }
}

/// A URL that a build may know: it is an argument of a program in the sandbox, so it carries no secret.
fn index(section: &Section<'_>, key: &str) -> Result<Option<Index>> {
    let Some(text) = section.text(key)? else { return Ok(None) };
    let refuse = |complaint: &str| invalid(&section.key_name(key), format_args!("is '{}'; {complaint}", excerpt(text)));
    let url = Url::parse(text).map_err(|error| refuse(&format!("it must be a URL: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        // Not quoted: it holds a secret.
        let complaint =
            "holds a user or a password, which the code of packages could read; use an index that needs none";
        return Err(invalid(&section.key_name(key), complaint));
    }
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(refuse("it must name a host"));
    };
    let host = Rule::parse(&format!("{host}:{port}")).map_err(|error| refuse(&error.message))?;
    let is_plain = url.query().is_none() && url.fragment().is_none();
    match url.scheme() {
        _ if !is_plain => Err(refuse("it must end with its path")),
        "https" => Ok(Some(Index { url: text.to_owned(), host })),
        "http" if host.names_loopback() => Ok(Some(Index { url: text.to_owned(), host })),
        _ => Err(refuse("it must be https, or http on this machine's loopback: what it serves is executed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Config, Host};
    use crate::error::Status;

    fn read(text: &str) -> Result<Option<Settings>> {
        Config::parse(text, &Host::default()).map(|config| config.dependencies)
    }

    #[test]
    fn nothing_is_installed_unless_it_is_said() {
        for text in ["", r#"{"dependencies":false}"#, r#"{"dependencies":null,"cache_dir":"/c"}"#] {
            assert_eq!(read(text).unwrap(), None, "{text}");
        }
        let settings = read(r#"{"cache_dir":"/c","dependencies":{}}"#).unwrap().unwrap();
        assert_eq!(settings.index(Ecosystem::Python), Err("python_index"));
        assert!(!settings.runs_scripts);
    }

    #[test]
    fn an_index_is_a_url_and_its_host() {
        for (url, host) in [
            ("https://index.example.org/simple/", "index.example.org:443"),
            ("https://index.example.org:8443/simple", "index.example.org:8443"),
            ("http://127.0.0.1:3141/simple/", "127.0.0.1:3141"),
            ("http://[::1]:3141/", "[::1]:3141"),
        ] {
            let text = format!(r#"{{"cache_dir":"/c","dependencies":{{"python_index":"{url}"}}}}"#);
            let settings = read(&text).unwrap().unwrap();
            assert_eq!(settings.index(Ecosystem::Python).unwrap().host, Rule::parse(host).unwrap(), "{url}");
        }
    }

    #[test]
    fn bad_settings_name_their_key() {
        let with = |inner: &str| format!(r#"{{"cache_dir":"/c","dependencies":{{{inner}}}}}"#);
        let rows: &[(String, &[&str])] = &[
            (r#"{"dependencies":{}}"#.into(), &["'dependencies'", "cache_dir"]),
            (r#"{"cache_dir":"/c","dependencies":true}"#.into(), &["'dependencies'", "object"]),
            (r#"{"cache_dir":"c","dependencies":{}}"#.into(), &["'cache_dir'", "absolute"]),
            (r#"{"cache_dir":"/a:b","dependencies":{}}"#.into(), &["'cache_dir'", "PYTHONPATH"]),
            (
                r#"{"cache_dir":"/c/d","policy":{"write_paths":["/c"]},"dependencies":{}}"#.into(),
                &["'cache_dir'", "/c"],
            ),
            (
                r#"{"cache_dir":"/c","policy":{"write_paths":["/c/d"]},"dependencies":{}}"#.into(),
                &["'cache_dir'", "/c/d"],
            ),
            (with(r#""index":"x""#), &["'dependencies.index'", "python_index, node_registry"]),
            (with(r#""python_index":"x""#), &["'dependencies.python_index'", "URL"]),
            (with(r#""python_index":"http://a.example/""#), &["'dependencies.python_index'", "https"]),
            (with(r#""python_index":"file:///x""#), &["'dependencies.python_index'", "host"]),
            (with(r#""node_registry":"https://u:secret@a.example/""#), &["'dependencies.node_registry'", "password"]),
            (with(r#""node_registry":"https://a.example/?x""#), &["'dependencies.node_registry'", "path"]),
            (with(r#""hosts":["a.example"]"#), &["'dependencies.hosts'", "no port"]),
            (with(r#""scripts":1"#), &["'dependencies.scripts'"]),
            (with(r#""limits":{"wall_ms":0}"#), &["'dependencies.limits.wall_ms'"]),
        ];
        for (text, needles) in rows {
            let error = read(text).unwrap_err();
            assert_eq!(error.status, Status::InvalidConfig, "{text}: {error}");
            for needle in *needles {
                assert!(error.message.contains(needle), "'{needle}' is not in: {error}");
            }
            assert!(!error.message.contains("secret"), "{error}");
        }
    }
}
