//! Methods of the command line itself, of positionals, and of one word in a loop.

use std::rc::Rc;

use tree_sitter::Node;

use super::reader::Reader;
use super::value::Val;
use crate::schema::infer::cli::Takes;

impl<'t> Reader<'t> {
    /// `process.argv.method(…)`.
    pub(super) fn argv_method(&mut self, from: usize, node: Node<'t>, method: &str, args: &[Val]) -> Val {
        let first = args.first().cloned().unwrap_or(Val::Undefined);
        match (method, &first) {
            ("slice", Val::Num(count)) if (0.0..64.0).contains(count) && args.len() == 1 => {
                Val::Argv(from + *count as usize)
            }
            ("slice" | "concat", Val::Undefined) => Val::Argv(from),
            ("splice", Val::Num(count)) if (0.0..64.0).contains(count) && args.len() == 1 => {
                Val::Argv(from + *count as usize)
            }
            ("filter", Val::Name(name)) if &**name == "Boolean" => Val::Argv(from),
            ("entries", _) => Val::Unknown,
            ("values" | "toString", _) => Val::Argv(from),
            ("includes" | "indexOf" | "lastIndexOf", Val::Str(label)) => match self.flag(std::slice::from_ref(label)) {
                Some((parser, arg)) if method == "includes" => {
                    let value = Val::Member(parser, arg);
                    self.used(&value);
                    value
                }
                Some((parser, arg)) => Val::FlagPlace(parser, arg),
                None => Val::Unknown,
            },
            ("shift", _) => self.shift(from, node),
            ("length", _) => Val::Length(from),
            ("join", _) => {
                let hand = self.hand();
                if from >= 2 {
                    self.all_words(hand, from - 2, "");
                }
                Val::Unknown
            }
            (
                "forEach" | "map" | "some" | "find" | "findIndex" | "every" | "filter" | "reduce" | "flatMap",
                Val::Func(index),
            ) => self.each(from, method, *index, args),
            _ => {
                self.call_back(args, &[]);
                Val::Unknown
            }
        }
    }

    /// A callback for each word.
    fn each(&mut self, from: usize, method: &str, function: usize, args: &[Val]) -> Val {
        let given = match method {
            "reduce" => vec![args.get(1).cloned().unwrap_or(Val::Unknown), Val::Current, Val::Place],
            _ => vec![Val::Current, Val::Place],
        };
        let mut result = Val::Unknown;
        if matches!(method, "forEach" | "reduce" | "map" | "flatMap") {
            self.each_word(from, "arg", |reader| result = reader.call_function(function, given));
        } else {
            self.over_words(|reader| result = reader.call_function(function, given));
        }
        let hand = self.hand();
        match (method, result) {
            ("some", Val::Is(labels, _)) => match self.flag(&labels) {
                Some((parser, arg)) => Val::Member(parser, arg),
                None => Val::Unknown,
            },
            ("find", Val::Is(labels, _)) => match self.flag(&labels) {
                // `find(a => a.startsWith('--x='))`: its text holds the value.
                Some((parser, arg)) => Val::Member(parser, arg),
                None => Val::Unknown,
            },
            ("findIndex", Val::Is(labels, _)) => match self.flag(&labels) {
                Some((parser, arg)) => Val::FlagPlace(parser, arg),
                None => Val::Unknown,
            },
            ("filter", Val::Is(labels, _)) => match self.flag(&labels) {
                Some((parser, arg)) => {
                    let is_joined = labels.iter().any(|label| label.ends_with('='));
                    if let Some(arg) = self.arg(parser, arg) {
                        arg.takes = if is_joined { Takes::Many } else { Takes::Count };
                    }
                    Val::Member(parser, arg)
                }
                None => Val::Unknown,
            },
            ("filter" | "find", Val::Not(inner)) if matches!(*inner, Val::Dashed | Val::Is(..) | Val::Any(_)) => {
                if let Some(parser) = self.parsers.get_mut(hand) {
                    parser.sorts_words = true;
                }
                if method == "find" { self.positional(hand, 0) } else { Val::Words(hand, 0) }
            }
            ("map", Val::Current) => Val::Argv(from),
            _ => Val::Unknown,
        }
    }

    /// `args.shift()`: in a loop it is the word or its flag's value, otherwise the next by its place.
    fn shift(&mut self, from: usize, node: Node<'t>) -> Val {
        if self.place.flag.is_some() {
            return self.take();
        }
        if self.loops > 0 {
            return Val::Current;
        }
        if node.kind() == "identifier" {
            let name = self.text(node);
            self.rebind(name, Val::Argv(from + 1));
        }
        match from.checked_sub(2) {
            Some(place) => self.word(place),
            None => Val::Unknown,
        }
    }

    /// Methods of the list of positionals.
    pub(super) fn words_method(
        &mut self,
        parser: usize,
        from: usize,
        node: Node<'t>,
        method: &str,
        args: &[Val],
    ) -> Val {
        match (method, args.first()) {
            ("slice", Some(Val::Num(count))) if (0.0..32.0).contains(count) && args.len() == 1 => {
                Val::Words(parser, from + *count as usize)
            }
            ("slice" | "values", _) => Val::Words(parser, from),
            ("filter", Some(Val::Name(_))) => Val::Words(parser, from),
            ("shift", _) => {
                if node.kind() == "identifier" {
                    let name = self.text(node);
                    self.rebind(name, Val::Words(parser, from + 1));
                }
                self.positional(parser, from)
            }
            ("at", Some(Val::Num(place))) if (0.0..32.0).contains(place) => {
                self.positional(parser, from + *place as usize)
            }
            ("push", _) => Val::Unknown,
            _ => {
                let name = std::mem::take(&mut self.list_name);
                let own = if name.is_empty() { super::patterns::last_name(self.text(node)).to_owned() } else { name };
                let is_generic =
                    matches!(own.as_str(), "" | "_" | "positionals" | "positional" | "args" | "rest" | "argv");
                self.all_words(parser, from, if is_generic { "" } else { &own });
                self.call_back(args, &[]);
                Val::Unknown
            }
        }
    }

    /// Methods of the word that a loop is at.
    pub(super) fn text_method(&mut self, object: &Val, method: &str, args: &[Val]) -> Val {
        let first = args.first().and_then(Val::as_str).unwrap_or("");
        match (object, method) {
            (Val::Current, "startsWith") if first.len() > 2 && first.starts_with('-') => {
                Val::Is(Rc::new(vec![first.into()]), None)
            }
            (Val::Current, "startsWith" | "match") if first.starts_with('-') => {
                self.asks_dashes = true;
                Val::Dashed
            }
            (Val::Current, "slice" | "substring" | "split" | "replace" | "match" | "substr")
                if self.place.flag.is_some() =>
            {
                let value = self.take();
                if method == "split" { Val::list(vec![Val::Unknown, value]) } else { value }
            }
            (Val::Current, "split") if first == "=" => {
                self.joins = true;
                Val::list(vec![Val::Current, Val::Following])
            }
            (Val::Key, "split") if first == "=" => {
                self.joins = true;
                Val::list(vec![Val::Key, Val::Following])
            }
            (Val::Current, "match") => {
                self.asks_dashes = true;
                self.joins = true;
                Val::list(vec![Val::Current, Val::Key, Val::Following])
            }
            (Val::Current | Val::Key, "slice" | "substring" | "replace" | "replaceAll" | "substr") => Val::Key,
            (_, "trim" | "toLowerCase" | "toString") => object.clone(),
            (Val::Following, "startsWith") => Val::Unknown,
            (Val::Current, "includes" | "indexOf" | "test") => Val::Unknown,
            _ => {
                self.call_back(args, &[]);
                Val::Unknown
            }
        }
    }
}
