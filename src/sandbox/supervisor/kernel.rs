//! The kernel's calls in the supervisor's terms: one small safe function each.

use crate::sys::{Errno, Sys, nr, syscall};

/// A descriptor. Plain numbers: the supervisor closes by range and by exit, never by scope.
pub type Fd = i32;

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

pub const CLONE_NEWNS: usize = 0x2_0000;
pub const CLONE_NEWCGROUP: usize = 0x200_0000;
pub const CLONE_NEWUTS: usize = 0x400_0000;
pub const CLONE_NEWIPC: usize = 0x800_0000;
pub const CLONE_NEWUSER: usize = 0x1000_0000;
pub const CLONE_NEWPID: usize = 0x2000_0000;
pub const CLONE_NEWNET: usize = 0x4000_0000;
pub const CLONE_PIDFD: usize = 0x1000;

pub const SIGKILL: i32 = 9;
pub const SIGTERM: i32 = 15;
pub const SIGCHLD: i32 = 17;
pub const EINTR: Errno = 4;
pub const EEXIST: Errno = 17;
pub const EINVAL: Errno = 22;
pub const ENAMETOOLONG: Errno = 36;
pub const WNOHANG: usize = 1;

pub const PR_SET_PDEATHSIG: usize = 1;
pub const PR_SET_DUMPABLE: usize = 4;
pub const PR_SET_KEEPCAPS: usize = 8;
pub const PR_CAPBSET_DROP: usize = 24;
pub const PR_SET_SECUREBITS: usize = 28;
pub const PR_SET_CHILD_SUBREAPER: usize = 36;
pub const PR_SET_NO_NEW_PRIVS: usize = 38;
pub const PR_CAP_AMBIENT: usize = 47;

/// A NUL-terminated path or text in memory.
#[derive(Clone, Copy)]
pub struct Text(*const u8);

impl Text {
    /// Wraps a literal that ends in NUL.
    pub const fn literal(bytes: &'static [u8]) -> Self {
        assert!(bytes[bytes.len() - 1] == 0);
        Self(bytes.as_ptr())
    }

    /// Wraps a pointer.
    ///
    /// # Safety
    /// `pointer` leads to a NUL-terminated text that outlives every use.
    pub unsafe fn at(pointer: *const u8) -> Self {
        Self(pointer)
    }

    /// The bytes before the NUL.
    pub fn bytes(&self) -> &[u8] {
        let mut length = 0;
        // SAFETY: the constructors demand a terminating NUL.
        unsafe {
            while *self.0.add(length) != 0 {
                length += 1;
            }
            core::slice::from_raw_parts(self.0, length)
        }
    }

    /// The text without a leading '/', or "." for the root: a path relative to the root under construction.
    pub fn relative(&self) -> Text {
        // SAFETY: moving over one byte that is not the NUL stays inside the text.
        match self.bytes() {
            [b'/'] | [] => text(b".\0"),
            [b'/', ..] => Text(unsafe { self.0.add(1) }),
            _ => *self,
        }
    }

    /// The address.
    pub fn address(&self) -> *const u8 {
        self.0
    }
}

/// A literal that ends in NUL.
pub const fn text(bytes: &'static [u8]) -> Text {
    Text::literal(bytes)
}

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

// SAFETY (all calls below): pointers lead to live locals or to `Text`s, and the kernel writes only into locals of the
// size it is told.

pub fn poll(watched: &mut [Watched], timeout_ns: Option<u64>) -> Sys {
    let limit = timeout_ns.map(|ns| [ns / 1_000_000_000, ns % 1_000_000_000]);
    let limit = limit.as_ref().map_or(core::ptr::null(), |limit| limit.as_ptr());
    unsafe { syscall!(nr::PPOLL, watched.as_mut_ptr(), watched.len(), limit, 0, 8) }
}

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

/// Becomes the user and group `id` alone.
pub fn become_user(id: u32) -> Sys {
    unsafe {
        syscall!(nr::SETGROUPS, 0, 0)?;
        syscall!(nr::SETRESGID, id, id, id)?;
        syscall!(nr::SETRESUID, id, id, id)
    }
}

/// Sets the effective, permitted and inheritable capabilities.
pub fn set_capabilities(effective: u64, permitted: u64, inheritable: u64) -> Sys {
    let header = [0x2008_0522u32, 0];
    let low = |set: u64| set as u32;
    let high = |set: u64| (set >> 32) as u32;
    let data = [low(effective), low(permitted), low(inheritable), high(effective), high(permitted), high(inheritable)];
    unsafe { syscall!(nr::CAPSET, header.as_ptr(), data.as_ptr()) }
}

pub fn control(option: usize, a: usize, b: usize) -> Sys {
    unsafe { syscall!(nr::PRCTL, option, a, b, 0, 0) }
}

pub fn unshare(flags: usize) -> Sys {
    unsafe { syscall!(nr::UNSHARE, flags) }
}

pub fn enter_namespace(descriptor: Fd, kind: usize) -> Sys {
    unsafe { syscall!(nr::SETNS, descriptor, kind) }
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

pub fn map(descriptor: Fd, bytes: usize) -> Sys<*const u8> {
    unsafe { crate::sys::syscall6(nr::MMAP, 0, bytes, 1, 2, descriptor as usize, 0) }.map(|at| at as *const u8)
}

pub fn map_anonymous(bytes: usize) -> Sys<*mut u8> {
    unsafe { crate::sys::syscall6(nr::MMAP, 0, bytes, 3, 0x22, usize::MAX, 0) }.map(|at| at as *mut u8)
}

pub fn unmap(address: *const u8, bytes: usize) {
    let _ = unsafe { syscall!(nr::MUNMAP, address, bytes) };
}

pub fn set_host_name(name: Text) -> Sys {
    unsafe { syscall!(nr::SETHOSTNAME, name.address(), name.bytes().len()) }
}

/// Joins a new, empty session keyring.
pub fn new_session_keyring() -> Sys {
    unsafe { syscall!(nr::KEYCTL, 1, 0) }
}

pub fn landlock_version() -> u32 {
    unsafe { syscall!(nr::LANDLOCK_CREATE_RULESET, 0, 0, 1) }.unwrap_or(0) as u32
}

pub fn landlock_ruleset(attributes: &[u8]) -> Sys<Fd> {
    unsafe { syscall!(nr::LANDLOCK_CREATE_RULESET, attributes.as_ptr(), attributes.len(), 0) }.map(|fd| fd as Fd)
}

pub fn landlock_allow(ruleset: Fd, access: u64, parent: Fd) -> Sys {
    let mut rule = [0u8; 12];
    rule[..8].copy_from_slice(&access.to_ne_bytes());
    rule[8..].copy_from_slice(&parent.to_ne_bytes());
    unsafe { syscall!(nr::LANDLOCK_ADD_RULE, ruleset, 1, rule.as_ptr(), 0) }
}

pub fn landlock_allow_port(ruleset: Fd, access: u64, port: u64) -> Sys {
    const NET_PORT: usize = 2;
    let rule = [access, port];
    unsafe { syscall!(nr::LANDLOCK_ADD_RULE, ruleset, NET_PORT, rule.as_ptr(), 0) }
}

pub fn landlock_restrict(ruleset: Fd) -> Sys {
    unsafe { syscall!(nr::LANDLOCK_RESTRICT_SELF, ruleset, 0) }
}

/// Loads the filter of `bytes` (8 each instruction).
pub fn load_filter(bytes: &[u8]) -> Sys {
    #[repr(C)]
    struct Program {
        length: u16,
        filter: *const u8,
    }
    let program = Program { length: (bytes.len() / 8) as u16, filter: bytes.as_ptr() };
    unsafe { syscall!(nr::SECCOMP, 1, 0, &raw const program) }
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

/// Moves a file's offset to its start.
pub fn rewind(descriptor: Fd) {
    let _ = unsafe { syscall!(nr::LSEEK, descriptor, 0, 0) };
}

/// Marks every descriptor from 3 on as close-on-exec.
pub fn mark_close_on_exec() -> Sys {
    const CLOEXEC: usize = 4;
    unsafe { syscall!(nr::CLOSE_RANGE, 3, u32::MAX, CLOEXEC) }
}
