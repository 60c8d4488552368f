//! Rules as they are written: what to look for in which language, how much it matters, why, and what to do about it.

use serde_json::{Map, Value};

use super::severity::Severity;
use crate::error::{Error, Result, Status};
use crate::runtime::Language;
use crate::skill::yaml;

/// The rules of the library.
const BUILT_IN: [&str; 4] = [
    include_str!("rules/critical.yaml"),
    include_str!("rules/high.yaml"),
    include_str!("rules/medium.yaml"),
    include_str!("rules/low.yaml"),
];

/// Languages with one grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
            Self::Shell => "shell",
        }
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its stable name: `hidden-code`.
    pub id: String,
    /// How much its findings matter.
    pub severity: Severity,
    /// Why somebody should look.
    pub reason: String,
    /// What to do then.
    pub remedy: String,
    /// Whether it is pointless for a skill that declares that it needs the network.
    pub(super) is_for_undeclared_network: bool,
    /// What it looks for, by [`Family`]: a query of tree-sitter, whose capture `@found` is where.
    queries: [Option<String>; Family::ALL.len()],
}

impl Rule {
    /// What it looks for in sources of a family.
    pub(super) fn query(&self, family: Family) -> Option<&str> {
        self.queries.get(family as usize)?.as_deref()
    }

    /// The languages that it has a query for: `python`, `node`, `shell`.
    pub fn languages(&self) -> impl Iterator<Item = &'static str> {
        Family::ALL.into_iter().filter(|family| self.query(*family).is_some()).map(Family::name)
    }

    fn read(id: &str, value: &Value) -> std::result::Result<Self, String> {
        let fields = value.as_object().ok_or("must be an object")?;
        let mut rule = Self {
            id: id.to_owned(),
            severity: Severity::Info,
            reason: String::new(),
            remedy: String::new(),
            is_for_undeclared_network: false,
            queries: Default::default(),
        };
        let mut has_severity = false;
        for (key, value) in fields {
            let text = value.as_str().ok_or_else(|| format!("'{key}' must be a string"))?;
            let family = Family::ALL.into_iter().find(|family| family.name() == key);
            match (key.as_str(), family.and_then(|family| rule.queries.get_mut(family as usize))) {
                (_, Some(query)) => *query = Some(text.to_owned()),
                ("severity", _) => {
                    rule.severity =
                        Severity::from_name(text).ok_or_else(|| format!("there is no severity '{text}'"))?;
                    has_severity = true;
                }
                ("reason", _) => rule.reason = text.to_owned(),
                ("remedy", _) => rule.remedy = text.to_owned(),
                ("unless", _) if text == "network" => rule.is_for_undeclared_network = true,
                ("unless", _) => return Err("'unless' can only be \"network\"".to_owned()),
                _ => return Err(format!("unknown key '{key}'")),
            }
        }
        if !has_severity || rule.reason.is_empty() || rule.queries.iter().all(Option::is_none) {
            return Err("needs a 'severity', a 'reason' and a query: 'python', 'node' or 'shell'".to_owned());
        }
        Ok(rule)
    }
}

/// The library's own rules.
pub fn built_in() -> Result<Vec<Rule>> {
    let broken = |what: &str| Error::new(Status::Internal, format!("the library's own rules cannot be read: {what}"));
    let mut rules = Vec::new();
    for text in BUILT_IN {
        let mapping = yaml::parse_mapping(text).map_err(|failure| broken(&failure.message))?;
        for (id, value) in &mapping.entries {
            rules.push(Rule::read(id, value).map_err(|error| broken(&format!("{id}: {error}")))?);
        }
    }
    Ok(rules)
}

/// A host's own rules, by their names, each of which can be compiled. The errors name the rule.
pub fn host_rules(written: &Map<String, Value>) -> std::result::Result<Vec<Rule>, String> {
    let read = |(id, value): (&String, &Value)| {
        let named = |error| format!("'{id}': {error}");
        let rule = Rule::read(id, value).map_err(named)?;
        super::scanner::check(&rule).map_err(named)?;
        Ok(rule)
    };
    written.iter().map(read).collect()
}
