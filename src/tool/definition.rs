//! What an LLM is told of a tool, whatever stands behind it: a script of a skill, or the library itself.

use serde_json::Value;

use super::Tool;

/// A tool's name, description and schema, borrowed from whatever they belong to.
#[derive(Clone, Copy, Debug)]
pub struct Definition<'t> {
    /// The name that the LLM calls: `^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$`.
    pub name: &'t str,
    /// What it does; dialects cut it to [`super::DESCRIPTION_BYTES`].
    pub description: &'t str,
    /// The JSON Schema of its arguments; its root is an object.
    pub parameters: &'t Value,
}

impl<'t> From<&'t Tool> for Definition<'t> {
    fn from(tool: &'t Tool) -> Self {
        Self { name: &tool.name, description: &tool.description, parameters: tool.parameters() }
    }
}
