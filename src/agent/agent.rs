//! The agent as threads see it: one conversation behind a lock that is never held while anybody waits.

use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::config::Config;
use super::conversation::Conversation;
use crate::engine::Engine;
use crate::error::Result;
use crate::sandbox::Bell;

/// A conversation with a model, and the calls that it asks for. All methods may be called from any thread, concurrently.
/// Every method fails with [`Status::Forked`](crate::error::Status::Forked) in a forked child.
pub struct Agent {
    engine: Arc<Engine>,
    bell: Arc<Bell>,
    conversation: Mutex<Conversation>,
}

impl Agent {
    /// An agent over `engine` for a config document (docs/agent.md). Errors: [`Status::InvalidConfig`], with the name of the
    /// key, [`Status::InvalidJson`], [`Status::UnknownDialect`], [`Status::ToolNotFound`], [`Status::Closed`].
    ///
    /// [`Status::InvalidConfig`]: crate::error::Status::InvalidConfig
    /// [`Status::InvalidJson`]: crate::error::Status::InvalidJson
    /// [`Status::UnknownDialect`]: crate::error::Status::UnknownDialect
    /// [`Status::ToolNotFound`]: crate::error::Status::ToolNotFound
    /// [`Status::Closed`]: crate::error::Status::Closed
    pub fn new(engine: Arc<Engine>, config: &str) -> Result<Self> {
        let config = Config::parse(config)?;
        let conversation = Conversation::new(config, &engine)?;
        Ok(Self { engine, bell: Bell::new(), conversation: Mutex::new(conversation) })
    }

    fn lock(&self) -> Result<MutexGuard<'_, Conversation>> {
        self.engine.origin().check()?;
        // A panic while it was held leaves a conversation whose phase is whole: it is replaced, never edited halfway.
        Ok(self.conversation.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins a turn with `messages` (a JSON array, may be empty) and then the user's `words` (may be empty, not both).
    /// [`Status::OutOfTurn`](crate::error::Status::OutOfTurn) while one goes on.
    pub fn ask(&self, words: &str, messages: &str) -> Result<()> {
        self.lock()?.ask(&self.engine, words, messages)?;
        self.bell.ring();
        Ok(())
    }

    /// Goes on as far as possible without the host and tells what the host does next: a document whose `step` is `ask`,
    /// `request`, `approval`, `running`, `answer` or `stopped`. Waits for calls at most `timeout` (without end when
    /// `None`). Errors are those of starting a call that only the host can repair; nothing is lost by them.
    pub fn next(&self, timeout: Option<Duration>) -> Result<Value> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let heard = self.bell.listen();
            let mut conversation = self.lock()?;
            conversation.go_on(&self.engine, &self.bell)?;
            if !conversation.is_running() || deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Ok(conversation.step());
            }
            let until = conversation.deadline();
            drop(conversation);
            self.bell.wait(heard, Some(deadline.map_or(until, |deadline| deadline.min(until))));
        }
    }

    /// Takes bytes of the model's response, streamed or whole; `is_end` with the last of them. After an error the same
    /// request is open still. Errors: [`Status::InvalidResponse`](crate::error::Status::InvalidResponse),
    /// [`Status::InvalidUtf8`](crate::error::Status::InvalidUtf8),
    /// [`Status::OutOfTurn`](crate::error::Status::OutOfTurn) when no request is open.
    pub fn feed(&self, data: &[u8], is_end: bool) -> Result<()> {
        self.lock()?.feed(&self.engine, data, is_end)?;
        if is_end {
            self.bell.ring();
        }
        Ok(())
    }

    /// Decides on a call that waits for approval. [`Status::OutOfTurn`](crate::error::Status::OutOfTurn) when none of this id
    /// does.
    pub fn approve(&self, call_id: &str, is_allowed: bool, reason: &str) -> Result<()> {
        self.lock()?.approve(call_id, is_allowed, reason)?;
        self.bell.ring();
        Ok(())
    }

    /// The events since the last time, as an array; the first one counts those that were dropped, if any.
    pub fn events(&self) -> Result<Value> {
        Ok(self.lock()?.events())
    }

    /// A pipe's end that is readable while [`Agent::next`] has something to do. It belongs to the agent.
    /// [`Status::Resources`](crate::error::Status::Resources) when no descriptor is left.
    pub fn fd(&self) -> Result<RawFd> {
        self.engine.origin().check()?;
        self.bell.fd()
    }

    /// Ends the turn, if there is one: its calls are ended and answered as cancelled.
    pub fn cancel(&self) -> Result<()> {
        self.lock()?.cancel(&self.bell);
        self.bell.ring();
        Ok(())
    }

    /// The conversation, as an array of messages without the system prompt.
    pub fn transcript(&self) -> Result<Value> {
        Ok(self.lock()?.transcript())
    }
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").finish_non_exhaustive()
    }
}
