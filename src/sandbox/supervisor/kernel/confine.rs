//! What takes rights away: ids, capabilities, namespaces, Landlock, filters.

use super::{Fd, Text};
use crate::sys::{Sys, nr, syscall};

pub const CLONE_NEWNS: usize = 0x2_0000;
pub const CLONE_NEWCGROUP: usize = 0x200_0000;
pub const CLONE_NEWUTS: usize = 0x400_0000;
pub const CLONE_NEWIPC: usize = 0x800_0000;
pub const CLONE_NEWUSER: usize = 0x1000_0000;
pub const CLONE_NEWPID: usize = 0x2000_0000;
pub const CLONE_NEWNET: usize = 0x4000_0000;
pub const PR_SET_PDEATHSIG: usize = 1;
pub const PR_SET_DUMPABLE: usize = 4;
pub const PR_SET_KEEPCAPS: usize = 8;
pub const PR_CAPBSET_DROP: usize = 24;
pub const PR_SET_SECUREBITS: usize = 28;
pub const PR_SET_CHILD_SUBREAPER: usize = 36;
pub const PR_SET_NO_NEW_PRIVS: usize = 38;
pub const PR_CAP_AMBIENT: usize = 47;

// SAFETY (all calls below): pointers lead to live locals or to `Text`s, and the kernel writes only into locals of the
// size it is told.

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
