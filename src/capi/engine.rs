//! `skl_engine`: config in, tools and calls out. What it knows of skills is in [`super::skills`].

use std::ffi::c_char;
use std::sync::Arc;

use super::buffer::skl_buffer;
use super::call::skl_call;
use super::error::{skl_error, skl_status};
use super::handle::{Out, Shared, shared, take_shared};
use super::panic::{boundary, boundary_or};
use super::text::text;
use crate::engine::{Engine, Host, Started};

/// One configured instance: the skills it knows, the policy its calls obey, the processes that run them.
///
/// Threads: every function may be called from any thread, concurrently with every other one, except that
/// `skl_engine_free()` must not run before a function given the same handle has been entered.
pub struct skl_engine {
    /// Shared with the agents that were made over it, which may outlive the handle.
    pub(super) engine: Arc<Engine>,
}

impl Shared for skl_engine {}

/// Makes an engine. It reads PATH, HOME and the variables of version managers once, and starts nothing yet.
///
/// `config` is a JSON document (docs/api-conventions.md#config), borrowed for the call; empty or NULL with length 0
/// means the safe defaults. On SKL_OK the caller owns `*out` and releases it with `skl_engine_free()`.
/// Statuses: NULL_ARGUMENT, INVALID_UTF8, INVALID_JSON, INVALID_CONFIG (names the key), UNSUPPORTED (names the key).
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_new(
    config: *const c_char,
    config_len: usize,
    out: *mut *mut skl_engine,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let out = Out::new(out, "out")?;
            let config = text(config, config_len, "config")?;
            out.share(skl_engine { engine: Arc::new(Engine::new(config, Host::snapshot())?) });
            Ok(())
        })
    }
}

/// Ends the calls in flight, whose results then say "cancelled", and makes every later function of this engine fail
/// with SKL_ERR_CLOSED; waits until the processes are gone. Results of calls can still be read. Repeating it does nothing.
/// The handle must still be freed.
///
/// Statuses: NULL_ARGUMENT, FORKED. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_close(engine: *mut skl_engine, err: *mut *mut skl_error) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe { boundary(err, || shared(engine, "engine")?.engine.close()) }
}

/// Releases an engine. Calls that it started go on, keep what they need and may be waited for; to end them, use
/// `skl_engine_close()` or `skl_call_cancel()` first. Freeing the last handle, calls included, ends the supervisor process
/// and waits for that, which takes some milliseconds. NULL is a no-op. In a forked child the handle is left alone.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_free(engine: *mut skl_engine) {
    boundary_or((), || {
        // SAFETY: the host's contract.
        let Some(engine) = (unsafe { take_shared(engine) }) else { return };
        if !engine.engine.origin().is_here() {
            // Its threads and descriptors are the parent's.
            std::mem::forget(engine);
        }
    });
}

/// The tools of all skills as a JSON array that goes into a request's "tools" field as it is.
///
/// `dialect` names the vendor's shape: "openai", "openai-responses", "anthropic", "gemini" or "mcp"; the first three also
/// with ":strict" after it, for definitions that bind the model to the schema (docs/dialects.md). On SKL_OK the caller
/// owns `*out`. Statuses: NULL_ARGUMENT, INVALID_UTF8, UNKNOWN_DIALECT (names the known ones), FORKED, CLOSED. Threads: any.
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_tools(
    engine: *const skl_engine,
    dialect: *const c_char,
    dialect_len: usize,
    out: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let out = Out::new(out, "out")?;
            let engine = shared(engine, "engine")?;
            let dialect = text(dialect, dialect_len, "dialect")?;
            out.give(skl_buffer::of_document(&engine.engine.tools(dialect)?));
            Ok(())
        })
    }
}

/// Starts a call of a tool and returns at once.
///
/// `args` is a JSON object that fits the tool's schema, `options` a JSON document (docs/api-conventions.md#options);
/// either may be empty. On SKL_OK the caller owns `*out` and releases it with `skl_call_free()`. A failure means that
/// nothing was started; what goes wrong later is in the call's result.
/// Statuses: NULL_ARGUMENT, INVALID_UTF8, INVALID_JSON, INVALID_CONFIG, IO, TOOL_NOT_FOUND, INVALID_ARGUMENTS,
/// SKILL_CHANGED, SCAN_DENIED, NOT_PREPARED (call `skl_engine_prepare()` first), INVALID_DEPENDENCIES, ISOLATION_UNAVAILABLE, LIMIT_UNENFORCEABLE, INTERPRETER_NOT_FOUND, SUPERVISOR, POLICY_WIDENED,
/// RESOURCES, QUEUE_FULL, FORKED, CLOSED. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_call(
    engine: *mut skl_engine,
    tool: *const c_char,
    tool_len: usize,
    args: *const c_char,
    args_len: usize,
    options: *const c_char,
    options_len: usize,
    out: *mut *mut skl_call,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let out = Out::new(out, "out")?;
            let engine = shared(engine, "engine")?;
            let tool = text(tool, tool_len, "tool")?;
            let args = text(args, args_len, "args")?;
            let options = text(options, options_len, "options")?;
            out.share(skl_call::new(Started::Call(engine.engine.call(tool, args, options)?)));
            Ok(())
        })
    }
}

/// Tells what `skl_engine_call()` would do with the same inputs: every step of building the sandbox, in order, as a
/// numbered list for a person to read. Nothing of the skill is run.
///
/// On SKL_OK the caller owns `*plan`, UTF-8 text whose lines may change between versions. Statuses: those of
/// `skl_engine_call()` except QUEUE_FULL. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_plan(
    engine: *mut skl_engine,
    tool: *const c_char,
    tool_len: usize,
    args: *const c_char,
    args_len: usize,
    options: *const c_char,
    options_len: usize,
    plan: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let plan = Out::new(plan, "plan")?;
            let engine = shared(engine, "engine")?;
            let tool = text(tool, tool_len, "tool")?;
            let args = text(args, args_len, "args")?;
            let options = text(options, options_len, "options")?;
            plan.give(skl_buffer::of_bytes(engine.engine.plan(tool, args, options)?.into_bytes()));
            Ok(())
        })
    }
}

/// `skl_engine_call()` and `skl_call_wait()` in one: runs a tool and blocks this thread until it has ended, which the
/// policy's wall limit bounds.
///
/// On SKL_OK the caller owns `*result`, the call's result document (docs/api-conventions.md#result); a script that
/// fails is no failure of this function. Statuses: those of `skl_engine_call()`. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_execute(
    engine: *mut skl_engine,
    tool: *const c_char,
    tool_len: usize,
    args: *const c_char,
    args_len: usize,
    options: *const c_char,
    options_len: usize,
    result: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let result = Out::new(result, "result")?;
            let engine = shared(engine, "engine")?;
            let tool = text(tool, tool_len, "tool")?;
            let args = text(args, args_len, "args")?;
            let options = text(options, options_len, "options")?;
            result.give(skl_buffer::of_document(&*engine.engine.execute(tool, args, options)?));
            Ok(())
        })
    }
}

/// Starts every tool call that an LLM's response asks for, in parallel, and returns at once with one call that stands for all.
///
/// `response` is the response body in the named dialect, or what `skl_stream_response()` gives; `options` applies to each call.
/// On SKL_OK the caller owns `*out` and releases it with `skl_call_free()`. Its descriptor becomes readable when the last call
/// has ended; its result is then a JSON array, in the order of the calls, to append to the conversation, empty when the
/// response asks for nothing. Cancelling it ends every call, and the messages say so. It has no output and no files: for these
/// start each call with `skl_engine_call()`. What a model can repair (an unknown tool, bad arguments) is an error answer among
/// the messages; what only the host can repair is a failure, and then no call goes on. Statuses: those of `skl_engine_call()`
/// that are the host's, UNKNOWN_DIALECT, INVALID_RESPONSE, UNSUPPORTED (the option "stream"). Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_respond(
    engine: *mut skl_engine,
    dialect: *const c_char,
    dialect_len: usize,
    response: *const c_char,
    response_len: usize,
    options: *const c_char,
    options_len: usize,
    out: *mut *mut skl_call,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let out = Out::new(out, "out")?;
            let engine = shared(engine, "engine")?;
            let dialect = text(dialect, dialect_len, "dialect")?;
            let response = text(response, response_len, "response")?;
            let options = text(options, options_len, "options")?;
            out.share(skl_call::new(Started::Round(engine.engine.respond(dialect, response, options)?)));
            Ok(())
        })
    }
}

/// `skl_engine_respond()` and `skl_call_wait()` in one: runs every tool call that an LLM's response asks for, and blocks this thread
/// until the last has ended, which the policy's wall limit bounds.
///
/// On SKL_OK the caller owns `*messages`, the array of answers. Statuses: those of `skl_engine_respond()`. Threads: any.
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_handle(
    engine: *mut skl_engine,
    dialect: *const c_char,
    dialect_len: usize,
    response: *const c_char,
    response_len: usize,
    options: *const c_char,
    options_len: usize,
    messages: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let messages = Out::new(messages, "messages")?;
            let engine = shared(engine, "engine")?;
            let dialect = text(dialect, dialect_len, "dialect")?;
            let response = text(response, response_len, "response")?;
            let options = text(options, options_len, "options")?;
            messages.give(skl_buffer::of_document(&*engine.engine.handle(dialect, response, options)?));
            Ok(())
        })
    }
}
