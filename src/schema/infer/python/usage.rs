//! Usage lines, as people write them: `usage: tool.py <input> [output] [--force] [--level N]`.
//!
//! One line is understood; several forms, commands and nested choices are not, and give nothing. What is read here is the
//! command line itself, where docopt or the script goes by it; the room's own `usage` only looks up words for arguments that
//! code has shown.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::value::HOLE;
use crate::schema::infer::cli::{Arg, Takes};

/// The most words and options of one usage line.
pub(super) const PARTS: usize = 32;

/// What a usage line names.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Usage {
    pub(super) words: Vec<Word>,
    pub(super) options: Vec<Switch>,
}

/// A positional.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Word {
    pub(super) name: String,
    pub(super) is_optional: bool,
    pub(super) is_repeated: bool,
    pub(super) choices: Vec<Value>,
}

/// An option, with the name of its value where it takes one.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Switch {
    pub(super) flags: Vec<String>,
    pub(super) value: Option<String>,
    pub(super) default: Option<String>,
    pub(super) choices: Vec<Value>,
    pub(super) is_required: bool,
    pub(super) help: String,
}

impl Word {
    /// What it takes.
    pub(super) fn takes(&self) -> Takes {
        if self.is_repeated { Takes::Many } else { Takes::One }
    }
}

impl Switch {
    pub(super) fn argument(&self) -> Arg {
        let flag = self.flags.iter().find(|flag| flag.starts_with("--")).or(self.flags.first());
        let dest = flag.map_or("", |flag| flag.trim_start_matches('-')).replace('-', "_");
        let base = Arg { flags: self.flags.clone(), dest, help: self.help.clone(), ..Arg::default() };
        match &self.value {
            Some(_) => Arg {
                default: self.default.clone().map(Value::String),
                choices: self.choices.clone(),
                is_required: self.is_required,
                ..base
            },
            None => Arg { takes: Takes::Constant(Value::Bool(true)), default: Some(json!(false)), ..base },
        }
    }
}

/// Whether a text tells a usage.
pub(super) fn is_usage(text: &str) -> bool {
    start(text).is_some()
}

/// Where the text after `usage:` starts.
fn start(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    lower.match_indices("usage").find_map(|(at, word)| {
        let after = lower.get(at + word.len()..)?;
        let blank = after.len() - after.trim_start_matches([' ', '\t']).len();
        let colon = after.get(blank..)?.chars().next()?;
        matches!(colon, ':' | '：').then_some(at + word.len() + blank + colon.len_utf8())
    })
}

/// Reads the first usage line of a text; `None` when there are several different ones, or one that is not understood.
pub(super) fn parse(text: &str) -> Option<Usage> {
    let rest = text.get(start(text)?..)?;
    let (first, others) = rest.split_once('\n').unwrap_or((rest, ""));
    let following: Vec<&str> = others
        .lines()
        .map(str::trim)
        .skip_while(|line| line.is_empty() && first.trim().is_empty())
        .take_while(|line| !line.is_empty())
        .collect();
    let line = if first.trim().is_empty() { following.first().copied()? } else { first.trim() };
    let program = tokens(line).into_iter().find(|token| is_script(token));
    let others = if first.trim().is_empty() { following.get(1..).unwrap_or_default() } else { following.as_slice() };
    let is_form = |line: &&str| {
        let words = tokens(line);
        program.as_ref().is_some_and(|program| words.iter().take(3).any(|word| word == program))
    };
    if others.iter().any(is_form) {
        return None;
    }
    pattern(line)
}

/// The tokens of a usage line: brackets, bars and dots stand alone.
fn tokens(line: &str) -> VecDeque<String> {
    let mut spaced = String::with_capacity(line.len() * 2);
    let mut is_named = false;
    for c in line.replace("...", "…").chars() {
        match c {
            '<' => is_named = true,
            '>' => is_named = false,
            _ => {}
        }
        if !is_named && matches!(c, '[' | ']' | '(' | ')' | '{' | '}' | '|' | '…') {
            spaced.extend([' ', c, ' ']);
        } else if is_named && c == ' ' {
            spaced.push('_');
        } else {
            spaced.push(c);
        }
    }
    spaced.split_whitespace().map(|token| token.trim_matches(['`', '"', '\'', ',']).to_owned()).collect()
}

fn is_script(token: &str) -> bool {
    token.contains(".py") || token.contains(HOLE) || token.contains("%(prog)s") || token == "$0"
}

fn pattern(line: &str) -> Option<Usage> {
    let mut tokens = tokens(line);
    // How to use a module is no command line.
    if tokens.front().is_some_and(|first| matches!(first.as_str(), "from" | "import" | ">>>")) {
        return None;
    }
    // The interpreter and the script; without a known one, the first word.
    match tokens.iter().position(|token| is_script(token)) {
        Some(at) if at < 5 => drop(tokens.drain(..=at)),
        _ => drop(tokens.pop_front()),
    }
    let mut usage = Usage::default();
    let mut depth = 0usize;
    while let Some(token) = tokens.pop_front() {
        if usage.words.len() + usage.options.len() > PARTS {
            return None;
        }
        let is_after_word = usage.words.last().is_some();
        match token.as_str() {
            "[" => {
                depth += 1;
                if let Some(word) = placeholder(&mut tokens) {
                    usage.words.push(word);
                }
            }
            "]" => depth = depth.saturating_sub(1),
            "…" if is_after_word => {
                if let Some(word) = usage.words.last_mut() {
                    word.is_repeated = true;
                }
            }
            // Alternatives of flags stand for themselves, those of words for several forms.
            "|" if depth > 0 => {}
            "(" | ")" | "{" | "}" | "|" => return None,
            "#" | "-" | "--" | "—" => break,
            "options" | "OPTIONS" | "flags" | "<options>" if depth > 0 => {}
            flag if flag.starts_with('-') => {
                let (name, glued) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
                if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
                    return None;
                }
                let choices = if glued.is_none() { alternatives(&mut tokens) } else { None };
                let value = match (glued, &choices) {
                    (Some(value), _) => Some(value.to_owned()),
                    (None, Some(_)) => Some("choice".to_owned()),
                    (None, None) => tokens.front().filter(|next| is_value(next)).cloned(),
                };
                if glued.is_none() && choices.is_none() && value.is_some() {
                    tokens.pop_front();
                }
                if !matches!(name, "-h" | "--help") {
                    usage.options.push(Switch {
                        flags: vec![name.to_owned()],
                        value,
                        choices: choices.unwrap_or_default(),
                        is_required: depth == 0,
                        ..Switch::default()
                    });
                }
            }
            word => usage.words.push(positional(word, depth > 0)?),
        }
    }
    Some(usage)
}

fn is_plain(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_lowercase())
        && token.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// Takes `a|b|c` from the front; nothing where there is one word alone.
fn alternatives(tokens: &mut VecDeque<String>) -> Option<Vec<Value>> {
    let mut count = 0;
    while tokens.get(2 * count).is_some_and(|token| is_plain(token)) {
        count += 1;
        if tokens.get(2 * count - 1).is_none_or(|token| token != "|") {
            break;
        }
    }
    if count < 2 {
        return None;
    }
    let taken: Vec<String> = tokens.drain(..2 * count - 1).collect();
    Some(taken.into_iter().filter(|token| token != "|").map(Value::String).collect())
}

/// Takes what stands in brackets from the front, where it is a choice of words or a name of several.
fn placeholder(tokens: &mut VecDeque<String>) -> Option<Word> {
    if let Some(choices) = alternatives(tokens) {
        return Some(Word { name: "mode".to_owned(), is_optional: true, choices, ..Word::default() });
    }
    let end = tokens.iter().position(|token| token == "]")?;
    if end < 2 || !tokens.iter().take(end).all(|token| is_plain(token)) {
        return None;
    }
    let name = tokens.drain(..end).collect::<Vec<_>>().join("_").replace('-', "_");
    Some(Word { name, is_optional: true, ..Word::default() })
}

/// Whether a token after a flag is the name of its value.
fn is_value(token: &str) -> bool {
    let is_upper = token.len() > 1 || token == "N";
    token.starts_with('<')
        || is_upper && token.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
}

fn positional(token: &str, is_optional: bool) -> Option<Word> {
    let inner = token.trim_matches(['<', '>']);
    if token.starts_with('<') && inner.contains('|') {
        let choices = inner.split('|').map(|choice| json!(choice.trim())).collect();
        return Some(Word { name: "mode".to_owned(), is_optional, choices, ..Word::default() });
    }
    // An example in place of a name: `report.csv` is called "report".
    let stem = inner.split(['.', '/', ':', '=']).find(|part| !part.is_empty())?;
    let name = stem.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let name = name.trim_matches('_').to_owned();
    if name.is_empty() || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    Some(Word { name, is_optional, ..Word::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_lines_are_read() {
        // Words as name, `?` when optional, `*` when repeated; options as flag, `=` with a value, `!` when required.
        let rows: [(&str, Option<&str>); 18] = [
            ("Usage:\n    from tool import run", None),
            ("Usage: tool.py [input pdf] [output directory]", Some("input_pdf? output_directory?")),
            ("Usage: tool.py <dir> [--audience public|private|auto]", Some("dir --audience=")),
            ("Usage: tool.py [fast|slow] [more] [options]", Some("mode? more?")),
            ("Usage: tool.py <input> [output]", Some("input output?")),
            ("usage: python3 scripts/tool.py INPUT-FILE", Some("input_file")),
            ("Usage:\n    python tool.py <a> <b>...\n\nMore", Some("a b*")),
            ("Usage: \u{f8ff} <file> [--json] [--limit N] --out <dir>", Some("file --json --limit= --out=!")),
            ("USAGE: tool <file name> [options]", Some("file_name")),
            ("Usage: tool.py <encode|decode> text", Some("mode text")),
            ("Usage: tool.py data.csv", Some("data")),
            ("Usage: tool.py [-h] [--level=<n>] FILE...", Some("file* --level=")),
            ("Usage: tool.py a\n  tool.py b", None),
            ("Usage: tool.py (add|remove) <name>", None),
            ("Usage: tool.py add | remove", None),
            ("usage", None),
            ("The usage of this is simple", None),
            ("Usage:", None),
        ];
        for (text, want) in rows {
            let got = parse(text).map(|usage| {
                let word = |word: &Word| {
                    format!(
                        "{}{}{}",
                        word.name,
                        if word.is_optional { "?" } else { "" },
                        if word.is_repeated { "*" } else { "" }
                    )
                };
                let option = |option: &Switch| {
                    let value = if option.value.is_some() { "=" } else { "" };
                    let need = if option.is_required { "!" } else { "" };
                    format!("{}{value}{need}", option.flags.join(","))
                };
                let words = usage.words.iter().map(word);
                words.chain(usage.options.iter().map(option)).collect::<Vec<_>>().join(" ")
            });
            assert_eq!(got.as_deref(), want, "{text}");
        }
    }
}
