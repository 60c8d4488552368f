//! Requirements of Node: the parts of a `package.json` that say what to install, with the lock beside it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Dependencies, Ecosystem, MAX_REQUIREMENTS};
use crate::skill::manifest::quoted;

pub(super) const FILE: &str = "package.json";
pub(super) const LOCK: &str = "package-lock.json";
/// Tables whose packages a script may use.
const NEEDED: [&str; 3] = ["dependencies", "optionalDependencies", "peerDependencies"];
/// What else an installer compares with a lock, or resolves by. Not `scripts`, `workspaces` or `bin`.
const KEPT: [&str; 4] = ["name", "version", "devDependencies", "overrides"];

/// The requirements of a file, and of its lock where it has one; `None` where it holds none.
pub(super) fn read(bytes: &[u8], lock: Option<Vec<u8>>) -> Result<Option<Dependencies>, String> {
    let document: Value = serde_json::from_slice(bytes).map_err(|error| format!("is not JSON: {error}"))?;
    let Value::Object(document) = document else { return Err("must be an object".to_owned()) };
    let mut kept = Map::new();
    for key in KEPT {
        if let Some(value) = document.get(key).filter(|_| lock.is_some() || key == "overrides") {
            kept.insert(key.to_owned(), value.clone());
        }
    }
    let mut requirements = Vec::new();
    for key in NEEDED {
        let table = table(key, document.get(key))?;
        requirements.extend(table.iter().map(|(name, range)| format!("{name}@{range}")));
        if !table.is_empty() {
            kept.insert(key.to_owned(), json!(table));
        }
    }
    made(requirements, kept, lock)
}

/// The requirements of single texts, `name` or `name@range`; `None` where there are none.
pub(super) fn from_texts(texts: &[&str]) -> Result<Option<Dependencies>, String> {
    let mut table = BTreeMap::new();
    for text in texts {
        // The first letter may be the sign of a scope; a range may hold one too (`npm:other@2`).
        let at = text.char_indices().skip(1).find(|(_, letter)| *letter == '@');
        let split = at.and_then(|(at, _)| text.split_at_checked(at));
        let (name, range) = split.map_or((*text, "*"), |(name, range)| (name, range.get(1..).unwrap_or_default()));
        table.insert(checked(name.trim())?, range.trim());
    }
    let requirements = table.iter().map(|(name, range)| format!("{name}@{range}")).collect();
    made(requirements, Map::from_iter([("dependencies".to_owned(), json!(table))]), None)
}

fn made(
    mut requirements: Vec<String>,
    kept: Map<String, Value>,
    lock: Option<Vec<u8>>,
) -> Result<Option<Dependencies>, String> {
    if requirements.len() > MAX_REQUIREMENTS {
        return Err(format!("declares {} requirements; at most {MAX_REQUIREMENTS}", requirements.len()));
    }
    if requirements.is_empty() {
        return Ok(None);
    }
    requirements.sort_unstable();
    requirements.dedup();
    let mut files = vec![(FILE, Value::Object(kept).to_string().into_bytes())];
    files.extend(lock.map(|lock| (LOCK, lock)));
    Ok(Some(Dependencies { ecosystem: Ecosystem::Node, source: String::new(), requirements, files }))
}

fn table<'d>(key: &str, value: Option<&'d Value>) -> Result<BTreeMap<&'d str, &'d str>, String> {
    let wrong = || format!("has `{key}` that is no object of names and versions");
    let entries = match value {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(entries)) => entries,
        Some(_) => return Err(wrong()),
    };
    let entry = |(name, range): (&'d String, &'d Value)| Ok((checked(name)?, range.as_str().ok_or_else(wrong)?));
    entries.iter().map(entry).collect()
}

/// A name that can stand in a path and in an argument: `name` or `@scope/name`.
fn checked(name: &str) -> Result<&str, String> {
    let bare = name.strip_prefix('@').unwrap_or(name);
    let parts: Vec<&str> = bare.split('/').collect();
    let is_part = |part: &&str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-~".contains(c))
    };
    match parts.iter().all(is_part) && parts.len() == if bare.len() < name.len() { 2 } else { 1 } {
        true => Ok(name),
        false => Err(format!("has {}, which names no package; write it as name or @scope/name", quoted(name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_what_to_install_is_kept() {
        let text = br#"{"name":"x","scripts":{"install":"rm -rf /"},"dependencies":{"b":"^2","a":"1.x"},"bin":"x.js",
            "devDependencies":{"jest":"*"},"optionalDependencies":{"@s/c":"*"},"overrides":{"d":"1"}}"#;
        let found = read(text, None).unwrap().unwrap();
        assert_eq!(found.requirements, ["@s/c@*", "a@1.x", "b@^2"]);
        let expected =
            r#"{"overrides":{"d":"1"},"dependencies":{"a":"1.x","b":"^2"},"optionalDependencies":{"@s/c":"*"}}"#;
        assert_eq!(found.files, [(FILE, expected.as_bytes().to_vec())]);
        let locked = read(text, Some(b"{}".to_vec())).unwrap().unwrap();
        assert!(String::from_utf8_lossy(&locked.files[0].1).contains("jest"), "a lock is compared with all of it");
        assert_eq!(locked.files[1], (LOCK, b"{}".to_vec()));
    }

    #[test]
    fn nothing_needed_is_nothing() {
        for text in ["{}", r#"{"dependencies":{}}"#, r#"{"devDependencies":{"a":"1"},"dependencies":null}"#] {
            assert_eq!(read(text.as_bytes(), None).unwrap(), None, "{text}");
        }
        assert_eq!(from_texts(&[]).unwrap(), None);
    }

    #[test]
    fn texts_are_names_with_ranges() {
        let found = from_texts(&["ms", "@s/x@^1", "y@npm:z@2"]).unwrap().unwrap();
        assert_eq!(found.requirements, ["@s/x@^1", "ms@*", "y@npm:z@2"]);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (text, needle) in [
            ("[]", "object"),
            ("{", "JSON"),
            (r#"{"dependencies":[]}"#, "dependencies"),
            (r#"{"dependencies":{"a":1}}"#, "dependencies"),
            (r#"{"dependencies":{"../x":"1"}}"#, "names no package"),
            (r#"{"dependencies":{"--x":"1"}}"#, "names no package"),
            (r#"{"dependencies":{"s/x":"1"}}"#, "names no package"),
        ] {
            let why = read(text.as_bytes(), None).unwrap_err();
            assert!(why.contains(needle), "{text}: {why}");
        }
    }
}
