//! JavaScript and shell sources that attack their readers: each ends, quickly and with a usable schema.

use std::time::{Duration, Instant};

use serde_json::Value;
use skilllite::runtime::Language;
use skilllite::schema::{Convention, Inferred, PROPERTY_COUNT, Schema, infer};

use crate::Fixture;

/// Far above what a debug build needs, far below "never".
const PATIENCE: Duration = Duration::from_secs(20);

fn judged(name: &str, language: Language, source: &[u8]) -> Inferred {
    let started = Instant::now();
    let found = infer(language, source);
    assert!(started.elapsed() < PATIENCE, "{name} took {:?}", started.elapsed());
    let properties = found.schema["properties"].as_object().expect("properties");
    assert!(properties.len() <= PROPERTY_COUNT + 1, "{name}: {} properties", properties.len());
    for (property, schema) in properties {
        if found.convention != Convention::StdinJson {
            let is_plain = property.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && property.len() <= 64;
            assert!(is_plain && !property.starts_with(|c: char| c.is_ascii_digit()), "{name}: {property}");
        }
        let help = schema.get("description").and_then(Value::as_str).unwrap_or("");
        assert!(help.len() <= 1024 && !help.contains('\n'), "{name}: {help}");
    }
    for required in found.schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        assert!(properties.contains_key(required.as_str().expect("a name")), "{name}: {required}");
    }
    assert_eq!(properties.len(), found.provenance.len(), "{name}: {:?}", found.provenance);
    Schema::compile(found.schema.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
    found
}

#[test]
fn hostile_javascript_ends() {
    let program = "const { program } = require('commander');\n";
    let calls: String = (0..60).map(|i| format!("function f{i}(p) {{ f{0}(p); f{0}(p); }}\n", i + 1)).collect();
    let doubling: String = (0..64).map(|i| format!("const s{} = s{i} + s{i};\n", i + 1)).collect();
    let spreading: String = (0..40).map(|i| format!("const a{} = [...a{i}, ...a{i}];\n", i + 1)).collect();
    let loops = "for (const a of process.argv.slice(2)) {".repeat(200);
    let many: String = (0..3000).map(|i| format!("program.option('--o{i} <v>', 'x', collect);\n")).collect();
    let flags: String = (0..3000).map(|i| format!("if (process.argv.includes('--f{i}')) x({i});\n")).collect();
    let verbs: String = (0..2000).map(|i| format!("case 'v{i}': run(args[{i}]); break;\n")).collect();
    let rows = [
        ("deep brackets", "(".repeat(100_000)),
        ("deep lists", format!("x = {}{}", "[".repeat(20_000), "]".repeat(20_000))),
        ("deep objects", format!("x = {}1{}", "{a:".repeat(20_000), "}".repeat(20_000))),
        ("deep members", format!("process.argv{}", ".a".repeat(100_000))),
        ("deep calls", format!("x{}", ".filter(a => a)".repeat(20_000))),
        ("deep sums", format!("x = 1{}", "+1".repeat(100_000))),
        ("deep choices", format!("x = {}1", "a ? b : ".repeat(20_000))),
        ("deep defaults", format!("const x = {}1", "process.argv[2] || ".repeat(20_000))),
        ("deep arrows", format!("x = {}1", "a => ".repeat(20_000))),
        ("deep patterns", format!("const {}a{} = process.argv", "[".repeat(10_000), "]".repeat(10_000))),
        ("deep templates", "`${".repeat(20_000)),
        ("deep blocks", "{".repeat(50_000)),
        ("loops in loops", loops),
        ("calls that double", format!("{program}{calls}f0(program);\n")),
        ("text that doubles", format!("const s0 = 'aaaaaaaa';\n{doubling}")),
        ("lists that double", format!("const a0 = ['-a', '--b'];\n{spreading}process.argv.includes(a40[0]);")),
        ("recursion", "function f(a) { return g(a); }\nfunction g(a) { return f(a); }\nf(process.argv);\n".to_owned()),
        ("many options", format!("{program}{many}program.parse();")),
        ("many flags", flags),
        ("many verbs", format!("const args = process.argv.slice(2);\nswitch (args[0]) {{\n{verbs}}}")),
        ("a program in itself", format!("{program}program.command('a').addCommand(program);\nprogram.addCommand(program);\nprogram.parse();")),
        ("programs in programs", format!("{program}program{}.option('--x');\nprogram.parse();", ".command('a')".repeat(5000))),
        ("odd flags", format!("{program}program.option('').option('-').option('--').option('--a b=c <d>').option('--é').option('<x>').option('--no-').parse();")),
        ("odd places", "const a = process.argv[1e9], b = process.argv[-1], c = process.argv[0.5], d = process.argv[NaN];".to_owned()),
        ("odd yargs", "require('yargs').option('', {}).option('a b').option('-x').option('x', {alias: ['', 'y y'], choices: [[]], default: {}}).command('').command('  ').positional('').parse();".to_owned()),
        ("odd parseArgs", "require('util').parseArgs({options: {'': {type: 'string'}, 'a=b': {short: 'é'}, x: 5}, allowPositionals: 1});".to_owned()),
        ("NUL and no UTF-8", "\0\u{ff}process.argv\0".repeat(1000)),
        ("a long usage", format!("console.log(`Usage: x {}`);\nprocess.argv[2];", "<a> ".repeat(4000))),
        ("many usages", "console.log('Usage: x <a> [b]\\n  --flag <v>  text');\n".repeat(3000)),
    ];
    for (name, text) in rows {
        judged(name, Language::Node, text.as_bytes());
    }
}

#[test]
fn hostile_shell_ends() {
    let calls: String = (0..60).map(|i| format!("f{i}() {{ f{0} \"$@\"; f{0} \"$@\"; }}\n", i + 1)).collect();
    let flags: String = (0..3000).map(|i| format!("--f{i}|-{}) V{i}=\"$2\"; shift 2 ;;\n", i % 10)).collect();
    let verbs: String = (0..2000).map(|i| format!("v{i}) echo \"$2\" \"$3\" ;;\n")).collect();
    let nested: String = "while [ $# -gt 0 ]; do case \"$1\" in -a) shift ;;\n".repeat(300);
    let rows = [
        ("deep brackets", "(".repeat(50_000)),
        ("deep substitutions", "$(".repeat(50_000)),
        ("deep quotes", "\"$(".repeat(20_000)),
        ("deep expansions", "${1:-".repeat(20_000)),
        ("deep arithmetic", format!("$(({}1", "(".repeat(20_000))),
        ("deep blocks", "if true; then\n".repeat(20_000)),
        ("loops in loops", nested),
        ("calls that double", format!("{calls}f0 \"$@\"\n")),
        ("recursion", "f() { g \"$@\"; }\ng() { f \"$@\"; }\nf \"$@\"\n".to_owned()),
        ("many flags", format!("while [ $# -gt 0 ]; do case \"$1\" in\n{flags}esac; done\n")),
        ("many verbs", format!("case \"$1\" in\n{verbs}esac\n")),
        ("many letters", format!("while getopts \"{}\" o; do :; done\n", "a:b".repeat(5000))),
        ("odd letters", "while getopts \":é:-:?=\" o; do :; done\nwhile getopts; do :; done\nwhile getopts $x; do :; done\n".to_owned()),
        ("huge places", "echo ${99999999999999999999} $99999 ${0} ${00001}\nshift 99999999999999999999\nshift 60; shift 60\necho $9\n".to_owned()),
        ("odd labels", "while :; do case $1 in --) ;; -) ;; '') ;; --=*) ;; -*=*) ;; --a\\ b) X=$2 ;; --\u{e9}) Y=$2 ;; esac; shift; done\n".to_owned()),
        ("lone quotes", "'\"`".repeat(30_000)),
        ("many documents", "cat <<EOF\nUsage: x <a> [b]\n  --flag V  text\nEOF\n".repeat(2000)),
        ("open documents", "cat <<EOF\n".repeat(3000)),
        ("NUL and no UTF-8", "\0\u{ff}$1\0".repeat(1000)),
        ("many demands", "x=\"${1:?Usage: x <a> <b>}\"\n".repeat(5000)),
    ];
    for (name, text) in rows {
        judged(name, Language::Bash, text.as_bytes());
    }
}

/// Fixtures cut, doubled and garbled: no source may bring a reader down. The same seed gives the same sources.
#[test]
fn garbled_sources_end() {
    let mut state: u64 = 0x05ee_d0fa_1150;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % (below.max(1) as u64)).unwrap_or(0)
    };
    let tokens: [&[u8]; 16] = [
        b"process.argv",
        b"(",
        b")",
        b"{",
        b"}",
        b"'",
        b"`${",
        b"\"$@\"",
        b"case $1 in",
        b";;",
        b"esac",
        b"$(",
        b"=>",
        b"shift\n",
        b"\xff\0",
        b"${1:-",
    ];
    let mut count = 0;
    for (folder, language) in [("node", Language::Node), ("shell", Language::Bash)] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools").join(folder);
        let mut files: Vec<_> =
            std::fs::read_dir(folder).expect("the fixtures").flatten().map(|entry| entry.path()).collect();
        files.retain(|path| path.extension().is_none_or(|ending| ending != "json"));
        files.sort();
        for path in files {
            let whole = std::fs::read(&path).expect("the fixture");
            for round in 0..40 {
                let mut source = whole.clone();
                for _ in 0..=random(4) {
                    let at = random(source.len());
                    let end = (at + random(80)).min(source.len());
                    match random(5) {
                        0 => source.truncate(at),
                        1 => drop(source.drain(at..end)),
                        2 => {
                            let part = source[at..end].to_vec();
                            source.splice(at..at, part);
                        }
                        3 => {
                            source.splice(at..at, tokens[random(tokens.len())].iter().copied());
                        }
                        _ => {
                            if let Some(byte) = source.get_mut(at) {
                                *byte = u8::try_from(random(256)).unwrap_or(0);
                            }
                        }
                    }
                }
                judged(&format!("{} round {round}", path.display()), language, &source);
                count += 1;
            }
        }
    }
    assert!(count > 1000, "{count}");
}

#[test]
fn a_source_too_large_is_said_to_be() {
    let large = [b"#!/bin/bash\necho \"$1\"\n".as_slice(), &vec![b'#'; infer::SOURCE_BYTES]].concat();
    let fixture = Fixture::new("sample").executable("scripts/large.sh", &large);
    let (tools, diagnostics) = skilllite::tool::tools_of(&fixture.skill());
    assert_eq!(tools.len(), 1);
    assert_eq!(tools[0].convention, Convention::Generic);
    let found = diagnostics.iter().find(|diagnostic| diagnostic.code == "tool.source-too-large").expect("a diagnostic");
    assert!(found.message.contains("scripts/large.sh"), "{}", found.message);
}
