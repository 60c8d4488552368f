//! Command frameworks: click and typer build their parsers from decorators and signatures, docopt from a text.
//!
//! A command becomes a parser like argparse's; groups become parsers with subcommands.

mod click;
mod typer;

use serde_json::Value;

use super::argparse::{Origin, Parser, Sub, Subcommand};
use super::calls::Args;
use super::docopt;
use super::reader::Reader;
use super::value::Val;
use crate::schema::Grammar;
use crate::schema::infer::cli::{Arg, Kind, Takes};

/// A decorator or a type of a framework.
#[derive(Clone, Debug)]
pub(super) enum Mark {
    /// `@click.option(...)`.
    Option(Args),
    /// `@click.argument(...)`.
    Argument(Args),
    /// `@command(...)`: the group that it belongs to, and what was said.
    Command { group: Option<usize>, args: Args, is_group: bool, origin: Origin },
    /// `typer.Option(...)` and `typer.Argument(...)` in a signature.
    Parameter { args: Args, is_option: bool },
    /// A type with choices or bounds.
    Type { kind: Kind, choices: Vec<Value>, bounds: (Option<Value>, Option<Value>), words: Option<u64> },
    /// Something that adds no argument.
    Nothing,
}

impl Reader<'_> {
    pub(super) fn is_framework(&self, name: &str) -> bool {
        let module = name.split('.').next().unwrap_or("");
        matches!(module, "click" | "rich_click" | "asyncclick" | "typer" | "docopt")
    }

    /// Calls something of a framework by its full name.
    pub(super) fn framework(&mut self, name: &str, args: &Args) -> Val {
        match name.split('.').next() {
            Some("typer") => self.typer(name, args),
            Some("docopt") => {
                let text = args.at(0, "docstring").and_then(Val::as_str);
                if let Some(parser) = text.and_then(docopt::parser) {
                    self.parsed.get_or_insert(self.parsers.len());
                    self.parsers.push(parser);
                }
                Val::Unknown
            }
            _ => self.click(name, args),
        }
    }

    pub(super) fn mark(&mut self, mark: Mark) -> Val {
        self.marks.push(mark);
        Val::Mark(self.marks.len() - 1)
    }

    /// Whether a parser is a command of click or typer.
    pub(super) fn is_command(&self, parser: usize) -> bool {
        self.parsers.get(parser).is_some_and(|parser| matches!(parser.origin, Origin::Click | Origin::Typer))
    }

    /// Applies a decorator to what it stands above.
    pub(super) fn decorate(&mut self, mark: usize, args: &Args) -> Val {
        let target = args.first().clone();
        let Some(kind) = self.marks.get(mark).cloned() else { return target };
        match (&target, kind) {
            (Val::Func(function), Mark::Option(_) | Mark::Argument(_)) => {
                if let Some(function) = self.functions.get_mut(*function) {
                    function.marks.push(mark);
                }
            }
            (Val::Parser(parser), Mark::Option(args)) => {
                if let (Some(argument), Some(parser)) = (self.click_option(&args), self.parsers.get_mut(*parser)) {
                    parser.arguments.insert(0, argument);
                }
            }
            (Val::Func(function), Mark::Command { group, args, is_group, origin }) => {
                let command = match origin {
                    Origin::Typer => self.typer_command(*function),
                    _ => self.click_command(*function),
                };
                let Some(command) = command else { return target };
                if is_group && let Some(parser) = self.parsers.get_mut(command) {
                    let is_required = !args.is_on("invoke_without_command");
                    parser.subparsers = Some(Sub { dest: None, is_required, commands: Vec::new() });
                }
                if let Some(text) = args.keyword("help").or_else(|| args.keyword("short_help")).and_then(Val::as_str)
                    && let Some(parser) = self.parsers.get_mut(command)
                {
                    parser.description = Some(text.to_owned());
                }
                if let Some(group) = group {
                    let name = args.at(0, "name").and_then(Val::as_str).map(str::to_owned);
                    let own = self.functions.get(*function).map_or("", |function| function.name);
                    let name = name.unwrap_or_else(|| command_name(own, origin));
                    self.add_command(group, command, name);
                }
                // typer leaves the function as it is.
                return if origin == Origin::Typer { target } else { Val::Parser(command) };
            }
            _ => {}
        }
        target
    }

    /// A new command, which is no command line until something calls it.
    fn new_command(&mut self, origin: Origin) -> Option<usize> {
        let Val::Parser(index) = self.new_parser(&Args::default()) else { return None };
        let parser = self.parsers.get_mut(index)?;
        *parser = Parser { origin, grammar: Grammar::getopt(), ..Parser::default() };
        Some(index)
    }

    fn add_command(&mut self, group: usize, command: usize, name: String) {
        let help = self.parsers.get(command).and_then(|parser| parser.description.clone()).unwrap_or_default();
        let help = crate::schema::infer::properties::first_line(&help).unwrap_or_default();
        if group == command {
            return;
        }
        if let Some(parser) = self.parsers.get_mut(command) {
            parser.is_sub = true;
        }
        if let Some(parser) = self.parsers.get_mut(group) {
            let sub = parser.subparsers.get_or_insert(Sub { dest: None, is_required: true, commands: Vec::new() });
            sub.commands.retain(|known| known.name != name);
            sub.commands.push(Subcommand { name, parser: command, help });
        }
    }

    /// A method of a command or a group.
    pub(super) fn command_method(&mut self, index: usize, method: &str, args: &Args) -> Val {
        let Some(origin) = self.parsers.get(index).map(|parser| parser.origin) else { return Val::Unknown };
        match method {
            "command" | "group" => {
                let is_group = method == "group";
                // `@cli.command` without brackets.
                let is_bare = matches!(args.first(), Val::Func(_));
                let said = if is_bare { Args::default() } else { args.clone() };
                let mark = self.mark(Mark::Command { group: Some(index), args: said, is_group, origin });
                if is_bare { self.apply(&mark, args.clone()) } else { mark }
            }
            "callback" => self.mark(Mark::Nothing),
            "add_command" | "add_typer" => {
                if let Val::Parser(command) = args.first() {
                    let name = args.at(1, "name").and_then(Val::as_str).map(str::to_owned);
                    let own = || self.parsers.get(*command).and_then(|parser| parser.name.clone());
                    if let Some(name) = name.or_else(own) {
                        self.add_command(index, *command, name);
                    }
                }
                Val::Unknown
            }
            "main" => {
                self.parsed.get_or_insert(index);
                Val::Unknown
            }
            _ => Val::Unknown,
        }
    }

    /// Functions that a framework calls are read for what they take from stdin.
    pub(super) fn read_commands(&mut self) {
        for index in 0..self.functions.len() {
            let is_left = |function: &super::functions::Function<'_>| function.is_command && !function.is_called;
            if self.functions.get(index).is_some_and(is_left) {
                self.call_alone(index);
            }
        }
    }

    /// Notes that a function is a command, and gives its documentation.
    fn command_of(&mut self, function: usize, origin: Origin) -> Option<usize> {
        let command = self.new_command(origin)?;
        let text = self.attribute(&Val::Func(function), "__doc__").as_str().map(str::to_owned);
        let own = self.functions.get_mut(function)?;
        own.is_command = true;
        let name = command_name(own.name, origin);
        let parser = self.parsers.get_mut(command)?;
        parser.description = text;
        parser.name = Some(name);
        Some(command)
    }
}

/// The word for a function on the command line.
fn command_name(function: &str, origin: Origin) -> String {
    let name = function.to_lowercase().replace('_', "-");
    let endings = ["-command", "-cmd", "-group", "-grp"];
    let short = endings.iter().find_map(|ending| name.strip_suffix(ending));
    match short {
        Some(short) if origin == Origin::Click && !short.is_empty() => short.to_owned(),
        _ => name,
    }
}

/// A switch with its opposite, as `--flag/--no-flag` or `-f/-F` declare it.
fn with_opposite(declared: &[String]) -> (Vec<String>, Option<String>) {
    let mut flags = Vec::new();
    let mut negative: Option<String> = None;
    for text in declared {
        let (yes, no) = text.split_once('/').map_or((text.as_str(), None), |(yes, no)| (yes, Some(no)));
        if !yes.trim().is_empty() {
            flags.push(yes.trim().to_owned());
        }
        if let Some(no) = no.map(str::trim).filter(|no| !no.is_empty())
            && negative.as_ref().is_none_or(|known| known.len() < no.len())
        {
            negative = Some(no.to_owned());
        }
    }
    (flags, negative)
}

/// What an option takes that may be given several times.
fn repeated(takes: &Takes) -> Takes {
    if let Takes::Exactly(count) = takes { Takes::Tuples(*count) } else { Takes::Many }
}

/// Gives an argument the choices and bounds of a type.
fn typed(argument: &mut Arg, mark: &Mark) {
    if let Mark::Type { kind, choices, bounds, words } = mark {
        argument.kind = *kind;
        argument.choices.clone_from(choices);
        argument.bounds = bounds.clone();
        if let Some(words) = words {
            argument.takes = Takes::Exactly(*words);
        }
    }
}
