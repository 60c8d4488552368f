//! The config document of an agent, read into plain data. docs/agent.md describes it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::approval::Approval;
use super::budget::Limits;
use crate::engine::{CallOptions, Section, excerpt, invalid, parse};
use crate::error::{Result, Status};
use crate::limit;
use crate::tool::dialect::Dialect;
use crate::tool::dialect::chat::Chat;

const KEYS: &[&str] = &[
    "dialect",
    "model",
    "system",
    "context",
    "messages",
    "tools",
    "stream",
    "request",
    "limits",
    "approval",
    "call_options",
];

/// What an agent is told when it is made.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) dialect: Dialect,
    pub(super) chat: Chat,
    pub(super) model: Option<String>,
    /// The host's system prompt.
    pub(super) system: Option<String>,
    /// Whether the skills are listed after it.
    pub(super) has_context: bool,
    /// The conversation so far.
    pub(super) messages: Vec<Value>,
    /// The tools that are offered; all when absent.
    pub(super) tools: Option<BTreeSet<String>>,
    /// Whether responses are asked for as streams.
    pub(super) is_streamed: bool,
    /// Further members of every request.
    pub(super) members: Map<String, Value>,
    pub(super) limits: Limits,
    pub(super) approval: Approval,
    /// For every call.
    pub(super) options: CallOptions,
}

impl Config {
    /// The config of the document `text`. Errors: [`Status::InvalidJson`], [`Status::InvalidConfig`] with the name of the
    /// key, [`Status::UnknownDialect`].
    pub(super) fn parse(text: &str) -> Result<Self> {
        let document = match text.trim() {
            "" => Value::Object(Map::new()),
            text => parse(text, "the agent's config", Status::InvalidConfig)?,
        };
        let top = Section::open("", &document, KEYS)?;
        let known: Vec<&str> = Dialect::ALL.iter().map(|(name, _)| *name).collect();
        let Some(dialect) = top.text("dialect")? else {
            return Err(invalid("dialect", format_args!("is not given; it must be one of: {}", known.join(", "))));
        };
        let dialect = Dialect::parse(dialect)?;
        let chat = Chat::of(dialect)?;
        let model = top.text("model")?.map(str::to_owned);
        if chat == Chat::Gemini && model.is_none() {
            return Err(invalid("model", "is not given; this dialect has it in the path of a request"));
        }
        let options = top.map("call_options")?.and(top.get("call_options")).map(Value::to_string);
        Ok(Self {
            dialect,
            chat,
            model,
            system: top.text("system")?.filter(|text| !text.is_empty()).map(str::to_owned),
            has_context: top.boolean("context")?.unwrap_or(true),
            messages: top.get("messages").map_or(Ok(Vec::new()), |messages| messages_of("messages", messages))?,
            tools: top.texts("tools")?.map(|names| names.into_iter().map(str::to_owned).collect()),
            is_streamed: top.boolean("stream")?.unwrap_or(false),
            members: members(&top, chat)?,
            limits: limits(&top)?,
            approval: Approval::read(&top)?,
            options: CallOptions::parse(&options.unwrap_or_default())?,
        })
    }
}

/// Messages in a dialect's shape, of which only is known here that they are objects.
pub(super) fn messages_of(name: &str, value: &Value) -> Result<Vec<Value>> {
    match value {
        Value::Array(items) if items.iter().all(Value::is_object) => Ok(items.clone()),
        _ => Err(invalid(name, "must be an array of messages, each an object in the dialect's shape")),
    }
}

fn members(top: &Section<'_>, chat: Chat) -> Result<Map<String, Value>> {
    let Some(section) = top.map("request")? else { return Ok(Map::new()) };
    if let Some((key, _)) = section.entries().find(|(key, _)| chat.reserved().contains(key)) {
        let instead = "the agent makes it from its own config (dialect, model, system, messages, tools, stream)";
        return Err(invalid(&section.key_name(&excerpt(key)), format_args!("cannot be set here: {instead}")));
    }
    Ok(section.entries().map(|(key, value)| (key.to_owned(), value.clone())).collect())
}

fn limits(top: &Section<'_>) -> Result<Limits> {
    let known: Vec<_> = Limits::FIELDS.iter().map(|field| field.key).collect();
    let mut limits = Limits::default();
    if let Some(section) = top.section("limits", &known)? {
        for field in Limits::FIELDS {
            if let Some(value) = section.integer(field.key, field.min..=field.max)? {
                limit::set(Limits::FIELDS, &mut limits, field.key, value)?;
            }
        }
    }
    Ok(limits)
}
