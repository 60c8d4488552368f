//! Conditions: what is missing where a script ends, and flags that are asked for by name.

use tree_sitter::Node;

use super::expansions::{literal, sole, unquoted};
use super::reader::{Known, Reader, integer};
use crate::schema::infer::cli::is_help;
use crate::syntax::named;

/// The longest condition that is read, in bytes.
const CONDITION_BYTES: usize = 600;
/// The first bytes of a branch in which an end of the script is looked for.
const BRANCH_BYTES: usize = 1500;

impl<'t> Reader<'t> {
    pub(super) fn if_statement(&mut self, node: Node<'t>) {
        let mut cursor = node.walk();
        let conditions: Vec<Node<'t>> =
            node.children_by_field_name("condition", &mut cursor).filter(|node| node.is_named()).collect();
        // The condition of an `elif` is its first statement.
        let conditions = if conditions.is_empty() { named(node).into_iter().take(1).collect() } else { conditions };
        let body: Vec<Node<'t>> = named(node)
            .into_iter()
            .filter(|child| !conditions.iter().any(|condition| condition.id() == child.id()))
            .collect();
        let (clauses, statements): (Vec<Node<'t>>, Vec<Node<'t>>) =
            body.into_iter().partition(|child| matches!(child.kind(), "elif_clause" | "else_clause"));
        let text = conditions.first().map_or("", |condition| self.text(*condition));
        let ends = statements.iter().any(|statement| self.ends(*statement)) && self.branches == 0;
        let mends = |name: &str| {
            statements
                .iter()
                .map(|statement| self.text(*statement))
                .any(|text| text.contains(&format!("{name}=")) || text.contains("read "))
        };
        // A branch that finds a value itself does not miss it.
        let names = super::expansions::parameters(text).into_iter().map(|parameter| parameter.name);
        let is_mended = names.filter(|name| name.len() > 1).any(mends);
        self.judge(text, true, ends && !is_mended);
        let flag = self.asked_flag(text);
        match flag {
            Some(label) => {
                if self.current.is_none()
                    && let Some(parser) = self.parser()
                {
                    parser.has_alternatives = !clauses.is_empty();
                }
                let current = self.current.replace("1".to_owned());
                self.arm(&[label], &statements);
                self.current = current;
            }
            None => {
                conditions.iter().for_each(|condition| self.exec(*condition));
                self.branch(|reader| statements.iter().for_each(|statement| reader.exec(*statement)));
            }
        }
        self.branch(|reader| clauses.iter().for_each(|clause| reader.exec(*clause)));
    }

    /// `[ -z "$1" ] && usage`, `[ $# -ge 1 ] || usage`, `[ "$1" = "--flag" ] && FLAG=1`.
    pub(super) fn list(&mut self, node: Node<'t>) {
        let parts = named(node);
        let (Some(left), Some(right)) = (parts.first().copied(), parts.get(1).copied()) else {
            return self.children(node);
        };
        let between = self.source.get(left.end_byte()..right.start_byte()).unwrap_or(&[]);
        let is_and = between.windows(2).any(|pair| pair == b"&&");
        let text = self.text(left);
        let ends = self.ends(right) && self.branches == 0;
        self.judge(text, is_and, ends);
        match self.asked_flag(text).filter(|_| is_and) {
            Some(label) => {
                let current = self.current.replace("1".to_owned());
                self.arm(&[label], &[right]);
                self.current = current;
            }
            None => {
                self.exec(left);
                self.branch(|reader| reader.exec(right));
            }
        }
    }

    /// `[ "$1" = "--flag" ]` of the script's words.
    fn asked_flag(&mut self, text: &str) -> Option<String> {
        let inner = inside(text)?;
        let (left, right) = ["==", "="].iter().find_map(|operator| inner.split_once(operator))?;
        let parameter = sole(left.trim())?;
        let label = literal(right.trim())?;
        let is_first =
            parameter.place().is_some() && self.frame.is_script || self.current.as_deref() == Some(parameter.name);
        (is_first && label.starts_with('-') && label.len() > 1 && !label.contains(' ')).then(|| label.to_owned())
    }

    /// What a condition asks; `is_met` when the branch is entered where it holds, `ends` when that ends the script.
    fn judge(&mut self, text: &str, is_met: bool, ends: bool) {
        if text.len() > CONDITION_BYTES {
            return;
        }
        for part in text.split("||").flat_map(|part| part.split("&&")).flat_map(|part| part.split(" -o ")) {
            self.ask(part.trim(), is_met, ends);
        }
    }

    fn ask(&mut self, part: &str, is_met: bool, ends: bool) {
        // `! [ … ]` and `[ ! … ]`.
        let (part, is_met) = part.strip_prefix('!').map_or((part, is_met), |rest| (rest.trim(), !is_met));
        let Some(inner) = inside(part) else { return };
        let (inner, is_met) = inner.strip_prefix('!').map_or((inner, is_met), |rest| (rest.trim(), !is_met));
        let words: Vec<&str> = inner.split_whitespace().collect();
        match words.as_slice() {
            [test @ ("-z" | "-n" | "-f" | "-d" | "-e" | "-r" | "-s"), rest @ ..] => {
                // `-z` holds for what is missing, the others do not.
                let is_missing = (*test == "-z") == is_met;
                let word = rest.join(" ");
                let Some(mut parameter) = sole(&word).filter(|_| is_missing && ends) else { return };
                if parameter.has_default() && parameter.default().is_none_or(str::is_empty) {
                    parameter.operation = "";
                }
                let known = if parameter.operation.is_empty() { self.known(&parameter) } else { None };
                self.require(known);
            }
            [counted, operator, number] if unquoted(counted) == "$#" => {
                let Some(number) = number.trim_end_matches(')').parse::<usize>().ok().filter(|_| ends) else { return };
                let least = match (*operator, is_met) {
                    ("-lt" | "<", true) | ("-ge" | ">=", false) => number,
                    ("-le" | "<=", true) | ("-gt" | ">", false) => number + 1,
                    ("-eq" | "==" | "=", true) => number + 1,
                    ("-ne" | "!=", true) | ("-eq" | "==" | "=", false) => number,
                    _ => return,
                };
                self.demand(least);
            }
            [value, "=~", pattern @ ..] => {
                let is_digits = pattern.join(" ").contains("[0-9]+$");
                if let Some(parameter) = sole(value).filter(|_| is_digits) {
                    let known = self.known(&parameter);
                    self.integer(known);
                }
            }
            _ => {}
        }
    }

    /// The first words are required, as far as the script uses them.
    fn demand(&mut self, least: usize) {
        if !self.frame.is_script || self.frame.shifted > self.frame.base && least > 32 {
            return;
        }
        let least = (least + self.frame.shifted).saturating_sub(self.frame.base).min(32);
        if let Some(parser) = self.parser() {
            parser.demanded = parser.demanded.max(least);
        }
    }

    /// The script ends where this is missing.
    fn require(&mut self, known: Option<Known>) {
        match known {
            Some(Known::Word(parser, place)) => {
                if let Some(parser) = self.parsers.get_mut(parser) {
                    parser.demanded = parser.demanded.max(place + 1);
                }
            }
            // Inside of an arm, it is the flag's own value that is missing.
            Some(Known::Option(parser, arg)) if self.current.is_none() => {
                if let Some(arg) = self.parsers.get_mut(parser).and_then(|parser| parser.args.get_mut(arg)) {
                    arg.is_required = arg.default.is_none();
                }
            }
            _ => {}
        }
    }

    pub(super) fn integer(&mut self, known: Option<Known>) {
        match known {
            Some(Known::Word(parser, place)) => {
                self.parsers
                    .get_mut(parser)
                    .and_then(|parser| parser.words.get_mut(&place))
                    .into_iter()
                    .for_each(integer);
            }
            Some(Known::Option(parser, arg)) => {
                self.parsers.get_mut(parser).and_then(|parser| parser.args.get_mut(arg)).into_iter().for_each(integer);
            }
            _ => {}
        }
    }

    /// Whether a branch ends the script.
    pub(super) fn ends(&self, branch: Node<'t>) -> bool {
        let text = self.text(branch);
        let mut end = text.len().min(BRANCH_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = text.get(..end).unwrap_or("");
        ["exit", "usage", "die", "fail", "return 1", "return 2", "abort", "show_help", "print_help"]
            .iter()
            .any(|mark| text.contains(mark))
    }
}

/// What stands in `[ … ]`, `[[ … ]]`, `(( … ))` or after `test`.
fn inside(text: &str) -> Option<&str> {
    let text = text.trim();
    let of = |open: &str, close: &str| {
        text.strip_prefix(open).map(|inner| inner.strip_suffix(close).unwrap_or(inner).trim())
    };
    of("[[", "]]").or_else(|| of("((", "))")).or_else(|| of("[", "]")).or_else(|| of("test ", "")).or_else(|| {
        // A part of a longer condition has lost its brackets.
        let part = text.trim_end_matches([']', ')', ' ']);
        part.contains('$').then_some(part)
    })
}

/// Labels of a `case` arm that are flags of which a call can be made.
pub(super) fn callable(labels: &[String]) -> bool {
    !labels.iter().any(|label| is_help(label))
}
