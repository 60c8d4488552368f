//! The C ABI: handles, buffers, errors, the panic boundary. It converts and delegates; it decides nothing.
//!
//! One file per handle. Every function is made the same way: outputs are set to NULL, inputs are checked and borrowed,
//! `engine` is asked, its answer is converted. `include/skilllite.h` is generated from the functions and comments in
//! here (`tests/header.rs`), so comments speak to C programmers; `docs/api-conventions.md` says once what holds for all.

#![allow(non_camel_case_types, reason = "these are the names of the C types")]
#![allow(
    clippy::missing_safety_doc,
    reason = "the comments are the header's; docs/api-conventions.md has the contract"
)]

mod agent;
mod buffer;
mod call;
mod engine;
mod error;
mod handle;
mod library;
mod panic;
mod skills;
mod stream;
mod text;

pub use agent::*;
pub use buffer::*;
pub use call::*;
pub use engine::*;
pub use error::*;
pub use library::*;
pub use skills::*;
pub use stream::*;

#[cfg(test)]
mod tests;
