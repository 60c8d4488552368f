//! Streamed responses put together again, without any input or output of their own.
//!
//! Bytes come in as the network cut them, or events one by one; out goes the document that the vendor's API would
//! have given without streaming, as far as calls are concerned, for [`Dialect::calls`]. Streams are untrusted:
//! everything is bounded, and the first fault ends the assembly.

mod anthropic;
mod frames;
mod gemini;
mod join;
mod mcp;
mod openai;
mod responses;

use std::fmt;

use serde_json::Value;

use super::{Dialect, HAS_VENDORS};
use crate::error::{Error, Result, Status};
use frames::{Frame, Frames};

/// Puts one streamed response of a dialect together.
///
/// ```
/// use skilllite::tool::dialect::{Assembler, Dialect};
///
/// let mut assembler = Assembler::new(Dialect::OpenAi);
/// assembler.feed(b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel")?;
/// assembler.feed(b"lo\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")?;
/// assert_eq!(assembler.response()?["choices"][0]["message"]["content"], "Hello");
/// # Ok::<(), skilllite::error::Error>(())
/// ```
#[derive(Clone)]
pub struct Assembler {
    dialect: Dialect,
    frames: Frames,
    parts: Parts,
    failure: Option<Error>,
}

/// What was received, by dialect.
#[derive(Clone)]
enum Parts {
    OpenAi(openai::Chat),
    Responses(responses::Items),
    Anthropic(anthropic::Blocks),
    Gemini(gemini::Candidates),
    Mcp(mcp::Messages),
}

impl Assembler {
    /// An assembler for one response.
    pub fn new(dialect: Dialect) -> Self {
        let parts = match dialect {
            _ if !HAS_VENDORS => Parts::OpenAi(Default::default()),
            Dialect::OpenAi | Dialect::OpenAiStrict => Parts::OpenAi(Default::default()),
            Dialect::OpenAiResponses | Dialect::OpenAiResponsesStrict => Parts::Responses(Default::default()),
            Dialect::Anthropic | Dialect::AnthropicStrict => Parts::Anthropic(Default::default()),
            Dialect::Gemini => Parts::Gemini(Default::default()),
            Dialect::Mcp => Parts::Mcp(Default::default()),
        };
        Self { dialect, frames: Frames::default(), parts, failure: None }
    }

    /// Takes the next bytes of the response's body, cut anywhere: server-sent events, or JSON objects one after another
    /// (by line, in an array, or with nothing between them). Fails with [`Status::InvalidResponse`] when an event is no
    /// JSON, is not of the dialect, reports an error of the vendor, or the stream is larger than 64 MiB, and with
    /// [`Status::InvalidUtf8`]; from then on every function gives the same error.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        self.feed_watched(bytes, &mut |_| ())
    }

    /// [`Assembler::feed`], and shows every event that is complete.
    pub fn feed_watched(&mut self, bytes: &[u8], watch: &mut dyn FnMut(&Value)) -> Result<()> {
        self.check()?;
        let Self { frames, parts, .. } = self;
        let outcome = frames.feed(bytes, &mut |frame| {
            if let Frame::Event(event) = &frame {
                watch(event);
            }
            parts.take(frame)
        });
        self.keep(outcome)
    }

    /// Takes the next event: the object in one `data:` line, or one chunk. Fails as [`Assembler::feed`] does.
    pub fn push(&mut self, event: &Value) -> Result<()> {
        self.check()?;
        let outcome = self.parts.push(event);
        self.keep(outcome)
    }

    /// Whether the model's turn is over. More may come (counts of tokens, an end mark) and may be fed.
    pub fn is_complete(&self) -> bool {
        self.failure.is_none() && self.parts.is_complete()
    }

    /// The response so far, if the model's turn is over; [`Status::InvalidResponse`] otherwise: a call that was cut off
    /// must not run.
    pub fn response(&self) -> Result<Value> {
        self.check()?;
        // The last event counts even if the line after it is missing.
        if self.frames.has_rest() {
            let mut ended = self.clone();
            let Self { frames, parts, .. } = &mut ended;
            let is_whole = frames.finish(&mut |frame| parts.take(frame)).is_ok();
            if is_whole && parts.is_complete() {
                return Ok(parts.response());
            }
        }
        if self.parts.is_complete() {
            return Ok(self.parts.response());
        }
        let name = self.dialect.name();
        Err(Error::new(Status::InvalidResponse, format!("the {name} stream is not at its end: feed the rest of it")))
    }

    fn check(&self) -> Result<()> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    fn keep(&mut self, outcome: Result<()>) -> Result<()> {
        self.failure = outcome.as_ref().err().cloned();
        outcome
    }
}

impl Parts {
    fn take(&mut self, frame: Frame) -> Result<()> {
        match (frame, self) {
            (Frame::Event(event), parts) => parts.push(&event),
            (Frame::Done, Self::OpenAi(parts)) => {
                parts.done();
                Ok(())
            }
            (Frame::Done, _) if !HAS_VENDORS => Ok(()),
            (Frame::Done, Self::Responses(parts)) => {
                parts.done();
                Ok(())
            }
            (Frame::Done, _) => Ok(()),
        }
    }

    fn push(&mut self, event: &Value) -> Result<()> {
        match self {
            Self::OpenAi(parts) => parts.push(event),
            _ if !HAS_VENDORS => Ok(()),
            Self::Responses(parts) => parts.push(event),
            Self::Anthropic(parts) => parts.push(event),
            Self::Gemini(parts) => parts.push(event),
            Self::Mcp(parts) => parts.push(event),
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Self::OpenAi(parts) => parts.is_complete(),
            _ if !HAS_VENDORS => false,
            Self::Responses(parts) => parts.is_complete(),
            Self::Anthropic(parts) => parts.is_complete(),
            Self::Gemini(parts) => parts.is_complete(),
            Self::Mcp(parts) => parts.is_complete(),
        }
    }

    fn response(&self) -> Value {
        match self {
            Self::OpenAi(parts) => parts.response(),
            _ if !HAS_VENDORS => Value::Null,
            Self::Responses(parts) => parts.response(),
            Self::Anthropic(parts) => parts.response(),
            Self::Gemini(parts) => parts.response(),
            Self::Mcp(parts) => parts.response(),
        }
    }
}

impl fmt::Debug for Assembler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assembler")
            .field("dialect", &self.dialect)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}
