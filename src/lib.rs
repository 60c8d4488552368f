//! SkillLite: run Agent Skills safely inside other people's programs.
//!
//! The map of the house; data flows down this list and nothing below knows what is above:
//!
//! | room | what it is |
//! | --- | --- |
//! | [`capi`] | the C ABI: handles, buffers, errors, the panic boundary; converts and delegates |
//! | [`agent`] | the loop between a model and the tools, without input or output of its own |
//! | [`engine`] | one configured instance: registry of skills, policy, executor of calls |
//! | [`tool`] | what an LLM sees, and an LLM's call turned into a program's argv and stdin |
//! | [`schema`] | the JSON Schema of a script's arguments: declared, or inferred from its source |
//! | [`scan`] | what a skill's sources look like they might do: rules, findings; advice and no isolation |
//! | [`skill`] | SKILL.md folders: discovery, manifest, resources, digests |
//! | [`runtime`] | interpreters and the files that each needs to be visible |
//! | [`network`] | who may be reached: allow-lists, the decision, the proxy that dials |
//! | [`sandbox`] | policy → plan → supervisor → process; has never heard of skills, JSON or LLMs |

pub mod agent;
pub mod capi;
mod crew;
pub mod engine;
pub mod error;
mod limit;
#[cfg(all(feature = "network", target_os = "linux"))]
pub mod network;
mod random;
pub mod runtime;
pub mod sandbox;
#[cfg(feature = "scan")]
pub mod scan;
pub mod schema;
pub mod skill;
#[cfg(feature = "inference")]
mod syntax;
pub mod tool;
