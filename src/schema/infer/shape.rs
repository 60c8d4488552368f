//! One argument: its JSON Schema and how it is written on a command line.

use serde_json::{Map, Value, json};

use super::cli::{Arg, Kind, Takes};
use crate::schema::{Form, Scalar};

/// The longest list of choices that is kept.
const CHOICES: usize = 256;

/// The schema of an argument and how it is written; `None` for one that cannot be written.
pub(super) fn shape(arg: &Arg) -> Option<(Map<String, Value>, Form)> {
    let (mut item, scalar) = scalar(arg);
    let choices = item.get("enum").and_then(Value::as_array).cloned();
    let is_fit = |value: &Value| fits(value, arg.kind) && choices.as_ref().is_none_or(|list| list.contains(value));
    let default = arg.default.as_ref().map(|value| converted(value, arg.kind));
    let one = default.clone().filter(&is_fit);
    let list = default.filter(|value| value.as_array().is_some_and(|items| items.iter().all(&is_fit)));
    if arg.is_positional() {
        return Some(match arg.takes {
            Takes::Many => {
                let mut schema = listed(item);
                if arg.is_required {
                    schema.insert("minItems".to_owned(), json!(1));
                }
                (with_default(schema, list), Form::Positionals { scalar, takes_rest: false })
            }
            _ => (with_default(item, one), Form::Positional(scalar)),
        });
    }
    let Some(flag) = arg.flag().map(str::to_owned) else {
        let negative = arg.negative.clone()?;
        return Some((truth(arg.default.as_ref()), Form::Switch(vec![(Value::Bool(false), negative)])));
    };
    Some(match &arg.takes {
        Takes::Nothing => {
            let mut flags = vec![(Value::Bool(true), flag)];
            flags.extend(arg.negative.iter().map(|negative| (Value::Bool(false), negative.clone())));
            (truth(arg.default.as_ref()), Form::Switch(flags))
        }
        Takes::Count => {
            let schema = json!({"type": "integer", "minimum": 0});
            let default = arg.default.clone().filter(|value| value.as_u64() == Some(0));
            (with_default(schema.as_object().cloned()?, default), Form::Count { flag, start: 0 })
        }
        Takes::One => (with_default(item, one), Form::Option { flag, scalar, bare: None }),
        Takes::Optional(bare) => {
            if bare.is_boolean() && arg.kind != Kind::Boolean {
                let kind = item.get("type").cloned().unwrap_or(json!("string"));
                item.remove("enum");
                item.insert("type".to_owned(), json!([kind, "boolean"]));
            }
            let bare = Some(bare.clone()).filter(|bare| !bare.is_null());
            (with_default(item, one), Form::Option { flag, scalar, bare })
        }
        Takes::Many => (with_default(listed(item), list), Form::Repeated { flag, scalar, takes_lists: false }),
    })
}

fn scalar(arg: &Arg) -> (Map<String, Value>, Scalar) {
    let (kind, scalar) = match arg.kind {
        Kind::Text => (json!("string"), Scalar::Text),
        Kind::Integer => (json!("integer"), Scalar::Integer),
        Kind::Number => (json!("number"), Scalar::Text),
        Kind::Boolean => (json!("boolean"), Scalar::Text),
        Kind::Json => (json!(["object", "array", "string", "number", "boolean"]), Scalar::Json),
    };
    let mut schema = Map::new();
    schema.insert("type".to_owned(), kind);
    if arg.kind == Kind::Json {
        // OpenAI refuses a list without a word on its items.
        schema.insert("items".to_owned(), json!({}));
    }
    let mut fit: Vec<Value> = Vec::new();
    for choice in arg.choices.iter().map(|choice| converted(choice, arg.kind)) {
        if fits(&choice, arg.kind) && !fit.contains(&choice) {
            fit.push(choice);
        }
    }
    if !fit.is_empty() && fit.len() <= CHOICES {
        schema.insert("enum".to_owned(), Value::Array(fit));
    }
    (schema, scalar)
}

fn listed(item: Map<String, Value>) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("array"));
    schema.insert("items".to_owned(), Value::Object(item));
    schema
}

fn truth(default: Option<&Value>) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("boolean"));
    with_default(schema, default.filter(|value| value.is_boolean()).cloned())
}

fn with_default(mut schema: Map<String, Value>, default: Option<Value>) -> Map<String, Value> {
    if let Some(default) = default {
        schema.insert("default".to_owned(), default);
    }
    schema
}

fn fits(value: &Value, kind: Kind) -> bool {
    match kind {
        Kind::Text => value.is_string(),
        Kind::Integer => value.is_i64() || value.is_u64(),
        Kind::Number => value.is_number(),
        Kind::Boolean => value.is_boolean(),
        Kind::Json => !value.is_null(),
    }
}

/// A literal of the source as the schema says it: scripts write `'8080'` where a number is meant, and the reverse.
fn converted(value: &Value, kind: Kind) -> Value {
    match (kind, value) {
        (Kind::Integer, Value::String(text)) => text.trim().parse::<i64>().map_or(value.clone(), Value::from),
        (Kind::Number, Value::String(text)) => number(text.trim()).unwrap_or(value.clone()),
        (Kind::Text, Value::Number(number)) => Value::String(number.to_string()),
        (_, Value::Array(items)) => Value::Array(items.iter().map(|item| scalar_converted(item, kind)).collect()),
        _ => value.clone(),
    }
}

fn number(text: &str) -> Option<Value> {
    text.parse::<i64>().ok().map(Value::from).or_else(|| text.parse::<f64>().ok().map(Value::from))
}

/// A list's item; a list in a list stays what it is.
fn scalar_converted(value: &Value, kind: Kind) -> Value {
    if value.is_array() { value.clone() } else { converted(value, kind) }
}
