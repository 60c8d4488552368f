//! What a client is told that does not get what it asked for.

use crate::network::reason::Reason;
use crate::network::target::Target;

/// The answer to a CONNECT that is granted.
pub const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// The most characters of a host that are repeated.
const MAX_HOST_CHARS: usize = 255;

/// A request that is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of an HTTP answer.
    pub status: u16,
    /// Why.
    pub reason: Reason,
    /// What it was about, where that could be read.
    pub asked: Option<Target>,
    /// Otherwise what the client wrote for a host, as it is.
    pub host: String,
    /// With it.
    pub port: u16,
}

impl Refusal {
    /// A refusal that is about no host in particular.
    pub fn new(status: u16, reason: Reason) -> Self {
        Self { status, reason, asked: None, host: String::new(), port: 0 }
    }

    /// The refusal of what was `written` for a host, with the status that fits its reason.
    pub fn of(reason: Reason, written: &str) -> Self {
        Self { host: written.to_owned(), ..Self::new(status(&reason), reason) }
    }

    /// The refusal of a target, with the status that fits its reason.
    pub fn to(target: &Target, reason: Reason) -> Self {
        Self { asked: Some(target.clone()), ..Self::new(status(&reason), reason) }
    }

    /// The host and port that it is about, fit to be printed.
    pub fn about(&self) -> (String, u16) {
        match &self.asked {
            Some(target) => (target.host.to_string(), target.port),
            None => {
                let printable = |c: char| if c.is_control() { '?' } else { c };
                (self.host.chars().take(MAX_HOST_CHARS).map(printable).collect(), self.port)
            }
        }
    }

    /// The whole HTTP answer.
    pub fn http(&self) -> Vec<u8> {
        let (host, port) = self.about();
        let body = match (&self.asked, host.is_empty()) {
            (Some(target), _) => format!("{target}: {}\n", self.reason),
            (None, true) => format!("{}\n", self.reason),
            (None, false) if port == 0 => format!("{host}: {}\n", self.reason),
            (None, false) => format!("{host} port {port}: {}\n", self.reason),
        };
        let challenge = match self.status {
            407 => "Proxy-Authenticate: Basic realm=\"skilllite\"\r\n",
            _ => "",
        };
        // Many clients show nothing but the first line of what a CONNECT is answered.
        let line: String = body.chars().filter(|c| *c == ' ' || c.is_ascii_graphic()).collect();
        format!(
            "HTTP/1.1 {} {} ({line})\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nX-Proxy-Error: {}\r\n{challenge}Connection: close\r\n\r\n{body}",
            self.status,
            phrase(self.status),
            body.len(),
            self.reason.code(),
        )
        .into_bytes()
    }
}

fn status(reason: &Reason) -> u16 {
    match reason {
        Reason::NotListed(_) | Reason::PathNotListed(_) | Reason::Forbidden(_) | Reason::Limit(_) => 403,
        Reason::Malformed(_) | Reason::Protocol(_) => 400,
        Reason::Unresolved(_) | Reason::Unreachable(_) => 502,
        Reason::Unauthorized => 407,
    }
}

fn phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        403 => "Forbidden",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        431 => "Request Header Fields Too Large",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Error",
    }
}
