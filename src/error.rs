//! The one error of the library: a stable status and a one-line message.
//!
//! Every room returns it; `capi` hands it to the host as `skl_error`. A message names the thing, the limit and the
//! remedy, in one line, and never a secret. Statuses are numbered by area and never reused.

use std::fmt;

/// Why an operation failed. The numbers are part of the ABI (`skl_status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Status {
    /// A required pointer was NULL.
    NullArgument = 1,
    /// A string was not UTF-8, or held a NUL byte where none may be.
    InvalidUtf8 = 2,
    /// A document was not JSON.
    InvalidJson = 3,
    /// A config or option key is unknown, of the wrong type or out of range.
    InvalidConfig = 4,
    /// The library panicked; a bug in it, not in the caller.
    Panic = 5,
    /// The handle was made before a `fork()` and is used in the child.
    Forked = 6,
    /// The host is out of a resource: descriptors, memory, threads.
    Resources = 7,
    /// This build or this platform has no such feature.
    Unsupported = 8,
    /// Reading or writing a file failed.
    Io = 9,
    /// An invariant of the library did not hold.
    Internal = 10,

    /// The directory of skills does not exist or is no directory.
    SkillDirectory = 100,
    /// No loaded skill has this name.
    SkillNotFound = 101,
    /// The skill's SKILL.md or layout is unusable.
    SkillInvalid = 102,
    /// The skill has no such resource.
    ResourceNotFound = 103,
    /// The resource is larger than the bound of the read.
    ResourceTooLarge = 104,
    /// A path leaves the skill's folder.
    PathEscape = 105,
    /// The skill's files changed since it was loaded.
    SkillChanged = 106,
    /// The static scan found what the policy denies in the skill.
    ScanDenied = 107,

    /// No tool has this name.
    ToolNotFound = 200,
    /// The arguments do not fit the tool's schema.
    InvalidArguments = 201,
    /// No dialect has this name.
    UnknownDialect = 202,
    /// The LLM response is not of the dialect's shape.
    InvalidResponse = 203,

    /// The host cannot give the isolation that the policy asks for.
    IsolationUnavailable = 300,
    /// A limit of the policy cannot be enforced on this host.
    LimitUnenforceable = 301,
    /// No interpreter for the script's language was found.
    InterpreterNotFound = 302,
    /// The supervisor process could not be started or was lost.
    Supervisor = 303,
    /// A step of building the sandbox failed.
    Spawn = 304,
    /// A call asked for more than the engine's policy allows.
    PolicyWidened = 305,

    /// Waiting ended before the call did.
    WaitTimeout = 400,
    /// Too many calls are waiting.
    QueueFull = 401,
    /// The engine is closed.
    Closed = 402,
    /// The call was cancelled before it started.
    Cancelled = 403,
    /// There is something of this name, and nothing is overwritten.
    AlreadyExists = 404,

    /// An agent expects something else now.
    OutOfTurn = 500,

    /// What a skill declares to need has not been installed.
    NotPrepared = 600,
    /// Installing what a skill declares to need failed.
    BuildFailed = 601,
    /// What a skill declares to need cannot be understood, or not be had.
    InvalidDependencies = 602,
}

/// A failed operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What kind of failure this is; stable.
    pub status: Status,
    /// One line for a person: what, which, the limit, the remedy.
    pub message: String,
}

impl Error {
    /// Makes an error; line breaks and control characters in `message` are replaced so that it stays one line.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        let mut message: String = message.into();
        if message.chars().any(char::is_control) {
            message = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        }
        Self { status, message }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// What most operations of the library return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
