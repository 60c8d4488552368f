//! From a described command line to a schema and the calling convention that goes with it.
//!
//! Subcommands become one property that names them, and all their arguments stand beside it: vendors refuse `anyOf`
//! and `if` at the root of a tool's schema. What belongs to which subcommand is in the descriptions and is judged when the
//! command line is built.

use std::collections::BTreeMap;

use serde_json::Value;

use super::cli::{Arg, Line};
use super::properties::{NAME_BYTES, NESTING, Properties, describe, first_line, property_name};
use super::shape::shape;
use crate::schema::{Argument, ArgvSpec, Command, Exclusive, Inferred, Subcommands};

/// The schema and the convention of a command line; `reads_text` says that the script also reads text on stdin.
pub(super) fn inferred(line: &Line, provenance: &'static str, reads_text: bool) -> Inferred {
    let mut build = Build { properties: Properties::default() };
    let spec = build.level(line, &[]);
    let description = line.description.as_deref().and_then(first_line);
    Inferred { description, ..build.properties.inferred(spec, provenance, reads_text) }
}

struct Build {
    properties: Properties,
}

impl Build {
    fn level(&mut self, line: &Line, path: &[&str]) -> ArgvSpec {
        let mut spec = ArgvSpec { grammar: line.grammar, ..ArgvSpec::default() };
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
                self.properties.note_exclusive(&properties, false);
                spec.exclusive.push(Exclusive { properties, is_required: false });
            }
        }
        if line.commands.is_empty() || path.len() >= NESTING {
            return spec;
        }
        let wanted = if path.is_empty() { "command" } else { "subcommand" };
        let mut property = wanted.to_owned();
        while self.properties.has(&property) && property.len() < NAME_BYTES {
            property.insert_str(0, if property == "command" { "sub" } else { "_" });
        }
        let helps = line.commands.iter().map(|(name, line)| (name.as_str(), line.description.as_deref().unwrap_or("")));
        self.properties.add_chooser(&property, helps, &owner);
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
        if self.properties.is_full() && !arg.is_required && !self.properties.has(&property) {
            return None;
        }
        describe(&mut schema, &arg.help);
        self.properties.add(&property, Value::Object(schema), owner);
        spec.arguments.push(Argument { property: property.clone(), form, is_required: arg.is_required });
        Some(property)
    }
}
