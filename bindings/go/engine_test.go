package skilllite

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCalculator(t *testing.T) {
	engine := begin(t, Options{SkillsDir: skillsDir})
	type arguments struct {
		Operation string `json:"operation"`
		A         int    `json:"a"`
		B         int    `json:"b"`
	}
	for name, args := range map[string]any{
		"text": multiply, "bytes": []byte(multiply), "raw": json.RawMessage(multiply),
		"struct": arguments{"multiply", 15, 27}, "map": map[string]any{"operation": "multiply", "a": 15, "b": 27},
	} {
		result := must(engine.Execute(context.Background(), "calculator", args))(t)
		var output struct{ Result int }
		if err := result.Decode(&output); err != nil || output.Result != 405 {
			t.Errorf("%s: %v, %v", name, output.Result, err)
		}
		equal(t, name+": OK", result.OK(), true)
		equal(t, name+": tool", result.Tool+result.Skill, "calculatorcalculator")
		if result.Isolation == nil || len(result.Isolation.Layers) == 0 || result.Usage.WallMS <= 0 {
			t.Errorf("%s: no isolation or usage: %s", name, result.Raw)
		}
	}
}

func TestOutcomes(t *testing.T) {
	for _, test := range []struct {
		name, script string
		options      []CallOption
		status       Status
		is           error
		exitCode     int
	}{
		{"exits", "echo half; echo no >&2; exit 3\n", nil, StatusOK, nil, 3},
		{"sleeps", "exec sleep 1000\n", []CallOption{WithTimeout(300 * time.Millisecond)}, StatusTimeout, ErrTimeout, -1},
		{"spins", "while :; do :; done\n", []CallOption{WithLimits(Limits{CPU: time.Second})}, StatusLimit, ErrLimit, -1},
		{"killed", "kill -9 $$\n", nil, StatusOK, nil, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			engine := begin(t, Options{SkillsDir: writeSkill(t, test.name, "sh", test.script)})
			result, err := engine.Execute(context.Background(), test.name, nil, test.options...)
			if result == nil {
				t.Fatal(err)
			}
			equal(t, "status", result.Status, test.status)
			equal(t, "exit code", result.ExitCode, test.exitCode)
			if test.is == nil != (err == nil) || !errors.Is(err, test.is) {
				t.Errorf("error: %v, not %v", err, test.is)
			}
			if test.name == "sleeps" && (result.Limit != "wall" || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrCancelled)) {
				t.Errorf("limit %q, error %v", result.Limit, err)
			}
			if test.name == "spins" && (result.Limit != "cpu" || errors.Is(err, ErrTimeout)) {
				t.Errorf("limit %q, error %v", result.Limit, err)
			}
			if test.name == "exits" && (result.Text != "half\n" || result.Stderr != "no\n" || result.Output != nil || result.OK()) {
				t.Errorf("%s", result.Raw)
			}
			if test.name == "killed" {
				equal(t, "signal", result.Signal, 9)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	engine := begin(t, Options{SkillsDir: skillsDir})
	ctx := context.Background()
	for name, test := range map[string]struct {
		err  error
		code Code
		says string
	}{
		"tool":      {second(engine.Execute(ctx, "nothing", nil)), ErrToolNotFound, "nothing"},
		"arguments": {second(engine.Execute(ctx, "calculator", map[string]any{"operation": "multiply"})), ErrInvalidArguments, "a"},
		"json":      {second(engine.Execute(ctx, "calculator", "{")), ErrInvalidJSON, ""},
		"go value":  {second(engine.Execute(ctx, "calculator", make(chan int))), ErrInvalidJSON, "chan"},
		"wider":     {second(engine.Execute(ctx, "calculator", multiply, WithTimeout(time.Hour))), ErrPolicyWidened, "wall_ms"},
		"option":    {second(engine.Execute(ctx, "calculator", multiply, WithOptions([]byte(`{"colour": 1}`)))), ErrInvalidConfig, "colour"},
		"dialect":   {second(engine.Tools("latin")), ErrUnknownDialect, "latin"},
		"skill":     {second(engine.Instructions("nothing")), ErrSkillNotFound, "nothing"},
		"folder":    {second(engine.Load("/nowhere/at/all")), ErrSkillDirectory, "nowhere"},
		"escape":    {second(engine.ReadResource("calculator", "../weather/SKILL.md", 1000)), ErrPathEscape, ""},
		"large":     {second(engine.ReadResource("calculator", "scripts/main.py", 3)), ErrResourceTooLarge, "3"},
		"utf-8":     {second(engine.Instructions("\xff")), ErrInvalidUTF8, ""},
		"nul":       {second(engine.Instructions("a\x00b")), ErrInvalidUTF8, ""},
		"response":  {second(engine.Handle(ctx, "openai", `{"no": "choices"}`)), ErrInvalidResponse, ""},
		"config":    {second(Open(ctx, Options{Config: []byte(`{"colour": 1}`)})), ErrInvalidConfig, "colour"},
		"config 2":  {second(Open(ctx, Options{Config: []byte(`{"colour`), MaxRunning: 2})), ErrInvalidJSON, ""},
		"open":      {second(Open(ctx, Options{SkillsDir: "/nowhere"})), ErrSkillDirectory, ""},
	} {
		var failure *Error
		if !errors.As(test.err, &failure) || !errors.Is(test.err, test.code) || failure.Code != test.code {
			t.Errorf("%s: %v, not %v", name, test.err, test.code)
		} else if !strings.Contains(failure.Message, test.says) || strings.Contains(failure.Message, "\n") {
			t.Errorf("%s: %q does not say %q", name, failure.Message, test.says)
		}
	}
	if errors.Is(second(engine.Tools("latin")), ErrToolNotFound) {
		t.Error("one code is another")
	}
}

func second[T any](_ T, err error) error { return err }

func TestSkills(t *testing.T) {
	engine := begin(t, Options{SkillsDir: skillsDir})
	skills := must(engine.Skills())(t)
	names := map[string]Skill{}
	for _, skill := range skills {
		names[skill.Name] = skill
	}
	calculator := names["calculator"]
	if len(skills) < 5 || len(calculator.Tools) != 1 || calculator.Digest == "" || !calculator.IsEnabled || calculator.License != "MIT" {
		t.Errorf("%+v", calculator)
	}
	for _, dialect := range []string{"openai", "openai:strict", "openai-responses", "anthropic", "gemini", "mcp"} {
		if tools := must(engine.Tools(dialect))(t); !json.Valid(tools) || !bytes.Contains(tools, []byte(`"calculator"`)) {
			t.Errorf("%s: %s", dialect, tools)
		}
	}
	if text := must(engine.Instructions("calculator"))(t); !strings.Contains(text, "# Calculator") {
		t.Errorf("instructions: %q", text)
	}
	whole := must(engine.Prompt(PromptOptions{}))(t)
	part := must(engine.Prompt(PromptOptions{Form: "xml", Mode: "summary", MaxTokens: 200, Skills: []string{"calculator"}}))(t)
	if !strings.Contains(whole, "weather") || !strings.Contains(part, "<available_skills>") || strings.Contains(part, "weather") {
		t.Errorf("%s\n%s", whole, part)
	}
	if err := second(engine.Prompt(PromptOptions{Skills: []string{"nothing"}})); !errors.Is(err, ErrSkillNotFound) {
		t.Error(err)
	}
	resources := must(engine.Resources("calculator"))(t)
	want := must(os.ReadFile(filepath.Join(skillsDir, "calculator/scripts/main.py")))(t)
	for _, resource := range resources {
		if resource.Path == "scripts/main.py" {
			equal(t, "size", resource.Size, int64(len(want)))
		}
	}
	if content := must(engine.ReadResource("calculator", "scripts/main.py", 1<<20))(t); !bytes.Equal(content, want) {
		t.Error("the content of a resource is another")
	}
	manifest := must(engine.Manifest("calculator"))(t)
	if len(manifest.Tools) != 1 || manifest.Tools[0].Language != "python" || !json.Valid(manifest.Tools[0].Parameters) || len(manifest.Raw) == 0 {
		t.Errorf("%s", manifest.Raw)
	}
	if report := must(engine.Scan("calculator"))(t); report.IsDenied || report.FilesScanned != 1 || report.Digest != manifest.Digest {
		t.Errorf("scan: %s", report.Raw)
	}
	if plan := must(engine.Plan("calculator", multiply))(t); !strings.Contains(plan, "exec") {
		t.Errorf("plan: %s", plan)
	}
	if err := engine.Enable("calculator", false); err != nil {
		t.Fatal(err)
	}
	if err := second(engine.Execute(context.Background(), "calculator", multiply)); !errors.Is(err, ErrToolNotFound) {
		t.Error("a disabled tool: ", err)
	}
	if err := engine.Enable("calculator", true); err != nil {
		t.Fatal(err)
	}
	if report := must(engine.Reload())(t); len(report.Skills) != len(skills) || len(report.Removed) != 0 || report.Raw == nil {
		t.Errorf("reload: %s", report.Raw)
	}
	if err := engine.Remove("weather"); err != nil {
		t.Fatal(err)
	}
	equal(t, "skills after a removal", len(must(engine.Skills())(t)), len(skills)-1)
	if findings := must(Validate(filepath.Join(skillsDir, "calculator")))(t); len(findings) != 0 {
		t.Errorf("%+v", findings)
	}
	if findings := must(Validate(t.TempDir()))(t); len(findings) == 0 || findings[0].Severity != "error" || findings[0].Message == "" {
		t.Errorf("an empty folder is a skill: %+v", findings)
	}
}

func TestScan(t *testing.T) {
	if !HasFeature("scan") {
		t.Skip("the library has no scan")
	}
	rule := ScanRule{Severity: SeverityCritical, Reason: "Nobody says that.", Shell: `((command name: (command_name) @n) @found (#eq? @n "acme"))`}
	policy := Policy{MinTier: TierLandlock, Scan: &ScanPolicy{Deny: SeverityHigh, Except: []string{"eval"}, Rules: map[string]ScanRule{"acme.word": rule}}}
	engine := begin(t, Options{SkillsDir: writeSkill(t, "word", "sh", "eval \"$1\"\nacme\n"), Policy: policy})
	report := must(engine.Scan("word"))(t)
	if len(report.Findings) != 1 || !report.IsDenied || report.Highest != SeverityCritical {
		t.Fatalf("%s", report.Raw)
	}
	if finding := report.Findings[0]; finding.Rule != "acme.word" || finding.Excerpt != "acme" || finding.Reason != rule.Reason {
		t.Errorf("%s", report.Raw)
	}
	if err := second(engine.Execute(context.Background(), "word", nil)); !errors.Is(err, ErrScanDenied) {
		t.Error("a denied skill: ", err)
	}
}

func TestDisclosure(t *testing.T) {
	count := func(disclosure Disclosure) int {
		var tools []any
		engine := begin(t, Options{SkillsDir: skillsDir, Disclosure: disclosure})
		if err := json.Unmarshal(must(engine.Tools("openai"))(t), &tools); err != nil {
			t.Fatal(err)
		}
		return len(tools)
	}
	equal(t, "generic tools", count(DisclosureOnly), 3)
	equal(t, "generic tools beside the others", count(DisclosureAlso), count("")+3)
	if err := second(Open(context.Background(), Options{Disclosure: "perhaps"})); !errors.Is(err, ErrInvalidConfig) {
		t.Error(err)
	}
}

func TestLibrary(t *testing.T) {
	probe := must(ProbeHost())(t)
	if probe.Tier == "" || len(probe.Tiers) < 3 || probe.Version != Version() {
		t.Errorf("%s", probe.Raw)
	}
	if !HasFeature("dialects") || HasFeature("levitation") || HasFeature("\xff") {
		t.Error("features")
	}
	equal(t, "name", ErrClosed.String(), "SKL_ERR_CLOSED")
	if err := checkABI(0); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "ABI 0") {
		t.Error(err)
	}
	if err := checkABI(headerABI + 1); err != nil {
		t.Error("a newer library is refused: ", err)
	}
}

func TestOptions(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("seen"), 0o644); err != nil {
		t.Fatal(err)
	}
	everything := Options{
		SkillsDir: writeSkill(t, "look", "python", `import os, sys
print([os.environ[n] for n in ("ENGINE", "CALL")], open(sys.argv[-1] if False else "in.txt").read(), open("copy").read(), os.path.basename(os.getcwd()))
`),
		Policy: Policy{
			MinTier: TierLandlock, MaxTier: TierFull, Env: map[string]string{"ENGINE": "e"},
			ReadPaths: []string{filepath.Dir(secret)}, WritePaths: []string{}, Network: &Network{},
			Limits: Limits{Wall: 20 * time.Second, CPU: 20 * time.Second, MemoryBytes: 1 << 29, PIDs: 60, OpenFiles: 200,
				FileBytes: 1 << 27, DiskBytes: 1 << 27, OutputBytes: 1 << 19},
		},
		SearchPath: strings.Split(os.Getenv("PATH"), ":"), Cwd: "work", MaxRunning: 3, MaxQueued: -1,
		Skills: []string{"look"}, Config: []byte(`{"warm": false, "max_running": 0}`),
	}
	config := string(must(everything.document())(t))
	for _, part := range []string{`"max_queued":0`, `"max_running":3`, `"warm":false`, `"wall_ms":20000`, `"allow":[]`} {
		if !strings.Contains(config, part) {
			t.Errorf("%s is not in %s", part, config)
		}
	}
	engine := begin(t, everything)
	result := must(engine.Execute(context.Background(), "look", nil, WithEnv("CALL", "c"), WithFile("in.txt", []byte("in")),
		WithHostFile("copy", secret), WithCwd("work"), WithCallID("mine"), WithFresh(), WithNetwork(Network{}),
		WithLimits(Limits{CPU: time.Second}), WithTimeout(1500*time.Microsecond+10*time.Second)))(t)
	if !strings.HasPrefix(result.Text, "['e', 'c'] in seen ") || result.CallID != "mine" {
		t.Errorf("%s", result.Raw)
	}
	if err := second(Open(context.Background(), Options{Policy: Policy{DenySubprocess: true}, Interpreters: map[string]string{"python": "relative"}})); !errors.Is(err, ErrInvalidConfig) {
		t.Error(err)
	}
	equal(t, "rounded up", milliseconds(time.Nanosecond), 1)
	equal(t, "whole", milliseconds(2*time.Millisecond), 2)
}

func TestHandle(t *testing.T) {
	engine := begin(t, Options{SkillsDir: skillsDir})
	ctx := context.Background()
	response := `{"choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": [
		{"id": "one", "type": "function", "function": {"name": "calculator", "arguments": "{\"operation\": \"multiply\", \"a\": 15, \"b\": 27}"}},
		{"id": "two", "type": "function", "function": {"name": "nothing", "arguments": "{}"}}]}}]}`
	messages := must(engine.Handle(ctx, "openai", response))(t)
	if len(messages) != 2 || !bytes.Contains(messages[0], []byte("405")) || !bytes.Contains(messages[1], []byte(`"two"`)) {
		t.Errorf("%s", messages)
	}
	if none := must(engine.Handle(ctx, "openai", map[string]any{"choices": []any{map[string]any{"message": map[string]any{"content": "Hello"}}}}))(t); len(none) != 0 {
		t.Errorf("%s", none)
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if err := second(engine.Handle(over, "openai", response)); !errors.Is(err, context.Canceled) || !errors.Is(err, ErrCancelled) {
		t.Error(err)
	}
}

// twoPlaces is an engine with a tool that stays where STAYS is set, and a response that asks for it twice, which fills the engine.
func twoPlaces(t *testing.T) (*Engine, json.RawMessage, CallOption) {
	engine := begin(t, Options{SkillsDir: writeSkill(t, "stays", "sh", "[ -z \"$STAYS\" ] || exec sleep 1000\necho through\n"), MaxRunning: 2})
	response := `{"content": [{"type": "tool_use", "id": "one", "name": "stays", "input": {}}, {"type": "tool_use", "id": "two", "name": "stays", "input": {}}], "stop_reason": "tool_use", "role": "assistant"}`
	t.Cleanup(func() {
		// In the queue it would wait for its turn in vain.
		if result := must(engine.Execute(context.Background(), "stays", nil))(t); result.Text != "through\n" {
			t.Errorf("%s", result.Raw)
		}
	})
	return engine, json.RawMessage(response), WithOptions([]byte(`{"env": {"STAYS": "1"}}`))
}

func TestTheContextEndsHandle(t *testing.T) {
	engine, response, stays := twoPlaces(t)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	messages, err := engine.Handle(ctx, "anthropic", response, stays)
	if !errors.Is(err, ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if len(messages) != 1 || bytes.Count(messages[0], []byte("cancelled")) != 2 {
		t.Errorf("%s", messages)
	}
}

func TestARoundIsWaitedForAndCancelled(t *testing.T) {
	engine, response, stays := twoPlaces(t)
	ctx := context.Background()
	round := must(engine.Respond(ctx, "anthropic", response, stays))(t)
	over, cancel := context.WithCancel(ctx)
	cancel()
	if err := second(round.Wait(over)); !errors.Is(err, ErrWaitTimeout) {
		t.Error(err)
	}
	if err := errors.Join(round.Cancel(), round.Cancel()); err != nil {
		t.Error(err)
	}
	<-round.Done()
	for range 2 {
		if messages := must(round.Wait(ctx))(t); len(messages) != 1 || bytes.Count(messages[0], []byte("cancelled")) != 2 {
			t.Errorf("%s", messages)
		}
	}
	if err := errors.Join(round.Close(), round.Close()); err != nil {
		t.Error(err)
	}
	if err := second(round.Wait(ctx)); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	// One that still runs is ended by Close.
	if err := must(engine.Respond(ctx, "anthropic", response, stays))(t).Close(); err != nil {
		t.Error(err)
	}
}

func TestStream(t *testing.T) {
	engine := begin(t, Options{SkillsDir: skillsDir})
	stream := must(NewStream("openai"))(t)
	body := `data: {"choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"one","type":"function","function":{"name":"calculator","arguments":""}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"operation\":\"multiply\",\"a\":15,\"b\":27}"}}]}}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: [DONE]

`
	if stream.IsComplete() {
		t.Error("an empty stream is complete")
	}
	if err := second(stream.Response()); !errors.Is(err, ErrInvalidResponse) {
		t.Error(err)
	}
	for _, piece := range []string{body[:100], body[100:]} {
		if n, err := stream.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	equal(t, "complete", stream.IsComplete(), true)
	messages := must(engine.Handle(context.Background(), "openai", must(stream.Response())(t)))(t)
	if len(messages) != 1 || !bytes.Contains(messages[0], []byte("405")) {
		t.Errorf("%s", messages)
	}
	if err := errors.Join(stream.Close(), stream.Close()); err != nil {
		t.Error(err)
	}
	if _, err := stream.Write(nil); !errors.Is(err, ErrClosed) || stream.IsComplete() {
		t.Error("a closed stream is in use: ", err)
	}
	if err := second(NewStream("latin")); !errors.Is(err, ErrUnknownDialect) {
		t.Error(err)
	}
	_ = must(NewStream("gemini"))(t) // left to the garbage collector
}
