//! A destination in its one canonical form. Everything that decides, resolves, dials or reports works on this value and
//! never on what the client wrote, so that no two readers can understand one spelling differently.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::address::unmapped;
use super::reason::Reason;

/// The longest name, without its final dot. Source: RFC 1035, 2.3.4.
const MAX_NAME_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;

/// Who is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name: lower case, punycode, without a final dot.
    Name(String),
    /// An address; never an IPv4 address in IPv6 clothes. `localhost` is 127.0.0.1, whatever a resolver says.
    Address(IpAddr),
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Who.
    pub host: Host,
    /// The TCP port, 1 to 65535.
    pub port: u16,
}

impl Target {
    /// The target that a client wrote as `host` (IPv6 with or without brackets) and `port`.
    pub fn parse(host: &[u8], port: u16) -> Result<Self, Reason> {
        if port == 0 {
            return Err(Reason::Malformed("port 0"));
        }
        Ok(Self { host: Host::parse(host)?, port })
    }

    /// The target of an authority, `host:port` or `[v6]:port`. Without a port `default_port` counts; user-info is refused.
    pub fn parse_authority(authority: &[u8], default_port: Option<u16>) -> Result<Self, Reason> {
        if authority.contains(&b'@') {
            return Err(Reason::Malformed("user-info before the host"));
        }
        let end = match authority.first() {
            Some(b'[') => 1 + authority.iter().position(|byte| *byte == b']').ok_or(Reason::Malformed("no ']'"))?,
            _ => authority.iter().position(|byte| *byte == b':').unwrap_or(authority.len()),
        };
        let (host, rest) = authority.split_at(end);
        let port = match rest {
            [] | [b':'] => default_port.ok_or(Reason::Malformed("no port"))?,
            [b':', digits @ ..] => parse_port(digits)?,
            _ => return Err(Reason::Malformed("something between ']' and ':'")),
        };
        Self::parse(host, port)
    }
}

fn parse_port(digits: &[u8]) -> Result<u16, Reason> {
    const MALFORMED: Reason = Reason::Malformed("a port that is no number from 1 to 65535");
    if digits.is_empty() || digits.len() > 5 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(MALFORMED);
    }
    let number = digits.iter().fold(0u32, |number, digit| number * 10 + u32::from(digit - b'0'));
    u16::try_from(number).map_err(|_| MALFORMED)
}

impl Host {
    /// The host that someone wrote. Octal, hexadecimal, decimal and short IPv4 spellings are what browsers take them for.
    pub fn parse(written: &[u8]) -> Result<Self, Reason> {
        if written.is_empty() {
            return Err(Reason::Malformed("an empty host"));
        }
        if written.len() > 4 * MAX_NAME_BYTES {
            return Err(Reason::Malformed("a host that is too long"));
        }
        // Percent signs would be decoded by some readers and not by others; they also introduce the zones of IPv6.
        if written.iter().any(|byte| *byte <= b' ' || *byte == 0x7f || b"%@/\\?#,;\"'<>|^`{}".contains(byte)) {
            return Err(Reason::Malformed("a control byte, a space or a character that no host has"));
        }
        let text = std::str::from_utf8(written).map_err(|_| Reason::Malformed("a host that is not UTF-8"))?;
        if !text.starts_with('[') && text.contains(':') {
            let address: Ipv6Addr =
                text.parse().map_err(|_| Reason::Malformed("an address that is no IPv6 address"))?;
            return Ok(Self::Address(unmapped(IpAddr::V6(address))));
        }
        match url::Host::parse(text) {
            Ok(url::Host::Ipv4(address)) => Ok(Self::Address(IpAddr::V4(address))),
            Ok(url::Host::Ipv6(address)) => Ok(Self::Address(unmapped(IpAddr::V6(address)))),
            Ok(url::Host::Domain(name)) => Self::name(&name),
            Err(_) => Err(Reason::Malformed("neither a name nor an address")),
        }
    }

    fn name(name: &str) -> Result<Self, Reason> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let is_label = |label: &str| {
            (1..=MAX_LABEL_BYTES).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte))
        };
        if name.len() > MAX_NAME_BYTES || !name.split('.').all(is_label) {
            return Err(Reason::Malformed("a name with an empty, long or odd label"));
        }
        if name == "localhost" || name.ends_with(".localhost") {
            // Source: RFC 6761, 6.3.
            return Ok(Self::Address(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        }
        Ok(Self::Name(name.to_owned()))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Address(address) => address.fmt(f),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_has_one_form() {
        let rows = [
            ("example.org", "example.org"),
            ("EXAMPLE.Org", "example.org"),
            ("example.org.", "example.org"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("example。org", "example.org"),
            ("ｅｘａｍｐｌｅ.org", "example.org"),
            ("_sip.example.org", "_sip.example.org"),
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1.", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("0x7f000001", "127.0.0.1"),
            ("0x7f.1", "127.0.0.1"),
            ("0177.0.0.1", "127.0.0.1"),
            ("１２７.0.0.1", "127.0.0.1"),
            ("127。0。0。1", "127.0.0.1"),
            ("0", "0.0.0.0"),
            ("::1", "::1"),
            ("[::1]", "::1"),
            ("[0:0:0:0:0:0:0:1]", "::1"),
            ("::ffff:127.0.0.1", "127.0.0.1"),
            ("[::ffff:7f00:1]", "127.0.0.1"),
            ("::FFFF:10.0.0.1", "10.0.0.1"),
            ("localhost", "127.0.0.1"),
            ("LOCALHOST.", "127.0.0.1"),
            ("db.localhost", "127.0.0.1"),
        ];
        for (written, expected) in rows {
            assert_eq!(Host::parse(written.as_bytes()).map(|host| host.to_string()), Ok(expected.into()), "{written}");
        }
    }

    #[test]
    fn what_readers_could_disagree_about_is_refused() {
        let long = "a".repeat(64) + ".org";
        let many = "a.".repeat(127) + "org";
        let rows: &[&[u8]] = &[
            b"",
            b".",
            b"..",
            b"a..b",
            b".a",
            b"allowed.com\0evil.com",
            b"evil.com\0.allowed.com",
            b"a b",
            b" a",
            b"a\t",
            b"a\r\nb",
            b"a%2eb",
            b"%61.org",
            b"user@a.org",
            b"a/b",
            b"a\\b",
            b"a?b",
            b"a#b",
            b"fe80::1%eth0",
            b"[fe80::1%25eth0]",
            b"[::1",
            b"::1]",
            b"[1.2.3.4]",
            b"256.0.0.1",
            b"1.2.3.4.5",
            b"0x",
            b"09.1",
            b"a,b",
            b"xn--a",
            b"\xff.org",
            b"a|b",
            long.as_bytes(),
            many.as_bytes(),
        ];
        for written in rows {
            let text = String::from_utf8_lossy(written);
            match Host::parse(written) {
                Err(Reason::Malformed(_)) => {}
                // Browsers read `0x` as 0.
                Ok(Host::Address(address)) if text == "0x" => assert!(address.is_unspecified()),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn authorities_are_split_in_one_way() {
        let rows: &[(&str, Option<u16>, Option<&str>)] = &[
            ("a.org:443", None, Some("a.org:443")),
            ("a.org", Some(80), Some("a.org:80")),
            ("a.org:", Some(80), Some("a.org:80")),
            ("a.org", None, None),
            ("[::1]:8080", None, Some("[::1]:8080")),
            ("[::1]", Some(80), Some("[::1]:80")),
            ("::1:8080", None, None),
            ("a.org:0", None, None),
            ("a.org:65536", None, None),
            ("a.org:+80", None, None),
            ("a.org:80 ", None, None),
            ("a.org:80:90", None, None),
            ("a.org:000080", None, None),
            ("u@a.org:80", None, None),
            ("u:p@a.org:80", None, None),
            ("a.org:80@b.org", None, None),
            ("[::1]x:80", None, None),
            ("[::ffff:10.0.0.1]:80", None, Some("10.0.0.1:80")),
        ];
        for (authority, default, expected) in rows {
            let found = Target::parse_authority(authority.as_bytes(), *default).map(|target| target.to_string());
            assert_eq!(found.ok().as_deref(), *expected, "{authority}");
        }
    }
}
