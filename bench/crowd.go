package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/booking"
	"rowlock/db"
	"rowlock/db/embedded"
)

// A stage is a pool with an organizer, on which events and people are made.
type stage struct {
	pool      *pgxpool.Pool
	organizer uuid.UUID
}

// newStage opens a pool of so many connections with the desk's other limits.
func (b *bench) newStage(ctx context.Context, conns int32) (*stage, error) {
	limits := db.BookingLimits
	limits.MaxConns = conns
	pool, err := db.Open(ctx, b.server.URL(embedded.Database), limits)
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
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7())
	}
	_, err := s.pool.Exec(ctx, `insert into users (id, name, email, password_hash, role)
		select id, 'Person', id || '@example.org', 'none', 'attendee' from unnest($1::uuid[]) as u (id)`, ids)
	return ids, err
}

func (s *stage) event(ctx context.Context, capacity int) (uuid.UUID, error) {
	id := uuid.Must(uuid.NewV7())
	_, err := s.pool.Exec(ctx, `
		insert into events (id, title, description, location, starts_at, ends_at, time_zone, status, organizer_id, capacity, seats_remaining)
		values ($1, 'Regatta', '', '', now() + interval '1 day', now() + interval '2 days', 'UTC', 'published', $2, $3, $3)`,
		id, s.organizer, capacity)
	return id, err
}

// An outcome is what became of a crowd.
type outcome struct {
	registered, waitlisted, failed int
	took                           time.Duration
	p50, p99                       time.Duration
}

func (o outcome) rate() float64 {
	return float64(o.registered+o.waitlisted) / o.took.Seconds()
}

// storm lets n people book an event of so many seats at the same moment.
func (s *stage) storm(ctx context.Context, b booking.Booker, n, seats int) (outcome, error) {
	people, err := s.people(ctx, n)
	if err != nil {
		return outcome{}, err
	}
	event, err := s.event(ctx, seats)
	if err != nil {
		return outcome{}, err
	}

	var o outcome
	var mu sync.Mutex
	var wg sync.WaitGroup
	gate := make(chan struct{})
	waits := make([]time.Duration, n)
	var start time.Time
	for i, person := range people {
		wg.Go(func() {
			<-gate
			answer, err := b.Book(ctx, booking.Request{EventID: event, UserID: person})
			waits[i] = time.Since(start)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				o.failed++
			case answer.Standing == booking.Confirmed:
				o.registered++
			default:
				o.waitlisted++
			}
		})
	}
	time.Sleep(50 * time.Millisecond) // everyone stands at the gate
	start = time.Now()
	close(gate)
	wg.Wait()
	o.took = time.Since(start)
	slices.Sort(waits)
	o.p50, o.p99 = waits[n/2], waits[n*99/100]
	return o, s.sound(ctx, event)
}

// sound fails when a rule that must always hold does not.
func (s *stage) sound(ctx context.Context, event uuid.UUID) error {
	checks, err := booking.CheckEvent(ctx, s.pool, event)
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

// spread is the median of some figures with the least and the most.
type spread []float64

func (s spread) median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[len(sorted)/2]
}

// text writes a spread with so many decimals.
func (s spread) text(decimals int) string {
	return fmt.Sprintf("%.*f (%.*f–%.*f)", decimals, s.median(), decimals, slices.Min(s), decimals, slices.Max(s))
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
