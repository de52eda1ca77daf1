package booking

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/db"
)

// RemoveSimulation takes a simulation's made-up people off an event and
// returns how many real people got the seats that came free: the line moves up
// as it would after so many cancellations. Doing it again changes nothing. It
// fails with [ErrNoEvent].
//
// It is one transaction under the event's row lock: bookings of the event wait
// for a second or two when there are many to remove.
func RemoveSimulation(ctx context.Context, conn db.Conn, eventID, simulationID, actorID uuid.UUID) (promoted int, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		s, err := lockWithout(ctx, tx, eventID, simulationID)
		if err != nil || s == nil {
			return err
		}
		if free := s.event.SeatsRemaining; free > 0 && s.event.Waiting > 0 {
			if err := s.readLine(ctx, tx, free); err != nil {
				return err
			}
		}
		if promoted = s.promote(actorID); len(s.log) > 0 {
			return s.write(ctx, tx)
		}
		// Nobody real moved, so there is nothing to log.
		free := s.updateEvent()
		if _, err := tx.Exec(ctx, free.SQL, free.Args...); err != nil {
			return fmt.Errorf("write the event: %w", err)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("remove simulation %s from event %s: %w", simulationID, eventID, err)
	}
	return promoted, nil
}

// lockWithout locks the event and deletes the simulation's rows at it. The
// sheet counts what they took as free; there is none when there were no rows.
func lockWithout(ctx context.Context, tx pgx.Tx, eventID, simulationID uuid.UUID) (*sheet, error) {
	s := newSheet(eventID)
	var err error
	if s.event, err = scanSeats(tx.QueryRow(ctx, lockEvent, eventID)); err != nil {
		return nil, err
	}
	var seats, places int
	err = tx.QueryRow(ctx, `
		with gone as (
		    delete from registrations where simulation_id = $2 and event_id = $1 returning status
		)
		select count(*) filter (where status = 'confirmed') from gone`, eventID, simulationID).Scan(&seats)
	if err != nil {
		return nil, fmt.Errorf("delete the seats: %w", err)
	}
	err = tx.QueryRow(ctx, `
		with gone as (
		    delete from waitlist_entries where simulation_id = $2 and event_id = $1 returning id
		)
		select count(*) from gone`, eventID, simulationID).Scan(&places)
	if err != nil {
		return nil, fmt.Errorf("delete the places in line: %w", err)
	}
	if seats+places == 0 {
		return nil, nil
	}
	s.event.SeatsRemaining += seats
	s.event.Waiting -= places
	return s, nil
}
