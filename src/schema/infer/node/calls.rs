//! Calls: functions of the module, libraries that parse command lines, stdin, and methods of words and lists.

use std::rc::Rc;

use tree_sitter::Node;

use super::reader::{Frame, Reader, module_name};
use super::value::Val;
use crate::schema::infer::cli::Kind;
use crate::syntax::named;

/// The deepest nesting of calls that is entered.
const CALLS: usize = 12;

impl<'t> Reader<'t> {
    pub(super) fn call(&mut self, node: Node<'t>) -> Val {
        let Some(function) = node.child_by_field_name("function") else { return Val::Unknown };
        let arguments = node.child_by_field_name("arguments");
        if function.kind() == "import" {
            let args = self.arguments(arguments);
            return args.first().and_then(Val::as_str).map_or(Val::Unknown, |name| Val::Name(module_name(name)));
        }
        if function.kind() == "member_expression" {
            let object_node = function.child_by_field_name("object").unwrap_or(function);
            let object = self.eval(object_node);
            let method = self.field(function, "property");
            let args = self.arguments(arguments);
            return self.method(&object, object_node, method, args);
        }
        let callee = self.eval(function);
        let args = self.arguments(arguments);
        self.apply(&callee, args)
    }

    fn arguments(&mut self, node: Option<Node<'t>>) -> Vec<Val> {
        let Some(node) = node else { return Vec::new() };
        let mut args = Vec::new();
        for child in named(node) {
            match (child.kind(), self.eval(child)) {
                ("comment", _) => {}
                ("spread_element", Val::List(items)) => args.extend(items.iter().cloned()),
                (_, value) => args.push(value),
            }
        }
        args
    }

    pub(super) fn construct(&mut self, node: Node<'t>) -> Val {
        let callee = node.child_by_field_name("constructor").map_or(Val::Unknown, |node| self.eval(node));
        let args = self.arguments(node.child_by_field_name("arguments"));
        let name = callee.name().unwrap_or("").to_owned();
        match name.as_str() {
            "Set" => args.into_iter().next().unwrap_or_else(|| Val::list(Vec::new())),
            "Promise" => {
                self.resolved = Val::Unknown;
                if let Some(Val::Func(index)) = args.first() {
                    self.call_function(*index, vec![Val::Resolve]);
                }
                std::mem::replace(&mut self.resolved, Val::Unknown)
            }
            name if name.starts_with("commander.") => self.commander_new(name, &args),
            _ => {
                self.call_back(&args, &[]);
                Val::Unknown
            }
        }
    }

    /// Calls something that is not reached through an object.
    fn apply(&mut self, callee: &Val, args: Vec<Val>) -> Val {
        match callee {
            Val::Func(index) => self.call_function(*index, args),
            Val::Resolve => {
                let value = args.into_iter().next().unwrap_or(Val::Undefined);
                self.resolved = value;
                Val::Undefined
            }
            Val::Name(name) => self.named_call(&name.clone(), args),
            _ => {
                self.call_back(&args, &[]);
                Val::Unknown
            }
        }
    }

    /// Reads the functions among the arguments of a call that is not understood: they may be called.
    pub(super) fn call_back(&mut self, args: &[Val], given: &[Val]) {
        for arg in args {
            if let Val::Func(index) = arg {
                self.call_function(*index, given.to_vec());
            }
        }
    }

    pub(super) fn call_function(&mut self, index: usize, args: Vec<Val>) -> Val {
        let is_plain = !args.iter().any(Val::is_followed) && self.place.flag.is_none() && self.place.command.is_none();
        let Some(function) = self.functions.get_mut(index) else { return Val::Unknown };
        function.is_called = true;
        if function.is_active || self.frames.len() >= CALLS {
            return Val::Unknown;
        }
        if let (true, Some(result)) = (is_plain, &function.result) {
            return result.clone();
        }
        function.is_active = true;
        let node = function.node;
        self.frames.push(Frame::default());
        let mut args = args.into_iter();
        if let Some(parameter) = node.child_by_field_name("parameter") {
            let value = args.next().unwrap_or(Val::Undefined);
            self.declare(parameter, value);
        }
        let parameters = node.child_by_field_name("parameters").map(named).unwrap_or_default();
        for parameter in parameters.into_iter().filter(|node| node.kind() != "comment") {
            if parameter.kind() == "rest_pattern" {
                let rest: Vec<Val> = args.by_ref().collect();
                self.declare(parameter, Val::list(rest));
            } else {
                let value = args.next().unwrap_or(Val::Undefined);
                self.declare(parameter, value);
            }
        }
        match node.child_by_field_name("body") {
            Some(body) if body.kind() == "statement_block" => self.exec(body),
            Some(body) => {
                let value = self.eval(body);
                self.give(value);
            }
            None => {}
        }
        let result = self.frames.pop().and_then(|frame| frame.result).unwrap_or(Val::Undefined);
        if let Some(function) = self.functions.get_mut(index) {
            function.is_active = false;
            if is_plain {
                function.result = Some(result.clone());
            }
        }
        result
    }

    /// `object.method(…)`.
    fn method(&mut self, object: &Val, node: Node<'t>, method: &str, args: Vec<Val>) -> Val {
        match object {
            Val::Command(parser) => self.commander_method(*parser, method, &args),
            Val::Loose(index) => self.loose_method(*index, method, &args),
            Val::Yargs(parser) => self.yargs_method(*parser, method, &args),
            Val::Argv(from) => self.argv_method(*from, node, method, &args),
            Val::Words(parser, from) => self.words_method(*parser, *from, node, method, &args),
            Val::Current | Val::Key | Val::Following => self.text_method(object, method, &args),
            Val::List(items) => self.list_method(&items.clone(), node, method, &args),
            Val::Str(text) if method == "split" => {
                let separator = args.first().and_then(Val::as_str).filter(|separator| !separator.is_empty());
                separator.map_or(Val::Unknown, |separator| Val::list(text.split(separator).map(Val::str).collect()))
            }
            Val::Str(_) if matches!(method, "trim" | "toString") => object.clone(),
            Val::Stdin => self.stdin_method(object, method, &args),
            Val::Member(..) | Val::Word(..) | Val::Field(_) => self.given_method(object, method, &args),
            Val::Name(name) if &**name == "process.stdin" => self.stdin_method(object, method, &args),
            Val::Name(name) => {
                if let Some(value) = self.library_method(&name.clone(), method, &args) {
                    return value;
                }
                let full = self.member_of_name(&name.clone(), method);
                match full {
                    Val::Name(full) => self.named_call(&full, args),
                    _ => Val::Unknown,
                }
            }
            Val::Object(_) => match object.get(method) {
                Some(Val::Func(index)) => self.call_function(*index, args),
                Some(Val::Name(name)) => self.named_call(&name.clone(), args),
                _ => {
                    self.call_back(&args, &[]);
                    Val::Unknown
                }
            },
            Val::Func(index) if matches!(method, "call" | "bind") => {
                self.call_function(*index, args.into_iter().skip(1).collect())
            }
            // A promise of what is followed.
            Val::Json | Val::Values(_) if method == "then" => {
                self.call_back(&args, std::slice::from_ref(object));
                Val::Unknown
            }
            _ => {
                self.call_back(&args, &[]);
                if matches!(method, "catch" | "finally") { object.clone() } else { Val::Unknown }
            }
        }
    }

    fn given_method(&mut self, object: &Val, method: &str, args: &[Val]) -> Val {
        match method {
            "trim" | "toString" | "toLowerCase" | "toUpperCase" | "replace" | "normalize" | "trimEnd" | "at" => {
                if method.starts_with("to") && method != "toString" || method == "trim" {
                    self.field_evidence(object, "string");
                }
                object.clone()
            }
            "split" | "startsWith" | "endsWith" | "match" | "padStart" | "charAt" => {
                self.field_evidence(object, "string");
                Val::Unknown
            }
            "toFixed" => {
                self.evidence(object, Kind::Number);
                Val::Unknown
            }
            "map" | "forEach" | "filter" | "reduce" | "join" | "some" | "every" | "find" | "push" | "flatMap" => {
                self.field_evidence(object, "array");
                self.call_back(args, &[]);
                if method == "join" { object.clone() } else { Val::Unknown }
            }
            _ => {
                self.call_back(args, &[]);
                Val::Unknown
            }
        }
    }

    fn stdin_method(&mut self, object: &Val, method: &str, args: &[Val]) -> Val {
        match method {
            "on" | "once" | "addListener" => {
                let event = args.first().and_then(Val::as_str).unwrap_or("");
                if matches!(event, "data" | "readable" | "line") {
                    self.reads_stdin = true;
                    self.call_back(args, &[Val::Stdin]);
                } else {
                    self.call_back(args, &[]);
                }
                object.clone()
            }
            "then" => {
                self.call_back(args, &[Val::Stdin]);
                Val::Unknown
            }
            "toString" | "trim" | "join" | "read" | "concat" | "toArray" | "slice" | "replace" => {
                self.reads_stdin = true;
                Val::Stdin
            }
            "split" => Val::Unknown,
            "setEncoding" | "resume" | "pause" | "unref" | "ref" => object.clone(),
            _ => {
                self.call_back(args, &[]);
                Val::Unknown
            }
        }
    }

    fn list_method(&mut self, items: &Rc<Vec<Val>>, node: Node<'t>, method: &str, args: &[Val]) -> Val {
        let first = args.first().cloned().unwrap_or(Val::Undefined);
        match method {
            "includes" | "has" | "indexOf" if first.is_given() => Val::OneOf(Rc::new(first), items.clone()),
            "push" | "add" => {
                self.push(node, &first);
                Val::Unknown
            }
            "join" => {
                let separator = args.first().and_then(Val::as_str).unwrap_or(",").to_owned();
                let texts: Option<Vec<&str>> = items.iter().map(Val::as_str).collect();
                let Some(texts) = texts else {
                    // Unknown parts leave their place; the rest is still a usage text.
                    let known: Vec<&str> = items.iter().map(|item| item.as_str().unwrap_or("$")).collect();
                    self.note_text(&known.join(&separator));
                    return if items.iter().any(|item| matches!(item, Val::Stdin)) { Val::Stdin } else { Val::Unknown };
                };
                let text = texts.join(&separator);
                self.note_text(&text);
                Val::str(text)
            }
            "concat" => match first {
                Val::List(more) => {
                    if self.place.flag.is_some() {
                        more.iter().for_each(|value| self.repeat(value));
                    }
                    Val::list(items.iter().chain(more.iter()).cloned().collect())
                }
                _ => {
                    if self.place.flag.is_some() {
                        self.repeat(&first);
                    }
                    Val::Unknown
                }
            },
            "filter" if first.name() == Some("Boolean") => Val::List(items.clone()),
            "map" | "forEach" if items.len() <= 64 => {
                let Val::Func(index) = first else { return Val::Unknown };
                let mapped = items.iter().map(|item| self.call_function(index, vec![item.clone()])).collect();
                Val::list(mapped)
            }
            _ => {
                self.call_back(args, &[]);
                Val::Unknown
            }
        }
    }

    /// `list.push(value)`.
    fn push(&mut self, node: Node<'t>, value: &Val) {
        let name = super::patterns::last_name(self.text(node)).to_owned();
        match value {
            Val::Member(..) if self.place.flag.is_some() || self.loops > 0 => self.repeat(value),
            Val::Following if self.place.flag.is_some() => {
                let value = self.take();
                self.repeat(&value);
            }
            Val::Stdin if node.kind() == "identifier" => self.rebind(&name, Val::Stdin),
            Val::Current if self.place.flag.is_none() => {
                let hand = self.hand();
                let from = self.parsers.get(hand).map_or(0, |parser| parser.words.len());
                if let Some(parser) = self.parsers.get_mut(hand) {
                    parser.sorts_words = true;
                    parser.takes_list = true;
                }
                if node.kind() == "identifier" {
                    let is_generic = matches!(name.as_str(), "positional" | "positionals" | "rest" | "args" | "_");
                    self.list_name = if is_generic { String::new() } else { name.clone() };
                    self.rebind(&name, Val::Words(hand, from));
                } else {
                    self.all_words(hand, from, &name);
                }
            }
            _ => {}
        }
    }
}
