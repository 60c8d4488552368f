// Openai answers a question with the OpenAI SDK and the tools of a folder of skills.
// usage: openai SKILLS QUESTION    with OPENAI_API_KEY, and OPENAI_BASE_URL and MODEL where they are not OpenAI's
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/openai/openai-go/v3"

	"skilllite.dev/go/skilllite"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: openai SKILLS QUESTION")
	}
	ctx := context.Background()
	engine, err := skilllite.Open(ctx, skilllite.Options{SkillsDir: os.Args[1]})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	model := os.Getenv("MODEL")
	if model == "" {
		model = "gpt-4o-mini"
	}
	answer, err := ask(ctx, openai.NewClient(), engine, model, os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer)
}

// The most requests for one question.
const turns = 8

// ask lets the model call tools until it answers.
func ask(ctx context.Context, client openai.Client, engine *skilllite.Engine, model, question string) (string, error) {
	definitions, err := engine.Tools("openai")
	if err != nil {
		return "", err
	}
	request := openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(question)}}
	if err := json.Unmarshal(definitions, &request.Tools); err != nil {
		return "", err
	}
	for range turns {
		response, err := client.Chat.Completions.New(ctx, request)
		if err != nil {
			return "", err
		}
		if len(response.Choices) == 0 {
			return "", fmt.Errorf("the response has no choices: %s", response.RawJSON())
		}
		message := response.Choices[0].Message
		answers, err := engine.Handle(ctx, "openai", response.RawJSON())
		if err != nil {
			return "", err
		}
		if len(answers) == 0 {
			return message.Content, nil
		}
		request.Messages = append(request.Messages, message.ToParam())
		for _, answer := range answers {
			var param openai.ChatCompletionMessageParamUnion
			if err := json.Unmarshal(answer, &param); err != nil {
				return "", err
			}
			request.Messages = append(request.Messages, param)
		}
	}
	return "", fmt.Errorf("no answer after %d requests", turns)
}
