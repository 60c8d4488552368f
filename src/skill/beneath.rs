//! Opening a skill's files so that no path, link or race leaves the skill's folder.
//!
//! On Linux the kernel resolves below a directory descriptor (`openat2`, 5.6): links that stay inside work, links that leave or
//! are absolute do not, whatever is exchanged meanwhile. Where openat2 is missing, or a container's filter hides it, each component is
//! opened without following links; elsewhere the resolved path is compared.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Why a file beneath the root cannot be opened.
#[derive(Debug)]
pub(super) enum OpenError {
    /// A link on the way leaves the folder, or cannot be proven not to.
    Escapes,
    /// There is no such file.
    Missing,
    /// It is a directory, device, socket or pipe.
    NotAFile,
    /// The system refused.
    Io(io::Error),
}

/// A file's facts, from its descriptor.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub file: File,
    pub size: u64,
    pub is_executable: bool,
}

/// An open directory; paths given to [`Root::open_file`] are resolved beneath it.
#[derive(Debug)]
pub(super) struct Root {
    #[cfg(target_os = "linux")]
    directory: File,
    #[cfg(not(target_os = "linux"))]
    directory: std::path::PathBuf,
}

impl Root {
    #[cfg(target_os = "linux")]
    pub fn open(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = libc::O_DIRECTORY | libc::O_PATH | libc::O_CLOEXEC;
        Ok(Self { directory: std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path)? })
    }

    #[cfg(not(target_os = "linux"))]
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { directory: path.canonicalize()? })
    }

    /// Opens a regular file for reading. `path` is relative, without `..`; pipes do not block.
    pub fn open_file(&self, path: &str) -> Result<OpenFile, OpenError> {
        let file = self.open_any(path)?;
        let metadata = file.metadata().map_err(OpenError::Io)?;
        if !metadata.is_file() {
            return Err(OpenError::NotAFile);
        }
        #[cfg(unix)]
        let is_executable = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
        #[cfg(not(unix))]
        let is_executable = false;
        Ok(OpenFile { file, size: metadata.len(), is_executable })
    }

    #[cfg(target_os = "linux")]
    fn open_any(&self, path: &str) -> Result<File, OpenError> {
        use nix::errno::Errno;
        use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        // EAGAIN: something on the way was renamed and the kernel could not prove that the path stayed beneath.
        for _ in 0..8 {
            match openat2(&self.directory, path, OpenHow::new().flags(flags).resolve(resolve)) {
                Ok(descriptor) => return Ok(File::from(descriptor)),
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(Errno::ENOSYS | Errno::EPERM) => return self.open_stepwise(path),
                Err(error) => return Err(open_error(error)),
            }
        }
        Err(OpenError::Escapes)
    }

    #[cfg(target_os = "linux")]
    fn open_stepwise(&self, path: &str) -> Result<File, OpenError> {
        use nix::fcntl::{OFlag, openat};
        use nix::sys::stat::Mode;

        let (parents, name) = path.rsplit_once('/').map_or((None, path), |(parents, name)| (Some(parents), name));
        let mut directory = self.directory.try_clone().map_err(OpenError::Io)?;
        for parent in parents.into_iter().flat_map(|parents| parents.split('/')) {
            if parent == ".." {
                return Err(OpenError::Escapes);
            }
            let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            directory = openat(&directory, parent, flags, Mode::empty()).map(File::from).map_err(open_error)?;
        }
        if name == ".." {
            return Err(OpenError::Escapes);
        }
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        openat(&directory, name, flags, Mode::empty()).map(File::from).map_err(open_error)
    }

    #[cfg(not(target_os = "linux"))]
    fn open_any(&self, path: &str) -> Result<File, OpenError> {
        let not_found = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => OpenError::Missing,
            _ => OpenError::Io(error),
        };
        let resolved = self.directory.join(path).canonicalize().map_err(not_found)?;
        if !resolved.starts_with(&self.directory) {
            return Err(OpenError::Escapes);
        }
        // Opening a pipe would wait for its writer.
        if !resolved.metadata().map_err(not_found)?.is_file() {
            return Err(OpenError::NotAFile);
        }
        File::open(&resolved).map_err(not_found)
    }
}

#[cfg(target_os = "linux")]
fn open_error(error: nix::errno::Errno) -> OpenError {
    use nix::errno::Errno;
    match error {
        Errno::EXDEV | Errno::ELOOP => OpenError::Escapes,
        Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG | Errno::EINVAL => OpenError::Missing,
        Errno::ENXIO | Errno::EISDIR => OpenError::NotAFile,
        error => OpenError::Io(error.into()),
    }
}

impl OpenFile {
    /// At most `max_bytes + 1` bytes, so that the caller can tell a file that is too large.
    pub fn read(&mut self, max_bytes: u64) -> io::Result<Vec<u8>> {
        let capacity = usize::try_from(self.size.min(max_bytes)).unwrap_or(0).saturating_add(1).min(1 << 20);
        let mut bytes = Vec::with_capacity(capacity);
        (&mut self.file).take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The hex SHA-256 and length of at most `max_bytes`; `None` where the file is longer.
    pub fn hash(&mut self, max_bytes: u64, buffer: &mut [u8]) -> io::Result<Option<(String, u64)>> {
        let mut hasher = Sha256::new();
        let mut length = 0u64;
        loop {
            let count = match self.file.read(buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if count == 0 {
                return Ok(Some((hex(&hasher.finalize()), length)));
            }
            length = length.saturating_add(count as u64);
            if length > max_bytes {
                return Ok(None);
            }
            hasher.update(buffer.get(..count).unwrap_or_default());
        }
    }
}

/// Lowercase hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::{OpenError, Root};

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
            Err(OpenError::NotAFile | OpenError::Io(_)) => "other",
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
            assert_eq!(outcome(opened.open_any(path)), by_openat2, "{path}");
            assert_eq!(outcome(opened.open_stepwise(path)), step_by_step, "{path}");
        }
    }
}
