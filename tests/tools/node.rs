//! JavaScript: each fixture's schema, and its own parser as the judge of our command lines.
//!
//! The fixtures in `tests/tools/node/` print what they understood under the names of the properties. commander, yargs and
//! their like are installed once below the build's own folder; where npm cannot, their scripts are skipped visibly.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};
use skilllite::error::Status;
use skilllite::tool::{Invocation, Tool};

use crate::{Fixture, expected_schema};

/// What the fixtures are written for, in versions that run on Node 20.
const PACKAGES: [&str; 5] = ["commander@14.0.3", "yargs@18.2.0", "minimist@1.2.8", "mri@1.2.0", "arg@5.0.2"];

/// A folder with the packages, and the fixtures beside them: modules are looked up from where a script is.
static ORACLE: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("node-oracle");
    std::fs::create_dir_all(&folder).expect("a folder below the build's own");
    let wanted = PACKAGES.join(" ");
    if std::fs::read_to_string(folder.join("installed")).is_ok_and(|installed| installed == wanted) {
        return Some(folder);
    }
    std::fs::write(folder.join("package.json"), "{\"private\": true}").expect("package.json");
    let install = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"])
        .arg(&folder)
        .args(PACKAGES)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !install.is_ok_and(|status| status.success()) {
        return None;
    }
    std::fs::write(folder.join("installed"), wanted).expect("the mark");
    Some(folder)
});

fn has_node() -> bool {
    Command::new("node").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The tool of a fixture, and the script that is run for it; `None` where it cannot run here.
fn live(script: &str) -> Option<(Tool, PathBuf)> {
    let source = fixture(script);
    let text = std::fs::read_to_string(&source).expect("the fixture");
    let needs_packages =
        ["commander", "yargs", "minimist", "mri", "arg"].iter().any(|name| text.contains(&format!("'{name}")));
    if !has_node() {
        println!("skipped: {script}; node is not here");
        return None;
    }
    let path = match (needs_packages, ORACLE.as_ref()) {
        (false, _) => source,
        (true, Some(folder)) => {
            // Another test may be running the copy: it is replaced whole, and only where it is another text.
            let path = folder.join(script);
            if std::fs::read_to_string(&path).ok().as_ref() != Some(&text) {
                let draft = tempfile::NamedTempFile::new_in(folder).expect("a draft");
                std::fs::write(draft.path(), &text).expect("a copy");
                draft.persist(&path).expect("the copy");
            }
            path
        }
        (true, None) => {
            println!("skipped: {script}; npm cannot install {}", PACKAGES.join(", "));
            return None;
        }
    };
    Some((tool(script), path))
}

fn fixture(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/node").join(script)
}

fn tool(script: &str) -> Tool {
    let bytes = std::fs::read(fixture(script)).expect("the fixture");
    Fixture::new("sample").file(&format!("scripts/{script}"), &bytes).tool()
}

fn run(script: &Path, invocation: &Invocation) -> Value {
    let mut child = Command::new("node")
        .arg(script)
        .args(&invocation.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node");
    child.stdin.take().expect("stdin").write_all(&invocation.stdin).ok();
    let output = child.wait_with_output().expect("an end");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {:?} → {stderr}", script.display(), invocation.arguments);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {:?}", output.stdout))
}

#[test]
fn fixtures_have_their_schemas() {
    let scripts = [
        "commander.js",
        "commander_commands.mjs",
        "yargs.js",
        "yargs_commands.js",
        "parse_args.mjs",
        "minimist.js",
        "mri.js",
        "arg.js",
        "loop.js",
        "shifting.mjs",
        "index_of.js",
        "place.js",
        "open.mjs",
        "equals.js",
        "verbs.js",
        "stdin.js",
        "stdin_events.mjs",
        "filter.js",
        "plain.js",
    ];
    for script in scripts {
        expected_schema(&fixture(script));
    }
}

/// Values that a careless writer of command lines would lose.
const AWKWARD: [&str; 8] =
    ["-x", "--", "--json", "a=b", "two words", "$(id) `id`; 'q' \"q\" \\", "naïve 数据 🙂", "l1\nl2"];

#[test]
fn every_value_arrives() {
    let rows: Vec<(&str, Vec<Value>)> = vec![
        (
            "commander.js",
            vec![
                json!({"source": "in", "user": "u", "target": "out.txt", "limit": 10, "format": "json", "color": true, "dry_run": false}),
                json!({"source": "-in", "user": "-u", "target": "--out", "dry_run": true, "limit": -3, "ratio": 0.25, "level": 2}),
                json!({"source": "in", "user": "u", "x": "-y", "color": false, "cheese": "brie", "tag": ["a", "-b", "c=d"]}),
                json!({"source": "in", "user": "u", "x": "y", "cheese": true, "files": ["f", "g h"], "camelCase": "C"}),
                json!({"source": "in", "user": "u", "cheese": true, "limit": 5}),
                json!({"source": "in", "user": "u", "header_name": "h", "format": "csv", "data": {"a": [1, null]}, "fast": true}),
                json!({"source": "in", "user": "u", "slow": true, "mode": "b", "x": ""}),
            ],
        ),
        (
            "commander_commands.mjs",
            vec![
                json!({"command": "add", "title": "-t", "words": ["w", "--x"], "priority": 3, "store": "s"}),
                json!({"command": "add", "title": "t"}),
                json!({"command": "list", "all": true, "store": "-s"}),
                json!({"command": "list", "all": false}),
                json!({"command": "remote", "subcommand": "link", "url": "u", "token": "--token"}),
                json!({"command": "remote", "subcommand": "drop"}),
            ],
        ),
        (
            "yargs.js",
            vec![
                json!({"source": "s", "name": "n", "count": 1, "kind": "small", "color": true, "depth": 3}),
                json!({"source": "s", "name": "-n", "count": -2.5, "kind": "large", "dry_run": true, "color": false}),
                json!({"source": "s", "name": "n", "tag": ["a", "-b", "c=d"], "verbose": 3, "note": "--x"}),
                json!({"source": "s", "name": "n", "quick": true, "depth": 5, "color": true}),
                json!({"source": "-s", "name": "n", "tag": ["1", "two"]}),
            ],
        ),
        (
            "yargs_commands.js",
            vec![
                json!({"command": "add", "title": "t", "words": ["a", "b"], "priority": 2, "store": "s"}),
                json!({"command": "add", "title": "t"}),
                json!({"command": "remove", "id": "i", "force": true}),
            ],
        ),
        (
            "parse_args.mjs",
            vec![
                json!({"input": "i", "token": "t", "format": "json", "output": "out.txt", "max_items": 100, "quiet": false}),
                json!({"input": "-i", "output": "--out", "token": "-t", "format": "text", "quiet": true, "max_items": 7}),
                json!({"input": "i", "token": "t", "include": ["a", "-b", "--c=d"], "verbose": 2}),
            ],
        ),
        (
            "minimist.js",
            vec![
                json!({"pattern": "p", "color": true, "depth": 2, "root": ".", "out": "found.txt"}),
                json!({"pattern": "-p", "id": "007", "all": true, "color": false, "depth": 4, "root": "-r", "out": "--o"}),
            ],
        ),
        (
            "mri.js",
            vec![
                json!({"watch": true, "port": "80", "host": "h", "files": ["a", "-b", "--c"]}),
                json!({"watch": false, "host": "localhost"}),
            ],
        ),
        (
            "arg.js",
            vec![
                json!({"name": "-n", "port": 80, "tag": ["a", "b=c"], "verbose": 2, "dry_run": true, "files": ["f", "-g"]}),
                json!({"name": "n", "k": "v", "files": ["f"]}),
            ],
        ),
        (
            "loop.js",
            vec![
                json!({"url": "u", "output": "page.png", "width": 1280, "format": "png", "scale": 1}),
                json!({"url": "u", "output": "o", "width": -640, "format": "jpg", "quiet": true, "header": ["a: b", "-c"], "scale": 1.5, "v": 2}),
            ],
        ),
        (
            "shifting.mjs",
            vec![
                json!({"to": "-t", "files": ["a", "b c"], "retries": 3, "exclude": ["x", "-y"], "force": true}),
                json!({"to": "t", "files": ["a"], "retries": 0}),
            ],
        ),
        (
            "index_of.js",
            vec![
                json!({"to": "t", "subject": "no subject", "delay_ms": 500, "urgent": false, "tone": "plain"}),
                json!({"to": "-t", "subject": "--s", "delay_ms": 5, "urgent": true, "tone": "loud"}),
            ],
        ),
        (
            "place.js",
            vec![
                json!({"left": "l", "right": "r", "context": 3, "json": false}),
                json!({"left": "-l", "right": "--r", "context": 5, "json": true}),
            ],
        ),
        (
            "open.mjs",
            vec![
                json!({"url": "u", "width": 1200, "css": "-x", "list": true, "check": false}),
                json!({"url": "u", "out": "o", "width": 640, "check": true}),
            ],
        ),
        ("equals.js", vec![json!({"depth": 2, "mode": "soft"}), json!({"depth": 5, "mode": "a=b", "root": "-r"})]),
        (
            "verbs.js",
            vec![
                json!({"command": "add", "title": "-t", "due": "d"}),
                json!({"command": "done", "id": "--id"}),
                json!({"command": "list", "all": true}),
            ],
        ),
        (
            "stdin.js",
            vec![
                json!({"operation": "sum", "values": [1, 2.5], "precision": 3, "label": "l", "options": {"round": true}}),
                json!({"operation": "mean", "values": [], "label": "sum", "precision": 2}),
            ],
        ),
        ("stdin_events.mjs", vec![json!({"name": "n", "loud": true})]),
        ("filter.js", vec![json!({"stdin": "A B\n", "upper": true}), json!({"stdin": "ü\u{0}-"})]),
        ("plain.js", vec![json!({})]),
    ];
    for (script, rows) in rows {
        let Some((tool, path)) = live(script) else { continue };
        for arguments in rows {
            let invocation = tool.prepare(&arguments).unwrap_or_else(|error| panic!("{script} {arguments}: {error}"));
            let got = run(&path, &invocation);
            for (name, want) in arguments.as_object().expect("an object") {
                // Scripts that answer about their input do not repeat all of it.
                if matches!(script, "stdin.js" | "stdin_events.mjs") && got.get(name).is_none_or(|got| got != want) {
                    assert!(matches!(name.as_str(), "values" | "options" | "name"), "{script} {name}: {got}");
                    continue;
                }
                let is_number = want.is_number() && got[name].as_f64() == want.as_f64();
                assert!(
                    is_number || &got[name] == want,
                    "{script}: {name} of {arguments} as {:?} gave {got}",
                    invocation.arguments
                );
            }
        }
    }
}

#[test]
fn awkward_values_arrive_or_are_refused() {
    let rows = [
        (
            "commander.js",
            json!({"source": "in", "user": "u"}),
            vec!["source", "target", "header_name", "x", "camelCase"],
        ),
        ("commander_commands.mjs", json!({"command": "add", "title": "t"}), vec!["title", "store"]),
        ("parse_args.mjs", json!({"input": "i", "token": "t"}), vec!["input", "output", "token"]),
        ("minimist.js", json!({"pattern": "p"}), vec!["pattern", "id", "root"]),
        ("yargs.js", json!({"source": "s", "name": "n"}), vec!["name", "note"]),
        ("loop.js", json!({"url": "u"}), vec!["url", "output"]),
        ("index_of.js", json!({"to": "t"}), vec!["to", "subject", "tone"]),
        ("place.js", json!({"left": "l", "right": "r"}), vec!["left", "right"]),
    ];
    let (mut arrived, mut refused) = (0, Vec::new());
    for (script, base, names) in rows {
        let Some((tool, path)) = live(script) else { continue };
        for turn in 0..AWKWARD.len() {
            let mut all = base.clone();
            for (index, name) in names.iter().enumerate() {
                let value = AWKWARD[(turn + index) % AWKWARD.len()];
                let mut one = base.clone();
                one[name] = json!(value);
                match tool.prepare(&one) {
                    Ok(_) => all[name] = json!(value),
                    Err(error) => {
                        assert_eq!(error.status, Status::InvalidArguments, "{script} {one}: {error}");
                        refused.push(format!("{script} {name}={value:?}"));
                    }
                }
            }
            let invocation = tool.prepare(&all).unwrap_or_else(|error| panic!("{script} {all}: {error}"));
            let got = run(&path, &invocation);
            for name in &names {
                assert!(
                    all.get(name).is_none_or(|want| &got[name] == want),
                    "{script} {:?} gave {got}",
                    invocation.arguments
                );
                arrived += usize::from(all.get(name).is_some());
            }
        }
    }
    println!("{arrived} awkward values arrived; refused: {}", refused.join(", "));
    assert!(arrived == 0 || refused.len() * 4 <= arrived, "{} of {arrived} refused: {refused:?}", refused.len());
}

#[test]
fn what_the_parser_would_refuse_is_refused() {
    let rows = [
        ("commander.js", json!({"source": "in"}), "missing `user`"),
        ("commander.js", json!({"source": "in", "user": "u", "format": "xml"}), "/format: expected one of"),
        (
            "commander.js",
            json!({"source": "in", "user": "u", "fast": true, "slow": true}),
            "only one of `fast`, `slow`",
        ),
        ("commander.js", json!({"source": "in", "user": "u", "limit": "ten"}), "/limit: expected integer"),
        ("commander_commands.mjs", json!({}), "missing `command`"),
        ("commander_commands.mjs", json!({"command": "add"}), "missing `title`"),
        ("commander_commands.mjs", json!({"command": "list", "title": "t"}), "/title: does not belong to `list`"),
        ("commander_commands.mjs", json!({"command": "remote", "subcommand": "link", "url": "u"}), "missing `token`"),
        ("yargs.js", json!({"source": "s"}), "missing `name`"),
        ("yargs_commands.js", json!({"command": "remove"}), "missing `id`"),
        ("parse_args.mjs", json!({"input": "i"}), "missing `token`"),
        ("parse_args.mjs", json!({"input": "i", "token": "t", "format": "xml"}), "/format: expected one of"),
        ("loop.js", json!({}), "missing `url`"),
        ("verbs.js", json!({"command": "add"}), "missing `title`"),
        ("verbs.js", json!({"command": "drop"}), "/command: expected one of"),
        ("stdin.js", json!({"operation": "sum"}), "missing `values`"),
        ("stdin.js", json!({"operation": "cube", "values": []}), "/operation: expected one of"),
        ("plain.js", json!({"args": ["x"]}), "unknown property `args`; known: none"),
    ];
    for (script, arguments, part) in rows {
        let error = tool(script).prepare(&arguments).expect_err(&format!("{script} {arguments} must be refused"));
        assert!(error.message.contains(part), "{script} {arguments}: {error}");
    }
}
