package skilllite

import (
	"sync"

	"skilllite.dev/go/skilllite/internal/tally"
)

// A handle owns one pointer of the library: freed exactly once, and never while a goroutine is inside a function that has it.
// A close during a use takes effect when the last user leaves. P is a pointer to a C type.
type handle[P any] struct {
	kind    tally.Kind
	name    string
	free    func(P)
	mutex   sync.Mutex
	pointer P
	users   int
	closed  bool
}

func newHandle[P any](of tally.Kind, name string, pointer P, free func(P)) *handle[P] {
	of.Made()
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
	h.kind.Freed()
}

// A gate bounds how many goroutines are inside the library at once, each of which holds a thread.
type gate chan struct{}

func (g gate) enter() { g <- struct{}{} }
func (g gate) leave() { <-g }
