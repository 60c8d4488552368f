//! Names to addresses, outside the sandbox. The system's resolver blocks, so a few threads wait for it.
//!
//! They are started when names come and end when none has come for a while. A resolver that hangs is left behind at the
//! end: nothing waits for it.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::thread;

const MAX_THREADS: usize = 4;
const MAX_QUEUED: usize = 256;
/// Room for the plug-ins of the system's resolver.
const STACK_BYTES: usize = 512 << 10;

/// Turns a name into addresses; may block.
pub trait Resolve: Send + Sync {
    /// The addresses of `name`, or why there are none, in a few words.
    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, String>;
}

/// The system's resolver (`getaddrinfo`).
pub struct System;

impl Resolve for System {
    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        match (name, 0).to_socket_addrs() {
            Ok(addresses) => Ok(addresses.map(|address| address.ip()).collect()),
            Err(error) => {
                let text = error.to_string();
                Err(text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).to_owned())
            }
        }
    }
}

/// Told the outcome, on a resolver's thread.
type Outcome = Box<dyn FnOnce(Result<Vec<IpAddr>, String>) + Send>;

/// The threads and what waits for them.
pub struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    resolve: Arc<dyn Resolve>,
    idle: Duration,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<(String, Outcome)>,
    threads: HashMap<u64, Resolver>,
    last_id: u64,
    is_closed: bool,
}

struct Resolver {
    handle: JoinHandle<()>,
    is_busy: bool,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Entries are added and removed whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, id: u64) {
        let mut state = self.lock();
        loop {
            if state.is_closed {
                return;
            }
            if let Some((name, outcome)) = state.queue.pop_front() {
                drop(state);
                outcome(self.resolve.resolve(&name));
                state = self.lock();
                continue;
            }
            if let Some(own) = state.threads.get_mut(&id) {
                own.is_busy = false;
            }
            let (next, waited) =
                self.work.wait_timeout(state, self.idle).unwrap_or_else(|poisoned| poisoned.into_inner());
            state = next;
            if waited.timed_out() && state.queue.is_empty() && !state.is_closed {
                state.threads.remove(&id);
                return;
            }
            if let Some(own) = state.threads.get_mut(&id) {
                own.is_busy = true;
            }
        }
    }
}

impl Pool {
    /// A pool without threads, which end after `idle` without work.
    pub fn new(resolve: Arc<dyn Resolve>, idle: Duration) -> Self {
        Self { inner: Arc::new(Inner { resolve, idle, state: Mutex::default(), work: Condvar::new() }) }
    }

    /// Has `name` resolved. An error says why that cannot be.
    pub fn submit(
        &self,
        name: String,
        outcome: impl FnOnce(Result<Vec<IpAddr>, String>) + Send + 'static,
    ) -> Result<(), String> {
        let mut state = self.inner.lock();
        if state.is_closed {
            return Err("the engine is closed".into());
        }
        if state.queue.len() >= MAX_QUEUED {
            return Err(format!("{MAX_QUEUED} names wait for the resolver; try again"));
        }
        state.queue.push_back((name, Box::new(outcome)));
        let waiting = state.threads.values().filter(|thread| !thread.is_busy).count();
        if waiting < state.queue.len() && state.threads.len() < MAX_THREADS {
            state.last_id += 1;
            let id = state.last_id;
            let inner = Arc::clone(&self.inner);
            // It waits for the lock that is held here, so its entry is there when it looks.
            match thread::spawn("skilllite-dns", STACK_BYTES, move || inner.serve(id)) {
                Ok(handle) => {
                    state.threads.insert(id, Resolver { handle, is_busy: true });
                }
                Err(error) if state.threads.is_empty() => {
                    state.queue.pop_back();
                    return Err(format!("no thread for the resolver: {error}"));
                }
                Err(_) => {}
            }
        }
        drop(state);
        self.inner.work.notify_one();
        Ok(())
    }

    /// Drops what waits and ends the threads; waits for those that are not within the resolver.
    pub fn close(&self) {
        let threads = {
            let mut state = self.inner.lock();
            state.is_closed = true;
            state.queue.clear();
            std::mem::take(&mut state.threads)
        };
        self.inner.work.notify_all();
        for thread in threads.into_values().filter(|thread| !thread.is_busy) {
            let _ = thread.handle.join();
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}
