//! What a schema may cost: refuses the ones whose validation could take exponential time or leave the document.
//!
//! A declared schema comes from a skill's author and is not trusted. `$ref` chains that double at each step, references to
//! other documents and deep nesting are found here, before the schema is compiled.

use std::collections::BTreeMap;

use serde_json::Value;

/// The deepest nesting of a schema document.
const DEPTH: usize = 32;
/// The most subschemas after every reference is followed.
const EXPANDED: u64 = 20_000;
/// The most values in the document.
const NODES: usize = 20_000;

/// The most that the regular expressions of a document may weigh: length times repetition counts. One expression can
/// compile to 10 MiB, so a document full of them would take gigabytes.
const PATTERNS: u64 = 20_000;

/// Keywords whose meaning depends on other documents or on the path taken; a tool's arguments need none of them.
const REFUSED: [&str; 6] = ["$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"];
/// Keywords that hold data, not schemas.
const DATA: [&str; 4] = ["enum", "const", "default", "examples"];

/// Judges a schema document. The error says in a few words what is too much or not allowed.
pub fn check(schema: &Value) -> Result<(), String> {
    let mut spent = Spent::default();
    walk(schema, 0, &mut spent, false)?;
    if spent.patterns > PATTERNS {
        return Err("its patterns are too large, or repeat too much".to_owned());
    }
    let mut costs = Costs { root: schema, known: BTreeMap::new() };
    let cost = costs.of(schema, "", 0)?;
    if cost > EXPANDED {
        return Err(format!("its references expand to more than {EXPANDED} subschemas"));
    }
    Ok(())
}

/// What a document has used up of its bounds.
#[derive(Default)]
struct Spent {
    nodes: usize,
    patterns: u64,
}

impl Spent {
    fn pattern(&mut self, pattern: &str) {
        let counts = pattern.split('{').skip(1).filter_map(|rest| {
            let inside = rest.split('}').next()?;
            inside.split(',').filter_map(|number| number.trim().parse::<u64>().ok()).max()
        });
        let repeats = counts.fold(1u64, |product, count| product.saturating_mul(count.max(1)));
        self.patterns = self.patterns.saturating_add(repeats.saturating_mul(pattern.len() as u64 + 1));
    }
}

/// Counts values, bounds depth and refuses keywords that leave the document. `is_named` is true inside maps whose keys
/// are the author's names (`properties`), where `$id` would be a property and not a keyword.
fn walk(value: &Value, depth: usize, spent: &mut Spent, is_named: bool) -> Result<(), String> {
    spent.nodes += 1;
    if depth > DEPTH {
        return Err(format!("it is nested deeper than {DEPTH} levels"));
    }
    if spent.nodes > NODES {
        return Err(format!("it has more than {NODES} values"));
    }
    match value {
        Value::Object(map) => {
            for (key, item) in map {
                if !is_named {
                    if REFUSED.contains(&key.as_str()) {
                        return Err(format!("it uses `{key}`; only `$ref` to `#/...` is understood"));
                    }
                    if key == "$ref" && !item.as_str().is_some_and(|target| target == "#" || target.starts_with("#/")) {
                        return Err("it has a `$ref` that leaves the document; only `#/...` is followed".to_owned());
                    }
                    match (key.as_str(), item) {
                        ("pattern", Value::String(pattern)) => spent.pattern(pattern),
                        ("patternProperties", Value::Object(map)) => map.keys().for_each(|key| spent.pattern(key)),
                        _ => {}
                    }
                    if DATA.contains(&key.as_str()) {
                        continue;
                    }
                }
                walk(item, depth + 1, spent, !is_named && holds_names(key))?;
            }
            Ok(())
        }
        Value::Array(items) => items.iter().try_for_each(|item| walk(item, depth + 1, spent, false)),
        _ => Ok(()),
    }
}

fn holds_names(key: &str) -> bool {
    matches!(
        key,
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" | "dependentRequired"
    )
}

/// The cost of each reference target, found once.
struct Costs<'a> {
    root: &'a Value,
    /// `None` while the target is being counted: meeting it again is a cycle.
    known: BTreeMap<String, Option<u64>>,
}

impl Costs<'_> {
    fn of(&mut self, value: &Value, key: &str, depth: usize) -> Result<u64, String> {
        if depth > 4 * DEPTH {
            return Err("its references are nested too deep".to_owned());
        }
        // Definitions cost nothing until they are referred to.
        if matches!(key, "$defs" | "definitions") || DATA.contains(&key) {
            return Ok(0);
        }
        let mut cost: u64 = 1;
        match value {
            Value::Object(map) => {
                for (name, item) in map {
                    let part = match (name.as_str(), item) {
                        ("$ref", Value::String(target)) => self.target(target, depth)?,
                        _ => self.of(item, name, depth + 1)?,
                    };
                    cost = cost.saturating_add(part);
                }
            }
            Value::Array(items) => {
                for item in items {
                    cost = cost.saturating_add(self.of(item, "", depth + 1)?);
                }
            }
            _ => {}
        }
        Ok(cost)
    }

    fn target(&mut self, target: &str, depth: usize) -> Result<u64, String> {
        match self.known.get(target) {
            Some(Some(cost)) => return Ok(*cost),
            // A recursive schema visits one value of the instance once per path through it, which doubles per level as
            // soon as two paths meet; the arguments of a tool are not recursive in practice, so it is refused whole.
            Some(None) => return Err("it refers to itself; recursive schemas are not supported".to_owned()),
            None => {}
        }
        let pointer = target.trim_start_matches('#');
        let root = self.root;
        let Some(found) = root.pointer(pointer) else {
            return Err(format!("its `$ref` {} points to nothing", crate::schema::validate::clip(target, 80)));
        };
        self.known.insert(target.to_owned(), None);
        let cost = self.of(found, "", depth + 1)?;
        self.known.insert(target.to_owned(), Some(cost));
        Ok(cost)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn judges_schemas() {
        let doubling: serde_json::Map<String, Value> = (0..40)
            .map(|i| {
                let next = json!({"$ref": format!("#/$defs/d{}", i + 1)});
                (format!("d{i}"), if i < 39 { json!({"allOf": [next, next]}) } else { json!({"type": "string"}) })
            })
            .collect();
        let mut deep = json!({"type": "string"});
        for _ in 0..40 {
            deep = json!({"items": deep});
        }
        let rows = [
            ("plain", json!({"type": "object", "properties": {"a": {"type": "string"}}}), None),
            (
                "a property named $id",
                json!({"properties": {"$id": {"type": "string"}, "$ref": {"type": "string"}}}),
                None,
            ),
            ("a shared definition", json!({"$defs": {"a": {}}, "properties": {"x": {"$ref": "#/$defs/a"}}}), None),
            ("data that looks like a reference", json!({"default": {"$ref": "http://x"}}), None),
            (
                "remote",
                json!({"properties": {"x": {"$ref": "http://example.com/x.json"}}}),
                Some("leaves the document"),
            ),
            ("file", json!({"$ref": "file:///etc/passwd"}), Some("leaves the document")),
            ("id", json!({"$id": "http://example.com"}), Some("`$id`")),
            ("dangling", json!({"$ref": "#/$defs/none"}), Some("points to nothing")),
            ("recursive", json!({"properties": {"x": {"$ref": "#"}}}), Some("recursive")),
            ("doubling", json!({"$defs": doubling, "$ref": "#/$defs/d0"}), Some("expand")),
            ("deep", deep, Some("nested")),
        ];
        for (name, schema, want) in rows {
            match (check(&schema), want) {
                (Ok(()), None) => {}
                (Err(message), Some(part)) => assert!(message.contains(part), "{name}: {message}"),
                (got, want) => panic!("{name}: got {got:?}, want {want:?}"),
            }
        }
    }
}
