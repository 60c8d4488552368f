//! Accounting groups: one lease a run, from a set that is made on demand and used again.
//!
//! Making and removing a group costs more than a sandbox, so groups are kept until the supervisor ends. They live in
//! `skilllite.<pid>` below the caller's own group; folders of supervisors that were killed are removed when the next one starts or ends.

use crate::kernel::*;
use crate::message::{self, Directories};
use crate::sys::Sys;
use crate::tree;
use crate::wire::Setup;

/// Most runs at once.
pub const MAX_RUNS: usize = 1024;

/// The groups of one supervisor, and the pids of its runs.
pub struct Groups {
    version: u32,
    own: [Fd; 2],
    parent: [Fd; 2],
    /// The numbers in the names of `own`.
    numbers: [u64; 2],
    made: usize,
    /// The run that holds group `i`, 0 for none.
    runs: [i32; MAX_RUNS],
    /// The open files of group `i`, made with its first lease.
    leases: [Option<Lease>; MAX_RUNS],
}

/// The descriptors that one run needs from its groups. They stay open: a group is leased again and again.
#[derive(Clone, Copy)]
pub struct Lease {
    slot: usize,
    /// The limits that are set, so that equal ones are not set again.
    limits: (u64, u64),
    memory: Fd,
    pids: Fd,
    /// The files to join by, one or two.
    pub members: [Fd; 2],
    /// Memory in use.
    memory_usage: Fd,
    /// Tells that memory ran out: a counter (v1) or the events file (v2).
    alarm: Fd,
    /// Where the kernel counts processes killed for memory.
    pub memory_events: Fd,
    /// The peak of memory.
    pub memory_peak: Fd,
    /// Where the kernel counts refused processes.
    pub pids_events: Fd,
}

/// No descriptor.
const NONE: Fd = -1;

impl Groups {
    /// A host without groups: pids of runs are still kept.
    pub fn none() -> Groups {
        Groups {
            version: 0,
            own: [NONE; 2],
            parent: [NONE; 2],
            numbers: [0; 2],
            made: 0,
            runs: [0; MAX_RUNS],
            leases: [None; MAX_RUNS],
        }
    }

    /// Makes the supervisor's own folder(s).
    pub fn prepare(settings: &Setup, directories: &Directories) -> Sys<Groups> {
        let mut groups = Groups::none();
        let indices: &[usize] = match settings.cgroup_version {
            1 => &[0, 1],
            2 => &[2],
            _ => return Ok(groups),
        };
        for (place, &index) in indices.iter().enumerate() {
            let parent = open(AT_FDCWD, directories.get(index), O_RDONLY | O_DIRECTORY, 0)?;
            tree::remove_stale_groups(parent);
            let (own, number) = claim(parent)?;
            if settings.guest_id != 0 {
                change_owner(parent, Name::new(PREFIX, number).text(), settings.guest_id)?;
            }
            (groups.parent[place], groups.own[place], groups.numbers[place]) = (parent, own, number);
        }
        if settings.cgroup_version == 2 {
            write_file(groups.own[0], text(b"cgroup.subtree_control\0"), b"+memory +pids")?;
        }
        groups.version = settings.cgroup_version;
        Ok(groups)
    }

    /// Takes a free group and sets its limits. `None`: this host has no groups.
    pub fn lease(&mut self, memory_bytes: u64, pids: u64) -> Sys<Option<Lease>> {
        if self.version == 0 {
            return Ok(None);
        }
        let slot = self.runs.iter().position(|run| *run == 0).ok_or(EINVAL)?;
        let place = self.leases.get(slot).copied().ok_or(EINVAL)?;
        let mut lease = match place {
            Some(lease) => lease,
            None => self.make(slot)?,
        };
        if lease.limits != (memory_bytes, pids) {
            lease.set_limits(self.version, memory_bytes, pids)?;
        }
        lease.forget_last_run(self.version);
        if let Some(place) = self.leases.get_mut(slot) {
            *place = Some(lease);
        }
        Ok(Some(lease))
    }

    /// Makes the group(s) of `slot` and opens their files.
    fn make(&mut self, slot: usize) -> Sys<Lease> {
        let mut name = Name::new(b"", slot as u64);
        for own in self.own.iter().filter(|own| **own != NONE) {
            match make_directory(*own, name.text(), 0o755) {
                Ok(_) | Err(EEXIST) => {}
                Err(errno) => return Err(errno),
            }
        }
        self.made = self.made.max(slot + 1);
        let mut directory = |own| open(own, name.text(), O_PATH | O_DIRECTORY, 0);
        let memory = directory(self.own[0])?;
        if self.version == 1 {
            let pids = directory(self.own[1])?;
            // Writing 0 to `tasks` moves the one thread that writes; `cgroup.procs` would wait for a grace period of the
            // whole machine, 8 ms when it is busy.
            let tasks = text(b"tasks\0");
            let memory_events = open(memory, text(b"memory.oom_control\0"), O_RDONLY, 0)?;
            return Ok(Lease {
                slot,
                limits: (0, 0),
                memory,
                pids,
                members: [open(memory, tasks, O_WRONLY, 0)?, open(pids, tasks, O_WRONLY, 0)?],
                memory_usage: open(memory, text(b"memory.usage_in_bytes\0"), O_RDONLY, 0)?,
                alarm: alarm(memory, memory_events).unwrap_or(NONE),
                memory_events,
                memory_peak: open(memory, text(b"memory.max_usage_in_bytes\0"), O_RDWR, 0)?,
                pids_events: open(pids, text(b"pids.events\0"), O_RDONLY, 0).unwrap_or(NONE),
            });
        }
        let memory_events = open(memory, text(b"memory.events\0"), O_RDONLY, 0)?;
        Ok(Lease {
            slot,
            limits: (0, 0),
            memory,
            pids: memory,
            members: [open(memory, text(b"cgroup.procs\0"), O_WRONLY, 0)?, NONE],
            memory_usage: open(memory, text(b"memory.current\0"), O_RDONLY, 0)?,
            alarm: memory_events,
            memory_events,
            memory_peak: open(memory, text(b"memory.peak\0"), O_RDWR, 0).unwrap_or(NONE),
            pids_events: open(memory, text(b"pids.events\0"), O_RDONLY, 0)?,
        })
    }

    /// Notes that `pid` runs, in the group of `lease`.
    pub fn hold(&mut self, lease: Option<&Lease>, pid: i32) {
        let slot = lease.map(|lease| lease.slot).or_else(|| self.runs.iter().position(|run| *run == 0));
        if let Some(place) = slot.and_then(|slot| self.runs.get_mut(slot)) {
            *place = pid;
        }
    }

    /// Whether `pid` is a run.
    pub fn is_run(&self, pid: i32) -> bool {
        self.runs.contains(&pid)
    }

    /// Whether another run can start.
    pub fn has_room(&self) -> bool {
        self.runs.contains(&0)
    }

    /// Notes that the run `pid` ended.
    pub fn release(&mut self, pid: i32) {
        if let Some(place) = self.runs.iter_mut().find(|run| **run == pid) {
            *place = 0;
        }
    }

    /// Sends `signal` to the init of every run.
    pub fn signal_runs(&self, signal: i32) {
        for pid in self.runs.iter().filter(|run| **run != 0) {
            let _ = kill(*pid, signal);
        }
    }

    /// Removes every group, and what killed supervisors left that was still in use when this one started.
    pub fn remove(&mut self) {
        let places = self.own.iter().zip(&self.parent).zip(&self.numbers);
        for ((own, parent), number) in places.filter(|((own, _), _)| **own != NONE) {
            for slot in 0..self.made {
                let _ = unlink(*own, Name::new(b"", slot as u64).text(), AT_REMOVEDIR);
            }
            let _ = unlink(*parent, Name::new(PREFIX, *number).text(), AT_REMOVEDIR);
            tree::remove_stale_groups(*parent);
        }
    }
}

/// How the folders of supervisors begin; a number follows.
pub const PREFIX: &[u8] = b"skilllite.";

/// Makes a folder below `parent`, named by this process if that name is free, and locks it. The lock tells that the
/// folder is in use: pids would not, because supervisors of several process namespaces may share the hierarchy.
fn claim(parent: Fd) -> Sys<(Fd, u64)> {
    /// Above every pid (2^22).
    const NEXT_NAME: u64 = 10_000_000;
    for attempt in 0..64 {
        let number = process_id() as u64 + attempt * NEXT_NAME;
        let mut name = Name::new(PREFIX, number);
        match make_directory(parent, name.text(), 0o755) {
            Err(EEXIST) => continue,
            made => made?,
        };
        // Between these two steps a sweeping supervisor may have taken the folder for a stale one.
        let Ok(own) = open(parent, name.text(), O_RDONLY | O_DIRECTORY, 0) else { continue };
        if try_lock(own).is_ok() && is_there(parent, &mut name) {
            return Ok((own, number));
        }
        close(own);
    }
    Err(EEXIST)
}

/// Whether the folder `name` is still there.
fn is_there(parent: Fd, name: &mut Name) -> bool {
    open(parent, name.text(), O_PATH | O_DIRECTORY, 0).map(close).is_ok()
}

impl Lease {
    fn set_limits(&mut self, version: u32, memory_bytes: u64, pids: u64) -> Sys<()> {
        self.limits = (0, 0);
        if version == 1 {
            // Memory with swap may not be below memory alone, so a rising limit needs the other order.
            let swap = text(b"memory.memsw.limit_in_bytes\0");
            let memory = text(b"memory.limit_in_bytes\0");
            if write_number(self.memory, memory, memory_bytes).is_err() {
                let _ = write_number(self.memory, swap, memory_bytes);
                write_number(self.memory, memory, memory_bytes)?;
            }
            // Absent where the kernel does not account for swap.
            let _ = write_number(self.memory, swap, memory_bytes);
        } else {
            write_number(self.memory, text(b"memory.max\0"), memory_bytes)?;
            let _ = write_file(self.memory, text(b"memory.swap.max\0"), b"0");
        }
        write_number(self.pids, text(b"pids.max\0"), pids)?;
        self.limits = (memory_bytes, pids);
        Ok(())
    }

    /// Starts the peak anew, and gives back what a former run left in the page cache: it must not count against this
    /// one.
    fn forget_last_run(&self, version: u32) {
        const NEGLIGIBLE_BYTES: u64 = 4 << 20;
        if Lease::counter(self.memory_usage, b"") > NEGLIGIBLE_BYTES {
            let reclaim = if version == 1 { text(b"memory.force_empty\0") } else { text(b"memory.reclaim\0") };
            let amount: &[u8] = if version == 1 { b"0" } else { b"1G" };
            let _ = write_file(self.memory, reclaim, amount);
        }
        if version == 1 && self.alarm != NONE {
            let _ = read(self.alarm, &mut [0u8; 8]);
        }
        if self.memory_peak != NONE {
            // v1 takes a number, v2 (since Linux 6.12) any text, for this descriptor.
            let _ = write(self.memory_peak, b"0");
        }
    }

    /// What to watch to learn that the run is out of memory: the kernel then kills some process of it, but the limit is of
    /// the tree, so the run is over. `None` where the kernel cannot tell.
    pub fn memory_alarm(&self) -> Option<Watched> {
        match self.alarm {
            NONE => None,
            alarm if alarm == self.memory_events => Some(watch_urgent(alarm)),
            alarm => Some(watch(alarm)),
        }
    }

    /// The number behind `key ` in the events file, or of a file that holds one number.
    pub fn counter(file: Fd, key: &[u8]) -> u64 {
        let mut buffer = [0u8; 512];
        if file == NONE {
            return 0;
        }
        let Ok(bytes) = read_from_start(file, &mut buffer) else { return 0 };
        let content = &buffer[..bytes];
        let start = if key.is_empty() { Some(0) } else { find(content, key).map(|at| at + key.len()) };
        let mut number = 0u64;
        for byte in content.iter().skip(start.unwrap_or(content.len())).skip_while(|byte| **byte == b' ') {
            if !byte.is_ascii_digit() {
                break;
            }
            number = number.saturating_mul(10).saturating_add(u64::from(*byte - b'0'));
        }
        number
    }
}

/// A counter that v1 raises when memory runs out. Source: Documentation/admin-guide/cgroup-v1/memory.rst, section 10.
fn alarm(memory: Fd, memory_events: Fd) -> Sys<Fd> {
    let counter = event_counter()?;
    let mut line = [0u8; 48];
    let mut length = 0;
    for number in [counter, memory_events] {
        let mut digits = [0u8; 24];
        let count = message::decimal(number as u64, &mut digits)?;
        for byte in digits[..count].iter().chain(b" ") {
            *line.get_mut(length).ok_or(EINVAL)? = *byte;
            length += 1;
        }
    }
    match write_file(memory, text(b"cgroup.event_control\0"), &line[..length]) {
        Ok(()) => Ok(counter),
        Err(errno) => {
            close(counter);
            Err(errno)
        }
    }
}

fn find(content: &[u8], key: &[u8]) -> Option<usize> {
    (0..content.len()).find(|at| {
        let starts_line = *at == 0 || content[at - 1] == b'\n';
        starts_line && content[*at..].starts_with(key) && content.get(at + key.len()) == Some(&b' ')
    })
}

fn read_from_start(file: Fd, buffer: &mut [u8]) -> Sys {
    // A fresh open file description would need the path; these files start anew at offset 0.
    rewind(file);
    read(file, buffer)
}

fn write_number(directory: Fd, path: Text, number: u64) -> Sys<()> {
    let mut digits = [0u8; 24];
    let count = message::decimal(number, &mut digits)?;
    write_file(directory, path, &digits[..count])
}

/// A folder name made of a prefix and a number.
pub struct Name([u8; 48]);

impl Name {
    /// `prefix` and `number`.
    pub fn new(prefix: &[u8], number: u64) -> Name {
        let mut name = Name([0; 48]);
        let mut digits = [0u8; 24];
        let count = message::decimal(number, &mut digits).unwrap_or(0);
        for (place, byte) in name.0.iter_mut().take(47).zip(prefix.iter().chain(&digits[..count])) {
            *place = *byte;
        }
        name
    }

    /// As a text.
    pub fn text(&mut self) -> Text {
        // SAFETY: the last byte is never written, so it is NUL; the text is used while `self` lives.
        unsafe { Text::at(self.0.as_ptr()) }
    }
}
