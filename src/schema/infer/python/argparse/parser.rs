//! Methods of parsers, groups and what `add_subparsers` gives.

use super::super::calls::Args;
use super::super::reader::Reader;
use super::super::value::{HOLE, Val, literals};
use super::{ARGUMENTS, PARSERS, Sub, Subcommand};
use crate::schema::infer::cli::{Arg, Exclusive};

impl Reader<'_> {
    pub(in super::super) fn parser_method(&mut self, object: &Val, method: &str, args: &Args) -> Val {
        let (index, set) = match object {
            Val::Parser(index) | Val::Subparsers(index) => (*index, None),
            Val::Group(index, set) => (*index, *set),
            _ => return Val::Unknown,
        };
        if self.is_command(index) {
            return self.command_method(index, method, args);
        }
        match method {
            "add_argument" => self.add_argument(index, set, args),
            "add_argument_group" => Val::Group(index, set),
            "add_mutually_exclusive_group" => {
                let is_required = args.is_on("required");
                let Some(parser) = self.parsers.get_mut(index) else { return Val::Unknown };
                parser.exclusive.push(Exclusive { members: Vec::new(), is_required });
                Val::Group(index, Some(parser.exclusive.len() - 1))
            }
            "add_subparsers" => {
                let Some(parser) = self.parsers.get_mut(index) else { return Val::Unknown };
                let dest = args.text("dest");
                let is_required = args.is_on("required");
                // A second call is an error of argparse; here it comes from another branch.
                parser.subparsers.get_or_insert(Sub { dest, is_required, commands: Vec::new() });
                Val::Subparsers(index)
            }
            "add_parser" if matches!(object, Val::Subparsers(_)) => self.add_parser(index, args),
            "parse_args" | "parse_intermixed_args" => {
                self.parsed.get_or_insert(index);
                Val::Unknown
            }
            "parse_known_args" | "parse_known_intermixed_args" => {
                self.peeked.get_or_insert(index);
                Val::Unknown
            }
            "set_defaults" => {
                let Some(parser) = self.parsers.get_mut(index) else { return Val::Unknown };
                for (name, value) in &args.keywords {
                    for argument in parser.arguments.iter_mut().filter(|argument| argument.dest == *name) {
                        argument.default = value.json().filter(|value| !value.is_null());
                    }
                    parser.defaults.push((name.clone(), value.clone()));
                }
                Val::Unknown
            }
            "get_default" => {
                let parser = self.parsers.get(index);
                let known = parser.and_then(|parser| {
                    parser.defaults.iter().rev().find(|(name, _)| Some(name.as_str()) == args.first().as_str())
                });
                known.map_or(Val::Unknown, |(_, value)| value.clone())
            }
            _ => {
                self.call_back(args);
                Val::Unknown
            }
        }
    }

    fn add_parser(&mut self, index: usize, args: &Args) -> Val {
        let name = args.at(0, "name").and_then(Val::as_str).map(str::to_owned);
        let Some(name) = name.filter(|name| !name.contains(HOLE)) else { return Val::Unknown };
        // Once for each name: a second one comes from another branch.
        let known = self.parsers.get(index).and_then(|parser| parser.subparsers.as_ref());
        let known = known.and_then(|sub| sub.commands.iter().find(|command| command.name == name));
        if let Some(known) = known {
            return Val::Parser(known.parser);
        }
        if self.parsers.len() >= PARSERS {
            return Val::Unknown;
        }
        let made = self.new_parser(args);
        let Val::Parser(new) = made else { return Val::Unknown };
        let class = self.parsers.get(index).and_then(|parser| parser.class);
        if let Some(parser) = self.parsers.get_mut(new) {
            parser.is_sub = true;
            // `parser_class` is the class of the parser.
            parser.class = class;
        }
        let help = args.keyword("help").or_else(|| args.keyword("description")).and_then(Val::as_str);
        let help = super::readable(help.unwrap_or(""));
        if let Some(subparsers) = self.parsers.get_mut(index).and_then(|parser| parser.subparsers.as_mut()) {
            subparsers.commands.push(Subcommand { name, parser: new, help });
        }
        made
    }

    fn add_argument(&mut self, index: usize, set: Option<usize>, args: &Args) -> Val {
        let Some(mut argument) = self.argument(index, args) else { return Val::Unknown };
        let is_doubtful = self.frames.last().is_some_and(|frame| frame.doubt > 0);
        let Some(parser) = self.parsers.get_mut(index) else { return Val::Unknown };
        if parser.arguments.len() >= ARGUMENTS {
            return Val::Unknown;
        }
        if args.keyword("default").is_none()
            && let Some((_, value)) = parser.defaults.iter().rev().find(|(name, _)| *name == argument.dest)
        {
            argument.default = value.json().filter(|value| !value.is_null());
        }
        let is_given = |flag: &String| parser.arguments.iter().any(|known| known.flags.contains(flag));
        if argument.flags.iter().any(is_given) {
            if !parser.resolves_conflicts {
                // An error of argparse; here it comes from another branch.
                return Val::Unknown;
            }
            for known in &mut parser.arguments {
                if !known.flags.is_empty() {
                    known.flags.retain(|flag| !argument.flags.contains(flag));
                    if known.flags.is_empty() {
                        // Nothing reaches it any more.
                        known.dest.clear();
                        known.is_required = false;
                    }
                }
            }
        }
        let is_again = |known: &Arg| known.flags.is_empty() && known.dest == argument.dest;
        if argument.flags.is_empty() && is_doubtful && parser.arguments.iter().any(is_again) {
            return Val::Unknown;
        }
        let place = parser.arguments.len();
        if let Some(set) = set.and_then(|set| parser.exclusive.get_mut(set)) {
            set.members.push(place);
        }
        parser.arguments.push(argument);
        Val::Action(index, place)
    }

    /// Gives an attribute of an argument or of subparsers another value.
    pub(in super::super) fn amend(&mut self, object: &Val, name: &str, value: &Val) {
        let members = self.members_of(value);
        match object {
            Val::Subparsers(parser) => {
                let subparsers = self.parsers.get_mut(*parser).and_then(|parser| parser.subparsers.as_mut());
                match (name, subparsers, value.as_str()) {
                    ("required", Some(subparsers), _) => subparsers.is_required = value.truth().unwrap_or(false),
                    ("dest", Some(subparsers), Some(dest)) => subparsers.dest = Some(dest.to_owned()),
                    _ => {}
                }
            }
            Val::Action(parser, argument) => {
                let parser = self.parsers.get_mut(*parser);
                let Some(argument) = parser.and_then(|parser| parser.arguments.get_mut(*argument)) else { return };
                match name {
                    "default" => argument.default = value.json().filter(|value| !value.is_null()),
                    "required" => argument.is_required = value.truth().unwrap_or(false),
                    "choices" => {
                        argument.choices = members.and_then(|items| literals(&items)).unwrap_or_default();
                    }
                    "help" => argument.help = super::readable(value.as_str().unwrap_or("")),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}
