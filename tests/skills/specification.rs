//! `validate`: the specification to the letter.

use skilllite::skill::{Severity, validate};

use crate::{codes, skill_folder};

#[test]
fn violations_are_errors() {
    let long = |length| "x".repeat(length);
    let none: &[&str] = &[];
    let rows: &[(&str, String, &[&str])] = &[
        ("skill", "name: skill\ndescription: d".into(), none),
        ("skill", "name: skill\ndescription: d\nlicense: MIT\ncompatibility: x\nmetadata: {a: b}\nallowed-tools: Read Bash(git:*)".into(), none),
        ("技能", "name: 技能\ndescription: d".into(), none),
        ("мой-навык", "name: мой-навык\ndescription: d".into(), none),
        ("123", "name: 123\ndescription: d".into(), none),
        ("skill", "description: d".into(), &["name-missing"]),
        ("skill", "name: ''\ndescription: d".into(), &["name-missing"]),
        ("skill", "name: [a]\ndescription: d".into(), &["name-type"]),
        ("Skill", "name: Skill\ndescription: d".into(), &["name-not-lowercase"]),
        ("my_skill", "name: my_skill\ndescription: d".into(), &["name-characters"]),
        ("-skill", "name: -skill\ndescription: d".into(), &["name-hyphen-edge"]),
        ("skill-", "name: skill-\ndescription: d".into(), &["name-hyphen-edge"]),
        ("my--skill", "name: my--skill\ndescription: d".into(), &["name-hyphen-double"]),
        ("skill", "name: other\ndescription: d".into(), &["name-not-directory"]),
        (&"x".repeat(64), format!("name: {}\ndescription: d", long(64)), none),
        (&"x".repeat(65), format!("name: {}\ndescription: d", long(65)), &["name-too-long"]),
        ("skill", "name: skill".into(), &["description-missing"]),
        ("skill", "name: skill\ndescription: ' '".into(), &["description-missing"]),
        ("skill", format!("name: skill\ndescription: {}", long(1024)), none),
        ("skill", format!("name: skill\ndescription: {}", long(1025)), &["field-too-long"]),
        ("skill", "name: skill\ndescription: {a: b}".into(), &["field-type"]),
        ("skill", format!("name: skill\ndescription: d\ncompatibility: {}", long(500)), none),
        ("skill", format!("name: skill\ndescription: d\ncompatibility: {}", long(501)), &["field-too-long"]),
        ("skill", "name: skill\ndescription: d\ncompatibility: [a]".into(), &["field-type"]),
        ("skill", "name: skill\ndescription: d\nallowed-tools: [Read]".into(), &["field-type"]),
        ("skill", "name: skill\ndescription: d\nmetadata: text".into(), &["metadata-type"]),
        ("skill", "name: skill\ndescription: d\nmetadata: {a: {b: c}}".into(), &["metadata-type"]),
        ("skill", "name: skill\ndescription: d\nversion: '1'\ntriggers: [x]".into(), &["field-unknown", "field-unknown"]),
        ("skill", "name: skill\ndescription: Use: now".into(), &["yaml-invalid"]),
        ("skill", "name: skill\ndescription: d\ndescription: e".into(), none),
    ];
    for (folder, yaml, expected) in rows {
        let dir = tempfile::tempdir().unwrap();
        let findings = validate(&skill_folder(dir.path(), folder, format!("---\n{yaml}\n---\nBody.\n")));
        let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).cloned().collect();
        assert_eq!(codes(&errors), *expected, "{yaml}: {findings:?}");
    }
}

#[test]
fn advice_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "---\nname: skill\ndescription: d\nmetadata: {{version: 1.0}}\nname: skill\n---\n{}",
        "line\n".repeat(600)
    );
    let findings = validate(&skill_folder(dir.path(), "skill", text));
    let got: Vec<_> = findings.iter().map(|finding| (finding.severity, finding.code)).collect();
    let expected =
        [(Severity::Warning, "duplicate-key"), (Severity::Warning, "metadata-value"), (Severity::Info, "body-long")];
    assert_eq!(got, expected, "{findings:?}");
}

#[test]
fn a_finding_is_json_for_a_host() {
    let dir = tempfile::tempdir().unwrap();
    let findings = validate(&skill_folder(dir.path(), "skill", "---\nname: skill\ndescription: d\nx: 1\n---\n"));
    let message = findings[0].message.clone();
    let expected = serde_json::json!([{"severity": "error", "code": "field-unknown", "field": "x", "line": 4, "message": message}]);
    assert_eq!(serde_json::to_value(&findings).unwrap(), expected);
}
