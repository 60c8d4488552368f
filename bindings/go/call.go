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
	ending *ending
}

// An ending is what becomes known when a call has ended; the fields are written before done is closed.
type ending struct {
	done   chan struct{}
	result *Result
	err    error
}

func newCall(ctx context.Context, started *run) *Call {
	c := &Call{run: started, ending: &ending{done: make(chan struct{})}}
	// The goroutine holds no Call, so that one that is dropped can be collected, which ends the run.
	go func(ending *ending) {
		ending.result, ending.err = started.result(ctx)
		close(ending.done)
	}(c.ending)
	runtime.AddCleanup(c, (*run).abandon, started)
	return c
}

// Done is closed when the call has ended; Wait does not block then.
func (c *Call) Done() <-chan struct{} { return c.ending.done }

// Wait waits for the end and gives the result. May be repeated, by several goroutines; all get the same.
//
// The end of ctx ends the wait only, with [ErrWaitTimeout] and the context's error; the call goes on. A run that did not end by itself
// is a [*RunError], and the Result is given too.
func (c *Call) Wait(ctx context.Context) (*Result, error) {
	if err := c.used(); err != nil {
		return nil, err
	}
	select {
	case <-c.ending.done:
	default:
		select {
		case <-c.ending.done:
		case <-ctx.Done():
			return nil, waitEnded(ctx)
		}
	}
	return c.ending.result, c.ending.err
}

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
	err := nativeCancel(c.run.handle)
	<-c.ending.done
	c.run.handle.close()
	c.run.output.close()
	if isClosed(err) {
		return nil
	}
	return err
}

// used is ErrClosed after Close.
func (c *Call) used() error {
	_, err := c.run.handle.acquire()
	if err == nil {
		c.run.handle.release()
	}
	return err
}

// A run is what Execute and Call share: a started call, and how its end comes to a goroutine.
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

// result waits for the end of the run, and gives its result. The end of ctx ends the run.
func (r *run) result(ctx context.Context) (*Result, error) {
	stop := context.AfterFunc(ctx, func() { _ = nativeCancel(r.handle) })
	r.await()
	isInterrupted := !stop() && ctx.Err() != nil
	r.brief.enter()
	result, err := readResult(nativeWait(r.handle, 0))
	r.brief.leave()
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
