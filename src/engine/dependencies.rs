//! What skills declare to need, installed: environments named by their content, built once, seen read-only by calls.
//!
//! Nothing is installed unless the config says so, and a call never waits for it: [`Environments::prepare`] builds, a call
//! finds, and one whose environment is missing says which function makes it. Built without the feature there is none, and a
//! config that asks for it is refused.
//!
//! | room | what it is |
//! | --- | --- |
//! | `settings` | the config: indexes, who may be reached, limits |
//! | `store` | the folder of environments: names, locks, what is complete |
//! | `build` | one environment made by an installer in a sandbox |
//! | `tree` | what the installer left, copied out of the sandbox |
//! | `environments` | what calls get, and what is prepared |

#[cfg(all(feature = "dependencies", target_os = "linux"))]
mod build;
#[cfg(all(feature = "dependencies", target_os = "linux"))]
mod environments;
#[cfg(not(all(feature = "dependencies", target_os = "linux")))]
#[path = "dependencies/none.rs"]
mod environments;
#[cfg(all(feature = "dependencies", target_os = "linux"))]
mod settings;
#[cfg(all(feature = "dependencies", target_os = "linux"))]
mod store;
#[cfg(all(feature = "dependencies", target_os = "linux"))]
mod tree;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::network;
use super::snapshot::Entry;
use crate::runtime::Interpreters;
use crate::sandbox::{Policy, Sandbox};
use crate::tool::Tool;

pub(super) use environments::Environments;
#[cfg(not(all(feature = "dependencies", target_os = "linux")))]
pub(super) use environments::Settings;
#[cfg(all(feature = "dependencies", target_os = "linux"))]
pub(super) use settings::Settings;

/// A skill and its tools, under their final names.
pub(super) type Candidate<'s> = (&'s Arc<Entry>, &'s [Arc<Tool>]);

/// What an engine lends to build an environment.
#[cfg_attr(
    not(all(feature = "dependencies", target_os = "linux")),
    allow(dead_code, reason = "without the feature nobody builds")
)]
pub(super) struct Workshop<'e> {
    pub(super) interpreters: &'e Interpreters,
    pub(super) sandbox: &'e Sandbox,
    pub(super) gateway: &'e network::Gateway,
    /// The isolation that builds get too; their limits and their network are their own.
    pub(super) policy: &'e Policy,
    pub(super) network: &'e network::Settings,
    /// Set when the engine is closed: what waits gives up.
    pub(super) is_closed: &'e AtomicBool,
}
