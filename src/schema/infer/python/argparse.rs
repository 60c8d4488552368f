//! argparse as its documentation describes it: parsers, groups, subcommands and what `add_argument` says.

use serde_json::Value;

use super::calls::Args;
use super::reader::Reader;
use super::value::Val;

/// The most parsers of one module, subcommands included.
const PARSERS: usize = 128;
/// The most arguments of one parser.
const ARGUMENTS: usize = 256;

/// A parser, or a subcommand's.
#[derive(Clone, Debug, Default)]
pub(super) struct Parser {
    pub(super) arguments: Vec<Arg>,
    /// Mutually exclusive sets: indices of arguments, and whether one of them is required.
    pub(super) exclusive: Vec<(Vec<usize>, bool)>,
    pub(super) subparsers: Option<Sub>,
    pub(super) description: Option<String>,
    /// The parser of a subcommand.
    pub(super) is_sub: bool,
    pub(super) file_prefixes: String,
}

/// The subcommands of a parser.
#[derive(Clone, Debug, Default)]
pub(super) struct Sub {
    pub(super) dest: Option<String>,
    pub(super) is_required: bool,
    /// Name, parser and help of each.
    pub(super) commands: Vec<(String, usize, String)>,
}

/// What an argument does with its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Store,
    /// The flag stands for `constant`.
    Constant,
    /// `--flag` and `--no-flag`.
    Boolean,
    Append,
    Extend,
    Count,
}

/// How many words it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nargs {
    One,
    Optional,
    Any,
    Some,
    Exactly(u64),
    Rest,
}

/// One `add_argument`.
#[derive(Clone, Debug)]
pub(super) struct Arg {
    /// Its option strings; none for a positional.
    pub(super) flags: Vec<String>,
    pub(super) dest: String,
    pub(super) action: Action,
    pub(super) nargs: Nargs,
    pub(super) kind: Kind,
    pub(super) choices: Option<Vec<Value>>,
    /// `None` when it has none or it is not known.
    pub(super) default: Option<Value>,
    pub(super) constant: Option<Value>,
    pub(super) is_required: bool,
    pub(super) help: String,
}

/// What `type=` makes of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Number,
    /// Python's `bool`: any text but the empty one is true.
    Truth,
    /// A function of the module that reads a boolean.
    Boolean,
    Json,
}

impl Parser {
    pub(super) fn new(args: &Args) -> Self {
        let text = |name: &str| args.keyword(name).and_then(Val::as_str).map(str::to_owned);
        let description =
            text("description").or_else(|| args.positional.get(2).and_then(Val::as_str).map(str::to_owned));
        Self { description, file_prefixes: text("fromfile_prefix_chars").unwrap_or_default(), ..Self::default() }
    }

    pub(super) fn takes_anything(&self) -> bool {
        !self.arguments.is_empty() || self.subparsers.is_some()
    }
}

impl Reader<'_> {
    /// `parents=[...]`: their arguments come first.
    pub(super) fn inherit(&mut self, parser: &mut Parser, args: &Args) {
        for parent in args.keyword("parents").and_then(Val::iterate).unwrap_or_default() {
            let Val::Parser(parent) = parent else { continue };
            let Some(parent) = self.parsers.get_mut(parent) else { continue };
            // It has given its arguments away: alone it is no command line.
            parent.is_sub = true;
            let offset = parser.arguments.len();
            parser.arguments.extend(parent.arguments.iter().take(ARGUMENTS).cloned());
            let sets = parent.exclusive.iter();
            parser
                .exclusive
                .extend(sets.map(|(set, required)| (set.iter().map(|index| index + offset).collect(), *required)));
        }
    }

    pub(super) fn parser_method(&mut self, object: &Val, method: &str, args: &Args) -> Val {
        let (index, set) = match object {
            Val::Parser(index) | Val::Subparsers(index) => (*index, None),
            Val::Group(index, set) => (*index, *set),
            _ => return Val::Unknown,
        };
        match method {
            "add_argument" => {
                self.add_argument(index, set, args);
                Val::Unknown
            }
            "add_argument_group" => Val::Group(index, set),
            "add_mutually_exclusive_group" => {
                let is_required = args.keyword("required").and_then(Val::truth).unwrap_or(false);
                let Some(parser) = self.parsers.get_mut(index) else { return Val::Unknown };
                parser.exclusive.push((Vec::new(), is_required));
                Val::Group(index, Some(parser.exclusive.len() - 1))
            }
            "add_subparsers" => {
                let Some(parser) = self.parsers.get_mut(index) else { return Val::Unknown };
                let dest = args.keyword("dest").and_then(Val::as_str).map(str::to_owned);
                let is_required = args.keyword("required").and_then(Val::truth).unwrap_or(false);
                parser.subparsers = Some(Sub { dest, is_required, commands: Vec::new() });
                Val::Subparsers(index)
            }
            "add_parser" if matches!(object, Val::Subparsers(_)) => self.add_parser(index, args),
            "parse_args" | "parse_known_args" | "parse_intermixed_args" | "parse_known_intermixed_args" => {
                self.parsed.get_or_insert(index);
                Val::Unknown
            }
            "set_defaults" => {
                let Some(parser) = self.parsers.get_mut(index) else { return Val::Unknown };
                for (name, value) in &args.keywords {
                    for argument in parser.arguments.iter_mut().filter(|argument| argument.dest == *name) {
                        argument.default = value.json();
                    }
                }
                Val::Unknown
            }
            _ => Val::Unknown,
        }
    }

    fn add_parser(&mut self, index: usize, args: &Args) -> Val {
        let Some(name) = args.positional.first().or_else(|| args.keyword("name")).and_then(Val::as_str) else {
            return Val::Unknown;
        };
        if self.parsers.len() >= PARSERS {
            return Val::Unknown;
        }
        let mut parser = Parser { is_sub: true, ..Parser::new(args) };
        self.inherit(&mut parser, args);
        let help =
            args.keyword("help").or_else(|| args.keyword("description")).and_then(Val::as_str).unwrap_or("").to_owned();
        let new = self.parsers.len();
        self.parsers.push(parser);
        if let Some(subparsers) = self.parsers.get_mut(index).and_then(|parser| parser.subparsers.as_mut()) {
            subparsers.commands.retain(|(known, _, _)| known != name);
            subparsers.commands.push((name.to_owned(), new, help));
        }
        Val::Parser(new)
    }

    fn add_argument(&mut self, index: usize, set: Option<usize>, args: &Args) {
        let Some(argument) = self.argument(args) else { return };
        let Some(parser) = self.parsers.get_mut(index) else { return };
        if parser.arguments.len() >= ARGUMENTS {
            return;
        }
        if let Some((members, _)) = set.and_then(|set| parser.exclusive.get_mut(set)) {
            members.push(parser.arguments.len());
        }
        parser.arguments.push(argument);
    }

    /// What one `add_argument` says; `None` for help, version, what is hidden and what cannot be read.
    fn argument(&self, args: &Args) -> Option<Arg> {
        let names: Vec<&str> = args.positional.iter().map(Val::as_str).collect::<Option<_>>()?;
        let is_option = names.first().is_some_and(|name| name.starts_with('-'));
        let flags: Vec<String> =
            if is_option { names.iter().map(|name| (*name).to_owned()).collect() } else { Vec::new() };
        let dest = match (args.keyword("dest").and_then(Val::as_str), is_option) {
            (Some(dest), _) => dest.to_owned(),
            (None, false) => (*names.first()?).to_owned(),
            (None, true) => {
                let long = names.iter().find(|name| name.starts_with("--"));
                long.or(names.first())?.trim_start_matches('-').replace('-', "_")
            }
        };
        let is_hidden = |value: &Val| matches!(value, Val::Name(name) if name.ends_with("SUPPRESS"));
        if args.keyword("help").is_some_and(is_hidden) {
            return None;
        }
        let constant = args.keyword("const").and_then(Val::json);
        let (action, constant) = match args.keyword("action") {
            None => (Action::Store, constant),
            Some(Val::Str(action)) => match action.as_ref() {
                "store" => (Action::Store, constant),
                "store_true" => (Action::Constant, Some(Value::Bool(true))),
                "store_false" => (Action::Constant, Some(Value::Bool(false))),
                // A constant that cannot be read is said by "true".
                "store_const" => (Action::Constant, constant.or(Some(Value::Bool(true)))),
                "append" => (Action::Append, constant),
                "extend" => (Action::Extend, constant),
                "count" => (Action::Count, constant),
                _ => return None,
            },
            Some(Val::Name(action)) if action.ends_with("BooleanOptionalAction") => (Action::Boolean, constant),
            // An action of the script's own: most take one value.
            Some(_) => (Action::Store, constant),
        };
        let nargs = match args.keyword("nargs") {
            None | Some(Val::None) => Nargs::One,
            Some(Val::Int(count)) => Nargs::Exactly(u64::try_from(*count).ok()?),
            Some(Val::Str(mark)) => nargs(mark)?,
            Some(Val::Name(name)) => match name.rsplit('.').next()? {
                "OPTIONAL" => Nargs::Optional,
                "ZERO_OR_MORE" => Nargs::Any,
                "ONE_OR_MORE" => Nargs::Some,
                "REMAINDER" => Nargs::Rest,
                _ => return None,
            },
            Some(_) => Nargs::Any,
        };
        let kind = args.keyword("type").map_or(Kind::Text, |kind| self.kind(kind));
        let choices =
            args.keyword("choices").or_else(|| args.keyword("type").filter(|kind| matches!(kind, Val::Class(_))));
        let choices = choices.and_then(|choices| self.members_of(choices));
        let choices: Option<Vec<Value>> = choices.and_then(|items| items.iter().map(Val::json).collect());
        let default = match (args.keyword("default"), action) {
            (Some(default), _) => default.json().filter(|value| !value.is_null()),
            (None, Action::Constant) => constant.as_ref().and_then(Value::as_bool).map(|value| Value::Bool(!value)),
            (None, _) => None,
        };
        let is_required = if is_option {
            args.keyword("required").and_then(Val::truth).unwrap_or(false)
        } else {
            !matches!(nargs, Nargs::Optional | Nargs::Any | Nargs::Rest)
        };
        let mut argument =
            Arg { flags, dest, action, nargs, kind, choices, default, constant, is_required, help: String::new() };
        argument.help = help(args, &argument);
        Some(argument)
    }

    fn kind(&self, value: &Val) -> Kind {
        match value {
            Val::Name(name) => match name.as_ref() {
                "int" => Kind::Integer,
                "float" => Kind::Number,
                "bool" => Kind::Truth,
                "json.loads" => Kind::Json,
                _ => Kind::Text,
            },
            Val::Func(index) => self.kind_of_function(*index),
            _ => Kind::Text,
        }
    }

    /// The kind that a converting function of the module gives: by its annotation, else by what it returns.
    fn kind_of_function(&self, index: usize) -> Kind {
        let Some(function) = self.functions.get(index) else { return Kind::Text };
        if let Some(annotation) = function.node.child_by_field_name("return_type") {
            return match self.text(annotation) {
                "int" => Kind::Integer,
                "float" => Kind::Number,
                "bool" => Kind::Boolean,
                _ => Kind::Text,
            };
        }
        let body = function.node.child_by_field_name("body").map_or("", |node| self.text(node));
        let returns = |start: &str| body.lines().any(|line| line.trim_start().starts_with(start));
        if returns("return True") || returns("return False") {
            Kind::Boolean
        } else if returns("return int(") || body.contains("= int(") {
            Kind::Integer
        } else if returns("return float(") || body.contains("= float(") {
            Kind::Number
        } else {
            Kind::Text
        }
    }
}

fn nargs(mark: &str) -> Option<Nargs> {
    Some(match mark {
        "?" => Nargs::Optional,
        "*" => Nargs::Any,
        "+" => Nargs::Some,
        "..." => Nargs::Rest,
        _ => return None,
    })
}

/// The help text with argparse's `%(name)s` places filled.
fn help(args: &Args, argument: &Arg) -> String {
    let Some(text) = args.keyword("help").and_then(Val::as_str) else { return String::new() };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(rest.get(..at).unwrap_or(""));
        let after = rest.get(at + 1..).unwrap_or("");
        if let Some(tail) = after.strip_prefix('%') {
            out.push('%');
            rest = tail;
        } else if let Some((name, tail)) = after.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            out.push_str(&place(name, args, argument));
            // The conversion letter.
            rest = tail.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(tail);
        } else {
            out.push('%');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

fn place(name: &str, args: &Args, argument: &Arg) -> String {
    match name {
        "default" => match args.keyword("default") {
            Some(value) => value.text().unwrap_or_else(|| "…".to_owned()),
            None => argument.default.as_ref().map_or("None".to_owned(), |value| match value {
                Value::Bool(true) => "True".to_owned(),
                Value::Bool(false) => "False".to_owned(),
                other => other.to_string(),
            }),
        },
        "choices" => {
            let choices = argument.choices.iter().flatten();
            choices
                .map(|choice| choice.as_str().map_or_else(|| choice.to_string(), str::to_owned))
                .collect::<Vec<_>>()
                .join(", ")
        }
        "dest" => argument.dest.clone(),
        "prog" => "the script".to_owned(),
        other => args.keyword(other).and_then(Val::text).unwrap_or_else(|| "…".to_owned()),
    }
}
