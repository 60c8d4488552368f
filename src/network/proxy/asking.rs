//! A client that has not said yet what it wants: HTTP or SOCKS5 by its first byte, until a request is complete.
//!
//! It knows no sockets: bytes in, a step out, the same whatever pieces the bytes come in.

use super::answer::Refusal;
use super::http::{self, Forward, Head, Kind};
use super::session::Call;
use super::socks::{self, Message, Reply};
use crate::network::reason::Reason;
use crate::network::target::Target;

/// What came from a client so far.
#[derive(Debug, Default)]
pub struct Asking {
    bytes: Vec<u8>,
    /// How many of them are known not to end an HTTP head.
    known_bytes: usize,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Nothing yet.
    #[default]
    Start,
    Http,
    Greeting,
    Login,
    Request,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// More bytes are needed.
    More,
    /// The client waits for this; then ask again.
    Say(&'static [u8]),
    /// This is what it wants.
    Wanted(Wanted),
    /// It gets this answer; an empty one is none.
    Refused(Vec<u8>, Refusal),
}

/// A request that was understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where to.
    pub target: Target,
    /// How.
    pub protocol: Protocol,
    /// What the client sent after its request.
    pub early: Vec<u8>,
}

/// How a client asked.
#[derive(Debug, PartialEq, Eq)]
pub enum Protocol {
    /// SOCKS5 CONNECT.
    Socks,
    /// HTTP CONNECT.
    Tunnel,
    /// A plain HTTP request.
    Forward(Forward),
}

impl Protocol {
    /// The path that the request names, where the proxy sees one.
    pub fn path(&self) -> Option<&str> {
        match self {
            Protocol::Forward(forward) => Some(&forward.path),
            Protocol::Socks | Protocol::Tunnel => None,
        }
    }

    /// How a refusal is told.
    pub fn answer(&self, refusal: &Refusal) -> Vec<u8> {
        match self {
            Protocol::Socks => socks::reply(Reply::to(refusal)).to_vec(),
            Protocol::Tunnel | Protocol::Forward(_) => refusal.http(),
        }
    }
}

impl Asking {
    /// How many more bytes it takes.
    pub fn room_bytes(&self, call: &Call) -> usize {
        limit_bytes(call).saturating_sub(self.bytes.len())
    }

    /// Takes what came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether anything came.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.phase == Phase::Start
    }

    /// The refusal of a client that has not finished its request in time.
    pub fn late(&self) -> Step {
        let refusal = Refusal::new(408, Reason::Protocol("a request that did not come to its end in time"));
        let answer = if self.phase == Phase::Http { refusal.http() } else { Vec::new() };
        Step::Refused(answer, refusal)
    }

    /// Looks at what came.
    pub fn step(&mut self, call: &Call) -> Step {
        if self.phase == Phase::Start {
            self.phase = match self.bytes.first() {
                None => return Step::More,
                Some(&socks::VERSION) => Phase::Greeting,
                Some(byte) if byte.is_ascii_alphabetic() => Phase::Http,
                Some(_) => {
                    let reason = Reason::Protocol("a first byte that is neither HTTP's nor SOCKS5's");
                    return Step::Refused(Vec::new(), Refusal::new(400, reason));
                }
            };
        }
        let step = match self.phase {
            Phase::Start | Phase::Http => return self.http(call),
            Phase::Greeting => self.greeting(call),
            Phase::Login => self.login(call),
            Phase::Request => self.request(),
        };
        match step {
            Step::More if self.room_bytes(call) == 0 => Step::Refused(
                Vec::new(),
                Refusal::new(431, Reason::Protocol("a SOCKS message beyond the header bound")),
            ),
            step => step,
        }
    }

    fn http(&mut self, call: &Call) -> Step {
        let refused = |refusal: Refusal| Step::Refused(refusal.http(), refusal);
        let length = match http::find_end(&self.bytes, self.known_bytes, limit_bytes(call)) {
            Head::Complete(length) => length,
            Head::Incomplete => {
                self.known_bytes = self.bytes.len();
                return Step::More;
            }
            Head::TooLong => return refused(Refusal::new(431, Reason::Protocol("a head beyond the header bound"))),
        };
        let early = self.consume(length);
        let head = std::mem::replace(&mut self.bytes, early);
        let request = match http::read(&head) {
            Ok(request) => request,
            Err(refusal) => return refused(refusal),
        };
        if !call.knows_credentials(request.credentials.as_deref()) {
            return refused(Refusal::to(&request.target, Reason::Unauthorized));
        }
        let protocol = match request.kind {
            Kind::Tunnel => Protocol::Tunnel,
            Kind::Forward(forward) => Protocol::Forward(forward),
        };
        Step::Wanted(Wanted { target: request.target, protocol, early: std::mem::take(&mut self.bytes) })
    }

    fn greeting(&mut self, call: &Call) -> Step {
        match socks::greeting(&self.bytes) {
            Message::Incomplete => Step::More,
            Message::Malformed(what) => malformed(what),
            Message::Complete(methods, length) => {
                self.bytes = self.consume(length);
                let (phase, answer, is_offered) = match call.wants_token() {
                    true => (Phase::Login, socks::LOGIN, methods.password),
                    false => (Phase::Request, socks::NO_LOGIN, methods.none),
                };
                if is_offered {
                    self.phase = phase;
                    return Step::Say(answer);
                }
                let reason = match call.wants_token() {
                    true => Reason::Unauthorized,
                    false => Reason::Protocol("a SOCKS greeting without a method that is known here"),
                };
                Step::Refused(socks::NO_METHOD.to_vec(), Refusal::new(407, reason))
            }
        }
    }

    fn login(&mut self, call: &Call) -> Step {
        match socks::login(&self.bytes) {
            Message::Incomplete => Step::More,
            Message::Malformed(what) => malformed(what),
            Message::Complete(password, length) => {
                if !call.knows(password) {
                    return Step::Refused(socks::STRANGER.to_vec(), Refusal::new(407, Reason::Unauthorized));
                }
                self.bytes = self.consume(length);
                self.phase = Phase::Request;
                Step::Say(socks::WELCOME)
            }
        }
    }

    fn request(&mut self) -> Step {
        match socks::request(&self.bytes) {
            Message::Incomplete => Step::More,
            Message::Malformed(what) => {
                Step::Refused(socks::reply(Reply::Failed).to_vec(), Refusal::new(400, Reason::Protocol(what)))
            }
            Message::Complete(Err((reply, refusal)), _) => Step::Refused(socks::reply(reply).to_vec(), refusal),
            Message::Complete(Ok(target), length) => {
                Step::Wanted(Wanted { target, protocol: Protocol::Socks, early: self.consume(length) })
            }
        }
    }

    /// What follows the first `length` bytes.
    fn consume(&mut self, length: usize) -> Vec<u8> {
        if length < self.bytes.len() { self.bytes.split_off(length) } else { Vec::new() }
    }
}

fn malformed(what: &'static str) -> Step {
    Step::Refused(Vec::new(), Refusal::new(400, Reason::Protocol(what)))
}

fn limit_bytes(call: &Call) -> usize {
    usize::try_from(call.limits.header_bytes).unwrap_or(usize::MAX)
}
