//! What is known of one command line parser of a script, whichever library it is of, or none.
//!
//! The readers of JavaScript and shell collect it as they go; `line` makes a described command line of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::cli::{Arg, Command, Exclusive, Kind, Line, Takes, is_help};
use super::properties::NESTING;
use super::usage::Usage;
use crate::schema::{Dashes, Grammar, PROPERTY_COUNT, Values};

/// The most places that positionals are counted to.
pub(super) const PLACES: usize = 32;

/// A command line parser.
#[derive(Default)]
pub(super) struct Parser {
    /// The library; what the properties' provenance says.
    pub(super) source: &'static str,
    pub(super) description: Option<String>,
    pub(super) args: Vec<Arg>,
    /// How often each argument's value is used, and how often only as a condition.
    pub(super) uses: Vec<(usize, usize)>,
    /// Positionals that the script takes by their place.
    pub(super) words: BTreeMap<usize, Arg>,
    /// How often each of them is used, and how often only compared with a flag.
    pub(super) word_uses: BTreeMap<usize, (usize, usize)>,
    /// Positionals that it takes as a list, from this place on.
    pub(super) rest: Option<(usize, Arg)>,
    pub(super) exclusive: Vec<Vec<String>>,
    /// Subcommands by the index of their parser.
    pub(super) commands: Vec<(String, usize)>,
    /// Positionals for which a value is made where they are absent.
    pub(super) optional: BTreeSet<usize>,
    /// Flags that stand in the positionals' place: none of them must be given.
    pub(super) has_alternatives: bool,
    /// `--` is what lets a list begin.
    pub(super) needs_marker: bool,
    /// So many words must be given, as far as the script uses them.
    pub(super) demanded: usize,
    /// A loop puts words that are no flags on a list.
    pub(super) takes_list: bool,
    /// What that list is called where it goes.
    pub(super) list_name: String,
    /// The name that a subcommand goes by.
    pub(super) name: String,
    /// The script's author wrote the parser.
    pub(super) is_hand: bool,
    /// A hand-written parser that knows `--`.
    pub(super) knows_marker: bool,
    pub(super) is_sub: bool,
    /// A command without a name is there.
    pub(super) takes_default: bool,
    /// Arguments that are declared although the parser is open.
    pub(super) declared: Vec<usize>,
    /// The script can do without a subcommand.
    pub(super) runs_bare: bool,
    /// Arguments are known by their use: any flag is taken.
    pub(super) is_open: bool,
    /// Positionals are recognized by what they are not, at any place.
    pub(super) sorts_words: bool,
    pub(super) grammar: Grammar,
}

impl Parser {
    pub(super) fn new(source: &'static str) -> Self {
        let values = match source {
            "commander" | "parseArgs" | "arg" => Values::ShortApart,
            _ => Values::Joined,
        };
        let dashes = if source == "yargs" { Dashes::AlwaysMarked } else { Dashes::Marked };
        Self { source, grammar: Grammar { values, dashes, ..Grammar::default() }, ..Self::default() }
    }

    /// A parser that the script's author wrote.
    pub(super) fn by_hand(source: &'static str) -> Self {
        let grammar = Grammar { values: Values::Apart, ..Grammar::default() };
        Self { source, grammar, is_hand: true, ..Self::default() }
    }

    /// The argument that a script knows by this name: its destination, in either case, or one of its flags.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let bare = |text: &str| -> String {
            text.chars().filter(|c| *c != '-' && *c != '_' && *c != '=').map(|c| c.to_ascii_lowercase()).collect()
        };
        let is_flag = |arg: &Arg| arg.flags.iter().chain(&arg.negative).any(|flag| flag.trim_end_matches('=') == name);
        if name.starts_with('-') {
            return self.args.iter().position(is_flag);
        }
        let wanted = bare(name);
        let by_dest = self.args.iter().position(|arg| bare(&arg.dest) == wanted);
        by_dest.or_else(|| {
            self.args.iter().position(|arg| arg.flags.iter().any(|flag| flag.trim_matches(['-', '=']) == name))
        })
    }

    /// Adds an argument; one more of the same flag adds to it.
    pub(super) fn add(&mut self, arg: Arg) -> usize {
        let known = arg.flags.iter().chain(&arg.negative).find_map(|flag| self.find(flag.trim_end_matches('=')));
        if let Some(index) = known {
            if let Some(known) = self.args.get_mut(index) {
                for flag in arg.flags {
                    if !known.flags.contains(&flag) {
                        known.flags.push(flag);
                    }
                }
                known.negative = known.negative.take().or(arg.negative);
                if known.takes == Takes::Nothing {
                    known.takes = arg.takes;
                }
                known.default = known.default.take().or(arg.default);
            }
            return index;
        }
        if self.args.len() < 4 * PROPERTY_COUNT {
            self.args.push(arg);
            self.uses.push((0, 0));
        }
        self.args.len().saturating_sub(1)
    }

    /// Takes an argument of an open parser for what it is: one with a value.
    pub(super) fn declare(&mut self, index: usize) {
        self.declared.push(index);
    }

    /// The positional at a place.
    pub(super) fn word(&mut self, place: usize) -> Option<&mut Arg> {
        (place < PLACES).then(|| self.words.entry(place).or_default())
    }

    pub(super) fn takes_anything(&self) -> bool {
        !self.args.is_empty()
            || !self.words.is_empty()
            || self.rest.is_some()
            || self.takes_list
            || !self.commands.is_empty()
    }
}

/// The command line of a parser, its subcommands included.
pub(super) fn line(parsers: &[Parser], index: usize, usage: &Usage, depth: usize) -> Line {
    let mut line = Line::default();
    let Some(parser) = parsers.get(index).filter(|_| depth < NESTING) else { return line };
    line.description = parser.description.clone();
    line.grammar = parser.grammar.clone();
    for (index, arg) in parser.args.iter().enumerate() {
        if !arg.flags.iter().any(|flag| is_help(flag)) && !is_version(arg) {
            line.arguments.push(option(parser, index, arg.clone(), usage));
        }
    }
    let is_hand = parser.is_hand;
    let is_flat = is_hand
        && !parser.commands.is_empty()
        && (parser.words.keys().any(|place| *place > 0) || parser.rest.is_some());
    let has_commands = !parser.commands.is_empty() && !is_flat;
    if !has_commands && !line.arguments.iter().any(Arg::is_positional) {
        positionals(parser, usage, depth, &mut line);
    }
    if is_flat {
        // The script takes the words after its command by their place whatever the command is.
        for (_, index) in &parser.commands {
            for mut arg in self::line(parsers, *index, usage, depth + 1).arguments {
                if !arg.is_positional() {
                    arg.is_required = false;
                    line.arguments.push(arg);
                }
            }
        }
    } else {
        line.commands = parser
            .commands
            .iter()
            .map(|(name, index)| {
                let line = self::line(parsers, *index, usage, depth + 1);
                Command { name: name.clone(), help: line.description.clone().unwrap_or_default(), line }
            })
            .collect();
    }
    for arg in &mut line.arguments {
        literal(arg);
    }
    let place = |dest: &String| line.arguments.iter().rposition(|arg| arg.dest == *dest);
    let sets = parser.exclusive.iter().map(|dests| dests.iter().filter_map(place).collect());
    line.exclusive = sets.map(|members| Exclusive { members, is_required: false }).collect();
    line.needs_command = has_commands && !parser.runs_bare;
    if parser.source == "yargs"
        && line.arguments.iter().any(Arg::is_positional)
        && parser.args.iter().any(Arg::is_positional)
    {
        // A command's positionals are not looked for behind `--`, and lists before them would take them.
        line.grammar.dashes = Dashes::Refused;
        line.grammar.is_positional_first = true;
    }
    if is_hand {
        line.grammar = hand_grammar(parser, &line);
    }
    line
}

fn is_version(arg: &Arg) -> bool {
    arg.takes == Takes::Nothing && arg.flags.iter().any(|flag| flag == "--version")
}

fn option(parser: &Parser, index: usize, mut arg: Arg, usage: &Usage) -> Arg {
    let (uses, conditions) = parser.uses.get(index).copied().unwrap_or_default();
    let metavar = arg.flags.iter().find_map(|flag| usage.metavar(flag.trim_end_matches('=')));
    if arg.help.is_empty() {
        arg.help = arg.flags.iter().find_map(|flag| usage.help(flag.trim_end_matches('='))).unwrap_or("").to_owned();
    }
    if parser.is_open
        && !parser.declared.contains(&index)
        && arg.takes == Takes::One
        && arg.kind == Kind::Text
        && !arg.is_positional()
    {
        let is_said = !arg.help.is_empty();
        let is_truth = matches!(arg.default, Some(Value::Bool(_)));
        let is_condition = uses > 0 && uses == conditions && arg.default.is_none() && arg.choices.is_empty();
        if is_truth || metavar.is_none() && (is_condition || is_said && arg.default.is_none() && conditions > 0) {
            arg.takes = Takes::Nothing;
        }
    }
    if arg.choices.is_empty() && arg.takes != Takes::Nothing {
        arg.choices = alternatives(metavar.unwrap_or(""));
    }
    arg
}

/// The literals of an argument as its schema says them; a default that the argument cannot have is none.
fn literal(arg: &mut Arg) {
    let is_positional = arg.is_positional();
    let is_truth = !is_positional && (arg.flags.is_empty() || arg.takes == Takes::Nothing);
    // The script counts from nothing.
    let is_count = !is_positional && arg.takes == Takes::Count;
    arg.default = arg.default.take().and_then(|value| match () {
        () if is_truth => Some(value).filter(Value::is_boolean),
        () if is_count => Some(value).filter(|value| value.as_u64() == Some(0)),
        () => Some(converted(&value, arg.kind)),
    });
    arg.choices = arg.choices.iter().map(|choice| converted(choice, arg.kind)).collect();
}

/// A literal of the source as the schema says it: scripts write `'8080'` where a number is meant, and the reverse.
fn converted(value: &Value, kind: Kind) -> Value {
    match (kind, value) {
        (Kind::Integer, Value::String(text)) => text.trim().parse::<i64>().map_or(value.clone(), Value::from),
        (Kind::Number, Value::String(text)) => number(text.trim()).unwrap_or(value.clone()),
        (Kind::Text, Value::Number(number)) => Value::String(number.to_string()),
        (_, Value::Array(items)) => {
            // A list in a list stays what it is.
            let item = |item: &Value| if item.is_array() { item.clone() } else { converted(item, kind) };
            Value::Array(items.iter().map(item).collect())
        }
        _ => value.clone(),
    }
}

fn number(text: &str) -> Option<Value> {
    text.parse::<i64>().ok().map(Value::from).or_else(|| text.parse::<f64>().ok().map(Value::from))
}

/// The values of a metavar like `json|text`.
pub(super) fn alternatives(metavar: &str) -> Vec<Value> {
    let words: Vec<&str> = metavar.split('|').collect();
    let is_word = |word: &&str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
    };
    if words.len() < 2 || !words.iter().all(is_word) {
        return Vec::new();
    }
    words.into_iter().map(Value::from).collect()
}

fn positionals(parser: &Parser, usage: &Usage, depth: usize, line: &mut Line) {
    let rest_from = parser.rest.as_ref().map_or(usize::MAX, |(from, _)| *from);
    let is_flag = |place: &usize| parser.word_uses.get(place).is_some_and(|(uses, flags)| *flags > 0 && uses <= flags);
    let last = parser.words.keys().copied().filter(|place| *place < rest_from && !is_flag(place)).max();
    let named = if depth == 0 { usage.positionals() } else { &[] };
    let count = last.map_or(0, |last| last + 1);
    for place in 0..count {
        let mut arg = parser.words.get(&place).cloned().unwrap_or_default();
        let said = named.get(place);
        if arg.dest.is_empty() {
            arg.dest = said.map_or_else(|| format!("arg{}", place + 1), |said| lower(&said.name));
        }
        if arg.help.is_empty() {
            let said = said.and_then(|said| usage.positional_help(&said.name));
            arg.help = said.or_else(|| usage.positional_help(&arg.dest)).unwrap_or_default();
        }
        arg.is_required = arg.default.is_none()
            && !parser.optional.contains(&place)
            && !parser.has_alternatives
            && (arg.is_required
                || place < parser.demanded
                || said.is_some_and(|said| said.is_required && named.len() == count));
        line.arguments.push(arg);
    }
    // One that must be given makes those before it so.
    if let Some(last) = line.arguments.iter().rposition(|arg| arg.is_positional() && arg.is_required) {
        line.arguments
            .iter_mut()
            .take(last)
            .filter(|arg| arg.is_positional())
            .for_each(|arg| arg.is_required = arg.default.is_none());
    }
    let unused = (parser.takes_list && count == 0).then(|| (0, Arg::positional(&parser.list_name)));
    if let Some((from, rest)) = parser.rest.clone().or(unused) {
        // Only what is left: an argument in between that the script does not name is part of the list.
        if from <= count {
            let mut rest = rest;
            let said = named.get(count);
            match said.filter(|said| said.is_many || rest.dest.is_empty()) {
                Some(said) => rest.dest = lower(&said.name),
                None if rest.dest.is_empty() => rest.dest = "args".to_owned(),
                None => {}
            }
            rest.help = usage.positional_help(&rest.dest).unwrap_or_default();
            rest.takes = Takes::Many;
            rest.is_required |= parser.demanded > from;
            rest.is_required |= said.is_some_and(|said| said.is_required && said.is_many);
            line.arguments.push(rest);
        }
    }
}

/// `FILE` is `file`; other spellings stay.
fn lower(name: &str) -> String {
    if name.chars().any(|c| c.is_ascii_lowercase()) { name.to_owned() } else { name.to_ascii_lowercase() }
}

/// How a hand-written parser reads its words.
fn hand_grammar(parser: &Parser, line: &Line) -> Grammar {
    let has_options = line.arguments.iter().any(|arg| !arg.is_positional());
    let has_positionals = line.arguments.iter().any(Arg::is_positional);
    let is_by_place = has_positionals && !parser.sorts_words;
    Grammar {
        dashes: match () {
            () if parser.needs_marker => Dashes::AlwaysMarked,
            () if parser.knows_marker => Dashes::Marked,
            () if is_by_place || !has_options => Dashes::Verbatim,
            () => Dashes::Refused,
        },
        is_positional_first: is_by_place && has_options,
        ..parser.grammar.clone()
    }
}
