//! Builds without the scan: no policy can ask for it.

use serde_json::Value;

use crate::engine::document::Section;
use crate::engine::snapshot::Entry;
use crate::error::{Error, Result, Status};

/// What is remembered of a skill: nothing.
pub(in crate::engine) type Memory = ();

/// What the policy says: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Settings(());

impl Settings {
    /// Reads `scan` of the policy, which must be absent: [`Status::Unsupported`] otherwise.
    pub(in crate::engine) fn read(policy: &Section<'_>) -> Result<Self> {
        match policy.get("scan") {
            None => Ok(Self(())),
            Some(_) => Err(unsupported("'policy.scan'")),
        }
    }
}

fn unsupported(what: &str) -> Error {
    Error::new(Status::Unsupported, format!("{what}: this library was built without the feature \"scan\""))
}

/// Nobody who scans.
pub(in crate::engine) struct Inspector;

impl Inspector {
    /// Makes none.
    pub(in crate::engine) fn new(_: Settings) -> Self {
        Self
    }

    /// [`Status::Unsupported`].
    pub(in crate::engine) fn report(&self, _: &Entry) -> Result<Value> {
        Err(unsupported("a scan"))
    }

    /// Refuses nothing.
    pub(in crate::engine) fn check(&self, _: &Entry) -> Result<()> {
        Ok(())
    }
}
