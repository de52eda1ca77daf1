package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"rowlock/booking"
	"rowlock/simulation"
)

// stuckAfter answers so many people, and keeps all others waiting for as long
// as they like.
func (s *stage) stuckAfter(n int32) bookerFunc {
	var asked atomic.Int32
	return func(ctx context.Context, r booking.Request) (booking.Answer, error) {
		if asked.Add(1) > n {
			<-ctx.Done()
			return booking.Answer{}, ctx.Err()
		}
		return s.desk.Book(ctx, r)
	}
}

func (s *stage) awaitAnswered(id uuid.UUID, n int) {
	s.t.Helper()
	s.comesTrue(fmt.Sprintf("%d people have an answer", n), func() bool { return s.read(id).Answered >= n })
}

// A run that is stopped, on whatever instance, tells what was done until then,
// and leaves nothing that cannot be undone.
func TestStop(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.bookers["optimistic"] = s.stuckAfter(7)
	event := s.event(5)
	before := s.snapshot(event)
	id, err := s.start(simulation.Params{EventID: event, Users: 20, Strategy: "optimistic", Target: simulation.EventItself, Patience: simulation.MaxPatience})
	if err != nil {
		t.Fatal(err)
	}
	s.awaitAnswered(id, 7)

	other := simulation.NewRunner(s.pool, s.bookers, slog.New(slog.DiscardHandler))
	for range 2 { // a second click changes nothing
		if err := other.Stop(t.Context(), id, s.admin); err != nil {
			t.Fatal(err)
		}
	}
	run := s.wait(id)
	if run.State != simulation.Failed || !run.Stopped || run.Failure.String() != "Person stopped it before it was done." {
		t.Errorf("it is %s, stopped %v: %q", run.State, run.Stopped, run.Failure)
	}
	if want := (simulation.Tally{Registered: 5, Waitlisted: 2, Failed: 13}); run.Tally != want {
		t.Errorf("the tally is %+v, want %+v", run.Tally, want)
	}
	if len(run.Results.Checks) == 0 || len(failed(run)) > 0 {
		t.Errorf("of %d checks, %v failed", len(run.Results.Checks), failed(run))
	}
	if f := run.Results.Failures; len(f) != 1 || f[0].Count != 13 || !strings.Contains(f[0].Cause.String(), "stopped") {
		t.Errorf("the causes are %+v", f)
	}
	if n := s.number(`select count(*) from audit_log where action = 'simulation.stopped' and entity_id = $1`, id); n != 1 {
		t.Errorf("the log has %d entries of the stop", n)
	}
	if err := other.Stop(t.Context(), id, s.admin); !errors.Is(err, simulation.ErrNotRunning) {
		t.Errorf("stop it again: got %v", err)
	}
	if err := s.runner.Undo(t.Context(), id, s.admin); err != nil {
		t.Fatal(err)
	}
	if after := s.snapshot(event); after != before {
		t.Errorf("undone, it left %s, before it was %s", after, before)
	}
	s.mustHold()
}

// A run that is stopped while its people are being made has booked nothing, so
// all the seats are left; one that its program cannot wait for has what it gave
// out until then.
func TestWhatEndsEarlyTellsWhatWasDone(t *testing.T) {
	t.Parallel()
	t.Run("before anybody asked", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, nil)
		tx, err := s.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback(context.WithoutCancel(t.Context()))                             //nolint:errcheck // it only ends the lock
		if _, err := tx.Exec(t.Context(), `lock table users in share mode`); err != nil { // nobody can be made
			t.Fatal(err)
		}
		id, err := s.start(simulation.Params{EventID: s.event(22), Users: 50})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.runner.Stop(t.Context(), id, s.admin); err != nil {
			t.Fatal(err)
		}
		run := s.wait(id)
		if want := (simulation.Tally{SeatsRemaining: 22}); run.State != simulation.Failed || run.Tally != want || run.Answered != 0 {
			t.Errorf("it is %s with %d answers and %+v, want %+v", run.State, run.Answered, run.Tally, want)
		}
	})
	t.Run("while people ask", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, nil)
		release := make(chan struct{})
		defer close(release)
		var asked atomic.Int32
		s.bookers["grouped"] = bookerFunc(func(ctx context.Context, r booking.Request) (booking.Answer, error) {
			if asked.Add(1) > 7 {
				<-release
				return booking.Answer{}, booking.ErrStopping
			}
			return s.desk.Book(ctx, r)
		})
		id, err := s.start(simulation.Params{EventID: s.event(22), Users: 20})
		if err != nil {
			t.Fatal(err)
		}
		s.awaitAnswered(id, 7)
		closing, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := s.runner.Close(closing); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("close the runner: got %v", err)
		}
		run := s.wait(id)
		if want := (simulation.Tally{Registered: 7, SeatsRemaining: 15}); run.State != simulation.Failed || run.Tally != want || run.Answered != 7 {
			t.Errorf("it is %s with %d answers and %+v, want %+v", run.State, run.Answered, run.Tally, want)
		}
	})
}

// Whoever asked the desk is answered, also when the run is stopped; a run in
// which everybody is answered nevertheless is done.
func TestStopLetsTheDeskAnswer(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	open := make(chan struct{})
	desk := s.desk
	s.bookers["grouped"] = bookerFunc(func(ctx context.Context, r booking.Request) (booking.Answer, error) {
		<-open
		return desk.Book(ctx, r)
	})
	id, err := s.start(simulation.Params{EventID: s.event(5), Users: 20})
	if err != nil {
		t.Fatal(err)
	}
	s.awaitPhase(id, simulation.Booking)
	if err := s.runner.Stop(t.Context(), id, s.admin); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(time.Second, func() { close(open) }) // it has heard of the stop by then
	if run := s.wait(id); run.State != simulation.Done || run.Tally.Registered != 5 || run.Tally.Waitlisted != 15 {
		t.Errorf("it is %s with %+v", run.State, run.Tally)
	}
}

// A stopped comparison ends with the run that is under way.
func TestStopComparison(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.bookers["pessimistic"] = s.stuckAfter(3)
	s.bookers["optimistic"] = s.desk
	id, err := s.startComparison(simulation.ComparisonParams{
		EventID: s.event(5), Users: 10, Strategies: []string{"grouped", "pessimistic", "optimistic"}, Patience: simulation.MaxPatience,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.comesTrue("three have an answer in the second run", func() bool {
		return s.number(`select count(*) from simulations where strategy = 'pessimistic' and answered = 3`) > 0
	})
	if err := s.runner.StopComparison(t.Context(), id, s.admin); err != nil {
		t.Fatal(err)
	}
	c := s.waitComparison(id)
	if c.State != simulation.Failed || c.Failure.String() != "Person stopped it before it was done." || len(c.Runs) != 2 {
		t.Fatalf("it is %s with %d runs: %q", c.State, len(c.Runs), c.Failure)
	}
	if first, second := c.Runs[0], c.Runs[1]; first.State != simulation.Done || second.State != simulation.Failed || second.Tally.Registered != 3 {
		t.Errorf("the first run is %s, the second %s with %+v", first.State, second.State, second.Tally)
	}
	if err := s.runner.StopComparison(t.Context(), id, s.admin); !errors.Is(err, simulation.ErrNotRunning) {
		t.Errorf("stop it again: got %v", err)
	}
	if err := s.runner.DeleteComparison(t.Context(), id, s.admin); err != nil {
		t.Error(err)
	}
	s.mustHold()
}

// A run goes on when its session is lost, takes another, and lets go of it in
// the end.
func TestARunOutlivesItsSession(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	hold := make(chan struct{})
	s.bookers["optimistic"] = bookerFunc(func(ctx context.Context, r booking.Request) (booking.Answer, error) {
		<-hold
		return s.desk.Book(ctx, r)
	})
	id, err := s.start(simulation.Params{EventID: s.event(5), Users: 5, Strategy: "optimistic"})
	if err != nil {
		t.Fatal(err)
	}
	const sessions = ` from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`
	if n := s.number(`select count(*)` + sessions); n != 1 {
		t.Fatalf("%d sessions hold the lock of a run, want 1", n)
	}
	lost := s.number(`select pid` + sessions)
	s.exec(`select pg_terminate_backend($1)`, lost)
	s.comesTrue("another session holds the lock", func() bool {
		return s.number(`select count(*)`+sessions+` and pid <> $1`, lost) == 1
	})
	close(hold)
	if run := s.wait(id); run.State != simulation.Done {
		t.Errorf("it is %s: %s", run.State, run.Failure)
	}
	s.comesTrue("the lock of a run that is done is free", func() bool { return s.number(`select count(*)`+sessions) == 0 })
}
