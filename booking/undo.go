package booking

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/audit"
	"rowlock/db"
)

// RemoveSimulation takes a simulation's made-up people off an event. The seats
// that come free go to real people in line, as they would after so many
// cancellations, and the log says in the same transaction how many came free
// and how many real people got one. Doing it again changes nothing. It fails
// with [ErrNoEvent].
//
// It is one transaction under the event's row lock: bookings of the event wait
// for a second or two when there are many to remove.
func RemoveSimulation(ctx context.Context, conn db.Conn, eventID, simulationID, actorID uuid.UUID) error {
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		s := newSheet(eventID, 1)
		seats, places, err := s.lockWithout(ctx, tx, simulationID)
		if err != nil || seats+places == 0 {
			return err
		}
		if free := s.event.SeatsRemaining; free > 0 && s.event.Waiting > 0 {
			if err := s.readLine(ctx, tx, free); err != nil {
				return err
			}
		}
		promoted := s.promote(actorID)
		s.note(audit.Entry{
			Actor: actorID, Action: audit.SimulationRemoved, Entity: audit.Simulation, EntityID: simulationID,
			Detail: map[string]any{"freed": seats, "promoted": promoted},
		})
		return s.write(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("remove simulation %s from event %s: %w", simulationID, eventID, err)
	}
	return nil
}

// lockWithout locks the event, deletes the simulation's rows at it, and
// returns how many seats and places in line they held. The sheet counts them
// as free.
func (s *sheet) lockWithout(ctx context.Context, tx pgx.Tx, simulationID uuid.UUID) (seats, places int, err error) {
	if s.event, err = scanSeats(tx.QueryRow(ctx, lockEvent, s.eventID)); err != nil {
		return 0, 0, err
	}
	err = tx.QueryRow(ctx, `
		with gone as (
		    delete from registrations where simulation_id = $2 and event_id = $1 returning status
		)
		select count(*) filter (where status = 'confirmed') from gone`, s.eventID, simulationID).Scan(&seats)
	if err != nil {
		return 0, 0, fmt.Errorf("delete the seats: %w", err)
	}
	tag, err := tx.Exec(ctx, `delete from waitlist_entries where simulation_id = $2 and event_id = $1`, s.eventID, simulationID)
	if err != nil {
		return 0, 0, fmt.Errorf("delete the places in line: %w", err)
	}
	places = int(tag.RowsAffected())
	s.event.SeatsRemaining += seats
	s.event.Waiting -= places
	return seats, places, nil
}
