//! Scripts of published skills, run in the sandbox and run bare: they print the same, leave the same files and end alike.
//!
//! `wild/rows.json` has the script, the arguments and the input files of each row; the packages themselves are fetched. What
//! differs by nature is written alike first: the folders' names.

#![cfg(all(target_os = "linux", feature = "inference"))]

#[allow(dead_code, reason = "the oracle uses the rest")]
#[path = "oracle/corpus.rs"]
mod corpus;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use skilllite::engine::{Engine, Host, probe};
use skilllite::skill::{Skill, discover};
use skilllite::tool::tools_of;

/// How many scripts are run at least.
const SCRIPTS: usize = 25;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    skill: String,
    script: PathBuf,
    #[serde(default)]
    arguments: Value,
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// How it ends; a script that finds something wrong says so by its exit code.
    #[serde(default)]
    exit_code: i32,
    /// A part of what it prints, so that two equal failures are not taken for a success; one that says nothing ends so.
    prints: String,
}

/// What a run came to.
#[derive(Debug, PartialEq)]
struct Ran {
    exit_code: Option<i64>,
    stdout: String,
    stderr: String,
    files: BTreeMap<String, String>,
}

#[test]
fn scripts_run_as_they_do_without_a_sandbox() {
    let report = probe().expect("the host is probed");
    if report["tier"].is_null() || report["tier"] == "landlock" {
        println!(
            "skipped: no namespaces on this host, so the sandbox has no names of its own: {}",
            report["obstacles"]
        );
        return;
    }
    let Some(packages) = corpus::packages() else { return };
    let rows: Vec<Row> = serde_json::from_str(include_str!("wild/rows.json")).expect("rows");
    let python = python();
    let config = json!({ "interpreters": { "python": python } });
    let engine = Engine::new(&config.to_string(), Host::snapshot()).expect("an engine");
    let mut skills = BTreeMap::new();
    for folder in &packages {
        engine.load(folder).expect("they are loaded");
        skills.extend(
            discover(folder).expect("skills").skills.into_iter().map(|skill| (skill.name.clone(), Arc::new(skill))),
        );
    }
    let mut scripts = BTreeSet::new();
    let mut differences = Vec::new();
    for row in &rows {
        let shown = format!("{}/{}", row.skill, row.script.display());
        let skill = skills.get(&row.skill).unwrap_or_else(|| panic!("{shown}: no such skill"));
        let boxed = boxed(&engine, row);
        let bare = bare(skill, row, &python);
        if boxed != bare {
            differences.push(format!("{shown} {}\n  boxed: {boxed:?}\n  bare:  {bare:?}", row.arguments));
        } else if bare.exit_code != Some(row.exit_code.into()) || !(bare.stdout + &bare.stderr).contains(&row.prints) {
            differences.push(format!("{shown} {}: it does not do what the row is for: {boxed:?}", row.arguments));
        }
        scripts.insert(shown);
    }
    println!("{} scripts in {} runs: {} differ", scripts.len(), rows.len(), differences.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(scripts.len() >= SCRIPTS, "{} scripts", scripts.len());
}

/// The interpreter itself: a version manager's shim would look at the environment.
fn python() -> PathBuf {
    let print = "import os, sys; print(os.path.realpath(sys.executable))";
    let output = Command::new("python3").args(["-c", print]).output().expect("python3 runs");
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

fn boxed(engine: &Engine, row: &Row) -> Ran {
    let manifest = engine.manifest(&row.skill).expect("a manifest");
    let tools = manifest["tools"].as_array().expect("tools");
    let is_it = |tool: &&Value| tool["script"].as_str() == row.script.to_str();
    let tool = tools.iter().find(is_it).unwrap_or_else(|| panic!("{}: no such script", row.script.display()));
    let files: BTreeMap<_, _> = row.files.iter().map(|(name, text)| (name, json!({ "text": text }))).collect();
    let options = json!({ "files": files }).to_string();
    let call = engine.call(tool["name"].as_str().expect("a name"), &arguments(row).to_string(), &options);
    let call = call.unwrap_or_else(|error| panic!("{}: {error}", row.script.display()));
    let result = call.wait(None).expect("it ends");
    let text = |key: &str| result[key].as_str().unwrap_or_default().to_owned();
    let mut files = BTreeMap::new();
    for file in result["files"].as_array().expect("files") {
        let path = file["path"].as_str().expect("a path");
        let bytes = call.read_file(path, 1 << 20).expect("it is read");
        files.insert(path.to_owned(), String::from_utf8_lossy(&bytes).into_owned());
    }
    Ran { exit_code: result["exit_code"].as_i64(), stdout: text("text"), stderr: text("stderr"), files }
}

fn arguments(row: &Row) -> Value {
    if row.arguments.is_null() { json!({}) } else { row.arguments.clone() }
}

fn bare(skill: &Arc<Skill>, row: &Row, python: &Path) -> Ran {
    let stage = tempfile::tempdir().expect("a folder");
    let (work, home) = (stage.path().join("work"), stage.path().join("home"));
    for folder in [&work, &home] {
        fs::create_dir(folder).expect("a folder");
    }
    for (name, text) in &row.files {
        let path = work.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("written");
    }
    let (tools, _) = tools_of(skill);
    let tool = tools.iter().find(|tool| tool.script == row.script).expect("the script");
    let invocation = tool.prepare(&arguments(row)).expect("a command line");
    let program = if tool.script.extension().is_some_and(|ending| ending == "py") { python } else { Path::new("bash") };
    let mut child = Command::new(program)
        .arg(skill.root.join(&row.script))
        .args(&invocation.arguments)
        .current_dir(&work)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs([("LANG", "C.UTF-8"), ("TZ", "UTC"), ("PYTHONDONTWRITEBYTECODE", "1")])
        .envs([("HOME", &home), ("TMPDIR", &home), ("SKILL_DIR", &skill.root)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // A script that does not read it may have ended.
    let _ = child.stdin.take().expect("piped").write_all(&invocation.stdin);
    let output = child.wait_with_output().expect("it ends");
    let alike = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let names = [(&skill.root, "/skill"), (&work, "/work"), (&home, "/tmp")];
        names.iter().fold(text, |text, (path, name)| text.replace(&*path.to_string_lossy(), name))
    };
    let mut files = BTreeMap::new();
    collect(&work, &work, &mut files);
    files.retain(|name, bytes| row.files.get(name).is_none_or(|input| input.as_bytes() != *bytes));
    Ran {
        exit_code: output.status.code().map(Into::into),
        stdout: alike(&output.stdout),
        stderr: alike(&output.stderr),
        files: files.into_iter().map(|(name, bytes)| (name, alike(&bytes))).collect(),
    }
}

fn collect(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, found);
        } else {
            let name = path.strip_prefix(root).expect("below").to_string_lossy().into_owned();
            assert_eq!(fs::metadata(&path).expect("facts").permissions().mode() & 0o7000, 0);
            found.insert(name, fs::read(&path).expect("read"));
        }
    }
}
