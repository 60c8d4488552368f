package skilllite

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"skilllite.dev/go/skilllite/internal/tally"
)

func TestStart(t *testing.T) {
	engine := begin(t, Options{SkillsDir: skillsDir})
	ctx := context.Background()
	call := must(engine.Start(ctx, "calculator", multiply))(t)
	defer call.Close()
	<-call.Done()
	over, cancel := context.WithCancel(ctx)
	cancel()
	first := must(call.Wait(over))(t) // what is there is given, whatever the context
	if second := must(call.Wait(ctx))(t); first != second || !first.OK() {
		t.Errorf("%s", first.Raw)
	}
	if err := call.Cancel(); err != nil {
		t.Error("after the end: ", err)
	}
}

func TestFilesOfACall(t *testing.T) {
	engine := begin(t, Options{SkillsDir: writeSkill(t, "writer", "python", "open('out.bin', 'wb').write(bytes(range(256)))\nopen('empty', 'w')\n")})
	call := must(engine.Start(context.Background(), "writer", nil))(t)
	defer call.Close()
	result := must(call.Wait(context.Background()))(t)
	if len(result.Files) != 2 || result.Files[0].Path != "empty" || result.Files[1].Size != 256 || len(result.Files[1].SHA256) != 64 {
		t.Errorf("%+v", result.Files)
	}
	want := make([]byte, 256)
	for i := range want {
		want[i] = byte(i)
	}
	if got := must(call.ReadFile("out.bin", 256))(t); !bytes.Equal(got, want) {
		t.Errorf("%x", got)
	}
	equal(t, "the empty file", len(must(call.ReadFile("empty", 0))(t)), 0)
	if err := second(call.ReadFile("out.bin", 255)); !errors.Is(err, ErrResourceTooLarge) {
		t.Error(err)
	}
	kept := t.TempDir()
	if err := errors.Join(call.Keep("empty", kept), os.Remove(filepath.Join(kept, "empty")), call.Keep("", kept)); err != nil {
		t.Error(err)
	}
	if got := must(os.ReadFile(filepath.Join(kept, "out.bin")))(t); !bytes.Equal(got, want) {
		t.Errorf("%x", got)
	}
	if err := call.Keep("out.bin", kept); !errors.Is(err, ErrAlreadyExists) {
		t.Error(err)
	}
}

// How a run may be ended from outside, and what Execute and Wait say then.
func TestEnds(t *testing.T) {
	engine := sleeper(t, Options{})
	boredom := errors.New("boredom")
	for _, test := range []struct {
		name    string
		context func() (context.Context, context.CancelFunc)
		is, not []error
	}{
		{"deadline", func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), 200*time.Millisecond)
		}, []error{ErrTimeout, context.DeadlineExceeded, ErrCancelled}, []error{context.Canceled, ErrLimit}},
		{"cancel", func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(200*time.Millisecond, cancel)
			return ctx, cancel
		}, []error{context.Canceled, ErrCancelled}, []error{ErrTimeout, context.DeadlineExceeded}},
		{"cause", func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(context.Background())
			time.AfterFunc(200*time.Millisecond, func() { cancel(boredom) })
			return ctx, func() { cancel(nil) }
		}, []error{context.Canceled, boredom, ErrCancelled}, []error{ErrTimeout}},
	} {
		for how, run := range map[string]func(context.Context) (*Result, error){
			"execute": func(ctx context.Context) (*Result, error) { return engine.Execute(ctx, "sleeper", nil) },
			"start": func(ctx context.Context) (*Result, error) {
				call := must(engine.Start(ctx, "sleeper", nil))(t)
				defer call.Close()
				return call.Wait(context.Background())
			},
		} {
			ctx, cancel := test.context()
			result, err := run(ctx)
			cancel()
			var failure *RunError
			if result == nil || result.Status != StatusCancelled || !errors.As(err, &failure) || failure.Result != result {
				t.Fatalf("%s, %s: %v, %v", test.name, how, result, err)
			}
			for _, target := range test.is {
				if !errors.Is(err, target) {
					t.Errorf("%s, %s: %v is not %v", test.name, how, err, target)
				}
			}
			for _, target := range test.not {
				if errors.Is(err, target) {
					t.Errorf("%s, %s: %v is %v", test.name, how, err, target)
				}
			}
		}
		ctx, cancel := test.context()
		<-ctx.Done()
		if result, err := engine.Execute(ctx, "sleeper", nil); result != nil || !errors.Is(err, ctx.Err()) || !errors.Is(err, test.is[0]) {
			t.Errorf("%s, before the start: %v, %v", test.name, result, err)
		}
		cancel()
	}
}

func TestAWaitMayEndBeforeTheCall(t *testing.T) {
	engine := sleeper(t, Options{})
	call := must(engine.Start(context.Background(), "sleeper", nil))(t)
	defer call.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	for range 2 {
		result, err := call.Wait(ctx)
		if result != nil || !errors.Is(err, ErrWaitTimeout) || !errors.Is(err, ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(result, err)
		}
	}
	select {
	case <-call.Done():
		t.Error("the end of a wait ended the call")
	default:
	}
	if err := errors.Join(call.Cancel(), call.Cancel()); err != nil {
		t.Error(err)
	}
	result, err := call.Wait(context.Background())
	if result.Status != StatusCancelled || !errors.Is(err, ErrCancelled) || errors.Is(err, context.Canceled) {
		t.Error(result.Status, err)
	}
}

func TestCancelInEveryState(t *testing.T) {
	engine := sleeper(t, Options{MaxRunning: 1})
	running := must(engine.Start(context.Background(), "sleeper", nil))(t)
	queued := must(engine.Start(context.Background(), "sleeper", nil))(t)
	for _, call := range []*Call{queued, running} {
		var everyone sync.WaitGroup
		for range 8 {
			everyone.Add(2)
			go func() {
				defer everyone.Done()
				if err := call.Cancel(); err != nil && !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
			}()
			go func() {
				defer everyone.Done()
				if _, err := call.Wait(context.Background()); !errors.Is(err, ErrCancelled) && !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
			}()
		}
		everyone.Add(1)
		go func() {
			defer everyone.Done()
			if err := call.Close(); err != nil {
				t.Error(err)
			}
		}()
		everyone.Wait()
	}
}

func TestUseAfterClose(t *testing.T) {
	engine := must(Open(context.Background(), Options{SkillsDir: writeSkill(t, "sleeper", "sh", "exec sleep 1000\n")}))(t)
	ctx := context.Background()
	outliving := must(engine.Start(ctx, "sleeper", nil))(t)
	call := must(engine.Start(ctx, "sleeper", nil, WithOutput()))(t)
	if err := errors.Join(call.Close(), call.Close()); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"wait": second(call.Wait(ctx)), "cancel": call.Cancel(), "file": second(call.ReadFile("x", 1)),
		"keep":   call.Keep("", t.TempDir()),
		"output": second(call.Output().Read(make([]byte, 1))),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s of a closed call: %v", name, err)
		}
	}
	if err := errors.Join(engine.Close(), engine.Close()); err != nil {
		t.Error(err)
	}
	if result, err := outliving.Wait(ctx); result == nil || result.Status != StatusCancelled || !errors.Is(err, ErrCancelled) {
		t.Error("a call of a closed engine: ", result, err)
	}
	for name, err := range map[string]error{
		"execute": second(engine.Execute(ctx, "sleeper", nil)), "start": second(engine.Start(ctx, "sleeper", nil)),
		"tools": second(engine.Tools("openai")), "skills": second(engine.Skills()), "load": second(engine.Load(skillsDir)),
		"handle": second(engine.Handle(ctx, "openai", "{}")), "remove": engine.Remove("sleeper"),
		"respond": second(engine.Respond(ctx, "openai", "{}")),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s of a closed engine: %v", name, err)
		}
	}
	_ = outliving.Close()
}

func TestTheGarbageCollectorEndsWhatIsDropped(t *testing.T) {
	engines, calls := tally.Engine.Ended(), tally.Call.Ended()
	func() {
		engine := must(Open(context.Background(), Options{SkillsDir: writeSkill(t, "sleeper", "sh", "exec sleep 1000\n")}))(t)
		_ = must(engine.Start(context.Background(), "sleeper", nil, WithOutput()))(t)
	}()
	waitFor(t, "the engine and its running call are released", 20*time.Second, func() bool {
		runtime.GC()
		return tally.Engine.Ended() > engines && tally.Call.Ended() > calls
	})
}
