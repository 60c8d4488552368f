//! The dialects: the shape of definitions and of answers. What is read of responses, streams and schemas has files of
//! its own.

#[path = "dialects_calls.rs"]
mod calls;
#[path = "dialects_schemas.rs"]
mod schemas;
#[path = "dialects_streams.rs"]
mod streams;

use serde_json::{Value, json};
use skilllite::error::Status;
use skilllite::tool::dialect::{Dialect, ToolAnswer};

use crate::Fixture;

#[test]
fn dialects_have_names() {
    for (name, dialect) in Dialect::ALL.iter().copied() {
        assert_eq!(Dialect::parse(name).expect("a known dialect"), dialect);
        assert_eq!(dialect.name(), name);
    }
    let error = Dialect::parse("smoke-signals").expect_err("unknown");
    assert_eq!(error.status, Status::UnknownDialect);
    assert!(error.message.contains("smoke-signals") && error.message.contains("openai"), "{error}");
}

#[test]
fn definitions_have_the_shape_of_the_chat_api() {
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

/// One tool, defined in each dialect.
#[test]
fn every_dialect_has_its_shape() {
    let schema = json!({
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
        "required": ["city"],
        "additionalProperties": false
    });
    let tool = Fixture::new("weather").file("scripts/main.py", b"print(1)").declares(schema.clone()).tool();
    let description = "What weather does.";
    let strict = json!({
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": ["integer", "null"], "minimum": 1}},
        "required": ["city", "days"],
        "additionalProperties": false
    });
    let closed = json!({
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "description": "At least 1."}},
        "required": ["city"],
        "additionalProperties": false
    });
    let subset = json!({
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
        "required": ["city"]
    });
    let function =
        |parameters: &Value| json!({"name": "weather", "description": description, "parameters": parameters});
    let with = |mut value: Value, strict: bool| {
        value["strict"] = json!(strict);
        value
    };
    let flat = |parameters: &Value, strict: bool| json!({"type": "function", "name": "weather", "description": description, "parameters": parameters, "strict": strict});
    let block = |schema: &Value| json!({"name": "weather", "description": description, "input_schema": schema});
    let rows = [
        ("openai", json!({"type": "function", "function": function(&schema)})),
        ("openai:strict", json!({"type": "function", "function": with(function(&strict), true)})),
        ("openai-responses", flat(&schema, false)),
        ("openai-responses:strict", flat(&strict, true)),
        ("anthropic", block(&schema)),
        ("anthropic:strict", with(block(&closed), true)),
        ("gemini", json!({"functionDeclarations": [function(&subset)]})),
        ("mcp", json!({"name": "weather", "description": description, "inputSchema": schema})),
    ];
    assert_eq!(rows.len(), Dialect::ALL.len());
    for (name, want) in rows {
        let dialect = Dialect::parse(name).expect("a dialect");
        assert_eq!(dialect.definitions(&[&tool]), json!([want]), "{name}");
        assert_eq!(dialect.definitions(&[]), json!([]), "{name}");
        assert_eq!(dialect.why_not_strict(&tool), None, "{name}");
    }
}

/// Anthropic counts strict tools, and optional arguments in them, over a whole request.
#[test]
fn a_request_has_no_more_strict_tools_than_the_api_takes() {
    let is_strict = |schema: Value, count: usize| {
        let tool = Fixture::new("t").file("scripts/main.py", b"print(1)").declares(schema).tool();
        let definitions = Dialect::AnthropicStrict.definitions(&vec![&tool; count]);
        let flags: Vec<bool> =
            definitions.as_array().expect("an array").iter().map(|tool| tool["strict"] == true).collect();
        (flags.iter().filter(|is_strict| **is_strict).count(), flags.iter().rposition(|is_strict| *is_strict))
    };
    let required = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    assert_eq!(is_strict(required, 30), (20, Some(19)));
    let optional = json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}});
    assert_eq!(is_strict(optional, 30), (12, Some(11)));
    let union = json!({"type": "object", "properties": {"a": {"type": ["string", "integer"]}}, "required": ["a"]});
    assert_eq!(is_strict(union, 30), (16, Some(15)));
}

#[test]
fn what_cannot_be_strict_says_so() {
    let schema = json!({"type": "object", "properties": {"map": {"type": "object", "additionalProperties": {"type": "string"}}}});
    let tool = Fixture::new("t").file("scripts/main.py", b"print(1)").declares(schema.clone()).tool();
    let flag = |dialect: Dialect, at: &str| dialect.definitions(&[&tool]).pointer(at).cloned();
    assert_eq!(flag(Dialect::OpenAiStrict, "/0/function/strict"), Some(json!(false)));
    assert_eq!(flag(Dialect::OpenAiStrict, "/0/function/parameters"), Some(schema.clone()));
    assert_eq!(flag(Dialect::OpenAiResponsesStrict, "/0/strict"), Some(json!(false)));
    assert_eq!(flag(Dialect::AnthropicStrict, "/0/strict"), Some(json!(false)));
    for dialect in [Dialect::OpenAiStrict, Dialect::OpenAiResponsesStrict, Dialect::AnthropicStrict] {
        let why = dialect.why_not_strict(&tool).expect("a reason");
        assert!(why.starts_with("/map: "), "{why}");
    }
    assert_eq!(Dialect::OpenAi.why_not_strict(&tool), None);
}

#[test]
fn answers_have_the_shape_of_the_conversation() {
    let good = ToolAnswer {
        id: "call_1".into(),
        name: "a".into(),
        content: r#"{"status":"ok","output":5}"#.into(),
        is_error: false,
    };
    let bad = ToolAnswer { id: String::new(), name: "b".into(), content: "no file".into(), is_error: true };
    let document = json!({"status": "ok", "output": 5});
    let rows = [
        (
            "openai",
            json!([
                {"role": "tool", "tool_call_id": "call_1", "content": good.content},
                {"role": "tool", "tool_call_id": "", "content": "Error: no file"}
            ]),
        ),
        (
            "openai-responses",
            json!([
                {"type": "function_call_output", "call_id": "call_1", "output": good.content},
                {"type": "function_call_output", "call_id": "", "output": "Error: no file"}
            ]),
        ),
        (
            "anthropic",
            json!([{"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": good.content, "is_error": false},
                {"type": "tool_result", "tool_use_id": "", "content": "no file", "is_error": true}
            ]}]),
        ),
        (
            "gemini",
            json!([{"role": "user", "parts": [
                {"functionResponse": {"id": "call_1", "name": "a", "response": {"output": document}}},
                {"functionResponse": {"name": "b", "response": {"error": "no file"}}}
            ]}]),
        ),
        (
            "mcp",
            json!([
                {"content": [{"type": "text", "text": good.content}], "structuredContent": document, "isError": false,
                 "resultType": "complete"},
                {"content": [{"type": "text", "text": "no file"}], "isError": true, "resultType": "complete"}
            ]),
        ),
    ];
    for (name, want) in rows {
        let dialect = Dialect::parse(name).expect("a dialect");
        assert_eq!(dialect.answers(&[good.clone(), bad.clone()]), want, "{name}");
        assert_eq!(dialect.answers(&[]), json!([]), "{name}");
        if let Ok(strict) = Dialect::parse(&format!("{name}:strict")) {
            assert_eq!(strict.answers(&[good.clone(), bad.clone()]), want, "{name}:strict");
        }
    }
    // An error that names itself is not named twice.
    let named = ToolAnswer { content: "Error: x".into(), ..bad };
    assert_eq!(Dialect::OpenAi.answers(&[named])[0]["content"], "Error: x");
}
