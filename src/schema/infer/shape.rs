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
    let one = arg.default.clone().filter(&is_fit);
    let several = arg.default.clone().filter(|value| value.as_array().is_some_and(|items| items.iter().all(&is_fit)));
    if arg.is_positional() {
        return Some(match arg.takes {
            Takes::Many => {
                let least = arg.is_required.then_some(1);
                (with_default(list(item, least, None), several), Form::Positionals { scalar, takes_rest: false })
            }
            Takes::Rest => {
                (with_default(list(item, None, None), several), Form::Positionals { scalar, takes_rest: true })
            }
            Takes::Exactly(count) => {
                (with_default(tuple(item, count), several), Form::PositionalTuple { scalar, count })
            }
            _ => (with_default(item, one), Form::Positional(scalar)),
        });
    }
    let no = arg.negative.iter().map(|negative| (Value::Bool(false), negative.clone()));
    let Some(flag) = arg.flag().map(str::to_owned) else {
        return Some((constants(&[Value::Bool(false)], arg.default.as_ref()), Form::Switch(no.collect())));
    };
    Some(match &arg.takes {
        Takes::Nothing | Takes::Constant(_) => {
            let value = if let Takes::Constant(value) = &arg.takes { value.clone() } else { Value::Bool(true) };
            let schema = constants(std::slice::from_ref(&value), arg.default.as_ref());
            (schema, Form::Switch([(value, flag)].into_iter().chain(no).collect()))
        }
        Takes::Item(value) => {
            let item = constants(std::slice::from_ref(value), None);
            (list(item, None, None), Form::Switches(vec![(value.clone(), flag)]))
        }
        Takes::Count => {
            let default = arg.default.clone().filter(Value::is_u64);
            let start = default.as_ref().and_then(Value::as_u64).unwrap_or(0);
            let mut schema = Map::new();
            schema.insert("type".to_owned(), json!("integer"));
            schema.insert("minimum".to_owned(), json!(start));
            (with_default(schema, default), Form::Count { flag, start })
        }
        Takes::One => (with_default(item, one), Form::Option { flag, scalar, bare: None }),
        Takes::Optional(bare) => {
            if bare.is_boolean() && !matches!(arg.kind, Kind::Truth | Kind::Boolean) {
                let kind = item.get("type").cloned().unwrap_or(json!("string"));
                item.remove("enum");
                item.insert("type".to_owned(), json!([kind, "boolean"]));
            }
            let bare = Some(bare.clone()).filter(|bare| !bare.is_null());
            (with_default(item, one), Form::Option { flag, scalar, bare })
        }
        Takes::Many => {
            (with_default(list(item, None, None), several), Form::Repeated { flag, scalar, takes_lists: false })
        }
        Takes::List { is_needed, is_repeatable } => {
            let form = Form::OptionList { flag, scalar, is_repeatable: *is_repeatable };
            (with_default(list(item, is_needed.then_some(1), None), several), form)
        }
        Takes::Rest => {
            (with_default(list(item, None, None), several), Form::OptionList { flag, scalar, is_repeatable: false })
        }
        Takes::Lists { is_needed } => {
            let lists = list(list(item, is_needed.then_some(1), None), None, None);
            (lists, Form::Repeated { flag, scalar, takes_lists: true })
        }
        Takes::Exactly(count) => {
            let form = Form::OptionTuple { flag, scalar, count: *count, is_repeated: false };
            (with_default(tuple(item, *count), several), form)
        }
        Takes::Tuples(count) => {
            let form = Form::OptionTuple { flag, scalar, count: *count, is_repeated: true };
            (list(tuple(item, *count), None, None), form)
        }
    })
}

fn scalar(arg: &Arg) -> (Map<String, Value>, Scalar) {
    let (kind, scalar) = match arg.kind {
        Kind::Text => (json!("string"), Scalar::Text),
        Kind::Integer => (json!("integer"), Scalar::Integer),
        Kind::Number => (json!("number"), Scalar::Text),
        Kind::Truth => (json!("boolean"), Scalar::Truth),
        Kind::Boolean => (json!("boolean"), Scalar::Text),
        Kind::Json => (json!(["object", "array", "string", "number", "boolean"]), Scalar::Json),
    };
    let mut schema = Map::new();
    schema.insert("type".to_owned(), kind);
    if arg.kind == Kind::Json {
        // OpenAI refuses a list without a word on its items.
        schema.insert("items".to_owned(), json!({}));
    }
    for (key, bound) in [("minimum", &arg.bounds.0), ("maximum", &arg.bounds.1)] {
        if let Some(bound) = bound.as_ref().filter(|bound| bound.is_number()) {
            schema.insert(key.to_owned(), bound.clone());
        }
    }
    let mut fit: Vec<Value> = Vec::new();
    for choice in arg.choices.iter().filter(|choice| fits(choice, arg.kind)) {
        if !fit.contains(choice) {
            fit.push(choice.clone());
        }
    }
    if !fit.is_empty() && fit.len() <= CHOICES {
        schema.insert("enum".to_owned(), Value::Array(fit));
    }
    (schema, scalar)
}

fn list(item: Map<String, Value>, least: Option<u64>, most: Option<u64>) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("array"));
    schema.insert("items".to_owned(), Value::Object(item));
    for (key, bound) in [("minItems", least), ("maxItems", most)] {
        if let Some(bound) = bound {
            schema.insert(key.to_owned(), json!(bound));
        }
    }
    schema
}

fn tuple(item: Map<String, Value>, count: u64) -> Map<String, Value> {
    list(item, Some(count), Some(count))
}

/// The schema of a destination that flags set to constants.
pub(super) fn constants(values: &[Value], default: Option<&Value>) -> Map<String, Value> {
    let mut schema = Map::new();
    let default = default.filter(|value| !value.is_null()).cloned();
    if values.iter().chain(default.as_ref()).all(Value::is_boolean) {
        schema.insert("type".to_owned(), json!("boolean"));
    } else {
        let mut all: Vec<Value> = Vec::new();
        for value in values.iter().chain(default.as_ref()).filter(|value| !value.is_null()) {
            if !all.contains(value) {
                all.push(value.clone());
            }
        }
        if all.iter().all(Value::is_string) {
            schema.insert("type".to_owned(), json!("string"));
        }
        schema.insert("enum".to_owned(), Value::Array(all));
    }
    with_default(schema, default)
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
        Kind::Truth | Kind::Boolean => value.is_boolean(),
        Kind::Json => !value.is_null(),
    }
}
