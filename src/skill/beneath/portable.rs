//! Beneath a path: resolved, and compared with the root. Races are not excluded.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{OpenError, OpenFile};
use crate::skill::identity::{Identity, Kind};

/// A directory; paths given to it are resolved beneath it.
#[derive(Debug)]
pub(in crate::skill) struct Root {
    directory: PathBuf,
}

/// A folder beneath the root. Names given to it are single components, and no link is followed.
#[derive(Debug)]
pub(in crate::skill) struct Directory {
    directory: PathBuf,
}

impl Root {
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { directory: path.canonicalize()? })
    }

    /// Opens a regular file for reading. `path` is relative, without `..`.
    pub fn open_file(&self, path: &str) -> Result<OpenFile, OpenError> {
        regular(&self.resolve(path)?)
    }

    /// The facts of what `path` leads to, without opening that. Relative, without `..`.
    pub fn look_through(&self, path: &str) -> Result<Identity, OpenError> {
        Ok(Identity::new(&self.resolve(path)?.metadata().map_err(failed)?))
    }

    /// Opens a folder: `path` is empty, or relative without `..`; a `/` may end it.
    pub fn open_directory(&self, path: &str) -> Result<Directory, OpenError> {
        let wanted = self.directory.join(path.trim_end_matches('/'));
        let directory = self.resolve(path)?;
        // Resolving changes nothing unless there is a link on the way.
        if directory != wanted.components().collect::<PathBuf>() {
            return Err(OpenError::Escapes);
        }
        if directory.is_dir() { Ok(Directory { directory }) } else { Err(OpenError::WrongKind) }
    }

    fn resolve(&self, path: &str) -> Result<PathBuf, OpenError> {
        let resolved = self.directory.join(path.trim_end_matches('/')).canonicalize().map_err(failed)?;
        if resolved.starts_with(&self.directory) { Ok(resolved) } else { Err(OpenError::Escapes) }
    }
}

impl Directory {
    pub fn identity(&self) -> io::Result<Identity> {
        Ok(Identity::new(&self.directory.symlink_metadata()?))
    }

    /// The facts of an entry; of a link, its own.
    pub fn look(&self, name: &OsStr) -> io::Result<Identity> {
        Ok(Identity::new(&self.directory.join(name).symlink_metadata()?))
    }

    /// Opens a regular file for reading; a link is [`OpenError::Escapes`].
    pub fn open_file(&self, name: &str) -> Result<OpenFile, OpenError> {
        let path = self.directory.join(name);
        if path.is_symlink() { Err(OpenError::Escapes) } else { regular(&path) }
    }

    /// What a link says, as text.
    pub fn link_target(&self, name: &OsStr) -> io::Result<OsString> {
        Ok(fs::read_link(self.directory.join(name))?.into_os_string())
    }

    /// The names of at most `max` entries, in no order.
    pub fn names(&self, max: usize) -> io::Result<Vec<OsString>> {
        fs::read_dir(&self.directory)?.take(max).map(|entry| Ok(entry?.file_name())).collect()
    }
}

fn regular(path: &Path) -> Result<OpenFile, OpenError> {
    // Before opening, because opening a pipe would wait for its writer.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(OpenError::WrongKind);
    }
    let file = File::open(path).map_err(failed)?;
    let identity = Identity::new(&file.metadata().map_err(OpenError::Io)?);
    if identity.kind == Kind::File { Ok(OpenFile { file, identity }) } else { Err(OpenError::WrongKind) }
}

fn failed(error: io::Error) -> OpenError {
    match error.kind() {
        io::ErrorKind::NotFound => OpenError::Missing,
        _ => OpenError::Io(error),
    }
}
