//! Raw system calls, and the few memory routines that a program without libc owes its compiler.
//!
//! Every wrapper returns the value or the errno. Nothing here allocates or keeps state.

use core::arch::asm;

/// An errno.
pub type Errno = i32;
/// What a system call returns.
pub type Sys<T = usize> = Result<T, Errno>;

macro_rules! numbers {
    ($($name:ident $x86:literal $arm:literal;)*) => {
        /// System call numbers.
        pub mod nr {
            $(#[cfg(target_arch = "x86_64")] pub const $name: usize = $x86;
              #[cfg(target_arch = "aarch64")] pub const $name: usize = $arm;)*
        }
    };
}

numbers! {
    READ 0 63; WRITE 1 64; LSEEK 8 62; CLOSE 3 57; FSTATFS 138 44; MMAP 9 222; MUNMAP 11 215; RT_SIGACTION 13 134;
    RT_SIGPROCMASK 14 135; SENDMSG 46 211; RECVMSG 47 212; CLONE 56 220; EXECVE 59 221; EXIT_GROUP 231 94;
    WAIT4 61 260; KILL 62 129; FCNTL 72 25; FCHDIR 81 50; CHDIR 80 49; GETRUSAGE 98 165; GETEUID 107 175;
    GETEGID 108 177; GETPID 39 172; SETSID 112 157; SETGROUPS 116 159; SETRESUID 117 147; SETRESGID 119 149;
    UMASK 95 166; PIVOT_ROOT 155 41; PRCTL 157 167; MOUNT 165 40; UMOUNT2 166 39; SETHOSTNAME 170 161;
    CAPSET 126 91; GETDENTS64 217 61; CLOCK_GETTIME 228 113; KEYCTL 250 219; OPENAT 257 56; MKDIRAT 258 34;
    FCHOWNAT 260 54; UNLINKAT 263 35; SYMLINKAT 266 36; FCHMODAT 268 53; PPOLL 271 73; UNSHARE 272 97; SIGNALFD4 289 74; EVENTFD2 290 19; FLOCK 73 32;
    DUP3 292 24; PRLIMIT64 302 261; SETNS 308 268; SECCOMP 317 277; CLOSE_RANGE 436 436;
    OPEN_TREE 428 428; EXECVEAT 322 281; MOVE_MOUNT 429 429; FSOPEN 430 430; FSCONFIG 431 431; FSMOUNT 432 432;
    MOUNT_SETATTR 442 442; PIDFD_OPEN 434 434; LANDLOCK_CREATE_RULESET 444 444; LANDLOCK_ADD_RULE 445 445;
    LANDLOCK_RESTRICT_SELF 446 446; SOCKET 41 198; BIND 49 200; LISTEN 50 201; IOCTL 16 29;
}

/// Issues a system call with six arguments.
///
/// # Safety
/// Pointers among the arguments must be valid for what the call does with them.
#[inline(always)]
pub unsafe fn syscall6(n: usize, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> Sys {
    let result: isize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the kernel's calling convention; rcx and r11 are the only other registers it clobbers.
    unsafe {
        asm!("syscall", inlateout("rax") n as isize => result, in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d,
             in("r8") e, in("r9") f, lateout("rcx") _, lateout("r11") _)
    };
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the kernel's calling convention; it clobbers x0 only.
    unsafe {
        asm!("svc 0", in("x8") n, inlateout("x0") a as isize => result, in("x1") b, in("x2") c, in("x3") d, in("x4") e,
             in("x5") f)
    };
    if result < 0 && result > -4096 { Err(-result as Errno) } else { Ok(result as usize) }
}

/// [`syscall6`] with as many arguments as are given.
macro_rules! syscall {
    ($n:expr) => { $crate::sys::syscall6($n, 0, 0, 0, 0, 0, 0) };
    ($n:expr, $a:expr) => { $crate::sys::syscall6($n, $a as usize, 0, 0, 0, 0, 0) };
    ($n:expr, $a:expr, $b:expr) => { $crate::sys::syscall6($n, $a as usize, $b as usize, 0, 0, 0, 0) };
    ($n:expr, $a:expr, $b:expr, $c:expr) => {
        $crate::sys::syscall6($n, $a as usize, $b as usize, $c as usize, 0, 0, 0)
    };
    ($n:expr, $a:expr, $b:expr, $c:expr, $d:expr) => {
        $crate::sys::syscall6($n, $a as usize, $b as usize, $c as usize, $d as usize, 0, 0)
    };
    ($n:expr, $a:expr, $b:expr, $c:expr, $d:expr, $e:expr) => {
        $crate::sys::syscall6($n, $a as usize, $b as usize, $c as usize, $d as usize, $e as usize, 0)
    };
}
pub(crate) use syscall;

/// Ends the process.
pub fn exit(code: i32) -> ! {
    loop {
        // SAFETY: takes no pointers and does not return.
        let _ = unsafe { syscall!(nr::EXIT_GROUP, code) };
    }
}

/// `memcpy` for the compiler.
///
/// # Safety
/// As C's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    for i in 0..n {
        // SAFETY: the caller guarantees `n` bytes on both sides.
        unsafe { *to.add(i) = *from.add(i) };
    }
    to
}

/// `memmove` for the compiler.
///
/// # Safety
/// As C's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    for k in 0..n {
        let i = if (to as usize) < from as usize { k } else { n - 1 - k };
        // SAFETY: the caller guarantees `n` bytes on both sides; the direction keeps overlapping bytes unread-over.
        unsafe { *to.add(i) = *from.add(i) };
    }
    to
}

/// `memset` for the compiler.
///
/// # Safety
/// As C's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memset(to: *mut u8, byte: i32, n: usize) -> *mut u8 {
    for i in 0..n {
        // SAFETY: the caller guarantees `n` bytes.
        unsafe { *to.add(i) = byte as u8 };
    }
    to
}

/// `memcmp` for the compiler.
///
/// # Safety
/// As C's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, n: usize) -> i32 {
    for i in 0..n {
        // SAFETY: the caller guarantees `n` bytes on both sides.
        let (l, r) = unsafe { (*left.add(i), *right.add(i)) };
        if l != r {
            return i32::from(l) - i32::from(r);
        }
    }
    0
}

/// `bcmp` for the compiler.
///
/// # Safety
/// As C's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, n: usize) -> i32 {
    // SAFETY: same contract.
    unsafe { memcmp(left, right, n) }
}

/// `core` was built to unwind and names this routine; a program that aborts on panic never calls it.
#[unsafe(no_mangle)]
pub extern "C" fn rust_eh_personality() {}
