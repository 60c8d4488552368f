//! A schema that the skill's author declares (`input_schema`): judged once, at load.
//!
//! A broken declaration is the author's fault and not the host's: the caller turns the error into a diagnostic and
//! falls back to what the script's source says.

use serde_json::{Map, Value, json};

use super::Schema;
use crate::error::Result;

/// Compiles a declared schema. A map of property names to schemas without a root (`{"city": {"type": "string"}}`), which
/// authors write for short, is understood as the properties of an object. Errors are those of [`Schema::compile`].
pub fn compile(declared: &Value) -> Result<Schema> {
    if let Some(properties) = shorthand(declared) {
        return Schema::compile(json!({"type": "object", "properties": properties}));
    }
    Schema::compile(declared.clone())
}

/// The properties, when the document is a bare map of them: no keyword of a root, and every value a typed schema.
fn shorthand(declared: &Value) -> Option<&Map<String, Value>> {
    let map = declared.as_object()?;
    let is_bare = !map.is_empty()
        && !["properties", "$schema", "$ref", "anyOf", "oneOf", "allOf"]
            .iter()
            .any(|keyword| map.contains_key(*keyword))
        && map
            .values()
            .all(|value| value.as_object().is_some_and(|schema| schema.get("type").is_some_and(Value::is_string)));
    is_bare.then_some(map)
}
