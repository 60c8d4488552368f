//! Pointers that cross the border, and who owns what is behind them.
//!
//! A marker trait says how each handle is held. The functions here accept only the matching kind, so a boxed handle
//! cannot be released as a shared one.

use std::sync::Arc;

use crate::error::{Error, Result, Status};

/// A handle held by an [`Arc`]: a function that is inside it in one thread keeps it alive when another frees it.
pub(super) trait Shared: Send + Sync + Sized {}

/// A handle held by a [`Box`]: immutable, freed once.
pub(super) trait Owned: Send + Sync + Sized {}

fn null(what: &str) -> Error {
    Error::new(Status::NullArgument, format!("'{what}' is NULL"))
}

/// The shared handle behind a pointer from the host.
///
/// # Safety
/// `pointer` is NULL or came from [`Out::share`] and was not freed before this call began.
pub(super) unsafe fn shared<T: Shared>(pointer: *const T, what: &str) -> Result<Arc<T>> {
    if pointer.is_null() {
        return Err(null(what));
    }
    // SAFETY: it came from `Arc::into_raw` and the host still owns that count; the new one is ours.
    unsafe {
        Arc::increment_strong_count(pointer);
        Ok(Arc::from_raw(pointer))
    }
}

/// Takes back the host's count of a shared handle.
///
/// # Safety
/// `pointer` is NULL or came from [`Out::share`] and was not freed.
pub(super) unsafe fn take_shared<T: Shared>(pointer: *mut T) -> Option<Arc<T>> {
    // SAFETY: it came from `Arc::into_raw`, by contract.
    (!pointer.is_null()).then(|| unsafe { Arc::from_raw(pointer) })
}

/// The owned handle behind a pointer from the host.
///
/// # Safety
/// `pointer` is NULL or came from [`Out::give`] and is not freed while the reference lives.
pub(super) unsafe fn owned<'h, T: Owned>(pointer: *const T) -> Option<&'h T> {
    // SAFETY: it came from `Box::into_raw`, by contract.
    unsafe { pointer.as_ref() }
}

/// Takes back an owned handle.
///
/// # Safety
/// `pointer` is NULL or came from [`Out::give`] and was not freed.
pub(super) unsafe fn take_owned<T: Owned>(pointer: *mut T) -> Option<Box<T>> {
    // SAFETY: it came from `Box::into_raw`, by contract.
    (!pointer.is_null()).then(|| unsafe { Box::from_raw(pointer) })
}

/// Where a function puts a new handle. It holds NULL until the function succeeds.
pub(super) struct Out<T>(*mut *mut T);

impl<T> Out<T> {
    /// # Safety
    /// `pointer` is NULL or may be written to until the function returns.
    pub(super) unsafe fn new(pointer: *mut *mut T, what: &str) -> Result<Self> {
        if pointer.is_null() {
            return Err(null(what));
        }
        // SAFETY: it may be written to, by contract.
        unsafe { pointer.write(std::ptr::null_mut()) };
        Ok(Self(pointer))
    }

    fn put(self, handle: *mut T) {
        // SAFETY: it was checked when `self` was made, and the contract lasts until the function returns.
        unsafe { self.0.write(handle) };
    }
}

impl<T: Shared> Out<T> {
    /// Hands a shared handle to the host.
    pub(super) fn share(self, handle: T) {
        self.put(Arc::into_raw(Arc::new(handle)).cast_mut());
    }
}

impl<T: Owned> Out<T> {
    /// Hands an owned handle to the host.
    pub(super) fn give(self, handle: T) {
        self.put(Box::into_raw(Box::new(handle)));
    }
}
