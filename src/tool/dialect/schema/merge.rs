//! Two schemas that both hold, as one.

use serde_json::{Map, Value};

use super::node::is_annotation;
use crate::tool::dialect::put::Put;

type Schema = Map<String, Value>;

/// One schema for two that both hold; None where that needs more than a few sure rules. Annotations of `upper` win.
pub(super) fn merged(lower: &Schema, upper: &Schema) -> Option<Schema> {
    // `additionalProperties` looks only at the properties beside it.
    let closes = |one: &Schema, other: &Schema| {
        one.get("additionalProperties").is_some_and(|rest| *rest != Value::Bool(true))
            && names(other).any(|name| !names(one).any(|own| own == name))
    };
    if closes(lower, upper) || closes(upper, lower) {
        return None;
    }
    let mut both = lower.clone();
    for (key, value) in upper {
        let joined = match both.get(key) {
            None => value.clone(),
            Some(same) if same == value => continue,
            Some(_) if is_annotation(key) => value.clone(),
            Some(other) => joined(key, other, value)?,
        };
        both.put(key, joined);
    }
    Some(both)
}

fn names(schema: &Schema) -> impl Iterator<Item = &String> {
    schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys)
}

fn joined(key: &str, one: &Value, other: &Value) -> Option<Value> {
    match (key, one, other) {
        ("properties", Value::Object(one), Value::Object(other)) => {
            let mut all = one.clone();
            for (name, schema) in other {
                let schema = match all.get(name) {
                    None => schema.clone(),
                    Some(same) if same == schema => continue,
                    Some(lower) => Value::Object(merged(lower.as_object()?, schema.as_object()?)?),
                };
                all.insert(name.clone(), schema);
            }
            Some(Value::Object(all))
        }
        ("required", Value::Array(one), Value::Array(other)) => {
            let more = other.iter().filter(|name| !one.contains(name));
            Some(one.iter().chain(more).cloned().collect())
        }
        ("enum", Value::Array(one), Value::Array(other)) => {
            let common: Vec<Value> = one.iter().filter(|value| other.contains(value)).cloned().collect();
            (!common.is_empty()).then_some(Value::Array(common))
        }
        ("type", one, other) => {
            let (one, other) = (kinds(one), kinds(other));
            let has =
                |kinds: &[&str], kind: &str| kinds.contains(&kind) || kind == "integer" && kinds.contains(&"number");
            let mut common: Vec<&str> = one.iter().copied().filter(|kind| has(&other, kind)).collect();
            common.extend(other.iter().copied().filter(|kind| has(&one, kind) && !one.contains(kind)));
            match common.as_slice() {
                [] => None,
                [kind] => Some(Value::from(*kind)),
                kinds => Some(kinds.iter().copied().map(Value::from).collect()),
            }
        }
        ("minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties", one, other) => {
            Some(if one.as_f64()? >= other.as_f64()? { one.clone() } else { other.clone() })
        }
        ("maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties", one, other) => {
            Some(if one.as_f64()? <= other.as_f64()? { one.clone() } else { other.clone() })
        }
        _ => None,
    }
}

/// The names in a `type`.
pub(super) fn kinds(value: &Value) -> Vec<&str> {
    match value {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
