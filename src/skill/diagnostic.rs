//! What reading a skill has to say about it: stable code, place, and a line for a person.

use std::fmt;

use serde::Serialize;

/// How much a [`Diagnostic`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Loading: the skill cannot be used. Validating: the specification is broken.
    Error,
    /// The skill works, but not all of it, or not as its author wrote it.
    Warning,
    /// Worth knowing.
    Info,
}

/// One finding about a skill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// Stable, kebab-case, for programs: `description-missing`, `yaml-invalid`, `symlink-escape`, …
    pub code: &'static str,
    /// The manifest field it is about, as written, where it is about one.
    pub field: Option<String>,
    /// The line of SKILL.md, from 1, where one is known.
    pub line: Option<usize>,
    /// One line for a person: what, where, the remedy.
    pub message: String,
}

impl Diagnostic {
    pub(super) fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Self { severity, code, field: None, line: None, message: one_line(message.into()) }
    }

    pub(super) fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    pub(super) fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    pub(super) fn info(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Info, code, message)
    }

    pub(super) fn field(mut self, field: &str) -> Self {
        self.field = Some(excerpt(field));
        self
    }

    pub(super) fn line(mut self, line: Option<usize>) -> Self {
        self.line = line;
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        write!(f, "{severity}[{}]", self.code)?;
        if let Some(line) = self.line {
            write!(f, " line {line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// A message stays one line whatever file name or YAML text went into it.
fn one_line(message: String) -> String {
    if message.chars().any(char::is_control) {
        message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    } else {
        message
    }
}

/// Characters that show nothing or change what is shown around them: zero-width, bidirectional controls, soft hyphen.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The start of a text that came from a skill, short enough for a message, with nothing in it that would disguise the rest.
pub(crate) fn excerpt(text: &str) -> String {
    const MAX_CHARS: usize = 80;
    let mut short: String =
        text.chars().take(MAX_CHARS).map(|c| if is_invisible(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        short.push('…');
    }
    one_line(short)
}
