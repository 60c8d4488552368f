//! Descriptors, what they lead to, and waiting for them.

use super::{EINTR, Fd, Text, text};
use crate::sys::{Sys, nr, syscall};

pub const AT_FDCWD: Fd = -100;
pub const AT_EMPTY_PATH: usize = 0x1000;
pub const AT_RECURSIVE: usize = 0x8000;
pub const AT_REMOVEDIR: usize = 0x200;
pub const O_RDONLY: usize = 0;
pub const O_WRONLY: usize = 1;
pub const O_RDWR: usize = 2;
pub const O_CREAT: usize = 0o100;
pub const O_EXCL: usize = 0o200;
pub const O_NONBLOCK: usize = 0o4000;
pub const O_CLOEXEC: usize = 0o2000000;
pub const O_PATH: usize = 0o10000000;
#[cfg(target_arch = "x86_64")]
pub const O_DIRECTORY: usize = 0o200000;
#[cfg(target_arch = "aarch64")]
pub const O_DIRECTORY: usize = 0o40000;
#[cfg(target_arch = "x86_64")]
pub const O_NOFOLLOW: usize = 0o400000;
#[cfg(target_arch = "aarch64")]
pub const O_NOFOLLOW: usize = 0o100000;

// SAFETY (all calls below): pointers lead to live locals or to `Text`s, and the kernel writes only into locals of the
// size it is told.

/// One entry of `poll`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Watched {
    descriptor: i32,
    events: i16,
    happened: i16,
}

impl Watched {
    /// Whether what it is watched for happened, or it has ended.
    pub fn is_ready(&self) -> bool {
        self.happened != 0
    }
}

/// Watches `descriptor` for a change that its file announces out of band.
pub fn watch_urgent(descriptor: Fd) -> Watched {
    Watched { descriptor, events: 2, happened: 0 }
}

/// Watches `descriptor` for input and for its end.
pub fn watch(descriptor: Fd) -> Watched {
    Watched { descriptor, events: 1, happened: 0 }
}

pub fn poll(watched: &mut [Watched], timeout_ns: Option<u64>) -> Sys {
    let limit = timeout_ns.map(|ns| [ns / 1_000_000_000, ns % 1_000_000_000]);
    let limit = limit.as_ref().map_or(core::ptr::null(), |limit| limit.as_ptr());
    unsafe { syscall!(nr::PPOLL, watched.as_mut_ptr(), watched.len(), limit, 0, 8) }
}

/// A descriptor that is readable while `signal`, which is blocked, is pending.
pub fn signal_descriptor(signal: i32) -> Sys<Fd> {
    let mask = 1u64 << (signal - 1);
    unsafe { syscall!(nr::SIGNALFD4, -1isize, &raw const mask, 8, O_CLOEXEC | O_NONBLOCK) }.map(|fd| fd as Fd)
}

/// Takes everything that a descriptor of signals holds.
pub fn drain(descriptor: Fd) {
    let mut buffer = [0u8; 512];
    while read(descriptor, &mut buffer).is_ok_and(|bytes| bytes > 0) {}
}

/// A counter that is readable while it is not zero.
pub fn event_counter() -> Sys<Fd> {
    unsafe { syscall!(nr::EVENTFD2, 0, O_CLOEXEC | O_NONBLOCK) }.map(|fd| fd as Fd)
}

/// Locks the open file for this process and its children, unless someone else has.
pub fn try_lock(descriptor: Fd) -> Sys {
    const EXCLUSIVE_NO_WAIT: usize = 2 | 4;
    unsafe { syscall!(nr::FLOCK, descriptor, EXCLUSIVE_NO_WAIT) }
}

pub fn close(descriptor: Fd) {
    let _ = unsafe { syscall!(nr::CLOSE, descriptor) };
}

pub fn close_range(first: u32, last: u32) {
    let _ = unsafe { syscall!(nr::CLOSE_RANGE, first, last, 0) };
}

pub fn duplicate_above(descriptor: Fd, lowest: i32) -> Sys<Fd> {
    unsafe { syscall!(nr::FCNTL, descriptor, 1030, lowest) }.map(|fd| fd as Fd)
}

/// Duplicates to exactly `number`; the copy is closed at exec.
pub fn duplicate_at(descriptor: Fd, number: Fd) -> Sys {
    unsafe { syscall!(nr::DUP3, descriptor, number, O_CLOEXEC) }
}

pub fn duplicate_to(descriptor: Fd, number: Fd) -> Sys {
    unsafe { syscall!(nr::DUP3, descriptor, number, 0) }
}

/// Fills 0–2, so that no received descriptor lands there and is overwritten on the way to exec.
pub fn occupy_standard_descriptors(fallback: Fd) {
    let null = open(AT_FDCWD, text(b"/dev/null\0"), O_RDWR, 0).unwrap_or(fallback);
    for number in 0..3 {
        if null != number {
            let _ = duplicate_to(null, number);
        }
    }
}

pub fn open(directory: Fd, path: Text, flags: usize, mode: usize) -> Sys<Fd> {
    unsafe { syscall!(nr::OPENAT, directory, path.address(), flags | O_CLOEXEC, mode) }.map(|fd| fd as Fd)
}

pub fn read(descriptor: Fd, buffer: &mut [u8]) -> Sys {
    unsafe { syscall!(nr::READ, descriptor, buffer.as_mut_ptr(), buffer.len()) }
}

/// Writes all of `bytes`.
pub fn write(descriptor: Fd, mut bytes: &[u8]) -> Sys<()> {
    while !bytes.is_empty() {
        match unsafe { syscall!(nr::WRITE, descriptor, bytes.as_ptr(), bytes.len()) } {
            Ok(n) => bytes = bytes.get(n..).unwrap_or(&[]),
            Err(EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Writes `bytes` into the existing file `path`.
pub fn write_file(directory: Fd, path: Text, bytes: &[u8]) -> Sys<()> {
    let file = open(directory, path, O_WRONLY, 0)?;
    let result = write(file, bytes);
    close(file);
    result
}

pub fn make_directory(directory: Fd, path: Text, mode: usize) -> Sys {
    unsafe { syscall!(nr::MKDIRAT, directory, path.address(), mode) }
}

pub fn change_mode(path: Text, mode: usize) -> Sys {
    unsafe { syscall!(nr::FCHMODAT, AT_FDCWD, path.address(), mode) }
}

pub fn change_owner(directory: Fd, path: Text, id: u32) -> Sys {
    unsafe { syscall!(nr::FCHOWNAT, directory, path.address(), id, id, 0) }
}

pub fn make_link(target: Text, path: Text) -> Sys {
    unsafe { syscall!(nr::SYMLINKAT, target.address(), AT_FDCWD, path.address()) }
}

pub fn unlink(directory: Fd, path: Text, flags: usize) -> Sys {
    unsafe { syscall!(nr::UNLINKAT, directory, path.address(), flags) }
}

pub fn list(directory: Fd, buffer: &mut [u8]) -> Sys {
    unsafe { syscall!(nr::GETDENTS64, directory, buffer.as_mut_ptr(), buffer.len()) }
}

pub fn enter_directory(descriptor: Fd) -> Sys {
    unsafe { syscall!(nr::FCHDIR, descriptor) }
}

pub fn change_directory(path: Text) -> Sys {
    unsafe { syscall!(nr::CHDIR, path.address()) }
}

/// Block size, blocks and free blocks of the file system behind `descriptor`.
pub fn file_system(descriptor: Fd) -> Option<(u64, u64, u64)> {
    let mut stat = [0u64; 15];
    unsafe { syscall!(nr::FSTATFS, descriptor, stat.as_mut_ptr()) }.ok()?;
    Some((stat[1], stat[2], stat[3]))
}

pub fn map(descriptor: Fd, bytes: usize) -> Sys<*const u8> {
    unsafe { crate::sys::syscall6(nr::MMAP, 0, bytes, 1, 2, descriptor as usize, 0) }.map(|at| at as *const u8)
}

pub fn map_anonymous(bytes: usize) -> Sys<*mut u8> {
    unsafe { crate::sys::syscall6(nr::MMAP, 0, bytes, 3, 0x22, usize::MAX, 0) }.map(|at| at as *mut u8)
}

pub fn unmap(address: *const u8, bytes: usize) {
    let _ = unsafe { syscall!(nr::MUNMAP, address, bytes) };
}

/// Moves a file's offset to its start.
pub fn rewind(descriptor: Fd) {
    let _ = unsafe { syscall!(nr::LSEEK, descriptor, 0, 0) };
}

/// Marks every descriptor from 3 on as close-on-exec.
pub fn mark_close_on_exec() -> Sys {
    const CLOEXEC: usize = 4;
    unsafe { syscall!(nr::CLOSE_RANGE, 3, u32::MAX, CLOEXEC) }
}
