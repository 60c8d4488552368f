//! Copies of output files in a folder of the host's.
//!
//! Two sides are distrusted. The work directory is what a script left: its files are read by descriptor, as regular files,
//! up to a bound. The folder may be open to others: it is opened once, each name below it is resolved by itself and
//! through no link, and nothing that is there is replaced. Either every file arrives or nothing stays.

use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, open, openat, renameat2};
use nix::sys::stat::{Mode, fstat, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};

use super::document::excerpt;
use super::outputs;
use crate::error::{Error, Result, Status};
use crate::random;

const FOLDER: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);
const NEW: OFlag =
    OFlag::O_WRONLY.union(OFlag::O_CREAT).union(OFlag::O_EXCL).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

const BUFFER_BYTES: usize = 1 << 16;

/// Copies the files at `paths` below `work` to the same paths below `folder`, together at most `max_bytes`. Errors:
/// [`Status::PathEscape`], [`Status::ResourceNotFound`], [`Status::ResourceTooLarge`], [`Status::AlreadyExists`],
/// [`Status::Resources`], [`Status::Io`]; then nothing of it is left.
pub(super) fn keep(work: Option<BorrowedFd<'_>>, paths: &[&str], folder: &str, max_bytes: u64) -> Result<()> {
    let mut copies = Copies::into(folder, max_bytes)?;
    for path in paths {
        copies.add(outputs::open_file(work, path)?, path)?;
    }
    copies.is_complete = true;
    Ok(())
}

/// What was made in the folder so far; undone when dropped before it is complete.
struct Copies<'f> {
    folder: OwnedFd,
    /// Its name, for messages.
    shown: &'f str,
    /// A name that nobody guesses, for a file that is being written.
    draft: CString,
    bytes_left: u64,
    max_bytes: u64,
    folders: Vec<PathBuf>,
    files: Vec<(PathBuf, Inode)>,
    is_complete: bool,
}

/// Which file it is, whatever it is called.
type Inode = (libc::dev_t, libc::ino_t);

impl<'f> Copies<'f> {
    fn into(folder: &'f str, max_bytes: u64) -> Result<Self> {
        let opened = open(named(OsStr::new(folder)).as_c_str(), FOLDER, Mode::empty()).map_err(|errno| {
            Error::new(Status::Io, format!("the folder '{}' cannot be opened: {}", excerpt(folder), errno.desc()))
        })?;
        Ok(Self {
            folder: opened,
            shown: folder,
            draft: named(OsStr::new(&format!(".skilllite-{}", random::token()?))),
            bytes_left: max_bytes,
            max_bytes,
            folders: Vec::new(),
            files: Vec::new(),
            is_complete: false,
        })
    }

    fn add(&mut self, source: File, path: &str) -> Result<()> {
        let place =
            PathBuf::from_iter(Path::new(path).components().filter(|part| matches!(part, Component::Normal(_))));
        let (Some(parent), Some(name)) = (place.parent(), place.file_name()) else {
            return Err(Error::new(Status::PathEscape, format!("output file '{}' has no name", excerpt(path))));
        };
        let parent = self.descend(parent, true).map_err(|(at, errno)| self.refused(&at, errno))?;
        let written = self.write(&source, parent.as_fd(), path);
        let placed = written.and_then(|inode| {
            place_as(parent.as_fd(), &self.draft, &named(name)).map_err(|errno| self.refused(&place, errno))?;
            Ok(inode)
        });
        match placed {
            Ok(inode) => {
                self.files.push((place, inode));
                Ok(())
            }
            Err(error) => {
                let _ = unlinkat(&parent, self.draft.as_c_str(), UnlinkatFlags::NoRemoveDir);
                Err(error)
            }
        }
    }

    /// The folder at `path`, name by name; those that are not there are made, if that `is_wanted`. Fails with the name
    /// at which it ended.
    fn descend(&mut self, path: &Path, is_wanted: bool) -> std::result::Result<OwnedFd, (PathBuf, Errno)> {
        let mut at = PathBuf::new();
        let mut folder = self.folder.try_clone().map_err(|error| (at.clone(), errno_of(&error)))?;
        for part in path.iter() {
            at.push(part);
            let name = named(part);
            let name = name.as_c_str();
            if is_wanted {
                match mkdirat(&folder, name, Mode::from_bits_truncate(0o755)) {
                    Ok(()) => self.folders.push(at.clone()),
                    Err(Errno::EEXIST) => {}
                    Err(errno) => return Err((at, errno)),
                }
            }
            let below = openat(&folder, name, FOLDER | OFlag::O_NOFOLLOW, Mode::empty());
            folder = below.map_err(|errno| (at.clone(), errno))?;
        }
        Ok(folder)
    }

    /// Copies the content into a draft in `parent`.
    fn write(&mut self, mut source: &File, parent: BorrowedFd<'_>, path: &str) -> Result<Inode> {
        let failed = |error: io::Error| {
            let (path, shown) = (excerpt(path), excerpt(self.shown));
            Error::new(Status::Io, format!("output file '{path}' cannot be copied to '{shown}': {error}"))
        };
        let draft = openat(parent, self.draft.as_c_str(), NEW, Mode::from_bits_truncate(0o644));
        let mut draft = File::from(draft.map_err(|errno| failed(errno.into()))?);
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let piece = match source.read(&mut buffer) {
                Ok(count) => buffer.get(..count).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(error)),
            };
            if piece.is_empty() {
                break;
            }
            self.bytes_left = self.bytes_left.checked_sub(piece.len() as u64).ok_or_else(|| {
                let why = format!("together with it there are more than disk_bytes = {}", self.max_bytes);
                Error::new(Status::ResourceTooLarge, format!("output file '{}' is not copied: {why}", excerpt(path)))
            })?;
            draft.write_all(piece).map_err(failed)?;
        }
        let facts = fstat(&draft).map_err(|errno| failed(errno.into()))?;
        Ok((facts.st_dev, facts.st_ino))
    }

    fn refused(&self, at: &Path, errno: Errno) -> Error {
        let at = format!("'{}' in '{}'", excerpt(&at.to_string_lossy()), excerpt(self.shown));
        match errno {
            Errno::EEXIST => {
                let message =
                    format!("{at} is there already and is not replaced; take it away, or keep into another folder");
                Error::new(Status::AlreadyExists, message)
            }
            Errno::ENOTDIR | Errno::ELOOP => Error::new(Status::PathEscape, format!("{at} is a link or no folder")),
            errno => Error::new(Status::Io, format!("{at} cannot be made: {}", errno.desc())),
        }
    }
}

impl Drop for Copies<'_> {
    fn drop(&mut self) {
        if self.is_complete {
            return;
        }
        for (path, inode) in std::mem::take(&mut self.files) {
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { continue };
            let Ok(parent) = self.descend(parent, false) else { continue };
            // Somebody may have put another file in its place.
            let name = named(name);
            let is_ours = fstatat(&parent, name.as_c_str(), AtFlags::AT_SYMLINK_NOFOLLOW)
                .is_ok_and(|facts| (facts.st_dev, facts.st_ino) == inode);
            if is_ours {
                let _ = unlinkat(&parent, name.as_c_str(), UnlinkatFlags::NoRemoveDir);
            }
        }
        for path in std::mem::take(&mut self.folders).into_iter().rev() {
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { continue };
            if let Ok(parent) = self.descend(parent, false) {
                let _ = unlinkat(&parent, named(name).as_c_str(), UnlinkatFlags::RemoveDir);
            }
        }
    }
}

/// Gives a draft its name, unless something has it. File systems that cannot rename so (NFS) can link.
fn place_as(folder: BorrowedFd<'_>, draft: &CStr, name: &CStr) -> nix::Result<()> {
    match renameat2(folder, draft, folder, name, RenameFlags::RENAME_NOREPLACE) {
        Err(Errno::EINVAL | Errno::ENOSYS) => {
            linkat(folder, draft, folder, name, AtFlags::empty())?;
            unlinkat(folder, draft, UnlinkatFlags::NoRemoveDir)
        }
        placed => placed,
    }
}

/// A name for the kernel. None holds a NUL byte: the host's folder was checked, and other names come from directories.
fn named(name: &OsStr) -> CString {
    CString::new(name.as_bytes()).unwrap_or_default()
}

fn errno_of(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    /// A work folder with some files, the host's folder beside it, and a file of the host's that nothing may touch.
    fn stage() -> (tempfile::TempDir, OwnedFd, PathBuf) {
        let stage = tempfile::tempdir().unwrap();
        let at = |name: &str| stage.path().join(name);
        fs::create_dir_all(at("work/deep/er")).unwrap();
        fs::write(at("work/a"), b"one").unwrap();
        fs::write(at("work/deep/er/b"), b"\0\xff").unwrap();
        fs::set_permissions(at("work/a"), fs::Permissions::from_mode(0o6777)).unwrap();
        fs::create_dir(at("kept")).unwrap();
        fs::create_dir(at("outside")).unwrap();
        fs::write(at("outside/precious"), b"precious").unwrap();
        let work = OwnedFd::from(File::open(at("work")).unwrap());
        let kept = at("kept");
        (stage, work, kept)
    }

    fn keep_in(work: &OwnedFd, paths: &[&str], folder: &Path, max_bytes: u64) -> std::result::Result<(), Status> {
        keep(Some(work.as_fd()), paths, folder.to_str().unwrap(), max_bytes).map_err(|error| error.status)
    }

    /// Every path below a folder, sorted.
    fn tree(folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![folder.to_path_buf()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    open.push(entry.path());
                }
                found.push(entry.path());
            }
        }
        let mut found: Vec<_> =
            found.iter().map(|path| path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned()).collect();
        found.sort();
        found
    }

    #[test]
    fn files_arrive_whole_and_plain() {
        let (_stage, work, kept) = stage();
        assert_eq!(keep_in(&work, &["a", "deep//er/./b"], &kept, 5), Ok(()));
        assert_eq!(tree(&kept), ["a", "deep", "deep/er", "deep/er/b"]);
        assert_eq!(fs::read(kept.join("a")).unwrap(), b"one");
        assert_eq!(fs::read(kept.join("deep/er/b")).unwrap(), b"\0\xff");
        assert_eq!(
            fs::metadata(kept.join("a")).unwrap().mode() & 0o7133,
            0,
            "neither executable nor writable by others"
        );
    }

    #[test]
    fn nothing_is_replaced_and_nothing_is_left_after_a_failure() {
        let (stage, work, kept) = stage();
        File::create(stage.path().join("work/sparse")).unwrap().set_len(1 << 40).unwrap();
        symlink("/etc/passwd", stage.path().join("work/link")).unwrap();
        symlink("/etc", stage.path().join("work/links")).unwrap();
        nix::unistd::mkfifo(&stage.path().join("work/fifo"), Mode::S_IRWXU).unwrap();
        let rows: &[(&[&str], u64, Status)] = &[
            (&["a", "deep/er/b"], 4, Status::ResourceTooLarge),
            (&["a", "sparse"], 1 << 20, Status::ResourceTooLarge),
            (&["deep/er/b", "link"], 99, Status::PathEscape),
            (&["deep/er/b", "links/passwd"], 99, Status::ResourceNotFound),
            (&["deep/er/b", "fifo"], 99, Status::ResourceNotFound),
            (&["a", "deep/er"], 99, Status::ResourceNotFound),
            (&["a", "../kept/a"], 99, Status::PathEscape),
            (&["a", "/etc/passwd"], 99, Status::PathEscape),
            (&["a", "."], 99, Status::PathEscape),
            (&["deep/er/b", "a", "a"], 99, Status::AlreadyExists),
        ];
        for (paths, max_bytes, status) in rows {
            assert_eq!(keep_in(&work, paths, &kept, *max_bytes), Err(*status), "{paths:?}");
            assert_eq!(tree(&kept), [""; 0], "{paths:?}");
        }
        fs::create_dir(kept.join("deep")).unwrap();
        fs::write(kept.join("deep/mine"), b"mine").unwrap();
        fs::write(kept.join("a"), b"mine").unwrap();
        assert_eq!(keep_in(&work, &["deep/er/b", "a"], &kept, 99), Err(Status::AlreadyExists));
        assert_eq!(tree(&kept), ["a", "deep", "deep/mine"], "what was there stays, and nothing else");
        assert_eq!(fs::read(kept.join("a")).unwrap(), b"mine");
    }

    #[test]
    fn links_in_the_folder_lead_nowhere() {
        let (stage, work, kept) = stage();
        let precious = stage.path().join("outside/precious");
        let rows: &[(&str, &Path, &str, Status)] = &[
            ("a", &precious, "a", Status::AlreadyExists),
            ("a", Path::new("nowhere"), "a", Status::AlreadyExists),
            ("deep", &stage.path().join("outside"), "deep/er/b", Status::PathEscape),
            ("deep", Path::new("../outside"), "deep/er/b", Status::PathEscape),
        ];
        for (name, target, path, status) in rows {
            symlink(target, kept.join(name)).unwrap();
            assert_eq!(keep_in(&work, &[path], &kept, 99), Err(*status), "{name} -> {target:?}");
            assert_eq!(tree(&stage.path().join("outside")), ["precious"]);
            assert_eq!(fs::read(&precious).unwrap(), b"precious");
            fs::remove_file(kept.join(name)).unwrap();
        }
    }

    #[test]
    fn the_folder_itself_is_the_hosts_word() {
        let (stage, work, kept) = stage();
        let link = stage.path().join("link");
        symlink(&kept, &link).unwrap();
        assert_eq!(keep_in(&work, &["a"], &link, 99), Ok(()));
        for folder in [kept.join("none"), kept.join("a"), PathBuf::new()] {
            assert_eq!(keep_in(&work, &["a"], &folder, 99), Err(Status::Io), "{folder:?}");
        }
        assert_eq!(keep(None, &["a"], kept.to_str().unwrap(), 9).unwrap_err().status, Status::ResourceNotFound);
        assert_eq!(keep(None, &[], kept.to_str().unwrap(), 9), Ok(()));
    }

    /// Somebody who may write to the folder exchanges a folder of it for a link, again and again, while files are kept.
    #[test]
    fn a_folder_exchanged_for_a_link_loses_the_race() {
        let (stage, work, kept) = stage();
        let outside = stage.path().join("outside");
        let aside = stage.path().join("aside");
        symlink(&outside, &aside).unwrap();
        fs::create_dir(kept.join("deep")).unwrap();
        let is_over = std::sync::atomic::AtomicBool::new(false);
        let exchanged =
            |flags| renameat2(nix::fcntl::AT_FDCWD, &aside, nix::fcntl::AT_FDCWD, &kept.join("deep"), flags);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    exchanged(RenameFlags::RENAME_EXCHANGE).unwrap();
                }
            });
            for _ in 0..2000 {
                match keep_in(&work, &["deep/er/b"], &kept, 99) {
                    Ok(()) | Err(Status::PathEscape | Status::AlreadyExists) => {}
                    other => panic!("{other:?}"),
                }
            }
            is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        assert_eq!(tree(&outside), ["precious"]);
    }
}
