//! Command lines: the script's own parser must understand exactly what was asked; what cannot be said is an error.

use std::ffi::OsString;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};
use skilllite::error::Status;
use skilllite::tool::{Invocation, Tool};

use crate::Fixture;

/// Runs the tool's script with real python3 and gives what it printed.
fn run(tool: &Tool, invocation: &Invocation) -> Value {
    let mut child = Command::new("python3")
        .arg(tool.skill.root.join(&tool.script))
        .args(&invocation.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3");
    child.stdin.take().expect("stdin").write_all(&invocation.stdin).ok();
    let output = child.wait_with_output().expect("an end");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?} → {stderr}", invocation.arguments);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {:?}", output.stdout))
}

/// What the script understood must hold every given value; `renamed` maps properties to the parser's destinations.
fn understood(tool: &Tool, arguments: &Value) {
    let invocation = tool.prepare(arguments).unwrap_or_else(|error| panic!("{arguments}: {error}"));
    let got = run(tool, &invocation);
    for (name, want) in arguments.as_object().expect("an object") {
        assert_eq!(&got[name], want, "{name} of {arguments} as {:?} gave {got}", invocation.arguments);
    }
}

#[test]
fn every_kind_of_argument_arrives() {
    let fixture = Fixture::of_script("everything.py");
    let tool = fixture.tool();
    let defaults = json!({
        "source": "in", "target": "out.txt", "extra": [], "format": "text", "limit": 10, "ratio": 0.5, "dry_run": false,
        "cache": true, "verbose": 0, "words": ["a", "b"], "mode": "normal", "flag": true
    });
    let got = run(&tool, &tool.prepare(&json!({"source": "in"})).expect("the least"));
    for (name, want) in defaults.as_object().expect("an object") {
        assert_eq!(&got[name], want, "{name}: the schema's default is the parser's");
        let declared = &tool.parameters()["properties"][name]["default"];
        assert!(declared.is_null() || declared == want, "{name}: {declared}");
    }
    let rows = [
        json!({"source": "in", "target": "t", "extra": ["a", "b", "c"]}),
        json!({"source": "-in", "target": "--format=json", "extra": ["-x", "-1"]}),
        json!({"source": "in", "format": "csv", "level": "high", "limit": -7, "ratio": -0.25, "x": "-5"}),
        json!({"source": "", "x": "", "log": ""}),
        json!({"source": "a\nb", "x": "c\nd\te", "tag": ["e\nf"]}),
        json!({"source": "naïve 数据 🙂", "x": "ü", "tag": ["–", "—dash"]}),
        json!({"source": "$(id) `id`; rm -rf / | x > y & 'q' \"q\" \\ * ? ~ !", "x": "$HOME"}),
        json!({"source": "in", "dry_run": true, "cache": false, "colour": true, "verbose": 3}),
        json!({"source": "in", "dry_run": false, "cache": true, "colour": false, "verbose": 0}),
        json!({"source": "in", "tag": ["--tag", "-v", "=", "a=b", "--x=y"], "x": "=b", "log": "--log"}),
        json!({"source": "in", "point": [[1.5, 2.0], [0.0, 3.25]]}),
        json!({"source": "in", "sizes": [1, 2, 3], "words": ["x"], "pair": ["p", "q"], "more": ["m", "-n", "o"]}),
        json!({"source": "in", "sizes": [-4], "words": [], "more": ["-n"]}),
        json!({"source": "-1", "sizes": [1, -2, -3], "words": ["-", "", "-0.5"], "point": [[-1.5, -1e-7], [1e16, 0.0]]}),
        json!({"source": "in", "words": ["a b", "c d"], "extra": ["e"], "target": "t"}),
        json!({"source": "in", "sizes": [1, 2], "verbose": 1, "target": "t"}),
        json!({"source": "in", "mode": "fast"}),
        json!({"source": "in", "mode": "slow"}),
        json!({"source": "in", "mode": "normal"}),
        json!({"source": "in", "log": "log.txt", "target": "t"}),
        json!({"source": "in", "data": {"a": [1, "two", null], "b": {"c": true}}}),
        json!({"source": "in", "data": "text"}),
        json!({"source": "in", "data": ["-x"]}),
        json!({"source": "in", "flag": false}),
        json!({"source": "in", "flag": true}),
        // A positional that was left out before one that is given takes its default.
        json!({"source": "in", "extra": ["e"]}),
        json!({"source": "x".repeat(100_000)}),
    ];
    for row in rows {
        understood(&tool, &row);
    }
}

#[test]
fn subcommands_stand_where_their_parser_expects_them() {
    let fixture = Fixture::of_script("subcommands.py");
    let tool = fixture.tool();
    let rows = [
        json!({"store": "s", "command": "add", "title": "t"}),
        json!({"store": "-s", "command": "add", "title": "-t", "tag": ["-a", "b"], "priority": 3, "verbose": true}),
        json!({"store": "s", "command": "search", "words": ["one", "--two", "-3"], "limit": 0}),
        json!({"store": "s", "command": "remote", "action": "link", "url": "-u", "title": "-t"}),
        json!({"store": "s", "command": "remote", "action": "list"}),
        json!({"store": "s", "command": "remote"}),
    ];
    for row in rows {
        understood(&tool, &row);
    }
    let bad = [
        (json!({"store": "s"}), "/: missing `command`"),
        (json!({"command": "add", "title": "t"}), "/: missing `store`"),
        (json!({"store": "s", "command": "drop"}), "/command: expected one of"),
        (json!({"store": "s", "command": "add"}), "/: missing `title`, which `add` needs"),
        (json!({"store": "s", "command": "add", "title": "t", "limit": 3}), "/limit: does not belong to `add`"),
        (json!({"store": "s", "command": "remote", "url": "u"}), "/url: does not belong to `remote`"),
        (json!({"store": "s", "command": "remote", "action": "link"}), "missing `url`, which `remote link` needs"),
    ];
    refused(&tool, &bad);
}

#[test]
fn structures_arrive() {
    let fixture = Fixture::of_script("structure.py");
    let tool = fixture.tool();
    for row in [
        json!({"url": "u", "count": 3, "confirm": true, "mail_port": 25, "mode": "plain", "config": "-c"}),
        json!({"stdin": true, "confirm": false}),
        json!({"file": "f", "stdin": false}),
    ] {
        understood(&tool, &row);
    }
    refused(
        &tool,
        &[
            (json!({}), "one of `url`, `file`, `stdin` must be given"),
            (json!({"url": "u", "stdin": true}), "only one of `url`, `file`, `stdin` may be given"),
        ],
    );
}

#[test]
fn stdin_carries_text_and_json() {
    let filter = Fixture::of_script("filter.py");
    understood(&filter.tool(), &json!({"upper": true, "stdin": "a\0b\nü"}));

    let fixture = Fixture::of_script("stdin_json.py");
    let tool = fixture.tool();
    let arguments =
        json!({"operation": "-x", "a": 1.5, "b": 2, "names": ["n\u{0}"], "table": {"k": 1}, "label": " ü "});
    let invocation = tool.prepare(&arguments).expect("an invocation");
    assert!(invocation.arguments.is_empty());
    assert_eq!(serde_json::from_slice::<Value>(&invocation.stdin).expect("JSON"), arguments);
    assert_eq!(run(&tool, &invocation), json!({"operation": "-x", "sum": 3.5, "label": "ük", "names": ["n\u{0}"]}));
    refused(&tool, &[(json!({"operation": "x", "a": 1, "b": "2"}), "/b: expected number, got string")]);
}

#[test]
fn declared_schemas_choose_the_convention() {
    let schema =
        json!({"type": "object", "properties": {"dry-run": {"type": "boolean"}, "source": {"type": "string"}}});
    let fixture = Fixture::of_script("everything.py").declares(schema.clone());
    let tool = fixture.tool();
    assert_eq!(tool.parameters(), &schema);
    assert_eq!(tool.provenance.get("dry-run"), Some(&"declared"));
    let invocation = tool.prepare(&json!({"dry-run": true, "source": "s"})).expect("an invocation");
    assert_eq!(invocation.arguments, ["--dry-run", "s"].map(OsString::from));

    let fixture = Fixture::of_script("plain.py").declares(schema);
    let invocation = fixture.tool().prepare(&json!({"source": "s"})).expect("an invocation");
    assert_eq!(invocation, Invocation { arguments: Vec::new(), stdin: br#"{"source":"s"}"#.to_vec() });
}

fn refused(tool: &Tool, rows: &[(Value, &str)]) {
    for (arguments, part) in rows {
        let error = tool.prepare(arguments).expect_err(&format!("{arguments} must be refused"));
        assert_eq!(error.status, Status::InvalidArguments, "{arguments}: {error}");
        assert!(error.message.contains(part), "{arguments}: {error}");
        assert!(error.message.contains(&tool.name) && error.message.len() < 1000, "{error}");
    }
}

#[test]
fn bad_input_is_refused_before_anything_starts() {
    let fixture = Fixture::of_script("everything.py");
    let tool = fixture.tool();
    let many: Vec<String> = (0..20).map(|_| "x".repeat(100_000)).collect();
    let rows = [
        (json!({"source": "in", "colour": "red"}), "/colour: expected boolean, got string \"red\""),
        (json!({"source": "in", "nothing": 1}), "unknown property `nothing`"),
        (json!({"sources": "in"}), "missing `source`"),
        (json!({"source": ["in"]}), "/source: expected string, got array"),
        (json!({"source": "in", "limit": 1.5}), "/limit: expected integer, got number 1.5"),
        (json!({"source": "in", "verbose": 1000}), "/verbose: at most 64"),
        (
            json!({"source": "in", "words": ["a", "-2x"]}),
            "/words/1: expected a value that does not look like an option",
        ),
        (json!({"source": "in", "pair": ["-a", "b"]}), "/pair/0: expected a value that does not look like an option"),
        (json!({"source": "--"}), "/source: the value `--`"),
        (json!({"source": "a\0b"}), "/source: contains a NUL"),
        (json!({"source": "in", "tag": ["a\0b"]}), "/tag/0: contains a NUL"),
        (json!({"source": "x".repeat(128 * 1024)}), "131072 bytes long"),
        (json!({"source": "in", "extra": many}), "all values together"),
        (json!([]), "expected a JSON object, got array"),
        (json!(5), "expected a JSON object, got number 5"),
        (json!("source"), "expected a JSON object, got a string"),
        (json!("\"{\\\"source\\\": \\\"in\\\"}\""), "expected a JSON object, got a string"),
    ];
    refused(&tool, &rows);
}

#[test]
fn a_flag_is_no_word_of_a_script_that_asks_for_flags_among_its_words() {
    let fixture = Fixture::of_script("words.py");
    let tool = fixture.tool();
    understood(&tool, &json!({"number": -1.5, "unit": "-m"}));
    refused(
        &tool,
        &[(json!({"number": 1, "unit": "--json"}), "/unit: the value `--json` is one of the script's options")],
    );
}

#[test]
fn servers_that_encode_twice_are_understood() {
    let fixture = Fixture::of_script("everything.py");
    let tool = fixture.tool();
    let once = tool.prepare(&json!({"source": "in", "limit": 3, "tag": null})).expect("once");
    assert_eq!(tool.prepare(&json!(r#"{"source": "in", "limit": 3.0, "format": null}"#)).expect("twice"), once);
}

/// Values made by a small generator, a fixed one so that a failure repeats: every text must come back as it went.
#[test]
fn generated_values_come_back() {
    let fixture = Fixture::of_script("everything.py");
    let tool = fixture.tool();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = |bound: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % bound
    };
    let alphabet = ["-", "--", "=", " ", "a", "\n", "\"", "'", "\\", "@", "é", "0", ",", "$"];
    for _ in 0..25 {
        let mut word = || {
            let length = next(5);
            let text: String =
                (0..length).map(|_| alphabet[usize::try_from(next(alphabet.len() as u64)).expect("small")]).collect();
            if text == "--" { "-".to_owned() } else { text }
        };
        let mut arguments = Map::new();
        for name in ["source", "target", "x", "log"] {
            arguments.insert(name.to_owned(), json!(word()));
        }
        for name in ["extra", "tag", "more"] {
            arguments.insert(name.to_owned(), json!([word(), word()]));
        }
        let arguments = Value::Object(arguments);
        understood(&tool, &arguments);
    }
}
