package skilllite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"skilllite.dev/go/skilllite/internal/tally"
)

// The binding as a guest in its process: threads, signals, children, and nothing left behind.

// play is what a process of its own does for a test: the role, and the folder of a skill.
func play(role string) int {
	role, dir, _ := strings.Cut(role, " ")
	switch role {
	case "ignoring":
		signal.Ignore(syscall.SIGCHLD)
	case "closed":
		// Read by nobody, so that the library's descriptors land here. The text goes out by another way.
		for fd := range 3 {
			_ = syscall.Close(fd)
		}
	}
	engine, err := Open(context.Background(), Options{SkillsDir: dir})
	if err == nil {
		var result *Result
		if result, err = engine.Execute(context.Background(), filepath.Base(dir), nil); err == nil && role == "closed" {
			err = errors.Join(engine.Close(), os.WriteFile(filepath.Join(dir, "told"), []byte(result.Text), 0o600))
		} else if err == nil {
			fmt.Print(result.Text)
		}
		if err == nil {
			return 0
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// another is this test program in a role.
func another(t *testing.T, role, dir string) *exec.Cmd {
	host := exec.Command(must(os.Executable())(t))
	host.Env = append(os.Environ(), "SKILLLITE_TEST_ROLE="+role+" "+dir)
	host.Stderr = os.Stderr
	return host
}

func Test200ConcurrentCallsInFewThreads(t *testing.T) {
	engine := sleeper(t, Options{MaxRunning: 100})
	ctx := context.Background()
	_ = must(engine.Start(ctx, "sleeper", nil))(t).Close()
	before := threads(t)
	calls := make([]*Call, 200)
	var starting, waiting sync.WaitGroup
	for i := range calls {
		starting.Add(1)
		go func() {
			defer starting.Done()
			call, err := engine.Start(ctx, "sleeper", nil)
			if err != nil {
				t.Error(err)
				return
			}
			calls[i] = call
		}()
	}
	starting.Wait()
	statuses := make(chan Status, len(calls))
	for _, call := range calls {
		if call == nil {
			t.FailNow()
		}
		waiting.Add(1)
		go func() {
			defer waiting.Done()
			result, _ := call.Wait(ctx)
			statuses <- result.Status
		}()
	}
	during := threads(t)
	// Half of them by Execute and a context, as servers do.
	executing, cancel := context.WithCancel(ctx)
	for range 200 {
		waiting.Add(1)
		go func() {
			defer waiting.Done()
			if _, err := engine.Execute(executing, "sleeper", nil); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}()
	}
	waitFor(t, "all calls are made", 20*time.Second, func() bool { return tally.Call.Held() >= 400 })
	t.Logf("threads: %d before, %d with 200 calls, %d with 400", before, during, threads(t))
	// Go starts a thread for whoever is put aside in a brief system call, so on a busy machine there are a few more than may be
	// inside the library; a thread for each call would be 400.
	if most := before + 50; threads(t) > most {
		t.Errorf("%d threads, %d before, for 400 calls", threads(t), before)
	}
	cancel()
	for _, call := range calls {
		if err := call.Close(); err != nil {
			t.Error(err)
		}
	}
	waiting.Wait()
}

func TestManyCallsLeaveNothing(t *testing.T) {
	calls := number(t, "SKILLLITE_TEST_CALLS", 300)
	engine := begin(t, Options{SkillsDir: writeSkill(t, "quick", "sh", "echo '{\"n\": 1}'\n")})
	run := func(n int) {
		var workers sync.WaitGroup
		for worker := range 4 {
			workers.Add(1)
			go func() {
				defer workers.Done()
				for range n / 4 {
					var result *Result
					var err error
					if worker%2 == 0 {
						result, err = engine.Execute(context.Background(), "quick", nil)
					} else if call, failed := engine.Start(context.Background(), "quick", nil); failed == nil {
						result, err = call.Wait(context.Background())
						_ = call.Close()
					} else {
						err = failed
					}
					if err != nil || string(result.Output) != `{"n":1}` {
						t.Error(result, err)
						return
					}
				}
			}()
		}
		workers.Wait()
		debug.FreeOSMemory()
	}
	run(100)
	files, tasks, memory := descriptors(t), threads(t), residentBytes(t)
	held := tally.Call.Held()
	run(calls)
	t.Logf("%d calls: descriptors %d to %d, threads %d to %d, memory %d to %d KiB", calls, files, descriptors(t), tasks, threads(t),
		memory>>10, residentBytes(t)>>10)
	equal(t, "descriptors", descriptors(t), files)
	equal(t, "calls held", tally.Call.Held(), held)
	if more := threads(t) - tasks; more > 4 {
		t.Errorf("%d more threads", more)
	}
	if more := residentBytes(t) - memory; more > 8<<20 {
		t.Errorf("%d more KiB of memory", more>>10)
	}
}

func TestEnginesComeAndGo(t *testing.T) {
	cycles := number(t, "SKILLLITE_TEST_ENGINES", 20)
	dir := writeSkill(t, "quick", "sh", "echo 1\n")
	cycle := func() {
		engine := must(Open(context.Background(), Options{SkillsDir: dir}))(t)
		if result := must(engine.Execute(context.Background(), "quick", nil))(t); result.Text != "1\n" {
			t.Errorf("%s", result.Raw)
		}
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	}
	for range 5 {
		cycle()
	}
	debug.FreeOSMemory()
	files, tasks, memory := descriptors(t), threads(t), residentBytes(t)
	for range cycles {
		cycle()
	}
	debug.FreeOSMemory()
	equal(t, "descriptors", descriptors(t), files)
	if more := threads(t) - tasks; more > 3 {
		t.Errorf("%d more threads", more)
	}
	if more := residentBytes(t) - memory; more > 8<<20 {
		t.Errorf("%d more KiB of memory", more>>10)
	}
}

// What of this process a library must not touch.
func hostState(t *testing.T) string {
	var state strings.Builder
	status := string(must(os.ReadFile("/proc/self/status"))(t))
	for _, line := range regexp.MustCompile(`(?m)^(Umask|Uid|Gid|Groups|SigBlk|SigIgn|SigCgt|Cap\w+|NoNewPrivs|Seccomp|Seccomp_filters):.*$`).FindAllString(status, -1) {
		fmt.Fprintln(&state, line)
	}
	fmt.Fprintln(&state, must(os.Getwd())(t), os.Environ())
	for _, file := range []string{"limits", "mountinfo", "cgroup", "oom_score_adj"} {
		state.Write(must(os.ReadFile("/proc/self/" + file))(t))
	}
	for _, namespace := range []string{"user", "mnt", "pid", "net", "ipc", "uts"} {
		fmt.Fprintln(&state, must(os.Readlink("/proc/self/ns/"+namespace))(t))
	}
	return state.String()
}

func TestTheHostIsLeftAsItWas(t *testing.T) {
	before := hostState(t)
	engine := begin(t, Options{SkillsDir: skillsDir})
	result := must(engine.Execute(context.Background(), "calculator", multiply))(t)
	equal(t, "OK", result.OK(), true)
	if after := hostState(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestNoSignalOfAChildReachesTheHost(t *testing.T) {
	engine := begin(t, Options{SkillsDir: writeSkill(t, "quick", "sh", "echo 1\n")})
	execute := func() {
		if result := must(engine.Execute(context.Background(), "quick", nil))(t); !result.OK() {
			t.Errorf("%s", result.Raw)
		}
	}
	told := make(chan os.Signal, 100)
	signal.Notify(told, syscall.SIGCHLD)
	for range 10 {
		execute()
	}
	signal.Stop(told)
	equal(t, "signals", len(told), 0)
	// Somebody who takes every child's status finds none of ours.
	done := make(chan struct{})
	var reaper sync.WaitGroup
	reaper.Add(1)
	go func() {
		defer reaper.Done()
		for {
			select {
			case <-done:
				return
			default:
			}
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG|syscall.WALL, nil); err != syscall.ECHILD && err != syscall.EINTR {
				t.Errorf("wait4 found %d, %v", pid, err)
				return
			}
			runtime.Gosched()
		}
	}()
	for range 10 {
		execute()
	}
	close(done)
	reaper.Wait()
}

func TestAHostThatIgnoresTheEndOfItsChildren(t *testing.T) {
	if text := must(another(t, "ignoring", writeSkill(t, "quick", "sh", "echo 1\n")).Output())(t); string(text) != "1\n" {
		t.Errorf("%q", text)
	}
}

func TestAHostWithoutStandardDescriptors(t *testing.T) {
	dir := writeSkill(t, "quick", "sh", "echo 1; ls /proc/self/fd | wc -l; echo no >&2\n")
	if err := another(t, "closed", dir).Run(); err != nil {
		t.Fatal(err)
	}
	// The script has its three, and ls the folder that it reads.
	if text := string(must(os.ReadFile(filepath.Join(dir, "told")))(t)); text != "1\n4\n" {
		t.Errorf("%q, not 1 and 4 descriptors", text)
	}
}

func TestChildrenOfTheHostDuringCalls(t *testing.T) {
	engine := begin(t, Options{SkillsDir: writeSkill(t, "quick", "sh", "echo 1\n")})
	const list = "ls /proc/self/fd | wc -l"
	alone := string(must(exec.Command("sh", "-c", list).Output())(t))
	var everyone sync.WaitGroup
	for n := range 50 {
		everyone.Add(2)
		go func() {
			defer everyone.Done()
			if result, err := engine.Execute(context.Background(), "quick", nil); err != nil || result.Text != "1\n" {
				t.Error(result, err)
			}
		}()
		go func() {
			defer everyone.Done()
			child := exec.Command("sh", "-c", fmt.Sprintf("%s; exit %d", list, n))
			output, err := child.Output()
			if child.ProcessState == nil || child.ProcessState.ExitCode() != n {
				t.Errorf("child %d: %v", n, err)
			}
			if string(output) != alone {
				t.Errorf("a child has %s descriptors, not %s: it inherited some of the library", output, alone)
			}
		}()
	}
	everyone.Wait()
}

func TestTheThreadThatStartedACallMayExit(t *testing.T) {
	started := make(chan *Call)
	dir := writeSkill(t, "slow", "sh", "sleep 0.3; echo done\n")
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		engine, err := Open(context.Background(), Options{SkillsDir: dir})
		if err != nil {
			t.Error(err)
			close(started)
			return
		}
		call, err := engine.Start(context.Background(), "slow", nil)
		if err != nil {
			t.Error(err)
		}
		started <- call
	}()
	call := <-started
	if call == nil {
		t.FailNow()
	}
	defer call.Close()
	if result := must(call.Wait(context.Background()))(t); result.Text != "done\n" {
		t.Errorf("%s", result.Raw)
	}
}

func TestTheHostIsKilled(t *testing.T) {
	// A number that no other process sleeps.
	mark := fmt.Sprintf("%d.5", 1_000_000+os.Getpid())
	dir := writeSkill(t, "family", "sh", "setsid sh -c 'sleep "+mark+"' &\n(sleep "+mark+" &)\nexec sleep "+mark+"\n")
	running := func() (found int) {
		for _, path := range must(filepath.Glob("/proc/[0-9]*/cmdline"))(t) {
			if command, err := os.ReadFile(path); err == nil && strings.HasPrefix(string(command), "sleep\x00"+mark) {
				found++
			}
		}
		return found
	}
	host := another(t, "killed", dir)
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the script and what it started run", 30*time.Second, func() bool { return running() == 3 })
	_ = host.Process.Kill()
	_ = host.Wait()
	waitFor(t, "the script and what it started are gone", time.Second, func() bool { return running() == 0 })
}

func TestTimeoutEndsWhatDetached(t *testing.T) {
	mark := fmt.Sprintf("%d.25", 1_000_000+os.Getpid())
	engine := begin(t, Options{SkillsDir: writeSkill(t, "family", "sh", "setsid sh -c 'sleep "+mark+"' &\nexec sleep "+mark+"\n")})
	if _, err := engine.Execute(context.Background(), "family", nil, WithTimeout(500*time.Millisecond)); !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	waitFor(t, "all are gone", time.Second, func() bool {
		for _, path := range must(filepath.Glob("/proc/[0-9]*/cmdline"))(t) {
			if command, err := os.ReadFile(path); err == nil && strings.HasPrefix(string(command), "sleep\x00"+mark) {
				return false
			}
		}
		return true
	})
}

// More than a pipe holds in both directions, to scripts that do not read or read late: no SIGPIPE, no deadlock.
func TestMuchInputAndOutput(t *testing.T) {
	much := `{"text": "` + strings.Repeat("x", 300_000) + `"}`
	for name, script := range map[string]string{
		"deaf":  "import os, sys\nos.close(0)\nprint('deaf')\n",
		"late":  "import sys, time\ntime.sleep(0.2)\nsys.stdout.write('o' * 3_000_000)\nsys.stderr.write('e' * 3_000_000)\nsys.stdin.read()\n",
		"quick": "import os\nos._exit(0)\n",
	} {
		engine := begin(t, Options{SkillsDir: writeSkill(t, name, "python", script)})
		result := must(engine.Execute(context.Background(), name, much))(t)
		if !result.OK() {
			t.Errorf("%s: %s", name, result.Stderr)
		}
		if name == "late" && (!result.Truncated.Stdout || !result.Truncated.Stderr || result.Limit != "output" || result.TotalBytes.Stdout != 3_000_000) {
			t.Errorf("%s: %+v %q %+v", name, result.Truncated, result.Limit, result.TotalBytes)
		}
	}
}

func TestWithoutADescriptorLeft(t *testing.T) {
	engine := sleeper(t, Options{})
	call := must(engine.Start(context.Background(), "sleeper", nil, WithOutput()))(t)
	defer call.Close()
	r := must(engine.start(context.Background(), "sleeper", nil, []CallOption{WithOutput()}))(t)
	defer r.handle.close()
	var limit, old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	limit = syscall.Rlimit{Cur: uint64(descriptors(t) + 16), Max: old.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	var files []*os.File
	for {
		file, err := os.Open("/dev/null")
		if err != nil {
			break
		}
		files = append(files, file)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	result, err := r.result(ctx)
	_, end := r.output.read(r.handle, stdout, make([]byte, 1))
	for _, file := range files {
		_ = file.Close()
	}
	if failed := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); failed != nil {
		t.Fatal(failed)
	}
	if result == nil || result.Status != StatusCancelled || !errors.Is(err, ErrTimeout) {
		t.Error(result, err)
	}
	if end != io.EOF {
		t.Error(end)
	}
}
