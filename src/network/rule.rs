//! One line of an allow-list: `host:port`, `*.host:port`, `*:port`, an address or a range of them, each with a port or
//! `*`, and for plain HTTP a path after it.

use std::fmt;
use std::net::IpAddr;

use super::address::{Class, Range};
use super::target::{Host, Target};
use crate::error::{Error, Result, Status};

/// A destination that is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    pattern: Pattern,
    /// `None` is every port.
    port: Option<u16>,
    /// The path that a plain HTTP request must lie at or beneath; such a rule allows nothing else.
    path: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Pattern {
    /// Every name and every address.
    Any,
    /// This name.
    Name(String),
    /// Every name below this one, at any depth; not the name itself.
    Beneath(String),
    /// Addresses.
    Range(Range),
}

impl Rule {
    /// The rule that a policy states. [`Status::InvalidConfig`] names what is wrong and how to write it.
    pub fn parse(text: &str) -> Result<Self> {
        Self::read(text, None)
    }

    /// The rule that a skill states about itself: as [`Rule::parse`], but without a port it means every port, and a
    /// scheme in front (`https://`) is taken for its port.
    pub fn parse_declared(text: &str) -> Result<Self> {
        let schemes = [("https://", 443), ("http://", 80)];
        match schemes.iter().find_map(|(scheme, port)| text.strip_prefix(scheme).map(|rest| (rest, *port))) {
            // What follows the host is a page, not a bound that the skill means to set for itself.
            Some((rest, port)) => Self::read(rest.split('/').next().unwrap_or_default(), Some(Some(port))),
            None => Self::read(text, Some(None)),
        }
    }

    fn read(text: &str, default_port: Option<Option<u16>>) -> Result<Self> {
        let bad = |what: &str| {
            let shown: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
            Error::new(
                Status::InvalidConfig,
                format!(
                    "network rule '{shown}' {what}; write it as 'api.example.org:443', '*.example.org:443', '10.0.0.0/8:5432', '[::1]:8080' or '*:443'"
                ),
            )
        };
        if text.contains("://") {
            return Err(bad("holds a scheme"));
        }
        let host_end = match text.starts_with('[') {
            true => text.find(']').map(|end| end + 1).ok_or_else(|| bad("has no ']'"))?,
            false => text.find(':').unwrap_or(text.len()),
        };
        let (host, rest) = text.split_at_checked(host_end).ok_or_else(|| bad("is cut short"))?;
        let (port, path) = match rest.strip_prefix(':') {
            Some(rest) => match rest.find('/') {
                Some(at) => rest.split_at_checked(at).map(|(port, path)| (Some(port), Some(path))).unwrap_or_default(),
                None => (Some(rest), None),
            },
            None if rest.is_empty() => (None, None),
            None => return Err(bad("has something between ']' and ':'")),
        };
        let port = match (port, default_port) {
            (Some("*"), _) => None,
            (Some(digits), _) => {
                let is_number = digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
                let number = digits.parse::<u16>().ok().filter(|number| is_number && *number > 0);
                Some(number.ok_or_else(|| bad("has a port that is neither '*' nor a number from 1 to 65535"))?)
            }
            (None, Some(default)) => default,
            (None, None) => return Err(bad("has no port")),
        };
        let path = path.filter(|path| *path != "/" && *path != "/*").map(|path| path.trim_end_matches('*'));
        if path.is_some_and(|path| path.contains(['*', '?', '#']) || !is_plain_path(path)) {
            return Err(bad("has a path with '..', '//', '%', '*' or '?' in it"));
        }
        let pattern = Pattern::parse(host).map_err(bad)?;
        Ok(Self { pattern, port, path: path.map(str::to_owned) })
    }

    /// Whether it allows `target`, special addresses aside; `path` is that of a plain HTTP request.
    pub fn allows(&self, target: &Target, path: Option<&str>) -> bool {
        self.allows_host(target) && self.has_path(path)
    }

    /// Whether it allows `target` at some path.
    pub fn allows_host(&self, target: &Target) -> bool {
        let host = match (&self.pattern, &target.host) {
            // Special addresses are judged apart, wherever they come from.
            (Pattern::Any, _) => true,
            (Pattern::Name(own), Host::Name(name)) => own == name,
            (Pattern::Beneath(own), Host::Name(name)) => is_beneath(name, own),
            (Pattern::Range(range), Host::Address(address)) => range.contains(*address),
            _ => false,
        };
        host && self.has_port(target.port)
    }

    /// Whether it names `address` of a special class on purpose.
    pub fn names(&self, class: Class, address: IpAddr, port: u16) -> bool {
        match &self.pattern {
            Pattern::Range(range) => range.contains(address) && class.is_named_by(range) && self.has_port(port),
            _ => false,
        }
    }

    /// Whether it names an address of the loopback.
    pub fn names_loopback(&self) -> bool {
        let loopback =
            [Range::new(IpAddr::from([127, 0, 0, 0]), 8), Range::new(IpAddr::from([0u16, 0, 0, 0, 0, 0, 0, 1]), 128)];
        match &self.pattern {
            Pattern::Range(range) => loopback.iter().flatten().any(|block| block.covers(range)),
            _ => false,
        }
    }

    /// Whether it allows everything that `other` allows.
    pub fn covers(&self, other: &Rule) -> bool {
        let pattern = match (&self.pattern, &other.pattern) {
            (Pattern::Any, Pattern::Range(range)) => !Class::Reserved.is_named_by(range),
            (Pattern::Any, _) => true,
            (Pattern::Name(own), Pattern::Name(name)) => own == name,
            (Pattern::Beneath(own), Pattern::Name(name)) => is_beneath(name, own),
            (Pattern::Beneath(own), Pattern::Beneath(name)) => own == name || is_beneath(name, own),
            (Pattern::Range(own), Pattern::Range(range)) => own.covers(range),
            _ => false,
        };
        let port = self.port.is_none() || self.port == other.port;
        let path = match (&self.path, &other.path) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(path)) => self.has_path(Some(path)),
        };
        pattern && port && path
    }

    fn has_port(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }

    fn has_path(&self, path: Option<&str>) -> bool {
        let Some(own) = &self.path else { return true };
        // In a tunnel nobody sees the path.
        let Some(path) = path else { return false };
        let path = path.split('?').next().unwrap_or_default();
        let is_at_boundary = |rest: &str| rest.is_empty() || own.ends_with('/') || rest.starts_with('/');
        is_plain_path(path) && path.strip_prefix(own.as_str()).is_some_and(is_at_boundary)
    }
}

impl Pattern {
    fn parse(host: &str) -> Result<Self, &'static str> {
        const NO_HOST: &str = "names neither a host nor an address";
        if host == "*" {
            return Ok(Self::Any);
        }
        let name = |text: &str| match Host::parse(text.as_bytes()) {
            Ok(Host::Name(name)) => Ok(name),
            Ok(Host::Address(_)) => Err("has '*.' before an address"),
            Err(_) => Err(NO_HOST),
        };
        if let Some(above) = host.strip_prefix("*.") {
            return name(above).map(Self::Beneath);
        }
        if host.contains('*') {
            return Err("has a '*' inside a name");
        }
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        if let Some((base, prefix)) = bare.split_once('/') {
            let base: IpAddr = base.parse().map_err(|_| "has a '/' but no address before it")?;
            let prefix = prefix.parse().map_err(|_| "has a prefix that is no number")?;
            let range = Range::new(base, prefix).ok_or("has bits set beyond its prefix, or too long a prefix")?;
            return Ok(Self::Range(range));
        }
        match Host::parse(host.as_bytes()) {
            Ok(Host::Name(name)) => Ok(Self::Name(name)),
            Ok(Host::Address(address)) => Ok(Self::Range(Range::one(address))),
            Err(_) => Err(NO_HOST),
        }
    }
}

fn is_beneath(name: &str, above: &str) -> bool {
    name.strip_suffix(above).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// Whether every server understands the path as it is written.
fn is_plain_path(path: &str) -> bool {
    path.starts_with('/')
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'%')
        && !path.contains("//")
        && !path.split('/').any(|part| part.split(';').next().is_some_and(|name| name == "." || name == ".."))
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pattern {
            Pattern::Any => f.write_str("*")?,
            Pattern::Name(name) => f.write_str(name)?,
            Pattern::Beneath(name) => write!(f, "*.{name}")?,
            Pattern::Range(range) => match range.to_string() {
                text if text.contains(':') => write!(f, "[{text}]")?,
                text => f.write_str(&text)?,
            },
        }
        match self.port {
            Some(port) => write!(f, ":{port}")?,
            None => f.write_str(":*")?,
        }
        f.write_str(self.path.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(rule: &str, target: &str, path: Option<&str>) -> bool {
        Rule::parse(rule).unwrap().allows(&Target::parse_authority(target.as_bytes(), None).unwrap(), path)
    }

    #[test]
    fn a_rule_allows_what_it_says() {
        let rows = [
            ("api.example.org:443", "api.example.org:443", true),
            ("api.example.org:443", "API.example.org.:443", true),
            ("api.example.org:443", "api.example.org:80", false),
            ("api.example.org:443", "example.org:443", false),
            ("api.example.org:443", "x.api.example.org:443", false),
            ("api.example.org:*", "api.example.org:1", true),
            ("*.example.org:443", "a.example.org:443", true),
            ("*.example.org:443", "a.b.example.org:443", true),
            ("*.example.org:443", "example.org:443", false),
            ("*.example.org:443", "evilexample.org:443", false),
            ("*.example.org:443", "example.org.evil.com:443", false),
            ("Bücher.example:443", "xn--bcher-kva.example:443", true),
            ("127.0.0.1:8080", "127.0.0.1:8080", true),
            ("127.0.0.1:8080", "localhost:8080", true),
            ("localhost:8080", "127.0.0.1:8080", true),
            ("127.0.0.1:8080", "[::1]:8080", false),
            ("[::1]:8080", "[::1]:8080", true),
            ("10.0.0.0/8:5432", "10.2.3.4:5432", true),
            ("10.0.0.0/8:5432", "11.2.3.4:5432", false),
            ("10.0.0.0/8:5432", "[::ffff:10.2.3.4]:5432", true),
            ("[fd00::/8]:443", "[fd12::1]:443", true),
            ("*:443", "anything.example:443", true),
            ("*:443", "1.1.1.1:443", true),
            ("*:443", "anything.example:80", false),
        ];
        for (rule, target, expected) in rows {
            assert_eq!(allows(rule, target, None), expected, "{rule} {target}");
        }
    }

    #[test]
    fn a_rule_with_a_path_sees_plain_http_only() {
        let rows = [
            (Some("/v1/items"), true),
            (Some("/v1/"), true),
            (Some("/v1/?q=/../x"), true),
            (Some("/v1"), false),
            (Some("/v2/items"), false),
            (Some("/v1/../v2"), false),
            (Some("/v1/%2e%2e/v2"), false),
            (Some("/v1/..;a/v2"), false),
            (Some("/v1\\..\\v2"), false),
            (Some("/v1//x"), false),
            (None, false),
        ];
        for (path, expected) in rows {
            assert_eq!(allows("a.org:80/v1/", "a.org:80", path), expected, "{path:?}");
        }
        assert!(allows("a.org:80/v1", "a.org:80", Some("/v1")) && !allows("a.org:80/v1", "a.org:80", Some("/v10")));
        assert!(allows("a.org:80/v1/*", "a.org:80", Some("/v1/x")) && allows("a.org:80/", "a.org:80", None));
    }

    #[test]
    fn bad_rules_are_named_with_a_remedy() {
        for text in [
            "",
            ":",
            "a.org",
            "a.org:",
            "a.org:0",
            "a.org:65536",
            "a.org:80x",
            ":443",
            "https://a.org",
            "a.org:443/..",
            "a.org:80/%2e",
            "a*.org:443",
            "*a.org:443",
            "*.*.org:443",
            "*.10.0.0.1:80",
            "10.0.0.1/8:80",
            "10.0.0.0/33:80",
            "a/8:80",
            "[::1:80",
            "[::1]x:80",
            "u@a.org:80",
            "a b:80",
            "a\0b:80",
            "a..b:80",
            "a.org:80/a?b",
            "10.0.0.0/-1:80",
        ] {
            let error = Rule::parse(text).unwrap_err();
            assert_eq!(error.status, Status::InvalidConfig, "{text}");
            assert!(error.message.contains("network rule") && error.message.contains("write it as"), "{error}");
        }
    }

    #[test]
    fn a_skill_may_write_less() {
        for (text, expected) in [
            ("api.example.org", "api.example.org:*"),
            ("https://api.example.org/v1/x", "api.example.org:443"),
            ("http://api.example.org", "api.example.org:80"),
            ("https://api.example.org:8443", "api.example.org:8443"),
            ("*:443", "*:443"),
            ("*.example.com:443", "*.example.com:443"),
        ] {
            assert_eq!(Rule::parse_declared(text).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn rules_are_printed_as_they_are_read() {
        for text in ["a.org:443", "*.a.org:*", "*:443", "10.0.0.0/8:5432", "[fd00::/8]:443", "[::1]:80", "a.org:80/v1/"]
        {
            assert_eq!(Rule::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_rule_covers_what_is_narrower() {
        let rows = [
            ("*:443", "a.org:443", true),
            ("*:*", "*.a.org:443", true),
            ("*:443", "127.0.0.1:443", false),
            ("*:443", "1.1.1.1:443", true),
            ("*:443", "0.0.0.0/0:443", true),
            ("*.a.org:443", "b.a.org:443", true),
            ("*.a.org:443", "*.b.a.org:443", true),
            ("*.a.org:443", "a.org:443", false),
            ("a.org:443", "a.org:*", false),
            ("10.0.0.0/8:*", "10.1.0.0/16:5432", true),
            ("10.1.0.0/16:*", "10.0.0.0/8:5432", false),
            ("a.org:80/v1/", "a.org:80", false),
            ("a.org:80/v1/", "a.org:80/v1/x", true),
            ("a.org:80", "a.org:80/v1/", true),
        ];
        for (wide, narrow, expected) in rows {
            let found = Rule::parse(wide).unwrap().covers(&Rule::parse(narrow).unwrap());
            assert_eq!(found, expected, "{wide} {narrow}");
        }
    }
}
