//! JSON-RPC messages of the Model Context Protocol: nothing in them is cut, they only come one after another.

use serde_json::Value;

use crate::error::Result;
use crate::tool::dialect::mcp::is_call;
use crate::tool::dialect::reply::invalid;

#[derive(Clone, Default)]
pub(super) struct Messages {
    calls: Vec<Value>,
}

impl Messages {
    /// Keeps the messages that ask for a tool; others are not for this library.
    pub(super) fn push(&mut self, message: &Value) -> Result<()> {
        match message {
            Value::Array(messages) if messages.iter().all(Value::is_object) => {
                self.calls.extend(messages.iter().filter(|message| is_call(message)).cloned());
            }
            Value::Object(_) => self.calls.extend(is_call(message).then(|| message.clone())),
            _ => return Err(invalid("a JSON-RPC message", "it is not an object")),
        }
        Ok(())
    }

    pub(super) fn is_complete(&self) -> bool {
        !self.calls.is_empty()
    }

    pub(super) fn response(&self) -> Value {
        match self.calls.as_slice() {
            [only] => only.clone(),
            calls => Value::Array(calls.to_vec()),
        }
    }
}
