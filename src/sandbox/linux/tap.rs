//! What a run has written and nobody has read yet, for those who follow a run while it goes on.
//!
//! The reactor pushes, any thread reads. A stream that is full is held: the reactor leaves the rest in the pipe, so that
//! the program waits for its reader instead of losing output or filling the host's memory.

use std::collections::VecDeque;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::unistd::{read, write};

use crate::error::Result;
use crate::sandbox::Bell;
use crate::sandbox::watch::pipe;

/// Unread bytes of a stream from which on it is held.
const FULL_BYTES: usize = 1 << 20;
/// Unread bytes below which it is let go again.
const LOW_BYTES: usize = FULL_BYTES / 2;
/// The most that one read gives.
const CHUNK_BYTES: usize = 64 << 10;

/// The unread output of one run.
#[derive(Debug, Default)]
pub struct Tap {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    streams: [Stream; 2],
    signal: Option<Signal>,
    /// Rung when there is something to read.
    bell: Option<Arc<Bell>>,
}

#[derive(Debug, Default)]
struct Stream {
    unread: VecDeque<u8>,
    is_ended: bool,
    is_held: bool,
}

/// A pipe with a byte in it while there is something to read, and at its end once everything was written.
#[derive(Debug)]
struct Signal {
    read: OwnedFd,
    write: Option<OwnedFd>,
    is_up: bool,
}

/// What a read found.
#[derive(Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Empty: nothing yet. `None`: nothing any more.
    pub bytes: Option<Vec<u8>>,
    /// The stream was held and must be watched again.
    pub is_released: bool,
}

impl Tap {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while it was held leaves bytes that are at worst unread.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets it ring when something is there to read; at once if something is.
    pub fn set_bell(&self, bell: Arc<Bell>) {
        let mut state = self.lock();
        if state.has_unread() {
            bell.ring();
        }
        state.bell = Some(bell);
    }

    /// Adds what was read from stream `index`; tells whether that is held now.
    pub fn push(&self, index: usize, bytes: &[u8]) -> bool {
        let mut state = self.lock();
        let Some(stream) = state.streams.get_mut(index) else { return false };
        stream.unread.extend(bytes);
        stream.is_held = stream.unread.len() >= FULL_BYTES;
        let is_held = stream.is_held;
        state.raise();
        if let Some(bell) = &state.bell {
            bell.ring();
        }
        self.changed.notify_all();
        is_held
    }

    /// Nothing more comes from stream `index`.
    pub fn end(&self, index: usize) {
        let mut state = self.lock();
        if let Some(stream) = state.streams.get_mut(index) {
            stream.is_ended = true;
        }
        state.raise();
        self.changed.notify_all();
    }

    /// Takes what is there of stream `index`, a chunk at most; waits for it until `timeout` is over, without end when
    /// that is `None`.
    pub fn read(&self, index: usize, timeout: Option<Duration>) -> Chunk {
        let is_dry = |state: &mut State| {
            state.streams.get(index).is_some_and(|stream| stream.unread.is_empty() && !stream.is_ended)
        };
        let state = self.lock();
        let mut state = match timeout {
            None => self.changed.wait_while(state, is_dry).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                self.changed.wait_timeout_while(state, timeout, is_dry).unwrap_or_else(PoisonError::into_inner).0
            }
        };
        let Some(stream) = state.streams.get_mut(index) else { return Chunk { bytes: None, is_released: false } };
        let is_over = stream.is_ended && stream.unread.is_empty();
        let count = stream.unread.len().min(CHUNK_BYTES);
        let bytes: Vec<u8> = stream.unread.drain(..count).collect();
        let is_released = stream.is_held && stream.unread.len() < LOW_BYTES;
        stream.is_held &= !is_released;
        if stream.unread.is_empty() {
            stream.unread.shrink_to(CHUNK_BYTES);
        }
        state.lower();
        Chunk { bytes: (!is_over).then_some(bytes), is_released }
    }

    /// The descriptor of the signal, made when it is first asked for.
    pub fn fd(&self) -> Result<RawFd> {
        let mut state = self.lock();
        if state.signal.is_none() {
            let (read, write) = pipe()?;
            state.signal = Some(Signal { read, write: Some(write), is_up: false });
            state.raise();
        }
        Ok(state.signal.as_ref().map_or(-1, |signal| signal.read.as_raw_fd()))
    }
}

impl State {
    fn is_over(&self) -> bool {
        self.streams.iter().all(|stream| stream.is_ended)
    }

    fn has_unread(&self) -> bool {
        self.streams.iter().any(|stream| !stream.unread.is_empty())
    }

    fn raise(&mut self) {
        let (has_unread, is_over) = (self.has_unread(), self.is_over());
        let Some(signal) = &mut self.signal else { return };
        if has_unread
            && !signal.is_up
            && let Some(end) = &signal.write
        {
            // The pipe is empty, or has the byte that a host was to read.
            let _ = write(end, b"o");
            signal.is_up = true;
        }
        if is_over {
            signal.write = None;
        }
    }

    /// Takes the byte out when everything was read, unless an event loop of the host has done so.
    fn lower(&mut self) {
        if self.has_unread() {
            return;
        }
        if let Some(signal) = &mut self.signal {
            let _ = read(&signal.read, &mut [0; 8]);
            signal.is_up = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::BorrowedFd;

    const NOW: Option<Duration> = Some(Duration::ZERO);

    fn is_ready(tap: &Tap) -> bool {
        let fd = tap.fd().expect("a pipe is made");
        // SAFETY: the tap keeps the descriptor open.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::ZERO).expect("it is polled") == 1
    }

    fn taken(tap: &Tap, index: usize) -> Option<Vec<u8>> {
        tap.read(index, NOW).bytes
    }

    #[test]
    fn streams_are_read_apart_until_their_ends() {
        let tap = Tap::default();
        tap.push(0, b"out");
        tap.push(1, b"err");
        assert_eq!(taken(&tap, 0), Some(b"out".to_vec()));
        assert_eq!(taken(&tap, 0), Some(Vec::new()), "nothing yet");
        tap.end(0);
        assert_eq!(taken(&tap, 0), None);
        tap.end(1);
        assert_eq!(taken(&tap, 1), Some(b"err".to_vec()), "what came before the end is not lost");
        assert_eq!(taken(&tap, 1), None);
    }

    #[test]
    fn the_descriptor_is_ready_while_there_is_something_to_read_and_at_the_end() {
        let tap = Tap::default();
        assert!(!is_ready(&tap));
        tap.push(1, b"x");
        assert!(is_ready(&tap));
        taken(&tap, 0);
        assert!(is_ready(&tap), "the other stream was not read");
        taken(&tap, 1);
        assert!(!is_ready(&tap));
        tap.end(0);
        assert!(!is_ready(&tap), "one of two has ended");
        tap.end(1);
        assert!(is_ready(&tap));
    }

    #[test]
    fn a_host_that_reads_the_byte_itself_is_told_again() {
        let tap = Tap::default();
        let fd = tap.fd().expect("a pipe is made");
        tap.push(0, b"one");
        // SAFETY: the tap keeps the descriptor open.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        assert_eq!(read(fd, &mut [0; 8]), Ok(1));
        assert_eq!(taken(&tap, 0), Some(b"one".to_vec()));
        tap.push(0, b"two");
        assert!(is_ready(&tap));
    }

    #[test]
    fn a_full_stream_is_held_until_half_of_it_was_read() {
        let tap = Tap::default();
        assert!(!tap.push(0, &vec![b'a'; FULL_BYTES - 1]));
        assert!(tap.push(0, b"a"));
        let mut read_bytes = 0;
        loop {
            let chunk = tap.read(0, NOW);
            read_bytes += chunk.bytes.map_or(0, |bytes| bytes.len());
            if chunk.is_released {
                break;
            }
            assert!(read_bytes < FULL_BYTES);
        }
        assert!(FULL_BYTES - read_bytes < LOW_BYTES);
        assert!(!tap.read(0, NOW).is_released, "once");
    }

    #[test]
    fn a_reader_waits_for_what_comes() {
        let tap = Tap::default();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| tap.read(1, None).bytes);
            tap.push(0, b"not this");
            tap.push(1, b"this");
            assert_eq!(reader.join().ok().flatten(), Some(b"this".to_vec()));
        });
    }
}
