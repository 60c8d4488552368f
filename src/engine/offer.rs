//! What an agent takes from an engine: the tools that it offers to a model, and calls of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::{Call, CallOptions, Engine, catalogue};
use crate::error::Result;
use crate::tool::dialect::Dialect;

/// Some of an engine's tools.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offer {
    /// The `tools` of a request.
    pub(crate) definitions: Value,
    /// The name of each tool, and the skill that it belongs to.
    pub(crate) tools: BTreeMap<String, String>,
}

impl Engine {
    /// The tools whose names are `chosen`.
    pub(crate) fn offer(&self, dialect: Dialect, chosen: &dyn Fn(&str) -> bool) -> Result<Offer> {
        let snapshot = self.snapshot()?;
        let tools: Vec<_> = snapshot.tools().map(Arc::as_ref).filter(|tool| chosen(&tool.name)).collect();
        Ok(Offer {
            definitions: dialect.definitions(&tools),
            tools: tools.iter().map(|tool| (tool.name.clone(), tool.skill.name.clone())).collect(),
        })
    }

    /// The skills whose tools are given out: an array of objects with at least `name` and `description`.
    pub(crate) fn enabled_skills(&self) -> Result<Value> {
        let mut skills = catalogue::skills(&*self.snapshot()?);
        if let Value::Array(skills) = &mut skills {
            skills.retain(|skill| skill["is_enabled"] == true);
        }
        Ok(skills)
    }

    /// Whether a tool takes these arguments; the error is for the model.
    pub(crate) fn judge(&self, tool: &str, arguments: &Value) -> Result<()> {
        self.snapshot()?.tool(tool)?.1.prepare(arguments).map(drop)
    }

    /// Starts a call, as [`Engine::call`] does.
    pub(crate) fn begin(&self, tool: &str, arguments: &Value, options: CallOptions) -> Result<Arc<Call>> {
        self.start(&*self.snapshot()?, tool, arguments, options)
    }
}
