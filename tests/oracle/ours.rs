//! The facts of what the library inferred, from the schema and the command line that go with a script.

use serde_json::{Value, json};
use skilllite::schema::{ArgvSpec, Convention, Form, Inferred};

use crate::Facts;

/// The facts of an inferred command line; none where the inference saw none.
pub(crate) fn facts(inferred: &Inferred) -> Facts {
    let mut facts = Facts::new();
    let Convention::Argv(spec) = &inferred.convention else { return facts };
    let mut commands = Vec::new();
    level(spec, "", &mut facts, &mut commands);
    let properties = inferred.schema["properties"].as_object();
    for (name, schema) in properties.into_iter().flatten() {
        if spec.stdin_property.as_deref() == Some(name) || commands.contains(name) {
            continue;
        }
        let mut types: Vec<String> = types(schema);
        types.sort_unstable();
        let mut inner = schema;
        while inner["type"] == "array" {
            inner = &inner["items"];
        }
        let choices = inner["enum"].as_array().cloned().map_or(Value::Null, sorted);
        facts.insert(
            format!("property {name}"),
            json!({"types": types, "choices": choices, "default": schema["default"]}),
        );
    }
    facts
}

/// Types as in `string`, `array<integer>`; an enumeration of anything but plain texts or numbers is `constant`.
fn types(schema: &Value) -> Vec<String> {
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    if kinds.len() == 5 {
        return vec!["json".to_owned()];
    }
    if kinds.is_empty() {
        return vec!["constant".to_owned()];
    }
    let of = |kind: &str| match kind {
        "array" => format!("array<{}>", types(&schema["items"]).join("|")),
        other => other.to_owned(),
    };
    kinds.into_iter().map(of).collect()
}

/// A set of values in an order of its own.
pub(crate) fn sorted(mut values: Vec<Value>) -> Value {
    values.sort_by_key(Value::to_string);
    values.dedup();
    Value::Array(values)
}

fn level(spec: &ArgvSpec, path: &str, facts: &mut Facts, commands: &mut Vec<String>) {
    let mut positionals = Vec::new();
    for argument in &spec.arguments {
        let property = &argument.property;
        let mut say = |key: &str, form: &str, constant: &Value| {
            let fact = json!({"property": property, "form": form, "required": argument.is_required, "const": constant});
            facts.insert(format!("{path}{key}"), fact);
        };
        let none = &Value::Null;
        match &argument.form {
            Form::Positional(_) => say(&format!("<{property}>"), "one", none),
            Form::Positionals { takes_rest, .. } => {
                say(&format!("<{property}>"), if *takes_rest { "rest" } else { "list" }, none);
            }
            Form::PositionalTuple { count, .. } => say(&format!("<{property}>"), &format!("tuple {count}"), none),
            Form::Option { flag, bare, .. } => say(flag, if bare.is_some() { "optional" } else { "one" }, none),
            Form::OptionList { flag, is_repeatable, .. } => {
                say(flag, if *is_repeatable { "list repeatable" } else { "list" }, none);
            }
            Form::OptionTuple { flag, count, is_repeated, .. } => {
                say(flag, &format!("{}tuple {count}", if *is_repeated { "repeated " } else { "" }), none);
            }
            Form::Repeated { flag, takes_lists, .. } => {
                say(flag, if *takes_lists { "repeated list" } else { "repeated" }, none);
            }
            Form::Count { flag, .. } => say(flag, "count", none),
            Form::Switch(flags) => flags.iter().for_each(|(value, flag)| say(flag, "switch", value)),
            Form::Switches(flags) => flags.iter().for_each(|(value, flag)| say(flag, "switches", value)),
        }
        if matches!(argument.form, Form::Positional(_) | Form::Positionals { .. } | Form::PositionalTuple { .. }) {
            positionals.push(json!(property));
        }
    }
    if !positionals.is_empty() {
        facts.insert(format!("{path}positionals"), Value::Array(positionals));
    }
    let mut sets = Vec::new();
    for set in &spec.exclusive {
        let mut members = set.properties.clone();
        members.sort();
        sets.push(json!([members, set.is_required]));
    }
    if !sets.is_empty() {
        facts.insert(format!("{path}exclusive"), sorted(sets));
    }
    if let Some(subcommands) = &spec.subcommands {
        commands.push(subcommands.property.clone());
        let names: Vec<&str> = subcommands.commands.iter().map(|command| command.name.as_str()).collect();
        facts.insert(format!("{path}commands"), json!({"names": names, "required": subcommands.is_required}));
        for command in &subcommands.commands {
            level(&command.spec, &format!("{path}{} ", command.name), facts, commands);
        }
    }
}
