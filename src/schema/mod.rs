//! The JSON Schema of a script's arguments: declared by its author, or inferred from its source.
//!
//! In comes what a skill declares and the bytes of its scripts, never a path and never a process: nothing is run to
//! learn its arguments. Out go a compiled [`Schema`] that judges a call before anything starts, and the
//! [`Convention`] by which the arguments reach the program. This room knows no skills, no tools and no LLM.

pub mod bounds;
pub mod convention;
pub mod declared;
pub mod infer;
pub(crate) mod stored;
pub(crate) mod validate;

pub use convention::{
    Argument, ArgvSpec, Command, Convention, Dashes, Exclusive, Form, Grammar, Reading, Scalar, Subcommands, Values,
};
pub use infer::{Inferred, SOURCES, infer, infer_script};
pub use validate::Schema;

/// The longest text of one validation message, in bytes; a model must be able to read and repair from it.
pub const MESSAGE_BYTES: usize = 600;
/// The largest schema that is compiled, in bytes of its JSON text.
pub const SCHEMA_BYTES: usize = 64 * 1024;
/// The most properties that an inferred schema has; further arguments of the script are left out.
pub const PROPERTY_COUNT: usize = 128;
