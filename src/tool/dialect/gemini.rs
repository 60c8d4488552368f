//! Gemini: one tool with all `functionDeclarations`, `functionCall` parts, and one user content with a
//! `functionResponse` part for each call.
//!
//! The REST API writes keys in camelCase and the vendor's Python package dumps them in snake_case; both are read.

use serde_json::{Map, Value};

use super::put::{Put, object};
use super::reply::{as_object, call, failed, given, invalid, unexpected};
use super::schema;
use super::{ToolAnswer, ToolCall};
use crate::error::Result;
use crate::schema::validate::kind;
use crate::tool::Definition;

const WHAT: &str = "a Gemini response";

pub(super) fn definitions(tools: &[Definition<'_>]) -> Value {
    if tools.is_empty() {
        return Value::Array(Vec::new());
    }
    let declare = |tool: &Definition<'_>| {
        let shaped = schema::gemini(tool);
        let mut declaration = Map::new();
        declaration.put("name", tool.name);
        declaration.put("description", shaped.description);
        // An object without properties is refused at the root; a function without arguments has no parameters.
        if shaped.parameters.get("properties").and_then(Value::as_object).is_some_and(|map| !map.is_empty()) {
            declaration.put("parameters", shaped.parameters);
        }
        Value::Object(declaration)
    };
    Value::Array(vec![object([("functionDeclarations", tools.iter().map(declare).collect())])])
}

/// A field by either spelling.
pub(super) fn field<'v>(map: &'v Map<String, Value>, camel: &str, snake: &str) -> Option<&'v Value> {
    given(map, camel).or_else(|| given(map, snake))
}

/// The call in a part.
pub(super) fn function_call(part: &Value) -> Option<&Map<String, Value>> {
    field(part.as_object()?, "functionCall", "function_call")?.as_object()
}

/// Reads a whole response, all chunks of one, a candidate, a content, the array of its parts, one part, or the array of its
/// function calls.
pub(super) fn calls(response: &Value) -> Result<Vec<ToolCall>> {
    let mut found = Vec::new();
    collect(response, 0, &mut found)?;
    let read = |(index, call_of): (usize, &Map<String, Value>)| {
        let field = |key: &str| call_of.get(key).unwrap_or(&Value::Null);
        call(WHAT, index, field("id"), field("name"), field("args"))
    };
    found.into_iter().enumerate().map(read).collect()
}

fn collect<'v>(response: &'v Value, depth: usize, found: &mut Vec<&'v Map<String, Value>>) -> Result<()> {
    let map = match response {
        Value::Array(items) if depth == 0 => return items.iter().try_for_each(|item| collect(item, 1, found)),
        Value::Object(map) => map,
        other => return Err(unexpected(WHAT, other)),
    };
    if let Some(candidates) = map.get("candidates") {
        return match candidates {
            Value::Array(list) => list.first().map_or(Ok(()), |first| content(first.get("content"), found)),
            Value::Null => Ok(()),
            other => Err(invalid(WHAT, &format!("`candidates` is {}, not an array", kind(other)))),
        };
    }
    if let Some(inner) = map.get("content") {
        return content(Some(inner), found);
    }
    if map.contains_key("parts") {
        return content(Some(response), found);
    }
    if let Some(call) = function_call(response) {
        found.push(call);
        return Ok(());
    }
    if let Some(error) = given(map, "error") {
        return Err(failed(WHAT, error));
    }
    match map.get("name") {
        Some(Value::String(_)) => found.push(map),
        // A part of another kind, a prompt that was blocked, or a chunk that only counts.
        _ if is_known(map) => {}
        _ => return Err(invalid(WHAT, "it has no `candidates`, `content` or `parts`")),
    }
    Ok(())
}

fn is_known(map: &Map<String, Value>) -> bool {
    const KEYS: [&str; 16] = [
        "text",
        "inlineData",
        "inline_data",
        "fileData",
        "file_data",
        "executableCode",
        "executable_code",
        "codeExecutionResult",
        "code_execution_result",
        "functionResponse",
        "function_response",
        "promptFeedback",
        "prompt_feedback",
        "usageMetadata",
        "usage_metadata",
        "finishReason",
    ];
    KEYS.iter().any(|key| map.contains_key(*key))
}

/// A content without parts is what a blocked or an empty answer has.
fn content<'v>(content: Option<&'v Value>, found: &mut Vec<&'v Map<String, Value>>) -> Result<()> {
    match content.and_then(|content| content.get("parts")) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(parts)) => {
            found.extend(parts.iter().filter_map(function_call));
            Ok(())
        }
        Some(other) => Err(invalid(WHAT, &format!("`parts` is {}, not an array", kind(other)))),
    }
}

/// As many responses in one content as there were calls in the model's: the API counts them.
pub(super) fn answers(answers: &[ToolAnswer]) -> Value {
    if answers.is_empty() {
        return Value::Array(Vec::new());
    }
    let part = |answer: &ToolAnswer| {
        let content = as_object(&answer.content).map_or_else(|| Value::from(answer.content.as_str()), Value::Object);
        let key = if answer.is_error { "error" } else { "output" };
        let mut response = Map::new();
        if !answer.id.is_empty() {
            response.put("id", answer.id.as_str());
        }
        response.put("name", answer.name.as_str());
        response.put("response", object([(key, content)]));
        object([("functionResponse", Value::Object(response))])
    };
    Value::Array(vec![object([("role", Value::from("user")), ("parts", answers.iter().map(part).collect())])])
}
