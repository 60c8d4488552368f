//! A pipe through which the kernel moves a bulk transfer from socket to socket, without a copy in this process.
//!
//! Measured on two cores over loopback: 1.0 instead of 1.3 CPU seconds a gigabyte, all three parties together, and 80
//! instead of 61 % of the speed of a direct connection.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice};
use nix::unistd::pipe2;

use super::socket::Socket;

/// Pipes of all connections together: they cost two descriptors each.
const MAX_DUCTS: usize = 32;
/// What one holds: the most that the kernel gives an ordinary user (fs.pipe-max-size).
const SIZE_BYTES: u64 = 1 << 20;

/// A pipe between two sockets.
#[derive(Debug)]
pub struct Duct {
    exit: OwnedFd,
    entry: OwnedFd,
    held_bytes: usize,
    _permit: Arc<()>,
}

/// Who gives out pipes.
#[derive(Debug, Default)]
pub struct Ducts(Arc<()>);

impl Ducts {
    /// A pipe, if there is one left to be had.
    pub fn open(&self) -> Option<Duct> {
        if Arc::strong_count(&self.0) > MAX_DUCTS {
            return None;
        }
        let (exit, entry) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).ok()?;
        // A user who has many pipes gets no larger ones; a small one works too.
        let _ = fcntl(&entry, FcntlArg::F_SETPIPE_SZ(SIZE_BYTES as i32));
        Some(Duct { exit, entry, held_bytes: 0, _permit: Arc::clone(&self.0) })
    }
}

impl Duct {
    /// Whether nothing in it waits to be written.
    pub fn is_empty(&self) -> bool {
        self.held_bytes == 0
    }

    /// Takes up to `allowance` bytes that are there, but one at least; only when it is empty. As [`Socket::read`].
    pub fn fill(&mut self, from: &Socket, allowance: u64) -> io::Result<Option<usize>> {
        let most_bytes = allowance.clamp(1, SIZE_BYTES);
        let count = pass(from, &self.entry, usize::try_from(most_bytes).unwrap_or(1))?;
        self.held_bytes += count.unwrap_or(0);
        Ok(count)
    }

    /// Writes what it holds, as far as there is room. Returns whether it is empty.
    pub fn drain(&mut self, to: &Socket) -> io::Result<bool> {
        while self.held_bytes > 0 {
            match pass(&self.exit, to, self.held_bytes)? {
                Some(0) => return Err(ErrorKind::WriteZero.into()),
                Some(count) => self.held_bytes = self.held_bytes.saturating_sub(count),
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// One splice. On a socket that was closed it raises SIGPIPE for this thread, where every signal is blocked.
fn pass(from: impl AsFd, to: impl AsFd, most_bytes: usize) -> io::Result<Option<usize>> {
    let flags = SpliceFFlags::SPLICE_F_NONBLOCK | SpliceFFlags::SPLICE_F_MOVE;
    loop {
        match splice(&from, None, &to, None, most_bytes, flags) {
            Ok(count) => return Ok(Some(count)),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}
