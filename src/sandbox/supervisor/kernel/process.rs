//! Processes: their signals, ids, limits, ends.

use super::{AT_EMPTY_PATH, EINTR, EINVAL, Fd, Text};
use crate::sys::{Errno, Sys, nr, syscall};

pub const CLONE_PIDFD: usize = 0x1000;
pub const SIGKILL: i32 = 9;
pub const SIGTERM: i32 = 15;
pub const SIGCHLD: i32 = 17;
pub const WNOHANG: usize = 1;

// SAFETY (all calls below): pointers lead to live locals or to `Text`s, and the kernel writes only into locals of the
// size it is told.

pub fn block_signals() {
    let all = u64::MAX;
    let _ = unsafe { syscall!(nr::RT_SIGPROCMASK, 2, &raw const all, 0, 8) };
}

pub fn unblock_signals() {
    let none = 0u64;
    let _ = unsafe { syscall!(nr::RT_SIGPROCMASK, 2, &raw const none, 0, 8) };
}

/// Every signal to its default: exec keeps "ignored", and a host may ignore anything.
pub fn default_signals() {
    let default = [0usize; 4];
    for signal in 1..=64 {
        let _ = unsafe { syscall!(nr::RT_SIGACTION, signal, default.as_ptr(), 0, 8) };
    }
}

pub fn setsid() -> Sys {
    unsafe { syscall!(nr::SETSID) }
}

pub fn set_umask(mask: usize) {
    let _ = unsafe { syscall!(nr::UMASK, mask) };
}

pub fn process_id() -> i32 {
    unsafe { syscall!(nr::GETPID) }.unwrap_or(0) as i32
}

pub fn effective_ids() -> (u32, u32) {
    let uid = unsafe { syscall!(nr::GETEUID) }.unwrap_or(0) as u32;
    (uid, unsafe { syscall!(nr::GETEGID) }.unwrap_or(0) as u32)
}

/// Clones like fork: the child has a copy of everything. Gives 0 in the child, else its pid and, if asked, a pidfd.
pub fn fork(flags: usize, pidfd: &mut Fd) -> Sys {
    unsafe { syscall!(nr::CLONE, flags | SIGCHLD as usize, 0, pidfd as *mut Fd, 0, 0) }
}

pub fn kill(pid: i32, signal: i32) -> Sys {
    unsafe { syscall!(nr::KILL, pid, signal) }
}

/// Waits for a child; gives its pid (0: none has ended yet) and wait status.
pub fn wait(pid: i32, flags: usize) -> Sys<(i32, u32)> {
    const WALL: usize = 0x4000_0000;
    let mut status = 0u32;
    loop {
        match unsafe { syscall!(nr::WAIT4, pid, &raw mut status, flags | WALL, 0) } {
            Ok(pid) => return Ok((pid as i32, status)),
            Err(EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Processor microseconds and the largest resident set in bytes, of all children that were waited for.
pub fn children_usage() -> (u64, u64) {
    let mut usage = [0u64; 18];
    let _ = unsafe { syscall!(nr::GETRUSAGE, -1isize, usage.as_mut_ptr()) };
    ((usage[0] + usage[2]) * 1_000_000 + usage[1] + usage[3], usage[4] * 1024)
}

pub fn set_limit(resource: u32, soft: u64, hard: u64) -> Sys {
    let limit = [soft, hard];
    unsafe { syscall!(nr::PRLIMIT64, 0, resource, limit.as_ptr(), 0) }
}

pub fn pidfd_open(pid: u32) -> Sys<Fd> {
    unsafe { syscall!(nr::PIDFD_OPEN, pid, 0) }.map(|fd| fd as Fd)
}

/// `CLOCK_MONOTONIC` in nanoseconds.
pub fn now_ns() -> u64 {
    let mut time = [0u64; 2];
    let _ = unsafe { syscall!(nr::CLOCK_GETTIME, 1, time.as_mut_ptr()) };
    time[0] * 1_000_000_000 + time[1]
}

/// Executes; returns only on failure.
pub fn execute(path: Text, arguments: *const *const u8, variables: *const *const u8) -> Errno {
    match unsafe { syscall!(nr::EXECVE, path.address(), arguments, variables) } {
        Ok(_) => EINVAL,
        Err(errno) => errno,
    }
}

/// As [`execute`], the file behind `descriptor`.
pub fn execute_open(descriptor: Fd, arguments: *const *const u8, variables: *const *const u8) -> Errno {
    match unsafe { syscall!(nr::EXECVEAT, descriptor, c"".as_ptr(), arguments, variables, AT_EMPTY_PATH) } {
        Ok(_) => EINVAL,
        Err(errno) => errno,
    }
}

/// Raises the soft limit of descriptors to the hard one.
pub fn raise_descriptor_limit() -> Sys {
    const NOFILE: usize = 7;
    let mut limit = [0u64; 2];
    unsafe { syscall!(nr::PRLIMIT64, 0, NOFILE, 0, limit.as_mut_ptr()) }?;
    set_limit(NOFILE as u32, limit[1], limit[1])
}
