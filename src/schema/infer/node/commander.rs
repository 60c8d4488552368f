//! commander: programs, subcommands, options and arguments, as its documentation for versions 2 to 14 says.

use super::reader::Reader;
use super::value::Val;
use crate::schema::infer::cli::{Arg, Kind, Takes};
use crate::schema::infer::parser::Parser;

impl<'t> Reader<'t> {
    /// The program that the module exports.
    pub(super) fn program(&mut self) -> Val {
        let known = self.parsers.iter().position(|parser| parser.source == "commander" && !parser.is_sub);
        match known {
            Some(parser) => Val::Command(parser),
            None => {
                self.parsers.push(Parser::new("commander"));
                Val::Command(self.parsers.len() - 1)
            }
        }
    }

    pub(super) fn commander_new(&mut self, class: &str, args: &[Val]) -> Val {
        let text = args.first().and_then(Val::as_str).unwrap_or("");
        let help = args.get(1).and_then(Val::as_str).unwrap_or("").to_owned();
        let arg = match class {
            "commander.Command" => {
                self.parsers.push(Parser { name: text.to_owned(), ..Parser::new("commander") });
                return Val::Command(self.parsers.len() - 1);
            }
            "commander.Option" => option(text),
            "commander.Argument" => Some(argument(text)),
            _ => None,
        };
        let Some(arg) = arg else { return Val::Unknown };
        self.loose.push(Arg { help, ..arg });
        Val::Loose(self.loose.len() - 1)
    }

    /// A method of an option or argument that is built before it is added.
    pub(super) fn loose_method(&mut self, index: usize, method: &str, args: &[Val]) -> Val {
        let first = args.first().cloned().unwrap_or(Val::Undefined);
        let parsed = if method == "argParser" { Some(self.value_parser(&first)) } else { None };
        if let Some(arg) = self.loose.get_mut(index) {
            match method {
                "choices" => arg.choices = list(&first),
                "default" => arg.default = first.default(),
                "makeOptionMandatory" => arg.is_required = args.is_empty() || first.is_true(),
                "argRequired" => arg.is_required = true,
                "argOptional" => arg.is_required = false,
                "argParser" => apply_parser(arg, parsed),
                "preset" if arg.takes != Takes::Nothing => {
                    if let Some(preset) = first.default() {
                        arg.takes = Takes::Optional(preset);
                    }
                }
                "conflicts" => {
                    let others = first.texts();
                    self.conflicts.push((index, others));
                }
                _ => {}
            }
        }
        Val::Loose(index)
    }

    pub(super) fn commander_method(&mut self, parser: usize, method: &str, args: &[Val]) -> Val {
        let text = |index: usize| args.get(index).and_then(Val::as_str).unwrap_or("").to_owned();
        match method {
            "command" => return self.subcommand(parser, args),
            "addCommand" => {
                if let Some(Val::Command(sub)) = args.first() {
                    let name = self.parsers.get(*sub).map(|sub| sub.name.clone()).unwrap_or_default();
                    self.adopt(parser, name, *sub, args.get(1));
                }
            }
            "option" | "requiredOption" => {
                if let Some(arg) = self.commander_option(args, method == "requiredOption")
                    && let Some(parser) = self.parsers.get_mut(parser)
                {
                    parser.add(arg);
                }
            }
            "addOption" | "addArgument" => {
                if let Some(Val::Loose(index)) = args.first() {
                    self.add_loose(parser, *index);
                }
            }
            "argument" => {
                let parsed = args.get(2).map(|value| self.value_parser(value));
                let mut arg = argument(&text(0));
                arg.help = text(1);
                let default =
                    if args.len() > 3 { args.get(3) } else { args.get(2).filter(|value| value.json().is_some()) };
                arg.default = default.and_then(Val::default);
                apply_parser(&mut arg, parsed.flatten().map(Some));
                self.takes(parser, arg);
            }
            "arguments" => text(0).split_whitespace().for_each(|word| self.takes(parser, argument(word))),
            "description" | "summary" => {
                let described = text(0);
                // Versions before 8 describe the arguments in the second place.
                for (name, help) in args.get(1).map(Val::members).unwrap_or(&[]) {
                    let help = help.as_str().unwrap_or("").to_owned();
                    if let Some(arg) = self.parsers.get_mut(parser).and_then(|parser| {
                        let index = parser.find(name)?;
                        parser.args.get_mut(index)
                    }) {
                        arg.help = help;
                    }
                }
                if let Some(parser) = self.parsers.get_mut(parser).filter(|_| !described.is_empty()) {
                    if parser.description.is_none() || method == "description" {
                        parser.description = Some(described);
                    }
                } else if args.is_empty() {
                    return Val::Unknown;
                }
            }
            "name" if !args.is_empty() => {
                if let Some(parser) = self.parsers.get_mut(parser) {
                    parser.name = text(0);
                }
            }
            "action" => {
                if let Some(parser) = self.parsers.get_mut(parser) {
                    parser.runs_bare = true;
                }
                self.action(parser, args);
            }
            "parse" | "parseAsync" => {
                self.parse(parser);
            }
            "opts" | "optsWithGlobals" => return Val::Values(parser),
            "getOptionValue" => return self.value_of(parser, &text(0)),
            "hook" | "on" | "exitOverride" | "configureOutput" | "configureHelp" => self.call_back(args, &[]),
            _ => {}
        }
        Val::Command(parser)
    }

    fn commander_option(&mut self, args: &[Val], is_required: bool) -> Option<Arg> {
        let mut arg = option(args.first()?.as_str()?)?;
        arg.help = args.get(1).and_then(Val::as_str).unwrap_or("").to_owned();
        arg.is_required = is_required;
        let is_negative = arg.negative.is_some();
        let (parser, default) = match args.get(2) {
            Some(Val::Func(_) | Val::Name(_)) => (args.get(2), args.get(3)),
            other => (None, other),
        };
        arg.default = default.and_then(Val::default).or(arg.default);
        if let Some(parser) = parser {
            let parsed = self.value_parser(parser);
            apply_parser(&mut arg, Some(parsed));
        } else if matches!(args.get(3), Some(Val::List(_))) {
            arg.default = args.get(3).and_then(Val::default);
        }
        if arg.default.is_some() && !is_negative {
            arg.is_required = false;
        }
        Some(arg)
    }

    /// What a function makes of an option's text: its kind, and whether it collects.
    fn value_parser(&mut self, function: &Val) -> Option<(Kind, bool)> {
        match function {
            Val::Name(name) => match &**name {
                "parseInt" | "Number.parseInt" => Some((Kind::Integer, false)),
                "Number" | "parseFloat" | "Number.parseFloat" => Some((Kind::Number, false)),
                "JSON.parse" => Some((Kind::Json, false)),
                _ => None,
            },
            Val::Func(index) => {
                // The function reads a made-up option, whose use shows what it takes.
                self.parsers.push(Parser { is_sub: true, ..Parser::new("commander") });
                let parser = self.parsers.len() - 1;
                let arg = self.parsers.last_mut().map_or(0, |last| last.add(Arg::option("--value")));
                let place = super::reader::Place { flag: Some((parser, arg)), ..self.place };
                let index = *index;
                self.placed(place, |reader| {
                    reader.call_function(index, vec![Val::Member(parser, arg), Val::list(Vec::new())])
                });
                let read = self.arg(parser, arg).map(|arg| (arg.kind, arg.takes == Takes::Many));
                if self.parsers.len() == parser + 1 {
                    self.parsers.pop();
                }
                read
            }
            _ => None,
        }
    }

    fn add_loose(&mut self, parser: usize, index: usize) {
        let Some(mut arg) = self.loose.get(index).cloned() else { return };
        if arg.default.is_some() {
            arg.is_required = false;
        }
        let dest = arg.dest.clone();
        if arg.is_positional() {
            self.takes(parser, arg);
        } else if let Some(parser) = self.parsers.get_mut(parser) {
            parser.add(arg);
        }
        let others = self.conflicts.iter().filter(|(of, _)| *of == index).flat_map(|(_, others)| others.clone());
        let others: Vec<String> = others.collect();
        if let Some(parser) = self.parsers.get_mut(parser) {
            for other in others {
                let known = parser.find(&other).and_then(|index| parser.args.get(index)).map(|arg| arg.dest.clone());
                parser.exclusive.push(vec![dest.clone(), known.unwrap_or(other)]);
            }
        }
    }

    fn takes(&mut self, parser: usize, arg: Arg) {
        if let Some(parser) = self.parsers.get_mut(parser).filter(|parser| parser.args.len() < 256) {
            parser.args.push(arg);
            parser.uses.push((0, 0));
        }
    }

    /// `.command('clone <source> [target]')` gives the subcommand; with a description, it is another program's file.
    fn subcommand(&mut self, parser: usize, args: &[Val]) -> Val {
        let text = args.first().and_then(Val::as_str).unwrap_or("").to_owned();
        let mut words = text.split_whitespace();
        let Some(name) = words.next() else { return Val::Unknown };
        self.parsers.push(Parser { name: name.to_owned(), ..Parser::new("commander") });
        let sub = self.parsers.len() - 1;
        words.for_each(|word| self.takes(sub, argument(word)));
        let is_file = args.get(1).is_some_and(|value| value.as_str().is_some());
        self.adopt(parser, name.to_owned(), sub, args.get(if is_file { 2 } else { 1 }));
        if let (true, Some(sub)) = (is_file, self.parsers.get_mut(sub)) {
            sub.description = args.get(1).and_then(Val::as_str).map(str::to_owned);
            return Val::Command(parser);
        }
        Val::Command(sub)
    }

    fn adopt(&mut self, parser: usize, name: String, sub: usize, options: Option<&Val>) {
        let is_option = |name: &str| options.and_then(|options| options.get(name)).is_some_and(Val::is_true);
        if let Some(child) = self.parsers.get_mut(sub) {
            child.is_sub = true;
        }
        let Some(parser) = self.parsers.get_mut(parser).filter(|_| parser != sub && !name.is_empty()) else { return };
        if is_option("isDefault") {
            parser.runs_bare = true;
        }
        if !is_option("hidden") && parser.commands.len() < 128 {
            parser.commands.push((name, sub));
        }
    }

    /// An action gets the positionals in their order, then the options, then the command.
    fn action(&mut self, parser: usize, args: &[Val]) {
        let Some(known) = self.parsers.get(parser) else { return };
        let positionals: Vec<usize> =
            known.args.iter().enumerate().filter(|(_, arg)| arg.is_positional()).map(|(index, _)| index).collect();
        let mut given: Vec<Val> = positionals.into_iter().map(|index| Val::Member(parser, index)).collect();
        given.extend([Val::Values(parser), Val::Command(parser)]);
        self.call_back(args, &given);
    }

    /// The parser reads the command line here.
    pub(super) fn parse(&mut self, parser: usize) -> Val {
        if self.parsed.is_none() && self.parsers.get(parser).is_some_and(|parser| !parser.is_sub) {
            self.parsed = Some(parser);
        }
        Val::Values(parser)
    }
}

pub(super) fn list(value: &Val) -> Vec<serde_json::Value> {
    match value {
        Val::List(items) => items.iter().filter_map(Val::json).collect(),
        _ => Vec::new(),
    }
}

fn apply_parser(arg: &mut Arg, parsed: Option<Option<(Kind, bool)>>) {
    if let Some(Some((kind, collects))) = parsed {
        arg.kind = kind;
        if collects && arg.takes == Takes::One {
            arg.takes = Takes::Many;
        }
    }
}

/// `-p, --port <number>`, `--cheese [type]`, `--letters <letters...>`, `--no-color`.
fn option(text: &str) -> Option<Arg> {
    let mut arg = Arg { takes: Takes::Nothing, ..Arg::default() };
    for word in text.split([' ', ',', '|', '=']).filter(|word| !word.is_empty()) {
        if word.starts_with('-') {
            match word.strip_prefix("--no-") {
                Some(_) if arg.flags.iter().all(|flag| !flag.starts_with("--")) => arg.negative = Some(word.to_owned()),
                _ => arg.flags.push(word.to_owned()),
            }
        } else if word.starts_with(['<', '[']) {
            let is_many = word.contains("...");
            arg.takes = match (word.starts_with('['), is_many) {
                (_, true) => Takes::Many,
                (true, false) => Takes::Optional(serde_json::Value::Bool(true)),
                (false, false) => Takes::One,
            };
            arg.choices = crate::schema::infer::parser::alternatives(word.trim_matches(['<', '>', '[', ']']));
        }
    }
    let long = arg.flags.iter().find(|flag| flag.starts_with("--")).or(arg.flags.first());
    arg.dest = match (&arg.negative, long) {
        (Some(negative), _) => negative.trim_start_matches("--no-").to_owned(),
        (None, Some(flag)) => flag.trim_start_matches('-').to_owned(),
        (None, None) => return None,
    };
    if arg.negative.is_some() {
        // A short name beside `--no-x` says false, too.
        arg.flags.clear();
        arg.default = Some(serde_json::Value::Bool(true));
    }
    Some(arg)
}

/// `<file>`, `[target]`, `<files...>`, `name`.
fn argument(text: &str) -> Arg {
    let name = text.trim_matches(['<', '>', '[', ']', '.']);
    let takes = if text.contains("...") { Takes::Many } else { Takes::One };
    Arg { takes, is_required: !text.starts_with('['), ..Arg::positional(&super::words::snake(name)) }
}
