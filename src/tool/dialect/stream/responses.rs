//! Events of the Responses API. The last one has the whole response; where a server leaves its output empty, the items of
//! the events before are put in.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::Result;
use crate::tool::dialect::put::Put;
use crate::tool::dialect::reply::{failed, given, invalid};

const WHAT: &str = "an event of an OpenAI response";

#[derive(Clone, Default)]
pub(super) struct Items {
    /// The response as it was begun.
    begun: Map<String, Value>,
    items: BTreeMap<u64, Item>,
    ended: Option<Map<String, Value>>,
}

#[derive(Clone)]
struct Item {
    fields: Map<String, Value>,
    is_done: bool,
}

impl Items {
    pub(super) fn push(&mut self, event: &Value) -> Result<()> {
        let Value::Object(event) = event else { return Err(invalid(WHAT, "it is not an object")) };
        let Some(kind) = event.get("type").and_then(Value::as_str) else {
            return match given(event, "error") {
                Some(error) => Err(failed(WHAT, error)),
                // A server that does not stream gives the whole response.
                None if event.contains_key("output") => {
                    self.ended = Some(event.clone());
                    Ok(())
                }
                None => Err(invalid(WHAT, "it has no `type`")),
            };
        };
        let response = event.get("response").and_then(Value::as_object);
        match (kind, response) {
            ("error", _) => return Err(failed(WHAT, given(event, "error").unwrap_or(&Value::Object(event.clone())))),
            ("response.created" | "response.queued" | "response.in_progress", Some(response)) => {
                self.begun = response.clone();
            }
            ("response.completed" | "response.incomplete" | "response.failed", response) => {
                let response = response.ok_or_else(|| invalid(WHAT, &format!("{kind} has no `response`")))?;
                self.ended = Some(response.clone());
            }
            ("response.output_item.added" | "response.output_item.done", _) => {
                if let Some(Value::Object(item)) = event.get("item") {
                    let is_done = kind.ends_with("done");
                    let index = self.index(event, item.get("id"));
                    self.items.insert(index, Item { fields: item.clone(), is_done });
                }
            }
            _ => self.continued(kind, event),
        }
        Ok(())
    }

    /// A piece of an item that was added. Kinds that say nothing about calls, text or refusals are left to `done`.
    fn continued(&mut self, kind: &str, event: &Map<String, Value>) {
        let index = self.index(event, event.get("item_id"));
        let Some(Item { fields, .. }) = self.items.get_mut(&index) else { return };
        let text = |key: &str| event.get(key).and_then(Value::as_str);
        let mut part = |key: &str, more: &str| {
            let place =
                event.get("content_index").and_then(Value::as_u64).and_then(|place| usize::try_from(place).ok());
            let parts = fields.get_mut("content").and_then(Value::as_array_mut);
            let part = parts.zip(place).and_then(|(parts, place)| parts.get_mut(place)?.as_object_mut());
            if let Some(Value::String(text)) = part.and_then(|part| part.get_mut(key)) {
                text.push_str(more);
            }
        };
        match (kind, text("delta")) {
            ("response.output_text.delta", Some(more)) => part("text", more),
            ("response.refusal.delta", Some(more)) => part("refusal", more),
            ("response.content_part.added", _) => {
                let parts = fields.entry("content").or_insert_with(|| Value::Array(Vec::new())).as_array_mut();
                if let (Some(parts), Some(part)) = (parts, event.get("part")) {
                    parts.push(part.clone());
                }
            }
            ("response.function_call_arguments.delta", Some(more)) => match fields.get_mut("arguments") {
                Some(Value::String(arguments)) => arguments.push_str(more),
                _ => {
                    fields.put("arguments", more);
                }
            },
            ("response.function_call_arguments.done", _) => {
                if let Some(arguments) = text("arguments") {
                    fields.put("arguments", arguments);
                }
            }
            _ => {}
        }
    }

    /// The place of an item: by its index, by its id where a server gives no index, or the next one.
    fn index(&self, event: &Map<String, Value>, id: Option<&Value>) -> u64 {
        let same = |(index, item): (&u64, &Item)| (item.fields.get("id") == id && id.is_some()).then_some(*index);
        let next = || self.items.last_key_value().map_or(0, |(index, _)| index.saturating_add(1));
        let given = event.get("output_index").and_then(Value::as_u64);
        given.or_else(|| self.items.iter().find_map(same)).unwrap_or_else(next)
    }

    /// The end mark of other APIs, which some compatible servers send instead of the last event.
    pub(super) fn done(&mut self) {
        if self.ended.is_none() && !self.items.is_empty() && self.items.values().all(|item| item.is_done) {
            self.ended = Some(self.begun.clone());
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.ended.is_some()
    }

    pub(super) fn response(&self) -> Value {
        let mut response = self.ended.clone().unwrap_or_default();
        let is_empty = response.get("output").and_then(Value::as_array).is_none_or(Vec::is_empty);
        if is_empty {
            let output: Value = self.items.values().map(|item| Value::Object(item.fields.clone())).collect();
            response.put("output", output);
        }
        Value::Object(response)
    }
}
