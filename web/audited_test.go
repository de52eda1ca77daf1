package web_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/audit"
	"rowlock/booking"
	"rowlock/event"
	"rowlock/simulation"
)

// While the log takes no line, nothing that it tells of can be changed: every
// line is written in the transaction of its change.
func TestNothingChangesWithoutItsLineInTheLog(t *testing.T) {
	t.Parallel()
	s, ctx := newSite(t), context.Background()
	admin := s.person(account.Admin)
	var ana, ben account.User
	var regatta event.Event
	var run uuid.UUID

	manage := func(change account.Change) func() error {
		return func() error {
			change.UserID, change.ActorID = ana.ID, admin.ID
			return s.accounts.Manage(ctx, change)
		}
	}
	book := func(by booking.Booker, who *account.User) func() error {
		return func() error {
			_, err := by.Book(ctx, booking.Request{EventID: regatta.ID, UserID: who.ID})
			return err
		}
	}
	cancel := func(who, actor *account.User) func() error {
		return func() error {
			_, err := s.desk.Cancel(ctx, booking.Cancellation{EventID: regatta.ID, UserID: who.ID, ActorID: actor.ID})
			return err
		}
	}
	pessimistic, optimistic, conditional := booking.NewPessimistic(s.pool), booking.NewOptimistic(s.pool), booking.NewConditional(s.pool)

	// Each step is tried in vain first, and then taken.
	steps := []struct {
		actions []audit.Action
		do      func() error
	}{
		{[]audit.Action{audit.SignedUp}, func() (err error) {
			ana, err = s.accounts.SignUp(ctx, account.SignUp{Name: "Ana Lopes", Email: "ana@example.org", Password: password})
			return err
		}},
		{[]audit.Action{audit.UserCreated}, func() (err error) {
			ben, err = s.accounts.CreateUser(ctx, account.NewUser{Name: "Ben Okoro", Email: "ben@example.org", Password: password, Role: account.Attendee}, admin.ID)
			return err
		}},
		{[]audit.Action{audit.UserRenamed}, func() error { return s.accounts.Rename(ctx, ana.ID, "Ana Sofia Lopes") }},
		{[]audit.Action{audit.PasswordChanged}, func() error {
			return s.accounts.ChangePassword(ctx, account.PasswordChange{UserID: ana.ID, Current: password, New: password + " or four"})
		}},
		{[]audit.Action{audit.RoleChanged}, manage(account.Change{Role: account.Organizer})},
		{[]audit.Action{audit.UserDeactivated}, manage(account.Change{IsActive: new(false)})},
		{[]audit.Action{audit.UserActivated}, manage(account.Change{IsActive: new(true)})},

		{[]audit.Action{audit.EventCreated}, func() (err error) {
			start := time.Now().Add(24 * time.Hour)
			regatta, err = s.events.Create(ctx, ana.ID, event.Details{Title: "Regatta", StartsAt: start, EndsAt: start.Add(time.Hour), TimeZone: "UTC", Capacity: 1})
			return err
		}},
		{[]audit.Action{audit.EventCreated}, func() error {
			_, err := s.events.Duplicate(ctx, regatta.ID, ana.ID, time.Now())
			return err
		}},
		{[]audit.Action{audit.EventPublished}, func() error {
			_, err := s.events.Publish(ctx, regatta.ID, ana.ID, time.Now())
			return err
		}},

		{[]audit.Action{audit.SeatConfirmed}, book(s.desk, &ana)},
		{[]audit.Action{audit.LineJoined}, book(s.desk, &ben)},
		{[]audit.Action{audit.LineLeft}, cancel(&ben, &ben)},
		{[]audit.Action{audit.LineJoined}, book(pessimistic, &ben)},
		{[]audit.Action{audit.LineRemoved}, cancel(&ben, &admin)},
		{[]audit.Action{audit.LineJoined}, book(optimistic, &ben)},
		{[]audit.Action{audit.SeatCancelled, audit.SeatPromoted}, cancel(&ana, &ana)},
		{[]audit.Action{audit.LineJoined}, book(conditional, &ana)},
		{[]audit.Action{audit.EventEdited, audit.SeatPromoted}, func() error {
			details := regatta.Details
			details.Capacity = 4
			_, err := s.desk.Edit(ctx, booking.Edit{EventID: regatta.ID, ActorID: ana.ID, Revision: regatta.Revision, Details: details})
			return err
		}},
		{[]audit.Action{audit.SeatRemoved}, cancel(&ben, &admin)},
		{[]audit.Action{audit.SeatConfirmed}, book(pessimistic, &ben)},
		{[]audit.Action{audit.SeatConfirmed}, book(optimistic, &admin)},

		{[]audit.Action{audit.SimulationStarted}, func() (err error) {
			run, err = s.simulations.Start(ctx, simulation.Params{EventID: regatta.ID, StartedBy: admin.ID, Users: 3, Target: simulation.EventItself})
			if err == nil {
				s.await(run)
				s.exec(`update simulations set state = 'running', heartbeat_at = now() + interval '1 hour' where id = $1`, run) // to be stopped
			}
			return err
		}},
		{[]audit.Action{audit.SimulationStopped}, func() error {
			err := s.simulations.Stop(ctx, run, admin.ID)
			if err == nil {
				s.exec(`update simulations set state = 'failed' where id = $1`, run)
			}
			return err
		}},
		{[]audit.Action{audit.SimulationRemoved, audit.SimulationUndone}, func() error { return s.simulations.Undo(ctx, run, admin.ID) }},
		{[]audit.Action{audit.SimulationDeleted}, func() error { return s.simulations.Delete(ctx, run, admin.ID) }},
		{[]audit.Action{audit.EventCancelled, audit.SeatRemoved}, func() error {
			_, err := s.desk.CancelEvent(ctx, regatta.ID, admin.ID)
			return err
		}},
	}

	untried := audit.Actions()
	for _, step := range steps {
		before, lines := s.everything(), s.lines(step.actions)
		s.exec(`alter table audit_log add constraint refused check (false) not valid`)
		if err := step.do(); err == nil {
			t.Errorf("%v: done without a line in the log", step.actions)
		}
		s.exec(`alter table audit_log drop constraint refused`)
		if after := s.everything(); after != before {
			t.Errorf("%v: without a line in the log\n%s\nbecame\n%s", step.actions, before, after)
		}

		if err := step.do(); err != nil {
			t.Fatalf("%v: %v", step.actions, err)
		}
		after := s.lines(step.actions)
		for i, action := range step.actions {
			if after[i] == lines[i] {
				t.Errorf("no new line says %s", action)
			}
			untried = slices.DeleteFunc(untried, func(a audit.Action) bool { return a == action })
		}
	}
	if len(untried) > 0 {
		t.Errorf("never tried: %v", untried)
	}
}

// lines counts what the log says of each action.
func (s *site) lines(actions []audit.Action) []int {
	s.t.Helper()
	numbers := make([]int, len(actions))
	for i, action := range actions {
		numbers[i] = s.count(`select count(*) from audit_log where action = $1 and simulation_id is null`, action)
	}
	return numbers
}

// everything is each row that the log tells of.
func (s *site) everything() string {
	s.t.Helper()
	var all strings.Builder
	for _, table := range []string{"users", "sessions", "events", "registrations", "waitlist_entries", "simulations", "comparisons"} {
		var rows string
		err := s.pool.QueryRow(context.Background(), `select coalesce(string_agg(row::text, E'\n' order by row::text), '') from `+table+` as row`).Scan(&rows)
		if err != nil {
			s.t.Fatal(err)
		}
		all.WriteString(table + "\n" + rows + "\n")
	}
	return all.String()
}
