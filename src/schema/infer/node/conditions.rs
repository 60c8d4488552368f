//! Conditions: what a word is compared with, and what is missing where a script ends.

use std::rc::Rc;

use tree_sitter::Node;

use super::reader::Reader;
use super::value::Val;
use crate::schema::infer::cli::Takes;

/// The first bytes of a branch in which an end of the script is looked for.
const BRANCH_BYTES: usize = 2048;

impl<'t> Reader<'t> {
    /// Whether two values are the same; a word that is compared with a literal may be a flag.
    pub(super) fn compare(&mut self, left: &Val, right: &Val, is_same: bool) -> Val {
        let turn = |value: Val| if is_same { value } else { Val::Not(Rc::new(value)) };
        let (given, other) =
            if matches!(left, Val::Str(_) | Val::Undefined | Val::Null) { (right, left) } else { (left, right) };
        match (given, other) {
            (Val::Current, Val::Str(label)) => {
                self.asks_dashes |= label.starts_with('-');
                turn(Val::Is(Rc::new(vec![label.clone()]), None))
            }
            (Val::Key, Val::Str(label)) => turn(Val::Is(Rc::new(vec![format!("--{label}").into()]), None)),
            (Val::Word(parser, place), Val::Str(label)) => {
                let is_flag = label.starts_with('-');
                if let Some(parser) = self.parsers.get_mut(*parser).filter(|_| is_flag) {
                    let uses = parser.word_uses.entry(*place).or_default();
                    uses.1 = uses.1.saturating_add(1);
                }
                if is_flag || *place == 0 && Some(*parser) == self.hand {
                    return turn(Val::Is(Rc::new(vec![label.clone()]), Some(*place)));
                }
                turn(Val::OneOf(Rc::new(given.clone()), Rc::new(vec![other.clone()])))
            }
            (Val::Member(..), Val::Str(_)) => turn(Val::OneOf(Rc::new(given.clone()), Rc::new(vec![other.clone()]))),
            (Val::Field(name), Val::Str(choice)) => {
                self.json.choice(name, choice);
                turn(Val::OneOf(Rc::new(given.clone()), Rc::new(vec![other.clone()])))
            }
            (Val::Length(_) | Val::Count(..), Val::Num(number)) if (0.0..32.0).contains(number) => {
                // `length === 0` is too few; `length !== 2` is too few below two.
                let fewer = |count: usize| Val::Fewer(Rc::new(given.clone()), count);
                if is_same { fewer(*number as usize + 1) } else { fewer(*number as usize) }
            }
            (Val::TypeOf(inner), Val::Str(kind)) => {
                if let Val::Field(name) = &**inner {
                    let known = ["string", "number", "boolean", "object"].into_iter().find(|known| *known == &**kind);
                    if let Some(known) = known {
                        self.json.evidence(name, known);
                    }
                }
                if is_same == (&**kind != "undefined") { (**inner).clone() } else { Val::Not(inner.clone()) }
            }
            (given, Val::Undefined | Val::Null) if given.is_given() => {
                if is_same {
                    Val::Not(Rc::new(given.clone()))
                } else {
                    given.clone()
                }
            }
            _ => Val::Unknown,
        }
    }

    /// The script ends where the condition holds: what the condition misses is required.
    pub(super) fn demand(&mut self, condition: &Val) {
        match condition {
            Val::Any(all) => all.iter().for_each(|one| self.demand(one)),
            Val::Not(inner) => match &**inner {
                // Inside of a flag's handling, it is the flag's value that is missed.
                Val::Member(parser, index) => {
                    let is_elsewhere =
                        self.place.flag.is_none() && self.frames.last().is_none_or(|frame| frame.result.is_none());
                    if let Some(arg) =
                        self.arg(*parser, *index).filter(|arg| is_elsewhere && arg.takes != Takes::Nothing)
                    {
                        arg.is_required = arg.default.is_none();
                    }
                }
                Val::Word(parser, place) => self.demand_words(*parser, 0, place + 1),
                Val::Field(name) => self.json.demand(name),
                Val::OneOf(value, list) => {
                    let choices = list.iter().filter_map(Val::json).collect::<Vec<_>>();
                    match &**value {
                        Val::Member(parser, index) => {
                            if let Some(arg) = self.arg(*parser, *index).filter(|arg| arg.choices.is_empty()) {
                                arg.choices = choices;
                            }
                        }
                        Val::Word(parser, place) => {
                            let parser = self.parsers.get_mut(*parser);
                            if let Some(arg) =
                                parser.and_then(|parser| parser.word(*place)).filter(|arg| arg.choices.is_empty())
                            {
                                arg.choices = choices;
                            }
                        }
                        Val::Field(name) => self.json.close(name, choices),
                        _ => {}
                    }
                }
                Val::Argv(from) => {
                    let hand = self.hand();
                    self.demand_words(hand, from.saturating_sub(2), 1);
                }
                Val::Length(from) => {
                    let hand = self.hand();
                    self.demand_words(hand, from.saturating_sub(2), 1);
                }
                Val::Count(parser, from) | Val::Words(parser, from) => self.demand_words(*parser, *from, 1),
                _ => {}
            },
            Val::Fewer(counted, count) => match &**counted {
                Val::Length(from) => {
                    let hand = self.hand();
                    let words = (count + from).saturating_sub(2 + usize::from(self.place.command.is_some()));
                    self.demand_words(hand, 0, words);
                }
                Val::Count(parser, from) => self.demand_words(*parser, *from, *count),
                _ => {}
            },
            _ => {}
        }
    }

    /// The first words are required, as far as the script uses them. Which it does is known at the end, so it is only noted.
    pub(super) fn demand_words(&mut self, parser: usize, from: usize, count: usize) {
        if let Some(parser) = self.parsers.get_mut(parser) {
            parser.demanded = parser.demanded.max(from.saturating_add(count));
        }
    }

    /// A literal stands in where the value is absent.
    pub(super) fn set_default(&mut self, given: &Val, literal: &Val) {
        let Some(default) = literal.default() else { return };
        match given {
            Val::Member(parser, index) => {
                let is_empty = matches!(&default, serde_json::Value::String(text) if text.is_empty());
                let is_list = default.is_array();
                if let Some(arg) = self.arg(*parser, *index)
                    && arg.default.is_none()
                    && !is_empty
                    && (!is_list || arg.takes == Takes::Many)
                {
                    arg.default = Some(default);
                    arg.is_required = false;
                }
            }
            Val::Word(parser, place) => {
                if let Some(word) = self.parsers.get_mut(*parser).and_then(|parser| parser.word(*place)) {
                    word.default.get_or_insert(default);
                }
            }
            Val::Field(name) => self.json.fall_back(name, &default),
            _ => {}
        }
    }

    /// Whether a branch ends the script.
    pub(super) fn ends_script(&self, branch: Node<'t>) -> bool {
        let text = self.branch_text(branch);
        let ends = [
            "process.exit",
            "throw ",
            "usage(",
            "Usage(",
            "die(",
            "fail(",
            "failUsage(",
            "showHelp(",
            "exitCode",
            "help(",
            "Help(",
        ];
        ends.iter().any(|end| text.contains(end))
    }

    /// Whether a branch steps over a word: the flag has a value.
    pub(super) fn goes_on(&self, branch: Node<'t>) -> bool {
        let text = self.branch_text(branch);
        [".shift()", "++", "+= 1", "+=1", "+ 1]"].iter().any(|step| text.contains(step))
    }

    pub(super) fn branch_text(&self, branch: Node<'t>) -> &'t str {
        let text = self.text(branch);
        let mut end = text.len().min(BRANCH_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.get(..end).unwrap_or("")
    }
}
