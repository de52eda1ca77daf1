package booking

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/db"
	"rowlock/locale"
)

// A rule must hold in every event at every moment. Its query finds, among the
// tallied events, those that break it, with what breach says of them.
type rule struct {
	name   string
	holds  locale.Text
	breach locale.Text
	query  string
}

// rules are checked in one statement, so all of them judge the same moment.
// Each reads "tallied": an event's own counters beside what its rows add up to.
var rules = []rule{
	{
		"no-overbooking", locale.Later("Nobody is confirmed beyond the seats there are."), locale.Later("%s people for %s seats"), `
		select id, array[confirmed, capacity]::text[]
		from tallied where confirmed > capacity or seats_remaining < 0`,
	},
	{
		"seats-add-up", locale.Later("Seats remaining are the capacity less the confirmed."), locale.Later("%s seats are shown as free, %s are"), `
		select id, array[seats_remaining, capacity - confirmed]::text[]
		from tallied where seats_remaining <> capacity - confirmed`,
	},
	{
		"line-adds-up", locale.Later("Every line is as long as is shown."), locale.Later("%s are shown in line, %s are"), `
		select id, array[shown_waiting, waiting]::text[]
		from tallied where shown_waiting <> waiting`,
	},
	{
		"no-idle-seat", locale.Later("No seat is free while somebody waits."), locale.Later("%s seats are free while %s wait"), `
		select id, array[capacity - confirmed, waiting]::text[]
		from tallied where capacity > confirmed and waiting > 0`,
	},
	{
		"one-standing", locale.Later("Nobody both has a seat and waits for one."), locale.Later("person %s has a seat and waits"), `
		select r.event_id, array[r.user_id]::text[]
		from registrations r join waitlist_entries w using (event_id, user_id)
		join tallied t on t.id = r.event_id where r.status = 'confirmed'`,
	},
	{
		"order-of-arrival", locale.Later("Seats went out in the order of arrival: nobody in line came before somebody with a seat."), locale.Later("number %s has a seat while number %s waits"), `
		select id, array[last_confirmed, first_waiting]::text[]
		from tallied where last_confirmed > first_waiting`,
	},
	{
		"numbers-drawn-once", locale.Later("Every arrival number was drawn once."), locale.Later("number %s was drawn %s times, the next is %s"), `
		select event_id, array[position, count(*), t.next_position]::text[]
		from (select event_id, position from registrations
		      union all select event_id, position from waitlist_entries) drawn
		join tallied t on t.id = event_id
		group by event_id, position, t.next_position
		having count(*) > 1 or position >= t.next_position`,
	},
	{
		"cancelled-is-over", locale.Later("Cancelled events have no attendees and no line."), locale.Later("%s have a seat and %s wait at a cancelled event"), `
		select id, array[confirmed, waiting]::text[]
		from tallied where status = 'cancelled' and confirmed + waiting > 0`,
	},
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

// breachLimit bounds how many breaches of one rule a server keeps.
const breachLimit = 1000

// CheckEvent checks every rule that must always hold on one event: see
// [CheckAll].
func CheckEvent(ctx context.Context, conn db.Conn, eventID uuid.UUID) ([]Check, error) {
	return check(ctx, conn, uuid.NullUUID{UUID: eventID, Valid: true}, breachLimit)
}

// CheckAll checks every rule that must always hold on all events, simulations'
// among them. It reads one moment of the database, in time proportional to all
// registrations, and locks nothing. It names a thousand breaches of each rule
// at most.
func CheckAll(ctx context.Context, conn db.Conn) ([]Check, error) {
	return check(ctx, conn, uuid.NullUUID{}, breachLimit)
}

// Verify is [CheckAll] that names every breach, which may take as much memory
// as there are registrations.
func Verify(ctx context.Context, conn db.Conn) ([]Check, error) {
	return check(ctx, conn, uuid.NullUUID{}, math.MaxInt)
}

// check names limit breaches of each rule at most.
func check(ctx context.Context, conn db.Conn, scope uuid.NullUUID, limit int) ([]Check, error) {
	var parts []string
	for i, r := range rules {
		parts = append(parts, fmt.Sprintf("select %d as rule, broken.* from (%s) as broken (event_id, figures)", i, r.query))
	}
	rows, err := conn.Query(ctx, tallied+strings.Join(parts, "\nunion all\n"), scope)
	if err != nil {
		return nil, fmt.Errorf("check the rules: %w", err)
	}

	breaches := make([][]locale.Text, len(rules))
	var i int
	var eventID uuid.UUID
	var figures []any
	_, err = pgx.ForEachRow(rows, []any{&i, &eventID, &figures}, func() error {
		if len(breaches[i]) < limit {
			breaches[i] = append(breaches[i], locale.Later("event %s: %s", eventID.String(), rules[i].breach.With(figures...)))
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
