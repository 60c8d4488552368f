//! `skl_call`: what is in flight, one call or those of a response.

use std::ffi::{c_char, c_int};
use std::time::Duration;

use super::buffer::skl_buffer;
use super::error::{skl_error, skl_status};
use super::handle::{Out, Shared, shared, take_shared};
use super::panic::{boundary, boundary_or};
use super::text::text;
use crate::engine::Started;

/// A longer wait is one without end: no clock would tell the difference.
const FOREVER_MS: u64 = 100 * 365 * 86_400_000;

/// A started call of a tool, or all calls that a response asks for (`skl_engine_respond()`), which are waited for, cancelled and
/// watched as one.
///
/// Threads: every function may be called from any thread, concurrently with every other one, except that
/// `skl_call_free()` must not run before a function given the same handle has been entered. It may run while another
/// thread waits: the wait then ends with the result "cancelled".
pub struct skl_call {
    call: Started,
}

impl Shared for skl_call {}

impl skl_call {
    pub(super) fn new(call: Started) -> Self {
        Self { call }
    }
}

/// How long to wait for a `timeout_ms`; `None` without end.
pub(super) fn timeout_of(timeout_ms: i64) -> Option<Duration> {
    u64::try_from(timeout_ms).ok().filter(|ms| *ms < FOREVER_MS).map(Duration::from_millis)
}

/// Waits for a call to end and gives its result. `timeout_ms` is how long to wait: 0 looks and returns at once, a
/// negative number waits without end. May be repeated; every caller gets the same result.
///
/// On SKL_OK the caller owns `*result`, a JSON document (docs/api-conventions.md#result); a script that fails is no
/// failure of this function. For the calls of a response it is the array of `skl_engine_handle()`, once the last has
/// ended. Statuses: NULL_ARGUMENT, WAIT_TIMEOUT (the call goes on), FORKED. Threads: any; the first to see the end also
/// lists and hashes the files that the script left. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_call_wait(
    call: *mut skl_call,
    timeout_ms: i64,
    result: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let result = Out::new(result, "result")?;
            let call = shared(call, "call")?;
            result.give(skl_buffer::of_document(&*call.call.wait(timeout_of(timeout_ms))?));
            Ok(())
        })
    }
}

/// Ends a call, or every call of a response. Returns at once; the result then says "cancelled", unless the script had
/// ended before. May be repeated, before, during and after the call's end.
///
/// Statuses: NULL_ARGUMENT, FORKED. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_call_cancel(call: *mut skl_call) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe { boundary(std::ptr::null_mut(), || shared(call, "call")?.call.cancel()) }
}

/// A descriptor that becomes readable when the call has ended, of a response the last one, for poll, epoll and event
/// loops. It is a pipe or a socket that is at its end then, so a loop that reads it gets end of file. It belongs to the
/// call: do not close it, and stop polling it before the call is freed.
///
/// -1 for NULL, in a forked child, and when the process has no descriptor left. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_call_fd(call: *const skl_call) -> c_int {
    boundary_or(-1, || {
        // SAFETY: the host's contract.
        let call = unsafe { shared(call, "call") };
        call.and_then(|call| call.call.fd()).unwrap_or(-1)
    })
}

/// Takes what the script of a call has written since the last read. The call must have been started with the option
/// `"stream": true`. `stream` is 1 for stdout and 2 for stderr; `timeout_ms` is how long to wait for output: 0 looks and
/// returns at once, a negative number waits without end.
///
/// On SKL_OK `*chunk` is NULL at the end of the stream. Otherwise the caller owns it: up to 64 KiB, in any pieces, not
/// checked to be UTF-8; of length 0 when nothing came in time. While 1 MiB of a stream is unread the script waits for its
/// reader, and its wall_ms goes on. The result has the output's head and tail all the same. What is unread stays readable
/// after the end, until the call is freed. Statuses: NULL_ARGUMENT, INVALID_CONFIG (no such stream), UNSUPPORTED (a call
/// without "stream", the calls of a response), FORKED. Threads: any; those who read the same stream share its bytes.
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_call_read(
    call: *mut skl_call,
    stream: u32,
    timeout_ms: i64,
    chunk: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let chunk = Out::new(chunk, "chunk")?;
            let call = shared(call, "call")?;
            if let Some(bytes) = call.call.one()?.read(stream, timeout_of(timeout_ms))? {
                chunk.give(skl_buffer::of_bytes(bytes));
            }
            Ok(())
        })
    }
}

/// A descriptor that is readable while a call that was started with `"stream": true` has output to read, and at its end
/// once there is nothing more to come. An event loop that finds it readable calls `skl_call_read()` for both streams until
/// nothing is left; it may also read the byte that is in it. It belongs to the call: do not close it, and stop polling it
/// before the call is freed.
///
/// -1 for NULL, for a call without "stream", for the calls of a response, in a forked child, and when the process has no
/// descriptor left. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_call_output_fd(call: *const skl_call) -> c_int {
    boundary_or(-1, || {
        // SAFETY: the host's contract.
        let call = unsafe { shared(call, "call") };
        call.and_then(|call| call.call.one()?.output_fd()).unwrap_or(-1)
    })
}

/// The content of a file that an ended call left in its work directory. `path` is one of the result's "files".
///
/// On SKL_OK the caller owns `*out`, at most `max_bytes` long; a larger file is an error, never cut. The work
/// directory lives as long as the call. Statuses: NULL_ARGUMENT, INVALID_UTF8, WAIT_TIMEOUT (it has not ended),
/// RESOURCE_NOT_FOUND, RESOURCE_TOO_LARGE, PATH_ESCAPE, IO, UNSUPPORTED (the calls of a response), FORKED. Threads: any.
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_call_read_file(
    call: *const skl_call,
    path: *const c_char,
    path_len: usize,
    max_bytes: u64,
    out: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let out = Out::new(out, "out")?;
            let call = shared(call, "call")?;
            let path = text(path, path_len, "path")?;
            out.give(skl_buffer::of_bytes(call.call.one()?.read_file(path, max_bytes)?));
            Ok(())
        })
    }
}

/// Copies a file that an ended call left in its work directory to the same path below the folder `dest` of the host, which
/// is there. `path` is one of the result's "files"; the empty path means all of them.
///
/// Folders on the way are made. Files are plain: 0644, folders 0755, less the process' umask. Each appears whole under its
/// name, and only where nothing has it; links below `dest` are not followed. On failure nothing of this call is left in
/// `dest`. All files together have at most the call's disk_bytes. The work directory lives as long as the call, so keep what is
/// wanted before `skl_call_free()`. A script chooses its names: give it a folder of its own. Statuses: NULL_ARGUMENT,
/// INVALID_UTF8, WAIT_TIMEOUT (it has not ended), RESOURCE_NOT_FOUND, RESOURCE_TOO_LARGE, PATH_ESCAPE (a link or a file on the way),
/// ALREADY_EXISTS, RESOURCES, IO, UNSUPPORTED (the calls of a response), FORKED. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_call_keep(
    call: *const skl_call,
    path: *const c_char,
    path_len: usize,
    dest: *const c_char,
    dest_len: usize,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let call = shared(call, "call")?;
            let path = text(path, path_len, "path")?;
            call.call.one()?.keep(path, text(dest, dest_len, "dest")?)
        })
    }
}

/// Releases a call, which cancels it if it still runs. Does not wait for the script: what the call
/// used is released when it has ended. NULL is a no-op. In a forked child the handle is left alone.
///
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_call_free(call: *mut skl_call) {
    boundary_or((), || {
        // SAFETY: the host's contract.
        let Some(call) = (unsafe { take_shared(call) }) else { return };
        // A thread may be waiting with a count of its own, so this may not be the last one.
        if call.call.cancel().is_err() {
            // The threads and descriptors behind it are the parent's.
            std::mem::forget(call);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_or_does_not() {
        let rows = [
            (-1, None),
            (i64::MIN, None),
            (0, Some(0)),
            (1, Some(1)),
            (86_400_000, Some(86_400_000)),
            (i64::MAX, None),
        ];
        for (timeout_ms, expected) in rows {
            assert_eq!(timeout_of(timeout_ms), expected.map(Duration::from_millis), "{timeout_ms}");
        }
    }
}
