//! Names from outside of the module: globals, Node's own modules, and the libraries that parse command lines.

use super::reader::{Reader, module_name};
use super::value::Val;
use crate::schema::infer::cli::{Kind, Takes};

impl<'t> Reader<'t> {
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
    pub(super) fn named_call(&mut self, name: &str, args: Vec<Val>) -> Val {
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
    pub(super) fn as_kind(&mut self, value: Val, kind: Kind) -> Val {
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
                Kind::Boolean | Kind::Truth => self.json.evidence(name, "boolean"),
            },
            _ => {}
        }
    }

    pub(super) fn field_evidence(&mut self, value: &Val, kind: &'static str) {
        if let Val::Field(name) = value {
            self.json.evidence(name, kind);
        }
    }

    /// Methods of modules that are parsers themselves.
    pub(super) fn library_method(&mut self, name: &str, method: &str, args: &[Val]) -> Option<Val> {
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
}
