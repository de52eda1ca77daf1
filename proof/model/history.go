package model

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// A History is what was asked of one event and what was answered, with the
// times of both. Any number of visitors may write to it at once.
type History struct {
	start Event

	mu  sync.Mutex
	ops []porcupine.Operation
}

// NewHistory begins the history of an event as it stands now.
func NewHistory(start Event) *History { return &History{start: start} }

// never is when a reply came that never came.
const never = math.MaxInt64

// Now is the time on the clock of all histories. Processes of one machine
// share it.
func Now() int64 { return time.Now().UnixNano() }

// Asked writes down a request before it is made, and returns a ticket for its
// reply. One that gets none may have its effect at any moment from then on, or
// never.
func (h *History) Asked(visitor int, a Ask, at int64) (ticket int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, porcupine.Operation{ClientId: visitor, Input: a, Call: at, Output: Reply{Unknown: true}, Return: never})
	return len(h.ops) - 1
}

// Answered writes down the reply to a request.
func (h *History) Answered(ticket int, r Reply, at int64) {
	if r.Unknown {
		at = never
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops[ticket].Output, h.ops[ticket].Return = r, at
}

// Len is how many requests were written down.
func (h *History) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.ops)
}

// Unknown is how many requests have no known outcome.
func (h *History) Unknown() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, op := range h.ops {
		if op.Return == never {
			n++
		}
	}
	return n
}

// ErrNoOrder says that no order of the requests explains every reply: the
// history is not linearizable.
var ErrNoOrder = errors.New("no order of the requests explains every answer")

// ErrUndecided says that the search for an order took too long.
var ErrUndecided = errors.New("the search for an order that explains every answer took too long")

// checkLimit bounds the search. Histories of this program are decided in
// milliseconds; the search is exponential at worst.
const checkLimit = time.Minute

// Check looks for an order of all requests, each at some moment between call
// and reply, in which the model gives every reply that was given. It fails
// with [ErrNoOrder] or [ErrUndecided].
func (h *History) Check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch porcupine.CheckOperationsTimeout(h.model(), h.ops, checkLimit) {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return ErrUndecided
	}
	return fmt.Errorf("%w: %s", ErrNoOrder, h.explain())
}

func (h *History) model() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return h.start },
		Step: func(state, input, output any) (bool, any) {
			before, got := state.(Event), output.(Reply)
			if got.Nothing {
				return true, before
			}
			after, want := before.Do(input.(Ask))
			return got.Unknown || got.Equal(want), after
		},
		Equal: func(a, b any) bool { return a.(Event).Equal(b.(Event)) },
	}
}

// explain tells how far the best order gets and what is left then.
func (h *History) explain() string {
	_, info := porcupine.CheckOperationsVerbose(h.model(), h.ops, checkLimit)
	var best []porcupine.Operation
	for _, order := range info.PartialLinearizationsOperations()[0] {
		if len(order) > len(best) {
			best = order
		}
	}
	state := h.start
	explained := map[[2]int64]bool{}
	for _, op := range best {
		if !op.Output.(Reply).Nothing {
			state, _ = state.Do(op.Input.(Ask))
		}
		explained[[2]int64{op.Call, op.Return}] = true
	}
	var left []porcupine.Operation
	for _, op := range h.ops {
		if !explained[[2]int64{op.Call, op.Return}] {
			left = append(left, op)
		}
	}
	slices.SortFunc(left, func(a, b porcupine.Operation) int { return int(a.Call/1000 - b.Call/1000) })
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d make sense, up to: %s", len(best), len(h.ops), state)
	for i, op := range left {
		if i == 3 {
			fmt.Fprintf(&b, "; and %d more", len(left)-i)
			break
		}
		_, want := state.Do(op.Input.(Ask))
		fmt.Fprintf(&b, "\n        then %s: answered %q, would be %q", op.Input, op.Output, want)
	}
	return b.String()
}
