//! One run: queued, running, finished. Callers wait and cancel; the reactor feeds it what the descriptors bring.

use std::os::fd::{AsFd, RawFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::link;
use super::live::{Flow, Live};
use super::reactor::Shared;
use super::tap::Tap;
use crate::error::{Error, Result, Status};
use crate::sandbox::wire::{Event, event};
use crate::sandbox::{Bell, Command, Hold, Outcome, Policy, Tier, Uplink, Watch};

/// How long after its deadline a run may still report before it is killed from outside.
const GRACE: Duration = Duration::from_secs(1);
/// How long after that the supervisor itself is given up.
const LAST_GRACE: Duration = Duration::from_secs(3);

/// A started run. Any thread may wait, cancel or ask; the outcome is taken once.
pub struct Run {
    pub(super) id: u64,
    shared: Weak<Shared>,
    state: Mutex<State>,
    finished: Condvar,
    /// For runs that are followed.
    pub(super) tap: Option<Arc<Tap>>,
}

struct State {
    phase: Phase,
    outcome: Option<Result<Outcome>>,
    /// Cancelled while it was changing hands.
    is_cancelled: bool,
    /// For [`Run::fd`].
    watch: Option<Watch>,
    /// Let go once the run is finished.
    holds: Vec<Hold>,
    /// Rung once the run is finished.
    bell: Option<Arc<Bell>>,
}

enum Phase {
    Queued(Box<Pending>),
    Running(Box<Live>),
    /// In the hands of the thread that starts it or makes its outcome.
    Held,
    /// The outcome is there.
    Finished,
}

/// A run that waits for its turn.
pub(super) struct Pending {
    pub command: Command,
    pub policy: Policy,
    pub uplink: Option<Uplink>,
    pub tier: Tier,
    pub start: Instant,
}

/// What a run wants of the reactor after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Wait,
    Finished,
}

impl Run {
    pub(super) fn new(id: u64, shared: Weak<Shared>, pending: Pending) -> Self {
        let tap = pending.command.is_followed.then(Arc::default);
        let phase = Phase::Queued(Box::new(pending));
        Self { id, shared, state: Mutex::new(State::new(phase)), finished: Condvar::new(), tap }
    }

    /// A run that is over before it began, and has no outcome: for what turned out to need no process. Where it is to be
    /// followed, `output` is what its reader finds in place of stdout.
    pub fn needless(output: Option<&str>) -> Arc<Self> {
        let tap = output.map(|output| {
            let tap = Tap::default();
            tap.push(0, output.as_bytes());
            tap.end(0);
            tap.end(1);
            Arc::new(tap)
        });
        let state = Mutex::new(State::new(Phase::Finished));
        Arc::new(Self { id: 0, shared: Weak::new(), state, finished: Condvar::new(), tap })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while it was held leaves the state whole: every change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the run is finished or `timeout` is over; tells whether it is finished.
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        let is_running = |state: &mut State| !matches!(state.phase, Phase::Finished);
        let state = self.lock();
        match timeout {
            None => {
                drop(self.finished.wait_while(state, is_running));
                true
            }
            Some(timeout) => {
                let waited = self.finished.wait_timeout_while(state, timeout, is_running);
                !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
            }
        }
    }

    /// Whether the run is finished.
    pub fn is_finished(&self) -> bool {
        matches!(self.lock().phase, Phase::Finished)
    }

    /// The outcome, once the run is finished; each later call gives `None`.
    pub fn take_outcome(&self) -> Option<Result<Outcome>> {
        self.lock().outcome.take()
    }

    /// Ends the run. Idempotent, at any time.
    pub fn cancel(&self) {
        let mut state = self.lock();
        match &mut state.phase {
            Phase::Queued(_) => {
                state.phase = Phase::Held;
                drop(state);
                if let Some(shared) = self.shared.upgrade() {
                    shared.forget(self.id);
                }
                self.finish(Err(Error::new(Status::Cancelled, "the call was cancelled before it started")));
            }
            Phase::Running(live) => {
                live.cancel();
                drop(state);
                if let Some(shared) = self.shared.upgrade() {
                    shared.wake();
                }
            }
            Phase::Held => state.is_cancelled = true,
            Phase::Finished => {}
        }
    }

    /// A pipe end that is readable (at its end) once the run is finished. It belongs to the run.
    pub fn fd(&self) -> Result<RawFd> {
        let mut state = self.lock();
        if let Some(watch) = &state.watch {
            return Ok(watch.fd());
        }
        let (watch, hold) = Watch::new()?;
        state.hold(hold);
        Ok(state.watch.insert(watch).fd())
    }

    /// Keeps its end of a pipe until the run is finished.
    pub fn hold(&self, hold: Hold) {
        self.lock().hold(hold);
    }

    /// Lets the run ring when it is finished, at once if it is, and when it has output to read, if it is followed.
    pub fn set_bell(&self, bell: Arc<Bell>) {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Finished) {
            bell.ring();
        } else {
            if let Some(tap) = &self.tap {
                tap.set_bell(bell.clone());
            }
            state.bell = Some(bell);
        }
    }

    /// Takes up to 64 KiB of what the program has written to stream `index` (0 stdout, 1 stderr) and nobody has read;
    /// waits for it until `timeout` is over. Empty: nothing yet; `None`: nothing any more. [`Status::Unsupported`] when
    /// the run is not followed.
    pub fn read_output(&self, index: usize, timeout: Option<Duration>) -> Result<Option<Vec<u8>>> {
        let chunk = self.tap()?.read(index, timeout);
        if chunk.is_released
            && let Some(shared) = self.shared.upgrade()
            && let Phase::Running(live) = &self.lock().phase
        {
            shared.watch_stream(self.id, index, live);
        }
        Ok(chunk.bytes)
    }

    /// A pipe end that is readable while there is output to read, and at its end when there is nothing more to come. It
    /// belongs to the run. [`Status::Unsupported`] when the run is not followed.
    pub fn output_fd(&self) -> Result<RawFd> {
        self.tap()?.fd()
    }

    /// Whether the output can be read while the run goes on.
    pub fn is_followed(&self) -> bool {
        self.tap.is_some()
    }

    fn tap(&self) -> Result<&Arc<Tap>> {
        self.tap.as_ref().ok_or_else(|| {
            let message = "the output of this call cannot be read while it runs; start it with \"stream\": true";
            Error::new(Status::Unsupported, message)
        })
    }

    /// Takes what is needed to start; `None` when the run was cancelled meanwhile.
    pub(super) fn take_pending(&self) -> Option<Box<Pending>> {
        let mut state = self.lock();
        match std::mem::replace(&mut state.phase, Phase::Held) {
            Phase::Queued(pending) => Some(pending),
            other => {
                state.phase = other;
                None
            }
        }
    }

    /// Notes that the supervisor has the run. `register` is called under the lock, so that no event comes too early.
    pub(super) fn set_live(&self, mut live: Live, register: impl FnOnce(&Live) -> Result<()>) -> Result<()> {
        let mut state = self.lock();
        register(&live)?;
        if state.is_cancelled {
            live.cancel();
        }
        state.phase = Phase::Running(Box::new(live));
        Ok(())
    }

    /// Takes [`Run::set_live`] back, before the end of its descriptors is taken for the end of the run.
    pub(super) fn unset_live(&self) {
        self.lock().phase = Phase::Held;
    }

    /// When the reactor must look at this run although no descriptor is ready.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        match &self.lock().phase {
            Phase::Queued(pending) => Some(pending.start + Duration::from_millis(pending.policy.limits.wall_ms)),
            Phase::Running(live) if live.process.is_some() => Some(live.deadline + GRACE),
            Phase::Running(live) => Some(live.deadline + LAST_GRACE),
            Phase::Held | Phase::Finished => None,
        }
    }

    /// Acts on a deadline that init did not act on: it is stopped, starved or stuck in the kernel.
    pub(super) fn enforce_deadline(&self, now: Instant) -> Next {
        let mut state = self.lock();
        match &mut state.phase {
            Phase::Queued(pending) if now >= pending.start + Duration::from_millis(pending.policy.limits.wall_ms) => {
                let message = format!(
                    "the call waited {} ms for its turn, its whole wall_ms; raise wall_ms or max_running, or call less at once",
                    pending.policy.limits.wall_ms
                );
                state.phase = Phase::Held;
                drop(state);
                self.finish(Err(Error::new(Status::WaitTimeout, message)));
                Next::Finished
            }
            Phase::Running(live) if now >= live.deadline + LAST_GRACE => {
                live.link.kill();
                live.deadline = now + LAST_GRACE;
                Next::Wait
            }
            Phase::Running(live) if now >= live.deadline + GRACE => {
                if let Some(process) = live.process.take() {
                    link::send_signal(process.as_fd(), libc::SIGKILL);
                }
                Next::Wait
            }
            _ => Next::Wait,
        }
    }

    /// Reads stream `index` until it is empty; one whose reader does not keep up is not watched for a while.
    pub(super) fn read_stream(&self, index: usize, scratch: &mut [u8], shared: &Shared) {
        if let Phase::Running(live) = &mut self.lock().phase
            && live.read_stream(index, scratch, 16) == Flow::Held
        {
            shared.rest_stream(index, live);
        }
    }

    /// Takes events from the status socket.
    pub(super) fn read_status(&self, scratch: &mut [u8]) -> Next {
        loop {
            let mut state = self.lock();
            let Phase::Running(live) = &mut state.phase else { return Next::Wait };
            let mut buffer = [0u8; size_of::<Event>()];
            let Some((bytes, descriptor)) = link::receive(live.status.as_fd(), &mut buffer) else { return Next::Wait };
            let event = link::parse_event(&buffer[..bytes]);
            match event {
                Some(Event { kind: event::SPAWNED, .. }) => live.process = descriptor,
                Some(Event { kind: event::WORK, .. }) => live.work = descriptor,
                Some(Event { kind: event::LISTENER, .. }) => {
                    let uplink = live.uplink.take();
                    drop(state);
                    if let (Some(uplink), Some(listener)) = (uplink, descriptor) {
                        uplink(listener);
                    }
                }
                Some(Event { kind: event::STARTED, time_ns, .. }) => {
                    live.setup = Duration::from_nanos(time_ns.saturating_sub(live.start_ns));
                }
                Some(Event { kind: event::FAILED, a, b, .. }) => {
                    let error = live.failure(a as usize, b as i32);
                    drop(state);
                    self.finish(Err(error));
                    return Next::Finished;
                }
                Some(event) if event.kind == event::ENDED => {
                    let Phase::Running(live) = std::mem::replace(&mut state.phase, Phase::Held) else {
                        return Next::Wait;
                    };
                    drop(state);
                    self.finish(Ok(live.outcome(&event, scratch)));
                    return Next::Finished;
                }
                _ if bytes == 0 => {
                    let was_stopped = live.is_cancelled || Instant::now() >= live.deadline;
                    let message = match was_stopped {
                        true => "the call was ended from outside because its init did not answer",
                        false => {
                            "the sandbox was lost: its init or the supervisor was killed; look for the out-of-memory killer in the system log"
                        }
                    };
                    drop(state);
                    self.finish(Err(Error::new(Status::Supervisor, message)));
                    return Next::Finished;
                }
                _ => {}
            }
        }
    }

    /// Stores the outcome and tells everyone who waits.
    pub(super) fn finish(&self, outcome: Result<Outcome>) {
        let mut state = self.lock();
        state.phase = Phase::Finished;
        if state.outcome.is_none() {
            state.outcome = Some(outcome);
        }
        state.holds = Vec::new();
        if let Some(bell) = state.bell.take() {
            bell.ring();
        }
        self.finished.notify_all();
        if let Some(tap) = &self.tap {
            tap.end(0);
            tap.end(1);
        }
    }
}

impl State {
    fn new(phase: Phase) -> Self {
        Self { phase, outcome: None, is_cancelled: false, watch: None, holds: Vec::new(), bell: None }
    }

    fn hold(&mut self, hold: Hold) {
        if !matches!(self.phase, Phase::Finished) {
            self.holds.push(hold);
        }
    }
}
