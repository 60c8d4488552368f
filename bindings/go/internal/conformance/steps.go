package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"skilllite.dev/go/skilllite"
)

// A scene is where the steps of one case are performed.
type scene struct {
	dir    string
	config any
	engine *skilllite.Engine
	agent  *skilllite.Agent
	calls  map[string]started
	saved  map[string]any
}

// perform performs a case; "" if it passed, otherwise which step failed and why.
func perform(one map[string]any) (why string) {
	dir, err := os.MkdirTemp("", "conformance-")
	if err == nil {
		defer os.RemoveAll(dir)
		if err = os.Chmod(dir, 0o755); err == nil {
			dir, err = filepath.EvalSymlinks(dir)
		}
	}
	if err != nil {
		return err.Error()
	}
	for key := range one {
		if !slices.Contains([]string{"name", "about", "needs", "config", "files", "steps"}, key) {
			return fmt.Sprintf("the key %q of a case is unknown", key)
		}
	}
	placed := place(one, dir).(map[string]any)
	s := &scene{dir: dir, config: placed["config"], calls: map[string]started{}, saved: map[string]any{}}
	defer s.end()
	files, _ := placed["files"].(map[string]any)
	for path, content := range files {
		text, mode := content, any(nil)
		if object, isObject := content.(map[string]any); isObject {
			text, mode = object["text"], object["mode"]
		}
		if err := s.write(path, lines(text), mode); err != nil {
			return err.Error()
		}
	}
	steps, _ := placed["steps"].([]any)
	if len(steps) == 0 {
		return "there are no steps"
	}
	if first, _ := steps[0].(map[string]any); first["do"] != "new" {
		unwritten := []map[string]any{{"do": "new"}}
		if _, err := os.Stat(dir + "/skills"); err == nil {
			unwritten = append(unwritten, map[string]any{"do": "load", "dir": dir + "/skills"})
		}
		for _, unwritten := range unwritten {
			if _, err := s.do(unwritten); err != nil {
				return fmt.Sprintf("(step 0, %v): %v", unwritten["do"], err)
			}
		}
	}
	for i, step := range steps {
		object, isObject := step.(map[string]any)
		if !isObject {
			return fmt.Sprintf("(step %d): no object", i+1)
		}
		if why := s.step(object); why != "" {
			return fmt.Sprintf("(step %d, %v): %s", i+1, object["do"], why)
		}
	}
	return ""
}

// place puts the folder of the case into every string.
func place(value any, dir string) any {
	switch value := value.(type) {
	case string:
		return strings.ReplaceAll(value, "@DIR@", dir)
	case []any:
		placed := make([]any, len(value))
		for i, item := range value {
			placed[i] = place(item, dir)
		}
		return placed
	case map[string]any:
		placed := map[string]any{}
		for key, item := range value {
			placed[key] = place(item, dir)
		}
		return placed
	}
	return value
}

func (s *scene) end() {
	if s.agent != nil {
		_ = s.agent.Close()
	}
	for _, call := range s.calls {
		_ = call.Close()
	}
	if s.engine != nil {
		_ = s.engine.Close()
	}
}

// step performs a step and compares what came of it with what is expected.
func (s *scene) step(step map[string]any) string {
	output, err := s.do(step)
	if status, isExpected := step["error"]; isExpected {
		var refused *skilllite.Error
		if !errors.As(err, &refused) || refused.Code.String() != status {
			return fmt.Sprintf("%v is not expected: %v, %s", status, err, show(output))
		}
		if pattern, has := step["message"]; has {
			return fit(pattern, refused.Message, "message")
		}
		return ""
	}
	if err != nil {
		return err.Error()
	}
	if name, has := step["save"].(string); has {
		s.saved[name] = output
	}
	if pattern, has := step["expect"]; has {
		return strings.ReplaceAll(fit(pattern, output, ""), "at .", "at ")
	}
	return ""
}

// What a step may say beside do, expect, error, message and save.
var inputs = map[string]string{
	"version": "", "has_feature": "name", "probe": "", "new": "config", "load": "dir", "reload": "", "remove": "skill", "prepare": "skill",
	"enable": "skill is_enabled", "skills": "", "tools": "dialect", "instructions": "skill", "resources": "skill",
	"read_resource": "skill path max_bytes", "manifest": "skill", "scan": "skill", "validate": "dir", "plan": "tool arguments arguments_text options",
	"execute": "tool arguments arguments_text options", "start": "tool arguments arguments_text options call", "wait": "call timeout_ms",
	"cancel": "call", "read_file": "call path max_bytes", "keep": "call path dest", "output": "call stream until", "free": "call",
	"handle": "dialect response response_text options", "respond": "dialect response response_text options call", "stream": "dialect text cut", "agent": "config", "agent_ask": "words messages",
	"agent_next": "timeout_ms", "agent_feed": "response text cut is_end", "agent_approve": "call_id is_allowed reason", "agent_events": "",
	"agent_cancel": "", "agent_transcript": "", "close": "", "write": "path text mode", "delete": "path",
}

// do performs a step; the output is JSON as decode gives it.
func (s *scene) do(step map[string]any) (any, error) {
	name, _ := step["do"].(string)
	known, isKnown := inputs[name]
	if !isKnown {
		return nil, fmt.Errorf("the step %q is unknown", name)
	}
	for key := range step {
		if !slices.Contains([]string{"do", "expect", "error", "message", "save"}, key) && !slices.Contains(strings.Fields(known), key) {
			return nil, fmt.Errorf("the key %q is unknown", key)
		}
	}
	step, err := s.resolve(step)
	if err != nil {
		return nil, err
	}
	text := func(key string) string { value, _ := step[key].(string); return value }
	size := func(key string, otherwise int64) int64 {
		if value, isNumber := number(step[key]); isNumber {
			return int64(value)
		}
		return otherwise
	}
	ctx := context.Background()
	switch name {
	case "version":
		return skilllite.Version(), nil
	case "has_feature":
		return skilllite.HasFeature(text("name")), nil
	case "probe":
		probe, err := skilllite.ProbeHost()
		if err != nil {
			return nil, err
		}
		return decode(probe.Raw)
	case "validate":
		findings, err := skilllite.Validate(text("dir"))
		return list(findings, err, func(d skilllite.Diagnostic) json.RawMessage { return d.Raw })
	case "new":
		return nil, s.open(step)
	case "stream":
		return stream(text("dialect"), lines(step["text"]), int(size("cut", 0)))
	case "write":
		return nil, s.write(text("path"), lines(step["text"]), step["mode"])
	case "delete":
		path := filepath.Join(s.dir, text("path"))
		if _, err := os.Lstat(path); err != nil {
			return nil, err
		}
		return nil, os.RemoveAll(path)
	case "agent_ask", "agent_next", "agent_feed", "agent_approve", "agent_events", "agent_cancel", "agent_transcript":
		return s.doAgent(ctx, name, step, text, size)
	case "wait", "cancel", "read_file", "keep", "output", "free":
		return s.doCall(ctx, name, step, text, size)
	}
	e := s.engine
	if e == nil {
		return nil, errors.New("there is no engine")
	}
	switch name {
	case "load":
		report, err := e.Load(text("dir"))
		if err != nil {
			return nil, err
		}
		return decode(report.Raw)
	case "reload":
		report, err := e.Reload()
		if err != nil {
			return nil, err
		}
		return decode(report.Raw)
	case "prepare":
		report, err := e.Prepare(ctx, text("skill"))
		if err != nil {
			return nil, err
		}
		return decode(report.Raw)
	case "remove":
		return nil, e.Remove(text("skill"))
	case "enable":
		isEnabled, isGiven := step["is_enabled"].(bool)
		return nil, e.Enable(text("skill"), isEnabled || !isGiven)
	case "skills":
		skills, err := e.Skills()
		return list(skills, err, func(s skilllite.Skill) json.RawMessage { return s.Raw })
	case "tools":
		tools, err := e.Tools(text("dialect"))
		if err != nil {
			return nil, err
		}
		return decode(tools)
	case "instructions":
		instructions, err := e.Instructions(text("skill"))
		return instructions, err
	case "resources":
		resources, err := e.Resources(text("skill"))
		return list(resources, err, func(r skilllite.Resource) json.RawMessage { return r.Raw })
	case "read_resource":
		content, err := e.ReadResource(text("skill"), text("path"), uint64(size("max_bytes", 1<<20)))
		return described(content, err)
	case "manifest":
		manifest, err := e.Manifest(text("skill"))
		if err != nil {
			return nil, err
		}
		return decode(manifest.Raw)
	case "scan":
		report, err := e.Scan(text("skill"))
		if err != nil {
			return nil, err
		}
		return decode(report.Raw)
	case "plan":
		plan, err := e.Plan(text("tool"), document(step, "arguments"), skilllite.WithOptions(document(step, "options")))
		return plan, err
	case "execute":
		return result(e.Execute(ctx, text("tool"), document(step, "arguments"), skilllite.WithOptions(document(step, "options"))))
	case "start":
		call, err := e.Start(ctx, text("tool"), document(step, "arguments"), skilllite.WithOptions(document(step, "options")))
		if err == nil {
			s.calls[callName(step)] = call
		}
		return nil, err
	case "respond":
		round, err := e.Respond(ctx, text("dialect"), document(step, "response"), skilllite.WithOptions(document(step, "options")))
		if err == nil {
			s.calls[callName(step)] = round
		}
		return nil, err
	case "handle":
		messages, err := e.Handle(ctx, text("dialect"), document(step, "response"), skilllite.WithOptions(document(step, "options")))
		return answers(messages, err)
	case "agent":
		if s.agent != nil {
			if err := s.agent.Close(); err != nil {
				return nil, err
			}
		}
		agent, err := e.NewAgent(skilllite.AgentConfig{Config: document(step, "config")})
		s.agent = agent
		return nil, err
	case "close":
		return nil, e.Close()
	}
	return nil, fmt.Errorf("the step %q is not performed", name)
}

// A started is a call, or the calls of a response.
type started interface {
	Cancel() error
	Close() error
}

func answers(messages []json.RawMessage, err error) (any, error) {
	return list(messages, err, func(message json.RawMessage) json.RawMessage { return message })
}

func (s *scene) doCall(ctx context.Context, name string, step map[string]any, text func(string) string, size func(string, int64) int64) (any, error) {
	begun := s.calls[callName(step)]
	if begun == nil {
		return nil, fmt.Errorf("there is no call %q", callName(step))
	}
	// Of a round only what it has is asked for.
	call, _ := begun.(*skilllite.Call)
	switch name {
	case "wait":
		if timeout := size("timeout_ms", -1); timeout >= 0 {
			bounded, cancel := context.WithTimeout(ctx, time.Duration(timeout)*time.Millisecond)
			defer cancel()
			ctx = bounded
		}
		if round, isRound := begun.(*skilllite.Round); isRound {
			return answers(round.Wait(ctx))
		}
		return result(call.Wait(ctx))
	case "cancel":
		return nil, begun.Cancel()
	case "read_file":
		content, err := call.ReadFile(text("path"), uint64(size("max_bytes", 1<<20)))
		return described(content, err)
	case "keep":
		return nil, call.Keep(text("path"), text("dest"))
	case "output":
		output := call.Output()
		if size("stream", 1) == 2 {
			output = call.ErrorOutput()
		}
		content, err := until(output, text("until"))
		return described(content, err)
	default:
		delete(s.calls, callName(step))
		return nil, begun.Close()
	}
}

func (s *scene) doAgent(ctx context.Context, name string, step map[string]any, text func(string) string, size func(string, int64) int64) (any, error) {
	a := s.agent
	if a == nil {
		return nil, errors.New("there is no agent")
	}
	is := func(key string) bool { value, isGiven := step[key].(bool); return value || !isGiven }
	switch name {
	case "agent_ask":
		messages, _ := step["messages"].([]any)
		return nil, a.Ask(text("words"), messages...)
	case "agent_next":
		if timeout := size("timeout_ms", -1); timeout >= 0 {
			bounded, cancel := context.WithTimeout(ctx, time.Duration(timeout)*time.Millisecond)
			defer cancel()
			ctx = bounded
		}
		next, err := a.Next(ctx)
		if next == nil {
			return nil, err
		}
		return decode(next.Raw)
	case "agent_feed":
		body := []byte(lines(step["text"]))
		if _, isGiven := step["response"]; isGiven {
			body = document(step, "response")
		}
		cut := int(size("cut", 0))
		for cut > 0 && len(body) > cut {
			if err := a.Feed(body[:cut], false); err != nil {
				return nil, err
			}
			body = body[cut:]
		}
		return nil, a.Feed(body, is("is_end"))
	case "agent_approve":
		return nil, a.Approve(text("call_id"), is("is_allowed"), text("reason"))
	case "agent_events":
		events, err := a.Events()
		return list(events, err, func(e skilllite.AgentEvent) json.RawMessage { return e.Raw })
	case "agent_cancel":
		return nil, a.Cancel()
	default:
		transcript, err := a.Transcript()
		if err != nil {
			return nil, err
		}
		return decode(transcript)
	}
}

func (s *scene) open(step map[string]any) error {
	if s.engine != nil {
		if err := s.engine.Close(); err != nil {
			return err
		}
		s.engine = nil
	}
	config, isGiven := step["config"]
	if !isGiven {
		config = s.config
	}
	document := json.RawMessage(`{"policy": {"min_tier": "landlock"}}`)
	if config != nil {
		document, _ = json.Marshal(config)
	}
	engine, err := skilllite.Open(context.Background(), skilllite.Options{Config: document})
	s.engine = engine
	return err
}

// document is the text of an input that is a document: given as a value, as its text, or not at all.
func document(step map[string]any, key string) json.RawMessage {
	if text, isText := step[key+"_text"].(string); isText {
		return json.RawMessage(text)
	}
	value, isGiven := step[key]
	if !isGiven {
		return nil
	}
	text, _ := json.Marshal(value)
	return text
}

// resolve puts what earlier steps saved into the inputs of a step.
func (s *scene) resolve(step map[string]any) (map[string]any, error) {
	step = maps.Clone(step)
	for _, input := range []string{"arguments", "response", "messages", "text"} {
		object, _ := step[input].(map[string]any)
		name, isSaved := object["$saved"].(string)
		if !isSaved || len(object) != 1 {
			continue
		}
		value, isThere := s.saved[name]
		if !isThere {
			whole, key, _ := strings.Cut(name, ".")
			fields, _ := s.saved[whole].(map[string]any)
			value, isThere = fields[key]
		}
		if !isThere {
			return nil, fmt.Errorf("nothing was saved as %q", name)
		}
		step[input] = value
	}
	return step, nil
}

func (s *scene) write(path, text string, mode any) error {
	path = filepath.Join(s.dir, path)
	bits := int64(0o644)
	if digits, isGiven := mode.(string); isGiven {
		parsed, err := strconv.ParseInt(digits, 8, 32)
		if err != nil {
			return err
		}
		bits = parsed
	}
	for parent := s.dir; ; {
		rest, err := filepath.Rel(parent, filepath.Dir(path))
		if err != nil {
			return err
		}
		if rest == "." {
			break
		}
		parent = filepath.Join(parent, strings.Split(rest, "/")[0])
		if err := os.Mkdir(parent, 0o755); err == nil {
			err = os.Chmod(parent, 0o755)
		} else if !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Chmod(path, os.FileMode(bits))
}

func callName(step map[string]any) string {
	if name, isGiven := step["call"].(string); isGiven {
		return name
	}
	return "call"
}

// lines is a text, or lines of one.
func lines(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case []any:
		var text strings.Builder
		for _, line := range value {
			fmt.Fprintln(&text, line)
		}
		return text.String()
	}
	return ""
}

// result is the document of a run, also of one that was ended.
func result(result *skilllite.Result, err error) (any, error) {
	if result == nil {
		return nil, err
	}
	return decode(result.Raw)
}

// list is an array of the documents that typed values come from.
func list[T any](values []T, err error, raw func(T) json.RawMessage) (any, error) {
	if err != nil {
		return nil, err
	}
	items := make([]any, len(values))
	for i, value := range values {
		if items[i], err = decode(raw(value)); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// described is what the suite says of bytes.
func described(content []byte, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	value := map[string]any{"size": json.Number(strconv.Itoa(len(content))), "text": nil, "hex": hex.EncodeToString(content)}
	if utf8.Valid(content) {
		value["text"] = string(content)
	}
	return value, nil
}

// until reads to where a text was read, or to the end if there is none.
func until(output io.Reader, text string) (content []byte, err error) {
	if text == "" {
		return io.ReadAll(output)
	}
	chunk := make([]byte, 64<<10)
	for !strings.Contains(string(content), text) {
		n, err := output.Read(chunk)
		content = append(content, chunk[:n]...)
		if err != nil {
			return nil, fmt.Errorf("%q before %q: %w", content, text, err)
		}
	}
	return content, nil
}

func stream(dialect, text string, cut int) (any, error) {
	stream, err := skilllite.NewStream(dialect)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	if cut <= 0 {
		cut = max(len(text), 1)
	}
	for piece := range slices.Chunk([]byte(text), cut) {
		if _, err := stream.Write(piece); err != nil {
			return nil, err
		}
	}
	isComplete := stream.IsComplete()
	response, err := stream.Response()
	if err != nil {
		return nil, err
	}
	document, err := decode(response)
	return map[string]any{"is_complete": isComplete, "response": document}, err
}
