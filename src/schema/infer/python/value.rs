//! What an expression is known to be when a script is read without running it.
//!
//! Literals keep their value, parsers, words of the command line and the JSON from stdin are followed by identity,
//! everything else is unknown.

use std::rc::Rc;

use serde_json::{Number, Value, json};

use crate::schema::infer::cli::Kind;

/// The longest text that is kept, in bytes.
pub(super) const TEXT_BYTES: usize = 16 * 1024;
/// The longest list or map that is kept.
pub(super) const ITEMS: usize = 1024;
/// The deepest nesting of literals that is looked into.
const NESTING: usize = 32;
/// Stands in a text for a part that is not known.
pub(super) const HOLE: char = '\u{f8ff}';

/// A value as far as it is known.
#[derive(Clone, Debug)]
pub(super) enum Val {
    Unknown,
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Rc<str>),
    /// A path, as pathlib would write it.
    Path(Rc<str>),
    /// A list, tuple or set.
    List(Rc<Vec<Val>>),
    Dict(Rc<Vec<(Val, Val)>>),
    /// A name that the skill does not define: a builtin, or something imported, by its full dotted name.
    Name(Rc<str>),
    /// A function of the skill, by index.
    Func(usize),
    /// A function and the object that it is called on.
    Bound(Rc<(Val, usize)>),
    /// A class of the skill, by index.
    Class(usize),
    /// An instance of a class of the skill, by index.
    Instance(usize),
    /// A member of an enum: its name and value.
    Member(Rc<(Rc<str>, Val)>),
    /// `super()` of this object in this class.
    Super(Rc<(Val, usize)>),
    /// A module of the skill, by index.
    Module(usize),
    /// A name of a module of the skill that has not been read yet.
    Pending(usize, Rc<str>),
    /// A parser, or a command of click or typer, by index.
    Parser(usize),
    /// An argument group of a parser; with its mutually exclusive set, by index.
    Group(usize, Option<usize>),
    /// What `add_subparsers` gives for a parser.
    Subparsers(usize),
    /// What `add_argument` gives: the parser and the argument, by index.
    Action(usize, usize),
    /// A decorator of click or typer, by index.
    Mark(usize),
    /// Words of the command line, from this index of `sys.argv`.
    Words(usize),
    /// How many words there are from this index of `sys.argv`.
    Count(usize),
    /// One word of the command line, by its index in `sys.argv`; of any other text that a `type=` converts, none.
    Word(Option<usize>),
    /// What a conversion makes of a word.
    Made(Kind),
    /// Text read from stdin.
    StdinText,
    /// The JSON document read from stdin.
    Json,
    /// A member of it.
    Field(Rc<str>),
}

impl Val {
    pub(super) fn str(text: impl Into<Rc<str>>) -> Self {
        let text = text.into();
        if text.len() > TEXT_BYTES { Val::Unknown } else { Val::Str(text) }
    }

    pub(super) fn list(items: Vec<Val>) -> Self {
        if items.len() > ITEMS { Val::Unknown } else { Val::List(Rc::new(items)) }
    }

    pub(super) fn dict(items: Vec<(Val, Val)>) -> Self {
        if items.len() > ITEMS {
            return Val::Unknown;
        }
        // The last value of a key counts, at the place of its first.
        let mut kept: Vec<(Val, Val)> = Vec::with_capacity(items.len());
        for (key, value) in items {
            match kept.iter_mut().find(|(known, _)| known.is(&key) == Some(true)) {
                Some(known) => known.1 = value,
                None => kept.push((key, value)),
            }
        }
        Val::Dict(Rc::new(kept))
    }

    pub(super) fn int(value: usize) -> Self {
        i64::try_from(value).map_or(Val::Unknown, Val::Int)
    }

    /// The text of a string, a path, or an enum's member that is one.
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Val::Str(text) | Val::Path(text) => Some(text),
            Val::Member(member) => member.1.as_str(),
            _ => None,
        }
    }

    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Val::Unknown | Val::Name(_))
    }

    /// Whether a function must be read again when it gets this value: it may add arguments to it or read from it.
    pub(super) fn is_followed(&self) -> bool {
        !matches!(self, Val::Unknown | Val::None | Val::Name(_))
    }

    /// Python's truth of a value; `None` when it is not known.
    pub(super) fn truth(&self) -> Option<bool> {
        Some(match self {
            Val::None => false,
            Val::Bool(value) => *value,
            Val::Int(value) => *value != 0,
            Val::Float(value) => *value != 0.0,
            Val::Str(text) => !text.is_empty(),
            Val::List(items) => !items.is_empty(),
            Val::Dict(items) => !items.is_empty(),
            Val::Path(_) | Val::Func(_) | Val::Bound(_) | Val::Class(_) | Val::Parser(_) | Val::Group(..) => true,
            Val::Subparsers(_) | Val::Action(..) | Val::Module(_) => true,
            _ => return None,
        })
    }

    /// Whether two values are equal; `None` when it is not known.
    pub(super) fn is(&self, other: &Val) -> Option<bool> {
        match (self, other) {
            (Val::Member(left), Val::Member(right)) => Some(left.0 == right.0 && left.1.is(&right.1) != Some(false)),
            (Val::Class(left), Val::Class(right)) | (Val::Func(left), Val::Func(right)) => Some(left == right),
            (Val::Name(left), Val::Name(right)) if left == right => Some(true),
            (Val::None, Val::Name(_)) | (Val::Name(_), Val::None) => Some(false),
            (Val::Int(left), Val::Int(right)) => Some(left == right),
            (Val::Str(left), Val::Str(right)) if !left.contains(HOLE) && !right.contains(HOLE) => Some(left == right),
            _ if self.is_literal() && other.is_literal() => Some(self.json()? == other.json()?),
            _ => None,
        }
    }

    fn is_literal(&self) -> bool {
        use Val::{Bool, Dict, Float, Int, List, Member, Path, Str};
        matches!(self, Val::None | Bool(_) | Int(_) | Float(_) | Str(_) | Path(_) | List(_) | Dict(_) | Member(_))
    }

    /// What iterating over it gives, where that is known.
    pub(super) fn iterate(&self) -> Option<Vec<Val>> {
        match self {
            Val::List(items) => Some(items.to_vec()),
            Val::Dict(items) => Some(items.iter().map(|(key, _)| key.clone()).collect()),
            Val::Str(text) if text.len() <= ITEMS => Some(text.chars().map(|c| Val::str(c.to_string())).collect()),
            _ => None,
        }
    }

    /// The value of a key of a dictionary.
    pub(super) fn entry(&self, key: &Val) -> Option<Val> {
        let Val::Dict(items) = self else { return None };
        items.iter().find(|(known, _)| known.is(key) == Some(true)).map(|(_, value)| value.clone())
    }

    /// The literal as JSON; `None` for what is no literal.
    pub(super) fn json(&self) -> Option<Value> {
        self.json_at(0)
    }

    fn json_at(&self, depth: usize) -> Option<Value> {
        if depth > NESTING {
            return None;
        }
        Some(match self {
            Val::None => Value::Null,
            Val::Bool(value) => json!(value),
            Val::Int(value) => json!(value),
            Val::Float(value) => Value::Number(Number::from_f64(*value)?),
            Val::Str(text) | Val::Path(text) if text.contains(HOLE) => return None,
            Val::Str(text) | Val::Path(text) => Value::String(text.to_string()),
            Val::Member(member) => member.1.json_at(depth + 1)?,
            Val::List(items) => Value::Array(items.iter().map(|item| item.json_at(depth + 1)).collect::<Option<_>>()?),
            Val::Dict(items) => {
                let members =
                    items.iter().map(|(key, value)| Some((key.as_str()?.to_owned(), value.json_at(depth + 1)?)));
                Value::Object(members.collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }

    /// The literal as Python prints it.
    pub(super) fn text(&self) -> Option<String> {
        Some(match self {
            Val::Str(text) | Val::Path(text) => text.to_string(),
            Val::Member(member) => member.1.text()?,
            _ => self.repr(0)?,
        })
    }

    fn repr(&self, depth: usize) -> Option<String> {
        if depth > NESTING {
            return None;
        }
        Some(match self {
            Val::None => "None".to_owned(),
            Val::Bool(true) => "True".to_owned(),
            Val::Bool(false) => "False".to_owned(),
            Val::Int(value) => value.to_string(),
            Val::Float(value) => format!("{value:?}"),
            Val::Str(text) | Val::Path(text) => format!("'{text}'"),
            Val::Member(member) => member.1.repr(depth + 1)?,
            Val::List(items) => {
                let items: Vec<String> = items.iter().map(|item| item.repr(depth + 1)).collect::<Option<_>>()?;
                let text = format!("[{}]", items.join(", "));
                if text.len() > TEXT_BYTES {
                    return None;
                }
                text
            }
            _ => return None,
        })
    }
}

/// A path as pathlib writes it: no doubled, trailing or lone-dot parts.
pub(super) fn path(text: &str) -> Val {
    let root = if text.starts_with('/') { "/" } else { "" };
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let joined = format!("{root}{}", parts.join("/"));
    if joined.len() > TEXT_BYTES {
        return Val::Unknown;
    }
    Val::Path(if joined.is_empty() { ".".into() } else { joined.into() })
}

/// One path below another.
pub(super) fn join(left: &str, right: &str) -> Val {
    if right.starts_with('/') { path(right) } else { path(&format!("{left}/{right}")) }
}

/// Literals as JSON; `None` where one is none.
pub(super) fn literals(items: &[Val]) -> Option<Vec<Value>> {
    items.iter().map(Val::json).collect()
}
