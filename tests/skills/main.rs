//! Reading skills: real ones, broken ones, hostile ones, random ones, and our own.

mod bad_input;
mod corpus;
mod discovery;
mod examples;
mod leniency;
mod pinning;
mod property;
mod resources;
mod specification;

use std::fs;
use std::path::{Path, PathBuf};

use skilllite::skill::Diagnostic;

/// A SKILL.md that is right in every respect for a folder named `name`.
fn good_skill_md(name: &str) -> String {
    format!("---\nname: {name}\ndescription: Does {name}.\n---\n\nInstructions.\n")
}

/// Writes a file, and the folders on the way to it.
fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders are made");
    fs::write(path, content).expect("the file is written");
}

/// A new folder `name` in `dir` with this SKILL.md.
fn skill_folder(dir: &Path, name: &str, skill_md: impl AsRef<[u8]>) -> PathBuf {
    let folder = dir.join(name);
    write(&folder.join("SKILL.md"), skill_md);
    folder
}

fn codes(diagnostics: &[Diagnostic]) -> Vec<&'static str> {
    diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

/// The folder of real skills, or `None` with a visible line.
fn shared_corpus() -> Option<PathBuf> {
    let shared = std::env::var_os("SKILLLITE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let corpus = shared.join("skills/corpus");
    if corpus.is_dir() {
        return Some(corpus);
    }
    println!("skipped: no real skills at {}", corpus.display());
    None
}

/// Every folder below `root` that holds a SKILL.md, sorted; found without the library.
fn folders_with_skill_md(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(directory) = open.pop() {
        if directory.join("SKILL.md").is_file() {
            found.push(directory.clone());
        }
        for entry in fs::read_dir(&directory).expect("a readable folder").flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(entry.path());
            }
        }
    }
    found.sort();
    found
}
