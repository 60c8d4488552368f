//! Calls: functions and classes of the module, argparse, JSON from stdin, and the builtins that make lists.

use tree_sitter::Node;

use super::argparse::Parser;
use super::reader::{CALLS, Reader, named};
use super::value::Val;

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
}

impl<'t> Reader<'t> {
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
                    let value = child.child_by_field_name("value").map_or(Val::Unknown, |node| self.eval(node));
                    keywords.push((name, value));
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
    fn apply(&mut self, callee: &Val, args: Args) -> Val {
        match callee {
            Val::Func(index) => self.call_function(*index, args.positional, args.keywords),
            Val::Class(index) => self.instantiate(*index, args),
            Val::Name(name) => {
                let name = name.clone();
                self.builtin(&name, &args)
            }
            _ => {
                self.call_back(&args);
                Val::Unknown
            }
        }
    }

    fn instantiate(&mut self, index: usize, args: Args) -> Val {
        let class = self.classes.get(index);
        if class.is_some_and(|class| class.bases.iter().any(|base| base.ends_with("ArgumentParser"))) {
            return self.new_parser(&args);
        }
        if let Some(Val::Func(init)) = class.and_then(|class| class.members.get("__init__").cloned()) {
            let mut positional = vec![Val::Instance(index)];
            positional.extend(args.positional);
            self.call_function(init, positional, args.keywords);
        }
        Val::Instance(index)
    }

    fn builtin(&mut self, name: &str, args: &Args) -> Val {
        match name {
            "argparse.ArgumentParser" | "ArgumentParser" => return self.new_parser(args),
            "json.load" => {
                if matches!(args.first(), Val::Name(from) if is_stdin(from)) {
                    return self.stdin_json();
                }
            }
            "json.loads" => {
                if matches!(args.first(), Val::StdinText) {
                    return self.stdin_json();
                }
            }
            "input" => self.reads_stdin = true,
            "sorted" | "list" | "tuple" | "set" | "frozenset" => {
                if let Val::Field(field) = args.first() {
                    self.json.evidence(field, "array");
                }
                return self.members_of(args.first()).map_or(Val::Unknown, |mut items| {
                    if name == "sorted" {
                        items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
                    }
                    Val::list(items)
                });
            }
            "len" => {
                let length = self.members_of(args.first()).and_then(|items| i64::try_from(items.len()).ok());
                return length.map_or(Val::Unknown, Val::Int);
            }
            "range" => return range(&args.positional),
            "int" | "float" | "bool" => {
                if let Val::Field(field) = args.first() {
                    let kind = match name {
                        "int" => "integer",
                        "float" => "number",
                        _ => "boolean",
                    };
                    self.json.evidence(field, kind);
                }
                return Val::Unknown;
            }
            "str" => return args.first().text().map_or(Val::Unknown, Val::str),
            "isinstance" => {
                if let [Val::Field(field), Val::Name(kind)] = args.positional.as_slice() {
                    let kind = match kind.as_ref() {
                        "str" => Some("string"),
                        "list" => Some("array"),
                        "dict" => Some("object"),
                        "bool" => Some("boolean"),
                        "int" => Some("integer"),
                        "float" => Some("number"),
                        _ => None,
                    };
                    if let Some(kind) = kind {
                        self.json.evidence(field, kind);
                    }
                }
            }
            _ => self.call_back(args),
        }
        Val::Unknown
    }

    /// A function of the module that is handed to something unknown is taken to be called by it (`app.run(main)`).
    fn call_back(&mut self, args: &Args) {
        let values = args.positional.iter().chain(args.keywords.iter().map(|(_, value)| value));
        let functions: Vec<usize> =
            values.filter_map(|value| if let Val::Func(index) = value { Some(*index) } else { None }).collect();
        for index in functions {
            if self.functions.get(index).is_some_and(|function| !function.is_called) {
                self.call_function(index, Vec::new(), Vec::new());
            }
        }
    }

    fn stdin_json(&mut self) -> Val {
        self.json.is_read = true;
        self.reads_stdin = true;
        Val::Json
    }

    fn method(&mut self, object: &Val, method: &str, args: &Args) -> Val {
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
            Val::Parser(_) | Val::Group(..) | Val::Subparsers(_) => self.parser_method(object, method, args),
            Val::Json => {
                if matches!(method, "get" | "pop" | "setdefault")
                    && let Val::Str(name) = args.first()
                {
                    self.json.ask(name, args.positional.get(1));
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
            Val::Instance(index) | Val::Class(index) => match self.attribute(object, method) {
                Val::Func(function) => {
                    let mut positional = args.positional.clone();
                    if matches!(object, Val::Instance(_)) {
                        positional.insert(0, Val::Instance(*index));
                    } else {
                        positional.insert(0, object.clone());
                    }
                    self.call_function(function, positional, args.keywords.clone())
                }
                other => self.apply(&other, args.clone()),
            },
            literal => {
                self.call_back(args);
                literal_method(literal, method, args)
            }
        }
    }

    /// `names.append(x)` and `names.extend(list)` change what the name stands for.
    fn remember_growth(&mut self, target: Node<'t>, object: &Val, method: &str, args: &Args) {
        let Val::List(items) = object else { return };
        let more = match method {
            "append" => vec![args.first().clone()],
            "extend" => args.first().iterate().unwrap_or_default(),
            _ => return,
        };
        if target.kind() == "identifier" {
            let grown = items.iter().cloned().chain(more).collect();
            self.bind(self.text(target), Val::list(grown));
        }
    }

    /// Reads a function with these arguments and gives what it returns.
    pub(super) fn call_function(&mut self, index: usize, positional: Vec<Val>, keywords: Vec<(String, Val)>) -> Val {
        let is_followed = positional.iter().chain(keywords.iter().map(|(_, value)| value)).any(Val::is_followed);
        let Some(function) = self.functions.get_mut(index) else { return Val::Unknown };
        if let (false, Some(result)) = (is_followed, &function.result) {
            return result.clone();
        }
        if function.is_active || self.frames.len() >= CALLS {
            return Val::Unknown;
        }
        let node = function.node;
        function.is_active = true;
        function.is_called = true;
        let (before, had_parsed) = (self.parsers.len(), self.parsed.is_some());
        let locals = self.parameters(node, positional, keywords);
        self.frames.push((locals.into_iter().collect(), None));
        if let Some(body) = node.child_by_field_name("body") {
            self.exec(body);
        }
        let result = self.frames.pop().and_then(|(_, result)| result).unwrap_or(Val::None);
        let made_nothing = self.parsers.len() == before || had_parsed;
        if let Some(function) = self.functions.get_mut(index) {
            function.is_active = false;
            if !is_followed && made_nothing {
                function.result = Some(result.clone());
            }
        }
        result
    }

    fn parameters(
        &mut self,
        function: Node<'t>,
        positional: Vec<Val>,
        keywords: Vec<(String, Val)>,
    ) -> Vec<(String, Val)> {
        let mut given = positional.into_iter();
        let mut locals: Vec<(String, Val)> = Vec::new();
        let parameters = function.child_by_field_name("parameters").map(named).unwrap_or_default();
        for parameter in parameters {
            let name = match parameter.kind() {
                "identifier" => Some(parameter),
                "default_parameter" | "typed_default_parameter" => parameter.child_by_field_name("name"),
                "typed_parameter" => parameter.named_child(0),
                "list_splat_pattern" => {
                    let rest = Val::list(given.by_ref().collect());
                    if let Some(name) = parameter.named_child(0) {
                        locals.push((self.text(name).to_owned(), rest));
                    }
                    continue;
                }
                "dictionary_splat_pattern" => {
                    let rest = keywords.iter().filter(|(name, _)| !locals.iter().any(|(known, _)| known == name));
                    let rest = Val::dict(rest.map(|(name, value)| (Val::str(name.as_str()), value.clone())).collect());
                    if let Some(name) = parameter.named_child(0) {
                        locals.push((self.text(name).to_owned(), rest));
                    }
                    continue;
                }
                _ => None,
            };
            let Some(name) = name.map(|node| self.text(node)) else { continue };
            let by_keyword = keywords.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            let value = match by_keyword.or_else(|| given.next()) {
                Some(value) => value,
                None => parameter.child_by_field_name("value").map_or(Val::Unknown, |node| self.eval(node)),
            };
            locals.push((name.to_owned(), value));
        }
        locals
    }

    fn new_parser(&mut self, args: &Args) -> Val {
        let mut parser = Parser::new(args);
        self.inherit(&mut parser, args);
        self.parsers.push(parser);
        Val::Parser(self.parsers.len() - 1)
    }
}

fn is_stdin(name: &str) -> bool {
    matches!(name, "sys.stdin" | "sys.stdin.buffer" | "stdin")
}

fn range(args: &[Val]) -> Val {
    let numbers: Option<Vec<i64>> =
        args.iter().map(|arg| if let Val::Int(value) = arg { Some(*value) } else { None }).collect();
    let (start, end, step) = match numbers.as_deref() {
        Some([end]) => (0, *end, 1),
        Some([start, end]) => (*start, *end, 1),
        Some([start, end, step]) if *step > 0 => (*start, *end, *step),
        _ => return Val::Unknown,
    };
    let step = usize::try_from(step).unwrap_or(1);
    let items: Vec<Val> = (start..end).step_by(step).take(super::value::ITEMS + 1).map(Val::Int).collect();
    Val::list(items)
}

fn literal_method(object: &Val, method: &str, args: &Args) -> Val {
    let each = |pick: fn(&(Val, Val)) -> Val| match object {
        Val::Dict(items) => Val::list(items.iter().map(pick).collect()),
        _ => Val::Unknown,
    };
    match (object, method) {
        (Val::Dict(_), "keys") => each(|(key, _)| key.clone()),
        (Val::Dict(_), "values") => each(|(_, value)| value.clone()),
        (Val::Dict(_), "items") => each(|(key, value)| Val::list(vec![key.clone(), value.clone()])),
        (Val::Dict(items), "get") => {
            let found = items.iter().find(|(key, _)| key.as_str().is_some() && key.as_str() == args.first().as_str());
            found.map_or(Val::Unknown, |(_, value)| value.clone())
        }
        (Val::Str(text), "split") => match args.positional.first() {
            None => Val::list(text.split_whitespace().map(Val::str).collect()),
            Some(Val::Str(by)) if !by.is_empty() => Val::list(text.split(by.as_ref()).map(Val::str).collect()),
            _ => Val::Unknown,
        },
        (Val::Str(text), "join") => {
            let items = args.first().iterate();
            let parts: Option<Vec<String>> = items.and_then(|items| items.iter().map(Val::text).collect());
            parts.map_or(Val::Unknown, |parts| Val::str(parts.join(text)))
        }
        (Val::Str(text), "strip" | "lstrip" | "rstrip" | "format" | "expandtabs") => Val::str(text.trim()),
        (Val::Str(text), "lower") => Val::str(text.to_lowercase()),
        (Val::Str(text), "upper") => Val::str(text.to_uppercase()),
        (Val::List(_) | Val::Dict(_), "copy") => object.clone(),
        _ => Val::Unknown,
    }
}
