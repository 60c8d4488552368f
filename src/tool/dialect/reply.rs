//! Reading vendors' replies: what the dialects share.
//!
//! Replies are untrusted. What is not of a dialect's shape is [`Status::InvalidResponse`] with the dialect named; arguments
//! that are no JSON spoil their own call only, so that the model can be told.

use serde_json::{Map, Value};

use super::ToolCall;
use crate::error::{Error, Result, Status};
use crate::schema::validate::{clip, kind};

/// The error for a document that is no reply in the dialect that `what` names (`an Anthropic message`).
pub(super) fn invalid(what: &str, why: &str) -> Error {
    Error::new(Status::InvalidResponse, format!("not {what}: {why}"))
}

/// The error for a document of a kind of value that is no reply at all.
pub(super) fn unexpected(what: &str, got: &Value) -> Error {
    invalid(what, &format!("expected an object or an array, got {}", kind(got)))
}

/// The error for a reply in which the vendor reports one of its own, with the vendor's words.
pub(super) fn failed(what: &str, error: &Value) -> Error {
    let word = |key: &str| error.get(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let parts: Vec<String> = match error {
        Value::String(text) => vec![text.clone()],
        _ => ["type", "code", "status", "message"].into_iter().filter_map(word).filter(|word| word != "null").collect(),
    };
    let said = if parts.is_empty() { String::new() } else { format!(": {}", clip(&parts.join(": "), 300)) };
    invalid(what, &format!("it is an error of the server{said}"))
}

/// A field that is there and not null.
pub(super) fn given<'v>(map: &'v Map<String, Value>, key: &str) -> Option<&'v Value> {
    map.get(key).filter(|value| !value.is_null())
}

/// A call from its parts; `index` is its place among the calls, for messages.
pub(super) fn call(what: &str, index: usize, id: &Value, name: &Value, arguments: &Value) -> Result<ToolCall> {
    let name = name.as_str().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| invalid(what, &format!("call {index} has no name")))?;
    let id = match id {
        Value::String(text) => text.clone(),
        // JSON-RPC numbers its requests.
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    Ok(ToolCall { id, name: name.to_owned(), arguments: self::arguments(arguments) })
}

/// The arguments of a call: an object, or its JSON text, by vendor; nothing at all, null or blank text for no arguments.
fn arguments(given: &Value) -> Result<Value> {
    match given {
        Value::Null => Ok(Value::Object(Map::new())),
        Value::String(text) if text.trim().is_empty() => Ok(Value::Object(Map::new())),
        Value::String(text) => serde_json::from_str(text).map_err(|error| {
            let message = format!("the arguments are not valid JSON ({error}): {}", clip(text, 120));
            Error::new(Status::InvalidArguments, message)
        }),
        other => Ok(other.clone()),
    }
}

/// An answer's text as the JSON object that it is, where it is one.
pub(super) fn as_object(content: &str) -> Option<Map<String, Value>> {
    content.trim_start().starts_with('{').then(|| serde_json::from_str(content).ok()).flatten()
}

/// The text of an answer in a dialect that has no field for failure: it says so itself.
pub(super) fn marked(content: &str, is_error: bool) -> String {
    if is_error && !content.starts_with("Error") { format!("Error: {content}") } else { content.to_owned() }
}
