//! Methods of literals: texts, lists, dictionaries and paths that modules build their constants with.

use super::calls::Args;
use super::value::{Val, join, path};

/// What a method of a literal gives; unknown where that is not known.
pub(super) fn literal_method(object: &Val, method: &str, args: &Args) -> Val {
    match object {
        Val::Dict(_) => of_dict(object, method, args),
        Val::Str(text) => of_text(text, method, args),
        Val::Path(text) => of_path(text, method, args),
        Val::List(items) => match method {
            "copy" => object.clone(),
            "index" => {
                let at = items.iter().position(|item| item.is(args.first()) == Some(true));
                at.map_or(Val::Unknown, Val::int)
            }
            "pop" => match args.positional.first() {
                None => items.last().cloned().unwrap_or(Val::Unknown),
                Some(Val::Int(0)) => items.first().cloned().unwrap_or(Val::Unknown),
                Some(_) => Val::Unknown,
            },
            "union" => match args.first() {
                Val::List(more) => Val::list(items.iter().chain(more.iter()).cloned().collect()),
                _ => Val::Unknown,
            },
            _ => Val::Unknown,
        },
        _ => Val::Unknown,
    }
}

fn of_dict(object: &Val, method: &str, args: &Args) -> Val {
    let Val::Dict(items) = object else { return Val::Unknown };
    match method {
        "keys" => Val::list(items.iter().map(|(key, _)| key.clone()).collect()),
        "values" => Val::list(items.iter().map(|(_, value)| value.clone()).collect()),
        "items" => Val::list(items.iter().map(|(key, value)| Val::list(vec![key.clone(), value.clone()])).collect()),
        "get" | "pop" | "setdefault" => match object.entry(args.first()) {
            Some(value) => value,
            None if args.first().is_unknown() => Val::Unknown,
            None => args.positional.get(1).cloned().unwrap_or(Val::None),
        },
        "copy" => object.clone(),
        _ => Val::Unknown,
    }
}

fn of_text(text: &str, method: &str, args: &Args) -> Val {
    let words: Vec<&str> = args.positional.iter().filter_map(Val::as_str).collect();
    if words.len() != args.positional.len() && !matches!(method, "join" | "split" | "rsplit" | "zfill" | "replace") {
        return Val::Unknown;
    }
    let first = words.first().copied();
    let set: Vec<char> = first.map_or_else(|| vec![' ', '\t', '\n', '\r'], |set| set.chars().collect());
    match method {
        "split" | "rsplit" if args.positional.len() > 1 => Val::Unknown,
        "split" | "rsplit" => match first {
            Some(by) if !by.is_empty() => Val::list(text.split(by).map(Val::str).collect()),
            Some(_) => Val::Unknown,
            None => Val::list(text.split_whitespace().map(Val::str).collect()),
        },
        "splitlines" => Val::list(text.lines().map(Val::str).collect()),
        "join" => {
            let items = args.first().iterate();
            let parts: Option<Vec<String>> = items.and_then(|items| items.iter().map(Val::text).collect());
            parts.map_or(Val::Unknown, |parts| Val::str(parts.join(text)))
        }
        "strip" => Val::str(text.trim_matches(set.as_slice())),
        "lstrip" => Val::str(text.trim_start_matches(set.as_slice())),
        "rstrip" => Val::str(text.trim_end_matches(set.as_slice())),
        "removeprefix" => Val::str(first.and_then(|prefix| text.strip_prefix(prefix)).unwrap_or(text)),
        "removesuffix" => Val::str(first.and_then(|suffix| text.strip_suffix(suffix)).unwrap_or(text)),
        "replace" => match words.as_slice() {
            [from, to] if !from.is_empty() && text.len().saturating_mul(to.len() + 1) < 1 << 20 => {
                Val::str(text.replace(from, to))
            }
            _ => Val::Unknown,
        },
        "lower" | "casefold" => Val::str(text.to_lowercase()),
        "upper" => Val::str(text.to_uppercase()),
        "title" | "capitalize" => {
            let mut is_start = true;
            let letter = |c: char| {
                let made: String = if is_start { c.to_uppercase().collect() } else { c.to_lowercase().collect() };
                is_start = method == "title" && !c.is_alphabetic();
                made
            };
            Val::str(text.chars().map(letter).collect::<String>())
        }
        "startswith" => first.map_or(Val::Unknown, |start| Val::Bool(text.starts_with(start))),
        "endswith" => first.map_or(Val::Unknown, |end| Val::Bool(text.ends_with(end))),
        "isdigit" => Val::Bool(!text.is_empty() && text.chars().all(|c| c.is_ascii_digit())),
        "expandtabs" | "encode" => Val::str(text),
        _ => Val::Unknown,
    }
}

fn of_path(text: &str, method: &str, args: &Args) -> Val {
    match method {
        "joinpath" => {
            let mut made = path(text);
            for part in &args.positional {
                made = match (made.as_str(), part.as_str()) {
                    (Some(left), Some(right)) => join(left, right),
                    _ => return Val::Unknown,
                };
            }
            made
        }
        "as_posix" => Val::str(text),
        "with_suffix" | "with_name" | "with_stem" => {
            let (folder, name) = text.rsplit_once('/').map_or(("", text), |(folder, name)| (folder, name));
            let (stem, suffix) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).unwrap_or((name, ""));
            let Some(new) = args.first().as_str() else { return Val::Unknown };
            let name = match method {
                "with_suffix" => format!("{stem}{new}"),
                "with_stem" if suffix.is_empty() => new.to_owned(),
                "with_stem" => format!("{new}.{suffix}"),
                _ => new.to_owned(),
            };
            if folder.is_empty() { path(&name) } else { path(&format!("{folder}/{name}")) }
        }
        // What the file system says is not known; expanding `~` neither.
        _ => Val::Unknown,
    }
}
