//! What a script's source says about its arguments; nothing is executed to learn it.
//!
//! One room per language reads the source and gives an [`Inferred`]; where it finds nothing, or for a language without
//! a reader, the generic schema says `args` and `stdin`. Sources over 1 MiB are not read.

#[cfg(feature = "inference")]
mod cli;
#[cfg(feature = "inference")]
mod document;
#[cfg(feature = "inference")]
mod emit;
#[cfg(feature = "inference")]
mod node;
#[cfg(feature = "inference")]
mod parser;
#[cfg(feature = "inference")]
mod properties;
#[cfg(feature = "inference")]
mod python;
#[cfg(feature = "inference")]
mod shape;
#[cfg(feature = "inference")]
mod shell;
#[cfg(feature = "inference")]
mod usage;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::Convention;
use crate::runtime::Language;

/// The largest source that is read, in bytes.
pub const SOURCE_BYTES: usize = 1024 * 1024;

/// Every word that says where a property comes from ([`Inferred::provenance`]), and `declared`.
pub const SOURCES: [&str; 18] = [
    "arg",
    "argparse",
    "argv",
    "case",
    "click",
    "commander",
    "declared",
    "docopt",
    "generic",
    "getopts",
    "minimist",
    "mri",
    "parseArgs",
    "positional",
    "process.argv",
    "stdin",
    "typer",
    "yargs",
];

/// A script's arguments as its source tells them.
#[derive(Clone, Debug, PartialEq)]
pub struct Inferred {
    /// The JSON Schema of the arguments; its root is always an object.
    pub schema: Value,
    /// How the arguments reach the script.
    pub convention: Convention,
    /// Where each property comes from: what reads the command line (`argparse`, `click`, `commander`, `getopts`, …), `stdin` or
    /// `generic`.
    pub provenance: BTreeMap<String, &'static str>,
    /// The script's own first line about itself (its parser's description or its docstring).
    pub description: Option<String>,
    /// The script reads one JSON document from stdin.
    pub reads_stdin_json: bool,
}

impl Inferred {
    /// The schema of a script of which nothing is known: argv as it stands, and text for stdin.
    pub fn generic() -> Self {
        Self {
            schema: json!({
                "type": "object",
                "properties": {
                    "args": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "Command line arguments, one word each, as the script expects them."
                    },
                    "stdin": {"type": "string", "description": "Text given to the script on standard input."}
                },
                "additionalProperties": false
            }),
            convention: Convention::Generic,
            provenance: [("args".to_owned(), "generic"), ("stdin".to_owned(), "generic")].into(),
            description: None,
            reads_stdin_json: false,
        }
    }
}

/// A script, and how to reach the files beside it.
#[derive(Clone, Copy)]
pub struct Script<'a> {
    /// What runs it.
    pub language: Language,
    /// Its own text.
    pub source: &'a [u8],
    /// Where it is, relative to the skill's root.
    pub path: &'a Path,
    /// Gives another file of the skill by its path relative to the root; asked for few, and for small ones.
    pub files: &'a dyn Fn(&Path) -> Option<Vec<u8>>,
}

/// Reads a script's source alone. Never fails: what is not understood is generic.
pub fn infer(language: Language, source: &[u8]) -> Inferred {
    infer_script(&Script { language, source, path: Path::new("script"), files: &|_| None })
}

/// Reads a script's source, and the modules of the skill that it imports. Never fails: what is not understood is generic.
pub fn infer_script(script: &Script<'_>) -> Inferred {
    if script.source.len() > SOURCE_BYTES {
        return Inferred::generic();
    }
    match script.language {
        #[cfg(feature = "inference")]
        Language::Python => python::infer(script),
        #[cfg(feature = "inference")]
        Language::Node => node::infer(script.source),
        #[cfg(feature = "inference")]
        Language::Bash | Language::Sh => shell::infer(script.source),
        _ => Inferred::generic(),
    }
}
