//! The properties of a schema under construction, whatever language the script is in: added level by level of a command
//! line, merged where subcommands share a name, with notes on what belongs to what; and the whole at the end.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::schema::validate::{clip, names};
use crate::schema::{ArgvSpec, Convention, Inferred, PROPERTY_COUNT};

/// The longest description of one property, in bytes.
pub(super) const HELP_BYTES: usize = 400;
/// The longest name of a property; Gemini refuses more.
pub(super) const NAME_BYTES: usize = 64;
/// The deepest nesting of subcommands.
pub(super) const NESTING: usize = 6;

/// What was added so far.
#[derive(Default)]
pub(super) struct Properties {
    map: Map<String, Value>,
    /// The subcommands that take each property; the root command line is the empty text.
    owners: BTreeMap<String, Vec<String>>,
}

impl Properties {
    /// Whether there is a property of this name.
    pub(super) fn has(&self, property: &str) -> bool {
        self.map.contains_key(property)
    }

    /// Whether there are as many as a schema may have.
    pub(super) fn is_full(&self) -> bool {
        self.map.len() >= PROPERTY_COUNT
    }

    /// The schema of a property.
    pub(super) fn get_mut(&mut self, property: &str) -> Option<&mut Value> {
        self.map.get_mut(property)
    }

    /// Puts another schema in the place of a property's.
    pub(super) fn replace(&mut self, property: &str, schema: Map<String, Value>) {
        self.map.insert(property.to_owned(), Value::Object(schema));
    }

    /// Adds the property of a level, or widens the one of that name by it.
    pub(super) fn add(&mut self, property: &str, schema: Value, owner: &str) {
        match self.map.get_mut(property) {
            Some(known) => merge(known, &schema),
            None => {
                self.map.insert(property.to_owned(), schema);
            }
        }
        self.owners.entry(property.to_owned()).or_default().push(owner.to_owned());
    }

    /// Adds the property that names a level's subcommands: (name, help) each.
    pub(super) fn add_chooser<'c>(
        &mut self,
        property: &str,
        commands: impl Iterator<Item = (&'c str, &'c str)>,
        owner: &str,
    ) {
        let mut help = String::from("Subcommand.");
        let mut names = Vec::new();
        for (name, text) in commands {
            let text = collapse(text);
            help.push_str(&if text.is_empty() { format!(" {name};") } else { format!(" {name}: {text};") });
            names.push(name);
        }
        let description = clip(help.trim_end_matches(';'), 2 * HELP_BYTES);
        self.add(property, json!({"type": "string", "enum": names, "description": description}), owner);
    }

    fn note(&mut self, property: &str, note: &str) {
        if let Some(Value::Object(schema)) = self.map.get_mut(property) {
            let before = schema.get("description").and_then(Value::as_str).unwrap_or("").to_owned();
            let text = if before.is_empty() { note.to_owned() } else { format!("{before} ({note})") };
            schema.insert("description".to_owned(), Value::String(clip(&text, 2 * HELP_BYTES)));
        }
    }

    /// Says of each of `properties` that it excludes the others.
    pub(super) fn note_exclusive(&mut self, properties: &[String], is_required: bool) {
        for property in properties {
            let others = names(properties.iter().filter(|other| *other != property).map(String::as_str));
            if !others.is_empty() {
                let need = if is_required { "; one of them is required" } else { "" };
                self.note(property, &format!("not together with {others}{need}"));
            }
        }
    }

    /// Says of each argument of a subcommand which ones take it.
    fn note_owners(&mut self, spec: &ArgvSpec) {
        let Some(subcommands) = &spec.subcommands else { return };
        for (property, owners) in std::mem::take(&mut self.owners) {
            if property != subcommands.property && !owners.iter().any(String::is_empty) {
                self.note(&property, &format!("only with {} {}", subcommands.property, owners.join(", ")));
            }
        }
    }

    /// The whole; `reads_text` says that the script also reads text on stdin.
    pub(super) fn inferred(mut self, mut spec: ArgvSpec, provenance: &'static str, reads_text: bool) -> Inferred {
        let arguments = spec.arguments.iter().filter(|argument| argument.is_required);
        let mut required: Vec<Value> = arguments.map(|argument| json!(argument.property)).collect();
        if let Some(subcommands) = spec.subcommands.as_ref().filter(|subcommands| subcommands.is_required) {
            required.push(json!(subcommands.property));
        }
        self.note_owners(&spec);
        let mut provenance: BTreeMap<String, &'static str> =
            self.map.keys().map(|name| (name.clone(), provenance)).collect();
        if reads_text && !self.has("stdin") {
            let property = json!({"type": "string", "description": "Text given to the script on standard input."});
            self.map.insert("stdin".to_owned(), property);
            provenance.insert("stdin".to_owned(), "stdin");
            spec.stdin_property = Some("stdin".to_owned());
        }
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), Value::Object(self.map));
        if !required.is_empty() {
            schema.insert("required".to_owned(), Value::Array(required));
        }
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
        Inferred {
            schema: Value::Object(schema),
            convention: Convention::Argv(spec),
            provenance,
            description: None,
            reads_stdin_json: false,
        }
    }
}

/// The first line of a text that says something, clipped.
pub(super) fn first_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| line.chars().any(char::is_alphanumeric))?;
    Some(clip(line, HELP_BYTES))
}

/// Puts a help text into a property's schema.
pub(super) fn describe(schema: &mut Map<String, Value>, help: &str) {
    let help = collapse(help);
    if !help.is_empty() {
        schema.insert("description".to_owned(), Value::String(clip(&help, HELP_BYTES)));
    }
}

fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Two arguments of one name in different subcommands: what both allow together.
fn merge(known: &mut Value, new: &Value) {
    let Some(known) = known.as_object_mut() else { return };
    if known.get("type") != new.get("type") {
        let kinds = |schema: Option<&Value>| match schema {
            Some(Value::Array(kinds)) => kinds.clone(),
            Some(kind) => vec![kind.clone()],
            None => Vec::new(),
        };
        let mut all = kinds(known.get("type"));
        for kind in kinds(new.get("type")) {
            if !all.contains(&kind) {
                all.push(kind);
            }
        }
        let is_listed = all.contains(&json!("array"));
        known.retain(|key, _| key == "description");
        known.insert("type".to_owned(), Value::Array(all));
        if is_listed {
            known.insert("items".to_owned(), json!({}));
        }
        return;
    }
    match (known.get_mut("enum"), new.get("enum").and_then(Value::as_array)) {
        (Some(Value::Array(values)), Some(more)) => {
            let more: Vec<Value> = more.iter().filter(|value| !values.contains(value)).cloned().collect();
            values.extend(more);
        }
        _ => {
            known.remove("enum");
        }
    }
    if known.contains_key("items") && known.get("items") != new.get("items") {
        // OpenAI refuses a list without a word on its items.
        known.insert("items".to_owned(), json!({}));
    }
    for key in ["default", "minItems", "maxItems", "minimum"] {
        if known.get(key) != new.get(key) {
            known.remove(key);
        }
    }
}

/// A name that every vendor takes for a property: `[A-Za-z_][A-Za-z0-9_]{0,63}`.
pub(super) fn property_name(dest: &str) -> Option<String> {
    let mut name: String = dest.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.chars().all(|c| c == '_') {
        return None;
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name.truncate(NAME_BYTES);
    Some(name)
}
