//! The tools that a model is offered, whoever asks it: a host with a request of its own, or an agent, which also starts calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::config::Disclosure;
use super::{Call, CallOptions, Engine, disclosure};
use crate::error::Result;
use crate::tool::Definition;
use crate::tool::dialect::Dialect;

/// Some of an engine's tools.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offer {
    /// The `tools` of a request.
    pub(crate) definitions: Value,
    /// The name of each tool, and the skill that it belongs to, if it belongs to one.
    pub(crate) tools: BTreeMap<String, Option<String>>,
}

impl Engine {
    /// The tools whose names are `chosen`.
    pub(crate) fn offer(&self, dialect: Dialect, chosen: &dyn Fn(&str) -> bool) -> Result<Offer> {
        let snapshot = self.snapshot()?;
        let generic = disclosure::tools(&snapshot, self.disclosure());
        let mut tools: Vec<(Definition<'_>, Option<&str>)> = generic.iter().map(|tool| (tool.into(), None)).collect();
        if self.disclosure() != Disclosure::Only {
            tools.extend(snapshot.tools().map(|tool| (Definition::from(&**tool), Some(tool.skill.name.as_str()))));
        }
        tools.retain(|(tool, _)| chosen(tool.name));
        let owners = tools.iter().map(|(tool, skill)| (tool.name.to_owned(), skill.map(str::to_owned))).collect();
        let definitions: Vec<_> = tools.into_iter().map(|(tool, _)| tool).collect();
        Ok(Offer { definitions: dialect.define(&definitions), tools: owners })
    }

    /// Whether a tool takes these arguments; the error is for the model.
    pub(crate) fn judge(&self, tool: &str, arguments: &Value) -> Result<()> {
        self.request(&*self.snapshot()?, tool, arguments, &CallOptions::default()).map(drop)
    }

    /// Starts a call, as [`Engine::call`] does.
    pub(crate) fn begin(&self, tool: &str, arguments: &Value, options: CallOptions) -> Result<Arc<Call>> {
        self.start(&*self.snapshot()?, tool, arguments, options)
    }
}
