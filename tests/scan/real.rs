//! Real skills, which must not drown in findings, and the payloads of the hostile suite, which must have some.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use skilllite::scan::{Report, Severity};
use skilllite::skill::discover;

use crate::{scan, scanner};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The reports on the skills below a folder.
fn reports(folder: &Path) -> Vec<(PathBuf, Report)> {
    let scanner = scanner();
    let skills = discover(folder).expect("a readable folder").skills;
    skills.into_iter().map(|skill| (skill.root.clone(), scanner.scan(&skill).expect("it is scanned"))).collect()
}

#[test]
fn our_own_skills_are_ordinary() {
    let reports = reports(&repository().join("skills"));
    assert_eq!(reports.len(), 6);
    for (root, report) in reports {
        assert!(report.highest < Some(Severity::Medium), "{}: {:?}", root.display(), report.findings);
        assert!(report.skipped.is_empty(), "{}: {report:?}", root.display());
    }
}

/// The published packages that the shared folder's `fetch.sh` gets, or `None` with a visible line.
fn published() -> Option<PathBuf> {
    let shared = std::env::var_os("SKILLLITE_SHARED").map_or_else(|| repository().join("../shared"), PathBuf::from);
    let fetch = shared.join("skills/fetch.sh");
    if !fetch.is_file() {
        println!("skipped: no published packages; there is no {}", fetch.display());
        return None;
    }
    let folder = repository().join("target/skills-packages");
    let output = Command::new("bash").arg(&fetch).arg(&folder).output().expect("bash runs");
    if !output.status.success() {
        println!("skipped: the packages cannot be fetched: {}", String::from_utf8_lossy(&output.stderr).trim());
        return None;
    }
    Some(folder)
}

#[test]
fn published_skills_are_not_drowned() {
    let Some(folder) = published() else { return };
    let started = Instant::now();
    let reports = reports(&folder);
    let took = started.elapsed();
    let with_scripts: Vec<_> = reports.iter().filter(|(_, report)| report.files_scanned > 0).collect();
    let sources: usize = reports.iter().map(|(_, report)| report.files_scanned).sum();
    let mut highest: BTreeMap<Option<Severity>, usize> = BTreeMap::new();
    let mut rules: BTreeMap<(Severity, &str), (usize, usize)> = BTreeMap::new();
    let mut skipped = Vec::new();
    for (root, report) in &with_scripts {
        *highest.entry(report.highest).or_default() += 1;
        let mut seen: Vec<&str> = Vec::new();
        for finding in &report.findings {
            let count = rules.entry((finding.severity, &finding.rule)).or_default();
            count.0 += 1;
            if !seen.contains(&finding.rule.as_str()) {
                seen.push(&finding.rule);
                count.1 += 1;
            }
            if finding.severity >= Severity::High {
                println!("{} {} {}:{}: {}", finding.rule, root.display(), finding.file, finding.line, finding.excerpt);
            }
        }
        skipped.extend(report.skipped.iter().map(|one| format!("{}/{}: {}", root.display(), one.file, one.reason)));
    }
    println!("{} skills, {} with {sources} scripts, loaded and scanned in {took:?}", reports.len(), with_scripts.len());
    println!("by their worst finding: {highest:?}");
    rules
        .iter()
        .rev()
        .for_each(|((severity, rule), (count, skills))| println!("{severity:8} {rule}: {count} in {skills} skills"));
    println!("skipped: {skipped:#?}");
    assert!(with_scripts.len() > 40 && sources > 100, "the packages are not what they were");
    let at_least = |bound: Severity| with_scripts.iter().filter(|(_, report)| report.highest >= Some(bound)).count();
    let share = |bound: Severity| at_least(bound) * 100 / with_scripts.len();
    assert_eq!(at_least(Severity::Critical), 0, "none of them is an attack");
    assert!(share(Severity::High) <= 5, "{} of 100 skills have a finding of high severity", share(Severity::High));
    assert!(
        share(Severity::Medium) <= 25,
        "{} of 100 skills have a finding of medium severity",
        share(Severity::Medium)
    );
    assert!(took < Duration::from_secs(300), "{took:?}");
}

/// The function in which each line of a payload's file stands.
fn function_at(source: &str, line: usize) -> &str {
    let above: Vec<&str> = source.lines().take(line).collect();
    let heads = above.iter().rev().filter_map(|line| line.strip_prefix("def "));
    heads.map(|head| head.split('(').next().unwrap_or(head)).next().unwrap_or("")
}

#[test]
fn the_payloads_of_the_first_comparisons_are_found() {
    let source = fs::read_to_string(repository().join("tests/hostile/payloads/seed.py")).unwrap();
    let report = scan(&[("scripts/main.py", source.as_bytes())]);
    let expected: &[(&str, &str)] = &[
        ("S1_read_etc_passwd", "system-file"),
        ("S2_read_ssh_key", "credentials"),
        ("S4_path_traversal", "system-file"),
        ("S9_os_system", "shell"),
        ("S10_subprocess_run", "process"),
        ("S12_kill_process", "process"),
        ("S14_fork_bomb", "process"),
        // Those that no sandbox can judge, because they are what the language is.
        ("S16_dynamic_import", "dynamic-import"),
        ("S17_eval_exec", "code-in-text"),
        ("S17_eval_exec", "dynamic-code"),
        ("S18_modify_builtins", "built-ins"),
        ("S19_env_variables", "environment"),
    ];
    for (function, rule) in expected {
        let is_found =
            report.findings.iter().any(|one| one.rule == *rule && function_at(&source, one.line) == *function);
        assert!(is_found, "{rule} does not find {function}");
    }
}
