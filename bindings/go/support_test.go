package skilllite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"skilllite.dev/go/skilllite/internal/tally"
)

const (
	skillsDir = "../../skills"
	multiply  = `{"operation": "multiply", "a": 15, "b": 27}`
)

// After all tests: what the binding was given was given back, and no goroutine is left.
func TestMain(m *testing.M) {
	if role := os.Getenv("SKILLLITE_TEST_ROLE"); role != "" {
		os.Exit(play(role))
	}
	code := m.Run()
	deadline := time.Now().Add(10 * time.Second)
	for left := leftovers(); left != ""; left = leftovers() {
		if time.Now().After(deadline) {
			fmt.Fprintln(os.Stderr, "left after all tests:", left)
			code = 1
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	os.Exit(code)
}

// leftovers names what is not released, after a collection; cleanups run a little later.
func leftovers() string {
	runtime.GC()
	var left []string
	if held := tally.Held(); held != "" {
		left = append(left, held)
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, stack := range strings.Split(string(stacks), "\n\n")[1:] {
		if strings.Contains(stack, "skilllite.dev/go/skilllite.") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, ", ")
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, not %v", what, got, want)
	}
}

// begin opens an engine that ends with the test.
func begin(t testing.TB, options Options) *Engine {
	t.Helper()
	engine := must(Open(context.Background(), options))(t)
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return engine
}

// writeSkill writes a skill of one script that takes any arguments; it gives the folder of the skill.
func writeSkill(t testing.TB, name, language, script string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	file := map[string]string{"python": "main.py", "sh": "main.sh"}[language]
	texts := map[string]string{
		"SKILL.md": "---\nname: " + name + "\ndescription: A skill of the tests\n---\n\n## Runtime\n\n```yaml\n" +
			`{"entry_point": "scripts/` + file + `", "language": "` + language + `", "input_schema": {"type": "object"}}` + "\n```\n",
		"scripts/" + file: script,
	}
	for path, text := range texts {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// sleeper is an engine with a tool of that name that does not end by itself.
func sleeper(t testing.TB, options Options) *Engine {
	options.SkillsDir = writeSkill(t, "sleeper", "sh", "exec sleep 1000\n")
	return begin(t, options)
}

// waitFor waits until something comes true that no event tells of.
func waitFor(t testing.TB, what string, within time.Duration, isTrue func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !isTrue(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

func count(t testing.TB, dir string) int {
	t.Helper()
	return len(must(os.ReadDir(dir))(t))
}

func threads(t testing.TB) int { return count(t, "/proc/self/task") }

func descriptors(t testing.TB) int { return count(t, "/proc/self/fd") }

func residentBytes(t testing.TB) int {
	t.Helper()
	fields := strings.Fields(string(must(os.ReadFile("/proc/self/statm"))(t)))
	return must(strconv.Atoi(fields[1]))(t) * os.Getpagesize()
}

// number is a count that the environment may raise, for the long form of a test.
func number(t testing.TB, variable string, otherwise int) int {
	t.Helper()
	if text := os.Getenv(variable); text != "" {
		return must(strconv.Atoi(text))(t)
	}
	return otherwise
}
