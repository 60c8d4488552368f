//! OpenAI Chat Completions, and every server that is compatible with it: nested function definitions, arguments as a
//! JSON string, answers as `role: "tool"`.

use serde_json::{Map, Value};

use super::put::{Put, object};
use super::reply::{call, failed, given, invalid, marked, unexpected};
use super::schema::{self, Subset};
use super::{ToolAnswer, ToolCall};
use crate::error::Result;
use crate::schema::validate::kind;
use crate::tool::Definition;

const WHAT: &str = "an OpenAI chat response";

pub(super) fn definitions(tools: &[Definition<'_>], is_strict: bool) -> Value {
    tools
        .iter()
        .map(|tool| object([("type", Value::from("function")), ("function", Value::Object(function(tool, is_strict)))]))
        .collect()
}

/// `strict` is left out where it was not asked for: compatible servers need not know it.
fn function(tool: &Definition<'_>, is_strict: bool) -> Map<String, Value> {
    let shaped = if is_strict { schema::strict(tool, Subset::OpenAiStrict).ok() } else { None };
    let is_kept = shaped.is_some();
    let shaped = shaped.unwrap_or_else(|| schema::plain(tool));
    let mut function = Map::new();
    function.put("name", tool.name);
    function.put("description", shaped.description);
    function.put("parameters", shaped.parameters);
    if is_strict {
        function.put("strict", is_kept);
    }
    function
}

/// Reads a whole response, one choice of it, a bare message, or the array of its `tool_calls`.
pub(super) fn calls(response: &Value) -> Result<Vec<ToolCall>> {
    let map = match response {
        Value::Array(items) => return listed(items),
        Value::Object(map) => map,
        other => return Err(unexpected(WHAT, other)),
    };
    if map.contains_key("choices") {
        let choice = response.pointer("/choices/0/message").and_then(Value::as_object);
        return message(choice.ok_or_else(|| invalid(WHAT, "/choices/0/message is not an object"))?);
    }
    match map.get("message") {
        Some(Value::Object(inner)) => message(inner),
        _ if map.contains_key("role") || map.contains_key("tool_calls") => message(map),
        _ => match given(map, "error") {
            Some(error) => Err(failed(WHAT, error)),
            None => Err(invalid(WHAT, "it has neither `choices` nor `tool_calls`")),
        },
    }
}

fn message(message: &Map<String, Value>) -> Result<Vec<ToolCall>> {
    match given(message, "tool_calls") {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => listed(items),
        Some(other) => Err(invalid(WHAT, &format!("`tool_calls` is {}, not an array", kind(other)))),
    }
}

fn listed(items: &[Value]) -> Result<Vec<ToolCall>> {
    let is_ours = |item: &&Value| item.get("type").and_then(Value::as_str).is_none_or(|kind| kind == "function");
    let read = |(index, item): (usize, &Value)| {
        let function = item.get("function").filter(|function| function.is_object());
        let function = function.ok_or_else(|| invalid(WHAT, &format!("call {index} has no `function` object")))?;
        call(WHAT, index, &item["id"], &function["name"], &function["arguments"])
    };
    // Calls of other kinds (`custom`) are for tools that are not ours.
    items.iter().filter(is_ours).enumerate().map(read).collect()
}

pub(super) fn answers(answers: &[ToolAnswer]) -> Value {
    let message = |answer: &ToolAnswer| {
        let content = marked(&answer.content, answer.is_error);
        object([
            ("role", Value::from("tool")),
            ("tool_call_id", Value::from(answer.id.as_str())),
            ("content", Value::from(content)),
        ])
    };
    answers.iter().map(message).collect()
}
