//! argparse as its documentation describes it: parsers, groups, subcommands and what `add_argument` says.
//!
//! The parser holds what click, typer and docopt say of their commands as well; each of them is read elsewhere.

mod argument;
mod help;
mod kind;
mod parser;

use super::calls::Args;
use super::reader::Reader;
use super::value::{HOLE, Val};
use crate::schema::Grammar;
use crate::schema::infer::cli::{Arg, Exclusive};

/// The most parsers of one script, subcommands included.
const PARSERS: usize = 128;
/// The most arguments of one parser.
pub(super) const ARGUMENTS: usize = 256;

/// A parser, or a subcommand's.
#[derive(Clone, Debug, Default)]
pub(super) struct Parser {
    pub(super) arguments: Vec<Arg>,
    pub(super) exclusive: Vec<Exclusive>,
    pub(super) subparsers: Option<Sub>,
    pub(super) description: Option<String>,
    /// The parser of a subcommand, or a parent of others.
    pub(super) is_sub: bool,
    /// What `set_defaults` said.
    pub(super) defaults: Vec<(String, Val)>,
    /// An option given again takes the option string from the one before.
    pub(super) resolves_conflicts: bool,
    /// The class of the skill that it is an object of.
    pub(super) class: Option<usize>,
    pub(super) grammar: Grammar,
    /// The name that a command gives itself.
    pub(super) name: Option<String>,
    /// Who reads the command line: the word for the provenance of its properties.
    pub(super) origin: Origin,
}

/// Who reads a command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Origin {
    #[default]
    Argparse,
    Click,
    Typer,
    Docopt,
    /// The script itself, from `sys.argv`.
    Words,
}

impl Origin {
    pub(super) fn name(self) -> &'static str {
        match self {
            Origin::Argparse => "argparse",
            Origin::Click => "click",
            Origin::Typer => "typer",
            Origin::Docopt => "docopt",
            Origin::Words => "argv",
        }
    }
}

/// The subcommands of a parser.
#[derive(Clone, Debug, Default)]
pub(super) struct Sub {
    pub(super) dest: Option<String>,
    pub(super) is_required: bool,
    pub(super) commands: Vec<Subcommand>,
}

/// One subcommand.
#[derive(Clone, Debug)]
pub(super) struct Subcommand {
    pub(super) name: String,
    pub(super) parser: usize,
    pub(super) help: String,
}

impl Parser {
    pub(super) fn takes_anything(&self) -> bool {
        !self.arguments.is_empty() || self.subparsers.is_some()
    }

    fn is_option(&self, name: &str) -> bool {
        let prefixes = if self.grammar.prefixes.is_empty() { "-" } else { &self.grammar.prefixes };
        name.starts_with(|first| prefixes.contains(first))
    }
}

impl Reader<'_> {
    /// A new parser with what its constructor says.
    pub(super) fn new_parser(&mut self, args: &Args) -> Val {
        let index = self.parsers.len();
        if index >= PARSERS {
            return Val::Unknown;
        }
        self.parsers.push(Parser::default());
        self.configure(index, args);
        Val::Parser(index)
    }

    /// What a constructor says of a parser.
    pub(super) fn configure(&mut self, index: usize, args: &Args) {
        let mut parser = match self.parsers.get(index) {
            Some(parser) => parser.clone(),
            None => return,
        };
        let description = args.text("description").or_else(|| args.at(2, "description")?.as_str().map(str::to_owned));
        parser.description = description.or(parser.description);
        parser.grammar.file_prefixes = args.text("fromfile_prefix_chars").unwrap_or_default();
        parser.grammar.prefixes = args.text("prefix_chars").filter(|prefixes| prefixes != "-").unwrap_or_default();
        parser.resolves_conflicts = args.text("conflict_handler").is_some_and(|handler| handler == "resolve");
        for parent in args.keyword("parents").and_then(Val::iterate).unwrap_or_default() {
            if let Val::Parser(parent) = parent {
                self.inherit(&mut parser, parent);
            }
        }
        if let Some(place) = self.parsers.get_mut(index) {
            *place = parser;
        }
    }

    /// `parents=[...]`: their arguments come first.
    fn inherit(&mut self, parser: &mut Parser, parent: usize) {
        let Some(parent) = self.parsers.get_mut(parent) else { return };
        // It has given its arguments away: alone it is no command line.
        parent.is_sub = true;
        let offset = parser.arguments.len();
        let room = ARGUMENTS.saturating_sub(offset);
        parser.arguments.extend(parent.arguments.iter().take(room).cloned());
        parser.defaults.extend(parent.defaults.iter().cloned());
        parser.exclusive.extend(parent.exclusive.iter().map(|set| Exclusive {
            members: set.members.iter().map(|index| index + offset).collect(),
            is_required: set.is_required,
        }));
        if parser.subparsers.is_none() {
            parser.subparsers.clone_from(&parent.subparsers);
        }
    }
}

/// A text for people, where what is not known is left out.
pub(super) fn readable(text: &str) -> String {
    text.replace(HOLE, "…")
}
