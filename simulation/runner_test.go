package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"rowlock/audit"
	"rowlock/booking"
	"rowlock/simulation"
)

// Every strategy gives two hundred people at once ten seats and a line.
func TestRehearsal(t *testing.T) {
	t.Parallel()
	for _, strategy := range []string{"grouped", "pessimistic"} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, nil)
			event := s.event(10)
			before := s.snapshot(event)

			run := s.run(simulation.Params{EventID: event, Users: 200, Strategy: strategy})
			if run.State != simulation.Done {
				t.Fatalf("it is %s: %s", run.State, run.Failure)
			}
			if want := (simulation.Tally{Registered: 10, Waitlisted: 190}); run.Tally != want {
				t.Errorf("got %+v, want %+v", run.Tally, want)
			}
			if names := failed(run); names != nil {
				t.Errorf("these checks failed: %v", names)
			}
			if !slices.ContainsFunc(run.Results.Checks, func(c booking.Check) bool { return c.Name == "no-overbooking" }) {
				t.Error("the checks of the event are missing")
			}
			if after := s.snapshot(event); after != before {
				t.Errorf("the event itself changed from %q to %q", before, after)
			}
			mustMeasure(t, run)
			s.mustHold()
		})
	}
}

func mustMeasure(t *testing.T, run simulation.Simulation) {
	t.Helper()
	r := run.Results
	if l := r.Latency; l.P50 <= 0 || l.P50 > l.P95 || l.P95 > l.P99 || l.P99 > l.Max || l.Max != r.Took {
		t.Errorf("the latencies are %+v, of a run that took %v", l, r.Took)
	}
	if want := float64(run.Users) / r.Took.Seconds(); r.BookingsPerSecond < want*0.999 || r.BookingsPerSecond > want*1.001 {
		t.Errorf("got %f bookings per second, want %f", r.BookingsPerSecond, want)
	}
	counted := 0
	for _, b := range r.Histogram {
		counted += b.Count
	}
	if counted != run.Users || run.Answered != run.Users {
		t.Errorf("the histogram counts %d, answered are %d, of %d", counted, run.Answered, run.Users)
	}
	if run.FinishedAt == nil || run.FinishedAt.Before(run.StartedAt) {
		t.Errorf("it ran from %v to %v", run.StartedAt, run.FinishedAt)
	}
}

// A rehearsal can be booked whatever its event is, and has as many free seats
// as the event.
func TestRehearsalOfAnyEvent(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	for name, change := range map[string]string{
		"a draft":        `status = 'draft'`,
		"a cancelled":    `status = 'cancelled'`,
		"a past":         `starts_at = now() - interval '3 days', ends_at = now() - interval '2 days'`,
		"not yet open":   `registration_opens_at = now() + interval '1 hour'`,
		"already closed": `registration_closes_at = now() - interval '1 hour'`,
	} {
		event := s.event(5)
		s.exec(`update events set `+change+` where id = $1`, event)
		run := s.run(simulation.Params{EventID: event, Users: 8})
		if want := (simulation.Tally{Registered: 5, Waitlisted: 3}); run.Tally != want || failed(run) != nil {
			t.Errorf("%s: got %+v, failed checks %v, %q", name, run.Tally, failed(run), run.Failure)
		}
	}

	partlyTaken := s.event(5)
	s.book(partlyTaken)
	s.book(partlyTaken)
	if run := s.run(simulation.Params{EventID: partlyTaken, Users: 8}); run.Seats != 3 || run.Tally.Registered != 3 {
		t.Errorf("with 3 of 5 seats free: got %d seats and %+v", run.Seats, run.Tally)
	}
}

func TestSeatsOverride(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	event := s.event(10)
	for _, tt := range []struct {
		seats int
		want  simulation.Tally
	}{
		{0, simulation.Tally{Waitlisted: 20}},
		{3, simulation.Tally{Registered: 3, Waitlisted: 17}},
		{50, simulation.Tally{Registered: 20, SeatsRemaining: 30}},
	} {
		run := s.run(simulation.Params{EventID: event, Users: 20, Seats: &tt.seats})
		if run.Tally != tt.want || failed(run) != nil {
			t.Errorf("%d seats: got %+v, failed checks %v, want %+v", tt.seats, run.Tally, failed(run), tt.want)
		}
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	event, draft := s.event(10), s.event(10)
	s.exec(`update events set status = 'draft' where id = $1`, draft)
	minus, many, ten := -1, 100_001, 10

	tests := []struct {
		name   string
		params simulation.Params
		want   error
	}{
		{"nobody", simulation.Params{EventID: event}, simulation.ErrUsers},
		{"less than nobody", simulation.Params{EventID: event, Users: -5}, simulation.ErrUsers},
		{"too many people", simulation.Params{EventID: event, Users: 100_001}, simulation.ErrUsers},
		{"negative seats", simulation.Params{EventID: event, Users: 1, Seats: &minus}, simulation.ErrSeats},
		{"too many seats", simulation.Params{EventID: event, Users: 1, Seats: &many}, simulation.ErrSeats},
		{"seats for the event itself", simulation.Params{EventID: event, Users: 1, Seats: &ten, Target: simulation.EventItself}, simulation.ErrOwnSeats},
		{"an unknown strategy", simulation.Params{EventID: event, Users: 1, Strategy: "hope"}, simulation.ErrStrategy},
		{"a strategy that is not offered", simulation.Params{EventID: event, Users: 1, Strategy: "optimistic"}, simulation.ErrStrategy},
		{"an unknown target", simulation.Params{EventID: event, Users: 1, Target: "moon"}, simulation.ErrTarget},
		{"no such event", simulation.Params{EventID: uuid.New(), Users: 1}, booking.ErrNoEvent},
		{"an event that nobody can book", simulation.Params{EventID: draft, Users: 1, Target: simulation.EventItself}, simulation.ErrNotBookable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := s.start(tt.params); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if n := s.number(`select count(*) from simulations`); n != 0 {
		t.Errorf("%d simulations were written down", n)
	}
	rehearsal := s.run(simulation.Params{EventID: event, Users: 1}).RehearsalID.UUID
	if _, err := s.start(simulation.Params{EventID: rehearsal, Users: 1}); !errors.Is(err, booking.ErrNoEvent) {
		t.Errorf("a rehearsal of a rehearsal: got %v", err)
	}
}

// One simulation runs at a time, on whatever instance it was started.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	s := newStage(t, nil)
	s.bookers["optimistic"] = bookerFunc(func(ctx context.Context, r booking.Request) (booking.Answer, error) {
		<-hold
		return s.desk.Book(ctx, r)
	})
	event := s.event(10)
	id, err := s.start(simulation.Params{EventID: event, Users: 5, Strategy: "optimistic"})
	if err != nil {
		t.Fatal(err)
	}
	other := simulation.NewRunner(s.pool, s.bookers, slog.New(slog.DiscardHandler))
	for name, runner := range map[string]*simulation.Runner{"the same instance": s.runner, "another instance": other} {
		if _, err := runner.Start(t.Context(), simulation.Params{EventID: event, Users: 1, StartedBy: s.admin}); !errors.Is(err, simulation.ErrRunning) {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
	if err := s.runner.Undo(t.Context(), id, s.admin); !errors.Is(err, simulation.ErrNotFinished) {
		t.Errorf("undo while it runs: got %v", err)
	}
	close(hold)

	waiting, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if run, err := other.Wait(waiting, id); err != nil || run.State != simulation.Done {
		t.Errorf("the other instance waits for it: got %s, %v", run.State, err)
	}
	if run := s.run(simulation.Params{EventID: event, Users: 1}); run.State != simulation.Done {
		t.Errorf("the next one is %s", run.State)
	}
}

// Of many who start at the same moment, one does.
func TestStartsRace(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	s := newStage(t, map[string]booking.Booker{"grouped": bookerFunc(func(context.Context, booking.Request) (booking.Answer, error) {
		<-hold
		return booking.Answer{}, booking.ErrBusy
	})})
	event := s.event(10)
	runners := make([]*simulation.Runner, 6)
	errs := make([]error, len(runners))
	var all sync.WaitGroup
	for i := range runners {
		runners[i] = simulation.NewRunner(s.pool, s.bookers, slog.New(slog.DiscardHandler))
		all.Go(func() {
			_, errs[i] = runners[i].Start(t.Context(), simulation.Params{EventID: event, Users: 1, StartedBy: s.admin})
		})
	}
	all.Wait()
	close(hold)
	started := 0
	for i, err := range errs {
		switch {
		case err == nil:
			started++
			if err := runners[i].Close(t.Context()); err != nil {
				t.Error(err)
			}
		case !errors.Is(err, simulation.ErrRunning):
			t.Error(err)
		}
	}
	if started != 1 {
		t.Errorf("%d started, want 1", started)
	}
}
func TestStartIsLogged(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	event := s.event(10)
	run := s.run(simulation.Params{EventID: event, Users: 3})
	lines, err := audit.List(t.Context(), s.pool, audit.Filter{Event: event, Action: audit.SimulationStarted})
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1 || lines[0].Actor != s.admin || lines[0].EntityID != run.ID || lines[0].Detail["users"] != 3.0 {
		t.Errorf("got %+v", lines)
	}
}

// Nobody can sign in as a made-up person, whose address goes nowhere.
func TestMadeUpPeople(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	run := s.run(simulation.Params{EventID: s.event(10), Users: 100})
	if n := s.number(`
		select count(*) from users where simulation_id = $1 and password_hash is null and role = 'attendee' and is_active
		and email ~ '^sim-[0-9a-f]+-[0-9]+@simulation\.invalid$'`, run.ID); n != 100 {
		t.Errorf("%d of 100 people are as they should be", n)
	}
	if n := s.number(`select count(distinct name) from users where simulation_id = $1`, run.ID); n != 100 {
		t.Errorf("100 people have %d names", n)
	}
}

func TestStrategies(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	if got := fmt.Sprint(s.runner.Strategies()); got != "[grouped pessimistic]" {
		t.Errorf("got %s", got)
	}
}

// A runner that closes waits for answers while it may, then writes down that
// the run failed.
func TestClose(t *testing.T) {
	t.Parallel()
	for name, patient := range map[string]bool{"in time": true, "too late": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hold := make(chan struct{})
			s := newStage(t, nil)
			s.bookers["optimistic"] = bookerFunc(func(ctx context.Context, r booking.Request) (booking.Answer, error) {
				<-hold
				return s.desk.Book(ctx, r)
			})
			event := s.event(10)
			id, err := s.start(simulation.Params{EventID: event, Users: 5, Strategy: "optimistic"})
			if err != nil {
				t.Fatal(err)
			}
			s.awaitPhase(id, simulation.Booking)

			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			if patient {
				ctx, cancel = context.WithTimeout(t.Context(), patience)
				time.AfterFunc(100*time.Millisecond, func() { close(hold) })
			} else {
				defer close(hold)
			}
			defer cancel()
			err = s.runner.Close(ctx)

			run := s.wait(id)
			if patient && (err != nil || run.State != simulation.Done) {
				t.Errorf("got %v and a run that is %s", err, run.State)
			}
			if !patient && (!errors.Is(err, context.DeadlineExceeded) || run.State != simulation.Failed || !strings.Contains(run.Failure.String(), "stopped")) {
				t.Errorf("got %v and a run that is %s: %s", err, run.State, run.Failure)
			}
			if _, err := s.start(simulation.Params{EventID: event, Users: 1}); !errors.Is(err, booking.ErrStopping) {
				t.Errorf("a start after that: got %v", err)
			}
		})
	}
}
