//! SOCKS5 (RFC 1928, RFC 1929): CONNECT only. Pure functions over the bytes that came so far.

use super::answer::Refusal;
use crate::network::reason::Reason;
use crate::network::target::Target;

/// The first byte of every message of a SOCKS5 client but one.
pub const VERSION: u8 = 5;
/// Answers to a greeting.
pub const NO_LOGIN: &[u8] = &[VERSION, 0];
/// The client shall send a name and a password.
pub const LOGIN: &[u8] = &[VERSION, 2];
/// None of the methods will do.
pub const NO_METHOD: &[u8] = &[VERSION, 0xff];
/// Answers to a login.
pub const WELCOME: &[u8] = &[1, 0];
/// Wrong password.
pub const STRANGER: &[u8] = &[1, 1];

/// A code of RFC 1928, section 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reply {
    /// Connected.
    Succeeded = 0,
    /// Anything without a code of its own.
    Failed = 1,
    /// Not allowed by the ruleset.
    Denied = 2,
    /// The host cannot be reached or has no address.
    HostUnreachable = 4,
    /// Refused by the host.
    Refused = 5,
    /// A command other than CONNECT.
    CommandUnsupported = 7,
    /// An address type that RFC 1928 does not have.
    AddressUnsupported = 8,
}

impl Reply {
    /// The code that says most of a refusal.
    pub fn to(refusal: &Refusal) -> Self {
        match (&refusal.reason, refusal.status) {
            (Reason::Unresolved(_), _) | (Reason::Unreachable(_), 504) => Reply::HostUnreachable,
            (Reason::Unreachable(_), _) => Reply::Refused,
            (_, 503) | (Reason::Protocol(_), _) => Reply::Failed,
            _ => Reply::Denied,
        }
    }
}

/// The message of a reply; the address in it says nothing.
pub fn reply(reply: Reply) -> [u8; 10] {
    [VERSION, reply as u8, 0, 1, 0, 0, 0, 0, 0, 0]
}

/// What came so far.
#[derive(Debug, PartialEq, Eq)]
pub enum Message<T> {
    /// Not all of it.
    Incomplete,
    /// A message, and how many bytes long it is.
    Complete(T, usize),
    /// Something else.
    Malformed(&'static str),
}

/// The methods of a greeting: whether it offers to do without a login, and with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Methods {
    /// No authentication required.
    pub none: bool,
    /// Name and password.
    pub password: bool,
}

/// Reads a greeting.
pub fn greeting(bytes: &[u8]) -> Message<Methods> {
    match bytes {
        [] | [VERSION] => Message::Incomplete,
        [VERSION, count, rest @ ..] => match rest.get(..usize::from(*count)) {
            None => Message::Incomplete,
            Some(methods) => Message::Complete(
                Methods { none: methods.contains(&0), password: methods.contains(&2) },
                2 + usize::from(*count),
            ),
        },
        _ => Message::Malformed("a SOCKS version other than 5"),
    }
}

/// Reads a login and gives its password; any name will do.
pub fn login(bytes: &[u8]) -> Message<&[u8]> {
    match bytes {
        [] | [1] => Message::Incomplete,
        [1, name, rest @ ..] => {
            let name = usize::from(*name);
            match rest.get(name..) {
                None | Some([]) => Message::Incomplete,
                Some([length, rest @ ..]) => match rest.get(..usize::from(*length)) {
                    None => Message::Incomplete,
                    Some(password) => Message::Complete(password, 3 + name + password.len()),
                },
            }
        }
        _ => Message::Malformed("a SOCKS login of an unknown version"),
    }
}

/// Reads a request; what it asks for, or what to answer.
pub fn request(bytes: &[u8]) -> Message<Result<Target, (Reply, Refusal)>> {
    let refuse = |reply, what| Message::Complete(Err((reply, Refusal::new(400, Reason::Protocol(what)))), bytes.len());
    let (kind, rest) = match bytes {
        [VERSION, _, 0, kind, rest @ ..] => (*kind, rest),
        [] | [VERSION] | [VERSION, _] | [VERSION, _, 0] => return Message::Incomplete,
        _ => return Message::Malformed("a malformed SOCKS request"),
    };
    let (host, port) = match kind {
        1 => (rest.get(..4), rest.get(4..6)),
        4 => (rest.get(..16), rest.get(16..18)),
        3 => {
            let length = rest.first().map_or(0, |length| usize::from(*length));
            (rest.get(1..1 + length), rest.get(1 + length..3 + length))
        }
        _ => return refuse(Reply::AddressUnsupported, "a SOCKS address type other than IPv4, IPv6 and name"),
    };
    let (Some(host), Some(&[high, low])) = (host, port) else { return Message::Incomplete };
    let port = u16::from_be_bytes([high, low]);
    // A command is judged when the whole message is there, so that nothing of it is left to be read as another.
    if bytes.get(1) != Some(&1) {
        return refuse(Reply::CommandUnsupported, "a SOCKS command other than CONNECT");
    }
    let written = match (kind, <[u8; 4]>::try_from(host), <[u8; 16]>::try_from(host)) {
        (1, Ok(address), _) => std::net::Ipv4Addr::from(address).to_string().into_bytes(),
        (4, _, Ok(address)) => std::net::Ipv6Addr::from(address).to_string().into_bytes(),
        _ => host.to_vec(),
    };
    let length = 6 + host.len() + usize::from(kind == 3);
    let target = Target::parse(&written, port).map_err(|reason| {
        let refusal = Refusal { port, ..Refusal::of(reason, &String::from_utf8_lossy(&written)) };
        (Reply::Denied, refusal)
    });
    Message::Complete(target, length)
}
