package booking_test

import (
	"log/slog"
	"testing"

	"github.com/google/uuid"

	"rowlock/booking"
	"rowlock/db"
)

// Look tells of many events and people what Find tells of one.
func TestLookAgreesWithFind(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	asked := map[uuid.UUID][]uuid.UUID{}
	for _, seats := range []int{0, 2, 9} {
		e := h.event(seats)
		people := h.crowd(6)
		for _, p := range people[:5] { // the sixth only looks
			h.book(e, p)
		}
		h.cancel(e, people[1])
		h.cancel(e, people[0])
		h.book(e, people[1])
		// Who waits comes twice, as with two open pages.
		asked[e] = append(people, people[4], people[4])
	}
	bare := h.event(3)
	asked[bare], asked[uuid.New()] = nil, h.crowd(2)

	views, err := booking.Look(t.Context(), h.pool, asked)
	if err != nil {
		t.Fatal(err)
	}
	if len(views) != 4 {
		t.Errorf("%d events are seen, want 4", len(views))
	}
	for e, v := range views {
		if e == bare && len(v.Mine) > 0 {
			t.Errorf("nobody was asked for, and %v is told", v.Mine)
		}
		for _, p := range asked[e] {
			event, mine, err := booking.Find(t.Context(), h.pool, e, p)
			if err != nil {
				t.Fatal(err)
			}
			if v.Mine[p] != mine {
				t.Errorf("Look tells %+v, Find %+v", v.Mine[p], mine)
			}
			if v.Event.SeatsRemaining != event.SeatsRemaining || v.Event.Waiting != event.Waiting || v.Event.Version != event.Version {
				t.Errorf("Look sees %+v, Find %+v", v.Event, event)
			}
		}
	}
}

// The private copy of a simulation does not exist for those who look.
func TestLookLeavesOutRehearsals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	e := h.event(3)
	h.exec(`insert into simulations (id, event_id, event_title, started_by, target, strategy, state, users, seats)
		values ($1, $1, 'Regatta', $2, 'rehearsal', 'grouped', 'done', 1, 3)`, e, h.organizer)
	h.exec(`update events set simulation_id = $1 where id = $1`, e)
	views, err := booking.Look(t.Context(), h.pool, map[uuid.UUID][]uuid.UUID{e: {h.person()}})
	if err != nil {
		t.Fatal(err)
	}
	if len(views) != 0 {
		t.Errorf("a rehearsal is seen: %v", views)
	}
}

// A desk tells which event it was about after each group.
func TestADeskTellsOfChanges(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	told := make(chan uuid.UUID, 10)
	desk := booking.NewDesk(h.pool, slog.New(slog.DiscardHandler), func(id uuid.UUID) { told <- id })
	e := h.event(1)
	if _, err := desk.Book(t.Context(), booking.Request{EventID: e, UserID: h.person()}); err != nil {
		t.Fatal(err)
	}
	if got := <-told; got != e {
		t.Errorf("told of %s, want %s", got, e)
	}
	if err := desk.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// However much is in the tables, a look reads the standings of those who ask,
// and of the line what is before them.
func TestALookReadsOnlyTheStandingsOfThoseWhoAsk(t *testing.T) {
	t.Parallel()
	const many, few = 2000, 500
	h := newHouse(t)
	pool := h.onePool(db.PageLimits)
	look := func(e uuid.UUID, people []uuid.UUID) {
		t.Helper()
		if _, err := booking.Look(t.Context(), pool, map[uuid.UUID][]uuid.UUID{e: people}); err != nil {
			t.Fatal(err)
		}
	}
	open, full := h.event(2*many), h.event(0)
	crowd, asking := h.crowd(many), h.crowd(few)
	h.queue(full, asking)
	h.queue(full, crowd)
	h.fill(open, crowd)
	for range 60 {
		h.fill(h.event(2*few), asking)
		h.queue(h.event(0), asking)
	}

	n := h.readBy(pool, standings, func() {
		look(open, asking)
		look(full, asking)
	})
	if most := 3 * few; n > most {
		t.Errorf("two looks of %d people read %d standings, want %d at most", few, n, most)
	}
}
