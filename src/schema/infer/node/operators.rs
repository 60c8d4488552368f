//! Operators: values with their defaults, conditions about words, and counting.

use std::rc::Rc;

use tree_sitter::Node;

use super::reader::Reader;
use super::value::Val;
use crate::schema::infer::cli::Kind;

impl<'t> Reader<'t> {
    pub(super) fn binary(&mut self, node: Node<'t>) -> Val {
        let operator = self.field(node, "operator");
        let (left, right) = (node.child_by_field_name("left"), node.child_by_field_name("right"));
        let (Some(left), Some(right)) = (left, right) else { return Val::Unknown };
        match operator {
            "||" | "??" => {
                let left = self.eval(left);
                let ends = self.ends_script(right);
                let right = self.eval(right);
                self.either(left, right, ends)
            }
            "&&" => {
                let left = self.condition(left);
                let ends = self.ends_script(right);
                let is_condition = self.in_condition;
                if ends {
                    self.demand(&left);
                }
                let goes_on = self.goes_on(right);
                let place = if is_condition { self.place } else { self.place_of(&left, goes_on) };
                let right = self.placed(place, |reader| reader.eval(right));
                match (&left, &right) {
                    (Val::Is(..) | Val::Dashed, _) if is_condition => left,
                    (_, right) if right.is_given() || matches!(right, Val::Is(..) | Val::Dashed) => right.clone(),
                    _ => Val::Unknown,
                }
            }
            "===" | "==" | "!==" | "!=" => {
                let (left, right) = (self.plainly(left), self.plainly(right));
                self.compare(&left, &right, operator.starts_with('='))
            }
            "<" | "<=" | ">" | ">=" => {
                let (left, right) = (self.plainly(left), self.plainly(right));
                fewer(operator, left, right)
            }
            "in" => {
                let (left, right) = (self.plainly(left), self.plainly(right));
                match (&left, &right) {
                    (given, Val::Object(members)) if given.is_given() => {
                        let keys = members.iter().map(|(key, _)| Val::Str(key.clone())).collect();
                        Val::OneOf(Rc::new(left), Rc::new(keys))
                    }
                    _ => Val::Unknown,
                }
            }
            _ => {
                let (left, right) = (self.plainly(left), self.plainly(right));
                self.arithmetic(operator, left, right)
            }
        }
    }

    /// `a || b`: a value with its default, or one of two conditions.
    pub(super) fn either(&mut self, left: Val, right: Val, ends: bool) -> Val {
        if left.is_given() && !self.in_condition {
            if ends {
                self.demand(&Val::Not(Rc::new(left.clone())));
            } else {
                self.set_default(&left, &right);
            }
            return left;
        }
        match (&left, &right) {
            (Val::Values(_) | Val::Words(..) | Val::Argv(_) | Val::Json | Val::Stdin, _) => left,
            (Val::Is(mine, place), Val::Is(more, _)) => {
                Val::Is(Rc::new(mine.iter().chain(more.iter()).cloned().collect()), *place)
            }
            (Val::Undefined | Val::Null, _) => right,
            (Val::Unknown | Val::Name(_), right) if right.is_given() => right.clone(),
            (Val::Any(all), _) if all.len() < 64 => Val::Any(Rc::new(all.iter().cloned().chain([right]).collect())),
            _ if self.in_condition => Val::Any(Rc::new(vec![left, right])),
            // `process.env.X || "literal"` may be anything.
            _ => Val::Unknown,
        }
    }

    pub(super) fn arithmetic(&mut self, operator: &str, left: Val, right: Val) -> Val {
        match (operator, &left, &right) {
            ("+", Val::Str(left), Val::Str(right)) => {
                let text = format!("{left}{right}");
                self.note_text(&text);
                Val::str(text)
            }
            ("+", Val::Num(left), Val::Num(right)) => Val::Num(left + right),
            ("-", Val::Num(left), Val::Num(right)) => Val::Num(left - right),
            ("*", Val::Num(left), Val::Num(right)) => Val::Num(left * right),
            ("/", Val::Num(left), Val::Num(right)) => Val::Num(left / right),
            ("+", Val::Place, Val::Num(_)) => Val::NextPlace(None),
            ("+", Val::FlagPlace(parser, arg), Val::Num(_)) => Val::NextPlace(Some((*parser, *arg))),
            ("+", Val::Stdin, _) => Val::Stdin,
            ("-", Val::Length(from), Val::Num(less)) if *less >= 0.0 => Val::Length(from + *less as usize),
            ("*" | "/" | "%" | "**" | "-", left, right) => {
                self.evidence(&left.clone(), Kind::Number);
                self.evidence(&right.clone(), Kind::Number);
                Val::Unknown
            }
            _ => Val::Unknown,
        }
    }

    pub(super) fn augmented(&mut self, node: Node<'t>) -> Val {
        let (left, right) = (node.child_by_field_name("left"), node.child_by_field_name("right"));
        let (Some(left), Some(right)) = (left, right) else { return Val::Unknown };
        let operator = self.field(node, "operator");
        let value = self.plainly(right);
        let before = self.eval(left);
        match (operator, &before, &value) {
            (_, Val::Place, _) => {
                self.place.is_advanced = self.place.flag.is_some();
            }
            ("+=", _, Val::Stdin) => self.assign(left, Val::Stdin),
            ("+=", Val::Str(mine), Val::Str(more)) => {
                let text = format!("{mine}{more}");
                self.note_text(&text);
                self.assign(left, Val::str(text));
            }
            ("+=", _, _) if self.place.flag.is_some() && matches!(value, Val::Num(_)) => self.count(),
            ("||=" | "??=", before, _) if before.is_given() => self.set_default(&before.clone(), &value),
            (_, before, _) if before.is_given() || matches!(before, Val::Values(_) | Val::Words(..)) => {}
            _ => self.assign(left, Val::Unknown),
        }
        Val::Unknown
    }

    pub(super) fn update(&mut self, node: Node<'t>) -> Val {
        let Some(argument) = node.child_by_field_name("argument") else { return Val::Unknown };
        let value = self.eval(argument);
        let is_prefix = node.child(0).is_some_and(|first| !first.is_named());
        match value {
            Val::Place if is_prefix => Val::NextPlace(None),
            Val::Place => {
                let is_index = node.parent().is_some_and(|parent| parent.kind() == "subscript_expression");
                if is_index && self.steps_after && self.place.flag.is_some() {
                    return Val::NextPlace(None);
                }
                self.steps_after |= is_index;
                Val::Place
            }
            _ => {
                if self.place.flag.is_some() && self.text(node).starts_with(|c: char| c.is_alphabetic()) {
                    self.count();
                }
                Val::Unknown
            }
        }
    }

    pub(super) fn ternary(&mut self, node: Node<'t>) -> Val {
        let condition = node.child_by_field_name("condition").map_or(Val::Unknown, |node| self.condition(node));
        let (Some(first), Some(second)) =
            (node.child_by_field_name("consequence"), node.child_by_field_name("alternative"))
        else {
            return Val::Unknown;
        };
        let goes_on = self.goes_on(first);
        let place = self.place_of(&condition, goes_on);
        let one = self.placed(place, |reader| reader.plainly(first));
        let other = self.plainly(second);
        let (given, literal) = if one.is_given() { (one, other) } else { (other, one) };
        if given.is_given() {
            self.set_default(&given, &literal);
            return given;
        }
        match (&given, &literal) {
            (Val::Values(_) | Val::Words(..) | Val::Argv(_) | Val::Json | Val::Stdin, _) => given,
            (_, Val::Values(_) | Val::Words(..) | Val::Argv(_) | Val::Json | Val::Stdin) => literal,
            _ => Val::Unknown,
        }
    }
}

/// Comparisons of the number of words with a number.
fn fewer(operator: &str, left: Val, right: Val) -> Val {
    let (operator, counted, number) = match (left, right) {
        (counted @ (Val::Length(_) | Val::Count(..)), Val::Num(number)) => (operator, counted, number),
        (Val::Num(number), counted @ (Val::Length(_) | Val::Count(..))) => {
            let turned = match operator {
                "<" => ">",
                "<=" => ">=",
                ">" => "<",
                _ => "<=",
            };
            (turned, counted, number)
        }
        _ => return Val::Unknown,
    };
    if !(0.0..=64.0).contains(&number) {
        return Val::Unknown;
    }
    let number = number as usize;
    match operator {
        "<" => Val::Fewer(Rc::new(counted), number),
        "<=" => Val::Fewer(Rc::new(counted), number + 1),
        ">=" => Val::Not(Rc::new(Val::Fewer(Rc::new(counted), number))),
        _ => Val::Not(Rc::new(Val::Fewer(Rc::new(counted), number + 1))),
    }
}
