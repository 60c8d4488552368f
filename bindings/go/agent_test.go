package skilllite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// asks is a response of the dialect "openai" that calls a tool, once for each of the arguments.
func asks(tool string, arguments ...string) []byte {
	calls := []any{}
	for i, text := range arguments {
		function := map[string]string{"name": tool, "arguments": text}
		calls = append(calls, map[string]any{"id": fmt.Sprint("call_", i), "type": "function", "function": function})
	}
	return response(map[string]any{"role": "assistant", "content": nil, "tool_calls": calls}, "tool_calls")
}

func says(text string) []byte {
	return response(map[string]any{"role": "assistant", "content": text}, "stop")
}

func response(message map[string]any, reason string) []byte {
	text, _ := json.Marshal(map[string]any{"choices": []any{map[string]any{"index": 0, "finish_reason": reason, "message": message}}})
	return text
}

// next is the next step, which has to be of a kind.
func next(t *testing.T, agent *Agent, kind StepKind) *Step {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	step := must(agent.Next(ctx))(t)
	if step.Kind != kind {
		t.Fatalf("%s, not %s", step.Raw, kind)
	}
	return step
}

func TestAgent(t *testing.T) {
	engine := begin(t, Options{SkillsDir: skillsDir})
	agent := must(engine.NewAgent(AgentConfig{
		Dialect: "openai", Model: "m", System: "Be brief.", NoContext: true, Tools: []string{"calculator"},
		Request: map[string]any{"temperature": 0}, Approval: ApprovalAllow, ToolApproval: map[string]Approval{"calculator": ApprovalAsk},
		Limits:      AgentLimits{Iterations: 5, ToolOutputTokens: 1000, ResultTokens: 500, Wall: time.Minute, ParallelCalls: 2},
		CallOptions: []CallOption{WithTimeout(20 * time.Second)},
	}))(t)
	defer agent.Close()
	next(t, agent, StepAsk)
	if err := agent.Ask("How much is 15 times 27?", map[string]string{"role": "user", "content": "Hello"}); err != nil {
		t.Fatal(err)
	}
	if err := agent.Ask("Again"); !errors.Is(err, ErrOutOfTurn) {
		t.Error(err)
	}
	request := next(t, agent, StepRequest)
	for _, part := range []string{`"model":"m"`, `"temperature":0`, "Be brief.", "Hello", "15 times 27", `"calculator"`} {
		if !strings.Contains(string(request.Body), part) {
			t.Errorf("%s is not in %s", part, request.Body)
		}
	}
	equal(t, "path", request.Path, "/chat/completions")
	if err := agent.Feed([]byte("<html>"), true); !errors.Is(err, ErrInvalidResponse) {
		t.Error(err)
	}
	next(t, agent, StepRequest)
	body := asks("calculator", multiply, multiply)
	if err := errors.Join(agent.Feed(body[:50], false), agent.Feed(body[50:], true)); err != nil {
		t.Fatal(err)
	}
	approval := next(t, agent, StepApproval)
	equal(t, "calls", len(approval.Calls), 2)
	if err := errors.Join(agent.Approve(approval.Calls[0].CallID, true, ""), agent.Approve(approval.Calls[1].CallID, false, "once is enough")); err != nil {
		t.Fatal(err)
	}
	if request := next(t, agent, StepRequest); !strings.Contains(string(request.Body), "405") || !strings.Contains(string(request.Body), "once is enough") {
		t.Errorf("%s", request.Body)
	}
	if err := agent.Feed(says("It is 405."), true); err != nil {
		t.Fatal(err)
	}
	answer := next(t, agent, StepAnswer)
	equal(t, "answer", answer.Text+answer.Finish, "It is 405.stop")
	seen := map[string]int{}
	for _, event := range must(agent.Events())(t) {
		seen[event.Event]++
	}
	equal(t, "events", fmt.Sprint(seen["iteration"] >= 2, seen["approval_needed"], seen["call_started"], seen["call_finished"], seen["answer"]), "true 2 1 2 1")
	// Another agent takes the conversation up.
	transcript := must(agent.Transcript())(t)
	heir := must(engine.NewAgent(AgentConfig{Dialect: "openai", Messages: transcript}))(t)
	equal(t, "the answer again", next(t, heir, StepAnswer).Text, "It is 405.")
	if err := errors.Join(agent.Close(), agent.Close(), heir.Close()); err != nil {
		t.Error(err)
	}
	if err := second(agent.Next(context.Background())); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	for _, wrong := range []AgentConfig{{Dialect: "latin"}, {Dialect: "openai", Tools: []string{"nothing"}}, {Dialect: "openai", Approval: "perhaps"}} {
		var refused *Error
		if err := second(engine.NewAgent(wrong)); !errors.As(err, &refused) {
			t.Error(err)
		}
	}
}

func TestAnAgentWaits(t *testing.T) {
	engine := sleeper(t, Options{})
	agent := must(engine.NewAgent(AgentConfig{Dialect: "openai"}))(t)
	defer agent.Close()
	if err := agent.Ask("Sleep"); err != nil {
		t.Fatal(err)
	}
	next(t, agent, StepRequest)
	if err := agent.Feed(asks("sleeper", "{}"), true); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	for range 2 {
		if step, err := agent.Next(ctx); step != nil || !errors.Is(err, ErrWaitTimeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(step, err)
		}
	}
	steps := make(chan *Step)
	go func() {
		step, err := agent.Next(context.Background())
		if err != nil {
			t.Error(err)
		}
		steps <- step
	}()
	time.Sleep(50 * time.Millisecond) // it may wait already, or not yet
	if err := errors.Join(agent.Cancel(), agent.Cancel()); err != nil {
		t.Fatal(err)
	}
	if step := <-steps; step.Kind != StepStopped || step.Reason != "cancelled" {
		t.Errorf("%s", step.Raw)
	}
}

func TestCloseEndsTheWaitOfAnAgent(t *testing.T) {
	engine := sleeper(t, Options{})
	agent := must(engine.NewAgent(AgentConfig{Dialect: "openai"}))(t)
	if err := agent.Ask("Sleep"); err != nil {
		t.Fatal(err)
	}
	next(t, agent, StepRequest)
	if err := agent.Feed(asks("sleeper", "{}"), true); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		step, err := agent.Next(context.Background())
		if err == nil && step.Kind != StepStopped {
			t.Errorf("%s", step.Raw)
		}
		ended <- err
	}()
	time.Sleep(50 * time.Millisecond) // it may wait already, or not yet
	if err := agent.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil && !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
