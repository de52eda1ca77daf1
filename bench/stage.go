package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/booking"
	"rowlock/db"
	"rowlock/db/embedded"
)

// programConns is how many connections the program gives a strategy.
var programConns = db.BookingLimits.MaxConns

// A strategy is one of the ways to make a booking safe.
type strategy struct {
	name string
	// open makes it work on a pool, with its accounts at zero.
	open func(pool *pgxpool.Pool) booker
}

// A booker books, and tells what it spent.
type booker interface {
	booking.Booker
	Spent() booking.Spent
}

var (
	grouped     = strategy{"grouped", func(p *pgxpool.Pool) booker { return booking.NewDesk(p, slog.Default()) }}
	pessimistic = strategy{"pessimistic", func(p *pgxpool.Pool) booker { return booking.NewPessimistic(p) }}
	optimistic  = strategy{"optimistic", func(p *pgxpool.Pool) booker { return booking.NewOptimistic(p) }}
	conditional = strategy{"conditional", func(p *pgxpool.Pool) booker { return booking.NewConditional(p) }}

	// rivals are what the desk is set against.
	rivals = []strategy{pessimistic, optimistic, conditional}
)

// A stage is a pool with an organizer, on which events and people are made.
type stage struct {
	pool      *pgxpool.Pool
	organizer uuid.UUID
}

// newStage opens a pool of so many connections with the desk's other limits.
func (b *bench) newStage(ctx context.Context, conns int32) (*stage, error) {
	return newStageAt(ctx, b.server.URL(embedded.Database), conns)
}

func newStageAt(ctx context.Context, url string, conns int32) (*stage, error) {
	limits := db.BookingLimits
	limits.MaxConns = conns
	pool, err := db.Open(ctx, url, limits)
	if err != nil {
		return nil, err
	}
	s := &stage{pool: pool}
	people, err := s.people(ctx, 1)
	if err != nil {
		pool.Close()
		return nil, err
	}
	s.organizer = people[0]
	return s, nil
}

func (s *stage) people(ctx context.Context, n int) ([]uuid.UUID, error) {
	ids := newIDs(n)
	_, err := s.pool.Exec(ctx, `insert into users (id, name, email, password_hash, role)
		select id, 'Person', id || '@example.org', 'none', 'attendee' from unnest($1::uuid[]) as u (id)`, ids)
	return ids, err
}

func (s *stage) event(ctx context.Context, capacity int) (uuid.UUID, error) {
	events, err := s.events(ctx, 1, capacity)
	if err != nil {
		return uuid.Nil, err
	}
	return events[0], nil
}

// events makes n events of so many seats each.
func (s *stage) events(ctx context.Context, n, capacity int) ([]uuid.UUID, error) {
	ids := newIDs(n)
	_, err := s.pool.Exec(ctx, `
		insert into events (id, title, description, location, starts_at, ends_at, time_zone, status, organizer_id, capacity, seats_remaining)
		select id, 'Regatta', '', '', now() + interval '1 day', now() + interval '2 days', 'UTC', 'published', $2, $3, $3
		from unnest($1::uuid[]) as e (id)`, ids, s.organizer, capacity)
	return ids, err
}

func newIDs(n int) []uuid.UUID {
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7())
	}
	return ids
}

// clear removes every event with its bookings and all that the log tells, so
// that no measurement pays for what others left. People stay.
func (s *stage) clear(ctx context.Context) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// As a replica, the database does not keep anybody from emptying the log.
		if _, err := tx.Exec(ctx, `set local session_replication_role = replica`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `truncate events, registrations, waitlist_entries, audit_log`)
		return err
	})
}

// sound fails when a rule that must always hold does not hold for an event.
func (s *stage) sound(ctx context.Context, event uuid.UUID) error {
	checks, err := booking.CheckEvent(ctx, s.pool, event)
	return firstBreach(checks, err)
}

// allSound fails when a rule that must always hold does not hold for any event
// that there is.
func (s *stage) allSound(ctx context.Context) error {
	checks, err := booking.CheckAll(ctx, s.pool)
	return firstBreach(checks, err)
}

func firstBreach(checks []booking.Check, err error) error {
	if err != nil {
		return err
	}
	for _, c := range checks {
		if !c.OK {
			return fmt.Errorf("%s does not hold: %s", c.Name, c.Detail)
		}
	}
	return nil
}

// storm lets n new people book a new event of so many seats at the same moment.
func (s *stage) storm(ctx context.Context, b booking.Booker, n, seats int) (outcome, error) {
	return s.rush(ctx, b, n, 1, seats, n)
}

// rush lets n new people book new events of so many seats each, so many people
// at the same moment. All must be answered, and every rule hold afterwards.
func (s *stage) rush(ctx context.Context, b booking.Booker, n, events, seats, atOnce int) (outcome, error) {
	c := crowd{atOnce: atOnce}
	var err error
	if c.people, err = s.people(ctx, n); err != nil {
		return outcome{}, err
	}
	if c.events, err = s.events(ctx, events, seats); err != nil {
		return outcome{}, err
	}
	o := c.book(ctx, b)
	if err := c.expect(o, seats); err != nil {
		return o, err
	}
	if events == 1 {
		return o, s.sound(ctx, c.events[0])
	}
	return o, s.allSound(ctx)
}

// expect fails when what a crowd was told cannot be right: with so many seats
// at each event, everyone who was answered has a seat as long as there are any.
func (c crowd) expect(o outcome, seats int) error {
	if o.failed > 0 {
		return fmt.Errorf("%d of %d failed, with: %w", o.failed, len(c.people), o.failure)
	}
	if o.unanswered > 0 {
		return nil // which seats were taken is told by the rules alone
	}
	most := 0
	for i := range c.events {
		most += min(seats, (len(c.people)-i+len(c.events)-1)/len(c.events))
	}
	if o.registered != most || o.registered+o.waitlisted != len(c.people) {
		return fmt.Errorf("%d registered, %d waitlisted of %d people for %d events of %d seats",
			o.registered, o.waitlisted, len(c.people), len(c.events), seats)
	}
	return nil
}
