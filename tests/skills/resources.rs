//! Reading a loaded skill's files: exact bytes, nothing outside, nothing changed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use skilllite::error::Status;
use skilllite::skill::{Skill, load};
use tempfile::TempDir;

use crate::{codes, good_skill_md, skill_folder, write};

const DIAGRAM: &[u8] = b"\x00\xff<svg>\r\n\x80";

fn skill() -> (TempDir, PathBuf, Skill) {
    let dir = tempfile::tempdir().unwrap();
    let folder = skill_folder(dir.path(), "skill", good_skill_md("skill"));
    write(&folder.join("references/notes.md"), "notes\n");
    write(&folder.join("scripts/run.sh"), "#!/bin/sh\n");
    write(&folder.join("assets/diagram.svg"), DIAGRAM);
    write(&folder.join("assets/100%.txt"), "all");
    write(&folder.join("extra.txt"), "");
    symlink("notes.md", folder.join("references/alias.md")).unwrap();
    write(&dir.path().join("outside"), "secret");
    let skill = load(&folder).expect("loads");
    assert!(skill.diagnostics.is_empty(), "{:?}", skill.diagnostics);
    (dir, folder, skill)
}

#[test]
fn resources_are_listed_and_read_exactly() {
    let (_dir, _, skill) = skill();
    let listed: Vec<_> = skill.resources().iter().map(|file| file.path.to_str().unwrap().to_string()).collect();
    let expected = [
        "assets/100%.txt",
        "assets/diagram.svg",
        "extra.txt",
        "references/alias.md",
        "references/notes.md",
        "scripts/run.sh",
    ];
    assert_eq!(listed, expected);
    for (path, bytes) in [
        ("assets/diagram.svg", DIAGRAM),
        ("./assets//diagram.svg", DIAGRAM),
        ("assets/100%.txt", b"all"),
        ("references/notes.md", b"notes\n"),
        ("references/alias.md", b"notes\n"),
        ("extra.txt", b""),
    ] {
        assert_eq!(skill.read_resource(path, 1 << 20).expect(path), bytes, "{path}");
        assert_eq!(skill.read_head(path, 3).expect(path), bytes[..bytes.len().min(3)], "{path}");
    }
    assert_eq!(skill.read_resource("references/notes.md", 6).expect("the bound is inclusive"), b"notes\n");
}

#[test]
fn every_way_out_is_refused() {
    let (dir, folder, skill) = skill();
    let absolute = dir.path().join("outside");
    let rows = [
        ("../outside", Status::PathEscape),
        ("..", Status::PathEscape),
        ("references/../../outside", Status::PathEscape),
        ("references/../extra.txt", Status::PathEscape),
        (absolute.to_str().unwrap(), Status::PathEscape),
        ("/etc/passwd", Status::PathEscape),
        ("//etc/passwd", Status::PathEscape),
        ("C:\\windows", Status::PathEscape),
        ("C:/windows", Status::PathEscape),
        ("..\\..\\windows", Status::PathEscape),
        ("%2e%2e%2foutside", Status::PathEscape),
        ("%2E%2E/outside", Status::PathEscape),
        ("%252e%252e%252foutside", Status::PathEscape),
        ("..%2foutside", Status::PathEscape),
        ("extra.txt\0.md", Status::PathEscape),
        ("extra.txt%00", Status::PathEscape),
        ("", Status::ResourceNotFound),
        (".", Status::ResourceNotFound),
        ("references", Status::ResourceNotFound),
        ("references/none.md", Status::ResourceNotFound),
        ("extra.txt/below", Status::ResourceNotFound),
        ("~/x", Status::ResourceNotFound),
        ("proc/self/environ", Status::ResourceNotFound),
        ("late.txt", Status::ResourceNotFound),
    ];
    write(&folder.join("late.txt"), "written after loading");
    for (path, status) in rows {
        let error = skill.read_resource(path, 1 << 20).expect_err(path);
        assert_eq!(error.status, status, "{path:?}: {error}");
        assert_eq!(skill.read_head(path, 1).expect_err(path).status, status, "{path:?}");
        assert!(error.message.contains("`skill`") && !error.message.contains('\n'), "{path:?}: {error}");
    }
    let error = skill.read_resource("references/none.md", 9).expect_err("missing");
    assert!(error.message.contains("`references/notes.md`"), "it names what there is: {error}");
}

#[test]
fn what_changed_after_loading_is_not_read() {
    type Change = fn(&std::path::Path);
    let rows: &[(&str, Change, Status)] = &[
        ("other content", |f| write(&f.join("extra.txt"), "new"), Status::SkillChanged),
        ("same length", |f| write(&f.join("references/notes.md"), "NOTES\n"), Status::SkillChanged),
        ("shorter", |f| write(&f.join("references/notes.md"), ""), Status::SkillChanged),
        ("gone", |f| fs::remove_file(f.join("references/notes.md")).unwrap(), Status::SkillChanged),
        ("folder gone", |f| fs::remove_dir_all(f).unwrap(), Status::SkillChanged),
        ("a folder now", |f| replace(f, |path| fs::create_dir(path).unwrap()), Status::SkillChanged),
        (
            "a pipe now",
            |f| replace(f, |path| nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap()),
            Status::SkillChanged,
        ),
        ("a link out now", |f| replace(f, |path| symlink("../../outside", path).unwrap()), Status::PathEscape),
        ("an absolute link now", |f| replace(f, |path| symlink("/etc/passwd", path).unwrap()), Status::PathEscape),
        (
            "a link into /proc now",
            |f| replace(f, |path| symlink("/proc/self/root/etc/passwd", path).unwrap()),
            Status::PathEscape,
        ),
        ("a link in a circle now", |f| replace(f, |path| symlink("notes.md", path).unwrap()), Status::PathEscape),
        (
            "its folder links out now",
            |f| {
                fs::rename(f.join("references"), f.with_file_name("moved")).unwrap();
                symlink("../moved", f.join("references")).unwrap();
            },
            Status::PathEscape,
        ),
    ];
    for (name, change, status) in rows {
        let (_dir, folder, skill) = skill();
        let path = if *name == "other content" { "extra.txt" } else { "references/notes.md" };
        skill.read_resource(path, 1 << 20).expect(name);
        change(&folder);
        let error = skill.read_resource(path, 1 << 20).expect_err(name);
        assert_eq!(error.status, *status, "{name}: {error}");
        assert!(error.message.contains(path) || *name == "folder gone", "{name}: {error}");
    }
}

fn replace(folder: &std::path::Path, make: fn(&std::path::Path)) {
    let path = folder.join("references/notes.md");
    fs::remove_file(&path).unwrap();
    make(&path);
}

#[test]
fn a_bound_is_kept() {
    let (_dir, _, skill) = skill();
    let error = skill.read_resource("references/notes.md", 5).expect_err("six bytes");
    assert_eq!(error.status, Status::ResourceTooLarge);
    assert!(error.message.contains("6 bytes") && error.message.contains("bound of 5"), "{error}");
    assert_eq!(skill.read_resource("extra.txt", 0).expect("empty"), b"");
}

#[test]
fn links_out_are_no_resources() {
    let dir = tempfile::tempdir().unwrap();
    let folder = skill_folder(dir.path(), "skill", good_skill_md("skill"));
    write(&dir.path().join("outside/secret"), "secret");
    symlink("/etc/passwd", folder.join("absolute")).unwrap();
    symlink("../outside/secret", folder.join("relative")).unwrap();
    symlink("../outside", folder.join("directory")).unwrap();
    let skill = load(&folder).expect("loads");
    assert_eq!(codes(&skill.diagnostics), ["symlink-escape"; 3]);
    assert!(skill.resources().is_empty());
    for path in ["absolute", "relative", "directory/secret"] {
        assert_eq!(skill.read_resource(path, 1 << 20).expect_err(path).status, Status::ResourceNotFound, "{path}");
    }
}
