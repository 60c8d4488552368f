//! Hand-written command lines: words of `process.argv`, loops over them, and flags by what words are compared with.

use std::rc::Rc;

use tree_sitter::Node;

use super::patterns::last_name;
use super::reader::{Place, Reader};
use super::value::Val;
use crate::schema::infer::cli::{Arg, Takes, is_help};
use crate::schema::infer::parser::Parser;

/// The most subcommands of one script.
const COMMANDS: usize = 64;

impl<'t> Reader<'t> {
    /// The parser of hand-written code, or of the subcommand that is being handled.
    pub(super) fn hand(&mut self) -> usize {
        if let Some(command) = self.place.command {
            return command;
        }
        match self.hand {
            Some(hand) => hand,
            None => {
                self.parsers.push(Parser::by_hand("process.argv"));
                let hand = self.parsers.len() - 1;
                self.hand = Some(hand);
                hand
            }
        }
    }

    /// The word at an index of `process.argv` without its first entries.
    pub(super) fn word_at(&mut self, from: usize, index: &Val) -> Val {
        let in_flag = self.place.flag.is_some();
        match index {
            Val::Num(at) if (0.0..64.0).contains(at) => match (*at as usize + from).checked_sub(2) {
                Some(place) => self.word(place),
                None => Val::Unknown,
            },
            Val::NextPlace(Some((parser, arg))) => {
                self.takes_value(*parser, *arg);
                Val::Member(*parser, *arg)
            }
            Val::NextPlace(None) if in_flag => self.take(),
            Val::NextPlace(None) => Val::Following,
            Val::Place if in_flag && self.place.is_advanced => self.take(),
            Val::Place => Val::Current,
            Val::Unknown if self.loops > 0 && in_flag => self.take(),
            Val::Unknown if self.loops > 0 => Val::Current,
            _ => Val::Unknown,
        }
    }

    pub(super) fn word(&mut self, place: usize) -> Val {
        match (self.place.command, place.checked_sub(1)) {
            (Some(command), Some(place)) => self.positional(command, place),
            _ => {
                let hand = self.hand();
                self.positional(hand, place)
            }
        }
    }

    /// A positional that the script takes by its place.
    pub(super) fn positional(&mut self, parser: usize, place: usize) -> Val {
        match self.parsers.get_mut(parser).and_then(|parser| parser.word(place)) {
            Some(_) => Val::Word(parser, place),
            None => Val::Unknown,
        }
    }

    /// The value of the flag that is being handled.
    pub(super) fn take(&mut self) -> Val {
        match self.place.flag {
            Some((parser, arg)) => {
                self.takes_value(parser, arg);
                Val::Member(parser, arg)
            }
            None => Val::Following,
        }
    }

    fn takes_value(&mut self, parser: usize, arg: usize) {
        if let Some(arg) = self.arg(parser, arg).filter(|arg| arg.takes == Takes::Nothing) {
            arg.takes = Takes::One;
        }
    }

    /// The value that the flag being handled stands for.
    pub(super) fn flag_value(&self) -> Option<Val> {
        self.place.flag.map(|(parser, arg)| Val::Member(parser, arg))
    }

    pub(super) fn arg(&mut self, parser: usize, arg: usize) -> Option<&mut Arg> {
        self.parsers.get_mut(parser)?.args.get_mut(arg)
    }

    /// The flag is given once per value.
    pub(super) fn repeat(&mut self, value: &Val) {
        if let Val::Member(parser, index) = value
            && let Some(arg) = self.arg(*parser, *index).filter(|arg| arg.takes == Takes::One)
        {
            arg.takes = Takes::Many;
        }
    }

    /// The flag that is being handled is counted.
    pub(super) fn count(&mut self) {
        if let Some((parser, index)) = self.place.flag
            && let Some(arg) = self.arg(parser, index).filter(|arg| arg.takes == Takes::Nothing)
        {
            arg.takes = Takes::Count;
        }
    }

    /// Adds a flag of hand-written code by its spellings; `None` for those that print help.
    pub(super) fn flag(&mut self, names: &[Rc<str>]) -> Option<(usize, usize)> {
        let mut flags: Vec<String> = names
            .iter()
            .map(|name| name.trim_end_matches(' ').to_owned())
            .filter(|name| name.len() > 1 && name.starts_with('-') && !name.trim_matches(['-', '=']).is_empty())
            .collect();
        if flags.is_empty() || flags.iter().any(|flag| is_help(flag)) {
            return None;
        }
        flags.sort_by_key(|flag| flag.ends_with('='));
        let takes = if flags.iter().any(|flag| flag.ends_with('=')) { Takes::One } else { Takes::Nothing };
        let long = flags.iter().find(|flag| flag.starts_with("--")).or(flags.first())?;
        let arg = Arg { dest: long.trim_matches(['-', '=']).to_owned(), takes, flags, ..Arg::default() };
        let hand = self.hand();
        let index = self.parsers.get_mut(hand)?.add(arg);
        Some((hand, index))
    }

    /// Where a branch is read whose condition this is; `goes_on` when the branch steps over a word.
    pub(super) fn place_of(&mut self, condition: &Val, goes_on: bool) -> Place {
        let labels: Vec<Rc<str>> = match condition {
            Val::Is(labels, _) => labels.to_vec(),
            Val::Any(all) => all
                .iter()
                .filter_map(|one| match one {
                    Val::Is(labels, _) => Some(labels.to_vec()),
                    _ => None,
                })
                .flatten()
                .collect(),
            Val::OneOf(value, list) if matches!(**value, Val::Current | Val::Key) => {
                self.known_flags(value, list, goes_on);
                return self.place;
            }
            _ => return self.place,
        };
        let at = match condition {
            Val::Is(_, at) => *at,
            Val::Any(all) => all.iter().find_map(|one| if let Val::Is(_, at) = one { *at } else { None }),
            _ => None,
        };
        if labels.iter().any(|label| label.starts_with('-')) {
            let flag = self.flag(&labels);
            return Place { flag, is_advanced: false, ..self.place };
        }
        match at {
            Some(0) if !labels.is_empty() => Place { command: self.command(&labels), ..self.place },
            _ => self.place,
        }
    }

    /// `known.has(word)`: a list of flags, with values where the branch goes on to the next word.
    fn known_flags(&mut self, value: &Val, list: &[Val], goes_on: bool) {
        for label in list.iter().filter_map(Val::as_str) {
            let name = if matches!(value, Val::Key) { format!("--{label}") } else { label.to_owned() };
            if let Some((parser, index)) = self.flag(&[Rc::from(name)])
                && goes_on
            {
                self.takes_value(parser, index);
            }
        }
    }

    /// The parser of a subcommand of hand-written code.
    fn command(&mut self, labels: &[Rc<str>]) -> Option<usize> {
        let root = self.hand();
        let name = labels.iter().find(|label| !label.is_empty() && !is_help(label))?.to_string();
        let commands = &self.parsers.get(root)?.commands;
        if let Some((_, index)) = commands.iter().find(|(known, _)| *known == name) {
            return Some(*index);
        }
        if commands.len() >= COMMANDS {
            return None;
        }
        self.parsers.push(Parser { is_sub: true, ..Parser::by_hand("process.argv") });
        let index = self.parsers.len() - 1;
        self.parsers.get_mut(root)?.commands.push((name, index));
        Some(index)
    }

    /// A positional is named by what it is first bound to.
    pub(super) fn name_word(&mut self, value: &Val, target: Node<'t>) {
        let name = if target.kind().ends_with("pattern") && !target.kind().starts_with("shorthand") {
            ""
        } else {
            last_name(self.text(target))
        };
        if let Val::Word(parser, place) = value
            && let Some(word) = self.parsers.get_mut(*parser).and_then(|parser| parser.word(*place))
            && word.dest.is_empty()
        {
            word.dest = snake(name);
        }
    }

    /// The next positional of a loop that sorts words.
    pub(super) fn next_word(&mut self, name: &str) -> Option<Val> {
        let hand = self.hand();
        let parser = self.parsers.get_mut(hand)?;
        parser.sorts_words = true;
        let dest = snake(name);
        let known = parser.words.iter().find(|(_, word)| word.dest == dest).map(|(place, _)| *place);
        let place = known.unwrap_or(parser.words.len());
        let word = parser.word(place)?;
        word.dest = dest;
        Some(Val::Word(hand, place))
    }

    /// All positionals from a place on are taken as a list.
    pub(super) fn all_words(&mut self, parser: usize, from: usize, name: &str) {
        if let Some(parser) = self.parsers.get_mut(parser) {
            let dest = snake(name);
            let rest = parser.rest.get_or_insert_with(|| (from, Arg::positional(&dest)));
            rest.0 = rest.0.min(from);
            if rest.1.dest.is_empty() {
                rest.1.dest = dest;
            }
        }
    }

    /// Reads a body once for any word.
    pub(super) fn over_words(&mut self, read: impl FnOnce(&mut Self)) {
        self.loops += 1;
        let place = Place { flag: None, is_advanced: false, ..self.place };
        self.placed(place, read);
        self.loops -= 1;
    }

    /// Reads a loop over the command line. One that asks no word whether it is a flag takes them all.
    pub(super) fn each_word(&mut self, from: usize, name: &str, read: impl FnOnce(&mut Self)) {
        let hand = self.hand();
        let count = |reader: &Self| reader.parsers.get(hand).map_or(0, |parser| parser.args.len() + parser.words.len());
        let (before, asked) = (count(self), std::mem::take(&mut self.asks_dashes));
        self.over_words(read);
        let is_open = self.parsers.get(hand).is_some_and(|parser| parser.is_open || parser.rest.is_some());
        if count(self) == before && !self.asks_dashes && !is_open && from >= 2 {
            let from = from - 2;
            self.all_words(hand, from.saturating_sub(usize::from(self.place.command.is_some())), &format!("{name}s"));
        }
        self.asks_dashes |= asked;
    }

    /// What iterating over something gives.
    pub(super) fn item_of(&mut self, over: &Val, name: &str) -> Val {
        match over {
            Val::Words(parser, from) => {
                self.all_words(*parser, *from, &format!("{}s", last_name(name)));
                Val::Unknown
            }
            Val::Member(parser, index) => {
                let is_untyped = self.parsers.get(*parser).is_some_and(|parser| parser.is_open);
                if !is_untyped {
                    self.repeat(&Val::Member(*parser, *index));
                }
                Val::Unknown
            }
            Val::Field(name) => {
                self.json.evidence(name, "array");
                Val::Unknown
            }
            Val::Name(name) if &**name == "process.stdin" => Val::Stdin,
            Val::Stdin => Val::Stdin,
            _ => Val::Unknown,
        }
    }

    /// The value that a parser's result has by this name.
    pub(super) fn value_of(&mut self, parser: usize, name: &str) -> Val {
        if matches!(name, "_" | "positionals") {
            return Val::Words(parser, 0);
        }
        if name == "values" && self.parsers.get(parser).is_some_and(|parser| parser.source == "parseArgs") {
            return Val::Values(parser);
        }
        let known = self.parsers.get(parser).and_then(|parser| parser.find(name));
        let index = known.or_else(|| self.open_member(parser, name));
        let value = index.map_or(Val::Unknown, |index| Val::Member(parser, index));
        self.used(&value);
        value
    }

    /// Adds the flag that a member of an open parser's result is.
    pub(super) fn open_member(&mut self, parser: usize, name: &str) -> Option<usize> {
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        let is_method = matches!(
            name,
            "length" | "push" | "hasOwnProperty" | "toString" | "then" | "help" | "h" | "version" | "$0"
        );
        let parser = self.parsers.get_mut(parser)?;
        let is_hand = parser.is_hand;
        if !is_name || is_method || !(parser.is_open || is_hand) {
            return None;
        }
        if let Some(known) = parser.find(name) {
            return Some(known);
        }
        Some(parser.add(Arg::option(&format!("--{name}"))))
    }

    pub(super) fn is_following_apart(&self) -> bool {
        !self.joins
    }
}

/// `inputFile` is `input_file`.
pub(super) fn snake(name: &str) -> String {
    if !name.chars().any(|c| c.is_ascii_lowercase()) {
        return name.to_ascii_lowercase();
    }
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && out.ends_with(|last: char| last.is_ascii_lowercase() || last.is_ascii_digit()) {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
