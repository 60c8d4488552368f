//! Builds with the proxy: an allow-list for each call, and a session that serves it.

use std::ffi::OsString;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::engine::config::limits;
use crate::engine::document::{Section, invalid};
use crate::error::{Error, Result, Status};
use crate::limit;
use crate::network::proxy::{Proxy, Session};
use crate::network::{Access, AllowList, Limits, Owner, Rule};
use crate::random;
use crate::sandbox::{Network, Tier, Uplink};
use crate::skill::NetworkDeclaration;

const POLICY_KEYS: &[&str] = &["allow", "limits", "accept_port_only"];
const CALL_KEYS: &[&str] = &["allow", "limits"];
/// The most rules of one list.
const MAX_RULES: usize = 1024;
/// Where the proxy listens on a loopback of the run's own: the customary port of proxies.
const PORT: u16 = 3128;
/// What makes Node's own `fetch`, `http` and `https` use the proxy.
const NODE_PRELOAD: &str = include_str!("node.cjs");
const NODE_PRELOAD_NAME: &str = ".skilllite/proxy.cjs";
/// Clients read one spelling or the other.
const PROXY_VARIABLES: [&str; 6] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
const DIRECT_VARIABLES: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// What particular clients need. Without namespaces the host's configuration is there and closed, where git, and Node
/// started by another program, give up; and git would ask for every tunnel without the token first.
const CLIENT_VARIABLES: [[&str; 2]; 3] =
    [["GIT_CONFIG_NOSYSTEM", "1"], ["GIT_HTTP_PROXY_AUTHMETHOD", "basic"], ["OPENSSL_CONF", "/dev/null"]];

/// What the policy says about the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Settings {
    rules: Vec<Rule>,
    limits: Limits,
    accepts_port_only: bool,
}

impl Settings {
    /// Reads `network` of the policy: `false`, an array of rules, or an object with `allow`, `limits` and
    /// `accept_port_only`.
    pub(in crate::engine) fn read(section: &Section<'_>) -> Result<Self> {
        let mut settings = Self::default();
        if let Some(Value::Object(_)) = section.get("network") {
            let Some(network) = section.section("network", POLICY_KEYS)? else { return Ok(settings) };
            settings.rules = rules(&network, "allow")?.unwrap_or_default();
            for (key, value) in limits(&network, Limits::FIELDS)? {
                limit::set(Limits::FIELDS, &mut settings.limits, &key, value)?;
            }
            settings.accepts_port_only = network.boolean("accept_port_only")?.unwrap_or(false);
        } else {
            settings.rules = rules(section, "network")?.unwrap_or_default();
        }
        Ok(settings)
    }

    /// Other hosts, for what fetches more than a call does.
    #[cfg(feature = "dependencies")]
    pub(in crate::engine) fn only(&self, rules: Vec<Rule>) -> Self {
        let limits = Limits { connections: 256, bytes_in: 8 << 30, connect_ms: 30_000, ..Limits::default() };
        Self { rules, limits, accepts_port_only: self.accepts_port_only }
    }
}

/// What a call says about the network: less than the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Narrowing {
    rules: Option<Vec<Rule>>,
    limits: Vec<(String, u64)>,
}

impl Narrowing {
    /// Reads `network` of the options: `false`, an array of rules, or an object with `allow` and `limits`.
    pub(in crate::engine) fn read(section: &Section<'_>) -> Result<Self> {
        if let Some(Value::Object(_)) = section.get("network") {
            let Some(network) = section.section("network", CALL_KEYS)? else { return Ok(Self::default()) };
            return Ok(Self { rules: rules(&network, "allow")?, limits: limits(&network, Limits::FIELDS)? });
        }
        Ok(Self { rules: rules(section, "network")?, limits: Vec::new() })
    }
}

/// The rules at `key`: an array of texts, or `false` for none at all. `None` when nothing is said.
fn rules(section: &Section<'_>, key: &str) -> Result<Option<Vec<Rule>>> {
    match section.get(key) {
        None => Ok(None),
        Some(Value::Bool(false)) => Ok(Some(Vec::new())),
        Some(Value::Array(items)) if items.len() <= MAX_RULES => {
            let parse = |item| {
                let text = section.as_text(key, item)?;
                Rule::parse(text).map_err(|error| {
                    Error::new(error.status, format!("'{}': {}", section.key_name(key), error.message))
                })
            };
            items.iter().map(parse).collect::<Result<_>>().map(Some)
        }
        Some(Value::Array(items)) => {
            Err(invalid(&section.key_name(key), format_args!("has {} rules; at most {MAX_RULES}", items.len())))
        }
        Some(Value::Bool(true)) => Err(invalid(
            &section.key_name(key),
            "is true, which names nobody; list the hosts as [\"api.example.org:443\"], or [\"*:443\"] for every public one",
        )),
        Some(_) => Err(invalid(&section.key_name(key), "must be false or an array of \"host:port\" rules")),
    }
}

/// The way out of one engine: one proxy for all its calls.
pub(in crate::engine) struct Gateway {
    proxy: Arc<Proxy>,
}

impl Gateway {
    /// Starts nothing.
    pub(in crate::engine) fn new() -> Self {
        Self { proxy: Arc::new(Proxy::new()) }
    }

    /// The way out of one call, narrowed by what the skill declares and by what the call says. Errors:
    /// [`Status::PolicyWidened`], [`Status::IsolationUnavailable`] when `tier` cannot hold an allow-list by more than
    /// a port and the policy does not accept that, [`Status::Resources`].
    pub(in crate::engine) fn open(
        &self,
        settings: &Settings,
        wish: Option<&NetworkDeclaration>,
        narrowing: &Narrowing,
        tier: Tier,
    ) -> Result<Way> {
        let is_wanted = wish.is_some_and(|wish| wish.enabled);
        let closed = |hint: &str| Ok(Way { is_wanted, hint: Some(hint.to_owned()), ..Way::default() });
        let mut access = Access::new(settings.rules.clone());
        if let Some(rules) = &narrowing.rules {
            access.check_narrower(rules)?;
            access = access.narrowed(AllowList { owner: Owner::Call, rules: rules.clone() });
        }
        let limits = limit::narrowed(Limits::FIELDS, &settings.limits, &narrowing.limits)?;
        if settings.rules.is_empty() {
            return closed(super::NO_POLICY);
        }
        if narrowing.rules.as_ref().is_some_and(Vec::is_empty) {
            return closed("the options of this call allow no network");
        }
        let mut hint = None;
        if let Some(wish) = wish {
            if !wish.enabled {
                return closed("the skill declares that it needs no network, and so has none");
            }
            let rules: Vec<_> = wish.outbound.iter().filter_map(|text| Rule::parse_declared(text).ok()).collect();
            let beyond: Vec<_> = rules.iter().filter(|rule| !access.covers(rule)).map(Rule::to_string).collect();
            hint = (!beyond.is_empty()).then(|| {
                format!("the skill asks for {}, which policy.network does not allow in full", beyond.join(", "))
            });
            if !wish.outbound.is_empty() {
                access = access.narrowed(AllowList { owner: Owner::Skill, rules });
            }
        }
        if access.is_empty() {
            return closed("none of the hosts that the skill declares can be understood");
        }
        let has_direct_loopback = !access.names_loopback();
        let way = |session, port, token| Way {
            is_wanted,
            hint: hint.clone(),
            session: Some(session),
            _proxy: Some(Arc::clone(&self.proxy)),
            port,
            token,
            has_direct_loopback,
            is_own_listener: tier != Tier::Landlock,
        };
        if tier != Tier::Landlock {
            return Ok(way(self.proxy.session(access, limits, None), PORT, None));
        }
        if !settings.accepts_port_only {
            return Err(Error::new(
                Status::IsolationUnavailable,
                "isolation unavailable: in the landlock tier the network is held by the proxy's TCP port alone, which other hosts may have too; accept that with \"network\": {\"accept_port_only\": true}, use a host that allows namespaces, or set \"network\" to false",
            ));
        }
        let (listener, port) = listen()?;
        let token = random::token()?;
        let session = self.proxy.session(access, limits, Some(token.clone()));
        session.listen(listener)?;
        Ok(way(session, port, Some(token)))
    }

    /// Ends every connection.
    pub(in crate::engine) fn close(&self) {
        self.proxy.close();
    }
}

/// A listener on the host's own loopback, for runs that have none.
fn listen() -> Result<(OwnedFd, u16)> {
    let failed = |error: std::io::Error| {
        Error::new(Status::Resources, format!("no listener for the proxy on 127.0.0.1: {error}; raise RLIMIT_NOFILE"))
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    Ok((listener.into(), port))
}

/// The way out of one call; dropping it closes every connection.
#[derive(Default)]
pub(in crate::engine) struct Way {
    is_wanted: bool,
    hint: Option<String>,
    session: Option<Arc<Session>>,
    /// A call may outlive its engine, and so does what serves it.
    _proxy: Option<Arc<Proxy>>,
    port: u16,
    token: Option<String>,
    /// Whether the run's own loopback is what a program means by 127.0.0.1.
    has_direct_loopback: bool,
    /// Whether the run makes the listener.
    is_own_listener: bool,
}

impl Way {
    /// What the sandbox is told.
    pub(in crate::engine) fn policy(&self) -> Network {
        match self.session {
            Some(_) => Network::Listener { port: self.port },
            None => Network::Closed,
        }
    }

    /// Variables that lead clients to the proxy. `temporary` is where [`Way::files`] lie; `has_authorities` says whether
    /// `SSL_CERT_FILE` is set beside them.
    pub(in crate::engine) fn environment(&self, temporary: &Path, has_authorities: bool) -> Vec<(OsString, OsString)> {
        if self.session.is_none() {
            return Vec::new();
        }
        let user = self.token.as_ref().map(|token| format!("skilllite:{token}@")).unwrap_or_default();
        let proxy = format!("http://{user}127.0.0.1:{}", self.port);
        let direct = if self.has_direct_loopback { "localhost,127.0.0.1,::1" } else { "" };
        // Node trusts a list of its own unless it is told otherwise. NODE_EXTRA_CA_CERTS would do, but Node 20 reads that at
        // every start (50 ms for a distribution's bundle), and OpenSSL's file only when TLS is first used.
        let trust = if has_authorities { "--use-openssl-ca " } else { "" };
        let preload = temporary.join(NODE_PRELOAD_NAME);
        let mut variables: Vec<(OsString, OsString)> = Vec::new();
        variables.extend(PROXY_VARIABLES.map(|name| (name.into(), proxy.clone().into())));
        variables.extend(DIRECT_VARIABLES.map(|name| (name.into(), direct.into())));
        variables.extend(CLIENT_VARIABLES.map(|[name, value]| (name.into(), value.into())));
        variables.push(("NODE_OPTIONS".into(), format!("{trust}--require={}", preload.display()).into()));
        variables
    }

    /// Files that the run needs: Node's preload.
    pub(in crate::engine) fn files(&self, temporary: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let preload = || (temporary.join(NODE_PRELOAD_NAME), NODE_PRELOAD.as_bytes().to_vec());
        self.session.iter().map(|_| preload()).collect()
    }

    /// Who takes the listener that the run makes.
    pub(in crate::engine) fn uplink(&self) -> Option<Uplink> {
        let session = Arc::clone(self.session.as_ref().filter(|_| self.is_own_listener)?);
        Some(Arc::new(move |listener| {
            // A listener that nobody serves is closed, and its clients are refused.
            let _ = session.listen(listener);
        }))
    }

    /// The `network` of the result. The run has ended, so every connection ends now.
    pub(in crate::engine) fn report(&self) -> Value {
        let mut document = super::document(self.session.is_some(), self.is_wanted, self.hint.clone());
        let Some(session) = &self.session else { return document };
        session.close();
        let summary = session.account().summary();
        let reached = summary.allowed.iter().map(|entry| {
            json!({
                "host": entry.host,
                "port": entry.port,
                "connections": entry.connections,
                "bytes_in": entry.bytes_in,
                "bytes_out": entry.bytes_out,
                "duration_ms": (entry.duration.as_secs_f64() * 1e6).round() / 1e3,
            })
        });
        document["reached"] = reached.collect();
        let denied = summary.denied.iter().map(|entry| {
            json!({
                "host": entry.host,
                "port": entry.port,
                "reason": entry.reason,
                "code": entry.code,
                "count": entry.count,
            })
        });
        document["denied"] = denied.collect();
        document["denials"] = json!(summary.denials);
        document
    }
}

impl std::fmt::Debug for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Way")
            .field("port", &self.port)
            .field("is_open", &self.session.is_some())
            .finish_non_exhaustive()
    }
}
