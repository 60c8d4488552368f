//! Chunks of Chat Completions.
//!
//! Calls are told apart by `index`, and by `id` where servers give every call the index 0 or none at all.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::join::{join, set, set_one, text};
use crate::error::Result;
use crate::tool::dialect::put::Put;
use crate::tool::dialect::reply::{failed, given, invalid};

const WHAT: &str = "a chunk of an OpenAI chat response";

#[derive(Clone, Default)]
pub(super) struct Chat {
    /// What the chunks say about the response.
    envelope: Map<String, Value>,
    choices: BTreeMap<u64, Choice>,
    is_done: bool,
}

#[derive(Clone, Default)]
struct Choice {
    fields: Map<String, Value>,
    message: Map<String, Value>,
    calls: Vec<Map<String, Value>>,
    /// The call that an index means at present.
    by_index: BTreeMap<u64, usize>,
    /// The call of the last delta.
    last: Option<usize>,
}

impl Chat {
    pub(super) fn push(&mut self, chunk: &Value) -> Result<()> {
        let Value::Object(chunk) = chunk else { return Err(invalid(WHAT, "it is not an object")) };
        if let Some(error) = given(chunk, "error") {
            return Err(failed(WHAT, error));
        }
        for (key, value) in chunk {
            match (key.as_str(), value) {
                ("choices", Value::Array(choices)) => {
                    for (place, choice) in (0..).zip(choices) {
                        let Value::Object(choice) = choice else {
                            return Err(invalid(WHAT, "a choice is not an object"));
                        };
                        let index = choice.get("index").and_then(Value::as_u64).unwrap_or(place);
                        self.choices.entry(index).or_default().push(choice)?;
                    }
                }
                ("choices", Value::Null) => {}
                ("choices", _) => return Err(invalid(WHAT, "`choices` is not an array")),
                (_, Value::Null) if self.envelope.contains_key(key) => {}
                _ => {
                    self.envelope.put(key, value.clone());
                }
            }
        }
        Ok(())
    }

    pub(super) fn done(&mut self) {
        self.is_done = true;
    }

    pub(super) fn is_complete(&self) -> bool {
        let has_ended = |choice: &Choice| choice.fields.get("finish_reason").is_some_and(|reason| !reason.is_null());
        !self.choices.is_empty() && (self.is_done || self.choices.values().all(has_ended))
    }

    pub(super) fn response(&self) -> Value {
        let mut response = self.envelope.clone();
        response.put("object", "chat.completion");
        response.put("choices", self.choices.iter().map(|(index, choice)| choice.whole(*index)).collect::<Value>());
        Value::Object(response)
    }
}

impl Choice {
    fn push(&mut self, choice: &Map<String, Value>) -> Result<()> {
        for (key, value) in choice {
            match (key.as_str(), value) {
                ("index", _) => {}
                // A server that does not stream gives the whole message.
                ("message", Value::Object(message)) => self.message = message.clone(),
                ("delta", Value::Object(delta)) => self.delta(delta)?,
                ("delta", Value::Null) => {}
                ("delta", _) => return Err(invalid(WHAT, "`delta` is not an object")),
                ("logprobs", _) => join(&mut self.fields, key, value),
                _ => set_one(&mut self.fields, key, value),
            }
        }
        Ok(())
    }

    fn delta(&mut self, delta: &Map<String, Value>) -> Result<()> {
        for (key, value) in delta {
            match (key.as_str(), value) {
                ("tool_calls", Value::Array(calls)) => {
                    for call in calls {
                        let Value::Object(call) = call else {
                            return Err(invalid(WHAT, "a tool call is not an object"));
                        };
                        self.call(call);
                    }
                }
                ("tool_calls", Value::Null) => {}
                ("tool_calls", _) => return Err(invalid(WHAT, "`tool_calls` is not an array")),
                _ => join(&mut self.message, key, value),
            }
        }
        Ok(())
    }

    fn call(&mut self, delta: &Map<String, Value>) {
        let place = self.place(delta);
        self.last = Some(place);
        if place >= self.calls.len() {
            self.calls.push(Map::new());
        }
        let Some(call) = self.calls.get_mut(place) else { return };
        for (key, value) in delta {
            match (key.as_str(), value) {
                ("index", _) | (_, Value::Null) => {}
                // Some servers repeat an empty id after the first delta.
                ("id", value) if text(delta, "id").is_none() && !value.is_number() => {}
                ("function", Value::Object(function)) => {
                    if let Value::Object(whole) = call.entry("function").or_insert_with(|| Value::Object(Map::new())) {
                        function.iter().for_each(|(key, value)| continue_function(whole, key, value));
                    }
                }
                _ => join(call, key, value),
            }
        }
    }

    /// The call that a delta belongs to: one that is there, or the next one.
    fn place(&mut self, delta: &Map<String, Value>) -> usize {
        let next = self.calls.len();
        let id = text(delta, "id");
        let id_at = |place: usize| self.calls.get(place).and_then(|call| text(call, "id"));
        let is_other = |place: usize| matches!((id, id_at(place)), (Some(new), Some(old)) if new != old);
        match delta.get("index").and_then(Value::as_u64) {
            Some(index) => match self.by_index.get(&index) {
                Some(place) if !is_other(*place) => *place,
                _ => {
                    self.by_index.insert(index, next);
                    next
                }
            },
            None => {
                let same = id.and_then(|id| (0..next).find(|place| id_at(*place) == Some(id)));
                let is_named = delta.get("function").and_then(|function| function.get("name")).and_then(Value::as_str);
                let is_new = id.is_some() || is_named.is_some_and(|name| !name.is_empty());
                same.unwrap_or(if is_new { next } else { self.last.unwrap_or(next) })
            }
        }
    }

    fn whole(&self, index: u64) -> Value {
        let mut message = Map::new();
        message.put("role", "assistant");
        message.put("content", Value::Null);
        set(&mut message, &self.message);
        if !self.calls.is_empty() {
            let with_type = |call: &Map<String, Value>| {
                let mut call = call.clone();
                call.entry("type").or_insert_with(|| Value::from("function"));
                Value::Object(call)
            };
            message.put("tool_calls", self.calls.iter().map(with_type).collect::<Value>());
        }
        let mut choice = Map::new();
        choice.put("index", index);
        choice.put("message", Value::Object(message));
        choice.put("finish_reason", Value::Null);
        set(&mut choice, &self.fields);
        Value::Object(choice)
    }
}

/// A name comes whole or in pieces, and some servers repeat it; arguments come in pieces, or as an object.
fn continue_function(whole: &mut Map<String, Value>, key: &str, value: &Value) {
    match (key, value) {
        (_, Value::Null) => {
            whole.entry(key).or_insert(Value::Null);
        }
        ("name" | "arguments", Value::String(more)) => match whole.get_mut(key) {
            Some(Value::String(text)) if key == "name" && text == more => {}
            Some(Value::String(text)) => text.push_str(more),
            _ => {
                whole.put(key, more.as_str());
            }
        },
        ("arguments", object) => {
            whole.put(key, object.to_string());
        }
        _ => join(whole, key, value),
    }
}
