package skilllite

import (
	"encoding/json"
	"runtime"
)

// A Stream puts a streamed response of an LLM together, for [Engine.Handle]. It is an io.Writer, so io.Copy feeds it a response's body.
type Stream struct {
	handle *streamHandle
}

// NewStream makes an empty stream for one response in a dialect.
func NewStream(dialect string) (*Stream, error) {
	if err := checkABI(nativeABIVersion()); err != nil {
		return nil, err
	}
	handle, err := nativeStreamNew(dialect)
	if err != nil {
		return nil, err
	}
	s := &Stream{handle}
	runtime.AddCleanup(s, (*streamHandle).close, handle)
	return s, nil
}

// Write takes the next bytes of the response's body, cut anywhere. A failure is ErrInvalidResponse, and final.
func (s *Stream) Write(chunk []byte) (int, error) {
	if err := nativeStreamFeed(s.handle, chunk); err != nil {
		return 0, err
	}
	return len(chunk), nil
}

// IsComplete tells whether the model's turn is over. What comes after it may still be written. False after Close.
func (s *Stream) IsComplete() bool {
	isComplete, err := nativeStreamIsComplete(s.handle)
	return err == nil && isComplete
}

// Response is the response as it would have been without streaming, as far as tool calls are concerned. Before the end it is
// ErrInvalidResponse: a call that was cut off must not run.
func (s *Stream) Response() (json.RawMessage, error) { return nativeStreamResponse(s.handle) }

// Close releases the stream. Repeating it does nothing.
func (s *Stream) Close() error {
	s.handle.close()
	return nil
}
