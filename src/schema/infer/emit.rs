//! From a described command line to a schema and the calling convention that goes with it.
//!
//! Subcommands become one property that names them, and all their arguments stand beside it: vendors refuse `anyOf`
//! and `if` at the root of a tool's schema. What belongs to which subcommand is in the descriptions and is judged when the
//! command line is built.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::cli::{Arg, Line};
use super::shape::shape;
use crate::schema::validate::{clip, names};
use crate::schema::{Argument, ArgvSpec, Command, Convention, Exclusive, Inferred, PROPERTY_COUNT, Subcommands};

/// The longest description of one property, in bytes.
const HELP_BYTES: usize = 400;
/// The longest name of a property; Gemini refuses more.
const NAME_BYTES: usize = 64;
/// The deepest nesting of subcommands.
const NESTING: usize = 6;

/// The schema and the convention of a command line; `reads_text` says that the script also reads text on stdin.
pub(super) fn inferred(line: &Line, provenance: &'static str, reads_text: bool) -> Inferred {
    let mut build = Build { properties: Map::new(), owners: BTreeMap::new(), is_full: false };
    let mut spec = build.level(line, &[]);
    let arguments = spec.arguments.iter().filter(|argument| argument.is_required);
    let mut required: Vec<Value> = arguments.map(|argument| json!(argument.property)).collect();
    if let Some(subcommands) = spec.subcommands.as_ref().filter(|subcommands| subcommands.is_required) {
        required.push(json!(subcommands.property));
    }
    build.note_owners(&spec);
    let mut provenance: BTreeMap<String, &'static str> =
        build.properties.keys().map(|name| (name.clone(), provenance)).collect();
    if reads_text && !build.properties.contains_key("stdin") {
        let property = json!({"type": "string", "description": "Text given to the script on standard input."});
        build.properties.insert("stdin".to_owned(), property);
        provenance.insert("stdin".to_owned(), "stdin");
        spec.stdin_property = Some("stdin".to_owned());
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(build.properties));
    if !required.is_empty() {
        schema.insert("required".to_owned(), Value::Array(required));
    }
    schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    Inferred {
        schema: Value::Object(schema),
        convention: Convention::Argv(spec),
        provenance,
        description: line.description.as_deref().and_then(first_line),
        reads_stdin_json: false,
    }
}

/// The first line of a text that says something, clipped.
pub(super) fn first_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| line.chars().any(char::is_alphanumeric))?;
    Some(clip(line, HELP_BYTES))
}

struct Build {
    properties: Map<String, Value>,
    /// The subcommands that take each property; the root command line is the empty text.
    owners: BTreeMap<String, Vec<String>>,
    is_full: bool,
}

impl Build {
    fn level(&mut self, line: &Line, path: &[&str]) -> ArgvSpec {
        let mut spec = ArgvSpec { writing: line.writing, ..ArgvSpec::default() };
        let owner = path.join(" ");
        let mut placed: BTreeMap<&str, String> = BTreeMap::new();
        for arg in &line.arguments {
            if let Some(property) = self.argument(arg, &owner, &mut spec) {
                placed.insert(&arg.dest, property);
            }
        }
        for members in &line.exclusive {
            let mut properties: Vec<String> =
                members.iter().filter_map(|dest| placed.get(dest.as_str()).cloned()).collect();
            properties.dedup();
            if properties.len() > 1 {
                self.note_exclusive(&properties);
                spec.exclusive.push(Exclusive { properties, is_required: false });
            }
        }
        if line.commands.is_empty() || path.len() >= NESTING {
            return spec;
        }
        let wanted = if path.is_empty() { "command" } else { "subcommand" };
        let mut property = wanted.to_owned();
        while self.properties.contains_key(&property) && property.len() < NAME_BYTES {
            property.insert_str(0, if property == "command" { "sub" } else { "_" });
        }
        let mut help = String::from("Subcommand.");
        for (name, command) in &line.commands {
            let text = collapse(command.description.as_deref().unwrap_or(""));
            help.push_str(&if text.is_empty() { format!(" {name};") } else { format!(" {name}: {text};") });
        }
        let command_names: Vec<&str> = line.commands.iter().map(|(name, _)| name.as_str()).collect();
        let schema = json!({
            "type": "string",
            "enum": command_names,
            "description": clip(help.trim_end_matches(';'), 2 * HELP_BYTES)
        });
        self.add(&property, schema, &owner);
        let mut commands = Vec::new();
        for (name, command) in &line.commands {
            let path: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
            commands.push(Command { name: name.clone(), spec: self.level(command, &path) });
        }
        spec.subcommands = Some(Subcommands { property, is_required: line.needs_command, commands });
        spec
    }

    /// Adds one argument to its level; gives its property.
    fn argument(&mut self, arg: &Arg, owner: &str, spec: &mut ArgvSpec) -> Option<String> {
        let is_bad = |flag: &String| {
            let name = flag.strip_suffix('=').unwrap_or(flag);
            name.len() < 2 || name.contains(|c: char| c == '=' || c.is_whitespace() || c.is_control())
        };
        if arg.flags.iter().chain(&arg.negative).any(is_bad) {
            return None;
        }
        let mut property = property_name(&arg.dest)?;
        if spec.argument(&property).is_some() {
            property =
                property_name(arg.flag()?.trim_matches(['-', '='])).filter(|name| spec.argument(name).is_none())?;
        }
        let (mut schema, form) = shape(arg)?;
        if self.is_full && !arg.is_required && !self.properties.contains_key(&property) {
            return None;
        }
        describe(&mut schema, &arg.help);
        self.add(&property, Value::Object(schema), owner);
        spec.arguments.push(Argument { property: property.clone(), form, is_required: arg.is_required });
        Some(property)
    }

    fn add(&mut self, property: &str, schema: Value, owner: &str) {
        match self.properties.get_mut(property) {
            Some(known) => merge(known, &schema),
            None => {
                self.properties.insert(property.to_owned(), schema);
            }
        }
        self.owners.entry(property.to_owned()).or_default().push(owner.to_owned());
        self.is_full = self.properties.len() >= PROPERTY_COUNT;
    }

    fn note(&mut self, property: &str, note: &str) {
        if let Some(Value::Object(schema)) = self.properties.get_mut(property) {
            let before = schema.get("description").and_then(Value::as_str).unwrap_or("").to_owned();
            let text = if before.is_empty() { note.to_owned() } else { format!("{before} ({note})") };
            schema.insert("description".to_owned(), Value::String(clip(&text, 2 * HELP_BYTES)));
        }
    }

    fn note_exclusive(&mut self, properties: &[String]) {
        for property in properties {
            let others = names(properties.iter().filter(|other| *other != property).map(String::as_str));
            self.note(property, &format!("not together with {others}"));
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
}

fn describe(schema: &mut Map<String, Value>, help: &str) {
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
fn property_name(dest: &str) -> Option<String> {
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
