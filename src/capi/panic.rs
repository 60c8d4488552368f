//! The border that no panic crosses.
//!
//! A panic in the body of a C function becomes `SKL_ERR_PANIC`; unwinding into C would abort the host. Rust also reports
//! a panic on stderr before it unwinds, and stderr is the host's. Only a panic hook can prevent that, so one is put in
//! front of the existing hook when the first function is entered: it is silent for threads that are inside this
//! library and hands everything else on unchanged. In the shared library this touches nobody, because the library has
//! its own copy of Rust's runtime; a Rust program that links the static library keeps its own hook and its reports.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use super::error::{skl_error, skl_status};
use crate::error::{Error, Result, Status};

thread_local! {
    /// How many of our functions this thread is inside. It has no destructor, so unloading the library is harmless.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs the body of a function that returns a status: converts its error, or its panic, and fills `err`.
///
/// # Safety
/// `err` is NULL or may be written to.
pub(super) unsafe fn boundary(err: *mut *mut skl_error, body: impl FnOnce() -> Result<()>) -> skl_status {
    let outcome = caught(body).unwrap_or_else(|message| {
        Err(Error::new(Status::Panic, format!("the library panicked, which is a bug in it: {message}")))
    });
    let (status, error) = match outcome {
        Ok(()) => (skl_status::SKL_OK, std::ptr::null_mut()),
        // Made only for those who want it: a host that polls sees a timeout each time.
        Err(error) if err.is_null() => (error.status.into(), std::ptr::null_mut()),
        Err(error) => (error.status.into(), Box::into_raw(Box::new(skl_error::new(error)))),
    };
    if !err.is_null() {
        // SAFETY: it may be written to, by contract.
        unsafe { err.write(error) };
    }
    status
}

/// Runs the body of a function that has no way to report; a panic gives `fallback`.
pub(super) fn boundary_or<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    caught(body).unwrap_or(fallback)
}

/// The value of `body`, or the message of its panic.
fn caught<T>(body: impl FnOnce() -> T) -> std::result::Result<T, String> {
    quieten();
    DEPTH.set(DEPTH.get().saturating_add(1));
    // What a panic may leave half done is behind locks that go on after poisoning, or is not reached again.
    let outcome = catch_unwind(AssertUnwindSafe(body));
    DEPTH.set(DEPTH.get().saturating_sub(1));
    outcome.map_err(|payload| {
        let text = payload.downcast_ref::<&str>().copied();
        text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
    })
}

fn quieten() {
    static ONCE: Once = Once::new();
    // The hook cannot be changed by a thread that is unwinding; another call will do it.
    if !ONCE.is_completed() && !std::thread::panicking() {
        ONCE.call_once(|| {
            let previous = take_hook();
            set_hook(Box::new(move |report| {
                if DEPTH.get() == 0 {
                    previous(report);
                }
            }));
        });
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::capi::{skl_error_free, skl_error_message, skl_error_status};

    const CHILD: &str = "capi::panic::tests::a_panic_becomes_a_status";

    #[test]
    fn a_panic_becomes_a_status() {
        let mut error = std::ptr::null_mut();
        // SAFETY: `error` may be written to.
        let status = unsafe { boundary(&mut error, || panic!("injected {}", 1)) };
        assert_eq!(status, skl_status::SKL_ERR_PANIC);
        // SAFETY: `error` was just made by the boundary.
        unsafe {
            assert_eq!(skl_error_status(error), skl_status::SKL_ERR_PANIC);
            let message = std::ffi::CStr::from_ptr(skl_error_message(error)).to_str().unwrap();
            assert!(message.ends_with("injected 1"), "{message}");
            skl_error_free(error);
        }
        assert_eq!(boundary_or(7, || panic!("again")), 7);
        assert_eq!(DEPTH.get(), 0);
    }

    /// The test above in a process of its own: the reports of this library's panics do not appear, others do.
    #[test]
    fn a_panic_is_silent_inside_and_reported_outside() {
        let run = |test: &str| {
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", test, "--nocapture", "--include-ignored"])
                .env("SKILLLITE_TEST_PANIC", "1")
                .output()
                .unwrap();
            (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        assert_eq!(run(CHILD), (true, String::new()));
        let (_, stderr) = run("capi::panic::tests::a_panic_outside_is_reported");
        assert!(stderr.contains("outside the boundary"), "{stderr}");
    }

    #[test]
    fn a_panic_outside_is_reported() {
        assert_eq!(boundary_or(1, || 2), 2);
        let is_child = std::env::var_os("SKILLLITE_TEST_PANIC").is_some();
        assert!(!is_child, "outside the boundary");
    }
}
