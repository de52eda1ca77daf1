package booking

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Optimistic books without waiting for a lock: it reads the event with its
// version, decides, and writes on condition that the version is still the
// same. Whoever finds it changed begins again. With few rivals that is cheap;
// in a rush nearly everybody decides in vain, again and again.
type Optimistic struct {
	pool *pgxpool.Pool
	counter
}

// NewOptimistic makes the strategy work on pool.
func NewOptimistic(pool *pgxpool.Pool) *Optimistic { return &Optimistic{pool: pool} }

// errOvertaken says that the event changed between reading and writing.
var errOvertaken = errors.New("the event changed while the booking was decided")

// Book gives the person a seat, or the end of the line when none is left. It
// is refused like [Desk.Book], but never with ErrBusy: it tries for as long as
// ctx allows.
func (o *Optimistic) Book(ctx context.Context, r Request) (Answer, error) {
	pause := time.Millisecond
	for {
		answer, err := o.try(ctx, r)
		if err == nil {
			return answer, nil
		}
		if !errors.Is(err, errOvertaken) {
			return Answer{}, fmt.Errorf("book event %s for %s: %w", r.EventID, r.UserID, err)
		}
		o.retries.Add(1)
		select {
		case <-time.After(rand.N(pause)):
		case <-ctx.Done():
			return Answer{}, context.Cause(ctx)
		}
		pause = min(2*pause, 50*time.Millisecond)
	}
}

func (o *Optimistic) try(ctx context.Context, r Request) (Answer, error) {
	var answer Answer
	err := pgx.BeginFunc(ctx, o.pool, func(tx pgx.Tx) error {
		o.transactions.Add(1)
		// The version is read before the standing: whatever changes that
		// standing from here on changes the version too.
		s := newSheet(r.EventID, 1)
		version, err := s.readVersion(ctx, tx)
		if err != nil {
			return err
		}
		if s.event, err = scanSeats(tx.QueryRow(ctx, readEvent, r.EventID)); err != nil {
			return err
		}
		if err := s.readStanding(ctx, tx, r.UserID); err != nil {
			return err
		}
		if answer, err = s.book(r.UserID); err != nil {
			return err
		}
		if answer.Already {
			return s.holdsAt(ctx, tx, version)
		}
		return s.writeIfUnchanged(ctx, tx, version)
	})
	return answer, err
}

func (s *sheet) readVersion(ctx context.Context, tx pgx.Tx) (version int64, err error) {
	err = tx.QueryRow(ctx, `select version from events where id = $1`, s.eventID).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, ErrNoEvent
	}
	if err != nil {
		return 0, fmt.Errorf("read the version: %w", err)
	}
	return version, nil
}

// holdsAt makes sure that all that was read is of one moment: nothing is
// written that would tell, but the answer says how full the event is.
func (s *sheet) holdsAt(ctx context.Context, tx pgx.Tx, version int64) error {
	now, err := s.readVersion(ctx, tx)
	if err == nil && now != version {
		return errOvertaken
	}
	return err
}

// writeIfUnchanged claims the event's row first: from there on nobody else
// changes the event, and what was read holds if the version does.
func (s *sheet) writeIfUnchanged(ctx context.Context, tx pgx.Tx, version int64) error {
	update := s.updateEvent()
	tag, err := tx.Exec(ctx, update.SQL+` and version = $7`, append(update.Args, version)...)
	if err != nil {
		return fmt.Errorf("write the event: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return errOvertaken
	}
	rows, err := s.rowWrites()
	if err != nil {
		return err
	}
	return execAll(ctx, tx, rows)
}
