//! From parsers to a schema and the command line that goes with it: as the room's `emit`, for parsers that know more
//! (constants of one destination, required groups, prefixes).

use serde_json::Value;

use super::argparse::{Action, Arg, Origin, Parser};
use super::shape::{constants, shape};
use crate::schema::infer::properties::{NESTING, Properties, describe, first_line, property_name};
use crate::schema::{Argument, ArgvSpec, Command, Exclusive, Form, Inferred, Subcommands};

pub(super) fn inferred(parsers: &[Parser], index: usize, reads_text: bool) -> Inferred {
    let mut build = Build { parsers, properties: Properties::default(), choosers: Vec::new() };
    let spec = build.level(index, &[]);
    let origin = parsers.get(index).map_or(Origin::Argparse, |parser| parser.origin);
    let description = parsers.get(index).and_then(|parser| parser.description.as_deref()).and_then(first_line);
    Inferred { description, ..build.properties.inferred(spec, origin.name(), reads_text) }
}

struct Build<'a> {
    parsers: &'a [Parser],
    properties: Properties,
    /// The properties that name the subcommands around this level.
    choosers: Vec<String>,
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
                self.properties.note_exclusive(&properties, *is_required);
                spec.exclusive.push(Exclusive { properties, is_required: *is_required });
            }
        }
        if let Some(subparsers) = parser.subparsers.as_ref().filter(|subparsers| !subparsers.commands.is_empty()) {
            let wanted = subparsers.dest.as_deref().and_then(property_name).unwrap_or_else(|| "command".to_owned());
            // A subcommand's own subcommands need a name that is not its parent's.
            let property = match path.last() {
                None if self.properties.has(&wanted) => "subcommand".to_owned(),
                Some(last) if self.choosers.contains(&wanted) => {
                    property_name(&format!("{last}_{wanted}")).unwrap_or(wanted)
                }
                _ => wanted,
            };
            self.choosers.push(property.clone());
            let helps = subparsers.commands.iter().map(|command| (command.name.as_str(), command.help.as_str()));
            self.properties.add_chooser(&property, helps, &owner);
            let mut commands = Vec::new();
            for command in &subparsers.commands {
                let path: Vec<String> = path.iter().chain([&command.name]).cloned().collect();
                commands.push(Command { name: command.name.clone(), spec: self.level(command.parser, &path) });
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
                let before = self.properties.get_mut(&property).cloned().unwrap_or(Value::Null);
                let mut merged = constants(&values, before.get("default").or(arg.default.as_ref()));
                let help = [before.get("description").and_then(Value::as_str).unwrap_or(""), &arg.help].join(" / ");
                describe(&mut merged, help.trim_matches([' ', '/']));
                self.properties.replace(&property, merged);
                return Some(property);
            }
        }
        let property = match spec.argument(&property) {
            None => property,
            Some(_) => property_name(arg.flags.iter().max_by_key(|flag| flag.len())?.trim_start_matches('-'))
                .filter(|name| spec.argument(name).is_none())?,
        };
        if self.properties.is_full() && !arg.is_required && !self.properties.has(&property) {
            return None;
        }
        describe(&mut schema, &arg.help);
        let adds = matches!(arg.action, Action::Append | Action::Extend | Action::AppendConstant);
        if adds && is_argparse && schema.get("default").and_then(Value::as_array).is_some_and(|items| !items.is_empty())
        {
            describe(&mut schema, &format!("{} (values are added to the default)", arg.help));
        }
        self.properties.add(&property, Value::Object(schema), owner);
        spec.arguments.push(Argument { property: property.clone(), form, is_required: arg.is_required });
        Some(property)
    }
}

/// Whether a flag looks like a negative number to argparse.
fn is_numeric(flag: &str) -> bool {
    flag.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
}
