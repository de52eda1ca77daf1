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
	cut := make(chan int)
	go func() {
		n := 0
		for n < 15 { // few enough for the desk's patience on a slow machine
			select {
			case <-stop:
				cut <- n
				return
			case <-time.After(time.Duration(20+rand.IntN(80)) * time.Millisecond):
				n += h.number(`
					select count(pg_terminate_backend(pid)) from pg_stat_activity
					where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()
					and query not like '%pg_terminate_backend%'`)
			}
		}
		<-stop
		cut <- n
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
	atOnce(calls...)
	close(stop)
	if n := <-cut; n == 0 {
		t.Error("no connection was cut: the test showed nothing")
	}

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
