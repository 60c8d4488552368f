//! Each rule finds its examples and passes their near misses by.

use std::collections::BTreeMap;

use serde_json::Value;
use skilllite::scan::{Rule, Scanner, Severity, built_in};
use skilllite::skill::load;

use crate::{scan, scanner, skill};

const EXAMPLES: [(&str, &str, &str); 3] = [
    ("python", "py", include_str!("python.yaml")),
    ("node", "mjs", include_str!("node.yaml")),
    ("shell", "sh", include_str!("shell.yaml")),
];

/// The examples of a rule: (source, whether the rule finds something).
fn examples(text: &str) -> BTreeMap<String, Vec<(String, bool)>> {
    let document: Value = serde_yaml::from_str(text).expect("YAML");
    let rules = document.as_object().expect("rules");
    let of = |value: &Value, kind: &str| -> Vec<String> {
        let list = value[kind].as_array().unwrap_or_else(|| panic!("{kind} is a list in {value}"));
        list.iter().map(|source| expanded(source.as_str().unwrap_or_else(|| panic!("{source} is a text")))).collect()
    };
    let both = |value: &Value| {
        assert_eq!(value.as_object().map(serde_json::Map::len), Some(2), "{value}");
        let found = of(value, "finds").into_iter().map(|source| (source, true));
        found.chain(of(value, "passes").into_iter().map(|source| (source, false))).collect::<Vec<_>>()
    };
    rules.iter().map(|(rule, value)| (rule.clone(), both(value))).collect()
}

/// `{A*700}` stands for 700 times `A`.
fn expanded(source: &str) -> String {
    let Some((before, rest)) = source.split_once('{') else { return source.to_owned() };
    let Some(((piece, count), after)) =
        rest.split_once('}').and_then(|(inner, after)| Some((inner.split_once('*')?, after)))
    else {
        return source.to_owned();
    };
    match count.parse::<usize>() {
        Ok(count) => format!("{before}{}{after}", piece.repeat(count)),
        Err(_) => source.to_owned(),
    }
}

#[test]
fn every_rule_finds_its_examples_and_passes_near_misses() {
    let scanner = scanner();
    let mut wrong = Vec::new();
    for (family, ending, text) in EXAMPLES {
        let examples = examples(text);
        let mut rules: Vec<String> = built_in()
            .unwrap()
            .into_iter()
            .filter(|rule| rule.languages().any(|language| language == family))
            .map(|rule| rule.id)
            .collect();
        rules.sort();
        assert_eq!(examples.keys().cloned().collect::<Vec<_>>(), rules, "for {family}");
        for (rule, sources) in &examples {
            let files: Vec<_> = sources
                .iter()
                .enumerate()
                .map(|(number, (source, _))| (format!("scripts/{number}.{ending}"), format!("{source}\n").into_bytes()))
                .collect();
            let dir = skill(&files);
            let report = scanner.scan(&load(&dir.path().join("sample")).unwrap()).unwrap();
            assert_eq!((report.files_scanned, report.skipped.len()), (files.len(), 0), "{rule}");
            for ((path, _), (source, is_found)) in files.iter().zip(sources) {
                let found = report.findings.iter().any(|finding| finding.rule == *rule && finding.file == *path);
                if found != *is_found {
                    let verb = if *is_found { "does not find" } else { "finds" };
                    wrong.push(format!("{rule} {verb} {source}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_rule_says_why_and_what_to_do() {
    for rule in built_in().unwrap() {
        assert!(rule.reason.len() > 20 && rule.reason.ends_with('.'), "{}: {}", rule.id, rule.reason);
        assert!(rule.remedy.len() > 10 && rule.remedy.ends_with('.'), "{}: {}", rule.id, rule.remedy);
    }
}

#[test]
fn the_table_of_the_documentation_is_true() {
    let document = include_str!("../../docs/scan.md");
    let mut listed = Vec::new();
    let mut is_table = false;
    for line in document.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        match cells.as_slice() {
            ["rule", "severity", "languages"] => is_table = true,
            [name, severity, languages] if is_table && !name.starts_with('-') => {
                listed.push(format!("{name} {severity} {languages}"));
            }
            _ => is_table &= line.starts_with('|'),
        }
    }
    let shown =
        |rule: &Rule| format!("{} {} {}", rule.id, rule.severity, rule.languages().collect::<Vec<_>>().join(", "));
    assert_eq!(listed, built_in().unwrap().iter().map(shown).collect::<Vec<_>>());
}

#[test]
fn a_finding_says_where_and_the_worst_comes_first() {
    let report = scan(&[
        ("scripts/main.py", b"import requests\n\n\xc3\xa9 = 1; exec(base64.b64decode(text))\n"),
        ("lib/b.py", b"import os\n\ndef f(x):\n    os.system(x)\n"),
    ]);
    let places: Vec<_> =
        report.findings.iter().map(|one| (one.rule.as_str(), one.file.as_str(), one.line, one.column)).collect();
    assert_eq!(
        places,
        [
            ("hidden-code", "scripts/main.py", 3, 8),
            ("dynamic-code", "scripts/main.py", 3, 8),
            ("shell", "lib/b.py", 4, 5),
            ("network", "scripts/main.py", 1, 1),
        ]
    );
    assert_eq!(report.highest, Some(Severity::Critical));
    assert_eq!(report.findings[0].excerpt, "é = 1; exec(base64.b64decode(text))");
    assert_eq!(report.findings[2].excerpt, "os.system(x)");
}

#[test]
fn a_declared_network_is_no_finding() {
    let files = [("scripts/main.py".to_owned(), b"import requests\nimport os\nos.system(x)\n".to_vec())];
    let dir = skill(&files);
    let folder = dir.path().join("sample");
    let rules = |declared: &str| -> Vec<String> {
        let text = format!("---\nname: sample\ndescription: A sample.\nnetwork: {declared}\n---\n");
        std::fs::write(folder.join("SKILL.md"), text).unwrap();
        let report = scanner().scan(&load(&folder).unwrap()).unwrap();
        report.findings.into_iter().map(|finding| finding.rule).collect()
    };
    assert_eq!(rules("false"), ["shell", "network"]);
    assert_eq!(rules("[api.example.org:443]"), ["shell"]);
}

#[test]
fn scripts_are_found_by_ending_and_by_their_first_line() {
    let report = scan(&[
        ("bin/tool", b"#!/usr/bin/env python3\nimport os\nos.system(x)\n"),
        ("deep/er/x.cjs", b"eval(x)\n"),
        ("run", b"#!/bin/dash\nsudo ls\n"),
        ("notes.md", b"os.system(x)\n"),
        ("data.json", b"[\"rm -rf /\"]\n"),
    ]);
    let found: Vec<_> = report.findings.iter().map(|one| (one.file.as_str(), one.rule.as_str())).collect();
    assert_eq!(found, [("deep/er/x.cjs", "dynamic-code"), ("bin/tool", "shell"), ("run", "privilege")]);
    assert_eq!(report.files_scanned, 3);
    assert!(report.skipped.is_empty());
}

#[test]
fn no_rules_find_nothing() {
    let dir = skill(&[("scripts/main.py".to_owned(), b"exec(x)\n".to_vec())]);
    let report = Scanner::new(Vec::new()).scan(&load(&dir.path().join("sample")).unwrap()).unwrap();
    assert_eq!((report.files_scanned, report.findings.len(), report.highest), (1, 0, None));
}
