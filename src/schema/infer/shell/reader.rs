//! The walk: statements of a shell script in their order, and the words that they take.

use std::collections::{HashMap, HashSet};

use tree_sitter::Node;

use super::expansions::{Parameter, parameters, sole, unquoted};
use crate::schema::infer::cli::{Arg, Kind, Takes};
use crate::schema::infer::parser::Parser;
use crate::schema::infer::usage::Usage;
use crate::syntax::{self, named};

/// The most syntax nodes that are visited.
const STEPS: usize = 200_000;
/// The deepest nesting of syntax that is entered, calls included.
const DEPTH: usize = 150;
/// The deepest nesting of calls.
const CALLS: usize = 12;

/// What a variable holds of the command line.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Known {
    Text(String),
    /// A positional of a parser.
    Word(usize, usize),
    /// An option's value.
    Option(usize, usize),
    /// The word that a loop is at.
    Current,
}

/// Whose `$1` is meant.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    /// The words are the script's own.
    pub(super) is_script: bool,
    /// So many words were shifted off.
    pub(super) shifted: usize,
    /// So many words name the subcommand.
    pub(super) base: usize,
    /// What a function was called with, where the words are its own.
    pub(super) given: Vec<Option<Known>>,
}

/// One reading of one script.
pub(super) struct Reader<'t> {
    pub(super) source: &'t [u8],
    steps: usize,
    depth: usize,
    functions: HashMap<&'t str, Node<'t>>,
    active: Vec<&'t str>,
    /// Functions that were read with words of their own that do not matter.
    read: HashSet<&'t str>,
    pub(super) values: HashMap<String, Known>,
    /// The command line, and those of its subcommands.
    pub(super) parsers: Vec<Parser>,
    pub(super) here: usize,
    pub(super) frame: Frame,
    /// Branches around what is read.
    pub(super) branches: usize,
    /// The word that an arm of a loop is about: a variable's name, or `1`.
    pub(super) current: Option<String>,
    pub(super) usage: Usage,
    pub(super) reads_stdin: bool,
    pub(super) uses_getopts: bool,
    is_nounset: bool,
}

impl<'t> Reader<'t> {
    pub(super) fn new(source: &'t [u8]) -> Self {
        Self {
            source,
            steps: 0,
            depth: 0,
            functions: HashMap::new(),
            active: Vec::new(),
            read: HashSet::new(),
            values: HashMap::new(),
            parsers: vec![Parser::by_hand("case")],
            here: 0,
            frame: Frame { is_script: true, ..Frame::default() },
            branches: 0,
            current: None,
            usage: Usage::default(),
            reads_stdin: false,
            uses_getopts: false,
            is_nounset: false,
        }
    }

    /// Finds functions and usage texts before anything is read.
    pub(super) fn survey(&mut self, nodes: &[Node<'t>]) {
        for node in nodes {
            match node.kind() {
                "function_definition" => {
                    let name = node.child_by_field_name("name").map_or("", |name| syntax::text(self.source, name));
                    if let Some(body) = node.child_by_field_name("body") {
                        self.functions.insert(name, body);
                    }
                }
                "heredoc_body" => {
                    let text = self.text(*node);
                    if text.contains("sage") || text.contains("\n  -") || text.contains("\n    -") {
                        self.usage.add(text);
                    }
                }
                "string" | "raw_string" | "ansi_c_string" => {
                    let text = unquoted(self.text(*node));
                    let start = text.trim_start();
                    if text.contains("sage:")
                        || start.starts_with('-') && (start.len() < text.len() || start.contains("  "))
                    {
                        self.usage.add(&text.replace("\\n", "\n"));
                    }
                }
                _ => {}
            }
        }
    }

    pub(super) fn run(&mut self, root: Node<'t>) {
        self.exec(root);
    }

    /// What the properties' provenance says.
    pub(super) fn provenance(&self) -> &'static str {
        let has_options = self.parsers.iter().any(|parser| !parser.args.is_empty() || !parser.commands.is_empty());
        match (self.uses_getopts, has_options) {
            (true, _) => "getopts",
            (false, true) => "case",
            (false, false) => "positional",
        }
    }

    pub(super) fn text(&self, node: Node<'_>) -> &'t str {
        syntax::text(self.source, node)
    }

    pub(super) fn parser(&mut self) -> Option<&mut Parser> {
        self.parsers.get_mut(self.here)
    }

    pub(super) fn exec(&mut self, node: Node<'t>) {
        self.steps += 1;
        if self.steps > STEPS || self.depth > DEPTH {
            return;
        }
        self.depth += 1;
        match node.kind() {
            "function_definition" | "comment" | "heredoc_body" | "raw_string" => {}
            "variable_assignment" => self.assignment(node),
            "if_statement" | "elif_clause" => self.if_statement(node),
            "list" => self.list(node),
            "while_statement" => self.while_statement(node),
            "for_statement" => self.for_statement(node),
            "case_statement" => self.case_statement(node),
            "command" => self.command(node),
            "simple_expansion" | "expansion" => {
                for parameter in parameters(self.text(node)).into_iter().take(1) {
                    self.uses(&parameter);
                }
                self.children(node);
            }
            _ => self.children(node),
        }
        self.depth -= 1;
    }

    pub(super) fn children(&mut self, node: Node<'t>) {
        for child in named(node) {
            self.exec(child);
        }
    }

    /// Reads something that may not be reached.
    pub(super) fn branch(&mut self, read: impl FnOnce(&mut Self)) {
        self.branches += 1;
        read(self);
        self.branches -= 1;
    }

    /// What a parameter holds of the command line.
    pub(super) fn known(&mut self, parameter: &Parameter<'_>) -> Option<Known> {
        if self.current.as_deref() == Some(parameter.name) {
            return Some(Known::Current);
        }
        let Some(place) = parameter.place() else { return self.values.get(parameter.name).cloned() };
        if !self.frame.is_script {
            return self.frame.given.get(place.saturating_sub(1) + self.frame.shifted).cloned().flatten();
        }
        let place = (place - 1 + self.frame.shifted).checked_sub(self.frame.base)?;
        let here = self.here;
        self.parser()?.word(place)?;
        Some(Known::Word(here, place))
    }

    /// A parameter is used where nothing more is known of it.
    pub(super) fn uses(&mut self, parameter: &Parameter<'_>) {
        let Some(Known::Word(parser, place)) = self.known(parameter) else { return };
        self.learn(parser, place, parameter);
    }

    /// What the form of a positional parameter says of it.
    pub(super) fn learn(&mut self, parser: usize, place: usize, parameter: &Parameter<'_>) {
        let is_bare =
            parameter.operation.is_empty() && parameter.place().is_some() && self.is_nounset && self.branches == 0;
        if let Some(message) = parameter.demand() {
            self.usage.add(message);
        }
        let Some(parser) = self.parsers.get_mut(parser) else { return };
        if is_bare || parameter.demand().is_some() {
            parser.demanded = parser.demanded.max(place + 1);
        }
        // A default that is made when the script runs cannot be told, but nothing is missing either.
        if parameter.has_default() && parameter.default().is_none() {
            parser.optional.insert(place);
        }
        if let Some(word) = parser.word(place) {
            if let Some(default) = parameter.default().filter(|default| !default.is_empty()) {
                word.default.get_or_insert_with(|| default.into());
            }
            if let Some(message) =
                parameter.demand().filter(|message| word.help.is_empty() && !message.contains("sage"))
            {
                word.help = unquoted(message).to_owned();
            }
        }
    }

    fn command(&mut self, node: Node<'t>) {
        let name = node.child_by_field_name("name").map_or("", |name| self.text(name));
        let mut cursor = node.walk();
        let arguments: Vec<Node<'t>> = node.children_by_field_name("argument", &mut cursor).collect();
        let words: Vec<&'t str> = arguments.iter().map(|argument| self.text(*argument)).collect();
        match name {
            "shift" if self.current.is_none() => {
                let count = words.first().map_or(Some(1), |word| word.parse::<usize>().ok());
                match count {
                    Some(count) => self.frame.shifted = (self.frame.shifted + count).min(64),
                    // `shift $((OPTIND - 1))`: what is left are the positionals.
                    None => self.frame.shifted = self.frame.base,
                }
            }
            "set" => {
                let is_unset = |word: &&&str| word.starts_with('-') && !word.starts_with("--") && word.contains('u');
                self.is_nounset |= words.iter().any(|word| is_unset(&word)) || words.contains(&"nounset");
                if words.first() == Some(&"--") {
                    // `set -- "${words[@]}"`: positionals that a loop has put aside are `$1` again.
                    self.frame.shifted = self.frame.base;
                    self.frame.is_script = true;
                }
            }
            "cat" | "tee" if self.is_at_stdin(node) && words.iter().all(|word| matches!(*word, "-" | "/dev/stdin")) => {
                self.reads_stdin = true;
            }
            "read" | "mapfile" | "readarray" if self.is_at_stdin(node) => self.reads_stdin = true,
            _ if self.functions.contains_key(name) => self.call(name, &words, node),
            _ => self.children(node),
        }
        self.reads_stdin |= words.contains(&"/dev/stdin");
    }

    /// Whether a command reads what the script is given on stdin.
    fn is_at_stdin(&self, node: Node<'t>) -> bool {
        let mut below = node;
        let mut steps = 0;
        while let Some(parent) = below.parent() {
            steps += 1;
            if steps > DEPTH {
                return false;
            }
            match parent.kind() {
                "pipeline" if parent.named_child(0).is_none_or(|first| first.id() != below.id()) => return false,
                "redirected_statement" if self.text(parent).contains('<') => return false,
                "function_definition" => return true,
                _ => {}
            }
            below = parent;
        }
        true
    }

    /// A function of the script: with `"$@"` it gets the script's words, otherwise its own.
    fn call(&mut self, name: &'t str, words: &[&'t str], node: Node<'t>) {
        let Some(body) = self.functions.get(name).copied() else { return };
        let found: Vec<Option<Parameter<'t>>> = words.iter().map(|word| sole(word)).collect();
        let gets_all = self.frame.is_script && found.iter().flatten().any(Parameter::is_all);
        let given: Vec<Option<Known>> =
            found.iter().map(|parameter| parameter.as_ref().and_then(|parameter| self.known(parameter))).collect();
        if !gets_all {
            self.children(node);
        }
        let matters = gets_all || given.iter().any(Option::is_some);
        if self.active.len() >= CALLS || self.active.contains(&name) || !matters && !self.read.insert(name) {
            return;
        }
        let frame = match gets_all {
            true => {
                // Words before `"$@"` are the function's first.
                let before =
                    found.iter().take_while(|parameter| !parameter.as_ref().is_some_and(Parameter::is_all)).count();
                let base = self.frame.base + before;
                Frame { base, ..self.frame.clone() }
            }
            false => Frame { given, ..Frame::default() },
        };
        let before = std::mem::replace(&mut self.frame, frame);
        let current = self.current.take();
        self.active.push(name);
        self.exec(body);
        self.active.pop();
        self.current = current;
        self.frame = before;
    }

    /// Numbers show in what variables are compared and counted with.
    pub(super) fn weigh(&mut self, nodes: &[Node<'t>]) {
        let operators = ["-lt", "-gt", "-le", "-ge"];
        for node in nodes {
            let text = self.text(*node);
            let inside = text.len() <= 400 && !text.contains("$(") && !text.contains("{#");
            let names: Vec<&str> = match node.kind() {
                "binary_expression" if operators.iter().any(|operator| text.contains(operator)) => {
                    let operands = named(*node).into_iter().filter_map(|operand| sole(self.text(operand)));
                    operands.map(|parameter| parameter.name).collect()
                }
                "arithmetic_expansion" | "compound_statement" if text.trim_start_matches('$').starts_with("((") => {
                    let inner = text.trim_start_matches('$');
                    let is_plain = !inner.contains("$(") && !inner.contains("{#") && inner.len() <= 400;
                    let words = inner.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|_| is_plain);
                    words.filter(|word| !word.is_empty()).collect()
                }
                "command" if inside && (text.starts_with("sleep ") || text.starts_with("seq ")) => {
                    text.split_whitespace().filter_map(sole).map(|parameter| parameter.name).collect()
                }
                _ => continue,
            };
            for name in names {
                match self.values.get(name) {
                    Some(Known::Option(parser, arg)) => {
                        let arg = self.parsers.get_mut(*parser).and_then(|parser| parser.args.get_mut(*arg));
                        arg.into_iter().for_each(integer);
                    }
                    Some(Known::Word(parser, place)) => {
                        let word = self.parsers.get_mut(*parser).and_then(|parser| parser.words.get_mut(place));
                        word.into_iter().for_each(integer);
                    }
                    _ => {}
                }
            }
        }
    }
}

/// A number, unless what stands in for it is none.
pub(super) fn integer(arg: &mut Arg) {
    let is_text =
        arg.default.as_ref().and_then(serde_json::Value::as_str).is_some_and(|text| text.parse::<i64>().is_err());
    if !is_text && !matches!(arg.takes, Takes::Nothing | Takes::Count) && arg.choices.is_empty() {
        arg.kind = Kind::Integer;
    }
}
