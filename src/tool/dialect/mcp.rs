//! Model Context Protocol, seen from a server: tools of `tools/list`, requests of `tools/call`, their results.
//!
//! The host speaks JSON-RPC; it wraps each result with the request's `id`.

use serde_json::{Map, Value};

use super::put::{Put, object};
use super::reply::{as_object, call, invalid, unexpected};
use super::schema;
use super::{ToolAnswer, ToolCall};
use crate::error::Result;
use crate::tool::Definition;

const WHAT: &str = "an MCP tools/call request";

pub(super) fn definitions(tools: &[Definition<'_>]) -> Value {
    let define = |tool: &Definition<'_>| {
        let shaped = schema::plain(tool);
        object([
            ("name", Value::from(tool.name)),
            ("description", Value::from(shaped.description)),
            ("inputSchema", shaped.parameters),
        ])
    };
    tools.iter().map(define).collect()
}

/// Whether a JSON-RPC message asks for a tool.
pub(super) fn is_call(message: &Value) -> bool {
    message.get("method").is_some_and(|method| method == "tools/call")
}

/// Reads a request, its bare `params`, or a batch; messages of other methods ask for no tool.
pub(super) fn calls(response: &Value) -> Result<Vec<ToolCall>> {
    let messages = match response {
        Value::Array(items) => items.as_slice(),
        Value::Object(_) => std::slice::from_ref(response),
        other => return Err(unexpected(WHAT, other)),
    };
    let mut calls = Vec::new();
    for message in messages {
        let map = message.as_object().ok_or_else(|| unexpected(WHAT, message))?;
        let params = match (map.get("method"), map.contains_key("jsonrpc")) {
            (Some(_), _) if is_call(message) => {
                let params = map.get("params").and_then(Value::as_object);
                params.ok_or_else(|| invalid(WHAT, "`params` is not an object"))?
            }
            (Some(Value::String(_)), _) | (None, true) => continue,
            (Some(_), _) => return Err(invalid(WHAT, "`method` is not a string")),
            (None, false) => map,
        };
        let field = |key: &str| params.get(key).unwrap_or(&Value::Null);
        let id = map.get("id").unwrap_or(&Value::Null);
        calls.push(call(WHAT, calls.len(), id, field("name"), field("arguments"))?);
    }
    Ok(calls)
}

/// `resultType` is required from 2026-07-28 on and ignored by older clients.
pub(super) fn answers(answers: &[ToolAnswer]) -> Value {
    let result = |answer: &ToolAnswer| {
        let mut result = Map::new();
        result.put(
            "content",
            vec![object([("type", Value::from("text")), ("text", Value::from(answer.content.as_str()))])],
        );
        if let Some(content) = as_object(&answer.content) {
            result.put("structuredContent", Value::Object(content));
        }
        result.put("isError", answer.is_error);
        result.put("resultType", "complete");
        Value::Object(result)
    };
    answers.iter().map(result).collect()
}
