//! Interpreters: which program runs a script, and what it must be able to see.
//!
//! A sandbox's root is empty; this room answers which host files have to be bound read-only into it, at their own
//! paths, so that Python, Node, a shell or a native executable starts there. All of it is found by reading files: ELF
//! headers, the loader's cache, version managers' files. Nothing is executed (a library must not fork its host) and no
//! environment is read: the engine passes a snapshot in as [`Lookup`] and takes an [`Arc<Runtime>`] away.

mod certificates;
mod elf;
#[cfg(feature = "dependencies")]
mod installer;
mod interpreters;
mod language;
mod loader;
mod node;
mod python;
mod shell;
mod shim;
mod site;
mod tools;
mod view;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

pub use certificates::Certificates;
#[cfg(feature = "dependencies")]
pub use installer::{Installer, Kind};
pub use interpreters::Interpreters;
pub use language::Language;
pub use site::python_needs_site;

/// Where interpreters are looked for: a snapshot of the host's environment and config, taken once by the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookup {
    /// The directories of `PATH`, in order. Relative entries are skipped; an empty list means
    /// `/usr/local/bin:/usr/bin:/bin`.
    pub search_path: Vec<PathBuf>,
    /// The user's home directory: where version managers keep their defaults, and a directory that is never bound as
    /// a whole. `None` when there is none.
    pub home: Option<PathBuf>,
    /// The config's `interpreters`: the absolute path of the program for a language. It is used or it is an error;
    /// the search path is not tried after it.
    pub overrides: BTreeMap<Language, PathBuf>,
    /// The environment variables that steer version managers and the loader, by name (`PYENV_VERSION`, `VIRTUAL_ENV`,
    /// `LD_LIBRARY_PATH`, …; see [`Lookup::VARIABLES`]). Others are ignored.
    pub variables: BTreeMap<String, String>,
}

/// A program that runs scripts, and everything that must be visible for it to start.
///
/// The caller executes `program` with `arguments`, then the script, then the script's own arguments, with
/// `environment` added to what the policy declares, in a root that holds `mounts` and `symlinks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// What the program understands.
    pub language: Language,
    /// The absolute path to execute, valid inside the root. It is the real binary, never a version manager's shim; a
    /// name that has a meaning of its own (a virtual environment's `python`, `sh`) is kept.
    pub program: PathBuf,
    /// Arguments that go before the script.
    pub arguments: Vec<OsString>,
    /// Host directories and files to bind read-only at the same path: absolute, free of symbolic links, sorted, none
    /// inside another.
    pub mounts: Vec<PathBuf>,
    /// Symbolic links to recreate, as (path of the link, its text): absolute paths outside all `mounts`, sorted.
    pub symlinks: Vec<(PathBuf, PathBuf)>,
    /// Variables that the program needs, beyond those of the policy.
    pub environment: Vec<(OsString, OsString)>,
    /// Python: the top-level modules that can be imported without `site`, sorted. Empty for other languages.
    pub standard_modules: Vec<String>,
}

/// The host's ordinary commands (`ls`, `awk`, `git`, …), for scripts whose policy lets them start processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools {
    /// As [`Runtime::mounts`].
    pub mounts: Vec<PathBuf>,
    /// As [`Runtime::symlinks`].
    pub symlinks: Vec<(PathBuf, PathBuf)>,
    /// The value of `PATH` that finds the commands inside the root.
    pub search_path: String,
}

impl Lookup {
    /// The names of the variables that are understood: what a caller should put into
    /// [`variables`](Self::variables) from its environment.
    pub const VARIABLES: &'static [&'static str] = &[
        "ASDF_DATA_DIR",
        "ASDF_NODEJS_VERSION",
        "ASDF_PYTHON_VERSION",
        "LD_LIBRARY_PATH",
        "MISE_NODE_VERSION",
        "MISE_PYTHON_VERSION",
        "NODENV_VERSION",
        "PYENV_VERSION",
        "SSL_CERT_FILE",
        "VIRTUAL_ENV",
    ];
}
