package skilllite

import (
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// The numbers of the streams in skilllite.h.
const (
	stdout = 1
	stderr = 2
)

// How much of a stream is kept while the other one is read.
const keptBytes = 1 << 20

// How long a thread waits inside the library at a time where the poller cannot be used.
const blockingRead = 100 * time.Millisecond

// Output is what the script writes to standard output, as it comes, of a call that was started [WithOutput]. It ends with
// io.EOF when the script has ended or closed it. All readers of a call share its bytes.
//
// While 1 MiB is unread the script waits for its reader, and its time goes on; standard error does not stop it unless ErrorOutput
// was asked for.
func (c *Call) Output() io.Reader { return c.reader(stdout) }

// ErrorOutput is what the script writes to standard error, like Output. Ask for it before reading Output: until then no more
// than the last MiB is kept.
func (c *Call) ErrorOutput() io.Reader { return c.reader(stderr) }

func (c *Call) reader(stream int) io.Reader {
	o := &c.run.output
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.streams[stream-1].isWanted = true
	return &outputReader{c, stream}
}

type outputReader struct {
	call   *Call // keeps the call from being collected
	stream int
}

func (r *outputReader) Read(p []byte) (int, error) {
	return r.call.run.output.read(r.call.run.handle, r.stream, p)
}

// An output is what a call's streams gave and nobody has read yet. The library has one descriptor for both streams, which tells of news
// only when both were read to their end. So whoever reads one takes what is there of the other, too.
type output struct {
	mutex   sync.Mutex
	changed sync.Cond
	streams [2]struct {
		unread   []byte
		isEnded  bool
		isWanted bool
	}
	// One goroutine at a time waits for the descriptor.
	isPumped bool
	file     *os.File
	hasFile  bool
}

func (o *output) read(h *callHandle, stream int, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	o.mutex.Lock()
	defer o.mutex.Unlock()
	own := &o.streams[stream-1]
	for {
		switch {
		case len(own.unread) > 0:
			n := copy(p, own.unread)
			own.unread = own.unread[n:]
			return n, nil
		case own.isEnded:
			return 0, io.EOF
		case o.isPumped:
			o.changed.Wait()
		default:
			o.isPumped = true
			o.mutex.Unlock()
			err := o.pump(h, stream)
			o.mutex.Lock()
			o.isPumped = false
			o.changed.Broadcast()
			if err != nil {
				return 0, err
			}
		}
	}
}

// pump waits until one of the streams has news, and takes them. The mutex is not held.
func (o *output) pump(h *callHandle, stream int) error {
	hasNews, isWhole, err := o.drain(h)
	if hasNews || err != nil {
		return err
	}
	if connection := o.connection(h); connection != nil && isWhole {
		waiting := connection.Read(func(uintptr) bool {
			hasNews, isWhole, err = o.drain(h)
			return hasNews || !isWhole || err != nil
		})
		if err != nil || waiting == nil {
			return err
		}
	}
	// No descriptor is left, or the other stream is full and wanted, so that the descriptor says nothing new.
	chunk, isEnd, err := nativeRead(h, stream, blockingRead.Milliseconds())
	o.keep(stream, chunk, isEnd)
	return err
}

// drain takes what is there of both streams without waiting. It is whole if nothing had to be left.
func (o *output) drain(h *callHandle) (hasNews, isWhole bool, err error) {
	isWhole = true
	for _, stream := range []int{stdout, stderr} {
		if !o.takes(stream) {
			isWhole = false
			continue
		}
		chunk, isEnd, err := nativeRead(h, stream, 0)
		if err != nil {
			return hasNews, false, err
		}
		if o.keep(stream, chunk, isEnd) {
			hasNews = true
		}
	}
	return hasNews, isWhole, nil
}

// takes tells whether more of a stream can be kept; it makes room in one that nobody asked for.
func (o *output) takes(stream int) bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	one := &o.streams[stream-1]
	if len(one.unread) < keptBytes {
		return true
	}
	if !one.isWanted {
		one.unread = append([]byte(nil), one.unread[len(one.unread)-keptBytes/2:]...)
	}
	return !one.isWanted
}

func (o *output) keep(stream int, chunk []byte, isEnd bool) (hasNews bool) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	one := &o.streams[stream-1]
	hasNews = len(chunk) > 0 || isEnd && !one.isEnded
	one.unread = append(one.unread, chunk...)
	one.isEnded = one.isEnded || isEnd
	o.changed.Broadcast()
	return hasNews
}

// connection is the descriptor in Go's poller; nil where there is none.
func (o *output) connection(h *callHandle) syscall.RawConn {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if !o.hasFile {
		o.hasFile = true
		if call, closed := h.acquire(); closed == nil {
			o.file = open(nativeOutputFD(call))
			h.release()
		}
	}
	if o.file == nil {
		return nil
	}
	connection, err := o.file.SyscallConn()
	if err != nil {
		return nil
	}
	return connection
}

// close lets go of the descriptor. Who waits for it looks again, and finds the call closed. The mutex is not held while the file
// closes: that ends only when whoever is in its Read has left, and they need the mutex to leave.
func (o *output) close() {
	o.mutex.Lock()
	file := o.file
	o.hasFile = true
	o.mutex.Unlock()
	if file != nil {
		_ = file.Close()
	}
}
