package simulation

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/audit"
)

// Delete undoes a simulation unless that was done, as [Runner.Undo] does, and
// removes the record of its results too. It is refused with [ErrNotFound] and
// [ErrNotFinished]. Once begun it is carried through; one that broke off can
// be repeated.
func (r *Runner) Delete(ctx context.Context, id, actorID uuid.UUID) error {
	ctx = context.WithoutCancel(ctx)
	s, err := ByID(ctx, r.pool, id)
	if err != nil {
		return err
	}
	if err := r.Undo(ctx, id, actorID); err != nil && !errors.Is(err, ErrNothingToUndo) {
		return err
	}
	err = pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `delete from simulations where id = $1`, id)
		if err != nil {
			return fmt.Errorf("delete the record: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return ErrNotFound
		}
		return audit.Write(ctx, tx, audit.Entry{
			Actor: actorID, Action: audit.SimulationDeleted, Entity: audit.Simulation, EntityID: id, Event: s.EventID,
			Detail: map[string]any{"users": s.Users, "strategy": s.Strategy, "target": s.Target},
		})
	})
	if err != nil {
		return fmt.Errorf("delete simulation %s: %w", id, err)
	}
	return nil
}

// DeleteComparison deletes a comparison and every run of it, like
// [Runner.Delete]. It is refused with [ErrNoComparison] and [ErrNotFinished].
func (r *Runner) DeleteComparison(ctx context.Context, id, actorID uuid.UUID) error {
	ctx = context.WithoutCancel(ctx)
	c, err := ComparisonByID(ctx, r.pool, id)
	if err != nil {
		return err
	}
	if c.State == Running {
		return ErrNotFinished
	}
	for _, s := range c.Runs {
		if err := r.Delete(ctx, s.ID, actorID); err != nil && !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("delete comparison %s: %w", id, err)
		}
	}
	tag, err := r.pool.Exec(ctx, `delete from comparisons where id = $1`, id)
	if err != nil {
		return fmt.Errorf("delete comparison %s: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNoComparison
	}
	return nil
}
