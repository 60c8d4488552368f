//! Version managers' shims, followed without being run.
//!
//! A shim (pyenv, nodenv, asdf, mise, volta) is a small program that picks an installed version and executes it, at a
//! cost of 40 to 110 ms, from files that a sandbox would have to show. The same choice is made here by reading the
//! manager's own files. Only the user's defaults and the variables of the lookup count: a project's `.python-version`
//! belongs to a working directory, which a call does not share with its host.

use std::path::{Path, PathBuf};

use super::Lookup;
use super::elf;

/// The most bytes read of a manager's file or of a shim.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// A tool as the managers call it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Managed {
    /// The name of the plugin in asdf and mise.
    pub plugins: &'static [&'static str],
    /// The variables that choose a version: of pyenv or nodenv, of asdf, of mise.
    pub variables: [&'static str; 3],
}

pub(super) const PYTHON: Managed =
    Managed { plugins: &["python"], variables: ["PYENV_VERSION", "ASDF_PYTHON_VERSION", "MISE_PYTHON_VERSION"] };
pub(super) const NODE: Managed =
    Managed { plugins: &["nodejs", "node"], variables: ["NODENV_VERSION", "ASDF_NODEJS_VERSION", "MISE_NODE_VERSION"] };

/// The program behind `candidate`: itself when it is no shim, else the one that the shim would execute. The error is
/// a one-line reason why that cannot be told, or that the shim defers to the next entry of the search path.
pub(super) fn follow(candidate: &Path, tool: Managed, lookup: &Lookup) -> Result<PathBuf, String> {
    let real = std::fs::canonicalize(candidate).map_err(|error| error.to_string())?;
    let command = candidate.file_name().and_then(|name| name.to_str()).ok_or("its name is not UTF-8")?;
    match real.file_name().and_then(|name| name.to_str()) {
        Some("mise" | "rtx") => return mise(candidate, command, tool, lookup),
        Some("volta-shim" | "volta") => return volta(candidate),
        Some("snap") => return Err(String::from("a snap's launcher cannot run in a sandbox")),
        _ => {}
    }
    if elf::read_file(&real)?.is_some() {
        return Ok(candidate.to_path_buf());
    }
    let text = small_text(&real).unwrap_or_default();
    let root = real.parent().filter(|directory| directory.ends_with("shims")).and_then(Path::parent);
    match root {
        Some(root) if text.contains("asdf") => asdf(root, command, &text, tool, lookup),
        Some(root) if root.join("versions").is_dir() => versions(root, command, tool, lookup),
        _ => Err(String::from("a script that starts another program, which cannot be told without running it")),
    }
}

/// pyenv and nodenv: `<root>/versions/<version>/bin/<command>`.
fn versions(root: &Path, command: &str, tool: Managed, lookup: &Lookup) -> Result<PathBuf, String> {
    let [variable, ..] = tool.variables;
    let (list, source) = match lookup.variables.get(variable).filter(|value| !value.is_empty()) {
        Some(value) => (value.clone(), String::from(variable)),
        None => {
            let file = root.join("version");
            (small_text(&file).unwrap_or_else(|| String::from("system")), file.display().to_string())
        }
    };
    let chosen: Vec<&str> = list
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .flat_map(|line| line.split(|c: char| c == ':' || c.is_whitespace()))
        .filter(|version| !version.is_empty())
        .collect();
    let installed = root.join("versions");
    for version in &chosen {
        if *version == "system" {
            return Err(format!("a shim for the system's own program ({source} says system)"));
        }
        if let Some(program) = installed_program(&installed, version, command) {
            return Ok(program);
        }
    }
    Err(format!("a shim for {} ({source}), which is not installed in {}", chosen.join(" "), installed.display()))
}

/// asdf: `<root>/installs/<plugin>/<version>/bin/<command>`.
fn asdf(root: &Path, command: &str, shim: &str, tool: Managed, lookup: &Lookup) -> Result<PathBuf, String> {
    let [_, variable, _] = tool.variables;
    let root = lookup.variables.get("ASDF_DATA_DIR").map_or_else(|| root.to_path_buf(), PathBuf::from);
    let chosen = lookup
        .variables
        .get(variable)
        .map(|value| words(value))
        .or_else(|| tool_versions(tool, lookup))
        .or_else(|| only_plugin_version(shim));
    let chosen = chosen.ok_or_else(|| format!("an asdf shim without a default version; set {variable}"))?;
    for version in &chosen {
        if version == "system" {
            return Err(String::from("an asdf shim for the system's own program"));
        }
        for plugin in tool.plugins {
            if let Some(program) = installed_program(&root.join("installs").join(plugin), version, command) {
                return Ok(program);
            }
        }
    }
    Err(format!("an asdf shim for {}, which is not installed in {}", chosen.join(" "), root.display()))
}

/// mise: `<data>/installs/<tool>/<version>/bin/<command>`; its shims are links to the `mise` binary.
fn mise(candidate: &Path, command: &str, tool: Managed, lookup: &Lookup) -> Result<PathBuf, String> {
    let [.., variable] = tool.variables;
    let beside = candidate.parent().filter(|directory| directory.ends_with("shims")).and_then(Path::parent);
    let data = beside.map(Path::to_path_buf).or_else(|| Some(lookup.home.as_ref()?.join(".local/share/mise")));
    let data = data.ok_or("a mise shim, and no home directory is known")?;
    let chosen = lookup
        .variables
        .get(variable)
        .map(|value| words(value))
        .or_else(|| mise_config(tool, lookup))
        .or_else(|| tool_versions(tool, lookup))
        .unwrap_or_else(|| vec![String::from("latest")]);
    for version in &chosen {
        for plugin in tool.plugins {
            if let Some(program) = installed_program(&data.join("installs").join(plugin), version, command) {
                return Ok(program);
            }
        }
    }
    Err(format!("a mise shim for {}, which is not installed in {}", chosen.join(" "), data.display()))
}

/// volta (Node only): the user's default is in `tools/user/platform.json`.
fn volta(candidate: &Path) -> Result<PathBuf, String> {
    let root = candidate.parent().and_then(Path::parent).ok_or("a volta shim outside a volta directory")?;
    let platform = root.join("tools/user/platform.json");
    let version = small_text(&platform)
        .and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
        .and_then(|value| Some(value.get("node")?.get("runtime")?.as_str()?.to_owned()))
        .ok_or_else(|| format!("a volta shim without a default version in {}", platform.display()))?;
    installed_program(&root.join("tools/image/node"), &version, "node")
        .ok_or_else(|| format!("a volta shim for node {version}, which is not installed in {}", root.display()))
}

/// `<installed>/<version>/bin/<command>`, where a version may be short (`3.11` is the newest 3.11.x) or `latest`.
fn installed_program(installed: &Path, version: &str, command: &str) -> Option<PathBuf> {
    let version = ["python-", "node-", "v"].iter().find_map(|prefix| version.strip_prefix(prefix)).unwrap_or(version);
    // The version is a directory's name, never a path.
    if version.is_empty() || version.contains('/') || version.starts_with('.') {
        return None;
    }
    let program = |name: &str| Some(installed.join(name).join("bin").join(command)).filter(|path| path.is_file());
    program(version).or_else(|| program(&format!("v{version}"))).or_else(|| {
        let wanted = (version != "latest").then(|| format!("{version}."));
        let mut matching: Vec<(Vec<u32>, String)> = std::fs::read_dir(installed)
            .ok()?
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| wanted.as_ref().is_none_or(|wanted| name.starts_with(wanted.as_str())))
            .filter_map(|name| Some((numbers(&name)?, name)))
            .collect();
        matching.sort_unstable();
        matching.iter().rev().find_map(|(_, name)| program(name))
    })
}

/// `3.11.7` as numbers; `None` for pre-releases and named builds.
fn numbers(version: &str) -> Option<Vec<u32>> {
    version.split('.').map(|part| part.parse().ok()).collect()
}

/// The line of a tool in `~/.tool-versions`.
fn tool_versions(tool: Managed, lookup: &Lookup) -> Option<Vec<String>> {
    let text = small_text(&lookup.home.as_ref()?.join(".tool-versions"))?;
    text.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace().map(String::from);
        let name = words.next()?;
        tool.plugins.contains(&name.as_str()).then(|| words.collect())
    })
}

/// The first string of a tool's line under `[tools]` in mise's own config: `python = "3.11"`, `["3.11", "3.10"]` or
/// `{ version = "3.11" }`.
fn mise_config(tool: Managed, lookup: &Lookup) -> Option<Vec<String>> {
    let text = small_text(&lookup.home.as_ref()?.join(".config/mise/config.toml"))?;
    let lines = text.lines().map(str::trim).skip_while(|line| *line != "[tools]").skip(1);
    lines.take_while(|line| !line.starts_with('[')).find_map(|line| {
        let (name, value) = line.split_once('=')?;
        let is_ours = tool.plugins.contains(&name.trim().trim_matches('"'));
        is_ours.then(|| value.split(['"', '\'']).nth(1).map(words))?
    })
}

/// The version in a shim's `# asdf-plugin: python 3.11.7` lines, when it is the only one.
fn only_plugin_version(shim: &str) -> Option<Vec<String>> {
    let mut lines = shim.lines().filter_map(|line| line.strip_prefix("# asdf-plugin: "));
    let version = lines.next()?.split_whitespace().nth(1)?;
    lines.next().is_none().then(|| words(version))
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(String::from).collect()
}

/// The text of a small regular file.
pub(super) fn small_text(path: &Path) -> Option<String> {
    use std::io::Read as _;
    let mut text = String::new();
    elf::open_regular(path).ok()?.take(MAX_FILE_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}
