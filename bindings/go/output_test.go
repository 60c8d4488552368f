package skilllite

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func start(t *testing.T, language, script string, options ...CallOption) *Call {
	t.Helper()
	engine := begin(t, Options{SkillsDir: writeSkill(t, "speaker", language, script)})
	call := must(engine.Start(context.Background(), "speaker", nil, append(options, WithOutput())...))(t)
	t.Cleanup(func() { _ = call.Close() })
	return call
}

func TestOutputComesWhileTheScriptRuns(t *testing.T) {
	call := start(t, "sh", "echo noise >&2; echo one; sleep 0.2; echo noise >&2; echo two; exec sleep 1000\n")
	lines := bufio.NewReader(call.Output())
	for _, want := range []string{"one\n", "two\n"} {
		if line := must(lines.ReadString('\n'))(t); line != want {
			t.Errorf("%q, not %q", line, want)
		}
	}
	select {
	case <-call.Done():
		t.Error("the script was to run")
	default:
	}
	if err := call.Cancel(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(lines); len(rest) != 0 || err != nil {
		t.Error(rest, err)
	}
	if rest := must(io.ReadAll(call.ErrorOutput()))(t); string(rest) != "noise\nnoise\n" {
		t.Errorf("stderr: %q", rest)
	}
}

// Both streams are larger than what the library and the binding keep together, and are written in turns.
func TestAllOfBothStreams(t *testing.T) {
	const script = `import os
for n in range(100):
    for fd in (1, 2):
        part = bytes([65 + n % 26]) * 50_000
        while part:
            part = part[os.write(fd, part):]
`
	var want bytes.Buffer
	for n := range 100 {
		want.Write(bytes.Repeat([]byte{byte(65 + n%26)}, 50_000))
	}
	call := start(t, "python", script)
	outputs := []io.Reader{call.Output(), call.ErrorOutput()}
	type read struct {
		content []byte
		err     error
	}
	reads := make(chan read, len(outputs))
	for _, output := range outputs {
		go func() {
			content, err := io.ReadAll(output)
			reads <- read{content, err}
		}()
	}
	for range outputs {
		if read := <-reads; read.err != nil || !bytes.Equal(read.content, want.Bytes()) {
			t.Errorf("%d bytes, %v", len(read.content), read.err)
		}
	}
	if result := must(call.Wait(context.Background()))(t); result.TotalBytes.Stdout != int64(want.Len()) || !result.Truncated.Stdout {
		t.Errorf("%+v %+v", result.TotalBytes, result.Truncated)
	}
}

func TestStandardErrorThatNobodyAskedForStopsNothing(t *testing.T) {
	call := start(t, "python", "import sys\nsys.stderr.write('e' * 6_000_000)\nprint('done')\n")
	if text := must(io.ReadAll(call.Output()))(t); string(text) != "done\n" {
		t.Errorf("%q", text)
	}
	rest := must(io.ReadAll(call.ErrorOutput()))(t)
	if len(rest) == 0 || len(rest) > 2*keptBytes || strings.Trim(string(rest), "e") != "" {
		t.Errorf("%d bytes are kept", len(rest))
	}
}

// Standard error is wanted but not read, so that the library's descriptor says nothing new; standard output comes nevertheless.
func TestAStreamThatIsNotReadStopsNotTheOther(t *testing.T) {
	call := start(t, "sh", "head -c 5000000 /dev/zero >&2 & sleep 0.3; echo one; sleep 0.3; echo two; wait\n", WithTimeout(20*time.Second))
	_ = call.ErrorOutput()
	lines := bufio.NewReader(call.Output())
	for _, want := range []string{"one\n", "two\n"} {
		if line := must(lines.ReadString('\n'))(t); line != want {
			t.Errorf("%q, not %q", line, want)
		}
	}
	if rest := must(io.ReadAll(call.ErrorOutput()))(t); len(rest) != 5_000_000 {
		t.Errorf("%d bytes", len(rest))
	}
}

func TestAScriptWaitsForItsReader(t *testing.T) {
	call := start(t, "python", "print('x' * 4_000_000)\n", WithTimeout(2*time.Second))
	if _, err := call.Wait(context.Background()); !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	if text := must(io.ReadAll(call.Output()))(t); len(text) < 1<<20 || len(text) >= 4_000_000 {
		t.Errorf("%d bytes", len(text))
	}
}

func TestCloseEndsAReader(t *testing.T) {
	// Often, because the readers and the close meet each time elsewhere.
	for round := range 40 {
		closeEndsReaders(t, round%2 == 0)
	}
}

func closeEndsReaders(t *testing.T, areWaiting bool) {
	call := start(t, "sh", "exec sleep 1000\n")
	ended := make(chan error)
	output := call.Output()
	for range 3 {
		go func() { _, err := output.Read(make([]byte, 1)); ended <- err }()
	}
	if areWaiting {
		waitFor(t, "one waits for news", 20*time.Second, func() bool {
			o := &call.run.output
			o.mutex.Lock()
			defer o.mutex.Unlock()
			return o.isPumped && o.file != nil
		})
	}
	if err := call.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := <-ended; err != io.EOF && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	}
}

func TestOutputOfACallWithoutIt(t *testing.T) {
	engine := sleeper(t, Options{})
	call := must(engine.Start(context.Background(), "sleeper", nil))(t)
	defer call.Close()
	if _, err := call.Output().Read(make([]byte, 1)); !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	}
	if n, err := call.Output().Read(nil); n != 0 || err != nil {
		t.Error(n, err)
	}
}
