package skilllite

import (
	"context"
	"encoding/json"
	"os"
	"runtime"
	"time"
)

// An Agent is a conversation with a model, and the calls that it asks for. It has no connection of its own: [Agent.Next] says what to
// post, [Agent.Feed] takes what comes back, and any HTTP client will do. docs/agent.md has all of it.
//
// Every method may be used from any goroutine; one at a time asks and feeds.
type Agent struct {
	handle *agentHandle
	brief  gate
}

// AgentConfig is the config of an agent; a field that is not set is the default. Only Dialect is required, and Model for Gemini.
type AgentConfig struct {
	// Dialect is "openai", "openai-responses", "anthropic", each also with ":strict", or "gemini".
	Dialect string
	Model   string
	// System is the system prompt.
	System string
	// NoContext leaves the names and descriptions of the skills out of the system prompt.
	NoContext bool
	// Messages are the conversation so far, in the dialect's shape, such as a Transcript.
	Messages json.RawMessage
	// Tools are the only tools that are offered, by name; nil is all.
	Tools []string
	// Stream asks the model for a stream. Both kinds of response are understood either way.
	Stream bool
	// Request has further members of the request's body, such as "temperature".
	Request map[string]any
	// Limits of one turn.
	Limits AgentLimits
	// Approval is for all tools that ToolApproval does not name.
	Approval     Approval
	ToolApproval map[string]Approval
	// CallOptions are of every call.
	CallOptions []CallOption
	// Config is a document for keys that have no field here, as in Options.
	Config json.RawMessage
}

// AgentLimits bound one turn; a field of 0 is the default.
type AgentLimits struct {
	// Iterations are requests to the model.
	Iterations int
	// ToolOutputTokens of all calls, and ResultTokens of one; a token is taken for 4 bytes.
	ToolOutputTokens int
	ResultTokens     int
	// Wall is the time of the turn, that of the model and of approvals included.
	Wall time.Duration
	// ParallelCalls at once.
	ParallelCalls int
}

// An Approval is whether a tool may be called.
type Approval string

// Approvals.
const (
	ApprovalAllow Approval = "allow" // the call runs
	ApprovalAsk   Approval = "ask"   // StepApproval shows it to the host
	ApprovalDeny  Approval = "deny"  // the tool is not offered
)

func (c *AgentConfig) document() ([]byte, error) {
	limits := document{}
	limits.set("iterations", c.Limits.Iterations, c.Limits.Iterations != 0)
	limits.set("tool_output_tokens", c.Limits.ToolOutputTokens, c.Limits.ToolOutputTokens != 0)
	limits.set("result_tokens", c.Limits.ResultTokens, c.Limits.ResultTokens != 0)
	limits.set("wall_ms", milliseconds(c.Limits.Wall), c.Limits.Wall != 0)
	limits.set("parallel_calls", c.Limits.ParallelCalls, c.Limits.ParallelCalls != 0)
	approval := document{}
	approval.set("default", c.Approval, c.Approval != "")
	approval.set("tools", c.ToolApproval, c.ToolApproval != nil)
	callOptions, err := optionsDocument(c.CallOptions)
	if err != nil {
		return nil, err
	}
	keys := document{}
	keys.set("dialect", c.Dialect, c.Dialect != "")
	keys.set("model", c.Model, c.Model != "")
	keys.set("system", c.System, c.System != "")
	keys.set("context", false, c.NoContext)
	keys.set("messages", c.Messages, c.Messages != nil)
	keys.set("tools", c.Tools, c.Tools != nil)
	keys.set("stream", true, c.Stream)
	keys.set("request", c.Request, c.Request != nil)
	keys.set("limits", limits, len(limits) > 0)
	keys.set("approval", approval, len(approval) > 0)
	keys.set("call_options", json.RawMessage(callOptions), len(callOptions) > 0)
	return keys.over(c.Config)
}

// A StepKind is what the host does next.
type StepKind string

// Kinds of steps.
const (
	StepAsk      StepKind = "ask"      // nothing was asked yet: Ask
	StepRequest  StepKind = "request"  // post Body to the model at Path, and Feed the response
	StepApproval StepKind = "approval" // Approve each of Calls
	StepAnswer   StepKind = "answer"   // Text ends the turn
	StepStopped  StepKind = "stopped"  // Reason ended it
	stepRunning  StepKind = "running"
)

// A Step is what an agent waits for; fields that its kind does not have are empty.
type Step struct {
	Kind       StepKind        `json:"step"`
	Dialect    string          `json:"dialect"`
	Path       string          `json:"path"` // after the base URL
	Body       json.RawMessage `json:"body"`
	IsStreamed bool            `json:"is_streamed"`
	IsLast     bool            `json:"is_last"` // the last request that the limits allow
	Iteration  int             `json:"iteration"`
	Iterations int             `json:"iterations"` // how many requests the turn took
	Calls      []AgentCall     `json:"calls"`
	Text       string          `json:"text"`
	Finish     string          `json:"finish"` // the vendor's word
	IsCut      bool            `json:"is_cut"`
	Reason     string          `json:"reason"` // "iterations", "tool_output", "wall", "cancelled" or "refused"
	Raw        json.RawMessage `json:"-"`
}

// An AgentCall is a call that a model asks for.
type AgentCall struct {
	CallID    string          `json:"call_id"`
	Tool      string          `json:"tool"`
	Skill     string          `json:"skill"`
	Arguments json.RawMessage `json:"arguments"`
}

// An AgentEvent is something that happened, for showing progress: see docs/agent.md#events. Raw has all of its fields.
type AgentEvent struct {
	Event   string          `json:"event"`
	CallID  string          `json:"call_id"`
	Tool    string          `json:"tool"`
	Text    string          `json:"text"`
	Message string          `json:"message"`
	Status  Status          `json:"status"`
	Raw     json.RawMessage `json:"-"`
}

func (s *Step) UnmarshalJSON(text []byte) error {
	type plain Step
	return keeping(text, (*plain)(s), &s.Raw)
}

func (e *AgentEvent) UnmarshalJSON(text []byte) error {
	type plain AgentEvent
	return keeping(text, (*plain)(e), &e.Raw)
}

// NewAgent makes an agent over the engine. Nothing is started and nothing is posted.
func (e *Engine) NewAgent(config AgentConfig) (*Agent, error) {
	text, err := config.document()
	if err != nil {
		return nil, err
	}
	handle, err := nativeAgentNew(e.handle, text)
	if err != nil {
		return nil, err
	}
	a := &Agent{handle, e.brief}
	runtime.AddCleanup(a, (*agentHandle).close, handle)
	return a, nil
}

// Ask begins a turn with what the user says. Messages in the dialect's shape, such as images, are added before it.
func (a *Agent) Ask(words string, messages ...any) error {
	if messages == nil {
		return nativeAgentAsk(a.handle, words, nil)
	}
	text, err := marshal(messages)
	if err != nil {
		return err
	}
	return nativeAgentAsk(a.handle, words, text)
}

// Next goes on as far as possible without the host, and tells what the host does next. It waits for calls that run. The end of the
// context ends the wait only, with [ErrWaitTimeout] and the context's error; the turn goes on, and Cancel ends it.
func (a *Agent) Next(ctx context.Context) (*Step, error) {
	step, err := a.look(0)
	if err != nil || step.Kind != stepRunning {
		return step, err
	}
	if file := a.open(); file != nil {
		defer file.Close()
		stop := context.AfterFunc(ctx, func() { _ = file.SetReadDeadline(time.Now()) })
		defer stop()
		if connection, failed := file.SyscallConn(); failed == nil {
			_ = connection.Read(func(uintptr) bool {
				step, err = a.look(0)
				return err != nil || step.Kind != stepRunning
			})
		}
	}
	// Otherwise the process has no descriptor left: this wait holds a thread.
	for err == nil && step.Kind == stepRunning && ctx.Err() == nil {
		step, err = a.look(blockingRead)
	}
	if err == nil && step.Kind == stepRunning {
		return nil, waitEnded(ctx)
	}
	return step, err
}

func (a *Agent) look(timeout time.Duration) (*Step, error) {
	a.brief.enter()
	defer a.brief.leave()
	return decode[Step](nativeAgentNext(a.handle, timeout.Milliseconds()))
}

func (a *Agent) open() *os.File {
	agent, closed := a.handle.acquire()
	if closed != nil {
		return nil
	}
	defer a.handle.release()
	return open(nativeAgentFD(agent))
}

// Feed takes the model's response to the last request: its body, whole or the next piece of it, cut anywhere. IsEnd goes with the last
// piece, which may be empty. What is no response is [ErrInvalidResponse], and the same request is open again.
func (a *Agent) Feed(body []byte, isEnd bool) error { return nativeAgentFeed(a.handle, body, isEnd) }

// Approve decides on a call of a StepApproval. The model reads the reason why not.
func (a *Agent) Approve(callID string, isAllowed bool, reason string) error {
	return nativeAgentApprove(a.handle, callID, isAllowed, reason)
}

// Events are what happened since the last time, oldest first.
func (a *Agent) Events() ([]AgentEvent, error) {
	events, err := decode[[]AgentEvent](nativeAgentEvents(a.handle))
	if err != nil {
		return nil, err
	}
	return *events, nil
}

// Cancel ends the turn; the next step is StepStopped. Between turns it does nothing. May be repeated.
func (a *Agent) Cancel() error { return nativeAgentCancel(a.handle) }

// Transcript is the conversation so far, in the dialect's shape and without the system prompt. A new agent takes it up as its Messages.
func (a *Agent) Transcript() (json.RawMessage, error) { return nativeAgentTranscript(a.handle) }

// Close ends the turn and releases the agent. Repeating it does nothing.
func (a *Agent) Close() error {
	err := nativeAgentCancel(a.handle)
	a.handle.close()
	if isClosed(err) {
		return nil
	}
	return err
}
