//! The folder of environments below `cache_dir`: one for each key, complete or not there.
//!
//! ```text
//! environments/<key>/record.json     what it is; there when all of it is
//! environments/<key>/site            or node_modules: what calls see
//! environments/<key>.part/           being made by whoever holds the lock
//! environments/<key>.lock            empty; locked while somebody makes it
//! ```
//!
//! Only the library writes here, never a program in a sandbox, so a folder under its final name is complete: it came there
//! by one rename. What a killed host left is removed by the next who makes the same environment.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result, Status};

const FOLDER: &str = "environments";
const RECORD: &str = "record.json";
/// A kernel gives no descriptor that tells of a lock's release; this is how often it is asked for again.
const LOCK_RETRY: Duration = Duration::from_millis(50);
/// The largest record that is read.
const MAX_RECORD_BYTES: u64 = 4 << 20;

/// Changed when the same key would stand for other content.
const FORMAT: u32 = 1;

/// The name of an environment: all that decides what it holds. `files` are what the installer reads.
pub(super) fn key(
    files: &[(&'static str, Vec<u8>)],
    index: &str,
    runs_scripts: bool,
    interpreter: &Path,
) -> Result<String> {
    let real = interpreter.canonicalize().map_err(|error| io("cannot be resolved", interpreter, &error))?;
    let data = fs::metadata(&real).map_err(|error| io("cannot be looked at", &real, &error))?;
    let mut hasher = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    add(&FORMAT.to_le_bytes());
    add(std::env::consts::ARCH.as_bytes());
    // Another version of an interpreter, at the same path or not, is another file.
    add(real.as_os_str().as_bytes());
    add(&data.len().to_le_bytes());
    add(&data.mtime().to_le_bytes());
    add(index.as_bytes());
    add(&[u8::from(runs_scripts)]);
    for (name, content) in files {
        add(name.as_bytes());
        add(content);
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The environments of one cache folder.
pub(super) struct Store {
    root: PathBuf,
}

/// The right to make one environment, until it is dropped.
pub(super) struct Place {
    complete: PathBuf,
    part: PathBuf,
    _lock: Flock<File>,
}

impl Store {
    /// The store below `cache`, made where it is not there. `granted` are the paths that calls may write. Errors:
    /// [`Status::Io`], [`Status::InvalidConfig`] when others than this user may write there.
    pub(super) fn open(cache: &Path, granted: &[PathBuf]) -> Result<Self> {
        let wanted = cache.join(FOLDER);
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o755);
        builder.create(&wanted).map_err(|error| io("cannot be made", &wanted, &error))?;
        // Mounts have no links in their way.
        let root = wanted.canonicalize().map_err(|error| io("cannot be opened", &wanted, &error))?;
        check_own(&root)?;
        let is_shared =
            |path: &&PathBuf| path.canonicalize().is_ok_and(|path| root.starts_with(&path) || path.starts_with(&root));
        match granted.iter().find(is_shared) {
            None => Ok(Self { root }),
            Some(path) => Err(Error::new(
                Status::InvalidConfig,
                format!(
                    "'cache_dir' leads into policy.write_paths {}, where calls could change what others import",
                    path.display()
                ),
            )),
        }
    }

    /// The folder of an environment that is complete.
    pub(super) fn complete(&self, key: &str) -> Result<Option<PathBuf>> {
        let path = self.root.join(key);
        if !path.join(RECORD).is_file() {
            return Ok(None);
        }
        check_own(&path)?;
        Ok(Some(path))
    }

    /// What was written about an environment that is complete.
    pub(super) fn record(folder: &Path) -> Option<Value> {
        let path = folder.join(RECORD);
        let size = fs::symlink_metadata(&path).ok()?.len();
        (size <= MAX_RECORD_BYTES).then(|| serde_json::from_slice(&fs::read(path).ok()?).ok())?
    }

    /// Waits until nobody else makes this environment. [`Status::Closed`] when the engine is closed meanwhile.
    pub(super) fn place(&self, key: &str, is_closed: &AtomicBool) -> Result<Place> {
        let path = self.root.join(format!("{key}.lock"));
        let file = || {
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(libc::O_NOFOLLOW)
                .open(&path)
        };
        let mut file = file().map_err(|error| io("cannot be opened", &path, &error))?;
        loop {
            if is_closed.load(Ordering::SeqCst) {
                return Err(closed());
            }
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => {
                    let (complete, part) = (self.root.join(key), self.root.join(format!("{key}.part")));
                    return Ok(Place { complete, part, _lock: lock });
                }
                Err((same, nix::Error::EWOULDBLOCK | nix::Error::EINTR)) => file = same,
                Err((_, error)) => return Err(io("cannot be locked", &path, &error.into())),
            }
            std::thread::park_timeout(LOCK_RETRY);
        }
    }
}

impl Place {
    /// An empty folder, in which the environment is made.
    pub(super) fn clear(&self) -> Result<&Path> {
        for left in [&self.part, &self.complete] {
            match fs::remove_dir_all(left) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(io("cannot be removed", left, &error));
                }
                _ => {}
            }
        }
        fs::create_dir(&self.part).map_err(|error| io("cannot be made", &self.part, &error))?;
        fs::set_permissions(&self.part, fs::Permissions::from_mode(0o755))
            .map_err(|error| io("cannot be made", &self.part, &error))?;
        Ok(&self.part)
    }

    /// Writes the record and puts the folder under its final name, when all of it is on disk.
    pub(super) fn finish(self, record: &Value) -> Result<PathBuf> {
        let path = self.part.join(RECORD);
        let write = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&path)?;
            file.write_all(record.to_string().as_bytes())?;
            // A machine may lose power after the rename: one call for thousands of files.
            nix::unistd::syncfs(file.as_fd())?;
            fs::rename(&self.part, &self.complete)
        };
        write().map_err(|error| io("cannot be finished", &self.part, &error))?;
        Ok(self.complete.clone())
    }

    /// Leaves nothing behind.
    pub(super) fn abandon(self) {
        // What stays in spite of that is removed by the next who makes it.
        let _ = fs::remove_dir_all(&self.part);
    }
}

/// Whoever can write here decides what scripts import.
fn check_own(path: &Path) -> Result<()> {
    let data = fs::symlink_metadata(path).map_err(|error| io("cannot be looked at", path, &error))?;
    if data.is_dir() && data.uid() == nix::unistd::geteuid().as_raw() && data.mode() & 0o022 == 0 {
        return Ok(());
    }
    Err(Error::new(
        Status::InvalidConfig,
        format!("'cache_dir': {} must be a folder of this user that nobody else may write", path.display()),
    ))
}

pub(super) fn closed() -> Error {
    Error::new(Status::Closed, "the engine was closed before what the skill needs was installed")
}

fn io(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(Status::Io, format!("'cache_dir': {} {what}: {error}", path.display()))
}
