//! The sandbox: policy → plan → supervisor → process.
//!
//! It knows policies, plans and processes; it has never heard of skills, JSON or LLMs. `engine` hands it a [`Command`]
//! and a [`Policy`] and gets a [`Run`], whose [`Outcome`] says how it ended and which layers held.

mod bell;
mod command;
#[cfg(target_os = "linux")]
mod linux;
mod outcome;
pub mod plan;
mod policy;
mod tier;
mod watch;
// The library builds plans and reads events; the supervisor uses the rest.
#[allow(dead_code)]
mod wire;

use std::path::PathBuf;

pub use bell::Bell;
pub use command::{Bind, Command, Layout, Uplink};
#[cfg(target_os = "linux")]
pub use linux::{Run, Sandbox};
pub use outcome::{Captured, End, Outcome, Stop, Usage, WorkDirectory};
pub use policy::{Limits, Network, Policy};
pub use tier::{Isolation, Layer, LayerState, Obstacle, Report, Tier};
pub use watch::{Hold, Watch};

/// How a [`Sandbox`] works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// A supervisor executable to use instead of the embedded one, where executing from memory is forbidden.
    pub supervisor_path: Option<PathBuf>,
    /// Runs at once; more are queued.
    pub max_running: usize,
    /// Queued runs; more are refused.
    pub max_queued: usize,
}
