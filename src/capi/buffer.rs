//! `skl_buffer`: bytes that the library hands out.

use std::ffi::c_char;

use serde_json::Value;

use super::handle::{Owned, owned, take_owned};
use super::panic::boundary_or;

/// Bytes owned by the host: a document, a text or the content of a file. Immutable; may be used from any thread.
pub struct skl_buffer {
    /// One NUL byte longer than its content.
    bytes: Vec<u8>,
}

impl Owned for skl_buffer {}

impl skl_buffer {
    pub(super) fn of_bytes(mut bytes: Vec<u8>) -> Self {
        bytes.push(0);
        Self { bytes }
    }

    pub(super) fn of_document(document: &Value) -> Self {
        // A value has no maps with other keys than strings, the one thing that cannot be written.
        Self::of_bytes(serde_json::to_vec(document).unwrap_or_default())
    }
}

/// The bytes, followed by a NUL byte that is not counted; valid until the buffer is freed. Documents and texts are
/// UTF-8; the content of a file is what it is and may hold NUL bytes. NULL for NULL. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_buffer_data(buffer: *const skl_buffer) -> *const c_char {
    // SAFETY: the host's contract.
    unsafe { owned(buffer) }.map_or(std::ptr::null(), |buffer| buffer.bytes.as_ptr().cast())
}

/// How many bytes the buffer holds, without the closing NUL. 0 for NULL. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_buffer_len(buffer: *const skl_buffer) -> usize {
    // SAFETY: the host's contract.
    unsafe { owned(buffer) }.map_or(0, |buffer| buffer.bytes.len().saturating_sub(1))
}

/// Frees a buffer. NULL is a no-op. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_buffer_free(buffer: *mut skl_buffer) {
    // SAFETY: the host's contract.
    boundary_or((), || drop(unsafe { take_owned(buffer) }));
}
