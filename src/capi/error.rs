//! `skl_status` and `skl_error`: why a function failed.

use std::ffi::{CString, c_char};

use super::handle::{Owned, owned, take_owned};
use super::panic::boundary_or;
use crate::error::{Error, Status};

/// What a function returns: SKL_OK, or why it failed. Numbers are grouped by area and never reused; a later version
/// may add some, so treat an unknown number as a failure.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum skl_status {
    /// It worked.
    SKL_OK = 0,
    /// A required pointer was NULL.
    SKL_ERR_NULL_ARGUMENT = 1,
    /// A string was not UTF-8, or held a NUL byte.
    SKL_ERR_INVALID_UTF8 = 2,
    /// A document was not JSON.
    SKL_ERR_INVALID_JSON = 3,
    /// A config or option key is unknown, of the wrong type or out of range.
    SKL_ERR_INVALID_CONFIG = 4,
    /// The library panicked: a bug in it, not in the caller.
    SKL_ERR_PANIC = 5,
    /// The handle was made before a fork() and is used in the child.
    SKL_ERR_FORKED = 6,
    /// The host is out of a resource: descriptors, memory, threads.
    SKL_ERR_RESOURCES = 7,
    /// This version or this platform has no such feature.
    SKL_ERR_UNSUPPORTED = 8,
    /// Reading or writing a file failed.
    SKL_ERR_IO = 9,
    /// An invariant of the library did not hold.
    SKL_ERR_INTERNAL = 10,
    /// The directory of skills does not exist or is no directory.
    SKL_ERR_SKILL_DIRECTORY = 100,
    /// No loaded skill has this name.
    SKL_ERR_SKILL_NOT_FOUND = 101,
    /// The skill's SKILL.md or layout is unusable.
    SKL_ERR_SKILL_INVALID = 102,
    /// There is no such file.
    SKL_ERR_RESOURCE_NOT_FOUND = 103,
    /// The file is larger than the bound of the read.
    SKL_ERR_RESOURCE_TOO_LARGE = 104,
    /// A path leaves the folder it belongs to.
    SKL_ERR_PATH_ESCAPE = 105,
    /// The skill's files changed since it was loaded.
    SKL_ERR_SKILL_CHANGED = 106,
    /// The static scan found what the policy denies in the skill.
    SKL_ERR_SCAN_DENIED = 107,
    /// No tool has this name.
    SKL_ERR_TOOL_NOT_FOUND = 200,
    /// The arguments do not fit the tool's schema.
    SKL_ERR_INVALID_ARGUMENTS = 201,
    /// No dialect has this name.
    SKL_ERR_UNKNOWN_DIALECT = 202,
    /// The LLM's response is not of the dialect's shape.
    SKL_ERR_INVALID_RESPONSE = 203,
    /// The host cannot give the isolation that the policy asks for.
    SKL_ERR_ISOLATION_UNAVAILABLE = 300,
    /// A limit of the policy cannot be enforced on this host.
    SKL_ERR_LIMIT_UNENFORCEABLE = 301,
    /// No interpreter for the script's language was found.
    SKL_ERR_INTERPRETER_NOT_FOUND = 302,
    /// The supervisor process could not be started or was lost.
    SKL_ERR_SUPERVISOR = 303,
    /// A step of building the sandbox failed.
    SKL_ERR_SPAWN = 304,
    /// A call asked for more than the engine's policy allows.
    SKL_ERR_POLICY_WIDENED = 305,
    /// Waiting ended before the call did; the call goes on.
    SKL_ERR_WAIT_TIMEOUT = 400,
    /// Too many calls are waiting.
    SKL_ERR_QUEUE_FULL = 401,
    /// The engine is closed.
    SKL_ERR_CLOSED = 402,
    /// The call was cancelled before it started; found in results only.
    SKL_ERR_CANCELLED = 403,
    /// There is something of this name, and nothing is overwritten.
    SKL_ERR_ALREADY_EXISTS = 404,
    /// The agent's turn is another one: its last step says what it waits for.
    SKL_ERR_OUT_OF_TURN = 500,
    /// What the skill declares to need has not been installed: call skl_engine_prepare().
    SKL_ERR_NOT_PREPARED = 600,
    /// Installing what a skill declares to need failed.
    SKL_ERR_BUILD_FAILED = 601,
    /// What a skill declares to need cannot be understood, or the config names no index for it.
    SKL_ERR_INVALID_DEPENDENCIES = 602,
}

impl From<Status> for skl_status {
    fn from(status: Status) -> Self {
        match status {
            Status::NullArgument => Self::SKL_ERR_NULL_ARGUMENT,
            Status::InvalidUtf8 => Self::SKL_ERR_INVALID_UTF8,
            Status::InvalidJson => Self::SKL_ERR_INVALID_JSON,
            Status::InvalidConfig => Self::SKL_ERR_INVALID_CONFIG,
            Status::Panic => Self::SKL_ERR_PANIC,
            Status::Forked => Self::SKL_ERR_FORKED,
            Status::Resources => Self::SKL_ERR_RESOURCES,
            Status::Unsupported => Self::SKL_ERR_UNSUPPORTED,
            Status::Io => Self::SKL_ERR_IO,
            Status::Internal => Self::SKL_ERR_INTERNAL,
            Status::SkillDirectory => Self::SKL_ERR_SKILL_DIRECTORY,
            Status::SkillNotFound => Self::SKL_ERR_SKILL_NOT_FOUND,
            Status::SkillInvalid => Self::SKL_ERR_SKILL_INVALID,
            Status::ResourceNotFound => Self::SKL_ERR_RESOURCE_NOT_FOUND,
            Status::ResourceTooLarge => Self::SKL_ERR_RESOURCE_TOO_LARGE,
            Status::PathEscape => Self::SKL_ERR_PATH_ESCAPE,
            Status::SkillChanged => Self::SKL_ERR_SKILL_CHANGED,
            Status::ScanDenied => Self::SKL_ERR_SCAN_DENIED,
            Status::ToolNotFound => Self::SKL_ERR_TOOL_NOT_FOUND,
            Status::InvalidArguments => Self::SKL_ERR_INVALID_ARGUMENTS,
            Status::UnknownDialect => Self::SKL_ERR_UNKNOWN_DIALECT,
            Status::InvalidResponse => Self::SKL_ERR_INVALID_RESPONSE,
            Status::IsolationUnavailable => Self::SKL_ERR_ISOLATION_UNAVAILABLE,
            Status::LimitUnenforceable => Self::SKL_ERR_LIMIT_UNENFORCEABLE,
            Status::InterpreterNotFound => Self::SKL_ERR_INTERPRETER_NOT_FOUND,
            Status::Supervisor => Self::SKL_ERR_SUPERVISOR,
            Status::Spawn => Self::SKL_ERR_SPAWN,
            Status::PolicyWidened => Self::SKL_ERR_POLICY_WIDENED,
            Status::WaitTimeout => Self::SKL_ERR_WAIT_TIMEOUT,
            Status::QueueFull => Self::SKL_ERR_QUEUE_FULL,
            Status::Closed => Self::SKL_ERR_CLOSED,
            Status::Cancelled => Self::SKL_ERR_CANCELLED,
            Status::AlreadyExists => Self::SKL_ERR_ALREADY_EXISTS,
            Status::OutOfTurn => Self::SKL_ERR_OUT_OF_TURN,
            Status::NotPrepared => Self::SKL_ERR_NOT_PREPARED,
            Status::BuildFailed => Self::SKL_ERR_BUILD_FAILED,
            Status::InvalidDependencies => Self::SKL_ERR_INVALID_DEPENDENCIES,
        }
    }
}

/// Every status with its name, for `skl_status_name()`.
const NAMES: &[(skl_status, &std::ffi::CStr)] = {
    use skl_status::*;
    &[
        (SKL_OK, c"SKL_OK"),
        (SKL_ERR_NULL_ARGUMENT, c"SKL_ERR_NULL_ARGUMENT"),
        (SKL_ERR_INVALID_UTF8, c"SKL_ERR_INVALID_UTF8"),
        (SKL_ERR_INVALID_JSON, c"SKL_ERR_INVALID_JSON"),
        (SKL_ERR_INVALID_CONFIG, c"SKL_ERR_INVALID_CONFIG"),
        (SKL_ERR_PANIC, c"SKL_ERR_PANIC"),
        (SKL_ERR_FORKED, c"SKL_ERR_FORKED"),
        (SKL_ERR_RESOURCES, c"SKL_ERR_RESOURCES"),
        (SKL_ERR_UNSUPPORTED, c"SKL_ERR_UNSUPPORTED"),
        (SKL_ERR_IO, c"SKL_ERR_IO"),
        (SKL_ERR_INTERNAL, c"SKL_ERR_INTERNAL"),
        (SKL_ERR_SKILL_DIRECTORY, c"SKL_ERR_SKILL_DIRECTORY"),
        (SKL_ERR_SKILL_NOT_FOUND, c"SKL_ERR_SKILL_NOT_FOUND"),
        (SKL_ERR_SKILL_INVALID, c"SKL_ERR_SKILL_INVALID"),
        (SKL_ERR_RESOURCE_NOT_FOUND, c"SKL_ERR_RESOURCE_NOT_FOUND"),
        (SKL_ERR_RESOURCE_TOO_LARGE, c"SKL_ERR_RESOURCE_TOO_LARGE"),
        (SKL_ERR_PATH_ESCAPE, c"SKL_ERR_PATH_ESCAPE"),
        (SKL_ERR_SKILL_CHANGED, c"SKL_ERR_SKILL_CHANGED"),
        (SKL_ERR_SCAN_DENIED, c"SKL_ERR_SCAN_DENIED"),
        (SKL_ERR_TOOL_NOT_FOUND, c"SKL_ERR_TOOL_NOT_FOUND"),
        (SKL_ERR_INVALID_ARGUMENTS, c"SKL_ERR_INVALID_ARGUMENTS"),
        (SKL_ERR_UNKNOWN_DIALECT, c"SKL_ERR_UNKNOWN_DIALECT"),
        (SKL_ERR_INVALID_RESPONSE, c"SKL_ERR_INVALID_RESPONSE"),
        (SKL_ERR_ISOLATION_UNAVAILABLE, c"SKL_ERR_ISOLATION_UNAVAILABLE"),
        (SKL_ERR_LIMIT_UNENFORCEABLE, c"SKL_ERR_LIMIT_UNENFORCEABLE"),
        (SKL_ERR_INTERPRETER_NOT_FOUND, c"SKL_ERR_INTERPRETER_NOT_FOUND"),
        (SKL_ERR_SUPERVISOR, c"SKL_ERR_SUPERVISOR"),
        (SKL_ERR_SPAWN, c"SKL_ERR_SPAWN"),
        (SKL_ERR_POLICY_WIDENED, c"SKL_ERR_POLICY_WIDENED"),
        (SKL_ERR_WAIT_TIMEOUT, c"SKL_ERR_WAIT_TIMEOUT"),
        (SKL_ERR_QUEUE_FULL, c"SKL_ERR_QUEUE_FULL"),
        (SKL_ERR_CLOSED, c"SKL_ERR_CLOSED"),
        (SKL_ERR_CANCELLED, c"SKL_ERR_CANCELLED"),
        (SKL_ERR_ALREADY_EXISTS, c"SKL_ERR_ALREADY_EXISTS"),
        (SKL_ERR_OUT_OF_TURN, c"SKL_ERR_OUT_OF_TURN"),
        (SKL_ERR_NOT_PREPARED, c"SKL_ERR_NOT_PREPARED"),
        (SKL_ERR_BUILD_FAILED, c"SKL_ERR_BUILD_FAILED"),
        (SKL_ERR_INVALID_DEPENDENCIES, c"SKL_ERR_INVALID_DEPENDENCIES"),
    ]
};

/// Why a function failed, in a line for a person. Immutable; may be used from any thread.
pub struct skl_error {
    status: skl_status,
    message: CString,
}

impl Owned for skl_error {}

impl skl_error {
    pub(super) fn new(error: Error) -> Self {
        // Messages have no control characters, so no NUL either.
        Self { status: error.status.into(), message: CString::new(error.message).unwrap_or_default() }
    }
}

/// The name of a status, as in this header, such as "SKL_ERR_CLOSED". A static string; "unknown status" for a number
/// that this version does not have. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn skl_status_name(status: i32) -> *const c_char {
    let found = NAMES.iter().find(|(known, _)| *known as i32 == status);
    found.map_or(c"unknown status", |(_, name)| *name).as_ptr()
}

/// The status of an error, the same that the function returned. SKL_OK for NULL. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_error_status(error: *const skl_error) -> skl_status {
    // SAFETY: the host's contract.
    unsafe { owned(error) }.map_or(skl_status::SKL_OK, |error| error.status)
}

/// One line for a person: what failed, which thing, the limit, the remedy. UTF-8, NUL-terminated, without line breaks;
/// valid until the error is freed. "" for NULL. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_error_message(error: *const skl_error) -> *const c_char {
    // SAFETY: the host's contract.
    unsafe { owned(error) }.map_or(c"".as_ptr(), |error| error.message.as_ptr())
}

/// Frees an error. NULL is a no-op. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_error_free(error: *mut skl_error) {
    // SAFETY: the host's contract.
    boundary_or((), || drop(unsafe { take_owned(error) }));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names come from the numbers of `crate::error`, so this also holds the two enums together.
    #[test]
    fn numbers_and_names_agree_with_the_library() {
        let all = [
            Status::NullArgument,
            Status::InvalidUtf8,
            Status::InvalidJson,
            Status::InvalidConfig,
            Status::Panic,
            Status::Forked,
            Status::Resources,
            Status::Unsupported,
            Status::Io,
            Status::Internal,
            Status::SkillDirectory,
            Status::SkillNotFound,
            Status::SkillInvalid,
            Status::ResourceNotFound,
            Status::ResourceTooLarge,
            Status::PathEscape,
            Status::SkillChanged,
            Status::ScanDenied,
            Status::ToolNotFound,
            Status::InvalidArguments,
            Status::UnknownDialect,
            Status::InvalidResponse,
            Status::IsolationUnavailable,
            Status::LimitUnenforceable,
            Status::InterpreterNotFound,
            Status::Supervisor,
            Status::Spawn,
            Status::PolicyWidened,
            Status::WaitTimeout,
            Status::QueueFull,
            Status::Closed,
            Status::Cancelled,
            Status::AlreadyExists,
            Status::OutOfTurn,
            Status::NotPrepared,
            Status::BuildFailed,
            Status::InvalidDependencies,
        ];
        assert_eq!(NAMES.len(), all.len() + 1);
        for status in all {
            let ours = skl_status::from(status);
            assert_eq!(ours as i32, status as i32, "{status:?}");
            // SAFETY: a static string.
            let name = unsafe { std::ffi::CStr::from_ptr(skl_status_name(ours as i32)) }.to_str().unwrap();
            assert_eq!(name, format!("{ours:?}"));
        }
        // SAFETY: a static string.
        let unknown = unsafe { std::ffi::CStr::from_ptr(skl_status_name(-5)) };
        assert_eq!(unknown, c"unknown status");
    }
}
