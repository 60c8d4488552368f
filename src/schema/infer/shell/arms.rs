//! `case`: the arms that are flags, those that are subcommands, and what the others take.

use tree_sitter::Node;

use super::conditions::callable;
use super::expansions::{Parameter, literal, parameters, sole, unquoted};
use super::reader::{Frame, Known, Reader};
use crate::schema::infer::cli::{Arg, Kind, Takes, is_help};
use crate::schema::infer::parser::Parser;
use crate::syntax::{below, named};

/// The most nodes of an arm that are looked at.
const NODES: usize = 2000;
/// The most subcommands of one script.
const COMMANDS: usize = 64;

/// One arm: its labels and its statements.
struct Arm<'t> {
    labels: Vec<String>,
    body: Vec<Node<'t>>,
}

impl<'t> Reader<'t> {
    pub(super) fn case_statement(&mut self, node: Node<'t>) {
        let Some(value) = node.child_by_field_name("value") else { return };
        let parameter = sole(self.text(value));
        let arms = self.arms(node);
        let Some(parameter) = parameter else {
            self.exec(value);
            return self.branch(|reader| arms.iter().flat_map(|arm| &arm.body).for_each(|node| reader.exec(*node)));
        };
        if self.current.as_deref() == Some(parameter.name) {
            return self.flag_arms(&arms);
        }
        let is_first = parameter.place() == Some(1) && self.frame.is_script && self.current.is_none();
        let holds_first = |known: &Option<Known>| matches!(known, Some(Known::Word(_, 0)));
        let known = if is_first { None } else { self.known(&parameter) };
        let has_labels = arms.iter().any(|arm| arm.labels.iter().any(|label| is_word(label) || is_flag(label)));
        if has_labels && (is_first || holds_first(&known) && self.dispatches(&arms)) {
            let base = if is_first { self.frame.shifted + 1 } else { self.frame.base + 1 };
            return self.dispatch(&parameter, base, &arms);
        }
        // Values of an argument: where any other ends the script, these are all.
        let is_closed = arms.iter().any(|arm| {
            arm.labels.iter().any(|label| label == "*") && arm.body.iter().any(|statement| self.ends(*statement))
        });
        let labels: Vec<&String> =
            arms.iter().flat_map(|arm| &arm.labels).filter(|label| *label != "*" && !is_help(label)).collect();
        if is_closed && !labels.is_empty() && labels.iter().all(|label| is_value(label)) {
            self.choose(known, &labels);
        } else if is_closed && labels.iter().any(|label| label.contains("[!0-9]")) {
            self.integer(known);
        }
        self.branch(|reader| arms.iter().flat_map(|arm| &arm.body).for_each(|node| reader.exec(*node)));
    }

    fn arms(&self, node: Node<'t>) -> Vec<Arm<'t>> {
        let items = named(node).into_iter().filter(|child| child.kind() == "case_item");
        items
            .map(|item| {
                let mut cursor = item.walk();
                let values: Vec<Node<'t>> =
                    item.children_by_field_name("value", &mut cursor).filter(|node| node.is_named()).collect();
                let is_value = |child: &Node<'t>| values.iter().any(|value| value.id() == child.id());
                let labels = values.iter().map(|value| unquoted(self.text(*value)).replace(['"', '\\'], ""));
                Arm {
                    labels: labels.collect(),
                    body: named(item).into_iter().filter(|child| !is_value(child)).collect(),
                }
            })
            .collect()
    }

    fn choose(&mut self, known: Option<Known>, labels: &[&String]) {
        let choices: Vec<serde_json::Value> = labels.iter().map(|label| label.as_str().into()).collect();
        let arg = match known {
            Some(Known::Word(parser, place)) => {
                self.parsers.get_mut(parser).and_then(|parser| parser.words.get_mut(&place))
            }
            Some(Known::Option(parser, arg)) => {
                self.parsers.get_mut(parser).and_then(|parser| parser.args.get_mut(arg))
            }
            _ => None,
        };
        if let Some(arg) = arg.filter(|arg| arg.choices.is_empty()) {
            arg.choices = choices;
        }
    }

    /// The arms of a loop over the command line.
    fn flag_arms(&mut self, arms: &[Arm<'t>]) {
        for arm in arms {
            let labels: Vec<String> = match self.uses_getopts && arm.labels.iter().all(|label| label.len() == 1) {
                true => arm.labels.iter().filter(|label| *label != "*").map(|label| format!("-{label}")).collect(),
                false => arm.labels.iter().filter(|label| is_flag(label)).cloned().collect(),
            };
            if !labels.is_empty() {
                self.arm(&labels, &arm.body);
            } else if arm.labels.iter().any(|label| label == "--") {
                if let Some(parser) = self.parser() {
                    parser.knows_marker = true;
                }
                // `shift; EXTRA=("$@")`; a list that can only stand behind both positionals and options is left out.
                let is_first = self.frame.shifted == self.frame.base;
                let lists = |reader: &Self| reader.parsers.get(reader.here).is_some_and(|parser| parser.rest.is_some());
                let had_list = lists(self);
                let current = self.current.replace(String::new());
                arm.body.iter().for_each(|node| self.exec(*node));
                self.current = current;
                let has_list = lists(self);
                if let Some(parser) = self.parser().filter(|_| has_list && !had_list) {
                    parser.needs_marker = is_first;
                    parser.rest = parser.rest.take().filter(|_| is_first);
                    parser.knows_marker = is_first;
                }
            } else if arm.labels.iter().any(|label| label == "*" || is_word(label)) {
                arm.body.iter().for_each(|node| self.exec(*node));
            }
        }
    }

    /// One arm that is about flags.
    pub(super) fn arm(&mut self, labels: &[String], body: &[Node<'t>]) {
        let mut flags: Vec<String> = labels.iter().map(|label| label.trim_end_matches('*').to_owned()).collect();
        flags.sort_by_key(|flag| flag.ends_with('='));
        flags.dedup();
        if !callable(&flags) || flags.is_empty() {
            return;
        }
        let found = self.look(body);
        let is_joined = flags.iter().all(|flag| flag.ends_with('='));
        let is_declared = self.uses_getopts && flags.iter().any(|flag| flag.len() == 2);
        let takes = match () {
            () if found.is_counted => Takes::Count,
            () if (found.takes || is_joined) && found.is_list => Takes::Many,
            () if found.takes || is_joined => Takes::One,
            () => Takes::Nothing,
        };
        if takes == Takes::Nothing && flags.iter().any(|flag| flag == "--version") {
            return;
        }
        let Some(first) = flags.iter().find(|flag| flag.starts_with("--")).or(flags.first()) else { return };
        let dest = match &found.variable {
            Some(variable) if !first.starts_with("--") => variable.to_ascii_lowercase(),
            _ => first.trim_matches(['-', '=']).to_owned(),
        };
        let here = self.here;
        let default =
            found.variable.as_deref().and_then(|variable| self.values.get(variable)).and_then(|known| match known {
                Known::Text(text) if !text.is_empty() && takes == Takes::One => {
                    Some(serde_json::Value::from(text.as_str()))
                }
                _ => None,
            });
        let kind = if found.is_integer { Kind::Integer } else { Kind::Text };
        let Some(parser) = self.parser() else { return };
        let index =
            parser.add(Arg { dest: dest.clone(), takes: takes.clone(), kind, default, flags, ..Arg::default() });
        if let Some(arg) = parser.args.get_mut(index) {
            if is_declared && arg.takes == Takes::One && found.is_list {
                arg.takes = Takes::Many;
                arg.default = None;
            }
            if is_declared && found.is_counted {
                arg.takes = Takes::Count;
            }
            if is_declared && found.variable.is_some() {
                arg.dest = dest;
            }
            if arg.takes == Takes::Nothing {
                arg.default = None;
            }
            if arg.choices.is_empty() {
                arg.choices = found.choices.into_iter().map(serde_json::Value::from).collect();
            }
        }
        if let Some(variable) = found.variable.filter(|_| takes != Takes::Nothing || is_declared) {
            self.values.insert(variable, Known::Option(here, index));
        }
    }

    /// What an arm does with its flag.
    fn look(&self, body: &[Node<'t>]) -> Found {
        let mut found = Found::default();
        let mut has_shifted = false;
        let current = self.current.as_deref().unwrap_or("1");
        let is_own = |parameter: &Parameter<'_>| {
            parameter.name == "OPTARG"
                || parameter.name == "2" && current == "1"
                || parameter.cuts() && parameter.name == current
        };
        for node in body.iter().flat_map(|node| below(*node, NODES)) {
            let text = self.text(node);
            match node.kind() {
                "command_name" if text == "shift" => has_shifted = true,
                "simple_expansion" | "expansion" => {
                    let parameter = parameters(text).into_iter().next();
                    let is_value = parameter.is_some_and(|parameter| {
                        is_own(&parameter) || has_shifted && parameter.name == "1" && current == "1"
                    });
                    found.takes |= is_value;
                }
                "variable_assignment" => {
                    let name = node.child_by_field_name("name").map_or("", |name| self.text(name));
                    let value = text.get(name.len()..).unwrap_or("");
                    let uses = parameters(value)
                        .iter()
                        .any(|parameter| is_own(parameter) || has_shifted && parameter.name == "1");
                    let is_counted = value.contains("$((") && value.contains(name);
                    if uses {
                        found.is_list =
                            value.starts_with("+=") || parameters(value).iter().any(|parameter| parameter.name == name);
                        found.variable = Some(name.to_owned());
                    } else if found.variable.is_none() && (is_counted || !value.contains('$')) {
                        found.variable = Some(name.to_owned());
                    }
                    found.is_counted |= is_counted && !uses;
                }
                "compound_statement" | "arithmetic_expansion" if text.starts_with("((") && text.contains("++") => {
                    found.is_counted = true
                }
                "case_statement" => {
                    let value = node.child_by_field_name("value").and_then(|value| sole(self.text(value)));
                    let arms = self.arms(node);
                    let is_closed = arms.iter().any(|arm| arm.labels.iter().any(|label| label == "*"));
                    if value.is_some_and(|parameter| {
                        is_own(&parameter) || found.variable.as_deref() == Some(parameter.name)
                    }) && is_closed
                    {
                        let labels: Vec<String> =
                            arms.iter().flat_map(|arm| arm.labels.clone()).filter(|label| label != "*").collect();
                        if labels.iter().all(|label| is_value(label)) {
                            found.choices = labels;
                        }
                        found.takes = true;
                    }
                }
                "binary_expression" if text.contains("[0-9]+$") => found.is_integer = true,
                _ => {}
            }
        }
        found
    }

    /// Whether what the arms do is more than choosing a value: they call functions, or take words.
    fn dispatches(&self, arms: &[Arm<'t>]) -> bool {
        let calls = |arm: &&Arm<'t>| {
            arm.labels.iter().any(|label| is_word(label))
                && arm.body.iter().any(|node| node.kind() != "variable_assignment" && !self.ends(*node))
        };
        arms.iter().filter(calls).count() > 1
    }

    /// `case "$1" in add) … ;; list) … ;; esac`: subcommands, or flags that come first.
    fn dispatch(&mut self, parameter: &Parameter<'_>, base: usize, arms: &[Arm<'t>]) {
        let default = parameter.default().unwrap_or("").to_owned();
        let root = self.here;
        let mut is_closed = false;
        if let Some(parser) = self.parser() {
            // The first word is the subcommand's name, whatever was thought of it.
            parser.words.remove(&0);
        }
        for arm in arms {
            let flags: Vec<String> = arm.labels.iter().filter(|label| is_flag(label)).cloned().collect();
            let name = arm.labels.iter().find(|label| is_word(label) && !is_help(label));
            if let Some(name) = name {
                self.subcommand(root, base, name, &arm.body);
                if *name == default
                    && let Some(parser) = self.parsers.get_mut(root)
                {
                    parser.runs_bare = true;
                }
            } else if !flags.is_empty() {
                let current = self.current.replace("1".to_owned());
                self.arm(&flags, &arm.body);
                self.current = current;
                if let Some(parser) = self.parsers.get_mut(root) {
                    parser.has_alternatives = true;
                }
            } else if arm.labels.iter().any(|label| label == "*") {
                let ends = arm.body.iter().any(|node| self.ends(*node));
                is_closed |= ends;
                if !ends {
                    self.branch(|reader| arm.body.iter().for_each(|node| reader.exec(*node)));
                }
            } else if arm.labels.iter().any(String::is_empty) && !arm.body.iter().any(|node| self.ends(*node)) {
                if let Some(parser) = self.parsers.get_mut(root) {
                    parser.runs_bare = true;
                }
                self.branch(|reader| arm.body.iter().for_each(|node| reader.exec(*node)));
            }
        }
        if let Some(parser) = self.parsers.get_mut(root).filter(|parser| !parser.commands.is_empty()) {
            parser.runs_bare |= !is_closed;
        }
    }

    fn subcommand(&mut self, root: usize, base: usize, name: &str, body: &[Node<'t>]) {
        let count = self.parsers.get(root).map_or(0, |parser| parser.commands.len());
        if count >= COMMANDS {
            return;
        }
        self.parsers.push(Parser { is_sub: true, ..Parser::by_hand("case") });
        let sub = self.parsers.len() - 1;
        if let Some(parser) = self.parsers.get_mut(root) {
            parser.commands.push((name.to_owned(), sub));
        }
        let frame = Frame { base, ..self.frame.clone() };
        let before = std::mem::replace(&mut self.frame, frame);
        self.here = sub;
        let branches = std::mem::take(&mut self.branches);
        body.iter().for_each(|node| self.exec(*node));
        self.branches = branches;
        self.here = root;
        self.frame = before;
    }
}

/// What an arm does with its flag.
#[derive(Default)]
struct Found {
    takes: bool,
    is_list: bool,
    is_counted: bool,
    is_integer: bool,
    variable: Option<String>,
    choices: Vec<String>,
}

/// `--flag`, `-f`, `--flag=*`.
fn is_flag(label: &str) -> bool {
    let name = label.strip_suffix("=*").unwrap_or(label);
    name.len() > 1
        && name.starts_with('-')
        && name.trim_start_matches('-').starts_with(|c: char| c.is_ascii_alphanumeric())
        && !name.contains(['*', '[', '?', '$'])
}

/// A plain word that can name a subcommand.
fn is_word(label: &str) -> bool {
    label.starts_with(|c: char| c.is_ascii_alphabetic()) && is_value(label)
}

fn is_value(label: &str) -> bool {
    literal(label).is_some() && !label.is_empty() && !label.contains(['*', '[', '?', '|', ' '])
}
