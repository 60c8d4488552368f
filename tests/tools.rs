//! Tools: what is inferred from scripts, how calls become command lines, and what vendors are told.
//!
//! Fixtures are in `tests/tools/`. Command lines are judged by the scripts' own parser: python3 runs the fixture and prints
//! what it understood.

#[path = "tools/dialects.rs"]
mod dialects;
#[cfg(feature = "inference")]
#[path = "tools/invocations.rs"]
mod invocations;
#[path = "tools/layouts.rs"]
mod layouts;
#[path = "tools/published.rs"]
mod published;
#[path = "tools/schemas.rs"]
mod schemas;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use sha2::Digest;
use skilllite::skill::{Manifest, Skill, SkillFile};
use skilllite::tool::{Tool, tools_of};
use tempfile::TempDir;

/// A skill in a temporary folder, without going through SKILL.md.
struct Fixture {
    dir: TempDir,
    manifest: Manifest,
    name: String,
}

impl Fixture {
    fn new(name: &str) -> Self {
        Self {
            dir: tempfile::tempdir().expect("a temporary folder"),
            manifest: Manifest::default(),
            name: name.to_owned(),
        }
    }

    /// A skill whose only script is a fixture.
    fn of_script(script: &str) -> Self {
        Self::new("sample").file(&format!("scripts/{script}"), &std::fs::read(source(script)).expect("the fixture"))
    }

    fn file(self, path: &str, bytes: &[u8]) -> Self {
        let full = self.dir.path().join(path);
        std::fs::create_dir_all(full.parent().expect("a parent")).expect("folders");
        std::fs::write(&full, bytes).expect("the file");
        self
    }

    fn executable(self, path: &str, bytes: &[u8]) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let this = self.file(path, bytes);
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(this.dir.path().join(path), mode).expect("the mode");
        this
    }

    fn declares(mut self, schema: Value) -> Self {
        self.manifest.input_schema = Some(schema);
        self
    }

    fn enters_at(mut self, entry: &str) -> Self {
        self.manifest.entry_point = Some(entry.to_owned());
        self
    }

    fn skill(&self) -> Arc<Skill> {
        skill_at(self.dir.path(), &self.name, self.manifest.clone())
    }

    fn tools(&self) -> Vec<Tool> {
        tools_of(&self.skill()).0
    }

    /// The only tool.
    fn tool(&self) -> Tool {
        let mut tools = self.tools();
        assert_eq!(tools.len(), 1, "{:?}", tools.iter().map(|tool| &tool.name).collect::<Vec<_>>());
        tools.remove(0)
    }
}

fn skill_at(root: &Path, name: &str, manifest: Manifest) -> Arc<Skill> {
    let mut files = Vec::new();
    list(root, root, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Arc::new(Skill {
        name: name.to_owned(),
        description: format!("What {name} does."),
        root: root.to_path_buf(),
        manifest,
        body: String::new(),
        files,
        digest: String::new(),
        diagnostics: Vec::new(),
    })
}

fn list(root: &Path, folder: &Path, files: &mut Vec<SkillFile>) {
    use std::os::unix::fs::PermissionsExt;
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let kind = entry.file_type().expect("a type");
        if kind.is_dir() {
            list(root, &entry.path(), files);
        } else if kind.is_file() {
            let meta = entry.metadata().expect("metadata");
            files.push(SkillFile {
                path: entry.path().strip_prefix(root).expect("inside").to_path_buf(),
                size: meta.len(),
                sha256: digest(&entry.path()),
                is_executable: meta.permissions().mode() & 0o111 != 0,
            });
        }
    }
}

/// The digest of a file, without which a skill does not give its content away.
fn digest(path: &Path) -> String {
    let bytes = std::fs::read(path).expect("a readable file");
    sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A fixture script.
fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/infer").join(name)
}
