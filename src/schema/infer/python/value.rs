//! What an expression is known to be when a script is read without running it.
//!
//! Literals keep their value, parsers and the JSON from stdin are followed by identity, everything else is unknown.

use std::rc::Rc;

use serde_json::{Number, Value, json};

/// The longest text that is kept, in bytes.
pub(super) const TEXT_BYTES: usize = 16 * 1024;
/// The longest list or map that is kept.
pub(super) const ITEMS: usize = 1024;

/// A value as far as it is known.
#[derive(Clone, Debug)]
pub(super) enum Val {
    Unknown,
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Rc<str>),
    /// A list, tuple or set.
    List(Rc<Vec<Val>>),
    Dict(Rc<Vec<(Val, Val)>>),
    /// A name that the module does not define: a builtin, or something imported, by its full dotted name.
    Name(Rc<str>),
    /// A function of the module, by index.
    Func(usize),
    /// A class of the module, by index.
    Class(usize),
    /// Some instance of a class of the module.
    Instance(usize),
    /// A function without a name, by nothing: only that it can be called.
    Lambda,
    /// An argparse parser, by index.
    Parser(usize),
    /// An argument group of a parser; with its mutually exclusive set, by index.
    Group(usize, Option<usize>),
    /// What `add_subparsers` gives for a parser.
    Subparsers(usize),
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
        if items.len() > ITEMS { Val::Unknown } else { Val::Dict(Rc::new(items)) }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Val::Str(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Val::Unknown | Val::Name(_) | Val::Lambda)
    }

    /// Whether a function must be read again when it gets this value: it may add arguments to it or read from it.
    pub(super) fn is_followed(&self) -> bool {
        !matches!(self, Val::Unknown | Val::None | Val::Name(_) | Val::Lambda | Val::Instance(_))
    }

    /// Python's truth of a literal; `None` when it is not known.
    pub(super) fn truth(&self) -> Option<bool> {
        Some(match self {
            Val::None => false,
            Val::Bool(value) => *value,
            Val::Int(value) => *value != 0,
            Val::Float(value) => *value != 0.0,
            Val::Str(text) => !text.is_empty(),
            Val::List(items) => !items.is_empty(),
            Val::Dict(items) => !items.is_empty(),
            _ => return None,
        })
    }

    /// What iterating over it gives, where that is known.
    pub(super) fn iterate(&self) -> Option<Vec<Val>> {
        match self {
            Val::List(items) => Some(items.to_vec()),
            Val::Dict(items) => Some(items.iter().map(|(key, _)| key.clone()).collect()),
            _ => None,
        }
    }

    /// The literal as JSON; `None` for what is no literal.
    pub(super) fn json(&self) -> Option<Value> {
        Some(match self {
            Val::None => Value::Null,
            Val::Bool(value) => json!(value),
            Val::Int(value) => json!(value),
            Val::Float(value) => Value::Number(Number::from_f64(*value)?),
            Val::Str(text) => Value::String(text.to_string()),
            Val::List(items) => Value::Array(items.iter().map(Val::json).collect::<Option<_>>()?),
            Val::Dict(items) => {
                let members = items.iter().map(|(key, value)| Some((key.as_str()?.to_owned(), value.json()?)));
                Value::Object(members.collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }

    /// The literal as Python prints it.
    pub(super) fn text(&self) -> Option<String> {
        Some(match self {
            Val::Str(text) => text.to_string(),
            Val::Float(value) => format!("{value:?}"),
            _ => self.repr()?,
        })
    }

    fn repr(&self) -> Option<String> {
        Some(match self {
            Val::None => "None".to_owned(),
            Val::Bool(true) => "True".to_owned(),
            Val::Bool(false) => "False".to_owned(),
            Val::Int(value) => value.to_string(),
            Val::Float(value) => format!("{value:?}"),
            Val::Str(text) => format!("'{text}'"),
            Val::List(items) => {
                let items: Vec<String> = items.iter().map(Val::repr).collect::<Option<_>>()?;
                format!("[{}]", items.join(", "))
            }
            _ => return None,
        })
    }
}
