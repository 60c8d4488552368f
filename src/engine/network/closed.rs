//! Builds without the proxy: no policy can allow anything.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::engine::document::{Section, invalid};
use crate::error::{Error, Result, Status};
use crate::sandbox::{Network, Tier, Uplink};
use crate::skill::NetworkDeclaration;

/// What the policy says: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Settings(());

impl Settings {
    /// Reads `network` of the policy, which must be off: [`Status::Unsupported`] otherwise.
    pub(in crate::engine) fn read(section: &Section<'_>) -> Result<Self> {
        is_off(section).map(Self)
    }
}

/// What a call says: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Narrowing(());

impl Narrowing {
    /// Reads `network` of the options, as [`Settings::read`].
    pub(in crate::engine) fn read(section: &Section<'_>) -> Result<Self> {
        is_off(section).map(Self)
    }
}

fn is_off(section: &Section<'_>) -> Result<()> {
    let name = section.key_name("network");
    match section.get("network") {
        None | Some(Value::Bool(false)) => Ok(()),
        Some(Value::Array(rules)) if rules.is_empty() => Ok(()),
        Some(Value::Bool(true) | Value::Array(_) | Value::Object(_)) => Err(Error::new(
            Status::Unsupported,
            format!(
                "'{name}' asks for network access, and this library was built without the feature \"network\"; set it to false"
            ),
        )),
        Some(_) => Err(invalid(&name, "must be false or an array of \"host:port\" rules")),
    }
}

/// The way out of an engine: none.
pub(in crate::engine) struct Gateway;

impl Gateway {
    /// Makes none.
    pub(in crate::engine) fn new() -> Self {
        Self
    }

    /// The way out of one call: none.
    pub(in crate::engine) fn open(
        &self,
        _: &Settings,
        wish: Option<&NetworkDeclaration>,
        _: &Narrowing,
        _: Tier,
    ) -> Result<Way> {
        Ok(Way { is_wanted: wish.is_some_and(|wish| wish.enabled) })
    }

    /// Nothing to close.
    pub(in crate::engine) fn close(&self) {}
}

/// No way out.
#[derive(Debug, Default)]
pub(in crate::engine) struct Way {
    is_wanted: bool,
}

impl Way {
    /// What the sandbox is told.
    pub(in crate::engine) fn policy(&self) -> Network {
        Network::Closed
    }

    /// No variables.
    pub(in crate::engine) fn environment(&self, _: &Path, _: bool) -> Vec<(OsString, OsString)> {
        Vec::new()
    }

    /// No files.
    pub(in crate::engine) fn files(&self, _: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        Vec::new()
    }

    /// Nobody takes a listener.
    pub(in crate::engine) fn uplink(&self) -> Option<Uplink> {
        None
    }

    /// The `network` of the result.
    pub(in crate::engine) fn report(&self) -> Value {
        super::document(false, self.is_wanted, Some(super::NO_POLICY.to_owned()))
    }
}
