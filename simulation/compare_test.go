package simulation_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"rowlock/audit"
	"rowlock/booking"
	"rowlock/db"
	"rowlock/simulation"
)

// newLab is a stage that offers all four strategies.
func newLab(t *testing.T) *stage {
	t.Helper()
	s := newStage(t, nil)
	rivals := open(t, s.pool.Config().ConnString(), db.BookingLimits)
	s.bookers["optimistic"] = booking.NewOptimistic(rivals)
	s.bookers["conditional"] = booking.NewConditional(rivals)
	return s
}

func (s *stage) startComparison(p simulation.ComparisonParams) (uuid.UUID, error) {
	p.StartedBy = s.admin
	return s.runner.Compare(s.t.Context(), p)
}

// compare starts a comparison and returns it when it has ended.
func (s *stage) compare(p simulation.ComparisonParams) simulation.Comparison {
	s.t.Helper()
	id, err := s.startComparison(p)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.waitComparison(id)
}

func (s *stage) waitComparison(id uuid.UUID) simulation.Comparison {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	c, err := s.runner.WaitComparison(ctx, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// All four strategies give out the same seats under the same rules, one after
// the other, and each tells what that cost.
func TestCompare(t *testing.T) {
	t.Parallel()
	s := newLab(t)
	event := s.event(10)
	before := s.snapshot(event)
	c := s.compare(simulation.ComparisonParams{
		Name: "  All four  ", EventID: event, Users: 120,
		Strategies: []string{"conditional", "optimistic", "grouped", "pessimistic", "grouped"},
	})

	if c.State != simulation.Done || c.Name != "All four" || c.Users != 120 || c.Seats != 10 || c.FinishedAt == nil || c.StartedByName != "Person" {
		t.Fatalf("it is %+v", c)
	}
	var order []string
	for i, run := range c.Runs {
		order = append(order, run.Strategy)
		if want := (simulation.Tally{Registered: 10, Waitlisted: 110}); run.Tally != want || failed(run) != nil || run.State != simulation.Done {
			t.Errorf("%s: got %+v, failed checks %v, %q", run.Strategy, run.Tally, failed(run), run.Failure)
		}
		if run.ComparisonID.UUID != c.ID || run.Target != simulation.Rehearsal {
			t.Errorf("%s is no rehearsal of the comparison", run.Strategy)
		}
		if i > 0 && run.StartedAt.Before(*c.Runs[i-1].FinishedAt) {
			t.Errorf("%s began before %s had ended", run.Strategy, c.Runs[i-1].Strategy)
		}
		mustMeasure(t, run)
		mustCount(t, run)
	}
	if want := []string{"grouped", "pessimistic", "optimistic", "conditional"}; !slices.Equal(order, want) {
		t.Errorf("they ran in the order %v, want %v", order, want)
	}
	if after := s.snapshot(event); after != before {
		t.Errorf("the event itself changed from %q to %q", before, after)
	}
	s.mustHold()
}

// mustCount holds what a run says that it cost against what that must be.
func mustCount(t *testing.T, run simulation.Simulation) {
	t.Helper()
	r, users := run.Results, int64(run.Users)
	switch {
	case run.Strategy == simulation.Grouped:
		requests, groups := 0, int64(0)
		for _, g := range r.Groups {
			requests += g.Requests
			groups++
		}
		if requests != run.Users || groups != r.Transactions || r.Transactions >= users || r.Connections != 1 {
			t.Errorf("grouped: %d requests in %d groups, %d transactions, %d connections", requests, groups, r.Transactions, r.Connections)
		}
	case r.Transactions != users+r.Retries || len(r.Groups) > 0:
		t.Errorf("%s: %d transactions and %d retries for %d people, %d groups", run.Strategy, r.Transactions, r.Retries, users, len(r.Groups))
	case r.Connections < 2 || r.Connections > int(db.BookingLimits.MaxConns):
		t.Errorf("%s: %d connections", run.Strategy, r.Connections)
	case (r.Retries > 0) != (run.Strategy == simulation.Optimistic):
		t.Errorf("%s: %d retries", run.Strategy, r.Retries)
	}
	if len(r.Pace) != simulation.PaceSteps+1 || !slices.IsSorted(r.Pace) || r.Pace[simulation.PaceSteps] != r.Latency.Max || r.Pace[simulation.PaceSteps/2] != r.Latency.P50 {
		t.Errorf("%s: the pace has %d steps from %v to %v", run.Strategy, len(r.Pace), r.Pace[0], r.Pace[len(r.Pace)-1])
	}
}

func TestCompareRefuses(t *testing.T) {
	t.Parallel()
	s := newLab(t)
	delete(s.bookers, "conditional")
	event := s.event(10)
	two, minus := []string{"grouped", "pessimistic"}, -1
	tests := []struct {
		name   string
		params simulation.ComparisonParams
		want   error
	}{
		{"one strategy", simulation.ComparisonParams{EventID: event, Users: 1, Strategies: []string{"grouped", "grouped"}}, simulation.ErrFewStrategies},
		{"no strategy", simulation.ComparisonParams{EventID: event, Users: 1}, simulation.ErrFewStrategies},
		{"a strategy that is not offered", simulation.ComparisonParams{EventID: event, Users: 1, Strategies: []string{"grouped", "conditional"}}, simulation.ErrStrategy},
		{"nobody", simulation.ComparisonParams{EventID: event, Strategies: two}, simulation.ErrUsers},
		{"negative seats", simulation.ComparisonParams{EventID: event, Users: 1, Seats: &minus, Strategies: two}, simulation.ErrSeats},
		{"less than no time", simulation.ComparisonParams{EventID: event, Users: 1, Strategies: two, Patience: -1}, simulation.ErrPatience},
		{"all day", simulation.ComparisonParams{EventID: event, Users: 1, Strategies: two, Patience: 24 * time.Hour}, simulation.ErrPatience},
		{"a long name", simulation.ComparisonParams{EventID: event, Users: 1, Strategies: two, Name: strings.Repeat("é", 101)}, simulation.ErrName},
		{"no such event", simulation.ComparisonParams{EventID: uuid.New(), Users: 1, Strategies: two}, booking.ErrNoEvent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := s.startComparison(tt.params); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if n := s.number(`select count(*) from comparisons`); n != 0 {
		t.Errorf("%d comparisons were written down", n)
	}
}

// While a comparison goes on nothing else starts, not even between two runs,
// and not from its own rows.
func TestNothingStartsBesideAComparison(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	s := newStage(t, nil)
	s.bookers["pessimistic"] = bookerFunc(func(ctx context.Context, r booking.Request) (booking.Answer, error) {
		<-hold
		return s.desk.Book(ctx, r)
	})
	event := s.event(10)
	id, err := s.startComparison(simulation.ComparisonParams{EventID: event, Users: 5, Strategies: []string{"grouped", "pessimistic"}})
	if err != nil {
		t.Fatal(err)
	}
	other := simulation.NewRunner(s.pool, s.bookers, slog.New(slog.DiscardHandler))
	_, err = other.Start(t.Context(), simulation.Params{EventID: event, Users: 1, StartedBy: s.admin})
	if !errors.Is(err, simulation.ErrRunning) {
		t.Errorf("a simulation: got %v", err)
	}
	_, err = other.Compare(t.Context(), simulation.ComparisonParams{EventID: event, Users: 1, StartedBy: s.admin, Strategies: []string{"grouped", "pessimistic"}})
	if !errors.Is(err, simulation.ErrRunning) {
		t.Errorf("a comparison: got %v", err)
	}
	if err := s.runner.DeleteComparison(t.Context(), id, s.admin); !errors.Is(err, simulation.ErrNotFinished) {
		t.Errorf("delete it: got %v", err)
	}
	if c, err := simulation.ComparisonByID(t.Context(), s.pool, id); err != nil || c.State != simulation.Running || c.Name != "Regatta, 5 people" {
		t.Errorf("it reads %+v, %v", c, err)
	}
	close(hold)
	if c := s.waitComparison(id); c.State != simulation.Done || len(c.Runs) != 2 {
		t.Errorf("it ended %s with %d runs: %s", c.State, len(c.Runs), c.Failure)
	}
}

// A comparison whose instance was killed, between two runs or in one, stops
// nobody, and says so.
func TestKilledComparison(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	event := s.event(10)
	c := s.compare(simulation.ComparisonParams{EventID: event, Users: 5, Strategies: []string{"grouped", "pessimistic"}})
	s.serverHasBeenUp(2.1)
	s.exec(`update comparisons set state = 'running', heartbeat_at = now() - interval '1 minute' where id = $1`, c.ID)

	read, err := simulation.ComparisonByID(t.Context(), s.pool, c.ID)
	if err != nil || read.State != simulation.Failed || read.Failure.IsEmpty() {
		t.Errorf("it reads %s, %q, %v", read.State, read.Failure, err)
	}
	if run := s.run(simulation.Params{EventID: event, Users: 3}); run.State != simulation.Done {
		t.Errorf("the next simulation is %s", run.State)
	}
	if n := s.number(`select count(*) from comparisons where state = 'failed' and failure <> '' and finished_at is not null`); n != 1 {
		t.Error("nobody wrote down that it failed")
	}
	if err := s.runner.DeleteComparison(t.Context(), c.ID, s.admin); err != nil {
		t.Errorf("delete it: %v", err)
	}
}

// A runner that closes ends a comparison after the run that is under way.
func TestCloseEndsAComparison(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	s := newStage(t, nil)
	s.bookers["grouped"] = bookerFunc(func(ctx context.Context, r booking.Request) (booking.Answer, error) {
		<-hold
		return s.desk.Book(ctx, r)
	})
	p := simulation.ComparisonParams{EventID: s.event(3), Users: 5, Strategies: []string{"grouped", "pessimistic"}}
	id, err := s.startComparison(p)
	if err != nil {
		t.Fatal(err)
	}
	s.comesTrue("people book", func() bool { return s.number(`select count(*) from simulations where phase = 'booking'`) > 0 })
	closed := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		closed <- s.runner.Close(ctx)
	}()
	s.comesTrue("the runner closes", func() bool {
		_, err := s.startComparison(p)
		return errors.Is(err, booking.ErrStopping)
	})
	close(hold)
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	c := s.waitComparison(id)
	if c.State != simulation.Failed || !strings.Contains(c.Failure.String(), "stopped") || len(c.Runs) != 1 || c.Runs[0].State != simulation.Done {
		t.Errorf("it is %s, %q, with %d runs", c.State, c.Failure, len(c.Runs))
	}
	_, err = s.startComparison(simulation.ComparisonParams{EventID: s.event(3), Users: 5, Strategies: []string{"grouped", "pessimistic"}})
	if !errors.Is(err, booking.ErrStopping) {
		t.Errorf("another one: got %v", err)
	}
}

// People give up on a strategy that does not come to an end, and the run says
// how many and after how long. The desk is waited for.
func TestPatience(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	served := make(chan struct{}, 3)
	s.bookers["optimistic"] = bookerFunc(func(ctx context.Context, r booking.Request) (booking.Answer, error) {
		select {
		case served <- struct{}{}:
			// Whoever is served gets an answer, also on a machine that is busy.
			return s.desk.Book(context.WithoutCancel(ctx), r)
		default:
			<-ctx.Done()
			return booking.Answer{}, ctx.Err()
		}
	})
	event := s.event(10)
	run := s.run(simulation.Params{EventID: event, Users: 20, Strategy: "optimistic", Patience: time.Second})
	if want := (simulation.Tally{Registered: 3, Failed: 17, SeatsRemaining: 7}); run.Tally != want || run.State != simulation.Done || failed(run) != nil {
		t.Errorf("got %+v, %s, %v", run.Tally, run.State, failed(run))
	}
	if f := run.Results.Failures; len(f) != 1 || f[0].Cause.String() != "gave up after 1 s without an answer" || f[0].Count != 17 {
		t.Errorf("the failures are %v", f)
	}
	if r := run.Results; r.GaveUpAfter != time.Second || r.Took < time.Second || run.Answered != 3 {
		t.Errorf("they gave up after %v, it took %v, and %d have an answer", r.GaveUpAfter, r.Took, run.Answered)
	}
	if _, err := s.start(simulation.Params{EventID: event, Users: 1, Patience: time.Hour}); !errors.Is(err, simulation.ErrPatience) {
		t.Errorf("too much patience: got %v", err)
	}

	s.bookers["grouped"] = bookerFunc(func(ctx context.Context, r booking.Request) (booking.Answer, error) {
		if _, limited := ctx.Deadline(); limited {
			t.Error("somebody would give up on the desk")
		}
		return s.desk.Book(ctx, r)
	})
	s.run(simulation.Params{EventID: event, Users: 3, Patience: time.Second})
}

// Deleting a comparison takes its runs, their people and all that is theirs.
func TestDeleteComparison(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	event := s.event(10)
	kept := s.run(simulation.Params{EventID: event, Users: 7})
	c := s.compare(simulation.ComparisonParams{EventID: event, Users: 20, Strategies: []string{"grouped", "pessimistic"}})
	if err := s.runner.Undo(t.Context(), c.Runs[0].ID, s.admin); err != nil {
		t.Fatal(err)
	}
	if err := s.runner.DeleteComparison(t.Context(), c.ID, s.admin); err != nil {
		t.Fatal(err)
	}
	s.mustHold()
	for _, table := range []string{"users", "registrations", "waitlist_entries", "events", "audit_log"} {
		if n := s.number(`select count(*) from `+table+` where simulation_id <> $1`, kept.ID); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
	if n := s.number(`select count(*) from simulations`) + s.number(`select count(*) from comparisons`); n != 1 {
		t.Errorf("%d records are left, want that of the other run", n)
	}
	if n := s.number(`select count(*) from users where simulation_id = $1`, kept.ID); n != 7 {
		t.Errorf("of the other run's 7 people %d are left", n)
	}
	lines, err := audit.List(t.Context(), s.pool, audit.Filter{Event: event, Action: audit.SimulationDeleted})
	if err != nil || len(lines) != 2 || lines[0].Actor != s.admin {
		t.Errorf("the log has %d lines about it, %v", len(lines), err)
	}
	if err := s.runner.DeleteComparison(t.Context(), c.ID, s.admin); !errors.Is(err, simulation.ErrNoComparison) {
		t.Errorf("deleted twice: got %v", err)
	}
	if err := s.runner.Delete(t.Context(), c.Runs[0].ID, s.admin); !errors.Is(err, simulation.ErrNotFound) {
		t.Errorf("a run of it: got %v", err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	event := s.event(10)
	c := s.compare(simulation.ComparisonParams{EventID: event, Users: 2, Strategies: []string{"grouped", "pessimistic"}})
	run := c.Runs[0]
	long := strings.Repeat("x", 101)
	for _, tt := range []struct {
		what string
		err  error
		want error
	}{
		{"a run", simulation.Rename(t.Context(), s.pool, run.ID, "  Cold start "), nil},
		{"a run, too long", simulation.Rename(t.Context(), s.pool, run.ID, long), simulation.ErrName},
		{"no run", simulation.Rename(t.Context(), s.pool, uuid.New(), "x"), simulation.ErrNotFound},
		{"a comparison", simulation.RenameComparison(t.Context(), s.pool, c.ID, " Before tuning"), nil},
		{"a comparison, too long", simulation.RenameComparison(t.Context(), s.pool, c.ID, long), simulation.ErrName},
		{"a comparison, to nothing", simulation.RenameComparison(t.Context(), s.pool, c.ID, "  "), simulation.ErrName},
		{"no comparison", simulation.RenameComparison(t.Context(), s.pool, uuid.New(), "x"), simulation.ErrNoComparison},
	} {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.what, tt.err, tt.want)
		}
	}
	list, err := simulation.Comparisons(t.Context(), s.pool, 9)
	if err != nil || list.Total != 1 || list.Page != 1 || list.Comparisons[0].Name != "Before tuning" {
		t.Errorf("the list is %+v, %v", list, err)
	}
	runs, err := simulation.ByIDs(t.Context(), s.pool, []uuid.UUID{c.Runs[1].ID, run.ID, c.Runs[1].ID})
	if err != nil || len(runs) != 2 || runs[0].ID != c.Runs[1].ID || runs[1].Name != "Cold start" {
		t.Errorf("the runs are %+v, %v", runs, err)
	}
	if _, err := simulation.ByIDs(t.Context(), s.pool, []uuid.UUID{run.ID, uuid.New()}); !errors.Is(err, simulation.ErrNotFound) {
		t.Errorf("one that is not there: got %v", err)
	}
}

// What scripts read is promised, name by name.
func TestExport(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	c := s.compare(simulation.ComparisonParams{EventID: s.event(3), Users: 8, Strategies: []string{"grouped", "pessimistic"}})
	text, err := json.Marshal(c.Export())
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		ID, Name, State string
		Runs            []map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if read.ID != c.ID.String() || read.Name != c.Name || read.State != "done" || len(read.Runs) != 2 {
		t.Errorf("it reads %+v", read)
	}
	for _, key := range []string{
		"simulation_results", "id", "strategy", "overbooked", "bookings_per_second", "latency_ms", "checks",
		"name", "event_id", "event", "target", "state", "users", "seats", "started_at", "took_ms", "gave_up_after_ms",
		"transactions", "retries", "connections", "failures", "groups", "answered_ms",
	} {
		for i, run := range read.Runs {
			if len(run[key]) == 0 || string(run[key]) == "null" {
				t.Errorf("run %d has no %s", i, key)
			}
		}
	}
	picked, err := json.Marshal(simulation.Comparison{Name: "Picked", Runs: c.Runs[:1]}.Export())
	if err != nil || !strings.HasPrefix(string(picked), `{"id":null,"name":"Picked"`) {
		t.Errorf("picked runs read %.60s, %v", picked, err)
	}
}
