//! Generated parsers and arguments: what argparse makes of the library's command line is what was asked for.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use skilllite::runtime::Language;
use skilllite::schema::{Schema, infer};
use skilllite::skill::load;
use skilllite::tool::Tool;

use crate::generator::{Case, Generator};

/// How many parsers are generated, and calls for each.
const PARSERS: usize = 600;
const CALLS: usize = 6;

/// Reads {"script", "cases": [{"argv", "want"}]} a line, and prints what differs.
const JUDGE: &str = r#"
import contextlib, io, json, sys
failures = []
for line in sys.stdin:
    row = json.loads(line)
    space = {"__name__": "generated"}
    exec(row["script"], space)
    for case in row["cases"]:
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
                got = vars(space["build"]().parse_args(case["argv"]))
        except SystemExit:
            failures.append({**case, "script": row["script"], "error": said.getvalue()[-200:]})
            continue
        got = json.loads(json.dumps(got, default=str))
        if got != case["want"]:
            failures.append({**case, "script": row["script"], "got": got})
print(json.dumps(failures))
"#;

#[test]
fn generated_command_lines_are_understood() {
    let mut generator = Generator::new(0x2545_f491_4f6c_dd1d);
    let folder = tempfile::tempdir().expect("a folder is made");
    std::fs::write(folder.path().join("SKILL.md"), "---\nname: any\ndescription: Any.\n---\n").expect("it is written");
    let skill = Arc::new(load(folder.path()).expect("a skill"));
    let (mut lines, mut asked, mut refused) = (String::new(), 0, 0);
    for _ in 0..PARSERS {
        let parser = generator.parser();
        let script = parser.script();
        let found = infer(Language::Python, script.as_bytes());
        let tool = Tool {
            name: "generated".to_owned(),
            description: String::new(),
            skill: Arc::clone(&skill),
            script: PathBuf::from("generated.py"),
            language: Language::Python,
            schema: Arc::new(Schema::compile(found.schema).expect("a schema")),
            convention: found.convention,
            provenance: found.provenance,
        };
        let mut cases = Vec::new();
        for _ in 0..CALLS {
            let Case { arguments, want, dashes } = generator.case(&parser);
            asked += 1;
            match tool.prepare(&arguments) {
                Ok(invocation) => {
                    let argv: Vec<&str> =
                        invocation.arguments.iter().map(|word| word.to_str().expect("UTF-8")).collect();
                    cases.push(json!({"argv": argv, "want": want, "arguments": arguments}));
                }
                Err(error) => {
                    refused += 1;
                    let message = error.message;
                    let is_stated = [
                        ("does not look like an option", dashes),
                        ("the value `--` cannot", dashes),
                        ("the first value may not", dashes),
                        ("cannot tell its values from", true),
                        ("can only be given together with", true),
                        ("cannot stand directly before", true),
                    ];
                    let is_stated = is_stated.iter().any(|(part, is_fit)| *is_fit && message.contains(part));
                    assert!(is_stated, "{message}\n{arguments}\n{script}");
                }
            }
        }
        lines.push_str(&json!({"script": script, "cases": cases}).to_string());
        lines.push('\n');
    }
    let failures = judge(&lines);
    println!("{asked} calls of {PARSERS} parsers; {refused} refused, {} misunderstood", failures.len());
    if let Some(first) = failures.first() {
        let script = first["script"].as_str().unwrap_or("");
        panic!("{} of {asked} misunderstood; the first: {first:#}\n{script}", failures.len());
    }
    assert!(refused * 4 < asked, "{refused} of {asked} calls are refused");
}

fn judge(lines: &str) -> Vec<Value> {
    let mut child = Command::new("python3")
        .args(["-c", JUDGE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    child.stdin.take().expect("piped").write_all(lines.as_bytes()).expect("python reads");
    let output = child.wait_with_output().expect("python ends");
    serde_json::from_slice(&output.stdout).expect("JSON")
}
