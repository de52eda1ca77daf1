package simulation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/audit"
	"rowlock/booking"
)

const (
	// peoplePerDelete bounds one statement: every person that goes is looked
	// for in the tables that might still name them.
	peoplePerDelete = 10_000
	// undoTimeout bounds an undo as a whole.
	undoTimeout = 5 * time.Minute
)

// Undo removes all that a simulation left but the record of its results: its
// people, their seats and places in line, what the log says of them, and the
// rehearsal. Seats of the event itself go back, to the real people in line
// first. It is refused with [ErrNotFound], [ErrNotFinished] and
// [ErrNothingToUndo].
//
// Once begun it is carried through, even when ctx is cancelled. One that broke
// off, with its program, can be repeated.
func (r *Runner) Undo(ctx context.Context, id, actorID uuid.UUID) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()

	s, err := ByID(ctx, r.pool, id)
	switch {
	case err != nil:
		return err
	case s.State == Running:
		return ErrNotFinished
	case s.UndoneAt != nil:
		return ErrNothingToUndo
	}
	// The seats go first, in a transaction with a log line of its own: people
	// who book the event at this moment wait for that, and not for all the rest.
	err = booking.RemoveSimulation(ctx, r.pool, s.booked(), id, actorID)
	if err != nil && !errors.Is(err, booking.ErrNoEvent) {
		return fmt.Errorf("undo simulation %s: %w", id, err)
	}
	err = pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		if err := markUndone(ctx, tx, id); err != nil {
			return err
		}
		if err := deleteTraces(ctx, tx, id); err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{
			Actor: actorID, Action: audit.SimulationUndone, Entity: audit.Simulation, EntityID: id, Event: s.EventID,
			Detail: map[string]any{"users": s.Users, "target": s.Target},
		})
	})
	if err != nil {
		return fmt.Errorf("undo simulation %s: %w", id, err)
	}
	return nil
}

// booked is the event that the simulation booked.
func (s Simulation) booked() uuid.UUID {
	if s.RehearsalID.Valid {
		return s.RehearsalID.UUID
	}
	return s.EventID
}

// markUndone also keeps a run that was taken for dead, should it wake up, from
// calling itself done. Of two who undo at once, the second has nothing to do.
func markUndone(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	tag, err := tx.Exec(ctx, `
		update simulations
		set undone_at = now(),
		    failure = case when state = 'running' then $2 else failure end,
		    finished_at = coalesce(finished_at, now()),
		    state = case when state = 'running' then 'failed' else state end
		where id = (select id from simulations where id = $1 and undone_at is null for update skip locked)`, id, killed)
	if err != nil {
		return fmt.Errorf("mark the simulation as undone: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNothingToUndo
	}
	return nil
}

func deleteTraces(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	if _, err := tx.Exec(ctx, `delete from audit_log where simulation_id = $1`, id); err != nil {
		return fmt.Errorf("delete the log of the people: %w", err)
	}
	if _, err := tx.Exec(ctx, `delete from events where simulation_id = $1`, id); err != nil {
		return fmt.Errorf("delete the rehearsal: %w", err)
	}
	for {
		tag, err := tx.Exec(ctx, `
			delete from users where id = any(array(select id from users where simulation_id = $1 limit $2))`, id, peoplePerDelete)
		if err != nil {
			return fmt.Errorf("delete the people: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return nil
		}
	}
}
