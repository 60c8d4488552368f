package skilllite

import (
	"sync"
	"sync/atomic"
)

// A kind of thing that the library gives and takes back.
type kind int

const (
	kindEngine kind = iota
	kindCall
	kindStream
	kindBuffer
	kindError
	kinds
)

// How many things of each kind the library gave, and how many were given back. The tests compare them.
var made, freed [kinds]atomic.Int64

// A handle owns one pointer of the library: freed exactly once, and never while a goroutine is inside a function that has it.
// A close during a use takes effect when the last user leaves. P is a pointer to a C type.
type handle[P any] struct {
	kind    kind
	name    string
	free    func(P)
	mutex   sync.Mutex
	pointer P
	users   int
	closed  bool
}

func newHandle[P any](of kind, name string, pointer P, free func(P)) *handle[P] {
	made[of].Add(1)
	return &handle[P]{kind: of, name: name, free: free, pointer: pointer}
}

// acquire lends the pointer until release. After close it is ErrClosed.
func (h *handle[P]) acquire() (P, error) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.closed {
		var none P
		return none, &Error{Code: ErrClosed, Message: "this " + h.name + " is closed"}
	}
	h.users++
	return h.pointer, nil
}

func (h *handle[P]) release() {
	h.mutex.Lock()
	h.users--
	isLast := h.closed && h.users == 0
	h.mutex.Unlock()
	if isLast {
		h.give()
	}
}

// close frees the pointer, now or when its last user leaves. Repeating it does nothing.
func (h *handle[P]) close() {
	h.mutex.Lock()
	isLast := !h.closed && h.users == 0
	h.closed = true
	h.mutex.Unlock()
	if isLast {
		h.give()
	}
}

func (h *handle[P]) give() {
	h.free(h.pointer)
	freed[h.kind].Add(1)
}

// A gate bounds how many goroutines are inside the library at once, each of which holds a thread.
type gate chan struct{}

func (g gate) enter() { g <- struct{}{} }
func (g gate) leave() { <-g }
