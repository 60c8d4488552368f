//! Builds with the scan.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use crate::engine::document::{Section, excerpt, invalid};
use crate::engine::snapshot::Entry;
use crate::error::{Error, Result, Status};
use crate::scan::{Report, Rule, Scanner, Severity, built_in, host_rules};

const KEYS: &[&str] = &["deny", "rules", "except"];

/// The report on a skill, once it is made. A skill that changes on disk is another entry.
pub(in crate::engine) type Memory = OnceLock<Report>;

/// What the policy says about findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Settings {
    /// Calls of skills with such a finding, or a worse one, are refused.
    deny: Option<Severity>,
    /// The host's own rules.
    own: Vec<Rule>,
    /// Rules that are not applied, by name.
    except: Vec<String>,
}

impl Settings {
    /// Reads `scan` of the policy.
    pub(in crate::engine) fn read(policy: &Section<'_>) -> Result<Self> {
        let Some(section) = policy.section("scan", KEYS)? else { return Ok(Self::default()) };
        let names: Vec<_> = Severity::ALL.iter().map(|severity| severity.name()).collect();
        let deny = section.choice("deny", &names, Severity::from_name)?;
        let own = match section.map("rules")? {
            None => Vec::new(),
            Some(rules) => {
                let written: Map<String, Value> =
                    rules.entries().map(|(id, value)| (id.to_owned(), value.clone())).collect();
                host_rules(&written).map_err(|complaint| invalid("policy.scan.rules", complaint))?
            }
        };
        let except: Vec<String> = section.texts("except")?.unwrap_or_default().into_iter().map(str::to_owned).collect();
        let settings = Self { deny, own, except };
        settings.check_names()?;
        Ok(settings)
    }

    /// A name that no rule has would pass unseen; one that two have would make reports ambiguous.
    fn check_names(&self) -> Result<()> {
        if self.own.is_empty() && self.except.is_empty() {
            return Ok(());
        }
        let known = built_in()?;
        let is_known = |id: &str| known.iter().any(|rule| rule.id == id);
        if let Some(rule) = self.own.iter().find(|rule| is_known(&rule.id)) {
            let complaint = format!("names '{}', which is a rule of the library; choose another name", rule.id);
            return Err(invalid("policy.scan.rules", complaint));
        }
        match self.except.iter().find(|id| !is_known(id)) {
            Some(id) => {
                Err(invalid("policy.scan.except", format_args!("names '{}'; there is no such rule", excerpt(id))))
            }
            None => Ok(()),
        }
    }
}

/// Who scans for an engine: the policy, and the rules once they are needed.
pub(in crate::engine) struct Inspector {
    settings: Settings,
    scanner: OnceLock<Scanner>,
}

impl Inspector {
    /// One that has read no rule yet.
    pub(in crate::engine) fn new(settings: Settings) -> Self {
        Self { settings, scanner: OnceLock::new() }
    }

    fn scanner(&self) -> Result<&Scanner> {
        if let Some(scanner) = self.scanner.get() {
            return Ok(scanner);
        }
        let mut rules = built_in()?;
        rules.retain(|rule| !self.settings.except.contains(&rule.id));
        rules.extend(self.settings.own.iter().cloned());
        Ok(self.scanner.get_or_init(|| Scanner::new(rules)))
    }

    fn scanned<'e>(&self, entry: &'e Entry) -> Result<&'e Report> {
        if let Some(report) = entry.scanned.get() {
            return Ok(report);
        }
        let report = self.scanner()?.scan(&entry.skill)?;
        Ok(entry.scanned.get_or_init(|| report))
    }

    /// The report on a skill as a document, and whether its calls are refused because of it.
    pub(in crate::engine) fn report(&self, entry: &Entry) -> Result<Value> {
        let report = self.scanned(entry)?;
        Ok(json!({
            "skill": entry.skill.name,
            "digest": entry.skill.digest,
            "is_denied": self.complaint(report).is_some(),
            "highest": report.highest,
            "files_scanned": report.files_scanned,
            "findings": report.findings,
            "omitted": report.omitted,
            "skipped": report.skipped,
        }))
    }

    /// [`Status::ScanDenied`] for a skill with a finding that the policy denies. Without such a policy nothing is scanned.
    pub(in crate::engine) fn check(&self, entry: &Entry) -> Result<()> {
        if self.settings.deny.is_none() {
            return Ok(());
        }
        match self.complaint(self.scanned(entry)?) {
            None => Ok(()),
            Some(complaint) => Err(Error::new(
                Status::ScanDenied,
                format!("skill '{}' is denied by policy.scan: {complaint}", excerpt(&entry.skill.name)),
            )),
        }
    }

    /// Why the policy denies a skill with this report. What could not be scanned could hold anything.
    fn complaint(&self, report: &Report) -> Option<String> {
        let deny = self.settings.deny?;
        if let Some(worst) = report.findings.first().filter(|worst| worst.severity >= deny) {
            return Some(format!(
                "{} ({}) at {}:{}: {} {} To allow it, deny above '{}' or name the rule in policy.scan.except",
                worst.rule,
                worst.severity,
                excerpt(&worst.file),
                worst.line,
                worst.reason,
                worst.remedy,
                worst.severity,
            ));
        }
        let skipped = report.skipped.first()?;
        Some(format!(
            "{} was not scanned: {}; take it out of the skill, or deny nothing",
            excerpt(&skipped.file),
            skipped.reason
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::document::parse;

    fn read(scan: &Value) -> Result<Settings> {
        let document = parse(&json!({ "scan": scan }).to_string(), "the config", Status::InvalidConfig)?;
        Settings::read(&Section::open("policy", &document, &["scan"])?)
    }

    fn rule(query: &str) -> Value {
        json!({ "acme.rule": { "severity": "low", "reason": "r", "python": query } })
    }

    #[test]
    fn settings_are_read() {
        let rules = rule("((identifier) @found (#eq? @found \"acme\"))");
        let settings = read(&json!({ "deny": "high", "except": ["dotenv"], "rules": rules })).unwrap();
        assert_eq!(settings.deny, Some(Severity::High));
        assert_eq!((settings.own.len(), settings.own[0].id.as_str()), (1, "acme.rule"));
        assert_eq!(settings.except, ["dotenv"]);
        assert_eq!(read(&Value::Null).unwrap(), Settings::default());
        assert_eq!(read(&json!({})).unwrap(), Settings::default());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let unknown = json!({ "x": { "severity": "low", "reason": "r", "python": "(call) @found", "y": "z" } });
        let bare = json!({ "x": { "severity": "low", "reason": "r" } });
        let taken = json!({ "dotenv": rule("(call) @found")["acme.rule"] });
        let rows: &[(Value, &[&str])] = &[
            (json!(true), &["'policy.scan'", "object"]),
            (json!({ "deny": "fatal" }), &["'policy.scan.deny'", "fatal", "critical"]),
            (json!({ "allow": [] }), &["policy.scan.allow", "deny, rules, except"]),
            (json!({ "except": ["nothing"] }), &["'policy.scan.except'", "nothing"]),
            (json!({ "rules": [] }), &["'policy.scan.rules'", "object"]),
            (json!({ "rules": { "x": 1 } }), &["'policy.scan.rules'", "'x'"]),
            (json!({ "rules": unknown }), &["'policy.scan.rules'", "'x'", "unknown key 'y'"]),
            (json!({ "rules": bare }), &["'x'", "a query"]),
            (json!({ "rules": { "x": { "severity": "worst" } } }), &["'x'", "'worst'"]),
            (json!({ "rules": rule("(nothing) @found") }), &["'acme.rule'", "wrong at byte 1"]),
            (json!({ "rules": rule("(call)") }), &["'acme.rule'", "@found"]),
            (json!({ "rules": rule("((call) @found (#has-parent? @found call))") }), &["'acme.rule'", "condition"]),
            (json!({ "rules": rule("((call) @found (#match? @found \"(\"))") }), &["'acme.rule'", "wrong at"]),
            (json!({ "rules": taken }), &["'policy.scan.rules'", "dotenv", "another name"]),
        ];
        for (scan, needles) in rows {
            let error = read(scan).unwrap_err();
            assert_eq!(error.status, Status::InvalidConfig, "{error}");
            for needle in *needles {
                assert!(error.message.contains(needle), "'{needle}' is not in: {error}");
            }
        }
    }
}
