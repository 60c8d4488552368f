//! A bell that runs ring when they end: one thing to wait for, or to poll, for all of them.
//!
//! It counts its rings, so that whoever looks first and waits then misses none. The descriptor is a pipe, made when it is
//! asked for; a byte is in it from a ring until somebody listens.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::watch::pipe;
use crate::error::Result;

/// See the module. Any thread may do anything.
#[derive(Debug, Default)]
pub struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct State {
    rings: u64,
    /// Rung since somebody listened.
    is_ringing: bool,
    /// The read end and the write end.
    pipe: Option<(OwnedFd, OwnedFd)>,
}

impl Bell {
    /// A quiet bell.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who wait and makes the descriptor readable.
    pub fn ring(&self) {
        let mut state = self.lock();
        state.rings = state.rings.wrapping_add(1);
        if !std::mem::replace(&mut state.is_ringing, true) {
            state.sound();
        }
        self.rung.notify_all();
    }

    /// Makes the bell quiet; gives what [`Bell::wait`] takes. To be called before looking at what the bell is for.
    pub fn listen(&self) -> u64 {
        let mut state = self.lock();
        state.is_ringing = false;
        if let Some((read, _)) = &state.pipe {
            // One byte at most is in it; a host that reads the descriptor has it already.
            let _ = nix::unistd::read(read, &mut [0u8; 8]);
        }
        state.rings
    }

    /// Waits for a ring after `heard`, until `deadline` at the longest.
    pub fn wait(&self, heard: u64, deadline: Option<Instant>) {
        let is_quiet = |state: &mut State| state.rings == heard;
        let state = self.lock();
        match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            None => drop(self.rung.wait_while(state, is_quiet)),
            Some(rest) => drop(self.rung.wait_timeout_while(state, rest, is_quiet)),
        }
    }

    /// A pipe's end that is readable from a ring until somebody listens. It belongs to the bell.
    pub fn fd(&self) -> Result<RawFd> {
        let mut state = self.lock();
        if state.pipe.is_none() {
            state.pipe = Some(pipe()?);
            if state.is_ringing {
                state.sound();
            }
        }
        Ok(state.pipe.as_ref().map_or(-1, |(read, _)| read.as_raw_fd()))
    }
}

impl State {
    fn sound(&self) {
        if let Some((_, write)) = &self.pipe {
            // A pipe that is full is readable.
            let _ = nix::unistd::write(write, b"!");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;

    fn is_readable(bell: &Bell) -> bool {
        let fd = bell.fd().unwrap();
        // SAFETY: the descriptor lives as long as the bell.
        let fd = unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) };
        poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::ZERO) == Ok(1)
    }

    #[test]
    fn a_ring_is_heard_once_however_often_it_rang() {
        let bell = Bell::new();
        bell.ring();
        assert!(is_readable(&bell), "a ring before the descriptor was made");
        let heard = bell.listen();
        assert!(!is_readable(&bell));
        (0..100_000).for_each(|_| bell.ring());
        assert!(is_readable(&bell));
        bell.wait(heard, None);
        let heard = bell.listen();
        assert!(!is_readable(&bell));
        let start = Instant::now();
        bell.wait(heard, Some(start + Duration::from_millis(20)));
        assert!(start.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    fn every_thread_that_waits_is_woken() {
        let bell = Bell::new();
        let heard = bell.listen();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| bell.wait(heard, None));
            }
            bell.ring();
        });
    }
}
