//! Which folders are skills, in which order, within which bounds, how fast.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use skilllite::error::Status;
use skilllite::skill::{MAX_FILES, discover, load};

use crate::{codes, good_skill_md, skill_folder, write};

fn names(found: &skilllite::skill::Discovery) -> Vec<&str> {
    found.skills.iter().map(|skill| skill.name.as_str()).collect()
}

#[test]
fn skills_are_found_in_path_order_at_every_level() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for name in ["b", "a/deep/er/c", "a/b2", ".claude/skills/hidden", "one/two/three/four/five/six"] {
        skill_folder(root, name, good_skill_md(name.rsplit('/').next().unwrap()));
    }
    for left_out in [".git/x", "node_modules/y", "a/node_modules/z", "1/2/3/4/5/6/seven"] {
        skill_folder(root, left_out, good_skill_md(left_out.rsplit('/').next().unwrap()));
    }
    skill_folder(root, "b/assets/template", good_skill_md("template"));
    let found = discover(root).expect("readable");
    assert_eq!(names(&found), ["hidden", "b2", "c", "b", "six"]);
    assert_eq!(codes(&found.diagnostics), ["discovery-too-deep"]);
    let b = found.skills.iter().find(|skill| skill.name == "b").expect("found");
    assert_eq!(codes(&b.diagnostics), ["skill-nested"]);

    let one = discover(&root.join("b")).expect("readable");
    assert_eq!(names(&one), ["b"], "a skill's own folder");
}

#[test]
fn the_first_of_two_names_wins() {
    let dir = tempfile::tempdir().unwrap();
    for place in ["x/same", "y/same", "z/same"] {
        skill_folder(dir.path(), place, good_skill_md("same"));
    }
    let found = discover(dir.path()).expect("readable");
    assert_eq!(names(&found), ["same"]);
    assert!(found.skills[0].root.ends_with("x/same"));
    assert_eq!(codes(&found.diagnostics), ["name-duplicate"; 2]);
    assert_eq!(found.skipped.len(), 2);
    assert!(found.diagnostics[0].message.contains("x/same") && found.diagnostics[0].message.contains("y/same"));
}

#[test]
fn links_are_followed_inside_only_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    skill_folder(dir.path(), "outside", good_skill_md("outside"));
    skill_folder(&root, "real", good_skill_md("real"));
    symlink("real", root.join("alias")).unwrap();
    symlink("..", root.join("circle")).unwrap();
    symlink(".", root.join("self")).unwrap();
    symlink("../outside", root.join("out")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    let found = discover(&root).expect("readable");
    assert_eq!(names(&found), ["real"]);
    assert_eq!(codes(&found.diagnostics), ["symlink-escape"; 2], "circle and out");
    assert!(found.skipped.is_empty());
}

#[test]
fn digests_follow_the_content_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let make = |place: &str| {
        let folder = skill_folder(&dir.path().join(place), "skill", good_skill_md("skill"));
        write(&folder.join("scripts/main.py"), "print()\n");
        write(&folder.join("references/a.md"), "a");
        folder
    };
    let digest = |folder: &std::path::Path| load(folder).expect("loads").digest;
    let first = make("one");
    let reference = digest(&first);
    assert_eq!(reference, digest(&make("two")), "the same files elsewhere");
    write(&first.join("__pycache__/main.pyc"), "byte code");
    assert_eq!(reference, digest(&first), "byte code is no content");
    write(&first.join("references/a.md"), "b");
    let changed = digest(&first);
    assert_ne!(reference, changed, "content");
    write(&first.join("references/a.md"), "a");
    fs::rename(first.join("references/a.md"), first.join("references/b.md")).unwrap();
    assert_ne!(reference, digest(&first), "name");
    fs::rename(first.join("references/b.md"), first.join("references/a.md")).unwrap();
    let mut permissions = fs::metadata(first.join("scripts/main.py")).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    fs::set_permissions(first.join("scripts/main.py"), permissions).unwrap();
    assert_ne!(reference, digest(&first), "executable");
}

#[test]
fn a_skill_of_too_many_files_is_cut_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let folder = skill_folder(dir.path(), "skill", good_skill_md("skill"));
    for number in 0..MAX_FILES + 5 {
        fs::write(folder.join(format!("f{number:05}")), "").unwrap();
    }
    let skill = load(&folder).expect("loads");
    assert_eq!(skill.files.len(), MAX_FILES);
    assert_eq!(skill.files[0].path.to_str(), Some("SKILL.md"));
    assert_eq!(codes(&skill.diagnostics), ["files-too-many"]);
    skill.verify_all().expect("what is listed did not change");
    write(&folder.join("one-more"), "");
    assert_eq!(skill.verify_all().expect_err("added").status, Status::SkillChanged);
}

#[test]
fn large_data_is_listed_and_pinned_by_its_times() {
    let dir = tempfile::tempdir().unwrap();
    let folder = skill_folder(dir.path(), "skill", good_skill_md("skill"));
    write(&folder.join("scripts/main.py"), "print()\n");
    write(&folder.join("assets/model.bin"), "");
    // Sparse: it takes no room on the disk.
    fs::File::options().write(true).open(folder.join("assets/model.bin")).unwrap().set_len(65 << 20).unwrap();
    let skill = load(&folder).expect("loads");
    assert_eq!(codes(&skill.diagnostics), ["files-too-large"]);
    let pinned: Vec<_> =
        skill.files.iter().map(|file| (file.path.to_str().unwrap(), !file.sha256.is_empty())).collect();
    assert_eq!(pinned, [("SKILL.md", true), ("assets/model.bin", false), ("scripts/main.py", true)]);
    let read = |path| skill.read_resource(path, u64::MAX).map(|bytes| bytes.len()).map_err(|error| error.status);
    assert_eq!(read("assets/model.bin"), Err(Status::ResourceTooLarge));
    assert_eq!(read("scripts/main.py"), Ok(8));
    assert_eq!(skill.read_head("assets/model.bin", 4).expect("the start of anything"), [0; 4]);
    skill.verify_all().expect("nothing changed");
    fs::File::options().write(true).open(folder.join("assets/model.bin")).unwrap().set_len(66 << 20).unwrap();
    let error = skill.verify_all().expect_err("larger");
    assert_eq!(error.status, Status::SkillChanged);
    assert!(error.message.contains("`assets/model.bin`"), "{error}");
}

#[test]
fn three_hundred_skills_load_quickly() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..300 {
        let name = format!("skill-{number:03}");
        let folder = skill_folder(dir.path(), &name, good_skill_md(&name) + &"A line of instructions.\n".repeat(150));
        for script in ["scripts/main.py", "scripts/extra.py", "references/guide.md", "assets/data.json"] {
            write(&folder.join(script), "x".repeat(4096));
        }
    }
    let took = (0..3)
        .map(|_| {
            let started = processor_time();
            assert_eq!(discover(dir.path()).expect("readable").skills.len(), 300);
            processor_time() - started
        })
        .min()
        .expect("three runs");
    println!("300 skills, 1,500 files: {took:?}");
    let bound = if cfg!(debug_assertions) { 3_000 } else { 150 };
    assert!(took < Duration::from_millis(bound), "300 skills took {took:?}");
}

/// What this thread has used of a processor: other work on the machine does not count.
fn processor_time() -> Duration {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = statistics.split_whitespace().next().and_then(|field| field.parse().ok()).expect("a number");
    Duration::from_nanos(nanoseconds)
}
