//! How one value is spelled as a word, and which words a parser would take for something else.

use serde_json::{Number, Value};

use super::invalid;
use crate::error::Result;
use crate::schema::{ArgvSpec, Dashes, Grammar, Reading, Scalar, Values, convention, validate};

/// The values of a list; anything else stands for itself.
pub(super) fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

/// The values of a list as words, with the pointer of each for messages.
pub(super) fn words(pointer: &str, value: &Value, scalar: Scalar) -> Result<Vec<String>> {
    items(value).iter().enumerate().map(|(index, item)| word(&format!("{pointer}/{index}"), item, scalar)).collect()
}

/// One value as a word, judged for NUL here where its pointer is known.
pub(super) fn word(pointer: &str, value: &Value, scalar: Scalar) -> Result<String> {
    let text = text(value, scalar);
    if text.contains('\0') {
        return Err(invalid(format!("{pointer}: contains a NUL character, which no command line can carry")));
    }
    Ok(text)
}

/// One value as text.
pub(super) fn text(value: &Value, scalar: Scalar) -> String {
    match (scalar, value) {
        (Scalar::Truth, Value::Bool(true)) => "True".to_owned(),
        (Scalar::Truth, Value::Bool(false)) => String::new(),
        (Scalar::Integer, Value::Number(number)) => convention::whole(number),
        (Scalar::Json, value) => value.to_string(),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Number(number)) => decimal(number),
        (_, value) => value.to_string(),
    }
}

/// A number without an exponent where that is short: argparse takes `-1e-7` for an option and `-0.0000001` for a number.
fn decimal(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float != 0.0 && (1e-17..1e17).contains(&float.abs()) => {
            let text = float.to_string();
            if text.contains('.') { text } else { format!("{text}.0") }
        }
        _ => number.to_string(),
    }
}

/// A flag and its value, in one word or in two.
pub(super) fn assigned(flag: &str, value: String, grammar: &Grammar) -> Vec<String> {
    // An option that takes whatever follows it needs no help to take a dash.
    let takes_dashes = grammar.reading == Reading::Getopt;
    let is_short = !flag.starts_with("--") && (flag.len() == 2 || takes_dashes);
    match grammar.values {
        _ if flag.ends_with('=') => vec![format!("{flag}{value}")],
        Values::ShortApart if is_short && value.starts_with('-') && !takes_dashes => vec![format!("{flag}{value}")],
        Values::ShortApart if is_short => vec![flag.to_owned(), value],
        Values::Apart => vec![flag.to_owned(), value],
        Values::Joined | Values::ShortApart => vec![format!("{flag}={value}")],
    }
}

/// One value as the word of a positional; refused where the script would make something else of it.
pub(super) fn positional(pointer: &str, value: &Value, scalar: Scalar, spec: &ArgvSpec) -> Result<String> {
    let text = word(pointer, value, scalar)?;
    if text == "--" && spec.grammar.reading != Reading::Words {
        return Err(invalid(format!("{pointer}: the value `--` cannot be given as a positional argument")));
    }
    if is_file(&text, spec) {
        return Err(invalid(format!(
            "{pointer}: a value that starts with one of `{}` names a file to the script",
            spec.grammar.file_prefixes
        )));
    }
    let why = match spec.grammar.dashes {
        Dashes::Verbatim if is_option(&text, spec) => "is one of the script's options",
        Dashes::Refused if text.starts_with('-') => "starts with `-`, and the script would take it for an option",
        _ => return Ok(text),
    };
    Err(invalid(format!("{pointer}: the value `{}` {why}", validate::clip(&text, 40))))
}

/// Whether the script reads the word from a file.
pub(super) fn is_file(word: &str, spec: &ArgvSpec) -> bool {
    word.starts_with(|first| spec.grammar.file_prefixes.contains(first))
}

/// Whether the word is an option of the script, with or without a value.
fn is_option(word: &str, spec: &ArgvSpec) -> bool {
    spec.arguments.iter().flat_map(|argument| argument.form.flags()).any(|flag| {
        let rest = word.strip_prefix(flag);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('=') || flag.ends_with('='))
    })
}

/// Whether the parser takes a word that stands alone for an option.
pub(super) fn looks_like_option(word: &str, spec: &ArgvSpec) -> bool {
    let prefixes = if spec.grammar.prefixes.is_empty() { "-" } else { &spec.grammar.prefixes };
    let mut chars = word.chars();
    let is_prefixed = chars.next().is_some_and(|first| prefixes.contains(first));
    match spec.grammar.reading {
        Reading::Words => false,
        // A prefix alone is a value, and so is a negative number.
        Reading::Argparse => {
            let is_value = chars.next().is_none() || is_negative(word) && !spec.grammar.has_numeric_flags;
            word == "--" || is_prefixed && !is_value
        }
        Reading::Getopt => is_prefixed && chars.next().is_some(),
    }
}

/// A negative number as every argparse sees it: `-5`, `-0.5`.
fn is_negative(word: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match word.strip_prefix('-').map(|digits| digits.split_once('.').unwrap_or((digits, "0"))) {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => false,
    }
}
