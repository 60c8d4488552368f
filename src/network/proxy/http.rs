//! What an HTTP client asks for: a head becomes a request in canonical form, or a refusal.
//!
//! Pure functions over bytes. Everything that two readers of one message could understand differently (framing, host,
//! bare line feeds, odd spellings of the two framing fields) is refused, and what goes upstream is written anew from
//! what was understood, never copied.

use std::fmt::Write;
use std::net::IpAddr;

use super::answer::Refusal;
use super::body::Body;
use crate::network::reason::Reason;
use crate::network::target::{Host, Target};

/// The most fields of a head.
const MAX_FIELDS: usize = 128;

/// Where a head ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// Not yet.
    Incomplete,
    /// It is this many bytes long.
    Complete(usize),
    /// Not within the bound.
    TooLong,
}

/// A head that was understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// Where it wants to go.
    pub target: Target,
    /// How.
    pub kind: Kind,
    /// The value of `Proxy-Authorization`.
    pub credentials: Option<Vec<u8>>,
}

/// What a request wants.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tunnel (CONNECT).
    Tunnel,
    /// One plain HTTP exchange.
    Forward(Forward),
}

/// A plain HTTP request as it goes upstream.
#[derive(Debug, PartialEq, Eq)]
pub struct Forward {
    /// The path with its query: the request target in origin-form.
    pub path: String,
    /// The rewritten head.
    pub head: Vec<u8>,
    /// The framing of what follows it.
    pub body: Body,
}

/// Looks for the end of a head that may be `limit_bytes` long; the first `known_bytes` were looked at before.
pub fn find_end(bytes: &[u8], known_bytes: usize, limit_bytes: usize) -> Head {
    let within = bytes.get(..limit_bytes).unwrap_or(bytes);
    // The end is three bytes at most (LF CR LF), the last two of which may have been missing.
    let start = known_bytes.saturating_sub(2);
    let rest = within.get(start..).unwrap_or_default();
    for (index, _) in rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        match rest.get(index + 1..) {
            Some([b'\n', ..]) => return Head::Complete(start + index + 2),
            Some([b'\r', b'\n', ..]) => return Head::Complete(start + index + 3),
            _ => {}
        }
    }
    if bytes.len() >= limit_bytes { Head::TooLong } else { Head::Incomplete }
}

/// Reads a whole head, which ends where [`find_end`] says.
pub fn read(head: &[u8]) -> Result<Request, Refusal> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    match parsed.parse(head) {
        Ok(httparse::Status::Complete(length)) if length == head.len() => {}
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Refusal::new(431, Reason::Protocol("a head of more than 128 fields")));
        }
        Err(httparse::Error::Version) => return Err(bad("a version other than HTTP/1.0 and HTTP/1.1")),
        _ => return Err(bad("a malformed HTTP head")),
    }
    let bare = head.iter().enumerate().any(|(at, byte)| {
        *byte == b'\n' && at.checked_sub(1).and_then(|before| head.get(before)).is_none_or(|byte| *byte != b'\r')
    });
    let (Some(method), Some(uri), Some(version)) = (parsed.method, parsed.path, parsed.version) else {
        return Err(bad("a malformed HTTP head"));
    };
    if bare || !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad("a bare line feed, or a request target that is not ASCII"));
    }
    let wanted = Wanted::read(method, uri)?;
    let refuse = |what| Refusal { asked: Some(wanted.target.clone()), ..bad(what) };
    let fields = Fields::read(parsed.headers).map_err(refuse)?;
    let framing = fields.framing(version).map_err(refuse)?;
    // In a tunnel's head, clients leave out any port: it is a scheme's, and the tunnel has none.
    let host_port = wanted.path.as_ref().map_or(wanted.target.port, |_| 80);
    let agrees = |host| Target::parse_authority(host, Some(host_port)).is_ok_and(|host| host == wanted.target);
    if !fields.host.is_none_or(agrees) {
        return Err(refuse("a Host field that is not the host of the request target"));
    }
    let credentials = fields.credentials.map(<[u8]>::to_vec);
    let kind = match wanted.path {
        None if framing.is_some_and(|length| length != Framing::Length(0)) => {
            return Err(refuse("a CONNECT request with a body"));
        }
        None => Kind::Tunnel,
        Some(path) => {
            let head = rewritten(method, &path, version, &wanted.target, &fields, framing);
            let body = match framing {
                None => Body::none(),
                Some(Framing::Length(length)) => Body::of_length(length),
                Some(Framing::Chunked) => Body::chunked(),
            };
            Kind::Forward(Forward { path, head, body })
        }
    };
    Ok(Request { target: wanted.target, kind, credentials })
}

fn bad(what: &'static str) -> Refusal {
    Refusal::new(400, Reason::Protocol(what))
}

/// What a request line asks for; without a path it is a tunnel.
struct Wanted {
    target: Target,
    path: Option<String>,
}

impl Wanted {
    fn read(method: &str, uri: &str) -> Result<Self, Refusal> {
        if method == "CONNECT" {
            let target = Target::parse_authority(uri.as_bytes(), None).map_err(|reason| Refusal::of(reason, uri))?;
            return Ok(Self { target, path: None });
        }
        let Some((scheme, rest)) = uri.split_once("://") else {
            return Err(bad(match uri.starts_with('/') {
                true => "a path without a host: ask a proxy for the whole URI, as in GET http://host/path",
                false => "a request target that is no http:// URI",
            }));
        };
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(Refusal {
                host: uri.into(),
                ..bad("a scheme other than http: use CONNECT host:port for a tunnel, as for https")
            });
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let target =
            Target::parse_authority(authority.as_bytes(), Some(80)).map_err(|reason| Refusal::of(reason, authority))?;
        if path.contains('#') {
            return Err(Refusal { asked: Some(target), ..bad("a URI with a fragment") });
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { target, path: Some(path) })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(u64),
    Chunked,
}

/// The fields that matter, and those that are passed on.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    credentials: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
    coding: Option<&'a [u8]>,
    passed: Vec<(&'a str, &'a [u8])>,
}

impl<'a> Fields<'a> {
    fn read(headers: &[httparse::Header<'a>]) -> Result<Self, &'static str> {
        let mut fields = Self::default();
        // Names that are about this connection only, as listed by the client itself.
        let mut listed: Vec<&[u8]> = Vec::new();
        for header in headers {
            let lower = header.name.to_ascii_lowercase();
            let (place, twice) = match lower.as_str() {
                "host" => (&mut fields.host, "more than one Host field"),
                "content-length" => (&mut fields.length, "more than one Content-Length"),
                "transfer-encoding" => (&mut fields.coding, "more than one Transfer-Encoding"),
                "proxy-authorization" => (&mut fields.credentials, "more than one Proxy-Authorization"),
                "connection" => {
                    listed.extend(header.value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii));
                    continue;
                }
                "keep-alive" | "te" | "trailer" | "upgrade" => continue,
                _ if lower.starts_with("proxy-") => continue,
                _ if is_odd_framing(&lower) => {
                    return Err("a field that looks like Content-Length or Transfer-Encoding");
                }
                _ => {
                    fields.passed.push((header.name, header.value));
                    continue;
                }
            };
            if place.replace(header.value).is_some() {
                return Err(twice);
            }
        }
        fields.passed.retain(|(name, _)| !listed.iter().any(|listed| listed.eq_ignore_ascii_case(name.as_bytes())));
        Ok(fields)
    }

    fn framing(&self, version: u8) -> Result<Option<Framing>, &'static str> {
        match (self.length, self.coding) {
            (Some(_), Some(_)) => Err("both Content-Length and Transfer-Encoding"),
            (Some(length), None) => {
                // 19 digits fit into 64 bits.
                if length.is_empty() || length.len() > 19 || !length.iter().all(u8::is_ascii_digit) {
                    return Err("a Content-Length that is no decimal number");
                }
                let add = |sum: u64, digit: &u8| sum.saturating_mul(10).saturating_add(u64::from(digit & 0x0f));
                Ok(Some(Framing::Length(length.iter().fold(0, add))))
            }
            (None, Some(coding)) if version == 0 || !coding.eq_ignore_ascii_case(b"chunked") => {
                Err("a Transfer-Encoding other than chunked, or one in HTTP/1.0")
            }
            (None, Some(_)) => Ok(Some(Framing::Chunked)),
            (None, None) => Ok(None),
        }
    }
}

/// Gateways turn `content_length` into the variable of Content-Length; others drop characters that they do not know.
fn is_odd_framing(lower: &str) -> bool {
    let is_same = |name: &str| lower.bytes().filter(u8::is_ascii_alphanumeric).eq(name.bytes());
    is_same("contentlength") || is_same("transferencoding")
}

fn rewritten(
    method: &str,
    path: &str,
    version: u8,
    target: &Target,
    fields: &Fields<'_>,
    framing: Option<Framing>,
) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.{version}\r\nHost: ");
    let _ = match (&target.host, target.port) {
        (Host::Address(IpAddr::V6(address)), 80) => write!(head, "[{address}]\r\n"),
        (host, 80) => write!(head, "{host}\r\n"),
        _ => write!(head, "{target}\r\n"),
    };
    let mut head = head.into_bytes();
    for (name, value) in &fields.passed {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    }
    match framing {
        None => {}
        Some(Framing::Length(length)) => head.extend_from_slice(format!("Content-Length: {length}\r\n").as_bytes()),
        Some(Framing::Chunked) => head.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
    }
    head.extend_from_slice(b"Connection: close\r\n\r\n");
    head
}
