//! What the library infers from scripts, judged by the scripts themselves.
//!
//! Every argparse script of the published packages runs in the sandbox up to its `parse_args`; the live parser is compared
//! with the schema and the command line that were read from its source. And generated parsers are given the command
//! lines that the library writes: they must understand what was meant.

#![cfg(feature = "inference")]

mod argv;
mod corpus;
mod frameworks;
mod generated;
mod generator;
mod live;
mod ours;
mod published;

use std::collections::BTreeMap;

use serde_json::Value;

/// What is known of a command line, by topic; the same topics for the live parser and for the inferred schema.
type Facts = BTreeMap<String, Value>;
