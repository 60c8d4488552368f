//! Strings from the host: a pointer and a length, borrowed for the call, UTF-8, without NUL bytes. And bytes, of which
//! nothing is asked.

use std::ffi::c_char;

use crate::error::{Error, Result, Status};

/// The bytes behind `pointer`; `what` names them in messages. NULL is no bytes when `len` is 0.
///
/// # Safety
/// `pointer` is NULL or points to `len` bytes that do not change until the function returns.
pub(super) unsafe fn bytes<'b>(pointer: *const c_char, len: usize, what: &str) -> Result<&'b [u8]> {
    if pointer.is_null() {
        return match len {
            0 => Ok(&[]),
            _ => Err(Error::new(Status::NullArgument, format!("'{what}' is NULL, but its length is {len}"))),
        };
    }
    if len > isize::MAX as usize {
        return Err(Error::new(Status::InvalidUtf8, format!("'{what}' has an impossible length of {len} bytes")));
    }
    // SAFETY: not NULL, `len` readable bytes by contract, and not longer than any object can be.
    Ok(unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), len) })
}

/// The text behind `pointer`; `what` names it in messages. NULL is the empty text when `len` is 0.
///
/// # Safety
/// That of [`bytes`].
pub(super) unsafe fn text<'t>(pointer: *const c_char, len: usize, what: &str) -> Result<&'t str> {
    // SAFETY: the same contract.
    let bytes = unsafe { bytes(pointer, len, what) }?;
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Error::new(Status::InvalidUtf8, format!("'{what}' is not UTF-8: bad byte at offset {}", error.valid_up_to()))
    })?;
    match text.find('\0') {
        None => Ok(text),
        Some(offset) => Err(Error::new(Status::InvalidUtf8, format!("'{what}' holds a NUL byte at offset {offset}"))),
    }
}
