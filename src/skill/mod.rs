//! Agent Skills on disk: a folder with `SKILL.md`, read once, pinned by digest.
//!
//! Callers come in with a path ([`discover`], [`load`], [`validate`]); what leaves is a [`Skill`], plain data that holds
//! everything the layers above need, or a [`Skipped`] with its reasons. Nothing here runs a script, infers a schema or
//! knows an LLM. Loading is lenient (what PyYAML reads, loads, with diagnostics); validating is strict.

mod beneath;
#[cfg(feature = "dependencies")]
mod dependencies;
mod diagnostic;
mod discover;
mod entry_point;
mod files;
mod front_matter;
mod identity;
mod load;
mod manifest;
mod nesting;
mod part;
mod pins;
mod repair;
mod resource;
mod runtime_block;
mod validate;
pub(crate) mod yaml;

use std::path::PathBuf;
use std::sync::Arc;

#[cfg(feature = "dependencies")]
pub use dependencies::{Dependencies, Ecosystem};
pub(crate) use diagnostic::excerpt;
pub use diagnostic::{Diagnostic, Severity};
pub use discover::{Discovery, discover, discover_by};
pub use files::{MAX_FILES, MAX_HASHED_BYTES, SkillFile};
pub use front_matter::MAX_FRONT_MATTER_BYTES;
pub use load::{MAX_SKILL_MD_BYTES, load};
pub use manifest::{Manifest, NetworkDeclaration};
pub use part::Part;
pub use validate::validate;

/// A skill as it was when it was loaded; later changes on disk are noticed ([`Skill::verify_all`]), never picked up.
#[derive(Clone, Debug)]
pub struct Skill {
    /// The manifest's name, or the folder's where the manifest has no usable one. 1–256 characters, no control or
    /// invisible characters, no slashes; otherwise as the author wrote it, so not necessarily a valid tool name.
    pub name: String,
    /// What the skill does and when to use it; trimmed, never empty.
    pub description: String,
    /// The skill's folder: absolute, canonical.
    pub root: PathBuf,
    /// What the skill declares about itself.
    pub manifest: Manifest,
    /// The instructions: SKILL.md without its front matter, trimmed. May be empty.
    pub body: String,
    /// The skill's regular files, sorted by path, SKILL.md included; at most [`MAX_FILES`].
    pub files: Vec<SkillFile>,
    /// `sha256:<hex>` over one line `path NUL size NUL sha256 NUL x|- LF` for each of `files`, in order.
    pub digest: String,
    /// What the loader noticed: nothing in here stopped the skill from loading.
    pub diagnostics: Vec<Diagnostic>,
    /// What verifying compares the folder with; clones share what it learns.
    pins: Arc<pins::Pins>,
}

/// A folder that has a SKILL.md and was not loaded.
#[derive(Clone, Debug)]
pub struct Skipped {
    /// The skill's folder.
    pub path: PathBuf,
    /// Why: at least one entry; the first is the reason, the rest is what else was noticed.
    pub diagnostics: Vec<Diagnostic>,
}
