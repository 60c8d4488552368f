package skilllite

import (
	"context"
	"io"
	"os"
	"runtime"
	"syscall"
)

// A Call is a started call of a tool.
type Call struct {
	run    *run
	ending *ending[*Result]
}

// An ending is what becomes known when a run has ended; the fields are written before done is closed.
type ending[T any] struct {
	done   chan struct{}
	result T
	err    error
}

// follow waits in a goroutine, which holds no Call or Round, so that one that is dropped can be collected, which ends the run.
func follow[T any](wait func() (T, error)) *ending[T] {
	e := &ending[T]{done: make(chan struct{})}
	go func() {
		e.result, e.err = wait()
		close(e.done)
	}()
	return e
}

// wait gives the result once it is known, or gives up when the context ends.
func (e *ending[T]) wait(ctx context.Context, of *run) (T, error) {
	var none T
	if err := of.used(); err != nil {
		return none, err
	}
	select {
	case <-e.done:
	default:
		select {
		case <-e.done:
		case <-ctx.Done():
			return none, waitEnded(ctx)
		}
	}
	return e.result, e.err
}

func newCall(ctx context.Context, started *run) *Call {
	c := &Call{run: started, ending: follow(func() (*Result, error) { return started.result(ctx) })}
	runtime.AddCleanup(c, (*run).abandon, started)
	return c
}

// Done is closed when the call has ended; Wait does not block then.
func (c *Call) Done() <-chan struct{} { return c.ending.done }

// Wait waits for the end and gives the result. May be repeated, by several goroutines; all get the same.
//
// The end of ctx ends the wait only, with [ErrWaitTimeout] and the context's error; the call goes on. A run that did not end by itself
// is a [*RunError], and the Result is given too.
func (c *Call) Wait(ctx context.Context) (*Result, error) { return c.ending.wait(ctx, c.run) }

// Cancel ends the call; its result then is StatusCancelled, unless the script had ended before. Returns at once; may be repeated.
func (c *Call) Cancel() error { return nativeCancel(c.run.handle) }

// ReadFile is the content of one of the result's Files. A file larger than maxBytes is ErrResourceTooLarge, never cut.
func (c *Call) ReadFile(path string, maxBytes uint64) ([]byte, error) {
	c.run.brief.enter()
	defer c.run.brief.leave()
	return nativeReadFile(c.run.handle, path, maxBytes)
}

// Keep copies one of the result's Files to the same path below the folder dest, which is there; the empty path means all of them.
// Nothing is replaced (ErrAlreadyExists), no link below dest is followed, and on failure nothing is left.
func (c *Call) Keep(path, dest string) error {
	c.run.brief.enter()
	defer c.run.brief.leave()
	return nativeKeep(c.run.handle, path, dest)
}

// Close ends the call if it still runs, waits for that, and throws its work folder away. Repeating it does nothing.
func (c *Call) Close() error {
	err := c.run.close(c.ending.done)
	c.run.output.close()
	return err
}

// A run is what Execute, Handle, Call and Round share: what was started, and how its end comes to a goroutine.
type run struct {
	handle *callHandle
	brief  gate
	output output
}

// abandon ends a run that nobody wants any more.
func (r *run) abandon() {
	_ = nativeCancel(r.handle)
	r.handle.close()
}

// close ends the run, waits until its end is known and releases it.
func (r *run) close(done <-chan struct{}) error {
	err := nativeCancel(r.handle)
	<-done
	r.handle.close()
	if isClosed(err) {
		return nil
	}
	return err
}

// used is ErrClosed after close.
func (r *run) used() error {
	_, err := r.handle.acquire()
	if err == nil {
		r.handle.release()
	}
	return err
}

// document waits for the end of the run, and gives what came of it. The end of ctx ends the run.
func (r *run) document(ctx context.Context) (document []byte, isInterrupted bool, err error) {
	stop := context.AfterFunc(ctx, func() { _ = nativeCancel(r.handle) })
	r.await()
	isInterrupted = !stop() && ctx.Err() != nil
	r.brief.enter()
	defer r.brief.leave()
	document, err = nativeWait(r.handle, 0)
	return document, isInterrupted, err
}

// result waits for the end of the run, and gives its result. The end of ctx ends the run.
func (r *run) result(ctx context.Context) (*Result, error) {
	document, isInterrupted, err := r.document(ctx)
	result, err := readResult(document, err)
	if err != nil {
		return nil, err
	}
	err = result.Err()
	if failure, hasFailed := err.(*RunError); hasFailed && isInterrupted && result.Status == StatusCancelled {
		failure.cause = ended(ctx)
	}
	return result, err
}

// await blocks the goroutine, and no thread, until the run has ended.
func (r *run) await() {
	call, closed := r.handle.acquire()
	if closed != nil {
		return
	}
	completion := open(nativeCompletion(call))
	r.handle.release()
	if completion != nil {
		defer completion.Close()
		// At its end when the run is.
		if _, err := completion.Read(make([]byte, 1)); err == io.EOF {
			return
		}
	}
	// The process has no descriptor left: this wait holds a thread.
	_, _ = nativeWait(r.handle, -1)
}

// open gives a descriptor of the library to Go's poller, as a copy that can be closed; nil where that is not possible.
func open(fd int) *os.File {
	if fd < 0 {
		return nil
	}
	own, _, failed := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if failed != 0 {
		return nil
	}
	return os.NewFile(own, "skilllite call")
}
