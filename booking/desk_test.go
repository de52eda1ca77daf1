package booking_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"rowlock/booking"
	"rowlock/event"
)

func TestBookGivesSeatsThenPlacesInLine(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(2), h.crowd(4)

	for i, want := range []booking.Answer{
		{Standing: booking.Confirmed, Position: 1, Seats: booking.Seats{Capacity: 2, Remaining: 1}},
		{Standing: booking.Confirmed, Position: 2, Seats: booking.Seats{Capacity: 2}},
		{Standing: booking.Waitlisted, Position: 3, Place: 1, Seats: booking.Seats{Capacity: 2, Waiting: 1}},
		{Standing: booking.Waitlisted, Position: 4, Place: 2, Seats: booking.Seats{Capacity: 2, Waiting: 2}},
	} {
		got := h.book(regatta, p[i])
		if (got.RegistrationID != uuid.Nil) != (got.Standing == booking.Confirmed) {
			t.Errorf("person %d: registration %s with standing %s", i, got.RegistrationID, got.Standing)
		}
		got.RegistrationID = uuid.Nil
		if got != want {
			t.Errorf("person %d: got %+v, want %+v", i, got, want)
		}
	}
	h.mustHold()
}

func TestBookingTwiceReturnsWhatThePersonHas(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(1), h.crowd(2)
	h.book(regatta, p[0])
	h.book(regatta, p[1])

	for name, booker := range h.strategies() {
		for i, want := range []booking.Standing{booking.Confirmed, booking.Waitlisted} {
			got, err := booker.Book(t.Context(), booking.Request{EventID: regatta, UserID: p[i]})
			if err != nil || !got.Already || got.Standing != want {
				t.Errorf("%s, person %d: got %+v, %v, want already %s", name, i, got, err, want)
			}
		}
	}
	if n := h.number(`select count(*) from audit_log where event_id = $1`, regatta); n != 2 {
		t.Errorf("asking again left %d lines in the log, want 2", n)
	}
	h.mustHold()
}

func TestBookIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	person, inactive := h.person(), h.person()
	h.exec(`update users set is_active = false where id = $1`, inactive)
	with := func(change string) uuid.UUID {
		id := h.event(5)
		h.exec(`update events set `+change+` where id = $1`, id)
		return id
	}

	tests := []struct {
		name          string
		event, person uuid.UUID
		want          error
	}{
		{"no such event", uuid.New(), person, booking.ErrNoEvent},
		{"a draft", with(`status = 'draft'`), person, booking.ErrNoEvent},
		{"a simulation's private copy", h.rehearsal(), person, booking.ErrNoEvent},
		{"cancelled", with(`status = 'cancelled'`), person, booking.ErrEventCancelled},
		{"started", with(`starts_at = now() - interval '1 minute'`), person, booking.ErrStarted},
		{"not open yet", with(`registration_opens_at = now() + interval '1 hour'`), person, booking.ErrNotOpenYet},
		{"closed", with(`registration_closes_at = now() - interval '1 hour'`), person, booking.ErrClosed},
		{"no such person", h.event(5), uuid.New(), booking.ErrNoPerson},
		{"deactivated", h.event(5), inactive, booking.ErrInactive},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := booking.Request{EventID: tt.event, UserID: tt.person}
			for name, booker := range h.strategies() {
				if _, err := booker.Book(t.Context(), r); !errors.Is(err, tt.want) {
					t.Errorf("%s: got %v, want %v", name, err, tt.want)
				}
			}
		})
	}
	if n := h.number(`select count(*) from registrations`); n != 0 {
		t.Errorf("refusals left %d registrations", n)
	}
}

// rehearsal adds the private copy of a simulation.
func (h *house) rehearsal() uuid.UUID {
	h.t.Helper()
	id := h.event(5)
	h.exec(`insert into simulations (id, event_id, event_title, started_by, target, strategy, state, users, seats)
		values ($1, $1, 'Regatta', $2, 'rehearsal', 'grouped', 'done', 1, 5)`, id, h.organizer)
	h.exec(`update events set simulation_id = id where id = $1`, id)
	return id
}

func TestCancelPromotesTheFirstInLine(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(1), h.crowd(3)
	for _, person := range p {
		h.book(regatta, person)
	}

	if got := h.cancel(regatta, p[0]); got.Standing != booking.Cancelled || got.Already {
		t.Errorf("got %+v", got)
	}
	for i, want := range []string{"cancelled", "confirmed", "waitlisted/1"} {
		if got := h.standing(regatta, p[i]); got != want {
			t.Errorf("person %d is %s, want %s", i, got, want)
		}
	}
	h.mustHold()
}

func TestCancelWithNobodyInLineFreesTheSeat(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(1), h.crowd(2)
	h.book(regatta, p[0])
	h.cancel(regatta, p[0])

	if got := h.book(regatta, p[1]); got.Standing != booking.Confirmed {
		t.Errorf("the next person is %s", got.Standing)
	}
	h.mustHold()
}

func TestLeavingTheLineMovesTheOthersUp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(1), h.crowd(4)
	for _, person := range p {
		h.book(regatta, person)
	}
	h.cancel(regatta, p[1])

	for i, want := range []string{"confirmed", "none", "waitlisted/1", "waitlisted/2"} {
		if got := h.standing(regatta, p[i]); got != want {
			t.Errorf("person %d is %s, want %s", i, got, want)
		}
	}
	if got := h.book(regatta, p[1]); got.Place != 3 || got.Position != 5 {
		t.Errorf("who comes back got %+v, want the end of the line under a new number", got)
	}
	h.mustHold()
}

func TestLeavingTheLineWhilePromotedKeepsTheSeat(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(1), h.crowd(2)
	h.book(regatta, p[0])
	h.book(regatta, p[1])
	h.cancel(regatta, p[0]) // promotes the second, who is about to leave the line

	leave := booking.Cancellation{EventID: regatta, UserID: p[1], ActorID: p[1], PlaceOnly: true}
	got, err := h.desk.Cancel(t.Context(), leave)
	if err != nil || got.Standing != booking.Confirmed || !got.Already {
		t.Errorf("got %+v, %v", got, err)
	}
	if now := h.standing(regatta, p[1]); now != "confirmed" {
		t.Errorf("the seat is gone: %s", now)
	}
	h.mustHold()
}

func TestCancellingTwiceIsNoError(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(1), h.crowd(2)
	h.book(regatta, p[0])
	h.cancel(regatta, p[0])

	if got := h.cancel(regatta, p[0]); !got.Already || got.Standing != booking.Cancelled {
		t.Errorf("the second time: got %+v", got)
	}
	if got := h.cancel(regatta, p[1]); !got.Already || got.Standing != booking.None {
		t.Errorf("who never booked: got %+v", got)
	}
	h.mustHold()
}

func TestBookingAgainRevivesTheOneRegistration(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, person := h.event(1), h.person()
	first := h.book(regatta, person)
	code := func() (code string) {
		_, mine, err := booking.Find(t.Context(), h.pool, regatta, person)
		if err != nil {
			t.Fatal(err)
		}
		return mine.TicketCode
	}
	before := code()
	h.cancel(regatta, person)
	again := h.book(regatta, person)

	if again.RegistrationID != first.RegistrationID || again.Position != 2 {
		t.Errorf("got %+v after %+v", again, first)
	}
	if code() == before {
		t.Error("the old ticket still opens the door")
	}
	h.mustHold()
}

// The system that Rowlock grew from failed everybody's cancellation once the
// first in line had cancelled before.
func TestPromotingSomebodyWhoOnceCancelled(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(1), h.crowd(2)
	h.book(regatta, p[0])
	h.cancel(regatta, p[0])
	h.book(regatta, p[1])
	h.book(regatta, p[0]) // now in line, with a cancelled registration
	h.cancel(regatta, p[1])

	if got := h.standing(regatta, p[0]); got != "confirmed" {
		t.Errorf("got %s", got)
	}
	h.mustHold()
}

func TestPromotionPassesOverDeactivatedPeople(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(1), h.crowd(4)
	for _, person := range p {
		h.book(regatta, person)
	}
	h.exec(`update users set is_active = false where id = any($1)`, p[1:3])
	h.cancel(regatta, p[0])

	for i, want := range []string{"cancelled", "none", "none", "confirmed"} {
		if got := h.standing(regatta, p[i]); got != want {
			t.Errorf("person %d is %s, want %s", i, got, want)
		}
	}
	h.mustHold()
}

func TestCancelAfterTheStartIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, person := h.event(1), h.person()
	h.book(regatta, person)
	h.exec(`update events set starts_at = now() - interval '1 minute' where id = $1`, regatta)

	_, err := h.desk.Cancel(t.Context(), booking.Cancellation{EventID: regatta, UserID: person, ActorID: person})
	if !errors.Is(err, booking.ErrStarted) {
		t.Errorf("got %v", err)
	}
}

func TestRemovalIsLoggedAsTheOrganizers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(1), h.crowd(2)
	h.book(regatta, p[0])
	h.book(regatta, p[1])
	for _, person := range []uuid.UUID{p[0], p[1]} {
		if _, err := h.desk.Cancel(t.Context(), booking.Cancellation{EventID: regatta, UserID: person, ActorID: h.organizer}); err != nil {
			t.Fatal(err)
		}
	}

	if n := h.number(`select count(*) from audit_log where action = 'registration.removed' and actor_id = $1`, h.organizer); n != 2 {
		t.Errorf("%d removals are logged, want 2", n)
	}
	h.mustHold()
}

// details are those of an event that h.event made, with another capacity.
func (h *house) details(id uuid.UUID, capacity int) booking.Edit {
	h.t.Helper()
	e, err := event.NewStore(h.pool).ByID(context.Background(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	e.Details.Capacity = capacity
	return booking.Edit{EventID: id, ActorID: h.organizer, Revision: e.Revision, Details: e.Details}
}

func TestMoreSeatsPromoteAsManyFromTheLine(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(1), h.crowd(4)
	for _, person := range p {
		h.book(regatta, person)
	}

	promoted, err := h.desk.Edit(t.Context(), h.details(regatta, 3))
	if err != nil || promoted != 2 {
		t.Errorf("promoted %d, %v", promoted, err)
	}
	for i, want := range []string{"confirmed", "confirmed", "confirmed", "waitlisted/1"} {
		if got := h.standing(regatta, p[i]); got != want {
			t.Errorf("person %d is %s, want %s", i, got, want)
		}
	}
	promoted, err = h.desk.Edit(t.Context(), h.details(regatta, 10))
	if err != nil || promoted != 1 {
		t.Errorf("promoted %d, %v", promoted, err)
	}
	h.mustHold()
}

func TestFewerSeatsThanPeopleIsRefusedWithTheNumber(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta := h.event(3)
	for _, person := range h.crowd(2) {
		h.book(regatta, person)
	}

	var few *booking.TooFewSeatsError
	if _, err := h.desk.Edit(t.Context(), h.details(regatta, 1)); !errors.As(err, &few) || few.Confirmed != 2 {
		t.Errorf("got %v", err)
	}
	if _, err := h.desk.Edit(t.Context(), h.details(regatta, 2)); err != nil {
		t.Errorf("exactly as many: %v", err)
	}
	h.mustHold()
}

func TestTheSecondOfTwoEditorsIsTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta := h.event(3)
	mine, theirs := h.details(regatta, 4), h.details(regatta, 5)

	if _, err := h.desk.Edit(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	if _, err := h.desk.Edit(t.Context(), mine); !errors.Is(err, event.ErrChanged) {
		t.Errorf("got %v", err)
	}
	if n := h.number(`select capacity from events where id = $1`, regatta); n != 5 {
		t.Errorf("the first edit was overwritten: %d seats", n)
	}
}

func TestBookingsDoNotMakeAnEditStale(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta := h.event(3)
	edit := h.details(regatta, 4)
	h.book(regatta, h.person())

	if _, err := h.desk.Edit(t.Context(), edit); err != nil {
		t.Error(err)
	}
	h.mustHold()
}

func TestCancelEventEndsEverySeatAndTheLine(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(2), h.crowd(5)
	for _, person := range p {
		h.book(regatta, person)
	}

	ended, err := h.desk.CancelEvent(t.Context(), regatta, h.organizer)
	if err != nil || ended != 5 {
		t.Errorf("ended %d, %v", ended, err)
	}
	if again, err := h.desk.CancelEvent(t.Context(), regatta, h.organizer); err != nil || again != 0 {
		t.Errorf("the second time: %d, %v", again, err)
	}
	if n := h.number(`select count(*) from audit_log where event_id = $1 and detail->>'because' = 'event cancelled'`, regatta); n != 5 {
		t.Errorf("%d lines in the log say why, want 5", n)
	}
	h.mustHold()
}

// Everyone sees that a cancelled event is off, and a draft is nobody's
// business.
func TestADraftIsNotCancelled(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	draft := h.event(5)
	h.exec(`update events set status = 'draft' where id = $1`, draft)
	if _, err := h.desk.CancelEvent(t.Context(), draft, h.organizer); !errors.Is(err, booking.ErrDraft) {
		t.Errorf("got %v, want %v", err, booking.ErrDraft)
	}
	if n := h.number(`select count(*) from events where status = 'draft'`) + h.number(`select count(*) from audit_log`); n != 1 {
		t.Error("something was changed or logged")
	}
}

func TestRequestsAreSettledInTheOrderInWhichTheyReachTheDesk(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(50), h.crowd(300)
	release := h.holdRow(regatta)

	answers := make([]booking.Answer, len(p))
	done := make(chan struct{})
	for i := range p {
		go func() {
			answers[i] = h.book(regatta, p[i])
			done <- struct{}{}
		}()
		h.waitFor(func() bool { // the first is taken at once and waits for the row
			return i == 0 && h.pending(regatta) || i > 0 && h.desk.Waiting(regatta) == i
		})
	}
	release()
	for range p {
		<-done
	}
	for i, a := range answers {
		if a.Position != i+1 {
			t.Fatalf("request %d drew number %d", i+1, a.Position)
		}
	}
	h.mustHold()
}

func TestAVisitorWhoLeavesTheQueueDoesNotBook(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(5), h.crowd(2)
	release := h.holdRow(regatta)

	first := make(chan booking.Answer)
	go func() { first <- h.book(regatta, p[0]) }()
	h.waitFor(func() bool { return h.pending(regatta) })

	ctx, leave := context.WithCancel(t.Context())
	second := make(chan error)
	go func() {
		_, err := h.desk.Book(ctx, booking.Request{EventID: regatta, UserID: p[1]})
		second <- err
	}()
	h.waitFor(func() bool { return h.desk.Waiting(regatta) == 1 })
	leave()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("who left got %v", err)
	}
	release()

	if a := <-first; a.Standing != booking.Confirmed {
		t.Errorf("who stayed is %s", a.Standing)
	}
	if got := h.standing(regatta, p[1]); got != "none" {
		t.Errorf("who left is %s", got)
	}
	h.mustHold()
}

// Beyond its bound a queue takes nobody, until somebody in it leaves or is
// served.
func TestAFullQueueRefuses(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.desk.LimitQueue(2)
	regatta, p := h.event(5), h.crowd(5)
	release := h.holdRow(regatta)

	ask := func(person uuid.UUID) (answered chan error, leave func()) {
		ctx, leave := context.WithCancel(context.Background())
		answered = make(chan error, 1)
		go func() {
			_, err := h.desk.Book(ctx, booking.Request{EventID: regatta, UserID: person})
			answered <- err
		}()
		return answered, leave
	}
	served, _ := ask(p[0])
	h.waitFor(func() bool { return h.pending(regatta) })
	leaves, leave := ask(p[1])
	h.waitFor(func() bool { return h.desk.Waiting(regatta) == 1 })
	stays, _ := ask(p[2])
	h.waitFor(func() bool { return h.desk.Waiting(regatta) == 2 })

	refused, _ := ask(p[3])
	if err := <-refused; !errors.Is(err, booking.ErrBusy) {
		t.Errorf("one too many got %v, want %v", err, booking.ErrBusy)
	}
	leave()
	if err := <-leaves; !errors.Is(err, context.Canceled) {
		t.Errorf("who left got %v", err)
	}
	if n := h.desk.Waiting(regatta); n != 1 {
		t.Errorf("%d wait, want the one who stays", n)
	}
	late, _ := ask(p[4])
	h.waitFor(func() bool { return h.desk.Waiting(regatta) == 2 })
	release()
	for who, answered := range map[string]chan error{"served": served, "stays": stays, "late": late} {
		if err := <-answered; err != nil {
			t.Errorf("%s: %v", who, err)
		}
	}
	if got := h.standing(regatta, p[1]) + " " + h.standing(regatta, p[3]); got != "none none" {
		t.Errorf("who left and who was refused are %s", got)
	}
	h.mustHold()
}

// However many come and leave while a group is being settled, the queue keeps
// little of them.
func TestWhoeverLeavesTheQueueIsForgotten(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(5), h.crowd(2)
	release := h.holdRow(regatta)
	answered := make(chan booking.Answer)
	for i, person := range p {
		go func() { answered <- h.book(regatta, person) }()
		h.waitFor(func() bool { return i == 0 && h.pending(regatta) || h.desk.Waiting(regatta) == i && i > 0 })
	}
	for range 50 {
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error)
		go func() {
			_, err := h.desk.Book(ctx, booking.Request{EventID: regatta, UserID: h.organizer})
			left <- err
		}()
		h.waitFor(func() bool { return h.desk.Waiting(regatta) == 2 })
		leave()
		<-left
	}
	if n := h.desk.Kept(regatta); n > 3 {
		t.Errorf("with one who waits, the queue keeps %d", n)
	}
	release()
	for range p {
		if a := <-answered; a.Standing != booking.Confirmed {
			t.Errorf("who stayed is %s", a.Standing)
		}
	}
}

func TestAVisitorWhoLeavesAfterTheirTurnHasBooked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, person := h.event(5), h.person()
	release := h.holdRow(regatta)

	ctx, leave := context.WithCancel(t.Context())
	answered := make(chan error)
	go func() {
		_, err := h.desk.Book(ctx, booking.Request{EventID: regatta, UserID: person})
		answered <- err
	}()
	h.waitFor(func() bool { return h.pending(regatta) })
	leave()
	release()

	if err := <-answered; err != nil {
		t.Errorf("got %v", err)
	}
	if got := h.standing(regatta, person); got != "confirmed" {
		t.Errorf("got %s", got)
	}
}

func TestAClosingDeskSettlesWhoWaitsAndTakesNobodyElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	desk := newDesk(t, h.pool)
	regatta, p := h.event(5), h.crowd(2)
	release := h.holdRow(regatta)

	answered := make(chan error)
	go func() {
		_, err := desk.Book(context.Background(), booking.Request{EventID: regatta, UserID: p[0]})
		answered <- err
	}()
	h.waitFor(func() bool { return h.pending(regatta) })
	closed := make(chan error)
	go func() { closed <- desk.Close(context.Background()) }()
	h.waitFor(func() bool {
		_, err := desk.Book(context.Background(), booking.Request{EventID: uuid.New(), UserID: p[1]})
		return errors.Is(err, booking.ErrStopping)
	})
	release()

	if err := <-answered; err != nil {
		t.Errorf("who waited got %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestOneRequestThatTheDatabaseRefusesFailsNobodyElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(5), h.crowd(3)
	h.exec(`create function refuse() returns trigger language plpgsql as
		$$ begin raise exception 'no' using errcode = 'check_violation'; end $$`)
	h.exec(fmt.Sprintf(`create trigger refuse before insert on registrations for each row when (new.user_id = '%s') execute function refuse()`, p[1]))
	release := h.holdRow(regatta)

	errs := make([]error, len(p))
	var book []func()
	for i := range p {
		book = append(book, func() {
			_, errs[i] = h.desk.Book(t.Context(), booking.Request{EventID: regatta, UserID: p[i]})
		})
	}
	go func() {
		h.waitFor(func() bool { return h.desk.Waiting(regatta) > 0 || h.pending(regatta) })
		time.Sleep(50 * time.Millisecond)
		release()
	}()
	atOnce(book...)

	for i, err := range errs {
		if (err != nil) != (i == 1) {
			t.Errorf("person %d: %v", i, err)
		}
	}
	h.mustHold()
}

// holdRow locks an event's row, so that requests pile up before it, until
// release is called.
func (h *house) holdRow(id uuid.UUID) (release func()) {
	h.t.Helper()
	tx, err := h.pool.Begin(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := tx.Exec(context.Background(), `select from events where id = $1 for update`, id); err != nil {
		h.t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(context.Background()); err != nil {
			h.t.Error(err)
		}
	}
}

// pending tells whether a transaction waits for the event's row.
func (h *house) pending(uuid.UUID) bool {
	return h.number(`select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`) > 0
}

func (h *house) waitFor(condition func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatal("what the test waits for never happened")
		}
	}
}
