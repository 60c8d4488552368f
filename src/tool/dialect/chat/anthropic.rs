//! Messages: `system` beside them; `max_tokens` is required.

use serde_json::{Map, Value};

use super::openai::forbid;
use super::{Asking, Post, Turn, body, has_items, text_of_parts, word};
use crate::error::Result;
use crate::tool::dialect::put::{Put, object};
use crate::tool::dialect::reply::invalid;

pub(super) const RESERVED: &[&str] = &["model", "messages", "system", "tools", "stream"];

/// Where the host says nothing.
const MAX_TOKENS: u64 = 4096;

pub(super) fn post(asking: Asking<'_>) -> Post {
    let mut ours = Map::new();
    if let Some(model) = asking.model {
        ours.put("model", model);
    }
    ours.put("max_tokens", MAX_TOKENS);
    if let Some(system) = asking.system {
        ours.put("system", system);
    }
    ours.put("messages", asking.messages.to_vec());
    if has_items(asking.tools) {
        ours.put("tools", asking.tools.clone());
    }
    if asking.is_streamed {
        ours.put("stream", true);
    }
    let mut body = body(&asking, ours);
    if !asking.may_call {
        forbid(&mut body, asking.tools, object([("type", Value::from("none"))]));
    }
    Post { path: "/v1/messages".to_owned(), body }
}

pub(super) fn turn(response: &Value) -> Result<Turn> {
    let what = "an Anthropic message";
    let Some(message) = response.as_object() else { return Err(invalid(what, "it is not an object")) };
    let content = message.get("content").filter(|content| content.is_array() || content.is_string());
    let Some(content) = content else { return Err(invalid(what, "it has no `content`")) };
    let item = object([("role", Value::from("assistant")), ("content", content.clone())]);
    let text = text(&item);
    let finish = word(message, "stop_reason").unwrap_or_default();
    let refusal = (finish == "refusal").then(|| if text.is_empty() { finish.clone() } else { text.clone() });
    let is_cut = matches!(finish.as_str(), "max_tokens" | "model_context_window_exceeded");
    // The API takes no empty content back.
    let is_empty = content.as_array().is_some_and(Vec::is_empty) || content == "";
    Ok(Turn { items: if is_empty { Vec::new() } else { vec![item] }, text, refusal, finish, is_cut })
}

pub(super) fn text(message: &Value) -> String {
    message.get("content").map(|content| text_of_parts(content, "text")).unwrap_or_default()
}

pub(super) fn delta(event: &Value) -> String {
    let is_delta = event.get("type").is_some_and(|kind| kind == "content_block_delta");
    let text = event.pointer("/delta/text").and_then(Value::as_str);
    text.filter(|_| is_delta).unwrap_or_default().to_owned()
}

pub(super) fn calls(items: &mut [Value]) -> Vec<&mut Map<String, Value>> {
    let blocks = items.iter_mut().filter_map(|item| item.get_mut("content")?.as_array_mut()).flatten();
    let blocks = blocks.filter_map(Value::as_object_mut);
    blocks.filter(|block| block.get("type").is_some_and(|kind| kind == "tool_use")).collect()
}
