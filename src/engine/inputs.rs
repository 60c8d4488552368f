//! Files that a call puts into its work directory: read where they are the host's, bounded, remembered by digest.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::options::Input;
use crate::error::{Error, Result, Status};
use crate::sandbox::Policy;

/// Digests of the files that were put in, by path: what is unchanged afterwards is no output.
pub(super) type Fingerprints = BTreeMap<PathBuf, [u8; 32]>;

/// Files for the work directory: relative path, content. An absolute path is one of the run's own places.
pub(super) type Contents = Vec<(PathBuf, Vec<u8>)>;

/// The files with their content. Together they fit `policy.limits.disk_bytes`, or it is [`Status::InvalidConfig`]. A
/// file of the host lies in the policy's `read_paths`, or it is [`Status::PolicyWidened`]: whoever forwards options
/// from elsewhere must not hand out files of the host with them.
pub(super) fn gather(files: BTreeMap<PathBuf, Input>, policy: &Policy) -> Result<(Contents, Fingerprints)> {
    let mut left = policy.limits.disk_bytes;
    let mut contents = Vec::with_capacity(files.len());
    let mut fingerprints = Fingerprints::new();
    for (name, input) in files {
        let bytes = match input {
            Input::Content(bytes) => bytes,
            Input::HostFile(path) => read(&name, &path, policy, left)?,
        };
        left = left.checked_sub(bytes.len() as u64).ok_or_else(|| too_large(&name, policy))?;
        fingerprints.insert(name.clone(), Sha256::digest(&bytes).into());
        contents.push((name, bytes));
    }
    Ok((contents, fingerprints))
}

fn too_large(name: &Path, policy: &Policy) -> Error {
    let limit = policy.limits.disk_bytes;
    Error::new(
        Status::InvalidConfig,
        format!("'files.{}' does not fit: the files of a call have at most disk_bytes = {limit} bytes", name.display()),
    )
}

fn read(name: &Path, path: &Path, policy: &Policy, left: u64) -> Result<Vec<u8>> {
    let failed = |error: std::io::Error| {
        Error::new(Status::Io, format!("'files.{}': cannot read {}: {error}", name.display(), path.display()))
    };
    // Resolved before it is judged, so that a link inside a granted folder cannot lead out of it.
    let real = path.canonicalize().map_err(failed)?;
    let is_granted =
        policy.read_paths.iter().any(|granted| granted.canonicalize().is_ok_and(|granted| real.starts_with(granted)));
    if !is_granted {
        return Err(Error::new(
            Status::PolicyWidened,
            format!("'files.{}': {} is not in the engine's policy.read_paths", name.display(), path.display()),
        ));
    }
    let file = open_regular(&real).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(left.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > left { Err(too_large(name, policy)) } else { Ok(bytes) }
}

/// Opens a regular file without ever waiting for a writer of a FIFO.
fn open_regular(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(std::io::Error::other("it is no regular file")) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_host_file_must_be_granted_regular_and_small() {
        let root = tempfile::tempdir().unwrap();
        let granted = root.path().join("granted");
        fs::create_dir(&granted).unwrap();
        fs::write(granted.join("data"), b"12345678").unwrap();
        fs::write(root.path().join("secret"), b"x").unwrap();
        std::os::unix::fs::symlink(root.path().join("secret"), granted.join("link")).unwrap();
        nix::unistd::mkfifo(&granted.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut policy = Policy { read_paths: vec![granted.clone()], ..Policy::default() };
        policy.limits.disk_bytes = 10;
        let take = |path: PathBuf| {
            let files = [("a".into(), Input::HostFile(path)), ("b".into(), Input::Content(b"ab".to_vec()))];
            gather(files.into_iter().collect(), &policy).map_err(|error| error.status)
        };
        let (contents, prints) = take(granted.join("data")).unwrap();
        assert_eq!(contents[0], ("a".into(), b"12345678".to_vec()));
        assert_eq!(prints.len(), 2);
        assert_eq!(take(root.path().join("secret")), Err(Status::PolicyWidened));
        assert_eq!(take(granted.join("link")), Err(Status::PolicyWidened));
        assert_eq!(take(granted.join("../secret")), Err(Status::PolicyWidened));
        assert_eq!(take(granted.join("fifo")), Err(Status::Io));
        assert_eq!(take(granted.join("missing")), Err(Status::Io));
        fs::write(granted.join("data"), b"123456789").unwrap();
        assert_eq!(take(granted.join("data")), Err(Status::InvalidConfig));
    }
}
