//! Python's notation for numbers and text, and arithmetic on constants.

use super::value::Val;

/// An integer literal in any base; unknown beyond 64 bits.
pub(super) fn integer(text: &str) -> Val {
    let text = text.replace('_', "").to_ascii_lowercase();
    let parsed = match text.get(..2) {
        Some("0x") => i64::from_str_radix(text.get(2..).unwrap_or(""), 16),
        Some("0o") => i64::from_str_radix(text.get(2..).unwrap_or(""), 8),
        Some("0b") => i64::from_str_radix(text.get(2..).unwrap_or(""), 2),
        _ => text.parse(),
    };
    parsed.map_or(Val::Unknown, Val::Int)
}

/// The operators that modules build their constants with.
pub(super) fn operate(operator: &str, left: &Val, right: &Val) -> Val {
    let known = |value: Option<i64>| value.map_or(Val::Unknown, Val::Int);
    match (operator, left, right) {
        ("+", Val::Str(left), Val::Str(right)) => Val::str(format!("{left}{right}")),
        ("+" | "|", Val::List(left), Val::List(right)) => Val::list(left.iter().chain(right.iter()).cloned().collect()),
        ("|", Val::Dict(left), Val::Dict(right)) => Val::dict(left.iter().chain(right.iter()).cloned().collect()),
        ("+", Val::Int(left), Val::Int(right)) => known(left.checked_add(*right)),
        ("-", Val::Int(left), Val::Int(right)) => known(left.checked_sub(*right)),
        ("*", Val::Int(left), Val::Int(right)) => known(left.checked_mul(*right)),
        ("//", Val::Int(left), Val::Int(right)) if *right > 0 => known(left.checked_div_euclid(*right)),
        ("**", Val::Int(left), Val::Int(right)) => {
            known(u32::try_from(*right).ok().and_then(|right| left.checked_pow(right)))
        }
        ("*", Val::Float(left), Val::Float(right)) => Val::Float(left * right),
        _ => Val::Unknown,
    }
}

/// The text of a string literal's content, with Python's common escapes.
pub(super) fn unescape(text: &str, is_raw: bool) -> String {
    if is_raw || !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('\n') => {}
            Some(letter @ ('x' | 'u' | 'U')) => {
                let digits = match letter {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let code: String = chars.by_ref().take(digits).collect();
                out.push(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32).unwrap_or('\u{fffd}'));
            }
            Some(other @ ('\\' | '\'' | '"')) => out.push(other),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    out
}
