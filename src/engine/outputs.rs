//! Files that a run left in its work directory: listed with size and digest, read one at a time.
//!
//! The directory's content is hostile. Nothing is followed (links, mount points), nothing is waited for (FIFOs), and
//! count, depth and hashed bytes are bounded. It is reached by its descriptor alone; it has no path in the host.

use std::ffi::CString;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::{Mode, SFlag, fstatat};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::document::excerpt;
use super::inputs::Fingerprints;
use crate::error::{Error, Result, Status};

/// The most files that are listed.
const MAX_FILES: usize = 1000;
/// The most directory entries that are looked at, files or not.
const MAX_ENTRIES: usize = 10_000;
/// The deepest directory that is looked into.
const MAX_DEPTH: usize = 32;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Listing {
    files: Vec<Value>,
    skipped: Vec<Value>,
    /// Whether a bound ended the listing early.
    pub(super) is_truncated: bool,
    entries: usize,
    hashable_bytes: u64,
}

impl Listing {
    /// Lists what lies below `work`, sorted by path, without the `inputs` that are unchanged. At most
    /// `hashable_bytes` are read; files beyond have no digest.
    pub(super) fn of(work: BorrowedFd<'_>, inputs: &Fingerprints, hashable_bytes: u64) -> Self {
        let mut listing = Self { hashable_bytes, ..Self::default() };
        if let Ok(dir) = open(work, c".", OFlag::O_DIRECTORY) {
            listing.walk(dir, Path::new(""), 0, inputs);
        }
        listing
    }

    /// The files, and what is no regular file.
    pub(super) fn into_json(self) -> (Value, Value) {
        (Value::Array(self.files), Value::Array(self.skipped))
    }

    fn walk(&mut self, dir: OwnedFd, path: &Path, depth: usize, inputs: &Fingerprints) {
        let Ok(mut dir) = Dir::from_fd(dir) else { return };
        let mut names: Vec<CString> = Vec::new();
        for entry in dir.iter() {
            let Ok(entry) = entry else { break };
            if matches!(entry.file_name().to_bytes(), b"." | b"..") {
                continue;
            }
            if self.entries >= MAX_ENTRIES {
                self.is_truncated = true;
                break;
            }
            self.entries += 1;
            names.push(entry.file_name().to_owned());
        }
        names.sort_unstable();
        for name in names {
            if self.files.len() + self.skipped.len() >= MAX_FILES {
                self.is_truncated = true;
                return;
            }
            let Ok(text) = name.to_str() else {
                self.skip(&path.join(name.to_string_lossy().as_ref()), "name-not-utf8");
                continue;
            };
            let inner = path.join(text);
            match kind(dir.as_fd(), &name) {
                Kind::Directory if depth >= MAX_DEPTH => self.is_truncated = true,
                Kind::Directory => match open(dir.as_fd(), &name, OFlag::O_DIRECTORY) {
                    Ok(below) => self.walk(below, &inner, depth + 1, inputs),
                    Err(_) => self.skip(&inner, "unreadable"),
                },
                Kind::File(size) => match open(dir.as_fd(), &name, OFlag::empty()) {
                    Ok(file) => self.file(File::from(file), &inner, size, inputs),
                    Err(_) => self.skip(&inner, "unreadable"),
                },
                Kind::Other(kind) => self.skip(&inner, kind),
            }
        }
    }

    fn file(&mut self, file: File, path: &Path, size: u64, inputs: &Fingerprints) {
        let digest = if size <= self.hashable_bytes { self.hash(file) } else { None };
        if digest.is_some() && inputs.get(path) == digest.as_ref() {
            return;
        }
        let sha256 = digest.map(|digest| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        self.files.push(json!({ "path": path.to_string_lossy(), "size": size, "sha256": sha256 }));
    }

    fn hash(&mut self, file: File) -> Option<[u8; 32]> {
        let mut file = file.take(self.hashable_bytes);
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    hasher.update(buffer.get(..count)?);
                    self.hashable_bytes = self.hashable_bytes.saturating_sub(count as u64);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        Some(hasher.finalize().into())
    }

    fn skip(&mut self, path: &Path, kind: &'static str) {
        self.skipped.push(json!({ "path": path.to_string_lossy(), "kind": kind }));
    }
}

/// The content of one regular file below `work`, at most `max_bytes` of it. Errors: those of [`open_file`], and
/// [`Status::ResourceTooLarge`].
pub(super) fn read(work: Option<BorrowedFd<'_>>, path: &str, max_bytes: u64) -> Result<Vec<u8>> {
    let file = open_file(work, path)?;
    let mut bytes = Vec::new();
    let read = file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| refused(path, Status::Io, &format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > max_bytes {
        let why = format!("has more than the {max_bytes} bytes asked for");
        return Err(refused(path, Status::ResourceTooLarge, &why));
    }
    Ok(bytes)
}

/// One regular file below `work`, opened for reading. Errors: [`Status::PathEscape`], [`Status::ResourceNotFound`],
/// [`Status::Io`].
pub(super) fn open_file(work: Option<BorrowedFd<'_>>, path: &str) -> Result<File> {
    let refuse = |status, why: &str| refused(path, status, why);
    let Some(work) = work else {
        return Err(Error::new(Status::ResourceNotFound, "the call has no work directory: nothing was run"));
    };
    let parts: Vec<_> = Path::new(path).components().collect();
    if parts.is_empty() || parts.iter().any(|part| !matches!(part, Component::Normal(_))) {
        return Err(refuse(Status::PathEscape, "must be a relative path without '..'"));
    }
    let path_in: PathBuf = parts.into_iter().collect();
    let file = open_path(work, &path_in).map_err(|errno| match errno {
        Errno::ELOOP | Errno::EXDEV => refuse(Status::PathEscape, "is or lies behind a symbolic link"),
        Errno::ENOENT | Errno::ENOTDIR | Errno::ENXIO => refuse(Status::ResourceNotFound, "does not exist"),
        other => refuse(Status::Io, &format!("cannot be opened: {other}")),
    })?;
    let file = File::from(file);
    let unreadable = |error: std::io::Error| refuse(Status::Io, &format!("cannot be read: {error}"));
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(refuse(Status::ResourceNotFound, "is no regular file"));
    }
    Ok(file)
}

fn refused(path: &str, status: Status, why: &str) -> Error {
    Error::new(status, format!("output file '{}' {why}", excerpt(path)))
}

/// What a directory entry is.
pub(super) enum Kind {
    File(u64),
    Directory,
    Other(&'static str),
}

/// What the entry `name` is, itself.
pub(super) fn kind(dir: BorrowedFd<'_>, name: &std::ffi::CStr) -> Kind {
    let Ok(stat) = fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW) else { return Kind::Other("unreadable") };
    match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG => Kind::File(u64::try_from(stat.st_size).unwrap_or(0)),
        SFlag::S_IFDIR => Kind::Directory,
        SFlag::S_IFLNK => Kind::Other("symlink"),
        SFlag::S_IFIFO => Kind::Other("fifo"),
        SFlag::S_IFSOCK => Kind::Other("socket"),
        SFlag::S_IFBLK | SFlag::S_IFCHR => Kind::Other("device"),
        _ => Kind::Other("unknown"),
    }
}

const FLAGS: OFlag = OFlag::O_RDONLY.union(OFlag::O_CLOEXEC).union(OFlag::O_NONBLOCK).union(OFlag::O_NOFOLLOW);

/// Opens one entry of a directory: `name` has no slash, so nothing outside can be reached.
pub(super) fn open(dir: BorrowedFd<'_>, name: &std::ffi::CStr, flags: OFlag) -> nix::Result<OwnedFd> {
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV;
    match openat2(dir, name, OpenHow::new().flags(FLAGS | flags).resolve(resolve)) {
        // Old container runtimes' filters refuse the call; the plain one cannot leave either, with a single name.
        Err(Errno::ENOSYS | Errno::EPERM) => openat(dir, name, FLAGS | flags, Mode::empty()),
        opened => opened,
    }
}

/// Opens a path of plain names below `dir`, one directory at a time.
fn open_path(dir: BorrowedFd<'_>, path: &Path) -> nix::Result<OwnedFd> {
    use std::os::unix::ffi::OsStrExt;
    let mut current: Option<OwnedFd> = None;
    let mut names = path.iter().peekable();
    while let Some(name) = names.next() {
        let name = CString::new(name.as_bytes()).map_err(|_| Errno::ENOENT)?;
        let flags = if names.peek().is_some() { OFlag::O_DIRECTORY } else { OFlag::empty() };
        let below = open(current.as_ref().map_or(dir, OwnedFd::as_fd), &name, flags)?;
        current = Some(below);
    }
    current.ok_or(Errno::ENOENT)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    fn fd(path: &Path) -> OwnedFd {
        OwnedFd::from(File::open(path).unwrap())
    }

    #[test]
    fn only_new_regular_files_are_listed() {
        let work = tempfile::tempdir().unwrap();
        let at = |name: &str| work.path().join(name);
        fs::create_dir_all(at("sub/deep")).unwrap();
        fs::write(at("sub/deep/b.txt"), b"b").unwrap();
        fs::write(at("a.txt"), b"").unwrap();
        fs::write(at("in.txt"), b"input").unwrap();
        fs::write(at("changed.txt"), b"after").unwrap();
        symlink("/etc/passwd", at("link")).unwrap();
        symlink("/etc", at("dirlink")).unwrap();
        nix::unistd::mkfifo(&at("pipe"), Mode::S_IRWXU).unwrap();
        fs::write(work.path().join(std::ffi::OsStr::from_bytes(b"\xff")), b"x").unwrap();
        let print = |bytes: &[u8]| -> [u8; 32] { Sha256::digest(bytes).into() };
        let inputs = [("in.txt".into(), print(b"input")), ("changed.txt".into(), print(b"before"))].into();
        let listing = Listing::of(fd(work.path()).as_fd(), &inputs, 1 << 20);
        assert!(!listing.is_truncated);
        let (files, skipped) = listing.into_json();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(files[0], json!({ "path": "a.txt", "size": 0, "sha256": empty }));
        let paths: Vec<_> = files.as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["a.txt", "changed.txt", "sub/deep/b.txt"]);
        let kinds: Vec<_> = skipped.as_array().unwrap().iter().map(|file| file["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["symlink", "symlink", "fifo", "name-not-utf8"]);
    }

    #[test]
    fn listing_is_bounded() {
        let work = tempfile::tempdir().unwrap();
        for number in 0..=MAX_FILES {
            fs::write(work.path().join(number.to_string()), b"x").unwrap();
        }
        let listing = Listing::of(fd(work.path()).as_fd(), &Fingerprints::new(), 1 << 20);
        assert!(listing.is_truncated);
        assert_eq!(listing.files.len(), MAX_FILES);

        let work = tempfile::tempdir().unwrap();
        let deep: PathBuf = std::iter::repeat_n("d", MAX_DEPTH + 2).collect();
        fs::create_dir_all(work.path().join(&deep)).unwrap();
        fs::write(work.path().join(deep).join("x"), b"").unwrap();
        File::create(work.path().join("sparse")).unwrap().set_len(1 << 40).unwrap();
        let listing = Listing::of(fd(work.path()).as_fd(), &Fingerprints::new(), 1 << 20);
        assert!(listing.is_truncated);
        assert_eq!(listing.files, [json!({ "path": "sparse", "size": 1u64 << 40, "sha256": null })]);
    }

    #[test]
    fn a_file_is_read_without_leaving() {
        let work = tempfile::tempdir().unwrap();
        let at = |name: &str| work.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        fs::write(at("sub/a"), b"12345").unwrap();
        symlink("/etc/passwd", at("link")).unwrap();
        symlink("/etc", at("sub/etc")).unwrap();
        nix::unistd::mkfifo(&at("pipe"), Mode::S_IRWXU).unwrap();
        let work = fd(work.path());
        let read = |path: &str| read(Some(work.as_fd()), path, 5).map_err(|error| error.status);
        assert_eq!(read("sub/a"), Ok(b"12345".to_vec()));
        assert_eq!(read("sub//./a"), Ok(b"12345".to_vec()));
        for (path, status) in [
            ("", Status::PathEscape),
            ("/etc/passwd", Status::PathEscape),
            ("../x", Status::PathEscape),
            ("sub/../a", Status::PathEscape),
            ("link", Status::PathEscape),
            ("sub/etc/passwd", Status::ResourceNotFound),
            ("pipe", Status::ResourceNotFound),
            ("sub", Status::ResourceNotFound),
            ("missing", Status::ResourceNotFound),
            ("sub/a/b", Status::ResourceNotFound),
            ("a\0b", Status::ResourceNotFound),
        ] {
            assert_eq!(read(path), Err(status), "{path:?}");
        }
        assert_eq!(super::read(Some(work.as_fd()), "sub/a", 4).unwrap_err().status, Status::ResourceTooLarge);
    }
}
