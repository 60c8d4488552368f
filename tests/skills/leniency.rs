//! What people write and still mean something by: read, with a diagnostic.

use serde_json::json;
use skilllite::skill::{Manifest, NetworkDeclaration, load};

use crate::{codes, skill_folder};

fn manifest(skill_md: &str) -> (Manifest, Vec<&'static str>) {
    let dir = tempfile::tempdir().unwrap();
    match load(&skill_folder(dir.path(), "skill", skill_md)) {
        Ok(skill) => {
            let codes = codes(&skill.diagnostics);
            (skill.manifest, codes)
        }
        Err(skipped) => panic!("{skill_md:?}: {}", skipped.diagnostics[0]),
    }
}

#[test]
fn descriptions() {
    let none: &[&str] = &[];
    let cases: &[(&str, &str, &[&str])] = &[
        ("description: plain", "plain", none),
        ("description: >-\n  two\n  lines", "two lines", none),
        ("description: |\n  two\n  lines", "two\nlines\n", none),
        ("description: \"quoted: yes\"", "quoted: yes", none),
        ("description: 文本处理 🎉", "文本处理 🎉", none),
        ("description: no # comment", "no", none),
        ("description: !custom tagged", "tagged", none),
        ("description: Use when: asked", "Use when: asked", &["yaml-repaired"]),
        ("description: Use when: asked\n  or: not 'asked'", "Use when: asked or: not 'asked'", &["yaml-repaired"]),
        ("description: \"He said \"hi\" to me\"", "He said \"hi\" to me", &["yaml-repaired"]),
        ("description: @me and `you`", "@me and `you`", &["yaml-repaired"]),
        ("description: [a] or [b]", "[a] or [b]", &["yaml-repaired"]),
        ("description: 'it's here'", "it's here", &["yaml-repaired"]),
        ("description: 2026", "2026", &["field-coerced"]),
        ("description: 1.10", "1.10", &["field-coerced"]),
        ("description: true", "true", &["field-coerced"]),
        ("description: [a, b]", "a, b", &["field-coerced"]),
        ("description: 2026-01-31", "2026-01-31", none),
        ("description: first\ndescription: last", "last", &["duplicate-key"]),
    ];
    for (yaml, description, expected) in cases {
        let (manifest, codes) = manifest(&format!("---\nname: skill\n{yaml}\n---\n"));
        assert_eq!(manifest.description.as_deref(), Some(*description), "{yaml:?}");
        assert_eq!(codes, *expected, "{yaml:?}");
    }
}

#[test]
fn a_repair_leaves_the_other_fields_alone() {
    let yaml =
        "name: skill\ndescription: Use: now\nmetadata:\n  author: me: myself\n  n: 1\nhint: [x] [y]\ntags: [a, b]";
    let (manifest, codes) = manifest(&format!("---\n{yaml}\n---\n"));
    assert_eq!(manifest.name.as_deref(), Some("skill"));
    assert_eq!(json!(manifest.metadata), json!({"author": "me: myself", "n": 1}));
    assert_eq!(json!(manifest.extra), json!({"hint": "[x] [y]", "tags": ["a", "b"]}));
    assert_eq!(codes, ["yaml-repaired"; 3]);
}

#[test]
fn fences_and_line_ends() {
    let cases = [
        "---\nname: skill\ndescription: d\n---\nBody.",
        "\u{feff}---\nname: skill\ndescription: d\n---\nBody.",
        "---\r\nname: skill\r\ndescription: d\r\n---\r\n\r\nBody.\r\n",
        "\n\n---  \nname: skill\ndescription: d\n---\t\nBody.\n",
        "---\nname: skill\ndescription: d\n...\nBody.\n",
    ];
    for text in cases {
        let dir = tempfile::tempdir().unwrap();
        let skill = load(&skill_folder(dir.path(), "skill", text)).unwrap_or_else(|s| panic!("{text:?}: {s:?}"));
        assert_eq!((skill.description.as_str(), skill.body.as_str()), ("d", "Body."), "{text:?}");
        assert!(skill.diagnostics.is_empty(), "{text:?}: {:?}", skill.diagnostics);
    }
    let dir = tempfile::tempdir().unwrap();
    let text = "---\nname: skill\ndescription: a --- b\nnote: |\n  ---\n---\nBody\n---\nmore";
    let skill = load(&skill_folder(dir.path(), "skill", text)).expect("loads");
    assert_eq!((skill.description.as_str(), skill.body.as_str()), ("a --- b", "Body\n---\nmore"));
}

#[test]
fn networks() {
    let declared = |enabled, outbound: &[&str]| {
        Some(NetworkDeclaration { enabled, outbound: outbound.iter().map(|host| (*host).to_string()).collect() })
    };
    let cases = [
        ("network: true", declared(true, &[])),
        ("network: yes", declared(true, &[])),
        ("network: off", declared(false, &[])),
        ("network: [a.org]", declared(true, &["a.org"])),
        ("network: {enabled: true}", declared(true, &[])),
        ("network: {enabled: false, outbound: ['*:80']}", declared(false, &["*:80"])),
        ("network: {outbound: 'a.org:443, b.org'}", declared(true, &["a.org:443", "b.org"])),
        ("network: {}", declared(false, &[])),
        ("network: ~", None),
        ("network: sometimes", None),
        ("network: {enabled: sometimes}", None),
    ];
    for (yaml, expected) in cases {
        let (manifest, _) = manifest(&format!("---\nname: skill\ndescription: d\n{yaml}\n---\n"));
        assert_eq!(manifest.network, expected, "{yaml}");
    }
}

#[test]
fn the_front_matter_wins_over_the_runtime_block() {
    let text = "---\nname: skill\ndescription: d\nversion: 2.0\nlanguage: ~\nallowed_tools: [Read, Write]\n---\n\
                ## Runtime\n\n```yaml\nversion: '1.0'\nlanguage: python\ninput_schema: '{\"type\": \"object\"}'\n\
                dependencies: [requests >= 2, numpy]\ndefaults: &d {a: 1}\nmine:\n  <<: *d\n  b: 2\n```\n";
    let (manifest, codes) = manifest(text);
    assert_eq!(manifest.version.as_deref(), Some("2.0"));
    assert_eq!(manifest.language.as_deref(), Some("python"));
    assert_eq!(manifest.allowed_tools.as_deref(), Some("Read Write"));
    assert_eq!(manifest.input_schema, Some(json!({"type": "object"})));
    assert_eq!(manifest.dependencies, ["requests >= 2", "numpy"]);
    assert_eq!(json!(manifest.extra), json!({"defaults": {"a": 1}, "mine": {"b": 2, "a": 1}}));
    assert_eq!(codes, ["field-coerced"; 2]);
}

#[test]
fn an_entry_point_is_found_where_it_is() {
    for (declared, expected) in
        [("scripts/run.py", "scripts/run.py"), ("./scripts//run.py", "scripts/run.py"), ("run.py", "scripts/run.py")]
    {
        let dir = tempfile::tempdir().unwrap();
        let text = format!("---\nname: skill\ndescription: d\nentry_point: {declared}\n---\n");
        let folder = skill_folder(dir.path(), "skill", text);
        crate::write(&folder.join("scripts/run.py"), "");
        let skill = load(&folder).expect("loads");
        assert_eq!(skill.manifest.entry_point.as_deref(), Some(expected), "{declared}");
    }
}
