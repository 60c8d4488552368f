//! The file tree of a run that has one of its own: what runs have in common, and what belongs to this one.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::compile::{DEVICES, Inputs, Mount};
use super::landlock;
use crate::sandbox::plan::Step;
use crate::sandbox::{Network, Tier};

/// The guest's ids inside its user namespace.
const GUEST: u32 = 1000;
/// Files and directories that a temporary file system may hold.
const INODES: u64 = 65_536;
/// The root holds directories and links only.
const ROOT_BYTES: u64 = 1 << 20;
/// Links of the minimal `/dev`.
const DEVICE_LINKS: [(&str, &str); 5] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/shm", "/tmp"),
];
/// Files of `/etc` that programs look for, saying nothing about the host.
const ETC: [(&str, &str); 4] = [
    ("/etc/passwd", "sandbox:x:1000:1000:sandbox:/tmp:/bin/sh\n"),
    ("/etc/group", "sandbox:x:1000:\n"),
    ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
];

/// What runs have in common, made once; then new namespaces, and what belongs to this run.
pub fn own(inputs: &Inputs, steps: &mut Vec<Step>) {
    let (policy, command) = (inputs.policy, inputs.command);
    let scratch = [(&command.layout.work, 0o755), (&command.layout.temporary, 0o1777)];
    let processes = PathBuf::from("/proc");
    let mut entries = view_entries(inputs);
    // Parents before children, whatever order they came in.
    entries.sort_by_cached_key(|entry| entry.path().components().count());
    // What lies in a directory that each run has for itself can only be attached there.
    let (late, common): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| scratch.iter().any(|(root, _)| entry.path().starts_with(root)));

    let mut view = Builder::default();
    view.open(&common, 0);
    view.steps.push(Step::NewRoot { bytes: ROOT_BYTES, inodes: INODES });
    view.place(&common, 0);
    for place in [scratch[0].0, scratch[1].0, &processes] {
        view.make_directory(place);
    }
    view.steps.push(Step::ReadOnly);
    let opened = view.slots;
    steps.push(Step::View { key: key_of(&view.steps), steps: view.steps.len() as u32 });
    steps.append(&mut view.steps);

    let made = scratch.iter().map(|(path, _)| (*path).clone()).collect();
    let mut own = Builder { made, ..Builder::default() };
    own.open(&late, opened);
    steps.append(&mut own.steps);
    steps.push(clone_step(inputs));
    steps.push(Step::MapIds { user: GUEST, group: GUEST });
    if inputs.tier == Tier::Full {
        let limits = &policy.limits;
        // Init counts too.
        steps.push(Step::JoinGroups { memory_bytes: limits.memory_bytes, pids: limits.pids + 1 });
    }
    if let Network::Listener { port } = policy.network {
        steps.push(Step::Loopback);
        steps.push(Step::Listen { port });
    }
    steps.push(Step::Keyring);
    steps.push(Step::HostName { name: "sandbox" });
    steps.push(Step::EnterView);
    for (path, mode) in scratch {
        let bytes = policy.limits.disk_bytes;
        steps.push(Step::Tmpfs { path: path.clone(), bytes, inodes: INODES, mode });
    }
    own.place(&late, opened);
    steps.append(&mut own.steps);
    steps.push(Step::Proc { path: processes });
    steps.push(Step::Pivot);
    steps.push(Step::ShareWork { path: command.layout.work.clone() });
}

fn clone_step(inputs: &Inputs) -> Step {
    let mut namespaces = vec!["user", "mount", "pid", "ipc", "uts"];
    let mut flags =
        libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
    if has_own_loopback(inputs) {
        namespaces.push("net=loopback");
        flags |= libc::CLONE_NEWNET;
    } else if landlock::scopes(inputs.host.landlock_abi) == 0 {
        // Abstract sockets of concurrent runs would meet in the shared empty network namespace.
        namespaces.push("net");
        flags |= libc::CLONE_NEWNET;
    } else {
        namespaces.push("net=shared-empty");
    }
    Step::Clone { namespaces, flags: flags as u64 }
}

/// Whether the run has a network namespace with a loopback.
pub fn has_own_loopback(inputs: &Inputs) -> bool {
    inputs.tier != Tier::Landlock && inputs.policy.network != Network::Closed
}

/// Names a view by everything that it consists of.
fn key_of(steps: &[Step]) -> [u64; 2] {
    let mut name = Name(Sha256::new());
    for step in steps {
        // Hashing refuses nothing.
        let _ = write!(name, "{step}");
        let Name(hash) = &mut name;
        if let Step::OpenTree { identity: [device, inode], .. } = step {
            // A path whose file was replaced is another view.
            hash.update(device.to_ne_bytes());
            hash.update(inode.to_ne_bytes());
        }
        if let Step::File { content, .. } = step {
            hash.update(content);
        }
        hash.update([0]);
    }
    let digest = name.0.finalize();
    let word = |at: usize| digest.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_ne_bytes);
    [word(0), word(8)]
}

/// Text that is hashed as it is written.
struct Name(Sha256);

impl Write for Name {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}

/// Steps that put entries into a root.
#[derive(Default)]
struct Builder {
    steps: Vec<Step>,
    /// Directories that exist.
    made: HashSet<PathBuf>,
    /// Trees of the host that are attached: what lies in them exists, and cannot be made.
    attached: HashSet<PathBuf>,
    /// Slots in use.
    slots: u32,
}

impl Builder {
    /// Opens the trees among `entries`, into slots from `first` on.
    fn open(&mut self, entries: &[Entry], first: u32) {
        self.slots = first;
        for entry in entries {
            if let Entry::Tree { mount, is_device } = entry {
                self.steps.push(Step::OpenTree {
                    slot: self.slots,
                    source: mount.source.clone(),
                    identity: mount.identity,
                    is_writable: mount.is_writable,
                    is_device: *is_device,
                });
                self.slots += 1;
            }
        }
    }

    /// Puts `entries` in place, whose trees are in slots from `first` on.
    fn place(&mut self, entries: &[Entry], first: u32) {
        let mut slot = first;
        for entry in entries {
            let path = entry.path();
            let is_given = path.ancestors().any(|above| self.attached.contains(above));
            if !is_given {
                make_parents(path, &mut self.made, &mut self.steps);
            }
            match entry {
                Entry::Tree { mount, .. } => {
                    if !is_given && mount.is_directory {
                        self.make_directory(path);
                    } else if !is_given {
                        self.steps.push(Step::File { path: path.to_path_buf(), mode: 0o644, content: Vec::new() });
                    }
                    self.steps.push(Step::Attach { slot, path: path.to_path_buf() });
                    self.attached.insert(path.to_path_buf());
                    slot += 1;
                }
                Entry::Link { target, .. } if !is_given => {
                    self.steps.push(Step::Link { path: path.to_path_buf(), target: target.clone() });
                }
                Entry::Text { content, .. } if !is_given => {
                    let content = content.as_bytes().to_vec();
                    self.steps.push(Step::File { path: path.to_path_buf(), mode: 0o644, content });
                }
                Entry::Link { .. } | Entry::Text { .. } => {}
            }
        }
    }

    fn make_directory(&mut self, path: &Path) {
        make_parents(path, &mut self.made, &mut self.steps);
        if self.made.insert(path.to_path_buf()) {
            self.steps.push(Step::Directory { path: path.to_path_buf(), mode: 0o755 });
        }
    }
}

/// A place in the view.
enum Entry {
    Tree { mount: Mount, is_device: bool },
    Link { path: PathBuf, target: OsString },
    Text { path: PathBuf, content: &'static str },
}

impl Entry {
    fn path(&self) -> &Path {
        match self {
            Entry::Tree { mount, .. } => &mount.target,
            Entry::Link { path, .. } | Entry::Text { path, .. } => path,
        }
    }
}

/// What the run sees, each place once: the first that names it counts.
fn view_entries(inputs: &Inputs) -> Vec<Entry> {
    let mounts = inputs.mounts.iter().map(|mount| Entry::Tree { mount: mount.clone(), is_device: false });
    let devices = DEVICES.iter().map(|device| {
        let path = Path::new("/dev").join(device);
        let mount =
            Mount { source: path.clone(), target: path, identity: [0; 2], is_directory: false, is_writable: true };
        Entry::Tree { mount, is_device: true }
    });
    let links = DEVICE_LINKS.iter().map(|(path, target)| (PathBuf::from(path), OsString::from(target)));
    let given = inputs.command.symlinks.iter().map(|(path, target)| (path.clone(), target.clone().into_os_string()));
    let links = links.chain(given).map(|(path, target)| Entry::Link { path, target });
    let texts = ETC.iter().map(|(path, content)| Entry::Text { path: PathBuf::from(path), content });
    // A device works only as one, whoever else grants its path.
    let mut seen: HashSet<PathBuf> = DEVICES.iter().map(|device| Path::new("/dev").join(device)).collect();
    let mut is_wanted = |entry: &Entry| match entry {
        Entry::Tree { is_device: true, .. } => true,
        entry => seen.insert(entry.path().to_path_buf()),
    };
    mounts.chain(devices).chain(links).chain(texts).filter(|entry| is_wanted(entry)).collect()
}

pub fn make_parents(path: &Path, made: &mut HashSet<PathBuf>, steps: &mut Vec<Step>) {
    let is_missing = |ancestor: &&Path| ancestor.parent().is_some() && !made.contains(*ancestor);
    let mut missing: Vec<&Path> = path.ancestors().skip(1).take_while(is_missing).collect();
    missing.reverse();
    for directory in missing {
        steps.push(Step::Directory { path: directory.to_path_buf(), mode: 0o755 });
        made.insert(directory.to_path_buf());
    }
}
