//! Sources that want to break the scan: whatever is in them, a report comes back, and soon; what was not read is named.

use std::time::{Duration, Instant};

use skilllite::scan::{Report, Severity};

use crate::{scan, scanner, skill};
use skilllite::skill::load;

/// What a scan of one source may take in a build without optimisation on a busy machine.
const SOON: Duration = Duration::from_secs(40);

fn timed(path: &str, source: &[u8]) -> Report {
    let started = Instant::now();
    let report = scan(&[(path, source)]);
    let took = started.elapsed();
    println!("{path} of {} bytes: {took:?}, {} findings", source.len(), report.findings.len() + report.omitted);
    assert!(took < SOON, "{path} took {took:?}");
    assert_eq!(report.files_scanned + report.skipped.len(), 1, "it is read to its end, or named");
    report
}

#[test]
fn hostile_sources_end() {
    let many = |piece: &str| piece.repeat((1 << 16) / piece.len()).into_bytes();
    let rows: &[(&str, Vec<u8>)] = &[
        ("a.py", many("(")),
        ("b.py", many("exec(")),
        ("c.py", many("os.system(f'{")),
        ("d.py", many("x.")),
        ("e.py", many("eval(x)\n")),
        ("f.py", many("exec(base64.b64decode(x))\n")),
        ("g.py", many("[[")),
        ("h.py", many("'''\n")),
        ("i.py", many("if x:\n ")),
        ("j.py", many("\"stratum+tcp://\"+")),
        ("k.py", many("f(x,")),
        ("a.js", many("eval(")),
        ("b.js", many("`${")),
        ("c.js", many("a=>{")),
        ("d.js", many("constructor.")),
        ("e.js", many("eval(x);\n")),
        ("f.js", many("/")),
        ("a.sh", many("$(")),
        ("b.sh", many("x|")),
        ("c.sh", many("eval \"$x\"\n")),
        ("d.sh", many("rm -r ")),
        ("e.sh", many("<<E\n")),
        ("f.sh", many("a() { a | a\n")),
        ("g.sh", format!("rm {}\n", "-r ".repeat(20_000)).into_bytes()),
        ("h.sh", format!("curl {}x\n", "| sh".repeat(15_000)).into_bytes()),
        ("i.sh", many("\\")),
    ];
    for (path, source) in rows {
        timed(path, source);
    }
}

#[test]
fn what_is_found_often_is_told_a_few_times_and_counted() {
    let report = scan(&[("main.py", "eval(x)\n".repeat(5000).as_bytes()), ("other.py", b"os.system(x)\n")]);
    assert_eq!((report.findings.len(), report.omitted), (11, 4990));
    assert_eq!(report.findings.last().map(|last| last.rule.as_str()), Some("shell"));
}

#[test]
fn of_many_findings_the_worst_are_kept() {
    let files: Vec<_> = (0..600)
        .map(|number| {
            let source: &[u8] = if number == 550 { b"exec(base64.b64decode(x))\n" } else { b"os.system(x)\n" };
            (format!("scripts/{number:04}.py"), source.to_vec())
        })
        .collect();
    let dir = skill(&files);
    let report = scanner().scan(&load(&dir.path().join("sample")).unwrap()).unwrap();
    assert_eq!((report.findings.len(), report.omitted, report.files_scanned), (500, 101, 600));
    assert_eq!(report.highest, Some(Severity::Critical));
    assert_eq!(report.findings[0].file, "scripts/0550.py");
}

#[test]
fn what_cannot_be_scanned_is_named() {
    let large = format!("x = 1\n{}", "#".repeat(1 << 20));
    let report = scan(&[
        ("scripts/large.py", large.as_bytes()),
        ("bin/program", b"\x7fELF\x02\x01\x01\0\0\0"),
        ("lib/hidden.py", b"\x7fELF\x02\x01\x01\0\0\0"),
        ("lib/module.pyc", b"\x55\x0d\x0d\x0a"),
        ("lib/part.wasm", b"\0asm\x01\0\0\0"),
        ("scripts/deep.sh", "$(".repeat(400_000).as_bytes()),
        ("assets/large.bin", &vec![0; (1 << 20) + 1]),
    ]);
    let mut named: Vec<_> =
        report.skipped.iter().map(|one| (one.file.as_str(), one.reason.split(':').next().unwrap())).collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            ("bin/program", "machine code"),
            ("lib/hidden.py", "machine code"),
            ("lib/module.pyc", "byte code of Python"),
            ("lib/part.wasm", "machine code"),
            ("scripts/deep.sh", "too tangled to be read to its end"),
            ("scripts/large.py", "larger than the 1048576 bytes of a source that are read"),
        ]
    );
    assert_eq!(report.files_scanned, 0);
}

#[test]
fn the_sources_of_one_skill_are_bounded_together() {
    let source = format!("os.system(x)\n'''{}'''\n", "word ".repeat(200_000));
    let files: Vec<_> =
        (0..18).map(|number| (format!("scripts/{number:02}.py"), source.clone().into_bytes())).collect();
    let dir = skill(&files);
    let report = scanner().scan(&load(&dir.path().join("sample")).unwrap()).unwrap();
    assert_eq!((report.files_scanned, report.skipped.len()), (16, 2));
    assert!(report.skipped[0].reason.starts_with("beyond the 16777216 bytes"), "{}", report.skipped[0].reason);
}

/// xorshift64*: the same cases on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % bound.max(1)
    }
}

const PIECES: [&str; 44] = [
    "exec(",
    "eval(",
    ")",
    "(",
    "base64.b64decode",
    "os.system",
    "import ",
    "from x import y\n",
    "\n",
    "  ",
    "'",
    "\"",
    "'''",
    "`",
    "$(",
    "${",
    "}",
    "{",
    "[",
    "]",
    "|",
    " sh",
    "curl ",
    "rm -rf ",
    "/",
    "~",
    ".",
    ",",
    "=",
    ":",
    ";",
    "#",
    "é\u{202e}",
    "\0",
    "require(",
    "process.env",
    "function ",
    "=> ",
    "builtins",
    "<<E\n",
    "E\n",
    "/dev/tcp/",
    "\\x41",
    "\u{feff}",
];

#[test]
fn garbage_gives_a_report() {
    let mut random = Random(0x5eed_0002_cafe_f00d);
    let scanner = scanner();
    let mut found = 0;
    for _ in 0..20 {
        let files: Vec<_> = (0..60)
            .map(|number| {
                let ending = ["py", "mjs", "sh"][number % 3];
                let source: Vec<u8> = if number % 5 == 4 {
                    (0..random.below(2000)).map(|_| random.below(256) as u8).collect()
                } else {
                    (0..random.below(300)).flat_map(|_| PIECES[random.below(PIECES.len())].bytes()).collect()
                };
                (format!("scripts/{number:02}.{ending}"), source)
            })
            .collect();
        let dir = skill(&files);
        let report = scanner.scan(&load(&dir.path().join("sample")).unwrap()).unwrap();
        // Noise may begin like a program.
        assert_eq!(report.files_scanned + report.skipped.len(), files.len());
        for one in &report.findings {
            assert!(one.line > 0 && one.column > 0 && !one.excerpt.contains(char::is_control), "{one:?}");
        }
        found += report.findings.len();
    }
    assert!(found > 1000, "the garbage has lost its variety: {found} findings");
}
