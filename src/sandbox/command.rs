//! What to run: a program, its inputs and the paths it must see. Plain data made by `engine` for one run.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

/// A path of the host made visible at a path of the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// Absolute path on the host, without symbolic links.
    pub source: PathBuf,
    /// Absolute path in the sandbox.
    pub target: PathBuf,
    /// Whether the sandbox may write there.
    pub is_writable: bool,
}

/// Where the run finds its own places. Made by [`super::Sandbox::layout`]: without a mount namespace these are paths of
/// the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The read-only folder of the program's files.
    pub home: PathBuf,
    /// The writable work directory, collected afterwards.
    pub work: PathBuf,
    /// The writable temporary directory, thrown away.
    pub temporary: PathBuf,
}

/// Takes the listening socket of a run under [`super::Network::Listener`]: called once, on a thread of the sandbox, before
/// the program starts. It must return at once.
pub type Uplink = Arc<dyn Fn(OwnedFd) + Send + Sync>;

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program, as a path of the sandbox.
    pub program: PathBuf,
    /// Its arguments, `argv[0]` included.
    pub arguments: Vec<OsString>,
    /// Its whole environment, apart from the variables of the policy.
    pub environment: Vec<(OsString, OsString)>,
    /// What it reads from standard input.
    pub stdin: Vec<u8>,
    /// The host folder shown as [`Layout::home`].
    pub home_source: PathBuf,
    /// Host paths it must see.
    pub binds: Vec<Bind>,
    /// Symbolic links of the view: link path, target text.
    pub symlinks: Vec<(PathBuf, PathBuf)>,
    /// Files put into the work directory before the start: relative path, content. An absolute path may lie in the
    /// temporary directory instead.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    /// Whether its output can be read while it runs.
    pub is_followed: bool,
    /// Its working directory, as a path of the sandbox.
    pub working_directory: PathBuf,
    /// Where the three places are.
    pub layout: Layout,
}
