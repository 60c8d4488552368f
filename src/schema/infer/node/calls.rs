//! Calls: functions of the module, libraries that parse command lines, stdin, and methods of words and lists.

use std::rc::Rc;

use tree_sitter::Node;

use super::reader::{Frame, Reader, module_name};
use super::value::Val;
use crate::schema::infer::cli::{Kind, Takes};
use crate::schema::infer::syntax::named;

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
        match callee.name().unwrap_or("") {
            "Set" => args.into_iter().next().unwrap_or_else(|| Val::list(Vec::new())),
            "Promise" => {
                self.resolved = Val::Unknown;
                if let Some(Val::Func(index)) = args.first() {
                    self.call_function(*index, vec![Val::Resolve]);
                }
                std::mem::replace(&mut self.resolved, Val::Unknown)
            }
            name if name.starts_with("commander.") => self.commander_new(&name.to_owned(), &args),
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

    /// A name that the module does not declare.
    pub(super) fn global(&mut self, name: &str) -> Val {
        match name {
            "undefined" => Val::Undefined,
            "NaN" | "Infinity" => Val::Unknown,
            _ => Val::Name(name.into()),
        }
    }

    pub(super) fn member_of_name(&mut self, module: &str, name: &str) -> Val {
        // A module's default export is the module.
        if name == "default" {
            return Val::Name(module.into());
        }
        match (module, name) {
            ("process", "argv") | ("Bun", "argv") => return Val::Argv(0),
            ("Deno", "args") => return Val::Argv(2),
            ("commander", "program") => return self.program(),
            ("yargs", "argv") => {
                let parser = self.yargs();
                return self.parse(parser);
            }
            ("globalThis", "process") => return Val::Name("process".into()),
            _ => {}
        }
        if module.len() + name.len() > 256 { Val::Unknown } else { Val::Name(format!("{module}.{name}").into()) }
    }

    /// A call of something imported or global.
    fn named_call(&mut self, name: &str, args: Vec<Val>) -> Val {
        let first = args.first().cloned().unwrap_or(Val::Undefined);
        match name {
            "require" => first.as_str().map_or(Val::Unknown, |name| Val::Name(module_name(name))),
            "parseInt" | "Number.parseInt" => self.as_kind(first, Kind::Integer),
            "Number" | "parseFloat" | "Number.parseFloat" => self.as_kind(first, Kind::Number),
            "String" | "Boolean" | "path.resolve" | "path.normalize" | "Object.freeze" | "structuredClone" => first,
            "Array.from" if !matches!(first, Val::Object(_)) => first,
            "path.join" => args.into_iter().rev().find(Val::is_given).unwrap_or(Val::Unknown),
            "Object.keys" => {
                let keys = first.members().iter().map(|(key, _)| Val::Str(key.clone())).collect();
                if matches!(first, Val::Object(_)) { Val::list(keys) } else { Val::Unknown }
            }
            "Object.values" => {
                let values = first.members().iter().map(|(_, value)| value.clone()).collect();
                if matches!(first, Val::Object(_)) { Val::list(values) } else { Val::Unknown }
            }
            "Object.assign" => args.into_iter().rev().find(|arg| matches!(arg, Val::Values(_))).unwrap_or(first),
            "Array.isArray" => {
                self.field_evidence(&first, "array");
                Val::Unknown
            }
            "JSON.parse" => match first {
                Val::Stdin => {
                    self.json.is_read = true;
                    Val::Json
                }
                given => self.as_kind(given, Kind::Json),
            },
            "fs.readFileSync" | "fs.promises.readFile" | "fs/promises.readFile" | "fs.readFile" => {
                let is_stdin = matches!(&first, Val::Num(0.0))
                    || first.as_str() == Some("/dev/stdin")
                    || first.name() == Some("process.stdin.fd");
                self.call_back(&args, &[Val::Null, if is_stdin { Val::Stdin } else { Val::Unknown }]);
                if is_stdin {
                    self.reads_stdin = true;
                    return Val::Stdin;
                }
                Val::Unknown
            }
            "stream/consumers.text" | "stream/consumers.buffer" if first.name() == Some("process.stdin") => {
                self.reads_stdin = true;
                Val::Stdin
            }
            "stream/consumers.json" if first.name() == Some("process.stdin") => {
                self.reads_stdin = true;
                self.json.is_read = true;
                Val::Json
            }
            "Buffer.concat" | "Buffer.from" if matches!(first, Val::Stdin) => first,
            "readline.createInterface" => {
                let is_stdin = first.get("input").and_then(Val::name) == Some("process.stdin");
                self.reads_stdin |= is_stdin;
                if is_stdin { Val::Stdin } else { Val::Unknown }
            }
            "yargs" | "yargs/yargs" => {
                let parser = self.yargs();
                Val::Yargs(parser)
            }
            "yargs/helpers.hideBin" | "yargs.hideBin" => first,
            "commander.createCommand" => self.commander_new("commander.Command", &args),
            "commander.createOption" => self.commander_new("commander.Option", &args),
            "commander.createArgument" => self.commander_new("commander.Argument", &args),
            "util.parseArgs" => self.parse_args(&first),
            "minimist" => self.minimist("minimist", &args),
            "mri" => self.minimist("mri", &args),
            "arg" => self.arg_library(&first),
            "process.exit" => Val::Unknown,
            _ => {
                args.iter().for_each(|arg| self.hand_over(arg));
                self.call_back(&args, &[]);
                Val::Unknown
            }
        }
    }

    /// A value is made a number, or read as JSON: its text stays what the caller gives.
    fn as_kind(&mut self, value: Val, kind: Kind) -> Val {
        self.evidence(&value, kind);
        match (&value, kind) {
            (Val::Str(text), Kind::Integer | Kind::Number) => text.trim().parse().map_or(Val::Unknown, Val::Num),
            (Val::Num(_), _) => value,
            _ if value.is_given() => value,
            _ => Val::Unknown,
        }
    }

    /// What the use of a value says of its type.
    pub(super) fn evidence(&mut self, value: &Val, kind: Kind) {
        let narrows = |known: Kind| known == Kind::Text || known == Kind::Number && kind == Kind::Integer;
        match value {
            Val::Member(parser, index) => {
                if let Some(arg) =
                    self.arg(*parser, *index).filter(|arg| narrows(arg.kind) && arg.takes != Takes::Nothing)
                {
                    arg.kind = kind;
                }
            }
            Val::Word(parser, place) => {
                let word = self.parsers.get_mut(*parser).and_then(|parser| parser.word(*place));
                if let Some(word) = word.filter(|word| narrows(word.kind)) {
                    word.kind = kind;
                }
            }
            Val::Field(name) => match kind {
                Kind::Integer => self.json.evidence(name, "integer"),
                Kind::Number => self.json.evidence(name, "number"),
                Kind::Json | Kind::Text => self.json.evidence(name, "string"),
                Kind::Boolean => self.json.evidence(name, "boolean"),
            },
            _ => {}
        }
    }

    fn field_evidence(&mut self, value: &Val, kind: &'static str) {
        if let Val::Field(name) = value {
            self.json.evidence(name, kind);
        }
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
            Val::Member(..) | Val::Word(..) | Val::Field(_) => self.given_method(object, node, method, &args),
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

    /// Methods of modules that are parsers themselves.
    fn library_method(&mut self, name: &str, method: &str, args: &[Val]) -> Option<Val> {
        match name {
            "commander" if !method.starts_with(|c: char| c.is_ascii_uppercase()) && !method.starts_with("create") => {
                let program = self.program();
                let Val::Command(parser) = program else { return None };
                Some(self.commander_method(parser, method, args))
            }
            "yargs" if method != "hideBin" => {
                let parser = self.yargs();
                Some(self.yargs_method(parser, method, args))
            }
            _ => None,
        }
    }

    fn given_method(&mut self, object: &Val, node: Node<'t>, method: &str, args: &[Val]) -> Val {
        match method {
            "trim" | "toString" | "toLowerCase" | "toUpperCase" | "replace" | "normalize" | "trimEnd" | "at" => {
                if method.starts_with("to") && method != "toString" || method == "trim" {
                    self.field_evidence(object, "string");
                }
                object.clone()
            }
            "split" | "startsWith" | "endsWith" | "match" | "padStart" | "charAt" => {
                if let (Val::Word(_, place), "startsWith", Some(label)) =
                    (object, method, args.first().and_then(Val::as_str))
                    && label.starts_with('-')
                {
                    let _ = place;
                    return Val::Unknown;
                }
                self.field_evidence(object, "string");
                Val::Unknown
            }
            "toFixed" => {
                self.evidence(object, Kind::Number);
                Val::Unknown
            }
            "map" | "forEach" | "filter" | "reduce" | "join" | "some" | "every" | "find" | "push" | "flatMap" => {
                self.field_evidence(object, "array");
                let _ = node;
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
