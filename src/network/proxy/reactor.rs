//! The I/O thread: every listener and every connection of an engine's calls, over one epoll.
//!
//! Nothing here blocks. It ends itself when there has been nothing to serve for a while.

use std::collections::HashMap;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::Shared;
use super::connection::Connection;
use super::desk::{CLIENT, Desk, LISTENER};
use super::duct::Ducts;
use super::mailbox::{Letter, Mailbox};
use super::resolve::Pool;
use super::session::{Call, Part};

const SCRATCH_BYTES: usize = 256 << 10;
const MAX_EVENTS: usize = 128;
/// The token of the mailbox; those of connections and listeners begin with 4.
const BELL: u64 = 0;
/// Clients that are accepted at once, before others have their turn.
const MAX_ACCEPTS: usize = 64;
/// Clients of a call without a connection, beyond as many as may have one; more wait in the listener's queue.
const MAX_SURPLUS: u64 = 16;
/// How long a listener rests when the process has no descriptors left, unless a connection ends.
const REST: Duration = Duration::from_millis(100);

/// The state of the I/O thread.
pub struct Reactor {
    shared: Arc<Shared>,
    mailbox: Arc<Mailbox>,
    epoll: Rc<Epoll>,
    listeners: HashMap<u64, Listener>,
    connections: HashMap<u64, Connection>,
    /// Calls one of whose connections has ended while others wait for that.
    vacant: Vec<Arc<Call>>,
    ducts: Ducts,
    last_id: u64,
    scratch: Vec<u8>,
    spare: Vec<u8>,
    now: Instant,
    /// No deadline is earlier.
    next_check: Option<Instant>,
    /// Since when there is nothing to serve.
    idle_since: Instant,
}

struct Listener {
    call: Arc<Call>,
    socket: TcpListener,
    /// Not watched until then, or until a connection ends.
    rests_until: Option<Instant>,
}

/// What became of an event or a letter.
#[derive(PartialEq, Eq)]
enum Next {
    On,
    End,
}

impl Reactor {
    /// Made on the thread that serves it.
    pub fn new(shared: Arc<Shared>, mailbox: Arc<Mailbox>, epoll: Epoll) -> Self {
        let now = Instant::now();
        Self {
            shared,
            mailbox,
            epoll: Rc::new(epoll),
            listeners: HashMap::new(),
            connections: HashMap::new(),
            vacant: Vec::new(),
            ducts: Ducts::default(),
            last_id: 0,
            scratch: vec![0; SCRATCH_BYTES],
            spare: Vec::new(),
            now,
            next_check: None,
            idle_since: now,
        }
    }

    /// The epoll of a reactor, which listens to `mailbox`.
    pub fn epoll(mailbox: &Mailbox) -> nix::Result<Epoll> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&mailbox.bell, EpollEvent::new(EpollFlags::EPOLLIN, BELL))?;
        Ok(epoll)
    }

    /// Serves until there is nothing more to serve.
    pub fn serve(&mut self) {
        let mut events = [EpollEvent::empty(); MAX_EVENTS];
        loop {
            let count = self.epoll.wait(&mut events, self.timeout()).unwrap_or(0);
            self.now = Instant::now();
            for event in events.iter().take(count) {
                if self.handle(event) == Next::End {
                    return;
                }
            }
            self.check_deadlines();
            self.admit_waiting();
            if !self.listeners.is_empty() || !self.connections.is_empty() {
                self.idle_since = self.now;
            } else if self.idle_since + self.shared.idle <= self.now && self.shared.retire(&self.mailbox) {
                return;
            }
        }
    }

    fn timeout(&self) -> EpollTimeout {
        let is_idle = self.listeners.is_empty() && self.connections.is_empty();
        let end = is_idle.then_some(self.idle_since + self.shared.idle);
        let Some(deadline) = end.into_iter().chain(self.next_check).min() else { return EpollTimeout::NONE };
        // Rounded up, so that the deadline has passed when the wait is over.
        let rest = deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        EpollTimeout::try_from(rest).unwrap_or(EpollTimeout::MAX)
    }

    fn handle(&mut self, event: &EpollEvent) -> Next {
        let (id, side) = (event.data() / 4, event.data() % 4);
        match side {
            BELL => return self.read_letters(),
            LISTENER => self.accept(id),
            _ => self.with(id, |connection, desk| connection.ready(side, event.events(), desk)),
        }
        Next::On
    }

    fn read_letters(&mut self) -> Next {
        for letter in self.mailbox.take() {
            match letter {
                Letter::Listen(call, socket) => self.listen(call, socket),
                Letter::Close(call, done) => {
                    self.forget(&call);
                    drop(done);
                }
                Letter::Resolved(id, outcome) => self.with(id, |connection, desk| connection.resolved(outcome, desk)),
                Letter::End => {
                    self.connections.clear();
                    self.vacant.clear();
                    self.listeners.values().for_each(|listener| {
                        let _ = self.epoll.delete(&listener.socket);
                    });
                    self.listeners.clear();
                    return Next::End;
                }
            }
        }
        Next::On
    }

    fn listen(&mut self, call: Arc<Call>, socket: TcpListener) {
        self.last_id += 1;
        // A call may be closed while its listener is on the way.
        if !call.is_closed() && self.watch(self.last_id, &socket) {
            self.listeners.insert(self.last_id, Listener { call, socket, rests_until: None });
        }
    }

    fn watch(&self, id: u64, socket: &TcpListener) -> bool {
        self.epoll.add(socket, EpollEvent::new(EpollFlags::EPOLLIN, id * 4 + LISTENER)).is_ok()
    }

    fn forget(&mut self, call: &Arc<Call>) {
        self.connections.retain(|_, connection| !Arc::ptr_eq(connection.call(), call));
        let epoll = &self.epoll;
        self.listeners.retain(|_, listener| {
            let is_other = !Arc::ptr_eq(&listener.call, call);
            if !is_other && listener.rests_until.is_none() {
                // Another process may hold this socket too: closing it would leave it in the epoll.
                let _ = epoll.delete(&listener.socket);
            }
            is_other
        });
        self.wake_listeners(None);
    }

    /// Lets a connection do something, and forgets it if that was the last thing.
    fn with(&mut self, id: u64, action: impl FnOnce(&mut Connection, &mut Desk<'_>)) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let pool: &Pool = &self.shared.pool;
        let (scratch, spare) = (self.scratch.as_mut_slice(), &mut self.spare);
        let (epoll, mailbox, ducts) = (&self.epoll, &self.mailbox, &self.ducts);
        action(connection, &mut Desk { epoll, pool, mailbox, ducts, scratch, spare, now: self.now });
        let call = Arc::clone(connection.call());
        if connection.is_over() {
            self.connections.remove(&id);
            self.wake_listeners(None);
        } else {
            let deadline = connection.deadline();
            self.next_check = Some(self.next_check.map_or(deadline, |next| next.min(deadline)));
        }
        if call.has_place_for_waiting() {
            self.vacant.push(call);
        }
    }

    /// Lets those dial who have waited longest, as far as there are places.
    fn admit_waiting(&mut self) {
        while let Some(call) = self.vacant.pop() {
            let own = |connection: &Connection| connection.is_waiting() && Arc::ptr_eq(connection.call(), &call);
            let waiting = self.connections.iter().filter(|(_, connection)| own(connection)).map(|(id, _)| *id);
            if let Some(first) = waiting.min().filter(|_| call.has_place()) {
                self.with(first, |connection, desk| connection.admitted(desk));
            }
        }
    }

    fn accept(&mut self, id: u64) {
        for _ in 0..MAX_ACCEPTS {
            let Some(listener) = self.listeners.get(&id).filter(|listener| listener.rests_until.is_none()) else {
                return;
            };
            let limit = listener.call.limits.connections.saturating_mul(2).saturating_add(MAX_SURPLUS);
            if listener.call.crowd.count(Part::Present) >= limit {
                return self.rest(id);
            }
            self.last_id += 1;
            let desk = Desk {
                epoll: &self.epoll,
                pool: &self.shared.pool,
                mailbox: &self.mailbox,
                ducts: &self.ducts,
                scratch: &mut self.scratch,
                spare: &mut self.spare,
                now: self.now,
            };
            let connection = match Connection::accept(self.last_id, &listener.call, &listener.socket, &desk) {
                Ok(connection) => connection,
                Err(Errno::EAGAIN) => return,
                Err(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => return self.rest(id),
                Err(Errno::EBADF | Errno::EINVAL | Errno::ENOTSOCK | Errno::EOPNOTSUPP) => {
                    return self.drop_listener(id);
                }
                // The client went away before it was accepted, or its network has a problem.
                Err(_) => continue,
            };
            let deadline = connection.deadline();
            self.next_check = Some(self.next_check.map_or(deadline, |next| next.min(deadline)));
            self.connections.insert(self.last_id, connection);
            // Most clients have asked by the time they are accepted.
            self.with(self.last_id, |connection, desk| connection.ready(CLIENT, EpollFlags::EPOLLIN, desk));
        }
    }

    fn rest(&mut self, id: u64) {
        if let Some(listener) = self.listeners.get_mut(&id) {
            let _ = self.epoll.delete(&listener.socket);
            let until = self.now + REST;
            listener.rests_until = Some(until);
            self.next_check = Some(self.next_check.map_or(until, |next| next.min(until)));
        }
    }

    fn drop_listener(&mut self, id: u64) {
        if let Some(listener) = self.listeners.remove(&id) {
            let _ = self.epoll.delete(&listener.socket);
        }
    }

    /// Watches listeners again whose rest is over by `now`; all of them without it.
    fn wake_listeners(&mut self, now: Option<Instant>) {
        for (id, listener) in &mut self.listeners {
            let is_over = listener.rests_until.is_some_and(|until| now.is_none_or(|now| until <= now));
            let event = EpollEvent::new(EpollFlags::EPOLLIN, id * 4 + LISTENER);
            if is_over && self.epoll.add(&listener.socket, event).is_ok() {
                listener.rests_until = None;
            }
        }
    }

    fn check_deadlines(&mut self) {
        if self.next_check.is_none_or(|next| next > self.now) {
            return;
        }
        self.next_check = None;
        let now = self.now;
        self.wake_listeners(Some(now));
        let due: Vec<u64> =
            self.connections.iter().filter(|(_, connection)| connection.deadline() <= now).map(|(id, _)| *id).collect();
        for id in due {
            self.with(id, |connection, desk| connection.expire(desk));
        }
        let rests = self.listeners.values().filter_map(|listener| listener.rests_until);
        self.next_check = self.connections.values().map(Connection::deadline).chain(rests).min();
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        self.shared.give_up(&self.mailbox);
    }
}
