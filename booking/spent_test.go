package booking_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/uuid"

	"rowlock/booking"
)

// Every strategy tells what it spends: one transaction for each booking, but
// the desk one for each group, and the optimistic one more for each decision
// made in vain.
func TestSpent(t *testing.T) {
	t.Parallel()
	const people = 60
	h := newHouse(t)
	for name, booker := range h.strategies() {
		regatta := h.event(5)
		crowd := h.crowd(people)
		book(t, booker, regatta, crowd...)

		spent := booker.(interface{ Spent() booking.Spent }).Spent()
		switch {
		case name == "grouped":
			if spent.Transactions < 1 || spent.Transactions >= people {
				t.Errorf("the desk used %d transactions for %d people at once", spent.Transactions, people)
			}
		case spent.Transactions != people+spent.Retries:
			t.Errorf("%s: %d transactions and %d retries for %d people", name, spent.Transactions, spent.Retries, people)
		case name != "optimistic" && spent.Retries != 0:
			t.Errorf("%s: %d retries", name, spent.Retries)
		case name == "optimistic" && spent.Retries == 0:
			t.Errorf("%d people at once never overtook one another", people)
		}
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, other := h.event(5), h.event(5)
	var mu sync.Mutex
	var seen []booking.Settled
	stop := h.desk.Observe(regatta, func(g booking.Settled) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, g)
	})
	book(t, h.desk, regatta, h.crowd(40)...)
	book(t, h.desk, other, h.crowd(3)...)

	requests := 0
	for _, g := range seen {
		requests += g.Requests
		if g.Took <= 0 || g.Transactions != 1 {
			t.Errorf("a group of %d took %v and %d transactions", g.Requests, g.Took, g.Transactions)
		}
	}
	if requests != 40 {
		t.Errorf("the groups that were seen had %d requests, want 40", requests)
	}

	groups := len(seen)
	newer := 0
	stopNewer := h.desk.Observe(regatta, func(booking.Settled) { newer++ })
	stop() // another has taken over, whom this must not send away
	h.book(regatta, h.person())
	stopNewer()
	h.book(regatta, h.person())
	if len(seen) != groups || newer != 1 {
		t.Errorf("after the end %d groups more were seen; the one who took over saw %d, want 1", len(seen)-groups, newer)
	}
}

// book has people book at once.
func book(t *testing.T, booker booking.Booker, event uuid.UUID, people ...uuid.UUID) {
	t.Helper()
	var calls []func()
	for _, person := range people {
		calls = append(calls, func() {
			if _, err := booker.Book(context.Background(), booking.Request{EventID: event, UserID: person}); err != nil {
				t.Error(err)
			}
		})
	}
	atOnce(calls...)
}
