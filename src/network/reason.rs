//! Why something is not reached.

use std::fmt;

use super::address::Class;

/// Whose list it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The engine's policy.
    Policy,
    /// The skill's declaration about itself.
    Skill,
    /// The options of the call.
    Call,
}

/// Why something is not reached. Displayed as one line for a person or a model; [`Reason::code`] is stable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No rule of this owner allows it.
    NotListed(Owner),
    /// The rules of this owner allow other paths of it only.
    PathNotListed(Owner),
    /// What was asked for has no single meaning.
    Malformed(&'static str),
    /// It is, or resolves to, an address that only a rule that names it allows.
    Forbidden(Class),
    /// The name has no address; with the resolver's words.
    Unresolved(String),
    /// Nobody answers there; with the system's words.
    Unreachable(String),
    /// A bound of the call is used up; which one.
    Limit(&'static str),
    /// The client does not speak the proxy's protocol; how.
    Protocol(&'static str),
    /// The client does not know the call's token.
    Unauthorized,
}

impl Reason {
    /// A stable word: `not-listed`, `malformed`, `forbidden-address`, `unresolved`, `unreachable`, `limit`, `protocol`,
    /// `unauthorized`.
    pub fn code(&self) -> &'static str {
        match self {
            Reason::NotListed(_) | Reason::PathNotListed(_) => "not-listed",
            Reason::Malformed(_) => "malformed",
            Reason::Forbidden(_) => "forbidden-address",
            Reason::Unresolved(_) => "unresolved",
            Reason::Unreachable(_) => "unreachable",
            Reason::Limit(_) => "limit",
            Reason::Protocol(_) => "protocol",
            Reason::Unauthorized => "unauthorized",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NotListed(Owner::Policy) => {
                f.write_str("not in the engine's allow-list; the host can add it to policy.network")
            }
            Reason::NotListed(Owner::Skill) => {
                f.write_str("not among the hosts that the skill declares; its SKILL.md can name it in network.outbound")
            }
            Reason::NotListed(Owner::Call) => {
                f.write_str("not in the allow-list of this call; its options can name it")
            }
            Reason::PathNotListed(_) => f.write_str(
                "only other paths of it are in the allow-list, and in a tunnel no path is seen; use plain HTTP at an allowed path",
            ),
            Reason::Malformed(what) => write!(f, "refused: {what}; write a plain host name or address"),
            Reason::Forbidden(class) => {
                write!(f, "leads to {class}, which only a rule for that address in policy.network allows")
            }
            Reason::Unresolved(why) => write!(f, "the name has no address: {why}"),
            Reason::Unreachable(why) => write!(f, "allowed, but not reached: {why}"),
            Reason::Limit(which) => write!(f, "the call's bound on {which} is reached; the host can raise it in policy.network.limits"),
            Reason::Protocol(what) => {
                write!(f, "not understood: {what}; the proxy speaks HTTP CONNECT, plain HTTP and SOCKS5")
            }
            Reason::Unauthorized => f.write_str("the proxy wants the call's token, which is in HTTP_PROXY"),
        }
    }
}
