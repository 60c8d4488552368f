//! Vendors' JSON shapes for the same three things: define tools, read calls, answer them.
//!
//! One file per dialect; a new one adds its file, a variant and its row in [`Dialect::ALL`]. In comes a vendor's response
//! as JSON, whole or streamed ([`Assembler`]), out go [`ToolCall`]s; nothing is executed here and nothing is sent.
//! Schemas are put into each vendor's subset in `schema`. docs/dialects.md has the tables and their sources.

mod anthropic;
pub mod chat;
mod gemini;
mod mcp;
mod openai;
mod put;
mod reply;
mod responses;
mod schema;
mod stream;

use serde_json::Value;

use super::{Definition, Tool};
use crate::error::{Error, Result, Status};
pub(super) use schema::names::restored;
pub use stream::Assembler;

/// A vendor's JSON shape. The strict ones differ in their definitions alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI Chat Completions, and every server that is compatible with it.
    OpenAi,
    /// The same, with `strict: true` where a tool's schema can be said in that mode.
    OpenAiStrict,
    /// OpenAI Responses.
    OpenAiResponses,
    /// The same, with `strict: true` where a tool's schema can be said in that mode.
    OpenAiResponsesStrict,
    /// Anthropic Messages.
    Anthropic,
    /// The same, with `strict: true` where a tool's schema can be said in that mode and the request's bounds allow it.
    AnthropicStrict,
    /// Gemini's generateContent.
    Gemini,
    /// Model Context Protocol, as a server speaks it.
    Mcp,
}

/// One call that an LLM asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    /// The vendor's id of the call; the answer repeats it. Empty when the server gave none.
    pub id: String,
    /// The name of the tool as the LLM wrote it; it may not exist.
    pub name: String,
    /// The arguments, or why they are not JSON: such a call is answered with the error so that the model can repair it.
    pub arguments: Result<Value>,
}

/// The answer to one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolAnswer {
    /// [`ToolCall::id`].
    pub id: String,
    /// [`ToolCall::name`].
    pub name: String,
    /// The text for the LLM. Dialects that take structured answers are given the object that it is the JSON of.
    pub content: String,
    /// Whether the call failed.
    pub is_error: bool,
}

/// Whether this build speaks more than `openai`. A constant in each match, so that a build without the feature holds
/// nothing of the others.
const HAS_VENDORS: bool = cfg!(feature = "dialects");

impl Dialect {
    /// Every dialect of this build with the name that hosts use for it.
    pub const ALL: &'static [(&'static str, Dialect)] = if HAS_VENDORS { Self::VENDORS } else { Self::COMMON };
    const COMMON: &'static [(&'static str, Dialect)] = &[("openai", Dialect::OpenAi)];
    const VENDORS: &'static [(&'static str, Dialect)] = &[
        ("openai", Dialect::OpenAi),
        ("openai:strict", Dialect::OpenAiStrict),
        ("openai-responses", Dialect::OpenAiResponses),
        ("openai-responses:strict", Dialect::OpenAiResponsesStrict),
        ("anthropic", Dialect::Anthropic),
        ("anthropic:strict", Dialect::AnthropicStrict),
        ("gemini", Dialect::Gemini),
        ("mcp", Dialect::Mcp),
    ];

    /// The dialect of this name. [`Status::UnknownDialect`] otherwise, with the names that are known.
    pub fn parse(name: &str) -> Result<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, dialect)| *dialect).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|(known, _)| *known).collect();
            let name = crate::schema::validate::clip(name, 60);
            Error::new(Status::UnknownDialect, format!("no dialect is called \"{name}\"; known: {}", known.join(", ")))
        })
    }

    /// The name of the dialect.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::OpenAiStrict => "openai:strict",
            Self::OpenAiResponses => "openai-responses",
            Self::OpenAiResponsesStrict => "openai-responses:strict",
            Self::Anthropic => "anthropic",
            Self::AnthropicStrict => "anthropic:strict",
            Self::Gemini => "gemini",
            Self::Mcp => "mcp",
        }
    }

    /// The tools as the vendor's request wants them: an array. In a strict dialect each tool says with `strict` whether
    /// it is; [`Dialect::why_not_strict`] has the reason.
    pub fn definitions(self, tools: &[&Tool]) -> Value {
        let tools: Vec<Definition<'_>> = tools.iter().map(|tool| Definition::from(*tool)).collect();
        self.define(&tools)
    }

    /// [`Dialect::definitions`], of what need not be a script.
    pub fn define(self, tools: &[Definition<'_>]) -> Value {
        match self {
            _ if !HAS_VENDORS => openai::definitions(tools, false),
            Self::OpenAi => openai::definitions(tools, false),
            Self::OpenAiStrict => openai::definitions(tools, true),
            Self::OpenAiResponses => responses::definitions(tools, false),
            Self::OpenAiResponsesStrict => responses::definitions(tools, true),
            Self::Anthropic => anthropic::definitions(tools, false),
            Self::AnthropicStrict => anthropic::definitions(tools, true),
            Self::Gemini => gemini::definitions(tools),
            Self::Mcp => mcp::definitions(tools),
        }
    }

    /// Why a tool's schema cannot be said in this dialect's strict mode: one line that names the JSON pointer. None where it
    /// can, and for dialects without such a mode.
    pub fn why_not_strict(self, tool: &Tool) -> Option<String> {
        let tool = &Definition::from(tool);
        match self {
            _ if !HAS_VENDORS => None,
            Self::OpenAiStrict | Self::OpenAiResponsesStrict => {
                schema::strict(tool, schema::Subset::OpenAiStrict).err()
            }
            Self::AnthropicStrict => schema::strict(tool, schema::Subset::AnthropicStrict).err(),
            Self::OpenAi | Self::OpenAiResponses | Self::Anthropic | Self::Gemini | Self::Mcp => None,
        }
    }

    /// The calls in a vendor's response, in order; empty when the LLM only answered in text, or refused. Of several
    /// alternatives (`choices`, `candidates`) the first is read. [`Status::InvalidResponse`] when the document is not
    /// of the dialect's shape, or is an error of the vendor.
    pub fn calls(self, response: &Value) -> Result<Vec<ToolCall>> {
        match self {
            _ if !HAS_VENDORS => openai::calls(response),
            Self::OpenAi | Self::OpenAiStrict => openai::calls(response),
            Self::OpenAiResponses | Self::OpenAiResponsesStrict => responses::calls(response),
            Self::Anthropic | Self::AnthropicStrict => anthropic::calls(response),
            Self::Gemini => gemini::calls(response),
            Self::Mcp => mcp::calls(response),
        }
    }

    /// The messages that answer the calls of one response: an array to be appended to the conversation. Anthropic and Gemini
    /// take one message with all answers, so they must be given together and in order.
    pub fn answers(self, answers: &[ToolAnswer]) -> Value {
        match self {
            _ if !HAS_VENDORS => openai::answers(answers),
            Self::OpenAi | Self::OpenAiStrict => openai::answers(answers),
            Self::OpenAiResponses | Self::OpenAiResponsesStrict => responses::answers(answers),
            Self::Anthropic | Self::AnthropicStrict => anthropic::answers(answers),
            Self::Gemini => gemini::answers(answers),
            Self::Mcp => mcp::answers(answers),
        }
    }
}
