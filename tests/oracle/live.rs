//! The facts of a live parser, from what the driver printed of it.

use serde_json::{Value, json};

use crate::Facts;

/// One argument of the live parser as the schema should have it.
struct Argument {
    property: String,
    form: String,
    types: String,
    choices: Value,
    default: Value,
}

/// The facts of a dumped parser: each argument under its subcommands and its flag, each property under its name.
pub(crate) fn facts(parser: &Value) -> Facts {
    let mut facts = Facts::new();
    let mut properties: Vec<Argument> = Vec::new();
    level(parser, "", &mut facts, &mut properties);
    let mut names: Vec<String> = properties.iter().map(|argument| argument.property.clone()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let of: Vec<&Argument> = properties.iter().filter(|argument| argument.property == name).collect();
        facts.insert(format!("property {name}"), together(&of));
    }
    facts
}

/// What a schema can say of a property that several subcommands have.
fn together(of: &[&Argument]) -> Value {
    let mut types: Vec<&str> = of.iter().flat_map(|argument| argument.types.split('|')).collect();
    types.sort_unstable();
    types.dedup();
    let mut choices: Vec<Value> = Vec::new();
    for argument in of {
        choices.extend(argument.choices.as_array().cloned().unwrap_or_default());
    }
    let choices = if of.iter().all(|argument| argument.choices.is_array()) && types.len() == 1 {
        crate::ours::sorted(choices)
    } else {
        Value::Null
    };
    let first = of.first().map_or(Value::Null, |argument| argument.default.clone());
    let is_common = types.len() == 1 && of.iter().all(|argument| argument.default == first);
    json!({"types": types, "choices": choices, "default": if is_common { first } else { Value::Null }})
}

fn level(parser: &Value, path: &str, facts: &mut Facts, properties: &mut Vec<Argument>) {
    let mut positionals = Vec::new();
    let mut visible: Vec<String> = Vec::new();
    let before = properties.len();
    for action in list(&parser["arguments"]) {
        let name = text(&action["action"]);
        if action["hidden"] == true || matches!(name, "_HelpAction" | "_VersionAction") {
            continue;
        }
        let mut argument = argument(action);
        // Of several arguments for one destination the first one's default counts.
        if let Some(place) = visible.iter().position(|known| *known == argument.property) {
            argument.default = properties.get(before + place).map_or(Value::Null, |known| known.default.clone());
        }
        visible.push(argument.property.clone());
        let flags: Vec<&str> = list(&action["flags"]).iter().map(text).collect();
        let is_positional = flags.is_empty();
        let required = if is_positional {
            !matches!(action["nargs"].as_str(), Some("?" | "*" | "..."))
        } else {
            action["required"] == true
        };
        let prefixes = text(&parser["prefixes"]);
        let is_long = |flag: &&&str| flag.chars().take(2).filter(|c| prefixes.contains(*c)).count() == 2;
        let flag = flags.iter().find(is_long).or(flags.first()).copied();
        let fact = |form: &str, constant: &Value| json!({"property": argument.property, "form": form, "required": required, "const": constant});
        match (flag, argument.form.as_str()) {
            (None, form) => {
                positionals.push(json!(argument.property));
                facts.insert(format!("{path}<{}>", argument.property), fact(form, &Value::Null));
            }
            (Some(flag), "boolean") => {
                facts.insert(format!("{path}{flag}"), fact("switch", &json!(true)));
                let no = flags.iter().find(|flag| flag.starts_with("--no-")).copied().unwrap_or("");
                facts.insert(format!("{path}{no}"), fact("switch", &json!(false)));
            }
            (Some(flag), form @ ("switch" | "switches")) => {
                let constant = if action["own_action"] == true { &json!(true) } else { &action["const"] };
                facts.insert(format!("{path}{flag}"), fact(form, constant));
            }
            (Some(flag), form) => {
                facts.insert(format!("{path}{flag}"), fact(form, &Value::Null));
            }
        }
        properties.push(argument);
    }
    if !positionals.is_empty() {
        facts.insert(format!("{path}positionals"), Value::Array(positionals));
    }
    let mut sets = Vec::new();
    for set in list(&parser["exclusive"]) {
        let mut members: Vec<String> = list(&set["members"]).iter().map(|dest| property(text(dest))).collect();
        members.retain(|member| visible.contains(member));
        members.sort();
        members.dedup();
        if members.len() > 1 || set["required"] == true && !members.is_empty() {
            sets.push(json!([members, set["required"]]));
        }
    }
    if !sets.is_empty() {
        facts.insert(format!("{path}exclusive"), crate::ours::sorted(sets));
    }
    let commands = list(&parser["commands"]["commands"]);
    if !commands.is_empty() {
        let names: Vec<&Value> = commands.iter().map(|command| &command[0]).collect();
        let required = parser["commands"]["required"] == true;
        facts.insert(format!("{path}commands"), json!({"names": names, "required": required}));
        for command in commands {
            level(&command[2], &format!("{path}{} ", text(&command[0])), facts, properties);
        }
    }
}

fn argument(action: &Value) -> Argument {
    let nargs = &action["nargs"];
    let is_option = !list(&action["flags"]).is_empty();
    let arity = match nargs {
        Value::Number(count) => format!("tuple {count}"),
        Value::String(mark) if mark == "?" && is_option && !action["const"].is_null() => "optional".to_owned(),
        Value::String(mark) => match mark.as_str() {
            "*" | "+" => "list".to_owned(),
            "..." => "rest".to_owned(),
            _ => "one".to_owned(),
        },
        _ => "one".to_owned(),
    };
    let form = match text(&action["action"]) {
        "_StoreTrueAction" | "_StoreFalseAction" | "_StoreConstAction" => "switch".to_owned(),
        "_AppendConstAction" => "switches".to_owned(),
        "_CountAction" => "count".to_owned(),
        "BooleanOptionalAction" => "boolean".to_owned(),
        "_AppendAction" if arity == "one" || arity == "optional" => "repeated".to_owned(),
        "_AppendAction" => format!("repeated {arity}"),
        "_ExtendAction" if arity == "one" || arity == "optional" => "repeated".to_owned(),
        "_ExtendAction" if arity == "list" => "list repeatable".to_owned(),
        _ if action["own_action"] == true && *nargs == 0 => "switch".to_owned(),
        _ => arity,
    };
    let scalar = match text(&action["kind"]) {
        "text" => "string",
        "truth" => "boolean",
        "json" => "json",
        other => other,
    };
    let mut choices = action["choices"].clone();
    let constant = &action["const"];
    let default = action["default"].clone();
    let types = match form.as_str() {
        "switch" | "boolean" => {
            let values: Vec<Value> =
                [constant, &default].into_iter().filter(|value| !value.is_null()).cloned().collect();
            if form == "boolean" || values.iter().all(Value::is_boolean) {
                "boolean".to_owned()
            } else {
                let is_text = values.iter().all(Value::is_string);
                choices = Value::Array(values);
                if is_text { "string".to_owned() } else { "constant".to_owned() }
            }
        }
        "count" => "integer".to_owned(),
        "optional" if constant.is_boolean() && scalar != "boolean" => {
            choices = Value::Null;
            format!("{scalar}|boolean")
        }
        "switches" => {
            choices = json!([constant]);
            if constant.is_string() { "array<string>".to_owned() } else { "array<constant>".to_owned() }
        }
        "one" | "optional" => scalar.to_owned(),
        form if form.starts_with("repeated ") => format!("array<array<{scalar}>>"),
        _ => format!("array<{scalar}>"),
    };
    let choices = match choices {
        Value::Array(items) => {
            let fit: Vec<Value> =
                items.into_iter().filter(|item| types.contains("constant") || fits(item, scalar)).collect();
            if fit.is_empty() || fit.len() > 256 { Value::Null } else { crate::ours::sorted(fit) }
        }
        _ => Value::Null,
    };
    let is_fit = |value: &Value| fits(value, scalar) && choices.as_array().is_none_or(|list| list.contains(value));
    let is_kept = match types.as_str() {
        "constant" => true,
        "integer" if form == "count" => default.is_u64(),
        types if types.starts_with("array<array") => false,
        types if types.starts_with("array") => default.as_array().is_some_and(|items| items.iter().all(is_fit)),
        "boolean" if form == "switch" || form == "boolean" => default.is_boolean(),
        _ => is_fit(&default),
    };
    let default = if is_kept && default.get("opaque").is_none() { default } else { Value::Null };
    Argument { property: property(text(&action["dest"])), form, types, choices, default }
}

/// A destination as a property of a schema.
fn property(dest: &str) -> String {
    let name: String = dest.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

fn fits(value: &Value, scalar: &str) -> bool {
    match scalar {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => !value.is_null(),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}
