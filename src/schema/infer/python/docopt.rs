//! docopt: the usage text is the command line, and lines below it describe its options.

use super::argparse::{Origin, Parser};
use super::usage::{PARTS, Switch, parse};
use crate::schema::Grammar;
use crate::schema::infer::cli::Arg;

/// The command line of a text.
pub(super) fn parser(text: &str) -> Option<Parser> {
    let usage = parse(text)?;
    let described = options(text);
    let mut arguments: Vec<Arg> = Vec::new();
    for word in &usage.words {
        arguments.push(Arg {
            dest: word.name.clone(),
            takes: word.takes(),
            is_required: !word.is_optional,
            ..Arg::default()
        });
    }
    for option in usage.options.iter() {
        let is_described = |known: &Switch| known.flags.iter().any(|flag| option.flags.contains(flag));
        if !described.iter().any(is_described) {
            arguments.push(option.argument());
        }
    }
    for option in &described {
        let is_required = usage
            .options
            .iter()
            .any(|used| used.is_required && option.flags.contains(used.flags.first().unwrap_or(&String::new())));
        let argument = option.argument();
        arguments
            .push(Arg { is_required: is_required && option.value.is_some() && option.default.is_none(), ..argument });
    }
    Some(Parser { arguments, grammar: Grammar::getopt(), origin: Origin::Docopt, ..Parser::default() })
}

/// The described options: `-s --speed=<kn>  Speed in knots [default: 10].`
fn options(text: &str) -> Vec<Switch> {
    let mut found: Vec<Switch> = Vec::new();
    for line in text.lines().map(str::trim_start).filter(|line| line.starts_with('-')).take(PARTS) {
        let (names, help) = line.split_once("  ").unwrap_or((line, ""));
        let mut switch = Switch { help: help.trim().to_owned(), ..Switch::default() };
        for name in names.split([' ', ',', '=']).filter(|name| !name.is_empty()) {
            if name.starts_with('-') {
                switch.flags.push(name.to_owned());
            } else {
                switch.value = Some(name.to_owned());
            }
        }
        let lower = help.to_ascii_lowercase();
        if let Some(at) = lower.find("[default:") {
            let inner = help.get(at + "[default:".len()..).and_then(|tail| tail.split(']').next());
            switch.default = inner.map(|inner| inner.trim().to_owned());
        }
        if !switch.flags.iter().any(|flag| matches!(flag.as_str(), "-h" | "--help" | "--version")) {
            found.push(switch);
        }
    }
    found
}
