//! Branches and loops: each is read once for every way that it may be about the command line.

use std::rc::Rc;

use tree_sitter::Node;

use super::reader::Reader;
use super::value::Val;
use crate::syntax::named;

/// The most iterations of one loop that are unrolled.
const ITERATIONS: usize = 64;

impl<'t> Reader<'t> {
    pub(super) fn if_statement(&mut self, node: Node<'t>) {
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

    pub(super) fn switch_statement(&mut self, node: Node<'t>) {
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

    pub(super) fn for_statement(&mut self, node: Node<'t>) {
        if let Some(initializer) = node.child_by_field_name("initializer") {
            self.exec(initializer);
        }
        let is_over = node.child_by_field_name("condition").is_some_and(|condition| self.bounds_loop(condition));
        let Some(body) = node.child_by_field_name("body") else { return };
        if is_over { self.over_words(|reader| reader.exec(body)) } else { self.exec(body) }
    }

    /// `i < args.length`: the loop goes over the command line, and the name is the place in it.
    pub(super) fn bounds_loop(&mut self, condition: Node<'t>) -> bool {
        let is_over = self.over_length(condition, 0);
        self.eval(condition);
        is_over
    }

    pub(super) fn over_length(&mut self, condition: Node<'t>, depth: usize) -> bool {
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

    pub(super) fn while_statement(&mut self, node: Node<'t>) {
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

    pub(super) fn for_in_statement(&mut self, node: Node<'t>) {
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
}
