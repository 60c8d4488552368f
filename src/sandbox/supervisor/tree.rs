//! Trees: of processes (sampled, killed, reaped) and of directories (removed).

use crate::cgroup::{Groups, Name, PREFIX};
use crate::kernel::*;
use crate::message::decimal;
use crate::sys::Sys;

/// Processes of a run that are followed without a process namespace; the largest `pids` and as many again.
const MAX_DESCENDANTS: usize = 1 << 17;

/// The processes of a run.
pub struct Tree {
    /// Whether a process namespace makes `/proc` the tree.
    pub owns_processes: bool,
}

/// What a tree uses at one instant.
#[derive(Clone, Copy, Default)]
pub struct Sample {
    /// Private and shared memory, shared pages counted once for each process.
    pub memory_bytes: u64,
    /// Processes and threads.
    pub tasks: u64,
}

impl Sample {
    /// The larger of each figure.
    pub fn max(self, other: Sample) -> Sample {
        Sample { memory_bytes: self.memory_bytes.max(other.memory_bytes), tasks: self.tasks.max(other.tasks) }
    }
}

impl Tree {
    /// Calls `visit` with the pid of every process but the caller.
    fn each(&self, visit: &mut dyn FnMut(i32)) {
        if self.owns_processes {
            let Ok(list) = open(AT_FDCWD, text(b"/proc\0"), O_RDONLY | O_DIRECTORY, 0) else { return };
            each_entry(list, &mut |name, _| {
                if let Some(pid) = number(name).filter(|pid| *pid > 1) {
                    visit(pid);
                }
            });
            close(list);
        } else {
            each_descendant(visit);
        }
    }

    /// Adds up what the tree uses, but no further than one task more than `most_tasks` where that is not 0: a tree to be stopped
    /// grows while it is read.
    pub fn sample(&self, most_tasks: u64) -> Sample {
        let mut sample = Sample::default();
        self.each(&mut |pid| {
            if most_tasks != 0 && sample.tasks > most_tasks {
                return;
            }
            let mut content = [0u8; 2048];
            let status = process_file(pid, b"/status", &mut content);
            sample.tasks += field(status, b"Threads:").max(1);
            sample.memory_bytes += (field(status, b"RssAnon:") + field(status, b"RssShmem:")) * 1024;
        });
        sample
    }

    /// The tree's memory with shared pages divided among their users; slow, so only asked near the limit. A process that
    /// hides its mappings counts with its whole resident set.
    pub fn proportional_memory(&self, limit: u64) -> u64 {
        let mut total = 0u64;
        self.each(&mut |pid| {
            if total > limit {
                return;
            }
            let mut content = [0u8; 2048];
            let rollup = process_file(pid, b"/smaps_rollup", &mut content);
            total += match field(rollup, b"Pss_Anon:") + field(rollup, b"Pss_Shmem:") {
                0 => {
                    let status = process_file(pid, b"/status", &mut content);
                    field(status, b"RssAnon:") + field(status, b"RssShmem:")
                }
                kilobytes => kilobytes,
            } * 1024;
        });
        total
    }

    /// Sends every process of the tree its end.
    pub fn kill(&self) {
        if self.owns_processes {
            let _ = kill(-1, SIGKILL);
        } else {
            self.each(&mut |pid| {
                let _ = kill(pid, SIGKILL);
            });
        }
    }

    /// Waits for `program`, killing what appears meanwhile; gives its wait status.
    pub fn reap_until(&self, program: i32) -> u32 {
        loop {
            match wait(-1, 0) {
                Ok((pid, status)) if pid == program => return status,
                Ok(_) => self.kill(),
                Err(_) => return SIGKILL as u32,
            }
        }
    }

    /// Waits until nothing of the tree is left. Without a namespace, orphans become our children one generation at a
    /// time, so each round kills what the last one uncovered.
    pub fn reap_all(&self) {
        loop {
            self.kill();
            if wait(-1, 0).is_err() {
                return;
            }
        }
    }
}

/// Calls `visit` with every descendant of the caller, wide or deep; each one's children are looked up before it is visited,
/// because a visit may end it.
fn each_descendant(visit: &mut dyn FnMut(i32)) {
    let Ok(memory) = map_anonymous(MAX_DESCENDANTS * size_of::<i32>()) else { return };
    // SAFETY: the mapping is zeroed, as large as said, and unmapped behind the last use.
    let known = unsafe { core::slice::from_raw_parts_mut(memory.cast::<i32>(), MAX_DESCENDANTS) };
    let (mut count, mut next) = (0, 0);
    let mut parent = process_id();
    loop {
        each_child(parent, &mut |child| {
            if let Some(place) = known.get_mut(count) {
                *place = child;
                count += 1;
            }
        });
        if next > 0 {
            visit(parent);
        }
        if next == count {
            break;
        }
        parent = known[next];
        next += 1;
    }
    unmap(memory, MAX_DESCENDANTS * size_of::<i32>());
}

/// Calls `visit` with every child of every thread of `pid`.
fn each_child(pid: i32, visit: &mut dyn FnMut(i32)) {
    let mut path = Path::new(pid);
    path.push(b"/task");
    let Ok(threads) = open(AT_FDCWD, path.text(), O_RDONLY | O_DIRECTORY, 0) else { return };
    each_entry(threads, &mut |thread, _| {
        let mut name = Path::new(pid);
        name.push(b"/task/");
        name.push(thread);
        name.push(b"/children");
        let Ok(file) = open(AT_FDCWD, name.text(), O_RDONLY, 0) else { return };
        let mut content = [0u8; 4096];
        let mut child = 0i32;
        // A number may be cut in two by the end of the buffer: half of it would be somebody else.
        while let Ok(length @ 1..) = read(file, &mut content) {
            for byte in &content[..length] {
                if byte.is_ascii_digit() {
                    child = child.wrapping_mul(10).wrapping_add(i32::from(byte - b'0'));
                } else if child > 0 {
                    visit(child);
                    child = 0;
                }
            }
        }
        close(file);
        if child > 0 {
            visit(child);
        }
    });
    close(threads);
}

/// Ends processes that became the supervisor's children because their init died.
pub fn kill_orphans(groups: &Groups) {
    let mut found = true;
    while found {
        found = false;
        let own = process_id();
        each_child(own, &mut |pid| {
            if !groups.is_run(pid) {
                found |= kill(pid, SIGKILL).is_ok();
            }
        });
        if found {
            // A killed orphan is waited for here; runs that end meanwhile are seen by the next reaping.
            each_child(own, &mut |pid| {
                if !groups.is_run(pid) {
                    let _ = wait(pid, 0);
                }
            });
        }
    }
}

/// Calls `visit` with the name and the type of every entry of `directory` but `.` and `..`, from its start.
fn each_entry(directory: Fd, visit: &mut dyn FnMut(&[u8], u8)) {
    #[repr(C, align(8))]
    struct Buffer([u8; 4096]);
    let mut buffer = Buffer([0; 4096]);
    while let Ok(bytes) = list(directory, &mut buffer.0) {
        if bytes == 0 {
            break;
        }
        let mut rest = &buffer.0[..bytes];
        while let Some((length, kind)) = rest.get(16..19).map(|b| (u16::from_ne_bytes([b[0], b[1]]) as usize, b[2])) {
            let Some(entry) = rest.get(19..length) else { break };
            let name = entry.split(|byte| *byte == 0).next().unwrap_or(&[]);
            if !matches!(name, b"." | b"..") {
                visit(name, kind);
            }
            rest = &rest[length..];
        }
    }
}

fn number(name: &[u8]) -> Option<i32> {
    if name.is_empty() || name.len() > 9 {
        return None;
    }
    name.iter().try_fold(0i32, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i32::from(*byte - b'0')))
}

fn process_file<'a>(pid: i32, file: &[u8], content: &'a mut [u8]) -> &'a [u8] {
    let mut path = Path::new(pid);
    path.push(file);
    let Ok(opened) = open(AT_FDCWD, path.text(), O_RDONLY, 0) else { return &[] };
    let length = read(opened, content).unwrap_or(0);
    close(opened);
    &content[..length]
}

/// The number behind `key` at the start of a line, 0 where there is none.
fn field(content: &[u8], key: &[u8]) -> u64 {
    for line in content.split(|byte| *byte == b'\n') {
        if let Some(rest) = line.strip_prefix(key) {
            return rest
                .iter()
                .filter(|byte| byte.is_ascii_digit())
                .fold(0u64, |sum, byte| sum.saturating_mul(10).saturating_add(u64::from(*byte - b'0')));
        }
    }
    0
}

/// `/proc/<pid>…`
struct Path {
    bytes: [u8; 96],
    length: usize,
}

impl Path {
    fn new(pid: i32) -> Path {
        let mut path = Path { bytes: [0; 96], length: 0 };
        let mut digits = [0u8; 24];
        let count = decimal(pid as u64, &mut digits).unwrap_or(0);
        path.push(b"/proc/");
        path.push(&digits[..count]);
        path
    }

    fn push(&mut self, part: &[u8]) {
        for byte in part {
            if self.length < self.bytes.len() - 1 {
                self.bytes[self.length] = *byte;
                self.length += 1;
            }
        }
    }

    fn text(&self) -> Text {
        // SAFETY: `push` leaves the last byte NUL; the text is used while `self` lives.
        unsafe { Text::at(self.bytes.as_ptr()) }
    }
}

/// Removes the groups of supervisors that are no longer there: those whose folder nobody has locked.
pub fn remove_stale_groups(parent: Fd) {
    let Ok(listing) = open(parent, text(b".\0"), O_RDONLY | O_DIRECTORY, 0) else { return };
    each_entry(listing, &mut |name, _| {
        let Some(owner) = name.strip_prefix(PREFIX).and_then(number) else { return };
        let mut folder = Name::new(PREFIX, owner as u64);
        let Ok(groups) = open(parent, folder.text(), O_RDONLY | O_DIRECTORY, 0) else { return };
        if try_lock(groups).is_ok() {
            each_entry(groups, &mut |group, _| {
                if let Some(slot) = number(group) {
                    let _ = unlink(groups, Name::new(b"", slot as u64).text(), AT_REMOVEDIR);
                }
            });
            let _ = unlink(parent, folder.text(), AT_REMOVEDIR);
        }
        close(groups);
    });
    close(listing);
}

/// Removes the directory at the absolute `path` and everything in it, at any depth, without following links.
pub fn remove_directory(path: Text) {
    const EISDIR: i32 = 21;
    const EPERM: i32 = 1;
    let Ok(root) = open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0) else { return };
    if enter_directory(root).is_err() {
        return;
    }
    let mut depth = 0usize;
    loop {
        // Remove what can be removed here; go down into the first directory that is not empty.
        let mut descended = false;
        let Ok(here) = open(AT_FDCWD, text(b".\0"), O_RDONLY | O_DIRECTORY, 0) else { break };
        each_entry(here, &mut |name, _| {
            if descended {
                return;
            }
            let mut entry = [0u8; 256];
            let Some(place) = entry.get_mut(..name.len()) else { return };
            place.copy_from_slice(name);
            // SAFETY: a name has at most 255 bytes, so the last byte of `entry` is NUL.
            let entry = unsafe { Text::at(entry.as_ptr()) };
            match unlink(AT_FDCWD, entry, 0) {
                Err(EISDIR | EPERM) if unlink(AT_FDCWD, entry, AT_REMOVEDIR).is_err() => {
                    descended = descend(entry).is_ok();
                }
                _ => {}
            }
        });
        close(here);
        if descended {
            depth += 1;
        } else if depth == 0 {
            break;
        } else if change_directory(text(b"..\0")).is_ok() {
            depth -= 1;
        } else {
            break;
        }
    }
    let _ = change_directory(text(b"/\0"));
    close(root);
    let _ = unlink(AT_FDCWD, path, AT_REMOVEDIR);
}

/// Enters `entry`, which may be closed to its owner. Nothing of the run is alive, so it is what it was when it was listed.
fn descend(entry: Text) -> Sys<()> {
    // Also a folder that can be read but not written to would keep what is in it.
    change_mode(entry, 0o700)?;
    let directory = open(AT_FDCWD, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)?;
    let entered = enter_directory(directory);
    close(directory);
    entered.map(drop)
}
