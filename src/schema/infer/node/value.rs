//! What an expression is known to be when a script is read without running it.
//!
//! Literals keep their value; command lines, their parsers and the JSON from stdin are followed by identity;
//! everything else is unknown.

use std::rc::Rc;

use serde_json::{Map, Number, Value};

/// The longest text that is kept, in bytes.
pub(super) const TEXT_BYTES: usize = 16 * 1024;
/// The longest list or object that is kept.
pub(super) const ITEMS: usize = 1024;
/// The deepest literal that is turned into JSON.
const DEPTH: usize = 16;

/// A value as far as it is known. Parsers and their arguments are indexes into the reader's.
#[derive(Clone, Debug)]
pub(super) enum Val {
    Unknown,
    Undefined,
    Null,
    Bool(bool),
    Num(f64),
    Str(Rc<str>),
    /// An array or a set.
    List(Rc<Vec<Val>>),
    Object(Rc<Vec<(Rc<str>, Val)>>),
    /// Something imported, or global, by its full dotted name.
    Name(Rc<str>),
    /// A function of the module.
    Func(usize),
    /// What a promise's function calls with the promise's value.
    Resolve,
    /// A commander program or subcommand.
    Command(usize),
    /// An option or argument of commander that is no program's yet.
    Loose(usize),
    /// A yargs parser.
    Yargs(usize),
    /// What a parser found, by name.
    Values(usize),
    /// One argument's value.
    Member(usize, usize),
    /// A positional's value, by its place.
    Word(usize, usize),
    /// The positionals from a place on.
    Words(usize, usize),
    /// `process.argv` without its first entries.
    Argv(usize),
    /// In a loop over the command line: this word.
    Current,
    /// This word without its dashes.
    Key,
    /// The word after this one, or what follows `=` in it.
    Following,
    /// The place of this word.
    Place,
    /// The place after the current word, or after a flag.
    NextPlace(Option<(usize, usize)>),
    /// The place of a flag.
    FlagPlace(usize, usize),
    /// How many words there are, `process.argv`'s first two counted less what was cut off.
    Length(usize),
    /// How many positionals of a parser there are, from a place on.
    Count(usize, usize),
    /// Whether a word is one of these; which word, where it is known.
    Is(Rc<Vec<Rc<str>>>, Option<usize>),
    /// Whether this word starts with a dash.
    Dashed,
    /// Whether a value is one of a list.
    OneOf(Rc<Val>, Rc<Vec<Val>>),
    /// Fewer than so many words are there.
    Fewer(Rc<Val>, usize),
    Not(Rc<Val>),
    /// The name of a value's type.
    TypeOf(Rc<Val>),
    /// One of several conditions.
    Any(Rc<Vec<Val>>),
    /// Text from stdin.
    Stdin,
    /// The JSON document from stdin.
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

    pub(super) fn object(members: Vec<(Rc<str>, Val)>) -> Self {
        if members.len() > ITEMS { Val::Unknown } else { Val::Object(Rc::new(members)) }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Val::Str(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Val::Name(name) => Some(name),
            _ => None,
        }
    }

    /// A member of an object literal.
    pub(super) fn get(&self, name: &str) -> Option<&Val> {
        match self {
            Val::Object(members) => members.iter().rev().find(|(key, _)| &**key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(super) fn members(&self) -> &[(Rc<str>, Val)] {
        match self {
            Val::Object(members) => members,
            _ => &[],
        }
    }

    /// The literal texts of a list, or the one text.
    pub(super) fn texts(&self) -> Vec<String> {
        match self {
            Val::Str(text) => vec![text.to_string()],
            Val::List(items) => items.iter().filter_map(Val::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn is_true(&self) -> bool {
        matches!(self, Val::Bool(true))
    }

    /// It comes from the caller: an argument's value, a word, a member of stdin's document.
    pub(super) fn is_given(&self) -> bool {
        matches!(self, Val::Member(..) | Val::Word(..) | Val::Field(_) | Val::Current | Val::Following | Val::Key)
    }

    /// Whether a function must be read again when it gets this value.
    pub(super) fn is_followed(&self) -> bool {
        !matches!(self, Val::Unknown | Val::Undefined | Val::Null | Val::Name(_))
    }

    /// The literal as JSON; `None` for what is no literal.
    pub(super) fn json(&self) -> Option<Value> {
        self.json_at(0)
    }

    fn json_at(&self, depth: usize) -> Option<Value> {
        if depth > DEPTH {
            return None;
        }
        Some(match self {
            Val::Null => Value::Null,
            Val::Bool(value) => Value::Bool(*value),
            Val::Num(value) => number(*value)?,
            Val::Str(text) => Value::String(text.to_string()),
            Val::List(items) => Value::Array(items.iter().map(|item| item.json_at(depth + 1)).collect::<Option<_>>()?),
            Val::Object(members) => {
                let members = members.iter().map(|(key, value)| Some((key.to_string(), value.json_at(depth + 1)?)));
                Value::Object(members.collect::<Option<Map<_, _>>>()?)
            }
            _ => return None,
        })
    }

    /// What stands for an absent value: a literal that is neither empty nor null.
    pub(super) fn default(&self) -> Option<Value> {
        self.json().filter(|value| !value.is_null())
    }
}

fn number(value: f64) -> Option<Value> {
    // Beyond 2^53 a JavaScript number is no exact integer any more.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        return Some(Value::from(value as i64));
    }
    Number::from_f64(value).map(Value::Number)
}
