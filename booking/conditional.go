package booking

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Conditional books with one UPDATE that takes a seat only while one is left,
// and another that takes the end of the line only while none is. The update
// holds the event's row until the commit, so it is as safe as locking first
// and saves a round trip; every booking still waits for the commits of all
// before it.
type Conditional struct {
	pool *pgxpool.Pool
	counter
}

// NewConditional makes the strategy work on pool.
func NewConditional(pool *pgxpool.Pool) *Conditional { return &Conditional{pool: pool} }

const (
	// takeSeat and takePlace return the event as it was before them.
	takeSeat = `
update events set seats_remaining = seats_remaining - 1, next_position = next_position + 1, version = version + 1
where id = $1 and seats_remaining > 0
returning status, starts_at, registration_opens_at, registration_closes_at,
          capacity, seats_remaining + 1, waiting, next_position - 1, revision, simulation_id`

	takePlace = `
update events set waiting = waiting + 1, next_position = next_position + 1, version = version + 1
where id = $1 and seats_remaining = 0
returning status, starts_at, registration_opens_at, registration_closes_at,
          capacity, seats_remaining, waiting - 1, next_position - 1, revision, simulation_id`
)

// errGiveBack rolls back what was taken before it turned out that nothing was
// to be taken.
var errGiveBack = errors.New("nothing to take")

// Book gives the person a seat, or the end of the line when none is left. It
// is refused like [Desk.Book], but never with ErrBusy: it waits for a
// connection for as long as ctx allows.
func (c *Conditional) Book(ctx context.Context, r Request) (Answer, error) {
	var answer Answer
	err := pgx.BeginFunc(ctx, c.pool, func(tx pgx.Tx) error {
		c.transactions.Add(1)
		s := newSheet(r.EventID, 1)
		if err := s.take(ctx, tx); err != nil {
			return err
		}
		if err := s.readStanding(ctx, tx, r.UserID); err != nil {
			return err
		}
		var err error
		if answer, err = s.book(r.UserID); err != nil {
			return err
		}
		if answer.Already {
			return errGiveBack
		}
		rows, err := s.rowWrites()
		if err != nil {
			return err
		}
		return execAll(ctx, tx, rows)
	})
	if err != nil && !errors.Is(err, errGiveBack) {
		return Answer{}, fmt.Errorf("book event %s for %s: %w", r.EventID, r.UserID, err)
	}
	return answer, nil
}

// take takes a seat or a place in line, whichever there is. Between the two
// updates the last seat may come free again, or be taken, so it asks in turns
// for as long as there is such an event.
func (s *sheet) take(ctx context.Context, tx pgx.Tx) error {
	for {
		for _, update := range []string{takeSeat, takePlace} {
			var err error
			if s.event, err = scanSeats(tx.QueryRow(ctx, update, s.eventID)); !errors.Is(err, ErrNoEvent) {
				return err
			}
		}
		if _, err := s.readVersion(ctx, tx); err != nil {
			return err
		}
	}
}
