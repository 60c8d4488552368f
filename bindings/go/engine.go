package skilllite

import (
	"context"
	"runtime"
)

// An Engine is one configured instance of the library: the skills it knows, the policy its calls obey, the processes that run them.
type Engine struct {
	handle *engineHandle
	// Work inside the library that takes microseconds to milliseconds: each holds a thread meanwhile.
	brief gate
	// Work that lasts as long as an installation.
	long gate
}

// How many goroutines one engine lets wait inside the library for installations; the others wait for them in Go.
const longCalls = 16

// Open makes an engine and loads Options.SkillsDir. Nothing is started before the first call. The context bounds Open only.
func Open(ctx context.Context, options Options) (*Engine, error) {
	if err := checkABI(nativeABIVersion()); err != nil {
		return nil, err
	}
	if err := ended(ctx); err != nil {
		return nil, &contextError{err}
	}
	config, err := options.document()
	if err != nil {
		return nil, err
	}
	handle, err := nativeEngineNew(config)
	if err != nil {
		return nil, err
	}
	e := &Engine{handle: handle, brief: make(gate, 2*runtime.GOMAXPROCS(0)), long: make(gate, longCalls)}
	runtime.AddCleanup(e, (*engineHandle).close, handle)
	if options.SkillsDir != "" {
		if _, err := e.Load(options.SkillsDir); err != nil {
			handle.close()
			return nil, err
		}
	}
	return e, nil
}

// Close ends the calls in flight, whose results then say StatusCancelled, waits until their processes are gone and releases the
// engine. Repeating it does nothing.
func (e *Engine) Close() error {
	err := nativeEngineClose(e.handle)
	e.handle.close()
	if isClosed(err) {
		return nil
	}
	return err
}

// Execute runs a tool and waits for its end. The end of the context ends the run.
//
// Args is a JSON object: anything that encoding/json turns into one, or its text as a string, a []byte or a json.RawMessage, as models
// give it. A run that did not end by itself is a [*RunError], and the Result is given too; any other error means that nothing was
// run.
func (e *Engine) Execute(ctx context.Context, tool string, args any, options ...CallOption) (*Result, error) {
	run, err := e.start(ctx, tool, args, options)
	if err != nil {
		return nil, err
	}
	defer run.handle.close()
	return run.result(ctx)
}

// Start starts a tool and returns at once. The end of the context ends the call, also after Start has returned. Args and options are
// those of Execute.
func (e *Engine) Start(ctx context.Context, tool string, args any, options ...CallOption) (*Call, error) {
	run, err := e.start(ctx, tool, args, options)
	if err != nil {
		return nil, err
	}
	return newCall(ctx, run), nil
}

func (e *Engine) start(ctx context.Context, tool string, args any, options []CallOption) (*run, error) {
	r, err := e.launch(ctx, args, options, func(argsText, optionsText []byte) (*callHandle, error) {
		return nativeCall(e.handle, tool, argsText, optionsText)
	})
	if err != nil {
		return nil, err
	}
	r.output.changed.L = &r.output.mutex
	return r, nil
}

// launch starts what a document and options ask for.
func (e *Engine) launch(ctx context.Context, document any, options []CallOption, native func(document, options []byte) (*callHandle, error)) (*run, error) {
	if err := ended(ctx); err != nil {
		return nil, &contextError{err}
	}
	text, err := marshal(document)
	if err != nil {
		return nil, err
	}
	optionsText, err := optionsDocument(options)
	if err != nil {
		return nil, err
	}
	e.brief.enter()
	defer e.brief.leave()
	handle, err := native(text, optionsText)
	if err != nil {
		return nil, err
	}
	return &run{handle: handle, brief: e.brief}, nil
}

// Plan tells what Execute would do: every step of building the sandbox, as a numbered list for a person. Nothing of the skill is
// run.
func (e *Engine) Plan(tool string, args any, options ...CallOption) (string, error) {
	argsText, err := marshal(args)
	if err != nil {
		return "", err
	}
	optionsText, err := optionsDocument(options)
	if err != nil {
		return "", err
	}
	e.brief.enter()
	defer e.brief.leave()
	plan, err := nativePlan(e.handle, tool, argsText, optionsText)
	return string(plan), err
}

// await does work that takes as long as processes do, or gives up waiting for it when the context ends.
func await[T any](ctx context.Context, long gate, work func() (*T, error)) (*T, error) {
	if err := ended(ctx); err != nil {
		return nil, &contextError{err}
	}
	select {
	case long <- struct{}{}:
	case <-ctx.Done():
		return nil, &contextError{ended(ctx)}
	}
	type outcome struct {
		value *T
		err   error
	}
	// Buffered: nobody may be there any more when it comes.
	done := make(chan outcome, 1)
	go func() {
		defer long.leave()
		value, err := work()
		done <- outcome{value, err}
	}()
	select {
	case outcome := <-done:
		return outcome.value, outcome.err
	case <-ctx.Done():
		return nil, &contextError{ended(ctx)}
	}
}

func isClosed(err error) bool {
	failure, isOurs := err.(*Error)
	return isOurs && failure.Code == ErrClosed
}
