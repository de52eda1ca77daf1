package booking_test

import (
	"context"
	"strings"
	"testing"

	"rowlock/booking"
	"rowlock/db"
)

// Each break of a rule is made on purpose, past the constraints that would
// otherwise prevent it, to see that the rule's check catches it.
func TestEveryCheckCanFail(t *testing.T) {
	t.Parallel()
	loosen := `
		alter table events drop constraint events_seats_remaining_check, drop constraint events_free_seat_check;`
	tests := []struct {
		rule, broken string
	}{
		{"no-overbooking", `update events set capacity = 1`},
		{"seats-add-up", `update events set seats_remaining = 7`},
		{"line-adds-up", `update events set waiting = waiting + 1`},
		{"no-idle-seat", `update registrations set status = 'cancelled', cancelled_at = now() where position = 1`},
		{"one-standing", `insert into registrations (id, event_id, user_id, status, position, ticket_code, booked_at)
			select gen_random_uuid(), event_id, user_id, 'confirmed', 90, '000000000000', now() from waitlist_entries limit 1`},
		{"order-of-arrival", `update waitlist_entries set position = 0 + 1 where position = 3;
			update registrations set position = 3 where position = 1`},
		{"numbers-drawn-once", `update registrations set position = 1`},
		{"cancelled-is-over", `update events set status = 'cancelled'`},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			regatta := h.event(2)
			for _, person := range h.crowd(3) {
				h.book(regatta, person)
			}
			h.mustHold()
			h.exec(loosen)
			h.exec(tt.broken)

			checks, err := booking.CheckEvent(t.Context(), h.pool, regatta)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range checks {
				if c.Name == tt.rule {
					if c.OK || !strings.Contains(c.Detail.String(), regatta.String()) {
						t.Errorf("the check says %v: %s", c.OK, c.Detail)
					}
					return
				}
			}
			t.Errorf("no check is named %s", tt.rule)
		})
	}
}

func TestChecksOfOneEventOverlookTheOthers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	broken, sound := h.event(2), h.event(2)
	h.book(broken, h.person())
	h.exec(`update events set seats_remaining = 2 where id = $1`, broken)

	if checks, err := booking.CheckEvent(t.Context(), h.pool, sound); err != nil || !booking.AllHold(checks) {
		t.Errorf("%+v, %v", checks, err)
	}
	if checks, err := booking.CheckAll(t.Context(), h.pool); err != nil || booking.AllHold(checks) {
		t.Errorf("%+v, %v", checks, err)
	}
}

// A server keeps its verdicts in memory; who verifies wants every breach.
func TestVerifyNamesEveryBreach(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const events = 1001
	h.exec(`alter table events drop constraint events_seats_remaining_check`)
	h.exec(`insert into events (id, title, description, location, starts_at, ends_at, time_zone, status, organizer_id, capacity, seats_remaining)
		select gen_random_uuid(), 'Regatta', '', '', now(), now() + interval '1 day', 'UTC', 'published', $1, 2, 3 from generate_series(1, $2)`,
		h.organizer, events)
	for name, tt := range map[string]struct {
		check func(context.Context, db.Conn) ([]booking.Check, error)
		want  int
	}{
		"CheckAll": {booking.CheckAll, 1000},
		"Verify":   {booking.Verify, events},
	} {
		checks, err := tt.check(t.Context(), h.pool)
		if err != nil {
			t.Fatal(err)
		}
		named := 0
		for _, c := range checks {
			named += len(c.Breaches)
		}
		if named != tt.want {
			t.Errorf("%s names %d breaches, want %d", name, named, tt.want)
		}
	}
}
