package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

// A run whose instance was killed reads as failed, stops nobody, and can be
// undone: at once when its session ended with it, and after a while when the
// server, or a pooler before it, still takes the session for alive.
func TestKilledRun(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		hasSession  bool
		alive, dead string // how long after the last beat
	}{
		// The clock goes on until it is asked: a beat of the near future is new
		// for long enough, and one of 4 s ago would be too old without a session.
		"its session ended":    {false, "-8 seconds", "3 seconds"},
		"its session is there": {true, "4 seconds", "16 seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, nil)
			event := s.event(10)
			run := s.run(simulation.Params{EventID: event, Users: 12})
			if tt.hasSession {
				s.holdSession(run.ID)
			}
			s.exec(`update simulations set state = 'running', heartbeat_at = now() - $2::interval, finished_at = null where id = $1`, run.ID, tt.alive)
			if _, err := s.start(simulation.Params{EventID: event, Users: 1}); !errors.Is(err, simulation.ErrRunning) {
				t.Fatalf("%s after its last beat: got %v, want a refusal", tt.alive, err)
			}

			s.exec(`update simulations set heartbeat_at = now() - $2::interval where id = $1`, run.ID, tt.dead)
			if read := s.wait(run.ID); read.State != simulation.Failed || !strings.Contains(read.Failure.String(), "stopped") {
				t.Errorf("%s after: it reads as %s, %q", tt.dead, read.State, read.Failure)
			}
			s.mustBeReplaced(event, run.ID)
		})
	}
}

// holdSession holds the lock that a run's session holds.
func (s *stage) holdSession(id uuid.UUID) {
	s.t.Helper()
	conn, err := s.pool.Acquire(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(conn.Release)
	if _, err := conn.Exec(s.t.Context(), `select pg_advisory_lock(hashtextextended($1::uuid::text, 0))`, id); err != nil {
		s.t.Fatal(err)
	}
}

// mustBeReplaced wants the next run to write the killed one down as failed.
func (s *stage) mustBeReplaced(event, killed uuid.UUID) {
	t := s.t
	t.Helper()
	if next := s.run(simulation.Params{EventID: event, Users: 1}); next.State != simulation.Done {
		t.Errorf("the next one is %s", next.State)
	}
	if n := s.number(`select count(*) from simulations where state = 'failed' and finished_at is not null and failure <> '' and id = $1`, killed); n != 1 {
		t.Error("the killed run was not written down as failed")
	}
	if err := s.runner.Undo(t.Context(), killed, s.admin); err != nil {
		t.Error(err)
	}
	s.mustHold()
}

// A run that nobody restarted after its instance was killed can be undone as
// it is.
func TestUndoKilledRun(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	run := s.run(simulation.Params{EventID: s.event(10), Users: 12})
	s.exec(`update simulations set state = 'running', heartbeat_at = now() - interval '16 seconds', finished_at = null where id = $1`, run.ID)
	if err := s.runner.Undo(t.Context(), run.ID, s.admin); err != nil {
		t.Fatal(err)
	}
	if n := s.number(`select count(*) from simulations where state = 'failed' and undone_at is not null and finished_at is not null`); n != 1 {
		t.Error("it was not written down as failed and undone")
	}
}

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

// A simulation of the event itself takes its seats, and undoing it gives them
// back: first to the real people who queued behind the made-up ones, one of
// whom had given up a seat before.
func TestUndoGivesSeatsBack(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	event := s.event(10)
	had := []uuid.UUID{s.book(event), s.book(event), s.book(event)}
	returning := s.book(event)
	s.cancel(event, returning)

	run := s.run(simulation.Params{EventID: event, Users: 20, Target: simulation.EventItself})
	if want := (simulation.Tally{Registered: 7, Waitlisted: 13}); run.Tally != want || failed(run) != nil || run.Seats != 7 {
		t.Fatalf("got %+v of %d seats, failed checks %v, %q", run.Tally, run.Seats, failed(run), run.Failure)
	}
	waited := []uuid.UUID{s.book(event), returning, s.book(event)}
	if _, err := s.desk.Book(t.Context(), booking.Request{EventID: event, UserID: returning}); err != nil {
		t.Fatal(err)
	}
	gone := s.book(event)
	s.exec(`update users set is_active = false where id = $1`, gone)
	s.mustHold()

	if err := s.runner.Undo(t.Context(), run.ID, s.admin); err != nil {
		t.Fatal(err)
	}
	s.mustHold()
	for _, person := range append(had, waited...) {
		if got := s.standing(event, person); got != booking.Confirmed {
			t.Errorf("a real person is %s", got)
		}
	}
	if got := s.standing(event, gone); got != booking.None {
		t.Errorf("a deactivated person in line is %s", got)
	}
	if n := s.number(`select seats_remaining from events where id = $1`, event); n != 4 {
		t.Errorf("%d seats are free, want 4", n)
	}
	lines, err := audit.List(t.Context(), s.pool, audit.Filter{Event: event, Action: audit.SeatPromoted})
	if err != nil || len(lines) != 3 || lines[0].Actor != s.admin {
		t.Errorf("the log has %d promotions, %v", len(lines), err)
	}
	s.mustBeGone(run)
}

func (s *stage) cancel(event, person uuid.UUID) {
	s.t.Helper()
	if _, err := s.desk.Cancel(context.Background(), booking.Cancellation{EventID: event, UserID: person, ActorID: person}); err != nil {
		s.t.Fatal(err)
	}
}

// With nobody real in line, the event is as it was.
func TestUndoRestoresCounts(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	event := s.event(10)
	s.book(event)
	before := s.snapshot(event)
	run := s.run(simulation.Params{EventID: event, Users: 5, Target: simulation.EventItself})
	if err := s.runner.Undo(t.Context(), run.ID, s.admin); err != nil {
		t.Fatal(err)
	}
	if after := s.snapshot(event); after != before {
		t.Errorf("got %q, want %q", after, before)
	}
	s.mustHold()
	s.mustBeGone(run)
}

// The seats go back in one transaction with the line of the log that says so.
// An undoing that breaks off after it, and is repeated, says nothing else of
// them.
func TestUndoLogsTheSeatsWithTheirChange(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	event := s.event(10)
	run := s.run(simulation.Params{EventID: event, Users: 12, Target: simulation.EventItself})
	s.book(event)
	before := s.snapshot(event)

	s.exec(`alter table audit_log add constraint refused check (entity_type <> 'simulation') not valid`)
	if err := s.runner.Undo(t.Context(), run.ID, s.admin); err == nil {
		t.Error("it was undone without a line in the log")
	}
	if after := s.snapshot(event); after != before {
		t.Errorf("the event has %q, want %q as before", after, before)
	}

	s.exec(`alter table audit_log drop constraint refused, add constraint refused check (action <> 'simulation.undone') not valid`)
	if err := s.runner.Undo(t.Context(), run.ID, s.admin); err == nil {
		t.Error("it was undone without a line in the log")
	}
	s.exec(`alter table audit_log drop constraint refused`)
	if err := s.runner.Undo(t.Context(), run.ID, s.admin); err != nil {
		t.Fatal(err)
	}
	s.mustBeGone(run)
	lines, err := audit.List(t.Context(), s.pool, audit.Filter{Event: event, Action: audit.SimulationRemoved})
	if err != nil || len(lines) != 1 {
		t.Fatalf("the log has %d lines about the seats, %v", len(lines), err)
	}
	if l := lines[0]; l.Actor != s.admin || l.EntityID != run.ID || fmt.Sprint(l.Detail) != "map[freed:10 promoted:1]" {
		t.Errorf("the log says %+v", l.Entry)
	}
}

func TestUndoRehearsal(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	event := s.event(10)
	kept := s.run(simulation.Params{EventID: event, Users: 7})
	run := s.run(simulation.Params{EventID: event, Users: 30})
	if err := s.runner.Undo(t.Context(), run.ID, s.admin); err != nil {
		t.Fatal(err)
	}
	s.mustBeGone(run)
	s.mustHold()

	read := s.wait(run.ID)
	if read.UndoneAt == nil || read.Tally != run.Tally || len(read.Results.Checks) == 0 {
		t.Error("its results are not what is kept")
	}
	if n := s.number(`select count(*) from users where simulation_id = $1`, kept.ID); n != 7 {
		t.Errorf("of the other simulation's 7 people %d are left", n)
	}
	if err := s.runner.Undo(t.Context(), run.ID, s.admin); !errors.Is(err, simulation.ErrNothingToUndo) {
		t.Errorf("undone twice: got %v", err)
	}
	if err := s.runner.Undo(t.Context(), uuid.New(), s.admin); !errors.Is(err, simulation.ErrNotFound) {
		t.Errorf("undone without a run: got %v", err)
	}
}

// mustBeGone fails the test when a simulation left more than its record.
func (s *stage) mustBeGone(run simulation.Simulation) {
	s.t.Helper()
	for _, table := range []string{"users", "registrations", "waitlist_entries", "events", "audit_log"} {
		if n := s.number(`select count(*) from `+table+` where simulation_id = $1`, run.ID); n != 0 {
			s.t.Errorf("%d rows are left in %s", n, table)
		}
	}
	lines, err := audit.List(s.t.Context(), s.pool, audit.Filter{Event: run.EventID, Action: audit.SimulationUndone})
	if err != nil || len(lines) != 1 || lines[0].EntityID != run.ID || lines[0].Actor != s.admin {
		s.t.Errorf("the log has %d lines about its undoing, %v", len(lines), err)
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

func TestList(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	event, other := s.event(10), s.event(10)
	first := s.run(simulation.Params{EventID: event, Users: 1})
	s.run(simulation.Params{EventID: other, Users: 2})
	last := s.run(simulation.Params{EventID: event, Users: 3})

	all, err := simulation.List(t.Context(), s.pool, uuid.Nil, 1)
	if err != nil || all.Total != 3 || all.Simulations[0].ID != last.ID || all.Simulations[2].ID != first.ID {
		t.Fatalf("all: got %d, %v", all.Total, err)
	}
	one, err := simulation.List(t.Context(), s.pool, event, 5)
	if err != nil || one.Total != 2 || one.Page != 1 || one.Pages != 1 || len(one.Simulations) != 2 {
		t.Errorf("one event's: got %+v, %v", one, err)
	}
	if s := all.Simulations[0]; s.StartedByName != "Person" || s.EventTitle != "Regatta" || s.Users != 3 || s.Strategy != "grouped" || s.Target != simulation.Rehearsal {
		t.Errorf("the newest reads %+v", s)
	}
	if _, err := simulation.ByID(t.Context(), s.pool, uuid.New()); !errors.Is(err, simulation.ErrNotFound) {
		t.Errorf("no such simulation: got %v", err)
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

func (s *stage) awaitPhase(id uuid.UUID, phase string) {
	s.t.Helper()
	s.comesTrue("it comes to "+phase, func() bool { return s.read(id).Phase == phase })
}

func (s *stage) read(id uuid.UUID) simulation.Simulation {
	s.t.Helper()
	run, err := simulation.ByID(s.t.Context(), s.pool, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return run
}
