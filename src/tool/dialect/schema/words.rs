//! Constraints in words, for the description of what they constrain.

use serde_json::{Map, Value};

use crate::schema::validate::clip;

/// The longest text of one constraint, in bytes.
const WORDS_BYTES: usize = 400;

/// A keyword and its value as a sentence.
pub(super) fn of(keyword: &str, value: &Value) -> String {
    let shown = json(value);
    match keyword {
        "default" => format!("Default: {shown}."),
        "enum" => format!("One of: {}.", list(value)),
        "const" => format!("Always {shown}."),
        "examples" => format!("Examples: {}.", list(value)),
        "format" => format!("Format: {}.", value.as_str().unwrap_or(&shown)),
        "pattern" => format!("Matches the regular expression {}.", value.as_str().unwrap_or(&shown)),
        "minLength" => format!("At least {shown} characters."),
        "maxLength" => format!("At most {shown} characters."),
        "minimum" => format!("At least {shown}."),
        "maximum" => format!("At most {shown}."),
        "exclusiveMinimum" => format!("Greater than {shown}."),
        "exclusiveMaximum" => format!("Less than {shown}."),
        "multipleOf" => format!("A multiple of {shown}."),
        "minItems" => format!("At least {shown} items."),
        "maxItems" => format!("At most {shown} items."),
        "uniqueItems" if *value == Value::Bool(true) => "No item twice.".to_owned(),
        "uniqueItems" => String::new(),
        "minProperties" => format!("At least {shown} keys."),
        "maxProperties" => format!("At most {shown} keys."),
        "additionalProperties" => format!("Further keys may be given; their values: {shown}."),
        _ => format!("Constraint: {{\"{keyword}\": {shown}}}."),
    }
}

/// The sentence for alternatives that only differ in what they require; None for others.
pub(super) fn of_required(keyword: &str, branches: &Value) -> Option<String> {
    let set = |branch: &Value| {
        let map = branch.as_object()?;
        let is_plain = map.keys().all(|key| key == "required" || super::node::is_annotation(key));
        let names: Vec<&str> = map.get("required")?.as_array()?.iter().filter_map(Value::as_str).collect();
        is_plain.then(|| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and "))
    };
    let sets: Option<Vec<String>> = branches.as_array()?.iter().map(set).collect();
    let count = match keyword {
        "oneOf" => "exactly",
        _ => "at least",
    };
    Some(clip(&format!("Give {count} one of: {}.", sets?.join("; ")), WORDS_BYTES))
}

/// A description with sentences after it; None when there is nothing to say.
pub(super) fn described(description: Option<&str>, notes: &[String]) -> Option<String> {
    let said = description.unwrap_or("").trim_end();
    let new = notes.iter().map(String::as_str).filter(|note| !note.is_empty() && !said.contains(note));
    let new = new.collect::<Vec<_>>().join(" ");
    let stop = if said.is_empty() || said.ends_with(['.', '!', '?', '…', ':', ';', '。']) { "" } else { "." };
    match (said.is_empty(), new.is_empty()) {
        (true, true) => None,
        (true, false) => Some(new),
        (false, true) => Some(said.to_owned()),
        (false, false) => Some(format!("{said}{stop} {new}")),
    }
}

/// The constraints of a map without its annotations, as one sentence; empty when there are none.
pub(super) fn of_all(map: &Map<String, Value>) -> String {
    let rest: Map<String, Value> = map
        .iter()
        .filter(|(key, _)| !super::node::is_annotation(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if rest.is_empty() { String::new() } else { format!("Constraint: {}.", json(&Value::Object(rest))) }
}

fn json(value: &Value) -> String {
    clip(&value.to_string(), WORDS_BYTES)
}

fn list(value: &Value) -> String {
    let items = value.as_array().map(|items| items.iter().map(Value::to_string).collect::<Vec<_>>().join(", "));
    items.map_or_else(|| json(value), |text| clip(&text, WORDS_BYTES))
}
