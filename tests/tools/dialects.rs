//! The OpenAI Chat dialect: the shape of definitions, every form in which calls come, and the answers.

use serde_json::{Value, json};
use skilllite::error::Status;
use skilllite::tool::dialect::{Dialect, ToolAnswer};

use crate::Fixture;

#[test]
fn dialects_have_names() {
    for (name, dialect) in Dialect::ALL {
        assert_eq!(Dialect::parse(name).expect("a known dialect"), dialect);
        assert_eq!(dialect.name(), name);
    }
    let error = Dialect::parse("smoke-signals").expect_err("unknown");
    assert_eq!(error.status, Status::UnknownDialect);
    assert!(error.message.contains("smoke-signals") && error.message.contains("openai"), "{error}");
}

#[test]
fn definitions_have_the_shape_of_the_api() {
    let scripts = ["everything.py", "subcommands.py", "structure.py", "filter.py", "stdin_json.py", "plain.py"];
    for script in scripts {
        let tool = Fixture::of_script(script).tool();
        let definitions = Dialect::OpenAi.definitions(&[&tool, &tool]);
        let list = definitions.as_array().expect("an array");
        assert_eq!(list.len(), 2);
        for definition in list {
            assert_eq!(keys(definition), ["type", "function"], "{script}");
            assert_eq!(definition["type"], "function");
            let function = &definition["function"];
            assert_eq!(keys(function), ["name", "description", "parameters"], "{script}");
            assert_eq!(function["name"], "sample");
            let parameters = &function["parameters"];
            assert_eq!(parameters["type"], "object");
            assert!(parameters["properties"].is_object(), "{script}");
            for keyword in ["anyOf", "oneOf", "allOf", "not", "if", "enum"] {
                assert!(parameters.get(keyword).is_none(), "{script}: vendors refuse {keyword} at the root");
            }
            lists_have_items(parameters, script);
        }
    }
    assert_eq!(Dialect::OpenAi.definitions(&[]), json!([]));
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().into_iter().flat_map(|map| map.keys().map(String::as_str)).collect()
}

/// The API refuses an array schema without `items`.
fn lists_have_items(schema: &Value, script: &str) {
    let is_list = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "array"),
        kind => kind == "array",
    };
    assert!(!is_list || schema.get("items").is_some(), "{script}: {schema}");
    for property in schema["properties"].as_object().into_iter().flat_map(|map| map.values()) {
        lists_have_items(property, script);
    }
    if let Some(items) = schema.get("items") {
        lists_have_items(items, script);
    }
}

#[test]
fn calls_are_read_in_every_form() {
    let calls = json!([
        {"id": "call_1", "type": "function", "function": {"name": "a", "arguments": "{\"x\": 1}"}},
        {"id": "call_2", "type": "function", "function": {"name": "b", "arguments": "{\"x\": "}},
        {"id": "call_3", "type": "function", "function": {"name": "c", "arguments": ""}},
        {"type": "function", "function": {"name": "d", "arguments": {"x": 2}}},
        {"id": "call_5", "type": "function", "function": {"name": "e", "arguments": "\"{\\\"x\\\": 3}\""}}
    ]);
    let message = json!({"role": "assistant", "content": null, "tool_calls": calls});
    let response = json!({"id": "r", "object": "chat.completion", "choices": [{"index": 0, "message": message}]});
    for form in [&calls, &message, &response] {
        let read = Dialect::OpenAi.calls(form).expect("calls");
        let ids: Vec<(&str, &str)> = read.iter().map(|call| (call.id.as_str(), call.name.as_str())).collect();
        assert_eq!(ids, [("call_1", "a"), ("call_2", "b"), ("call_3", "c"), ("", "d"), ("call_5", "e")]);
        assert_eq!(read[0].arguments, Ok(json!({"x": 1})));
        let error = read[1].arguments.as_ref().expect_err("no JSON");
        assert_eq!(error.status, Status::InvalidArguments);
        assert!(error.message.contains("not valid JSON"), "{error}");
        assert_eq!(read[2].arguments, Ok(json!({})));
        assert_eq!(read[3].arguments, Ok(json!({"x": 2})));
        // The second encoding is undone where the tool is known: a string may be what it takes.
        assert_eq!(read[4].arguments, Ok(json!("{\"x\": 3}")));
    }
    for silent in [
        json!({"choices": [{"message": {"role": "assistant", "content": "hello"}}]}),
        json!({"role": "assistant", "content": "hello", "tool_calls": null}),
        json!([]),
    ] {
        assert_eq!(Dialect::OpenAi.calls(&silent), Ok(Vec::new()), "{silent}");
    }
}

#[test]
fn responses_of_another_shape_are_errors() {
    let rows = [
        json!(null),
        json!("text"),
        json!(5),
        json!({}),
        json!({"error": {"message": "quota"}}),
        json!({"choices": []}),
        json!({"choices": [{"message": "hello"}]}),
        json!({"role": "assistant", "tool_calls": {}}),
        json!([5]),
        json!([{"id": "1", "type": "function"}]),
        json!([{"id": "1", "function": {"arguments": "{}"}}]),
        json!([{"id": "1", "function": {"name": "", "arguments": "{}"}}]),
    ];
    for response in rows {
        let error = Dialect::OpenAi.calls(&response).expect_err("another shape");
        assert_eq!(error.status, Status::InvalidResponse, "{response}: {error}");
    }
}

#[test]
fn answers_repeat_the_id() {
    let one = Dialect::OpenAi.answer("call_1", "a", "done\n", false);
    assert_eq!(one, json!({"role": "tool", "tool_call_id": "call_1", "content": "done\n"}));
    let failed = ToolAnswer { id: "call_2".into(), name: "b".into(), content: "no file".into(), is_error: true };
    let good = ToolAnswer { id: "call_1".into(), name: "a".into(), content: "done\n".into(), is_error: false };
    let want = json!([one, {"role": "tool", "tool_call_id": "call_2", "content": "Error: no file"}]);
    assert_eq!(Dialect::OpenAi.answers(&[good, failed]), want);
}
