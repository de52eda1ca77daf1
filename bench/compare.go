package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/audit"
	"rowlock/booking"
)

// pessimisticConns is the size of pool at which the pessimistic strategy is at
// its best on one event: with more connections its transactions only make each
// other wait.
const pessimisticConns = 2

// rush sets the desk against one transaction per booking when everybody comes
// at once.
func rush(ctx context.Context, b *bench) error {
	const users, seats = 1000, 10
	s, err := b.newStage(ctx, programConns)
	if err != nil {
		return err
	}
	defer s.pool.Close()
	few, err := b.newStage(ctx, pessimisticConns)
	if err != nil {
		return err
	}
	defer few.pool.Close()
	bookers := []booker{grouped.open(s.pool), pessimistic.open(few.pool)}

	var rates, p50s, p99s [2]spread
	var ratio, p99Ratio spread
	for round := range b.rounds + 1 {
		var o [2]outcome
		for i, booker := range bookers {
			if o[i], err = s.storm(ctx, booker, users, seats); err != nil {
				return err
			}
		}
		if round == 0 {
			continue // to warm up
		}
		for i := range o {
			rates[i] = append(rates[i], o[i].rate())
			p50s[i] = append(p50s[i], o[i].percentile(50))
			p99s[i] = append(p99s[i], o[i].percentile(99))
		}
		ratio = append(ratio, o[0].rate()/o[1].rate())
		p99Ratio = append(p99Ratio, o[1].percentile(99)/o[0].percentile(99))
	}

	b.printf("1,000 people book an event of 10 seats at the same moment. In every turn and by both strategies 10 were\nregistered, 990 waitlisted, none failed, and every integrity check held. The longer a disk takes for an fsync, the\nlarger the ratio: pessimistic waits for one with every booking.\n\n")
	b.printf("| strategy | connections | bookings/s | p50 ms | p99 ms |\n|---|---|---|---|---|\n")
	for i, name := range []string{"grouped (the desk) | 1 of 6", fmt.Sprintf("pessimistic | %d", pessimisticConns)} {
		b.printf("| %s | %s | %s | %s |\n", name, rates[i].text(0), p50s[i].text(0), p99s[i].text(0))
	}
	b.printf("| **grouped against pessimistic** | | **%s ×** | | **1/%s** |\n", ratio.text(1), p99Ratio.text(1))
	b.target("20 times the bookings and a tenth of the p99", ratio.median() >= 20 && p99Ratio.median() >= 10)
	return nil
}

// bulk sets the desk against the same rows as plain multi-row inserts, the
// people on both sides in the same order.
func bulk(ctx context.Context, b *bench) error {
	const rows = 20_000
	s, err := b.newStage(ctx, programConns)
	if err != nil {
		return err
	}
	defer s.pool.Close()
	desk := grouped.open(s.pool)

	crowds := []struct {
		name        string
		atOnce      int
		rate, ratio spread
	}{
		{name: "bookings through the desk, 4,000 people waiting at any time", atOnce: 4000},
		{name: "bookings through the desk, all 20,000 at the same moment", atOnce: rows},
	}
	var inserted spread
	for round := range b.rounds + 1 {
		rate, err := s.insertRows(ctx, rows)
		if err != nil {
			return err
		}
		inserted = append(inserted, rate)
		for i := range crowds {
			c := &crowds[i]
			o, err := s.rush(ctx, desk, rows, 1, rows, c.atOnce)
			if err != nil {
				return err
			}
			c.rate, c.ratio = append(c.rate, o.rate()), append(c.ratio, o.rate()/rate)
		}
		if round == 0 { // to warm up
			inserted = nil
			for i := range crowds {
				crowds[i].rate, crowds[i].ratio = nil, nil
			}
		}
	}

	b.printf("20,000 people book 20,000 seats, against inserting the same registrations and audit entries into the same\ntables, people in the same order, 1,000 of each per transaction, on one connection, with nothing asked and\nnobody answered.\n\n")
	b.printf("| | rows of each per second | ratio |\n|---|---|---|\n| plain multi-row inserts | %s | 1 |\n", inserted.text(0))
	for _, c := range crowds {
		b.printf("| %s | %s | **%s** |\n", c.name, c.rate.text(0), c.ratio.text(2))
	}
	b.target("0.80 of the inserts with 4,000 waiting at any time", crowds[0].ratio.median() >= 0.80)
	return nil
}

// insertRows inserts n registrations with their audit entries, 1,000 per
// transaction, and returns how many of each a second took.
func (s *stage) insertRows(ctx context.Context, n int) (rate float64, err error) {
	const perTransaction = 1000
	people, err := s.people(ctx, n)
	if err != nil {
		return 0, err
	}
	event, err := s.event(ctx, n)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	for first := 0; first < n; first += perTransaction {
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			return insertGroup(ctx, tx, event, people[first:first+perTransaction], first)
		})
		if err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(start).Seconds(), nil
}

func insertGroup(ctx context.Context, tx pgx.Tx, event uuid.UUID, people []uuid.UUID, first int) error {
	n := len(people)
	ids, codes, positions := make([]uuid.UUID, n), make([]string, n), make([]int32, n)
	log := make([]audit.Entry, n)
	for i, person := range people {
		ids[i] = uuid.Must(uuid.NewV7())
		codes[i] = fmt.Sprintf("%x", ids[i][10:])
		positions[i] = int32(first + i + 1)
		log[i] = audit.Entry{Actor: person, Action: audit.SeatConfirmed, Entity: audit.Registration, EntityID: ids[i], Event: event, User: person}
	}
	_, err := tx.Exec(ctx, `
		insert into registrations (event_id, booked_at, status, id, user_id, position, ticket_code)
		select $1, now(), 'confirmed', * from unnest($2::uuid[], $3::uuid[], $4::int[], $5::text[])`,
		event, ids, people, positions, codes)
	if err != nil {
		return err
	}
	return audit.Write(ctx, tx, log...)
}

// alone sets the desk against one transaction per booking for a single person
// on an idle system.
func alone(ctx context.Context, b *bench) error {
	const bookings = 300
	s, err := b.newStage(ctx, programConns)
	if err != nil {
		return err
	}
	defer s.pool.Close()
	bookers := []booker{grouped.open(s.pool), pessimistic.open(s.pool)}

	var waits [2]spread
	var ratio spread
	for round := range b.rounds + 1 {
		var medians [2]float64
		for i, booker := range bookers {
			if medians[i], err = s.oneByOne(ctx, booker, bookings); err != nil {
				return err
			}
		}
		if round == 0 {
			continue
		}
		for i := range waits {
			waits[i] = append(waits[i], medians[i])
		}
		ratio = append(ratio, medians[0]/medians[1])
	}
	b.printf("One person after another books a seat while nobody else does; the median wait of %d bookings.\n\n", bookings)
	b.printf("| strategy | ms |\n|---|---|\n| grouped (the desk) | %s |\n| pessimistic | %s |\n| **ratio** | **%s** |\n",
		waits[0].text(2), waits[1].text(2), ratio.text(2))
	b.target("no longer than pessimistic", ratio.median() <= 1)
	return nil
}

// oneByOne returns the median wait in milliseconds.
func (s *stage) oneByOne(ctx context.Context, booker booking.Booker, n int) (float64, error) {
	people, err := s.people(ctx, n)
	if err != nil {
		return 0, err
	}
	event, err := s.event(ctx, n)
	if err != nil {
		return 0, err
	}
	var waits spread
	for _, person := range people {
		start := time.Now()
		if _, err := booker.Book(ctx, booking.Request{EventID: event, UserID: person}); err != nil {
			return 0, err
		}
		waits = append(waits, milliseconds(time.Since(start)))
	}
	return waits.median(), s.sound(ctx, event)
}
