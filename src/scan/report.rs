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

impl Report {
    /// Adds the findings of one file, of which `omitted` more are alike.
    pub(super) fn add(&mut self, findings: Vec<Finding>, omitted: usize) {
        self.findings.extend(findings);
        self.omitted += omitted;
        if self.findings.len() > 2 * FINDINGS {
            self.settle();
        }
    }

    pub(super) fn skip(&mut self, file: &str, reason: impl Into<String>) {
        self.skipped.push(Skipped { file: file.to_owned(), reason: reason.into() });
    }

    /// Puts the worst first and leaves out what is too much.
    pub(super) fn settle(&mut self) {
        self.findings.sort_by(|a, b| {
            b.severity
                .cmp(&a.severity)
                .then_with(|| (&a.file, a.line, a.column, &a.rule).cmp(&(&b.file, b.line, b.column, &b.rule)))
        });
        self.omitted += self.findings.len().saturating_sub(FINDINGS);
        self.findings.truncate(FINDINGS);
        self.highest = self.findings.first().map(|finding| finding.severity);
    }
}
