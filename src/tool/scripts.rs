//! Which scripts of a skill are tools, and what each of them looks like.
//!
//! A declared entry point, `scripts/main.*` or a single script is one tool with the skill's name; several scripts are
//! one tool each, `<skill>__<script>`. Tests, packages' `__init__` and helper modules without a main are no tools.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::{Convention, DESCRIPTION_BYTES, Tool, name};
use crate::runtime::Language;
use crate::schema::validate::clip;
use crate::schema::{ArgvSpec, Inferred, Schema, declared, infer};
use crate::skill::{Diagnostic, Severity, Skill, SkillFile};

/// The most tools of one skill.
pub(super) const TOOLS: usize = 64;
/// How much of a file says its language.
const HEAD_BYTES: usize = 512;

/// A script that can be run.
struct Script {
    path: PathBuf,
    language: Language,
    source: Vec<u8>,
    /// The file is too large to be read as source.
    is_unread: bool,
}

/// The tools of a skill, in the order of its files, and what is wrong with its declarations. Never fails: a skill
/// without usable scripts has no tools.
pub fn tools_of(skill: &Arc<Skill>) -> (Vec<Tool>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    if let Some(entry) = skill.manifest.entry_point.as_deref() {
        return match entry_script(skill, entry) {
            Ok(script) => (vec![tool(skill, &script, true, &mut diagnostics)], diagnostics),
            Err(message) => {
                diagnostics.push(problem(Severity::Error, "tool.entry-point", "entry_point", message));
                (Vec::new(), diagnostics)
            }
        };
    }
    let mut scripts = runnable(skill);
    if let Some(main) = scripts.iter().position(|script| is_main(&script.path)) {
        scripts = vec![scripts.swap_remove(main)];
    }
    if scripts.len() > TOOLS {
        let message = format!("the skill has {} scripts; the first {TOOLS} are tools", scripts.len());
        diagnostics.push(problem(Severity::Warning, "tool.too-many", "scripts", message));
        scripts.truncate(TOOLS);
    }
    let is_single = scripts.len() == 1;
    if skill.manifest.input_schema.is_some() && !is_single {
        let message = match scripts.len() {
            0 => "input_schema is declared, but the skill has no script to run".to_owned(),
            count => format!("input_schema is declared, but the skill has {count} scripts; name one as entry_point"),
        };
        diagnostics.push(problem(Severity::Warning, "tool.schema-unused", "input_schema", message));
    }
    let tools = scripts.iter().map(|script| tool(skill, script, is_single, &mut diagnostics)).collect();
    (tools, diagnostics)
}

fn problem(severity: Severity, code: &'static str, field: &str, message: String) -> Diagnostic {
    Diagnostic { severity, code, field: Some(field.to_owned()), line: None, message }
}

/// The declared entry point: a file that the skill's own listing has, so it is regular and inside the skill.
fn entry_script(skill: &Skill, entry: &str) -> Result<Script, String> {
    let shown = clip(entry, 120);
    let mut path = PathBuf::new();
    for component in Path::new(entry).components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            _ => return Err(format!("entry_point \"{shown}\" leaves the skill; give a path relative to its folder")),
        }
    }
    let file = [path.clone(), Path::new("scripts").join(&path)]
        .iter()
        .find_map(|path| skill.files.iter().find(|file| file.path == *path))
        .ok_or_else(|| format!("entry_point \"{shown}\" is not a file of the skill"))?;
    read(skill, file, declared_language(skill)).ok_or_else(|| {
        format!(
            "entry_point \"{shown}\" is in no known language; name it `.py`, `.js` or `.sh`, or give it a `#!` line"
        )
    })
}

fn declared_language(skill: &Skill) -> Option<Language> {
    match skill.manifest.language.as_deref()?.trim().to_ascii_lowercase().as_str() {
        "python" | "python3" | "py" => Some(Language::Python),
        "node" | "nodejs" | "javascript" | "js" => Some(Language::Node),
        "bash" => Some(Language::Bash),
        "sh" | "shell" => Some(Language::Sh),
        _ => None,
    }
}

/// Reads a file and finds its language; `None` when it has none that can be run. A file too large to be source keeps an
/// empty one: its language is all that is needed.
fn read(skill: &Skill, file: &SkillFile, fallback: Option<Language>) -> Option<Script> {
    let path = file.path.to_str()?;
    let (source, head) = if file.size <= infer::SOURCE_BYTES as u64 {
        (skill.read_resource(path, file.size).ok()?, None)
    } else {
        (Vec::new(), Some(skill.read_head(path, HEAD_BYTES).ok()?))
    };
    let is_unread = head.is_some();
    let head = head.as_deref().unwrap_or(source.get(..HEAD_BYTES).unwrap_or(&source));
    let language = Language::of_file(&file.path, head).or(fallback)?;
    // What runs by itself is no source.
    let is_unread = is_unread && language != Language::Native;
    Some(Script { path: file.path.clone(), language, source, is_unread })
}

/// Scripts under `scripts/`; where there are none, under `bin/`; where there are none, at the root.
fn runnable(skill: &Skill) -> Vec<Script> {
    let of = |is_here: &dyn Fn(&Path) -> bool| -> Vec<Script> {
        let files = skill.files.iter().filter(|file| is_here(&file.path) && !is_left_out(&file.path));
        files
            .filter_map(|file| Some((file, read(skill, file, None)?)))
            // Into one that is too large nobody looks; a diagnostic says so.
            .filter(|(file, script)| script.is_unread || has_main(file, script))
            .map(|(_, script)| script)
            .collect()
    };
    for folder in ["scripts", "bin"] {
        let found = of(&|path| path.starts_with(folder));
        if !found.is_empty() {
            return found;
        }
    }
    of(&|path| path.components().count() == 1)
}

fn is_main(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "main") && path.components().count() <= 2
}

/// Tests, packages' own files, and folders that hold no scripts of the skill.
fn is_left_out(path: &Path) -> bool {
    let folders = path.parent().into_iter().flat_map(Path::components).filter_map(|part| part.as_os_str().to_str());
    for folder in folders {
        if folder.starts_with('.')
            || matches!(folder, "tests" | "test" | "__tests__" | "__pycache__" | "node_modules" | "venv")
        {
            return true;
        }
    }
    let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else { return true };
    stem.starts_with('.')
        || stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem.ends_with(".test")
        || stem.ends_with(".spec")
        || matches!(stem, "conftest" | "__init__" | "setup")
}

fn has_main(file: &SkillFile, script: &Script) -> bool {
    if is_main(&file.path) {
        return true;
    }
    let has_shebang = script.source.starts_with(b"#!");
    let text = String::from_utf8_lossy(&script.source);
    match script.language {
        Language::Python => {
            ["__main__", "sys.argv"].iter().any(|mark| text.contains(mark)) || has_top_level_code(&text)
        }
        Language::Node => {
            let marks = ["require.main", "import.meta.main", "process.argv", "process.stdin"];
            let exports = ["module.exports", "\nexport ", "exports."];
            has_shebang
                || marks.iter().any(|mark| text.contains(mark))
                || !exports.iter().any(|mark| text.contains(mark))
        }
        Language::Bash | Language::Sh => has_shebang || file.is_executable,
        Language::Native => file.is_executable,
    }
}

/// Whether a Python module does something when it is run: a call or a loop in its first column, outside of strings and
/// brackets. Set-up calls that helper modules also make (the import path, logging, warnings) do not count.
fn has_top_level_code(text: &str) -> bool {
    let set_up =
        ["sys.path.", "logging.", "warnings.", "load_dotenv(", "matplotlib.", "os.environ", "register_namespace("];
    let mut quote: Option<&str> = None;
    let mut is_continued = false;
    for line in text.lines() {
        let was_inside = quote.is_some() || is_continued;
        let mut rest = line;
        loop {
            let next = match quote {
                Some(mark) => rest.find(mark).map(|at| (at, mark)),
                None => ["\"\"\"", "'''"].iter().filter_map(|mark| Some((rest.find(mark)?, *mark))).min(),
            };
            let Some((at, mark)) = next else { break };
            quote = if quote.is_some() { None } else { Some(mark) };
            rest = rest.get(at + 3..).unwrap_or("");
        }
        is_continued = line.trim_end().ends_with('\\');
        if was_inside || !line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            continue;
        }
        if ["for ", "while ", "with "].iter().any(|word| line.starts_with(word)) {
            return true;
        }
        let callee: &str = line.split('(').next().unwrap_or("");
        let is_call =
            callee.len() < line.len() && callee.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        if is_call && !set_up.iter().any(|start| line.starts_with(start)) {
            return true;
        }
    }
    false
}

fn tool(skill: &Arc<Skill>, script: &Script, is_single: bool, diagnostics: &mut Vec<Diagnostic>) -> Tool {
    let found = inferred(skill, script);
    if script.is_unread {
        let message = format!(
            "{} is larger than {} bytes, so its arguments are not read from its source; declare an input_schema",
            script.path.display(),
            infer::SOURCE_BYTES
        );
        diagnostics.push(problem(Severity::Warning, "tool.source-too-large", "scripts", message));
    }
    let (wanted, description) = if is_single {
        (skill.name.clone(), skill.description.clone())
    } else {
        let label = label(&script.path);
        let description = match &found.description {
            Some(line) => format!("{line} (script {} of skill {})", script.path.display(), skill.name),
            None => format!("Runs {} of the skill {}: {}", script.path.display(), skill.name, skill.description),
        };
        (format!("{}__{label}", skill.name), description)
    };
    let origin = format!("{}\0{}", skill.name, script.path.display());
    let name = name::identifier(&wanted, &origin);
    let declaration = if is_single { skill.manifest.input_schema.as_ref() } else { None };
    let (schema, convention, provenance) = shape(declaration, found, diagnostics);
    Tool {
        name,
        description: clip(description.trim(), DESCRIPTION_BYTES),
        skill: Arc::clone(skill),
        script: script.path.clone(),
        language: script.language,
        schema,
        convention,
        provenance,
    }
}

/// What the script's source says, and the sources of the skill's own modules that it imports.
fn inferred(skill: &Skill, script: &Script) -> Inferred {
    let files = |path: &Path| {
        // The files are sorted by the text of their paths.
        let at = skill.files.binary_search_by(|file| file.path.as_os_str().cmp(path.as_os_str())).ok()?;
        let file = skill.files.get(at).filter(|file| file.size <= infer::SOURCE_BYTES as u64)?;
        skill.read_resource(path.to_str()?, file.size).ok()
    };
    let language = script.language;
    infer::infer_script(&infer::Script { language, source: &script.source, path: &script.path, files: &files })
}

/// The script's path as a word: without its first folder and its extension.
fn label(path: &Path) -> String {
    let parts: Vec<&str> = path.components().filter_map(|part| part.as_os_str().to_str()).collect();
    let inner = match parts.as_slice() {
        ["scripts" | "bin", inner @ ..] if !inner.is_empty() => inner,
        all => all,
    };
    let joined = inner.join("_");
    match joined.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
        _ => joined,
    }
}

type Shape = (Arc<Schema>, Convention, BTreeMap<String, &'static str>);

/// The declared schema where it is usable, else the inferred one, else the generic one.
fn shape(declaration: Option<&Value>, found: Inferred, diagnostics: &mut Vec<Diagnostic>) -> Shape {
    if let Some(declaration) = declaration {
        match declared::compile(declaration) {
            Ok(schema) => {
                let convention = convention_of_declared(&schema, found, diagnostics);
                let provenance = properties(&schema).map(|name| (name.to_owned(), "declared")).collect();
                return (Arc::new(schema), convention, provenance);
            }
            Err(error) => {
                let message = format!("{}; the script's source is used instead", error.message);
                diagnostics.push(problem(Severity::Error, "tool.schema-invalid", "input_schema", message));
            }
        }
    }
    match Schema::compile(found.schema) {
        Ok(schema) => (Arc::new(schema), found.convention, found.provenance),
        Err(error) => {
            let message = format!("the schema inferred from the script is not used: {}", error.message);
            diagnostics.push(problem(Severity::Warning, "tool.schema-inferred", "scripts", message));
            let generic = Inferred::generic();
            let schema = Schema::compile(generic.schema).unwrap_or_else(|_| Schema::anything());
            (Arc::new(schema), generic.convention, generic.provenance)
        }
    }
}

fn properties(schema: &Schema) -> impl Iterator<Item = &str> {
    schema
        .value()
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|map| map.keys().map(String::as_str))
}

/// A script that parses a command line gets one; every other script of a skill with a declared schema reads JSON on stdin.
fn convention_of_declared(schema: &Schema, found: Inferred, diagnostics: &mut Vec<Diagnostic>) -> Convention {
    let Convention::Argv(mut spec) = found.convention else { return Convention::StdinJson };
    // The author knows better than the source of a script that seems to take nothing.
    if spec.arguments.is_empty() && spec.subcommands.is_none() && spec.stdin_property.is_none() {
        return Convention::StdinJson;
    }
    let mut unknown = Vec::new();
    for property in properties(schema) {
        if !spec.knows(property) {
            let own = property.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            if !rename(&mut spec, &own, property) {
                unknown.push(property);
            }
        }
    }
    if found.reads_stdin_json && !unknown.is_empty() {
        return Convention::StdinJson;
    }
    if !unknown.is_empty() {
        let names = crate::schema::validate::names(unknown);
        let message = format!("input_schema declares {names}, which the script's command line does not take");
        diagnostics.push(problem(Severity::Warning, "tool.schema-mismatch", "input_schema", message));
    }
    Convention::Argv(spec)
}

/// Gives the argument that the inference calls `own` the author's spelling; false when there is none.
fn rename(spec: &mut ArgvSpec, own: &str, declared: &str) -> bool {
    let mut is_found = false;
    for argument in spec.arguments.iter_mut().filter(|argument| argument.property == own) {
        argument.property = declared.to_owned();
        is_found = true;
    }
    for set in &mut spec.exclusive {
        set.properties.iter_mut().filter(|name| *name == own).for_each(|name| *name = declared.to_owned());
    }
    if let Some(subcommands) = &mut spec.subcommands {
        for command in &mut subcommands.commands {
            is_found |= rename(&mut command.spec, own, declared);
        }
    }
    is_found
}
