//! The system prompt of an agent: the host's own, and what the model should know of the skills.

use super::config::Config;
use crate::engine::Engine;
use crate::error::Result;

/// The prompt for the skills that are there now; `None` when there is nothing to say.
pub(super) fn system(engine: &Engine, config: &Config) -> Result<Option<String>> {
    let skills = if config.has_context { engine.prompt(r#"{"form":"xml"}"#)? } else { String::new() };
    let parts: Vec<String> = config.system.iter().cloned().chain([skills]).filter(|part| !part.is_empty()).collect();
    Ok((!parts.is_empty()).then(|| parts.join("\n\n")))
}
