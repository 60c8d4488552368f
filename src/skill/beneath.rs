//! Opening a skill's files so that no path, link or race leaves the skill's folder.
//!
//! On Linux the kernel resolves below a directory descriptor (`openat2`, 5.6): links that stay inside work, links that leave or
//! are absolute do not, whatever is exchanged meanwhile. Where openat2 is missing, or a container's filter hides it, each component is
//! opened without following links; elsewhere the resolved path is compared.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod portable;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::identity::Identity;
#[cfg(target_os = "linux")]
pub(super) use linux::{Directory, Root};
#[cfg(not(target_os = "linux"))]
pub(super) use portable::{Directory, Root};

/// Why a file beneath the root cannot be opened.
#[derive(Debug)]
pub(super) enum OpenError {
    /// A link on the way leaves the folder, or cannot be proven not to.
    Escapes,
    /// There is no such file.
    Missing,
    /// It is a directory, device, socket or pipe; or no directory where one is meant.
    WrongKind,
    /// The system refused.
    Io(io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Escapes => f.write_str("a link leaves the skill"),
            Self::Missing => f.write_str("it is gone"),
            Self::WrongKind => f.write_str("it became something else"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

/// A regular file, with its facts from before anything was read.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub file: File,
    pub identity: Identity,
}

impl OpenFile {
    /// At most `max_bytes + 1` bytes, so that the caller can tell a file that is too large.
    pub fn read(&mut self, max_bytes: u64) -> io::Result<Vec<u8>> {
        let capacity = usize::try_from(self.identity.size.min(max_bytes)).unwrap_or(0).saturating_add(1).min(1 << 20);
        let mut bytes = Vec::with_capacity(capacity);
        (&mut self.file).take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The hex SHA-256 and length of at most `max_bytes`; `None` where the file is longer.
    pub fn hash(&mut self, max_bytes: u64, buffer: &mut [u8]) -> io::Result<Option<(String, u64)>> {
        self.hash_and_see(max_bytes, buffer, &mut |_, _| {})
    }

    /// [`OpenFile::hash`], while `see` is shown every piece that is hashed, with its place in the file.
    pub fn hash_and_see(
        &mut self,
        max_bytes: u64,
        buffer: &mut [u8],
        see: &mut dyn FnMut(u64, &[u8]),
    ) -> io::Result<Option<(String, u64)>> {
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
            let piece = buffer.get(..count).unwrap_or_default();
            let start = length;
            length = length.saturating_add(count as u64);
            if length > max_bytes {
                return Ok(None);
            }
            hasher.update(piece);
            see(start, piece);
        }
    }
}

/// Lowercase hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
