//! A call's arguments made into what a program receives; a pure function, and never a shell.
//!
//! Options are written so that a value that looks like an option stays a value; positionals that look like options follow
//! `--` where the script knows it. What a command line cannot say is an error, not a guess.

mod level;
mod line;
mod spelling;
#[cfg(test)]
mod tests;

use std::ffi::OsString;

use serde_json::{Map, Value};

use super::dialect::restored;
use super::{Invocation, Tool};
use crate::error::{Error, Result, Status};
use crate::schema::{Convention, Scalar, Schema, validate};

/// The longest single argument, in bytes: Linux's MAX_ARG_STRLEN (32 pages) with its terminator.
const ARGUMENT_BYTES: usize = 128 * 1024 - 1;
/// The most bytes of all arguments together; Linux gives a quarter of the stack's limit, 2 MiB by default.
const ARGUMENTS_BYTES: usize = 1024 * 1024;

pub(super) fn prepare(tool: &Tool, arguments: &Value) -> Result<Invocation> {
    let given = judged(&tool.name, &tool.schema, arguments)?;
    let invocation = match &tool.convention {
        Convention::StdinJson => {
            Ok(Invocation { arguments: Vec::new(), stdin: Value::Object(given).to_string().into_bytes() })
        }
        Convention::Generic => Ok(generic(&given)),
        Convention::Argv(spec) => line::write(spec, &given, tool.parameters()),
    };
    invocation.and_then(bounded).map_err(|error| unfit(&tool.name, error))
}

/// Words that are a command line already.
pub(super) fn verbatim(tool: &str, words: Vec<String>) -> Result<Invocation> {
    let arguments = words.into_iter().map(OsString::from).collect();
    bounded(Invocation { arguments, stdin: Vec::new() }).map_err(|error| unfit(tool, error))
}

/// The arguments of the tool of this name as they are meant, once its schema accepts them.
pub(super) fn judged(tool: &str, schema: &Schema, arguments: &Value) -> Result<Map<String, Value>> {
    let fail = |error| unfit(tool, error);
    let given = restored(schema.value(), object(arguments).map_err(fail)?);
    let arguments = Value::Object(without_nulls(schema.value(), given));
    schema.validate(&arguments).map_err(fail)?;
    let Value::Object(given) = arguments else { return Err(fail(invalid("not an object"))) };
    Ok(given)
}

fn unfit(tool: &str, error: Error) -> Error {
    Error::new(error.status, format!("arguments of {tool} do not fit: {}", error.message))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Status::InvalidArguments, message)
}

/// The arguments as an object; one level of double encoding is undone.
fn object(arguments: &Value) -> Result<Map<String, Value>> {
    match arguments {
        Value::Object(map) => Ok(map.clone()),
        Value::Null => Ok(Map::new()),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Object(map)) => Ok(map),
            _ => Err(invalid("/: expected a JSON object, got a string that does not hold one")),
        },
        other => Err(invalid(format!("/: expected a JSON object, got {}", validate::show(other)))),
    }
}

/// Leaves out the arguments that are null where null only means "not given": strict modes make models send every property.
fn without_nulls(schema: &Value, mut given: Map<String, Value>) -> Map<String, Value> {
    let properties = schema.get("properties").and_then(Value::as_object);
    given.retain(|name, value| !value.is_null() || properties.and_then(|map| map.get(name)).is_some_and(takes_null));
    given
}

fn takes_null(schema: &Value) -> bool {
    let is_null = |value: &Value| value.as_str() == Some("null");
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(is_null),
        Some(kind) => is_null(kind),
        None => {
            let alternatives = ["anyOf", "oneOf"].iter().filter_map(|key| schema.get(*key)?.as_array()).flatten();
            let values = schema.get("enum").and_then(Value::as_array);
            values.is_some_and(|values| values.contains(&Value::Null)) || alternatives.into_iter().any(takes_null)
        }
    }
}

fn generic(given: &Map<String, Value>) -> Invocation {
    let words = given.get("args").and_then(Value::as_array).into_iter().flatten();
    let arguments = words.map(|word| OsString::from(spelling::text(word, Scalar::Text))).collect();
    let stdin = given.get("stdin").and_then(Value::as_str).unwrap_or("").as_bytes().to_vec();
    Invocation { arguments, stdin }
}

fn bounded(invocation: Invocation) -> Result<Invocation> {
    let mut total = 0usize;
    for argument in &invocation.arguments {
        let bytes = argument.as_encoded_bytes();
        if bytes.contains(&0) {
            return Err(invalid("a value contains a NUL character, which no command line can carry"));
        }
        if bytes.len() > ARGUMENT_BYTES {
            return Err(invalid(format!(
                "a value is {} bytes long; one command line argument holds {ARGUMENT_BYTES}; pass a file instead",
                bytes.len()
            )));
        }
        total = total.saturating_add(bytes.len() + 1);
    }
    if total > ARGUMENTS_BYTES {
        return Err(invalid(format!("all values together are {total} bytes long; the limit is {ARGUMENTS_BYTES}")));
    }
    Ok(invocation)
}
