//! One argument of a parser: its JSON Schema and how it is written on a command line.

use serde_json::{Map, Value, json};

use super::argparse::{Action, Arg, Kind, Nargs};
use crate::schema::{Form, Scalar};

/// The longest list of choices that is kept.
const CHOICES: usize = 256;

/// The schema of an argument and how it is written.
pub(super) fn shape(arg: &Arg) -> Option<(Map<String, Value>, Form)> {
    let (mut item, scalar) = scalar(arg);
    let is_fit = |value: &Value| {
        fits(value, arg.kind) && item.get("enum").and_then(Value::as_array).is_none_or(|list| list.contains(value))
    };
    let default = arg.default.as_ref().map(|value| converted(value, arg.kind));
    let scalar_default = default.clone().filter(|value| is_fit(value));
    let list_default = default.filter(|value| value.as_array().is_some_and(|items| items.iter().all(is_fit)));
    let flag = arg.flags.iter().find(|flag| is_long(flag)).or(arg.flags.first()).cloned();
    let Some(flag) = flag else {
        return Some(match arg.nargs {
            Nargs::One | Nargs::Optional => (with_default(item, scalar_default), Form::Positional(scalar)),
            Nargs::Exactly(count) => {
                (with_default(list(item, arg.nargs), list_default), Form::PositionalTuple { scalar, count })
            }
            _ => {
                let form = Form::Positionals { scalar, takes_rest: arg.nargs == Nargs::Rest };
                (with_default(list(item, arg.nargs), list_default), form)
            }
        });
    };
    Some(match (arg.action, arg.nargs) {
        (Action::Constant, _) => {
            let value = arg.constant.clone()?;
            let schema = constants(std::slice::from_ref(&value), arg.default.as_ref());
            let mut flags = vec![(value, flag)];
            flags.extend(arg.negative.clone().map(|negative| (Value::Bool(false), negative)));
            (schema, Form::Switch(flags))
        }
        (Action::AppendConstant, _) => {
            let value = arg.constant.clone()?;
            let item = constants(std::slice::from_ref(&value), None);
            (list(item, Nargs::Any), Form::Switches(vec![(value, flag)]))
        }
        (Action::Count, _) => {
            let start = arg.default.as_ref().and_then(Value::as_u64).unwrap_or(0);
            let mut schema = Map::new();
            schema.insert("type".to_owned(), json!("integer"));
            schema.insert("minimum".to_owned(), json!(start));
            (with_default(schema, arg.default.clone().filter(Value::is_u64)), Form::Count { flag, start })
        }
        (Action::Append | Action::Extend, Nargs::One | Nargs::Optional) => {
            (with_default(list(item, Nargs::Any), list_default), Form::Repeated { flag, scalar, takes_lists: false })
        }
        (Action::Append, Nargs::Exactly(count)) => {
            let form = Form::OptionTuple { flag, scalar, count, is_repeated: true };
            (list(list(item, arg.nargs), Nargs::Any), form)
        }
        (Action::Append, nargs) => {
            (list(list(item, nargs), Nargs::Any), Form::Repeated { flag, scalar, takes_lists: true })
        }
        (Action::Store, Nargs::One) => (with_default(item, scalar_default), Form::Option { flag, scalar, bare: None }),
        (Action::Store, Nargs::Optional) => {
            let bare = arg.constant.clone().filter(|value| !value.is_null());
            if bare.as_ref().is_some_and(Value::is_boolean) && arg.kind != Kind::Truth && arg.kind != Kind::Boolean {
                let kind = item.get("type").cloned().unwrap_or(json!("string"));
                item.remove("enum");
                item.insert("type".to_owned(), json!([kind, "boolean"]));
            }
            (with_default(item, scalar_default), Form::Option { flag, scalar, bare })
        }
        (Action::Store | Action::Extend, Nargs::Exactly(count)) => {
            let form = Form::OptionTuple { flag, scalar, count, is_repeated: false };
            (with_default(list(item, arg.nargs), list_default), form)
        }
        (Action::Store | Action::Extend, nargs) => {
            let is_repeatable = arg.action == Action::Extend;
            (with_default(list(item, nargs), list_default), Form::OptionList { flag, scalar, is_repeatable })
        }
    })
}

fn scalar(arg: &Arg) -> (Map<String, Value>, Scalar) {
    let (kind, scalar) = match arg.kind {
        Kind::Text => (json!("string"), Scalar::Text),
        Kind::Integer => (json!("integer"), Scalar::Integer),
        Kind::Number => (json!("number"), Scalar::Text),
        Kind::Boolean => (json!("boolean"), Scalar::Text),
        Kind::Truth => (json!("boolean"), Scalar::Truth),
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
    if let Some(choices) = &arg.choices {
        let mut fit: Vec<Value> = Vec::new();
        for choice in choices.iter().filter(|choice| fits(choice, arg.kind)) {
            if !fit.contains(choice) {
                fit.push(choice.clone());
            }
        }
        if !fit.is_empty() && fit.len() <= CHOICES {
            schema.insert("enum".to_owned(), Value::Array(fit));
        }
    }
    (schema, scalar)
}

/// Whether an option string is a long one: its first character twice.
fn is_long(flag: &str) -> bool {
    let mut chars = flag.chars();
    chars.next() == chars.next() && flag.len() > 2
}

fn list(item: Map<String, Value>, nargs: Nargs) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("array"));
    schema.insert("items".to_owned(), Value::Object(item));
    match nargs {
        Nargs::Some => {
            schema.insert("minItems".to_owned(), json!(1));
        }
        Nargs::Exactly(count) => {
            schema.insert("minItems".to_owned(), json!(count));
            schema.insert("maxItems".to_owned(), json!(count));
        }
        _ => {}
    }
    schema
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

/// A default as the parser would see it: argparse converts texts, and only texts.
fn converted(value: &Value, kind: Kind) -> Value {
    match (kind, value) {
        (Kind::Integer, Value::String(text)) => text.parse::<i64>().map_or(value.clone(), Value::from),
        (Kind::Number, Value::String(text)) => text.parse::<f64>().map_or(value.clone(), Value::from),
        (Kind::Json, Value::String(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
        _ => value.clone(),
    }
}
