//! Who decides about a call: the config at once, or the host when it comes.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::engine::{Section, excerpt, invalid};
use crate::error::Result;

/// What is done with the calls of a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Rule {
    /// They are run.
    #[default]
    Allow,
    /// The host is asked about each.
    Ask,
    /// The tool is not offered, and calls of it are answered as those of a tool that is not there.
    Deny,
}

impl Rule {
    const NAMES: &'static [&'static str] = &["allow", "ask", "deny"];

    fn parse(name: &str) -> Option<Self> {
        match name {
            "allow" => Some(Self::Allow),
            "ask" => Some(Self::Ask),
            "deny" => Some(Self::Deny),
            _ => None,
        }
    }
}

/// The rules of an agent.
#[derive(Clone, Debug, Default)]
pub(super) struct Approval {
    default: Rule,
    tools: BTreeMap<String, Rule>,
}

impl Approval {
    /// Reads `approval`: a rule for all tools, or an object with a `default` and rules for `tools` by name.
    pub(super) fn read(top: &Section<'_>) -> Result<Self> {
        let whole =
            |section: &Section<'_>, key: &str| Ok(section.choice(key, Rule::NAMES, Rule::parse)?.unwrap_or_default());
        match top.get("approval") {
            None => Ok(Self::default()),
            Some(Value::Object(_)) => {
                let Some(section) = top.section("approval", &["default", "tools"])? else { return Ok(Self::default()) };
                let mut tools = BTreeMap::new();
                if let Some(named) = section.map("tools")? {
                    for (name, value) in named.entries() {
                        let rule = Rule::parse(named.as_text(&excerpt(name), value)?).ok_or_else(|| {
                            invalid(&named.key_name(&excerpt(name)), "must be one of: allow, ask, deny")
                        })?;
                        tools.insert(name.to_owned(), rule);
                    }
                }
                Ok(Self { default: whole(&section, "default")?, tools })
            }
            Some(_) => Ok(Self { default: whole(top, "approval")?, tools: BTreeMap::new() }),
        }
    }

    /// The rule for a tool.
    pub(super) fn of(&self, tool: &str) -> Rule {
        self.tools.get(tool).copied().unwrap_or(self.default)
    }

    /// The tools that have a rule of their own.
    pub(super) fn named(&self) -> impl Iterator<Item = &str> {
        self.tools.keys().map(String::as_str)
    }
}
