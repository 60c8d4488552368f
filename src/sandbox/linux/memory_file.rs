//! Sealed files in memory: the supervisor's image, plans, and what programs read from standard input.
//!
//! Nobody can change one, not even who made it, and it is gone with its last descriptor.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::error::{Error, Result, Status};

/// What a memory file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Reading only; it cannot be executed.
    Read,
    /// Executing.
    Execute,
}

/// A sealed file that holds `content`, its offset at the start. [`Status::Resources`].
pub fn sealed(content: &[u8], purpose: Use) -> Result<OwnedFd> {
    const MFD_NOEXEC_SEAL: u32 = 0x8;
    const MFD_EXEC: u32 = 0x10;
    let failed = |error: io::Error| {
        Error::new(Status::Resources, format!("no memory file: {error}; raise RLIMIT_NOFILE or free memory"))
    };
    let executable = match purpose {
        Use::Read => MFD_NOEXEC_SEAL,
        Use::Execute => MFD_EXEC,
    };
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: the name is a live string.
    let mut file = unsafe { libc::memfd_create(c"skilllite".as_ptr(), flags | executable) };
    if file < 0 {
        // Kernels before 6.3 know neither flag, and refuse them.
        // SAFETY: as above.
        file = unsafe { libc::memfd_create(c"skilllite".as_ptr(), flags) };
    }
    if file < 0 {
        return Err(failed(io::Error::last_os_error()));
    }
    // SAFETY: the descriptor is new and owned by nobody else.
    let file = unsafe { OwnedFd::from_raw_fd(file) };
    let mut offset = 0;
    while let Some(rest) = content.get(offset..).filter(|rest| !rest.is_empty()) {
        // pwrite leaves the offset at the start, where a reader begins.
        match nix::sys::uio::pwrite(&file, rest, offset as i64) {
            Ok(written) => offset += written,
            Err(nix::Error::EINTR) => {}
            Err(error) => return Err(failed(error.into())),
        }
    }
    let seals = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE;
    // SAFETY: plain numbers.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } < 0 {
        return Err(failed(io::Error::last_os_error()));
    }
    Ok(file)
}
