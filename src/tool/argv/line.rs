//! A whole command line: its levels one after the other, and what must and must not be given together.

use std::collections::BTreeSet;
use std::ffi::OsString;

use serde_json::{Map, Value};

use super::level::{Level, Slot};
use super::spelling::{looks_like_option, positional};
use super::{Invocation, invalid};
use crate::error::Result;
use crate::schema::{Argument, ArgvSpec, Dashes, Form, Reading, validate};

/// Writes a call's arguments as the command line of a specification; `schema` has the defaults.
pub(super) fn write(spec: &ArgvSpec, given: &Map<String, Value>, schema: &Value) -> Result<Invocation> {
    let mut line = Line { words: Vec::new(), stdin: Vec::new(), used: BTreeSet::new(), command: Vec::new(), schema };
    line.write(spec, given)?;
    if let Some(name) = given.keys().find(|name| !line.used.contains(name.as_str())) {
        return Err(invalid(match (spec.knows(name), line.command.is_empty()) {
            (false, _) => format!("/{name}: the script has no such argument"),
            (true, true) => format!("/{name}: belongs to a subcommand, and none is given"),
            (true, false) => {
                let own = validate::names(line.used.iter().copied());
                format!("/{name}: does not belong to `{}`, which takes {own}", line.command.join(" "))
            }
        }));
    }
    Ok(Invocation { arguments: line.words.into_iter().map(OsString::from).collect(), stdin: line.stdin })
}

/// A command line under construction.
struct Line<'a> {
    words: Vec<String>,
    stdin: Vec<u8>,
    /// Properties that have been read.
    used: BTreeSet<&'a str>,
    /// The subcommands chosen so far.
    command: Vec<&'a str>,
    schema: &'a Value,
}

impl<'a> Line<'a> {
    fn write(&mut self, spec: &'a ArgvSpec, given: &'a Map<String, Value>) -> Result<()> {
        let mut level = Level::default();
        for argument in &spec.arguments {
            self.used.insert(&argument.property);
            let value = given.get(&argument.property);
            if value.is_none() && argument.is_required {
                return Err(invalid(format!("/: missing `{}`{}", argument.property, self.of_command())));
            }
            level.place(argument, value, spec)?;
        }
        exclusive(spec, given)?;
        if let Some(property) = &spec.stdin_property {
            self.used.insert(property);
            if let Some(Value::String(text)) = given.get(property) {
                self.stdin = text.as_bytes().to_vec();
            }
        }
        let next = self.subcommand(spec, given)?;
        self.arrange(&mut level, spec, next.is_some())?;
        self.append(level, spec, next.is_some())?;
        if let Some(command) = next {
            self.words.push(command.name.clone());
            self.command.push(&command.name);
            self.write(&command.spec, given)?;
        }
        Ok(())
    }

    fn subcommand(
        &mut self,
        spec: &'a ArgvSpec,
        given: &Map<String, Value>,
    ) -> Result<Option<&'a crate::schema::Command>> {
        let Some(subcommands) = &spec.subcommands else { return Ok(None) };
        self.used.insert(&subcommands.property);
        let Some(name) = given.get(&subcommands.property).and_then(Value::as_str) else {
            if subcommands.is_required {
                return Err(invalid(format!("/: missing `{}`{}", subcommands.property, self.of_command())));
            }
            return Ok(None);
        };
        match subcommands.commands.iter().find(|command| command.name == name) {
            Some(found) => Ok(Some(found)),
            None => {
                let known = validate::names(subcommands.commands.iter().map(|command| command.name.as_str()));
                let name = validate::clip(name, 40);
                Err(invalid(format!("/{}: expected one of {known}, got `{name}`", subcommands.property)))
            }
        }
    }

    /// Puts the words of a level in order.
    fn append(&mut self, mut level: Level<'a>, spec: &ArgvSpec, has_command: bool) -> Result<()> {
        let is_open = level.is_open();
        let (mut rest, mut positionals) = (Vec::new(), Vec::new());
        for slot in level.slots {
            if slot.takes_rest {
                if positionals.is_empty() && slot.words.first().is_some_and(|word| looks_like_option(word, spec)) {
                    let name = &slot.argument.property;
                    return Err(invalid(format!("/{name}/0: the first value may not start with `-`")));
                }
                // The positional before it would swallow the mark.
                if slot.words.first().is_some_and(|word| word == "--") {
                    return Err(invalid(format!("/{}/0: the first value may not be `--`", slot.argument.property)));
                }
                rest.extend(slot.words);
            } else {
                positionals.extend(slot.words);
            }
        }
        if is_open && positionals.is_empty() && (has_command || !rest.is_empty()) {
            return Err(invalid(
                "a list of several values cannot stand directly before what follows it; give one value",
            ));
        }
        let needs_mark = match spec.grammar.dashes {
            Dashes::Marked => is_open || positionals.iter().any(|word| looks_like_option(word, spec)),
            Dashes::AlwaysMarked => true,
            Dashes::Verbatim | Dashes::Refused => false,
        };
        let mark = (needs_mark && !positionals.is_empty()).then(|| "--".to_owned());
        let mut options = level.greedy;
        options.append(&mut level.closed);
        if spec.grammar.is_positional_first {
            self.words.extend(positionals.into_iter().chain(rest).chain(options));
        } else {
            self.words.extend(options.into_iter().chain(mark).chain(positionals).chain(rest));
        }
        Ok(())
    }

    /// Makes sure that the parser gives every positional the words that are meant for it: a default is written where one
    /// was left out before another that is given, and what cannot be told apart is refused.
    fn arrange(&self, level: &mut Level<'a>, spec: &ArgvSpec, has_command: bool) -> Result<()> {
        loop {
            let Some(wrong) = misplaced(&level.slots, spec.grammar.reading, has_command) else { return Ok(()) };
            let after = level.slots.iter().skip(wrong + 1).find(|slot| !slot.words.is_empty());
            let after = after.map(|slot| slot.argument.property.as_str());
            let after = after.or(spec.subcommands.as_ref().filter(|_| has_command).map(|sub| sub.property.as_str()));
            let Some(slot) = level.slots.get_mut(wrong) else { return Ok(()) };
            let name = &slot.argument.property;
            if !slot.words.is_empty() {
                let after = after.unwrap_or("what follows");
                return Err(invalid(format!(
                    "/{name}: the script cannot tell its values from `{after}`; leave out one of the two"
                )));
            }
            match self.default_of(slot.argument, spec)? {
                Some(word) => slot.words.push(word),
                None => {
                    let after = after.unwrap_or("");
                    return Err(invalid(format!("/{after}: can only be given together with `{name}`")));
                }
            }
        }
    }

    /// The default of a positional as a word.
    fn default_of(&self, argument: &Argument, spec: &ArgvSpec) -> Result<Option<String>> {
        let default = self.schema.get("properties").and_then(|map| map.get(&argument.property)?.get("default"));
        match (default, &argument.form) {
            (Some(value), Form::Positional(scalar)) if !value.is_null() => {
                Ok(Some(positional(&format!("/{}", argument.property), value, *scalar, spec)?))
            }
            _ => Ok(None),
        }
    }

    fn of_command(&self) -> String {
        if self.command.is_empty() { String::new() } else { format!(", which `{}` needs", self.command.join(" ")) }
    }
}

/// The first positional that would not get its own words.
fn misplaced(slots: &[Slot<'_>], reading: Reading, has_command: bool) -> Option<usize> {
    let total: usize = slots.iter().map(|slot| slot.words.len()).sum();
    let mut left = total;
    for (index, slot) in slots.iter().enumerate() {
        let after = slots.get(index + 1..).unwrap_or_default();
        let own = slot.words.len();
        let is_right = match reading {
            // argparse matches from the left, each positional as many words as leave enough for the others; a
            // subcommand's words count among them.
            Reading::Argparse => {
                let kept: usize = after.iter().map(|slot| slot.least).sum();
                let free = if has_command { usize::MAX } else { left.saturating_sub(kept) };
                own == slot.most.min(free) || slot.takes_rest
            }
            // Others fill from the left; words are left over for what takes them all.
            Reading::Getopt | Reading::Words => {
                let later: usize = after.iter().map(|slot| slot.words.len()).sum();
                let is_last_open = slot.most == usize::MAX && after.iter().all(|slot| slot.least == slot.most);
                later == 0 && !has_command || own == slot.most || is_last_open && reading == Reading::Getopt
            }
        };
        if !is_right {
            return Some(index);
        }
        left = left.saturating_sub(own);
    }
    None
}

fn exclusive(spec: &ArgvSpec, given: &Map<String, Value>) -> Result<()> {
    for set in &spec.exclusive {
        let said = |name: &&String| {
            given.get(*name).is_some_and(|value| spec.argument(name).is_some_and(|argument| is_said(argument, value)))
        };
        let said: Vec<&str> = set.properties.iter().filter(said).map(String::as_str).collect();
        let names = || validate::names(set.properties.iter().map(String::as_str));
        if said.len() > 1 {
            return Err(invalid(format!("/: only one of {} may be given, got {}", names(), validate::names(said))));
        }
        if said.is_empty() && set.is_required {
            return Err(invalid(format!("/: one of {} must be given", names())));
        }
    }
    Ok(())
}

/// Whether a value puts anything on the command line.
fn is_said(argument: &Argument, value: &Value) -> bool {
    match &argument.form {
        Form::Switch(flags) => flags.iter().any(|(meaning, _)| meaning == value),
        Form::Count { start, .. } => value.as_u64().is_some_and(|count| count > *start),
        _ => value.as_array().is_none_or(|items| !items.is_empty()),
    }
}
