//! Schemas in the vendors' subsets: what is rewritten, what stands in words, what cannot be said, and that calls come
//! back to what the author declared.

use serde_json::{Value, json};
use skilllite::tool::Tool;
use skilllite::tool::dialect::Dialect;

use crate::Fixture;

fn tool(schema: Value) -> Tool {
    Fixture::new("t").file("scripts/main.py", b"print(1)").declares(schema).tool()
}

/// A tool with one optional argument `a` of this schema.
fn with(schema: Value) -> Tool {
    tool(json!({"type": "object", "properties": {"a": schema}}))
}

fn parameters(dialect: Dialect, tool: &Tool) -> Value {
    let definitions = dialect.definitions(&[tool]);
    let places = [
        "/0/function/parameters",
        "/0/parameters",
        "/0/input_schema",
        "/0/inputSchema",
        "/0/functionDeclarations/0/parameters",
    ];
    places.iter().find_map(|place| definitions.pointer(place)).cloned().unwrap_or_default()
}

fn description(dialect: Dialect, tool: &Tool) -> String {
    let definitions = dialect.definitions(&[tool]);
    let places = ["/0/function/description", "/0/description", "/0/functionDeclarations/0/description"];
    places.iter().find_map(|place| definitions.pointer(place)?.as_str()).unwrap_or_default().to_owned()
}

/// Each row: an argument's schema, and how it is written for OpenAI (strict), Anthropic (strict) and Gemini. A text is the
/// reason why it is not.
#[test]
fn arguments_in_each_subset() {
    let any = json!([
        {"type": "string"}, {"type": "number"}, {"type": "boolean"},
        {"type": "array", "items": {"type": "string"}}, {"type": "object"}
    ]);
    let mut any_said = any.clone();
    any_said[0]["description"] = json!("Anything.");
    let mut any_listed = any.clone();
    any_listed[0]["description"] = json!("One of: \"all\", 5.");
    let rows = [
        (
            "a text",
            json!({"type": "string", "description": "A word.", "minLength": 2, "pattern": "^x", "default": "x"}),
            json!({"type": ["string", "null"], "pattern": "^x", "description": "A word. At least 2 characters. Default: \"x\"."}),
            json!({"type": "string", "description": "A word. At least 2 characters. Matches the regular expression ^x. Default: \"x\"."}),
            json!({"type": "string", "minLength": 2, "pattern": "^x", "description": "A word. Default: \"x\"."}),
        ),
        (
            "a default that the help text names",
            json!({"type": "string", "description": "A word (default: x)", "default": "x"}),
            json!({"type": ["string", "null"], "description": "A word (default: x)"}),
            json!({"type": "string", "description": "A word (default: x)"}),
            json!({"type": "string", "description": "A word (default: x)"}),
        ),
        (
            "a pattern with flags, a format",
            json!({"type": "string", "pattern": "(?i)^x", "format": "uri"}),
            json!({"type": ["string", "null"], "description": "Matches the regular expression (?i)^x. Format: uri."}),
            json!({"type": "string", "format": "uri", "description": "Matches the regular expression (?i)^x."}),
            json!({"type": "string", "pattern": "(?i)^x", "description": "Format: uri."}),
        ),
        (
            "a number",
            json!({"type": "number", "exclusiveMinimum": 0, "maximum": 5, "multipleOf": 0.5}),
            json!({"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 5, "multipleOf": 0.5}),
            json!({"type": "number", "description": "Greater than 0. At most 5. A multiple of 0.5."}),
            json!({"type": "number", "maximum": 5, "minimum": 0, "description": "Greater than 0. A multiple of 0.5."}),
        ),
        (
            "a whole number above a bound",
            json!({"type": "integer", "exclusiveMinimum": 0}),
            json!({"type": ["integer", "null"], "exclusiveMinimum": 0}),
            json!({"type": "integer", "description": "Greater than 0."}),
            json!({"type": "integer", "minimum": 1}),
        ),
        (
            "choices",
            json!({"enum": ["a", "b"]}),
            json!({"type": ["string", "null"], "enum": ["a", "b", null]}),
            json!({"type": "string", "enum": ["a", "b"]}),
            json!({"type": "string", "enum": ["a", "b"]}),
        ),
        (
            "choices of numbers, with null",
            json!({"enum": [1, 2, null]}),
            json!({"type": ["integer", "null"], "enum": [1, 2, null]}),
            json!({"enum": [1, 2, null]}),
            json!({"type": "integer", "nullable": true, "description": "One of: 1, 2."}),
        ),
        (
            "choices of several types",
            json!({"enum": ["all", 5]}),
            json!({"anyOf": [{"type": "string", "enum": ["all"]}, {"type": "integer", "enum": [5]}, {"type": "null"}]}),
            json!({"enum": ["all", 5]}),
            json!({"anyOf": any_listed}),
        ),
        (
            "a constant",
            json!({"const": "x"}),
            json!({"type": ["string", "null"], "enum": ["x", null]}),
            json!({"type": "string", "enum": ["x"]}),
            json!({"type": "string", "enum": ["x"]}),
        ),
        (
            "constants with a meaning each",
            json!({"oneOf": [{"const": "r", "description": "Reads"}, {"const": "w", "title": "Writes"}]}),
            json!({"type": ["string", "null"], "enum": ["r", "w", null], "description": "\"r\": Reads. \"w\": Writes."}),
            json!({"type": "string", "enum": ["r", "w"], "description": "\"r\": Reads. \"w\": Writes."}),
            json!({"type": "string", "enum": ["r", "w"], "description": "\"r\": Reads. \"w\": Writes."}),
        ),
        (
            "the empty text among choices",
            json!({"type": "string", "enum": ["", "a"]}),
            json!({"type": ["string", "null"], "enum": ["", "a", null]}),
            json!({"type": "string", "enum": ["", "a"]}),
            json!({"type": "string", "description": "One of: \"\", \"a\"."}),
        ),
        (
            "a list",
            json!({"type": "array", "items": {"type": "integer"}, "minItems": 2, "uniqueItems": true}),
            json!({"type": ["array", "null"], "items": {"type": "integer"}, "minItems": 2, "description": "No item twice."}),
            json!({"type": "array", "items": {"type": "integer"}, "description": "At least 2 items. No item twice."}),
            json!({"type": "array", "items": {"type": "integer"}, "minItems": 2, "description": "No item twice."}),
        ),
        (
            "a list of anything",
            json!({"type": "array"}),
            json!("/a: its items are not said in one schema"),
            json!("/a: its items are not said in one schema"),
            json!({"type": "array", "items": {"anyOf": any}}),
        ),
        (
            "anything",
            json!({"description": "Anything."}),
            json!("/a: it takes any value, which the mode cannot say"),
            json!("/a: it takes any value, which the mode cannot say"),
            json!({"anyOf": any_said}),
        ),
        (
            "an object",
            json!({"type": "object", "properties": {"x": {"type": "string"}, "y": {"type": "boolean"}}, "required": ["x"]}),
            json!({
                "type": ["object", "null"], "required": ["x", "y"], "additionalProperties": false,
                "properties": {"x": {"type": "string"}, "y": {"type": ["boolean", "null"]}}
            }),
            json!({
                "type": "object", "required": ["x"], "additionalProperties": false,
                "properties": {"x": {"type": "string"}, "y": {"type": "boolean"}}
            }),
            json!({"type": "object", "properties": {"x": {"type": "string"}, "y": {"type": "boolean"}}, "required": ["x"]}),
        ),
        (
            "an object of any keys",
            json!({"type": "object", "additionalProperties": {"type": "integer"}}),
            json!("/a: it takes keys that are not named"),
            json!("/a: it takes keys that are not named"),
            json!({"type": "object", "description": "Further keys may be given; their values: {\"type\":\"integer\"}."}),
        ),
        (
            "an object without a word",
            json!({"type": "object"}),
            json!("/a: its keys are not said"),
            json!("/a: its keys are not said"),
            json!({"type": "object"}),
        ),
        (
            "two types",
            json!({"type": ["string", "integer"], "minimum": 1, "description": "A name or a number."}),
            json!({
                "anyOf": [{"type": "string"}, {"type": "integer", "minimum": 1}, {"type": "null"}],
                "description": "A name or a number."
            }),
            json!({
                "anyOf": [{"type": "string"}, {"type": "integer", "description": "At least 1."}],
                "description": "A name or a number."
            }),
            json!({"anyOf": [{"type": "string", "description": "A name or a number."}, {"type": "integer", "minimum": 1}]}),
        ),
        (
            "a type or null",
            json!({"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "A"}),
            json!({"type": ["integer", "null"], "title": "A"}),
            json!({"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "A"}),
            json!({"type": "integer", "nullable": true, "title": "A"}),
        ),
        (
            "what must hold together",
            json!({"allOf": [{"type": "string", "minLength": 1}, {"minLength": 3}], "description": "D"}),
            json!({"type": ["string", "null"], "description": "D. At least 3 characters."}),
            json!({"type": "string", "description": "D. At least 3 characters."}),
            json!({"type": "string", "minLength": 3, "description": "D"}),
        ),
        (
            "conditions",
            json!({"type": "string", "not": {"const": "x"}}),
            json!({"type": ["string", "null"], "description": "Constraint: {\"not\": {\"const\":\"x\"}}."}),
            json!({"type": "string", "description": "Constraint: {\"not\": {\"const\":\"x\"}}."}),
            json!({"type": "string", "description": "Constraint: {\"not\": {\"const\":\"x\"}}."}),
        ),
    ];
    for (name, schema, openai, anthropic, gemini) in rows {
        let tool = with(schema);
        for (dialect, want) in [(Dialect::OpenAiStrict, openai), (Dialect::AnthropicStrict, anthropic)] {
            let reason = dialect.why_not_strict(&tool);
            match want {
                Value::String(why) => assert_eq!(reason, Some(why), "{name}: {}", dialect.name()),
                want => {
                    assert_eq!(reason, None, "{name}: {}", dialect.name());
                    assert_eq!(parameters(dialect, &tool)["properties"]["a"], want, "{name}: {}", dialect.name());
                }
            }
        }
        assert_eq!(parameters(Dialect::Gemini, &tool)["properties"]["a"], gemini, "{name}: gemini");
    }
}

#[test]
fn references_are_followed() {
    let tool = tool(json!({
        "type": "object",
        "$defs": {
            "point": {"type": "object", "properties": {"x": {"$ref": "#/$defs/number"}}, "required": ["x"], "description": "A point."},
            "number": {"type": "number"}
        },
        "properties": {"at": {"$ref": "#/$defs/point", "description": "Where."}},
        "required": ["at"]
    }));
    let at = json!({
        "type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"], "additionalProperties": false,
        "description": "Where."
    });
    assert_eq!(parameters(Dialect::OpenAiStrict, &tool)["properties"]["at"], at);
    assert_eq!(parameters(Dialect::AnthropicStrict, &tool)["properties"]["at"], at);
    let gemini = parameters(Dialect::Gemini, &tool);
    assert_eq!(gemini["properties"]["at"]["properties"]["x"], json!({"type": "number"}));
    assert!(!gemini.to_string().contains('$'), "{gemini}");
}

/// Vendors take no composition at the root; it is flattened and told.
#[test]
fn the_root_is_a_plain_object() {
    let rows = [
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                   "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}),
            vec!["a", "b"],
            "Give at least one of: `a`; `b`.",
        ),
        (
            json!({"type": "object", "oneOf": [
                {"properties": {"a": {"type": "string"}}, "required": ["a"]},
                {"properties": {"b": {"type": "string"}}, "required": ["b"]}
            ]}),
            vec!["a", "b"],
            "Constraint: {\"oneOf\":",
        ),
        (
            json!({"type": "object", "$defs": {"x": {"properties": {"b": {"type": "string"}}, "required": ["b"]}},
                   "properties": {"a": {"type": "string"}}, "allOf": [{"$ref": "#/$defs/x"}]}),
            vec!["b", "a"],
            "",
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}},
                   "if": {"required": ["a"]}, "then": {"properties": {"b": {"type": "string"}}}}),
            vec!["a", "b"],
            "Constraint: {\"then\":",
        ),
        (json!({"type": "object"}), vec![], ""),
    ];
    for (schema, names, said) in rows {
        let tool = tool(schema.clone());
        for (name, dialect) in Dialect::ALL.iter().copied() {
            let parameters = parameters(dialect, &tool);
            if dialect == Dialect::Gemini && names.is_empty() {
                assert_eq!(parameters, Value::Null, "a function without arguments has no parameters");
                continue;
            }
            assert_eq!(parameters["type"], "object", "{name}");
            let found: Vec<&str> =
                parameters["properties"].as_object().expect("properties").keys().map(String::as_str).collect();
            assert_eq!(found, names, "{name}: {schema}");
            for keyword in ["$ref", "anyOf", "oneOf", "allOf", "not", "if", "then", "else", "enum", "const"] {
                assert!(parameters.get(keyword).is_none(), "{name}: {parameters}");
            }
            assert!(description(dialect, &tool).contains(said), "{name}: {}", description(dialect, &tool));
        }
    }
    // Constraints that are written and not only said are not said again.
    let plain = description(Dialect::OpenAi, &with(json!({"type": "string"})));
    assert_eq!(plain, "What t does.");
}

#[test]
fn long_descriptions_keep_what_the_schema_could_not_say() {
    let names: Vec<String> = (0..60).map(|n| format!("argument_{n}")).collect();
    let branches: Vec<Value> = names.iter().map(|name| json!({"required": [name]})).collect();
    let properties: serde_json::Map<String, Value> =
        names.iter().map(|n| (n.clone(), json!({"type": "string"}))).collect();
    let tool = tool(json!({"type": "object", "properties": properties, "anyOf": branches}));
    let mut tool = tool;
    tool.description = "é".repeat(512);
    for (name, dialect) in Dialect::ALL.iter().copied() {
        let description = description(dialect, &tool);
        assert!(description.len() <= 1024 && description.contains("Give at least one of: `argument_0`"), "{name}");
    }
}

#[test]
fn strict_has_bounds() {
    let deep = |levels: usize| {
        (0..levels).fold(json!({"type": "string"}), |inner, _| json!({"type": "object", "properties": {"a": inner}}))
    };
    let strict = |tool: &Tool| Dialect::OpenAiStrict.why_not_strict(tool);
    assert_eq!(strict(&tool(deep(9))), None);
    assert!(strict(&tool(deep(12))).expect("a reason").contains("10 levels"));
    let values: Vec<String> = (0..1001).map(|n| format!("v{n}")).collect();
    assert_eq!(strict(&with(json!({"enum": values[..900]}))), None);
    assert!(strict(&with(json!({"enum": values}))).expect("a reason").contains("1000"));
    let long: Vec<String> = (0..300).map(|n| format!("{n:0>60}")).collect();
    assert!(strict(&with(json!({"enum": long}))).expect("a reason").contains("15000"));
    assert!(strict(&with(json!({"enum": [{"a": 1}]}))).expect("a reason").contains("object"));
}

/// Names that vendors refuse are replaced, and a call with either name, nested nulls and `5.0` for a whole number fits.
#[test]
fn calls_come_back_to_what_was_declared() {
    let tool = tool(json!({
        "type": "object",
        "properties": {
            "日期": {"type": "string"},
            "max-results": {"type": "integer"},
            "where": {"type": "object", "properties": {"a.b": {"type": "string"}, "c": {"type": "string"}}, "additionalProperties": false}
        },
        "required": ["日期"],
        "additionalProperties": false
    }));
    for (name, dialect) in Dialect::ALL.iter().copied() {
        let parameters = parameters(dialect, &tool);
        let names: Vec<&String> = parameters["properties"].as_object().expect("properties").keys().collect();
        let fits = |name: &&String| {
            name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !name.starts_with(|c: char| c.is_ascii_digit())
        };
        assert!(names.iter().all(fits), "{name}: {names:?}");
        assert_eq!(parameters["required"][0], names[0].as_str(), "{name}");
        let arguments = json!({names[0]: "today", "max_results": 5.0, "where": {"a_b": "x", "c": null}});
        let invocation = tool.prepare(&arguments).unwrap_or_else(|error| panic!("{name}: {error}"));
        let given: Value = serde_json::from_slice(&invocation.stdin).expect("JSON");
        assert_eq!(given, json!({"日期": "today", "max-results": 5, "where": {"a.b": "x"}}), "{name}");
        assert!(invocation.stdin.windows(2).all(|two| two != b".0"), "{name}: a whole number");
    }
    let own = json!({"日期": "today", "max-results": 5});
    assert_eq!(tool.prepare(&own).expect("the author's names").stdin, own.to_string().into_bytes());
    let twice = json!(own.to_string());
    assert_eq!(tool.prepare(&twice).expect("encoded twice").stdin, own.to_string().into_bytes());
}
