//! `skl_agent`: the loop between a model and the tools, without a network of its own.

use std::ffi::{c_char, c_int};

use super::buffer::skl_buffer;
use super::call::timeout_of;
use super::engine::skl_engine;
use super::error::{skl_error, skl_status};
use super::handle::{Out, Shared, shared, take_shared};
use super::panic::{boundary, boundary_or};
use super::text::{bytes, text};
use crate::agent::Agent;
use crate::error::{Error, Result, Status};

/// The loop between a model and an engine's tools. It says what to post to the model, takes what the model says, runs the
/// calls that it asks for, and bounds all of it. It opens no connection, has no thread and calls nothing back.
///
/// Threads: every function may be called from any thread, concurrently with every other one, except that
/// `skl_agent_free()` must not run before a function given the same handle has been entered. A conversation has one
/// order, so one thread at a time asks and feeds; others may cancel, approve, and read events and the transcript meanwhile.
pub struct skl_agent {
    agent: Agent,
}

impl Shared for skl_agent {}

/// A constant in each function, looked at before anything of agents is reached, so that a build without the feature holds
/// nothing of them.
const HAS_AGENTS: bool = cfg!(feature = "agent");

fn absent() -> Result<()> {
    Err(Error::new(Status::Unsupported, "this library was built without the feature \"agent\""))
}

/// Makes an agent over an engine. Nothing is started and nothing is posted.
///
/// `config` is a JSON document (docs/agent.md#config), borrowed for the call; it names at least the "dialect". On SKL_OK the
/// caller owns `*out` and releases it with `skl_agent_free()`. The agent keeps what it needs of the engine, so the handles
/// may be freed in any order. Statuses: NULL_ARGUMENT, INVALID_UTF8, INVALID_JSON, INVALID_CONFIG (names the key),
/// UNKNOWN_DIALECT, TOOL_NOT_FOUND (the config names a tool that is not there), FORKED, CLOSED, UNSUPPORTED (a build without
/// the feature "agent"). Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_agent_new(
    engine: *mut skl_engine,
    config: *const c_char,
    config_len: usize,
    out: *mut *mut skl_agent,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let out = Out::new(out, "out")?;
            let engine = shared(engine, "engine")?;
            if !HAS_AGENTS {
                return absent();
            }
            let config = text(config, config_len, "config")?;
            out.share(skl_agent { agent: Agent::new(engine.engine.clone(), config)? });
            Ok(())
        })
    }
}

/// Begins a turn: adds what the user says to the conversation. `skl_agent_next()` then tells what to do.
///
/// `words` is the user's text, as it is. `messages` is a JSON array of messages in the dialect's shape (images, a context of
/// the host's), which are added before it. Either may be empty, not both. Statuses: NULL_ARGUMENT, INVALID_UTF8, INVALID_JSON,
/// INVALID_CONFIG (names the argument), OUT_OF_TURN (a turn has not ended: finish or cancel it), FORKED, CLOSED. Threads: any.
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_agent_ask(
    agent: *mut skl_agent,
    words: *const c_char,
    words_len: usize,
    messages: *const c_char,
    messages_len: usize,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            if !HAS_AGENTS {
                return absent();
            }
            let agent = shared(agent, "agent")?;
            let words = text(words, words_len, "words")?;
            agent.agent.ask(words, text(messages, messages_len, "messages")?)
        })
    }
}

/// Goes on as far as possible without the host, and tells what the host does next. Starts calls, collects their results,
/// and waits for them at most `timeout_ms`: 0 looks and returns at once, a negative number waits without end (the limits
/// of the turn and of the calls end it).
///
/// On SKL_OK the caller owns `*step`, a JSON document (docs/agent.md#steps) whose "step" is "ask" (nothing was asked yet),
/// "request" (post "body", then feed the response), "approval" (decide on "calls"), "running" (the time is over, "calls" are
/// not), "answer" ("text" ends the turn) or "stopped" ("reason" ended it). May be repeated: until the host does what it
/// says, it says the same. Statuses: NULL_ARGUMENT, FORKED, CLOSED, and those of `skl_engine_call()` that only the host
/// can repair; the turn is kept then, and the next `skl_agent_next()` tries again. Threads: any; blocks in calls that run.
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_agent_next(
    agent: *mut skl_agent,
    timeout_ms: i64,
    step: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let step = Out::new(step, "step")?;
            if !HAS_AGENTS {
                return absent();
            }
            let agent = shared(agent, "agent")?;
            step.give(skl_buffer::of_document(&agent.agent.next(timeout_of(timeout_ms))?));
            Ok(())
        })
    }
}

/// Takes the model's response to the last "request": the body as it comes from the network, cut anywhere, streamed or
/// whole. `is_end` says that `data`, which may be empty, is the last of it. `data` is borrowed for the call.
///
/// The calls in it are started by `skl_agent_next()`. A response that is none leaves the conversation as it was: the next
/// `skl_agent_next()` gives the same request, to be posted again. Statuses: NULL_ARGUMENT, INVALID_UTF8, INVALID_RESPONSE (no
/// JSON, not of the dialect, an error of the vendor, cut off, or larger than 64 MiB), OUT_OF_TURN (no request is open), FORKED.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_agent_feed(
    agent: *mut skl_agent,
    data: *const c_char,
    data_len: usize,
    is_end: bool,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            if !HAS_AGENTS {
                return absent();
            }
            let agent = shared(agent, "agent")?;
            agent.agent.feed(bytes(data, data_len, "data")?, is_end)
        })
    }
}

/// Decides on a call of an "approval" step. A call that is allowed is started by `skl_agent_next()`; for one that is denied
/// the model reads that, and `reason`, which may be empty.
///
/// Statuses: NULL_ARGUMENT, INVALID_UTF8, OUT_OF_TURN (no call of this id waits for approval; names those that do), FORKED.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_agent_approve(
    agent: *mut skl_agent,
    call_id: *const c_char,
    call_id_len: usize,
    is_allowed: bool,
    reason: *const c_char,
    reason_len: usize,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            if !HAS_AGENTS {
                return absent();
            }
            let agent = shared(agent, "agent")?;
            let call_id = text(call_id, call_id_len, "call_id")?;
            agent.agent.approve(call_id, is_allowed, text(reason, reason_len, "reason")?)
        })
    }
}

/// What happened since the last time, for showing progress: a JSON array of events (docs/agent.md#events), oldest first.
///
/// On SKL_OK the caller owns `*events`. The events of one agent are bounded; the oldest give way, and a first event
/// "dropped" counts them. Nothing depends on whether a host reads them. Statuses: NULL_ARGUMENT, FORKED. Threads: any; every
/// event is given once. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_agent_events(
    agent: *mut skl_agent,
    events: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let events = Out::new(events, "events")?;
            if !HAS_AGENTS {
                return absent();
            }
            let agent = shared(agent, "agent")?;
            events.give(skl_buffer::of_document(&agent.agent.events()?));
            Ok(())
        })
    }
}

/// A descriptor that is readable while `skl_agent_next()` has something to do, because calls have ended or something was
/// fed, approved or cancelled since it last looked; for poll, epoll and event loops. It is a pipe and the same one as long
/// as the agent lives. It belongs to the agent: do not close it, and stop polling it before the agent is freed.
///
/// -1 for NULL, in a forked child, without the feature "agent", and when the process has no descriptor left. Threads: any.
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_agent_fd(agent: *const skl_agent) -> c_int {
    boundary_or(-1, || {
        if !HAS_AGENTS {
            return -1;
        }
        // SAFETY: the host's contract.
        let agent = unsafe { shared(agent, "agent") };
        agent.and_then(|agent| agent.agent.fd()).unwrap_or(-1)
    })
}

/// Ends the turn. Returns at once: calls that run are ended and answered as cancelled, and the next step is "stopped" with the
/// reason "cancelled". A response that comes later is refused. Between turns it does nothing. May be repeated; the next
/// `skl_agent_ask()` goes on with the conversation.
///
/// Statuses: NULL_ARGUMENT, FORKED, UNSUPPORTED. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_agent_cancel(agent: *mut skl_agent) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(std::ptr::null_mut(), || {
            if !HAS_AGENTS {
                return absent();
            }
            let agent = shared(agent, "agent")?;
            agent.agent.cancel()
        })
    }
}

/// The conversation so far: a JSON array of messages in the dialect's shape, without the system prompt. Given to a new agent
/// as "messages" it goes on where it was: calls that had no answer yet are asked about and run anew.
///
/// On SKL_OK the caller owns `*transcript`. Statuses: NULL_ARGUMENT, FORKED. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_agent_transcript(
    agent: *const skl_agent,
    transcript: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let transcript = Out::new(transcript, "transcript")?;
            if !HAS_AGENTS {
                return absent();
            }
            let agent = shared(agent, "agent")?;
            transcript.give(skl_buffer::of_document(&agent.agent.transcript()?));
            Ok(())
        })
    }
}

/// Releases an agent, which ends its turn; does not wait for scripts. A thread that waits in `skl_agent_next()` gets the step
/// "stopped". NULL is a no-op. In a forked child the handle is left alone. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_agent_free(agent: *mut skl_agent) {
    boundary_or((), || {
        // Without the feature there is none to release.
        if !HAS_AGENTS {
            return;
        }
        // SAFETY: the host's contract.
        let Some(agent) = (unsafe { take_shared(agent) }) else { return };
        // A thread may be waiting with a count of its own, so this may not be the last one.
        if agent.agent.cancel().is_err() {
            // The threads and descriptors behind it are the parent's.
            std::mem::forget(agent);
        }
    });
}
