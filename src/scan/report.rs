//! What a scan found, the worst first.

use serde::Serialize;

use super::severity::Severity;

/// The most findings of one skill that are told one by one.
const FINDINGS: usize = 500;

/// A place in a source where a rule matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's stable name.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// The file, relative to the skill's folder.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in that line, from 1.
    pub column: usize,
    /// The start of the line, in one line and without invisible characters.
    pub excerpt: String,
    /// Why somebody should look.
    pub reason: String,
    /// What to do then.
    pub remedy: String,
}

/// A file that may run and of which the scan cannot speak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The file, relative to the skill's folder.
    pub file: String,
    /// Why it was not read, or not to its end.
    pub reason: String,
}

/// What a scan has to say about one skill.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many sources were read to their end.
    pub files_scanned: usize,
    /// The severity of the worst finding; `None` without findings.
    pub highest: Option<Severity>,
    /// The worst first, then by file and line.
    pub findings: Vec<Finding>,
    /// How many further findings there are, none of them worse.
    pub omitted: usize,
    /// What may run and was not scanned, or not to its end.
    pub skipped: Vec<Skipped>,
}

/// A report that grows file by file.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) files_scanned: usize,
    findings: [Vec<Finding>; Severity::ALL.len()],
    omitted: usize,
    skipped: Vec<Skipped>,
}

impl Draft {
    /// Adds the findings of the next file, in the order of its lines, of which `omitted` more are alike.
    pub(super) fn add(&mut self, findings: Vec<Finding>, omitted: usize) {
        self.omitted += omitted;
        for finding in findings {
            match self.findings.get_mut(finding.severity as usize) {
                Some(alike) if alike.len() < FINDINGS => alike.push(finding),
                _ => self.omitted += 1,
            }
        }
    }

    pub(super) fn skip(&mut self, file: &str, reason: impl Into<String>) {
        self.skipped.push(Skipped { file: file.to_owned(), reason: reason.into() });
    }

    /// The worst first, as many as a report tells.
    pub(super) fn finish(self) -> Report {
        let Self { files_scanned, findings, omitted, skipped } = self;
        let mut findings: Vec<Finding> = findings.into_iter().rev().flatten().collect();
        let omitted = omitted + findings.len().saturating_sub(FINDINGS);
        findings.truncate(FINDINGS);
        let highest = findings.first().map(|worst| worst.severity);
        Report { files_scanned, highest, findings, omitted, skipped }
    }
}
