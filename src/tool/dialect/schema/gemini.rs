//! Gemini's subset of OpenAPI 3.0: no references, one type, `nullable`, enums of strings, `anyOf` alone in its schema.
//!
//! The API refuses a whole request for one key that it does not know, so only known ones are written.

use serde_json::{Map, Value};

use super::node::{Kind, Node, Property, Rest, kind_of};
use super::openai::{head, keep};
use super::words;
use crate::tool::dialect::put::{Put, object};

/// The schema; always possible, with words for the rest.
pub(super) fn write(root: &Node) -> Value {
    node(root)
}

fn node(node: &Node) -> Value {
    let mut notes = Vec::new();
    let mut map = Map::new();
    match &node.kind {
        Kind::Any => {
            map.put("anyOf", Value::Array(anything()));
        }
        // There is no null type; the only value left is to leave it out.
        Kind::Null => {
            typed(&mut map, "string", true);
            notes.push("Always null.".to_owned());
        }
        Kind::Boolean => typed(&mut map, "boolean", node.is_nullable),
        Kind::Literal(values) => literal(&mut map, values, node.is_nullable, &mut notes),
        Kind::Text(keywords) => {
            typed(&mut map, "string", node.is_nullable);
            keep(&mut map, keywords, &mut notes, |key, value| match key {
                "minLength" | "maxLength" | "pattern" => true,
                "format" => value == "date-time",
                _ => false,
            });
        }
        Kind::Number { is_whole, keywords } => {
            typed(&mut map, if *is_whole { "integer" } else { "number" }, node.is_nullable);
            number(&mut map, *is_whole, keywords, &mut notes);
        }
        Kind::List { items, keywords } => {
            typed(&mut map, "array", node.is_nullable);
            let items = items.as_deref().map_or_else(|| object([("anyOf", Value::Array(anything()))]), self::node);
            map.put("items", items);
            keep(&mut map, keywords, &mut notes, |key, _| matches!(key, "minItems" | "maxItems"));
        }
        Kind::Object { properties, rest, keywords } => {
            typed(&mut map, "object", node.is_nullable);
            members(&mut map, properties);
            if let Rest::Values(values) = rest {
                let is_any = matches!(values, Value::Bool(true)) || values.as_object().is_some_and(Map::is_empty);
                notes.push(match is_any {
                    true => "Further keys may be given.".to_owned(),
                    false => words::of("additionalProperties", values),
                });
            }
            keep(&mut map, keywords, &mut notes, |key, _| {
                matches!(key, "minProperties" | "maxProperties") && !properties.is_empty()
            });
        }
        Kind::Union(nodes) => {
            map.put("anyOf", nodes.iter().map(self::node).collect::<Value>());
        }
    }
    if let Some(Value::Array(branches)) = map.get_mut("anyOf") {
        // Nothing may stand beside `anyOf`, so what is said about all branches is said in the first.
        let said = node.described(&notes).or_else(|| node.title.clone());
        if let (Some(said), Some(Value::Object(first))) = (said, branches.first_mut()) {
            let own = first.get("description").and_then(Value::as_str).map(str::to_owned);
            let both = words::described(Some(&said), own.as_slice());
            first.put("description", both);
        }
        if node.is_nullable {
            for branch in branches.iter_mut().filter_map(Value::as_object_mut) {
                branch.put("nullable", true);
            }
        }
    } else {
        head(&mut map, node, &notes);
    }
    Value::Object(map)
}

fn typed(map: &mut Map<String, Value>, kind: &str, is_nullable: bool) {
    map.put("type", kind);
    if is_nullable {
        map.put("nullable", true);
    }
}

/// Every kind of value; an object without properties may stand anywhere but at the root.
fn anything() -> Vec<Value> {
    let of = |kind: &str| object([("type", Value::from(kind))]);
    let list = object([("type", Value::from("array")), ("items", of("string"))]);
    vec![of("string"), of("number"), of("boolean"), list, of("object")]
}

/// Only strings can be listed, and not the empty one.
fn literal(map: &mut Map<String, Value>, values: &[Value], is_nullable: bool, notes: &mut Vec<String>) {
    let listed: Vec<&Value> =
        values.iter().filter(|value| value.as_str().is_some_and(|text| !text.is_empty())).collect();
    let kinds: Vec<&str> = values.iter().map(kind_of).collect();
    let kind = match kinds.as_slice() {
        [first, rest @ ..] if rest.iter().all(|kind| kind == first) => *first,
        kinds if kinds.iter().all(|kind| matches!(*kind, "integer" | "number")) => "number",
        _ => "",
    };
    match kind {
        "string" => {
            typed(map, "string", is_nullable);
            if listed.len() == values.len() {
                map.put("enum", listed.into_iter().cloned().collect::<Vec<Value>>());
            } else {
                notes.push(words::of("enum", &Value::from(values)));
            }
        }
        "boolean" | "integer" | "number" => {
            typed(map, kind, is_nullable);
            notes.push(words::of("enum", &Value::from(values)));
        }
        _ => {
            map.put("anyOf", Value::Array(anything()));
            notes.push(words::of("enum", &Value::from(values)));
        }
    }
}

/// Bounds that exclude their number are said by the next whole one, or by the number and words.
fn number(map: &mut Map<String, Value>, is_whole: bool, keywords: &Map<String, Value>, notes: &mut Vec<String>) {
    keep(map, keywords, notes, |key, _| matches!(key, "minimum" | "maximum"));
    for (key, bound, step) in [("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)] {
        let Some(value) = keywords.get(key) else { continue };
        let next = value.as_i64().filter(|_| is_whole).and_then(|number| number.checked_add(step));
        if !map.contains_key(bound) {
            map.insert(bound.to_owned(), next.map_or_else(|| value.clone(), Value::from));
        }
        if next.is_some() {
            notes.retain(|note| *note != words::of(key, value) || map.get(bound) != next.map(Value::from).as_ref());
        }
    }
}

/// `properties` may not be empty, and `required` names nothing that is not in it.
fn members(map: &mut Map<String, Value>, properties: &[Property]) {
    if properties.is_empty() {
        return;
    }
    let written: Map<String, Value> =
        properties.iter().map(|property| (property.name.clone(), node(&property.node))).collect();
    map.put("properties", Value::Object(written));
    let required: Vec<&str> =
        properties.iter().filter(|property| property.is_required).map(|property| property.name.as_str()).collect();
    if !required.is_empty() {
        map.put("required", required);
    }
}
