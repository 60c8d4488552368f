//! Bytes between a client and its upstream, counted before they are passed on.

use std::time::{Duration, Instant};

use super::answer::{ESTABLISHED, Refusal};
use super::asking::{Protocol, Wanted};
use super::body::Body;
use super::desk::Desk;
use super::pipe::Pipe;
use super::response::Response;
use super::session::Call;
use super::socket::Socket;
use super::socks::{self, Reply};
use crate::network::account::Flow;
use crate::network::reason::Reason;
use crate::network::target::Target;

/// Reads of one direction before others have their turn.
const ROUNDS: usize = 4;
/// What a client may send after the one request of a plain HTTP connection; it is read and dropped.
const MAX_SURPLUS_BYTES: u64 = 64 << 10;

/// A connection that was made.
pub struct Relay {
    target: Target,
    /// Taken when it is closed on the account.
    flow: Option<Flow>,
    upstream: Socket,
    /// From the client.
    up: Pipe,
    /// What the client sent before there was an upstream.
    early: Vec<u8>,
    /// To the client.
    down: Pipe,
    /// For plain HTTP.
    exchange: Option<Exchange>,
    /// Whether anything came from the upstream.
    is_answered: bool,
    active_at: Instant,
}

/// One request and its response.
struct Exchange {
    body: Body,
    response: Response,
    surplus_bytes: u64,
}

/// How it goes on.
pub enum Course {
    /// As before.
    On,
    /// Both sides have ended.
    Over,
    /// The client has got everything; it may not have read it yet.
    Lingers,
    /// To be cut: what was passed on is not the whole.
    Cut,
    /// To be cut for this reason; the client can be told so where nothing was passed on to it.
    Denied(Refusal),
}

/// The upstream's side of an event, or the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    pub from_client: bool,
    pub from_upstream: bool,
}

impl Relay {
    /// Relays what was wanted over `upstream`.
    pub fn new(wanted: Wanted, upstream: Socket, call: &Call, now: Instant) -> Self {
        let mut relay = Self {
            flow: Some(call.account.opened(&wanted.target)),
            target: wanted.target,
            upstream,
            up: Pipe::default(),
            early: wanted.early,
            down: Pipe::default(),
            exchange: None,
            is_answered: false,
            active_at: now,
        };
        match wanted.protocol {
            Protocol::Socks => relay.down.keep(&socks::reply(Reply::Succeeded)),
            Protocol::Tunnel => relay.down.keep(ESTABLISHED),
            Protocol::Forward(forward) => {
                relay.count(call, 0, forward.head.len());
                relay.up.keep(&forward.head);
                relay.exchange = Some(Exchange { body: forward.body, response: Response::default(), surplus_bytes: 0 });
            }
        }
        relay
    }

    /// Whether this is plain HTTP to which nothing was answered yet.
    pub fn can_refuse(&self) -> bool {
        self.exchange.is_some() && !self.is_answered
    }

    /// When it ends if nothing moves.
    pub fn deadline(&self, call: &Call) -> Instant {
        self.active_at + Duration::from_millis(call.limits.idle_ms)
    }

    /// Nothing has moved for too long.
    pub fn expire(&self) -> Course {
        match self.exchange {
            None => Course::Over,
            Some(_) => {
                let refusal = Refusal::to(&self.target, Reason::Unreachable("no response in time".into()));
                Course::Denied(Refusal { status: 504, ..refusal })
            }
        }
    }

    /// Passes on what there is, and asks to be told of more.
    pub fn run(&mut self, ready: Ready, client: &mut Socket, call: &Call, desk: &mut Desk<'_>) -> Course {
        let outcome = self.pass(ready, client, call, desk);
        if let Err(course) = outcome {
            return course;
        }
        if self.down.is_shut && (self.exchange.is_some() || self.up.is_shut) {
            return if self.exchange.is_some() { Course::Lingers } else { Course::Over };
        }
        let reads_client = !self.up.is_ended && !self.up.has_pending() && self.early.is_empty() && !self.is_flooded();
        let reads_upstream = !self.down.is_ended && !self.down.has_pending();
        let watched = client
            .watch(reads_client, self.down.has_pending())
            .and_then(|()| self.upstream.watch(reads_upstream, self.up.has_pending()));
        if watched.is_ok() { Course::On } else { Course::Cut }
    }

    /// Closes it on the account.
    pub fn close(&mut self, call: &Call) {
        if let Some(flow) = self.flow.take() {
            call.account.closed(flow);
        }
    }

    /// The upstream, to be closed in its own way.
    pub fn into_upstream(self) -> Socket {
        self.upstream
    }

    fn is_flooded(&self) -> bool {
        self.exchange.as_ref().is_some_and(|exchange| exchange.surplus_bytes > MAX_SURPLUS_BYTES)
    }

    fn count(&self, call: &Call, bytes_in: usize, bytes_out: usize) {
        if let Some(flow) = &self.flow {
            call.account.moved(flow, bytes_in as u64, bytes_out as u64);
        }
    }

    fn denied(&self, reason: Reason) -> Course {
        Course::Denied(Refusal::to(&self.target, reason))
    }

    fn pass(&mut self, ready: Ready, client: &Socket, call: &Call, desk: &mut Desk<'_>) -> Result<(), Course> {
        if ready.from_upstream || self.down.has_pending() {
            self.pass_down(client, call, desk)?;
        }
        if ready.from_client || self.up.has_pending() || !self.early.is_empty() {
            self.pass_up(client, call, desk)?;
        }
        Ok(())
    }

    fn pass_down(&mut self, client: &Socket, call: &Call, desk: &mut Desk<'_>) -> Result<(), Course> {
        for _ in 0..ROUNDS {
            if !self.flush_down(client)? || self.down.is_ended {
                return Ok(());
            }
            let (allowance, _) = call.allowance();
            let room = room(desk.scratch, allowance);
            let wanted_bytes = room.len();
            let is_plain = self.exchange.as_ref().is_none_or(|exchange| exchange.response.is_plain());
            let filled = is_plain.then(|| self.down.fill(&self.upstream, allowance, desk.ducts)).flatten();
            let count = match filled.map_or_else(|| self.upstream.read(room), Ok) {
                Ok(Some(count)) => count,
                Ok(None) => return Ok(()),
                Err(_) => return Err(Course::Cut),
            };
            if count == 0 {
                self.down.is_ended = true;
                if let Some(exchange) = &mut self.exchange {
                    desk.spare.clear();
                    exchange.response.finish(desk.spare);
                    self.down.keep(desk.spare);
                }
                continue;
            }
            if allowance == 0 {
                return Err(self.denied(Reason::Limit("bytes_in")));
            }
            self.active_at = desk.now;
            self.is_answered = true;
            self.count(call, count, 0);
            if filled.is_some() {
                continue;
            }
            let bytes = desk.scratch.get(..count).unwrap_or_default();
            let sent = match &mut self.exchange {
                Some(exchange) if !exchange.response.is_plain() => {
                    desk.spare.clear();
                    exchange.response.take(bytes, desk.spare);
                    self.down.send(desk.spare, client)
                }
                _ => self.down.send(bytes, client),
            };
            sent.map_err(|_| Course::Cut)?;
            if count < wanted_bytes {
                break;
            }
        }
        self.flush_down(client).map(|_| ())
    }

    fn flush_down(&mut self, client: &Socket) -> Result<bool, Course> {
        self.down.flush(client).map_err(|_| Course::Cut)
    }

    fn pass_up(&mut self, client: &Socket, call: &Call, desk: &mut Desk<'_>) -> Result<(), Course> {
        for _ in 0..ROUNDS {
            if !self.flush_up() || self.up.is_ended {
                return Ok(());
            }
            let (_, allowance) = call.allowance();
            if !self.early.is_empty() {
                let early = std::mem::take(&mut self.early);
                self.take_up(&early, allowance, call, desk.spare)?;
                continue;
            }
            if self.is_flooded() {
                return Ok(());
            }
            let room = room(desk.scratch, allowance);
            let wanted_bytes = room.len();
            let is_plain = self.exchange.is_none();
            let filled = is_plain.then(|| self.up.fill(client, allowance, desk.ducts)).flatten();
            let count = match filled.map_or_else(|| client.read(room), Ok) {
                Ok(Some(count)) => count,
                Ok(None) => return Ok(()),
                Err(_) => return Err(Course::Cut),
            };
            if count == 0 {
                if self.exchange.as_ref().is_some_and(|exchange| !exchange.body.is_done()) {
                    return Err(Course::Cut);
                }
                self.up.is_ended = true;
                continue;
            }
            self.active_at = desk.now;
            if filled.is_some() {
                if allowance == 0 {
                    return Err(self.denied(Reason::Limit("bytes_out")));
                }
                self.count(call, 0, count);
                continue;
            }
            self.take_up(desk.scratch.get(..count).unwrap_or_default(), allowance, call, desk.spare)?;
            if count < wanted_bytes {
                break;
            }
        }
        self.flush_up();
        Ok(())
    }

    /// Writes upstream; one that takes nothing more may still have a response to give.
    fn flush_up(&mut self) -> bool {
        self.up.flush(&self.upstream).unwrap_or_else(|_| {
            self.up.give_up();
            true
        })
    }

    /// Passes on what the client sent, as far as it belongs to what was allowed.
    fn take_up(&mut self, bytes: &[u8], allowance: u64, call: &Call, spare: &mut Vec<u8>) -> Result<(), Course> {
        let mut bytes = bytes;
        if let Some(exchange) = &mut self.exchange {
            spare.clear();
            let Ok(used) = exchange.body.take(bytes, spare) else {
                return Err(Course::Denied(Refusal {
                    status: 400,
                    ..Refusal::to(&self.target, Reason::Protocol("a body that is not framed as HTTP says"))
                }));
            };
            let surplus_bytes = bytes.len().saturating_sub(used) as u64;
            exchange.surplus_bytes = exchange.surplus_bytes.saturating_add(surplus_bytes);
            bytes = spare;
        }
        if bytes.len() as u64 > allowance {
            return Err(self.denied(Reason::Limit("bytes_out")));
        }
        self.count(call, 0, bytes.len());
        if self.up.send(bytes, &self.upstream).is_err() {
            self.up.give_up();
        }
        Ok(())
    }
}

/// A buffer for as much as may be passed on, but for one byte at least: so the end is told from what is too much.
fn room(scratch: &mut [u8], allowance: u64) -> &mut [u8] {
    let most = usize::try_from(allowance).unwrap_or(usize::MAX).clamp(1, scratch.len().max(1));
    scratch.get_mut(..most).unwrap_or_default()
}
