//! The folder in which the host lets the library keep what is costly to find out: the tools of skills, by content.
//!
//! ```text
//! <cache_dir>/tools/<key>     a mark, the SHA-256 of the rest, the rest
//! ```
//!
//! A file is complete when it has its name, which names what it was made of; so engines and processes may share the folder
//! without a lock. It holds nothing that could not be found out again: whatever is wrong with a file, it is one that is not there.
//! What could come from somebody else is not used, and said.

use std::ffi::CString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nix::dir::Dir;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fstatat};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};
use sha2::{Digest, Sha256};

use crate::random;
use crate::skill::{Diagnostic, Severity};

const FOLDER: &str = "tools";
const MARK: &[u8] = b"skilllite cache 1\n";
const DIGEST_BYTES: usize = 32;
/// The largest file that is kept.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// The most files that are kept, and the most bytes; where there are more, those older than the average go.
const MAX_FILES: u64 = 4096;
const MAX_BYTES: u64 = 64 << 20;

/// The folder, opened for one load.
pub(super) struct Cache {
    folder: File,
    shown: PathBuf,
    foreign: AtomicUsize,
    has_new: AtomicBool,
    is_unwritable: AtomicBool,
}

impl Cache {
    /// The folder below `cache_dir`, made where it is not there. `granted` are the paths that calls may write.
    pub(super) fn open(cache_dir: &Path, granted: &[PathBuf]) -> Result<Self, Diagnostic> {
        let shown = cache_dir.join(FOLDER);
        let unusable = |why: String| finding("cache-unusable", format!("'cache_dir': {} {why}", shown.display()));
        let failed = |error: std::io::Error| unusable(format!("cannot be used: {error}"));
        // Calls as other users reach the environments that are kept beside this folder.
        DirBuilder::new().recursive(true).mode(0o755).create(cache_dir).map_err(failed)?;
        DirBuilder::new().recursive(true).mode(0o700).create(&shown).map_err(failed)?;
        let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
        let folder = OpenOptions::new().read(true).custom_flags(flags).open(&shown).map_err(failed)?;
        if !is_own(&folder.metadata().map_err(failed)?) {
            return Err(unusable("must be a folder of this user that nobody else may write".to_owned()));
        }
        let real = shown.canonicalize().map_err(failed)?;
        let is_shared =
            |path: &&PathBuf| path.canonicalize().is_ok_and(|path| real.starts_with(&path) || path.starts_with(&real));
        if let Some(path) = granted.iter().find(is_shared) {
            let path = path.display();
            return Err(unusable(format!(
                "lies in policy.write_paths {path}, where calls could change what others do"
            )));
        }
        Ok(Self {
            folder,
            shown,
            foreign: AtomicUsize::new(0),
            has_new: AtomicBool::new(false),
            is_unwritable: AtomicBool::new(false),
        })
    }

    /// What is kept under `key`, if it is whole.
    pub(super) fn get(&self, key: &str) -> Option<Vec<u8>> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let key = CString::new(key).ok()?;
        let mut file = match openat(&self.folder, key.as_c_str(), flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(nix::errno::Errno::ENOENT) => return None,
            Err(_) => return self.refuse(),
        };
        let facts = file.metadata().ok()?;
        if !facts.is_file() || !is_own(&facts) {
            return self.refuse();
        }
        if facts.len() > MAX_FILE_BYTES {
            return None;
        }
        let mut bytes = Vec::with_capacity(usize::try_from(facts.len()).ok()?);
        (&mut file).take(MAX_FILE_BYTES).read_to_end(&mut bytes).ok()?;
        let (digest, content) = bytes.strip_prefix(MARK)?.split_at_checked(DIGEST_BYTES)?;
        (Sha256::digest(content).as_slice() == digest).then(|| content.to_vec())
    }

    fn refuse(&self) -> Option<Vec<u8>> {
        self.foreign.fetch_add(1, Ordering::Relaxed);
        None
    }

    /// Keeps `content` under `key`, if that can be done.
    pub(super) fn put(&self, key: &str, content: &[u8]) {
        let size = MARK.len() + DIGEST_BYTES + content.len();
        if size as u64 > MAX_FILE_BYTES {
            return;
        }
        let mut bytes = Vec::with_capacity(size);
        bytes.extend_from_slice(MARK);
        bytes.extend_from_slice(&Sha256::digest(content));
        bytes.extend_from_slice(content);
        match self.place(key, &bytes) {
            Some(()) => self.has_new.store(true, Ordering::Relaxed),
            None => self.is_unwritable.store(true, Ordering::Relaxed),
        }
    }

    fn place(&self, key: &str, bytes: &[u8]) -> Option<()> {
        let draft = CString::new(format!(".{}", random::token().ok()?)).ok()?;
        let (draft, key) = (draft.as_c_str(), CString::new(key).ok()?);
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = openat(&self.folder, draft, flags, Mode::S_IRUSR | Mode::S_IWUSR).ok()?;
        let is_placed = File::from(file).write_all(bytes).is_ok()
            && renameat(&self.folder, draft, &self.folder, key.as_c_str()).is_ok();
        if !is_placed {
            let _ = unlinkat(&self.folder, draft, UnlinkatFlags::NoRemoveDir);
            return None;
        }
        Some(())
    }

    /// Throws the older files away where there are too many now, and gives what there is to say.
    pub(super) fn finish(self) -> Vec<Diagnostic> {
        if self.has_new.load(Ordering::Relaxed) {
            self.trim(MAX_FILES, MAX_BYTES);
        }
        let mut findings = Vec::new();
        let shown = self.shown.display();
        let foreign = self.foreign.load(Ordering::Relaxed);
        if foreign > 0 {
            let message = format!(
                "'cache_dir': {foreign} files in {shown} are not of this user, or others may write them, and were not used"
            );
            findings.push(finding("cache-foreign", message));
        }
        if self.is_unwritable.load(Ordering::Relaxed) {
            findings.push(finding("cache-unwritable", format!("'cache_dir': nothing can be kept in {shown}")));
        }
        findings
    }

    fn trim(&self, max_files: u64, max_bytes: u64) {
        let opened = openat(&self.folder, c".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty());
        let Ok(mut reader) = opened.and_then(Dir::from_fd) else { return };
        let mut files: Vec<(CString, i64)> = Vec::new();
        let (mut bytes, mut times) = (0u64, 0i128);
        for entry in reader.iter().flatten() {
            let name = entry.file_name();
            let Ok(facts) = fstatat(&self.folder, name, AtFlags::AT_SYMLINK_NOFOLLOW) else { continue };
            if !matches!(name.to_bytes(), b"." | b"..") {
                files.push((name.to_owned(), facts.st_mtime));
                bytes = bytes.saturating_add(u64::try_from(facts.st_size).unwrap_or(0));
                times += i128::from(facts.st_mtime);
            }
        }
        let count = files.len() as u64;
        if count <= max_files && bytes <= max_bytes {
            return;
        }
        for (name, time) in files {
            if i128::from(time) * i128::from(count) <= times {
                let _ = unlinkat(&self.folder, name.as_c_str(), UnlinkatFlags::NoRemoveDir);
            }
        }
    }
}

/// Whether only this user can have made it what it is.
fn is_own(facts: &std::fs::Metadata) -> bool {
    facts.uid() == geteuid().as_raw() && facts.mode() & 0o022 == 0
}

fn finding(code: &'static str, message: String) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, code, field: None, line: None, message }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_older_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), &[]).unwrap();
        for number in 0..12u64 {
            cache.put(&format!("{number:02}"), &[b'x'; 100]);
            let age = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1000 + number);
            File::open(cache.shown.join(format!("{number:02}"))).unwrap().set_modified(age).unwrap();
        }
        let names = || {
            let mut names: Vec<_> =
                fs::read_dir(&cache.shown).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        cache.trim(12, 1 << 20);
        assert_eq!(names().len(), 12, "as many as may be");
        cache.trim(11, 1 << 20);
        assert_eq!(names(), ["06", "07", "08", "09", "10", "11"]);
        assert!(cache.get("05").is_none() && cache.get("06").is_some());
        cache.trim(100, 700);
        assert_eq!(names(), ["09", "10", "11"], "by bytes too");
    }
}
