package simulation

import (
	"sync"
	"time"

	"github.com/google/uuid"

	"rowlock/booking"
)

const (
	// sampleEvery is how often a run looks how many connections are in use.
	sampleEvery = 5 * time.Millisecond
	// groupsKept bounds how many groups a run remembers.
	groupsKept = 300
)

// What a booker may tell about its work, beside the answers.
type (
	metered interface {
		Spent() booking.Spent
	}
	observed interface {
		Observe(eventID uuid.UUID, watch func(booking.Settled)) (stop func())
	}
)

// effort is what a booker spends from the moment it is watched until the end.
type effort struct {
	meter  metered
	before booking.Spent
	after  booking.Spent
	peak   int

	mu      sync.Mutex
	settled []booking.Settled

	endOnce sync.Once
	unwatch func()
	ending  chan struct{}
	sampled chan struct{}
}

// watchEffort begins to watch what the booker spends on the event. A booker
// that keeps no accounts leaves the effort empty.
func watchEffort(b booking.Booker, eventID uuid.UUID) *effort {
	e := &effort{unwatch: func() {}, ending: make(chan struct{}), sampled: make(chan struct{})}
	if desk, ok := b.(observed); ok {
		e.unwatch = desk.Observe(eventID, e.add)
	}
	meter, ok := b.(metered)
	if !ok {
		close(e.sampled)
		return e
	}
	e.meter, e.before = meter, meter.Spent()
	go e.sample()
	return e
}

func (e *effort) add(g booking.Settled) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settled = append(e.settled, g)
}

func (e *effort) sample() {
	defer close(e.sampled)
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for {
		e.peak = max(e.peak, e.meter.Spent().Connections)
		select {
		case <-ticker.C:
		case <-e.ending:
			return
		}
	}
}

// end stops watching. Doing it again changes nothing.
func (e *effort) end() {
	e.endOnce.Do(func() {
		e.unwatch()
		close(e.ending)
		<-e.sampled
		if e.meter != nil {
			e.after = e.meter.Spent()
		}
	})
}

// tell writes the effort into the results, once it has ended.
func (e *effort) tell(r *Results) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r.Transactions = e.after.Transactions - e.before.Transactions
	r.Retries = e.after.Retries - e.before.Retries
	if len(e.settled) > 0 {
		// The desk's own count has other events' transactions in it.
		r.Transactions, r.Retries = 0, 0
		for _, g := range e.settled {
			r.Transactions += int64(g.Transactions)
			r.Retries += int64(g.Transactions - 1)
		}
		r.Groups = thin(e.settled)
	}
	r.Connections = e.peak
	if r.Transactions > 0 {
		r.Connections = max(1, e.peak) // too short to be seen, but not without
	}
}

// thin keeps as many groups as are worth keeping, evenly from first to last.
func thin(settled []booking.Settled) []Group {
	groups := make([]Group, min(len(settled), groupsKept))
	for i := range groups {
		g := settled[i*len(settled)/len(groups)]
		groups[i] = Group{Requests: g.Requests, Took: g.Took}
	}
	return groups
}
