//! What came out of a run: how it ended, what it printed, what it used, what held it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use super::tier::Isolation;

/// How the main process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It exited with this code.
    Exited(i32),
    /// This signal ended it.
    Signaled(i32),
}

/// Why the sandbox, not the program, ended or refused something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The wall-clock limit passed.
    Wall,
    /// The processor-time limit passed.
    Cpu,
    /// The tree used more memory than allowed.
    Memory,
    /// The tree wanted more processes than allowed.
    Pids,
    /// A file or the work directory grew past its limit.
    Disk,
    /// The caller cancelled.
    Cancelled,
}

/// The kept part of an output stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// Kept bytes: everything, or the head, a marker line and the tail.
    pub bytes: Vec<u8>,
    /// Bytes the program wrote.
    pub total_bytes: u64,
    /// Whether bytes were dropped.
    pub is_truncated: bool,
}

/// What the run cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// From the request to the end of the tree.
    pub wall: Duration,
    /// User and system time of the tree.
    pub cpu: Duration,
    /// The tree's (cgroup) or the largest process's (otherwise) peak.
    pub peak_memory_bytes: u64,
    /// The part of `wall` spent on building the sandbox, until the program's first instruction.
    pub setup: Duration,
}

/// The result of a run that was started.
#[derive(Debug)]
pub struct Outcome {
    /// How the main process ended.
    pub end: End,
    /// The limit or request that ended the run, if one did.
    pub stop: Option<Stop>,
    /// Standard output.
    pub stdout: Captured,
    /// Standard error.
    pub stderr: Captured,
    /// What it cost.
    pub usage: Usage,
    /// What held it.
    pub isolation: Isolation,
    /// The work directory as the run left it; it lives as long as this descriptor.
    pub work: Option<WorkDirectory>,
}

/// The work directory of an ended run. It has no path any more, and is gone when this value is dropped.
#[derive(Debug)]
pub struct WorkDirectory {
    directory: OwnedFd,
    /// Without a mount namespace the directory is one of the host, removed when this end is closed.
    _hold: Option<OwnedFd>,
}

impl WorkDirectory {
    /// Keeps `directory`, and `hold` for as long.
    pub(super) fn new(directory: OwnedFd, hold: Option<OwnedFd>) -> Self {
        Self { directory, _hold: hold }
    }
}

impl AsFd for WorkDirectory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}
