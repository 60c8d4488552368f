//! Scripts in click, typer and docopt, and scripts that read `sys.argv`: what they print of a call is what was asked.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use skilllite::skill::load;
use skilllite::tool::{Tool, tools_of};

/// A folder with click, typer and docopt; `None` with a visible line where they cannot be had.
fn frameworks() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("frameworks");
    let can_import = |folder: &Path| {
        let imports = ["-c", "import click, typer, docopt"];
        Command::new("python3").args(imports).env("PYTHONPATH", folder).output().is_ok_and(|done| done.status.success())
    };
    if can_import(&folder) {
        return Some(folder);
    }
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"];
    let output = Command::new("python3")
        .args(install)
        .arg(&folder)
        .args(["click", "typer", "docopt"])
        .output()
        .expect("python3");
    if output.status.success() && can_import(&folder) {
        return Some(folder);
    }
    println!(
        "skipped: click, typer and docopt cannot be installed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    None
}

fn tool(script: &str) -> (tempfile::TempDir, Tool) {
    let folder = tempfile::tempdir().expect("a folder is made");
    let write = |path: &str, bytes: &[u8]| std::fs::write(folder.path().join(path), bytes).expect("it is written");
    write("SKILL.md", b"---\nname: any\ndescription: Any.\n---\n");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/infer").join(script);
    write(script, &std::fs::read(source).expect("the fixture"));
    let (mut tools, _) = tools_of(&Arc::new(load(folder.path()).expect("a skill")));
    (folder, tools.remove(0))
}

/// Every given value must come back, under its own name.
fn understood(script: &str, modules: &Path, rows: &[Value]) {
    let (_folder, tool) = tool(script);
    for arguments in rows {
        let invocation = tool.prepare(arguments).unwrap_or_else(|error| panic!("{script} {arguments}: {error}"));
        let output = Command::new("python3")
            .arg(tool.skill.root.join(&tool.script))
            .args(&invocation.arguments)
            .env("PYTHONPATH", modules)
            .output()
            .expect("python3");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script} {:?}: {said}", invocation.arguments);
        let got: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        for (name, want) in arguments.as_object().expect("an object") {
            let got = got.get(name).unwrap_or(&Value::Null);
            let written = want.to_string();
            let is_same = got == want || got.as_str() == Some(written.as_str());
            assert!(is_same, "{script}: {name} of {arguments} as {:?} gave {got}", invocation.arguments);
        }
    }
}

#[test]
fn frameworks_understand_their_command_lines() {
    let Some(modules) = frameworks() else { return };
    understood(
        "click_one.py",
        &modules,
        &[
            json!({"source": "in", "name": "n"}),
            json!({"source": "-in", "name": "-n", "others": ["--x", "-1", ""], "times": -3, "ratio": -0.5, "level": 5}),
            json!({"source": "in", "name": "", "size": "large", "tags": ["-t", "--tag", "=", ""], "pair": [-1, -2]}),
            json!({"source": "in", "name": "--", "shout": true, "quiet": true, "case": "lower", "verbose": 3}),
            json!({"source": "in", "name": "n", "shout": false, "case": "upper", "short": "-5", "log_file": "-f", "share": 0.25}),
            json!({"source": "in", "name": "n", "short": "=x", "verbose": 0}),
        ],
    );
    understood(
        "click_group.py",
        &modules,
        &[
            json!({"command": "add", "title": "-t", "priority": "high", "store": "-s"}),
            json!({"command": "drop-all", "yes": true}),
            json!({"command": "remote", "remote_command": "link", "urls": ["-a", "b"]}),
        ],
    );
    understood(
        "typer_one.py",
        &modules,
        &[
            json!({"source": "in", "ratio": 0.5}),
            json!({"source": "-in", "target": "--out", "ratio": 1.0, "count": -2, "name": "-n", "tag": ["-a", ""]}),
            json!({"source": "in", "ratio": 0.5, "force": true, "cache": false, "quiet": true, "dry_run": true, "verbose": 2}),
            json!({"source": "in", "ratio": 0.5, "force": false, "cache": true, "quiet": false, "dry_run": false}),
        ],
    );
    understood(
        "typer_app.py",
        &modules,
        &[
            json!({"command": "create-user", "name": "-n", "admin": true}),
            json!({"command": "remove", "names": ["a", "-b"], "force": false}),
            json!({"command": "groups", "groups_command": "show", "limit": -1}),
        ],
    );
    understood(
        "docopt_one.py",
        &modules,
        &[json!({"name": "n"}), json!({"name": "n", "x": "1", "speed": "-5", "moored": true, "quiet": true})],
    );
}

#[test]
fn scripts_that_read_their_words_get_them() {
    let nowhere = Path::new("");
    understood(
        "words.py",
        nowhere,
        &[
            json!({"number": -1.5, "unit": "-m"}),
            json!({"number": 2.0, "unit": "", "digits": 4, "json": true}),
            json!({"number": 2.0, "unit": "m", "json": true}),
        ],
    );
    understood("words_plain.py", nowhere, &[json!({"path": "--"}), json!({"path": "-p", "mode": "--slow"})]);
}
