//! The scan: every rule by what it finds and what it passes by, sources that want to break it, and real skills.
//!
//! Examples are in `tests/scan/`, one file for each language.
#![cfg(feature = "scan")]

#[path = "scan/bounds.rs"]
mod bounds;
#[path = "scan/calls.rs"]
mod calls;
#[path = "scan/real.rs"]
mod real;
#[path = "scan/rules.rs"]
mod rules;

use std::fs;
use std::path::Path;

use skilllite::scan::{Report, Scanner, built_in};
use skilllite::skill::load;
use tempfile::TempDir;

/// A scanner with the library's rules.
fn scanner() -> Scanner {
    Scanner::new(built_in().expect("the rules can be read"))
}

/// A skill in a temporary folder, with these files besides its SKILL.md.
fn skill(files: &[(String, Vec<u8>)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write(&dir.path().join("sample/SKILL.md"), b"---\nname: sample\ndescription: A sample.\n---\n");
    for (path, content) in files {
        write(&dir.path().join("sample").join(path), content);
    }
    dir
}

fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders are made");
    fs::write(path, content).expect("the file is written");
}

/// What the library's rules say of a skill with these files.
fn scan(files: &[(&str, &[u8])]) -> Report {
    let files: Vec<_> = files.iter().map(|(path, content)| ((*path).to_owned(), content.to_vec())).collect();
    let dir = skill(&files);
    scanner().scan(&load(&dir.path().join("sample")).expect("it loads")).expect("it is scanned")
}
