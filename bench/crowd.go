package main

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"rowlock/booking"
)

// A crowd is people who book: the first person the first event, the second the
// second, and from the first event again when there is none left.
type crowd struct {
	people, events []uuid.UUID
	// atOnce of them book at the same moment. Whoever has an answer is followed
	// by the next.
	atOnce int
	// budget, where there is one, is when those who wait give up.
	budget time.Duration
}

// An outcome is what became of a crowd.
type outcome struct {
	registered, waitlisted int
	// unanswered gave up when the budget was spent.
	unanswered int
	failed     int
	failure    error // one of them
	took       time.Duration
	// waits are of those who were answered, the shortest first.
	waits []time.Duration
	spent booking.Spent // Connections are the most at any time
}

func (o outcome) answered() int { return o.registered + o.waitlisted }

func (o outcome) rate() float64 { return float64(o.answered()) / o.took.Seconds() }

// percentile is the wait of so many in a hundred at most, in milliseconds.
func (o outcome) percentile(p float64) float64 {
	if len(o.waits) == 0 {
		return 0
	}
	return milliseconds(o.waits[min(int(float64(len(o.waits))*p/100), len(o.waits)-1)])
}

// book lets the crowd book. They reach b in about the order of the list.
func (c crowd) book(ctx context.Context, b booking.Booker) outcome {
	var next, registered, waitlisted, unanswered, failed atomic.Int64
	var failure atomic.Pointer[error]
	waits := make([]time.Duration, len(c.people)) // 0 is no answer
	var start time.Time
	come := func(i int) {
		// Everyone has a context of their own, as every request of a browser
		// has.
		ctx, cancel := c.patience(start)
		defer cancel()
		came := time.Now()
		answer, err := b.Book(ctx, booking.Request{EventID: c.events[i%len(c.events)], UserID: c.people[i]})
		switch {
		case err != nil && ctx.Err() != nil:
			unanswered.Add(1)
			return
		case err != nil:
			failed.Add(1)
			failure.Store(&err)
			return
		case answer.Standing == booking.Confirmed:
			registered.Add(1)
		default:
			waitlisted.Add(1)
		}
		waits[i] = time.Since(came)
	}

	var wg sync.WaitGroup
	gate := make(chan struct{})
	for range min(c.atOnce, len(c.people)) {
		wg.Go(func() {
			<-gate
			for i := next.Add(1) - 1; i < int64(len(c.people)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				come(int(i))
			}
		})
	}
	time.Sleep(50 * time.Millisecond) // everyone stands at the gate
	watch := watchConnections(b)
	start = time.Now()
	close(gate)
	wg.Wait()
	o := outcome{
		registered: int(registered.Load()), waitlisted: int(waitlisted.Load()),
		unanswered: int(unanswered.Load()), failed: int(failed.Load()), took: time.Since(start), spent: watch(),
	}
	if err := failure.Load(); err != nil {
		o.failure = *err
	}
	slices.Sort(waits)
	o.waits = waits[len(waits)-o.answered():]
	if o.unanswered > 0 {
		o.took = max(c.budget, slices.Max(waits)) // the rest is the others' way out
	}
	return o
}

// patience is how long somebody waits who came when it began.
func (c crowd) patience(began time.Time) (context.Context, context.CancelFunc) {
	if c.budget == 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithDeadline(context.Background(), began.Add(c.budget))
}

// watchConnections samples how many connections b has in use, until what it
// spent is asked for. A booker that keeps no accounts has spent nothing.
func watchConnections(b booking.Booker) func() booking.Spent {
	meter, ok := b.(booker)
	if !ok {
		return func() booking.Spent { return booking.Spent{} }
	}
	peak, done, over := 1, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			peak = max(peak, meter.Spent().Connections)
			select {
			case <-time.After(2 * time.Millisecond):
			case <-done:
				return
			}
		}
	}()
	return func() booking.Spent {
		close(done)
		<-over
		spent := meter.Spent()
		spent.Connections = peak
		return spent
	}
}
