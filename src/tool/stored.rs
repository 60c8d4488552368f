//! The tools of a skill as bytes that a cache keeps, so that its scripts need not be read again to know their arguments.
//!
//! The bytes are only good for the very content that they were made of, which [`key`] names. They are not trusted beyond that: what is read back has
//! the form of tools of this skill, or it is nothing.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::scripts::TOOLS;
use super::{Convention, DESCRIPTION_BYTES, Tool, name};
use crate::runtime::Language;
use crate::schema::stored::{Reader, Stored, fields};
use crate::schema::{SOURCES, Schema};
use crate::skill::Skill;

/// Changed when the same skill would give other tools, or the same tools other bytes, without another version of the library.
const FORMAT: &str = concat!("tools 2 of ", env!("CARGO_PKG_VERSION"));

/// What all tools of a skill follow from, as a name; `None` where that is not pinned by content.
pub fn key(skill: &Skill) -> Option<String> {
    if skill.files.iter().any(|file| file.sha256.is_empty()) {
        return None;
    }
    let mut hasher = Sha256::new();
    // The name may be that of the folder, which is not part of the digest.
    for part in [FORMAT, &skill.digest, &skill.name] {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.update([u8::from(cfg!(feature = "validation"))]);
    Some(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// One tool, without what the skill says of itself.
struct Kept {
    name: String,
    description: String,
    script: String,
    language: Language,
    schema: Value,
    convention: Convention,
    provenance: Vec<(String, String)>,
}

fields!(Kept { name, description, script, language, schema, convention, provenance });

/// The tools as bytes; `None` where they could not be read back.
pub fn write(tools: &[Tool]) -> Option<Vec<u8>> {
    let kept = |tool: &Tool| {
        Some(Kept {
            name: tool.name.clone(),
            description: tool.description.clone(),
            script: tool.script.to_str()?.to_owned(),
            language: tool.language,
            schema: tool.schema.value().clone(),
            convention: tool.convention.clone(),
            provenance: tool.provenance.iter().map(|(name, source)| (name.clone(), (*source).to_owned())).collect(),
        })
    };
    let kept: Option<Vec<Kept>> = tools.iter().map(kept).collect();
    let mut bytes = Vec::new();
    kept?.write(&mut bytes);
    Some(bytes)
}

/// The tools of `skill` that the bytes hold.
pub fn read(bytes: &[u8], skill: &Arc<Skill>) -> Option<Vec<Tool>> {
    let mut reader = Reader::new(bytes);
    let kept = Vec::<Kept>::read(&mut reader).filter(|kept| reader.is_at_end() && kept.len() <= TOOLS)?;
    kept.into_iter().map(|kept| restored(kept, skill)).collect()
}

fn restored(kept: Kept, skill: &Arc<Skill>) -> Option<Tool> {
    let script = PathBuf::from(kept.script);
    let is_known = skill.files.iter().any(|file| file.path == script);
    if !is_known || !name::is_identifier(&kept.name) || kept.description.len() > DESCRIPTION_BYTES {
        return None;
    }
    let provenance = kept.provenance.into_iter().map(|(property, source)| {
        let source = SOURCES.iter().find(|known| **known == source)?;
        Some((property, *source))
    });
    Some(Tool {
        name: kept.name,
        description: kept.description,
        skill: Arc::clone(skill),
        script,
        language: kept.language,
        schema: Arc::new(Schema::compiled_later(kept.schema).ok()?),
        convention: kept.convention,
        provenance: provenance.collect::<Option<_>>()?,
    })
}
