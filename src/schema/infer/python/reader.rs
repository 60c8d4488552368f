//! The walk: statements and expressions of a Python module, read as if they ran.

use std::collections::HashMap;
use std::rc::Rc;

use tree_sitter::Node;

use super::argparse::Parser;
use super::stdin::JsonUse;
use super::value::{ITEMS, Val};

/// The most syntax nodes that are visited.
const STEPS: usize = 400_000;
/// The deepest nesting of syntax that is entered.
const DEPTH: usize = 150;
/// The deepest nesting of calls that is entered.
pub(super) const CALLS: usize = 12;
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
    depth: usize,
    globals: HashMap<String, Val>,
    /// Local names of the functions being read, innermost last; the result that each returns.
    pub(super) frames: Vec<(HashMap<String, Val>, Option<Val>)>,
    /// Attributes of instances, by name.
    attributes: HashMap<String, Val>,
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

    fn enter(&mut self) -> bool {
        self.steps += 1;
        self.steps < STEPS && self.depth < DEPTH
    }

    pub(super) fn bind(&mut self, name: &str, value: Val) {
        match self.frames.last_mut() {
            Some((locals, _)) => locals.insert(name.to_owned(), value),
            None => self.globals.insert(name.to_owned(), value),
        };
    }

    fn lookup(&self, name: &str) -> Val {
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

    fn assign(&mut self, target: Node<'t>, value: Val) {
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

    pub(super) fn eval(&mut self, node: Node<'t>) -> Val {
        if !self.enter() {
            return Val::Unknown;
        }
        self.depth += 1;
        let value = self.expression(node);
        self.depth -= 1;
        value
    }

    fn expression(&mut self, node: Node<'t>) -> Val {
        match node.kind() {
            "identifier" => self.lookup(self.text(node)),
            "none" => Val::None,
            "true" => Val::Bool(true),
            "false" => Val::Bool(false),
            "integer" => integer(self.text(node)),
            "float" => self.text(node).replace('_', "").parse().map_or(Val::Unknown, Val::Float),
            "string" => self.string(node),
            "concatenated_string" => {
                let parts: Vec<Val> = named(node).into_iter().map(|part| self.eval(part)).collect();
                let parts: Option<Vec<&str>> = parts.iter().map(Val::as_str).collect();
                parts.map_or(Val::Unknown, |parts| Val::str(parts.concat()))
            }
            "list" | "tuple" | "set" | "expression_list" => {
                let items = self.splatted(node);
                items.map_or(Val::Unknown, Val::list)
            }
            "dictionary" => self.dictionary(node),
            "parenthesized_expression" | "await" => node.named_child(0).map_or(Val::Unknown, |node| self.eval(node)),
            "attribute" => {
                let object = node.child_by_field_name("object").map_or(Val::Unknown, |node| self.eval(node));
                let name = node.child_by_field_name("attribute").map_or("", |node| self.text(node));
                self.attribute(&object, name)
            }
            "subscript" => self.subscript(node),
            "call" => self.call(node),
            "assignment" => {
                let value = node.child_by_field_name("right").map_or(Val::Unknown, |node| self.eval(node));
                if let Some(left) = node.child_by_field_name("left") {
                    self.assign(left, value.clone());
                }
                value
            }
            "augmented_assignment" => {
                let left = node.child_by_field_name("left");
                let before = left.map_or(Val::Unknown, |node| self.eval(node));
                let more = node.child_by_field_name("right").map_or(Val::Unknown, |node| self.eval(node));
                let is_plus = node.child_by_field_name("operator").is_some_and(|node| self.text(node) == "+=");
                let value = if is_plus { operate("+", &before, &more) } else { Val::Unknown };
                if let Some(left) = left {
                    self.assign(left, value);
                }
                Val::Unknown
            }
            "named_expression" => {
                let value = node.child_by_field_name("value").map_or(Val::Unknown, |node| self.eval(node));
                if let Some(name) = node.child_by_field_name("name") {
                    self.assign(name, value.clone());
                }
                value
            }
            "as_pattern" => {
                let value = node.named_child(0).map_or(Val::Unknown, |node| self.eval(node));
                if let Some(target) = node.child_by_field_name("alias").and_then(|alias| alias.named_child(0)) {
                    self.assign(target, value.clone());
                }
                value
            }
            "unary_operator" => {
                let value = node.child_by_field_name("argument").map_or(Val::Unknown, |node| self.eval(node));
                match (self.text(node).chars().next(), value) {
                    (Some('-'), Val::Int(value)) => value.checked_neg().map_or(Val::Unknown, Val::Int),
                    (Some('-'), Val::Float(value)) => Val::Float(-value),
                    _ => Val::Unknown,
                }
            }
            "binary_operator" => {
                let left = node.child_by_field_name("left").map_or(Val::Unknown, |node| self.eval(node));
                let right = node.child_by_field_name("right").map_or(Val::Unknown, |node| self.eval(node));
                let operator = node.child_by_field_name("operator").map_or("", |node| self.text(node));
                operate(operator, &left, &right)
            }
            "boolean_operator" => self.boolean(node),
            "comparison_operator" => {
                let parts: Vec<Val> = named(node).into_iter().map(|part| self.eval(part)).collect();
                if let [Val::Str(name), Val::Json] = parts.as_slice() {
                    self.json.ask(name, None);
                }
                Val::Unknown
            }
            "conditional_expression" => {
                let parts: Vec<Val> = named(node).into_iter().map(|part| self.eval(part)).collect();
                match parts.as_slice() {
                    [first, _, last] => {
                        if first.is_unknown() {
                            last.clone()
                        } else {
                            first.clone()
                        }
                    }
                    _ => Val::Unknown,
                }
            }
            "list_comprehension" | "set_comprehension" | "generator_expression" | "dictionary_comprehension" => {
                self.comprehension(node)
            }
            "lambda" => Val::Lambda,
            "function_definition" | "class_definition" | "block" | "decorated_definition" => {
                self.exec(node);
                Val::Unknown
            }
            "comment" | "type" => Val::Unknown,
            _ => {
                for child in named(node) {
                    self.exec(child);
                }
                Val::Unknown
            }
        }
    }

    /// The elements of a display or of a call, with `*list` spread; `None` when one cannot be spread.
    pub(super) fn splatted(&mut self, node: Node<'t>) -> Option<Vec<Val>> {
        let mut items = Some(Vec::new());
        for child in named(node) {
            let more = match child.kind() {
                "comment" | "keyword_argument" | "dictionary_splat" => continue,
                "list_splat" => {
                    let inner = child.named_child(0).map_or(Val::Unknown, |node| self.eval(node));
                    self.members_of(&inner)
                }
                _ => Some(vec![self.eval(child)]),
            };
            match (&mut items, more) {
                (Some(items), Some(more)) if items.len() + more.len() <= ITEMS => items.extend(more),
                _ => items = None,
            }
        }
        items
    }

    fn dictionary(&mut self, node: Node<'t>) -> Val {
        let mut items = Vec::new();
        for child in named(node) {
            if child.kind() == "pair" {
                let key = child.child_by_field_name("key").map_or(Val::Unknown, |node| self.eval(node));
                let value = child.child_by_field_name("value").map_or(Val::Unknown, |node| self.eval(node));
                items.push((key, value));
            } else if let (Some(inner), "dictionary_splat") = (child.named_child(0), child.kind())
                && let Val::Dict(more) = self.eval(inner)
            {
                items.extend(more.iter().cloned());
            }
        }
        Val::dict(items)
    }

    fn string(&mut self, node: Node<'t>) -> Val {
        let mut text = String::new();
        let mut is_raw = false;
        let mut is_format = false;
        for part in named(node) {
            match part.kind() {
                "string_start" => {
                    let prefix = self.text(part).to_ascii_lowercase();
                    if prefix.contains('b') {
                        return Val::Unknown;
                    }
                    is_raw = prefix.contains('r');
                    is_format = prefix.contains('f');
                }
                "string_content" => {
                    let content = unescape(self.text(part), is_raw);
                    text.push_str(&if is_format { content.replace("{{", "{").replace("}}", "}") } else { content });
                }
                "interpolation" => {
                    let value = part.child_by_field_name("expression").map_or(Val::Unknown, |node| self.eval(node));
                    text.push_str(&value.text().unwrap_or_else(|| "…".to_owned()));
                }
                _ => {}
            }
        }
        Val::str(text)
    }

    pub(super) fn attribute(&mut self, object: &Val, name: &str) -> Val {
        match object {
            Val::Name(full) => Val::Name(format!("{full}.{name}").into()),
            Val::Class(index) | Val::Instance(index) => {
                let own = self.attributes.get(name).cloned();
                let of_class = || self.classes.get(*index).and_then(|class| class.members.get(name).cloned());
                own.or_else(of_class).unwrap_or(Val::Unknown)
            }
            // The value of an enum's member is the member itself here.
            literal if name == "value" && literal.json().is_some() => literal.clone(),
            _ => Val::Unknown,
        }
    }

    fn subscript(&mut self, node: Node<'t>) -> Val {
        let object = node.child_by_field_name("value").map_or(Val::Unknown, |node| self.eval(node));
        let key = node.child_by_field_name("subscript").map_or(Val::Unknown, |node| self.eval(node));
        match (&object, &key) {
            (Val::Json, Val::Str(name)) => {
                self.json.demand(name);
                Val::Field(name.clone())
            }
            (Val::Field(name), Val::Str(_)) => {
                self.json.evidence(name, "object");
                Val::Unknown
            }
            (Val::Dict(items), Val::Str(name)) => {
                let found = items.iter().find(|(key, _)| key.as_str() == Some(name));
                found.map_or(Val::Unknown, |(_, value)| value.clone())
            }
            (Val::List(items), Val::Int(index)) => {
                usize::try_from(*index).ok().and_then(|index| items.get(index).cloned()).unwrap_or(Val::Unknown)
            }
            _ => Val::Unknown,
        }
    }

    fn boolean(&mut self, node: Node<'t>) -> Val {
        let left = node.child_by_field_name("left").map_or(Val::Unknown, |node| self.eval(node));
        let right = node.child_by_field_name("right").map_or(Val::Unknown, |node| self.eval(node));
        let is_or = node.child_by_field_name("operator").is_some_and(|node| self.text(node) == "or");
        match (&left, left.truth()) {
            (Val::Field(name), _) if is_or => {
                self.json.ask(name, Some(&right));
                left
            }
            (Val::Json | Val::StdinText, _) if is_or => left,
            (_, Some(is_true)) if is_true == is_or => left,
            (_, Some(_)) => right,
            _ => {
                if left.is_unknown() {
                    Val::Unknown
                } else {
                    left
                }
            }
        }
    }

    fn comprehension(&mut self, node: Node<'t>) -> Val {
        let clauses: Vec<Node<'t>> = named(node);
        let body = node.child_by_field_name("body");
        let loops: Vec<&Node<'t>> = clauses.iter().filter(|clause| clause.kind() == "for_in_clause").collect();
        let is_filtered = clauses.iter().any(|clause| clause.kind() == "if_clause");
        let [single] = loops.as_slice() else { return Val::Unknown };
        let over = single.child_by_field_name("right").map_or(Val::Unknown, |node| self.eval(node));
        if let Val::Field(name) = &over {
            self.json.evidence(name, "array");
        }
        let items = self.members_of(&over).filter(|items| items.len() <= ITERATIONS);
        let is_known = items.is_some() && !is_filtered && node.kind() != "dictionary_comprehension";
        let mut results = Vec::new();
        self.frames.push((HashMap::new(), None));
        for item in items.unwrap_or_else(|| vec![Val::Unknown]) {
            if let Some(left) = single.child_by_field_name("left") {
                self.assign(left, item);
            }
            for filter in clauses.iter().filter(|clause| clause.kind() == "if_clause") {
                self.exec(*filter);
            }
            results.push(body.map_or(Val::Unknown, |body| self.eval(body)));
        }
        self.frames.pop();
        if is_known { Val::list(results) } else { Val::Unknown }
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

fn integer(text: &str) -> Val {
    let text = text.replace('_', "").to_ascii_lowercase();
    let parsed = match text.get(..2) {
        Some("0x") => i64::from_str_radix(text.get(2..).unwrap_or(""), 16),
        Some("0o") => i64::from_str_radix(text.get(2..).unwrap_or(""), 8),
        Some("0b") => i64::from_str_radix(text.get(2..).unwrap_or(""), 2),
        _ => text.parse(),
    };
    parsed.map_or(Val::Unknown, Val::Int)
}

fn operate(operator: &str, left: &Val, right: &Val) -> Val {
    let known = |value: Option<i64>| value.map_or(Val::Unknown, Val::Int);
    match (operator, left, right) {
        ("+", Val::Str(left), Val::Str(right)) => Val::str(format!("{left}{right}")),
        ("+" | "|", Val::List(left), Val::List(right)) => Val::list(left.iter().chain(right.iter()).cloned().collect()),
        ("|", Val::Dict(left), Val::Dict(right)) => Val::dict(left.iter().chain(right.iter()).cloned().collect()),
        ("+", Val::Int(left), Val::Int(right)) => known(left.checked_add(*right)),
        ("-", Val::Int(left), Val::Int(right)) => known(left.checked_sub(*right)),
        ("*", Val::Int(left), Val::Int(right)) => known(left.checked_mul(*right)),
        ("//", Val::Int(left), Val::Int(right)) if *right > 0 => known(left.checked_div_euclid(*right)),
        ("**", Val::Int(left), Val::Int(right)) => {
            known(u32::try_from(*right).ok().and_then(|right| left.checked_pow(right)))
        }
        ("*", Val::Float(left), Val::Float(right)) => Val::Float(left * right),
        _ => Val::Unknown,
    }
}

/// The text of a string literal's content, with Python's common escapes.
fn unescape(text: &str, is_raw: bool) -> String {
    if is_raw || !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('\n') => {}
            Some(letter @ ('x' | 'u' | 'U')) => {
                let digits = match letter {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let code: String = chars.by_ref().take(digits).collect();
                out.push(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32).unwrap_or('\u{fffd}'));
            }
            Some(other @ ('\\' | '\'' | '"')) => out.push(other),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    out
}
