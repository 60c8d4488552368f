//! The system prompt of an agent: the host's own, and what the model should know of the skills.

use super::config::Config;
use crate::engine::Engine;
use crate::error::Result;

/// The prompt for the skills that are there now; `None` when there is nothing to say.
pub(super) fn system(engine: &Engine, config: &Config) -> Result<Option<String>> {
    let skills = if config.has_context { skills(engine)? } else { None };
    let parts: Vec<String> = config.system.iter().cloned().chain(skills).collect();
    Ok((!parts.is_empty()).then(|| parts.join("\n\n")))
}

/// The skills with what each is for. This function alone decides what context a model gets.
fn skills(engine: &Engine) -> Result<Option<String>> {
    let catalogue = engine.enabled_skills()?;
    let mut block = String::new();
    for skill in catalogue.as_array().into_iter().flatten() {
        let text = |key: &str| escaped(skill[key].as_str().unwrap_or_default());
        let (name, description) = (text("name"), text("description"));
        block.push_str(&format!("<skill>\n<name>{name}</name>\n<description>{description}</description>\n</skill>\n"));
    }
    Ok((!block.is_empty()).then(|| format!("<available_skills>\n{block}</available_skills>")))
}

/// Text between tags.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
