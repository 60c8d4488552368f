//! The registry as documents: what a host shows its users, and what it gives to an LLM as context.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::snapshot::{Entry, Snapshot};
use crate::skill::{Skill, SkillFile};
use crate::tool::Tool;
use crate::tool::dialect::Dialect;

/// The catalogue: one object for each skill, in load order.
pub(super) fn skills(snapshot: &Snapshot) -> Value {
    let disabled = snapshot.disabled();
    snapshot.skills().map(|(entry, tools)| skill(entry, tools, !disabled.contains(&entry.skill.name))).collect()
}

fn skill(entry: &Entry, tools: &[Arc<Tool>], is_enabled: bool) -> Value {
    let skill = &entry.skill;
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
    let diagnostics: Vec<_> = skill.diagnostics.iter().chain(&entry.diagnostics).collect();
    json!({
        "name": skill.name,
        "description": skill.description,
        "root": skill.root.to_string_lossy(),
        "digest": skill.digest,
        "tools": names,
        "is_enabled": is_enabled,
        "diagnostics": diagnostics,
        "version": skill.manifest.version,
        "license": skill.manifest.license,
        "wants_network": wants_network(skill),
        "resources": skill.resources().len(),
    })
}

/// What the specification to the letter has to say about the skill in `dir`: an array of diagnostics.
pub fn validate(dir: &Path) -> Value {
    json!(crate::skill::validate(dir))
}

/// What a skill declares, its files and their digests, and the tools made from it.
pub(super) fn manifest(entry: &Entry, tools: &[Arc<Tool>]) -> Value {
    let skill = &entry.skill;
    let tools: Vec<_> = tools
        .iter()
        .map(|tool| {
            json!({
                "name": tool.name,
                "description": tool.description,
                "script": tool.script.to_string_lossy(),
                "language": tool.language,
                "parameters": tool.parameters(),
                "provenance": tool.provenance,
                "not_strict": not_strict(tool),
            })
        })
        .collect();
    json!({
        "name": skill.name,
        "description": skill.description,
        "root": skill.root.to_string_lossy(),
        "digest": skill.digest,
        "files": files(skill.files.iter()),
        "declared": skill.manifest,
        "tools": tools,
    })
}

/// For each dialect with a strict mode in which the tool's schema cannot be said: why.
fn not_strict(tool: &Tool) -> Value {
    let why = |(name, dialect): &(&str, Dialect)| Some((name.to_string(), json!(dialect.why_not_strict(tool)?)));
    Value::Object(Dialect::ALL.iter().filter_map(why).collect())
}

/// The files of a skill that an LLM may ask for.
pub(super) fn resources(skill: &Skill) -> Value {
    files(skill.resources().into_iter())
}

fn files<'f>(files: impl Iterator<Item = &'f SkillFile>) -> Value {
    files
        .map(|file| {
            json!({
                "path": file.path.to_string_lossy(),
                "size": file.size,
                "sha256": file.sha256,
                "is_executable": file.is_executable,
            })
        })
        .collect()
}

/// Whether a skill says that it needs the network.
pub(super) fn wants_network(skill: &Skill) -> bool {
    skill.manifest.network.as_ref().is_some_and(|network| network.enabled)
}
