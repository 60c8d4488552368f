//! The sandbox: policy → plan → supervisor → process.
//!
//! It knows policies, plans and processes; it has never heard of skills, JSON or LLMs. `engine` hands it a [`Command`]
//! and a [`Policy`] and gets a [`Run`], whose [`Outcome`] says how it ended and which layers held.

mod command;
#[cfg(target_os = "linux")]
mod linux;
mod outcome;
mod plan;
mod policy;
mod tier;
mod wire;

pub use command::{Bind, Command, Layout};
pub use outcome::{Captured, End, Outcome, Stop, Usage};
pub use policy::{LimitField, Limits, Policy};
pub use tier::{Isolation, Layer, LayerState, Obstacle, Report, Tier};
