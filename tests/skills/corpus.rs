//! Real skills that nobody here wrote: all are accounted for, and read as PyYAML reads them.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value};
use skilllite::skill::{Manifest, discover, load};

use crate::{codes, folders_with_skill_md, shared_corpus};

#[test]
fn every_real_skill_loads_or_is_skipped_for_a_reason() {
    let Some(corpus) = shared_corpus() else { return };
    let all: BTreeSet<PathBuf> =
        folders_with_skill_md(&corpus).into_iter().map(|folder| folder.canonicalize().expect("it exists")).collect();
    let found = discover(&corpus).expect("the corpus is readable");

    let loaded = found.skills.iter().map(|skill| skill.root.clone());
    let skipped = found.skipped.iter().map(|skipped| skipped.path.canonicalize().expect("it exists"));
    assert_eq!(loaded.chain(skipped).collect::<BTreeSet<_>>(), all, "each SKILL.md is loaded or skipped");

    let mut reasons = std::collections::BTreeMap::<&str, usize>::new();
    for skipped in &found.skipped {
        let reason = skipped.diagnostics.first().expect("a skipped skill has a reason");
        assert!(!reason.message.is_empty(), "{}", skipped.path.display());
        *reasons.entry(reason.code).or_default() += 1;
    }
    let mut noticed = std::collections::BTreeMap::<&str, usize>::new();
    for code in found.skills.iter().flat_map(|skill| codes(&skill.diagnostics)) {
        *noticed.entry(code).or_default() += 1;
    }
    println!("{} SKILL.md: {} loaded, skipped {reasons:?}, noticed {noticed:?}", all.len(), found.skills.len());
    assert!(found.skipped.iter().all(|skipped| codes(&skipped.diagnostics) == ["name-duplicate"]), "{reasons:?}");
    for skill in &found.skills {
        assert!(!skill.name.is_empty() && !skill.description.is_empty() && !skill.files.is_empty(), "{}", skill.name);
    }
}

#[test]
fn manifests_are_what_pyyaml_reads() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("skills");
    let mut folders = folders_with_skill_md(&own);
    assert_eq!(folders.len(), 6, "our own examples");
    if let Some(corpus) = shared_corpus() {
        folders.extend(folders_with_skill_md(&corpus));
    }
    let dump = pyyaml(&folders);
    let mut differences = Vec::new();
    let mut compared = 0;
    for folder in &folders {
        let path = folder.join("SKILL.md");
        let read = dump.get(path.to_str().expect("UTF-8")).expect("dumped");
        let manifest = match (load(folder), read.get("error")) {
            (Ok(skill), None) => skill.manifest,
            (Ok(_), Some(error)) => {
                println!("{}: loads here; PyYAML: {error}", path.display());
                continue;
            }
            (Err(skipped), Some(_)) => {
                println!("{}: neither reads it: {}", path.display(), skipped.diagnostics[0]);
                continue;
            }
            (Err(skipped), None) => {
                differences.push(format!("{}: {}", path.display(), skipped.diagnostics[0]));
                continue;
            }
        };
        compared += 1;
        let mut expected = fields(read, "runtime");
        expected.extend(fields(read, "front"));
        compare(&manifest, expected, &mut |difference| differences.push(format!("{}: {difference}", path.display())));
    }
    println!("{compared} of {} manifests compared with PyYAML", folders.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn compare(manifest: &Manifest, mut expected: Map<String, Value>, differ: &mut dyn FnMut(String)) {
    let texts = [
        ("name", &manifest.name),
        ("description", &manifest.description),
        ("license", &manifest.license),
        ("compatibility", &manifest.compatibility),
        ("allowed-tools", &manifest.allowed_tools),
        ("version", &manifest.version),
        ("language", &manifest.language),
    ];
    for (field, ours) in texts {
        let theirs = expected.remove(field).unwrap_or(Value::Null);
        let is_same = match (ours, &theirs) {
            (None, Value::Null) => true,
            (Some(ours), Value::String(theirs)) => ours == theirs,
            (Some(ours), Value::Number(theirs)) => ours.parse().ok() == theirs.as_f64(),
            (Some(ours), Value::Bool(theirs)) => ours.eq_ignore_ascii_case(&theirs.to_string()),
            (Some(ours), Value::Array(theirs)) => {
                theirs.iter().all(|item| ours.contains(item.as_str().unwrap_or("\0")))
            }
            _ => false,
        };
        if !is_same {
            differ(format!("{field}: {ours:?}, PyYAML {theirs}"));
        }
    }
    let metadata = expected.remove("metadata").unwrap_or_else(|| Value::Object(Map::new()));
    if Value::Object(manifest.metadata.clone()) != metadata {
        differ(format!("metadata: {:?}, PyYAML {metadata}", manifest.metadata));
    }
    for (field, ours) in [("input_schema", &manifest.input_schema), ("output_schema", &manifest.output_schema)] {
        let theirs = expected.remove(field);
        if *ours != theirs {
            differ(format!("{field}: {ours:?}, PyYAML {theirs:?}"));
        }
    }
    // Only there when the file is: a corpus of SKILL.md files alone has none.
    if let (Some(ours), Some(theirs)) = (&manifest.entry_point, expected.remove("entry_point"))
        && theirs != **ours
    {
        differ(format!("entry_point: {ours}, PyYAML {theirs}"));
    }
    let theirs = expected.remove("network");
    let enabled = theirs.as_ref().map(|network| network.get("enabled").unwrap_or(network).as_bool());
    if manifest.network.as_ref().map(|network| Some(network.enabled)) != enabled {
        differ(format!("network: {:?}, PyYAML {theirs:?}", manifest.network));
    }
    let dependencies = expected.remove("dependencies").unwrap_or_else(|| Value::Array(Vec::new()));
    if dependencies != manifest.dependencies.iter().map(String::as_str).collect::<Value>() {
        differ(format!("dependencies: {:?}, PyYAML {dependencies}", manifest.dependencies));
    }
    if manifest.extra != expected {
        differ(format!("other fields: {:?}, PyYAML {expected:?}", manifest.extra));
    }
}

fn fields(read: &Value, part: &str) -> Map<String, Value> {
    read.get(part).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// What PyYAML makes of these folders' SKILL.md. A machine without PyYAML gets it; one that cannot fails the test.
fn pyyaml(folders: &[PathBuf]) -> Value {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ensured = Command::new(repository.join("scripts/ensure-pyyaml.sh"))
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")))
        .output()
        .expect("bash runs");
    assert!(ensured.status.success(), "no PyYAML to compare with: {}", String::from_utf8_lossy(&ensured.stderr));
    let python = String::from_utf8(ensured.stdout).expect("a path");
    let mut child = Command::new(python.trim())
        .arg(repository.join("tests/skills/pyyaml_dump.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    let paths: String = folders.iter().map(|folder| format!("{}\n", folder.join("SKILL.md").display())).collect();
    child.stdin.take().expect("piped").write_all(paths.as_bytes()).expect("python reads");
    let output = child.wait_with_output().expect("python ends");
    assert!(output.status.success(), "pyyaml_dump.py failed");
    serde_json::from_slice(&output.stdout).expect("JSON")
}
