//! Python's notation for numbers and text, and arithmetic on constants.

use super::calls::Args;
use super::value::{HOLE, Val, join};

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
        #[allow(clippy::cast_precision_loss)]
        ("/", Val::Int(left), Val::Int(right)) if *right != 0 => Val::Float(*left as f64 / *right as f64),
        ("/", Val::Path(left), right) => right.as_str().map_or(Val::Unknown, |right| join(left, right)),
        ("/", Val::Str(left), Val::Path(right)) => join(left, right),
        ("-", Val::List(left), Val::List(right)) => {
            let is_left = |item: &&Val| !right.iter().any(|other| other.is(item) == Some(true));
            Val::list(left.iter().filter(is_left).cloned().collect())
        }
        ("*", Val::List(items), Val::Int(times)) if (0..=64).contains(times) => {
            let times = usize::try_from(*times).unwrap_or(0);
            if items.len().saturating_mul(times) > super::value::ITEMS {
                return Val::Unknown;
            }
            Val::list((0..times).flat_map(|_| items.iter().cloned()).collect())
        }
        ("*", Val::Str(text), Val::Int(times)) if (0..=256).contains(times) => {
            Val::str(text.repeat(usize::try_from(*times).unwrap_or(0)))
        }
        ("%", Val::Str(text), values) => percent(text, values),
        ("+", Val::Str(left), _) => Val::str(format!("{left}{HOLE}")),
        ("+", _, Val::Str(right)) => Val::str(format!("{HOLE}{right}")),
        (_, Val::Made(kind), _) | (_, _, Val::Made(kind)) => Val::Made(*kind),
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

/// `text % values`, as far as the values are known.
fn percent(text: &str, values: &Val) -> Val {
    let all = match values {
        Val::List(items) => items.to_vec(),
        one => vec![one.clone()],
    };
    let mut values = all.into_iter();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let mut letters = after.chars();
        match letters.next() {
            Some('%') => out.push('%'),
            Some('s' | 'd' | 'r') => match values.next().and_then(|value| value.text()) {
                Some(value) => out.push_str(&value),
                None => out.push(HOLE),
            },
            // Other conversions belong to argparse's help, or round numbers.
            _ => return Val::Unknown,
        }
        rest = letters.as_str();
    }
    out.push_str(rest);
    Val::str(out)
}

/// `text.format(...)`, as far as the values are known.
pub(super) fn format(text: &str, args: &Args) -> Val {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut next = 0;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(rest.get(..at).unwrap_or(""));
        let tail = rest.get(at..).unwrap_or("");
        if let Some(after) = tail.strip_prefix("{{") {
            out.push('{');
            rest = after;
        } else if let Some(after) = tail.strip_prefix("}}") {
            out.push('}');
            rest = after;
        } else if let Some((name, after)) = tail.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            let name = name.split(['!', ':']).next().unwrap_or("");
            let value = match name.parse::<usize>() {
                Ok(index) => args.positional.get(index),
                Err(_) if name.is_empty() => {
                    next += 1;
                    args.positional.get(next - 1)
                }
                Err(_) => args.keyword(name),
            };
            out.push_str(&value.and_then(Val::text).unwrap_or_else(|| HOLE.to_string()));
            rest = after;
        } else {
            return Val::Unknown;
        }
    }
    out.push_str(rest);
    Val::str(out)
}

/// Two constants compared; unknown where that is not known.
pub(super) fn compare(operator: &str, left: &Val, right: &Val) -> Val {
    let known = |value: Option<bool>| value.map_or(Val::Unknown, Val::Bool);
    match operator {
        "==" | "is" => known(left.is(right)),
        "!=" | "is not" | "<>" => known(left.is(right).map(|same| !same)),
        "in" | "not in" => {
            let is_in = match (left, right) {
                (Val::Str(left), Val::Str(right)) => Some(right.contains(left.as_ref())),
                _ => right.iterate().and_then(|items| {
                    let all: Option<Vec<bool>> = items.iter().map(|item| item.is(left)).collect();
                    all.map(|all| all.contains(&true))
                }),
            };
            known(is_in.map(|is_in| is_in == (operator == "in")))
        }
        _ => {
            let order = match (left, right) {
                (Val::Int(left), Val::Int(right)) => Some(left.cmp(right)),
                (Val::Str(left), Val::Str(right)) => Some(left.cmp(right)),
                (Val::List(left), Val::List(right)) => {
                    let numbers = |items: &[Val]| -> Option<Vec<i64>> {
                        items.iter().map(|item| if let Val::Int(value) = item { Some(*value) } else { None }).collect()
                    };
                    numbers(left).zip(numbers(right)).map(|(left, right)| left.cmp(&right))
                }
                _ => None,
            };
            known(order.map(|order| match operator {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            }))
        }
    }
}
