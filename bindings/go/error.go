package skilllite

import (
	"context"
	"errors"
	"fmt"
)

// What ended a run from outside, for errors.Is over a [*RunError].
var (
	// ErrTimeout: the run reached its wall limit, or the deadline of its context passed. Also true of a wait that a deadline ended.
	ErrTimeout = errors.New("skilllite: the time is over")
	// ErrLimit: the run reached another limit of the policy; [Result.Limit] names it.
	ErrLimit = errors.New("skilllite: a limit of the policy was reached")
	// ErrDenied: the policy or the host does not allow the run.
	ErrDenied = errors.New("skilllite: the run is not allowed")
	// ErrNotRun: the run could not be started or its outcome is unknown; the chain holds the library's [*Error].
	ErrNotRun = errors.New("skilllite: the run could not be carried out")
)

// An Error is what the library refuses. The message is one line: what failed, which thing, the limit, the remedy.
type Error struct {
	Code    Code
	Message string
	cause   error
}

func (e *Error) Error() string { return "skilllite: " + e.Message }

// Is makes errors.Is(err, skilllite.ErrToolNotFound) and the like work.
func (e *Error) Is(target error) bool {
	code, isCode := target.(Code)
	return isCode && code == e.Code || target == ErrTimeout && errors.Is(e.cause, context.DeadlineExceeded)
}

// Unwrap is the context's error where that ended a wait.
func (e *Error) Unwrap() error { return e.cause }

// A RunError says that a run did not end by itself. [Engine.Execute] and [Call.Wait] give the Result beside it.
type RunError struct {
	Result *Result
	cause  error
}

func (e *RunError) Error() string {
	switch {
	case e.cause != nil:
		return fmt.Sprintf("skilllite: %s: %s: %v", e.Result.Tool, e.Result.Status, e.cause)
	case e.Result.Limit != "":
		return fmt.Sprintf("skilllite: %s: %s: limit %s", e.Result.Tool, e.Result.Status, e.Result.Limit)
	default:
		return fmt.Sprintf("skilllite: %s: %s", e.Result.Tool, e.Result.Status)
	}
}

// Is compares with ErrTimeout, ErrLimit, ErrDenied, ErrNotRun and ErrCancelled.
func (e *RunError) Is(target error) bool {
	switch target {
	case ErrTimeout:
		return e.Result.Status == StatusTimeout || errors.Is(e.cause, context.DeadlineExceeded)
	case ErrLimit:
		return e.Result.Status == StatusLimit
	case ErrDenied:
		return e.Result.Status == StatusDenied
	case ErrNotRun:
		return e.Result.Status == StatusError
	case ErrCancelled:
		return e.Result.Status == StatusCancelled
	}
	return false
}

// Unwrap is the error of the context that ended the run, or why the library could not carry it out.
func (e *RunError) Unwrap() error { return e.cause }

// A contextError says that a context ended before the library was asked, or while it could not be stopped.
type contextError struct{ cause error }

func (e *contextError) Error() string { return "skilllite: " + e.cause.Error() }

func (e *contextError) Is(target error) bool {
	return target == ErrTimeout && errors.Is(e.cause, context.DeadlineExceeded) ||
		target == ErrCancelled && errors.Is(e.cause, context.Canceled)
}

func (e *contextError) Unwrap() error { return e.cause }

// ended is why a context is over, with its cause if it has one of its own; nil while it is not.
func ended(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); err != nil && cause != err {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

// waitEnded says that a context ended a wait, and nothing else.
func waitEnded(ctx context.Context) error {
	return &Error{Code: ErrWaitTimeout, Message: "waiting ended before the call did: " + ctx.Err().Error(), cause: ended(ctx)}
}
