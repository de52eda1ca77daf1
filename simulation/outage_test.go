package simulation_test

import (
	"context"
	"testing"
	"time"

	"rowlock/booking"
	"rowlock/simulation"
)

// outageLength is longer than a run may be silent without a session.
const outageLength = 3 * time.Second

// losesTheDatabase is a strategy that books for so many people. With the next
// one the database goes, and stays away for a while.
func (s *stage) losesTheDatabase(n int) bookerFunc {
	booked := make(chan struct{}, n)
	for range n {
		booked <- struct{}{}
	}
	done := make(chan struct{}, n)
	return func(ctx context.Context, r booking.Request) (booking.Answer, error) {
		select {
		case <-booked:
			defer func() { done <- struct{}{} }()
			return s.desk.Book(ctx, r)
		default:
		}
		for range n {
			<-done
		}
		time.AfterFunc(outageLength, s.outage())
		return booking.Answer{}, booking.ErrUnavailable
	}
}

// A run whose database goes away while people book waits until it is back, and
// tells all that it would have told.
func TestARunOutlastsAnOutage(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.bookers["optimistic"] = s.losesTheDatabase(9)
	run := s.run(simulation.Params{EventID: s.event(5), Users: 10, Strategy: "optimistic"})
	if want := (simulation.Tally{Registered: 5, Waitlisted: 4, Failed: 1}); run.State != simulation.Done || run.Tally != want {
		t.Errorf("it is %s with %+v, want %+v: %s", run.State, run.Tally, want, run.Failure)
	}
	if len(run.Results.Checks) == 0 || failed(run) != nil {
		t.Errorf("of %d checks, %v failed", len(run.Results.Checks), failed(run))
	}
	if f := run.Results.Failures; len(f) != 1 || f[0].Count != 1 || f[0].Cause.String() != "the database was out of reach" {
		t.Errorf("the causes are %+v", f)
	}
	if took := run.FinishedAt.Sub(run.StartedAt); took < outageLength {
		t.Errorf("it ended after %v, while the database was away", took)
	}
}

// So does one whose people are being made.
func TestAnOutageWhilePeopleAreMade(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	id, err := s.start(simulation.Params{EventID: s.event(5), Users: 30_000})
	if err != nil {
		t.Fatal(err)
	}
	end := s.outage()
	time.AfterFunc(outageLength, end)
	time.Sleep(outageLength + time.Second) // until the database can be read again
	run := s.wait(id)
	if want := (simulation.Tally{Registered: 5, Waitlisted: 29_995}); run.State != simulation.Done || run.Tally != want || failed(run) != nil {
		t.Errorf("it is %s with %+v, %v failed: %s", run.State, run.Tally, failed(run), run.Failure)
	}
}

// An outage in one of a comparison's runs ends neither.
func TestAComparisonOutlastsAnOutage(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.bookers["grouped"] = s.losesTheDatabase(9)
	c := s.compare(simulation.ComparisonParams{EventID: s.event(5), Users: 10, Strategies: []string{"grouped", "pessimistic"}})
	if c.State != simulation.Done || len(c.Runs) != 2 {
		t.Fatalf("it is %s with %d runs: %s", c.State, len(c.Runs), c.Failure)
	}
	for i, want := range []simulation.Tally{{Registered: 5, Waitlisted: 4, Failed: 1}, {Registered: 5, Waitlisted: 5}} {
		if run := c.Runs[i]; run.State != simulation.Done || run.Tally != want || failed(run) != nil {
			t.Errorf("%s is %s with %+v, want %+v: %s", run.Strategy, run.State, run.Tally, want, run.Failure)
		}
	}
}

// A program that stops while the database is away does not wait for it longer
// than it takes to be sure.
func TestCloseInAnOutage(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.bookers["optimistic"] = bookerFunc(func(context.Context, booking.Request) (booking.Answer, error) {
		return booking.Answer{}, booking.ErrBusy
	})
	id, err := s.start(simulation.Params{EventID: s.event(5), Users: 50_000, Strategy: "optimistic"})
	if err != nil {
		t.Fatal(err)
	}
	end := s.outage()
	defer end()
	time.AfterFunc(outageLength, end)
	closing, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	s.runner.Close(closing) //nolint:errcheck // it is in time or not, which is not asked here
	if run := s.wait(id); run.State != simulation.Failed || run.Failure.String() != "The program was stopped before it was done." {
		t.Errorf("it is %s: %q", run.State, run.Failure)
	}
}
