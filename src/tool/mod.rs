//! What an LLM sees of a skill, and an LLM's call turned into a program's argv and stdin.
//!
//! In comes a loaded [`Skill`]; out go [`Tool`]s: a name, a description and a JSON Schema each. A call's arguments
//! come back as JSON, are judged, and leave as an [`Invocation`]. Nothing is run here and no shell is ever involved;
//! the engine decides what starts. Vendors' JSON shapes are in [`dialect`].

mod argv;
mod definition;
pub mod dialect;
pub mod disclosure;
mod name;
mod scripts;
pub(crate) mod stored;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use crate::error::Result;
use crate::runtime::Language;
use crate::schema::Schema;
pub use crate::schema::{ArgvSpec, Convention};
use crate::skill::Skill;
pub use definition::Definition;
pub use name::unique_names;
pub use scripts::tools_of;

/// The longest description of a tool, in bytes.
pub const DESCRIPTION_BYTES: usize = 1024;

/// One script of a skill as an LLM sees it.
#[derive(Clone, Debug)]
pub struct Tool {
    /// The name that the LLM calls: `^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$`.
    pub name: String,
    /// What it does, at most [`DESCRIPTION_BYTES`] bytes.
    pub description: String,
    /// The skill that it belongs to.
    pub skill: Arc<Skill>,
    /// The script, relative to the skill's root.
    pub script: PathBuf,
    /// What runs the script.
    pub language: Language,
    /// The schema that arguments are judged by.
    pub schema: Arc<Schema>,
    /// How arguments reach the script.
    pub convention: Convention,
    /// Where each property comes from: `declared`, `stdin`, `generic`, or what the script reads its
    /// command line with (`argparse`, `commander`, `getopts`, …).
    pub provenance: BTreeMap<String, &'static str>,
}

/// A call as a program receives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invocation {
    /// The arguments after the script's own path; none contains a NUL byte.
    pub arguments: Vec<OsString>,
    /// What the program reads on stdin.
    pub stdin: Vec<u8>,
}

impl Tool {
    /// The JSON Schema of the arguments; its root is an object.
    pub fn parameters(&self) -> &Value {
        self.schema.value()
    }

    /// Judges a call's arguments and builds what the program receives. `arguments` is an object, or a JSON string that
    /// contains one (some servers encode twice). At the top level `null` means that the argument is not given, unless
    /// the schema names null for it. Fails with [`crate::error::Status::InvalidArguments`] and one line that a model can repair from.
    pub fn prepare(&self, arguments: &Value) -> Result<Invocation> {
        argv::prepare(self, arguments)
    }

    /// The same for a command line that was made elsewhere: its words reach the script as they are. Only what no command
    /// line can carry is refused: NUL characters, too many bytes.
    pub fn prepare_words(&self, words: Vec<String>) -> Result<Invocation> {
        argv::verbatim(&self.name, words)
    }
}
