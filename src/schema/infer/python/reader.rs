//! The walk: statements of a script and of the modules that it imports, read as if they ran.
//!
//! A condition that is known chooses its branch, of any other both are read. Steps, depth and calls are bounded.

use std::collections::HashMap;
use std::rc::Rc;

use tree_sitter::Node;

use super::argparse::Parser;
use super::classes::{Class, Instance};
use super::commands::Mark;
use super::functions::Function;
use super::library::Library;
use super::scope::{Flow, Frame, Scope};
use super::value::Val;
use super::words::WordUse;
use crate::schema::infer::document::Document;

/// The most syntax nodes that are visited.
const STEPS: usize = 400_000;
/// The deepest nesting of syntax that is entered.
const DEPTH: usize = 150;
/// The deepest nesting of calls and modules that is entered.
pub(super) const CALLS: usize = 16;
/// The most iterations of one loop that are unrolled.
pub(super) const ITERATIONS: usize = 64;
/// The most nodes of a condition that are looked at for doubt.
const CONDITION: usize = 64;

/// One reading of one script.
pub(super) struct Reader<'t> {
    pub(super) library: &'t Library<'t>,
    steps: usize,
    pub(super) depth: usize,
    /// The names of each module that has been read or is being read.
    pub(super) globals: Vec<Rc<Scope<'t>>>,
    /// What is being read, innermost last; never empty while something is read.
    pub(super) frames: Vec<Frame<'t>>,
    /// Attributes of objects that are not known, by name.
    pub(super) attributes: HashMap<&'t str, Val>,
    pub(super) functions: Vec<Function<'t>>,
    pub(super) classes: Vec<Class<'t>>,
    pub(super) instances: Vec<Instance<'t>>,
    pub(super) parsers: Vec<Parser>,
    pub(super) marks: Vec<Mark>,
    /// The parser whose `parse_args` comes first.
    pub(super) parsed: Option<usize>,
    /// The parser whose `parse_known_args` comes first: another one may follow.
    pub(super) peeked: Option<usize>,
    pub(super) json: Document,
    pub(super) words: WordUse,
    /// The script reads text from stdin.
    pub(super) reads_stdin: bool,
    pub(super) docstring: Option<String>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(library: &'t Library<'t>) -> Self {
        Self {
            library,
            steps: 0,
            depth: 0,
            globals: Vec::new(),
            frames: Vec::new(),
            attributes: HashMap::new(),
            functions: Vec::new(),
            classes: Vec::new(),
            instances: Vec::new(),
            parsers: Vec::new(),
            marks: Vec::new(),
            parsed: None,
            peeked: None,
            json: Document::default(),
            words: WordUse::default(),
            reads_stdin: false,
            docstring: None,
        }
    }

    /// Reads the script, then its functions that nothing calls.
    pub(super) fn run(&mut self) {
        self.read_module(0);
        let Some(scope) = self.globals.first().cloned() else { return };
        if let Some(Val::Str(text)) = scope.own("__doc__") {
            self.docstring = Some(text.to_string());
        }
        self.frames.push(Frame::new(scope, 0));
        let mut index = 0;
        while index < self.functions.len() && self.parsed.is_none() && !self.json.is_read {
            let is_left =
                |function: &Function<'_>| !function.is_called && function.module == 0 && !function.is_lambda();
            if self.functions.get(index).is_some_and(is_left) {
                self.call_alone(index);
            }
            index += 1;
        }
        self.read_commands();
        self.frames.pop();
    }

    /// The docstring of a module or of a function's body.
    pub(super) fn docstring_of(&mut self, body: Node<'t>) -> Option<Val> {
        let first = named(body).into_iter().find(|node| node.kind() != "comment")?;
        let text = first.named_child(0).filter(|node| node.kind() == "string")?;
        Some(self.eval(text)).filter(|text| matches!(text, Val::Str(_)))
    }

    /// The parser of the script's command line: the one that parses first, else the first that has arguments and is no
    /// subcommand's.
    pub(super) fn main_parser(&self) -> Option<usize> {
        let first = || self.parsers.iter().position(|parser| !parser.is_sub && parser.takes_anything());
        self.parsed.or(self.peeked).or_else(first)
    }

    pub(super) fn text(&self, node: Node<'_>) -> &'t str {
        let module = self.frames.last().and_then(|frame| self.library.module(frame.module));
        let bytes = module.and_then(|module| module.source().get(node.byte_range()));
        bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
    }

    /// The text between two nodes.
    pub(super) fn between(&self, left: Node<'_>, right: Node<'_>) -> &'t str {
        let module = self.frames.last().and_then(|frame| self.library.module(frame.module));
        let bytes = module.and_then(|module| module.source().get(left.end_byte()..right.start_byte()));
        bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
    }

    pub(super) fn enter(&mut self) -> bool {
        self.steps += 1;
        self.steps < STEPS && self.depth < DEPTH
    }

    pub(super) fn exec(&mut self, node: Node<'t>) {
        if !self.enter() {
            return;
        }
        self.depth += 1;
        self.statement(node);
        self.depth -= 1;
    }

    fn statement(&mut self, node: Node<'t>) {
        match node.kind() {
            "function_definition" => {
                self.define_function(node);
            }
            "class_definition" => {
                self.define_class(node);
            }
            "decorated_definition" => self.define_decorated(node),
            "import_statement" => self.import(node),
            "import_from_statement" => self.import_from(node),
            "if_statement" => self.if_statement(node),
            "for_statement" => self.for_statement(node),
            "while_statement" => {
                self.optional_field(node, "condition");
                self.doubting(|reader| reader.exec_field(node, "body"));
                self.resume();
            }
            "try_statement" => self.try_statement(node),
            "match_statement" => {
                self.optional_field(node, "subject");
                self.doubting(|reader| reader.exec_field(node, "body"));
            }
            "return_statement" => {
                let value = node.named_child(0).map_or(Val::None, |node| self.eval(node));
                if let Some(frame) = self.frames.last_mut() {
                    frame.returns.push(value);
                }
                self.leave(Flow::Return);
            }
            "break_statement" => self.leave(Flow::Break),
            "continue_statement" => self.leave(Flow::Continue),
            "comment" | "pass_statement" => {}
            "global_statement" | "nonlocal_statement" => self.bind_elsewhere(node),
            kind if kind.ends_with("_statement") || kind.ends_with("_clause") || is_container(kind) => {
                self.exec_all(node);
            }
            _ => {
                self.eval(node);
            }
        }
    }

    pub(super) fn exec_all(&mut self, node: Node<'t>) {
        for child in named(node) {
            if self.flow() != Flow::On {
                break;
            }
            self.exec(child);
        }
    }

    pub(super) fn exec_field(&mut self, node: Node<'t>, field: &str) {
        if let Some(child) = node.child_by_field_name(field) {
            self.exec(child);
        }
    }

    pub(super) fn field(&mut self, node: Node<'t>, field: &str) -> Val {
        self.optional_field(node, field).unwrap_or(Val::Unknown)
    }

    fn optional_field(&mut self, node: Node<'t>, field: &str) -> Option<Val> {
        node.child_by_field_name(field).map(|child| self.eval(child))
    }

    fn if_statement(&mut self, node: Node<'t>) {
        let mut cursor = node.walk();
        let others: Vec<Node<'t>> = node.children_by_field_name("alternative", &mut cursor).collect();
        let mut doubts = 0;
        for branch in std::iter::once(node).chain(others) {
            let is_else = branch.kind() == "else_clause";
            let truth = if is_else { Some(true) } else { self.condition(branch) };
            let body = if is_else { "body" } else { "consequence" };
            match truth {
                Some(false) => continue,
                Some(true) if doubts == 0 => {
                    self.exec_field(branch, body);
                    return;
                }
                _ => self.doubting(|reader| reader.exec_field(branch, body)),
            }
            if truth == Some(true) {
                return;
            }
            doubts += 1;
        }
    }

    /// The truth of a branch's condition, where nothing on another path could have changed it.
    fn condition(&mut self, branch: Node<'t>) -> Option<bool> {
        let node = branch.child_by_field_name("condition")?;
        let truth = self.eval(node).truth()?;
        let mut open = vec![node];
        let mut seen = 0;
        while let Some(node) = open.pop() {
            seen += 1;
            let is_doubtful = match node.kind() {
                "identifier" => self.is_doubtful(self.text(node)),
                "call" => node.child_by_field_name("function").is_some_and(|callee| {
                    callee.kind() == "identifier" && matches!(self.lookup(self.text(callee)), Val::Func(_))
                }),
                _ => false,
            };
            if is_doubtful || seen > CONDITION {
                return None;
            }
            open.extend(named(node));
        }
        Some(truth)
    }

    fn try_statement(&mut self, node: Node<'t>) {
        if let Some(frame) = self.frames.last_mut() {
            frame.guarded += 1;
        }
        self.exec_field(node, "body");
        if let Some(frame) = self.frames.last_mut() {
            frame.guarded = frame.guarded.saturating_sub(1);
        }
        for clause in named(node).into_iter().filter(|clause| clause.kind().ends_with("_clause")) {
            if matches!(clause.kind(), "else_clause" | "finally_clause") {
                self.exec(clause);
            } else {
                self.doubting(|reader| reader.exec(clause));
            }
        }
    }

    fn for_statement(&mut self, node: Node<'t>) {
        let over = self.field(node, "right");
        if let Val::Field(name) = &over {
            self.json.evidence(name, "array");
        }
        let left = node.child_by_field_name("left");
        match self.members_of(&over).filter(|items| items.len() <= ITERATIONS) {
            Some(items) => {
                for item in items {
                    if let Some(left) = left {
                        self.assign(left, item);
                    }
                    self.exec_field(node, "body");
                    let flow = self.flow();
                    self.resume();
                    if matches!(flow, Flow::Break | Flow::Return) {
                        break;
                    }
                }
            }
            None => self.doubting(|reader| {
                if let Some(left) = left {
                    let item = if let Val::Words(from) = over {
                        reader.words.walked(from);
                        Val::Word(None)
                    } else {
                        Val::Unknown
                    };
                    reader.assign(left, item);
                }
                reader.exec_field(node, "body");
            }),
        }
        self.exec_field(node, "alternative");
    }

    pub(super) fn assign(&mut self, target: Node<'t>, value: Val) {
        match target.kind() {
            "identifier" => {
                let name = self.text(target);
                if let Val::Word(Some(index)) = value {
                    self.words.called(index, name);
                }
                self.bind(name, value);
            }
            "attribute" => {
                let object = self.field(target, "object");
                let name = target.child_by_field_name("attribute").map_or("", |node| self.text(node));
                self.set_attribute(&object, name, value);
            }
            "pattern_list" | "tuple_pattern" | "list_pattern" => {
                let parts = named(target);
                if let Val::Words(from) = value {
                    self.unpack_words(from, &parts);
                    return;
                }
                let values = value.iterate().unwrap_or_default();
                for (index, part) in parts.into_iter().enumerate() {
                    self.assign(part, values.get(index).cloned().unwrap_or(Val::Unknown));
                }
            }
            "subscript" => {
                // A store is no use of the member; what is inside the brackets may be.
                let keys: Vec<Val> = named(target).into_iter().skip(1).map(|part| self.eval(part)).collect();
                let Some(holder) = target.child_by_field_name("value").filter(|node| node.kind() != "subscript") else {
                    return;
                };
                if let ([key], Val::Dict(items)) = (keys.as_slice(), self.eval(holder)) {
                    let items = items.iter().cloned().chain([(key.clone(), value)]).collect();
                    self.replace(holder, Val::dict(items));
                }
            }
            _ => {}
        }
    }

    /// Gives what a name or an attribute stands for a new value, after it grew in place.
    pub(super) fn replace(&mut self, target: Node<'t>, value: Val) {
        match target.kind() {
            "identifier" => self.rebind(self.text(target), value),
            "attribute" => self.assign(target, value),
            _ => {}
        }
    }
}

fn is_container(kind: &str) -> bool {
    matches!(kind, "module" | "block" | "with_item" | "ERROR")
}

/// The named children of a node.
pub(super) fn named<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).collect()
}
