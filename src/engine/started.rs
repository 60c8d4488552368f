//! What a host has started and holds under one handle: a call, or the round of calls that a response asks for.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::call::Call;
use super::round::Round;
use crate::error::{Error, Result, Status};

/// See the module. Each method is that of [`Call`] and of [`Round`] with the same name.
pub enum Started {
    /// One call; its result is a document.
    Call(Arc<Call>),
    /// The calls of a response; their result is the array of the messages that answer them.
    Round(Round),
}

impl Started {
    /// The result, once all of it has ended.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Arc<Value>> {
        match self {
            Self::Call(call) => call.wait(timeout),
            Self::Round(round) => round.wait(timeout),
        }
    }

    /// Ends what has not ended.
    pub fn cancel(&self) -> Result<()> {
        match self {
            Self::Call(call) => call.cancel(),
            Self::Round(round) => round.cancel(),
        }
    }

    /// A descriptor that is readable when all of it has ended.
    pub fn fd(&self) -> Result<RawFd> {
        match self {
            Self::Call(call) => call.fd(),
            Self::Round(round) => round.fd(),
        }
    }

    /// The one call, for what only one call has: output to follow, files. [`Status::Unsupported`] for a round.
    pub fn one(&self) -> Result<&Call> {
        match self {
            Self::Call(call) => Ok(call),
            Self::Round(round) => {
                round.check()?;
                Err(Error::new(
                    Status::Unsupported,
                    "this stands for all calls of a response, which have no output or files together; start each with skl_engine_call()",
                ))
            }
        }
    }
}
