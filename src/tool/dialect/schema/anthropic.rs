//! Anthropic's strict subset: closed objects and literals; bounds of numbers, lengths and patterns only in words. What is
//! optional stays optional, within bounds that hold for a whole request.

use serde_json::{Map, Value};

use super::node::{Kind, Node, Rest, kind_of};
use super::openai::{head, keep};
use crate::tool::dialect::put::{Put, object};

/// Formats of strings that the mode knows.
const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// What a request's bounds count.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) optional: usize,
    pub(super) unions: usize,
}

/// The schema and its counts, or the JSON pointer and the reason why it cannot be said.
pub(super) fn write(root: &Node) -> Result<(Value, Counts), String> {
    match &root.kind {
        Kind::Object { .. } if !root.is_nullable => {}
        _ => return Err("/: the root is not one object".to_owned()),
    }
    let mut counts = Counts::default();
    let schema = self::node(root, "", &mut counts)?;
    Ok((schema, counts))
}

fn node(node: &Node, at: &str, counts: &mut Counts) -> Result<Value, String> {
    let refuse = |why: &str| Err(format!("{}: {why}", if at.is_empty() { "/" } else { at }));
    let mut notes = Vec::new();
    let mut map = Map::new();
    let mut is_nullable = node.is_nullable;
    match &node.kind {
        Kind::Any => return refuse("it takes any value, which the mode cannot say"),
        Kind::Null => {
            map.put("type", "null");
        }
        Kind::Boolean => {
            map.put("type", "boolean");
        }
        Kind::Literal(values) => {
            if values.iter().any(|value| value.is_array() || value.is_object()) {
                return refuse("an enum value is a list or an object");
            }
            let first = values.first().map(kind_of);
            if let (Some(kind), false) = (first, is_nullable)
                && values.iter().all(|value| kind_of(value) == kind)
            {
                map.put("type", kind);
            }
            let null = is_nullable.then_some(Value::Null);
            map.put("enum", values.iter().cloned().chain(null).collect::<Value>());
            is_nullable = false;
        }
        Kind::Text(keywords) => {
            map.put("type", "string");
            keep(&mut map, keywords, &mut notes, |key, value| {
                key == "format" && value.as_str().is_some_and(|format| FORMATS.contains(&format))
            });
        }
        Kind::Number { is_whole, keywords } => {
            map.put("type", if *is_whole { "integer" } else { "number" });
            keep(&mut map, keywords, &mut notes, |_, _| false);
        }
        Kind::List { items, keywords } => {
            let Some(items) = items else { return refuse("its items are not said in one schema") };
            map.put("type", "array");
            map.put("items", self::node(items, &format!("{at}/items"), counts)?);
            keep(&mut map, keywords, &mut notes, |key, value| {
                key == "minItems" && matches!(value.as_u64(), Some(0 | 1))
            });
        }
        Kind::Object { properties, rest, keywords } => {
            match rest {
                Rest::Values(_) => return refuse("it takes keys that are not named"),
                Rest::Unsaid if properties.is_empty() => return refuse("its keys are not said"),
                Rest::Unsaid | Rest::Nothing => {}
            }
            map.put("type", "object");
            let mut written = Map::new();
            for property in properties {
                counts.optional += usize::from(!property.is_required);
                let at = format!("{at}/{}", property.name);
                written.insert(property.name.clone(), self::node(&property.node, &at, counts)?);
            }
            let required = properties.iter().filter(|property| property.is_required);
            map.put("required", required.map(|property| property.name.as_str()).collect::<Value>());
            map.put("properties", Value::Object(written));
            map.put("additionalProperties", false);
            keep(&mut map, keywords, &mut notes, |_, _| false);
        }
        Kind::Union(nodes) => {
            counts.unions += 1;
            let mut branches = Vec::new();
            for (index, node) in nodes.iter().enumerate() {
                branches.push(self::node(node, &format!("{at}/anyOf/{index}"), counts)?);
            }
            branches.extend(is_nullable.then(|| object([("type", Value::from("null"))])));
            map.put("anyOf", Value::Array(branches));
            is_nullable = false;
        }
    }
    if is_nullable && !matches!(node.kind, Kind::Null) {
        counts.unions += 1;
        let (written, null) = (std::mem::take(&mut map), object([("type", Value::from("null"))]));
        map.put("anyOf", vec![Value::Object(written), null]);
    }
    head(&mut map, node, &notes);
    Ok(Value::Object(map))
}
