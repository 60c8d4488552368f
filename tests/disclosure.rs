//! Progressive disclosure: the generic tools through the engine and through the C API, in the real sandbox.
#![cfg(all(target_os = "linux", feature = "disclosure"))]

use std::ffi::c_char;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::ptr::null_mut;
use std::sync::Arc;

use serde_json::{Value, json};
use skilllite::capi::*;
use skilllite::engine::{Engine, Host, probe};
use skilllite::error::Status;
use skilllite::tool::dialect::Dialect;
use tempfile::TempDir;

const GENERIC: [&str; 3] = ["load_skill", "read_skill_resource", "run_skill_script"];

const ADD: &str = r#"
import argparse, json, pathlib, sys
parser = argparse.ArgumentParser(description="Adds numbers.")
parser.add_argument("numbers", type=int, nargs="+")
parser.add_argument("--times", type=int, default=1, choices=[1, 2, 3])
parser.add_argument("--out")
given = parser.parse_args()
total = sum(given.numbers) * given.times
if given.out:
    pathlib.Path(given.out).write_text(str(total))
print(json.dumps({"total": total, "stdin": sys.stdin.read()}))
sys.exit(total % 7)
"#;

const ECHO: &str = r#"
import json, sys
given = json.load(sys.stdin)
print(json.dumps({"text": given["text"], "words": sys.argv[1:]}))
"#;

fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders are made");
    fs::write(path, content).expect("the file is written");
}

/// `maths` with two scripts, references and an asset; `plain` with nothing but words; `other` with one script.
fn skills() -> TempDir {
    let dir = tempfile::tempdir().expect("a folder is made");
    // Without namespaces another user id must reach it.
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("the folder is opened");
    let at = |path: &str| dir.path().join(path);
    write(&at("maths/SKILL.md"), "---\nname: maths\ndescription: Does maths.\n---\n# Maths\n\nAdd é.\n");
    write(&at("maths/scripts/add.py"), ADD);
    write(&at("maths/scripts/echo.py"), ECHO);
    write(&at("maths/scripts/part.txt"), "no script");
    write(&at("maths/references/guide.md"), "# Guide\n\nDix euros: 10 €.\n");
    write(&at("maths/assets/dot.png"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    write(&at("plain/SKILL.md"), "---\nname: plain\ndescription: Only words.\n---\nWords.\n");
    write(&at("other/SKILL.md"), "---\nname: other\ndescription: Another.\n---\nRun it.\n");
    write(&at("other/scripts/run.sh"), "#!/bin/sh\necho \"$@\"\n");
    write(&at("outside.txt"), "OUTSIDE");
    dir
}

fn engine(dir: &TempDir, config: Value) -> Engine {
    let mut config = config;
    if config.get("policy").is_none() {
        config["policy"] = json!({ "min_tier": "landlock" });
    }
    let engine = Engine::new(&config.to_string(), Host::snapshot()).expect("an engine is made");
    engine.load(dir.path()).expect("the skills are loaded");
    engine
}

fn can_isolate() -> bool {
    let report = probe().expect("the host is probed");
    if report["tier"].is_null() {
        println!("skipped: no isolation on this host: {}", report["obstacles"]);
    }
    !report["tier"].is_null()
}

/// The answer of a generic tool, or the status and the message.
fn ask(engine: &Engine, tool: &str, arguments: Value) -> Result<Value, (Status, String)> {
    match engine.execute(tool, &arguments.to_string(), "") {
        Ok(result) => {
            assert_eq!((&result["status"], &result["exit_code"]), (&json!("ok"), &json!(0)), "{result}");
            assert_eq!(result["text"], result["output"].to_string());
            assert!(result["isolation"].is_null() && result["error"].is_null(), "{result}");
            assert_eq!(result["tool"], tool);
            Ok(result["output"].clone())
        }
        Err(error) => Err((error.status, error.message)),
    }
}

/// The names and the parameters of all tools in a dialect.
fn defined(engine: &Engine, dialect: &str) -> Vec<(String, Value)> {
    let tools = engine.tools(dialect).expect("the tools");
    let list = tools.pointer("/0/functionDeclarations").unwrap_or(&tools).as_array().expect("a list").clone();
    let take = |tool: &Value| {
        let tool = tool.get("function").unwrap_or(tool);
        let schema = ["parameters", "input_schema", "inputSchema"].iter().find_map(|key| tool.get(*key));
        (tool["name"].as_str().expect("a name").to_owned(), schema.cloned().unwrap_or_default())
    };
    list.iter().map(take).collect()
}

#[test]
fn three_tools_stand_for_all_skills_in_every_dialect() {
    let dir = skills();
    let rows = [
        (json!({}), &[][..], true),
        (json!({ "disclosure": false }), &[], true),
        (json!({ "disclosure": true }), &GENERIC, true),
        (json!({ "disclosure": "only" }), &GENERIC, false),
    ];
    for (config, generic, has_others) in rows {
        let engine = engine(&dir, config.clone());
        for (dialect, _) in Dialect::ALL {
            let tools = defined(&engine, dialect);
            let names: Vec<_> = tools.iter().map(|(name, _)| name.as_str()).collect();
            let others: &[&str] = if has_others { &["maths__add", "maths__echo", "other"] } else { &[] };
            assert_eq!(names, [generic, others].concat(), "{config} {dialect}");
            for (name, schema) in tools.iter().filter(|(name, _)| GENERIC.contains(&name.as_str())) {
                let skills = &schema["properties"]["name"]["enum"];
                let expected = match name.as_str() {
                    "load_skill" => json!(["maths", "other", "plain"]),
                    _ => json!(["maths", "other"]),
                };
                assert_eq!(*skills, expected, "{dialect} {name}");
            }
        }
    }
}

#[test]
fn without_a_skill_there_is_no_tool() {
    let dir = skills();
    let engine = engine(&dir, json!({ "disclosure": true }));
    for skill in ["maths", "other"] {
        engine.enable(skill, false).expect("it is disabled");
    }
    assert_eq!(defined(&engine, "openai").len(), 1, "a skill of words has nothing to read or run");
    engine.enable("plain", false).expect("it is disabled");
    for (dialect, _) in Dialect::ALL {
        assert_eq!(engine.tools(dialect).expect("the tools"), json!([]), "{dialect}");
    }
}

#[cfg(feature = "dialects")]
#[test]
fn what_has_free_keys_is_not_strict_and_the_rest_is() {
    let dir = skills();
    let engine = engine(&dir, json!({ "disclosure": "only" }));
    for dialect in ["openai:strict", "openai-responses:strict", "anthropic:strict"] {
        let tools = engine.tools(dialect).expect("the tools");
        let strict: Vec<_> = tools
            .as_array()
            .expect("a list")
            .iter()
            .map(|tool| tool.get("function").unwrap_or(tool)["strict"].clone())
            .collect();
        assert_eq!(strict, [json!(true), json!(true), json!(false)], "{dialect}");
    }
}

#[test]
fn a_loaded_skill_tells_all_that_is_needed_to_use_it() {
    let dir = skills();
    let engine = engine(&dir, json!({ "disclosure": true }));
    let told = ask(&engine, "load_skill", json!({ "name": "maths" })).expect("an answer");
    assert_eq!(told["instructions"], "# Maths\n\nAdd é.");
    assert_eq!(told["description"], "Does maths.");
    let paths: Vec<_> = told["resources"].as_array().expect("a list").iter().map(|file| file["path"].clone()).collect();
    assert_eq!(paths, ["assets/dot.png", "references/guide.md", "scripts/part.txt"]);
    assert_eq!(told["resources"][0]["size"], 16);
    let scripts: Vec<_> = told["scripts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|script| (script["script"].clone(), script["tool"].clone()))
        .collect();
    assert_eq!(
        scripts,
        [(json!("scripts/add.py"), json!("maths__add")), (json!("scripts/echo.py"), json!("maths__echo"))]
    );
    #[cfg(feature = "inference")]
    assert_eq!(told["scripts"][0]["parameters"]["properties"]["times"]["enum"], json!([1, 2, 3]));
    let plain = ask(&engine, "load_skill", json!({ "name": "plain" })).expect("an answer");
    assert_eq!((&plain["resources"], &plain["scripts"]), (&json!([]), &json!([])));
}

#[test]
fn long_answers_are_cut_where_the_host_bounds_output() {
    let dir = skills();
    let body = format!("{}end", "é".repeat(3000));
    write(&dir.path().join("plain/SKILL.md"), format!("---\nname: plain\ndescription: d\n---\n{body}\n"));
    for number in 0..250 {
        write(&dir.path().join(format!("plain/references/{number:03}.md")), "x");
    }
    let config =
        json!({ "disclosure": true, "policy": { "min_tier": "landlock", "limits": { "output_bytes": 2047 } } });
    let engine = engine(&dir, config);
    let told = ask(&engine, "load_skill", json!({ "name": "plain" })).expect("an answer");
    assert_eq!(told["instructions"], "é".repeat(1023));
    assert_eq!(told["instructions_cut"], "these are the first 2046 of 6003 bytes; read SKILL.md for the rest");
    assert_eq!((told["resources"].as_array().map(Vec::len), &told["resources_left_out"]), (Some(200), &json!(50)));
    let read = json!({ "name": "plain", "path": "SKILL.md", "limit": 1_000_000 });
    let part = ask(&engine, "read_skill_resource", read.clone()).expect("an answer");
    assert!(part["content"].as_str().is_some_and(|text| text.len() <= 2047), "{part}");
    // An option of the call narrows it further, and may not widen it.
    let narrow = engine.execute("read_skill_resource", &read.to_string(), r#"{"limits":{"output_bytes":1024}}"#);
    assert!(narrow.expect("an answer")["output"]["content"].as_str().is_some_and(|text| text.len() <= 1024));
    let wide = engine.execute("read_skill_resource", &read.to_string(), r#"{"limits":{"output_bytes":4096}}"#);
    assert_eq!(wide.expect_err("refused").status, Status::PolicyWidened);
}

#[test]
fn resources_are_read_in_parts_and_said_to_be_what_they_are() {
    let dir = skills();
    let engine = engine(&dir, json!({ "disclosure": true }));
    let guide = fs::read_to_string(dir.path().join("maths/references/guide.md")).expect("it is there");
    for limit in [1, 3, 7, 1000] {
        let (mut read, mut offset) = (String::new(), json!(0));
        while !offset.is_null() {
            let arguments =
                json!({ "name": "maths", "path": "./references//guide.md", "offset": offset, "limit": limit });
            let part = ask(&engine, "read_skill_resource", arguments).expect("an answer");
            assert_eq!((&part["encoding"], &part["size"]), (&json!("text"), &json!(guide.len())));
            read.push_str(part["content"].as_str().expect("text"));
            offset = part["next_offset"].clone();
        }
        assert_eq!(read, guide, "{limit}");
    }
    let image = json!({ "name": "maths", "path": "assets/dot.png", "offset": 1, "limit": 3 });
    let part = ask(&engine, "read_skill_resource", image).expect("an answer");
    let expected = json!({ "name": "maths", "path": "assets/dot.png", "size": 16, "offset": 1, "next_offset": 4, "encoding": "base64", "content": "UE5H" });
    assert_eq!(part, expected);
    let beyond = json!({ "name": "maths", "path": "assets/dot.png", "offset": 17 });
    let (status, message) = ask(&engine, "read_skill_resource", beyond).expect_err("refused");
    assert_eq!(status, Status::InvalidArguments);
    assert!(message.contains("/offset") && message.contains("16 bytes"), "{message}");
}

/// Spellings of a path to what lies outside of the skill, or of a name that is a path. What each is refused as is the
/// business of the reader; that nothing of it is read is what counts.
#[test]
fn no_spelling_of_a_path_leads_out() {
    let dir = skills();
    let maths = dir.path().join("maths");
    symlink("../outside.txt", maths.join("references/link.txt")).expect("a link");
    symlink("/etc/passwd", maths.join("references/passwd")).expect("a link");
    symlink(dir.path(), maths.join("references/up")).expect("a link");
    let engine = engine(&dir, json!({ "disclosure": true }));
    let absolute = dir.path().join("outside.txt");
    let absolute = absolute.to_str().expect("text");
    let encoded = absolute.replace('/', "%2F");
    let from_root = format!("../../../../../../../../..{absolute}");
    let by_proc = format!("/proc/self/root{absolute}");
    let beneath_proc = format!("references/up/../..{by_proc}");
    let paths = [
        "..",
        "../outside.txt",
        "references/../../outside.txt",
        "references/..//../outside.txt",
        "./../outside.txt",
        ".. /outside.txt",
        " ../outside.txt",
        ".../outside.txt",
        "..\\outside.txt",
        "references\\..\\..\\outside.txt",
        "%2e%2e/outside.txt",
        "%2E%2E%2Foutside.txt",
        "%252e%252e%252foutside.txt",
        "..%2foutside.txt",
        "..%5coutside.txt",
        "%c0%ae%c0%ae/outside.txt",
        "\u{ff0e}\u{ff0e}/outside.txt",
        "\u{2024}\u{2024}/outside.txt",
        "..\u{2215}outside.txt",
        "..\u{200b}/outside.txt",
        "../outside.txt\u{0}.md",
        "references/guide.md\u{0}",
        "references/guide.md%00",
        "references/guide.md.",
        "references/guide.md/..",
        "references./guide.md",
        "references/link.txt",
        "references/passwd",
        "references/up/outside.txt",
        "references",
        "",
        ".",
        "/",
        "~/.ssh/id_rsa",
        "file:///etc/passwd",
        "C:/windows/win.ini",
        "C:\\windows\\win.ini",
        "\\\\server\\share",
        "/dev/stdin",
        "/proc/self/environ",
        "/proc/self/fd/0",
        "/proc/self/cwd/Cargo.toml",
        absolute,
        &encoded,
        &from_root,
        &by_proc,
        &beneath_proc,
    ];
    for path in paths {
        let refused = |found: Result<Value, (Status, String)>, what: &str| match found {
            Err((status, message)) => {
                let is_refusal = matches!(
                    status,
                    Status::PathEscape | Status::ResourceNotFound | Status::SkillNotFound | Status::InvalidArguments
                );
                assert!(is_refusal && !message.contains('\n') && !message.contains('\0'), "{what} {path:?}: {message}");
            }
            Ok(found) => panic!("{what} {path:?}: {found}"),
        };
        refused(ask(&engine, "read_skill_resource", json!({ "name": "maths", "path": path })), "path");
        refused(ask(&engine, "read_skill_resource", json!({ "name": path, "path": "SKILL.md" })), "name");
        refused(ask(&engine, "load_skill", json!({ "name": path })), "skill");
        refused(ask(&engine, "run_skill_script", json!({ "name": "maths", "script": path })), "script");
        refused(ask(&engine, "run_skill_script", json!({ "name": path, "script": "scripts/add.py" })), "run");
    }
    // What was right when it was loaded is a link now.
    fs::remove_file(maths.join("references/guide.md")).expect("it is gone");
    symlink("../../outside.txt", maths.join("references/guide.md")).expect("a link");
    let (status, _) = ask(&engine, "read_skill_resource", json!({ "name": "maths", "path": "references/guide.md" }))
        .expect_err("refused");
    assert!(matches!(status, Status::PathEscape | Status::SkillChanged), "{status:?}");
}

#[test]
fn a_script_runs_as_its_own_tool_does() {
    if !can_isolate() {
        return;
    }
    let dir = skills();
    let engine = engine(&dir, json!({ "disclosure": true }));
    let without_times = |result: Arc<Value>| {
        let mut result = (*result).clone();
        for key in ["usage", "call_id"] {
            result.as_object_mut().expect("an object").remove(key);
        }
        result
    };
    let own = |tool: &str, arguments: Value, options: Value| {
        engine.execute(tool, &arguments.to_string(), &options.to_string()).map(without_times)
    };
    let run = |script: &str, arguments: Value, options: Value| {
        let arguments = json!({ "name": "maths", "script": script, "arguments": arguments });
        engine.execute("run_skill_script", &arguments.to_string(), &options.to_string()).map(without_times)
    };
    let rows = [
        ("scripts/add.py", "maths__add", json!({ "numbers": [1, 2] }), json!({})),
        ("add.py", "maths__add", json!({ "numbers": [1, -2], "times": 3, "out": "total.txt" }), json!({})),
        ("maths__add", "maths__add", json!({ "numbers": [7] }), json!({ "stdin": "words" })),
        ("./scripts//echo.py", "maths__echo", json!({ "text": "é" }), json!({ "cwd": "skill" })),
    ];
    for (script, tool, arguments, options) in rows {
        let expected = own(tool, arguments.clone(), options.clone()).expect("it runs");
        assert_eq!(expected["status"], "ok", "{expected}");
        assert_eq!(run(script, arguments, options).expect("it runs"), expected, "{script}");
    }
    let bad = [
        ("scripts/add.py", "maths__add", json!({})),
        ("scripts/add.py", "maths__add", json!({ "numbers": [1], "times": 9 })),
        ("scripts/add.py", "maths__add", json!({ "numbers": ["x"] })),
        ("scripts/echo.py", "maths__echo", json!({ "txt": 1 })),
    ];
    for (script, tool, arguments) in bad {
        let expected = own(tool, arguments.clone(), json!({})).expect_err("it is refused");
        assert_eq!(run(script, arguments, json!({})).expect_err("it is refused"), expected);
    }
}

#[test]
fn words_and_standard_input_reach_the_script_as_they_are() {
    if !can_isolate() {
        return;
    }
    let dir = skills();
    let engine = engine(&dir, json!({ "disclosure": "only" }));
    let run = |arguments: Value| engine.execute("run_skill_script", &arguments.to_string(), "");
    let added = run(
        json!({ "name": "maths", "script": "add.py", "arguments": ["--times", "2", "--", "-4", "1"], "stdin": "in\n" }),
    );
    let added = added.expect("it runs");
    assert_eq!(
        (&added["output"], &added["exit_code"]),
        (&json!({ "total": -6, "stdin": "in\n" }), &json!(1)),
        "{added}"
    );
    assert_eq!(added["tool"], "maths__add", "the result names what ran");
    let words = run(
        json!({ "name": "maths", "script": "echo.py", "arguments": ["$(id)", "a b", ""], "stdin": "{\"text\": 1}" }),
    );
    assert_eq!(words.expect("it runs")["output"]["words"], json!(["$(id)", "a b", ""]));
    let rows = [
        (
            json!({ "name": "maths", "script": "echo.py", "arguments": { "text": "t" }, "stdin": "x" }),
            Status::InvalidArguments,
            "/stdin",
        ),
        (json!({ "name": "maths", "script": "add.py", "arguments": ["a\0"] }), Status::InvalidArguments, "NUL"),
        (
            json!({ "name": "maths", "script": "scripts/part.txt" }),
            Status::ResourceNotFound,
            "no script that can be run",
        ),
        (
            json!({ "name": "maths", "script": "scripts/sub.py" }),
            Status::ResourceNotFound,
            "it has scripts/add.py, scripts/echo.py",
        ),
        (json!({ "name": "plain", "script": "x" }), Status::ResourceNotFound, "it has none"),
        (json!({ "name": "other", "script": "scripts/add.py" }), Status::ResourceNotFound, "scripts/run.sh"),
        (json!({ "name": "nobody", "script": "x" }), Status::SkillNotFound, "'nobody'"),
    ];
    for (arguments, status, needle) in rows {
        let error = run(arguments.clone()).expect_err("it is refused");
        assert_eq!(error.status, status, "{error}");
        assert!(error.message.contains(needle), "{error}");
    }
}

#[test]
fn what_is_disabled_or_not_let_in_is_not_there() {
    let dir = skills();
    let engine_of_one = engine(&dir, json!({ "disclosure": true, "skills": ["maths"] }));
    let whole = engine(&dir, json!({ "disclosure": true }));
    whole.enable("other", false).expect("it is disabled");
    for (engine, needle) in [(&engine_of_one, "no skill 'other'"), (&whole, "disabled")] {
        let calls = [
            ("load_skill", json!({ "name": "other" })),
            ("read_skill_resource", json!({ "name": "other", "path": "SKILL.md" })),
            ("run_skill_script", json!({ "name": "other", "script": "scripts/run.sh" })),
        ];
        for (tool, arguments) in calls {
            let (status, message) = ask(engine, tool, arguments).expect_err("it is refused");
            assert!(status == Status::SkillNotFound && message.contains(needle), "{tool}: {message}");
        }
        for (name, schema) in defined(engine, "openai").iter().filter(|(name, _)| GENERIC.contains(&name.as_str())) {
            let names = schema["properties"]["name"]["enum"].to_string();
            assert!(!names.contains("other"), "{name}: {names}");
        }
    }
    let off = engine(&dir, json!({}));
    for tool in GENERIC {
        assert_eq!(ask(&off, tool, json!({ "name": "maths" })).expect_err("it is refused").0, Status::ToolNotFound);
    }
}

#[test]
fn the_generic_names_are_never_those_of_a_script() {
    let dir = skills();
    for name in GENERIC {
        let skill = dir.path().join(name);
        write(&skill.join("SKILL.md"), format!("---\nname: {name}\ndescription: Looks alike.\n---\n"));
        write(&skill.join("scripts/run.sh"), "#!/bin/sh\necho mine\n");
    }
    let (with, without) = (engine(&dir, json!({ "disclosure": true })), engine(&dir, json!({})));
    let names = |engine: &Engine| defined(engine, "openai").into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let own = names(&without);
    assert_eq!(names(&with)[3..], own, "the names do not depend on what is switched on");
    for name in GENERIC {
        assert!(!own.contains(&name.to_owned()), "{own:?}");
        let suffixed = own.iter().find(|own| own.starts_with(&format!("{name}_"))).expect("a suffixed name");
        let told = ask(&with, "load_skill", json!({ "name": name })).expect("an answer");
        assert_eq!(told["scripts"][0]["tool"], *suffixed);
    }
}

/// A response that asks for one call, in a dialect.
fn response(dialect: &str, name: &str, arguments: &Value) -> Value {
    match dialect.split(':').next() {
        Some("openai-responses") => {
            json!({ "output": [{ "type": "function_call", "call_id": "c1", "name": name, "arguments": arguments.to_string() }] })
        }
        Some("anthropic") => {
            json!({ "role": "assistant", "content": [{ "type": "tool_use", "id": "c1", "name": name, "input": arguments }] })
        }
        Some("gemini") => {
            json!({ "candidates": [{ "content": { "parts": [{ "functionCall": { "id": "c1", "name": name, "args": arguments } }] } }] })
        }
        Some("mcp") => {
            json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": name, "arguments": arguments } })
        }
        _ => {
            let call = json!({ "id": "c1", "type": "function", "function": { "name": name, "arguments": arguments.to_string() } });
            json!({ "choices": [{ "message": { "role": "assistant", "tool_calls": [call] } }] })
        }
    }
}

#[test]
fn a_model_is_answered_in_every_dialect_and_told_of_its_mistakes() {
    let dir = skills();
    let engine = engine(&dir, json!({ "disclosure": true }));
    let mistakes = [
        ("load_skill", json!({ "name": "maths" }), "Add"),
        ("load_skill", json!({ "name": "nobody" }), "no skill 'nobody'"),
        ("load_skill", json!({}), "name"),
        ("read_skill_resource", json!({ "name": "maths", "path": "references/guide.md" }), "Dix euros"),
        ("read_skill_resource", json!({ "name": "maths", "path": "../outside.txt" }), "contains `..`"),
        ("read_skill_resource", json!({ "name": "maths", "path": "none.md" }), "no resource"),
        ("run_skill_script", json!({ "name": "maths", "script": "none.py" }), "scripts/add.py"),
    ];
    for (dialect, _) in Dialect::ALL {
        for (tool, arguments, needle) in &mistakes {
            let response = response(dialect, tool, arguments).to_string();
            let answers =
                engine.handle(dialect, &response, "").unwrap_or_else(|error| panic!("{dialect} {tool}: {error}"));
            let text = answers.to_string();
            assert!(text.contains(needle), "{dialect} {tool}: {text}");
            assert!(!text.contains("OUTSIDE"), "{text}");
        }
    }
}

#[test]
fn a_plan_says_that_nothing_is_started() {
    let dir = skills();
    let engine = engine(&dir, json!({ "disclosure": true }));
    let plan = engine.plan("load_skill", r#"{"name":"maths"}"#, "").expect("a plan");
    assert!(plan.contains("no process is started"), "{plan}");
    if can_isolate() {
        let run = r#"{"name":"maths","script":"add.py","arguments":["1"]}"#;
        let plan = engine.plan("run_skill_script", run, "").expect("a plan");
        assert!(plan.contains(" exec "), "{plan}");
    }
}

/// The C API: an answer is a call like any other, whose descriptor is readable from the start.
#[test]
fn an_answer_is_an_ordinary_call() {
    let dir = skills();
    let text = |text: &str| (text.as_ptr().cast::<c_char>(), text.len());
    let taken = |buffer: *mut skl_buffer| -> Value {
        // SAFETY: a live buffer, freed once.
        unsafe {
            let bytes = std::slice::from_raw_parts(skl_buffer_data(buffer).cast::<u8>(), skl_buffer_len(buffer));
            let value = serde_json::from_slice(bytes).expect("a document");
            skl_buffer_free(buffer);
            value
        }
    };
    let (config, config_len) = text(r#"{"disclosure":true}"#);
    let (folder, folder_len) = text(dir.path().to_str().expect("text"));
    let (tool, tool_len) = text("load_skill");
    let (arguments, arguments_len) = text(r#"{"name":"plain"}"#);
    let (options, options_len) = text(r#"{"call_id":"mine","stream":true}"#);
    let (mut engine, mut call, mut out) = (null_mut(), null_mut(), null_mut());
    // SAFETY: every pointer comes with its length, and handles are freed once.
    unsafe {
        assert_eq!(skl_engine_new(config, config_len, &mut engine, null_mut()), skl_status::SKL_OK);
        assert_eq!(skl_engine_load(engine, folder, folder_len, &mut out, null_mut()), skl_status::SKL_OK);
        skl_buffer_free(out);
        let status = skl_engine_call(
            engine,
            tool,
            tool_len,
            arguments,
            arguments_len,
            options,
            options_len,
            &mut call,
            null_mut(),
        );
        assert_eq!(status, skl_status::SKL_OK);
        let descriptor = skl_call_fd(call);
        assert!(descriptor >= 0);
        let mut poll = libc::pollfd { fd: descriptor, events: libc::POLLIN, revents: 0 };
        assert_eq!(libc::poll(&mut poll, 1, 0), 1, "it is readable at once");
        assert_eq!(skl_call_fd(call), descriptor);
        let mut byte = 0u8;
        assert_eq!(libc::read(descriptor, (&raw mut byte).cast(), 1), 0, "and at its end");
        // It was started with "stream": what is read is what the result says.
        let mut read = Vec::new();
        loop {
            assert_eq!(skl_call_read(call, 1, 0, &mut out, null_mut()), skl_status::SKL_OK);
            if out.is_null() {
                break;
            }
            assert!(skl_buffer_len(out) > 0, "all of it is there");
            read.extend_from_slice(std::slice::from_raw_parts(skl_buffer_data(out).cast(), skl_buffer_len(out)));
            skl_buffer_free(out);
        }
        assert!(skl_call_output_fd(call) >= 0);
        assert_eq!(skl_call_read(call, 2, 0, &mut out, null_mut()), skl_status::SKL_OK);
        assert!(out.is_null());
        // The answer was there before it was cancelled, and outlives the engine.
        assert_eq!(skl_call_cancel(call), skl_status::SKL_OK);
        skl_engine_free(engine);
        for _ in 0..2 {
            assert_eq!(skl_call_wait(call, 0, &mut out, null_mut()), skl_status::SKL_OK);
            let result = taken(out);
            assert_eq!((&result["status"], &result["call_id"]), (&json!("ok"), &json!("mine")), "{result}");
            assert_eq!((&result["skill"], &result["output"]["instructions"]), (&json!("plain"), &json!("Words.")));
            assert_eq!(result["files"], json!([]));
            assert_eq!(result["text"].as_str().map(str::as_bytes), Some(read.as_slice()));
        }
        let (path, path_len) = text("x");
        let status = skl_call_read_file(call, path, path_len, 1, &mut out, null_mut());
        assert_eq!(status, skl_status::SKL_ERR_RESOURCE_NOT_FOUND);
        skl_call_free(call);
    }
}
