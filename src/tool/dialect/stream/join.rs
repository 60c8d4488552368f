//! Deltas joined to what they continue.

use serde_json::{Map, Value};

use crate::tool::dialect::put::Put;

/// Fields that a server repeats or sets, and never continues.
const WHOLE: [&str; 8] = ["id", "type", "role", "name", "object", "index", "format", "status"];

/// Joins a delta's field: text continues text, lists and objects grow, anything else replaces; null says nothing.
pub(super) fn join(map: &mut Map<String, Value>, key: &str, delta: &Value) {
    match (map.get_mut(key), delta) {
        (None, _) => {
            map.put(key, delta.clone());
        }
        (Some(_), Value::Null) => {}
        (Some(Value::String(text)), Value::String(more)) if !WHOLE.contains(&key) => text.push_str(more),
        (Some(Value::Array(items)), Value::Array(more)) => items.extend(more.iter().cloned()),
        (Some(Value::Object(inner)), Value::Object(more)) => {
            more.iter().for_each(|(key, value)| join(inner, key, value));
        }
        (Some(old), new) => *old = new.clone(),
    }
}

/// Sets the fields that are not null.
pub(super) fn set(map: &mut Map<String, Value>, fields: &Map<String, Value>) {
    fields.iter().for_each(|(key, value)| set_one(map, key, value));
}

/// Sets a field; null says nothing where there is one.
pub(super) fn set_one(map: &mut Map<String, Value>, key: &str, value: &Value) {
    if !value.is_null() || !map.contains_key(key) {
        map.put(key, value.clone());
    }
}

/// A text that is there and not empty.
pub(super) fn text<'v>(map: &'v Map<String, Value>, key: &str) -> Option<&'v str> {
    map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}
