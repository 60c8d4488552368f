//! One configured instance of the library: what it knows (registry), what it allows (config, options) and what it runs
//! (calls).
//!
//! `capi` comes in with text; what leaves are JSON documents and [`Call`]s. This room turns a tool's name and arguments
//! into one sandboxed program and its outcome into a result. It decides nothing about isolation (that is `sandbox`) and
//! nothing about what an LLM sees (that is `tool`). [`Host::snapshot`] is the only look at the environment.

mod answer;
mod cache;
mod call;
mod catalogue;
mod command;
mod config;
mod copies;
mod dependencies;
mod disclosure;
mod document;
#[allow(clippy::module_inception, reason = "the room is named after its main thing, which has its own file")]
mod engine;
mod environment;
mod host;
mod inputs;
mod network;
mod offer;
mod options;
mod origin;
mod outputs;
mod prompt;
mod registry;
mod result;
mod round;
mod scan;
mod snapshot;
mod started;

pub(crate) use answer::{for_model, is_for_the_host};
pub use call::Call;
pub use catalogue::validate;
pub use config::{Config, WorkingDirectory};
pub use disclosure::Disclosure;
pub(crate) use document::{Section, excerpt, invalid, parse};
pub use engine::{Engine, probe};
pub use host::Host;
pub(crate) use offer::Offer;
pub use options::{CallOptions, Input};
pub use round::Round;
pub use started::Started;
