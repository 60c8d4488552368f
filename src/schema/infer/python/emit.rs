//! From parsers to a schema and the command line that goes with it.
//!
//! Subcommands become one property that names them, and all their arguments stand beside it: vendors refuse `anyOf`
//! and `if` at the root of a tool's schema. What belongs to which subcommand is in the descriptions and is judged when the
//! command line is built.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::argparse::{Action, Arg, Origin, Parser, Subcommand};
use super::shape::{constants, shape};
use crate::schema::validate::{clip, names};
use crate::schema::{Argument, ArgvSpec, Command, Convention, Exclusive, Form, Inferred, PROPERTY_COUNT, Subcommands};

/// The longest description of one property, in bytes.
const HELP_BYTES: usize = 400;
/// The longest name of a property; Gemini refuses more.
const NAME_BYTES: usize = 64;
/// The deepest nesting of subcommands.
const NESTING: usize = 6;

pub(super) fn inferred(parsers: &[Parser], index: usize, reads_text: bool) -> Inferred {
    let mut build =
        Build { parsers, properties: Map::new(), owners: BTreeMap::new(), choosers: Vec::new(), is_full: false };
    let mut spec = build.level(index, &[]);
    let mut required: Vec<Value> = spec
        .arguments
        .iter()
        .filter(|argument| argument.is_required)
        .map(|argument| json!(argument.property))
        .collect();
    if let Some(subcommands) = spec.subcommands.as_ref().filter(|subcommands| subcommands.is_required) {
        required.push(json!(subcommands.property));
    }
    build.note_owners(&spec);
    let origin = parsers.get(index).map_or(Origin::Argparse, |parser| parser.origin);
    let mut provenance: BTreeMap<String, &'static str> =
        build.properties.keys().map(|name| (name.clone(), origin.name())).collect();
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
    let description = parsers.get(index).and_then(|parser| parser.description.as_deref()).and_then(first_line);
    Inferred {
        schema: Value::Object(schema),
        convention: Convention::Argv(spec),
        provenance,
        description,
        reads_stdin_json: false,
    }
}

/// The first line of a text that says something, clipped.
pub(super) fn first_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| line.chars().any(char::is_alphanumeric))?;
    Some(clip(line, HELP_BYTES))
}

struct Build<'a> {
    parsers: &'a [Parser],
    properties: Map<String, Value>,
    /// The subcommands that take each property; the root command line is the empty text.
    owners: BTreeMap<String, Vec<String>>,
    /// The properties that name the subcommands around this level.
    choosers: Vec<String>,
    is_full: bool,
}

impl Build<'_> {
    fn level(&mut self, index: usize, path: &[String]) -> ArgvSpec {
        let mut spec = ArgvSpec::default();
        let Some(parser) = self.parsers.get(index).filter(|_| path.len() < NESTING) else { return spec };
        spec.file_prefixes.clone_from(&parser.file_prefixes);
        spec.prefixes.clone_from(&parser.prefixes);
        spec.grammar = parser.grammar;
        spec.has_numeric_flags = parser.arguments.iter().any(|arg| arg.flags.iter().any(|flag| is_numeric(flag)));
        let owner = path.join(" ");
        // The property of each argument, by its index in the parser.
        let mut placed: Vec<Option<String>> = Vec::new();
        for arg in &parser.arguments {
            placed.push(self.argument(arg, parser.origin == Origin::Argparse, &owner, &mut spec));
        }
        for (members, is_required) in &parser.exclusive {
            let mut properties: Vec<String> =
                members.iter().filter_map(|index| placed.get(*index).cloned().flatten()).collect();
            properties.dedup();
            if properties.len() > 1 || *is_required && !properties.is_empty() {
                self.note_exclusive(&properties, *is_required);
                spec.exclusive.push(Exclusive { properties, is_required: *is_required });
            }
        }
        if let Some(subparsers) = parser.subparsers.as_ref().filter(|subparsers| !subparsers.commands.is_empty()) {
            let wanted = subparsers.dest.as_deref().and_then(property_name).unwrap_or_else(|| "command".to_owned());
            // A subcommand's own subcommands need a name that is not its parent's.
            let property = match path.last() {
                None if self.properties.contains_key(&wanted) => "subcommand".to_owned(),
                Some(last) if self.choosers.contains(&wanted) => {
                    property_name(&format!("{last}_{wanted}")).unwrap_or(wanted)
                }
                _ => wanted,
            };
            self.choosers.push(property.clone());
            let mut help = String::from("Subcommand.");
            for Subcommand { name, help: text, .. } in &subparsers.commands {
                let text = collapse(text);
                help.push_str(&if text.is_empty() { format!(" {name};") } else { format!(" {name}: {text};") });
            }
            let command_names: Vec<&str> = subparsers.commands.iter().map(|command| command.name.as_str()).collect();
            let schema = json!({
                "type": "string",
                "enum": command_names,
                "description": clip(help.trim_end_matches(';'), 2 * HELP_BYTES)
            });
            self.add(&property, schema, &owner);
            let mut commands = Vec::new();
            for Subcommand { name, parser, .. } in &subparsers.commands {
                let path: Vec<String> = path.iter().chain([name]).cloned().collect();
                commands.push(Command { name: name.clone(), spec: self.level(*parser, &path) });
            }
            self.choosers.pop();
            spec.subcommands = Some(Subcommands { property, is_required: subparsers.is_required, commands });
        }
        spec
    }

    /// Adds one argument to its level; gives its property.
    fn argument(&mut self, arg: &Arg, is_argparse: bool, owner: &str, spec: &mut ArgvSpec) -> Option<String> {
        if arg
            .flags
            .iter()
            .any(|flag| flag.len() < 2 || flag.contains(|c: char| c == '=' || c.is_whitespace() || c.is_control()))
        {
            return None;
        }
        let property = property_name(&arg.dest)?;
        let (mut schema, form) = shape(arg)?;
        if let Some(known) = spec.arguments.iter_mut().find(|known| known.property == property) {
            // Several flags for one destination, each with its constant.
            if let (Form::Switches(known), Form::Switches(more)) = (&mut known.form, &form) {
                known.extend(more.iter().cloned());
                let values: Vec<Value> = known.iter().map(|(value, _)| value.clone()).collect();
                if let Some(schema) = self.properties.get_mut(&property).and_then(Value::as_object_mut) {
                    schema.insert("items".to_owned(), Value::Object(constants(&values, None)));
                }
                return Some(property);
            }
            if let (Form::Switch(known), Form::Switch(more)) = (&mut known.form, &form) {
                known.extend(more.iter().cloned());
                let values: Vec<Value> = known.iter().map(|(value, _)| value.clone()).collect();
                let before = self.properties.get(&property).cloned().unwrap_or(Value::Null);
                let mut merged = constants(&values, before.get("default").or(arg.default.as_ref()));
                let help = [before.get("description").and_then(Value::as_str).unwrap_or(""), &arg.help].join(" / ");
                describe(&mut merged, help.trim_matches([' ', '/']));
                self.properties.insert(property.clone(), Value::Object(merged));
                return Some(property);
            }
        }
        let property = match spec.argument(&property) {
            None => property,
            Some(_) => property_name(arg.flags.iter().max_by_key(|flag| flag.len())?.trim_start_matches('-'))
                .filter(|name| spec.argument(name).is_none())?,
        };
        if self.is_full && !arg.is_required && !self.properties.contains_key(&property) {
            return None;
        }
        describe(&mut schema, &arg.help);
        let adds = matches!(arg.action, Action::Append | Action::Extend | Action::AppendConstant);
        if adds && is_argparse && schema.get("default").and_then(Value::as_array).is_some_and(|items| !items.is_empty())
        {
            describe(&mut schema, &format!("{} (values are added to the default)", arg.help));
        }
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

    fn note_exclusive(&mut self, properties: &[String], is_required: bool) {
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
}

fn describe(schema: &mut Map<String, Value>, help: &str) {
    let help = collapse(help);
    if !help.is_empty() {
        schema.insert("description".to_owned(), Value::String(clip(&help, HELP_BYTES)));
    }
}

/// Whether a flag looks like a negative number to argparse.
fn is_numeric(flag: &str) -> bool {
    flag.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
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
        known.retain(|key, _| key == "description");
        known.insert("type".to_owned(), Value::Array(all));
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
    for key in ["default", "items", "minItems", "maxItems", "minimum"] {
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
