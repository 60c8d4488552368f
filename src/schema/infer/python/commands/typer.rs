//! typer: commands are functions, their signatures the command line.

use serde_json::Value;
use tree_sitter::Node;

use super::super::argparse::{Origin, readable};
use super::super::calls::Args;
use super::super::reader::{Reader, named};
use super::super::value::{Val, literals};
use super::click::kind_of;
use super::{Mark, repeated, with_opposite};
use crate::schema::infer::cli::{Arg, Kind, Takes};

/// What an annotation says of a parameter.
#[derive(Default)]
struct Annotation {
    kind: Kind,
    choices: Vec<Value>,
    is_list: bool,
    words: Option<u64>,
    mark: Option<usize>,
    is_context: bool,
}

impl<'t> Reader<'t> {
    /// Calls something of typer.
    pub(super) fn typer(&mut self, name: &str, args: &Args) -> Val {
        match name.rsplit('.').next().unwrap_or("") {
            "Typer" => {
                let Some(index) = self.new_command(Origin::Typer) else { return Val::Unknown };
                if let Some(parser) = self.parsers.get_mut(index) {
                    parser.description = args.text("help");
                    parser.name = args.text("name");
                }
                Val::Parser(index)
            }
            "Option" => self.mark(Mark::Parameter { args: args.clone(), is_option: true }),
            "Argument" => self.mark(Mark::Parameter { args: args.clone(), is_option: false }),
            "run" => {
                if let Val::Func(function) = args.first()
                    && let Some(command) = self.typer_command(*function)
                {
                    self.parsed.get_or_insert(command);
                }
                Val::Unknown
            }
            _ => {
                self.call_back(args);
                Val::Unknown
            }
        }
    }

    /// A function's signature as a command.
    pub(super) fn typer_command(&mut self, function: usize) -> Option<usize> {
        let command = self.command_of(function, Origin::Typer)?;
        let (node, module) = self.functions.get(function).map(|function| (function.node, function.module))?;
        let scope = self.globals.get(module).cloned()?;
        self.frames.push(super::super::scope::Frame::new(scope, module));
        let mut arguments = Vec::new();
        for parameter in node.child_by_field_name("parameters").map(named).unwrap_or_default() {
            arguments.extend(self.parameter(parameter));
        }
        self.frames.pop();
        self.parsers.get_mut(command)?.arguments = arguments;
        Some(command)
    }

    fn parameter(&mut self, node: Node<'t>) -> Option<Arg> {
        let name = match node.kind() {
            "identifier" => node,
            "default_parameter" | "typed_default_parameter" => node.child_by_field_name("name")?,
            "typed_parameter" => node.named_child(0)?,
            _ => return None,
        };
        let dest = self.text(name).to_owned();
        let mut said = Annotation::default();
        if let Some(annotation) = node.child_by_field_name("type") {
            self.annotation(annotation, &mut said, 0);
        }
        if said.is_context {
            return None;
        }
        let value = node.child_by_field_name("value").map(|node| self.eval(node));
        let (mark, default) = match (value, said.mark) {
            // The mark is the default, and holds the real one.
            (Some(Val::Mark(mark)), _) => (Some(mark), None),
            (value, mark) => (mark, value.map(Some)),
        };
        let (args, is_option) = match mark.and_then(|mark| self.marks.get(mark)).cloned() {
            Some(Mark::Parameter { mut args, is_option }) => {
                if default.is_none() && mark != said.mark {
                    let first = args.at(0, "default").cloned();
                    if !args.positional.is_empty() {
                        args.positional.remove(0);
                    }
                    (Some((args, Some(first))), Some(is_option))
                } else {
                    (Some((args, default.clone())), Some(is_option))
                }
            }
            _ => (None, None),
        };
        let (args, default) = args.unwrap_or((Args::default(), default));
        let is_option = is_option.unwrap_or(default.is_some());
        if args.is_on("hidden") {
            return None;
        }
        let is_ellipsis = |value: &Val| matches!(value, Val::Name(name) if name.as_ref() == "...");
        let default = default.flatten().filter(|value| !is_ellipsis(value));
        let has_default = default.is_some();
        let default = default.as_ref().and_then(Val::json).filter(|value| !value.is_null());
        let bound = |name: &str| args.keyword(name).and_then(Val::json).filter(|value| !value.is_null());
        let mut argument = Arg {
            kind: said.kind,
            choices: said.choices,
            bounds: if args.is_on("clamp") { (None, None) } else { (bound("min"), bound("max")) },
            help: readable(&args.text("help").unwrap_or_default()),
            default,
            ..Arg::default()
        };
        if let Some(words) = said.words {
            argument.takes = Takes::Exactly(words);
        }
        let is_asked = args.keyword("prompt").is_some_and(|prompt| prompt.truth() != Some(false));
        argument.is_required = !has_default || is_asked;
        if is_option {
            self.typer_option(&mut argument, &dest, &args, said.is_list);
        } else {
            argument.takes = match said.words {
                Some(words) => Takes::Exactly(words),
                None if said.is_list => Takes::Many,
                None => Takes::One,
            };
        }
        argument.dest = dest;
        Some(argument)
    }

    fn typer_option(&mut self, argument: &mut Arg, dest: &str, args: &Args, is_list: bool) {
        let declared: Vec<String> =
            args.positional.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect();
        let own = format!("--{}", dest.replace('_', "-"));
        let is_count = args.is_on("count");
        if argument.kind == Kind::Boolean && !is_list {
            let (flags, negative) = with_opposite(&declared);
            argument.negative =
                if flags.is_empty() { Some(format!("--no-{}", dest.replace('_', "-"))) } else { negative };
            argument.flags = if flags.is_empty() { vec![own] } else { flags };
            argument.takes = Takes::Constant(Value::Bool(true));
            return;
        }
        argument.flags = if declared.is_empty() { vec![own] } else { declared };
        if is_count {
            argument.takes = Takes::Count;
        } else if is_list {
            argument.takes = repeated(&argument.takes);
        }
    }

    fn annotation(&mut self, node: Node<'t>, said: &mut Annotation, depth: usize) {
        if depth > 8 {
            return;
        }
        match node.kind() {
            "type" => {
                if let Some(inner) = node.named_child(0) {
                    self.annotation(inner, said, depth + 1);
                }
            }
            "generic_type" | "subscript" => {
                let mut parts = named(node).into_iter();
                let base = parts.next().map_or("", |node| self.text(node));
                let inner: Vec<Node<'t>> = parts
                    .flat_map(|part| if part.kind() == "type_parameter" { named(part) } else { vec![part] })
                    .collect();
                self.generic(base.rsplit('.').next().unwrap_or(base), &inner, said, depth);
            }
            "binary_operator" | "union_type" => {
                for side in named(node) {
                    self.annotation(side, said, depth + 1);
                }
            }
            "string" => {}
            _ => match self.eval(node) {
                Val::Name(name) if name.ends_with("Context") => said.is_context = true,
                Val::Name(name) if said.kind == Kind::Text => said.kind = kind_of(&name),
                class @ Val::Class(_) => {
                    let members = self.members_of(&class);
                    said.choices = members.and_then(|items| literals(&items)).unwrap_or_default();
                }
                _ => {}
            },
        }
    }

    fn generic(&mut self, base: &str, inner: &[Node<'t>], said: &mut Annotation, depth: usize) {
        match base {
            "Annotated" => {
                if let Some((kind, marks)) = inner.split_first() {
                    self.annotation(*kind, said, depth + 1);
                    for mark in marks {
                        // Inside of brackets a call is parsed as a type.
                        let call = if mark.kind() == "type" { mark.named_child(0).unwrap_or(*mark) } else { *mark };
                        if let Val::Mark(mark) = self.eval(call) {
                            said.mark = Some(mark);
                        }
                    }
                }
            }
            "Literal" => {
                let value = |node: &Node<'t>| {
                    let inner = if node.kind() == "type" { node.named_child(0).unwrap_or(*node) } else { *node };
                    self.eval(inner).json()
                };
                said.choices = inner.iter().map(value).collect::<Option<_>>().unwrap_or_default();
            }
            "List" | "list" | "Sequence" | "Set" | "set" | "Iterable" => {
                said.is_list = true;
                if let Some(item) = inner.first() {
                    self.annotation(*item, said, depth + 1);
                }
            }
            "Tuple" | "tuple" => {
                said.words = Some(inner.len() as u64);
                if let Some(item) = inner.first() {
                    self.annotation(*item, said, depth + 1);
                }
            }
            // Optional, Union and what else wraps a type.
            _ => inner.iter().for_each(|item| self.annotation(*item, said, depth + 1)),
        }
    }
}
