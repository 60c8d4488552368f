//! The way out of a sandbox without a network: a proxy for HTTP CONNECT, plain HTTP and SOCKS5 on one port.
//!
//! It accepts on listening sockets that live inside sandboxes' network namespaces and dials outside, for what a call's
//! [`Access`] allows. In come a listener and the rules; out go connections to checked addresses and an account of what
//! happened. It neither decides (see [`super::access`]) nor makes namespaces. One thread serves all calls of an engine.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::access::Access;
use super::limits::Limits;
use crate::error::{Error, Result, Status};
use mailbox::{Letter, Mailbox};
use reactor::Reactor;
use resolve::{Pool, Resolve};

mod answer;
mod asking;
mod body;
mod connection;
mod desk;
mod dial;
mod duct;
mod http;
mod mailbox;
mod pipe;
mod reactor;
mod relay;
mod resolve;
mod response;
mod session;
mod socket;
mod socks;
#[cfg(test)]
mod tests;
mod thread;

pub use session::Session;

/// How long the threads stay without work.
const IDLE: Duration = Duration::from_secs(5);
const STACK_BYTES: usize = 256 << 10;

/// The proxy of one engine. Any thread may use it; nothing runs until the first [`Session::listen`].
pub struct Proxy {
    shared: Arc<Shared>,
}

/// What the proxy, its sessions and its thread share.
struct Shared {
    pool: Pool,
    idle: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// `None` when no thread serves.
    mailbox: Option<Arc<Mailbox>>,
    /// The last one; it may have ended.
    thread: Option<JoinHandle<()>>,
    is_closed: bool,
}

impl Default for Proxy {
    fn default() -> Self {
        Self::new()
    }
}

impl Proxy {
    /// A proxy that asks the system's resolver.
    pub fn new() -> Self {
        Self::with_resolver(Arc::new(resolve::System), IDLE)
    }

    /// A proxy with another resolver, whose threads end after `idle` without work; for tests.
    pub(crate) fn with_resolver(resolver: Arc<dyn Resolve>, idle: Duration) -> Self {
        Self { shared: Arc::new(Shared { pool: Pool::new(resolver, idle), idle, state: Mutex::default() }) }
    }

    /// The way out of one call: what it may reach, its bounds, and the token that its clients must show, if any.
    pub fn session(&self, access: Access, limits: Limits, token: Option<String>) -> Arc<Session> {
        Arc::new(Session::new(Arc::clone(&self.shared), access, limits, token))
    }

    /// Drops all connections and listeners and ends the threads; one that is within the system's resolver ends when that
    /// returns. Idempotent.
    pub fn close(&self) {
        let thread = {
            let mut state = self.shared.lock();
            state.is_closed = true;
            if let Some(mailbox) = &state.mailbox {
                mailbox.post(Letter::End);
            }
            state.thread.take()
        };
        if let Some(thread) = thread {
            let _ = thread.join();
        }
        self.shared.pool.close();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while it was held leaves the state usable: its fields change one by one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Posts to the I/O thread, which is started if there is none.
    fn post(self: &Arc<Self>, letter: Letter) -> Result<()> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(Error::new(Status::Closed, "the engine is closed; make a new one"));
        }
        if let Some(mailbox) = &state.mailbox {
            mailbox.post(letter);
            return Ok(());
        }
        if let Some(ended) = state.thread.take() {
            // It has left the lock for good, and only returns.
            let _ = ended.join();
        }
        let failed = |error: nix::Error| {
            Error::new(Status::Resources, format!("no descriptors for the proxy: {error}; raise RLIMIT_NOFILE"))
        };
        let mailbox = Arc::new(Mailbox::new().map_err(failed)?);
        let epoll = Reactor::epoll(&mailbox).map_err(failed)?;
        mailbox.post(letter);
        let (shared, own) = (Arc::clone(self), Arc::clone(&mailbox));
        let body = move || Reactor::new(shared, own, epoll).serve();
        let thread = thread::spawn("skilllite-net", STACK_BYTES, body).map_err(|error| {
            Error::new(Status::Resources, format!("no thread for the proxy: {error}; check RLIMIT_NPROC and pids.max"))
        })?;
        state.thread = Some(thread);
        state.mailbox = Some(mailbox);
        Ok(())
    }

    /// Posts to the I/O thread if there is one; otherwise the letter is dropped.
    fn post_if_running(&self, letter: Letter) {
        if let Some(mailbox) = &self.lock().mailbox {
            mailbox.post(letter);
        }
    }

    /// Whether the I/O thread may end: nothing was posted. From then on another one can be started.
    fn retire(&self, mailbox: &Arc<Mailbox>) -> bool {
        let mut state = self.lock();
        let may_end = mailbox.close_if_empty();
        if may_end {
            state.mailbox = None;
        }
        may_end
    }

    /// The I/O thread ends, whatever was posted.
    fn give_up(&self, mailbox: &Arc<Mailbox>) {
        let mut state = self.lock();
        if state.mailbox.as_ref().is_some_and(|current| Arc::ptr_eq(current, mailbox)) {
            state.mailbox = None;
        }
        drop(state);
        mailbox.close();
    }
}
