//! Tools: what is inferred from scripts, how calls become command lines, and what vendors are told.
//!
//! Fixtures are in `tests/tools/`. Command lines are judged by the scripts' own parser: python3 runs the fixture and prints
//! what it understood.

#[cfg(feature = "dialects")]
#[path = "tools/dialects.rs"]
mod dialects;
#[cfg(feature = "inference")]
#[path = "tools/invocations.rs"]
mod invocations;
#[path = "tools/layouts.rs"]
mod layouts;
#[cfg(feature = "inference")]
#[path = "tools/node.rs"]
mod node;
#[path = "tools/published.rs"]
mod published;
#[path = "tools/schemas.rs"]
mod schemas;
#[cfg(feature = "inference")]
#[path = "tools/shell.rs"]
mod shell;
#[cfg(feature = "inference")]
#[path = "tools/sources.rs"]
mod sources;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use skilllite::skill::{Manifest, Skill, load};
use skilllite::tool::{Tool, tools_of};
use tempfile::TempDir;

/// A skill in a temporary folder; what SKILL.md would declare is set instead of written.
struct Fixture {
    dir: TempDir,
    manifest: Manifest,
    name: String,
}

impl Fixture {
    fn new(name: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let this = Self { dir, manifest: Manifest::default(), name: name.to_owned() };
        this.file("SKILL.md", b"---\nname: any\ndescription: Any.\n---\n")
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
        let mut skill = load(self.dir.path()).expect("the skill loads");
        (skill.name, skill.manifest) = (self.name.clone(), self.manifest.clone());
        skill.description = format!("What {} does.", self.name);
        Arc::new(skill)
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

/// Compares what is inferred from a script with the document beside it; `SKILLLITE_BLESS=1` writes the document.
#[cfg(feature = "inference")]
fn expected_schema(script: &Path) {
    use skilllite::schema::{Convention, Schema, infer};

    let bytes = std::fs::read(script).expect("the script");
    let language = skilllite::runtime::Language::of_file(script, &bytes).expect("a language");
    let found = infer(language, &bytes);
    let convention = match found.convention {
        Convention::StdinJson => "stdin",
        Convention::Argv(_) => "argv",
        Convention::Generic => "generic",
    };
    let got = serde_json::json!({
        "convention": convention,
        "description": found.description,
        "provenance": found.provenance,
        "schema": found.schema,
    });
    let beside = PathBuf::from(format!("{}.json", script.display()));
    if std::env::var_os("SKILLLITE_BLESS").is_some() {
        std::fs::write(&beside, format!("{got:#}\n")).expect("the document");
    }
    let want = std::fs::read(&beside).expect("the expected schema");
    let want: Value = serde_json::from_slice(&want).expect("JSON");
    assert_eq!(got, want, "{}: {got:#}", script.display());
    Schema::compile(found.schema).unwrap_or_else(|error| panic!("{}: {error}", script.display()));
}

/// A fixture script.
fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/infer").join(name)
}
