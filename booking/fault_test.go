package booking_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"rowlock/booking"
	"rowlock/db"
)

// The server ends the desk's connections again and again while people book and
// cancel: whatever anybody was told must be true in the end.
func TestAnswersHoldWhenConnectionsAreCut(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	pool, err := db.Open(t.Context(), h.pool.Config().ConnString(), db.BookingLimits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	desk := newDesk(t, pool)
	regatta, p := h.event(40), h.crowd(400)

	stop := make(chan struct{})
	isCut := make(chan struct{}) // closed when a connection was
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; n < 15; { // few enough for the desk's patience on a slow machine
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(20+rand.IntN(80)) * time.Millisecond):
			}
			before := n
			n += h.number(`
				select count(pg_terminate_backend(pid)) from pg_stat_activity
				where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()
				and query not like '%pg_terminate_backend%'`)
			if before == 0 && n > 0 {
				close(isCut)
			}
		}
	}()

	told := make([]booking.Standing, len(p))
	var calls []func()
	for i, person := range p {
		calls = append(calls, func() {
			time.Sleep(time.Duration(i) * time.Millisecond) // many small groups
			answer, err := desk.Book(context.Background(), booking.Request{EventID: regatta, UserID: person})
			if err != nil {
				t.Errorf("person %d: %v", i, err)
			}
			told[i] = answer.Standing
		})
	}
	// One asks again and again until a connection was cut, however lucky the
	// desk is.
	again := h.person()
	calls = append(calls, func() {
		for {
			if _, err := desk.Book(context.Background(), booking.Request{EventID: regatta, UserID: again}); err != nil {
				t.Errorf("who asks again: %v", err)
			}
			select {
			case <-isCut:
				return
			default:
			}
		}
	})
	atOnce(calls...)
	close(stop)
	<-done

	for i, person := range p {
		_, mine, err := booking.Find(t.Context(), h.pool, regatta, person)
		if err != nil {
			t.Fatal(err)
		}
		if mine.Standing != told[i] {
			t.Errorf("person %d was told %q and is %q", i, told[i], mine.Standing)
		}
	}
	if c := h.confirmed(regatta); c != 40 {
		t.Errorf("%d have a seat, want 40", c)
	}
	h.mustHold()
}
