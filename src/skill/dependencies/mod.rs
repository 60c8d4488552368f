//! What a skill's scripts need to have installed: read from where authors write it, brought into one form, installed
//! by nobody here.
//!
//! One declaration counts for a script, the nearest: its own inline block (PEP 723), which is for that script alone; else
//! the `requirements.txt` or `package.json` in its folder or in one above, up to the skill's own; else `dependencies` of
//! SKILL.md. What is not a plain requirement of an index (options of an installer, paths, bare URLs) is refused by name.

mod inline;
mod package;
mod requirements;

use std::path::Path;

use super::Skill;
use super::diagnostic::excerpt;
use super::manifest::quoted;
use crate::error::{Error, Result, Status};

/// The largest file that is read for what it declares, a lock included.
const MAX_BYTES: u64 = 4 << 20;
/// The most requirements of one declaration.
const MAX_REQUIREMENTS: usize = 1000;
/// What marks a requirement of SKILL.md as one of Node's.
const NPM: &str = "npm:";

/// Whose packages they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ecosystem {
    /// Distributions that Python imports.
    Python,
    /// Packages that Node requires and imports.
    Node,
}

/// What one script needs. The same needs are the same bytes, wherever they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependencies {
    /// Whose packages.
    pub ecosystem: Ecosystem,
    /// The skill's file that declares them.
    pub source: String,
    /// One each, as the ecosystem writes it (`pandas>=2`, `ms@^2`), sorted, never empty.
    pub requirements: Vec<String>,
    /// What an installer reads: name and content.
    pub files: Vec<(&'static str, Vec<u8>)>,
}

impl Skill {
    /// What the script at `script` needs, if it declares anything. [`Status::InvalidDependencies`] names what cannot be
    /// understood; the statuses of [`Skill::read_resource`].
    pub fn dependencies(&self, script: &Path, ecosystem: Ecosystem) -> Result<Option<Dependencies>> {
        let nearest = match ecosystem {
            Ecosystem::Python => match self.inline_block(script)? {
                Some(found) => return Ok(found),
                None => self.nearest(script, requirements::FILE)?,
            },
            Ecosystem::Node => self.nearest(script, package::FILE)?,
        };
        let Some(path) = nearest else { return self.declared(ecosystem) };
        let bytes = self.read_resource(&path, MAX_BYTES)?;
        let found = match ecosystem {
            Ecosystem::Python => requirements::read(&bytes),
            Ecosystem::Node => package::read(&bytes, self.lock_beside(&path)?),
        };
        found.map_err(|why| self.unusable(&path, &why)).map(|found| found.map(|found| found.named(&path)))
    }

    /// The requirements of a script's own block; the inner `None` where it says that there are none.
    fn inline_block(&self, script: &Path) -> Result<Option<Option<Dependencies>>> {
        let path = script.to_string_lossy();
        if self.file(&path)?.size > MAX_BYTES {
            return Ok(None);
        }
        let source = self.read_resource(&path, MAX_BYTES)?;
        let found = inline::read(&source).map_err(|why| self.unusable(&path, &why))?;
        Ok(found.map(|found| found.map(|found| found.named(&path))))
    }

    /// The nearest file of this name, from the script's folder upwards.
    fn nearest(&self, script: &Path, name: &str) -> Result<Option<String>> {
        let candidates = script.ancestors().skip(1).map(|folder| folder.join(name));
        let is_there = |path: &std::path::PathBuf| self.files.iter().any(|file| file.path == *path);
        Ok(candidates.into_iter().find(is_there).map(|path| path.to_string_lossy().into_owned()))
    }

    fn lock_beside(&self, package: &str) -> Result<Option<Vec<u8>>> {
        let path = Path::new(package).with_file_name(package::LOCK);
        match self.files.iter().any(|file| file.path == path) {
            true => self.read_resource(&path.to_string_lossy(), MAX_BYTES).map(Some),
            false => Ok(None),
        }
    }

    /// What SKILL.md declares for this ecosystem.
    fn declared(&self, ecosystem: Ecosystem) -> Result<Option<Dependencies>> {
        let mut texts: Vec<&str> = Vec::new();
        for text in &self.manifest.dependencies {
            let (owner, text) = match text.trim().strip_prefix(NPM) {
                Some(text) => (Ecosystem::Node, text),
                None => (self.usual_ecosystem(), text.trim()),
            };
            if owner == ecosystem {
                texts.push(text);
            }
        }
        let source = self.skill_md().to_string_lossy().into_owned();
        let found = match ecosystem {
            Ecosystem::Python => requirements::from_texts(&texts),
            Ecosystem::Node => package::from_texts(&texts),
        };
        found.map_err(|why| self.unusable(&source, &why)).map(|found| found.map(|found| found.named(&source)))
    }

    /// Whose an unmarked requirement of SKILL.md is: the declared language's, else Python's where there is Python.
    fn usual_ecosystem(&self) -> Ecosystem {
        let has_python = || self.files.iter().any(|file| file.path.extension().is_some_and(|ending| ending == "py"));
        match self.manifest.language.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("node" | "nodejs" | "javascript" | "js" | "typescript") => Ecosystem::Node,
            Some(_) => Ecosystem::Python,
            None if has_python() => Ecosystem::Python,
            None => Ecosystem::Node,
        }
    }

    fn unusable(&self, path: &str, why: &str) -> Error {
        let message = format!("{} of skill {} {why}", quoted(path), quoted(&self.name));
        Error::new(Status::InvalidDependencies, message)
    }
}

impl Dependencies {
    /// The requirements and where they stand, short enough for a message.
    pub fn summary(&self) -> String {
        const NAMED: usize = 8;
        let named: Vec<_> = self.requirements.iter().take(NAMED).map(|text| excerpt(text)).collect();
        let more = match self.requirements.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{}{more} ({})", named.join(", "), excerpt(&self.source))
    }

    fn named(mut self, source: &str) -> Self {
        self.source = source.to_owned();
        self
    }
}
