//! The kernel's calls in the supervisor's terms: one small safe function each.

mod confine;
mod file;
mod process;

pub use confine::*;
pub use file::*;
pub use process::*;

pub use crate::text::{Text, text};

use crate::sys::Errno;

/// A descriptor. Plain numbers: the supervisor closes by range and by exit, never by scope.
pub type Fd = i32;

pub const EINTR: Errno = 4;
pub const EEXIST: Errno = 17;
pub const EINVAL: Errno = 22;
pub const ENAMETOOLONG: Errno = 36;
