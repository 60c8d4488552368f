//! The walk: statements of a JavaScript module, read as if they ran.

use std::collections::HashMap;
use std::rc::Rc;

use tree_sitter::Node;

use super::value::Val;
use crate::schema::infer::cli::Arg;
use crate::schema::infer::document::Document;
use crate::schema::infer::parser::Parser;
use crate::schema::infer::syntax::{self, named};
use crate::schema::infer::usage::Usage;

/// The most syntax nodes that are visited.
const STEPS: usize = 400_000;
/// The deepest nesting of syntax that is entered, calls included.
const DEPTH: usize = 150;
/// The most iterations of one loop that are unrolled.
const ITERATIONS: usize = 64;

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
    fn block(&mut self, node: Node<'t>) {
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

    fn import(&mut self, node: Node<'t>) {
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

    fn class(&mut self, node: Node<'t>) -> Val {
        for member in node.child_by_field_name("body").map(named).unwrap_or_default() {
            if member.kind() == "method_definition" {
                self.define(member);
            }
        }
        Val::Unknown
    }

    fn if_statement(&mut self, node: Node<'t>) {
        let condition = node.child_by_field_name("condition").map_or(Val::Unknown, |node| self.condition(node));
        let consequence = node.child_by_field_name("consequence");
        if consequence.is_some_and(|node| self.ends_script(node)) {
            self.demand(&condition);
        }
        if let Some(consequence) = consequence {
            let goes_on = self.goes_on(consequence);
            let place = self.place_of(&condition, goes_on);
            self.placed(place, |reader| reader.exec(consequence));
        }
        if let Some(alternative) = node.child_by_field_name("alternative") {
            self.exec(alternative);
        }
        // `if (word !== '--flag') continue;`: what follows is about the flag.
        if let (Val::Not(inner), true) = (&condition, self.loops > 0)
            && matches!(**inner, Val::Is(..))
            && consequence
                .is_some_and(|node| self.text(node).trim_start_matches(['{', ' ', '\n']).starts_with("continue"))
        {
            self.place = self.place_of(inner, true);
        }
    }

    fn switch_statement(&mut self, node: Node<'t>) {
        let value = node.child_by_field_name("value").map_or(Val::Unknown, |node| self.eval(node));
        let cases = node.child_by_field_name("body").map(named).unwrap_or_default();
        let mut labels: Vec<Val> = Vec::new();
        let mut all: Vec<Val> = Vec::new();
        let mut is_closed = false;
        for case in cases {
            let label = case.child_by_field_name("value");
            if let Some(label) = label {
                let label = self.eval(label);
                all.push(label.clone());
                let is_met = self.compare(&value, &label, true);
                labels.push(if value.is_true() { label } else { is_met });
            }
            let mut cursor = case.walk();
            let body: Vec<Node<'t>> =
                case.children_by_field_name("body", &mut cursor).filter(|node| node.is_named()).collect();
            if body.is_empty() {
                continue;
            }
            is_closed |= case.kind() == "switch_default" && self.ends_script(case);
            let goes_on = self.goes_on(case);
            let place = self.place_of(&Val::Any(Rc::new(std::mem::take(&mut labels))), goes_on);
            self.placed(place, |reader| body.into_iter().for_each(|statement| reader.exec(statement)));
        }
        if is_closed {
            self.demand(&Val::Not(Rc::new(Val::OneOf(Rc::new(value), Rc::new(all)))));
        }
    }

    fn for_statement(&mut self, node: Node<'t>) {
        if let Some(initializer) = node.child_by_field_name("initializer") {
            self.exec(initializer);
        }
        let is_over = node.child_by_field_name("condition").is_some_and(|condition| self.bounds_loop(condition));
        let Some(body) = node.child_by_field_name("body") else { return };
        if is_over { self.over_words(|reader| reader.exec(body)) } else { self.exec(body) }
    }

    /// `i < args.length`: the loop goes over the command line, and the name is the place in it.
    fn bounds_loop(&mut self, condition: Node<'t>) -> bool {
        let is_over = self.over_length(condition, 0);
        self.eval(condition);
        is_over
    }

    fn over_length(&mut self, condition: Node<'t>, depth: usize) -> bool {
        if depth > 8 {
            return false;
        }
        match (condition.child_by_field_name("left"), condition.child_by_field_name("right")) {
            (Some(left), Some(right)) => {
                let bound = self.eval(right);
                if left.kind() == "identifier" && matches!(bound, Val::Length(_)) {
                    self.rebind(self.text(left), Val::Place);
                    return true;
                }
                matches!(self.eval(left), Val::Length(_))
                    || self.over_length(left, depth + 1)
                    || self.over_length(right, depth + 1)
            }
            _ if matches!(condition.kind(), "parenthesized_expression" | "expression_statement") => {
                condition.named_child(0).is_some_and(|inner| self.over_length(inner, depth + 1))
            }
            _ => matches!(self.eval(condition), Val::Length(_) | Val::Argv(_) | Val::Current),
        }
    }

    fn while_statement(&mut self, node: Node<'t>) {
        let condition = node.child_by_field_name("condition");
        self.loops += 1;
        let before = self.steps_after;
        let is_over = condition.is_some_and(|condition| self.bounds_loop(condition));
        self.loops -= 1;
        if let Some(body) = node.child_by_field_name("body") {
            if is_over { self.over_words(|reader| reader.exec(body)) } else { self.exec(body) }
        }
        self.steps_after = before;
    }

    fn for_in_statement(&mut self, node: Node<'t>) {
        let (left, body) = (node.child_by_field_name("left"), node.child_by_field_name("body"));
        let over = node.child_by_field_name("right").map_or(Val::Unknown, |node| self.eval(node));
        let (Some(left), Some(body)) = (left, body) else { return };
        match over {
            Val::Argv(from) => {
                let name = self.text(left).to_owned();
                self.each_word(from, &name, |reader| {
                    reader.declare(left, Val::Current);
                    reader.exec(body);
                });
            }
            Val::List(items) if items.len() <= ITERATIONS => {
                for item in items.iter() {
                    self.declare(left, item.clone());
                    self.exec(body);
                }
            }
            over => {
                let item = self.item_of(&over, self.text(left));
                self.declare(left, item);
                self.exec(body);
            }
        }
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
