package skilllite

// A Code says what the library refuses: the statuses of skilllite.h, without SKL_. Numbers are never reused; a later library may have
// codes that are not here. Each is an error, for errors.Is.
type Code int32

const (
	// ErrNullArgument: a required pointer was NULL.
	ErrNullArgument Code = 1
	// ErrInvalidUTF8: a string was not UTF-8, or held a NUL byte.
	ErrInvalidUTF8 Code = 2
	// ErrInvalidJSON: a document was not JSON.
	ErrInvalidJSON Code = 3
	// ErrInvalidConfig: a config or option key is unknown, of the wrong type or out of range.
	ErrInvalidConfig Code = 4
	// ErrPanic: the library panicked: a bug in it, not in the caller.
	ErrPanic Code = 5
	// ErrForked: the handle was made before a fork() and is used in the child.
	ErrForked Code = 6
	// ErrResources: the host is out of a resource: descriptors, memory, threads.
	ErrResources Code = 7
	// ErrUnsupported: this version or this platform has no such feature.
	ErrUnsupported Code = 8
	// ErrIO: reading or writing a file failed.
	ErrIO Code = 9
	// ErrInternal: an invariant of the library did not hold.
	ErrInternal Code = 10
	// ErrSkillDirectory: the directory of skills does not exist or is no directory.
	ErrSkillDirectory Code = 100
	// ErrSkillNotFound: no loaded skill has this name.
	ErrSkillNotFound Code = 101
	// ErrSkillInvalid: the skill's SKILL.md or layout is unusable.
	ErrSkillInvalid Code = 102
	// ErrResourceNotFound: there is no such file.
	ErrResourceNotFound Code = 103
	// ErrResourceTooLarge: the file is larger than the bound of the read.
	ErrResourceTooLarge Code = 104
	// ErrPathEscape: a path leaves the folder it belongs to.
	ErrPathEscape Code = 105
	// ErrSkillChanged: the skill's files changed since it was loaded.
	ErrSkillChanged Code = 106
	// ErrScanDenied: the static scan found what the policy denies in the skill.
	ErrScanDenied Code = 107
	// ErrToolNotFound: no tool has this name.
	ErrToolNotFound Code = 200
	// ErrInvalidArguments: the arguments do not fit the tool's schema.
	ErrInvalidArguments Code = 201
	// ErrUnknownDialect: no dialect has this name.
	ErrUnknownDialect Code = 202
	// ErrInvalidResponse: The LLM's response is not of the dialect's shape.
	ErrInvalidResponse Code = 203
	// ErrIsolationUnavailable: the host cannot give the isolation that the policy asks for.
	ErrIsolationUnavailable Code = 300
	// ErrLimitUnenforceable: a limit of the policy cannot be enforced on this host.
	ErrLimitUnenforceable Code = 301
	// ErrInterpreterNotFound: no interpreter for the script's language was found.
	ErrInterpreterNotFound Code = 302
	// ErrSupervisor: the supervisor process could not be started or was lost.
	ErrSupervisor Code = 303
	// ErrSpawn: a step of building the sandbox failed.
	ErrSpawn Code = 304
	// ErrPolicyWidened: a call asked for more than the engine's policy allows.
	ErrPolicyWidened Code = 305
	// ErrWaitTimeout: waiting ended before the call did; the call goes on.
	ErrWaitTimeout Code = 400
	// ErrQueueFull: too many calls are waiting.
	ErrQueueFull Code = 401
	// ErrClosed: the engine is closed.
	ErrClosed Code = 402
	// ErrCancelled: the call was cancelled before it started; found in results only.
	ErrCancelled Code = 403
	// ErrAlreadyExists: there is something of this name, and nothing is overwritten.
	ErrAlreadyExists Code = 404
	// ErrOutOfTurn: the agent's turn is another one: its last step says what it waits for.
	ErrOutOfTurn Code = 500
	// ErrNotPrepared: what the skill declares to need has not been installed: call Engine.Prepare.
	ErrNotPrepared Code = 600
	// ErrBuildFailed: installing what a skill declares to need failed.
	ErrBuildFailed Code = 601
	// ErrInvalidDependencies: what a skill declares to need cannot be understood, or the config names no index for it.
	ErrInvalidDependencies Code = 602
)

// String is the code's name in the header, such as "SKL_ERR_CLOSED".
func (c Code) String() string { return nativeStatusName(c) }

// Error is the same as String.
func (c Code) Error() string { return c.String() }
