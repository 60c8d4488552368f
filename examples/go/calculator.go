// One call in Go.
//
//	go run . ../../skills
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"skilllite.dev/go/skilllite"
)

func main() {
	ctx := context.Background()
	engine, err := skilllite.Open(ctx, skilllite.Options{SkillsDir: os.Args[1]})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	result, err := engine.Execute(ctx, "calculator", map[string]any{"operation": "multiply", "a": 15, "b": 27})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(result.Text)
}
