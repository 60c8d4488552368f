//! Published scripts: the parser that each one makes in the sandbox against what its source was read as.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use skilllite::engine::{Engine, Host, probe};
use skilllite::runtime::Language;
use skilllite::schema::infer::{self, infer_script};

use crate::corpus::{self, Script};
use crate::{Facts, live, ours};

/// The skill that asks scripts for their parsers: the driver, and copies of what it asks.
struct Interrogation {
    _folder: tempfile::TempDir,
    engine: Engine,
    /// The tool that asks the scripts of each skill.
    tools: BTreeMap<PathBuf, String>,
}

impl Interrogation {
    fn new(scripts: &[Script]) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder is made");
        // Without namespaces another user id must reach it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("the folder is opened");
        let mut tools = BTreeMap::new();
        for script in scripts {
            if tools.contains_key(&script.root) {
                continue;
            }
            let name = format!("oracle-{}", tools.len());
            let skill = folder.path().join(&name);
            corpus::copy(&script.root, &skill.join("asked"));
            fs::write(skill.join("driver.py"), include_bytes!("driver.py")).expect("the driver is written");
            let front = format!(
                "name: {name}\ndescription: Asks scripts.\nentry_point: driver.py\ninput_schema:\n  type: object\n  \
                 properties:\n    script: {{type: string}}\n    root: {{type: string}}\n    argv: {{type: array}}\n"
            );
            fs::write(skill.join("SKILL.md"), format!("---\n{front}---\n")).expect("the manifest is written");
            tools.insert(script.root.clone(), name);
        }
        let config = json!({"policy": {"min_tier": "landlock", "limits": {"wall_ms": 60_000}}});
        let engine = Engine::new(&config.to_string(), Host::snapshot()).expect("an engine is made");
        engine.load(folder.path()).expect("the skills are loaded");
        Self { _folder: folder, engine, tools }
    }

    /// The live parser of a script, or why it never made one.
    fn ask(&self, script: &Script) -> Result<Value, String> {
        let tool = self.tools.get(&script.root).expect("it was copied");
        let mut why = String::new();
        for argv in [&[][..], &["x"], &["--help"]] {
            let request = json!({"script": Path::new("asked").join(&script.path), "root": "asked", "argv": argv});
            let result = self.engine.execute(tool, &request.to_string(), "").expect("the call is made");
            match &result["output"] {
                Value::Object(answer) if answer.contains_key("parser") => return Ok(answer["parser"].clone()),
                Value::Object(answer) => why = answer.get("end").map_or_else(String::new, Value::to_string),
                _ => why = format!("{} {}", result["status"], result["stderr"]),
            }
        }
        Err(why)
    }
}

fn inferred(script: &Script) -> Facts {
    let read = |path: &Path| fs::read(script.root.join(path)).ok();
    let source = infer::Script { language: Language::Python, source: &script.source, path: &script.path, files: &read };
    ours::facts(&infer_script(&source))
}

/// Where two sets of facts differ, one line each.
fn differences(live: &Facts, ours: &Facts) -> Vec<String> {
    let mut lines = Vec::new();
    for (topic, want) in live {
        match ours.get(topic) {
            Some(got) if got == want => {}
            Some(got) => lines.push(format!("{topic}: live {want}, inferred {got}")),
            None => lines.push(format!("{topic}: live {want}, not inferred")),
        }
    }
    for (topic, got) in ours.iter().filter(|(topic, _)| !live.contains_key(*topic)) {
        lines.push(format!("{topic}: inferred {got}, not live"));
    }
    lines
}

fn can_isolate() -> bool {
    let report = probe().expect("the host is probed");
    if report["tier"].is_null() {
        println!("skipped: no isolation on this host: {}", report["obstacles"]);
    }
    !report["tier"].is_null()
}

/// What came of comparing scripts with their parsers.
#[derive(Default)]
struct Comparison {
    exact: usize,
    compared: usize,
    arguments: usize,
    /// The scripts that differ, and how.
    misses: String,
    /// The scripts that never made a parser, and why.
    silent: String,
}

fn compare(scripts: &[Script], folders: &[PathBuf]) -> Comparison {
    let asked = Interrogation::new(scripts);
    let mut comparison = Comparison::default();
    let Comparison { exact, compared, arguments, misses, silent } = &mut comparison;
    for script in scripts {
        let shown = shown(script, folders);
        match asked.ask(script) {
            Ok(parser) => {
                *compared += 1;
                let live = live::facts(&parser);
                *arguments += live.keys().filter(|topic| topic.contains("--") || topic.contains('<')).count();
                let differences = differences(&live, &inferred(script));
                if differences.is_empty() {
                    *exact += 1;
                } else {
                    writeln!(misses, "- {shown}").expect("a text grows");
                    differences.iter().for_each(|line| writeln!(misses, "  - {line}").expect("a text grows"));
                }
            }
            Err(why) => writeln!(silent, "- {shown}: {why}").expect("a text grows"),
        }
    }
    comparison
}

/// Scripts of our own that build their parsers in every way that Python allows.
#[test]
fn hard_parsers_are_inferred_exactly() {
    if !can_isolate() {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/hard");
    let scripts = corpus::scripts(std::slice::from_ref(&folder));
    assert_eq!(scripts.len(), 8);
    let found = compare(&scripts, &[folder]);
    assert!(found.exact == scripts.len(), "{}{}", found.misses, found.silent);
}

#[test]
fn published_parsers_are_inferred_exactly() {
    if !can_isolate() {
        return;
    }
    let Some(folders) = corpus::packages() else { return };
    let scripts = corpus::scripts(&folders);
    assert!(scripts.len() >= 30, "{} argparse scripts in {folders:?}", scripts.len());
    let Comparison { exact, compared, arguments, misses, silent } = compare(&scripts, &folders);
    let head = format!("{exact} of {compared} argparse scripts are inferred exactly ({arguments} arguments).");
    let table =
        format!("# Inference against live parsers\n\n{head}\n\n## Misses\n{misses}\n## Never made a parser\n{silent}");
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    fs::create_dir_all(target.join("skills")).expect("a folder is made");
    fs::write(target.join("skills/oracle.md"), &table).expect("the table is written");
    println!("{head}\n{misses}{silent}");
    assert!(exact * 1000 >= compared * 995, "{head}\n{misses}");
}

fn shown(script: &Script, folders: &[PathBuf]) -> String {
    let full = script.root.join(&script.path);
    let short = folders.iter().find_map(|folder| full.strip_prefix(folder).ok()).unwrap_or(&full);
    short.display().to_string()
}
