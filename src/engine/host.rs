//! What an engine takes from the process around it, once, when it is made.
//!
//! The only place of the library that reads the environment. A snapshot, because hosts change their environment from
//! other threads and because two calls of one engine must not see two different worlds.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::runtime::Lookup;

/// The surroundings of an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// The absolute directories of `PATH`, in order.
    pub search_path: Vec<PathBuf>,
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// The variables that steer version managers ([`Lookup::VARIABLES`]), where they are set.
    pub variables: BTreeMap<String, String>,
    /// Processors that this process may use; at least 1.
    pub cores: usize,
}

impl Host {
    /// Looks at the process. A host that calls `setenv` in another thread meanwhile breaks the rule of its own C
    /// library, as for any reader of the environment.
    pub fn snapshot() -> Self {
        let search_path = std::env::var_os("PATH").unwrap_or_default();
        Self {
            // A relative entry would make the interpreter depend on the directory the host happens to be in.
            search_path: std::env::split_paths(&search_path).filter(|dir| dir.is_absolute()).collect(),
            home: std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute()),
            variables: Lookup::VARIABLES
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
                .collect(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}
