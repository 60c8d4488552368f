//! One client from its first byte to its end: asking, dialling, relaying or being refused.

use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::epoll::EpollFlags;

use super::answer::Refusal;
use super::asking::{Asking, Step, Wanted};
use super::desk::{CLIENT, Desk, UPSTREAM};
use super::dial::{Dial, Progress};
use super::pipe::Pipe;
use super::relay::{Course, Ready, Relay};
use super::session::{Call, Part, Place};
use super::socket::Socket;
use crate::network::reason::Reason;

/// How long a request waits for another one's end when the call has all its connections: a client that has read the end
/// of a response may ask again before this side has seen that.
const PATIENCE: Duration = Duration::from_secs(1);
/// What a refused client may still send before it is closed, and how long it may take to read its answer.
const MAX_DRAINED_BYTES: usize = 1 << 20;
const LINGER: Duration = Duration::from_secs(2);

/// One client.
pub struct Connection {
    id: u64,
    call: Arc<Call>,
    /// `None` once it is over.
    client: Option<Socket>,
    stage: Stage,
    /// Its place among the clients, and among those that wait or are connected.
    _presence: Place,
    place: Option<Place>,
}

enum Stage {
    Asking { asking: Asking, end: Instant },
    Waiting { wanted: Wanted, end: Instant },
    Dialling(Box<Dial>),
    Relaying(Box<Relay>),
    Leaving { answer: Pipe, drained_bytes: usize, end: Instant },
    Over,
}

impl Connection {
    /// Takes the next client of `listener`. It is not watched before [`Connection::ready`] found that it has not asked yet.
    pub fn accept(id: u64, call: &Arc<Call>, listener: &TcpListener, desk: &Desk<'_>) -> nix::Result<Self> {
        let client = Socket::accept(listener, desk.epoll, id * 4 + CLIENT)?;
        let end = desk.now + Duration::from_millis(call.limits.idle_ms);
        let stage = Stage::Asking { asking: Asking::default(), end };
        let _presence = Place::take(call, Part::Present);
        Ok(Self { id, call: Arc::clone(call), client: Some(client), stage, _presence, place: None })
    }

    /// Whether it is to be forgotten.
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Whose it is.
    pub fn call(&self) -> &Arc<Call> {
        &self.call
    }

    /// When to call [`Connection::expire`]. It only moves away while the stage stays.
    pub fn deadline(&self) -> Instant {
        match &self.stage {
            Stage::Asking { end, .. } | Stage::Waiting { end, .. } | Stage::Leaving { end, .. } => *end,
            Stage::Dialling(dial) => dial.deadline(),
            Stage::Relaying(relay) => relay.deadline(&self.call),
            // Never asked.
            Stage::Over => Instant::now(),
        }
    }

    /// Something happened on one of its sockets.
    pub fn ready(&mut self, side: u64, flags: EpollFlags, desk: &mut Desk<'_>) {
        let is_read = flags.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR);
        match &mut self.stage {
            Stage::Asking { .. } => {
                self.ask(desk);
                self.await_question();
            }
            Stage::Dialling(dial) if side == UPSTREAM => {
                let progress = dial.ready(self.id, desk);
                self.progress(progress, desk);
            }
            Stage::Waiting { .. } | Stage::Dialling(_) => {}
            Stage::Relaying(_) => {
                let (from_client, from_upstream) = (is_read && side == CLIENT, is_read && side == UPSTREAM);
                self.relay(Ready { from_client, from_upstream }, desk);
            }
            Stage::Leaving { .. } => self.leave(desk),
            Stage::Over => {}
        }
    }

    /// The name that it waits for was resolved, or not.
    pub fn resolved(&mut self, addresses: Result<Vec<IpAddr>, String>, desk: &mut Desk<'_>) {
        if let Stage::Dialling(dial) = &mut self.stage {
            let progress = dial.resolved(addresses, &self.call, self.id, desk);
            self.progress(progress, desk);
        }
    }

    /// Whether it waits for another one's end.
    pub fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Waiting { .. })
    }

    /// It need not wait any longer.
    pub fn admitted(&mut self, desk: &mut Desk<'_>) {
        if let Stage::Waiting { wanted, .. } = std::mem::replace(&mut self.stage, Stage::Over) {
            self.dial(wanted, true, desk);
        }
    }

    /// Its deadline has passed.
    pub fn expire(&mut self, desk: &mut Desk<'_>) {
        match &mut self.stage {
            Stage::Asking { asking, .. } if asking.is_empty() => self.stage = Stage::Over,
            Stage::Asking { asking, .. } => {
                let step = asking.late();
                self.step(step, desk);
            }
            Stage::Waiting { wanted, .. } => {
                let refusal = Refusal { status: 503, ..Refusal::to(&wanted.target, Reason::Limit("connections")) };
                let answer = wanted.protocol.answer(&refusal);
                self.refuse(&answer, &refusal, desk);
            }
            Stage::Dialling(dial) => {
                let progress = dial.expire(self.id, desk);
                self.progress(progress, desk);
            }
            Stage::Relaying(relay) => {
                let course = relay.expire();
                self.course(course, desk);
            }
            Stage::Leaving { .. } | Stage::Over => self.stage = Stage::Over,
        }
    }

    /// Has the client watched that has not asked yet.
    fn await_question(&mut self) {
        if matches!(self.stage, Stage::Asking { .. })
            && self.client.as_mut().is_none_or(|client| client.watch(true, false).is_err())
        {
            self.stage = Stage::Over;
        }
    }

    fn ask(&mut self, desk: &mut Desk<'_>) {
        let (Stage::Asking { asking, .. }, Some(client)) = (&mut self.stage, &self.client) else { return };
        let most = asking.room_bytes(&self.call).min(desk.scratch.len());
        match client.read(desk.scratch.get_mut(..most).unwrap_or_default()) {
            Ok(None) => {}
            Ok(Some(count)) if count > 0 => {
                asking.push(desk.scratch.get(..count).unwrap_or_default());
                let step = asking.step(&self.call);
                self.step(step, desk);
            }
            Ok(Some(_)) | Err(_) => self.stage = Stage::Over,
        }
    }

    fn step(&mut self, step: Step, desk: &mut Desk<'_>) {
        let mut step = step;
        loop {
            step = match (step, &mut self.stage) {
                (Step::Say(answer), Stage::Asking { asking, .. }) => {
                    // A new socket has room for so few bytes.
                    let written = self.client.as_ref().and_then(|client| client.write(answer).ok().flatten());
                    if written != Some(answer.len()) {
                        self.stage = Stage::Over;
                        return;
                    }
                    asking.step(&self.call)
                }
                (Step::Wanted(wanted), _) => return self.dial(wanted, false, desk),
                (Step::Refused(answer, refusal), _) => return self.refuse(&answer, &refusal, desk),
                (Step::More | Step::Say(_), _) => return,
            };
        }
    }

    fn dial(&mut self, wanted: Wanted, is_next: bool, desk: &mut Desk<'_>) {
        // Nothing is read from the client meanwhile.
        if self.client.as_mut().is_none_or(|client| client.watch(false, false).is_err()) {
            self.stage = Stage::Over;
            return;
        }
        // Who comes later does not overtake those who wait.
        if !self.call.has_place() || !is_next && self.call.crowd.count(Part::Waiting) > 0 {
            self.place = Some(Place::take(&self.call, Part::Waiting));
            let end = desk.now + PATIENCE.min(Duration::from_millis(self.call.limits.connect_ms));
            self.stage = Stage::Waiting { wanted, end };
            return;
        }
        self.place = Some(Place::take(&self.call, Part::Connected));
        let (dial, progress) = Dial::new(wanted, &self.call, self.id, desk);
        self.stage = Stage::Dialling(Box::new(dial));
        self.progress(progress, desk);
    }

    fn progress(&mut self, progress: Progress, desk: &mut Desk<'_>) {
        if matches!(progress, Progress::Waits) {
            return;
        }
        let Stage::Dialling(dial) = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        match progress {
            Progress::Waits => {}
            Progress::Connected(upstream) => {
                self.stage = Stage::Relaying(Box::new(Relay::new(dial.wanted, upstream, &self.call, desk.now)));
                self.relay(Ready { from_client: false, from_upstream: false }, desk);
            }
            Progress::Failed(refusal) => self.refuse(&dial.wanted.protocol.answer(&refusal), &refusal, desk),
        }
    }

    fn relay(&mut self, ready: Ready, desk: &mut Desk<'_>) {
        let (Stage::Relaying(relay), Some(client)) = (&mut self.stage, &mut self.client) else { return };
        let course = relay.run(ready, client, &self.call, desk);
        self.course(course, desk);
    }

    fn course(&mut self, course: Course, desk: &mut Desk<'_>) {
        if matches!(course, Course::On) {
            return;
        }
        let Stage::Relaying(mut relay) = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        relay.close(&self.call);
        let can_refuse = relay.can_refuse();
        match course {
            Course::On | Course::Over => {}
            Course::Lingers => self.say_farewell(Pipe::ended(), desk),
            Course::Denied(refusal) => {
                relay.into_upstream().abort();
                if can_refuse {
                    self.refuse(&refusal.http(), &refusal, desk);
                } else {
                    self.call.deny(&refusal);
                    self.abort();
                }
            }
            Course::Cut => {
                relay.into_upstream().abort();
                self.abort();
            }
        }
    }

    /// Ends it so that the client cannot take a part for the whole.
    fn abort(&mut self) {
        if let Some(client) = self.client.take() {
            client.abort();
        }
    }

    fn refuse(&mut self, answer: &[u8], refusal: &Refusal, desk: &mut Desk<'_>) {
        self.call.deny(refusal);
        self.stage = Stage::Over;
        if !answer.is_empty() {
            self.say_farewell(Pipe::ending(answer), desk);
        }
    }

    /// Lets the client read the last of `answer`: a socket that is closed while unread bytes are in it resets the
    /// connection, and the answer with it.
    fn say_farewell(&mut self, answer: Pipe, desk: &mut Desk<'_>) {
        let end = desk.now + LINGER.min(Duration::from_millis(self.call.limits.idle_ms));
        self.place = None;
        self.stage = Stage::Leaving { answer, drained_bytes: 0, end };
        self.leave(desk);
    }

    fn leave(&mut self, desk: &mut Desk<'_>) {
        let (Stage::Leaving { answer, drained_bytes, .. }, Some(client)) = (&mut self.stage, &mut self.client) else {
            self.stage = Stage::Over;
            return;
        };
        let is_read = loop {
            match client.read(desk.scratch) {
                Ok(None) => break false,
                Ok(Some(count)) if count > 0 && *drained_bytes < MAX_DRAINED_BYTES => *drained_bytes += count,
                Ok(Some(_)) | Err(_) => break true,
            }
        };
        let is_told = answer.flush(client);
        let is_watched = matches!(is_told, Ok(is_told) if client.watch(true, !is_told).is_ok());
        if is_read || !is_watched {
            self.stage = Stage::Over;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Stage::Relaying(relay) = &mut self.stage {
            relay.close(&self.call);
        }
    }
}
