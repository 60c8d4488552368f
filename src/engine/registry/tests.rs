use std::fs;

use super::*;
use crate::error::Status;
use crate::runtime::{Language, Runtime};

fn write(root: &Path, name: &str, text: &str) {
    let scripts = root.join(name).join("scripts");
    fs::create_dir_all(&scripts).unwrap();
    let front = format!("---\nname: {name}\ndescription: Says {text}.\n---\n# {name}\n");
    fs::write(root.join(name).join("SKILL.md"), front).unwrap();
    fs::write(scripts.join("main.py"), format!("import sys\nprint({text:?}, sys.argv)\n")).unwrap();
}

#[test]
fn the_first_of_a_name_wins_and_the_second_is_reported() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(one.path(), "alpha", "one");
    write(two.path(), "alpha", "two");
    write(two.path(), "beta", "two");
    let registry = Registry::default();
    let first = registry.load(one.path()).unwrap();
    assert_eq!(first.skills, ["alpha"]);
    assert_eq!(first.tools.len(), 1);
    let second = registry.load(two.path()).unwrap();
    assert_eq!(second.skills, ["beta"]);
    assert_eq!(second.skipped.len(), 1);
    assert_eq!(second.skipped[0].diagnostics[0].code, "duplicate-skill");
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.skills().map(|(entry, _)| entry.skill.name.as_str()).collect::<Vec<_>>(), ["alpha", "beta"]);
    let alpha = one.path().canonicalize().unwrap().join("alpha");
    assert_eq!(snapshot.skill("alpha").unwrap().0.skill.root, alpha);
    let json = second.to_json();
    assert_eq!(json["skipped"][0]["diagnostics"][0]["code"], "duplicate-skill");
}

#[test]
fn loading_a_folder_again_picks_up_what_changed() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "alpha", "one");
    write(root.path(), "beta", "one");
    let registry = Registry::default();
    let names = registry.load(root.path()).unwrap().tools;
    let before = registry.snapshot();
    write(root.path(), "beta", "two");
    assert_eq!(registry.load(root.path()).unwrap().tools, names);
    let after = registry.snapshot();
    let same = |name: &str| Arc::ptr_eq(before.skill(name).unwrap().0, after.skill(name).unwrap().0);
    assert!(same("alpha") && !same("beta"));
    assert_eq!(after.skills().count(), 2);
}

#[test]
fn a_reload_tells_what_is_new_changed_and_gone() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in ["alpha", "beta", "gamma"] {
        write(one.path(), name, "one");
    }
    write(two.path(), "beta", "two");
    let registry = Registry::default();
    registry.load(one.path()).unwrap();
    registry.load(two.path()).unwrap();
    let before = registry.snapshot();
    let same = registry.reload().unwrap();
    assert!(same.added.is_empty() && same.changed.is_empty() && same.removed.is_empty());
    assert_eq!(same.load.skills, ["alpha", "beta", "gamma"]);
    assert!(Arc::ptr_eq(before.skill("alpha").unwrap().0, registry.snapshot().skill("alpha").unwrap().0));

    write(one.path(), "alpha", "other");
    fs::remove_dir_all(one.path().join("gamma")).unwrap();
    // The second folder's beta comes into its own.
    fs::remove_dir_all(one.path().join("beta")).unwrap();
    write(two.path(), "delta", "two");
    let report = registry.reload().unwrap();
    assert_eq!((report.added, report.removed), (vec!["delta".into()], vec!["gamma".into()]));
    assert_eq!(report.changed, ["alpha", "beta"]);
    let beta = registry.snapshot().skill("beta").unwrap().0.skill.root.clone();
    assert_eq!(beta, two.path().canonicalize().unwrap().join("beta"));

    fs::remove_dir_all(two.path()).unwrap();
    assert_eq!(registry.reload().unwrap_err().status, Status::SkillDirectory);
    assert_eq!(registry.snapshot().skills().count(), 3, "a folder that is away for a moment takes nothing with it");
}

#[test]
fn what_is_taken_out_stays_out_until_its_folder_is_loaded() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "alpha", "one");
    write(root.path(), "beta", "one");
    let registry = Registry::default();
    registry.load(root.path()).unwrap();
    registry.remove("alpha").unwrap();
    assert_eq!(registry.remove("alpha").unwrap_err().status, Status::SkillNotFound);
    registry.reload().unwrap();
    assert_eq!(registry.snapshot().skills().count(), 1);
    registry.load(root.path()).unwrap();
    assert_eq!(registry.snapshot().skills().count(), 2);
}

#[test]
fn a_disabled_skill_gives_no_tools() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "alpha", "one");
    write(root.path(), "beta", "one");
    let registry = Registry::default();
    registry.load(root.path()).unwrap();
    registry.enable("alpha", false).unwrap();
    registry.reload().unwrap();
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.tools().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["beta"]);
    let error = snapshot.tool("alpha").unwrap_err();
    assert!(error.status == Status::ToolNotFound && error.message.contains("disabled"), "{error}");
    assert!(snapshot.skill("alpha").is_ok());
    registry.enable("alpha", true).unwrap();
    assert!(registry.snapshot().tool("alpha").is_ok());
    assert_eq!(registry.enable("x", true).unwrap_err().status, Status::SkillNotFound);
}

#[test]
fn only_allowed_names_are_let_in() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "alpha", "one");
    write(root.path(), "beta", "one");
    let registry = Registry { allowed: Some(BTreeSet::from(["beta".to_owned()])), ..Registry::default() };
    let report = registry.load(root.path()).unwrap();
    assert_eq!(report.skills, ["beta"]);
    assert_eq!(report.skipped[0].diagnostics[0].code, "skill-not-allowed");
}

#[test]
fn what_is_missing_is_named_beside_what_is_there() {
    let registry = Registry::default();
    let error = registry.snapshot().tool("x").unwrap_err();
    assert_eq!(error.status, Status::ToolNotFound);
    assert!(error.message.contains("no tools are loaded"), "{error}");
    let root = tempfile::tempdir().unwrap();
    for number in 0..20 {
        write(root.path(), &format!("skill{number:02}"), "x");
    }
    registry.load(root.path()).unwrap();
    let error = registry.snapshot().skill(&"y".repeat(500)).unwrap_err();
    assert_eq!(error.status, Status::SkillNotFound);
    assert!(error.message.contains("skill00, ") && error.message.ends_with('…') && error.message.len() < 300);
    let missing = registry.load(Path::new("/nonexistent")).unwrap_err();
    assert_eq!(missing.status, Status::SkillDirectory);
}

#[test]
fn site_is_needed_only_for_foreign_imports() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "plain", "x");
    write(root.path(), "foreign", "x");
    fs::write(root.path().join("foreign/scripts/helper.py"), "import numpy\n").unwrap();
    let registry = Registry::default();
    registry.load(root.path()).unwrap();
    let python = Runtime {
        language: Language::Python,
        program: "/usr/bin/python3".into(),
        arguments: Vec::new(),
        mounts: Vec::new(),
        symlinks: Vec::new(),
        environment: Vec::new(),
        standard_modules: vec!["sys".into()],
    };
    let snapshot = registry.snapshot();
    assert!(!snapshot.skill("plain").unwrap().0.needs_site(&python));
    assert!(snapshot.skill("foreign").unwrap().0.needs_site(&python));
}
