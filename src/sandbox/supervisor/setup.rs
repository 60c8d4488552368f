//! What all runs of an engine share: the supervisor's namespaces, its identity and a minimal mount tree.
//!
//! Two mount namespaces are kept. `host` is a copy of the host's tree (new mounts of the host still arrive there) and
//! is where sources are opened. `base` has a tmpfs root with `/proc` and nothing else, and is what a run's clone copies:
//! the cost of a call does not grow with the number of mounts of the host.

use crate::cgroup::Groups;
use crate::kernel::*;
use crate::message::{self, Directories};
use crate::mounts::*;
use crate::sys::{Errno, Sys};
use crate::tree;
use crate::view::Views;
use crate::wire::{self, Hello, MAGIC, Setup};

/// The capabilities that a root caller's supervisor keeps: CHOWN, DAC_OVERRIDE and DAC_READ_SEARCH to reach what its
/// host can reach, KILL for its runs, SYS_CHROOT and SYS_ADMIN for namespaces.
const KEPT: u64 = 1 | 1 << 1 | 1 << 2 | 1 << 5 | 1 << 18 | 1 << 21;

/// The supervisor's state.
pub struct Supervisor {
    /// The namespaces, where the host gives them.
    pub namespaces: Option<Namespaces>,
    /// Accounting groups, where the host gives them.
    pub groups: Groups,
    /// File trees that were made.
    pub views: Views,
}

/// Descriptors of what runs are cloned from.
#[derive(Clone, Copy)]
pub struct Namespaces {
    /// The copy of the host's mount tree.
    pub host: Fd,
    /// The minimal mount tree.
    pub base: Fd,
    /// `/proc` of the host's process namespace.
    pub proc: Fd,
}

impl Supervisor {
    /// Waits for every run that ended.
    pub fn reap(&mut self) {
        while let Ok((pid, _)) = wait(-1, WNOHANG) {
            if pid <= 0 {
                break;
            }
            self.groups.release(pid);
        }
        if self.namespaces.is_none() {
            // A run's init that was killed from outside leaves its descendants to us: end them.
            tree::kill_orphans(&self.groups);
        }
    }

    /// Ends all runs and the supervisor.
    pub fn end(&mut self) -> ! {
        let signal = if self.namespaces.is_some() { SIGKILL } else { SIGTERM };
        self.groups.signal_runs(signal);
        while let Ok((pid, _)) = wait(-1, 0) {
            self.groups.release(pid);
            self.reap();
        }
        self.groups.remove();
        crate::sys::exit(0)
    }
}

/// Sets up as `settings` say, as far as the host allows, and tells how far that was.
pub fn enter(settings: &Setup, directories: &Directories) -> (Supervisor, Hello) {
    let mut hello = Hello { magic: MAGIC, landlock_abi: landlock_version(), ..Hello::default() };
    let is_root = settings.guest_id != 0;
    let groups = match Groups::prepare(settings, directories) {
        Ok(groups) => groups,
        Err(errno) => {
            hello.cgroup_errno = errno as u32;
            Groups::none()
        }
    };
    let mut supervisor = Supervisor { namespaces: None, groups, views: Views::new() };
    if settings.skip_namespaces == 0 {
        match isolate(is_root, settings.guest_id) {
            Ok(namespaces) => supervisor.namespaces = Some(namespaces),
            Err((step, errno)) => (hello.namespace_step, hello.namespace_errno) = (step, errno as u32),
        }
    }
    if supervisor.namespaces.is_none() {
        let _ = control(PR_SET_CHILD_SUBREAPER, 1, 0);
        if is_root && effective_ids().0 == 0 && become_user(settings.guest_id).is_err() {
            hello.namespace_step = wire::step::IDENTITY;
        }
    }
    hello.guest_id = effective_ids().0;
    (supervisor, hello)
}

fn at<T>(step: u32, result: Sys<T>) -> Result<T, (u32, Errno)> {
    result.map_err(|errno| (step, errno))
}

fn isolate(is_root: bool, guest_id: u32) -> Result<Namespaces, (u32, Errno)> {
    use wire::step::*;
    let proc = at(UNSHARE, open(AT_FDCWD, text(b"/proc\0"), O_PATH | O_DIRECTORY, 0))?;
    let (uid, gid) = effective_ids();
    let own_user = if is_root { 0 } else { CLONE_NEWUSER };
    at(UNSHARE, unshare(own_user | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC))?;
    if !is_root {
        at(MAP, map_ids(proc, uid, gid, uid, gid))?;
    }
    at(MOUNT, set_propagation(MS_SLAVE | MS_REC))?;
    let host = at(MOUNT, open(proc, text(b"self/ns/mnt\0"), O_RDONLY, 0))?;
    let base = at(MOUNT, build_base(proc))?;
    let namespaces = Namespaces { host, base, proc };
    if is_root {
        at(IDENTITY, drop_root(guest_id))?;
    }
    try_sandbox(&namespaces)?;
    Ok(namespaces)
}

/// Gives up user id 0 and all capabilities but [`KEPT`].
fn drop_root(guest_id: u32) -> Sys {
    control(PR_SET_KEEPCAPS, 1, 0)?;
    become_user(guest_id)?;
    set_capabilities(KEPT, KEPT, 0)
}

/// Makes the minimal mount tree and enters it.
fn build_base(proc: Fd) -> Sys<Fd> {
    let process_list = open_tree(text(b"/proc\0"))?;
    unshare(CLONE_NEWNS)?;
    set_propagation(MS_PRIVATE | MS_REC)?;
    let root = new_tmpfs()?;
    attach(root, text(b"/proc\0"))?;
    enter_directory(root)?;
    make_directory(AT_FDCWD, text(b"proc\0"), 0o555)?;
    make_directory(AT_FDCWD, text(b"view\0"), 0o755)?;
    make_directory(AT_FDCWD, text(b"new\0"), 0o755)?;
    attach(process_list, text(b"proc\0"))?;
    pivot_here()?;
    close(root);
    close(process_list);
    open(proc, text(b"self/ns/mnt\0"), O_RDONLY, 0)
}

/// Maps the one id `outside` of the parent namespace to `inside`, for user and group.
pub fn map_ids(proc: Fd, inside: u32, inside_group: u32, outside: u32, outside_group: u32) -> Sys<()> {
    // The files belong to root, and are closed to us, while the process is not dumpable.
    control(PR_SET_DUMPABLE, 1, 0)?;
    write_file(proc, text(b"self/setgroups\0"), b"deny")?;
    write_map(proc, text(b"self/uid_map\0"), inside, outside)?;
    write_map(proc, text(b"self/gid_map\0"), inside_group, outside_group)
}

fn write_map(proc: Fd, path: Text, inside: u32, outside: u32) -> Sys<()> {
    let mut line = [0u8; 64];
    let mut length = 0;
    for number in [inside, outside, 1] {
        let mut digits = [0u8; 24];
        let count = message::decimal(u64::from(number), &mut digits)?;
        for byte in digits[..count].iter().chain(b" ") {
            *line.get_mut(length).ok_or(EINVAL)? = *byte;
            length += 1;
        }
    }
    write_file(proc, path, &line[..length])
}

/// Clones the namespaces of a run once and mounts what a run mounts, so that a host which forbids it is known before
/// the first call.
fn try_sandbox(namespaces: &Namespaces) -> Result<(), (u32, Errno)> {
    use wire::step::*;
    let (uid, gid) = effective_ids();
    let flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC;
    let mut pidfd = -1;
    let child = at(CLONE, fork(flags, &mut pidfd))?;
    if child == 0 {
        let no_options = text(b"\0");
        let code = if let Err(errno) = map_ids(namespaces.proc, 1000, 1000, uid, gid) {
            errno
        } else if let Err(errno) = mount(text(b"proc\0"), text(b"/new\0"), MS_NOSUID | MS_NODEV | MS_NOEXEC, no_options)
        {
            errno | 0x80
        } else {
            0
        };
        crate::sys::exit(code);
    }
    match at(CLONE, wait(child as i32, 0))? {
        (_, 0) => Ok(()),
        (_, status) => {
            let code = (status >> 8 & 0xff) as Errno;
            Err((if code & 0x80 != 0 { PROC } else { CLONE }, code & 0x7f))
        }
    }
}
