//! The calls that one response of an LLM asks for, in flight together: waited for, cancelled and watched as one.
//!
//! All are started at once; the answers are there when the last has ended. Dropping a round drops its calls, which ends
//! those that still run.

use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::answer::{for_model, is_for_the_host};
use super::call::Call;
use super::document::parse;
use super::engine::Engine;
use super::options::CallOptions;
use super::origin::Origin;
use crate::error::{Error, Result, Status};
use crate::sandbox::Watch;
use crate::tool::dialect::{Dialect, ToolAnswer, ToolCall};

/// See the module. All methods may be called from any thread, concurrently.
pub struct Round {
    origin: Origin,
    dialect: Dialect,
    /// In the order of the response.
    entries: Vec<Entry>,
    /// Made when it is asked for.
    watch: Mutex<Option<Watch>>,
    messages: OnceLock<Arc<Value>>,
}

struct Entry {
    id: String,
    tool: String,
    /// Or what the model is told instead.
    call: Result<Arc<Call>, String>,
}

impl Engine {
    /// Starts every tool call of an LLM's response and returns at once. `options` applies to each call. What a model can
    /// repair (an unknown tool, bad arguments) becomes an error answer; what only the host can repair is an error of this
    /// function, and then no call goes on. [`Status::Unsupported`] for calls that are to be streamed.
    pub fn respond(&self, dialect: &str, response: &str, options: &str) -> Result<Round> {
        let snapshot = self.snapshot()?;
        let dialect = Dialect::parse(dialect)?;
        let options = CallOptions::parse(options)?;
        if options.is_streamed {
            let message =
                "'stream' is for one call: start each call of the response with skl_engine_call() to read its output";
            return Err(Error::new(Status::Unsupported, message));
        }
        let calls = dialect.calls(&parse(response, "the response", Status::InvalidResponse)?)?;
        let mut entries = Vec::with_capacity(calls.len());
        for ToolCall { id, name: tool, arguments } in calls {
            let call_id = if id.is_empty() { options.call_id.clone() } else { Some(id.clone()) };
            let options = CallOptions { call_id, ..options.clone() };
            let call = match arguments.and_then(|arguments| self.start(&snapshot, &tool, &arguments, options)) {
                // The calls that were started end with `entries`.
                Err(error) if is_for_the_host(error.status) => return Err(error),
                other => other.map_err(|error| error.message),
            };
            entries.push(Entry { id, tool, call });
        }
        Ok(Round { origin: Origin::here(), dialect, entries, watch: Mutex::default(), messages: OnceLock::new() })
    }

    /// [`Engine::respond`], waited for: the messages.
    pub fn handle(&self, dialect: &str, response: &str, options: &str) -> Result<Arc<Value>> {
        self.respond(dialect, response, options)?.wait(None)
    }
}

impl Round {
    /// The messages that answer the calls, in order, as an array to append to the conversation, once the last call has
    /// ended. Waits at most `timeout` (forever when `None`), then [`Status::WaitTimeout`]; the calls go on and can be waited
    /// for again. [`Status::Forked`] in a forked child.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Arc<Value>> {
        self.check()?;
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut results = Vec::with_capacity(self.entries.len());
        for Entry { call, .. } in &self.entries {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            results.push(match call {
                Ok(call) => Ok(call.wait(left).map_err(|error| self.unfinished(error))?),
                Err(sentence) => Err(sentence),
            });
        }
        let messages = self.messages.get_or_init(|| {
            let answers: Vec<ToolAnswer> =
                self.entries.iter().zip(results).map(|(entry, result)| entry.answer(result)).collect();
            Arc::new(self.dialect.answers(&answers))
        });
        Ok(messages.clone())
    }

    /// Ends every call that has not ended. Returns at once; the messages then say so. Repeating it does nothing.
    /// [`Status::Forked`] in a forked child.
    pub fn cancel(&self) -> Result<()> {
        self.check()?;
        self.calls().try_for_each(|call| call.cancel())
    }

    /// A pipe that is at its end when the last call has ended; it belongs to the round and is only to be polled.
    /// [`Status::Resources`] when no descriptor is left, [`Status::Forked`] in a forked child.
    pub fn fd(&self) -> Result<RawFd> {
        self.check()?;
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watch) = &*watch {
            return Ok(watch.fd());
        }
        let (made, hold) = Watch::new()?;
        self.calls().for_each(|call| call.hold(hold.clone()));
        Ok(watch.insert(made).fd())
    }

    /// [`Status::Forked`] in a forked child.
    pub(super) fn check(&self) -> Result<()> {
        self.origin.check()
    }

    fn calls(&self) -> impl Iterator<Item = &Arc<Call>> {
        self.entries.iter().filter_map(|entry| entry.call.as_ref().ok())
    }

    /// The error of a wait for one call, as that of a wait for all.
    fn unfinished(&self, error: Error) -> Error {
        if error.status != Status::WaitTimeout {
            return error;
        }
        let running = self.calls().filter(|call| !call.is_finished().unwrap_or(true)).count();
        let message = format!("{running} of the {} calls of the response have not finished", self.entries.len());
        Error::new(Status::WaitTimeout, message)
    }
}

impl Entry {
    fn answer(&self, result: Result<Arc<Value>, &String>) -> ToolAnswer {
        let (content, is_error) = match result {
            Ok(document) => (for_model(&document).to_string(), document["status"] != "ok"),
            Err(sentence) => (sentence.clone(), true),
        };
        ToolAnswer { id: self.id.clone(), name: self.tool.clone(), content, is_error }
    }
}
