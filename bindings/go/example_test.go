package skilllite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"skilllite.dev/go/skilllite"
)

func Example() {
	ctx := context.Background()
	engine, err := skilllite.Open(ctx, skilllite.Options{SkillsDir: "../../skills"})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	result, err := engine.Execute(ctx, "calculator", map[string]any{"operation": "multiply", "a": 15, "b": 27})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(result.Text)
	// Output: {"operation": "multiply", "a": 15, "b": 27, "result": 405}
}

func open() *skilllite.Engine {
	engine, err := skilllite.Open(context.Background(), skilllite.Options{SkillsDir: "../../skills"})
	if err != nil {
		log.Fatal(err)
	}
	return engine
}

func ExampleOpen() {
	engine, err := skilllite.Open(context.Background(), skilllite.Options{
		SkillsDir: "../../skills",
		Skills:    []string{"calculator", "text-processor"},
		Policy: skilllite.Policy{
			MinTier: skilllite.TierLandlock,
			Limits:  skilllite.Limits{Wall: 5 * time.Second, MemoryBytes: 128 << 20},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	skills, err := engine.Skills()
	if err != nil {
		log.Fatal(err)
	}
	for _, skill := range skills {
		fmt.Println(skill.Name, skill.Tools)
	}
	// Output:
	// calculator [calculator]
	// text-processor [text-processor]
}

// A deadline ends the script, and is told from other errors.
func ExampleEngine_Execute_deadline() {
	engine := open()
	defer engine.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err := engine.Execute(ctx, "calculator", `{"operation": "add", "a": 1, "b": 2}`)
	fmt.Println(errors.Is(err, skilllite.ErrTimeout), errors.Is(err, context.DeadlineExceeded))
	// Output: true true
}

// What the library refuses has a code.
func ExampleError() {
	engine := open()
	defer engine.Close()
	_, err := engine.Execute(context.Background(), "calculator", `{"operation": "root", "a": 1, "b": 2}`)
	var refused *skilllite.Error
	fmt.Println(errors.As(err, &refused), refused.Code, errors.Is(err, skilllite.ErrInvalidArguments))
	// Output: true SKL_ERR_INVALID_ARGUMENTS true
}

// The calls of a response run in parallel; their answers are appended to the conversation.
func ExampleEngine_Handle() {
	engine := open()
	defer engine.Close()
	response := `{"choices": [{"finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": [{"id": "call_1",
		"type": "function", "function": {"name": "calculator", "arguments": "{\"operation\": \"add\", \"a\": 1, \"b\": 2}"}}]}}]}`
	messages, err := engine.Handle(context.Background(), "openai", response)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(messages), string(messages[0]))
	// Output: 1 {"role":"tool","tool_call_id":"call_1","content":"{\"status\":\"ok\",\"exit_code\":0,\"output\":{\"operation\":\"add\",\"a\":1,\"b\":2,\"result\":3}}"}
}

// A call beside the program: files in, output while it runs, the result at the end.
func ExampleEngine_Start() {
	engine := open()
	defer engine.Close()
	ctx := context.Background()
	call, err := engine.Start(ctx, "data-analyzer", `{"file": "t.csv", "operation": "mean", "column": "visitors"}`,
		skilllite.WithFile("t.csv", []byte("city,visitors\nParis,120\nOslo,40\n")), skilllite.WithTimeout(10*time.Second),
		skilllite.WithOutput())
	if err != nil {
		log.Fatal(err)
	}
	defer call.Close()
	lines := 0
	for scanner := bufio.NewScanner(call.Output()); scanner.Scan(); {
		lines++
	}
	result, err := call.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	var output struct{ Result float64 }
	if err := result.Decode(&output); err != nil {
		log.Fatal(err)
	}
	fmt.Println(lines > 0, output.Result)
	// Output: true 80
}

// A streamed response is put together first; io.Copy works as well.
func ExampleStream() {
	stream, err := skilllite.NewStream("openai")
	if err != nil {
		log.Fatal(err)
	}
	defer stream.Close()
	for _, chunk := range []string{
		"data: {\"choices\": [{\"index\": 0, \"delta\": {\"role\": \"assistant\", \"content\": \"Hel",
		"lo\"}}]}\n\ndata: {\"choices\": [{\"index\": 0, \"delta\": {}, \"finish_reason\": \"stop\"}]}\n\n",
	} {
		if _, err := stream.Write([]byte(chunk)); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(stream.IsComplete())
	// Output: true
}

// The loop with any HTTP client; here the model is a variable.
func ExampleAgent() {
	engine := open()
	defer engine.Close()
	agent, err := engine.NewAgent(skilllite.AgentConfig{Dialect: "openai", Model: "gpt-5-mini"})
	if err != nil {
		log.Fatal(err)
	}
	defer agent.Close()
	responses := []string{
		`{"choices": [{"finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function",
			"function": {"name": "calculator", "arguments": "{\"operation\": \"add\", \"a\": 1, \"b\": 2}"}}]}}]}`,
		`{"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "One and two are three."}}]}`,
	}
	if err := agent.Ask("How much is one and two?"); err != nil {
		log.Fatal(err)
	}
	for {
		step, err := agent.Next(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		if step.Kind != skilllite.StepRequest {
			fmt.Println(step.Text)
			return
		}
		// http.Post(baseURL+step.Path, "application/json", bytes.NewReader(step.Body))
		if err := agent.Feed([]byte(responses[step.Iteration-1]), true); err != nil {
			log.Fatal(err)
		}
	}
	// Output: One and two are three.
}

func ExampleProbeHost() {
	probe, err := skilllite.ProbeHost()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(probe.Tier != "")
	for _, obstacle := range probe.Obstacles {
		log.Printf("%s: %s; %s", obstacle.Tier, obstacle.Cause, obstacle.Remedy)
	}
	// Output: true
}
