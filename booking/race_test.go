package booking_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/event"
)

// interleave mixes several kinds of calls, one of each in turn.
func interleave(kinds ...[]func()) []func() {
	var all []func()
	for i := range slices.MaxFunc(kinds, func(a, b []func()) int { return len(a) - len(b) }) {
		for _, kind := range kinds {
			if i < len(kind) {
				all = append(all, kind[i])
			}
		}
	}
	return all
}

func (h *house) confirmed(id uuid.UUID) int {
	return h.number(`select count(*) from registrations where event_id = $1 and status = 'confirmed'`, id)
}

func (h *house) waiting(id uuid.UUID) int {
	return h.number(`select count(*) from waitlist_entries where event_id = $1`, id)
}

func TestRaceForFewSeats(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, booker := range h.strategies() {
		t.Run(name, func(t *testing.T) {
			regatta, p := h.event(10), h.crowd(300)
			var seats, places atomic.Int64
			var race []func()
			for _, person := range p {
				race = append(race, func() {
					answer, err := booker.Book(context.Background(), booking.Request{EventID: regatta, UserID: person})
					switch {
					case err != nil:
						t.Error(err)
					case answer.Standing == booking.Confirmed:
						seats.Add(1)
					case answer.Standing == booking.Waitlisted:
						places.Add(1)
					}
				})
			}
			atOnce(race...)

			if seats.Load() != 10 || places.Load() != 290 {
				t.Errorf("%d were told that they have a seat and %d that they wait", seats.Load(), places.Load())
			}
			if c, w := h.confirmed(regatta), h.waiting(regatta); c != 10 || w != 290 {
				t.Errorf("%d have a seat and %d wait", c, w)
			}
			h.mustHold()
		})
	}
}

func TestRaceOfTwoInstancesAndAllStrategiesForFewSeats(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	bookers := append(slices.Collect(maps.Values(h.strategies())), newDesk(t, h.pool))
	regatta, p := h.event(20), h.crowd(240)
	var race []func()
	for i, person := range p {
		race = append(race, func() {
			if _, err := bookers[i%len(bookers)].Book(context.Background(), booking.Request{EventID: regatta, UserID: person}); err != nil {
				t.Error(err)
			}
		})
	}
	atOnce(race...)

	if c, w := h.confirmed(regatta), h.waiting(regatta); c != 20 || w != 220 {
		t.Errorf("%d have a seat and %d wait", c, w)
	}
	h.mustHold()
}

// Whoever has the only seat is never told that it is free: standing and seats
// are of the same moment, also where nothing is written.
func TestAnAnswerTellsOfOneMoment(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, booker := range h.strategies() {
		t.Run(name, func(t *testing.T) {
			regatta, person := h.event(1), h.person()
			book := func(b booking.Booker) {
				answer, err := b.Book(context.Background(), booking.Request{EventID: regatta, UserID: person})
				if err != nil || answer.Standing != booking.Confirmed || answer.Seats != (booking.Seats{Capacity: 1}) {
					t.Errorf("%+v, %v", answer, err)
				}
			}
			var over atomic.Bool
			var rival sync.WaitGroup
			rival.Go(func() {
				for !over.Load() {
					book(booker)
				}
			})
			for range 200 {
				book(h.desk)
				h.cancel(regatta, person)
			}
			over.Store(true)
			rival.Wait()
		})
	}
}

func TestRaceOfOnePersonInEightTabsAndTwoInstances(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	desks := []*booking.Desk{h.desk, newDesk(t, h.pool)}
	for range 20 {
		regatta, person := h.event(5), h.person()
		var fresh atomic.Int64
		var tabs []func()
		for i := range 8 {
			tabs = append(tabs, func() {
				answer, err := desks[i%2].Book(context.Background(), booking.Request{EventID: regatta, UserID: person})
				if err != nil || answer.Standing != booking.Confirmed {
					t.Errorf("%+v, %v", answer, err)
				}
				if !answer.Already {
					fresh.Add(1)
				}
			})
		}
		atOnce(tabs...)
		if fresh.Load() != 1 {
			t.Errorf("%d tabs were told that they had just booked", fresh.Load())
		}
		if n := h.number(`select seats_remaining from events where id = $1`, regatta); n != 4 {
			t.Errorf("%d seats are left, want 4", n)
		}
	}
	h.mustHold()
}

// A peer that looked at the registration before it locked the event freed one
// seat several times.
func TestRaceToCancelInEightTabsFreesOneSeat(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	desks := []*booking.Desk{h.desk, newDesk(t, h.pool)}
	for range 20 {
		regatta, p := h.event(2), h.crowd(5)
		for _, person := range p {
			h.book(regatta, person)
		}
		var fresh atomic.Int64
		var tabs []func()
		for i := range 8 {
			tabs = append(tabs, func() {
				answer, err := desks[i%2].Cancel(context.Background(), booking.Cancellation{EventID: regatta, UserID: p[0], ActorID: p[0]})
				if err != nil {
					t.Error(err)
				}
				if !answer.Already {
					fresh.Add(1)
				}
			})
		}
		atOnce(tabs...)
		if fresh.Load() != 1 {
			t.Errorf("%d tabs were told that they had just cancelled", fresh.Load())
		}
		if c, w := h.confirmed(regatta), h.waiting(regatta); c != 2 || w != 2 {
			t.Errorf("%d have a seat and %d wait", c, w)
		}
	}
	h.mustHold()
}

func TestRaceOfResizingAgainstBookings(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other := newDesk(t, h.pool)
	regatta, p := h.event(20), h.crowd(120)
	var books, resizes []func()
	for _, person := range p {
		books = append(books, func() { h.book(regatta, person) })
	}
	for i := range 40 {
		resizes = append(resizes, func() {
			_, err := other.Edit(context.Background(), h.details(regatta, 10+i))
			if few := new(booking.TooFewSeatsError); err != nil && !errors.Is(err, event.ErrChanged) && !errors.As(err, &few) {
				t.Error(err)
			}
		})
	}
	atOnce(interleave(books, resizes)...)

	capacity := h.number(`select capacity from events where id = $1`, regatta)
	if c := h.confirmed(regatta); c != capacity {
		t.Errorf("%d have one of %d seats while %d wait", c, capacity, h.waiting(regatta))
	}
	h.mustHold()
}

func TestRaceOfLeavingTheLineAgainstPromotion(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other := newDesk(t, h.pool)
	regatta, p := h.event(30), h.crowd(90)
	for _, person := range p {
		h.book(regatta, person)
	}
	var cancels, leaves []func()
	for i := range 30 {
		cancels = append(cancels, func() { h.cancel(regatta, p[i]) })
		leaves = append(leaves, func() {
			if _, err := other.Cancel(context.Background(), booking.Cancellation{EventID: regatta, UserID: p[30+i], ActorID: p[30+i]}); err != nil {
				t.Error(err)
			}
		})
	}
	atOnce(interleave(cancels, leaves)...)

	// Thirty of ninety gave up a seat, and thirty more a seat or a place.
	if c, w := h.confirmed(regatta), h.waiting(regatta); c != 30 || w != 0 {
		t.Errorf("%d have a seat and %d wait", c, w)
	}
	h.mustHold()
}

func TestRaceOfDeactivationAgainstBooking(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(30), h.crowd(60)
	var books, deactivations []func()
	refused := make([]bool, len(p))
	for i, person := range p {
		books = append(books, func() {
			_, err := h.desk.Book(context.Background(), booking.Request{EventID: regatta, UserID: person})
			if refused[i] = errors.Is(err, booking.ErrInactive); err != nil && !refused[i] {
				t.Error(err)
			}
		})
		deactivations = append(deactivations, func() { h.exec(`update users set is_active = false where id = $1`, person) })
	}
	atOnce(interleave(books, deactivations)...)

	for i, person := range p {
		if holds := h.standing(regatta, person) != "none"; holds == refused[i] {
			t.Errorf("person %d was refused: %v, and holds something: %v", i, refused[i], holds)
		}
		if _, err := h.desk.Book(t.Context(), booking.Request{EventID: regatta, UserID: person}); !errors.Is(err, booking.ErrInactive) {
			t.Errorf("after the deactivation: %v", err)
		}
	}
	h.mustHold()
}

func TestRaceOfCancellingTheEventAgainstEverything(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other := newDesk(t, h.pool)
	for range 10 {
		regatta, p := h.event(10), h.crowd(60)
		for _, person := range p[:20] {
			h.book(regatta, person)
		}
		var books, cancels []func()
		for _, person := range p[20:] {
			books = append(books, func() {
				_, err := other.Book(context.Background(), booking.Request{EventID: regatta, UserID: person})
				if err != nil && !errors.Is(err, booking.ErrEventCancelled) {
					t.Error(err)
				}
			})
		}
		for _, person := range p[:20] {
			cancels = append(cancels, func() { h.cancel(regatta, person) })
		}
		end := func() {
			if _, err := h.desk.CancelEvent(context.Background(), regatta, h.organizer); err != nil {
				t.Error(err)
			}
		}
		atOnce(interleave(books, cancels, []func(){end})...)
		if c, w := h.confirmed(regatta), h.waiting(regatta); c+w != 0 {
			t.Errorf("%d have a seat and %d wait at a cancelled event", c, w)
		}
	}
	h.mustHold()
}

// Whoever is deactivated while their request is settled, or their turn comes,
// gets nothing: the desk waits for the account's change, and sees it.
func TestDeactivationUnderWayIsWaitedFor(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		// change is made while the person is being deactivated.
		change func(h *house, regatta, person, holder uuid.UUID) error
		next   string // how the one behind them in line stands then
	}{
		{"the person books", func(h *house, _, person, _ uuid.UUID) error {
			return onlyInactive(h.desk.Book(context.Background(), booking.Request{EventID: h.event(5), UserID: person}))
		}, "waitlisted/2"},
		{"the person books by themselves", func(h *house, _, person, _ uuid.UUID) error {
			return onlyInactive(h.strategies()["pessimistic"].Book(context.Background(), booking.Request{EventID: h.event(5), UserID: person}))
		}, "waitlisted/2"},
		{"a seat comes free", func(h *house, regatta, _, holder uuid.UUID) error {
			_, err := h.desk.Cancel(context.Background(), booking.Cancellation{EventID: regatta, UserID: holder, ActorID: holder})
			return err
		}, "confirmed"},
		{"a seat is added", func(h *house, regatta, _, _ uuid.UUID) error {
			_, err := h.desk.Edit(context.Background(), h.details(regatta, 2))
			return err
		}, "confirmed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			regatta, p := h.event(1), h.crowd(3)
			for _, person := range p {
				h.book(regatta, person)
			}
			deactivation, err := h.pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer deactivation.Rollback(context.Background()) //nolint:errcheck // it is committed below
			err = account.NewStore(deactivation, nil).Manage(t.Context(), account.Change{UserID: p[1], ActorID: h.organizer, IsActive: new(false)})
			if err != nil {
				t.Fatal(err)
			}

			done := make(chan error, 1)
			go func() { done <- tt.change(h, regatta, p[1], p[0]) }()
			h.waitFor(func() bool { return h.blocked() > 0 })
			if err := deactivation.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if n := h.number(`select count(*) from registrations where user_id = $1`, p[1]); n != 0 {
				t.Error("the deactivated person got a seat")
			}
			if got := h.standing(regatta, p[2]); got != tt.next {
				t.Errorf("the one behind them is %s, want %s", got, tt.next)
			}
			h.mustHold()
		})
	}
}

// A deactivation waits for the group that books for the person, so that
// nothing is given to them once an admin was told that they are out.
func TestDeactivationWaitsForABookingUnderWay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	// Its insert waits where the group has read the person.
	h.exec(`create function pause() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(1); return new; end $$;
		create trigger pause before insert on registrations for each row execute function pause()`)
	regatta, person := h.event(1), h.person()
	hold, err := h.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Rollback(context.Background()) //nolint:errcheck // it ends below
	if _, err := hold.Exec(t.Context(), `select pg_advisory_xact_lock(1)`); err != nil {
		t.Fatal(err)
	}
	booked := make(chan error, 1)
	go func() {
		_, err := h.desk.Book(context.Background(), booking.Request{EventID: regatta, UserID: person})
		booked <- err
	}()
	h.waitFor(func() bool { return h.blocked() == 1 })

	deactivated := make(chan error, 1)
	go func() {
		deactivated <- account.NewStore(h.pool, nil).Manage(context.Background(), account.Change{UserID: person, ActorID: h.organizer, IsActive: new(false)})
	}()
	h.waitFor(func() bool { return h.blocked() == 2 || len(deactivated) > 0 })
	if len(deactivated) > 0 {
		t.Error("the deactivation was done before the booking")
	}
	if err := hold.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-booked, <-deactivated); err != nil {
		t.Error(err)
	}
	if got := h.standing(regatta, person); got != "confirmed" {
		t.Errorf("the person is %s", got)
	}
}

func onlyInactive(answer booking.Answer, err error) error {
	if !errors.Is(err, booking.ErrInactive) {
		return fmt.Errorf("got %+v, %w; want a refusal", answer, err)
	}
	return nil
}

// blocked counts the transactions that wait for another.
func (h *house) blocked() int {
	h.t.Helper()
	return h.number(`select count(*) from pg_stat_activity where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0`)
}
