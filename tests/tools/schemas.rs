//! Inference: each fixture script has the schema beside it that must come out; and sources that attack the reader.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use skilllite::runtime::Language;
use skilllite::schema::{Convention, Schema, declared, infer};

#[cfg(feature = "inference")]
use crate::source;

#[test]
#[cfg(feature = "inference")]
fn fixtures_have_their_schemas() {
    let rows = [
        ("everything", "argv"),
        ("subcommands", "argv"),
        ("structure", "argv"),
        ("filter", "argv"),
        ("hidden", "argv"),
        ("stdin_json", "stdin"),
        ("plain", "generic"),
        ("click_one", "argv"),
        ("click_group", "argv"),
        ("typer_one", "argv"),
        ("typer_app", "argv"),
        ("docopt_one", "argv"),
        ("words", "argv"),
        ("words_plain", "argv"),
        ("words_loose", "generic"),
    ];
    for (name, convention) in rows {
        let script = std::fs::read(source(&format!("{name}.py"))).expect("the script");
        let want = std::fs::read(source(&format!("{name}.json"))).expect("the expected schema");
        let want: Value = serde_json::from_slice(&want).expect("JSON");
        let found = infer(Language::Python, &script);
        assert_eq!(found.schema, want["schema"], "{name}: {:#}", found.schema);
        assert_eq!(found.description.as_deref(), want["description"].as_str(), "{name}");
        assert_eq!(
            found.provenance,
            serde_json::from_value(want["provenance"].clone()).map(leaked).expect("a map"),
            "{name}"
        );
        let got = match found.convention {
            Convention::StdinJson => "stdin",
            Convention::Argv(_) => "argv",
            Convention::Generic => "generic",
        };
        assert_eq!(got, convention, "{name}");
        Schema::compile(found.schema).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[cfg(feature = "inference")]
fn leaked(map: std::collections::BTreeMap<String, String>) -> std::collections::BTreeMap<String, &'static str> {
    let known = ["argparse", "click", "typer", "docopt", "argv", "stdin", "generic"];
    let place = |text: String| known.into_iter().find(|word| *word == text).expect("a known provenance");
    map.into_iter().map(|(name, from)| (name, place(from))).collect()
}

#[test]
fn other_languages_and_large_sources_are_generic() {
    let large = |start: &[u8]| [start, &vec![b'#'; infer::SOURCE_BYTES]].concat();
    let (python, shell) = (large(b"import argparse\n"), large(b"echo $1\n"));
    let rows: [(Language, &[u8]); 5] = [
        (Language::Native, b"\x7fELF"),
        (Language::Python, &python),
        (Language::Bash, &shell),
        (Language::Sh, &shell),
        (Language::Node, &shell),
    ];
    for (language, source) in rows {
        assert_eq!(infer(language, source).convention, Convention::Generic, "{language:?}");
    }
}

/// Sources that a reader without bounds would not survive. Each must end, quickly and with a usable schema.
#[test]
fn hostile_sources_end() {
    let calls: String = (0..60).map(|i| format!("def f{i}(p):\n  f{0}(p)\n  f{0}(p)\n", i + 1)).collect();
    let doubling: String = (0..64).map(|i| format!("s{} = s{i} + s{i}\n", i + 1)).collect();
    let nested_loops: String = (0..30).map(|i| format!("{}for i{i} in range(60):\n", " ".repeat(i))).collect();
    let many: String = (0..5000).map(|i| format!("p.add_argument('--o{i}', choices=range(1000))\n")).collect();
    let parser = "import argparse\np = argparse.ArgumentParser()\n";
    let rows = [
        ("deep brackets", "(".repeat(100_000)),
        ("deep lists", format!("x = {}{}", "[".repeat(20_000), "]".repeat(20_000))),
        ("deep attributes", format!("x{}", ".a".repeat(100_000))),
        ("deep sums", format!("x = 1{}", "+1".repeat(100_000))),
        ("deep blocks", (0..2000).map(|i| format!("{}if x:\n", " ".repeat(i.min(300)))).collect()),
        ("calls that double", format!("{parser}{calls}f0(p)\n")),
        ("text that doubles", format!("s0 = 'aaaaaaaa'\n{doubling}")),
        ("loops in loops", format!("{parser}{nested_loops}{}p.add_argument('--x')\n", " ".repeat(30))),
        ("recursion", format!("{parser}def f(p):\n  f(p)\n  g(p)\ndef g(p):\n  f(p)\nf(p)\n")),
        ("many arguments", format!("{parser}{many}")),
        (
            "a parser that is its own parent",
            format!("{parser}p = argparse.ArgumentParser(parents=[p, p])\n").repeat(40),
        ),
        (
            "subcommands of subcommands",
            format!("{parser}{}", "s = p.add_subparsers()\np = s.add_parser('a')\n".repeat(500)),
        ),
        ("a lone quote", "'''".repeat(100_000)),
        ("NUL and no UTF-8", "\0\u{ff}argparse".repeat(1000)),
        (
            "numbers out of range",
            format!("{parser}p.add_argument('--x', nargs=99999999999999999999, default=1e999, type=int)\n"),
        ),
        ("huge powers", format!("{parser}p.add_argument('--x', type=int, default=2**9**9**9)\n")),
        (
            "empty names",
            format!("{parser}p.add_argument('')\np.add_argument('--')\np.add_argument('-')\np.add_argument()\n"),
        ),
        ("strange names", format!("{parser}p.add_argument('--a b=c')\np.add_argument('--é')\np.add_argument('9')\n")),
    ];
    for (name, text) in rows {
        let started = Instant::now();
        let found = infer(Language::Python, text.as_bytes());
        // Far above what it takes (a debug build needs some hundred milliseconds), far below "never".
        assert!(started.elapsed() < Duration::from_secs(20), "{name} took {:?}", started.elapsed());
        let count = found.schema["properties"].as_object().map_or(0, serde_json::Map::len);
        assert!(count <= skilllite::schema::PROPERTY_COUNT + 1, "{name}: {count} properties");
        for property in found.provenance.keys().filter(|_| found.convention != Convention::StdinJson) {
            let is_plain = property.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && property.len() <= 64;
            assert!(is_plain && !property.starts_with(|c: char| c.is_ascii_digit()), "{name}: {property}");
        }
    }
}

#[test]
fn broken_declarations_are_refused() {
    let rows = [
        ("no object", json!("string"), "must be a JSON object"),
        ("an array", json!([]), "must be a JSON object"),
        ("another root", json!({"type": "string"}), "\"type\": \"object\""),
        (
            "a remote reference",
            json!({"type": "object", "properties": {"a": {"$ref": "http://example.com/a"}}}),
            "leaves the document",
        ),
        (
            "a file reference",
            json!({"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}}),
            "leaves the document",
        ),
        ("an unknown draft", json!({"$schema": "http://example.com/draft", "type": "object", "properties": {}}), ""),
        ("an unknown type", json!({"type": "object", "properties": {"a": {"type": "text"}}}), "unusable"),
        ("required is no list", json!({"type": "object", "required": "a"}), "unusable"),
        ("a bad pattern", json!({"type": "object", "properties": {"a": {"pattern": "("}}}), "unusable"),
        ("huge", json!({"type": "object", "properties": {"a": {"description": "x".repeat(70_000)}}}), "larger than"),
        ("recursive", json!({"type": "object", "properties": {"a": {"$ref": "#"}}}), "recursive"),
    ];
    for (name, schema, part) in rows {
        if cfg!(not(feature = "validation")) && matches!(name, "a bad pattern" | "an unknown draft") {
            continue;
        }
        let error = declared::compile(&schema).expect_err(name);
        assert_eq!(error.status, skilllite::error::Status::SkillInvalid, "{name}");
        assert!(error.message.contains(part), "{name}: {error}");
        assert!(error.message.len() < 1000, "{name}: {error}");
    }
    let short = declared::compile(&json!({"city": {"type": "string"}})).expect("a bare map of properties");
    assert_eq!(short.value()["properties"]["city"]["type"], "string");
}

#[test]
fn messages_name_pointer_expected_and_got() {
    let schema = Schema::compile(json!({
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer"},
            "unit": {"enum": ["C", "F"]},
            "points": {"type": "array", "items": {"type": "number"}}
        },
        "required": ["city"],
        "additionalProperties": false
    }))
    .expect("a schema");
    let rows = [
        (json!({"city": "Graz", "days": 2, "unit": "C", "points": [1, 2.5]}), None),
        (json!({"city": "Graz", "days": 2.0}), None),
        (json!({}), Some("/: missing `city`")),
        (json!({"city": 5}), Some("/city: expected string, got number 5")),
        (json!({"city": "Graz", "days": "two"}), Some("/days: expected integer, got string \"two\"")),
        (json!({"city": "Graz", "unit": "K"}), Some("/unit: expected one of \"C\", \"F\", got string \"K\"")),
        (json!({"city": "Graz", "points": [1, null]}), Some("/points/1: expected number, got null")),
        (
            json!({"city": "Graz", "town": 1}),
            Some("/: unknown property `town`; known: `city`, `days`, `unit`, `points`"),
        ),
        (json!([]), Some("/: expected object, got array")),
    ];
    for (arguments, want) in rows {
        let got = schema.validate(&arguments).err().map(|error| error.message);
        assert_eq!(got.as_deref(), want, "{arguments}");
    }
    let many: Value =
        (0..400).map(|i| (format!("unknown\n{i}"), json!("x".repeat(500)))).collect::<serde_json::Map<_, _>>().into();
    let error = schema.validate(&many).expect_err("unknown properties");
    assert!(error.message.len() <= skilllite::schema::MESSAGE_BYTES, "{}", error.message.len());
    assert!(!error.message.contains('\n'));
}

/// Keywords with values that implementations stumble over: each compiles or is refused, and judging does not panic.
#[test]
fn odd_schemas_do_no_harm() {
    let keywords = [
        "type",
        "enum",
        "const",
        "multipleOf",
        "maximum",
        "exclusiveMinimum",
        "maxLength",
        "minLength",
        "pattern",
        "items",
        "prefixItems",
        "maxItems",
        "uniqueItems",
        "contains",
        "minContains",
        "properties",
        "patternProperties",
        "additionalProperties",
        "propertyNames",
        "required",
        "dependentRequired",
        "dependentSchemas",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "if",
        "format",
        "contentEncoding",
        "contentMediaType",
        "contentSchema",
        "unevaluatedProperties",
        "unevaluatedItems",
        "$ref",
        "$defs",
        "$comment",
        "$schema",
        "$vocabulary",
        "definitions",
        "dependencies",
        "additionalItems",
    ];
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1e300),
        json!(18_446_744_073_709_551_615_u64),
        json!(0.1),
        json!(""),
        json!("object"),
        json!("regex"),
        json!("base64"),
        json!("#"),
        json!("#/"),
        json!("#/properties/a"),
        json!("#/%ff"),
        json!("#/~9"),
        json!("(?<n>a)\\k<n>"),
        json!("\\p{L}\\u{1F600}"),
        json!("é["),
        json!([]),
        json!([""]),
        json!([{}, true]),
        json!({}),
        json!({"": {}}),
        json!({"(": {}}),
        json!({"é": ["a"]}),
        json!({"a": {"type": "integer"}}),
    ];
    let instances = [
        json!({}),
        json!({"a": null}),
        json!({"a": "é🙂"}),
        json!({"a": 1e300}),
        json!({"a": [1, 1, {}]}),
        json!({"a": {"": {"b": 0}}, "é": 1}),
    ];
    let mut compiled = 0;
    for keyword in keywords {
        for value in &values {
            for schema in [
                json!({"type": "object", keyword: value}),
                json!({"type": "object", "properties": {"a": {keyword: value}}}),
            ] {
                let Ok(schema) = declared::compile(&schema) else { continue };
                compiled += 1;
                for instance in &instances {
                    if let Err(error) = schema.validate(instance) {
                        assert!(error.message.len() <= skilllite::schema::MESSAGE_BYTES && !error.message.is_empty());
                    }
                }
            }
        }
    }
    assert!(compiled > 300, "{compiled}");
}
