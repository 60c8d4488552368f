package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"skilllite.dev/go/skilllite"
)

// A model that has 15 times 27 computed, twice at once, and says what came back.
func model(t *testing.T) *httptest.Server {
	requests := 0
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		body, err := io.ReadAll(r.Body)
		var request struct {
			Tools []struct {
				Type     string
				Function struct {
					Name       string
					Parameters map[string]any
				}
			}
			Messages []struct {
				Role       string
				Content    any
				ToolCallID string `json:"tool_call_id"`
				ToolCalls  []any  `json:"tool_calls"`
			}
		}
		if err == nil {
			err = json.Unmarshal(body, &request)
		}
		if err != nil || r.URL.Path != "/v1/chat/completions" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		found := false
		for _, tool := range request.Tools {
			found = found || tool.Function.Name == "calculator" && tool.Type == "function" && tool.Function.Parameters["type"] == "object"
		}
		if !found {
			t.Errorf("no calculator among the tools: %s", body)
		}
		message := map[string]any{"role": "assistant", "content": nil}
		reason := "tool_calls"
		switch requests {
		case 1:
			arguments := `{"operation": "multiply", "a": 15, "b": 27}`
			function := map[string]any{"name": "calculator", "arguments": arguments}
			message["tool_calls"] = []any{
				map[string]any{"id": "one", "type": "function", "function": function},
				map[string]any{"id": "two", "type": "function", "function": map[string]any{"name": "calculator", "arguments": "{}"}},
			}
		default:
			reason = "stop"
			if len(request.Messages) != 4 || len(request.Messages[1].ToolCalls) != 2 || request.Messages[2].Role != "tool" ||
				request.Messages[2].ToolCallID != "one" || request.Messages[3].ToolCallID != "two" {
				t.Errorf("the conversation: %s", body)
			}
			message["content"] = fmt.Sprint("You said ", request.Messages[0].Content, "; I have ", request.Messages[2].Content)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"id": "r", "object": "chat.completion", "created": 1, "model": "m",
			"choices": []any{map[string]any{"index": 0, "finish_reason": reason, "message": message}}})
	}))
}

func TestAsk(t *testing.T) {
	server := model(t)
	defer server.Close()
	ctx := context.Background()
	engine, err := skilllite.Open(ctx, skilllite.Options{SkillsDir: "../../../../skills"})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	client := openai.NewClient(option.WithBaseURL(server.URL+"/v1"), option.WithAPIKey("none"))
	answer, err := ask(ctx, client, engine, "m", "How much is 15 times 27?")
	if err != nil || !strings.Contains(answer, "How much is 15 times 27?") || !strings.Contains(answer, "405") {
		t.Errorf("%q, %v", answer, err)
	}
}
