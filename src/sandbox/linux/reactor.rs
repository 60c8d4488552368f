//! One thread for all runs of an engine: waits on their descriptors and deadlines, starts what is queued.
//!
//! It is started with the first run and ends with the sandbox. It blocks every signal, so that no handler of the host
//! runs on it and no write of it raises SIGPIPE in the host.

use std::collections::{HashMap, VecDeque};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};

use super::link::Link;
use super::live::Live;
use super::run::{Next, Run};
use super::seccomp::{self, Filters, Rules};
use super::start;
use super::view::Views;
use crate::error::{Error, Result, Status};
use crate::sandbox::{Options, Policy, Tier};

const SCRATCH_BYTES: usize = 64 << 10;
const WAKE: u64 = 0;
/// Tokens of links are 1 and 2; those of runs `id * 4 + stream`, with ids from 1 on.
const LINKS: usize = 2;
const STATUS: u64 = 2;

/// What the reactor shares with those who start and cancel runs.
pub struct Shared {
    pub(super) options: Options,
    pub(super) views: Views,
    epoll: Epoll,
    wake: EventFd,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    runs: HashMap<u64, Arc<Run>>,
    queue: VecDeque<u64>,
    running: usize,
    last_id: u64,
    /// By whether the supervisor is held to the Landlock tier.
    links: [Option<Arc<Link>>; LINKS],
    filters: HashMap<Rules, Arc<Filters>>,
    is_closed: bool,
    thread: Option<JoinHandle<()>>,
}

impl Shared {
    pub(super) fn new(options: Options) -> Result<Arc<Shared>> {
        let failed = |error: nix::Error| {
            Error::new(Status::Resources, format!("no descriptors for an engine: {error}; raise RLIMIT_NOFILE"))
        };
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(failed)?;
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK).map_err(failed)?;
        epoll.add(&wake, EpollEvent::new(EpollFlags::EPOLLIN, WAKE)).map_err(failed)?;
        Ok(Arc::new(Shared { options, views: Views::default(), epoll, wake, state: Mutex::new(State::default()) }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while it was held leaves the state usable: entries are added and removed whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the reactor look at its state.
    pub(super) fn wake(&self) {
        let _ = self.wake.write(1);
    }

    /// The supervisor for this policy, started if there is none.
    pub(super) fn link(&self, policy: &Policy) -> Result<Arc<Link>> {
        let skips_namespaces = policy.max_tier == Tier::Landlock;
        let mut state = self.lock();
        if state.is_closed {
            return Err(closed());
        }
        let index = usize::from(skips_namespaces);
        if let Some(link) = state.links.get(index).and_then(Option::as_ref) {
            return Ok(Arc::clone(link));
        }
        let link = Arc::new(Link::open(self.options.supervisor_path.as_deref(), skips_namespaces)?);
        let token = EpollEvent::new(EpollFlags::EPOLLRDHUP, 1 + index as u64);
        self.epoll
            .add(link.socket(), token)
            .map_err(|error| Error::new(Status::Resources, format!("watching the supervisor failed: {error}")))?;
        if let Some(place) = state.links.get_mut(index) {
            *place = Some(Arc::clone(&link));
        }
        Ok(link)
    }

    /// Lets go of a supervisor that is gone.
    pub(super) fn forget_link(&self, gone: &Arc<Link>) {
        let mut dropped = Vec::new();
        for place in &mut self.lock().links {
            if place.as_ref().is_some_and(|link| Arc::ptr_eq(link, gone)) {
                dropped.extend(place.take());
            }
        }
    }

    /// The filters for `rules`, compiled once.
    pub(super) fn filters(&self, rules: Rules) -> Result<Arc<Filters>> {
        if let Some(filters) = self.lock().filters.get(&rules) {
            return Ok(Arc::clone(filters));
        }
        let filters = Arc::new(seccomp::filters(rules)?);
        self.lock().filters.insert(rules, Arc::clone(&filters));
        Ok(filters)
    }

    /// Takes a run in: gives it an id and starts it, or queues it.
    pub(super) fn admit(self: &Arc<Self>, make: impl FnOnce(u64) -> Run) -> Result<Arc<Run>> {
        let run;
        {
            let mut state = self.lock();
            if state.is_closed {
                return Err(closed());
            }
            let is_busy = state.running >= self.options.max_running;
            if is_busy && state.queue.len() >= self.options.max_queued {
                return Err(Error::new(
                    Status::QueueFull,
                    format!(
                        "{} calls run and {} wait; wait for one, or raise \"max_running\" or \"max_queued\"",
                        state.running,
                        state.queue.len()
                    ),
                ));
            }
            if state.thread.is_none() {
                state.thread = Some(spawn(Arc::clone(self))?);
            }
            state.last_id += 1;
            run = Arc::new(make(state.last_id));
            state.runs.insert(run.id, Arc::clone(&run));
            if is_busy {
                state.queue.push_back(run.id);
                drop(state);
                self.wake();
                return Ok(run);
            }
            state.running += 1;
        }
        if !start::dispatch(self, &run) {
            self.vacate();
        }
        // The deadline of the new run may be the next one.
        self.wake();
        Ok(run)
    }

    /// Takes a run that does not run out of the tables.
    pub(super) fn forget(&self, id: u64) {
        let mut state = self.lock();
        state.queue.retain(|queued| *queued != id);
        state.runs.remove(&id);
    }

    /// Watches the descriptors of a run.
    pub(super) fn register(&self, id: u64, live: &Live) -> Result<()> {
        let failed =
            |error: nix::Error| Error::new(Status::Resources, format!("watching a call's descriptors failed: {error}"));
        for (index, stream) in live.streams.iter().enumerate() {
            if let Some((descriptor, _)) = stream {
                let token = EpollEvent::new(EpollFlags::EPOLLIN, id * 4 + index as u64);
                self.epoll.add(descriptor.as_fd(), token).map_err(failed)?;
            }
        }
        self.epoll.add(live.status.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, id * 4 + STATUS)).map_err(failed)
    }

    /// Watches a stream of a run again.
    pub(super) fn watch_stream(&self, id: u64, index: usize, live: &Live) {
        if let Some((descriptor, _)) = live.streams.get(index).and_then(Option::as_ref) {
            // It fails when it is watched already.
            let _ = self.epoll.add(descriptor.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, id * 4 + index as u64));
        }
    }

    /// Does not watch a stream of a run until [`Shared::watch_stream`].
    pub(super) fn rest_stream(&self, index: usize, live: &Live) {
        if let Some((descriptor, _)) = live.streams.get(index).and_then(Option::as_ref) {
            let _ = self.epoll.delete(descriptor.as_fd());
        }
    }

    /// Removes a finished run that had started, and starts the next ones.
    fn retire(self: &Arc<Self>, id: u64) {
        if self.lock().runs.remove(&id).is_some() {
            self.vacate();
        }
    }

    /// Gives the place of a run to those who wait for one. A loop, however many of them fail at their start: the stack
    /// must not grow with the queue.
    fn vacate(self: &Arc<Self>) {
        let mut state = self.lock();
        state.running = state.running.saturating_sub(1);
        while state.running < self.options.max_running {
            let Some(next) = state.queue.pop_front() else { break };
            let Some(run) = state.runs.get(&next).cloned() else { continue };
            state.running += 1;
            drop(state);
            let runs = start::dispatch(self, &run);
            state = self.lock();
            if !runs {
                state.running = state.running.saturating_sub(1);
            }
        }
    }

    /// Ends all runs, the thread and the supervisors, and waits for them.
    pub(super) fn close(&self) {
        let (runs, thread) = {
            let mut state = self.lock();
            state.is_closed = true;
            (state.runs.values().cloned().collect::<Vec<_>>(), state.thread.take())
        };
        runs.iter().for_each(|run| run.cancel());
        self.wake();
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
            let _ = thread.join();
        }
        let links = std::mem::take(&mut self.lock().links);
        drop(links);
    }

    fn next_deadline(&self) -> Option<Instant> {
        let runs: Vec<_> = self.lock().runs.values().cloned().collect();
        runs.iter().filter_map(|run| run.next_deadline()).min()
    }

    fn serve(self: &Arc<Self>) {
        let mut events = [EpollEvent::empty(); 64];
        let mut scratch = vec![0u8; SCRATCH_BYTES];
        loop {
            let timeout = self.next_deadline().map_or(EpollTimeout::NONE, |deadline| {
                // Rounded up, so that the deadline has passed when the wait is over.
                let rest = deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
                EpollTimeout::try_from(rest).unwrap_or(EpollTimeout::MAX)
            });
            let count = self.epoll.wait(&mut events, timeout).unwrap_or(0);
            for event in events.iter().take(count) {
                self.handle(event.data(), &mut scratch);
            }
            self.enforce_deadlines();
            let state = self.lock();
            if state.is_closed && state.runs.is_empty() {
                return;
            }
        }
    }

    fn handle(self: &Arc<Self>, token: u64, scratch: &mut [u8]) {
        if token == WAKE {
            let _ = self.wake.read();
        } else if token <= LINKS as u64 {
            let link = self.lock().links.get(token as usize - 1).cloned().flatten();
            // The event may be that of a link which a run has found gone, and a call has replaced since.
            if let Some(link) = link.filter(|link| link.is_gone()) {
                let _ = self.epoll.delete(link.socket());
                self.forget_link(&link);
            }
        } else {
            let Some(run) = self.lock().runs.get(&(token / 4)).cloned() else { return };
            match token % 4 {
                STATUS => {
                    if run.read_status(scratch) == Next::Finished {
                        self.retire(run.id);
                    }
                }
                stream => run.read_stream(stream as usize, scratch, self),
            }
        }
    }

    fn enforce_deadlines(self: &Arc<Self>) {
        let now = Instant::now();
        let due: Vec<_> = {
            let state = self.lock();
            state
                .runs
                .values()
                .filter(|run| run.next_deadline().is_some_and(|deadline| deadline <= now))
                .cloned()
                .collect()
        };
        for run in due {
            if run.enforce_deadline(now) == Next::Finished {
                self.forget(run.id);
            }
        }
    }
}

fn closed() -> Error {
    Error::new(Status::Closed, "the engine is closed; make a new one")
}

fn spawn(shared: Arc<Shared>) -> Result<JoinHandle<()>> {
    // A new thread inherits the mask of its maker.
    let mut mask = SigSet::empty();
    let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut mask));
    let spawned =
        std::thread::Builder::new().name("skilllite".into()).stack_size(256 << 10).spawn(move || shared.serve());
    let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&mask), None);
    spawned.map_err(|error| {
        Error::new(Status::Resources, format!("no thread for the engine: {error}; check RLIMIT_NPROC and pids.max"))
    })
}
