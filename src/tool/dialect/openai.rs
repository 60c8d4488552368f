//! OpenAI Chat Completions: nested function definitions, arguments as a JSON string, answers as `role: "tool"`.
//!
//! `strict` is never asserted: a schema with optional arguments is refused under it.

use serde_json::{Value, json};

use super::ToolCall;
use crate::error::{Error, Result, Status};
use crate::schema::validate::{clip, kind};
use crate::tool::Tool;

pub(super) fn definitions(tools: &[&Tool]) -> Value {
    let define = |tool: &&Tool| {
        json!({
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters()}
        })
    };
    tools.iter().map(define).collect()
}

/// Reads a whole response, a bare message, or the array of its `tool_calls`.
pub(super) fn calls(response: &Value) -> Result<Vec<ToolCall>> {
    let invalid = |why: &str| Error::new(Status::InvalidResponse, format!("not an OpenAI chat response: {why}"));
    let list = match response {
        Value::Array(_) => response,
        Value::Object(map) if map.contains_key("choices") => {
            let message = response.pointer("/choices/0/message").filter(|message| message.is_object());
            message
                .ok_or_else(|| invalid("/choices/0/message is not an object"))?
                .get("tool_calls")
                .unwrap_or(&Value::Null)
        }
        Value::Object(map) if map.contains_key("role") || map.contains_key("tool_calls") => {
            map.get("tool_calls").unwrap_or(&Value::Null)
        }
        Value::Object(map) if map.contains_key("error") => return Err(invalid("it is an error of the server")),
        Value::Object(_) => return Err(invalid("it has neither `choices` nor `tool_calls`")),
        other => return Err(invalid(&format!("expected an object or an array, got {}", kind(other)))),
    };
    match list {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items.iter().enumerate().map(|(index, item)| call(index, item)).collect(),
        other => Err(invalid(&format!("`tool_calls` is {}, not an array", kind(other)))),
    }
}

fn call(index: usize, item: &Value) -> Result<ToolCall> {
    let invalid = |why: &str| Error::new(Status::InvalidResponse, format!("tool call {index}: {why}"));
    let function = item.get("function").filter(|function| function.is_object());
    let function = function.ok_or_else(|| invalid("has no `function` object"))?;
    let name = function.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| invalid("its function has no name"))?;
    Ok(ToolCall {
        id: item.get("id").and_then(Value::as_str).unwrap_or_default().to_owned(),
        name: name.to_owned(),
        arguments: arguments(function.get("arguments")),
    })
}

/// The arguments of a call: a JSON string by the specification, an object from some servers, nothing for no arguments.
fn arguments(given: Option<&Value>) -> Result<Value> {
    match given {
        None | Some(Value::Null) => Ok(json!({})),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(json!({})),
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|error| {
            let message = format!("the arguments are not valid JSON ({error}): {}", clip(text, 120));
            Error::new(Status::InvalidArguments, message)
        }),
        Some(other) => Ok(other.clone()),
    }
}

/// The API has no field for failure; the content says it.
pub(super) fn answer(id: &str, _name: &str, content: &str, is_error: bool) -> Value {
    let content =
        if is_error && !content.starts_with("Error") { format!("Error: {content}") } else { content.to_owned() };
    json!({"role": "tool", "tool_call_id": id, "content": content})
}
