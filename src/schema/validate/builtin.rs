//! The small judge of builds without the feature `validation`: `type`, `enum`, `const`, `required`, `properties`,
//! `additionalProperties: false` and `items`; every other keyword is accepted unjudged.

use serde_json::{Map, Value};

use super::{clip, names, show};

/// The deepest nesting of arguments that is judged.
const DEPTH: usize = 64;
/// The most problems that are collected.
const PROBLEMS: usize = 32;

/// A schema that needs no compiling.
pub(super) struct Judge;

impl Judge {
    pub(super) fn compile(schema: &Value) -> Result<Self, String> {
        well_formed(schema, 0)?;
        Ok(Self)
    }

    pub(super) fn judge(&self, schema: &Value, arguments: &Value) -> Vec<String> {
        let mut problems = Vec::new();
        judge(schema, arguments, "", 0, &mut problems);
        problems
    }
}

/// Refuses keywords of the wrong shape, as the metaschema would.
fn well_formed(schema: &Value, depth: usize) -> Result<(), String> {
    let Some(map) = schema.as_object() else {
        return if schema.is_boolean() {
            Ok(())
        } else {
            Err("a schema is neither an object nor a boolean".to_owned())
        };
    };
    for kind in types(map) {
        if !matches!(kind, "null" | "boolean" | "number" | "integer" | "string" | "array" | "object") {
            return Err(format!("/type: {} is no JSON type", clip(kind, 40)));
        }
    }
    type Shape = (&'static str, fn(&Value) -> bool);
    let shapes: [Shape; 5] = [
        ("type", |v| v.is_string() || v.is_array()),
        ("required", |v| v.as_array().is_some_and(|names| names.iter().all(Value::is_string))),
        ("enum", Value::is_array),
        ("properties", Value::is_object),
        ("additionalProperties", |v| v.is_boolean() || v.is_object()),
    ];
    for (keyword, fits) in shapes {
        if map.get(keyword).is_some_and(|value| !fits(value)) {
            return Err(format!("/{keyword}: has the wrong type"));
        }
    }
    if depth < DEPTH {
        if let Some(properties) = map.get("properties").and_then(Value::as_object) {
            properties.values().try_for_each(|property| well_formed(property, depth + 1))?;
        }
        if let Some(items) = map.get("items") {
            well_formed(items, depth + 1)?;
        }
    }
    Ok(())
}

fn types(map: &Map<String, Value>) -> Vec<&str> {
    match map.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn judge(schema: &Value, value: &Value, pointer: &str, depth: usize, problems: &mut Vec<String>) {
    let Some(map) = schema.as_object() else { return };
    if problems.len() >= PROBLEMS || depth > DEPTH {
        return;
    }
    let at = if pointer.is_empty() { "/" } else { pointer };
    let kinds = types(map);
    if !kinds.is_empty() && !kinds.iter().any(|kind| is_kind(value, kind)) {
        problems.push(format!("{at}: expected {}, got {}", kinds.join(" or "), show(value)));
        return;
    }
    if let Some(want) = map.get("enum").and_then(Value::as_array)
        && !want.contains(value)
    {
        let want: Vec<String> = want.iter().map(Value::to_string).collect();
        problems.push(format!("{at}: expected one of {}, got {}", clip(&want.join(", "), 140), show(value)));
    }
    if let Some(want) = map.get("const")
        && want != value
    {
        problems.push(format!("{at}: expected {}, got {}", clip(&want.to_string(), 80), show(value)));
    }
    let none = Map::new();
    let properties = map.get("properties").and_then(Value::as_object).unwrap_or(&none);
    match value {
        Value::Object(given) => {
            let required = map.get("required").and_then(Value::as_array).into_iter().flatten();
            let missing: Vec<&str> =
                required.filter_map(Value::as_str).filter(|name| !given.contains_key(*name)).collect();
            if !missing.is_empty() {
                problems.push(format!("{at}: missing {}", names(missing)));
            }
            if map.get("additionalProperties") == Some(&Value::Bool(false)) {
                let unknown: Vec<&str> =
                    given.keys().map(String::as_str).filter(|name| !properties.contains_key(*name)).collect();
                if !unknown.is_empty() {
                    let known = names(properties.keys().map(String::as_str));
                    problems.push(format!("{at}: unknown property {}; known: {known}", names(unknown)));
                }
            }
            for (name, item) in given {
                if let Some(property) = properties.get(name) {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    judge(property, item, &format!("{pointer}/{name}"), depth + 1, problems);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = map.get("items") {
                for (index, item) in items.iter().enumerate() {
                    judge(schema, item, &format!("{pointer}/{index}"), depth + 1, problems);
                }
            }
        }
        _ => {}
    }
}

fn is_kind(value: &Value, kind: &str) -> bool {
    match (kind, value) {
        ("integer", Value::Number(number)) => {
            number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|float| float.fract() == 0.0)
        }
        (kind, value) => kind == super::kind(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": ["integer", "null"]},
                "unit": {"enum": ["C", "F"]},
                "kind": {"const": 1},
                "a/b": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}}
            },
            "required": ["city", "unit"],
            "additionalProperties": false
        })
    }

    #[test]
    fn judges_what_it_knows() {
        let judge = Judge::compile(&schema()).expect("a schema");
        let rows = [
            (json!({"city": "Graz", "unit": "C", "days": 2.0, "kind": 1, "a/b": [{"x": 1, "y": 2}]}), vec![]),
            (json!({"city": "Graz", "unit": "C", "days": null}), vec![]),
            (json!({}), vec!["/: missing `city`, `unit`"]),
            (json!({"city": 1, "unit": "C"}), vec!["/city: expected string, got number 1"]),
            (json!({"city": "", "unit": "K"}), vec!["/unit: expected one of \"C\", \"F\", got string \"K\""]),
            (json!({"city": "", "unit": "C", "days": 1.5}), vec!["/days: expected integer or null, got number 1.5"]),
            (json!({"city": "", "unit": "C", "kind": 2}), vec!["/kind: expected 1, got number 2"]),
            (
                json!({"city": "", "unit": "C", "a/b": [{}, 5]}),
                vec!["/a~1b/0: missing `x`", "/a~1b/1: expected object, got number 5"],
            ),
            (
                json!({"city": "", "unit": "C", "z": 0}),
                vec!["/: unknown property `z`; known: `city`, `days`, `unit`, `kind`, `a/b`"],
            ),
            (json!("x"), vec!["/: expected object, got string \"x\""]),
        ];
        for (arguments, want) in rows {
            assert_eq!(judge.judge(&schema(), &arguments), want, "{arguments}");
            #[cfg(feature = "validation")]
            {
                let mut full =
                    super::super::full::Judge::compile(&schema()).expect("a schema").judge(&schema(), &arguments);
                full.sort_unstable();
                let accepted: Vec<String> =
                    full.iter().map(|text| text.replace("null or integer", "integer or null")).collect();
                assert_eq!(accepted, want, "both judges say the same of {arguments}");
            }
        }
    }

    #[test]
    fn refuses_broken_schemas() {
        for broken in [
            json!(5),
            json!({"type": 5}),
            json!({"type": "text"}),
            json!({"required": [1]}),
            json!({"enum": "a"}),
            json!({"properties": []}),
            json!({"properties": {"a": 5}}),
            json!({"items": {"type": ["array", "list"]}}),
            json!({"additionalProperties": 1}),
        ] {
            assert!(Judge::compile(&broken).is_err(), "{broken}");
        }
    }
}
