package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"rowlock/booking"
	"rowlock/simulation"
)

func TestFailuresByCause(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	s := newStage(t, nil)
	s.bookers["optimistic"] = bookerFunc(func(ctx context.Context, r booking.Request) (booking.Answer, error) {
		switch n.Add(1) {
		case 1, 2, 3:
			return booking.Answer{}, fmt.Errorf("book for %s: %w", r.UserID, booking.ErrBusy)
		case 4, 5:
			return booking.Answer{}, fmt.Errorf("book for %s: %w", r.UserID, errors.New("the moon was full"))
		case 6:
			return booking.Answer{Standing: booking.None}, nil
		}
		return s.desk.Book(ctx, r)
	})
	run := s.run(simulation.Params{EventID: s.event(10), Users: 20, Strategy: "optimistic"})
	if want := (simulation.Tally{Registered: 10, Waitlisted: 4, Failed: 6}); run.Tally != want {
		t.Errorf("got %+v, want %+v", run.Tally, want)
	}
	want := "[{the queue was full 3} {the moon was full 2} {was given neither a seat nor a place in line 1}]"
	if got := fmt.Sprint(run.Results.Failures); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if names := failed(run); names != nil {
		t.Errorf("these checks failed: %v", names)
	}
}

// An unknown error that reads differently for everyone does not grow the
// results without bound.
func TestTooManyCauses(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]booking.Booker{"grouped": bookerFunc(func(_ context.Context, r booking.Request) (booking.Answer, error) {
		return booking.Answer{}, errors.New("no luck for " + r.UserID.String())
	})})
	run := s.run(simulation.Params{EventID: s.event(10), Users: 100})
	if got := run.Results.Failures; len(got) != 21 || got[0].Count != 80 || got[0].Cause.String() != "other causes" {
		t.Errorf("got %d causes, the first is %+v", len(got), got[0])
	}
}

// A strategy that breaks its word is found out.
func TestChecksFindLies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		lie  func(booking.Answer) booking.Answer
		// skip answers without booking at all.
		skip bool
		want string
	}{
		{name: "a seat that is not in the database", skip: true, want: "[answers-kept]"},
		{name: "a seat for somebody who waits", want: "[answers-kept]",
			lie: func(a booking.Answer) booking.Answer { a.Standing = booking.Confirmed; return a }},
		{name: "a place in line for somebody who has a seat", want: "[answers-kept]",
			lie: func(a booking.Answer) booking.Answer { a.Standing = booking.Waitlisted; return a }},
		{name: "a wrong number", want: "[answers-kept]",
			lie: func(a booking.Answer) booking.Answer { a.Position += 100; return a }},
		{name: "none", lie: func(a booking.Answer) booking.Answer { return a }, want: "[]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, nil)
			s.bookers["optimistic"] = bookerFunc(func(ctx context.Context, r booking.Request) (booking.Answer, error) {
				if tt.skip {
					return booking.Answer{Standing: booking.Confirmed, Position: 1}, nil
				}
				a, err := s.desk.Book(ctx, r)
				return tt.lie(a), err
			})
			// One person: no lie about one answer can break the order of many.
			seats := 1
			if strings.Contains(tt.name, "who waits") {
				seats = 0
			}
			run := s.run(simulation.Params{EventID: s.event(10), Users: 1, Seats: &seats, Strategy: "optimistic"})
			if got := fmt.Sprint(failed(run)); got != tt.want {
				t.Errorf("the failed checks are %s, want %s", got, tt.want)
			}
		})
	}
}

// A strategy that overbooks is found out by tally and checks.
func TestChecksFindOverbooking(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	var number atomic.Int32
	s.bookers["optimistic"] = bookerFunc(func(ctx context.Context, r booking.Request) (booking.Answer, error) {
		n := number.Add(1)
		_, err := s.pool.Exec(ctx, `
			insert into registrations (id, event_id, user_id, status, position, ticket_code, booked_at, simulation_id)
			select $1, $2, u.id, 'confirmed', $4, to_char($4::int, 'FM000000000000'), now(), u.simulation_id
			from users u where u.id = $3`, uuid.New(), r.EventID, r.UserID, n)
		return booking.Answer{Standing: booking.Confirmed, Position: int(n)}, err
	})
	run := s.run(simulation.Params{EventID: s.event(3), Users: 5, Strategy: "optimistic"})
	if run.Tally.Overbooked != 2 || run.Tally.Registered != 5 {
		t.Errorf("got %+v with failures %v, want 2 overbooked", run.Tally, run.Results.Failures)
	}
	names := failed(run)
	if !slices.Contains(names, "no-overbooking") || !slices.Contains(names, "seats-add-up") || slices.Contains(names, "answers-kept") {
		t.Errorf("the failed checks are %v", names)
	}
}
