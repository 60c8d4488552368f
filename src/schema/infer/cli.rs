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
    /// Python's `bool`: any text but the empty one is true.
    Truth,
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
    /// Nothing: the flag alone gives its destination this, which other flags may give other values.
    Constant(Value),
    /// Nothing: each time, the flag puts this on a list.
    Item(Value),
    /// Nothing, and the flag is counted.
    Count,
    /// One value.
    #[default]
    One,
    /// A value, or nothing, which means this.
    Optional(Value),
    /// Several values: a flag is repeated, a positional takes what is left.
    Many,
    /// A flag and several values after it; repeated, it may add to them.
    List { is_needed: bool, is_repeatable: bool },
    /// A flag that is repeated, each time with several values.
    Lists { is_needed: bool },
    /// So many values.
    Exactly(u64),
    /// A flag that is repeated, each time with so many values.
    Tuples(u64),
    /// All that follows, options included.
    Rest,
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
    /// `None` when it has none or it is not known.
    pub(super) default: Option<Value>,
    /// The values given are added to the default.
    pub(super) adds_to_default: bool,
    /// The least and the most that a number may be.
    pub(super) bounds: (Option<Value>, Option<Value>),
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

    /// The flag that is written: the first long one, with its first character twice, else the first.
    pub(super) fn flag(&self) -> Option<&str> {
        let is_long = |flag: &&String| {
            let mut chars = flag.chars();
            let first = chars.next();
            first == chars.next() && first.is_some_and(|first| !first.is_alphanumeric()) && flag.len() > 2
        };
        self.flags.iter().find(is_long).or(self.flags.first()).map(String::as_str)
    }

    /// Whether values follow.
    pub(super) fn takes_values(&self) -> bool {
        !matches!(self.takes, Takes::Nothing | Takes::Constant(_) | Takes::Item(_) | Takes::Count)
    }
}

/// A command line, or a subcommand's.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) description: Option<String>,
    pub(super) arguments: Vec<Arg>,
    pub(super) exclusive: Vec<Exclusive>,
    pub(super) commands: Vec<Command>,
    /// The name that the script gives to the choice of a subcommand.
    pub(super) chooser: Option<String>,
    pub(super) needs_command: bool,
    pub(super) grammar: Grammar,
}

/// Arguments of which at most one may be given, by their index.
#[derive(Clone, Debug)]
pub(super) struct Exclusive {
    pub(super) members: Vec<usize>,
    pub(super) is_required: bool,
}

/// A subcommand.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) line: Line,
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
