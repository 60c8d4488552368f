//! Chat Completions: `messages`, of which the system prompt is the first.

use serde_json::{Map, Value};

use super::{Asking, Post, Turn, body, has_items, text_of_parts, word};
use crate::error::Result;
use crate::tool::dialect::put::{Put, object};
use crate::tool::dialect::reply::invalid;

pub(super) const RESERVED: &[&str] = &["model", "messages", "tools", "functions", "stream"];

pub(super) fn post(asking: Asking<'_>) -> Post {
    let mut ours = Map::new();
    if let Some(model) = asking.model {
        ours.put("model", model);
    }
    let system = asking.system.map(|text| object([("role", Value::from("system")), ("content", Value::from(text))]));
    ours.put("messages", system.into_iter().chain(asking.messages.iter().cloned()).collect::<Value>());
    if has_items(asking.tools) {
        ours.put("tools", asking.tools.clone());
    }
    if asking.is_streamed {
        ours.put("stream", true);
    }
    let mut body = body(&asking, ours);
    if !asking.may_call {
        forbid(&mut body, asking.tools, Value::from("none"));
    }
    Post { path: "/chat/completions".to_owned(), body }
}

/// Says that no tool may be called, whatever the host's members say; a request without tools must not.
pub(super) fn forbid(body: &mut Map<String, Value>, tools: &Value, choice: Value) {
    body.shift_remove("tool_choice");
    if has_items(tools) {
        body.put("tool_choice", choice);
    }
}

pub(super) fn user(text: &str) -> Value {
    object([("role", Value::from("user")), ("content", Value::from(text))])
}

/// Servers give fields without a value that they do not take back.
pub(super) fn turn(response: &Value) -> Result<Turn> {
    let choice = response.pointer("/choices/0").unwrap_or(response);
    let message = choice.get("message").unwrap_or(choice).as_object();
    let Some(message) = message.filter(|map| map.contains_key("content") || map.contains_key("tool_calls")) else {
        return Err(invalid("an OpenAI chat response", "it has no message with `content` or `tool_calls`"));
    };
    let mut kept = Map::new();
    kept.put("role", "assistant");
    kept.put("content", Value::Null);
    for (key, value) in message {
        if !value.is_null() && key != "role" {
            kept.put(key, value.clone());
        }
    }
    let item = Value::Object(kept);
    let text = text(&item);
    let finish = choice.get("finish_reason").and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_filtered = finish == "content_filter" && text.is_empty();
    let refusal = word(message, "refusal").or_else(|| is_filtered.then(|| finish.clone()));
    let is_cut = finish == "length";
    // A message that says nothing at all is taken back by no server.
    let is_empty = text.is_empty() && refusal.is_none() && message.get("tool_calls").is_none_or(Value::is_null);
    Ok(Turn { items: if is_empty { Vec::new() } else { vec![item] }, text, refusal, finish, is_cut })
}

pub(super) fn text(message: &Value) -> String {
    message.get("content").map(|content| text_of_parts(content, "text")).unwrap_or_default()
}

pub(super) fn delta(event: &Value) -> String {
    event.pointer("/choices/0/delta/content").map(|content| text_of_parts(content, "text")).unwrap_or_default()
}

pub(super) fn calls(items: &mut [Value]) -> Vec<&mut Map<String, Value>> {
    let calls = items.iter_mut().filter_map(|item| item.get_mut("tool_calls")?.as_array_mut()).flatten();
    let calls = calls.filter_map(Value::as_object_mut);
    calls.filter(|call| call.get("type").and_then(Value::as_str).is_none_or(|kind| kind == "function")).collect()
}
