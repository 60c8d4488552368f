//! Events of the Messages API: blocks are begun, continued and ended by index; a tool's input comes as pieces of JSON.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::join::{join, set};
use crate::error::Result;
use crate::tool::dialect::put::Put;
use crate::tool::dialect::reply::{failed, given, invalid};

const WHAT: &str = "an event of an Anthropic message";

#[derive(Clone, Default)]
pub(super) struct Blocks {
    message: Map<String, Value>,
    blocks: BTreeMap<u64, Block>,
    is_complete: bool,
}

#[derive(Clone)]
struct Block {
    fields: Map<String, Value>,
    /// The pieces of its input.
    input: String,
}

impl Blocks {
    pub(super) fn push(&mut self, event: &Value) -> Result<()> {
        let Value::Object(event) = event else { return Err(invalid(WHAT, "it is not an object")) };
        let index = event.get("index").and_then(Value::as_u64).unwrap_or(0);
        let object = |key: &str| event.get(key).and_then(Value::as_object);
        match event.get("type").and_then(Value::as_str) {
            Some("error") => return Err(failed(WHAT, event.get("error").unwrap_or(&Value::Null))),
            Some("message_start") => {
                let message = object("message").ok_or_else(|| invalid(WHAT, "message_start has no `message`"))?;
                self.begin(message);
            }
            // A server that does not stream gives the whole message.
            Some("message") => {
                self.begin(event);
                self.is_complete = true;
            }
            Some("content_block_start") => {
                let block = object("content_block").ok_or_else(|| invalid(WHAT, "it has no `content_block`"))?;
                self.blocks.insert(index, Block { fields: block.clone(), input: String::new() });
            }
            Some("content_block_delta") => {
                let delta = object("delta").ok_or_else(|| invalid(WHAT, "it has no `delta`"))?;
                let block = self.blocks.get_mut(&index);
                block.ok_or_else(|| invalid(WHAT, &format!("block {index} was not begun")))?.continued(delta);
            }
            Some("message_delta") => {
                if let Some(delta) = object("delta") {
                    set(&mut self.message, delta);
                }
                // Counts are totals.
                if let (Some(usage), Value::Object(known)) =
                    (object("usage"), self.message.entry("usage").or_insert_with(|| Value::Object(Map::new())))
                {
                    set(known, usage);
                }
                self.is_complete |= given(&self.message, "stop_reason").is_some();
            }
            Some("message_stop") => self.is_complete = true,
            // Further kinds may come at any time, by the vendor's word.
            Some(_) => {}
            None => match given(event, "error") {
                Some(error) => return Err(failed(WHAT, error)),
                None => return Err(invalid(WHAT, "it has no `type`")),
            },
        }
        Ok(())
    }

    fn begin(&mut self, message: &Map<String, Value>) {
        self.message = message.clone();
        let content = self.message.shift_remove("content");
        for (index, block) in (0..).zip(content.as_ref().and_then(Value::as_array).into_iter().flatten()) {
            if let Value::Object(fields) = block {
                self.blocks.insert(index, Block { fields: fields.clone(), input: String::new() });
            }
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    pub(super) fn response(&self) -> Value {
        let mut message = Map::new();
        message.put("type", "message");
        message.put("role", "assistant");
        set(&mut message, &self.message);
        message.put("content", self.blocks.values().map(Block::whole).collect::<Value>());
        Value::Object(message)
    }
}

impl Block {
    fn continued(&mut self, delta: &Map<String, Value>) {
        for (key, value) in delta {
            match (key.as_str(), value) {
                ("type", _) => {}
                ("partial_json", Value::String(more)) => self.input.push_str(more),
                ("signature", value) => {
                    self.fields.put(key, value.clone());
                }
                ("citation", value) => join(&mut self.fields, "citations", &Value::Array(vec![value.clone()])),
                _ => join(&mut self.fields, key, value),
            }
        }
    }

    /// Input that is no JSON stays a text, so that its call is answered with what is wrong with it.
    fn whole(&self) -> Value {
        let mut fields = self.fields.clone();
        if !self.input.trim().is_empty() {
            let input = serde_json::from_str(&self.input).unwrap_or_else(|_| Value::from(self.input.as_str()));
            fields.put("input", input);
        }
        Value::Object(fields)
    }
}
