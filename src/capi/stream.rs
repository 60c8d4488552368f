//! `skl_stream`: a streamed response of an LLM, put together.

use std::ffi::c_char;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::buffer::skl_buffer;
use super::error::{skl_error, skl_status};
use super::handle::{Out, Shared, shared, take_shared};
use super::panic::{boundary, boundary_or};
use super::text::{bytes, text};
use crate::error::{Error, Result, Status};
use crate::tool::dialect::{Assembler, Dialect};

/// A streamed response of an LLM that is being put together. It opens nothing and reads nothing by itself.
///
/// Threads: every function may be called from any thread; functions given the same handle take turns, so feed it from
/// one thread to keep the order. Plain memory: it may be used after a fork(), unless a thread was inside it.
pub struct skl_stream {
    assembler: Mutex<Assembler>,
}

impl Shared for skl_stream {}

impl skl_stream {
    fn lock(&self) -> MutexGuard<'_, Assembler> {
        // A panic in a feed leaves an assembler that is at worst incomplete.
        self.assembler.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A constant in each function, looked at before anything of streams is reached, so that a build without the feature
/// holds nothing of them.
const HAS_STREAMS: bool = cfg!(feature = "dialects");

fn absent() -> Result<()> {
    let message = "this library was built without the feature \"dialects\", which streams are part of";
    Err(Error::new(Status::Unsupported, message))
}

/// Makes an empty stream for one response.
///
/// `dialect` names the vendor's shape, as in `skl_engine_tools()`. On SKL_OK the caller owns `*out` and releases it with
/// `skl_stream_free()`. Statuses: NULL_ARGUMENT, INVALID_UTF8, UNKNOWN_DIALECT, UNSUPPORTED (a build
/// without the feature "dialects"). Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_stream_new(
    dialect: *const c_char,
    dialect_len: usize,
    out: *mut *mut skl_stream,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let out = Out::new(out, "out")?;
            if !HAS_STREAMS {
                return absent();
            }
            let dialect = Dialect::parse(text(dialect, dialect_len, "dialect")?)?;
            out.share(skl_stream { assembler: Mutex::new(Assembler::new(dialect)) });
            Ok(())
        })
    }
}

/// Takes the next bytes of the response's body, as they came from the network and cut anywhere: server-sent events, or
/// JSON objects one after another (by line, in an array, or with nothing between them). `data` is borrowed for the call.
///
/// Statuses: NULL_ARGUMENT, INVALID_UTF8, INVALID_RESPONSE (an event is no JSON or not of the dialect, the vendor reports
/// an error in it, or the stream is larger than 64 MiB). A failure is final: every later function gives it again.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_stream_feed(
    stream: *mut skl_stream,
    data: *const c_char,
    data_len: usize,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            if !HAS_STREAMS {
                return absent();
            }
            let stream = shared(stream, "stream")?;
            stream.lock().feed(bytes(data, data_len, "data")?)
        })
    }
}

/// Whether the model's turn is over, so that `skl_stream_response()` gives it. What comes after it (counts of tokens, an
/// end mark) may still be fed. False for NULL and after a failure. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_stream_is_complete(stream: *const skl_stream) -> bool {
    boundary_or(false, || {
        if !HAS_STREAMS {
            return false;
        }
        // SAFETY: the host's contract.
        let stream = unsafe { shared(stream, "stream") };
        stream.is_ok_and(|stream| stream.lock().is_complete())
    })
}

/// The response that the vendor would have given without streaming, as far as tool calls are concerned: the `response` of
/// `skl_engine_handle()` and `skl_engine_respond()`. May be repeated.
///
/// On SKL_OK the caller owns `*response`, a JSON document. Statuses: NULL_ARGUMENT, INVALID_RESPONSE (the stream is not at
/// its end: a call that was cut off must not run), and the failure of an earlier feed. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_stream_response(
    stream: *const skl_stream,
    response: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let response = Out::new(response, "response")?;
            if !HAS_STREAMS {
                return absent();
            }
            let stream = shared(stream, "stream")?;
            let document = stream.lock().response()?;
            response.give(skl_buffer::of_document(&document));
            Ok(())
        })
    }
}

/// Releases a stream. NULL is a no-op. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_stream_free(stream: *mut skl_stream) {
    boundary_or((), || {
        // Without the feature there is none to release.
        if HAS_STREAMS {
            // SAFETY: the host's contract.
            drop(unsafe { take_shared(stream) });
        }
    });
}
