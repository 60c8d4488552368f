//! The loop between a model and the tools, as a state machine without input or output of its own.
//!
//! A host asks, posts the requests that it is given with whatever HTTP client it has, feeds the responses, and gets an
//! answer. In between the calls that the model asks for are approved, run by the engine in parallel, clipped and
//! answered; iterations, the output of tools and time are bounded. Vendors' JSON is `tool::dialect`'s.
//! docs/agent.md has the picture.

#[allow(clippy::module_inception, reason = "the room is named after its main thing, which has its own file")]
mod agent;
mod approval;
mod batch;
mod budget;
mod clip;
mod config;
mod conversation;
mod event;
mod inbox;
mod output;
mod prompt;
mod repeats;

pub use agent::Agent;
