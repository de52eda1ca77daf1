package simulation

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/booking"
	"rowlock/locale"
)

// check returns the verdicts on the event that was booked, and those that only
// somebody who knows all answers can give.
func (u *run) check(ctx context.Context) ([]booking.Check, error) {
	checks, err := booking.CheckEvent(ctx, u.pool, u.eventID)
	if err != nil {
		return nil, fmt.Errorf("check event %s: %w", u.eventID, err)
	}
	kept, err := u.readKept(ctx)
	if err != nil {
		return nil, err
	}
	checks = append(checks, u.crowd.checkKept(kept))
	if u.rehearsal {
		checks = append(checks, u.crowd.checkOrder())
	}
	return checks, nil
}

// A place is what the database has for one of the crowd.
type place struct {
	outcome  outcome
	position int32
	promoted bool
}

// readKept reads what the whole crowd has, whatever they were told.
func (u *run) readKept(ctx context.Context) (map[uuid.UUID]place, error) {
	rows, err := u.pool.Query(ctx, `
		select user_id, true, position, promoted from registrations
		where simulation_id = $1 and event_id = $2 and status = 'confirmed'
		union all
		select user_id, false, position, false from waitlist_entries
		where simulation_id = $1 and event_id = $2`, u.id, u.eventID)
	if err != nil {
		return nil, fmt.Errorf("read what the crowd has: %w", err)
	}
	kept := make(map[uuid.UUID]place, len(u.crowd.people))
	var person uuid.UUID
	var seat bool
	var p place
	_, err = pgx.ForEachRow(rows, []any{&person, &seat, &p.position, &p.promoted}, func() error {
		p.outcome = waitlisted
		if seat {
			p.outcome = registered
		}
		kept[person] = p
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what the crowd has: %w", err)
	}
	return kept, nil
}

// checkKept holds every answer against the database. Somebody who was told to
// wait may have been promoted since, when real people gave up their seats.
func (c *crowd) checkKept(kept map[uuid.UUID]place) booking.Check {
	answers, lost := 0, 0
	for i, told := range c.outcomes {
		if told != registered && told != waitlisted {
			continue
		}
		answers++
		has, ok := kept[c.people[i]]
		same := has.outcome == told || told == waitlisted && has.promoted
		if !ok || !same || has.position != c.positions[i] {
			lost++
		}
	}
	check := booking.Check{Name: "answers-kept", OK: lost == 0}
	switch {
	case lost > 0:
		check.Detail = locale.Later("%s of %s answers are not in the database as they were given.", lost, answers)
	case answers == 1:
		check.Detail = locale.Later("The one answer that was given is in the database.")
	default:
		check.Detail = locale.Later("All %s answers that were given are in the database.", answers)
	}
	return check
}

// checkOrder looks for somebody who was sent to the line although they arrived
// before somebody who got a seat.
func (c *crowd) checkOrder() booking.Check {
	var lastSeat, firstInLine int32
	for i, told := range c.outcomes {
		at := c.positions[i]
		switch told {
		case registered:
			lastSeat = max(lastSeat, at)
		case waitlisted:
			if firstInLine == 0 || at < firstInLine {
				firstInLine = at
			}
		}
	}
	check := booking.Check{Name: "answers-in-order", OK: true}
	switch {
	case firstInLine == 0:
		check.Detail = locale.Later("Nobody was sent to the line.")
	case lastSeat < firstInLine:
		check.Detail = locale.Later("Everyone who got a seat arrived before everyone who was sent to the line.")
	default:
		check.OK = false
		check.Detail = locale.Later("Number %s was sent to the line, and number %s got a seat.", int(firstInLine), int(lastSeat))
	}
	return check
}
