//! From a described command line to a schema and the calling convention that goes with it.
//!
//! Subcommands become one property that names them, and all their arguments stand beside it: vendors refuse `anyOf`
//! and `if` at the root of a tool's schema. What belongs to which subcommand is in the descriptions and is judged when the
//! command line is built.

use serde_json::{Map, Value};

use super::cli::{Arg, Line, Takes};
use super::properties::{NAME_BYTES, NESTING, Properties, describe, first_line, property_name};
use super::shape::{constants, shape};
use crate::schema::{Argument, ArgvSpec, Command, Exclusive, Form, Inferred, Subcommands};

/// The schema and the convention of a command line; `reads_text` says that the script also reads text on stdin.
pub(super) fn inferred(line: &Line, provenance: &'static str, reads_text: bool) -> Inferred {
    let mut build = Build { properties: Properties::default(), choosers: Vec::new() };
    let spec = build.level(line, &[]);
    let description = line.description.as_deref().and_then(first_line);
    Inferred { description, ..build.properties.inferred(spec, provenance, reads_text) }
}

struct Build {
    properties: Properties,
    /// The properties that name the subcommands around this level.
    choosers: Vec<String>,
}

impl Build {
    fn level(&mut self, line: &Line, path: &[&str]) -> ArgvSpec {
        let mut spec = ArgvSpec { grammar: line.grammar.clone(), ..ArgvSpec::default() };
        let owner = path.join(" ");
        // The property of each argument, by its index.
        let mut placed: Vec<Option<String>> = Vec::new();
        for arg in &line.arguments {
            placed.push(self.argument(arg, &owner, &mut spec));
        }
        for set in &line.exclusive {
            let members = set.members.iter();
            let mut properties: Vec<String> =
                members.filter_map(|index| placed.get(*index).cloned().flatten()).collect();
            properties.dedup();
            if properties.len() > 1 || set.is_required && !properties.is_empty() {
                self.properties.note_exclusive(&properties, set.is_required);
                spec.exclusive.push(Exclusive { properties, is_required: set.is_required });
            }
        }
        if line.commands.is_empty() || path.len() >= NESTING {
            return spec;
        }
        let property = self.chooser(line, path);
        self.choosers.push(property.clone());
        let helps = line.commands.iter().map(|command| (command.name.as_str(), command.help.as_str()));
        self.properties.add_chooser(&property, helps, &owner);
        let mut commands = Vec::new();
        for command in &line.commands {
            let path: Vec<&str> = path.iter().copied().chain([command.name.as_str()]).collect();
            commands.push(Command { name: command.name.clone(), spec: self.level(&command.line, &path) });
        }
        self.choosers.pop();
        spec.subcommands = Some(Subcommands { property, is_required: line.needs_command, commands });
        spec
    }

    /// The property that names the subcommand of a level.
    fn chooser(&self, line: &Line, path: &[&str]) -> String {
        if let Some(wanted) = line.chooser.as_deref().and_then(property_name) {
            // A subcommand's own subcommands need a name that is not its parent's.
            return match path.last() {
                None if self.properties.has(&wanted) => "subcommand".to_owned(),
                Some(last) if self.choosers.contains(&wanted) => {
                    property_name(&format!("{last}_{wanted}")).unwrap_or(wanted)
                }
                _ => wanted,
            };
        }
        let mut property = if path.is_empty() { "command" } else { "subcommand" }.to_owned();
        while self.properties.has(&property) && property.len() < NAME_BYTES {
            property.insert_str(0, if property == "command" { "sub" } else { "_" });
        }
        property
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
        let (mut schema, form) = shape(arg)?;
        if let Some(known) = spec.arguments.iter_mut().find(|known| known.property == property) {
            let is_shared = matches!(arg.takes, Takes::Constant(_) | Takes::Item(_));
            if is_shared && self.join(&property, &mut known.form, &form, arg) {
                return Some(property);
            }
            property =
                property_name(arg.flag()?.trim_matches(['-', '='])).filter(|name| spec.argument(name).is_none())?;
        }
        if self.properties.is_full() && !arg.is_required && !self.properties.has(&property) {
            return None;
        }
        describe(&mut schema, &arg.help);
        let has_items = |value: &Value| value.as_array().is_some_and(|items| !items.is_empty());
        if arg.adds_to_default && schema.get("default").is_some_and(has_items) {
            describe(&mut schema, &format!("{} (values are added to the default)", arg.help));
        }
        self.properties.add(&property, Value::Object(schema), owner);
        spec.arguments.push(Argument { property: property.clone(), form, is_required: arg.is_required });
        Some(property)
    }

    /// Several flags for one destination, each with its constant: says whether they are one property.
    fn join(&mut self, property: &str, known: &mut Form, more: &Form, arg: &Arg) -> bool {
        let values = |flags: &[(Value, String)]| flags.iter().map(|(value, _)| value.clone()).collect::<Vec<_>>();
        match (known, more) {
            (Form::Switches(known), Form::Switches(more)) => {
                known.extend(more.iter().cloned());
                let items = Value::Object(constants(&values(known), None));
                if let Some(schema) = self.properties.get_mut(property).and_then(Value::as_object_mut) {
                    schema.insert("items".to_owned(), items);
                }
                true
            }
            (Form::Switch(known), Form::Switch(more)) => {
                known.extend(more.iter().cloned());
                let before = self.properties.get_mut(property).cloned().unwrap_or(Value::Null);
                let mut merged: Map<String, Value> =
                    constants(&values(known), before.get("default").or(arg.default.as_ref()));
                let help = [before.get("description").and_then(Value::as_str).unwrap_or(""), &arg.help].join(" / ");
                describe(&mut merged, help.trim_matches([' ', '/']));
                self.properties.replace(property, merged);
                true
            }
            _ => false,
        }
    }
}
