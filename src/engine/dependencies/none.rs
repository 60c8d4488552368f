//! Builds without the feature: nothing is installed, and a config that asks for it is refused.

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::Value;

use super::{Candidate, Workshop};
use crate::engine::Config;
use crate::engine::document::Section;
use crate::engine::snapshot::Entry;
use crate::error::{Error, Result, Status};
use crate::runtime::Runtime;
use crate::sandbox::{Bind, Layout, Policy, Tier};
use crate::tool::Tool;

/// No settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Settings {}

impl Settings {
    /// `false` is understood; anything else is [`Status::Unsupported`].
    pub(in crate::engine) fn read(top: &Section<'_>, _: &Policy) -> Result<Option<Self>> {
        match top.get("dependencies") {
            None | Some(Value::Bool(false)) => Ok(None),
            Some(_) => Err(lacking()),
        }
    }
}

fn lacking() -> Error {
    Error::new(Status::Unsupported, "'dependencies': this library was built without the feature \"dependencies\"")
}

/// None.
pub(in crate::engine) struct Environments;

/// What a call gets: nothing.
#[derive(Debug, Default)]
pub(in crate::engine) struct Provided;

impl Environments {
    /// Makes none.
    pub(in crate::engine) fn new(_: &Config) -> Self {
        Self
    }

    /// What a call of `tool` gets: nothing.
    pub(in crate::engine) fn provide(&self, _: &Entry, _: &Tool, _: &Runtime, _: Tier) -> Result<Provided> {
        Ok(Provided)
    }

    /// Always [`Status::Unsupported`].
    pub(in crate::engine) fn prepare(&self, _: &Workshop<'_>, _: &[Candidate<'_>]) -> Result<Value> {
        Err(lacking())
    }
}

impl Provided {
    /// No mounts.
    pub(in crate::engine) fn bind(&self) -> Option<Bind> {
        None
    }

    /// No variables.
    pub(in crate::engine) fn steer(&self, _: &Layout, _: &mut Vec<(OsString, OsString)>) {}

    /// No files.
    pub(in crate::engine) fn files(&self, _: &Layout) -> Option<(PathBuf, Vec<u8>)> {
        None
    }

    /// The `dependencies` of the result.
    pub(in crate::engine) fn report(&self) -> Value {
        Value::Null
    }
}
