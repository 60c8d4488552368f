//! Beneath a descriptor, by openat2 or step by step.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{Mode, fstat, fstatat};

use super::{OpenError, OpenFile};
use crate::skill::identity::{Identity, Kind};

/// To read; pipes do not block.
const READ: OFlag = OFlag::O_RDONLY.union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY).union(OFlag::O_CLOEXEC);
/// Only to look.
const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);
/// A folder, not through a link.
const FOLDER: OFlag = LOOK.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW);

/// An open directory; paths given to it are resolved beneath it.
#[derive(Debug)]
pub(in crate::skill) struct Root {
    directory: File,
}

/// An open folder beneath the root. Names given to it are single components, and no link is followed.
#[derive(Debug)]
pub(in crate::skill) struct Directory {
    directory: File,
}

impl Root {
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = libc::O_DIRECTORY | libc::O_PATH | libc::O_CLOEXEC;
        Ok(Self { directory: std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path)? })
    }

    /// Opens a regular file for reading. `path` is relative, without `..`; pipes do not block.
    pub fn open_file(&self, path: &str) -> Result<OpenFile, OpenError> {
        regular(self.open_any(path, READ)?)
    }

    /// The facts of what `path` leads to, without opening that. Relative, without `..`.
    pub fn look_through(&self, path: &str) -> Result<Identity, OpenError> {
        identity_of(&self.open_any(path, LOOK)?).map_err(OpenError::Io)
    }

    /// Opens a folder: `path` is empty, or relative without `..`; a `/` may end it.
    pub fn open_directory(&self, path: &str) -> Result<Directory, OpenError> {
        let directory = match path.trim_end_matches('/') {
            "" => self.directory.try_clone().map_err(OpenError::Io)?,
            path => self.open_any(path, FOLDER)?,
        };
        Ok(Directory { directory })
    }

    fn open_any(&self, path: &str, flags: OFlag) -> Result<File, OpenError> {
        let mut resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        resolve.set(ResolveFlag::RESOLVE_NO_SYMLINKS, flags.contains(OFlag::O_NOFOLLOW));
        // EAGAIN: something on the way was renamed and the kernel could not prove that the path stayed beneath.
        for _ in 0..8 {
            match openat2(&self.directory, path, OpenHow::new().flags(flags).resolve(resolve)) {
                Ok(descriptor) => return Ok(File::from(descriptor)),
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(Errno::ENOSYS | Errno::EPERM) => return self.open_stepwise(path, flags),
                Err(error) => return Err(open_error(error, flags)),
            }
        }
        Err(OpenError::Escapes)
    }

    fn open_stepwise(&self, path: &str, flags: OFlag) -> Result<File, OpenError> {
        let (parents, name) = path.rsplit_once('/').map_or((None, path), |(parents, name)| (Some(parents), name));
        let mut directory = self.directory.try_clone().map_err(OpenError::Io)?;
        for parent in parents.into_iter().flat_map(|parents| parents.split('/')) {
            if parent == ".." {
                return Err(OpenError::Escapes);
            }
            let opened = openat(&directory, parent, FOLDER, Mode::empty());
            directory = opened.map(File::from).map_err(|error| open_error(error, flags))?;
        }
        if name == ".." {
            return Err(OpenError::Escapes);
        }
        let opened = openat(&directory, name, flags | OFlag::O_NOFOLLOW, Mode::empty());
        let opened = opened.map(File::from).map_err(|error| open_error(error, flags))?;
        // Looking with O_NOFOLLOW opens the link itself.
        if flags == LOOK && identity_of(&opened).map_err(OpenError::Io)?.kind == Kind::Link {
            return Err(OpenError::Escapes);
        }
        Ok(opened)
    }
}

impl Directory {
    pub fn identity(&self) -> io::Result<Identity> {
        identity_of(&self.directory)
    }

    /// The facts of an entry; of a link, its own.
    pub fn look(&self, name: &OsStr) -> io::Result<Identity> {
        Ok(Identity::new(&fstatat(&self.directory, name, AtFlags::AT_SYMLINK_NOFOLLOW)?))
    }

    /// Opens a regular file for reading; a link is [`OpenError::Escapes`].
    pub fn open_file(&self, name: &str) -> Result<OpenFile, OpenError> {
        let opened = openat(&self.directory, name, READ | OFlag::O_NOFOLLOW, Mode::empty());
        regular(opened.map(File::from).map_err(|error| open_error(error, READ))?)
    }

    /// What a link says, as text.
    pub fn link_target(&self, name: &OsStr) -> io::Result<OsString> {
        Ok(readlinkat(&self.directory, name)?)
    }

    /// The names of at most `max` entries, in no order.
    pub fn names(&self, max: usize) -> io::Result<Vec<OsString>> {
        // The descriptor itself is good for looking only.
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut reader = Dir::from_fd(openat(&self.directory, ".", flags, Mode::empty())?)?;
        let mut names = Vec::new();
        for entry in reader.iter() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if names.len() >= max {
                break;
            }
            names.push(OsStr::from_bytes(name).to_os_string());
        }
        Ok(names)
    }
}

fn regular(file: File) -> Result<OpenFile, OpenError> {
    let identity = identity_of(&file).map_err(OpenError::Io)?;
    if identity.kind == Kind::File { Ok(OpenFile { file, identity }) } else { Err(OpenError::WrongKind) }
}

fn identity_of(file: &File) -> io::Result<Identity> {
    Ok(Identity::new(&fstat(file)?))
}

fn open_error(error: Errno, flags: OFlag) -> OpenError {
    match error {
        Errno::EXDEV | Errno::ELOOP => OpenError::Escapes,
        Errno::ENOTDIR if flags.contains(OFlag::O_DIRECTORY) => OpenError::WrongKind,
        Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG | Errno::EINVAL => OpenError::Missing,
        Errno::ENXIO | Errno::EISDIR => OpenError::WrongKind,
        error => OpenError::Io(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::{Directory, FOLDER, LOOK, OpenError, READ, Root};

    #[test]
    fn both_ways_of_opening_stay_beneath() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/file"), "x").unwrap();
        fs::write(dir.path().join("outside"), "x").unwrap();
        symlink("b/file", root.join("a/inside")).unwrap();
        symlink("../../outside", root.join("a/out")).unwrap();
        symlink("/", root.join("slash")).unwrap();
        let opened = Root::open(&root).unwrap();
        let outcome = |result: Result<_, OpenError>| match result {
            Ok(_) => "opened",
            Err(OpenError::Escapes) => "escapes",
            Err(OpenError::Missing) => "missing",
            Err(OpenError::WrongKind | OpenError::Io(_)) => "other",
        };
        // path, by openat2, step by step: the latter follows no link at all, and a link as a folder is no folder to it.
        let rows = [
            ("a/b/file", "opened", "opened"),
            ("a/inside", "opened", "escapes"),
            ("a/out", "escapes", "escapes"),
            ("slash/etc/passwd", "escapes", "missing"),
            ("../outside", "escapes", "escapes"),
            ("a/../../outside", "escapes", "escapes"),
            ("a/none", "missing", "missing"),
            ("a/b/file/c", "missing", "missing"),
        ];
        for (path, by_openat2, step_by_step) in rows {
            for flags in [READ, LOOK] {
                assert_eq!(outcome(opened.open_any(path, flags)), by_openat2, "{path}");
                assert_eq!(outcome(opened.open_stepwise(path, flags)), step_by_step, "{path}");
            }
        }
    }

    #[test]
    fn folders_are_opened_through_no_link() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("file"), "x").unwrap();
        symlink("a", root.join("inside")).unwrap();
        symlink("..", root.join("out")).unwrap();
        let opened = Root::open(&root).unwrap();
        // path, by openat2, step by step: where it is not openat2 that sees a link on the way, it is no folder.
        let rows = [
            ("", "opened", "opened"),
            ("a/", "opened", "opened"),
            ("a/b/", "opened", "opened"),
            ("inside/", "wrong kind", "wrong kind"),
            ("inside/b/", "escapes", "wrong kind"),
            ("out/", "wrong kind", "wrong kind"),
            ("../", "escapes", "escapes"),
            ("file/", "wrong kind", "wrong kind"),
            ("none/", "missing", "missing"),
        ];
        for (path, by_openat2, step_by_step) in rows {
            let outcome = |result: Result<Directory, OpenError>| match result {
                Ok(_) => "opened",
                Err(OpenError::Escapes) => "escapes",
                Err(OpenError::Missing) => "missing",
                Err(OpenError::WrongKind) => "wrong kind",
                Err(OpenError::Io(_)) => "other",
            };
            assert_eq!(outcome(opened.open_directory(path)), by_openat2, "{path}");
            let stepwise = opened.open_stepwise(if path.is_empty() { "." } else { path.trim_end_matches('/') }, FOLDER);
            assert_eq!(outcome(stepwise.map(|directory| Directory { directory })), step_by_step, "{path}");
        }
    }
}
