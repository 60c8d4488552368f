//! Assignments: which variable holds which word of the command line.

use tree_sitter::Node;

use super::expansions::{literal, parameters, sole};
use super::reader::{Known, Reader};
use crate::schema::infer::cli::Arg;
use crate::syntax::named;

impl<'t> Reader<'t> {
    pub(super) fn assignment(&mut self, node: Node<'t>) {
        let name = node.child_by_field_name("name").map_or("", |name| self.text(name));
        let Some(value) = node.child_by_field_name("value") else {
            self.values.insert(name.to_owned(), Known::Text(String::new()));
            return;
        };
        let is_more =
            named(node).len() < 3 && self.text(node).get(name.len()..).is_some_and(|rest| rest.starts_with("+="));
        let text = self.text(value);
        let inner = if value.kind() == "array" { text.trim_matches(['(', ')']) } else { text };
        if let Some(parameter) = sole(inner) {
            if parameter.is_all() && self.frame.is_script {
                self.all_words(name);
                return;
            }
            match self.known(&parameter) {
                Some(Known::Current) => self.take_current(name, is_more),
                Some(Known::Word(parser, place)) => {
                    self.learn(parser, place, &parameter);
                    self.name_word(parser, place, name);
                    let prior = self.values.insert(name.to_owned(), Known::Word(parser, place));
                    self.set_default(parser, place, prior);
                }
                Some(known) => {
                    // `NAME="${NAME:-default}"`
                    if let (Known::Option(parser, arg), Some(default)) = (&known, parameter.default())
                        && let Some(arg) = self.parsers.get_mut(*parser).and_then(|parser| parser.args.get_mut(*arg))
                        && !default.is_empty()
                    {
                        arg.default.get_or_insert_with(|| default.into());
                    }
                    self.values.insert(name.to_owned(), known);
                }
                None => {
                    self.values.remove(name);
                }
            }
            return;
        }
        self.exec(value);
        match literal(text) {
            _ if is_more || value.kind() == "array" && inner.trim().is_empty() => {}
            // In a branch, a literal is one of several.
            Some(_) if self.branches > 0 && self.values.contains_key(name) => {}
            Some(text) => {
                self.values.insert(name.to_owned(), Known::Text(text.to_owned()));
            }
            None => {
                // `OUT="$(realpath "$1")"` still holds the first word; what other programs make of it is something else.
                let start = text.trim_start_matches('"');
                let is_path = ["$(realpath ", "$(readlink ", "$(cd "].iter().any(|mark| start.starts_with(mark));
                let held = parameters(text).into_iter().find_map(|parameter| match self.known(&parameter) {
                    Some(Known::Current) => None,
                    held => held.filter(|_| is_path),
                });
                match held {
                    Some(Known::Word(parser, place)) => {
                        self.name_word(parser, place, name);
                        self.values.insert(name.to_owned(), Known::Word(parser, place));
                    }
                    _ => {
                        self.values.remove(name);
                    }
                }
            }
        }
    }

    pub(super) fn set_default(&mut self, parser: usize, place: usize, prior: Option<Known>) {
        let Some(Known::Text(text)) = prior.filter(|_| self.branches > 0) else { return };
        let word = self.parsers.get_mut(parser).and_then(|parser| parser.word(place));
        if let Some(word) = word.filter(|_| !text.is_empty()) {
            word.default.get_or_insert_with(|| text.into());
        }
    }

    pub(super) fn name_word(&mut self, parser: usize, place: usize, name: &str) {
        let word = self.parsers.get_mut(parser).and_then(|parser| parser.word(place));
        if let Some(word) = word.filter(|word| word.dest.is_empty()) {
            word.dest = name.to_ascii_lowercase();
        }
    }

    /// `NAME="$1"` where `$1` is the word that a loop is at: a positional.
    pub(super) fn take_current(&mut self, name: &str, is_more: bool) {
        let here = self.here;
        let prior = self.values.get(name).cloned();
        let Some(parser) = self.parser() else { return };
        parser.sorts_words = true;
        let dest = name.to_ascii_lowercase();
        if is_more {
            let from = parser.words.len();
            parser.rest.get_or_insert_with(|| (from, Arg::positional(&dest)));
            return;
        }
        let known = parser.words.iter().find(|(_, word)| word.dest == dest).map(|(place, _)| *place);
        let place = known.unwrap_or(parser.words.len());
        if let Some(word) = parser.word(place) {
            word.dest = dest;
            if let Some(Known::Text(text)) = prior.filter(|prior| *prior != Known::Text(String::new())) {
                word.default.get_or_insert_with(|| text.into());
            }
            self.values.insert(name.to_owned(), Known::Word(here, place));
        }
    }

    /// All words from here on are a list.
    pub(super) fn all_words(&mut self, name: &str) {
        let from = self.frame.shifted.saturating_sub(self.frame.base);
        let dest = name.to_ascii_lowercase();
        if let Some(parser) = self.parser() {
            let rest = parser.rest.get_or_insert_with(|| (from, Arg::positional(&dest)));
            rest.0 = rest.0.min(from);
        }
    }
}
