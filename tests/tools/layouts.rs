//! Which files of a skill are tools, under which names, and what is said about broken declarations.

use std::ffi::OsString;

use serde_json::{Value, json};
use skilllite::runtime::Language;
use skilllite::tool::{Convention, Invocation, tools_of, unique_names};

use crate::Fixture;

const MAIN: &[u8] = b"import sys\nif __name__ == '__main__':\n    print(sys.argv)\n";
const TOP_LEVEL: &[u8] =
    b"\"\"\"Does it.\n\nprint(1) in a docstring does not count\n\"\"\"\nimport sys\nprint(sys.argv)\n";
const HELPER: &[u8] = b"\"\"\"Helps.\n\nmain() is elsewhere\n\"\"\"\nimport sys\nsys.path.insert(0, '.')\nX = dict(\na=1)\n\ndef f():\n    print(1)\n";
const SHELL: &[u8] = b"#!/bin/bash\necho hi\n";

#[test]
fn layouts_give_their_tools() {
    type Files = &'static [(&'static str, &'static [u8])];
    let rows: [(&str, Files, &[&str]); 12] = [
        ("no scripts", &[("references/a.md", b"x"), ("assets/x.py", MAIN)], &[]),
        ("one script", &[("scripts/run.py", MAIN)], &["sample"]),
        ("main among others", &[("scripts/main.py", MAIN), ("scripts/other.py", MAIN)], &["sample"]),
        ("several", &[("scripts/a.py", MAIN), ("scripts/b-c.sh", SHELL)], &["sample__a", "sample__b-c"]),
        ("helpers left out", &[("scripts/a.py", TOP_LEVEL), ("scripts/lib.py", HELPER)], &["sample"]),
        (
            "tests left out",
            &[
                ("scripts/a.py", MAIN),
                ("scripts/test_a.py", MAIN),
                ("scripts/a_test.py", MAIN),
                ("scripts/conftest.py", MAIN),
                ("scripts/__init__.py", MAIN),
                ("scripts/tests/b.py", MAIN),
                ("scripts/node_modules/c.js", b"process.argv"),
            ],
            &["sample"],
        ),
        ("nested", &[("scripts/office/pack.py", MAIN), ("scripts/a.py", MAIN)], &["sample__a", "sample__office_pack"]),
        ("at the root", &[("skill.py", MAIN), ("setup.py", MAIN), ("README.md", b"x")], &["sample"]),
        ("root ignored beside scripts", &[("build.py", MAIN), ("scripts/a.py", MAIN)], &["sample"]),
        ("bin", &[("bin/run.sh", SHELL), ("x.py", MAIN)], &["sample"]),
        (
            "a library of node",
            &[("scripts/lib.js", b"module.exports = {}"), ("scripts/a.mjs", b"console.log(1)")],
            &["sample"],
        ),
        ("shell without a shebang", &[("scripts/env.sh", b"X=1\n")], &[]),
    ];
    for (name, files, want) in rows {
        let fixture = files.iter().fold(Fixture::new("sample"), |fixture, (path, bytes)| fixture.file(path, bytes));
        let got: Vec<String> = fixture.tools().into_iter().map(|tool| tool.name).collect();
        assert_eq!(got, want, "{name}");
    }
    let native = Fixture::new("sample").executable("scripts/tool", b"\x7fELF\x02\x01\x01").tool();
    assert_eq!((native.language, native.convention), (Language::Native, Convention::Generic));
    // Its first bytes say what it is, however many follow. Sparse: it takes no room on the disk.
    let fixture = Fixture::new("sample").executable("scripts/tool", b"\x7fELF\x02\x01\x01");
    let program = std::fs::File::options().write(true).open(fixture.dir.path().join("scripts/tool"));
    program.expect("it opens").set_len(1 << 30).expect("it grows");
    assert_eq!(fixture.tool().language, Language::Native);
}

#[test]
fn entry_points_are_the_skills_own_files() {
    let fixture = |entry: &str| {
        Fixture::new("sample")
            .file("scripts/a.py", MAIN)
            .file("scripts/b.py", MAIN)
            .file("notes.txt", b"x")
            .enters_at(entry)
    };
    for entry in ["scripts/b.py", "./scripts/b.py", "b.py"] {
        let tool = fixture(entry).tool();
        assert_eq!((tool.name.as_str(), tool.script.to_str()), ("sample", Some("scripts/b.py")), "{entry}");
    }
    for (entry, part) in [
        ("../b.py", "leaves the skill"),
        ("/bin/sh", "leaves the skill"),
        ("scripts/../../x.py", "leaves the skill"),
        ("scripts/none.py", "not a file of the skill"),
        ("scripts", "not a file of the skill"),
        ("", "not a file of the skill"),
        ("notes.txt", "no known language"),
    ] {
        let (tools, diagnostics) = tools_of(&fixture(entry).skill());
        assert!(tools.is_empty(), "{entry}");
        assert_eq!(diagnostics.len(), 1, "{entry}");
        assert_eq!(diagnostics[0].code, "tool.entry-point");
        assert!(diagnostics[0].message.contains(part), "{entry}: {}", diagnostics[0].message);
    }
}

#[test]
fn broken_schemas_fall_back_to_the_source() {
    let fixture = Fixture::of_script("filter.py").declares(json!({"type": "array"}));
    let (tools, diagnostics) = tools_of(&fixture.skill());
    assert_eq!(diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), ["tool.schema-invalid"]);
    let want = if cfg!(feature = "inference") { "argparse" } else { "generic" };
    assert!(tools[0].provenance.values().any(|from| *from == want), "{:?}", tools[0].provenance);

    let two = Fixture::new("sample")
        .file("scripts/a.py", MAIN)
        .file("scripts/b.py", MAIN)
        .declares(json!({"type": "object"}));
    let codes: Vec<&str> = tools_of(&two.skill()).1.iter().map(|found| found.code).collect();
    assert_eq!(codes, ["tool.schema-unused"]);
}

#[test]
#[cfg(feature = "inference")]
fn declared_properties_that_the_script_does_not_take_are_reported() {
    let fixture = Fixture::of_script("filter.py").declares(json!({"type": "object", "properties": {"lower": {}}}));
    let (tools, diagnostics) = tools_of(&fixture.skill());
    assert_eq!(diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), ["tool.schema-mismatch"]);
    let error = tools[0].prepare(&json!({"lower": true})).expect_err("nothing takes it");
    assert!(error.message.contains("/lower: the script has no such argument"), "{error}");
}

#[test]
fn names_are_unique_in_a_registry() {
    let same = || Fixture::new("sample").file("scripts/run.py", MAIN).tool();
    let other = Fixture::new("sample").file("scripts/other.py", MAIN).tool();
    let foreign = Fixture::new("数据").file("scripts/run.py", MAIN).tool();
    let mut tools = vec![same(), other, same(), foreign];
    unique_names(&mut tools);
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names[0], "sample");
    let set: std::collections::BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(set.len(), names.len(), "{names:?}");
    for name in &names {
        let mut chars = name.chars();
        assert!(chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_') && name.len() <= 64, "{name}");
        assert!(chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')), "{name}");
    }
    let mut again = tools.clone();
    unique_names(&mut again);
    assert!(tools.iter().zip(&again).all(|(a, b)| a.name == b.name), "unique names stay");
}

#[test]
fn descriptions_are_bounded_and_say_what_the_script_does() {
    let long = format!("\"\"\"{}\"\"\"\nprint(1)\n", "ä".repeat(5000));
    let fixture = Fixture::new("sample").file("scripts/a.py", long.as_bytes()).file("scripts/b.py", TOP_LEVEL);
    let tools = fixture.tools();
    assert!(tools.iter().all(|tool| tool.description.len() <= 1024 && !tool.description.is_empty()));
    if cfg!(feature = "inference") {
        assert_eq!(tools[1].description, "Does it. (script scripts/b.py of skill sample)");
    }
    assert_eq!(Fixture::new("sample").file("scripts/a.py", MAIN).tool().description, "What sample does.");
}

#[test]
fn generic_tools_pass_words_and_text() {
    let fixture = Fixture::of_script("plain.py");
    let tool = fixture.tool();
    let invocation = tool.prepare(&json!({"args": ["-a", "b c", ""], "stdin": "text"})).expect("an invocation");
    assert_eq!(invocation.arguments, ["-a", "b c", ""].map(OsString::from));
    assert_eq!(invocation.stdin, b"text");
    let empty = Invocation::default();
    for nothing in [json!({}), Value::Null, json!("{}"), json!({"args": null, "stdin": null})] {
        assert_eq!(tool.prepare(&nothing).expect("nothing is given"), empty, "{nothing}");
    }
}

#[test]
#[cfg(feature = "inference")]
fn modules_of_the_skill_are_read_and_large_scripts_reported() {
    let script =
        b"import argparse\nfrom shared.options import add\n\np = argparse.ArgumentParser()\nadd(p)\np.parse_args()\n";
    let module =
        b"KINDS = ('a', 'b')\n\n\ndef add(parser):\n    parser.add_argument('--kind', choices=KINDS, required=True)\n";
    let fixture = Fixture::new("sample")
        .file("scripts/run.py", script)
        .file("scripts/shared/options.py", module)
        .file("run.txt", b"");
    let tool = fixture.tool();
    assert_eq!(tool.parameters()["properties"]["kind"], json!({"type": "string", "enum": ["a", "b"]}));
    assert_eq!(tool.parameters()["required"], json!(["kind"]));

    let large =
        [b"#!/usr/bin/env python3\n".as_slice(), &vec![b'#'; 1 << 20], b"\nif __name__ == '__main__':\n    main()\n"];
    let fixture = Fixture::new("sample").file("scripts/run.py", &large.concat());
    let (tools, diagnostics) = tools_of(&fixture.skill());
    assert_eq!(tools.len(), 1);
    assert!(diagnostics.iter().any(|diagnostic| diagnostic.code == "tool.source-too-large"), "{diagnostics:?}");
}
