//! OpenAI Responses: flat function definitions, calls as `function_call` items, answers as `function_call_output` items.

use std::collections::BTreeSet;

use serde_json::Value;

use super::put::object;
use super::reply::{call, failed, given, invalid, marked, unexpected};
use super::schema::{self, Subset};
use super::{ToolAnswer, ToolCall};
use crate::error::Result;
use crate::schema::validate::kind;
use crate::tool::Definition;

const WHAT: &str = "an OpenAI response object";

/// `strict` is always said: where it is absent the API means true.
pub(super) fn definitions(tools: &[Definition<'_>], is_strict: bool) -> Value {
    let define = |tool: &Definition<'_>| {
        let shaped = if is_strict { schema::strict(tool, Subset::OpenAiStrict).ok() } else { None };
        let is_kept = shaped.is_some();
        let shaped = shaped.unwrap_or_else(|| schema::plain(tool));
        object([
            ("type", Value::from("function")),
            ("name", Value::from(tool.name)),
            ("description", Value::from(shaped.description)),
            ("parameters", shaped.parameters),
            ("strict", Value::from(is_kept)),
        ])
    };
    tools.iter().map(define).collect()
}

/// Reads a whole response, the last event of a stream, the array of output items, or one item.
pub(super) fn calls(response: &Value) -> Result<Vec<ToolCall>> {
    let map = match response {
        Value::Array(items) => return listed(items),
        Value::Object(map) => map,
        other => return Err(unexpected(WHAT, other)),
    };
    if let Some(inner @ Value::Object(_)) = map.get("response") {
        return calls(inner);
    }
    if map.get("status").is_some_and(|status| status == "failed") {
        return Err(failed(WHAT, map.get("error").unwrap_or(&Value::Null)));
    }
    match given(map, "output") {
        Some(Value::Array(items)) => listed(items),
        Some(_) if map.get("type").is_some_and(|kind| kind == "function_call_output") => Ok(Vec::new()),
        Some(other) => Err(invalid(WHAT, &format!("`output` is {}, not an array", kind(other)))),
        None if map.get("type").is_some_and(Value::is_string)
            && map.get("type").is_some_and(|kind| kind != "error") =>
        {
            listed(std::slice::from_ref(response))
        }
        None => match given(map, "error") {
            Some(error) => Err(failed(WHAT, error)),
            None => Err(invalid(WHAT, "it has no `output` array")),
        },
    }
}

fn listed(items: &[Value]) -> Result<Vec<ToolCall>> {
    let of_kind = |item: &&Value, wanted: &str| item.get("type").is_some_and(|kind| kind == wanted);
    // In a whole conversation the calls that have their answer are done.
    let answered: BTreeSet<&str> = items
        .iter()
        .filter(|item| of_kind(item, "function_call_output"))
        .filter_map(|item| item["call_id"].as_str())
        .collect();
    if let Some(other) = items.iter().find(|item| !item.is_object()) {
        return Err(invalid(WHAT, &format!("an output item is {}, not an object", kind(other))));
    }
    let open = items.iter().filter(|item| of_kind(item, "function_call"));
    let open = open.filter(|item| item["call_id"].as_str().is_none_or(|id| !answered.contains(id)));
    let read = |(index, item): (usize, &Value)| call(WHAT, index, &item["call_id"], &item["name"], &item["arguments"]);
    open.enumerate().map(read).collect()
}

pub(super) fn answers(answers: &[ToolAnswer]) -> Value {
    let item = |answer: &ToolAnswer| {
        let output = marked(&answer.content, answer.is_error);
        object([
            ("type", Value::from("function_call_output")),
            ("call_id", Value::from(answer.id.as_str())),
            ("output", Value::from(output)),
        ])
    };
    answers.iter().map(item).collect()
}
