// The vendors' SDKs for Go, each in a whole loop with real skills: the loop written by hand, and the library's agent.
//
// usage: go run . MOCK_FOLDER    in this folder (the node_modules of the mock are in there)
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strings"

	"skilllite.dev/go/skilllite"
)

const maxRounds = 4

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run . MOCK_FOLDER")
	}
	passed, failed, err := run(context.Background(), os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("tests/e2e/go: %d passed, %d failed\n", passed, failed)
	if failed > 0 || passed == 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context, mockFolder string) (passed, failed int, err error) {
	// What is asked, and what a model says that has read the right results.
	text, err := os.ReadFile("../questions.json")
	if err != nil {
		return 0, 0, err
	}
	questions, err := decode[map[string]string](text)
	if err != nil {
		return 0, 0, err
	}
	mock := exec.Command("node", "../mock.mjs", mockFolder)
	mock.Stderr = os.Stderr
	// Its end is that of the mock.
	input, err := mock.StdinPipe()
	if err != nil {
		return 0, 0, err
	}
	output, err := mock.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	if err := mock.Start(); err != nil {
		return 0, 0, err
	}
	defer mock.Wait()
	defer input.Close()
	url, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		return 0, 0, err
	}
	all, err := vendors(ctx, strings.TrimSpace(url))
	if err != nil {
		return 0, 0, err
	}
	engine, err := skilllite.Open(ctx, skilllite.Options{SkillsDir: "../../../skills"})
	if err != nil {
		return 0, 0, err
	}
	defer engine.Close()
	for _, with := range all {
		for name, way := range map[string]func(context.Context, *skilllite.Engine, vendor, string, bool) (string, error){
			"by hand": byHand, "by the agent": byAgent,
		} {
			for _, isStreamed := range []bool{false, true} {
				for question, expected := range questions {
					answer, err := way(ctx, engine, with, question, isStreamed)
					if err == nil && answer == expected {
						passed++
						continue
					}
					failed++
					fmt.Printf("FAILED %s %s, streamed %v: %s: %s, %v\n", with.dialect, name, isStreamed, question, answer, err)
				}
			}
		}
	}
	return passed, failed, nil
}

func byHand(ctx context.Context, engine *skilllite.Engine, with vendor, question string, isStreamed bool) (string, error) {
	tools, err := engine.Tools(with.dialect)
	if err != nil {
		return "", err
	}
	messages := []any{with.question(question)}
	for range maxRounds {
		body, err := json.Marshal(with.body(messages, tools))
		if err != nil {
			return "", err
		}
		get := with.post
		if isStreamed {
			get = with.joined
		}
		response, err := get(ctx, body)
		if err != nil {
			return "", err
		}
		said, text, err := with.said(response)
		if err != nil {
			return "", err
		}
		answers, err := engine.Handle(ctx, with.dialect, response)
		if err != nil || len(answers) == 0 {
			return text, err
		}
		messages = append(messages, said...)
		for _, answer := range answers {
			messages = append(messages, answer)
		}
	}
	return "no end", nil
}

// joined posts a body and puts the streamed response together.
func (v vendor) joined(ctx context.Context, body []byte) ([]byte, error) {
	stream, err := skilllite.NewStream(v.dialect)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	err = v.stream(ctx, body, func(event []byte) error {
		_, err := stream.Write(event)
		return err
	})
	if err != nil {
		return nil, err
	}
	return stream.Response()
}

func byAgent(ctx context.Context, engine *skilllite.Engine, with vendor, question string, isStreamed bool) (string, error) {
	agent, err := engine.NewAgent(skilllite.AgentConfig{Dialect: with.dialect, Model: model, System: "Be brief."})
	if err != nil {
		return "", err
	}
	defer agent.Close()
	if err := agent.Ask(question); err != nil {
		return "", err
	}
	for range maxRounds {
		step, err := agent.Next(ctx)
		if err != nil || step.Kind != skilllite.StepRequest {
			return step.Text, err
		}
		if isStreamed {
			err = with.stream(ctx, step.Body, func(event []byte) error {
				return agent.Feed(fmt.Appendf(nil, "data: %s\n\n", event), false)
			})
			if err == nil {
				err = agent.Feed(nil, true)
			}
		} else {
			var response []byte
			if response, err = with.post(ctx, step.Body); err == nil {
				err = agent.Feed(response, true)
			}
		}
		if err != nil {
			return "", err
		}
	}
	return "no end", nil
}
