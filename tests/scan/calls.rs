//! What the policy makes of a report: calls are refused before anything starts, and nothing else changes.

use std::fs;

use serde_json::{Value, json};
use skilllite::engine::{Engine, Host};
use skilllite::error::{Result, Status};
use tempfile::TempDir;

use crate::write;

const SHELL: &[u8] = b"import os\ndef run(line):\n    os.system(line)\nprint('ran')\n";

/// Two skills: `plain`, and `shell`, in which a shell could be started.
fn skills() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, source) in [("plain", &b"print('ran')\n"[..]), ("shell", SHELL)] {
        let front = format!("---\nname: {name}\ndescription: Prints a word.\n---\n");
        write(&dir.path().join(name).join("SKILL.md"), front.as_bytes());
        write(&dir.path().join(name).join("scripts/main.py"), source);
    }
    dir
}

fn engine(dir: &TempDir, scan: Value) -> Engine {
    let config = json!({ "policy": { "min_tier": "landlock", "scan": scan } }).to_string();
    let engine = Engine::new(&config, Host::snapshot()).unwrap();
    engine.load(dir.path()).unwrap();
    engine
}

fn run(engine: &Engine, tool: &str) -> Result<Value> {
    let result = engine.execute(tool, "", "")?;
    assert_eq!(result["text"], "ran\n", "{result}");
    Ok((*result).clone())
}

#[test]
fn a_call_of_a_denied_skill_is_refused_and_no_other() {
    let dir = skills();
    let engine = engine(&dir, json!({ "deny": "medium" }));
    let error = run(&engine, "shell").unwrap_err();
    assert_eq!(error.status, Status::ScanDenied);
    for needle in ["'shell'", "policy.scan", "shell (medium) at scripts/main.py:3", "policy.scan.except"] {
        assert!(error.message.contains(needle), "'{needle}' is not in: {error}");
    }
    assert_eq!(engine.plan("shell", "", "").unwrap_err().status, Status::ScanDenied);
    run(&engine, "plain").unwrap();
    // A model is told, and the conversation goes on.
    let call =
        |id: &str, name: &str| json!({ "id": id, "type": "function", "function": { "name": name, "arguments": "{}" } });
    let calls = json!([call("a", "shell"), call("b", "plain")]);
    let response = json!({ "choices": [{ "message": { "role": "assistant", "tool_calls": calls } }] });
    let answers = engine.handle("openai", &response.to_string(), "").unwrap().to_string();
    assert!(answers.contains("denied by policy.scan") && answers.contains("ran"), "{answers}");
}

#[test]
fn what_is_below_the_bound_runs_and_is_no_layer_of_isolation() {
    let dir = skills();
    let without = run(&engine(&dir, Value::Null), "shell").unwrap();
    let with = run(&engine(&dir, json!({ "deny": "high" })), "shell").unwrap();
    assert_eq!(with["isolation"], without["isolation"]);
    assert!(with["isolation"]["layers"].as_array().is_some_and(|layers| !layers.is_empty()), "{with}");
}

#[test]
fn a_rule_can_be_left_out() {
    let dir = skills();
    let engine = engine(&dir, json!({ "deny": "low", "except": ["shell"] }));
    run(&engine, "shell").unwrap();
    let report = engine.scan("shell").unwrap();
    assert_eq!((&report["findings"], &report["highest"]), (&json!([]), &Value::Null));
}

#[test]
fn a_host_has_rules_of_its_own() {
    let dir = skills();
    let query = "((call function: (identifier) @f arguments: (argument_list (string) @a)) @found (#eq? @f \"print\") (#match? @a \"ran\"))";
    let rule = json!({ "severity": "critical", "reason": "Nobody prints that.", "python": query });
    let engine = engine(&dir, json!({ "deny": "critical", "rules": { "acme.words": rule } }));
    let error = run(&engine, "plain").unwrap_err();
    assert!(error.message.contains("acme.words (critical) at scripts/main.py:1: Nobody prints that."), "{error}");
    let rules: Vec<_> = engine.scan("shell").unwrap()["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(rules, ["acme.words", "shell"]);
}

#[test]
fn what_could_not_be_scanned_is_denied() {
    let dir = skills();
    write(&dir.path().join("plain/lib/part.so"), b"\x7fELF\x02\x01\x01\0");
    let engine = engine(&dir, json!({ "deny": "critical" }));
    let error = run(&engine, "plain").unwrap_err();
    assert_eq!(error.status, Status::ScanDenied);
    assert!(error.message.contains("lib/part.so was not scanned: machine code"), "{error}");
    run(&engine, "shell").unwrap();
}

#[test]
fn the_report_is_about_what_was_loaded() {
    let dir = skills();
    let engine = engine(&dir, json!({ "deny": "high" }));
    let report = engine.scan("shell").unwrap();
    let digest = engine.manifest("shell").unwrap()["digest"].clone();
    let finding = &report["findings"][0];
    assert_eq!(
        report,
        json!({
            "skill": "shell", "digest": digest, "is_denied": false, "highest": "medium", "files_scanned": 1,
            "findings": [{
                "rule": "shell", "severity": "medium", "file": "scripts/main.py", "line": 3, "column": 5,
                "excerpt": "os.system(line)", "reason": finding["reason"], "remedy": finding["remedy"],
            }],
            "omitted": 0, "skipped": [],
        })
    );
    let script = dir.path().join("shell/scripts/main.py");
    fs::write(&script, b"exec(x)\n").unwrap();
    assert_eq!(engine.scan("shell").unwrap_err().status, Status::SkillChanged);
    engine.reload().unwrap();
    let report = engine.scan("shell").unwrap();
    assert_eq!((&report["is_denied"], &report["highest"]), (&json!(true), &json!("high")));
    assert_ne!(report["digest"], digest);
    assert_eq!(run(&engine, "shell").unwrap_err().status, Status::ScanDenied);
    fs::write(&script, b"print('ran')\n").unwrap();
    engine.reload().unwrap();
    run(&engine, "shell").unwrap();
}

#[test]
fn a_skill_that_is_disabled_can_be_scanned() {
    let dir = skills();
    let engine = engine(&dir, Value::Null);
    engine.enable("shell", false).unwrap();
    assert_eq!(engine.scan("shell").unwrap()["is_denied"], false);
    assert_eq!(engine.scan("nothing").unwrap_err().status, Status::SkillNotFound);
}
