//! Vendors' JSON shapes for the same three things: define tools, read calls, answer them.
//!
//! One file per dialect; a new one adds its file, a variant and its row in [`Dialect::ALL`]. In comes a vendor's response
//! as JSON, out go [`ToolCall`]s; nothing is executed here and nothing is sent.

mod openai;

use serde_json::Value;

use super::Tool;
use crate::error::{Error, Result, Status};

/// A vendor's JSON shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI Chat Completions, and every server that is compatible with it.
    OpenAi,
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
    /// The text for the LLM.
    pub content: String,
    /// Whether the call failed.
    pub is_error: bool,
}

impl Dialect {
    /// Every dialect with the name that hosts use for it.
    pub const ALL: [(&'static str, Dialect); 1] = [("openai", Dialect::OpenAi)];

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
        }
    }

    /// The tools as the vendor's request wants them: an array.
    pub fn definitions(self, tools: &[&Tool]) -> Value {
        match self {
            Self::OpenAi => openai::definitions(tools),
        }
    }

    /// The calls in a vendor's response, in order; empty when the LLM only answered in text.
    /// [`Status::InvalidResponse`] when the document is not of the dialect's shape.
    pub fn calls(self, response: &Value) -> Result<Vec<ToolCall>> {
        match self {
            Self::OpenAi => openai::calls(response),
        }
    }

    /// The message that answers one call.
    pub fn answer(self, id: &str, name: &str, content: &str, is_error: bool) -> Value {
        match self {
            Self::OpenAi => openai::answer(id, name, content, is_error),
        }
    }

    /// The messages that answer several calls, in order: an array to be appended to the conversation.
    pub fn answers(self, answers: &[ToolAnswer]) -> Value {
        answers.iter().map(|answer| self.answer(&answer.id, &answer.name, &answer.content, answer.is_error)).collect()
    }
}
