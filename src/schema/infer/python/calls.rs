//! Calls: what is called, with which arguments, and who answers.

use std::rc::Rc;

use tree_sitter::Node;

use super::methods::literal_method;
use super::reader::{Reader, named};
use super::value::Val;
use crate::schema::infer::cli::Kind;

/// The arguments of one call.
#[derive(Clone, Debug, Default)]
pub(super) struct Args {
    pub(super) positional: Vec<Val>,
    pub(super) keywords: Vec<(String, Val)>,
}

impl Args {
    pub(super) fn keyword(&self, name: &str) -> Option<&Val> {
        self.keywords.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(super) fn first(&self) -> &Val {
        self.positional.first().unwrap_or(&Val::Unknown)
    }

    /// The argument at this place, or of this name.
    pub(super) fn at(&self, place: usize, name: &str) -> Option<&Val> {
        self.keyword(name).or_else(|| self.positional.get(place))
    }

    /// The text of the argument of this name.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.keyword(name).and_then(Val::as_str).map(str::to_owned)
    }

    /// Whether the argument of this name is there and true.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.keyword(name).and_then(Val::truth).unwrap_or(false)
    }
}

impl<'t> Reader<'t> {
    /// A member of the document on stdin is read, and something may stand in for it.
    pub(super) fn ask(&mut self, name: &str, default: Option<&Val>) {
        self.json.ask(name);
        if let Some(default) = default.and_then(Val::json) {
            self.json.fall_back(name, &default);
        }
    }

    pub(super) fn call(&mut self, node: Node<'t>) -> Val {
        let Some(function) = node.child_by_field_name("function") else { return Val::Unknown };
        let method = match function.kind() {
            "attribute" => function.child_by_field_name("attribute").map(|node| self.text(node)),
            _ => None,
        };
        let target =
            if method.is_some() { function.child_by_field_name("object").unwrap_or(function) } else { function };
        let object = self.eval(target);
        let args = node.child_by_field_name("arguments").map_or_else(Args::default, |node| self.arguments(node));
        match method {
            Some(method) => {
                let result = self.method(&object, method, &args);
                self.remember_growth(target, &object, method, &args);
                result
            }
            None => self.apply(&object, args),
        }
    }

    fn arguments(&mut self, node: Node<'t>) -> Args {
        if node.kind() == "generator_expression" {
            return Args { positional: vec![self.eval(node)], keywords: Vec::new() };
        }
        let positional = self.splatted(node).unwrap_or_default();
        let mut keywords = Vec::new();
        for child in named(node) {
            match child.kind() {
                "keyword_argument" => {
                    let name = child.child_by_field_name("name").map_or("", |node| self.text(node)).to_owned();
                    keywords.push((name, self.field(child, "value")));
                }
                "dictionary_splat" => {
                    if let Some(Val::Dict(items)) = child.named_child(0).map(|node| self.eval(node)) {
                        let named =
                            items.iter().filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value.clone())));
                        keywords.extend(named);
                    }
                }
                _ => {}
            }
        }
        Args { positional, keywords }
    }

    /// Calls something that is not reached through an object.
    pub(super) fn apply(&mut self, callee: &Val, args: Args) -> Val {
        match callee {
            Val::Func(index) => self.call_function(*index, None, args),
            Val::Bound(bound) => {
                let (receiver, index) = bound.as_ref();
                self.call_function(*index, Some(receiver.clone()), args)
            }
            Val::Class(index) => self.instantiate(*index, args),
            Val::Name(name) => {
                let name = Rc::clone(name);
                self.builtin(&name, &args)
            }
            Val::Mark(mark) => self.decorate(*mark, &args),
            Val::Parser(index) if self.is_command(*index) => {
                self.parsed.get_or_insert(*index);
                Val::Unknown
            }
            Val::Instance(_) => match self.attribute(callee, "__call__") {
                Val::Bound(bound) => self.apply(&Val::Bound(bound), args),
                _ => Val::Unknown,
            },
            _ => {
                self.call_back(&args);
                Val::Unknown
            }
        }
    }

    /// A function of the skill that is handed to something unknown is taken to be called by it (`app.run(main)`).
    pub(super) fn call_back(&mut self, args: &Args) {
        self.notice(args);
        let values = args.positional.iter().chain(args.keywords.iter().map(|(_, value)| value));
        let functions: Vec<(usize, Option<Val>)> = values
            .filter_map(|value| match value {
                Val::Func(index) => Some((*index, None)),
                Val::Bound(bound) => Some((bound.1, Some(bound.0.clone()))),
                _ => None,
            })
            .collect();
        for (index, receiver) in functions {
            if self.functions.get(index).is_some_and(|function| !function.is_called && !function.is_lambda()) {
                self.call_function(index, receiver, Args::default());
            }
        }
    }

    fn method(&mut self, object: &Val, method: &'t str, args: &Args) -> Val {
        match object {
            Val::Name(full) if is_stdin(full) && method.starts_with("read") => {
                self.reads_stdin = true;
                Val::StdinText
            }
            Val::Name(full) => {
                let name = format!("{full}.{method}");
                self.builtin(&name, args)
            }
            Val::StdinText => Val::StdinText,
            Val::Parser(_) => match self.attribute(object, method) {
                own @ (Val::Bound(_) | Val::Func(_)) => self.apply(&own, args.clone()),
                _ => self.parser_method(object, method, args),
            },
            Val::Group(..) | Val::Subparsers(_) => self.parser_method(object, method, args),
            Val::Super(inner) => match self.attribute(object, method) {
                own @ (Val::Bound(_) | Val::Func(_)) => self.apply(&own, args.clone()),
                _ => {
                    let receiver = inner.0.clone();
                    match (&receiver, method) {
                        (Val::Parser(parser), "__init__") => {
                            self.configure(*parser, args);
                            Val::None
                        }
                        (Val::Parser(_), _) => self.parser_method(&receiver, method, args),
                        _ => Val::Unknown,
                    }
                }
            },
            Val::Json => {
                if matches!(method, "get" | "pop" | "setdefault")
                    && let Val::Str(name) = args.first()
                {
                    self.ask(name, args.positional.get(1));
                    return Val::Field(name.clone());
                }
                Val::Unknown
            }
            Val::Field(name) => {
                let kind = match method {
                    "strip" | "lower" | "upper" | "split" | "splitlines" | "startswith" | "endswith" | "encode"
                    | "title" => "string",
                    "append" | "sort" | "extend" => "array",
                    "get" | "items" | "keys" | "values" => "object",
                    _ => return Val::Unknown,
                };
                self.json.evidence(name, kind);
                // What a string method gives is still the same member as far as `or` and `in` go.
                if matches!(method, "strip" | "lower" | "upper" | "title") { object.clone() } else { Val::Unknown }
            }
            // A word stays one when its letters change.
            Val::Word(_) => match method {
                "strip" | "lstrip" | "rstrip" | "lower" | "upper" | "title" | "casefold" | "replace" => object.clone(),
                "startswith" | "endswith" | "isdigit" => Val::Made(Kind::Boolean),
                _ => Val::Unknown,
            },
            Val::Words(from) => self.words_method(*from, method, args),
            Val::Instance(_) | Val::Class(_) | Val::Module(_) | Val::Func(_) | Val::Member(_) => {
                match self.attribute(object, method) {
                    Val::Unknown => match object {
                        Val::Member(member) => literal_method(&member.1, method, args),
                        _ => {
                            self.call_back(args);
                            Val::Unknown
                        }
                    },
                    other => self.apply(&other, args.clone()),
                }
            }
            literal => {
                self.call_back(args);
                if let (Val::Str(text), "format") = (literal, method) {
                    return super::literals::format(text, args);
                }
                literal_method(literal, method, args)
            }
        }
    }

    /// `names.append(x)` and the like change what the name stands for.
    fn remember_growth(&mut self, target: Node<'t>, object: &Val, method: &str, args: &Args) {
        let grown = match (object, method) {
            (Val::List(items), "append" | "add") => {
                let more = [args.first().clone()];
                Val::list(items.iter().cloned().chain(more).collect())
            }
            (Val::List(items), "extend" | "update") => match self.members_of(args.first()) {
                Some(more) => Val::list(items.iter().cloned().chain(more).collect()),
                None => Val::Unknown,
            },
            (Val::List(items), "insert") => {
                let mut items = items.to_vec();
                if let (Some(Val::Int(0)), Some(item)) = (args.positional.first(), args.positional.get(1)) {
                    items.insert(0, item.clone());
                }
                Val::list(items)
            }
            (Val::List(items), "remove") => {
                let mut items = items.to_vec();
                if let Some(at) = items.iter().position(|item| item.is(args.first()) == Some(true)) {
                    items.remove(at);
                }
                Val::list(items)
            }
            (Val::Dict(items), "update") => {
                let mut all = items.to_vec();
                if let Val::Dict(more) = args.first() {
                    all.extend(more.iter().cloned());
                }
                all.extend(args.keywords.iter().map(|(key, value)| (Val::str(key.as_str()), value.clone())));
                Val::dict(all)
            }
            (Val::Dict(items), "setdefault") if object.entry(args.first()).is_none() => {
                let more = (args.first().clone(), args.positional.get(1).cloned().unwrap_or(Val::None));
                Val::dict(items.iter().cloned().chain([more]).collect())
            }
            (Val::Dict(items), "pop") => {
                let is_other = |(key, _): &&(Val, Val)| key.is(args.first()) != Some(true);
                Val::dict(items.iter().filter(is_other).cloned().collect())
            }
            _ => return,
        };
        self.replace(target, grown);
    }
}

pub(super) fn is_stdin(name: &str) -> bool {
    matches!(name, "sys.stdin" | "sys.stdin.buffer" | "stdin")
}
