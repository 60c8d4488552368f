//! Published skills: all of them load, and scripts of theirs run in the sandbox as they run bare: they print the same, leave
//! the same files and end alike.
//!
//! `wild/rows.json` has the script, the arguments and the input files of each row; the packages themselves are fetched. What
//! differs by nature is written alike first: the folders' names.

#![cfg(all(target_os = "linux", feature = "inference"))]

#[allow(dead_code, reason = "the oracle uses the rest")]
#[path = "oracle/corpus.rs"]
mod corpus;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
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
use skilllite::tool::{Convention, tools_of};

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

/// Every published skill is loaded, or skipped for a reason; and nearly all of their scripts say what they take. The whole is a table:
/// `target/skills/report.md`.
#[test]
fn published_skills_are_reported() {
    let Some(packages) = corpus::packages() else { return };
    let mut report = Report::default();
    for folder in &packages {
        report.add(folder);
    }
    let text = report.text();
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    fs::create_dir_all(target.join("skills")).expect("a folder");
    fs::write(target.join("skills/report.md"), &text).expect("written");
    println!("{}\n{}", report.head(), report.misses);
    assert!(report.skills > 100, "{} skills", report.skills);
    assert_eq!(report.skills + report.skipped, report.folders, "each folder with a SKILL.md is accounted for");
    assert!(report.typed * 100 >= report.scripts * 95, "{}\n{}", report.head(), report.misses);
}

/// What the library makes of published skills.
#[derive(Default)]
struct Report {
    folders: usize,
    skills: usize,
    skipped: usize,
    scripts: usize,
    typed: usize,
    rows: String,
    left_out: String,
    misses: String,
}

impl Report {
    fn add(&mut self, folder: &Path) {
        self.folders += skill_folders(folder);
        let found = discover(folder).expect("they are loaded");
        for skill in found.skills.into_iter().map(Arc::new) {
            self.skill(&skill);
        }
        for skipped in found.skipped {
            self.skipped += 1;
            let reason = skipped.diagnostics.first().expect("a reason");
            let name = skipped.path.strip_prefix(folder).unwrap_or(&skipped.path).display();
            writeln!(self.left_out, "- {name}: {reason}").expect("a text grows");
        }
    }

    fn skill(&mut self, skill: &Arc<Skill>) {
        self.skills += 1;
        let (tools, findings) = tools_of(skill);
        let mut sources = BTreeSet::new();
        for tool in &tools {
            self.scripts += 1;
            sources.extend(tool.provenance.values().copied());
            if tool.convention == Convention::Generic {
                writeln!(self.misses, "- {}/{}", skill.name, tool.script.display()).expect("a text grows");
            } else {
                self.typed += 1;
            }
        }
        let endings = ["py", "js", "mjs", "cjs", "sh", "bash"];
        let is_code = |path: &Path| path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known));
        let code = skill.files.iter().filter(|file| is_code(&file.path)).count();
        let codes: BTreeSet<_> = skill.diagnostics.iter().chain(&findings).map(|finding| finding.code).collect();
        let joined = |words: BTreeSet<&str>| words.into_iter().collect::<Vec<_>>().join(", ");
        let (sources, codes) = (joined(sources), joined(codes));
        writeln!(self.rows, "| {} | {code} | {} | {sources} | {codes} |", skill.name, tools.len())
            .expect("a text grows");
    }

    fn head(&self) -> String {
        let Self { skills, skipped, scripts, typed, .. } = self;
        format!(
            "{skills} skills loaded, {skipped} skipped; {typed} of {scripts} scripts that can be run have a schema of their own."
        )
    }

    fn text(&self) -> String {
        let Self { rows, left_out, misses, .. } = self;
        format!(
            "# Published skills\n\n{}\n\n## Skipped, and why\n\n{left_out}\n## Scripts without a schema of their own\n\n{misses}\n\
             ## Skills\n\n| skill | code files | tools | inferred from | diagnostics |\n| --- | --- | --- | --- | --- |\n{rows}",
            self.head()
        )
    }
}

/// How many folders hold a SKILL.md of their own.
fn skill_folders(folder: &Path) -> usize {
    if folder.join("SKILL.md").is_file() {
        return 1;
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().is_dir()).map(|entry| skill_folders(&entry.path())).sum()
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
