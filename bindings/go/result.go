package skilllite

import (
	"encoding/json"
	"errors"
)

// A Status is how a run ended.
type Status string

// Statuses of a run.
const (
	StatusOK        Status = "ok"        // the script ended by itself, with whatever exit code
	StatusTimeout   Status = "timeout"   // ended at the wall limit
	StatusLimit     Status = "limit"     // ended at another limit, which Result.Limit names
	StatusCancelled Status = "cancelled" // ended by the host
	StatusDenied    Status = "denied"    // the policy or the host does not allow it
	StatusError     Status = "error"     // it could not be run
)

// A Result is how a call ended and what it left. The fields are those of docs/api-conventions.md#result.
type Result struct {
	Status       Status          `json:"status"`
	ExitCode     int             `json:"exit_code"` // -1 if the script did not exit
	Signal       int             `json:"signal"`    // 0 if no signal ended it
	Output       json.RawMessage `json:"output"`    // standard output, if it is exactly one JSON document; otherwise nil
	Text         string          `json:"text"`      // standard output
	Stderr       string          `json:"stderr"`    // standard error
	Limit        string          `json:"limit"`     // the limit that was reached, or ""
	Truncated    Truncated       `json:"truncated"`
	Lossy        Lossy           `json:"lossy"`
	TotalBytes   TotalBytes      `json:"total_bytes"`
	Files        []OutputFile    `json:"files"` // what the script left in its work folder; Call.ReadFile reads them
	SkippedFiles []SkippedFile   `json:"skipped_files"`
	Usage        Usage           `json:"usage"`
	Isolation    *Isolation      `json:"isolation"` // what held the run; nil if there was none
	Failure      *Failure        `json:"error"`     // why there was no run; otherwise nil
	Tool         string          `json:"tool"`
	Skill        string          `json:"skill"`
	CallID       string          `json:"call_id"`
	Network      json.RawMessage `json:"network"` // see docs/network.md
	Raw          json.RawMessage `json:"-"`       // the whole document; not to be written to, the other fields are parts of it
}

// Truncated tells what was left out of a result.
type Truncated struct {
	Stdout bool `json:"stdout"`
	Stderr bool `json:"stderr"`
	Files  bool `json:"files"`
}

// Lossy tells where bytes were no UTF-8 and stand as U+FFFD.
type Lossy struct {
	Stdout bool `json:"stdout"`
	Stderr bool `json:"stderr"`
}

// TotalBytes is how much the script wrote.
type TotalBytes struct {
	Stdout int64 `json:"stdout"`
	Stderr int64 `json:"stderr"`
}

// An OutputFile is a file that a script left in its work folder.
type OutputFile struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// A SkippedFile is something in the work folder that is no readable regular file.
type SkippedFile struct {
	Path string `json:"path"`
	Kind string `json:"kind"`
}

// Usage is what a run took. SandboxMS is the part of WallMS before the script's first instruction.
type Usage struct {
	WallMS          float64 `json:"wall_ms"`
	CPUMS           float64 `json:"cpu_ms"`
	PeakMemoryBytes int64   `json:"peak_memory_bytes"`
	SandboxMS       float64 `json:"sandbox_ms"`
}

// Isolation is what held a run.
type Isolation struct {
	Tier   Tier    `json:"tier"`
	Layers []Layer `json:"layers"`
}

// A Failure is why a call could not be run.
type Failure struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

// OK tells whether the script ended by itself with exit code 0.
func (r *Result) OK() bool { return r.Status == StatusOK && r.ExitCode == 0 }

// Decode reads Output into a value, as json.Unmarshal does.
func (r *Result) Decode(value any) error {
	if r.Output == nil {
		return errors.New("skilllite: the standard output of " + r.Tool + " is no JSON document")
	}
	return json.Unmarshal(r.Output, value)
}

// Err is a *RunError if the run did not end by itself, otherwise nil.
func (r *Result) Err() error {
	if r.Status == StatusOK {
		return nil
	}
	failure := &RunError{Result: r}
	if r.Failure != nil {
		failure.cause = &Error{Code: r.Failure.Code, Message: r.Failure.Message}
	}
	return failure
}

func readResult(text []byte, err error) (*Result, error) {
	if err != nil {
		return nil, err
	}
	result := &Result{ExitCode: -1}
	if !scanResult(text, result) {
		result, err = parseResult(text)
		if err != nil {
			return nil, err
		}
	}
	if string(result.Output) == "null" {
		result.Output = nil
	}
	result.Raw = text
	return result, nil
}

// parseResult is the plain way to read a result.
func parseResult(text []byte) (*Result, error) {
	result := &Result{ExitCode: -1}
	if err := json.Unmarshal(text, result); err != nil {
		return nil, &Error{Code: ErrInternal, Message: "the library's result does not fit this package: " + err.Error(), cause: err}
	}
	return result, nil
}
