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

// A rule must hold in every event at every moment.
type rule struct {
	name  string
	holds locale.Text
	// breaks are the ways in which it can be broken.
	breaks []breach
}

// A breach is one way to break a rule. Its query finds the events where that
// is so, one row for each registration or waitlist entry that takes part, with
// the figures of what is said of it.
type breach struct {
	says  locale.Text
	query string
}

// rules are checked in one statement, so all of them judge the same moment.
// Each reads what findings has, and other tables only for what it found there.
var rules = []rule{
	{"no-overbooking", locale.Later("Nobody is confirmed beyond the seats there are."), []breach{
		{locale.Later("%s people for %s seats: registration %s is one too many"), `
		select event_id, array[confirmed::text, capacity::text, id::text]
		from (select r.event_id, t.confirmed, t.capacity, r.id, row_number() over (partition by t.id order by r.position) as place
		      from tallied t join registrations r on r.event_id = t.id
		      where t.confirmed > t.capacity and r.status = 'confirmed') held
		where place > capacity`},
		{locale.Later("%s seats are shown as free"), `
		select id, array[seats_remaining::text] from tallied where seats_remaining < 0`},
	}},
	{"seats-add-up", locale.Later("Seats remaining are the capacity less the confirmed."), []breach{
		{locale.Later("%s seats are shown as free, %s are"), `
		select id, array[seats_remaining::text, (capacity - confirmed)::text]
		from tallied where seats_remaining <> capacity - confirmed`},
	}},
	{"line-adds-up", locale.Later("Every line is as long as is shown."), []breach{
		{locale.Later("%s are shown in line, %s are"), `
		select id, array[shown_waiting::text, waiting::text]
		from tallied where shown_waiting <> waiting`},
	}},
	{"no-idle-seat", locale.Later("No seat is free while somebody waits."), []breach{
		{locale.Later("%s seats are free while %s wait: waitlist entry %s is due one"), `
		select event_id, array[free::text, waiting::text, id::text]
		from (select w.event_id, t.capacity - t.confirmed as free, t.waiting, w.id, row_number() over (partition by t.id order by w.position) as place
		      from tallied t join waitlist_entries w on w.event_id = t.id
		      where t.capacity > t.confirmed) line
		where place <= free`},
	}},
	{"one-standing", locale.Later("Nobody has two seats at one event, two places in line, or both a seat and a place."), []breach{
		{locale.Later("person %s has a seat, registration %s, and waits, waitlist entry %s"), `
		select who.event_id, array[who.user_id::text, r.id::text, w.id::text]
		from several as who cross join lateral (` + whoseRegistration + `) as r cross join lateral (` + whoseEntry + `) as w
		where r.status = 'confirmed'`},
		{locale.Later("person %s has %s registrations, one of them %s"), `
		select event_id, array[user_id::text, times::text, id::text]
		from (select who.event_id, who.user_id, r.id, count(*) over (partition by who.event_id, who.user_id) as times
		      from several as who cross join lateral (` + whoseRegistration + `) as r) held
		where times > 1`},
		{locale.Later("person %s has %s places in line, one of them waitlist entry %s"), `
		select event_id, array[user_id::text, times::text, id::text]
		from (select who.event_id, who.user_id, w.id, count(*) over (partition by who.event_id, who.user_id) as times
		      from several as who cross join lateral (` + whoseEntry + `) as w) held
		where times > 1`},
	}},
	{"order-of-arrival", locale.Later("Seats went out in the order of arrival: nobody in line came before somebody with a seat."), []breach{
		{locale.Later("registration %s has a seat with number %s while number %s waits"), `
		select r.event_id, array[r.id::text, r.position::text, t.first_waiting::text]
		from tallied t join registrations r on r.event_id = t.id
		where t.last_confirmed > t.first_waiting and r.status = 'confirmed' and r.position > t.first_waiting`},
		{locale.Later("waitlist entry %s waits with number %s while number %s has a seat"), `
		select w.event_id, array[w.id::text, w.position::text, t.last_confirmed::text]
		from tallied t join waitlist_entries w on w.event_id = t.id
		where t.last_confirmed > t.first_waiting and w.position < t.last_confirmed`},
	}},
	{"numbers-drawn-once", locale.Later("Every arrival number was drawn once."), []breach{
		{locale.Later("number %s was drawn %s times, once for registration %s"), `
		select event_id, array[position::text, times::text, r.id::text]
		from repeated join registrations r using (event_id, position)`},
		{locale.Later("number %s was drawn %s times, once for waitlist entry %s"), `
		select event_id, array[position::text, times::text, w.id::text]
		from repeated join waitlist_entries w using (event_id, position)`},
		{locale.Later("registration %s has number %s, and the next to be drawn is %s"), `
		select r.event_id, array[r.id::text, r.position::text, t.next_position::text]
		from tallied t join registrations r on r.event_id = t.id
		where t.last_registered >= t.next_position and r.position >= t.next_position`},
		{locale.Later("waitlist entry %s has number %s, and the next to be drawn is %s"), `
		select w.event_id, array[w.id::text, w.position::text, t.next_position::text]
		from tallied t join waitlist_entries w on w.event_id = t.id
		where t.last_waiting >= t.next_position and w.position >= t.next_position`},
	}},
	{"cancelled-is-over", locale.Later("Cancelled events have no attendees and no line."), []breach{
		{locale.Later("registration %s is confirmed at a cancelled event"), `
		select r.event_id, array[r.id::text]
		from tallied t join registrations r on r.event_id = t.id
		where t.status = 'cancelled' and t.confirmed > 0 and r.status = 'confirmed'`},
		{locale.Later("waitlist entry %s waits at a cancelled event"), `
		select w.event_id, array[w.id::text]
		from tallied t join waitlist_entries w on w.event_id = t.id
		where t.status = 'cancelled' and t.waiting > 0`},
	}},
	{"references-exist", locale.Later("Every seat and every place in line belongs to an event and to a person."), []breach{
		{locale.Later("registration %s is at an event that does not exist"), `
		select event_id, array[r.id::text] from lost join registrations r using (event_id)`},
		{locale.Later("waitlist entry %s is at an event that does not exist"), `
		select event_id, array[w.id::text] from lost join waitlist_entries w using (event_id)`},
		{locale.Later("registration %s is of person %s, who does not exist"), `
		select event_id, array[id::text, user_id::text] from strangers where not waits`},
		{locale.Later("waitlist entry %s is of person %s, who does not exist"), `
		select event_id, array[id::text, user_id::text] from strangers where waits`},
	}},
}

// findings read the rows of what is in scope for all rules:
//
//   - tallied has an event's own counters beside what its rows add up to,
//   - lost has the events that rows refer to and that do not exist,
//   - several has who has more than one row at an event, which they may: a seat
//     that they gave up and a place in line,
//   - repeated has the numbers that were drawn more than once,
//   - strangers has the rows of people who do not exist.
//
// Where nothing is broken they leave next to nothing to join with, and the
// rules' own queries end before they read the rows again. Rolled is written
// out each time, which costs less than to keep a copy of all rows. Who has
// several rows is looked up person by person, however many they are thought to
// be: as a plain join, everyone with a seat at an event may be compared with
// everyone in its line before it is asked which of them are the same. In_scope
// stands for what oneEvent or allEvents make of it.
const findings = `
with seats as (
    select event_id, count(*) filter (where status = 'confirmed') as confirmed,
           max(position) filter (where status = 'confirmed') as last_confirmed, max(position) as last_registered
    from registrations where in_scope(event_id) group by event_id
), line as (
    select event_id, count(*) as waiting, min(position) as first_waiting, max(position) as last_waiting
    from waitlist_entries where in_scope(event_id) group by event_id
), tallied as materialized (
    select e.id, e.status, e.capacity, e.seats_remaining, e.next_position, e.waiting as shown_waiting,
           coalesce(s.confirmed, 0) as confirmed, s.last_confirmed, s.last_registered,
           coalesce(l.waiting, 0) as waiting, l.first_waiting, l.last_waiting
    from events e left join seats s on s.event_id = e.id left join line l on l.event_id = e.id
    where in_scope(e.id)
), lost as materialized (
    select event_id from (select event_id from seats union select event_id from line) as held
    where not exists (select from events e where e.id = event_id)
), rolled as not materialized (
    select event_id, user_id, position, id, false as waits from registrations where in_scope(event_id)
    union all
    select event_id, user_id, position, id, true from waitlist_entries where in_scope(event_id)
), several as materialized (
    select event_id, user_id from rolled group by event_id, user_id having count(*) > 1
), repeated as materialized (
    select event_id, position, count(*) as times from rolled group by event_id, position having count(*) > 1
), strangers as materialized (
    select event_id, user_id, id, waits from rolled where not exists (select from users u where u.id = user_id)
)
`

// The scope is written into the statement: a plan for one event or all alike
// would read all events for one.
var (
	oneEvent  = strings.NewReplacer("in_scope(event_id)", "event_id = $1", "in_scope(e.id)", "e.id = $1")
	allEvents = strings.NewReplacer("in_scope(event_id)", "true", "in_scope(e.id)", "true")
)

// breachLimit bounds how many breaches of one rule a server keeps.
const breachLimit = 1000

// CheckEvent checks every rule that must always hold on one event: see
// [CheckAll].
func CheckEvent(ctx context.Context, conn db.Conn, eventID uuid.UUID) ([]Check, error) {
	return check(ctx, conn, breachLimit, oneEvent, eventID)
}

// CheckAll checks every rule that must always hold on all events, simulations'
// among them. It reads one moment of the database, in time proportional to all
// registrations, and locks nothing. It names a thousand breaches of each rule
// at most.
func CheckAll(ctx context.Context, conn db.Conn) ([]Check, error) {
	return check(ctx, conn, breachLimit, allEvents)
}

// Verify is [CheckAll] that names every breach, which may take as much memory
// as there are registrations.
func Verify(ctx context.Context, conn db.Conn) ([]Check, error) {
	return check(ctx, conn, math.MaxInt, allEvents)
}

// check names limit breaches of each rule at most. The arguments are the
// scope's.
func check(ctx context.Context, conn db.Conn, limit int, scope *strings.Replacer, args ...any) ([]Check, error) {
	rows, err := conn.Query(ctx, checkIn(scope), args...)
	if err != nil {
		return nil, fmt.Errorf("check the rules: %w", err)
	}

	breaches := make([][]locale.Text, len(rules))
	var i, j int
	var eventID uuid.UUID
	var figures []any
	_, err = pgx.ForEachRow(rows, []any{&i, &j, &eventID, &figures}, func() error {
		if len(breaches[i]) < limit {
			breaches[i] = append(breaches[i], locale.Later("event %s: %s", eventID.String(), rules[i].breaks[j].says.With(figures...)))
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

// checkIn is the statement that finds every breach in a scope, with the numbers
// of its rule and of the way in which it is broken.
func checkIn(scope *strings.Replacer) string {
	var parts []string
	for i, r := range rules {
		for j, b := range r.breaks {
			parts = append(parts, fmt.Sprintf("select %d as rule, %d as way, broken.* from (%s) as broken (event_id, figures)", i, j, b.query))
		}
	}
	return scope.Replace(findings) + strings.Join(parts, "\nunion all\n")
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
