//! YAML to bounded JSON values: the one place where the YAML parser is called.
//!
//! The parser is asked for one mapping; every node that it hands over, aliases expanded, is counted against a budget, so
//! an alias bomb ends at the budget instead of in memory. Callers have already bounded the bytes and the nesting of
//! flow collections ([`super::front_matter`]), which the parser itself handles in quadratic time.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::diagnostic::excerpt;

/// Values, keys and collections in one front matter; the largest real one has under 400.
const MAX_NODES: usize = 20_000;
/// Text in one front matter after aliases are expanded.
const MAX_TEXT_BYTES: usize = 1 << 20;
/// Duplicate keys worth naming.
const MAX_DUPLICATES: usize = 20;

/// A mapping, its keys as text, last one of a duplicate kept, as PyYAML does.
#[derive(Debug, Default)]
pub(crate) struct Mapping {
    pub entries: Map<String, Value>,
    pub duplicates: Vec<String>,
}

/// Why a text is no mapping. `line` counts from 1 within the text.
#[derive(Debug)]
pub(crate) struct Failure {
    pub code: &'static str,
    pub line: Option<usize>,
    pub message: String,
}

/// Reads one YAML document that is a mapping; an empty document is an empty mapping.
pub(crate) fn parse_mapping(text: &str) -> Result<Mapping, Failure> {
    let budget = Budget::default();
    let value = Node { budget: &budget }.deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| {
        let line = error.location().map(|location| location.line());
        if budget.is_spent() {
            let message = format!(
                "the YAML expands to more than {MAX_NODES} values or {MAX_TEXT_BYTES} bytes of text; remove the aliases"
            );
            Failure { code: "yaml-too-many-nodes", line, message }
        } else if error.to_string().starts_with("recursion limit") || error.to_string().contains(": recursion limit") {
            let message = "values are nested more than 128 deep, or a value contains itself; flatten it".to_string();
            Failure { code: "front-matter-too-deep", line, message }
        } else {
            Failure { code: "yaml-invalid", line, message: format!("the YAML cannot be read: {error}") }
        }
    })?;
    match value {
        Value::Object(entries) => Ok(Mapping { entries, duplicates: budget.duplicates.into_inner() }),
        Value::Null => Ok(Mapping::default()),
        other => {
            let kind = kind_of(&other);
            let message = format!("the YAML is {kind}, not `field: value` lines");
            Err(Failure { code: "front-matter-not-a-mapping", line: Some(1), message })
        }
    }
}

/// The word for a value's type in messages.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

#[derive(Default)]
struct Budget {
    nodes: Cell<usize>,
    text_bytes: Cell<usize>,
    duplicates: RefCell<Vec<String>>,
}

impl Budget {
    fn is_spent(&self) -> bool {
        self.nodes.get() > MAX_NODES || self.text_bytes.get() > MAX_TEXT_BYTES
    }

    fn charge<E: de::Error>(&self, text_bytes: usize) -> Result<(), E> {
        self.nodes.set(self.nodes.get().saturating_add(1));
        self.text_bytes.set(self.text_bytes.get().saturating_add(text_bytes));
        if self.is_spent() { Err(E::custom("too many values")) } else { Ok(()) }
    }

    fn note_duplicate(&self, key: &str) {
        let mut duplicates = self.duplicates.borrow_mut();
        if duplicates.len() < MAX_DUPLICATES && !duplicates.iter().any(|seen| seen == key) {
            duplicates.push(excerpt(key));
        }
    }
}

#[derive(Clone, Copy)]
struct Node<'b> {
    budget: &'b Budget,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        self.budget.charge(0)?;
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_some<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        self.budget.charge(0)?;
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        self.budget.charge(0)?;
        Ok(Value::from(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        self.budget.charge(0)?;
        Ok(Value::from(value))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Value, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Value, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        self.budget.charge(0)?;
        // JSON has no infinities and no NaN: they stay the words that YAML writes.
        Ok(match Number::from_f64(value) {
            Some(number) => Value::Number(number),
            None if value.is_nan() => Value::from(".nan"),
            None if value > 0.0 => Value::from(".inf"),
            None => Value::from("-.inf"),
        })
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        self.budget.charge(value.len())?;
        Ok(Value::from(value))
    }

    fn visit_bytes<E: de::Error>(self, value: &[u8]) -> Result<Value, E> {
        self.visit_str(&String::from_utf8_lossy(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.budget.charge(0)?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.budget.charge(0)?;
        let mut entries = Map::new();
        let mut merged = Vec::new();
        while let Some(key) = access.next_key_seed(self)? {
            let key = key_text(key);
            let value = access.next_value_seed(self)?;
            match value {
                Value::Object(_) | Value::Array(_) if key == "<<" => merged.push(value),
                value => {
                    if entries.contains_key(&key) {
                        self.budget.note_duplicate(&key);
                    }
                    entries.insert(key, value);
                }
            }
        }
        for source in merged {
            merge(&mut entries, source);
        }
        Ok(Value::Object(entries))
    }

    /// A tagged value, `!tag value`: the tag means nothing to a skill, the value does.
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let (Tag, variant) = access.variant::<Tag>()?;
        variant.newtype_variant_seed(self)
    }
}

/// YAML's `<<: *defaults`: entries that are not there yet.
fn merge(entries: &mut Map<String, Value>, source: Value) {
    match source {
        Value::Object(source) => {
            for (key, value) in source {
                entries.entry(key).or_insert(value);
            }
        }
        Value::Array(sources) => {
            for source in sources {
                if source.is_object() {
                    merge(entries, source);
                }
            }
        }
        _ => {}
    }
}

fn key_text(key: Value) -> String {
    match key {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

struct Tag;

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        de::IgnoredAny::deserialize(deserializer).map(|_| Tag)
    }
}
