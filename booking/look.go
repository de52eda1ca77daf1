package booking

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/db"
	"rowlock/event"
)

// A View is an event with the standings of some people at it, all as they were
// at one moment.
type View struct {
	Event event.Event
	// Mine has an entry for everyone who was asked for.
	Mine map[uuid.UUID]Mine
}

// Look reads events, each with the standings of the people that it is mapped
// to, in two queries for all of them. A place costs no more than the part of
// the line that is before it, once per event. Events that do not exist, and
// the private copies of simulations, are left out.
func Look(ctx context.Context, conn db.Conn, asked map[uuid.UUID][]uuid.UUID) (map[uuid.UUID]View, error) {
	views := make(map[uuid.UUID]View, len(asked))
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// Else somebody could be seen promoted to a seat that the event, read
		// a moment before, does not have.
		if _, err := tx.Exec(ctx, `set transaction isolation level repeatable read, read only`); err != nil {
			return err
		}
		events, people, err := lookAtEvents(ctx, tx, asked, views)
		if err != nil || len(people) == 0 {
			return err
		}
		return lookAtPeople(ctx, tx, events, people, views)
	})
	if err != nil {
		return nil, fmt.Errorf("look at %d events: %w", len(asked), err)
	}
	return views, nil
}

// lookAtEvents reads the events and lists the people to look up, with the
// event of each.
func lookAtEvents(ctx context.Context, tx pgx.Tx, asked map[uuid.UUID][]uuid.UUID, views map[uuid.UUID]View) (events, people []uuid.UUID, err error) {
	ids := make([]uuid.UUID, 0, len(asked))
	for id := range asked {
		ids = append(ids, id)
	}
	rows, err := tx.Query(ctx, `
		select `+event.Columns+` from events e join users o on o.id = e.organizer_id
		where e.id = any($1) and e.simulation_id is null`, ids)
	if err != nil {
		return nil, nil, err
	}
	var e event.Event
	_, err = pgx.ForEachRow(rows, e.Fields(), func() error {
		views[e.ID] = View{Event: e, Mine: make(map[uuid.UUID]Mine, len(asked[e.ID]))}
		for _, id := range asked[e.ID] {
			events, people = append(events, e.ID), append(people, id)
		}
		return nil
	})
	return events, people, err
}

// standings reads how the people $2 stand to the events $1, pair by pair. Of
// each line it reads, once, the part up to the last of them. A place is how far
// down that sorted part one's own number is found.
const standings = `
	with mine as materialized (
	    select who.event_id, who.user_id,
	           r.id, r.status, r.ticket_code, r.promoted, r.booked_at, r.cancelled_at, w.joined_at, w.position
	    from (select distinct * from unnest($1::uuid[], $2::uuid[]) as a (event_id, user_id)) as who
	    left join lateral (` + whoseRegistration + `) as r on true
	    left join lateral (` + whoseEntry + `) as w on true
	), line as (
	    select last.event_id, array(
	        select w.position from waitlist_entries w
	        where w.event_id = last.event_id and w.position <= last.position order by w.position) as numbers
	    from (select event_id, max(position) as position from mine where position is not null group by event_id) as last
	)
	select m.event_id, m.user_id, m.id, m.status, m.ticket_code, m.promoted, m.booked_at, m.cancelled_at,
	       m.joined_at, width_bucket(m.position, l.numbers)
	from mine m left join line l on l.event_id = m.event_id and m.position is not null`

func lookAtPeople(ctx context.Context, tx pgx.Tx, events, people []uuid.UUID, views map[uuid.UUID]View) error {
	rows, err := tx.Query(ctx, standings, events, people)
	if err != nil {
		return err
	}
	var eventID, userID uuid.UUID
	var m mineRow
	_, err = pgx.ForEachRow(rows, append([]any{&eventID, &userID}, m.fields()...), func() error {
		views[eventID].Mine[userID] = m.mine()
		return nil
	})
	return err
}
