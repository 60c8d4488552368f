//! Anthropic Messages: `input_schema`, `tool_use` blocks, and one user message with a `tool_result` block for each call.

use serde_json::{Map, Value};

use super::put::{Put, object};
use super::reply::{call, failed, given, invalid, unexpected};
use super::schema::{self, Shaped, Subset};
use super::{ToolAnswer, ToolCall};
use crate::error::Result;
use crate::schema::validate::kind;
use crate::tool::Definition;

const WHAT: &str = "an Anthropic message";

/// What one request may have of strict tools, optional arguments in them, and arguments of several types.
const STRICT_TOOLS: usize = 20;
const STRICT_OPTIONAL: usize = 24;
const STRICT_UNIONS: usize = 16;

pub(super) fn definitions(tools: &[Definition<'_>], is_strict: bool) -> Value {
    let (mut count, mut optional, mut unions) = (0, 0, 0);
    let mut define = |tool: &Definition<'_>| {
        let strict = if is_strict { schema::strict(tool, Subset::AnthropicStrict).ok() } else { None };
        // The bounds hold for a whole request, so the first tools that fit are the strict ones.
        let strict = strict.filter(|shaped| {
            let fits = count < STRICT_TOOLS
                && optional + shaped.optional <= STRICT_OPTIONAL
                && unions + shaped.unions <= STRICT_UNIONS;
            if fits {
                (count, optional, unions) = (count + 1, optional + shaped.optional, unions + shaped.unions);
            }
            fits
        });
        let is_kept = strict.is_some();
        let Shaped { description, parameters, .. } = strict.unwrap_or_else(|| schema::plain(tool));
        let mut definition = Map::new();
        definition.put("name", tool.name);
        definition.put("description", description);
        definition.put("input_schema", parameters);
        if is_strict {
            definition.put("strict", is_kept);
        }
        Value::Object(definition)
    };
    tools.iter().map(&mut define).collect()
}

/// Reads a whole message, the array of its content blocks, or one block.
pub(super) fn calls(response: &Value) -> Result<Vec<ToolCall>> {
    let map = match response {
        Value::Array(items) => return blocks(items),
        Value::Object(map) => map,
        other => return Err(unexpected(WHAT, other)),
    };
    match (given(map, "content"), map.get("type").and_then(Value::as_str)) {
        (_, Some("tool_use")) => blocks(std::slice::from_ref(response)),
        (_, Some("error")) => Err(failed(WHAT, map.get("error").unwrap_or(&Value::Null))),
        (Some(Value::Array(items)), _) => blocks(items),
        (Some(Value::String(_)), _) => Ok(Vec::new()),
        (Some(other), _) => Err(invalid(WHAT, &format!("`content` is {}, not an array", kind(other)))),
        (None, _) => match given(map, "error") {
            Some(error) => Err(failed(WHAT, error)),
            None => Err(invalid(WHAT, "it has no `content` array")),
        },
    }
}

fn blocks(items: &[Value]) -> Result<Vec<ToolCall>> {
    if let Some(other) = items.iter().find(|item| !item.is_object()) {
        return Err(invalid(WHAT, &format!("a content block is {}, not an object", kind(other))));
    }
    let ours = items.iter().filter(|block| block.get("type").is_some_and(|kind| kind == "tool_use"));
    let read = |(index, block): (usize, &Value)| call(WHAT, index, &block["id"], &block["name"], &block["input"]);
    ours.enumerate().map(read).collect()
}

/// All results must be in the message that follows the calls, before any text.
pub(super) fn answers(answers: &[ToolAnswer]) -> Value {
    if answers.is_empty() {
        return Value::Array(Vec::new());
    }
    let block = |answer: &ToolAnswer| {
        object([
            ("type", Value::from("tool_result")),
            ("tool_use_id", Value::from(answer.id.as_str())),
            ("content", Value::from(answer.content.as_str())),
            ("is_error", Value::from(answer.is_error)),
        ])
    };
    Value::Array(vec![object([("role", Value::from("user")), ("content", answers.iter().map(block).collect())])])
}
