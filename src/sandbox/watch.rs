//! How a host learns without a thread that runs have ended: a pipe that is at its end once each run that holds it is
//! finished.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use nix::fcntl::OFlag;

use crate::error::{Error, Result, Status};

/// The end of the pipe that a host polls.
#[derive(Debug)]
pub struct Watch(OwnedFd);

/// The other end, for each run that is watched. The last one that goes is the end of the pipe.
pub type Hold = Arc<OwnedFd>;

impl Watch {
    /// A pipe, as the two kinds of its ends. [`Status::Resources`] when no descriptor is left.
    pub fn new() -> Result<(Self, Hold)> {
        let (read, write) = pipe()?;
        Ok((Self(read), Arc::new(write)))
    }

    /// The descriptor to poll.
    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// The read end and the write end of a pipe that no program started by the host inherits and that blocks nobody.
pub(super) fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).map_err(|error| {
        Error::new(Status::Resources, format!("no descriptors for a pipe: {error}; raise RLIMIT_NOFILE"))
    })
}

#[cfg(test)]
mod tests {
    use std::os::fd::BorrowedFd;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;

    #[test]
    fn it_is_readable_when_the_last_hold_is_gone() {
        let (watch, hold) = Watch::new().unwrap();
        let is_readable = || {
            // SAFETY: the descriptor lives as long as the watch.
            let fd = unsafe { BorrowedFd::borrow_raw(watch.fd()) };
            poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::ZERO) == Ok(1)
        };
        let other = hold.clone();
        drop(hold);
        assert!(!is_readable(), "one of two");
        drop(other);
        assert!(is_readable());
    }
}
