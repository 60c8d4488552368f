//! JSON documents as hosts write them: strict where a mistake would pass unseen, and every complaint names its key.
//!
//! [`parse`] reads text, [`Section`] takes an object apart. Nothing here knows what a key means; `config` and `options`
//! do. Nesting is bounded by the JSON reader (128 levels) and a key that appears twice is refused, because two readers
//! of the same document could otherwise disagree about what it allows.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::error::{Error, Result, Status};

/// The longest piece of a document that is quoted in a message, in characters.
const EXCERPT_CHARS: usize = 64;

/// Reads one JSON document. `what` names it in messages. Text that is no JSON is [`Status::InvalidJson`]; a key that
/// appears twice in one object is `misuse`.
pub(crate) fn parse(text: &str, what: &str, misuse: Status) -> Result<Value> {
    match serde_json::from_str::<Strict>(text) {
        Ok(Strict(value)) => Ok(value),
        // Every JSON value is accepted, so the only complaint about data is ours.
        Err(error) if error.is_data() => Err(Error::new(misuse, format!("{what}: {error}"))),
        Err(error) => Err(Error::new(Status::InvalidJson, format!("{what}: not JSON: {error}"))),
    }
}

/// The start of a text, short enough for a message.
pub(crate) fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(EXCERPT_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The error for a key whose value cannot be used.
pub(crate) fn invalid(name: &str, complaint: impl fmt::Display) -> Error {
    Error::new(Status::InvalidConfig, format!("'{name}' {complaint}"))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// An object of a document and its name (`policy.limits`, empty for the document itself). A key whose value is `null`
/// counts as absent, so that hosts may serialise optional fields as they are.
#[derive(Debug)]
pub(crate) struct Section<'d> {
    name: String,
    entries: &'d Map<String, Value>,
}

impl<'d> Section<'d> {
    /// The object `value`, of which only `known` keys are accepted. `name` is empty for a whole document.
    pub(crate) fn open(name: &str, value: &'d Value, known: &[&str]) -> Result<Self> {
        let section = Self::open_map(name, value)?;
        if let Some(key) = section.entries.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(Error::new(
                Status::InvalidConfig,
                format!("unknown key '{}'; known keys: {}", section.key_name(&excerpt(key)), known.join(", ")),
            ));
        }
        Ok(section)
    }

    /// The object `value`, whose keys are names that the host chose.
    pub(crate) fn open_map(name: &str, value: &'d Value) -> Result<Self> {
        let Value::Object(entries) = value else {
            let name = if name.is_empty() { "the document" } else { name };
            return Err(invalid(name, format_args!("must be an object, not {}", kind(value))));
        };
        Ok(Self { name: name.to_owned(), entries })
    }

    /// The full name of one of its keys, for messages.
    pub(crate) fn key_name(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// Its entries that are not `null`.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'d str, &'d Value)> {
        self.entries.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.as_str(), value))
    }

    /// The value of a key, unless it is absent or `null`.
    pub(crate) fn get(&self, key: &str) -> Option<&'d Value> {
        self.entries.get(key).filter(|value| !value.is_null())
    }

    fn wrong<T>(&self, key: &str, wanted: impl fmt::Display, value: &Value) -> Result<T> {
        Err(invalid(&self.key_name(key), format_args!("must be {wanted}, not {}", kind(value))))
    }

    /// A boolean.
    pub(crate) fn boolean(&self, key: &str) -> Result<Option<bool>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(other) => self.wrong(key, "true or false", other),
        }
    }

    /// A whole number within `range`.
    pub(crate) fn integer(&self, key: &str, range: RangeInclusive<u64>) -> Result<Option<u64>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let wanted = format!("a whole number between {} and {}", range.start(), range.end());
        if !value.is_number() {
            return self.wrong(key, wanted, value);
        }
        match whole(value).filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(invalid(&self.key_name(key), format_args!("is {value}; it must be {wanted}"))),
        }
    }

    /// A string without NUL bytes.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&'d str>> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => self.as_text(key, value).map(Some),
        }
    }

    /// `value`, which belongs to `key`, as a string without NUL bytes.
    pub(crate) fn as_text(&self, key: &str, value: &'d Value) -> Result<&'d str> {
        match value {
            Value::String(text) if text.contains('\0') => Err(invalid(&self.key_name(key), "holds a NUL character")),
            Value::String(text) => Ok(text),
            other => self.wrong(key, "a string", other),
        }
    }

    /// An array of strings without NUL bytes.
    pub(crate) fn texts(&self, key: &str) -> Result<Option<Vec<&'d str>>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Array(items)) => {
                items.iter().map(|item| self.as_text(key, item)).collect::<Result<_>>().map(Some)
            }
            Some(other) => self.wrong(key, "an array of strings", other),
        }
    }

    /// One of `names`; `parse` gives its meaning.
    pub(crate) fn choice<T>(&self, key: &str, names: &[&str], parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        match parse(text) {
            Some(value) => Ok(Some(value)),
            None => Err(invalid(
                &self.key_name(key),
                format_args!("is '{}'; it must be one of: {}", excerpt(text), names.join(", ")),
            )),
        }
    }

    /// An absolute path.
    pub(crate) fn path(&self, key: &str) -> Result<Option<PathBuf>> {
        self.get(key).map(|value| self.as_path(key, value)).transpose()
    }

    /// An array of absolute paths.
    pub(crate) fn paths(&self, key: &str) -> Result<Option<Vec<PathBuf>>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Array(items)) => {
                items.iter().map(|item| self.as_path(key, item)).collect::<Result<_>>().map(Some)
            }
            Some(other) => self.wrong(key, "an array of absolute paths", other),
        }
    }

    fn as_path(&self, key: &str, value: &'d Value) -> Result<PathBuf> {
        let text = self.as_text(key, value)?;
        let path = Path::new(text);
        let is_plain = path.is_absolute() && path.components().all(|part| !matches!(part, Component::ParentDir));
        if !is_plain {
            return Err(invalid(
                &self.key_name(key),
                format_args!("holds '{}'; it must be an absolute path without '..'", excerpt(text)),
            ));
        }
        // Collected from its parts, so that `/a//b/./` and `/a/b` are one path.
        Ok(path.components().collect())
    }

    /// A nested object, of which only `known` keys are accepted.
    pub(crate) fn section(&self, key: &str, known: &[&str]) -> Result<Option<Section<'d>>> {
        self.get(key).map(|value| Section::open(&self.key_name(key), value, known)).transpose()
    }

    /// A nested object, whose keys are names that the host chose.
    pub(crate) fn map(&self, key: &str) -> Result<Option<Section<'d>>> {
        self.get(key).map(|value| Section::open_map(&self.key_name(key), value)).transpose()
    }
}

/// A number that is whole and not negative, however it is written: some JSON writers print 3e4 or 30000.0.
fn whole(value: &Value) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        (number.fract() == 0.0 && (0.0..=EXACT).contains(&number)).then_some(number as u64)
    })
}

/// A JSON value without an object that names a key twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Strict(Value::Array(array)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Strict, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(de::Error::custom(format_args!("the key '{}' appears twice", excerpt(&key))));
            }
            let Strict(value) = entries.next_value()?;
            object.insert(key, value);
        }
        Ok(Strict(Value::Object(object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_read_strictly() {
        let deep = "[".repeat(100_000);
        let wide = format!("{}{}", "[".repeat(127), "]".repeat(127));
        type Row<'r> = (&'r str, Result<(), (Status, &'r str)>);
        let rows: &[Row<'_>] = &[
            ("{}", Ok(())),
            (r#"{"a":[1,-2,2.5,true,null,"x"]}"#, Ok(())),
            (&wide, Ok(())),
            ("", Err((Status::InvalidJson, "EOF"))),
            ("{} {}", Err((Status::InvalidJson, "trailing"))),
            ("{'a':1}", Err((Status::InvalidJson, "key must be a string"))),
            ("NaN", Err((Status::InvalidJson, "doc"))),
            (&deep, Err((Status::InvalidJson, "recursion limit"))),
            (r#"{"a":{"b":1,"b":2}}"#, Err((Status::InvalidConfig, "'b' appears twice"))),
            (r#"{"a":1,"\u0061":2}"#, Err((Status::InvalidConfig, "'a' appears twice"))),
        ];
        for (text, expected) in rows {
            let found = parse(text, "doc", Status::InvalidConfig);
            match (found, expected) {
                (Ok(_), Ok(())) => {}
                (Err(error), Err((status, needle))) => {
                    assert_eq!(error.status, *status, "{error}");
                    assert!(error.message.contains(needle), "{error}");
                }
                (found, _) => panic!("{}: {found:?}", excerpt(text)),
            }
        }
    }

    #[test]
    fn the_strict_reader_agrees_with_the_plain_one() {
        let text = r#"{"z":1,"a":[0.1,1e300,-9223372036854775808,18446744073709551615,"é\u00e9",{"n":null}]}"#;
        let plain: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse(text, "doc", Status::InvalidConfig).unwrap(), plain);
    }

    #[test]
    fn whole_numbers_may_be_written_as_floats() {
        let rows =
            [("3e4", Some(30_000)), ("5.0", Some(5)), ("-1", None), ("0.5", None), ("1e40", None), ("true", None)];
        for (text, expected) in rows {
            assert_eq!(whole(&serde_json::from_str(text).unwrap()), expected, "{text}");
        }
    }
}
