//! A run that the supervisor has: its streams are read, it is cancelled, and its end is told as an outcome.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::capture::Capture;
use super::link::Link;
use super::tap::Tap;
use crate::error::{Error, Status};
use crate::sandbox::outcome::WorkDirectory;
use crate::sandbox::plan::{Plan, Step};
use crate::sandbox::wire::{Event, note, stop};
use crate::sandbox::{End, Isolation, Limits, Outcome, Stop, Tier, Uplink, Usage};

/// A run that the supervisor has.
pub(super) struct Live {
    pub start: Instant,
    pub start_ns: u64,
    pub deadline: Instant,
    pub limits: Limits,
    pub isolation: Isolation,
    pub plan: Plan,
    pub link: Arc<Link>,
    pub status: OwnedFd,
    pub streams: [Option<(OwnedFd, Capture)>; 2],
    pub captured: [Option<Capture>; 2],
    pub tap: Option<Arc<Tap>>,
    pub process: Option<OwnedFd>,
    pub work: Option<OwnedFd>,
    pub uplink: Option<Uplink>,
    pub setup: Duration,
    pub is_cancelled: bool,
}

/// What a stream wants of the reactor after a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Held,
}

impl Live {
    pub(super) fn cancel(&mut self) {
        self.is_cancelled = true;
        self.deadline = self.deadline.min(Instant::now());
        send_byte(&self.status);
    }

    /// Reads a stream until it is empty or its reader does not keep up.
    pub(super) fn read_stream(&mut self, index: usize, scratch: &mut [u8], most_reads: usize) -> Flow {
        let Some(slot) = self.streams.get_mut(index) else { return Flow::On };
        let mut flow = Flow::On;
        for _ in 0..most_reads {
            let Some((descriptor, capture)) = slot else { break };
            match nix::unistd::read(&*descriptor, scratch) {
                Ok(0) => {
                    // Closing takes the descriptor out of epoll.
                    if let (Some((_, capture)), Some(place)) = (slot.take(), self.captured.get_mut(index)) {
                        *place = Some(capture);
                    }
                    if let Some(tap) = &self.tap {
                        tap.end(index);
                    }
                }
                Ok(bytes) => {
                    capture.push(&scratch[..bytes]);
                    if self.tap.as_ref().is_some_and(|tap| tap.push(index, &scratch[..bytes])) {
                        flow = Flow::Held;
                        // At the end of a run there is no later: what is left is less than a pipe holds.
                        if most_reads != usize::MAX {
                            break;
                        }
                    }
                }
                Err(nix::Error::EINTR) => {}
                Err(_) => break,
            }
        }
        flow
    }

    /// Says which step failed, why, and what to do about the usual reasons.
    pub(super) fn failure(&self, step: usize, errno: i32) -> Error {
        let reason = io::Error::from_raw_os_error(errno);
        let Some(step) = self.plan.steps.get(step) else {
            return Error::new(Status::Spawn, format!("the plan was refused: {reason}"));
        };
        let remedy = match (step, errno) {
            (Step::Exec { .. }, libc::ENOENT) => "; the program or its loader is not visible in the sandbox",
            (Step::Exec { .. }, libc::E2BIG) => {
                "; the arguments and the environment are too long, pass large input on stdin"
            }
            (Step::Exec { .. }, libc::ENOEXEC) => "; the file is not an executable of this machine",
            (Step::OpenTree { .. } | Step::Allow { .. }, libc::ENOENT) => "; the path disappeared",
            (_, libc::EACCES) if self.isolation.tier == Tier::Landlock => {
                "; in the landlock tier the unprivileged guest must be able to reach the path itself"
            }
            (_, libc::ENOSPC | libc::ENOMEM) => "; the limits disk_bytes or memory_bytes are too small for the input",
            (_, libc::EAGAIN | libc::EMFILE | libc::ENFILE) => "; the host is at its limit of processes or descriptors",
            _ => "",
        };
        Error::new(Status::Spawn, format!("sandbox step '{step}' failed: {reason}{remedy}"))
    }

    /// What it came to, once init has told its end.
    pub(super) fn outcome(mut self: Box<Self>, ended: &Event, scratch: &mut [u8]) -> Outcome {
        // Everything that wrote is dead, so what is not in the pipes by now will never be.
        for index in 0..2 {
            self.read_stream(index, scratch, usize::MAX);
        }
        let [stdout, stderr] = self.streams;
        let [early_stdout, early_stderr] = self.captured;
        let finish = |stream: Option<(OwnedFd, Capture)>, early: Option<Capture>| {
            stream.map(|(_, capture)| capture).or(early).map(Capture::finish).unwrap_or_default()
        };
        let end = match libc::WIFEXITED(ended.a as i32) {
            true => End::Exited(libc::WEXITSTATUS(ended.a as i32)),
            false => End::Signaled(libc::WTERMSIG(ended.a as i32)),
        };
        let hold = (self.isolation.tier == Tier::Landlock).then_some(self.status);
        Outcome {
            end,
            stop: stop_of(ended, end, &self.limits),
            stdout: finish(stdout, early_stdout),
            stderr: finish(stderr, early_stderr),
            usage: Usage {
                wall: self.start.elapsed(),
                cpu: Duration::from_micros(ended.cpu_us),
                peak_memory_bytes: ended.peak_bytes,
                setup: self.setup,
            },
            isolation: self.isolation,
            work: self.work.map(|directory| WorkDirectory::new(directory, hold)),
        }
    }
}

fn send_byte(socket: &OwnedFd) {
    let flags = nix::sys::socket::MsgFlags::MSG_NOSIGNAL | nix::sys::socket::MsgFlags::MSG_DONTWAIT;
    // A full or closed socket means that init knows or is gone.
    let _ = nix::sys::socket::send(socket.as_raw_fd(), b"c", flags);
}

/// Which limit ended the run. A program that came to a normal end in spite of a refusal was not ended by it.
fn stop_of(ended: &Event, end: End, limits: &Limits) -> Option<Stop> {
    let has = |note: u64| ended.notes & note != 0;
    match (ended.b, end) {
        (stop::WALL, _) => Some(Stop::Wall),
        (stop::MEMORY, _) => Some(Stop::Memory),
        (stop::CANCELLED, _) => Some(Stop::Cancelled),
        (stop::PIDS, _) => Some(Stop::Pids),
        (_, End::Exited(0)) => None,
        _ if has(note::OUT_OF_MEMORY) => Some(Stop::Memory),
        (_, End::Signaled(libc::SIGXCPU)) => Some(Stop::Cpu),
        (_, End::Signaled(libc::SIGKILL)) if ended.cpu_us / 1000 >= limits.cpu_ms => Some(Stop::Cpu),
        (_, End::Signaled(libc::SIGXFSZ)) => Some(Stop::Disk),
        _ if has(note::DISK_FULL) => Some(Stop::Disk),
        _ if has(note::PIDS_REFUSED) => Some(Stop::Pids),
        _ => None,
    }
}
