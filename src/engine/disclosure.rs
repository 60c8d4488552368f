//! The generic tools of progressive disclosure, answered out of the registry.
//!
//! [`crate::tool::disclosure`] says what an LLM may ask; here it is looked up. Instructions and resources are an answer that
//! needs no process; a script becomes the same request that its own tool would have made. Skills that are disabled, or were
//! never let in, are not there.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::document::excerpt;
use super::snapshot::{Entry, Snapshot};
use crate::error::{Error, Result, Status};
use crate::skill::{Part, Skill};
use crate::tool::disclosure::{Arguments, Generic, GenericTool, Offer, What, offered};
use crate::tool::{Invocation, Tool};

/// A constant in each function, so that a build without the feature holds nothing of this.
const HAS_DISCLOSURE: bool = cfg!(feature = "disclosure");

/// The most resources that are listed when a skill is loaded; any other can be read all the same.
const LISTED: usize = 200;
/// The most scripts that an error message names.
const NAMED: usize = 8;

/// Which tools are given out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Disclosure {
    /// Those of the skills.
    #[default]
    Off,
    /// The generic tools too.
    On,
    /// The generic tools alone; those of the skills can be called all the same.
    Only,
}

/// What a call asks for, once its arguments are judged.
pub(super) enum Request<'s> {
    /// A run.
    Script(Asked<'s>),
    /// Nothing that needs a process.
    Answer {
        /// The skill that was asked.
        skill: String,
        /// The answer: an object.
        output: Value,
    },
}

/// A script that is to be run.
pub(super) struct Asked<'s> {
    pub(super) entry: &'s Arc<Entry>,
    pub(super) tool: &'s Arc<Tool>,
    pub(super) invocation: Invocation,
}

/// [`Status::Unsupported`], naming `what`, in a build without the feature.
pub(super) fn check(what: &str) -> Result<()> {
    if HAS_DISCLOSURE {
        return Ok(());
    }
    let message = format!("{what}: this library was built without the feature \"disclosure\"");
    Err(Error::new(Status::Unsupported, message))
}

/// The generic tools as they are given out.
pub(super) fn tools(snapshot: &Snapshot, disclosure: Disclosure) -> Vec<GenericTool> {
    if !HAS_DISCLOSURE || disclosure == Disclosure::Off {
        return Vec::new();
    }
    let offers: Vec<_> = snapshot
        .enabled()
        .map(|(entry, tools)| Offer {
            name: &entry.skill.name,
            has_resources: entry.skill.files.len() > 1,
            has_scripts: !tools.is_empty(),
        })
        .collect();
    offered(&offers)
}

/// The generic tool of this name, where they are given out.
pub(super) fn generic(name: &str, disclosure: Disclosure) -> Option<Generic> {
    if !HAS_DISCLOSURE || disclosure == Disclosure::Off { None } else { Generic::from_name(name) }
}

/// What a call of a generic tool asks for; `max_bytes` bounds the text that it is answered with. Errors, all of which
/// other arguments could mend: [`Status::InvalidArguments`], [`Status::SkillNotFound`], [`Status::ResourceNotFound`],
/// [`Status::PathEscape`], [`Status::ResourceTooLarge`]; and [`Status::SkillChanged`], [`Status::Io`].
pub(super) fn request<'s>(
    snapshot: &'s Snapshot,
    generic: Generic,
    arguments: &Value,
    max_bytes: u64,
) -> Result<Request<'s>> {
    let ask = generic.ask(arguments)?;
    let (entry, tools) = snapshot.enabled_skill(&ask.skill)?;
    let skill = &entry.skill;
    let output = match ask.what {
        What::Instructions => instructions(skill, tools, max_bytes),
        What::Resource { path, offset, limit } => resource(skill, &path, offset, limit.min(max_bytes).max(1))?,
        What::Run { script, arguments, stdin } => {
            let tool = script_of(skill, tools, &script)?;
            let invocation = invocation(tool, arguments, stdin)?;
            return Ok(Request::Script(Asked { entry, tool, invocation }));
        }
    };
    Ok(Request::Answer { skill: skill.name.clone(), output })
}

fn instructions(skill: &Skill, tools: &[Arc<Tool>], max_bytes: u64) -> Value {
    let is_script = |path: &Path| tools.iter().any(|tool| tool.script == path);
    let (mut listed, mut left_out) = (Vec::new(), 0usize);
    for file in skill.resources().into_iter().filter(|file| !is_script(&file.path)) {
        if listed.len() < LISTED {
            listed.push(json!({ "path": file.path.to_string_lossy(), "size": file.size }));
        } else {
            left_out += 1;
        }
    }
    let scripts: Vec<_> = tools
        .iter()
        .map(|tool| {
            json!({
                "script": tool.script.to_string_lossy(),
                "tool": tool.name,
                "description": tool.description,
                "parameters": tool.parameters(),
            })
        })
        .collect();
    let body = beginning(&skill.body, max_bytes);
    let mut output = json!({
        "name": skill.name,
        "description": skill.description,
        "instructions": body,
        "resources": listed,
        "scripts": scripts,
    });
    if left_out > 0 {
        output["resources_left_out"] = json!(left_out);
    }
    if body.len() < skill.body.len() {
        output["instructions_cut"] = json!(format!(
            "these are the first {} of {} bytes; read {} for the rest",
            body.len(),
            skill.body.len(),
            skill.skill_md().display()
        ));
    }
    output
}

/// At most this many bytes from the start of a text, in whole characters.
fn beginning(text: &str, max_bytes: u64) -> &str {
    let mut end = usize::try_from(max_bytes).unwrap_or(usize::MAX).min(text.len());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

fn resource(skill: &Skill, path: &str, offset: u64, limit: u64) -> Result<Value> {
    let size = skill.file(path)?.size;
    if offset > size {
        return Err(Error::new(
            Status::InvalidArguments,
            format!("/offset: {offset} is beyond the end of '{}', which has {size} bytes", excerpt(path)),
        ));
    }
    let Part { bytes, offset, size, is_text } = skill.read_part(path, offset, limit)?;
    let end = offset.saturating_add(bytes.len() as u64);
    // What is text as a whole is text in parts.
    let (encoding, content) = match String::from_utf8(bytes) {
        Ok(text) if is_text => ("text", text),
        Ok(text) => ("base64", STANDARD.encode(text)),
        Err(error) => ("base64", STANDARD.encode(error.as_bytes())),
    };
    Ok(json!({
        "name": skill.name,
        "path": path,
        "size": size,
        "offset": offset,
        "next_offset": if end < size { json!(end) } else { Value::Null },
        "encoding": encoding,
        "content": content,
    }))
}

/// The tool behind what a model calls a script: its path, the tool's own name, or a file name that no other script has.
fn script_of<'t>(skill: &Skill, tools: &'t [Arc<Tool>], script: &str) -> Result<&'t Arc<Tool>> {
    if let Some(tool) = tools.iter().find(|tool| tool.name == script) {
        return Ok(tool);
    }
    let why = match skill.file(script) {
        Ok(file) => match tools.iter().find(|tool| tool.script == file.path) {
            Some(tool) => return Ok(tool),
            None => "is no script that can be run",
        },
        Err(error) if error.status == Status::PathEscape => return Err(error),
        Err(_) => {
            let mut named = tools.iter().filter(|tool| tool.script.file_name().is_some_and(|name| name == script));
            match (named.next(), named.next()) {
                (Some(tool), None) => return Ok(tool),
                (Some(_), Some(_)) => "is the name of more than one script; give its path",
                (None, _) => "is not there",
            }
        }
    };
    let mut known: Vec<_> = tools.iter().take(NAMED).map(|tool| tool.script.to_string_lossy()).collect();
    if tools.len() > NAMED {
        known.push("…".into());
    }
    let known = if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
    let (script, name) = (excerpt(script), excerpt(&skill.name));
    let message = format!("script '{script}' of skill '{name}' {why}; {known}");
    Err(Error::new(Status::ResourceNotFound, message))
}

fn invocation(tool: &Tool, arguments: Arguments, stdin: Option<String>) -> Result<Invocation> {
    let mut invocation = match arguments {
        Arguments::Named(named) => tool.prepare(&named)?,
        Arguments::Words(words) => tool.prepare_words(words)?,
    };
    if let Some(stdin) = stdin {
        if !invocation.stdin.is_empty() {
            let message = format!(
                "arguments of {} do not fit: /stdin: the script takes its arguments there; leave stdin out",
                Generic::RunSkillScript.name()
            );
            return Err(Error::new(Status::InvalidArguments, message));
        }
        invocation.stdin = stdin.into_bytes();
    }
    Ok(invocation)
}
