package simulation

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/audit"
)

// Stop asks a running simulation to end, on whatever instance it runs. From a
// moment later on nobody of its crowd asks any more, and those who wait for a
// strategy that may keep them for long give up; whoever asked the desk is
// answered, which takes a few seconds in the largest of crowds. The run is then
// written down as failed, with the tally and the checks of what was done. It is
// refused with [ErrNotFound] and [ErrNotRunning].
func (r *Runner) Stop(ctx context.Context, id, actorID uuid.UUID) error {
	s, err := ByID(ctx, r.pool, id)
	switch {
	case err != nil:
		return err
	case s.State != Running:
		return ErrNotRunning
	}
	err = pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error { return stopRuns(ctx, tx, `id = $2`, id, actorID) })
	if err != nil {
		return fmt.Errorf("stop simulation %s: %w", id, err)
	}
	return nil
}

// StopComparison asks a running comparison to end, like [Runner.Stop] the run
// that is under way: no further one begins. It is refused with
// [ErrNoComparison] and [ErrNotRunning].
func (r *Runner) StopComparison(ctx context.Context, id, actorID uuid.UUID) error {
	c, err := ComparisonByID(ctx, r.pool, id)
	switch {
	case err != nil:
		return err
	case c.State != Running:
		return ErrNotRunning
	}
	err = pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		if err := waitForStarts(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update comparisons set stopped_by = $1 where id = $2 and state = 'running'`, actorID, id); err != nil {
			return fmt.Errorf("mark the comparison: %w", err)
		}
		return stopRuns(ctx, tx, `comparison_id = $2`, id, actorID)
	})
	if err != nil {
		return fmt.Errorf("stop comparison %s: %w", id, err)
	}
	return nil
}

// stopRuns marks and logs those of the runs that still go on and that nobody
// stopped before.
func stopRuns(ctx context.Context, tx pgx.Tx, which string, id, actorID uuid.UUID) error {
	rows, err := tx.Query(ctx, `
		update simulations set stopped_by = $1
		where `+which+` and state = 'running' and stopped_by is null returning id, event_id, users, answered`, actorID, id)
	if err != nil {
		return fmt.Errorf("mark the run: %w", err)
	}
	var entries []audit.Entry
	var runID, eventID uuid.UUID
	var users, answered int
	_, err = pgx.ForEachRow(rows, []any{&runID, &eventID, &users, &answered}, func() error {
		entries = append(entries, audit.Entry{
			Actor: actorID, Action: audit.SimulationStopped, Entity: audit.Simulation, EntityID: runID, Event: eventID,
			Detail: map[string]any{"users": users, "answered": answered},
		})
		return nil
	})
	if err != nil {
		return fmt.Errorf("mark the run: %w", err)
	}
	return audit.Write(ctx, tx, entries...)
}
