//! The command line that a parser of Python describes, subcommands included.

use serde_json::Value;

use super::argparse::Parser;
use crate::schema::Grammar;
use crate::schema::infer::cli::{Arg, Command, Kind, Line};
use crate::schema::infer::properties::{NESTING, property_name};

/// The command line of a parser; nothing below the deepest nesting.
pub(super) fn line(parsers: &[Parser], index: usize, depth: usize) -> Line {
    let Some(parser) = parsers.get(index).filter(|_| depth < NESTING) else { return Line::default() };
    let has_numeric_flags = parser.arguments.iter().any(|arg| arg.flags.iter().any(|flag| is_numeric(flag)));
    let subcommands = parser.subparsers.as_ref();
    let commands = subcommands.iter().flat_map(|subcommands| &subcommands.commands).map(|command| Command {
        name: command.name.clone(),
        help: command.help.clone(),
        line: line(parsers, command.parser, depth + 1),
    });
    let chooser = subcommands.and_then(|subcommands| property_name(subcommands.dest.as_deref()?));
    Line {
        description: parser.description.clone(),
        arguments: parser.arguments.iter().cloned().map(argument).collect(),
        exclusive: parser.exclusive.clone(),
        commands: commands.collect(),
        chooser: Some(chooser.unwrap_or_else(|| "command".to_owned())),
        needs_command: subcommands.is_some_and(|subcommands| subcommands.is_required),
        grammar: Grammar { has_numeric_flags, ..parser.grammar.clone() },
    }
}

fn argument(mut arg: Arg) -> Arg {
    if arg.takes_values() {
        arg.default = arg.default.as_ref().map(|value| converted(value, arg.kind));
    }
    arg
}

/// A default as the parser would see it: argparse converts texts, and only texts.
fn converted(value: &Value, kind: Kind) -> Value {
    match (kind, value) {
        (Kind::Integer, Value::String(text)) => text.parse::<i64>().map_or(value.clone(), Value::from),
        (Kind::Number, Value::String(text)) => text.parse::<f64>().map_or(value.clone(), Value::from),
        (Kind::Json, Value::String(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
        _ => value.clone(),
    }
}

/// Whether a flag looks like a negative number to argparse.
fn is_numeric(flag: &str) -> bool {
    flag.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
}
