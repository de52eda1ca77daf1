package booking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/db"
	"rowlock/event"
)

// mineColumns reads the standing of the person $1 at the event e, from
// mineJoins. A place is counted only for somebody who waits.
const mineColumns = `
	r.id, r.status, r.ticket_code, r.promoted, r.booked_at, r.cancelled_at, w.joined_at,
	case when w.id is not null then (
	    select count(*) from waitlist_entries ahead
	    where ahead.event_id = e.id and ahead.position <= w.position) end`

const mineJoins = `
	left join registrations r on r.user_id = $1 and r.event_id = e.id
	left join waitlist_entries w on w.user_id = $1 and w.event_id = e.id`

// mineRow is where mineColumns are scanned into.
type mineRow struct {
	id                    uuid.NullUUID
	status                *Standing
	code                  *string
	promoted              *bool
	booked, cancelled, in *time.Time
	place                 *int
}

func (m *mineRow) fields() []any {
	return []any{&m.id, &m.status, &m.code, &m.promoted, &m.booked, &m.cancelled, &m.in, &m.place}
}

// mine tells a person's standing: who waits again after a cancelled seat is
// waitlisted, not cancelled.
func (m *mineRow) mine() Mine {
	switch {
	case m.place != nil:
		return Mine{Standing: Waitlisted, RegistrationID: m.id.UUID, Place: *m.place, Since: *m.in}
	case m.status == nil:
		return Mine{Standing: None}
	case *m.status == Cancelled:
		return Mine{Standing: Cancelled, RegistrationID: m.id.UUID, Since: *m.cancelled}
	}
	return Mine{Standing: Confirmed, RegistrationID: m.id.UUID, TicketCode: *m.code, Promoted: *m.promoted, Since: *m.booked}
}

// Find reads an event, whatever its status, with the standing of one person,
// who may be uuid.Nil, in one query. It fails with [ErrNoEvent]; the private
// copies of simulations do not exist for it.
func Find(ctx context.Context, conn db.Conn, eventID, userID uuid.UUID) (event.Event, Mine, error) {
	var e event.Event
	var m mineRow
	err := conn.QueryRow(ctx, `
		select `+event.Columns+`, `+mineColumns+`
		from events e join users o on o.id = e.organizer_id `+mineJoins+`
		where e.id = $2 and e.simulation_id is null`, userID, eventID).
		Scan(append(e.Fields(), m.fields()...)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return event.Event{}, Mine{}, ErrNoEvent
	}
	if err != nil {
		return event.Event{}, Mine{}, fmt.Errorf("read event %s: %w", eventID, err)
	}
	return e, m.mine(), nil
}

// HeldBy lists every event at which the person has or had a seat or waits: what
// is to come first, the nearest on top, then what is over, the latest on top.
func HeldBy(ctx context.Context, conn db.Conn, userID uuid.UUID) ([]Held, error) {
	rows, err := conn.Query(ctx, `
		select `+event.Columns+`, `+mineColumns+`
		from events e join users o on o.id = e.organizer_id `+mineJoins+`
		where e.simulation_id is null and e.id in (
		    select event_id from registrations where user_id = $1
		    union select event_id from waitlist_entries where user_id = $1)
		order by e.ends_at < now(), abs(extract(epoch from e.starts_at - now())), e.id`, userID)
	if err != nil {
		return nil, fmt.Errorf("list the bookings of %s: %w", userID, err)
	}
	held, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Held, error) {
		var h Held
		var m mineRow
		err := row.Scan(append(h.Event.Fields(), m.fields()...)...)
		if err == nil {
			h.Mine = m.mine()
		}
		return h, err
	})
	if err != nil {
		return nil, fmt.Errorf("list the bookings of %s: %w", userID, err)
	}
	return held, nil
}

// AttendeesPerPage is how many attendees a page lists.
const AttendeesPerPage = 50

// An AttendeeFilter narrows an organizer's list.
type AttendeeFilter struct {
	// Query is looked for in names and email addresses, whatever the case and
	// accents.
	Query string
	// Standing, where set, is Confirmed, Waitlisted or Cancelled.
	Standing Standing
	// Page counts from 1; 0 lists everyone.
	Page int
}

// Attendees lists who has a seat, then who waits, in the order of arrival,
// then who cancelled; and how many match in all. Made-up people are left out.
func Attendees(ctx context.Context, conn db.Conn, eventID uuid.UUID, f AttendeeFilter) ([]Attendee, int, error) {
	var limit *int
	offset := 0
	if f.Page > 0 {
		perPage := AttendeesPerPage
		limit, offset = &perPage, (f.Page-1)*perPage
	}
	rows, err := conn.Query(ctx, `
		with attendees as (
		    select user_id, status, position, id as registration_id, ticket_code, promoted,
		           coalesce(cancelled_at, booked_at) as since, checked_in_at, 0 as place
		    from registrations where event_id = $1 and simulation_id is null
		    and not exists (select from waitlist_entries w where w.user_id = registrations.user_id and w.event_id = $1)
		    union all
		    select user_id, 'waitlisted', position, null, '', false,
		           joined_at, null, row_number() over (order by position)
		    from waitlist_entries where event_id = $1
		)
		select u.id, u.name, u.email, a.status, a.registration_id, a.ticket_code, a.promoted, a.since, a.checked_in_at,
		       a.place, count(*) over ()
		from attendees a join users u on u.id = a.user_id
		where u.simulation_id is null
		  and ($2 = '' or a.status = $2)
		  and ($3 = '' or u.name ~ $3 or u.email ~ $3)
		order by array_position(array['confirmed', 'waitlisted', 'cancelled'], a.status), a.position
		limit $4 offset $5`, eventID, f.Standing, db.Pattern(f.Query), limit, offset)
	if err != nil {
		return nil, 0, fmt.Errorf("list the attendees of event %s: %w", eventID, err)
	}
	total := 0
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Attendee, error) {
		var a Attendee
		var registrationID uuid.NullUUID
		err := row.Scan(&a.UserID, &a.Name, &a.Email, &a.Standing, &registrationID, &a.TicketCode, &a.Promoted, &a.Since,
			&a.CheckedInAt, &a.Place, &total)
		a.RegistrationID = registrationID.UUID
		return a, err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list the attendees of event %s: %w", eventID, err)
	}
	return list, total, nil
}

// NumbersOf sums up an event; days are those of zone. Made-up people are left
// out.
func NumbersOf(ctx context.Context, conn db.Conn, eventID uuid.UUID, zone *time.Location) (Numbers, error) {
	var n Numbers
	err := conn.QueryRow(ctx, `
		select count(*) filter (where status = 'confirmed'), count(*) filter (where status = 'cancelled'),
		       count(*) filter (where status = 'confirmed' and promoted),
		       (select count(*) from waitlist_entries where event_id = $1 and simulation_id is null)
		from registrations where event_id = $1 and simulation_id is null`, eventID).
		Scan(&n.Confirmed, &n.Cancelled, &n.Promoted, &n.Waiting)
	if err != nil {
		return Numbers{}, fmt.Errorf("sum up event %s: %w", eventID, err)
	}

	rows, err := conn.Query(ctx, `
		with bookings as (
		    select (booked_at at time zone $2)::date as day, count(*) as bookings
		    from registrations where event_id = $1 and simulation_id is null group by 1)
		select day::timestamp, coalesce(bookings, 0)
		from generate_series((select min(day) from bookings), (select max(day) from bookings), interval '1 day') as day
		left join bookings using (day)
		order by day`, eventID, zone.String())
	if err != nil {
		return Numbers{}, fmt.Errorf("count the bookings of event %s by day: %w", eventID, err)
	}
	n.PerDay, err = pgx.CollectRows(rows, pgx.RowToStructByPos[DayCount])
	if err != nil {
		return Numbers{}, fmt.Errorf("count the bookings of event %s by day: %w", eventID, err)
	}
	return n, nil
}
