//! From a request to a connection: the decision, the addresses, the checked one that answers.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::answer::Refusal;
use super::asking::Wanted;
use super::desk::{Desk, UPSTREAM};
use super::mailbox::Letter;
use super::session::Call;
use super::socket::Socket;
use crate::network::reason::Reason;
use crate::network::target::Host;

/// The most addresses of a name that are tried.
const MAX_ADDRESSES: usize = 16;

/// A request on its way to a connection.
pub struct Dial {
    pub wanted: Wanted,
    /// Permitted ones that were not tried yet; the next one last.
    addresses: Vec<IpAddr>,
    attempt: Option<Socket>,
    /// When everything must be done.
    end: Instant,
    /// When the next address has its turn.
    turn_end: Instant,
    /// Why the last address did not answer.
    failure: Option<io::Error>,
}

/// Where that led so far.
pub enum Progress {
    /// Something is awaited.
    Waits,
    /// Connected.
    Connected(Socket),
    /// It leads nowhere.
    Failed(Refusal),
}

impl Dial {
    /// Starts; a request that is not allowed fails at once.
    pub fn new(wanted: Wanted, call: &Call, id: u64, desk: &Desk<'_>) -> (Self, Progress) {
        let end = desk.now + Duration::from_millis(call.limits.connect_ms);
        let mut dial = Self { wanted, addresses: Vec::new(), attempt: None, end, turn_end: end, failure: None };
        let progress = dial.start(call, id, desk);
        (dial, progress)
    }

    fn start(&mut self, call: &Call, id: u64, desk: &Desk<'_>) -> Progress {
        if let Some(reason) = call.spent() {
            return self.failed(reason);
        }
        if let Err(reason) = call.access.admits(&self.wanted.target, self.wanted.protocol.path()) {
            return self.failed(reason);
        }
        match &self.wanted.target.host {
            Host::Address(address) => {
                let addresses = vec![*address];
                self.resolved(Ok(addresses), call, id, desk)
            }
            Host::Name(name) => {
                let mailbox = Arc::clone(desk.mailbox);
                let outcome = move |outcome| {
                    mailbox.post(Letter::Resolved(id, outcome));
                };
                match desk.pool.submit(name.clone(), outcome) {
                    Ok(()) => Progress::Waits,
                    Err(why) => self.failed(Reason::Unresolved(why)),
                }
            }
        }
    }

    /// When to call [`Dial::expire`].
    pub fn deadline(&self) -> Instant {
        self.turn_end.min(self.end)
    }

    /// Takes the addresses of the name; every one of them is checked, and only those that were are dialled.
    pub fn resolved(
        &mut self,
        addresses: Result<Vec<IpAddr>, String>,
        call: &Call,
        id: u64,
        desk: &Desk<'_>,
    ) -> Progress {
        if self.attempt.is_some() || !self.addresses.is_empty() {
            return Progress::Waits;
        }
        let addresses = match addresses {
            Ok(addresses) => addresses,
            Err(why) => return self.failed(Reason::Unresolved(why)),
        };
        let mut refused = None;
        for address in addresses {
            match call.access.permits(&self.wanted.target, address) {
                Ok(()) if self.addresses.len() < MAX_ADDRESSES => self.addresses.push(address),
                Ok(()) => {}
                Err(reason) => refused = refused.or(Some(reason)),
            }
        }
        self.addresses.reverse();
        if self.addresses.is_empty() {
            return self.failed(refused.unwrap_or_else(|| Reason::Unresolved("no addresses".into())));
        }
        self.next(id, desk)
    }

    /// Something happened on the socket that connects.
    pub fn ready(&mut self, id: u64, desk: &Desk<'_>) -> Progress {
        let Some(socket) = self.attempt.take() else { return Progress::Waits };
        match socket.connected() {
            Ok(()) => Progress::Connected(socket),
            Err(error) => {
                self.failure = Some(error);
                self.next(id, desk)
            }
        }
    }

    /// Time is up for this address, or for all.
    pub fn expire(&mut self, id: u64, desk: &Desk<'_>) -> Progress {
        let was_connecting = self.attempt.take().is_some();
        if self.end <= desk.now || self.addresses.is_empty() {
            let why = if was_connecting { "no answer in time" } else { "the resolver gave no answer in time" };
            let refusal = Refusal::to(&self.wanted.target, Reason::Unreachable(why.into()));
            return Progress::Failed(Refusal { status: 504, ..refusal });
        }
        self.next(id, desk)
    }

    fn next(&mut self, id: u64, desk: &Desk<'_>) -> Progress {
        while let Some(address) = self.addresses.pop() {
            match Socket::connect(address, self.wanted.target.port, desk.epoll, id * 4 + UPSTREAM) {
                Ok((socket, true)) => return Progress::Connected(socket),
                Ok((mut socket, false)) => {
                    if let Err(error) = socket.watch(false, true) {
                        self.failure = Some(error);
                        continue;
                    }
                    self.attempt = Some(socket);
                    // One address that does not answer must not use up the time of those after it.
                    let turns = u32::try_from(self.addresses.len()).unwrap_or(u32::MAX).saturating_add(1);
                    self.turn_end = desk.now + self.end.saturating_duration_since(desk.now) / turns;
                    return Progress::Waits;
                }
                Err(error) => self.failure = Some(error),
            }
        }
        let why = self.failure.take().map_or_else(|| "no addresses".into(), |error| error.to_string());
        self.failed(Reason::Unreachable(why))
    }

    fn failed(&self, reason: Reason) -> Progress {
        Progress::Failed(Refusal::to(&self.wanted.target, reason))
    }
}
