//! What a sandboxed process may do, as plain data.
//!
//! A [`Policy`] is a value: the default is useful and safe, nothing reads the environment, and the only operation on
//! two of them is to narrow. The room [`super::plan`] compiles it; nobody else interprets it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::tier::Tier;
use crate::limit::Limit;

/// The rules for one process tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The weakest isolation that is acceptable; below it nothing runs.
    pub min_tier: Tier,
    /// The strongest isolation to use, where a host gives more than is wanted (for uniform behaviour, and tests).
    pub max_tier: Tier,
    /// What the process may consume.
    pub limits: Limits,
    /// Variables added to the small fixed environment.
    pub environment: BTreeMap<String, String>,
    /// Host paths visible read-only, at the same path.
    pub read_paths: Vec<PathBuf>,
    /// Host paths visible and writable, at the same path.
    pub write_paths: Vec<PathBuf>,
    /// Whether the process may start further programs.
    pub allows_subprocess: bool,
    /// What it may reach.
    pub network: Network,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            min_tier: Tier::Namespaces,
            max_tier: Tier::Full,
            limits: Limits::default(),
            environment: BTreeMap::new(),
            read_paths: Vec::new(),
            write_paths: Vec::new(),
            allows_subprocess: true,
            network: Network::Closed,
        }
    }
}

/// What a process tree may reach. Either way, nothing of the outside by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// Nothing: no interface, no socket but UNIX ones.
    #[default]
    Closed,
    /// A listener on its own loopback at this port, handed to whoever started the run ([`super::Uplink`]). In the
    /// Landlock tier there is no own loopback: the listener is the starter's, and the port is all that is guarded.
    Listener {
        /// The TCP port of 127.0.0.1.
        port: u16,
    },
}

/// Bounds on what one process tree may consume. Every bound is positive; there is no "unlimited".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time from the start of the call to its result, in milliseconds.
    pub wall_ms: u64,
    /// Processor time of each process, in milliseconds (the kernel counts whole seconds; rounded up).
    pub cpu_ms: u64,
    /// Memory of the whole tree, in bytes.
    pub memory_bytes: u64,
    /// Processes and threads alive at once.
    pub pids: u64,
    /// Open descriptors of each process.
    pub open_files: u64,
    /// Size of one file, in bytes.
    pub file_bytes: u64,
    /// Size of the work directory and the temporary directory each, in bytes.
    pub disk_bytes: u64,
    /// Kept bytes of stdout and of stderr each; more is dropped from the middle.
    pub output_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall_ms: 30_000,
            cpu_ms: 30_000,
            memory_bytes: 512 << 20,
            pids: 64,
            open_files: 256,
            file_bytes: 256 << 20,
            disk_bytes: 256 << 20,
            output_bytes: 1 << 20,
        }
    }
}

impl Limits {
    /// Every bound, its key and its range.
    pub const FIELDS: &'static [Limit<Limits>] = crate::limit::fields! {
        wall_ms: 1, 86_400_000;
        cpu_ms: 1, 86_400_000;
        memory_bytes: 4 << 20, 1 << 44;
        pids: 1, 1 << 16;
        open_files: 8, 1 << 20;
        file_bytes: 1 << 12, 1 << 44;
        disk_bytes: 1 << 16, 1 << 44;
        output_bytes: 1 << 10, 1 << 30;
    };
}
