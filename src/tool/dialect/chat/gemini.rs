//! generateContent: `contents` of `parts`; the model and streaming are in the path.

use serde_json::{Map, Value};

use super::{Asking, Post, Turn, body, has_items, word};
use crate::error::Result;
use crate::tool::dialect::gemini::{field, function_call};
use crate::tool::dialect::put::{Put, object};
use crate::tool::dialect::reply::invalid;

pub(super) const RESERVED: &[&str] =
    &["model", "contents", "systemInstruction", "system_instruction", "tools", "stream"];

pub(super) fn post(asking: Asking<'_>) -> Post {
    let mut ours = Map::new();
    if let Some(system) = asking.system {
        ours.put("systemInstruction", object([("parts", Value::Array(vec![part(system)]))]));
    }
    ours.put("contents", asking.messages.to_vec());
    if has_items(asking.tools) {
        ours.put("tools", asking.tools.clone());
    }
    let mut body = body(&asking, ours);
    if !asking.may_call && has_items(asking.tools) {
        body.shift_remove("tool_config");
        let config = body.entry("toolConfig").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(config) = config {
            config.put("functionCallingConfig", object([("mode", Value::from("NONE"))]));
        }
    }
    let model = asking.model.unwrap_or_default();
    let model = model.strip_prefix("models/").unwrap_or(model);
    let action = if asking.is_streamed { "streamGenerateContent?alt=sse" } else { "generateContent" };
    Post { path: format!("/v1beta/models/{model}:{action}"), body }
}

fn part(text: &str) -> Value {
    object([("text", Value::from(text))])
}

pub(super) fn user(text: &str) -> Value {
    object([("role", Value::from("user")), ("parts", Value::Array(vec![part(text)]))])
}

/// The content as it came: its parts carry thought signatures, which the API wants back.
pub(super) fn turn(response: &Value) -> Result<Turn> {
    let Some(map) = response.as_object() else {
        return Err(invalid("a Gemini response", "it is not an object"));
    };
    let feedback = field(map, "promptFeedback", "prompt_feedback").and_then(Value::as_object);
    let blocked = feedback.and_then(|feedback| field(feedback, "blockReason", "block_reason")?.as_str());
    let candidate = response.pointer("/candidates/0").and_then(Value::as_object);
    let finish = candidate.and_then(|candidate| field(candidate, "finishReason", "finish_reason")?.as_str());
    let finish = finish.or(blocked).unwrap_or_default().to_owned();
    let content = candidate.and_then(|candidate| candidate.get("content")?.as_object());
    let content = content.filter(|content| content.get("parts").is_some_and(has_items));
    let item = content.map(|content| {
        let mut content = content.clone();
        content.put("role", "model");
        Value::Object(content)
    });
    let text = item.as_ref().map(text).unwrap_or_default();
    let is_usual = matches!(finish.as_str(), "" | "STOP" | "MAX_TOKENS" | "MALFORMED_FUNCTION_CALL");
    let refusal = (blocked.is_some() || item.is_none() && !is_usual).then(|| finish.clone());
    let is_cut = finish == "MAX_TOKENS";
    Ok(Turn { items: item.into_iter().collect(), text, refusal, finish, is_cut })
}

/// What is said, without what is thought.
pub(super) fn text(content: &Value) -> String {
    let parts = content.get("parts").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    let said = parts.filter(|part| part.get("thought").is_none_or(|thought| thought != true));
    said.filter_map(|part| word(part, "text")).collect()
}

pub(super) fn delta(event: &Value) -> String {
    event.pointer("/candidates/0/content").map(text).unwrap_or_default()
}

pub(super) fn calls(items: &mut [Value]) -> Vec<&mut Map<String, Value>> {
    let parts = items.iter_mut().filter_map(|item| item.get_mut("parts")?.as_array_mut()).flatten();
    let calls = parts.filter(|part| function_call(part).is_some()).filter_map(|part| {
        let part = part.as_object_mut()?;
        let key = if part.get("functionCall").is_some_and(Value::is_object) { "functionCall" } else { "function_call" };
        part.get_mut(key)?.as_object_mut()
    });
    calls.collect()
}
