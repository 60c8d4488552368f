//! One call's way out: its rules, its bounds, its account, and the listeners inside its sandbox.

use std::hint::black_box;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Shared;
use super::answer::Refusal;
use super::mailbox::Letter;
use super::socket::Socket;
use crate::error::{Error, Result, Status};
use crate::network::access::Access;
use crate::network::account::Account;
use crate::network::limits::Limits;
use crate::network::reason::Reason;

/// One call's way out. Dropping or closing it closes its listeners and connections.
pub struct Session {
    call: Arc<Call>,
    shared: Arc<Shared>,
}

/// What the I/O thread knows of a session.
pub struct Call {
    pub access: Access,
    pub limits: Limits,
    token: Option<String>,
    pub account: Account,
    /// What of it is there now.
    pub crowd: Crowd,
    is_closed: AtomicBool,
}

/// How many clients of a call there are; written by the I/O thread only.
#[derive(Debug, Default)]
pub struct Crowd {
    /// All of them, also those that only read a refusal.
    present: AtomicU64,
    /// Those with a connection, made or being made: what [`Limits::connections`] bounds.
    connected: AtomicU64,
    /// Those that wait for another's end to have one.
    waiting: AtomicU64,
}

/// A part of a crowd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// See [`Crowd`].
    Present,
    /// See [`Crowd`].
    Connected,
    /// See [`Crowd`].
    Waiting,
}

/// One client in a part of a crowd, until it is dropped.
pub struct Place {
    call: Arc<Call>,
    part: Part,
}

impl Place {
    pub fn take(call: &Arc<Call>, part: Part) -> Self {
        call.crowd.of(part).fetch_add(1, Ordering::Relaxed);
        Self { call: Arc::clone(call), part }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.call.crowd.of(self.part).fetch_sub(1, Ordering::Relaxed);
    }
}

impl Crowd {
    fn of(&self, part: Part) -> &AtomicU64 {
        match part {
            Part::Present => &self.present,
            Part::Connected => &self.connected,
            Part::Waiting => &self.waiting,
        }
    }

    /// How many there are.
    pub fn count(&self, part: Part) -> u64 {
        self.of(part).load(Ordering::Relaxed)
    }
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, access: Access, limits: Limits, token: Option<String>) -> Self {
        Self { call: Arc::new(Call::new(access, limits, token)), shared }
    }

    /// Accepts on `listener`, a listening TCP socket, from now on. [`Status::Closed`] after a close,
    /// [`Status::Resources`] without descriptors or threads for it.
    pub fn listen(&self, listener: OwnedFd) -> Result<()> {
        if self.call.is_closed.load(Ordering::Acquire) {
            return Err(Error::new(Status::Closed, "the call's network is closed"));
        }
        let listener = TcpListener::from(listener);
        Socket::prepare(&listener)
            .map_err(|error| Error::new(Status::Resources, format!("the proxy's listener is unusable: {error}")))?;
        self.shared.post(Letter::Listen(Arc::clone(&self.call), listener))
    }

    /// What happened so far; complete after [`Session::close`].
    pub fn account(&self) -> &Account {
        &self.call.account
    }

    /// How many clients there are, those that are refused among them.
    #[cfg(test)]
    pub(crate) fn clients(&self) -> u64 {
        self.call.crowd.count(Part::Present)
    }

    /// Closes its listeners and connections and waits until that is done. Idempotent.
    pub fn close(&self) {
        if self.call.is_closed.swap(true, Ordering::AcqRel) {
            return;
        }
        let (done, closed) = mpsc::channel();
        self.shared.post_if_running(Letter::Close(Arc::clone(&self.call), done));
        // The other end is dropped when it is done, or when there is nobody to do it.
        let _ = closed.recv();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close();
    }
}

impl Call {
    pub fn new(access: Access, limits: Limits, token: Option<String>) -> Self {
        let (account, crowd, is_closed) = (Account::new(), Crowd::default(), AtomicBool::new(false));
        Self { access, limits, token, account, crowd, is_closed }
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Notes a refusal on the account.
    pub fn deny(&self, refusal: &Refusal) {
        let (host, port) = refusal.about();
        self.account.denied(&host, port, &refusal.reason);
    }

    /// Whether clients must show a token.
    pub fn wants_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether `password` is the token, in a time that does not tell how much of it is right.
    pub fn knows(&self, password: &[u8]) -> bool {
        let Some(token) = &self.token else { return true };
        let difference = token.bytes().zip(password).fold(0, |all, (own, other)| black_box(all | (own ^ other)));
        token.len() == password.len() && difference == 0
    }

    /// Whether a `Proxy-Authorization` is Basic with the token as its password.
    pub fn knows_credentials(&self, value: Option<&[u8]>) -> bool {
        if self.token.is_none() {
            return true;
        }
        let encoded = value
            .and_then(|value| value.split_at_checked(6))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"basic "));
        let Some(decoded) = encoded.and_then(|(_, text)| STANDARD.decode(text.trim_ascii()).ok()) else { return false };
        let colon = decoded.iter().position(|byte| *byte == b':');
        colon.and_then(|colon| decoded.get(colon + 1..)).is_some_and(|password| self.knows(password))
    }

    /// Whether one more connection may be made.
    pub fn has_place(&self) -> bool {
        self.crowd.count(Part::Connected) < self.limits.connections
    }

    /// Whether one more connection may be made and somebody waits for it.
    pub fn has_place_for_waiting(&self) -> bool {
        self.crowd.count(Part::Waiting) > 0 && self.has_place()
    }

    /// Bytes that may still come in and go out.
    pub fn allowance(&self) -> (u64, u64) {
        let (bytes_in, bytes_out) = self.account.bytes();
        (self.limits.bytes_in.saturating_sub(bytes_in), self.limits.bytes_out.saturating_sub(bytes_out))
    }

    /// The bound that leaves no room for one more connection, if there is one.
    pub fn spent(&self) -> Option<Reason> {
        match self.allowance() {
            (0, _) => Some(Reason::Limit("bytes_in")),
            (_, 0) => Some(Reason::Limit("bytes_out")),
            _ => None,
        }
    }
}
