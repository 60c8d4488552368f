//! What an installer left in its work directory, copied to where calls will see it.
//!
//! The directory's content is hostile: code of packages may have written it. It is reached by descriptors alone, nothing is
//! followed or waited for, and only plain files, folders and links that stay inside are taken. The copy is the host's:
//! its owner, its modes, no set-user-id. Times are kept, because Python's byte code is compared with its source by them.

use std::ffi::{CStr, CString, OsStr};
use std::fs::{self, File, FileTimes, OpenOptions, Permissions};
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use nix::dir::Dir;
use nix::fcntl::{OFlag, readlinkat};

use crate::engine::outputs::{Kind, kind, open};

/// Files, folders and links of one environment.
const MAX_ENTRIES: u64 = 250_000;
/// Folders within folders.
const MAX_DEPTH: usize = 64;

/// How much was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) entries: u64,
    pub(super) bytes: u64,
}

/// Copies the folder `name` of `work` to `target`, which is made; at most `max_bytes`. The error is a line without a subject.
pub(super) fn copy(work: BorrowedFd<'_>, name: &CStr, target: &Path, max_bytes: u64) -> Result<Amount, String> {
    let source =
        open(work, name, OFlag::O_DIRECTORY).map_err(|error| format!("left no folder of packages: {error}"))?;
    let mut copier = Copier { amount: Amount::default(), max_bytes, target };
    copier.folder(source, Path::new(""), 0)?;
    Ok(copier.amount)
}

struct Copier<'t> {
    amount: Amount,
    max_bytes: u64,
    target: &'t Path,
}

impl Copier<'_> {
    fn folder(&mut self, source: OwnedFd, path: &Path, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("left folders more than {MAX_DEPTH} deep: {}", path.display()));
        }
        let place = self.target.join(path);
        fs::create_dir(&place)
            .and_then(|()| fs::set_permissions(&place, Permissions::from_mode(0o755)))
            .map_err(|error| format!("cannot be copied to {}: {error}", place.display()))?;
        let mut source = Dir::from_fd(source).map_err(|error| unreadable(path, &error))?;
        let mut names: Vec<CString> = Vec::new();
        for entry in source.iter() {
            let entry = entry.map_err(|error| unreadable(path, &error))?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                names.push(entry.file_name().to_owned());
                self.count(path)?;
            }
        }
        for name in names {
            let inner = path.join(OsStr::from_bytes(name.to_bytes()));
            match kind(source.as_fd(), &name) {
                Kind::Directory => {
                    let below = open(source.as_fd(), &name, OFlag::O_DIRECTORY);
                    self.folder(below.map_err(|error| unreadable(&inner, &error))?, &inner, depth + 1)?;
                }
                Kind::File(_) => {
                    let file =
                        open(source.as_fd(), &name, OFlag::empty()).map_err(|error| unreadable(&inner, &error))?;
                    self.file(File::from(file), &inner).map_err(|error| self.uncopied(&inner, &error))?;
                }
                Kind::Other("symlink") => self.link(source.as_fd(), &name, &inner)?,
                Kind::Other(kind) => {
                    return Err(format!("left a {kind}, which is no part of a package: {}", inner.display()));
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, path: &Path) -> Result<(), String> {
        self.amount.entries += 1;
        match self.amount.entries > MAX_ENTRIES {
            true => Err(format!("left more than {MAX_ENTRIES} files, the last in {}", path.display())),
            false => Ok(()),
        }
    }

    fn file(&mut self, source: File, path: &Path) -> std::io::Result<()> {
        let data = source.metadata()?;
        if !data.is_file() {
            return Err(std::io::Error::other("it is no regular file"));
        }
        let mut target = OpenOptions::new().write(true).create_new(true).open(self.target.join(path))?;
        let left = self.max_bytes.saturating_sub(self.amount.bytes);
        let copied = std::io::copy(&mut source.take(left.saturating_add(1)), &mut target)?;
        self.amount.bytes = self.amount.bytes.saturating_add(copied);
        if copied > left {
            return Err(std::io::Error::other("together they are more than dependencies.limits.disk_bytes"));
        }
        let mode = if data.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 };
        target.set_permissions(Permissions::from_mode(mode))?;
        target.set_times(FileTimes::new().set_modified(data.modified()?))
    }

    fn link(&self, folder: BorrowedFd<'_>, name: &CStr, path: &Path) -> Result<(), String> {
        let text = PathBuf::from(readlinkat(folder, name).map_err(|error| unreadable(path, &error))?);
        if !stays_inside(path, &text) {
            return Err(format!("left a link that leads out: {} -> {}", path.display(), text.display()));
        }
        symlink(&text, self.target.join(path)).map_err(|error| self.uncopied(path, &error))
    }

    fn uncopied(&self, path: &Path, error: &std::io::Error) -> String {
        format!("left {}, which cannot be copied to {}: {error}", path.display(), self.target.display())
    }
}

fn unreadable(path: &Path, error: &nix::Error) -> String {
    format!("left {}, which cannot be read: {error}", path.display())
}

/// Whether a link at `path` to `text` stays in the tree by its words alone.
fn stays_inside(path: &Path, text: &Path) -> bool {
    let mut depth = path.components().count().saturating_sub(1);
    text.components().all(|part| match part {
        Component::Normal(_) => {
            depth += 1;
            true
        }
        Component::ParentDir => depth.checked_sub(1).map(|less| depth = less).is_some(),
        Component::CurDir => true,
        Component::RootDir | Component::Prefix(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    /// Copies what `fill` puts into the folder `site`.
    fn copied(max_bytes: u64, fill: impl FnOnce(&Path)) -> (Result<Amount, String>, tempfile::TempDir) {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("work/site")).unwrap();
        fill(&root.path().join("work/site"));
        let work = File::open(root.path().join("work")).unwrap();
        (copy(work.as_fd(), c"site", &root.path().join("copy"), max_bytes), root)
    }

    #[test]
    fn files_come_with_their_content_and_time_and_plain_modes() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let (amount, root) = copied(100, |site| {
            fs::create_dir(site.join("p")).unwrap();
            fs::write(site.join("p/run"), b"12345").unwrap();
            fs::set_permissions(site.join("p/run"), Permissions::from_mode(0o6775)).unwrap();
            File::options().write(true).open(site.join("p/run")).unwrap().set_modified(time).unwrap();
            symlink("../p/run", site.join("p/link")).unwrap();
        });
        assert_eq!(amount, Ok(Amount { entries: 3, bytes: 5 }));
        let data = fs::metadata(root.path().join("copy/p/link")).unwrap();
        assert_eq!((data.permissions().mode() & 0o7777, data.modified().unwrap()), (0o755, time));
        assert_eq!(fs::read(root.path().join("copy/p/run")).unwrap(), b"12345");
    }

    #[test]
    fn what_is_no_part_of_a_package_is_refused() {
        type Fill = fn(&Path);
        let rows: [(&str, Fill); 5] = [
            ("leads out", |site| symlink("/etc/passwd", site.join("a")).unwrap()),
            ("leads out", |site| symlink("../../x", site.join("a")).unwrap()),
            ("fifo", |site| nix::unistd::mkfifo(&site.join("a"), nix::sys::stat::Mode::S_IRWXU).unwrap()),
            ("disk_bytes", |site| fs::write(site.join("a"), [0; 101]).unwrap()),
            ("deep", |site| fs::create_dir_all(site.join("d/".repeat(70))).unwrap()),
        ];
        for (needle, fill) in rows {
            let why = copied(100, fill).0.unwrap_err();
            assert!(why.contains(needle), "{why}");
        }
    }

    #[test]
    fn a_missing_folder_is_named() {
        let (result, _root) = copied(1, |site| fs::remove_dir(site).unwrap());
        assert!(result.unwrap_err().contains("no folder"));
    }
}
