//! Functions that the skill does not define: Python's builtins, and what of the standard library builds constants.

use super::calls::{Args, is_stdin};
use super::reader::Reader;
use super::value::{ITEMS, Val, join, path};
use crate::schema::infer::cli::Kind;

impl Reader<'_> {
    /// Calls something by its full name.
    pub(super) fn builtin(&mut self, name: &str, args: &Args) -> Val {
        let last = name.rsplit('.').next().unwrap_or(name);
        if self.is_framework(name) {
            return self.framework(name, args);
        }
        if last.ends_with("ArgumentParser") || matches!(last, "ArgParser") {
            return self.new_parser(args);
        }
        match name {
            "json.load" if matches!(args.first(), Val::Name(from) if is_stdin(from)) => return self.stdin_json(),
            "json.loads" | "loads" => match args.first() {
                Val::StdinText => return self.stdin_json(),
                Val::Word(index) => {
                    self.words.made(*index, Kind::Json);
                    return Val::Made(Kind::Json);
                }
                _ => {}
            },
            "input" => self.reads_stdin = true,
            "super" => {
                let frame = self.frames.last();
                if let Some((receiver, class)) = frame.and_then(|frame| Some((frame.receiver.clone()?, frame.class?))) {
                    return Val::Super(std::rc::Rc::new((receiver, class)));
                }
            }
            "sorted" | "list" | "tuple" | "set" | "frozenset" | "reversed" | "iter" => return self.listed(name, args),
            "len" => {
                if let Val::Words(from) = args.first() {
                    return Val::Count(*from);
                }
                let length = match args.first() {
                    Val::Dict(items) => Some(items.len()),
                    other => self.members_of(other).map(|items| items.len()),
                };
                return length.map_or(Val::Unknown, Val::int);
            }
            "range" => return range(&args.positional),
            "dict" => return dict(args),
            "dict.fromkeys" => {
                let value = args.positional.get(1).cloned().unwrap_or(Val::None);
                let keys = self.members_of(args.first());
                return keys.map_or(Val::Unknown, |keys| {
                    Val::dict(keys.into_iter().map(|key| (key, value.clone())).collect())
                });
            }
            "int" | "float" | "bool" => return self.number(name, args),
            "str" | "repr" => return text(args.first()),
            "isinstance" => return self.is_instance(args),
            "enumerate" | "zip" | "map" | "itertools.chain" | "chain" => return self.combined(last, args),
            "max" | "min" | "abs" | "round" | "sum" => return self.reckoned(name, args),
            "getattr" => {
                if let (Some(default), Val::Unknown | Val::Name(_)) = (args.positional.get(2), args.first()) {
                    return default.clone();
                }
            }
            "next" => {
                let first = self.members_of(args.first()).and_then(|items| items.into_iter().next());
                return first.or_else(|| args.positional.get(1).cloned()).unwrap_or(Val::Unknown);
            }
            "enum.auto" | "auto" => return Val::Name("enum.auto()".into()),
            "dataclasses.field" | "field" => return field(args),
            "functools.partial" | "partial" => return args.first().clone(),
            "os.environ.get" | "os.getenv" | "environ.get" | "getenv" => {
                return args.at(1, "default").cloned().unwrap_or(Val::None);
            }
            "os.path.join" | "posixpath.join" | "path.join" => {
                let parts: Option<Vec<&str>> = args.positional.iter().map(Val::as_str).collect();
                let joined = parts.map(|parts| parts.join("/").replace("//", "/"));
                return joined.map_or(Val::Unknown, Val::str);
            }
            "pathlib.Path" | "Path" | "pathlib.PurePath" | "PurePath" | "pathlib.PosixPath" => {
                if let Val::Word(_) = args.first() {
                    return args.first().clone();
                }
                let mut made = path("");
                for part in &args.positional {
                    made = match (made.as_str(), part.as_str()) {
                        (Some(left), Some(right)) => join(left, right),
                        _ => return Val::Unknown,
                    };
                }
                return made;
            }
            "str.maketrans" | "object" => {}
            _ if last == "strtobool" => return Val::Made(Kind::Boolean),
            _ => self.call_back(args),
        }
        Val::Unknown
    }

    pub(super) fn stdin_json(&mut self) -> Val {
        self.json.is_read = true;
        self.reads_stdin = true;
        Val::Json
    }

    fn listed(&mut self, name: &str, args: &Args) -> Val {
        match args.first() {
            Val::Field(field) => self.json.evidence(field, "array"),
            Val::Words(from) => return Val::Words(*from),
            Val::Unknown if args.positional.is_empty() && name != "iter" => return Val::list(Vec::new()),
            _ => {}
        }
        let Some(mut items) = self.members_of(args.first()) else { return Val::Unknown };
        match name {
            "sorted" => {
                items.sort_by(|left, right| match (left, right) {
                    (Val::Int(left), Val::Int(right)) => left.cmp(right),
                    _ => left.as_str().cmp(&right.as_str()),
                });
                if args.is_on("reverse") {
                    items.reverse();
                }
            }
            "reversed" => items.reverse(),
            "set" | "frozenset" => {
                let mut kept: Vec<Val> = Vec::new();
                for item in items {
                    if !kept.iter().any(|known| known.is(&item) == Some(true)) {
                        kept.push(item);
                    }
                }
                items = kept;
            }
            _ => {}
        }
        Val::list(items)
    }

    /// `int(...)`, `float(...)`, `bool(...)`: a constant, or evidence of what a word or a member is.
    fn number(&mut self, name: &str, args: &Args) -> Val {
        let (kind, word) = match name {
            "int" => (Kind::Integer, "integer"),
            "float" => (Kind::Number, "number"),
            _ => (Kind::Boolean, "boolean"),
        };
        match args.first() {
            Val::Field(field) => self.json.evidence(field, word),
            Val::Word(index) => {
                self.words.made(*index, kind);
                return Val::Made(kind);
            }
            Val::Made(_) => return Val::Made(kind),
            Val::Str(text) => {
                let text = text.trim();
                return match kind {
                    Kind::Integer => text.parse().map_or(Val::Unknown, Val::Int),
                    Kind::Number => text.parse().map_or(Val::Unknown, Val::Float),
                    _ => Val::Bool(!text.is_empty()),
                };
            }
            Val::Int(value) if kind == Kind::Integer => return Val::Int(*value),
            #[allow(clippy::cast_precision_loss)]
            Val::Int(value) if kind == Kind::Number => return Val::Float(*value as f64),
            Val::Float(value) if kind == Kind::Number => return Val::Float(*value),
            other if kind == Kind::Boolean => return other.truth().map_or(Val::Unknown, Val::Bool),
            _ => {}
        }
        Val::Unknown
    }

    fn is_instance(&mut self, args: &Args) -> Val {
        let (value, kind) = match args.positional.as_slice() {
            [value, Val::Name(kind)] => (value, kind),
            [value, Val::List(kinds)] => {
                let of = |kind: &Val| Args { positional: vec![value.clone(), kind.clone()], keywords: Vec::new() };
                let all: Vec<Val> = kinds.iter().map(|kind| self.is_instance(&of(kind))).collect();
                let is_one = all.iter().any(|answer| matches!(answer, Val::Bool(true)));
                let is_none = all.iter().all(|answer| matches!(answer, Val::Bool(false)));
                return if is_one || is_none { Val::Bool(is_one) } else { Val::Unknown };
            }
            _ => return Val::Unknown,
        };
        if let Val::Field(field) = value {
            let kind = match kind.as_ref() {
                "str" => "string",
                "list" => "array",
                "dict" => "object",
                "bool" => "boolean",
                "int" => "integer",
                "float" => "number",
                _ => return Val::Unknown,
            };
            self.json.evidence(field, kind);
            return Val::Unknown;
        }
        let own = match value {
            Val::None => "NoneType",
            Val::Bool(_) => "bool",
            Val::Int(_) => "int",
            Val::Float(_) => "float",
            Val::Str(_) | Val::Word(_) => "str",
            Val::Dict(_) => "dict",
            // A list may be a tuple or a set: whoever asks for one of them means it.
            Val::List(_) if matches!(kind.as_ref(), "list" | "tuple" | "set") => return Val::Bool(true),
            Val::List(_) => "list",
            _ => return Val::Unknown,
        };
        match kind.as_ref() {
            "int" if own == "bool" => Val::Bool(true),
            "str" | "list" | "dict" | "bool" | "int" | "float" | "tuple" | "set" => Val::Bool(own == kind.as_ref()),
            _ => Val::Unknown,
        }
    }

    fn combined(&mut self, name: &str, args: &Args) -> Val {
        let is_map = name == "map";
        let lists = args.positional.get(usize::from(is_map)..).unwrap_or_default();
        let lists: Option<Vec<Vec<Val>>> = lists.iter().map(|list| self.members_of(list)).collect();
        let Some(lists) = lists else { return Val::Unknown };
        let shortest = lists.iter().map(Vec::len).min().unwrap_or(0).min(ITEMS);
        let row = |index: usize| -> Vec<Val> { lists.iter().filter_map(|list| list.get(index).cloned()).collect() };
        match name {
            "chain" => Val::list(lists.into_iter().flatten().take(ITEMS + 1).collect()),
            "zip" => Val::list((0..shortest).map(|index| Val::list(row(index))).collect()),
            "enumerate" => {
                let start = match args.keyword("start") {
                    Some(Val::Int(start)) => *start,
                    _ => 0,
                };
                let pair = |index: usize| {
                    let number =
                        i64::try_from(index).map_or(Val::Unknown, |index| Val::Int(index.saturating_add(start)));
                    Val::list([vec![number], row(index)].concat())
                };
                Val::list((0..shortest).map(pair).collect())
            }
            _ => {
                let callee = args.first().clone();
                let mut made = Vec::new();
                for index in 0..shortest {
                    made.push(self.apply(&callee, Args { positional: row(index), keywords: Vec::new() }));
                }
                Val::list(made)
            }
        }
    }

    fn reckoned(&self, name: &str, args: &Args) -> Val {
        if let Val::Made(kind) = args.first() {
            return Val::Made(*kind);
        }
        let items = match args.positional.as_slice() {
            [one] if matches!(name, "max" | "min" | "sum") => self.members_of(one),
            all => Some(all.to_vec()),
        };
        let numbers: Option<Vec<i64>> = items.and_then(|items| {
            items.iter().map(|item| if let Val::Int(value) = item { Some(*value) } else { None }).collect()
        });
        let Some(numbers) = numbers else { return Val::Unknown };
        let found = match name {
            "max" => numbers.iter().max().copied(),
            "min" => numbers.iter().min().copied(),
            "sum" => numbers.iter().try_fold(0i64, |sum, value| sum.checked_add(*value)),
            "abs" => numbers.first().and_then(|value| value.checked_abs()),
            _ => numbers.first().copied(),
        };
        found.map_or(Val::Unknown, Val::Int)
    }
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
    let items: Vec<Val> = (start..end).step_by(step).take(ITEMS + 1).map(Val::Int).collect();
    Val::list(items)
}

fn dict(args: &Args) -> Val {
    let mut items: Vec<(Val, Val)> = match args.positional.first() {
        None => Vec::new(),
        Some(Val::Dict(items)) => items.to_vec(),
        Some(Val::List(pairs)) => {
            let pair = |pair: &Val| match pair.iterate()?.as_slice() {
                [key, value] => Some((key.clone(), value.clone())),
                _ => None,
            };
            match pairs.iter().map(pair).collect::<Option<_>>() {
                Some(pairs) => pairs,
                None => return Val::Unknown,
            }
        }
        Some(_) => return Val::Unknown,
    };
    items.extend(args.keywords.iter().map(|(key, value)| (Val::str(key.as_str()), value.clone())));
    Val::dict(items)
}

/// A dataclass's field with a default of its own.
fn field(args: &Args) -> Val {
    match (args.keyword("default"), args.keyword("default_factory")) {
        (Some(default), _) => default.clone(),
        (None, Some(Val::Name(factory))) if factory.as_ref() == "list" => Val::list(Vec::new()),
        (None, Some(Val::Name(factory))) if factory.as_ref() == "dict" => Val::dict(Vec::new()),
        _ => Val::Unknown,
    }
}

fn text(value: &Val) -> Val {
    match value {
        Val::Word(_) => value.clone(),
        // argparse and the format strings want the text of the value, and so do the authors of such enums.
        other => other.text().map_or(Val::Unknown, Val::str),
    }
}
