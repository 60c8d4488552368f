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
    made: usize,
    /// The run that holds group `i`, 0 for none.
    runs: [i32; MAX_RUNS],
}

/// The descriptors that one run needs from its groups.
#[derive(Clone, Copy)]
pub struct Lease {
    slot: usize,
    /// `cgroup.procs` to join, one or two.
    pub procs: [Fd; 2],
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
        Groups { version: 0, own: [NONE; 2], parent: [NONE; 2], made: 0, runs: [0; MAX_RUNS] }
    }

    /// Makes the supervisor's own folder(s).
    pub fn prepare(settings: &Setup, directories: &Directories) -> Sys<Groups> {
        let mut groups = Groups::none();
        let indices: &[usize] = match settings.cgroup_version {
            1 => &[0, 1],
            2 => &[2],
            _ => return Ok(groups),
        };
        let mut name = Name::new(b"skilllite.", process_id() as u64);
        for (place, &index) in indices.iter().enumerate() {
            let parent = open(AT_FDCWD, directories.get(index), O_RDONLY | O_DIRECTORY, 0)?;
            tree::remove_stale_groups(parent);
            make_directory(parent, name.text(), 0o755)?;
            let own = open(parent, name.text(), O_RDONLY | O_DIRECTORY, 0)?;
            if settings.guest_id != 0 {
                change_owner(parent, name.text(), settings.guest_id)?;
            }
            (groups.parent[place], groups.own[place]) = (parent, own);
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
        let mut name = Name::new(b"", slot as u64);
        if slot >= self.made {
            for own in self.own.iter().filter(|own| **own != NONE) {
                match make_directory(*own, name.text(), 0o755) {
                    Ok(_) | Err(EEXIST) => {}
                    Err(errno) => return Err(errno),
                }
            }
            self.made = slot + 1;
        }
        let memory = open(self.own[0], name.text(), O_PATH | O_DIRECTORY, 0)?;
        let lease = if self.version == 1 {
            let pids_group = open(self.own[1], name.text(), O_PATH | O_DIRECTORY, 0)?;
            // What a former run left in the page cache must not count against this one.
            let _ = write_file(memory, text(b"memory.force_empty\0"), b"0");
            // Memory with swap must not be bounded below memory, which a tighter run before this one would have done.
            let _ = write_file(memory, text(b"memory.memsw.limit_in_bytes\0"), b"-1");
            write_number(memory, text(b"memory.limit_in_bytes\0"), memory_bytes)?;
            let _ = write_number(memory, text(b"memory.memsw.limit_in_bytes\0"), memory_bytes);
            let _ = write_file(memory, text(b"memory.max_usage_in_bytes\0"), b"0");
            write_number(pids_group, text(b"pids.max\0"), pids)?;
            let lease = Lease {
                slot,
                procs: [
                    open(memory, text(b"cgroup.procs\0"), O_WRONLY, 0)?,
                    open(pids_group, text(b"cgroup.procs\0"), O_WRONLY, 0)?,
                ],
                memory_events: open(memory, text(b"memory.oom_control\0"), O_RDONLY, 0)?,
                memory_peak: open(memory, text(b"memory.max_usage_in_bytes\0"), O_RDONLY, 0)?,
                pids_events: open(pids_group, text(b"pids.events\0"), O_RDONLY, 0).unwrap_or(NONE),
            };
            close(pids_group);
            lease
        } else {
            write_number(memory, text(b"memory.max\0"), memory_bytes)?;
            let _ = write_file(memory, text(b"memory.swap.max\0"), b"0");
            write_number(memory, text(b"pids.max\0"), pids)?;
            let peak = open(memory, text(b"memory.peak\0"), O_RDWR, 0);
            if let Ok(peak) = peak {
                // Since Linux 6.12 any write starts a new peak for this descriptor.
                let _ = write(peak, b"reset");
            }
            Lease {
                slot,
                procs: [open(memory, text(b"cgroup.procs\0"), O_WRONLY, 0)?, NONE],
                memory_events: open(memory, text(b"memory.events\0"), O_RDONLY, 0)?,
                memory_peak: peak.unwrap_or(NONE),
                pids_events: open(memory, text(b"pids.events\0"), O_RDONLY, 0)?,
            }
        };
        close(memory);
        Ok(Some(lease))
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
        let mut name = Name::new(b"skilllite.", process_id() as u64);
        for (own, parent) in self.own.iter().zip(self.parent.iter()).filter(|(own, _)| **own != NONE) {
            for slot in 0..self.made {
                let _ = unlink(*own, Name::new(b"", slot as u64).text(), AT_REMOVEDIR);
            }
            let _ = unlink(*parent, name.text(), AT_REMOVEDIR);
            tree::remove_stale_groups(*parent);
        }
    }
}

impl Lease {
    /// Closes the descriptors.
    pub fn close(&self) {
        for fd in [self.procs[0], self.procs[1], self.memory_events, self.memory_peak, self.pids_events] {
            if fd != NONE {
                close(fd);
            }
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
