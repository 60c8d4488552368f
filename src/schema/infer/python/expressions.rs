//! Expressions: literals keep their value, names are looked up, members of the stdin document are noted.

use std::collections::HashMap;

use tree_sitter::Node;

use super::literals::{integer, operate, unescape};
use super::reader::{ITERATIONS, Reader, named};
use super::value::{ITEMS, Val};

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
