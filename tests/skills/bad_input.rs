//! Broken and hostile skills: each has its own code and a message that helps, and is answered at once.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use skilllite::error::Status;
use skilllite::skill::{Diagnostic, Severity, discover, load};

use crate::{codes, good_skill_md, skill_folder, write};

/// How a bad skill ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Skipped,
    LoadedWith(Severity),
}
use Outcome::{LoadedWith, Skipped};

struct Row {
    name: &'static str,
    make: fn(&Path),
    outcome: Outcome,
    code: &'static str,
    says: &'static str,
}

fn skill_md(dir: &Path, content: impl AsRef<[u8]>) {
    skill_folder(dir, "skill", content);
}

fn with_front_matter(dir: &Path, yaml: &str) {
    skill_md(dir, format!("---\n{yaml}\n---\nBody.\n"));
}

fn with_entry_point(dir: &Path, entry_point: &str) {
    with_front_matter(dir, &format!("name: skill\ndescription: d\nentry_point: {entry_point}"));
}

/// Nine levels of nine: 387 million values when expanded.
fn alias_bomb() -> String {
    let mut yaml = "name: skill\ndescription: d\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_string();
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        yaml.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    yaml
}

const ROWS: &[Row] = &[
    Row {
        name: "no SKILL.md",
        make: |d| fs::create_dir(d.join("skill")).unwrap(),
        outcome: Skipped,
        code: "skill-md-missing",
        says: "no SKILL.md",
    },
    Row {
        name: "empty SKILL.md",
        make: |d| skill_md(d, ""),
        outcome: Skipped,
        code: "front-matter-missing",
        says: "must be `---`",
    },
    Row {
        name: "no front matter",
        make: |d| skill_md(d, "# Title\n\nname: skill\n"),
        outcome: Skipped,
        code: "front-matter-missing",
        says: "must be `---`",
    },
    Row {
        name: "front matter not closed",
        make: |d| skill_md(d, "---\nname: skill\ndescription: d\n"),
        outcome: Skipped,
        code: "front-matter-unclosed",
        says: "closing `---`",
    },
    Row {
        name: "broken YAML",
        make: |d| with_front_matter(d, "name: skill\ndescription: \"never closed"),
        outcome: Skipped,
        code: "yaml-invalid",
        says: "cannot be read",
    },
    Row {
        name: "a list",
        make: |d| with_front_matter(d, "- name\n- description"),
        outcome: Skipped,
        code: "front-matter-not-a-mapping",
        says: "`field: value`",
    },
    Row {
        name: "a text",
        make: |d| with_front_matter(d, "just words"),
        outcome: Skipped,
        code: "front-matter-not-a-mapping",
        says: "a text",
    },
    Row {
        name: "empty front matter",
        make: |d| with_front_matter(d, ""),
        outcome: Skipped,
        code: "description-missing",
        says: "when to use it",
    },
    Row {
        name: "no description",
        make: |d| with_front_matter(d, "name: skill"),
        outcome: Skipped,
        code: "description-missing",
        says: "when to use it",
    },
    Row {
        name: "empty description",
        make: |d| with_front_matter(d, "name: skill\ndescription: '  '"),
        outcome: Skipped,
        code: "description-missing",
        says: "when to use it",
    },
    Row {
        name: "null description",
        make: |d| with_front_matter(d, "name: skill\ndescription: ~"),
        outcome: Skipped,
        code: "description-missing",
        says: "when to use it",
    },
    Row {
        name: "description is a mapping",
        make: |d| with_front_matter(d, "name: skill\ndescription:\n  a: b"),
        outcome: Skipped,
        code: "description-missing",
        says: "when to use it",
    },
    Row {
        name: "alias bomb",
        make: |d| with_front_matter(d, &alias_bomb()),
        outcome: Skipped,
        code: "yaml-too-many-nodes",
        says: "remove the aliases",
    },
    Row {
        name: "alias of a long text",
        make: |d| {
            with_front_matter(d, &format!("description: &a {}\nb: [{}*a]", "x".repeat(30_000), "*a,".repeat(9_000)))
        },
        outcome: Skipped,
        code: "yaml-too-many-nodes",
        says: "remove the aliases",
    },
    Row {
        name: "alias of itself",
        make: |d| with_front_matter(d, "description: d\na: &a [*a]"),
        outcome: Skipped,
        code: "front-matter-too-deep",
        says: "contains itself",
    },
    Row {
        name: "1 MiB of front matter",
        make: |d| with_front_matter(d, &format!("description: {}", "word ".repeat(210_000))),
        outcome: Skipped,
        code: "front-matter-too-large",
        says: "64 KiB",
    },
    Row {
        name: "64 KiB of [",
        make: |d| with_front_matter(d, &format!("description: {}", "[".repeat(65_000))),
        outcome: Skipped,
        code: "front-matter-too-deep",
        says: "64 deep",
    },
    Row {
        name: "brackets hidden in quotes",
        make: |d| with_front_matter(d, &format!("a: {}", "[']',".repeat(13_000))),
        outcome: Skipped,
        code: "front-matter-too-deep",
        says: "flatten",
    },
    Row {
        name: "deep blocks",
        make: |d| with_front_matter(d, &format!("a:\n  {}x", "- ".repeat(30_000))),
        outcome: Skipped,
        code: "front-matter-too-deep",
        says: "flatten",
    },
    Row {
        name: "NUL in the front matter",
        make: |d| with_front_matter(d, "name: sk\0ill\ndescription: d"),
        outcome: Skipped,
        code: "front-matter-nul",
        says: "UTF-8",
    },
    Row {
        name: "control character",
        make: |d| with_front_matter(d, "name: skill\ndescription: a\u{1b}[31m"),
        outcome: Skipped,
        code: "front-matter-control-character",
        says: "remove it",
    },
    Row {
        name: "invalid UTF-8",
        make: |d| skill_md(d, b"---\nname: skill\ndescription: caf\xe9\n---\n"),
        outcome: Skipped,
        code: "skill-md-not-utf8",
        says: "save it as UTF-8",
    },
    Row {
        name: "UTF-16",
        make: |d| skill_md(d, b"\xff\xfe-\0-\0-\0\n\0"),
        outcome: Skipped,
        code: "skill-md-not-utf8",
        says: "save it as UTF-8",
    },
    Row {
        name: "5 MiB of instructions",
        make: |d| skill_md(d, good_skill_md("skill") + &"x".repeat(5 << 20)),
        outcome: Skipped,
        code: "skill-md-too-large",
        says: "4 MiB",
    },
    Row {
        name: "SKILL.md is a folder",
        make: |d| fs::create_dir_all(d.join("skill/SKILL.md")).unwrap(),
        outcome: Skipped,
        code: "skill-md-unreadable",
        says: "text file",
    },
    Row {
        name: "SKILL.md is a pipe",
        make: pipe_as_skill_md,
        outcome: Skipped,
        code: "skill-md-unreadable",
        says: "text file",
    },
    Row {
        name: "SKILL.md links out",
        make: skill_md_links_out,
        outcome: Skipped,
        code: "skill-md-escape",
        says: "copy the file",
    },
    Row {
        name: "entry point above",
        make: |d| with_entry_point(d, "../../bin/sh"),
        outcome: Skipped,
        code: "entry-point-escape",
        says: "scripts/main.py",
    },
    Row {
        name: "entry point above, later",
        make: |d| with_entry_point(d, "scripts/../../x.py"),
        outcome: Skipped,
        code: "entry-point-escape",
        says: "`..`",
    },
    Row {
        name: "entry point absolute",
        make: |d| with_entry_point(d, "/bin/sh"),
        outcome: Skipped,
        code: "entry-point-escape",
        says: "absolute",
    },
    Row {
        name: "entry point encoded",
        make: |d| with_entry_point(d, "%2e%2e/x.py"),
        outcome: Skipped,
        code: "entry-point-escape",
        says: "percent",
    },
    Row {
        name: "entry point with NUL",
        make: |d| with_entry_point(d, "\"main.py\\0\""),
        outcome: Skipped,
        code: "entry-point-escape",
        says: "NUL",
    },
    Row {
        name: "entry point links out",
        make: entry_point_links_out,
        outcome: Skipped,
        code: "entry-point-escape",
        says: "leaves the skill",
    },
    Row {
        name: "entry point below a link out",
        make: entry_point_below_link,
        outcome: Skipped,
        code: "entry-point-escape",
        says: "leaves the skill",
    },
    Row {
        name: "entry point in the runtime block",
        make: |d| skill_md(d, good_skill_md("skill") + "## Runtime\n```yaml\nentry_point: /bin/sh\n```\n"),
        outcome: Skipped,
        code: "entry-point-escape",
        says: "absolute",
    },
    Row {
        name: "entry point not there",
        make: |d| with_entry_point(d, "scripts/main.py"),
        outcome: LoadedWith(Severity::Warning),
        code: "entry-point-missing",
        says: "add the file",
    },
    Row {
        name: "entry point is a folder",
        make: entry_point_folder,
        outcome: LoadedWith(Severity::Warning),
        code: "entry-point-missing",
        says: "not a file",
    },
    Row {
        name: "a file links out",
        make: file_links_out,
        outcome: LoadedWith(Severity::Warning),
        code: "symlink-escape",
        says: "`secret`",
    },
    Row {
        name: "a pipe among the files",
        make: pipe_among_files,
        outcome: LoadedWith(Severity::Warning),
        code: "special-file",
        says: "`pipe`",
    },
    Row {
        name: "a file name that is not UTF-8",
        make: bad_file_name,
        outcome: LoadedWith(Severity::Warning),
        code: "file-name-not-utf8",
        says: "rename",
    },
    Row {
        name: "invalid UTF-8 below",
        make: |d| skill_md(d, [good_skill_md("skill").as_bytes(), b"caf\xe9\n"].concat()),
        outcome: LoadedWith(Severity::Warning),
        code: "body-not-utf8",
        says: "save SKILL.md as UTF-8",
    },
    Row {
        name: "duplicate keys",
        make: |d| with_front_matter(d, "name: skill\ndescription: a\ndescription: b"),
        outcome: LoadedWith(Severity::Warning),
        code: "duplicate-key",
        says: "`description`",
    },
    Row {
        name: "broken runtime block",
        make: |d| skill_md(d, good_skill_md("skill") + "## Runtime\n```yaml\n[}\n```\n"),
        outcome: LoadedWith(Severity::Warning),
        code: "runtime-invalid",
        says: "## Runtime",
    },
    Row {
        name: "schema is a number",
        make: |d| with_front_matter(d, "name: skill\ndescription: d\ninput_schema: 7"),
        outcome: LoadedWith(Severity::Warning),
        code: "field-type",
        says: "JSON Schema",
    },
    Row {
        name: "name of another folder",
        make: |d| with_front_matter(d, "name: other\ndescription: d"),
        outcome: LoadedWith(Severity::Warning),
        code: "name-not-directory",
        says: "`other`",
    },
    Row {
        name: "name with a slash",
        make: |d| with_front_matter(d, "name: ../other\ndescription: d"),
        outcome: LoadedWith(Severity::Warning),
        code: "name-unusable",
        says: "`skill` is used",
    },
    Row {
        name: "name with a bidi override",
        make: |d| with_front_matter(d, "name: \"a\\u202eb\"\ndescription: d"),
        outcome: LoadedWith(Severity::Warning),
        code: "name-unusable",
        says: "invisible",
    },
    Row {
        name: "name of 300 characters",
        make: |d| with_front_matter(d, &format!("name: {}\ndescription: d", "n".repeat(300))),
        outcome: LoadedWith(Severity::Warning),
        code: "name-unusable",
        says: "longer than 256",
    },
    Row {
        name: "name of 100 characters",
        make: |d| with_front_matter(d, &format!("name: {}\ndescription: d", "n".repeat(100))),
        outcome: LoadedWith(Severity::Warning),
        code: "name-not-specified",
        says: "1–64",
    },
    Row {
        name: "no name",
        make: |d| with_front_matter(d, "description: d"),
        outcome: LoadedWith(Severity::Warning),
        code: "name-unusable",
        says: "no `name`",
    },
    Row {
        name: "lower-case skill.md",
        make: |d| write(&d.join("skill/skill.md"), good_skill_md("skill")),
        outcome: LoadedWith(Severity::Warning),
        code: "skill-md-case",
        says: "rename",
    },
];

#[test]
fn each_bad_skill_has_its_own_diagnostic() {
    for row in ROWS {
        let dir = tempfile::tempdir().unwrap();
        (row.make)(dir.path());
        let started = Instant::now();
        let loaded = load(&dir.path().join("skill"));
        let took = started.elapsed();
        let (outcome, finding) = match &loaded {
            Err(skipped) => (Skipped, skipped.diagnostics.first()),
            Ok(skill) => {
                assert!(!skill.description.is_empty() && !skill.name.is_empty(), "{}", row.name);
                let finding = skill.diagnostics.iter().find(|finding| finding.code == row.code);
                (LoadedWith(finding.map_or(Severity::Error, |finding| finding.severity)), finding)
            }
        };
        let finding: &Diagnostic = finding.unwrap_or_else(|| panic!("{}: no {} in {loaded:?}", row.name, row.code));
        assert_eq!((outcome, finding.code), (row.outcome, row.code), "{}: {finding}", row.name);
        assert!(finding.message.contains(row.says), "{}: {finding}", row.name);
        assert!(!finding.message.contains('\n'), "{}: {finding}", row.name);
        // Measured in microseconds to a few milliseconds with optimisation; the bound is for a busy machine without it.
        println!("{took:>10.1?}  {}: {finding}", row.name);
        assert!(took < Duration::from_millis(1500), "{} took {took:?}", row.name);
        if outcome == Skipped {
            assert_eq!(finding.severity, Severity::Error, "{}", row.name);
        }
    }
}

#[test]
fn diagnostics_name_the_line() {
    let cases = [
        ("---\nname: skill\ndescription: [\n---\n", 4),
        ("---\nname: skill\ndescription: d\nlicense:\n  a: b\n---\n", 4),
        ("\n---\r\nname: skill\r\ndescription: d\r\nname: skill\r\n---\r\n", 5),
        ("---\nname: skill\ndescription: d\n---\n\n## Runtime\n```yaml\nlanguage: python\nnetwork: 9\n```\n", 9),
    ];
    for (text, line) in cases {
        let dir = tempfile::tempdir().unwrap();
        let folder = skill_folder(dir.path(), "skill", text);
        let diagnostics = match load(&folder) {
            Ok(skill) => skill.diagnostics,
            Err(skipped) => skipped.diagnostics,
        };
        assert_eq!(diagnostics.first().and_then(|finding| finding.line), Some(line), "{text:?}: {diagnostics:?}");
    }
}

#[test]
fn a_folder_of_skills_that_is_none_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("file"), "");
    for (path, says) in [("missing", "does not exist"), ("file", "is no directory"), ("file/below", "is no directory")]
    {
        let error = discover(&dir.path().join(path)).expect_err(path);
        assert_eq!(error.status, Status::SkillDirectory, "{path}: {error}");
        assert!(error.message.contains(says), "{path}: {error}");
    }
    let empty = discover(dir.path()).expect("an empty folder is no error");
    assert!(empty.skills.is_empty() && empty.skipped.is_empty() && empty.diagnostics.is_empty());
}

#[test]
fn a_bad_skill_does_not_disturb_its_neighbours() {
    let dir = tempfile::tempdir().unwrap();
    skill_folder(dir.path(), "a-good", good_skill_md("a-good"));
    skill_folder(dir.path(), "b-bad", "---\n[\n---\n");
    skill_folder(dir.path(), "c-good", good_skill_md("c-good"));
    let found = discover(dir.path()).expect("readable");
    assert_eq!(found.skills.iter().map(|skill| skill.name.as_str()).collect::<Vec<_>>(), ["a-good", "c-good"]);
    assert_eq!(found.skipped.iter().map(|skipped| codes(&skipped.diagnostics)).collect::<Vec<_>>(), [["yaml-invalid"]]);
}

fn pipe(path: &Path) {
    nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
}

fn pipe_as_skill_md(dir: &Path) {
    fs::create_dir(dir.join("skill")).unwrap();
    pipe(&dir.join("skill/SKILL.md"));
}

fn pipe_among_files(dir: &Path) {
    skill_md(dir, good_skill_md("skill"));
    pipe(&dir.join("skill/pipe"));
}

fn skill_md_links_out(dir: &Path) {
    write(&dir.join("outside.md"), good_skill_md("skill"));
    fs::create_dir(dir.join("skill")).unwrap();
    symlink("../outside.md", dir.join("skill/SKILL.md")).unwrap();
}

fn entry_point_links_out(dir: &Path) {
    with_entry_point(dir, "scripts/main.py");
    write(&dir.join("outside.py"), "");
    fs::create_dir(dir.join("skill/scripts")).unwrap();
    symlink("../../outside.py", dir.join("skill/scripts/main.py")).unwrap();
}

fn entry_point_below_link(dir: &Path) {
    with_entry_point(dir, "scripts/main.py");
    write(&dir.join("elsewhere/main.py"), "");
    symlink("../elsewhere", dir.join("skill/scripts")).unwrap();
}

fn entry_point_folder(dir: &Path) {
    with_entry_point(dir, "scripts");
    fs::create_dir(dir.join("skill/scripts")).unwrap();
}

fn file_links_out(dir: &Path) {
    skill_md(dir, good_skill_md("skill"));
    symlink("/etc/passwd", dir.join("skill/secret")).unwrap();
}

fn bad_file_name(dir: &Path) {
    use std::os::unix::ffi::OsStrExt;
    skill_md(dir, good_skill_md("skill"));
    fs::write(dir.join("skill").join(std::ffi::OsStr::from_bytes(b"caf\xe9")), "").unwrap();
}
