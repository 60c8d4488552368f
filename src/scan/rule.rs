//! Rules as they are written: what to look for, how much it matters, why, and what to do about it.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::severity::Severity;
use crate::error::{Error, Result, Status};
use crate::runtime::Language;
use crate::skill::yaml;

/// The rules of the library, by the language of what they read.
const BUILT_IN: [(Family, &str); 3] = [
    (Family::Python, include_str!("rules/python.yaml")),
    (Family::Node, include_str!("rules/node.yaml")),
    (Family::Shell, include_str!("rules/shell.yaml")),
];

/// Languages with one grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Family {
    Python,
    Node,
    Shell,
}

impl Family {
    pub(super) const ALL: [Self; 3] = [Self::Python, Self::Node, Self::Shell];

    /// The family of a language; `None` for one without sources.
    pub(super) fn of(language: Language) -> Option<Self> {
        match language {
            Language::Python => Some(Self::Python),
            Language::Node => Some(Self::Node),
            Language::Bash | Language::Sh => Some(Self::Shell),
            Language::Native => None,
        }
    }

    /// A language of it.
    pub(super) fn language(self) -> Language {
        match self {
            Self::Python => Language::Python,
            Self::Node => Language::Node,
            Self::Shell => Language::Bash,
        }
    }
}

/// What a skill may declare to make a rule pointless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Declaration {
    /// That it needs the network.
    Network,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its stable name: `python.hidden-code`.
    pub id: String,
    /// How much its findings matter.
    pub severity: Severity,
    /// Why somebody should look.
    pub reason: String,
    /// What to do then.
    pub remedy: String,
    /// What it looks for: a query of tree-sitter, whose capture `@found` is where.
    pub query: String,
    pub(super) family: Family,
    pub(super) unless: Option<Declaration>,
}

/// A rule without its name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    language: Option<Family>,
    severity: Severity,
    reason: String,
    #[serde(default)]
    remedy: String,
    query: String,
    unless: Option<Declaration>,
}

impl Rule {
    fn read(id: &str, value: Value, family: Option<Family>) -> std::result::Result<Self, String> {
        let written: Written = serde_json::from_value(value).map_err(|error| error.to_string())?;
        let family = family.or(written.language).ok_or("missing field `language`")?;
        let Written { severity, reason, remedy, query, unless, .. } = written;
        Ok(Self { id: id.to_owned(), severity, reason, remedy, query, family, unless })
    }
}

/// The library's own rules.
pub fn built_in() -> Result<Vec<Rule>> {
    let broken = |what: &str| Error::new(Status::Internal, format!("the library's own rules cannot be read: {what}"));
    let mut rules = Vec::new();
    for (family, text) in BUILT_IN {
        let mapping = yaml::parse_mapping(text).map_err(|failure| broken(&failure.message))?;
        for (id, value) in mapping.entries {
            rules.push(Rule::read(&id, value, Some(family)).map_err(|error| broken(&format!("{id}: {error}")))?);
        }
    }
    Ok(rules)
}

/// A host's own rules, by their names. The errors name the rule.
pub fn host_rules(written: &Map<String, Value>) -> std::result::Result<Vec<Rule>, String> {
    written
        .iter()
        .map(|(id, value)| {
            let rule = Rule::read(id, value.clone(), None).map_err(|error| format!("'{id}': {error}"))?;
            super::scanner::check(&rule).map_err(|error| format!("'{id}': {error}"))?;
            Ok(rule)
        })
        .collect()
}
