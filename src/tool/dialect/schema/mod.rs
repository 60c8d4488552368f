//! A tool's schema as each vendor takes it.
//!
//! [`plain`] keeps the whole vocabulary and mends what every vendor refuses. [`strict`] and [`gemini`] read that into a
//! [`node::Node`] and write it in a subset. What a subset cannot say stands as words in the nearest description, so that the
//! model is told; the library judges every call by the whole schema in any case.

mod anthropic;
mod gemini;
mod merge;
pub(super) mod names;
mod node;
mod openai;
mod root;
mod words;

use serde_json::Value;

use super::HAS_VENDORS;
use crate::schema::validate::clip;
use crate::tool::{DESCRIPTION_BYTES, Definition};

/// A subset of JSON Schema in which a vendor guarantees the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subset {
    /// Of both OpenAI APIs.
    OpenAiStrict,
    /// Of Anthropic's.
    AnthropicStrict,
}

/// A tool's schema, put into a vendor's shape.
pub(super) struct Shaped {
    /// The tool's description with what the schema could not say, at most [`DESCRIPTION_BYTES`] bytes.
    pub(super) description: String,
    /// The schema; its root is an object with `properties`.
    pub(super) parameters: Value,
    /// How many arguments in it may be left out.
    pub(super) optional: usize,
    /// How many arguments in it have several types.
    pub(super) unions: usize,
}

impl Shaped {
    fn new(tool: &Definition<'_>, parameters: Value, notes: &[String]) -> Self {
        let notes = clip(&notes.join(" "), DESCRIPTION_BYTES / 2);
        let description = if notes.is_empty() {
            clip(tool.description, DESCRIPTION_BYTES)
        } else {
            format!("{} {notes}", clip(tool.description, DESCRIPTION_BYTES - notes.len() - 1))
        };
        Self { description, parameters, optional: 0, unions: 0 }
    }
}

/// The schema in full, with names and a root that every vendor takes.
pub(super) fn plain(tool: &Definition<'_>) -> Shaped {
    if !HAS_VENDORS {
        return Shaped::new(tool, tool.parameters.clone(), &[]);
    }
    let (parameters, notes) = root::mended(tool.parameters);
    Shaped::new(tool, parameters, &notes)
}

/// The schema in a strict subset, or why it cannot be said there.
pub(super) fn strict(tool: &Definition<'_>, subset: Subset) -> Result<Shaped, String> {
    if !HAS_VENDORS {
        return Err("this build has no strict modes".into());
    }
    let (document, notes) = root::mended(tool.parameters);
    let node = node::read(&document);
    match subset {
        Subset::OpenAiStrict => Ok(Shaped::new(tool, openai::write(&node)?, &notes)),
        Subset::AnthropicStrict => {
            let (parameters, counts) = anthropic::write(&node)?;
            let shaped = Shaped::new(tool, parameters, &notes);
            Ok(Shaped { optional: counts.optional, unions: counts.unions, ..shaped })
        }
    }
}

/// The schema in Gemini's subset of OpenAPI; everything can be said there with words.
pub(super) fn gemini(tool: &Definition<'_>) -> Shaped {
    let (document, notes) = root::mended(tool.parameters);
    let node = node::read(&document);
    Shaped::new(tool, gemini::write(&node), &notes)
}
