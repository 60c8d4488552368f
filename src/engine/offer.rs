//! The tools that a model is offered, whoever asks it: a host with a request of its own, or an agent, which also starts calls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::disclosure::Disclosure;
use super::disclosure::Request;
use super::{Call, CallOptions, Engine, disclosure};
use crate::error::Result;
use crate::tool::Definition;
use crate::tool::dialect::Dialect;
use crate::tool::disclosure::Generic;

/// Some of an engine's tools.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offer {
    /// The `tools` of a request.
    pub(crate) definitions: Value,
    /// The name of each tool, and the skill that it belongs to, if it belongs to one.
    pub(crate) tools: BTreeMap<String, Option<String>>,
    /// The names of the chosen scripts' own tools, whether they are in the request or run by a generic one alone.
    scripts: BTreeSet<String>,
}

impl Offer {
    /// Whether a call may come to a run of this tool.
    pub(crate) fn reaches(&self, tool: &str) -> bool {
        self.tools.contains_key(tool) || self.scripts.contains(tool)
    }
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
        let scripts = snapshot.tools().map(|tool| tool.name.clone()).filter(|name| chosen(name)).collect();
        Ok(Offer { definitions: dialect.define(&definitions), tools: owners, scripts })
    }

    /// Whether a tool takes these arguments, and then the name of the tool that a call comes to: for a generic one that runs
    /// a script it is the script's own. The error is for the model.
    pub(crate) fn judge(&self, tool: &str, arguments: &Value) -> Result<String> {
        match self.request(&*self.snapshot()?, tool, arguments, &CallOptions::default())? {
            Request::Script(asked) => Ok(asked.tool.name.clone()),
            Request::Answer { .. } => Ok(tool.to_owned()),
        }
    }

    /// Whether a call of a tool of this name may come to one of another name.
    pub(crate) fn is_indirect(&self, tool: &str) -> bool {
        Generic::from_name(tool) == Some(Generic::RunSkillScript)
    }

    /// Starts a call, as [`Engine::call`] does.
    pub(crate) fn begin(&self, tool: &str, arguments: &Value, options: CallOptions) -> Result<Arc<Call>> {
        self.start(&*self.snapshot()?, tool, arguments, options)
    }
}
