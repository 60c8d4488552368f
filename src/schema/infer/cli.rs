//! A command line as a script describes it, in no language's and no library's terms.
//!
//! The readers of scripts fill it, `shape` says what each argument is in JSON Schema, and `emit` makes the
//! schema and the calling convention of the whole.

use serde_json::Value;

use crate::schema::Grammar;

/// What a value on the command line becomes in the script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Text,
    Integer,
    Number,
    /// The words `true` and `false`.
    Boolean,
    /// JSON text that the script parses.
    Json,
}

/// What follows a flag, or what a positional takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Takes {
    /// Nothing: the flag alone says true.
    Nothing,
    /// One value.
    #[default]
    One,
    /// A value, or nothing, which means this.
    Optional(Value),
    /// Several values: a flag is repeated, a positional takes what is left.
    Many,
    /// Nothing, and the flag is counted.
    Count,
}

/// One argument.
#[derive(Clone, Debug, Default)]
pub(super) struct Arg {
    /// The name of its property, before it is made fit for one.
    pub(super) dest: String,
    /// Its option strings; none for a positional.
    pub(super) flags: Vec<String>,
    /// The option string that says false.
    pub(super) negative: Option<String>,
    pub(super) takes: Takes,
    pub(super) kind: Kind,
    pub(super) choices: Vec<Value>,
    pub(super) default: Option<Value>,
    pub(super) is_required: bool,
    pub(super) help: String,
}

impl Arg {
    /// An option that takes a value.
    pub(super) fn option(flag: &str) -> Self {
        Self { dest: flag.trim_matches(['-', '=']).to_owned(), flags: vec![flag.to_owned()], ..Self::default() }
    }

    /// An option without a value.
    pub(super) fn switch(flag: &str) -> Self {
        Self { takes: Takes::Nothing, ..Self::option(flag) }
    }

    /// A value at its position.
    pub(super) fn positional(dest: &str) -> Self {
        Self { dest: dest.to_owned(), ..Self::default() }
    }

    pub(super) fn is_positional(&self) -> bool {
        self.flags.is_empty() && self.negative.is_none()
    }

    /// The flag that is written: the first long one, else the first.
    pub(super) fn flag(&self) -> Option<&str> {
        self.flags.iter().find(|flag| flag.starts_with("--")).or(self.flags.first()).map(String::as_str)
    }
}

/// A command line, or a subcommand's.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) description: Option<String>,
    pub(super) arguments: Vec<Arg>,
    /// Destinations of which at most one may be given.
    pub(super) exclusive: Vec<Vec<String>>,
    /// Subcommands by their names.
    pub(super) commands: Vec<(String, Line)>,
    pub(super) needs_command: bool,
    pub(super) grammar: Grammar,
}

impl Line {
    pub(super) fn takes_anything(&self) -> bool {
        !self.arguments.is_empty() || !self.commands.is_empty()
    }
}

/// Flags that print help or a version and end; no call is made of them.
pub(super) fn is_help(flag: &str) -> bool {
    matches!(flag, "--help" | "-h" | "-help" | "-?" | "help" | "--usage")
}
