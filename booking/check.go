package booking

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/db"
)

// A rule must hold in every event at every moment. Its query finds, among the
// tallied events, those that break it, and says how.
type rule struct {
	name  string
	holds string
	query string
}

// rules are checked in one statement, so all of them judge the same moment.
// Each reads "tallied": an event's own counters beside what its rows add up to.
var rules = []rule{
	{"no-overbooking", "Nobody is confirmed beyond the seats there are.", `
		select id, format('%s people for %s seats', confirmed, capacity)
		from tallied where confirmed > capacity or seats_remaining < 0`},
	{"seats-add-up", "Seats remaining are the capacity less the confirmed.", `
		select id, format('%s seats are shown as free, %s are', seats_remaining, capacity - confirmed)
		from tallied where seats_remaining <> capacity - confirmed`},
	{"line-adds-up", "Every line is as long as is shown.", `
		select id, format('%s are shown in line, %s are', shown_waiting, waiting)
		from tallied where shown_waiting <> waiting`},
	{"no-idle-seat", "No seat is free while somebody waits.", `
		select id, format('%s seats are free while %s wait', capacity - confirmed, waiting)
		from tallied where capacity > confirmed and waiting > 0`},
	{"one-standing", "Nobody both has a seat and waits for one.", `
		select r.event_id, format('person %s has a seat and waits', r.user_id)
		from registrations r join waitlist_entries w using (event_id, user_id)
		join tallied t on t.id = r.event_id where r.status = 'confirmed'`},
	{"order-of-arrival", "Seats went out in the order of arrival: nobody in line came before somebody with a seat.", `
		select id, format('number %s has a seat while number %s waits', last_confirmed, first_waiting)
		from tallied where last_confirmed > first_waiting`},
	{"numbers-drawn-once", "Every arrival number was drawn once.", `
		select event_id, format('number %s was drawn %s times, the next is %s', position, count(*), t.next_position)
		from (select event_id, position from registrations
		      union all select event_id, position from waitlist_entries) drawn
		join tallied t on t.id = event_id
		group by event_id, position, t.next_position
		having count(*) > 1 or position >= t.next_position`},
	{"cancelled-is-over", "Cancelled events have no attendees and no line.", `
		select id, format('%s have a seat and %s wait at a cancelled event', confirmed, waiting)
		from tallied where status = 'cancelled' and confirmed + waiting > 0`},
}

// tallied counts the rows of the event $1, or of all events when it is null.
const tallied = `
with seats as (
    select event_id, count(*) as confirmed, max(position) as last_confirmed
    from registrations where status = 'confirmed' and ($1::uuid is null or event_id = $1) group by event_id
), line as (
    select event_id, count(*) as waiting, min(position) as first_waiting
    from waitlist_entries where $1::uuid is null or event_id = $1 group by event_id
), tallied as (
    select e.id, e.status, e.capacity, e.seats_remaining, e.next_position, e.waiting as shown_waiting,
           coalesce(s.confirmed, 0) as confirmed, s.last_confirmed,
           coalesce(l.waiting, 0) as waiting, l.first_waiting
    from events e left join seats s on s.event_id = e.id left join line l on l.event_id = e.id
    where $1::uuid is null or e.id = $1
)`

// breachLimit bounds how many breaches of one rule are listed.
const breachLimit = 1000

// CheckEvent checks every rule that must always hold on one event: see
// [CheckAll].
func CheckEvent(ctx context.Context, conn db.Conn, eventID uuid.UUID) ([]Check, error) {
	return check(ctx, conn, uuid.NullUUID{UUID: eventID, Valid: true})
}

// CheckAll checks every rule that must always hold on all events, simulations'
// among them. It reads one moment of the database, in time proportional to all
// registrations, and locks nothing.
func CheckAll(ctx context.Context, conn db.Conn) ([]Check, error) {
	return check(ctx, conn, uuid.NullUUID{})
}

func check(ctx context.Context, conn db.Conn, scope uuid.NullUUID) ([]Check, error) {
	var parts []string
	for i, r := range rules {
		parts = append(parts, fmt.Sprintf("select %d as rule, broken.* from (%s) as broken (event_id, breach)", i, r.query))
	}
	rows, err := conn.Query(ctx, tallied+strings.Join(parts, "\nunion all\n"), scope)
	if err != nil {
		return nil, fmt.Errorf("check the rules: %w", err)
	}

	breaches := make([][]string, len(rules))
	var i int
	var eventID uuid.UUID
	var breach string
	_, err = pgx.ForEachRow(rows, []any{&i, &eventID, &breach}, func() error {
		if len(breaches[i]) < breachLimit {
			breaches[i] = append(breaches[i], fmt.Sprintf("event %s: %s", eventID, breach))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("check the rules: %w", err)
	}

	checks := make([]Check, len(rules))
	for i, r := range rules {
		checks[i] = Check{Name: r.name, OK: len(breaches[i]) == 0, Detail: r.holds, Breaches: breaches[i]}
		if !checks[i].OK {
			checks[i].Detail = breaches[i][0]
		}
	}
	return checks, nil
}

// AllHold tells whether every check is OK.
func AllHold(checks []Check) bool {
	for _, c := range checks {
		if !c.OK {
			return false
		}
	}
	return true
}
