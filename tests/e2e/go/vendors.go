package main

import (
	"context"
	"encoding/json"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
	"google.golang.org/genai"
)

const model = "mock-model"

// A vendor is one SDK: how the body of a request is posted, whole and streamed, and what a response adds to the conversation.
type vendor struct {
	dialect  string
	body     func(messages []any, tools json.RawMessage) map[string]any
	question func(text string) any
	post     func(ctx context.Context, body []byte) ([]byte, error)
	// stream gives each event, as JSON.
	stream func(ctx context.Context, body []byte, event func([]byte) error) error
	// said gives the messages of a response, and its text.
	said func(response []byte) ([]any, string, error)
}

func vendors(ctx context.Context, url string) ([]vendor, error) {
	chat := openai.NewClient(openaioption.WithBaseURL(url+"/v1"), openaioption.WithAPIKey("none"))
	claude := anthropic.NewClient(anthropicoption.WithBaseURL(url), anthropicoption.WithAPIKey("none"))
	google, err := genai.NewClient(ctx, &genai.ClientConfig{APIKey: "none", Backend: genai.BackendGeminiAPI,
		HTTPOptions: genai.HTTPOptions{BaseURL: url, APIVersion: "v1beta"}})
	if err != nil {
		return nil, err
	}
	return []vendor{
		{
			dialect: "openai",
			body: func(messages []any, tools json.RawMessage) map[string]any {
				return map[string]any{"model": model, "messages": messages, "tools": tools}
			},
			question: user,
			post:     poster(decode[openai.ChatCompletionNewParams], chat.Chat.Completions.New),
			stream:   streamer(decode[openai.ChatCompletionNewParams], chat.Chat.Completions.NewStreaming),
			said: func(response []byte) ([]any, string, error) {
				read, err := decode[struct {
					Choices []struct{ Message json.RawMessage }
				}](response)
				if err != nil || len(read.Choices) == 0 {
					return nil, "", err
				}
				message, err := decode[struct{ Content string }](read.Choices[0].Message)
				return []any{read.Choices[0].Message}, message.Content, err
			},
		},
		{
			dialect: "openai-responses",
			body: func(messages []any, tools json.RawMessage) map[string]any {
				return map[string]any{"model": model, "input": messages, "tools": tools}
			},
			question: user,
			post:     poster(asItIs, chat.Responses.New),
			stream:   streamer(asItIs, chat.Responses.NewStreaming),
			said: func(response []byte) ([]any, string, error) {
				read, err := decode[struct{ Output []json.RawMessage }](response)
				said, text := []any{}, ""
				for _, item := range read.Output {
					content, failed := decode[struct{ Content parts }](item)
					if failed != nil {
						return nil, "", failed
					}
					said, text = append(said, item), text+content.Content.text()
				}
				return said, text, err
			},
		},
		{
			dialect: "anthropic",
			body: func(messages []any, tools json.RawMessage) map[string]any {
				return map[string]any{"model": model, "max_tokens": 100, "messages": messages, "tools": tools}
			},
			question: user,
			post:     poster(decode[anthropic.MessageNewParams], claude.Messages.New),
			stream:   streamer(decode[anthropic.MessageNewParams], claude.Messages.NewStreaming),
			said: func(response []byte) ([]any, string, error) {
				read, err := decode[struct{ Content json.RawMessage }](response)
				if err != nil {
					return nil, "", err
				}
				content, err := decode[parts](read.Content)
				return []any{map[string]any{"role": "assistant", "content": read.Content}}, content.text(), err
			},
		},
		{
			dialect: "gemini",
			body: func(messages []any, tools json.RawMessage) map[string]any {
				return map[string]any{"contents": messages, "tools": tools}
			},
			question: func(text string) any {
				return map[string]any{"role": "user", "parts": []any{map[string]any{"text": text}}}
			},
			post: func(ctx context.Context, body []byte) ([]byte, error) {
				contents, config, err := forGoogle(body)
				if err != nil {
					return nil, err
				}
				response, err := google.Models.GenerateContent(ctx, model, contents, config)
				if err != nil {
					return nil, err
				}
				return json.Marshal(response)
			},
			stream: func(ctx context.Context, body []byte, event func([]byte) error) error {
				contents, config, err := forGoogle(body)
				if err != nil {
					return err
				}
				for response, failed := range google.Models.GenerateContentStream(ctx, model, contents, config) {
					if failed != nil {
						return failed
					}
					text, err := json.Marshal(response)
					if err != nil {
						return err
					}
					if err := event(text); err != nil {
						return err
					}
				}
				return nil
			},
			said: func(response []byte) ([]any, string, error) {
				read, err := decode[struct {
					Candidates []struct{ Content json.RawMessage }
				}](response)
				if err != nil || len(read.Candidates) == 0 {
					return nil, "", err
				}
				content, err := decode[struct{ Parts parts }](read.Candidates[0].Content)
				return []any{read.Candidates[0].Content}, content.Parts.text(), err
			},
		},
	}, nil
}

func user(text string) any { return map[string]any{"role": "user", "content": text} }

// Parts of a message, some of which have a text.
type parts []struct{ Text string }

func (p parts) text() (text string) {
	for _, part := range p {
		text += part.Text
	}
	return text
}

// A document of an SDK that remembers how it came.
type raw interface{ RawJSON() string }

// asItIs is a body as parameters. The SDK cannot read this one back: it takes a list of inputs for a text.
func asItIs(body []byte) (responses.ResponseNewParams, error) {
	return param.Override[responses.ResponseNewParams](json.RawMessage(body)), nil
}

// poster posts a body through a method of an SDK.
func poster[Params, Option any, Response raw](
	read func([]byte) (Params, error),
	post func(context.Context, Params, ...Option) (Response, error),
) func(context.Context, []byte) ([]byte, error) {
	return func(ctx context.Context, body []byte) ([]byte, error) {
		params, err := read(body)
		if err != nil {
			return nil, err
		}
		response, err := post(ctx, params)
		if err != nil {
			return nil, err
		}
		return []byte(response.RawJSON()), nil
	}
}

// streamer posts a body through a method of an SDK whose response is a stream.
func streamer[Params, Option any, Event raw, Stream interface {
	Next() bool
	Current() Event
	Err() error
	Close() error
}](
	read func([]byte) (Params, error),
	post func(context.Context, Params, ...Option) Stream,
) func(context.Context, []byte, func([]byte) error) error {
	return func(ctx context.Context, body []byte, event func([]byte) error) error {
		params, err := read(body)
		if err != nil {
			return err
		}
		stream := post(ctx, params)
		defer stream.Close()
		for stream.Next() {
			if err := event([]byte(stream.Current().RawJSON())); err != nil {
				return err
			}
		}
		return stream.Err()
	}
}

// forGoogle is a body as the arguments of Google's SDK.
func forGoogle(body []byte) ([]*genai.Content, *genai.GenerateContentConfig, error) {
	read, err := decode[struct {
		Contents          []*genai.Content
		Tools             []*genai.Tool
		SystemInstruction *genai.Content
		ToolConfig        *genai.ToolConfig
	}](body)
	return read.Contents, &genai.GenerateContentConfig{Tools: read.Tools, SystemInstruction: read.SystemInstruction, ToolConfig: read.ToolConfig}, err
}

func decode[T any](text []byte) (value T, err error) {
	err = json.Unmarshal(text, &value)
	return value, err
}
