//! Names of arguments on the wire: `^[A-Za-z_][A-Za-z0-9_]{0,63}$`, and the way back.
//!
//! Authors may name a property as they like; vendors refuse whole requests for one name. A name that does not fit is
//! replaced in what vendors see, and put back when a call comes. Both are derived from the schema alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::tool::dialect::HAS_VENDORS;

/// The longest name, in bytes.
const NAME_BYTES: usize = 64;
/// The deepest nesting that is followed; schemas are bounded below it.
const DEPTH: usize = 64;

/// Keywords whose value maps the author's names to schemas.
pub(super) const MAPS: [&str; 5] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
/// Keywords whose value is data.
pub(super) const DATA: [&str; 4] = ["enum", "const", "default", "examples"];
/// Keywords whose schemas are about the same value as the schema that they stand in.
const SAME: [&str; 7] = ["allOf", "anyOf", "oneOf", "not", "if", "then", "else"];

type Names = BTreeMap<String, String>;

fn fits(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= NAME_BYTES
}

/// The replaced names of one map of properties; those that fit are not in it.
fn replaced<'n>(names: impl Iterator<Item = &'n String> + Clone) -> Names {
    let mut taken: BTreeSet<String> = names.clone().filter(|name| fits(name)).cloned().collect();
    let mut replaced = Names::new();
    for name in names.filter(|name| !fits(name)) {
        let mut word: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(NAME_BYTES).collect();
        if !word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            word.insert(0, '_');
        }
        if !name.is_ascii() || word.len() > NAME_BYTES || name.len() > NAME_BYTES || taken.contains(&word) {
            let hash: String =
                Sha256::digest(name.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            word.truncate(NAME_BYTES - hash.len() - 1);
            word = format!("{word}_{hash}");
        }
        taken.insert(word.clone());
        replaced.insert(name.clone(), word);
    }
    replaced
}

/// Replaces the names that do not fit, everywhere in a schema document.
pub(super) fn replace(schema: &mut Value) {
    if has_odd(schema, 0) {
        rename(schema, &Names::new(), 0);
    }
}

fn has_odd(schema: &Value, depth: usize) -> bool {
    match schema {
        _ if depth > DEPTH => false,
        Value::Object(map) => map.iter().any(|(key, value)| match value {
            Value::Object(inner) if MAPS.contains(&key.as_str()) => {
                key == "properties" && !inner.keys().all(|name| fits(name))
                    || inner.values().any(|schema| has_odd(schema, depth + 1))
            }
            _ => !DATA.contains(&key.as_str()) && has_odd(value, depth + 1),
        }),
        Value::Array(items) => items.iter().any(|item| has_odd(item, depth + 1)),
        _ => false,
    }
}

fn rename(schema: &mut Value, outer: &Names, depth: usize) {
    let Value::Object(map) = schema else { return };
    if depth > DEPTH {
        return;
    }
    let mut names = outer.clone();
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        names.extend(replaced(properties.keys()));
        rekey(properties, &names);
    }
    for (key, value) in map.iter_mut() {
        match (key.as_str(), value) {
            ("required", Value::Array(required)) => required.iter_mut().for_each(|name| swap(name, &names)),
            ("dependentRequired", Value::Object(sets)) => {
                rekey(sets, &names);
                let lists = sets.values_mut().filter_map(Value::as_array_mut).flatten();
                lists.for_each(|name| swap(name, &names));
            }
            ("dependentSchemas", Value::Object(schemas)) => {
                rekey(schemas, &names);
                schemas.values_mut().for_each(|schema| rename(schema, &names, depth + 1));
            }
            (key, Value::Object(schemas)) if MAPS.contains(&key) => {
                schemas.values_mut().for_each(|schema| rename(schema, &Names::new(), depth + 1));
            }
            (key, value) if !DATA.contains(&key) => {
                let names = if SAME.contains(&key) { names.clone() } else { Names::new() };
                match value {
                    Value::Array(items) => items.iter_mut().for_each(|item| rename(item, &names, depth + 1)),
                    value => rename(value, &names, depth + 1),
                }
            }
            _ => {}
        }
    }
}

fn swap(name: &mut Value, names: &Names) {
    if let Some(new) = name.as_str().and_then(|name| names.get(name)) {
        *name = Value::from(new.as_str());
    }
}

fn rekey(map: &mut Map<String, Value>, names: &Names) {
    let old = std::mem::take(map);
    map.extend(old.into_iter().map(|(name, value)| (names.get(&name).cloned().unwrap_or(name), value)));
}

/// A call's arguments as the schema's author names and types them: names put back, nested nulls that only mean "not given"
/// left out, whole numbers that came as `5.0` made whole. Everything else is as it came, for validation to judge.
pub(in crate::tool) fn restored(schema: &Value, arguments: Map<String, Value>) -> Map<String, Value> {
    if !HAS_VENDORS {
        return arguments;
    }
    match restore(schema, &[schema], Value::Object(arguments), 0) {
        Value::Object(map) => map,
        // An object stays one.
        _ => Map::new(),
    }
}

/// `schemas` all say something about the value.
fn restore(root: &Value, schemas: &[&Value], value: Value, depth: usize) -> Value {
    if depth > DEPTH {
        return value;
    }
    let schemas = all_of(root, schemas);
    match value {
        Value::Object(map) => Value::Object(restore_object(root, &schemas, map, depth)),
        Value::Array(items) => {
            let inner: Vec<&Value> = schemas.iter().filter_map(|schema| schema.get("items")).collect();
            if inner.is_empty() {
                return Value::Array(items);
            }
            items.into_iter().map(|item| restore(root, &inner, item, depth + 1)).collect()
        }
        Value::Number(number) => {
            let is_whole = |schema: &&Value| schema.get("type").is_some_and(|kind| kind == "integer");
            let float = number.as_f64().filter(|_| number.is_f64() && schemas.iter().any(is_whole));
            match float {
                Some(float) if float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0 => {
                    Value::from(float as i64)
                }
                _ => Value::Number(number),
            }
        }
        other => other,
    }
}

fn restore_object(root: &Value, schemas: &[&Value], map: Map<String, Value>, depth: usize) -> Map<String, Value> {
    let properties: Vec<&Map<String, Value>> =
        schemas.iter().filter_map(|schema| schema.get("properties")?.as_object()).collect();
    let mut back = Names::new();
    for names in &properties {
        back.extend(replaced(names.keys()).into_iter().map(|(name, word)| (word, name)));
    }
    let is_required = |name: &str| {
        let mut lists = schemas.iter().filter_map(|schema| schema.get("required")?.as_array()).flatten();
        lists.any(|required| required == name)
    };
    let mut restored = Map::new();
    for (word, value) in map {
        let is_known = properties.iter().any(|names| names.contains_key(&word));
        let name = if is_known { word } else { back.get(&word).cloned().unwrap_or(word) };
        let own: Vec<&Value> = properties.iter().filter_map(|names| names.get(&name)).collect();
        if value.is_null() && depth > 0 && !own.is_empty() && !is_required(&name) && !takes_null(root, &own) {
            continue;
        }
        let inner = if own.is_empty() {
            schemas.iter().filter_map(|schema| schema.get("additionalProperties")).collect()
        } else {
            own
        };
        // Without anything said about the value there is nothing to restore in it.
        let value = if inner.is_empty() { value } else { restore(root, &inner, value, depth + 1) };
        restored.insert(name, value);
    }
    restored
}

/// The schemas with what they refer to and are composed of.
fn all_of<'s>(root: &'s Value, schemas: &[&'s Value]) -> Vec<&'s Value> {
    /// As many as any sensible schema has; more are not looked at.
    const MOST: usize = 256;
    let mut all: Vec<&Value> = Vec::new();
    let mut open: Vec<&Value> = schemas.iter().rev().copied().collect();
    while let Some(schema) = open.pop() {
        if all.len() >= MOST || all.iter().any(|seen| std::ptr::eq(*seen, schema)) {
            continue;
        }
        all.push(schema);
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            open.extend(root.pointer(target.trim_start_matches('#')));
        }
        for key in ["else", "then", "oneOf", "anyOf", "allOf"] {
            match schema.get(key) {
                Some(Value::Array(branches)) => open.extend(branches.iter().rev()),
                Some(branch) => open.push(branch),
                None => {}
            }
        }
    }
    all
}

/// Whether a schema names null, or says nothing about types at all.
fn takes_null(root: &Value, schemas: &[&Value]) -> bool {
    let all = all_of(root, schemas);
    let names_null = |schema: &&Value| {
        let kinds = schema.get("type").map(super::merge::kinds).unwrap_or_default();
        let values = schema.get("enum").and_then(Value::as_array);
        kinds.contains(&"null")
            || values.is_some_and(|values| values.contains(&Value::Null))
            || schema.get("const").is_some_and(Value::is_null)
    };
    let is_silent = !all.iter().any(|schema| ["type", "enum", "const"].iter().any(|key| schema.get(*key).is_some()));
    is_silent || all.iter().any(names_null)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_fit_and_come_back() {
        let long = "x".repeat(80);
        let mut schema = json!({
            "type": "object",
            "properties": {
                "plain": {"type": "string"},
                "max-results": {"type": "integer"},
                "max_results": {"type": "integer"},
                "日期": {"type": "string"},
                "3d": {"type": "array", "items": {"type": "object", "properties": {"a.b": {"type": "string"}}, "required": ["a.b"]}},
                long.as_str(): {"type": "boolean"},
                "": {"enum": ["日期"]},
                "$ref": {"type": "object", "additionalProperties": {"type": "object", "properties": {"x y": {}}}}
            },
            "required": ["max-results", "日期"],
            "anyOf": [{"required": ["3d"]}, {"required": ["plain"]}]
        });
        let author = schema.clone();
        replace(&mut schema);
        let names: Vec<&String> = schema["properties"].as_object().expect("properties").keys().collect();
        assert!(names.iter().all(|name| fits(name)), "{names:?}");
        assert_eq!((names[0].as_str(), names[2].as_str()), ("plain", "max_results"));
        assert!(names[1].starts_with("max_results_"), "{names:?}");
        assert_eq!(schema["required"], json!([names[1], names[3]]));
        assert_eq!(schema["anyOf"][0]["required"], json!([names[4]]));
        assert_eq!(schema["properties"]["_3d"]["items"]["required"], json!(["a_b"]));
        assert_eq!(schema["properties"][names[6]]["enum"], json!(["日期"]));

        let call = json!({
            names[1]: 5.0, names[3]: "today", "_3d": [{"a_b": "c"}, {"a.b": "d"}], names[5]: true,
            names[7]: {"k": {"x_y": 1}}, "unknown key": 1,
        });
        let back = restored(&author, call.as_object().expect("an object").clone());
        let want = json!({
            "max-results": 5, "日期": "today", "3d": [{"a.b": "c"}, {"a.b": "d"}], long.as_str(): true,
            "$ref": {"k": {"x y": 1}}, "unknown key": 1,
        });
        assert_eq!(Value::Object(back), want);
    }

    #[test]
    fn nested_nulls_mean_not_given_where_null_is_no_value() {
        let schema = json!({
            "$defs": {"maybe": {"type": ["string", "null"]}},
            "properties": {"o": {
                "type": "object",
                "properties": {
                    "text": {"type": "string"}, "must": {"type": "string"}, "any": {}, "maybe": {"$ref": "#/$defs/maybe"},
                    "list": {"anyOf": [{"type": "array", "items": {"properties": {"n": {"type": "number"}}}}, {"type": "string"}]}
                },
                "required": ["must"]
            }}
        });
        let call =
            json!({"o": {"text": null, "must": null, "any": null, "maybe": null, "list": [{"n": null}], "else": null}});
        let want = json!({"o": {"must": null, "any": null, "maybe": null, "list": [{}], "else": null}});
        let back = restored(&schema, call.as_object().expect("an object").clone());
        assert_eq!(Value::Object(back), want);
    }
}
