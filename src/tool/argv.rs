//! A call's arguments made into what a program receives; a pure function, and never a shell.
//!
//! Options are written before positionals and as `--flag=value`, so that a value that looks like an option stays a
//! value; positionals that look like options follow `--`. What a command line cannot say is an error, not a guess.

use std::collections::BTreeSet;
use std::ffi::OsString;

use serde_json::{Map, Value};

use super::{Invocation, Tool};
use crate::error::{Error, Result, Status};
use crate::schema::{Argument, ArgvSpec, Convention, Form, Scalar, convention, validate};

/// The longest single argument, in bytes: Linux's MAX_ARG_STRLEN (32 pages) with its terminator.
const ARGUMENT_BYTES: usize = 128 * 1024 - 1;
/// The most bytes of all arguments together; Linux gives a quarter of the stack's limit, 2 MiB by default.
const ARGUMENTS_BYTES: usize = 1024 * 1024;
/// The most repetitions of a counted flag.
const COUNT: u64 = 64;

pub(super) fn prepare(tool: &Tool, arguments: &Value) -> Result<Invocation> {
    let fail =
        |error: Error| Error::new(error.status, format!("arguments of {} do not fit: {}", tool.name, error.message));
    let given = without_nulls(tool, object(arguments).map_err(fail)?);
    let arguments = Value::Object(given);
    tool.schema.validate(&arguments).map_err(fail)?;
    let Value::Object(given) = arguments else { return Err(fail(invalid("not an object"))) };
    let invocation = match &tool.convention {
        Convention::StdinJson => {
            Ok(Invocation { arguments: Vec::new(), stdin: Value::Object(given).to_string().into_bytes() })
        }
        Convention::Generic => generic(&given),
        Convention::Argv(spec) => by_spec(spec, &given, tool.parameters()),
    };
    invocation.and_then(bounded).map_err(fail)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Status::InvalidArguments, message)
}

/// The arguments as an object; one level of double encoding is undone.
fn object(arguments: &Value) -> Result<Map<String, Value>> {
    match arguments {
        Value::Object(map) => Ok(map.clone()),
        Value::Null => Ok(Map::new()),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Object(map)) => Ok(map),
            _ => Err(invalid("/: expected a JSON object, got a string that does not hold one")),
        },
        other => Err(invalid(format!("/: expected a JSON object, got {}", validate::show(other)))),
    }
}

/// Leaves out the arguments that are null where null only means "not given": strict modes make models send every property.
fn without_nulls(tool: &Tool, mut given: Map<String, Value>) -> Map<String, Value> {
    let properties = tool.parameters().get("properties").and_then(Value::as_object);
    given.retain(|name, value| !value.is_null() || properties.and_then(|map| map.get(name)).is_some_and(takes_null));
    given
}

fn takes_null(schema: &Value) -> bool {
    let is_null = |value: &Value| value.as_str() == Some("null");
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(is_null),
        Some(kind) => is_null(kind),
        None => {
            let alternatives = ["anyOf", "oneOf"].iter().filter_map(|key| schema.get(*key)?.as_array()).flatten();
            let values = schema.get("enum").and_then(Value::as_array);
            values.is_some_and(|values| values.contains(&Value::Null)) || alternatives.into_iter().any(takes_null)
        }
    }
}

fn generic(given: &Map<String, Value>) -> Result<Invocation> {
    let words = given.get("args").and_then(Value::as_array).into_iter().flatten();
    let arguments = words.map(|word| OsString::from(text(word, Scalar::Text))).collect();
    let stdin = given.get("stdin").and_then(Value::as_str).unwrap_or("").as_bytes().to_vec();
    Ok(Invocation { arguments, stdin })
}

fn bounded(invocation: Invocation) -> Result<Invocation> {
    let mut total = 0usize;
    for argument in &invocation.arguments {
        let bytes = argument.as_encoded_bytes();
        if bytes.contains(&0) {
            return Err(invalid("a value contains a NUL character, which no command line can carry"));
        }
        if bytes.len() > ARGUMENT_BYTES {
            return Err(invalid(format!(
                "a value is {} bytes long; one command line argument holds {ARGUMENT_BYTES}; pass a file instead",
                bytes.len()
            )));
        }
        total = total.saturating_add(bytes.len() + 1);
    }
    if total > ARGUMENTS_BYTES {
        return Err(invalid(format!("all values together are {total} bytes long; the limit is {ARGUMENTS_BYTES}")));
    }
    Ok(invocation)
}

fn by_spec(spec: &ArgvSpec, given: &Map<String, Value>, schema: &Value) -> Result<Invocation> {
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

/// The words of one level, by how the parser treats what follows them.
#[derive(Default)]
struct Level {
    /// Options that take as many words as they find; an option or `--` must follow.
    greedy: Vec<String>,
    /// Options that end by themselves.
    closed: Vec<String>,
    positionals: Vec<String>,
    rest: Vec<String>,
}

impl<'a> Line<'a> {
    fn write(&mut self, spec: &'a ArgvSpec, given: &'a Map<String, Value>) -> Result<()> {
        let mut level = Level::default();
        let mut skipped: Option<&Argument> = None;
        for argument in &spec.arguments {
            self.used.insert(&argument.property);
            let is_positional = matches!(argument.form, Form::Positional(_) | Form::Positionals { .. });
            match given.get(&argument.property) {
                Some(value) => {
                    if let (true, Some(before)) = (is_positional, skipped) {
                        self.fill(before, &argument.property, &mut level)?;
                        skipped = None;
                    }
                    place(argument, value, spec, &mut level)?;
                }
                None if argument.is_required => {
                    return Err(invalid(format!("/: missing `{}`{}", argument.property, self.of_command())));
                }
                None if matches!(argument.form, Form::Positional(_)) && skipped.is_none() => skipped = Some(argument),
                None => {}
            }
        }
        self.exclusive(spec, given)?;
        if let Some(property) = &spec.stdin_property {
            self.used.insert(property);
            if let Some(Value::String(text)) = given.get(property) {
                self.stdin = text.as_bytes().to_vec();
            }
        }
        let next = match &spec.subcommands {
            Some(subcommands) => {
                self.used.insert(&subcommands.property);
                let name = given.get(&subcommands.property).and_then(Value::as_str);
                if name.is_none() && subcommands.is_required {
                    return Err(invalid(format!("/: missing `{}`", subcommands.property)));
                }
                match name.map(|name| subcommands.commands.iter().find(|command| command.name == name)) {
                    Some(None) => return Err(invalid(format!("/{}: no such subcommand", subcommands.property))),
                    Some(found) => found,
                    None => None,
                }
            }
            None => None,
        };
        let is_open = level.closed.is_empty() && !level.greedy.is_empty();
        if is_open && level.positionals.is_empty() && (next.is_some() || !level.rest.is_empty()) {
            return Err(invalid(
                "a list of several values cannot stand directly before what follows it; give one value",
            ));
        }
        self.words.append(&mut level.greedy);
        self.words.append(&mut level.closed);
        if is_open && !level.positionals.is_empty() || level.positionals.iter().any(|word| word.starts_with('-')) {
            self.words.push("--".to_owned());
        }
        self.words.append(&mut level.positionals);
        self.words.append(&mut level.rest);
        if let Some(command) = next {
            self.words.push(command.name.clone());
            self.command.push(&command.name);
            self.write(&command.spec, given)?;
        }
        Ok(())
    }

    fn of_command(&self) -> String {
        if self.command.is_empty() { String::new() } else { format!(", which `{}` needs", self.command.join(" ")) }
    }

    /// Writes the default of a positional that was left out, because a later one is given.
    fn fill(&self, left_out: &Argument, given: &str, level: &mut Level) -> Result<()> {
        let default = self.schema.get("properties").and_then(|map| map.get(&left_out.property)?.get("default"));
        match (default, &left_out.form) {
            (Some(value), Form::Positional(scalar)) if !value.is_null() => {
                level.positionals.push(word(&left_out.property, value, *scalar)?);
                Ok(())
            }
            _ => Err(invalid(format!("/{given}: can only be given together with `{}`", left_out.property))),
        }
    }

    fn exclusive(&self, spec: &ArgvSpec, given: &Map<String, Value>) -> Result<()> {
        for set in &spec.exclusive {
            let said = |name: &&String| {
                given
                    .get(*name)
                    .is_some_and(|value| spec.argument(name).is_some_and(|argument| is_said(argument, value)))
            };
            let count = set.properties.iter().filter(said).count();
            let names = || validate::names(set.properties.iter().map(String::as_str));
            if count > 1 {
                return Err(invalid(format!("/: only one of {} may be given", names())));
            }
            if count == 0 && set.is_required {
                return Err(invalid(format!("/: one of {} must be given", names())));
            }
        }
        Ok(())
    }
}

/// Whether a value puts anything on the command line.
fn is_said(argument: &Argument, value: &Value) -> bool {
    match &argument.form {
        Form::Switch(flags) => flags.iter().any(|(meaning, _)| meaning == value),
        Form::Count { start, .. } => value.as_u64().is_some_and(|count| count > *start),
        _ => value.as_array().is_none_or(|items| !items.is_empty()),
    }
}

fn place(argument: &Argument, value: &Value, spec: &ArgvSpec, level: &mut Level) -> Result<()> {
    let name = &argument.property;
    match &argument.form {
        Form::Positional(scalar) => level.positionals.push(positional(name, value, *scalar, spec)?),
        Form::Positionals { scalar, takes_rest } => {
            for item in items(value) {
                let text =
                    if *takes_rest { word(name, item, *scalar)? } else { positional(name, item, *scalar, spec)? };
                if *takes_rest {
                    if level.rest.is_empty() && level.positionals.is_empty() && text.starts_with('-') {
                        return Err(invalid(format!("/{name}: the first value may not start with `-`")));
                    }
                    level.rest.push(text);
                } else {
                    level.positionals.push(text);
                }
            }
        }
        Form::Option { flag, bare: Some(bare), .. } if bare == value => level.greedy.push(flag.clone()),
        Form::Option { flag, scalar, .. } => level.closed.push(format!("{flag}={}", word(name, value, *scalar)?)),
        Form::OptionList { flag, scalar, is_repeatable } => {
            let words = words(name, value, *scalar)?;
            match words.as_slice() {
                [one] => level.closed.push(format!("{flag}={one}")),
                _ if *is_repeatable => level.closed.extend(words.iter().map(|word| format!("{flag}={word}"))),
                _ => list(name, flag, words, level)?,
            }
        }
        Form::Repeated { flag, scalar, takes_lists: false } => {
            for item in items(value) {
                level.closed.push(format!("{flag}={}", word(name, item, *scalar)?));
            }
        }
        Form::Repeated { flag, scalar, takes_lists: true } => {
            for item in items(value) {
                list(name, flag, words(name, item, *scalar)?, level)?;
            }
        }
        Form::Count { flag, start } => {
            let count = value.as_u64().unwrap_or(0).saturating_sub(*start);
            if count > COUNT {
                return Err(invalid(format!("/{name}: at most {}, got {value}", start.saturating_add(COUNT))));
            }
            level.closed.extend((0..count).map(|_| flag.clone()));
        }
        Form::PositionalTuple { .. } | Form::OptionTuple { .. } | Form::Switches(_) => {}
        Form::Switch(flags) => {
            level.closed.extend(flags.iter().find(|(meaning, _)| meaning == value).map(|(_, flag)| flag.clone()));
        }
    }
    Ok(())
}

/// One flag with several words after it. None of them may look like an option: no parser would take it for a value.
fn list(name: &str, flag: &str, words: Vec<String>, level: &mut Level) -> Result<()> {
    if let Some(word) = words.iter().find(|word| word.starts_with('-')) {
        let word = validate::clip(word, 40);
        return Err(invalid(format!("/{name}: {flag} cannot take a list with a value that starts with `-` ({word})")));
    }
    level.greedy.push(flag.to_owned());
    level.greedy.extend(words);
    Ok(())
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

fn words(name: &str, value: &Value, scalar: Scalar) -> Result<Vec<String>> {
    items(value).iter().map(|item| word(name, item, scalar)).collect()
}

fn positional(name: &str, value: &Value, scalar: Scalar, spec: &ArgvSpec) -> Result<String> {
    let text = word(name, value, scalar)?;
    if text == "--" {
        return Err(invalid(format!("/{name}: the value `--` cannot be given as a positional argument")));
    }
    if text.starts_with(|first| spec.file_prefixes.contains(first)) {
        return Err(invalid(format!(
            "/{name}: a value that starts with one of `{}` names a file to the script",
            spec.file_prefixes
        )));
    }
    Ok(text)
}

/// One value as text, judged for NUL here where the property's name is still known.
fn word(name: &str, value: &Value, scalar: Scalar) -> Result<String> {
    let text = text(value, scalar);
    if text.contains('\0') {
        return Err(invalid(format!("/{name}: contains a NUL character, which no command line can carry")));
    }
    Ok(text)
}

fn text(value: &Value, scalar: Scalar) -> String {
    match (scalar, value) {
        (Scalar::Truth, Value::Bool(true)) => "True".to_owned(),
        (Scalar::Truth, Value::Bool(false)) => String::new(),
        (Scalar::Integer, Value::Number(number)) => convention::whole(number),
        (Scalar::Json, value) => value.to_string(),
        (_, Value::String(text)) => text.clone(),
        (_, value) => value.to_string(),
    }
}
