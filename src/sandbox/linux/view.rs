//! The file tree of a run that has one of its own, as steps: what runs have in common, and what belongs into a
//! directory that each has for itself.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt::{self, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::sandbox::Layout;
use crate::sandbox::plan::Step;

/// Files and directories that a temporary file system may hold.
pub const INODES: u64 = 65_536;
/// The root holds directories and links only.
const ROOT_BYTES: u64 = 1 << 20;
/// Where the run's own `/proc` is mounted.
pub const PROCESSES: &str = "/proc";
/// Devices of the minimal `/dev`.
pub const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
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

/// A host path in the view, after a look at what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// On the host.
    pub source: PathBuf,
    /// In the sandbox.
    pub target: PathBuf,
    /// Device and inode of the source.
    pub identity: [u64; 2],
    /// Directory or file.
    pub is_directory: bool,
    /// Whether the guest may write there.
    pub is_writable: bool,
}

/// How many views an engine keeps compiled: one for each interpreter, and some for what calls add.
const KEPT: usize = 16;

/// The views of an engine's runs. Most runs have the view of an earlier one, so each is compiled once.
#[derive(Default)]
pub struct Views(Mutex<Vec<Compiled>>);

/// A view and everything that it depends on.
struct Compiled {
    mounts: Vec<Mount>,
    links: Vec<(PathBuf, PathBuf)>,
    layout: Layout,
    view: Arc<View>,
}

impl Views {
    /// The view of `mounts` and `links`, of which the first that names a place counts.
    pub fn of(&self, mounts: &[Mount], links: &[(PathBuf, PathBuf)], layout: &Layout) -> Arc<View> {
        let is_it = |known: &Compiled| known.mounts == mounts && known.links == links && known.layout == *layout;
        if let Some(known) = self.lock().iter().find(|known| is_it(known)) {
            return Arc::clone(&known.view);
        }
        let view = Arc::new(View::of(mounts, links, layout));
        let compiled = Compiled {
            mounts: mounts.to_vec(),
            links: links.to_vec(),
            layout: layout.clone(),
            view: Arc::clone(&view),
        };
        let mut known = self.lock();
        known.truncate(KEPT - 1);
        known.insert(0, compiled);
        view
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Compiled>> {
        // Entries come and go whole, so a panic while it was held leaves it usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file tree as steps.
pub struct View {
    /// What runs share: a [`Step::View`] and the steps that it names.
    pub common: Vec<Step>,
    /// Opens what belongs into a directory that each run has for itself.
    pub opened: Vec<Step>,
    /// Puts that in its place, once the directory is there.
    pub placed: Vec<Step>,
}

impl View {
    fn of(mounts: &[Mount], links: &[(PathBuf, PathBuf)], layout: &Layout) -> View {
        let mut entries = entries(mounts, links);
        // Parents before children, whatever order they came in.
        entries.sort_by_cached_key(|entry| entry.path().components().count());
        // What lies in a directory that each run has for itself can only be attached there.
        let own = scratch(layout).map(|(path, _)| path);
        let (late, shared): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|entry| own.iter().any(|root| entry.path().starts_with(root)));

        let mut view = Builder::default();
        view.open(&shared, 0);
        view.steps.push(Step::NewRoot { bytes: ROOT_BYTES, inodes: INODES });
        view.place(&shared, 0);
        for place in own.into_iter().chain([Path::new(PROCESSES)]) {
            view.make_directory(place);
        }
        view.steps.push(Step::ReadOnly);
        let first = view.slots;
        let mut common = vec![Step::View { key: key_of(&view.steps), steps: view.steps.len() as u32 }];
        common.append(&mut view.steps);

        let mut view = Builder { made: own.into_iter().map(Path::to_path_buf).collect(), ..Builder::default() };
        view.open(&late, first);
        let opened = mem::take(&mut view.steps);
        view.place(&late, first);
        View { common, opened, placed: view.steps }
    }
}

/// The directories that each run has for itself, with their modes.
pub fn scratch(layout: &Layout) -> [(&Path, u32); 2] {
    [(&layout.work, 0o755), (&layout.temporary, 0o1777)]
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

/// What the run sees, each place once.
fn entries(mounts: &[Mount], given: &[(PathBuf, PathBuf)]) -> Vec<Entry> {
    let mounts = mounts.iter().map(|mount| Entry::Tree { mount: mount.clone(), is_device: false });
    let devices = DEVICES.iter().map(|device| {
        let path = Path::new("/dev").join(device);
        let mount =
            Mount { source: path.clone(), target: path, identity: [0; 2], is_directory: false, is_writable: true };
        Entry::Tree { mount, is_device: true }
    });
    let links = DEVICE_LINKS.iter().map(|(path, target)| (PathBuf::from(path), OsString::from(target)));
    let given = given.iter().map(|(path, target)| (path.clone(), target.clone().into_os_string()));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn mounts(inode: u64) -> [Mount; 1] {
        let usr = PathBuf::from("/usr");
        [Mount { source: usr.clone(), target: usr, identity: [1, inode], is_directory: true, is_writable: false }]
    }

    fn layout() -> Layout {
        Layout { home: "/skill".into(), work: "/work".into(), temporary: "/tmp".into() }
    }

    #[test]
    fn an_equal_view_is_not_compiled_again() {
        let views = Views::default();
        let [first, second] = [(); 2].map(|()| views.of(&mounts(1), &[], &layout()));
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[test]
    fn a_replaced_directory_is_another_view() {
        let views = Views::default();
        let [first, second] = [1, 2].map(|inode| views.of(&mounts(inode), &[], &layout()));
        assert_ne!(first.common.first(), second.common.first(), "the key tells them apart");
    }

    #[test]
    fn no_more_than_a_few_are_kept() {
        let views = Views::default();
        for inode in 0..3 * KEPT as u64 {
            views.of(&mounts(inode), &[], &layout());
        }
        assert_eq!(views.lock().len(), KEPT);
    }

    #[test]
    fn a_device_stays_one_where_its_path_is_granted() {
        let null = PathBuf::from("/dev/null");
        let granted =
            Mount { source: null.clone(), target: null, identity: [1, 1], is_directory: false, is_writable: false };
        let trees = |mounts: &[Mount]| {
            let opens =
                |step: &&Step| matches!(step, Step::OpenTree { source, .. } if source == Path::new("/dev/null"));
            View::of(mounts, &[], &layout()).common.iter().filter(opens).cloned().collect::<Vec<_>>()
        };
        assert_eq!(trees(&[granted]), trees(&[]));
    }
}
