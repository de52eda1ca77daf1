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
	if _, err := s.pool.Exec(ctx, withForeignKeys); err != nil {
		return err
	}
	desk := grouped.open(s.pool)

	inserting := func(table string) func() (float64, error) {
		return func() (float64, error) { return s.insertRows(ctx, table, rows) }
	}
	booking := func(atOnce int) func() (float64, error) {
		return func() (float64, error) {
			o, err := s.rush(ctx, desk, rows, 1, rows, atOnce)
			return o.rate(), err
		}
	}
	ways := []struct {
		name string
		run  func() (float64, error)
		// rate is told beside what it is of the first way's and the second's.
		rate, ofKeyed, ofPlain spread
	}{
		{name: "multi-row inserts, foreign keys checked by PostgreSQL", run: inserting("registrations_with_foreign_keys")},
		{name: "multi-row inserts into Rowlock's own tables", run: inserting("registrations")},
		{name: "**bookings through the desk, 4,000 people waiting at any time**", run: booking(4000)},
		{name: "**bookings through the desk, all 20,000 at the same moment**", run: booking(rows)},
	}
	for round := range b.rounds + 1 {
		var rates [4]float64
		for i, w := range ways {
			if rates[i], err = w.run(); err != nil {
				return err
			}
		}
		if round == 0 { // to warm up
			continue
		}
		for i := range ways {
			w := &ways[i]
			w.rate, w.ofKeyed, w.ofPlain = append(w.rate, rates[i]), append(w.ofKeyed, rates[i]/rates[0]), append(w.ofPlain, rates[i]/rates[1])
		}
	}

	b.printf("20,000 people book 20,000 seats, against inserting the same registrations and audit entries, people in the same\norder, 1,000 of each per transaction, on one connection, with nothing asked and nobody answered. Rowlock's own\ntables check by statement what a foreign key checks by row ([why](concurrency.md#the-strategy)).\n\n")
	b.printf("| | rows of each per second | of inserts with foreign keys | of inserts into the same tables |\n|---|---|---|---|\n")
	for _, w := range ways {
		b.printf("| %s | %s | %s | %s |\n", w.name, w.rate.text(0), w.ofKeyed.text(2), w.ofPlain.text(2))
	}
	waiting := ways[2]
	b.target("0.80 of inserts with foreign keys, with 4,000 waiting at any time", waiting.ofKeyed.median() >= 0.80)
	b.target("0.80 of inserts into the same tables", waiting.ofPlain.median() >= 0.80)
	return nil
}

// withForeignKeys makes a table of registrations as it was before triggers
// checked whole statements at once.
const withForeignKeys = `
create table registrations_with_foreign_keys (like registrations including all,
    foreign key (event_id) references events (id), foreign key (user_id) references users (id))`

// insertRows inserts n registrations into a table, with their audit entries,
// 1,000 per transaction, and returns how many of each a second took.
func (s *stage) insertRows(ctx context.Context, table string, n int) (rate float64, err error) {
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
			return insertGroup(ctx, tx, table, event, people[first:first+perTransaction], first)
		})
		if err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(start).Seconds(), nil
}

func insertGroup(ctx context.Context, tx pgx.Tx, table string, event uuid.UUID, people []uuid.UUID, first int) error {
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
		insert into `+table+` (event_id, booked_at, status, id, user_id, position, ticket_code)
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
