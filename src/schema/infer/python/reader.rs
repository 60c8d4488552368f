//! The walk: statements and expressions of a Python module, read as if they ran.

use std::collections::HashMap;
use std::rc::Rc;

use tree_sitter::Node;

use super::argparse::Parser;
use super::stdin::JsonUse;
use super::value::Val;

/// The most syntax nodes that are visited.
const STEPS: usize = 400_000;
/// The deepest nesting of syntax that is entered.
const DEPTH: usize = 150;
/// The deepest nesting of calls that is entered.
pub(super) const CALLS: usize = 12;
/// The most iterations of one loop that are unrolled.
pub(super) const ITERATIONS: usize = 64;

/// A function of the module.
pub(super) struct Function<'t> {
    pub(super) node: Node<'t>,
    /// It is being read now: a recursive call gives nothing.
    pub(super) is_active: bool,
    /// What it gave when it was read with nothing that matters.
    pub(super) result: Option<Val>,
    pub(super) is_called: bool,
}

/// A class of the module.
#[derive(Default)]
pub(super) struct Class {
    /// Its methods, class attributes and enum members.
    pub(super) members: HashMap<String, Val>,
    /// The members' names in their order.
    pub(super) order: Vec<String>,
    /// The full names of its bases.
    pub(super) bases: Vec<Rc<str>>,
}

/// One reading of one module.
pub(super) struct Reader<'t> {
    source: &'t [u8],
    steps: usize,
    pub(super) depth: usize,
    globals: HashMap<String, Val>,
    /// Local names of the functions being read, innermost last; the result that each returns.
    pub(super) frames: Vec<(HashMap<String, Val>, Option<Val>)>,
    /// Attributes of instances, by name.
    pub(super) attributes: HashMap<String, Val>,
    pub(super) functions: Vec<Function<'t>>,
    pub(super) classes: Vec<Class>,
    pub(super) parsers: Vec<Parser>,
    /// The parser whose `parse_args` comes first.
    pub(super) parsed: Option<usize>,
    pub(super) json: JsonUse,
    /// The script reads text from stdin.
    pub(super) reads_stdin: bool,
    pub(super) docstring: Option<String>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(source: &'t [u8]) -> Self {
        Self {
            source,
            steps: 0,
            depth: 0,
            globals: HashMap::new(),
            frames: Vec::new(),
            attributes: HashMap::new(),
            functions: Vec::new(),
            classes: Vec::new(),
            parsers: Vec::new(),
            parsed: None,
            json: JsonUse::default(),
            reads_stdin: false,
            docstring: None,
        }
    }

    /// Reads the module, then the functions that nothing in it calls.
    pub(super) fn run(&mut self, root: Node<'t>) {
        if let Some(first) = named(root).into_iter().find(|node| node.kind() != "comment")
            && let Some(text) = first.named_child(0).filter(|node| node.kind() == "string")
            && let Val::Str(text) = self.eval(text)
        {
            self.docstring = Some(text.to_string());
            self.globals.insert("__doc__".to_owned(), Val::Str(text));
        }
        self.exec(root);
        let mut index = 0;
        while index < self.functions.len() && self.parsed.is_none() && !self.json.is_read {
            if self.functions.get(index).is_some_and(|function| !function.is_called) {
                self.call_function(index, Vec::new(), Vec::new());
            }
            index += 1;
        }
    }

    /// The parser of the script's command line: the one that parses first, else the first that has arguments and is no
    /// subcommand's.
    pub(super) fn main_parser(&self) -> Option<usize> {
        self.parsed.or_else(|| self.parsers.iter().position(|parser| !parser.is_sub && parser.takes_anything()))
    }

    pub(super) fn text(&self, node: Node<'_>) -> &'t str {
        self.source.get(node.byte_range()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
    }

    pub(super) fn enter(&mut self) -> bool {
        self.steps += 1;
        self.steps < STEPS && self.depth < DEPTH
    }

    pub(super) fn bind(&mut self, name: &str, value: Val) {
        match self.frames.last_mut() {
            Some((locals, _)) => locals.insert(name.to_owned(), value),
            None => self.globals.insert(name.to_owned(), value),
        };
    }

    pub(super) fn lookup(&self, name: &str) -> Val {
        let local = self.frames.iter().rev().find_map(|(locals, _)| locals.get(name));
        local.or_else(|| self.globals.get(name)).cloned().unwrap_or_else(|| Val::Name(name.into()))
    }

    pub(super) fn exec(&mut self, node: Node<'t>) {
        if !self.enter() {
            return;
        }
        self.depth += 1;
        match node.kind() {
            "function_definition" => self.define_function(node),
            "class_definition" => self.define_class(node),
            "import_statement" => self.import(node, ""),
            "import_from_statement" => {
                let module = node.child_by_field_name("module_name").map_or("", |node| self.text(node));
                self.import(node, module);
            }
            "for_statement" => self.for_statement(node),
            "return_statement" => {
                let value = node.named_child(0).map_or(Val::None, |node| self.eval(node));
                if let Some((_, result)) = self.frames.last_mut()
                    && result.as_ref().is_none_or(|known| known.is_unknown() || matches!(known, Val::None))
                {
                    *result = Some(value);
                }
            }
            "comment" | "pass_statement" | "global_statement" => {}
            kind if kind.ends_with("_statement") || kind.ends_with("_clause") || is_container(kind) => {
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

    fn define_function(&mut self, node: Node<'t>) {
        let name = node.child_by_field_name("name").map_or("", |node| self.text(node));
        let index = self.functions.len();
        self.functions.push(Function { node, is_active: false, result: None, is_called: false });
        self.bind(name, Val::Func(index));
    }

    fn define_class(&mut self, node: Node<'t>) {
        let name = node.child_by_field_name("name").map_or("", |node| self.text(node));
        let mut class = Class::default();
        for base in node.child_by_field_name("superclasses").map(named).unwrap_or_default() {
            if let Val::Name(base) = self.eval(base) {
                class.bases.push(base);
            }
        }
        self.frames.push((HashMap::new(), None));
        let body = node.child_by_field_name("body");
        for statement in body.map(named).unwrap_or_default() {
            if let Some(left) = statement.named_child(0).and_then(|node| node.child_by_field_name("left")) {
                class.order.push(self.text(left).to_owned());
            }
            self.exec(statement);
        }
        class.members = self.frames.pop().map(|(members, _)| members).unwrap_or_default();
        let index = self.classes.len();
        self.classes.push(class);
        self.bind(name, Val::Class(index));
    }

    fn import(&mut self, node: Node<'t>, module: &str) {
        let mut cursor = node.walk();
        let names: Vec<Node<'t>> = node.children_by_field_name("name", &mut cursor).collect();
        for item in names {
            let (name, alias) = match item.kind() {
                "aliased_import" => (item.child_by_field_name("name"), item.child_by_field_name("alias")),
                _ => (Some(item), None),
            };
            let name = name.map_or("", |node| self.text(node));
            let full = if module.is_empty() { name.to_owned() } else { format!("{module}.{name}") };
            match alias {
                Some(alias) => self.bind(self.text(alias), Val::Name(full.into())),
                None if module.is_empty() => {
                    // `import a.b` binds `a`.
                    let first = name.split('.').next().unwrap_or(name);
                    self.bind(first, Val::Name(first.into()));
                }
                None => self.bind(name, Val::Name(full.into())),
            }
        }
    }

    fn for_statement(&mut self, node: Node<'t>) {
        let (left, body) = (node.child_by_field_name("left"), node.child_by_field_name("body"));
        let over = node.child_by_field_name("right").map_or(Val::Unknown, |node| self.eval(node));
        if let Val::Field(name) = &over {
            self.json.evidence(name, "array");
        }
        let items = self.members_of(&over).filter(|items| items.len() <= ITERATIONS);
        for item in items.unwrap_or_else(|| vec![Val::Unknown]) {
            if let Some(left) = left {
                self.assign(left, item);
            }
            if let Some(body) = body {
                self.exec(body);
            }
        }
        if let Some(alternative) = node.child_by_field_name("alternative") {
            self.exec(alternative);
        }
    }

    /// What iterating gives; for an enum class, its members' values.
    pub(super) fn members_of(&self, value: &Val) -> Option<Vec<Val>> {
        match value {
            Val::Class(index) => {
                let class =
                    self.classes.get(*index).filter(|class| class.bases.iter().any(|base| base.contains("Enum")))?;
                Some(class.order.iter().filter_map(|name| class.members.get(name).cloned()).collect())
            }
            other => other.iterate(),
        }
    }

    pub(super) fn assign(&mut self, target: Node<'t>, value: Val) {
        match target.kind() {
            "identifier" => self.bind(self.text(target), value),
            "attribute" => {
                let object = target.child_by_field_name("object").map_or(Val::Unknown, |node| self.eval(node));
                let name = target.child_by_field_name("attribute").map_or("", |node| self.text(node));
                match object {
                    Val::Subparsers(parser) => {
                        let is_required = value.truth().unwrap_or(false);
                        let subparsers = self.parsers.get_mut(parser).and_then(|parser| parser.subparsers.as_mut());
                        match (name, subparsers, value.as_str()) {
                            ("required", Some(subparsers), _) => subparsers.is_required = is_required,
                            ("dest", Some(subparsers), Some(dest)) => subparsers.dest = Some(dest.to_owned()),
                            _ => {}
                        }
                    }
                    Val::Parser(parser) if name == "description" => {
                        if let (Some(parser), Some(text)) = (self.parsers.get_mut(parser), value.as_str()) {
                            parser.description = Some(text.to_owned());
                        }
                    }
                    _ => {
                        self.attributes.insert(name.to_owned(), value);
                    }
                }
            }
            "pattern_list" | "tuple_pattern" | "list_pattern" => {
                let values = value.iterate().unwrap_or_default();
                for (index, part) in named(target).into_iter().enumerate() {
                    self.assign(part, values.get(index).cloned().unwrap_or(Val::Unknown));
                }
            }
            "subscript" => {
                // A store is no use of the member; what is inside the brackets may be.
                for part in named(target).into_iter().skip(1) {
                    self.eval(part);
                }
            }
            _ => {}
        }
    }
}

fn is_container(kind: &str) -> bool {
    matches!(kind, "module" | "block" | "decorated_definition" | "with_item" | "ERROR")
}

/// The named children of a node.
pub(super) fn named<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).collect()
}
