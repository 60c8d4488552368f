//! Loops over the command line: `getopts`, `while [ $# -gt 0 ]`, `for arg in "$@"`.

use tree_sitter::Node;

use super::expansions::{literal, sole, unquoted};
use super::reader::{Known, Reader};
use crate::schema::infer::cli::{Arg, Takes, is_help};
use crate::syntax::{below, named};

/// The most nodes of a loop in which a `shift` is looked for.
const NODES: usize = 4000;

impl<'t> Reader<'t> {
    pub(super) fn while_statement(&mut self, node: Node<'t>) {
        let mut cursor = node.walk();
        let conditions: Vec<Node<'t>> =
            node.children_by_field_name("condition", &mut cursor).filter(|node| node.is_named()).collect();
        let text: String = conditions.iter().map(|condition| self.text(*condition)).collect::<Vec<_>>().join(" ");
        let Some(body) = node.child_by_field_name("body") else { return };
        let words: Vec<&str> = text.split_whitespace().collect();
        if let Some(at) = words.iter().position(|word| *word == "getopts") {
            let letters = words.get(at + 1).copied().unwrap_or("");
            let variable = words.get(at + 2).copied().unwrap_or("").trim_end_matches(';');
            self.getopts(letters, variable, body);
            return;
        }
        let asks_words = self.frame.is_script
            && (text.contains("$#")
                || text.contains("$1")
                || text.contains("${1")
                || matches!(text.trim(), "true" | ":"))
            && self.shifts(body);
        if !asks_words {
            conditions.iter().for_each(|condition| self.exec(*condition));
            self.branch(|reader| reader.exec(body));
            return;
        }
        self.over_words("1", body);
    }

    fn shifts(&self, body: Node<'t>) -> bool {
        below(body, NODES).into_iter().any(|node| node.kind() == "command_name" && self.text(node) == "shift")
    }

    /// Reads a loop in which a name stands for each word.
    fn over_words(&mut self, name: &str, body: Node<'t>) {
        let parser = self.here;
        if self.frame.shifted > self.frame.base
            && let Some(parser) = self.parser()
            && !parser.words.is_empty()
        {
            // Words were taken by their place before the options.
            parser.sorts_words = false;
        }
        let taken = self.frame.shifted > self.frame.base;
        let before = self.current.replace(name.to_owned());
        self.branch(|reader| reader.exec(body));
        self.current = before;
        // Behind the loop, `$1` is a word that it left; where it takes all, there is none.
        let leaves =
            below(body, NODES).into_iter().any(|node| node.kind() == "command_name" && self.text(node) == "break");
        self.frame.shifted = self.frame.base;
        if leaves {
            if let Some(parser) = self.parsers.get_mut(parser) {
                parser.sorts_words |= !taken;
            }
        } else if name == "1" {
            self.frame.is_script = false;
            self.frame.given.clear();
        }
    }

    pub(super) fn for_statement(&mut self, node: Node<'t>) {
        let variable = node.child_by_field_name("variable").map_or("", |name| self.text(name));
        let mut cursor = node.walk();
        let values: Vec<Node<'t>> =
            node.children_by_field_name("value", &mut cursor).filter(|node| node.is_named()).collect();
        let Some(body) = node.child_by_field_name("body") else { return };
        let is_all = match values.as_slice() {
            [] => true,
            [value] => sole(self.text(*value)).is_some_and(|parameter| parameter.is_all()),
            _ => false,
        };
        if !is_all || !self.frame.is_script {
            values.iter().for_each(|value| self.exec(*value));
            self.branch(|reader| reader.exec(body));
            return;
        }
        let parser = self.here;
        let count = |reader: &Self| {
            reader
                .parsers
                .get(parser)
                .map_or(0, |parser| parser.args.len() + parser.words.len() + usize::from(parser.rest.is_some()))
        };
        let before = count(self);
        let shifted = self.frame.shifted;
        let is_case = named(body).iter().any(|child| {
            child.kind() == "case_statement"
                && child
                    .child_by_field_name("value")
                    .is_some_and(|value| sole(self.text(value)).is_some_and(|parameter| parameter.name == variable))
        });
        if is_case {
            self.over_words(variable, body);
            return;
        }
        self.branch(|reader| reader.exec(body));
        self.frame.shifted = shifted;
        if count(self) == before {
            self.all_words(&format!("{variable}s"));
        }
    }

    /// `while getopts "ab:" name`.
    fn getopts(&mut self, letters: &str, variable: &str, body: Node<'t>) {
        let letters = match sole(letters) {
            Some(parameter) => match self.values.get(parameter.name) {
                Some(Known::Text(text)) => text.clone(),
                _ => return,
            },
            None => match literal(letters) {
                Some(text) => text.to_owned(),
                None => unquoted(letters).to_owned(),
            },
        };
        self.uses_getopts = true;
        let mut rest = letters.trim_start_matches(':').chars().peekable();
        while let Some(letter) = rest.next() {
            let takes = if rest.next_if_eq(&':').is_some() { Takes::One } else { Takes::Nothing };
            let flag = format!("-{letter}");
            if letter.is_ascii_alphanumeric()
                && !is_help(&flag)
                && let Some(parser) = self.parser()
            {
                parser.knows_marker = true;
                parser.sorts_words = true;
                parser.add(Arg { takes, ..Arg::option(&flag) });
            }
        }
        let before = self.current.replace(variable.to_owned());
        self.branch(|reader| reader.exec(body));
        self.current = before;
    }
}
