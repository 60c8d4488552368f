//! The vendors' JSON for a conversation: the request that goes out, and the turn of the model that comes back.
//!
//! One file per dialect, like the definitions and answers beside it. Nothing is sent here; `agent` decides when a request is
//! made, keeps the messages and appends what [`Chat::turn`] and [`Dialect::answers`](super::Dialect::answers) give.

mod anthropic;
mod gemini;
mod openai;
mod responses;

use serde_json::{Map, Value};

use super::{Dialect, HAS_VENDORS};
use crate::error::{Error, Result, Status};

/// A dialect in which a model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chat {
    /// OpenAI Chat Completions.
    OpenAi,
    /// OpenAI Responses.
    Responses,
    /// Anthropic Messages.
    Anthropic,
    /// Gemini's generateContent.
    Gemini,
}

/// What a request is made of.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// The model's name.
    pub model: Option<&'a str>,
    /// The system prompt.
    pub system: Option<&'a str>,
    /// The conversation, in the dialect's shape.
    pub messages: &'a [Value],
    /// What [`Dialect::definitions`](super::Dialect::definitions) gave.
    pub tools: &'a Value,
    /// Whether the model may call tools this time.
    pub may_call: bool,
    /// Whether the response is to come as a stream.
    pub is_streamed: bool,
    /// Further members of the body.
    pub members: &'a Map<String, Value>,
}

/// A request that is ready to be posted.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// Below the API's base, with a query where streaming needs one.
    pub path: String,
    /// The body.
    pub body: Map<String, Value>,
}

/// What the model did with its turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn {
    /// To be appended to the conversation.
    pub items: Vec<Value>,
    /// What it says to the user.
    pub text: String,
    /// Why it does not answer: its own words, or the vendor's code.
    pub refusal: Option<String>,
    /// The vendor's word for why it ended; empty when there is none.
    pub finish: String,
    /// Whether a bound of its length ended it.
    pub is_cut: bool,
}

impl Chat {
    /// How a model is asked in this dialect. [`Status::UnknownDialect`] for the one in which none is.
    pub fn of(dialect: Dialect) -> Result<Self> {
        match dialect {
            Dialect::OpenAi | Dialect::OpenAiStrict => Ok(Self::OpenAi),
            Dialect::OpenAiResponses | Dialect::OpenAiResponsesStrict => Ok(Self::Responses),
            Dialect::Anthropic | Dialect::AnthropicStrict => Ok(Self::Anthropic),
            Dialect::Gemini => Ok(Self::Gemini),
            Dialect::Mcp => Err(Error::new(
                Status::UnknownDialect,
                "no model is asked in the dialect \"mcp\", in which tools are served to one; use openai, openai-responses, anthropic or gemini",
            )),
        }
    }

    /// The members of a request that are made from an agent's own config and must not be given twice.
    pub fn reserved(self) -> &'static [&'static str] {
        match self {
            _ if !HAS_VENDORS => openai::RESERVED,
            Self::OpenAi => openai::RESERVED,
            Self::Responses => responses::RESERVED,
            Self::Anthropic => anthropic::RESERVED,
            Self::Gemini => gemini::RESERVED,
        }
    }

    /// The next request.
    pub fn post(self, asking: Asking<'_>) -> Post {
        match self {
            _ if !HAS_VENDORS => openai::post(asking),
            Self::OpenAi => openai::post(asking),
            Self::Responses => responses::post(asking),
            Self::Anthropic => anthropic::post(asking),
            Self::Gemini => gemini::post(asking),
        }
    }

    /// A message with what the user says.
    pub fn user(self, text: &str) -> Value {
        match self {
            Self::Gemini if HAS_VENDORS => gemini::user(text),
            // Anthropic and Responses took the shape over.
            _ => openai::user(text),
        }
    }

    /// The model's turn in a response. [`Status::InvalidResponse`] when it is not of the dialect's shape.
    pub fn turn(self, response: &Value) -> Result<Turn> {
        match self {
            _ if !HAS_VENDORS => openai::turn(response),
            Self::OpenAi => openai::turn(response),
            Self::Responses => responses::turn(response),
            Self::Anthropic => anthropic::turn(response),
            Self::Gemini => gemini::turn(response),
        }
    }

    /// The text that an event of a stream adds to what the model says to the user.
    pub fn delta(self, event: &Value) -> String {
        match self {
            _ if !HAS_VENDORS => openai::delta(event),
            Self::OpenAi => openai::delta(event),
            Self::Responses => responses::delta(event),
            Self::Anthropic => anthropic::delta(event),
            Self::Gemini => gemini::delta(event),
        }
    }

    /// Where the turn of the model begins with which these messages end: their number when they do not end with one.
    pub fn last_turn(self, messages: &[Value]) -> usize {
        let is_role = |message: &Value, wanted: &str| message.get("role").is_some_and(|role| role == wanted);
        let is_models = |message: &Value| match self {
            Self::Responses if HAS_VENDORS => responses::is_models(message),
            Self::Gemini if HAS_VENDORS => is_role(message, "model"),
            _ => is_role(message, "assistant"),
        };
        match self {
            // The only one whose turns are several items.
            Self::Responses if HAS_VENDORS => messages.iter().rposition(|item| !is_models(item)).map_or(0, |at| at + 1),
            _ => messages.len() - usize::from(messages.last().is_some_and(is_models)),
        }
    }

    /// The model's turn with which a conversation ends, as [`Dialect::calls`](super::Dialect::calls) reads it.
    pub fn response_of(self, items: &[Value]) -> Value {
        match self {
            Self::Responses => Value::Array(items.to_vec()),
            _ => items.first().cloned().unwrap_or_default(),
        }
    }

    /// The model's turn with which a conversation ends, as [`Chat::turn`] would have given it.
    pub fn turn_in(self, items: &[Value]) -> Turn {
        let text = match self {
            _ if !HAS_VENDORS => items.iter().map(openai::text).collect(),
            Self::OpenAi => items.iter().map(openai::text).collect(),
            Self::Responses => responses::text(items),
            Self::Anthropic => items.iter().map(anthropic::text).collect(),
            Self::Gemini => items.iter().map(gemini::text).collect(),
        };
        Turn { text, ..Turn::default() }
    }

    /// The calls in a turn, in the order of [`Dialect::calls`](super::Dialect::calls), and the key of their ids.
    pub fn calls(self, items: &mut [Value]) -> (Vec<&mut Map<String, Value>>, &'static str) {
        match self {
            _ if !HAS_VENDORS => (openai::calls(items), "id"),
            Self::OpenAi => (openai::calls(items), "id"),
            Self::Responses => (responses::calls(items), "call_id"),
            Self::Anthropic => (anthropic::calls(items), "id"),
            Self::Gemini => (gemini::calls(items), "id"),
        }
    }

    /// Whether a call without an id stays without one: its answer is then told apart by its place.
    pub fn takes_no_id(self) -> bool {
        self == Self::Gemini
    }
}

/// A body: the members that are ours, then those of the host.
fn body(asking: &Asking<'_>, mut ours: Map<String, Value>) -> Map<String, Value> {
    for (key, value) in asking.members {
        ours.insert(key.clone(), value.clone());
    }
    ours
}

/// Whether a value is an array with something in it.
fn has_items(value: &Value) -> bool {
    value.as_array().is_some_and(|items| !items.is_empty())
}

/// The text of a content: a string, or an array of parts with a type.
fn text_of_parts(content: &Value, kind: &str) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter(|part| part.get("type").is_none_or(|found| found == kind))
            .filter_map(|part| part.get("text")?.as_str())
            .collect(),
        _ => String::new(),
    }
}

/// A field that is a text which is not empty.
fn word(map: &Map<String, Value>, key: &str) -> Option<String> {
    map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}
