//! Published skills, where they are at hand: every one gives tools without a panic, and most argparse scripts a schema.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use skilllite::skill::{Manifest, load};
use skilllite::tool::{Convention, tools_of};

/// The folders that hold published skills: `$SKILLLITE_SHARED`, or `shared` beside the repository, and where its
/// `fetch.sh` has put the packages, if `$SKILLLITE_PACKAGES` says so.
fn roots() -> Vec<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("SKILLLITE_SHARED").map_or_else(beside, PathBuf::from);
    let packages = std::env::var_os("SKILLLITE_PACKAGES").map(PathBuf::from);
    [Some(shared.join("skills/corpus")), packages].into_iter().flatten().filter(|root| root.is_dir()).collect()
}

fn skills_below(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if folder.join("SKILL.md").is_file() {
        found.push(folder.to_path_buf());
        return;
    }
    let folders = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in folders.filter(|entry| depth > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        skills_below(&entry.path(), depth - 1, found);
    }
}

#[test]
fn published_skills_become_tools() {
    let roots = roots();
    if roots.is_empty() {
        println!("skipped: no published skills beside the repository (see $SKILLLITE_SHARED)");
        return;
    }
    let mut skills = Vec::new();
    roots.iter().for_each(|root| skills_below(root, 8, &mut skills));
    assert!(skills.len() > 100, "{} skills", skills.len());
    let (mut count, mut with_parser, mut typed) = (0, 0, 0);
    for folder in skills {
        // One without a description gives no skill.
        let Ok(mut skill) = load(&folder) else { continue };
        skill.manifest = Manifest::default();
        let (tools, _) = tools_of(&Arc::new(skill));
        for tool in tools {
            count += 1;
            assert!(tool.parameters()["properties"].is_object(), "{}", tool.name);
            let source = std::fs::read_to_string(folder.join(&tool.script)).unwrap_or_default();
            if source.contains("ArgumentParser(") {
                with_parser += 1;
                typed += usize::from(matches!(tool.convention, Convention::Argv(_)));
            }
        }
    }
    println!("{count} tools; {typed} of {with_parser} scripts with argparse have a schema of their own");
    if cfg!(feature = "inference") {
        assert!(typed * 10 >= with_parser * 9, "{typed} of {with_parser}");
    }
}
