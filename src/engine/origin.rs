//! Which process a handle belongs to. After `fork()` the child has copies of handles whose threads and descriptors are
//! the parent's; using them there would answer the parent's calls or end its runs.

use crate::error::{Error, Result, Status};

/// The process that made a handle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin(u32);

impl Origin {
    /// This process.
    pub(crate) fn here() -> Self {
        Self(std::process::id())
    }

    /// Whether this is still the process that made the handle.
    pub(crate) fn is_here(self) -> bool {
        self.0 == std::process::id()
    }

    /// [`Status::Forked`] in any other process.
    pub(crate) fn check(self) -> Result<()> {
        if self.is_here() {
            return Ok(());
        }
        Err(Error::new(
            Status::Forked,
            format!("this handle was made by process {}, before a fork; make a new engine after forking", self.0),
        ))
    }
}
