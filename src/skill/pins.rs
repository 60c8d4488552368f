//! Whether a skill's folder still holds what was loaded: every file, every folder, nothing else.
//!
//! The loader records for each entry that it saw a mark of its identity ([`super::identity`]); verifying looks at each entry again
//! without reading it, and only what looks different is hashed or listed again. The mark of what turned out to be the same is
//! remembered. 16 bytes for each file, one atomic each, so that calls in many threads do not wait for each other.

use std::ffi::OsStr;
use std::slice::from_ref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use super::beneath::{Directory, OpenError, OpenFile, Root};
use super::files::{BUFFER_BYTES, LEFT_OUT, SkillFile, is_left_out};
use super::identity::{Identity, Kind, Marks};

/// What was loaded, in the terms of [`Pins::verify`].
#[derive(Debug, Default)]
pub(super) struct Pins {
    marks: Marks,
    folders: Vec<Folder>,
}

/// A folder that was walked.
#[derive(Debug)]
struct Folder {
    /// Empty for the skill's own folder, otherwise ending in `/`.
    path: Box<str>,
    /// Whether everything in it was recorded; bounds may have ended the walk.
    is_complete: bool,
    mark: AtomicU64,
    /// Regular files, sorted by name.
    files: Vec<File>,
    /// Everything else, sorted by name.
    others: Vec<Other>,
}

#[derive(Debug)]
struct File {
    /// Where it is among the skill's files.
    at: u32,
    mark: AtomicU64,
}

#[derive(Debug)]
struct Other {
    name: Box<OsStr>,
    what: What,
    mark: AtomicU64,
}

#[derive(Debug)]
enum What {
    /// A folder that was walked: it has its own pin.
    Folder,
    /// A link; where it leads to a file of the skill, the place of what was read through it among the skill's files.
    Link { target: Box<OsStr>, file: Option<u32> },
    /// A device, socket or pipe, whose times mean nothing.
    Special,
    /// Something that could not be read or was left out: its identity is all that is known.
    Opaque,
}

/// Why a skill is not as it was loaded.
#[derive(Debug)]
pub(super) enum Difference {
    /// The path, relative to the skill's folder, and what happened to it.
    Changed(String, &'static str),
    /// It could not be found out.
    Io(String, std::io::Error),
}

/// Builds [`Pins`] while a skill is loaded.
#[derive(Debug)]
pub(super) struct Recorder {
    started: SystemTime,
    pins: Pins,
}

/// A folder of the [`Recorder`].
#[derive(Clone, Copy, Debug)]
pub(super) struct FolderId(usize);

impl Recorder {
    /// `started`: a moment before the first file was looked at.
    pub fn new(started: SystemTime) -> Self {
        Self { started, pins: Pins::default() }
    }

    /// A walked folder; `identity` was taken before it was listed.
    pub fn folder(&mut self, path: &str, identity: &Identity) -> FolderId {
        let mark = AtomicU64::new(self.pins.marks.settled(from_ref(identity), self.started));
        let (files, others) = (Vec::new(), Vec::new());
        self.pins.folders.push(Folder { path: path.into(), is_complete: true, mark, files, others });
        FolderId(self.pins.folders.len() - 1)
    }

    /// Some of the folder's entries are not recorded, so it cannot be compared with a new list: its identity is all that counts.
    pub fn incomplete(&mut self, folder: FolderId, identity: &Identity) {
        if let Some(folder) = self.pins.folders.get_mut(folder.0) {
            folder.is_complete = false;
            folder.mark = AtomicU64::new(self.pins.marks.of(from_ref(identity)));
        }
    }

    /// A folder in a folder that is walked.
    pub fn subfolder(&mut self, folder: FolderId, name: &OsStr) {
        self.other(folder, name, What::Folder, Marks::UNKNOWN);
    }

    pub fn special(&mut self, folder: FolderId, name: &OsStr) {
        self.other(folder, name, What::Special, Marks::UNKNOWN);
    }

    /// An entry of which no more is known than its identity.
    pub fn opaque(&mut self, folder: FolderId, name: &OsStr, identity: &Identity) {
        let mark = self.pins.marks.of(from_ref(identity));
        self.other(folder, name, What::Opaque, mark);
    }

    /// A link that leads to no file of the skill.
    pub fn dead_link(&mut self, folder: FolderId, name: &OsStr, target: &OsStr, identity: &Identity) {
        let mark = self.pins.marks.settled(from_ref(identity), self.started);
        self.other(folder, name, What::Link { target: target.into(), file: None }, mark);
    }

    /// The link to the skill's file number `at`; `identities` are the link's and that of what was read.
    pub fn link(
        &mut self,
        folder: FolderId,
        name: &OsStr,
        target: &OsStr,
        (at, file): (usize, &SkillFile),
        identities: &[Identity; 2],
    ) {
        let mark = self.content_mark(file, identities);
        self.other(folder, name, What::Link { target: target.into(), file: u32::try_from(at).ok() }, mark);
    }

    /// The skill's regular file number `at`; `identity` was taken before it was hashed.
    pub fn file(&mut self, folder: FolderId, (at, file): (usize, &SkillFile), identity: &Identity) {
        let mark = self.content_mark(file, from_ref(identity));
        if let (Some(folder), Ok(at)) = (self.pins.folders.get_mut(folder.0), u32::try_from(at)) {
            folder.files.push(File { at, mark: AtomicU64::new(mark) });
        }
    }

    /// A file that was not hashed cannot be hashed again: its identity counts from the start.
    fn content_mark(&self, file: &SkillFile, identities: &[Identity]) -> u64 {
        let marks = &self.pins.marks;
        if file.sha256.is_empty() { marks.of(identities) } else { marks.settled(identities, self.started) }
    }

    fn other(&mut self, folder: FolderId, name: &OsStr, what: What, mark: u64) {
        if let Some(folder) = self.pins.folders.get_mut(folder.0) {
            folder.others.push(Other { name: name.into(), what, mark: AtomicU64::new(mark) });
        }
    }

    /// Files were given in the order of their paths.
    pub fn finish(mut self) -> Pins {
        for folder in &mut self.pins.folders {
            folder.others.sort_unstable_by(|a, b| a.name.cmp(&b.name));
            folder.others.shrink_to_fit();
            folder.files.shrink_to_fit();
        }
        self.pins.folders.shrink_to_fit();
        self.pins
    }
}

impl Pins {
    /// Whether everything beneath `root` is as it was loaded. `files` are the skill's.
    pub fn verify(&self, root: &Root, files: &[SkillFile]) -> Result<(), Difference> {
        let check = Check { root, marks: &self.marks, files, started: SystemTime::now() };
        self.folders.iter().try_for_each(|folder| check.folder(folder))
    }
}

/// One verification.
struct Check<'c> {
    root: &'c Root,
    marks: &'c Marks,
    files: &'c [SkillFile],
    started: SystemTime,
}

impl Check<'_> {
    fn folder(&self, folder: &Folder) -> Result<(), Difference> {
        let directory = self.root.open_directory(&folder.path).map_err(|error| match error {
            OpenError::Missing => Difference::Changed(folder.shown(), "is gone"),
            OpenError::Escapes | OpenError::WrongKind => Difference::Changed(folder.shown(), "is no folder any more"),
            OpenError::Io(error) => Difference::Io(folder.shown(), error),
        })?;
        let identity = directory.identity().map_err(|error| Difference::Io(folder.shown(), error))?;
        if self.marks.of(from_ref(&identity)) != folder.mark.load(Ordering::Relaxed) {
            self.list_again(folder, &directory)?;
            folder.mark.store(self.marks.settled(from_ref(&identity), self.started), Ordering::Relaxed);
        }
        for file in &folder.files {
            self.file(folder, &directory, file)?;
        }
        folder.others.iter().try_for_each(|other| self.other(folder, &directory, other))
    }

    /// Looks for entries that were not there; those that are gone are noticed one by one.
    fn list_again(&self, folder: &Folder, directory: &Directory) -> Result<(), Difference> {
        if !folder.is_complete {
            return Err(Difference::Changed(folder.shown(), "has more entries than are listed and was changed"));
        }
        // One more than could be known or left out: then one of them is new.
        let max = folder.files.len() + folder.others.len() + LEFT_OUT.len() + 1;
        for name in directory.names(max).map_err(|error| Difference::Io(folder.shown(), error))? {
            let is_known = folder.others.binary_search_by(|other| (*other.name).cmp(&name)).is_ok()
                || folder.files.binary_search_by(|file| OsStr::new(self.name(folder, file.at)).cmp(&name)).is_ok();
            if is_known {
                continue;
            }
            let kind = match directory.look(&name) {
                Ok(identity) => identity.kind,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Difference::Io(shown(folder, &name), error)),
            };
            if !(kind == Kind::Directory && is_left_out(&name)) {
                return Err(Difference::Changed(shown(folder, &name), "was added"));
            }
        }
        Ok(())
    }

    fn file(&self, folder: &Folder, directory: &Directory, file: &File) -> Result<(), Difference> {
        let name = self.name(folder, file.at);
        let identity = directory.look(OsStr::new(name)).map_err(|error| unseen(shown(folder, name.as_ref()), error))?;
        if self.marks.of(from_ref(&identity)) == file.mark.load(Ordering::Relaxed) {
            return Ok(());
        }
        let path = || shown(folder, name.as_ref());
        let mut open = match identity.kind {
            Kind::File => directory.open_file(name).map_err(|error| unopened(path(), error))?,
            Kind::Link => return Err(Difference::Changed(path(), "was replaced by a link")),
            _ => return Err(Difference::Changed(path(), "is no regular file any more")),
        };
        self.content(file.at, &mut open, path)?;
        file.mark.store(self.marks.settled(from_ref(&open.identity), self.started), Ordering::Relaxed);
        Ok(())
    }

    fn other(&self, folder: &Folder, directory: &Directory, other: &Other) -> Result<(), Difference> {
        let (what, seen) = (&other.what, other.mark.load(Ordering::Relaxed));
        let path = || shown(folder, &other.name);
        let identity = match what {
            // Opened as a folder in its turn.
            What::Folder => return Ok(()),
            _ => directory.look(&other.name).map_err(|error| unseen(path(), error))?,
        };
        let same_target = |loaded: &OsStr| {
            let target = directory.link_target(&other.name).map_err(|error| unseen(path(), error))?;
            if target == loaded { Ok(()) } else { Err(Difference::Changed(path(), "leads elsewhere")) }
        };
        match what {
            What::Folder => Ok(()),
            What::Special if identity.kind == Kind::Special => Ok(()),
            What::Special => Err(Difference::Changed(path(), "is no device, socket or pipe any more")),
            What::Opaque if self.marks.of(from_ref(&identity)) == seen => Ok(()),
            What::Opaque => Err(Difference::Changed(path(), "was changed")),
            What::Link { .. } if identity.kind != Kind::Link => Err(Difference::Changed(path(), "is no link any more")),
            What::Link { target, file: None } => {
                if self.marks.of(from_ref(&identity)) != seen {
                    same_target(target)?;
                    other.mark.store(self.marks.settled(from_ref(&identity), self.started), Ordering::Relaxed);
                }
                Ok(())
            }
            What::Link { target, file: Some(at) } => {
                let path_text = path();
                let failed = |error| unopened(path(), error);
                if self.marks.of(&[identity, self.root.look_through(&path_text).map_err(failed)?]) != seen {
                    same_target(target)?;
                    let mut open = self.root.open_file(&path_text).map_err(failed)?;
                    self.content(*at, &mut open, path)?;
                    let mark = self.marks.settled(&[identity, open.identity], self.started);
                    other.mark.store(mark, Ordering::Relaxed);
                }
                Ok(())
            }
        }
    }

    /// Whether an open file is the skill's file number `at`, byte for byte.
    fn content(&self, at: u32, open: &mut OpenFile, path: impl Fn() -> String) -> Result<(), Difference> {
        let changed = |how| Err(Difference::Changed(path(), how));
        let Some(file) = self.get(at) else { return changed("is not listed") };
        if file.sha256.is_empty() {
            return changed("is beyond the size that is hashed and was changed");
        }
        if open.identity.size != file.size {
            return changed("has another size");
        }
        if open.identity.is_executable != file.is_executable {
            return changed("has another permission to execute");
        }
        let mut buffer = vec![0; BUFFER_BYTES];
        match open.hash(file.size, &mut buffer).map_err(|error| Difference::Io(path(), error))? {
            Some((sha256, size)) if size == file.size && sha256 == file.sha256 => Ok(()),
            _ => changed("has other content"),
        }
    }

    fn get(&self, at: u32) -> Option<&SkillFile> {
        self.files.get(usize::try_from(at).ok()?)
    }

    /// The name within its folder; empty, so never found, where the list of files was tampered with.
    fn name(&self, folder: &Folder, at: u32) -> &str {
        self.get(at).and_then(|file| file.path_text().strip_prefix(&*folder.path)).unwrap_or_default()
    }
}

impl Folder {
    fn shown(&self) -> String {
        if self.path.is_empty() { ".".to_owned() } else { self.path.trim_end_matches('/').to_owned() }
    }
}

fn shown(folder: &Folder, name: &OsStr) -> String {
    format!("{}{}", folder.path, name.to_string_lossy())
}

fn unseen(path: String, error: std::io::Error) -> Difference {
    match error.kind() {
        std::io::ErrorKind::NotFound => Difference::Changed(path, "is gone"),
        _ => Difference::Io(path, error),
    }
}

fn unopened(path: String, error: OpenError) -> Difference {
    match error {
        OpenError::Missing => Difference::Changed(path, "is gone"),
        OpenError::WrongKind => Difference::Changed(path, "is no regular file any more"),
        OpenError::Escapes => Difference::Changed(path, "is a link that leaves the skill"),
        OpenError::Io(error) => Difference::Io(path, error),
    }
}
