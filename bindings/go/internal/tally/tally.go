// Package tally counts what the library gave and what was given back, for tests that look for leaks.
package tally

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// A Kind of thing that the library gives and takes back.
type Kind int

// Kinds.
const (
	Engine Kind = iota
	Call
	Stream
	Agent
	Buffer
	Error
	kinds
)

var names = [kinds]string{"engines", "calls", "streams", "agents", "buffers", "errors"}

var made, freed [kinds]atomic.Int64

// Made counts one more.
func (k Kind) Made() { made[k].Add(1) }

// Freed counts one less.
func (k Kind) Freed() { freed[k].Add(1) }

// Held is how many are not given back.
func (k Kind) Held() int64 { return made[k].Load() - freed[k].Load() }

// Ended is how many were given back since the process began.
func (k Kind) Ended() int64 { return freed[k].Load() }

// Held says what is not given back, such as "2 calls"; "" for nothing.
func Held() string {
	var held []string
	for kind := range kinds {
		if count := kind.Held(); count != 0 {
			held = append(held, fmt.Sprintf("%d %s", count, names[kind]))
		}
	}
	return strings.Join(held, ", ")
}
