//! Expressions: literals, members of what is followed, and the conditions that scripts ask about their words.

use std::rc::Rc;

use tree_sitter::Node;

use super::reader::Reader;
use super::value::Val;
use crate::schema::infer::cli::Kind;
use crate::syntax::named;

impl<'t> Reader<'t> {
    pub(super) fn eval(&mut self, node: Node<'t>) -> Val {
        if !self.enter() {
            return Val::Unknown;
        }
        self.depth += 1;
        let value = self.expression(node);
        self.depth -= 1;
        value
    }

    /// An expression of which only the truth is asked.
    pub(super) fn condition(&mut self, node: Node<'t>) -> Val {
        let before = std::mem::replace(&mut self.in_condition, true);
        let value = self.eval(node);
        self.in_condition = before;
        value
    }

    pub(super) fn plainly(&mut self, node: Node<'t>) -> Val {
        let before = std::mem::replace(&mut self.in_condition, false);
        let value = self.eval(node);
        self.in_condition = before;
        value
    }

    fn expression(&mut self, node: Node<'t>) -> Val {
        match node.kind() {
            "identifier" | "shorthand_property_identifier" => self.identifier(node),
            "undefined" => Val::Undefined,
            "null" => Val::Null,
            "true" => Val::Bool(true),
            "false" => Val::Bool(false),
            "number" => number(self.text(node)),
            "string" => self.string(node),
            "template_string" => self.template(node),
            "parenthesized_expression" | "await_expression" | "non_null_expression" | "as_expression" => {
                node.named_child(0).map_or(Val::Unknown, |inner| self.eval(inner))
            }
            "sequence_expression" => named(node).into_iter().fold(Val::Unknown, |_, part| self.eval(part)),
            "array" => self.array(node),
            "object" => self.object(node),
            "arrow_function" | "function_expression" | "generator_function" => self.define(node),
            "member_expression" => {
                let object = node.child_by_field_name("object").map_or(Val::Unknown, |node| self.plainly(node));
                let property = self.field(node, "property");
                self.member(&object, property)
            }
            "subscript_expression" => self.subscript(node),
            "call_expression" => {
                let before = std::mem::replace(&mut self.in_condition, false);
                let value = self.call(node);
                self.in_condition = before;
                value
            }
            "new_expression" => self.construct(node),
            "assignment_expression" => {
                let value = node.child_by_field_name("right").map_or(Val::Unknown, |node| self.plainly(node));
                if let Some(left) = node.child_by_field_name("left") {
                    self.assign(left, value.clone());
                }
                value
            }
            "augmented_assignment_expression" => self.augmented(node),
            "binary_expression" => self.binary(node),
            "unary_expression" => {
                let value = node.child_by_field_name("argument").map_or(Val::Unknown, |node| self.eval(node));
                match (self.field(node, "operator"), value) {
                    ("!", Val::Not(inner)) => (*inner).clone(),
                    ("!", value) => Val::Not(Rc::new(value)),
                    ("typeof", value) if value.is_given() => Val::TypeOf(Rc::new(value)),
                    ("-", Val::Num(value)) => Val::Num(-value),
                    ("+", value) => {
                        self.evidence(&value, Kind::Number);
                        value
                    }
                    _ => Val::Unknown,
                }
            }
            "update_expression" => self.update(node),
            "ternary_expression" => self.ternary(node),
            "spread_element" => node.named_child(0).map_or(Val::Unknown, |inner| self.eval(inner)),
            "regex" => Val::Unknown,
            "comment" => Val::Unknown,
            _ => {
                for child in named(node) {
                    self.eval(child);
                }
                Val::Unknown
            }
        }
    }

    fn identifier(&mut self, node: Node<'t>) -> Val {
        let name = self.text(node);
        let value = match self.known(name) {
            Some(value) => value.clone(),
            None => return self.global(name),
        };
        if matches!(value, Val::Following) && self.place.flag.is_some() {
            return self.take();
        }
        self.used(&value);
        value
    }

    /// Positionals that leave the reader's sight are taken as a list.
    pub(super) fn hand_over(&mut self, value: &Val) {
        if let Val::Words(parser, _) = value
            && let Some(parser) = self.parsers.get_mut(*parser)
        {
            parser.takes_list = true;
        }
    }

    /// `{file: words[0], rest: words}` names what it holds.
    fn name_by_key(&mut self, value: &Val, key: &str) {
        match value {
            Val::Word(parser, place) => {
                let word = self.parsers.get_mut(*parser).and_then(|parser| parser.word(*place));
                if let Some(word) = word.filter(|word| word.dest.is_empty()) {
                    word.dest = super::words::snake(key);
                }
            }
            Val::Words(parser, _) => {
                if let Some(parser) = self.parsers.get_mut(*parser).filter(|parser| parser.list_name.is_empty()) {
                    parser.list_name = super::words::snake(key);
                }
                self.hand_over(value);
            }
            _ => {}
        }
    }

    /// Counts the use of an argument's value.
    pub(super) fn used(&mut self, value: &Val) {
        if let Val::Word(parser, place) = value
            && let Some(parser) = self.parsers.get_mut(*parser)
        {
            let uses = parser.word_uses.entry(*place).or_default();
            uses.0 = uses.0.saturating_add(1);
        }
        if let Val::Member(parser, arg) = value {
            let is_condition = self.in_condition;
            if let Some(uses) = self.parsers.get_mut(*parser).and_then(|parser| parser.uses.get_mut(*arg)) {
                uses.0 = uses.0.saturating_add(1);
                uses.1 = uses.1.saturating_add(usize::from(is_condition));
            }
        }
    }

    fn string(&mut self, node: Node<'t>) -> Val {
        let mut text = String::new();
        for part in named(node) {
            match part.kind() {
                "escape_sequence" => text.push_str(&escape(self.text(part))),
                _ => text.push_str(self.text(part)),
            }
        }
        self.note_text(&text);
        Val::str(text)
    }

    /// A text in backquotes; one with unknown parts is unknown, but is read as usage text.
    fn template(&mut self, node: Node<'t>) -> Val {
        let mut text = String::new();
        let mut is_known = true;
        let mut given = None;
        for part in named(node) {
            match part.kind() {
                "escape_sequence" => text.push_str(&escape(self.text(part))),
                "template_substitution" => {
                    match part.named_child(0).map_or(Val::Unknown, |inner| self.plainly(inner)) {
                        Val::Str(inner) => text.push_str(&inner),
                        Val::Num(inner) => text.push_str(&inner.to_string()),
                        other => {
                            is_known = false;
                            given = Some(other).filter(Val::is_given).or(given);
                            text.push('$');
                        }
                    }
                }
                _ => text.push_str(self.text(part)),
            }
        }
        self.note_text(&text);
        match given {
            _ if is_known => Val::str(text),
            Some(given) => given,
            None => Val::Unknown,
        }
    }

    /// Texts that look like a usage are kept for what they say of the arguments.
    pub(super) fn note_text(&mut self, text: &str) {
        let start = text.trim_start();
        let is_line = start.starts_with('-') && (start.len() < text.len() || start.contains("  "));
        if text.contains("sage:") || text.contains("sage\n") || is_line || text.contains("\n  -") {
            self.usage.add(text);
        }
    }

    fn array(&mut self, node: Node<'t>) -> Val {
        let mut items = Vec::new();
        let (mut is_known, mut is_extended) = (true, false);
        for item in named(node) {
            match (item.kind(), self.eval(item)) {
                ("comment", _) => {}
                ("spread_element", Val::Argv(from)) => return Val::Argv(from),
                ("spread_element", Val::Words(parser, from)) => return Val::Words(parser, from),
                ("spread_element", value) => {
                    is_extended = true;
                    match value {
                        Val::List(inner) => items.extend(inner.iter().cloned()),
                        _ => is_known = false,
                    }
                }
                (_, value) => {
                    // `[...list, value]`: the flag is given several times.
                    if is_extended && self.place.flag.is_some() {
                        self.repeat(&value);
                    }
                    items.push(value);
                }
            }
        }
        if is_known { Val::list(items) } else { Val::Unknown }
    }

    fn object(&mut self, node: Node<'t>) -> Val {
        let mut members: Vec<(Rc<str>, Val)> = Vec::new();
        for item in named(node) {
            match item.kind() {
                "pair" => {
                    let key = item.child_by_field_name("key");
                    let name = key.and_then(|key| self.key(key));
                    let value = item.child_by_field_name("value").map_or(Val::Unknown, |node| self.plainly(node));
                    if let Some(name) = name.as_deref() {
                        self.name_by_key(&value, name);
                    }
                    if let Some(name) = name {
                        members.push((name, value));
                    }
                }
                "shorthand_property_identifier" => {
                    let value = self.identifier(item);
                    self.name_by_key(&value, self.text(item));
                    members.push((self.text(item).into(), value));
                }
                "method_definition" => {
                    let value = self.define(item);
                    members.push((self.field(item, "name").into(), value));
                }
                "spread_element" => {
                    let value = self.eval(item);
                    if let Val::Values(_) = value {
                        return value;
                    }
                    members.extend(value.members().iter().cloned());
                }
                _ => {}
            }
        }
        Val::object(members)
    }

    /// The name that a key of an object literal or pattern says.
    pub(super) fn key(&mut self, node: Node<'t>) -> Option<Rc<str>> {
        match node.kind() {
            "property_identifier" | "identifier" | "number" => Some(self.text(node).into()),
            "computed_property_name" => match node.named_child(0).map(|inner| self.eval(inner)) {
                Some(Val::Str(text)) => Some(text),
                _ => None,
            },
            _ => match self.eval(node) {
                Val::Str(text) => Some(text),
                _ => None,
            },
        }
    }

    fn subscript(&mut self, node: Node<'t>) -> Val {
        let object = node.child_by_field_name("object").map_or(Val::Unknown, |node| self.plainly(node));
        let index = node.child_by_field_name("index").map_or(Val::Unknown, |node| self.plainly(node));
        match (&object, &index) {
            (_, Val::Str(name)) => self.member(&object, name),
            (Val::Argv(from), index) => self.word_at(*from, index),
            (Val::List(items), Val::Num(at)) => items.get(*at as usize).cloned().unwrap_or(Val::Undefined),
            (Val::Words(parser, from), Val::Num(at)) if (0.0..32.0).contains(at) => {
                self.positional(*parser, from + *at as usize)
            }
            (Val::Object(_), index) if index.is_given() => {
                let keys = object.members().iter().map(|(key, _)| Val::Str(key.clone())).collect();
                Val::OneOf(Rc::new(index.clone()), Rc::new(keys))
            }
            _ => Val::Unknown,
        }
    }

    /// `.name` of a value.
    pub(super) fn member(&mut self, object: &Val, name: &str) -> Val {
        match object {
            Val::Name(full) => self.member_of_name(&full.clone(), name),
            Val::Object(_) => {
                let value = object.get(name).cloned().unwrap_or(Val::Unknown);
                self.used(&value);
                value
            }
            Val::Argv(from) if name == "length" => Val::Length(*from),
            Val::Words(parser, from) if name == "length" => Val::Count(*parser, *from),
            Val::Values(parser) => self.value_of(*parser, name),
            Val::Yargs(parser) if name == "argv" => self.parse(*parser),
            Val::Command(parser) if name == "args" => Val::Words(*parser, 0),
            Val::Command(parser) if name == "argv" => Val::Values(*parser),
            Val::Json => {
                self.json.read(name);
                Val::Field(name.into())
            }
            Val::Field(field) => {
                match name {
                    "length" => {}
                    _ => self.json.evidence(field, "object"),
                }
                Val::Unknown
            }
            // An event's data, a reader's text.
            Val::Stdin if matches!(name, "value" | "data") => Val::Stdin,
            _ => Val::Unknown,
        }
    }
}

fn number(text: &str) -> Val {
    let plain = text.replace('_', "").to_ascii_lowercase();
    let based = |radix| plain.get(2..).and_then(|digits| u32::from_str_radix(digits, radix).ok()).map(f64::from);
    let value = match plain.get(..2) {
        Some("0x") => based(16),
        Some("0o") => based(8),
        Some("0b") => based(2),
        _ => plain.parse().ok(),
    };
    value.map_or(Val::Unknown, Val::Num)
}

fn escape(sequence: &str) -> String {
    let code = |digits: &str| u32::from_str_radix(digits.trim_matches(['{', '}']), 16).ok().and_then(char::from_u32);
    let rest = sequence.get(1..).unwrap_or("");
    let replaced = match rest.chars().next() {
        Some('n') => Some('\n'),
        Some('t') => Some('\t'),
        Some('r') => Some('\r'),
        Some('0') => Some('\0'),
        Some('x' | 'u') => code(rest.get(1..).unwrap_or("")),
        Some('\n' | '\r') => return String::new(),
        _ => return rest.to_owned(),
    };
    replaced.map(String::from).unwrap_or_default()
}
