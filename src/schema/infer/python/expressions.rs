//! Expressions: literals keep their value, names are looked up, what reads words or the stdin document is noted.

use std::rc::Rc;

use tree_sitter::Node;

use super::literals::{compare, integer, operate};
use super::reader::{Reader, named};
use super::value::Val;
use crate::schema::infer::cli::Kind;

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
            "ellipsis" => Val::Name("...".into()),
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
                let object = self.field(node, "object");
                let name = node.child_by_field_name("attribute").map_or("", |node| self.text(node));
                self.attribute(&object, name)
            }
            "subscript" => self.subscript(node),
            "call" => self.call(node),
            "assignment" => self.assignment(node),
            "augmented_assignment" => {
                let before = self.field(node, "left");
                let more = self.field(node, "right");
                let operator = node.child_by_field_name("operator").map_or("", |node| self.text(node));
                let value = operate(operator.trim_end_matches('='), &before, &more);
                if let Some(left) = node.child_by_field_name("left") {
                    self.assign(left, value);
                }
                Val::Unknown
            }
            "named_expression" => {
                let value = self.field(node, "value");
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
                let value = self.field(node, "argument");
                match (self.text(node).chars().next(), value) {
                    (Some('-'), Val::Int(value)) => value.checked_neg().map_or(Val::Unknown, Val::Int),
                    (Some('-'), Val::Float(value)) => Val::Float(-value),
                    (_, Val::Made(kind)) => Val::Made(kind),
                    _ => Val::Unknown,
                }
            }
            "not_operator" => match self.field(node, "argument") {
                Val::Made(_) => Val::Made(Kind::Boolean),
                value => value.truth().map_or(Val::Unknown, |truth| Val::Bool(!truth)),
            },
            "binary_operator" => {
                let left = self.field(node, "left");
                let right = self.field(node, "right");
                let operator = node.child_by_field_name("operator").map_or("", |node| self.text(node));
                operate(operator, &left, &right)
            }
            "boolean_operator" => self.boolean(node),
            "comparison_operator" => self.comparison(node),
            "conditional_expression" => self.conditional(node),
            "list_comprehension" | "set_comprehension" | "generator_expression" | "dictionary_comprehension" => {
                self.comprehension(node)
            }
            "lambda" => Val::Func(self.new_function(node, "")),
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

    fn assignment(&mut self, node: Node<'t>) -> Val {
        let Some(right) = node.child_by_field_name("right") else {
            // `name: type` alone binds nothing.
            return Val::Unknown;
        };
        let value = self.eval(right);
        if let Some(left) = node.child_by_field_name("left") {
            self.assign(left, value.clone());
        }
        value
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
                (Some(items), Some(more)) if items.len() + more.len() <= super::value::ITEMS => items.extend(more),
                _ => items = None,
            }
        }
        items
    }

    fn subscript(&mut self, node: Node<'t>) -> Val {
        let object = self.field(node, "value");
        let Some(index) = node.child_by_field_name("subscript") else { return Val::Unknown };
        if index.kind() == "slice" {
            return self.slice(&object, index);
        }
        let key = self.eval(index);
        match (&object, &key) {
            (Val::Json, Val::Str(name)) => {
                self.json.demand(name);
                Val::Field(name.clone())
            }
            (Val::Field(name), Val::Str(_)) => {
                self.json.evidence(name, "object");
                Val::Unknown
            }
            (Val::Words(from), Val::Int(index)) => match usize::try_from(*index) {
                Ok(index) => {
                    let index = from.saturating_add(index);
                    self.words.read(index);
                    Val::Word(Some(index))
                }
                Err(_) => {
                    self.words.is_loose = true;
                    Val::Unknown
                }
            },
            (Val::Dict(_), _) => object.entry(&key).unwrap_or(Val::Unknown),
            (Val::List(items), Val::Int(index)) => {
                let index = if *index < 0 { i64::try_from(items.len()).unwrap_or(0) + index } else { *index };
                usize::try_from(index).ok().and_then(|index| items.get(index).cloned()).unwrap_or(Val::Unknown)
            }
            (Val::Str(text), Val::Int(index)) => {
                let length = i64::try_from(text.chars().count()).unwrap_or(0);
                let index = if *index < 0 { length + index } else { *index };
                let letter = usize::try_from(index).ok().and_then(|index| text.chars().nth(index));
                letter.map_or(Val::Unknown, |letter| Val::str(letter.to_string()))
            }
            (Val::Class(_), Val::Str(name)) => {
                let members = self.members_of(&object).unwrap_or_default();
                let is_it = |member: &Val| matches!(member, Val::Member(member) if member.0 == *name);
                members.into_iter().find(is_it).unwrap_or(Val::Unknown)
            }
            // `List[int]`: what is inside matters where annotations are read.
            (Val::Name(name), _) if name.as_ref() == "os.environ" => Val::Unknown,
            _ => Val::Unknown,
        }
    }

    fn slice(&mut self, object: &Val, node: Node<'t>) -> Val {
        // The bounds by their place between the colons.
        let mut bounds: [Option<Val>; 3] = [None, None, None];
        let mut place = 0;
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            if child.kind() == ":" {
                place += 1;
            } else if let Some(bound) = bounds.get_mut(place) {
                *bound = Some(self.eval(child));
            }
        }
        let length = match object {
            Val::List(items) => items.len(),
            Val::Str(text) => text.chars().count(),
            Val::Words(_) => usize::MAX >> 1,
            _ => return Val::Unknown,
        };
        let at = |bound: &Option<Val>, other: usize| match bound {
            None | Some(Val::None) => Some(other),
            Some(Val::Int(value)) if *value < 0 => {
                length.checked_sub(usize::try_from(value.unsigned_abs()).ok()?).or(Some(0))
            }
            Some(Val::Int(value)) => Some(usize::try_from(*value).ok()?.min(length)),
            Some(_) => None,
        };
        let [start, end, step] = &bounds;
        let (Some(start), Some(end), None) = (at(start, 0), at(end, length), step) else { return Val::Unknown };
        match object {
            Val::List(items) => Val::list(items.get(start..end.max(start)).unwrap_or_default().to_vec()),
            Val::Str(text) => Val::str(text.chars().skip(start).take(end.saturating_sub(start)).collect::<String>()),
            Val::Words(from) => Val::Words(from.saturating_add(start)),
            _ => Val::Unknown,
        }
    }

    fn boolean(&mut self, node: Node<'t>) -> Val {
        let left = self.field(node, "left");
        let right = self.field(node, "right");
        let is_or = node.child_by_field_name("operator").is_some_and(|node| self.text(node) == "or");
        match (&left, left.truth()) {
            (Val::Field(name), _) if is_or => {
                self.ask(name, Some(&right));
                left
            }
            (Val::Word(Some(index)), _) if is_or => {
                self.words.fallback(*index, &right);
                left
            }
            (Val::Json | Val::StdinText | Val::Words(_), _) if is_or => left,
            (Val::Made(kind), _) => Val::Made(*kind),
            (_, Some(is_true)) if is_true == is_or => left,
            (_, Some(_)) => right,
            // Of two things one is known, and either may count.
            (_, None) if is_or => {
                if matches!(right, Val::Parser(_)) {
                    right
                } else {
                    Val::Unknown
                }
            }
            (_, None) => {
                if right.truth() == Some(false) {
                    Val::Bool(false)
                } else {
                    Val::Unknown
                }
            }
        }
    }

    fn comparison(&mut self, node: Node<'t>) -> Val {
        let parts: Vec<Node<'t>> = named(node).into_iter().filter(|part| part.kind() != "comment").collect();
        let values: Vec<Val> = parts.iter().map(|part| self.eval(*part)).collect();
        let ([left, right], [a, b]) = (values.as_slice(), parts.as_slice()) else {
            let word = values.iter().any(|value| matches!(value, Val::Word(_)));
            return if word { Val::Made(Kind::Boolean) } else { Val::Unknown };
        };
        let between = self.between(*a, *b);
        let operator = between.split_whitespace().collect::<Vec<_>>().join(" ");
        match (left, right) {
            (Val::Str(name), Val::Json) => {
                self.json.ask(name);
                Val::Unknown
            }
            (Val::Str(flag), Val::Words(_)) => {
                self.words.flag(flag);
                Val::Unknown
            }
            (Val::Count(from), Val::Int(count)) => {
                self.words.counted(*from, &operator, *count);
                Val::Unknown
            }
            (Val::Word(index), other) | (other, Val::Word(index)) => {
                self.words.compared(*index, other);
                Val::Made(Kind::Boolean)
            }
            _ => compare(&operator, left, right),
        }
    }

    fn conditional(&mut self, node: Node<'t>) -> Val {
        let parts: Vec<Val> = named(node).into_iter().map(|part| self.eval(part)).collect();
        let [first, condition, last] = parts.as_slice() else { return Val::Unknown };
        match condition.truth() {
            Some(true) => return first.clone(),
            Some(false) => return last.clone(),
            None => {}
        }
        match (first, last) {
            (Val::Word(Some(index)), other) | (other, Val::Word(Some(index))) => {
                self.words.fallback(*index, other);
                Val::Word(Some(*index))
            }
            (Val::Words(from), _) | (_, Val::Words(from)) => Val::Words(*from),
            // Which of two constants it is, nobody knows.
            _ if first.json().is_some() && last.json().is_some() && first.is(last) != Some(true) => Val::Unknown,
            _ if first.is_unknown() => last.clone(),
            _ => first.clone(),
        }
    }

    /// Reads something with names of its own.
    pub(super) fn in_inner_scope<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.frames.last().map(|frame| Rc::clone(&frame.scope));
        if let (Some(frame), Some(outer)) = (self.frames.last_mut(), &outer) {
            frame.scope = super::scope::Scope::inside(Some(Rc::clone(outer)));
        }
        let result = read(self);
        if let (Some(frame), Some(outer)) = (self.frames.last_mut(), outer) {
            frame.scope = outer;
        }
        result
    }
}
