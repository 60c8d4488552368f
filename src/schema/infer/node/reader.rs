//! The walk: statements of a JavaScript module, read as if they ran.

use std::collections::HashMap;
use std::rc::Rc;

use tree_sitter::Node;

use super::value::Val;
use crate::schema::infer::cli::Arg;
use crate::schema::infer::document::Document;
use crate::schema::infer::parser::Parser;
use crate::schema::infer::usage::Usage;
use crate::syntax::{self, named};

/// The most syntax nodes that are visited.
const STEPS: usize = 400_000;
/// The deepest nesting of syntax that is entered, calls included.
const DEPTH: usize = 150;

/// A function of the module.
pub(super) struct Function<'t> {
    pub(super) node: Node<'t>,
    /// It is being read now: a recursive call gives nothing.
    pub(super) is_active: bool,
    /// What it gave when it was read with nothing that matters.
    pub(super) result: Option<Val>,
    pub(super) is_called: bool,
}

/// The names of a function that is being read, and what it returns.
#[derive(Default)]
pub(super) struct Frame {
    pub(super) names: HashMap<String, Val>,
    pub(super) result: Option<Val>,
}

/// Where in the handling of a command line the reader is.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    /// The flag that the current word is.
    pub(super) flag: Option<(usize, usize)>,
    /// The loop has already gone on to the flag's value.
    pub(super) is_advanced: bool,
    /// The parser of the subcommand that was chosen.
    pub(super) command: Option<usize>,
}

/// One reading of one module.
pub(super) struct Reader<'t> {
    pub(super) source: &'t [u8],
    steps: usize,
    pub(super) depth: usize,
    globals: HashMap<String, Val>,
    pub(super) frames: Vec<Frame>,
    pub(super) functions: Vec<Function<'t>>,
    pub(super) parsers: Vec<Parser>,
    /// The parser that parses first.
    pub(super) parsed: Option<usize>,
    /// The parser of hand-written code, once the command line is looked at.
    pub(super) hand: Option<usize>,
    /// Commander's options and arguments that belong to no program yet.
    pub(super) loose: Vec<Arg>,
    pub(super) json: Document,
    /// The script reads text from stdin.
    pub(super) reads_stdin: bool,
    pub(super) usage: Usage,
    pub(super) place: Place,
    /// Loops over the command line that are being read.
    pub(super) loops: usize,
    /// The loop reads `args[i++]`, so `i` is already at the next word.
    pub(super) steps_after: bool,
    /// A word was asked whether it is a flag.
    pub(super) asks_dashes: bool,
    /// A flag's value is taken from its own word, after `=`.
    pub(super) joins: bool,
    /// The name of the list that a loop puts positionals on.
    pub(super) list_name: String,
    /// Which options exclude which, by commander's loose ones.
    pub(super) conflicts: Vec<(usize, Vec<String>)>,
    /// What the promise that is being made was resolved with.
    pub(super) resolved: Val,
    /// Only the truth of the expression is asked.
    pub(super) in_condition: bool,
}

impl<'t> Reader<'t> {
    pub(super) fn new(source: &'t [u8]) -> Self {
        Self {
            source,
            steps: 0,
            depth: 0,
            globals: HashMap::new(),
            frames: Vec::new(),
            functions: Vec::new(),
            parsers: Vec::new(),
            parsed: None,
            hand: None,
            loose: Vec::new(),
            json: Document::default(),
            reads_stdin: false,
            usage: Usage::default(),
            place: Place::default(),
            loops: 0,
            steps_after: false,
            asks_dashes: false,
            joins: false,
            list_name: String::new(),
            conflicts: Vec::new(),
            resolved: Val::Unknown,
            in_condition: false,
        }
    }

    /// Reads the module, then the functions that nothing in it calls.
    pub(super) fn run(&mut self, root: Node<'t>) {
        self.block(root);
        let mut index = 0;
        while index < self.functions.len() && self.parsed.is_none() && !self.json.is_read {
            if self.functions.get(index).is_some_and(|function| !function.is_called) {
                self.call_function(index, Vec::new());
            }
            index += 1;
        }
        self.usage.read();
    }

    /// The parser of the script's command line: a library's that parses first, else any that has arguments.
    pub(super) fn main_parser(&self) -> Option<usize> {
        let has_any = |index: &usize| self.parsers.get(*index).is_some_and(Parser::takes_anything);
        let is_own =
            |index: &usize| self.parsers.get(*index).is_some_and(|parser| !parser.is_sub) && Some(*index) != self.hand;
        let library = self
            .parsed
            .filter(has_any)
            .or_else(|| (0..self.parsers.len()).find(|index| is_own(index) && has_any(index)));
        library.or(self.hand.filter(has_any)).or(self.parsed)
    }

    pub(super) fn text(&self, node: Node<'_>) -> &'t str {
        syntax::text(self.source, node)
    }

    pub(super) fn field(&self, node: Node<'t>, name: &str) -> &'t str {
        node.child_by_field_name(name).map_or("", |node| self.text(node))
    }

    pub(super) fn enter(&mut self) -> bool {
        self.steps += 1;
        self.steps < STEPS && self.depth < DEPTH
    }

    /// Declares a name where the reader is.
    pub(super) fn bind(&mut self, name: &str, value: Val) {
        match self.frames.last_mut() {
            Some(frame) => frame.names.insert(name.to_owned(), value),
            None => self.globals.insert(name.to_owned(), value),
        };
    }

    /// Sets a name where it was declared.
    pub(super) fn rebind(&mut self, name: &str, value: Val) {
        let frame = self.frames.iter_mut().rev().find(|frame| frame.names.contains_key(name));
        match frame {
            Some(frame) => frame.names.insert(name.to_owned(), value),
            None => self.globals.insert(name.to_owned(), value),
        };
    }

    pub(super) fn known(&self, name: &str) -> Option<&Val> {
        self.frames.iter().rev().find_map(|frame| frame.names.get(name)).or_else(|| self.globals.get(name))
    }

    /// Reads something in another place of the command line's handling.
    pub(super) fn placed<T>(&mut self, place: Place, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.place, place);
        let result = read(self);
        self.place = before;
        result
    }

    /// Statements in their order, functions first: they are hoisted.
    pub(super) fn block(&mut self, node: Node<'t>) {
        let children = named(node);
        for child in &children {
            let inner = if child.kind() == "export_statement" {
                child.child_by_field_name("declaration")
            } else {
                Some(*child)
            };
            if let Some(function) = inner.filter(|node| node.kind().ends_with("function_declaration")) {
                let value = self.define(function);
                self.bind(self.field(function, "name"), value);
            }
        }
        for child in children {
            self.exec(child);
        }
    }

    pub(super) fn define(&mut self, node: Node<'t>) -> Val {
        self.functions.push(Function { node, is_active: false, result: None, is_called: false });
        Val::Func(self.functions.len() - 1)
    }

    pub(super) fn exec(&mut self, node: Node<'t>) {
        if !self.enter() {
            return;
        }
        self.depth += 1;
        match node.kind() {
            "comment"
            | "hash_bang_line"
            | "function_declaration"
            | "generator_function_declaration"
            | "empty_statement" => {}
            "program" | "statement_block" | "ERROR" => self.block(node),
            "import_statement" => self.import(node),
            "lexical_declaration" | "variable_declaration" => {
                for declarator in named(node) {
                    let value = declarator.child_by_field_name("value").map_or(Val::Undefined, |node| self.eval(node));
                    if let Some(name) = declarator.child_by_field_name("name") {
                        self.declare(name, value);
                    }
                }
            }
            "if_statement" => self.if_statement(node),
            "switch_statement" => self.switch_statement(node),
            "for_statement" => self.for_statement(node),
            "for_in_statement" => self.for_in_statement(node),
            "while_statement" | "do_statement" => self.while_statement(node),
            "return_statement" => {
                let value = node.named_child(0).map_or(Val::Undefined, |node| self.eval(node));
                self.give(value);
            }
            "expression_statement" => {
                for child in named(node) {
                    if child.kind() == "update_expression" && self.place.flag.is_some() {
                        self.place.is_advanced = true;
                    }
                    self.eval(child);
                }
            }
            "class_declaration" => {
                let value = self.class(node);
                self.bind(self.field(node, "name"), value);
            }
            kind if kind.ends_with("_statement") || kind.ends_with("_clause") => {
                for child in named(node) {
                    self.exec(child);
                }
            }
            _ => {
                self.eval(node);
            }
        }
        self.depth -= 1;
    }

    /// What a function returns: of several, the one that comes from the caller, with a literal one as its default.
    pub(super) fn give(&mut self, value: Val) {
        let before = self.frames.last().and_then(|frame| frame.result.clone());
        let result = match before {
            Some(before) if before.is_given() => {
                self.set_default(&before, &value);
                before
            }
            Some(before) if value.is_given() => {
                self.set_default(&value, &before);
                value
            }
            Some(before)
                if !matches!(before, Val::Unknown | Val::Undefined | Val::Null | Val::Name(_) | Val::Bool(_)) =>
            {
                before
            }
            _ => value,
        };
        if let Some(frame) = self.frames.last_mut() {
            frame.result = Some(result);
        }
    }

    pub(super) fn import(&mut self, node: Node<'t>) {
        let Val::Str(module) = node.child_by_field_name("source").map_or(Val::Unknown, |node| self.eval(node)) else {
            return;
        };
        let module = module_name(&module);
        let clause = named(node).into_iter().find(|child| child.kind() == "import_clause");
        for item in clause.map(named).unwrap_or_default() {
            match item.kind() {
                "identifier" => self.bind(self.text(item), Val::Name(module.clone())),
                "namespace_import" => {
                    let name = item.named_child(0).map_or("", |node| self.text(node));
                    self.bind(name, Val::Name(module.clone()));
                }
                "named_imports" => {
                    for specifier in named(item) {
                        let name = self.field(specifier, "name");
                        let alias = specifier.child_by_field_name("alias").map_or(name, |node| self.text(node));
                        let value = self.member_of_name(&module, name);
                        self.bind(alias, value);
                    }
                }
                _ => {}
            }
        }
    }

    pub(super) fn class(&mut self, node: Node<'t>) -> Val {
        for member in node.child_by_field_name("body").map(named).unwrap_or_default() {
            if member.kind() == "method_definition" {
                self.define(member);
            }
        }
        Val::Unknown
    }

    /// Binds the names of a pattern.
    pub(super) fn declare(&mut self, target: Node<'t>, value: Val) {
        self.name_word(&value, target);
        self.destructure(target, value, true);
    }
}

/// A module's name: `node:fs` is `fs`.
pub(super) fn module_name(specifier: &str) -> Rc<str> {
    specifier.strip_prefix("node:").unwrap_or(specifier).into()
}
