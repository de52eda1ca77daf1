package booking

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/db"
)

// Pessimistic books the way the textbook does: a transaction per booking that
// locks the event's row, looks, decides, writes and commits. It is as safe as
// the desk and keeps the same rules and tables, but every booking of an event
// waits for the commits of all before it, and holds a connection while it
// waits.
type Pessimistic struct {
	pool *pgxpool.Pool
	counter
}

// NewPessimistic makes the strategy work on pool.
func NewPessimistic(pool *pgxpool.Pool) *Pessimistic { return &Pessimistic{pool: pool} }

// Book gives the person a seat, or the end of the line when none is left. It
// is refused like [Desk.Book], but never with ErrBusy: it waits for a
// connection for as long as ctx allows.
func (p *Pessimistic) Book(ctx context.Context, r Request) (Answer, error) {
	var answer Answer
	err := pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		p.transactions.Add(1)
		s, err := lockAndRead(ctx, tx, r)
		if err != nil {
			return err
		}
		if answer, err = s.book(r.UserID); err != nil || answer.Already {
			return err
		}
		return s.write(ctx, tx)
	})
	if err != nil {
		return Answer{}, fmt.Errorf("book event %s for %s: %w", r.EventID, r.UserID, err)
	}
	return answer, nil
}

func lockAndRead(ctx context.Context, tx pgx.Tx, r Request) (*sheet, error) {
	s := newSheet(r.EventID, 1)
	var err error
	if s.event, err = scanSeats(tx.QueryRow(ctx, lockEvent, r.EventID)); err != nil {
		return nil, err
	}
	return s, s.readStanding(ctx, tx, r.UserID)
}

// readStanding reads one person, whom nobody deactivates until the transaction
// ends, with their seat and their place in line.
func (s *sheet) readStanding(ctx context.Context, tx pgx.Tx, userID uuid.UUID) error {
	p := person{ID: userID}
	var seatID, entryID uuid.NullUUID
	var status *Standing
	var seatPosition, linePosition *int
	err := tx.QueryRow(ctx, `
		select u.is_active, u.simulation_id, r.id, r.status, r.position, w.id, w.position
		from users u
		left join registrations r on r.user_id = u.id and r.event_id = $1
		left join waitlist_entries w on w.user_id = u.id and w.event_id = $1
		where u.id = $2 for key share of u`, s.eventID, userID).
		Scan(&p.IsActive, &p.SimulationID, &seatID, &status, &seatPosition, &entryID, &linePosition)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNoPerson
	}
	if err != nil {
		return fmt.Errorf("read the person's standing: %w", err)
	}

	s.people[userID] = p
	if seatID.Valid {
		s.registrations[userID] = &registration{
			ID: seatID.UUID, UserID: userID, Status: *status, Position: *seatPosition, SimulationID: p.SimulationID,
		}
	}
	if entryID.Valid {
		s.entries[userID] = &entry{ID: entryID.UUID, UserID: userID, Position: *linePosition}
	}
	return nil
}

func (s *sheet) write(ctx context.Context, tx pgx.Tx) error {
	statements, err := s.writes()
	if err != nil {
		return err
	}
	return execAll(ctx, tx, statements)
}

func execAll(ctx context.Context, tx pgx.Tx, statements []db.Statement) error {
	for _, w := range statements {
		if _, err := tx.Exec(ctx, w.SQL, w.Args...); err != nil {
			return fmt.Errorf("write the booking: %w", err)
		}
	}
	return nil
}
