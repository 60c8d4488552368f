//! What every vendor refuses, mended: names, and what may not stand at the root of a schema.
//!
//! The APIs want the root to be a plain object (`type`, `properties`) and every list to say its items. Composition at
//! the root is flattened; what it said stands in the tool's description.

use serde_json::{Map, Value};

use super::merge::merged;
use super::{names, words};
use crate::tool::dialect::put::{Put, object};

/// Keywords that vendors refuse at the root.
const REFUSED: [&str; 10] = ["$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "enum", "const"];
/// The deepest nesting that is mended; schemas are bounded below it.
const DEPTH: usize = 64;

/// The schema with everything mended, and sentences for the tool's description.
pub(super) fn mended(schema: &Value) -> (Value, Vec<String>) {
    let mut schema = schema.clone();
    names::replace(&mut schema);
    let mut notes = Vec::new();
    if schema.as_object().is_some_and(|root| REFUSED.iter().any(|key| root.contains_key(*key))) {
        let document = schema.clone();
        if let Value::Object(root) = &mut schema {
            flatten(root, &document, &mut notes, 0);
        }
    }
    complete(&mut schema, 0);
    if let Value::Object(root) = &mut schema {
        root.entry("type").or_insert_with(|| Value::from("object"));
        root.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    }
    notes.retain(|note| !note.is_empty());
    (schema, notes)
}

fn flatten(root: &mut Map<String, Value>, document: &Value, notes: &mut Vec<String>, depth: usize) {
    for key in REFUSED {
        let Some(value) = root.shift_remove(key) else { continue };
        match (key, &value) {
            ("$ref", _) => absorb(root, &value_of(document, &object([("$ref", value.clone())])), notes),
            ("allOf", Value::Array(branches)) => {
                branches.iter().for_each(|branch| absorb(root, &value_of(document, branch), notes));
            }
            ("anyOf" | "oneOf", Value::Array(branches)) => {
                branches.iter().for_each(|branch| adopt(root, &value_of(document, branch)));
                notes.push(words::of_required(key, &value).unwrap_or_else(|| words::of(key, &value)));
            }
            ("then" | "else", branch) => {
                adopt(root, &value_of(document, branch));
                notes.push(words::of(key, &value));
            }
            _ => notes.push(words::of(key, &value)),
        }
    }
    // What was taken in may itself be composed.
    if REFUSED.iter().any(|key| root.contains_key(*key)) && depth < DEPTH {
        flatten(root, document, notes, depth + 1);
    }
}

/// What a schema refers to, or the schema itself.
fn value_of(document: &Value, schema: &Value) -> Value {
    let target = schema.get("$ref").and_then(Value::as_str);
    let found = target.and_then(|target| document.pointer(target.trim_start_matches('#')));
    match (found, schema) {
        (Some(Value::Object(target)), Value::Object(map)) => {
            let mut own = map.clone();
            own.shift_remove("$ref");
            merged(target, &own).map_or_else(|| Value::Object(target.clone()), Value::Object)
        }
        _ => schema.clone(),
    }
}

/// Takes in a schema that also holds; where the two cannot be one, its constraints stand in words.
fn absorb(root: &mut Map<String, Value>, schema: &Value, notes: &mut Vec<String>) {
    let Value::Object(map) = schema else { return };
    match merged(map, root) {
        Some(both) => *root = both,
        None => {
            adopt(root, schema);
            notes.push(words::of_all(map));
        }
    }
}

/// Takes in the properties of a schema that may hold, so that the model sees them.
fn adopt(root: &mut Map<String, Value>, schema: &Value) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    if let Value::Object(own) = root.entry("properties").or_insert_with(|| Value::Object(Map::new())) {
        for (name, schema) in properties {
            own.entry(name.as_str()).or_insert_with(|| schema.clone());
        }
    }
}

/// Gives lists their `items`.
fn complete(schema: &mut Value, depth: usize) {
    match schema {
        _ if depth > DEPTH => {}
        Value::Object(map) => {
            let is_list = match map.get("type") {
                Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "array"),
                Some(kind) => kind == "array",
                None => false,
            };
            if is_list && !map.contains_key("items") {
                map.put("items", Map::new());
            }
            for (key, value) in map.iter_mut() {
                match value {
                    Value::Object(named) if names::MAPS.contains(&key.as_str()) => {
                        named.values_mut().for_each(|schema| complete(schema, depth + 1));
                    }
                    _ if names::DATA.contains(&key.as_str()) => {}
                    value => complete(value, depth + 1),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| complete(item, depth + 1)),
        _ => {}
    }
}
