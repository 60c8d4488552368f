//! How the arguments of a call reach the program: as JSON on stdin, as flags and positionals, or as a plain list.
//!
//! A convention is found together with the schema and is plain data; `tool::argv` turns it and a call's arguments
//! into an argv. Property names here are the ones of the schema; flags are the ones of the script.

use serde_json::Value;

/// The calling convention of a script.
#[derive(Clone, Debug, PartialEq)]
pub enum Convention {
    /// The arguments object is written to stdin as one JSON document; argv is empty.
    StdinJson,
    /// The arguments become flags and positionals by this specification.
    Argv(ArgvSpec),
    /// Nothing is known: `args` (strings) is argv as it stands and `stdin` (text) is stdin.
    Generic,
}

/// The command line of a script, or of one of its subcommands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArgvSpec {
    /// Options and positionals in the order in which the script defines them.
    pub arguments: Vec<Argument>,
    /// The script's subcommands, when it has them.
    pub subcommands: Option<Subcommands>,
    /// Sets of properties of which at most one may be given.
    pub exclusive: Vec<Exclusive>,
    /// The property whose text goes to stdin, when the script also reads it.
    pub stdin_property: Option<String>,
    /// How the script reads its words, and so how they are put together.
    pub grammar: Grammar,
}

/// How a script reads the words of its command line, and so how they are put together; the default is argparse's.
///
/// A flag that itself ends in `=` is followed by its value in the same word, whatever is said here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grammar {
    /// Which word the script gives to which argument.
    pub reading: Reading,
    /// How an option and its value stand together.
    pub values: Values,
    /// What protects a positional that starts with `-`.
    pub dashes: Dashes,
    /// Positionals stand before the options, because the script takes them by their place.
    pub is_positional_first: bool,
    /// The characters that start an option; empty means `-`.
    pub prefixes: String,
    /// Characters that make the script read an argument from a file when it starts with one of them
    /// (`fromfile_prefix_chars`); such positionals are refused.
    pub file_prefixes: String,
    /// An option of the script looks like a negative number, so a negative number is never a value of a list.
    pub has_numeric_flags: bool,
}

impl Grammar {
    /// Command lines in getopt_long's tradition: click, typer, docopt.
    pub fn getopt() -> Self {
        Self { reading: Reading::Getopt, values: Values::ShortApart, ..Self::default() }
    }

    /// A script that takes its words by their place and asks for flags among them.
    pub fn words() -> Self {
        Self {
            reading: Reading::Words,
            values: Values::Apart,
            dashes: Dashes::Verbatim,
            is_positional_first: true,
            ..Self::default()
        }
    }
}

/// Which word a script gives to which argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// A dash starts an option unless the word is glued to a flag by `=`, follows `--`, or is a number; a positional leaves
    /// those after it the words that they need (argparse).
    #[default]
    Argparse,
    /// An option takes the words that follow it, whatever they are; positionals are filled from the left.
    Getopt,
    /// Every word that follows no flag is the positional of its place, `--` as well.
    Words,
}

/// How an option and its value stand together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Values {
    /// `--flag=value`, `-f=value`.
    #[default]
    Joined,
    /// `--flag=value`, but `-f value`; `-f-value` where a value that starts with `-` would be read as an option.
    ShortApart,
    /// `--flag value`, `-f value`.
    Apart,
}

/// What protects a positional that starts with `-` from being taken for an option.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dashes {
    /// `--` before the positionals, where one starts with `-`.
    #[default]
    Marked,
    /// `--` before the positionals, always: an option before them would take them too.
    AlwaysMarked,
    /// Nothing: the script takes positionals by their place. Only one that equals a flag is refused.
    Verbatim,
    /// Nothing does; such a positional is refused.
    Refused,
}

/// One argument of a command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// Its property in the schema.
    pub property: String,
    /// How it is written.
    pub form: Form,
    /// Whether the script fails without it.
    pub is_required: bool,
}

/// How an argument is written on the command line.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// One value at its position.
    Positional(Scalar),
    /// Several values at their position; `takes_rest` means everything that follows, options included.
    Positionals {
        /// How each value is spelled.
        scalar: Scalar,
        /// The argument takes all that follows verbatim (argparse's REMAINDER).
        takes_rest: bool,
    },
    /// Exactly `count` values at their position.
    PositionalTuple {
        /// How each value is spelled.
        scalar: Scalar,
        /// How many values there are.
        count: u64,
    },
    /// `--flag=value`; with `bare` set, that value is written as the flag alone.
    Option {
        /// The option string, longest first choice.
        flag: String,
        /// How the value is spelled.
        scalar: Scalar,
        /// The value that the flag alone stands for (argparse's `nargs="?"` with `const`).
        bare: Option<Value>,
    },
    /// `--flag a b c`: one flag, several values.
    OptionList {
        /// The option string.
        flag: String,
        /// How each value is spelled.
        scalar: Scalar,
        /// The script extends the list by each occurrence, so `--flag=a --flag=b` says the same.
        is_repeatable: bool,
    },
    /// `--flag a b`: one flag, exactly `count` values; repeated, each item is such a list.
    OptionTuple {
        /// The option string.
        flag: String,
        /// How each value is spelled.
        scalar: Scalar,
        /// How many values follow the flag.
        count: u64,
        /// The flag may stand several times: `--flag a b --flag c d`.
        is_repeated: bool,
    },
    /// `--flag=a --flag=b`: one flag per value; with `takes_lists`, each item is a list: `--flag a b --flag c d`.
    Repeated {
        /// The option string.
        flag: String,
        /// How each value is spelled.
        scalar: Scalar,
        /// Each occurrence takes several values.
        takes_lists: bool,
    },
    /// `-v -v`: the flag as often as the number says, above what the script starts from.
    Count {
        /// The option string.
        flag: String,
        /// The script's default, from which it counts.
        start: u64,
    },
    /// Each value has a flag of its own; a value without one is said by leaving all of them out.
    Switch(Vec<(Value, String)>),
    /// A list of values of which each has a flag of its own (argparse's `append_const`).
    Switches(Vec<(Value, String)>),
}

/// How one value is spelled as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scalar {
    /// Strings as they are; numbers, booleans and null in JSON notation; lists and objects as JSON text.
    #[default]
    Text,
    /// A whole number without a fraction part (`5`, also for `5.0`).
    Integer,
    /// Everything as JSON text, strings quoted (a script that parses the value with `json.loads`).
    Json,
    /// `True` or the empty string (a script that converts with Python's `bool`).
    Truth,
}

/// The subcommands of a command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Subcommands {
    /// The property that names the subcommand.
    pub property: String,
    /// Whether the script fails without one.
    pub is_required: bool,
    /// Each subcommand.
    pub commands: Vec<Command>,
}

/// One subcommand.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The word on the command line.
    pub name: String,
    /// Its own arguments.
    pub spec: ArgvSpec,
}

/// Properties of which at most one may be given in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusive {
    /// The properties.
    pub properties: Vec<String>,
    /// One of them must be given.
    pub is_required: bool,
}

impl Form {
    /// The option strings that it may be written with; a positional has none.
    pub fn flags(&self) -> impl Iterator<Item = &str> {
        let (one, several) = match self {
            Form::Positional(_) | Form::Positionals { .. } | Form::PositionalTuple { .. } => (None, None),
            Form::Option { flag, .. }
            | Form::OptionList { flag, .. }
            | Form::OptionTuple { flag, .. }
            | Form::Repeated { flag, .. }
            | Form::Count { flag, .. } => (Some(flag), None),
            Form::Switch(flags) | Form::Switches(flags) => (None, Some(flags)),
        };
        one.into_iter().chain(several.into_iter().flatten().map(|(_, flag)| flag)).map(String::as_str)
    }
}

impl ArgvSpec {
    /// The argument of this property on this level, subcommands not searched.
    pub fn argument(&self, property: &str) -> Option<&Argument> {
        self.arguments.iter().find(|argument| argument.property == property)
    }

    /// Whether the property belongs to this command line or to any subcommand below it.
    pub fn knows(&self, property: &str) -> bool {
        self.argument(property).is_some()
            || self.stdin_property.as_deref() == Some(property)
            || self.subcommands.as_ref().is_some_and(|subcommands| {
                subcommands.property == property
                    || subcommands.commands.iter().any(|command| command.spec.knows(property))
            })
    }
}

/// A number in digits alone where it is whole (`5.0` is `5`, `1e20` is written out), otherwise as JSON writes it.
pub(crate) fn whole(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 => format!("{float:.0}"),
        _ => number.to_string(),
    }
}
