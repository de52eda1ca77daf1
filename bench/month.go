package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/audit"
	"rowlock/booking"
	"rowlock/db"
)

// perEvent is how many have a seat at each event of a town, so that everyone
// has ten where ten people share an event.
const perEvent = 100

// A town is a database with people and events that are booked, in the order in
// which bookings arrive: at all events side by side.
type town struct {
	*stage
	pages          *pgxpool.Pool
	people, events []uuid.UUID
	turn           int
	costs          [len(costs)]spread
	// warm is what a booking in a crowd cost in the first turn, which warms up.
	warm float64
}

// costs are what is measured of a town.
var costs = [4]struct {
	name, unit string
	isBooking  bool
}{
	{"a booking in a crowd: 10,000 people at one event", "µs", true},
	{"a booking alone: the median of 300, each at another event", "ms", true},
	{"reading an event with one's standing: the median of 300", "ms", false},
	{"listing one's ten bookings: the median of 300", "ms", false},
}

// month tells what a booking costs in a database that holds a month's data,
// against one of the same people with a hundredth of the events and bookings,
// and against one that holds a hundredth of everything.
func month(ctx context.Context, b *bench) error {
	small, err := b.newTown(ctx, "small", 1_000, 100)
	if err != nil {
		return err
	}
	defer small.close()
	quiet, err := b.newTown(ctx, "quiet", 100_000, 100)
	if err != nil {
		return err
	}
	defer quiet.close()
	start := time.Now()
	old, err := b.newTown(ctx, "month", 100_000, 10_000)
	if err != nil {
		return err
	}
	defer old.close()
	filled := time.Since(start)
	// None is to pay for what filling them left to be written.
	if _, err := old.pool.Exec(ctx, `checkpoint`); err != nil {
		return err
	}

	for range b.rounds + 1 {
		for _, t := range []*town{small, quiet, old} {
			if err := t.measure(ctx); err != nil {
				return err
			}
		}
	}
	for _, t := range []*town{small, quiet, old} {
		t.warm = t.costs[0][0]
		for i := range costs {
			t.costs[i] = t.costs[i][1:]
		}
		if err := t.allSound(ctx); err != nil {
			return err
		}
	}
	b.describeMonth(small, quiet, old, filled)
	return nil
}

func (b *bench) describeMonth(small, quiet, old *town, filled time.Duration) {
	b.printf("A database with a month's data (1,000,000 registrations of 100,000 people at 10,000 events, with their audit\nentries, filled in %.0f s in the order in which bookings arrive) against two others on the same server: a quiet\none of as many people with a hundredth of the events and bookings, and a small one with a hundredth of everything.\nThe people of a crowd are taken from all over those that there are; in the small one, which has too few, they are\nall new, and so stand side by side in every table and index.\n\n", filled.Seconds())
	b.printf("| cost of | unit | small | quiet | after a month | against small | against quiet |\n|---|---|---|---|---|---|---|\n")
	held := true
	for i, c := range costs {
		beforeIt, ratio := "", ""
		if c.isBooking {
			against := old.against(quiet, i)
			held = held && against.median() < 1.2
			beforeIt, ratio = quiet.costs[i].text(2), "**"+against.text(2)+"**"
		}
		b.printf("| %s | %s | %s | %s | %s | %s | %s |\n", c.name, c.unit, small.costs[i].text(2), beforeIt, old.costs[i].text(2), old.against(small, i).text(2), ratio)
	}
	b.printf("\nThe first turn after a checkpoint is not in it: PostgreSQL then logs every page whole that it changes for the first\ntime, and a month's data has many more pages. A booking in that crowd took %.0f µs in the small one, %.0f in the\nquiet one and %.0f after a month. Reading and listing are not compared with the quiet one, whose people have hardly\nanything to read. Every rule holds for every event of all three.\n", small.warm, quiet.warm, old.warm)
	b.target("a month's data changes what a booking of the same people costs by less than 20 %", held)
}

// against is how many times as much as in the other town the i-th cost is,
// turn by turn.
func (t *town) against(other *town, i int) (ratios spread) {
	for turn, cost := range t.costs[i] {
		ratios = append(ratios, cost/other.costs[i][turn])
	}
	return ratios
}

func (b *bench) newTown(ctx context.Context, name string, people, events int) (*town, error) {
	if err := b.newDatabase(ctx, name, untouched); err != nil {
		return nil, err
	}
	url := b.server.URL(name)
	s, err := newStageAt(ctx, url, programConns)
	if err != nil {
		return nil, err
	}
	pages, err := db.Open(ctx, url, db.PageLimits)
	if err != nil {
		s.pool.Close()
		return nil, err
	}
	t := &town{stage: s, pages: pages}
	if err := t.fill(ctx, people, events); err != nil {
		t.close()
		return nil, fmt.Errorf("fill the database %s: %w", name, err)
	}
	return t, nil
}

func (t *town) close() {
	t.pages.Close()
	t.pool.Close()
}

// holder is who has the nth seat of an event: each time another person, and
// each person as often as the others.
func (t *town) holder(event, n int) uuid.UUID {
	return t.people[(event*perEvent+n)*7919%len(t.people)]
}

// fill makes people, events and bookings, and has statistics as autovacuum
// would have made them meanwhile.
func (t *town) fill(ctx context.Context, people, events int) error {
	const step = 20_000
	for range (people + step - 1) / step {
		more, err := t.stage.people(ctx, min(step, people))
		if err != nil {
			return err
		}
		t.people = append(t.people, more...)
	}
	// Room for those who book later; a tenth of the seats are taken.
	var err error
	if t.events, err = t.stage.events(ctx, events, 10*perEvent); err != nil {
		return err
	}
	total := events * perEvent
	for first := 0; first < total; first += step {
		if err := t.book(ctx, first, min(first+step, total), total); err != nil {
			return err
		}
	}
	_, err = t.pool.Exec(ctx, `update events set seats_remaining = capacity - $1, next_position = $1 + 1, version = $1`, perEvent)
	if err != nil {
		return err
	}
	for _, table := range []string{"users", "events", "registrations", "waitlist_entries", "audit_log"} {
		if _, err := t.pool.Exec(ctx, `vacuum (analyze) `+table); err != nil {
			return err
		}
	}
	return nil
}

// book writes the bookings from first to last of so many in a month.
func (t *town) book(ctx context.Context, first, last, total int) error {
	const length = 30 * 24 * time.Hour
	begin := time.Now().Add(-length)
	seats, log := make([][]any, 0, last-first), make([][]any, 0, last-first)
	for i := first; i < last; i++ {
		at := begin.Add(length * time.Duration(i) / time.Duration(total))
		event, n := i%len(t.events), i/len(t.events)
		id, person := idAt(at), t.holder(event, n)
		seats = append(seats, []any{id, t.events[event], person, "confirmed", n + 1, rand.Text()[:12], at})
		log = append(log, []any{idAt(at), at, person, string(audit.SeatConfirmed), string(audit.Registration), id, t.events[event], person})
	}
	_, err := t.pool.CopyFrom(ctx, pgx.Identifier{"registrations"},
		[]string{"id", "event_id", "user_id", "status", "position", "ticket_code", "booked_at"}, pgx.CopyFromRows(seats))
	if err != nil {
		return err
	}
	_, err = t.pool.CopyFrom(ctx, pgx.Identifier{"audit_log"},
		[]string{"id", "at", "actor_id", "action", "entity_type", "entity_id", "event_id", "user_id"}, pgx.CopyFromRows(log))
	return err
}

// idAt is an ID as it was made then.
func idAt(at time.Time) uuid.UUID {
	id := uuid.Must(uuid.NewV7())
	var milliseconds [8]byte
	binary.BigEndian.PutUint64(milliseconds[:], uint64(at.UnixMilli()))
	copy(id[:6], milliseconds[2:])
	return id
}

// measure takes one turn at each of the costs.
func (t *town) measure(ctx context.Context) error {
	desk := grouped.open(t.pool)
	inCrowd, err := t.inCrowd(ctx, desk)
	if err != nil {
		return err
	}
	const times = 300
	alone, err := t.each(times, func(event int, person uuid.UUID) error {
		_, err := desk.Book(ctx, booking.Request{EventID: t.events[event], UserID: person})
		return err
	})
	if err != nil {
		return err
	}
	reading, err := t.each(times, func(event int, person uuid.UUID) error {
		_, _, err := booking.Find(ctx, t.pages, t.events[event], person)
		return err
	})
	if err != nil {
		return err
	}
	listing, err := t.each(times, func(_ int, person uuid.UUID) error {
		_, err := booking.HeldBy(ctx, t.pages, person)
		return err
	})
	for i, cost := range [...]float64{inCrowd, alone, reading, listing} {
		t.costs[i] = append(t.costs[i], cost)
	}
	t.turn++
	return err
}

// inCrowd returns the microseconds that one booking of a crowd takes. The crowd
// are people of the town, in another order than they came, or new ones where
// there are too few.
func (t *town) inCrowd(ctx context.Context, desk booker) (float64, error) {
	const size = 10_000
	c := crowd{atOnce: size}
	var err error
	if len(t.people) < size {
		c.people, err = t.stage.people(ctx, size)
	} else {
		for i := range size {
			c.people = append(c.people, t.people[(t.turn*size+i*37)%len(t.people)])
		}
	}
	if err != nil {
		return 0, err
	}
	if c.events, err = t.stage.events(ctx, 1, size); err != nil {
		return 0, err
	}
	o := c.book(ctx, desk)
	return 1e6 / o.rate(), c.expect(o, size)
}

// each returns the median milliseconds that f takes with one event after
// another and somebody who has no seat there yet.
func (t *town) each(times int, f func(event int, person uuid.UUID) error) (float64, error) {
	var waits spread
	for i := range times {
		event := i * 7919 % len(t.events)
		n := perEvent + t.turn*(times/100+1) + i/len(t.events)
		start := time.Now()
		if err := f(event, t.holder(event, n)); err != nil {
			return 0, err
		}
		waits = append(waits, milliseconds(time.Since(start)))
	}
	return waits.median(), nil
}
