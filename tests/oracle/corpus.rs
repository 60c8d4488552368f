//! The published packages: where they are, their argparse scripts, and each script's folder as a skill that can be asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A script and the skill that it belongs to.
pub(crate) struct Script {
    /// The folder of its skill; of a script outside of any, its own folder.
    pub(crate) root: PathBuf,
    /// The script, relative to `root`.
    pub(crate) path: PathBuf,
    pub(crate) source: Vec<u8>,
}

/// The folders with published packages: those of `$SKILLLITE_PACKAGES` (separated by `:`), else what the shared folder's
/// `fetch.sh` gets. `None` with a visible line where there is neither.
pub(crate) fn packages() -> Option<Vec<PathBuf>> {
    if let Some(named) = std::env::var_os("SKILLLITE_PACKAGES") {
        return Some(std::env::split_paths(&named).collect());
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("SKILLLITE_SHARED").map_or_else(|| repository.join("../shared"), PathBuf::from);
    let fetch = shared.join("skills/fetch.sh");
    if !fetch.is_file() {
        println!("skipped: no published packages; there is no {}", fetch.display());
        return None;
    }
    let folder = repository.join("target/skills-packages");
    let output = Command::new("bash").arg(&fetch).arg(&folder).output().expect("bash runs");
    if !output.status.success() {
        println!("skipped: the packages cannot be fetched: {}", String::from_utf8_lossy(&output.stderr).trim());
        return None;
    }
    Some(vec![folder])
}

/// Every Python file below `folders` that makes an argparse parser, sorted.
pub(crate) fn scripts(folders: &[PathBuf]) -> Vec<Script> {
    let mut files = Vec::new();
    folders.iter().for_each(|folder| python_files(folder, 16, &mut files));
    files.sort();
    let mut scripts = Vec::new();
    for file in files {
        let source = fs::read(&file).expect("a readable script");
        let text = String::from_utf8_lossy(&source);
        // Modules that make a parser for others are read where a script uses them.
        let is_run = text.contains("__main__") || text.contains("\nargs = ") || text.contains("\nparser.parse_args(");
        if !text.contains("ArgumentParser") || !is_run {
            continue;
        }
        let own = file.parent().expect("a folder");
        let root = own.ancestors().take(6).find(|folder| folder.join("SKILL.md").is_file()).unwrap_or(own);
        let path = file.strip_prefix(root).expect("below its root").to_path_buf();
        scripts.push(Script { root: root.to_path_buf(), path, source });
    }
    scripts
}

fn is_test(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("test_") || name.ends_with("_test.py")
}

fn python_files(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 && entry.file_name() != ".git" && entry.file_name() != "tests" => {
                python_files(&path, depth - 1, found);
            }
            Ok(kind) if kind.is_file() && path.extension().is_some_and(|ending| ending == "py") && !is_test(&path) => {
                found.push(path);
            }
            _ => {}
        }
    }
}

/// Copies the files of a skill that its scripts can want when they start; large ones are none of these.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder is made");
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let (Ok(kind), name) = (entry.file_type(), entry.file_name()) else { continue };
        if kind.is_dir() && name != ".git" && name != "node_modules" {
            copy(&entry.path(), &to.join(name));
        } else if kind.is_file() && name != "SKILL.md" && entry.metadata().is_ok_and(|file| file.len() < 1 << 20) {
            fs::copy(entry.path(), to.join(name)).expect("a file is copied");
        }
    }
}
