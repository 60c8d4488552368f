//! Responses: `input`, a flat list of items; the model's turn is the items of its `output`, as they came.

use serde_json::{Map, Value};

use super::openai::forbid;
use super::{Asking, Post, Turn, body, has_items, text_of_parts, word};
use crate::error::Result;
use crate::tool::dialect::put::Put;
use crate::tool::dialect::reply::invalid;

pub(super) const RESERVED: &[&str] = &["model", "input", "instructions", "tools", "stream"];

pub(super) fn post(asking: Asking<'_>) -> Post {
    let mut ours = Map::new();
    if let Some(model) = asking.model {
        ours.put("model", model);
    }
    if let Some(system) = asking.system {
        ours.put("instructions", system);
    }
    ours.put("input", asking.messages.to_vec());
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
    Post { path: "/responses".to_owned(), body }
}

pub(super) fn turn(response: &Value) -> Result<Turn> {
    let response = response.get("response").filter(|inner| inner.is_object()).unwrap_or(response);
    let Some(items) = response.get("output").and_then(Value::as_array) else {
        return Err(invalid("an OpenAI response object", "it has no `output` array"));
    };
    let parts = items.iter().filter_map(|item| item.get("content")?.as_array()).flatten();
    let refusal: String = parts.filter_map(|part| part.get("refusal")?.as_str()).collect();
    let why = response.pointer("/incomplete_details/reason").and_then(Value::as_str);
    let finish = why.or_else(|| response.get("status")?.as_str()).unwrap_or_default().to_owned();
    let text = text(items);
    let is_filtered = finish == "content_filter" && text.is_empty();
    let refusal = Some(refusal).filter(|words| !words.is_empty()).or_else(|| is_filtered.then(|| finish.clone()));
    let is_cut = finish == "max_output_tokens";
    Ok(Turn { items: items.clone(), text, refusal, finish, is_cut })
}

pub(super) fn text(items: &[Value]) -> String {
    let messages = items.iter().filter(|item| item.get("type").is_none_or(|kind| kind == "message"));
    messages.filter_map(|item| item.get("content")).map(|content| text_of_parts(content, "output_text")).collect()
}

pub(super) fn delta(event: &Value) -> String {
    let Some(event) = event.as_object() else { return String::new() };
    let is_text = event.get("type").is_some_and(|kind| kind == "response.output_text.delta");
    is_text.then(|| word(event, "delta")).flatten().unwrap_or_default()
}

/// Whether an item of a conversation is the model's.
pub(super) fn is_models(item: &Value) -> bool {
    let kind = item.get("type").and_then(Value::as_str).unwrap_or("message");
    match kind {
        "message" => item.get("role").is_some_and(|role| role == "assistant"),
        kind => !kind.ends_with("_output"),
    }
}

pub(super) fn calls(items: &mut [Value]) -> Vec<&mut Map<String, Value>> {
    let items = items.iter_mut().filter_map(Value::as_object_mut);
    items.filter(|item| item.get("type").is_some_and(|kind| kind == "function_call")).collect()
}
