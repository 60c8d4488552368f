//! Shell: each fixture's schema, and bash's own getopts and loops as the judge of our command lines.
//!
//! The fixtures in `tests/tools/shell/` print what they understood as texts, under the names of the properties.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use skilllite::error::Status;
use skilllite::schema::Convention;
use skilllite::tool::{Invocation, Tool};

use crate::{Fixture, expected_schema};

fn fixture(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/shell").join(script)
}

fn tool(script: &str) -> Tool {
    let bytes = std::fs::read(fixture(script)).expect("the fixture");
    Fixture::new("sample").file(&format!("scripts/{script}"), &bytes).tool()
}

fn run(script: &str, invocation: &Invocation) -> Value {
    let mut child = Command::new("bash")
        .arg(fixture(script))
        .args(&invocation.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash");
    child.stdin.take().expect("stdin").write_all(&invocation.stdin).ok();
    let output = child.wait_with_output().expect("an end");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} {:?} → {stderr}", invocation.arguments);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{script} {error}: {:?}", output.stdout))
}

/// Whether a shell's text says what was given.
fn says(got: &Value, want: &Value) -> bool {
    let text = got.as_str().unwrap_or("");
    match want {
        Value::Bool(true) => matches!(text, "true" | "1" | "yes"),
        Value::Bool(false) => matches!(text, "false" | "0" | "no" | ""),
        Value::Array(_) if got.is_array() => got == want,
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ") == text,
        Value::String(want) => want == text,
        number => text == format!("{number}"),
    }
}

#[test]
fn fixtures_have_their_schemas() {
    let scripts = [
        "getopts.sh",
        "loop.sh",
        "marker.sh",
        "place.sh",
        "place_then_flags.sh",
        "commands.sh",
        "words.sh",
        "each.sh",
        "filter.sh",
        "plain.sh",
        "forward.sh",
    ];
    for script in scripts {
        expected_schema(&fixture(script));
    }
}

#[test]
fn every_value_arrives() {
    let rows: [(&str, Vec<Value>); 10] = [
        (
            "getopts.sh",
            vec![
                json!({"folder": "f", "name": "backup", "level": 6, "output": "archive.tar", "quiet": false, "verbosity": 0}),
                json!({"folder": "-f", "name": "--", "level": 9}),
                json!({"folder": "f", "level": -1, "output": "-o", "excludes": ["a", "-b", "--"], "quiet": true, "verbosity": 3}),
                json!({"folder": "a b", "output": "", "excludes": []}),
            ],
        ),
        (
            "loop.sh",
            vec![
                json!({"source": "s", "target": "out.html", "format": "html", "width": 800, "dry_run": false}),
                json!({"source": "s", "target": "t", "title": "-t", "format": "pdf", "width": 5, "tag": ["a", "-b"], "dry_run": true}),
                json!({"source": "s", "title": "two words"}),
            ],
        ),
        (
            "marker.sh",
            vec![
                json!({"program": "p", "delay": "5", "argument": "none"}),
                json!({"program": "-p", "argument": "--delay", "delay": "-1", "label": "--"}),
            ],
        ),
        (
            "place.sh",
            vec![json!({"left": "l", "right": "r", "depth": 2}), json!({"left": "-l", "right": "--right", "depth": 7})],
        ),
        (
            "place_then_flags.sh",
            vec![
                json!({"label": "l", "program": "p", "system": false, "every": 60}),
                json!({"label": "-l", "program": "p", "system": true, "every": 5}),
            ],
        ),
        (
            "commands.sh",
            vec![
                json!({"command": "add", "name": "-n", "port": "22"}),
                json!({"command": "add", "name": "n", "port": "80"}),
                json!({"command": "remove", "name": "n", "force": true}),
                json!({"command": "list"}),
            ],
        ),
        (
            "words.sh",
            vec![json!({"names": ["a", "b c"], "loud": true, "greeting": "a=b"}), json!({"names": [], "loud": false})],
        ),
        ("each.sh", vec![json!({"path": ["a", "-b", "--", "c d"]}), json!({"path": ["x"]})]),
        ("filter.sh", vec![json!({"stdin": "a\nb", "reverse": true}), json!({"stdin": "ü", "reverse": false})]),
        ("plain.sh", vec![json!({})]),
    ];
    for (script, rows) in rows {
        let tool = tool(script);
        for arguments in rows {
            // The word `--` is one that no command line with options can carry as a positional.
            let invocation = match tool.prepare(&arguments) {
                Ok(invocation) => invocation,
                Err(error) if arguments.to_string().contains("\"--\"") => {
                    assert_eq!(error.status, Status::InvalidArguments, "{script} {arguments}: {error}");
                    continue;
                }
                Err(error) => panic!("{script} {arguments}: {error}"),
            };
            let got = run(script, &invocation);
            for (name, want) in arguments.as_object().expect("an object") {
                assert!(
                    says(&got[name], want),
                    "{script}: {name} of {arguments} as {:?} gave {got}",
                    invocation.arguments
                );
            }
        }
    }
}

#[test]
fn what_the_script_would_refuse_is_refused() {
    let rows = [
        ("getopts.sh", json!({}), "missing `folder`"),
        ("getopts.sh", json!({"folder": "f", "level": "high"}), "/level: expected integer"),
        ("loop.sh", json!({}), "missing `source`"),
        ("loop.sh", json!({"source": "s", "format": "xml"}), "/format: expected one of"),
        ("loop.sh", json!({"source": "-s"}), "starts with `-`"),
        ("place.sh", json!({"left": "l"}), "missing `right`"),
        ("place_then_flags.sh", json!({"label": "--system", "program": "p"}), "is one of the script's options"),
        ("commands.sh", json!({}), "missing `command`"),
        ("commands.sh", json!({"command": "add"}), "missing `name`"),
        ("commands.sh", json!({"command": "add", "name": "n", "force": true}), "/force: does not belong to `add`"),
        ("commands.sh", json!({"command": "remove", "name": "-n"}), "starts with `-`"),
        ("each.sh", json!({"path": []}), "/path"),
    ];
    for (script, arguments, part) in rows {
        let error = tool(script).prepare(&arguments).expect_err(&format!("{script} {arguments} must be refused"));
        assert!(error.message.contains(part), "{script} {arguments}: {error}");
    }
}

#[test]
fn a_script_that_hands_its_words_on_is_generic() {
    assert_eq!(tool("forward.sh").convention, Convention::Generic);
}
