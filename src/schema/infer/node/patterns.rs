//! Names given to values: declarations, destructuring and assignments.

use std::rc::Rc;

use tree_sitter::Node;

use super::reader::Reader;
use super::value::Val;
use crate::syntax::named;

impl<'t> Reader<'t> {
    /// Gives the names of a pattern their parts of a value.
    pub(super) fn destructure(&mut self, target: Node<'t>, value: Val, declares: bool) {
        if !self.enter() {
            return;
        }
        self.depth += 1;
        match target.kind() {
            "identifier" | "shorthand_property_identifier_pattern" | "shorthand_property_identifier" => {
                let name = self.text(target);
                self.name_word(&value, target);
                if declares { self.bind(name, value) } else { self.rebind(name, value) }
            }
            "object_pattern" => self.object_pattern(target, &value, declares),
            "array_pattern" => self.array_pattern(target, &value, declares),
            "assignment_pattern" | "object_assignment_pattern" => {
                let default = target.child_by_field_name("right").map_or(Val::Unknown, |node| self.eval(node));
                let value = if matches!(value, Val::Undefined) { default } else { self.defaulted(value, &default) };
                if let Some(left) = target.child_by_field_name("left") {
                    self.destructure(left, value, declares);
                }
            }
            // TypeScript's parameters, which the JavaScript grammar only knows as errors.
            "required_parameter" | "optional_parameter" => {
                if let Some(pattern) = target.child_by_field_name("pattern") {
                    self.destructure(pattern, value, declares);
                }
            }
            "rest_pattern" => {
                if let Some(name) = target.named_child(0) {
                    self.destructure(name, value, declares);
                }
            }
            "member_expression" | "subscript_expression" if !declares => self.store(target, value),
            _ => {}
        }
        self.depth -= 1;
    }

    fn defaulted(&mut self, value: Val, default: &Val) -> Val {
        if value.is_given() {
            self.set_default(&value, default);
        }
        value
    }

    fn object_pattern(&mut self, target: Node<'t>, value: &Val, declares: bool) {
        for part in named(target) {
            match part.kind() {
                "pair_pattern" => {
                    let key = part.child_by_field_name("key");
                    let name = key.and_then(|key| self.key(key));
                    let inner = name.map_or(Val::Unknown, |name| self.member(value, &name));
                    if let Some(pattern) = part.child_by_field_name("value") {
                        self.destructure(pattern, inner, declares);
                    }
                }
                "object_assignment_pattern" => {
                    let name = self.field(part, "left").to_owned();
                    let inner = self.member(value, &name);
                    self.destructure(part, inner, declares);
                }
                "rest_pattern" => {
                    let rest = if matches!(value, Val::Values(_)) { value.clone() } else { Val::Unknown };
                    self.destructure(part, rest, declares);
                }
                _ => {
                    let inner = self.member(value, self.text(part));
                    self.destructure(part, inner, declares);
                }
            }
        }
    }

    fn array_pattern(&mut self, target: Node<'t>, value: &Val, declares: bool) {
        let mut cursor = target.walk();
        let children: Vec<Node<'t>> = target.children(&mut cursor).collect();
        // Holes count: `const [, , file] = process.argv`.
        let mut index = 0;
        for child in children {
            match child.kind() {
                "," => index += 1,
                "rest_pattern" => {
                    let rest = match value {
                        Val::Argv(from) => Val::Argv(from + index),
                        Val::Words(parser, from) => Val::Words(*parser, from + index),
                        _ => Val::Unknown,
                    };
                    self.destructure(child, rest, declares);
                }
                _ if child.is_named() => {
                    let inner = match value {
                        Val::Argv(from) => self.word_at(*from, &Val::Num(index as f64)),
                        Val::Words(parser, from) => self.positional(*parser, from + index),
                        Val::List(items) => items.get(index).cloned().unwrap_or(Val::Undefined),
                        _ => Val::Unknown,
                    };
                    self.destructure(child, inner, declares);
                }
                _ => {}
            }
        }
    }

    /// `target = value`.
    pub(super) fn assign(&mut self, target: Node<'t>, value: Val) {
        let value = self.destined(target, value);
        if matches!(target.kind(), "identifier") {
            let name = self.text(target);
            let prior = self.known(name).cloned();
            if let (Val::Member(..) | Val::Word(..), Some(prior)) = (&value, &prior) {
                self.set_default(&value, prior);
                self.name_word(&value, target);
            }
            // Inside of one flag's handling a name keeps what another flag gave it.
            let keeps = prior.as_ref().is_some_and(Val::is_given) && !value.is_given() && self.place.flag.is_some();
            if !keeps {
                self.rebind(name, value);
            }
            return;
        }
        self.destructure(target, value, false);
    }

    /// A word that is stored without being a flag is a positional.
    fn destined(&mut self, target: Node<'t>, value: Val) -> Val {
        let is_stray =
            matches!(value, Val::Current) && self.place.flag.is_none() && self.loops > 0 && !self.in_condition;
        if !is_stray {
            return value;
        }
        let name = last_name(self.text(target));
        match self.next_word(name) {
            Some(word) => word,
            None => value,
        }
    }

    /// `object.name = value`, `object[key] = value`.
    fn store(&mut self, target: Node<'t>, value: Val) {
        let Some(object) = target.child_by_field_name("object") else { return };
        let name = match target.kind() {
            "member_expression" => Some(Rc::from(self.field(target, "property"))),
            _ => match target.child_by_field_name("index").map_or(Val::Unknown, |node| self.eval(node)) {
                Val::Str(name) => Some(name),
                Val::Key | Val::Current => {
                    self.open(object, &value);
                    None
                }
                _ => None,
            },
        };
        let Some(name) = name else { return };
        if object.kind() != "identifier" {
            return;
        }
        let holder = self.text(object);
        let known = self.known(holder).cloned();
        match known {
            Some(Val::Object(members)) => {
                let prior = members.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
                if let Some(prior) = &prior {
                    self.set_default(&value, prior);
                }
                let keeps = prior.is_some_and(|prior| prior.is_given()) && !value.is_given();
                if !keeps {
                    let mut members: Vec<(Rc<str>, Val)> =
                        members.iter().filter(|(key, _)| *key != name).cloned().collect();
                    let value = if value.is_given() { value } else { self.flag_value().unwrap_or(value) };
                    members.push((name, value));
                    self.rebind(holder, Val::object(members));
                }
            }
            Some(Val::Name(full)) if &*full == "module.exports" || &*full == "exports" => {}
            _ => {}
        }
    }

    /// `flags[key] = …`: every flag is taken, and which ones there are is known by the names that are read of the object.
    fn open(&mut self, object: Node<'t>, value: &Val) {
        if object.kind() != "identifier" {
            return;
        }
        let holder = self.text(object);
        let hand = self.hand();
        let prior = self.known(holder).cloned().unwrap_or(Val::Unknown);
        if matches!(prior, Val::Values(_)) {
            return;
        }
        let is_joined = matches!(value, Val::Following) && !self.is_following_apart();
        for (name, default) in prior.members() {
            let arg = self.open_member(hand, name);
            if let Some(arg) = arg {
                self.set_default(&Val::Member(hand, arg), default);
            }
        }
        if let Some(parser) = self.parsers.get_mut(hand) {
            parser.is_open = true;
            if is_joined {
                parser.grammar.values = crate::schema::Values::Joined;
            }
        }
        self.rebind(holder, Val::Values(hand));
    }
}

/// The last name of `a.b.c`.
pub(super) fn last_name(text: &str) -> &str {
    let last = text.rsplit('.').next().unwrap_or(text);
    let is_name = last.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
    if is_name { last } else { "" }
}
