//! Judging a call's arguments against a schema, before anything starts.
//!
//! With the feature `validation` this is JSON Schema 2020-12 by the crate `boon`, with a loader that refuses every
//! document: no file and no URL is ever read. Without it, `required`, `type`, `enum` and `additionalProperties` are judged
//! by a small built-in check. Either way a message names the JSON pointer, what was expected and what came.

use std::fmt;
use std::sync::OnceLock;

use serde_json::Value;

use crate::error::{Error, Result, Status};
use crate::schema::{MESSAGE_BYTES, SCHEMA_BYTES, bounds};

#[cfg(any(test, not(feature = "validation")))]
mod builtin;
#[cfg(feature = "validation")]
mod full;

#[cfg(not(feature = "validation"))]
use builtin::Judge;
#[cfg(feature = "validation")]
use full::Judge;

/// A JSON Schema of an object, compiled and ready to judge.
pub struct Schema {
    value: Value,
    /// What judges; `None` accepts every object. Made with the schema, or when it is first needed.
    judge: OnceLock<Result<Option<Judge>, String>>,
}

impl Schema {
    /// Compiles a schema document whose root describes an object. Fails with [`Status::SkillInvalid`] when it is no
    /// object schema, larger than 64 KiB, refers to other documents or to itself, or has an invalid keyword.
    pub fn compile(value: Value) -> Result<Self> {
        let schema = Self::compiled_later(value)?;
        match schema.judge() {
            Ok(_) => Ok(schema),
            Err(why) => Err(invalid(why)),
        }
    }

    /// The same for a schema that was compiled before: what costs time is left to the first call.
    pub(crate) fn compiled_later(value: Value) -> Result<Self> {
        let Some(root) = value.as_object() else {
            return Err(invalid(&format!("it must be a JSON object, not {}", kind(&value))));
        };
        match root.get("type") {
            Some(Value::String(name)) if name == "object" => {}
            None if root.contains_key("properties") => {}
            _ => return Err(invalid("its root must have \"type\": \"object\"")),
        }
        bounds::check(&value).map_err(|why| invalid(&why))?;
        if value.to_string().len() > SCHEMA_BYTES {
            return Err(invalid(&format!("it is larger than {SCHEMA_BYTES} bytes")));
        }
        Ok(Self { value, judge: OnceLock::new() })
    }

    fn judge(&self) -> &Result<Option<Judge>, String> {
        let compile = || Judge::compile(&self.value).map(Some).map_err(|why| clip(&why, MESSAGE_BYTES));
        self.judge.get_or_init(compile)
    }

    /// The schema that accepts every object; what is left when nothing else can be compiled.
    pub fn anything() -> Self {
        Self { value: serde_json::json!({"type": "object"}), judge: OnceLock::from(Ok(None)) }
    }

    /// The schema document as it was given.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Judges arguments. The error is [`Status::InvalidArguments`] with one line of at most
    /// [`MESSAGE_BYTES`] bytes that names each failing JSON pointer, what was expected and what came.
    pub fn validate(&self, arguments: &Value) -> Result<()> {
        let judge = match self.judge() {
            Ok(Some(judge)) => judge,
            Ok(None) => return Ok(()),
            Err(why) => return Err(invalid(why)),
        };
        let mut problems = judge.judge(&self.value, arguments);
        if problems.is_empty() {
            return Ok(());
        }
        problems.sort_unstable();
        problems.dedup();
        let mut message = String::new();
        for (index, problem) in problems.iter().enumerate() {
            let part = format!("{}{}", if index == 0 { "" } else { "; " }, clip(problem, 240));
            if message.len() + part.len() > MESSAGE_BYTES - 24 {
                message.push_str(&format!("; and {} more", problems.len() - index));
                break;
            }
            message.push_str(&part);
        }
        Err(Error::new(Status::InvalidArguments, message))
    }
}

fn invalid(why: &str) -> Error {
    Error::new(Status::SkillInvalid, format!("the schema is unusable: {why}"))
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.value).finish()
    }
}

/// The JSON type name of a value, for messages.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A value for a message: scalars with their text, clipped; containers by their kind.
pub(crate) fn show(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) | Value::Null => kind(value).to_owned(),
        _ => format!("{} {}", kind(value), clip(&value.to_string(), 60)),
    }
}

/// A list of names for a message, clipped after twelve.
pub(crate) fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<String> = names.into_iter().map(|name| format!("`{}`", clip(name, 60))).collect();
    match all.get(..12) {
        Some(first) if all.len() > 12 => format!("{} and {} more", first.join(", "), all.len() - 12),
        _ if all.is_empty() => "none".to_owned(),
        _ => all.join(", "),
    }
}

/// The text, cut at a character boundary to at most `bytes` bytes with `…` where something is missing.
pub(crate) fn clip(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let mut end = bytes.saturating_sub('…'.len_utf8());
    while end > 0 && !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", text.get(..end).unwrap_or(""))
}
