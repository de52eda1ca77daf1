package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"rowlock/audit"
	"rowlock/booking"
	"rowlock/simulation"
)

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
