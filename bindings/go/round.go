package skilllite

import (
	"context"
	"encoding/json"
	"runtime"
)

// A Round is the started calls that a response asks for, as one.
type Round struct {
	run    *run
	ending *ending[[]json.RawMessage]
}

// Handle runs every tool call that an LLM's response asks for, in parallel, and gives the messages to append to the conversation;
// none if the response asks for nothing. The end of the context ends the calls.
//
// Response is the body: its text, an SDK's object that encoding/json turns into it, or what [Stream.Response] gives. Options apply to each
// call. What a model can repair is an answer among the messages; an error is the host's.
func (e *Engine) Handle(ctx context.Context, dialect string, response any, options ...CallOption) ([]json.RawMessage, error) {
	run, err := e.respond(ctx, dialect, response, options)
	if err != nil {
		return nil, err
	}
	defer run.handle.close()
	return run.messages(ctx)
}

// Respond starts every tool call that an LLM's response asks for, in parallel, and returns at once. The end of the context ends the
// calls, also after Respond has returned. The rest is as for Handle; for the output and the files of a call Start it by itself.
func (e *Engine) Respond(ctx context.Context, dialect string, response any, options ...CallOption) (*Round, error) {
	started, err := e.respond(ctx, dialect, response, options)
	if err != nil {
		return nil, err
	}
	r := &Round{run: started, ending: follow(func() ([]json.RawMessage, error) { return started.messages(ctx) })}
	runtime.AddCleanup(r, (*run).abandon, started)
	return r, nil
}

func (e *Engine) respond(ctx context.Context, dialect string, response any, options []CallOption) (*run, error) {
	return e.launch(ctx, response, options, func(responseText, optionsText []byte) (*callHandle, error) {
		return nativeRespond(e.handle, dialect, responseText, optionsText)
	})
}

// Done is closed when the last call has ended; Wait does not block then.
func (r *Round) Done() <-chan struct{} { return r.ending.done }

// Wait waits for the end of the last call and gives the messages. May be repeated, by several goroutines; all get the same.
//
// The end of ctx ends the wait only, with [ErrWaitTimeout] and the context's error; the calls go on. Where the end of the context of
// Respond ended them, that is the error, and the messages are given too.
func (r *Round) Wait(ctx context.Context) ([]json.RawMessage, error) {
	return r.ending.wait(ctx, r.run)
}

// Cancel ends the calls that have not ended; the messages then say so. Returns at once; may be repeated.
func (r *Round) Cancel() error { return nativeCancel(r.run.handle) }

// Close ends the calls that still run and waits for that. Repeating it does nothing.
func (r *Round) Close() error { return r.run.close(r.ending.done) }

// messages waits for the end of the run, and gives the answers. The end of ctx ends the run.
func (r *run) messages(ctx context.Context) ([]json.RawMessage, error) {
	document, isInterrupted, err := r.document(ctx)
	messages, err := decode[[]json.RawMessage](document, err)
	if err != nil {
		return nil, err
	}
	if isInterrupted {
		return *messages, &contextError{ended(ctx)}
	}
	return *messages, nil
}
