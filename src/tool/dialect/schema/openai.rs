//! OpenAI's strict subset: closed objects, every property required, null for what is optional.

use serde_json::{Map, Value};

use super::node::{Kind, Node, Property, Rest, kind_of};
use super::words;
use crate::tool::dialect::put::{Put, object};

/// Formats of strings that the mode knows.
const FORMATS: [&str; 9] = ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];
/// Bounds of one schema, by the vendor's guide.
const PROPERTIES: usize = 5000;
const LEVELS: usize = 10;
const ENUM_VALUES: usize = 1000;
const NAME_CHARS: usize = 120_000;
const LONG_ENUM_VALUES: usize = 250;
const LONG_ENUM_CHARS: usize = 15_000;

/// The schema, or the JSON pointer and the reason why it cannot be said.
pub(super) fn write(root: &Node) -> Result<Value, String> {
    match &root.kind {
        Kind::Object { .. } if !root.is_nullable => {}
        _ => return Err("/: the root is not one object".to_owned()),
    }
    let mut writer = Writer::default();
    let schema = writer.node(root, "", false, 1)?;
    let bounds = [
        (writer.properties, PROPERTIES, "properties"),
        (writer.values, ENUM_VALUES, "enum values"),
        (writer.chars, NAME_CHARS, "characters in names and enum values"),
    ];
    match bounds.iter().find(|(count, most, _)| count > most) {
        Some((count, most, what)) => Err(format!("/: it has {count} {what}; the mode takes {most}")),
        None => Ok(schema),
    }
}

#[derive(Default)]
struct Writer {
    properties: usize,
    values: usize,
    chars: usize,
}

/// Whether a pattern can be trusted to be one that the mode compiles: no flags, no lookaround, no back references.
fn is_plain_pattern(pattern: &Value) -> bool {
    pattern.as_str().is_some_and(|pattern| {
        let has_reference = pattern.as_bytes().windows(2).any(|two| matches!(two, [b'\\', b'1'..=b'9' | b'k']));
        !pattern.contains("(?") && !has_reference
    })
}

impl Writer {
    fn node(&mut self, node: &Node, at: &str, is_optional: bool, level: usize) -> Result<Value, String> {
        let refuse = |why: &str| Err(format!("{}: {why}", if at.is_empty() { "/" } else { at }));
        if level > LEVELS {
            return refuse("nested deeper than the mode's 10 levels");
        }
        let is_nullable = node.is_nullable || is_optional;
        let mut notes = Vec::new();
        let mut map = Map::new();
        match &node.kind {
            Kind::Any => return refuse("it takes any value, which the mode cannot say"),
            Kind::Null => {
                map.put("type", "null");
            }
            Kind::Boolean => typed(&mut map, "boolean", is_nullable),
            Kind::Literal(values) => self.literal(&mut map, values, is_nullable, at)?,
            Kind::Text(keywords) => {
                typed(&mut map, "string", is_nullable);
                keep(&mut map, keywords, &mut notes, |key, value| match key {
                    "pattern" => is_plain_pattern(value),
                    "format" => value.as_str().is_some_and(|format| FORMATS.contains(&format)),
                    _ => false,
                });
            }
            Kind::Number { is_whole, keywords } => {
                typed(&mut map, if *is_whole { "integer" } else { "number" }, is_nullable);
                keep(&mut map, keywords, &mut notes, |_, _| true);
            }
            Kind::List { items, keywords } => {
                let Some(items) = items else { return refuse("its items are not said in one schema") };
                typed(&mut map, "array", is_nullable);
                map.put("items", self.node(items, &format!("{at}/items"), false, level)?);
                keep(&mut map, keywords, &mut notes, |key, _| matches!(key, "minItems" | "maxItems"));
            }
            Kind::Object { properties, rest, keywords } => {
                match rest {
                    Rest::Values(_) => return refuse("it takes keys that are not named"),
                    Rest::Unsaid if properties.is_empty() => return refuse("its keys are not said"),
                    Rest::Unsaid | Rest::Nothing => {}
                }
                typed(&mut map, "object", is_nullable);
                self.object(&mut map, properties, at, level)?;
                keep(&mut map, keywords, &mut notes, |_, _| false);
            }
            Kind::Union(nodes) => {
                let mut branches = Vec::new();
                for (index, node) in nodes.iter().enumerate() {
                    branches.push(self.node(node, &format!("{at}/anyOf/{index}"), false, level)?);
                }
                if is_nullable {
                    branches.push(object([("type", Value::from("null"))]));
                }
                map.put("anyOf", Value::Array(branches));
            }
        }
        head(&mut map, node, &notes);
        Ok(Value::Object(map))
    }

    fn object(
        &mut self,
        map: &mut Map<String, Value>,
        properties: &[Property],
        at: &str,
        level: usize,
    ) -> Result<(), String> {
        let mut written = Map::new();
        for Property { name, is_required, node } in properties {
            self.properties += 1;
            self.chars += name.len();
            let schema = self.node(node, &format!("{at}/{name}"), !is_required, level + 1)?;
            written.insert(name.clone(), schema);
        }
        map.put("required", written.keys().cloned().map(Value::String).collect::<Value>());
        map.put("properties", Value::Object(written));
        map.put("additionalProperties", false);
        Ok(())
    }

    fn literal(
        &mut self,
        map: &mut Map<String, Value>,
        values: &[Value],
        is_nullable: bool,
        at: &str,
    ) -> Result<(), String> {
        let chars: usize = values.iter().map(|value| value.to_string().len()).sum();
        self.values += values.len();
        self.chars += chars;
        if values.len() > LONG_ENUM_VALUES && chars > LONG_ENUM_CHARS {
            return Err(format!(
                "{at}: more than {LONG_ENUM_VALUES} enum values with more than {LONG_ENUM_CHARS} characters"
            ));
        }
        if values.iter().any(|value| value.is_array() || value.is_object()) {
            return Err(format!("{at}: an enum value is a list or an object"));
        }
        let mut groups: Vec<(&str, Vec<&Value>)> = Vec::new();
        for value in values {
            match groups.iter_mut().find(|(kind, _)| *kind == kind_of(value)) {
                Some((_, group)) => group.push(value),
                None => groups.push((kind_of(value), vec![value])),
            }
        }
        if let [(kind, group)] = groups.as_slice() {
            typed(map, kind, is_nullable);
            let null = is_nullable.then_some(Value::Null);
            map.put("enum", group.iter().map(|value| (*value).clone()).chain(null).collect::<Value>());
            return Ok(());
        }
        let mut branches: Vec<Value> = groups
            .iter()
            .map(|(kind, group)| {
                object([("type", Value::from(*kind)), ("enum", group.iter().copied().cloned().collect())])
            })
            .collect();
        branches.extend(is_nullable.then(|| object([("type", Value::from("null"))])));
        map.put("anyOf", Value::Array(branches));
        Ok(())
    }
}

fn typed(map: &mut Map<String, Value>, kind: &str, is_nullable: bool) {
    map.put("type", if is_nullable { Value::from([kind, "null"]) } else { Value::from(kind) });
}

/// Writes the keywords that the subset knows; the others become notes.
pub(super) fn keep(
    map: &mut Map<String, Value>,
    keywords: &Map<String, Value>,
    notes: &mut Vec<String>,
    is_known: impl Fn(&str, &Value) -> bool,
) {
    for (key, value) in keywords {
        if is_known(key, value) {
            map.put(key, value.clone());
        } else {
            notes.push(words::of(key, value));
        }
    }
}

/// Writes title and description.
pub(super) fn head(map: &mut Map<String, Value>, node: &Node, notes: &[String]) {
    if let Some(title) = &node.title {
        map.put("title", title.as_str());
    }
    if let Some(description) = node.described(notes) {
        map.put("description", description);
    }
}
