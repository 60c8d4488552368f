//! The one retry for YAML that people write and parsers refuse: `description: Use when: asked`, `hint: [a] [b]`, `by: @me`.
//!
//! Each top-level entry is tried alone; what does not parse alone is put in single quotes. The line count stays the same, so
//! later messages still name the right line.

use super::yaml;

/// More entries, or more lines in one, are not repaired: each is parsed on its own.
const MAX_ENTRIES: usize = 256;

#[derive(Debug)]
pub(super) struct Repaired {
    pub yaml: String,
    /// What was quoted: key and line from 1 in the text.
    pub quoted: Vec<(String, usize)>,
}

/// Quotes the entries that do not parse; `None` where there is nothing to quote.
pub(super) fn quote(text: &str) -> Option<Repaired> {
    let mut entries: Vec<(usize, Vec<&str>)> = Vec::new();
    for (number, line) in (1..).zip(text.split('\n')) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let continues = line.is_empty() || line.starts_with([' ', '\t', '#']) || line.starts_with("- ");
        match entries.last_mut() {
            Some((_, lines)) if continues => lines.push(line),
            _ => entries.push((number, vec![line])),
        }
        if entries.len() > MAX_ENTRIES {
            return None;
        }
    }
    let mut quoted = Vec::new();
    let mut repaired: Vec<String> = Vec::new();
    for (number, lines) in entries {
        let entry = lines.join("\n");
        if yaml::parse_mapping(&entry).is_ok() {
            repaired.push(entry);
        } else if let Some((key, fixed)) = quote_value(&lines) {
            quoted.push((key, number));
            repaired.push(fixed);
        } else {
            repaired.push(quote_nested(&lines, number, &mut quoted));
        }
    }
    (!quoted.is_empty()).then(|| Repaired { yaml: repaired.join("\n"), quoted })
}

/// `key: value` with all its continuation lines as one quoted text.
fn quote_value(lines: &[&str]) -> Option<(String, String)> {
    let (first, rest) = lines.split_first()?;
    let (key, value) = key_and_value(first)?;
    let filled = rest.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
    let (text, blank) = rest.split_at_checked(filled)?;
    let mut value = std::iter::once(value).chain(text.iter().copied()).collect::<Vec<_>>().join("\n");
    for mark in ['"', '\''] {
        let inner = value.strip_prefix(mark).and_then(|inner| inner.trim_end().strip_suffix(mark));
        if let Some(inner) = inner {
            value = inner.to_string();
            break;
        }
    }
    if !is_closed(&value) {
        return None;
    }
    let mut fixed = format!("{key}: '{}'", value.trim_end().replace('\'', "''"));
    for line in blank {
        fixed.push('\n');
        fixed.push_str(line);
    }
    Some((key.trim().to_string(), fixed))
}

/// A bracket or quote that is never closed is a slip, not a text: nobody can tell where it was meant to end.
fn is_closed(value: &str) -> bool {
    let mut rest = value.chars();
    let closing = match rest.next() {
        Some('[') => ']',
        Some('{') => '}',
        Some(mark @ ('"' | '\'')) => mark,
        _ => return true,
    };
    rest.any(|c| c == closing)
}

/// The same for the lines below `key:`, each on its own.
fn quote_nested(lines: &[&str], first: usize, quoted: &mut Vec<(String, usize)>) -> String {
    if lines.len() > MAX_ENTRIES {
        return lines.join("\n");
    }
    let mut fixed = Vec::with_capacity(lines.len());
    for (number, line) in (first..).zip(lines) {
        let breaks = line.starts_with(' ') && yaml::parse_mapping(line.trim()).is_err();
        match breaks.then(|| quote_value(std::slice::from_ref(line))).flatten() {
            Some((key, repaired)) => {
                quoted.push((key, number));
                fixed.push(repaired);
            }
            None => fixed.push((*line).to_string()),
        }
    }
    fixed.join("\n")
}

/// `key` (with its indentation) and a non-empty value that is neither a block scalar nor an anchor.
fn key_and_value(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(": ")?;
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | '/');
    let value = value.trim();
    let usable = !key.trim().is_empty() && key.chars().all(is_plain) && !key.trim_start().starts_with("- ");
    (usable && !value.is_empty() && !value.starts_with(['|', '>', '#', '&'])).then_some((key, value))
}
