//! The view of a run, built by the process that becomes its init. It has every capability in the run's own namespaces
//! and none outside.

use crate::cgroup::Lease;
use crate::init;
use crate::kernel::*;
use crate::message;
use crate::mounts::*;
use crate::network;
use crate::plan::Plan;
use crate::setup::map_ids;
use crate::sys::{Errno, Sys, exit};
use crate::tree;
use crate::wire::{Event, MAX_SLOTS, Record, event, op};

/// What a run carries from the supervisor to the program.
#[derive(Clone, Copy)]
pub struct Run {
    /// The plan.
    pub plan: Plan,
    /// Standard input, output and error.
    pub streams: [Fd; 3],
    /// Where events go.
    pub status: Fd,
    /// The accounting groups, if any.
    pub lease: Option<Lease>,
    /// The host's `/proc`; negative where there are no namespaces.
    pub proc: Fd,
    /// The ids of the supervisor: a process in a user namespace without a map cannot ask for its own.
    pub ids: (u32, u32),
}

/// What init must remember of the building.
#[derive(Clone, Copy)]
pub struct Built {
    /// The work directory.
    pub work: Fd,
    /// Without namespaces: the folder on the host to remove at the end.
    pub workspace: Option<Text>,
    /// Processes killed for memory, and refused, before this run.
    pub baseline: (u64, u64),
}

/// Executes the steps up to the fork and becomes init. Does not return.
pub fn enter(run: Run, slots: &[Fd; MAX_SLOTS], first: usize) -> ! {
    // In a process namespace init's death is everyone's; elsewhere init must end its tree and remove its folder itself.
    let signal = if run.proc < 0 { SIGTERM } else { SIGKILL };
    let _ = control(PR_SET_PDEATHSIG, signal as usize, 0);
    let mut built = Built { work: -1, workspace: None, baseline: (0, 0) };
    let mut index = first;
    while let Some(step) = run.plan.record(index) {
        if step.op == op::FORK {
            init::watch(run, built, index)
        }
        if let Err(errno) = execute(&run, slots, &mut built, &step) {
            built.workspace.into_iter().for_each(tree::remove_directory);
            fail(&run, index, errno);
        }
        index += 1;
    }
    fail(&run, index, EINVAL)
}

/// Tells which step failed and ends the process.
pub fn fail(run: &Run, index: usize, errno: Errno) -> ! {
    let failed = Event { kind: event::FAILED, a: index as u32, b: errno as u32, ..Event::default() };
    message::report(run.status, failed, None);
    exit(111)
}

fn execute(run: &Run, slots: &[Fd; MAX_SLOTS], built: &mut Built, step: &Record) -> Sys<()> {
    let plan = &run.plan;
    let path = plan.text(step.text).relative();
    match step.op {
        op::MAP_IDS => {
            let (uid, gid) = run.ids;
            map_ids(run.proc, step.a as u32, step.b as u32, uid, gid)?;
            // Until the program is sealed, nobody of the same user may trace this process.
            control(PR_SET_DUMPABLE, 0, 0)?;
            control(PR_SET_PDEATHSIG, SIGKILL as usize, 0)?;
        }
        op::JOIN_CGROUP => join(run, built)?,
        op::KEYRING => drop(new_session_keyring()?),
        op::HOSTNAME => drop(set_host_name(plan.text(step.text))?),
        op::TMPFS => {
            let mut options = Options::new();
            options.push(b"size=", step.a, 10)?;
            options.push(b"nr_inodes=", step.b, 10)?;
            options.push(b"mode=", u64::from(step.flags), 8)?;
            mount(text(b"tmpfs\0"), path, MS_NOSUID | MS_NODEV, options.text())?;
        }
        op::PROC => {
            let flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
            mount(text(b"proc\0"), path, flags, text(b"subset=pid\0"))?;
        }
        op::ENTER_VIEW => {
            // A tree copied whole keeps its parts locked together, and can become a root.
            let copy = open_tree(text(b"/view\0"))?;
            attach(copy, text(b"/new\0"))?;
            close(copy);
            change_directory(text(b"/new\0"))?;
        }
        op::PIVOT => drop(pivot_here()?),
        op::LOOPBACK => network::bring_up_loopback()?,
        op::LISTEN => {
            let listener = network::listen(step.a as u16)?;
            message::report(run.status, Event { kind: event::LISTENER, ..Event::default() }, Some(listener));
            close(listener);
        }
        op::SHARE_WORK => {
            built.work = open(AT_FDCWD, plan.text(step.text), O_RDONLY | O_DIRECTORY, 0)?;
            message::report(run.status, Event { kind: event::WORK, ..Event::default() }, Some(built.work));
        }
        op::WORKSPACE => {
            make_directory(AT_FDCWD, plan.text(step.text), 0o700)?;
            built.workspace = Some(plan.text(step.text));
        }
        _ => place(run, slots, step)?,
    }
    Ok(())
}

/// Steps that put something into the root under construction, which is the working directory: by the supervisor into a
/// view, by init into its own copy.
pub fn place(run: &Run, slots: &[Fd; MAX_SLOTS], step: &Record) -> Sys<()> {
    let plan = &run.plan;
    let path = plan.text(step.text).relative();
    match step.op {
        op::NEW_ROOT => {
            let mut options = Options::new();
            options.push(b"size=", step.a, 10)?;
            options.push(b"nr_inodes=", step.b, 10)?;
            options.push(b"mode=", 0o755, 8)?;
            mount(text(b"tmpfs\0"), text(b"/view\0"), MS_NOSUID | MS_NODEV, options.text())?;
            change_directory(text(b"/view\0"))?;
        }
        op::DIRECTORY => match make_directory(AT_FDCWD, path, step.flags as usize) {
            Ok(_) | Err(EEXIST) => {}
            Err(errno) => return Err(errno),
        },
        op::SYMLINK => drop(make_link(plan.text(step.text2), path)?),
        op::FILE => {
            let file = open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, step.flags as usize)?;
            let written = write(file, plan.data(step));
            close(file);
            written?;
        }
        op::ATTACH => drop(attach(*slots.get(step.flags as usize).ok_or(EINVAL)?, path)?),
        op::READ_ONLY => drop(set_mount_attributes(AT_FDCWD, text(b".\0"), MOUNT_ATTR_RDONLY, 0, 0)?),
        _ => return Err(EINVAL),
    }
    Ok(())
}

fn join(run: &Run, built: &mut Built) -> Sys<()> {
    let Some(lease) = run.lease else { return Ok(()) };
    built.baseline = (Lease::counter(lease.memory_events, b"oom_kill"), Lease::counter(lease.pids_events, b"max"));
    for members in lease.members.iter().filter(|members| **members >= 0) {
        write(*members, b"0")?;
    }
    // The namespace is made here and not at the clone, so that its root is the run's own group.
    unshare(CLONE_NEWCGROUP).map(drop)
}

/// A mount option string under construction.
struct Options {
    bytes: [u8; 96],
    length: usize,
}

impl Options {
    fn new() -> Self {
        Self { bytes: [0; 96], length: 0 }
    }

    /// Appends `key` and `number` in `radix` 8 or 10.
    fn push(&mut self, key: &[u8], number: u64, radix: u64) -> Sys<()> {
        let mut digits = [0u8; 24];
        let mut first = digits.len();
        let mut rest = number;
        loop {
            first -= 1;
            digits[first] = b'0' + (rest % radix) as u8;
            rest /= radix;
            if rest == 0 {
                break;
            }
        }
        let comma: &[u8] = if self.length == 0 { b"" } else { b"," };
        for byte in comma.iter().chain(key).chain(&digits[first..]) {
            *self.bytes.get_mut(self.length).filter(|_| self.length < 95).ok_or(EINVAL)? = *byte;
            self.length += 1;
        }
        Ok(())
    }

    fn text(&self) -> Text {
        // SAFETY: byte 95 is never written, so it is NUL; the text is used while `self` lives.
        unsafe { Text::at(self.bytes.as_ptr()) }
    }
}
