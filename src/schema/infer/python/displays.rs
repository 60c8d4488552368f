//! Texts with places to fill, dictionaries and comprehensions.

use tree_sitter::Node;

use super::literals::unescape;
use super::reader::{Reader, named};
use super::value::{HOLE, ITEMS, Val};

/// The most elements that a comprehension is unrolled to.
const ELEMENTS: usize = 256;

impl<'t> Reader<'t> {
    pub(super) fn dictionary(&mut self, node: Node<'t>) -> Val {
        let mut items = Vec::new();
        for child in named(node) {
            if child.kind() == "pair" {
                items.push((self.field(child, "key"), self.field(child, "value")));
            } else if let (Some(inner), "dictionary_splat") = (child.named_child(0), child.kind()) {
                match self.eval(inner) {
                    Val::Dict(more) => items.extend(more.iter().cloned()),
                    _ => return Val::Unknown,
                }
            }
        }
        Val::dict(items)
    }

    pub(super) fn string(&mut self, node: Node<'t>) -> Val {
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
                    let value = self.field(part, "expression");
                    let is_plain = named(part).iter().all(|child| child.kind() != "format_specifier");
                    let filled = if is_plain { value.text() } else { None };
                    match filled {
                        Some(filled) => text.push_str(&filled),
                        None => text.push(HOLE),
                    }
                }
                _ => {}
            }
        }
        Val::str(text)
    }

    pub(super) fn comprehension(&mut self, node: Node<'t>) -> Val {
        let Some(body) = node.child_by_field_name("body") else { return Val::Unknown };
        let clauses: Vec<Node<'t>> =
            named(node).into_iter().filter(|clause| matches!(clause.kind(), "for_in_clause" | "if_clause")).collect();
        let mut made = Vec::new();
        let is_known = self.in_inner_scope(|reader| reader.unroll(&clauses, body, &mut made));
        match is_known {
            Unrolled::Known if node.kind() == "dictionary_comprehension" => {
                let pairs = made.into_iter().map(|(key, value)| (key.unwrap_or(Val::Unknown), value));
                Val::dict(pairs.collect())
            }
            Unrolled::Known => Val::list(made.into_iter().map(|(_, value)| value).collect()),
            Unrolled::Words(from) => Val::Words(from),
            Unrolled::Unknown => Val::Unknown,
        }
    }

    fn unroll(&mut self, clauses: &[Node<'t>], body: Node<'t>, made: &mut Vec<(Option<Val>, Val)>) -> Unrolled {
        let Some((clause, inner)) = clauses.split_first() else {
            if made.len() >= ELEMENTS {
                return Unrolled::Unknown;
            }
            made.push(if body.kind() == "pair" {
                (Some(self.field(body, "key")), self.field(body, "value"))
            } else {
                (None, self.eval(body))
            });
            return Unrolled::Known;
        };
        if clause.kind() == "if_clause" {
            let truth = clause.named_child(0).and_then(|condition| self.eval(condition).truth());
            return match truth {
                Some(false) => Unrolled::Known,
                Some(true) => self.unroll(inner, body, made),
                None => {
                    // Read for what it shows, not for what it gives.
                    self.doubting(|reader| reader.unroll(inner, body, made));
                    Unrolled::Unknown
                }
            };
        }
        let over = self.field(*clause, "right");
        if let Val::Field(name) = &over {
            self.json.evidence(name, "array");
        }
        let left = clause.child_by_field_name("left");
        match self.members_of(&over).filter(|items| items.len() <= ITEMS) {
            Some(items) => {
                for item in items {
                    if let Some(left) = left {
                        self.assign(left, item);
                    }
                    match self.unroll(inner, body, made) {
                        Unrolled::Known => {}
                        other => return other,
                    }
                }
                Unrolled::Known
            }
            None => {
                let item = if let Val::Words(_) = over { Val::Word(None) } else { Val::Unknown };
                if let Some(left) = left {
                    self.assign(left, item);
                }
                self.doubting(|reader| reader.unroll(inner, body, made));
                match over {
                    // The words without some of them are still the words.
                    Val::Words(from) => Unrolled::Words(from),
                    _ => Unrolled::Unknown,
                }
            }
        }
    }
}

/// What is known of the elements of a comprehension.
enum Unrolled {
    Known,
    Words(usize),
    Unknown,
}
