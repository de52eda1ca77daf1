package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// cellBudget ends a cell in which people still wait: a transaction per
	// booking would keep a hundred thousand waiting for minutes.
	cellBudget = 5 * time.Second
	// matrixTurns bounds the turns of the largest part.
	matrixTurns = 3
)

// A contender is a strategy with so many connections.
type contender struct {
	strategy
	conns int32
	pool  *pgxpool.Pool
}

// contenders are the desk as the program has it, and the others as the program
// has them and with as few connections as suit them best at one event.
func contenders() []*contender {
	list := []*contender{{strategy: grouped, conns: programConns}}
	for _, s := range rivals {
		list = append(list, &contender{strategy: s, conns: pessimisticConns}, &contender{strategy: s, conns: programConns})
	}
	return list
}

// A cell is one contender's turns with one crowd.
type cell struct {
	rate, p50, p99 spread
	last           outcome
	failed         int // in all turns
}

// A contest is so many people who book so many events.
type contest struct {
	users, events int
	cells         map[*contender]*cell
}

// seats are half of what its people want, the same at every event.
func (c *contest) seats() int { return max(1, c.users/c.events/2) }

// matrix sets all strategies side by side, for crowds of four sizes at one
// event and at many.
func matrix(ctx context.Context, b *bench) error {
	s, err := b.newStage(ctx, programConns)
	if err != nil {
		return err
	}
	defer s.pool.Close()
	all := contenders()
	for _, c := range all {
		few, err := b.newStage(ctx, c.conns)
		if err != nil {
			return err
		}
		defer few.pool.Close()
		c.pool = few.pool
	}

	var contests []*contest
	for _, events := range []int{1, 10, 1000} {
		for _, users := range []int{100, 1_000, 10_000, 100_000} {
			contests = append(contests, &contest{users: users, events: events, cells: map[*contender]*cell{}})
		}
	}
	for range min(b.rounds, matrixTurns) {
		for _, f := range contests {
			if err := s.turn(ctx, f, all); err != nil {
				return err
			}
		}
	}
	b.printMatrix(contests, all)
	return b.plotMatrix(contests)
}

// turn lets every contender serve the same people, each at new events and with
// nothing left of the one before.
func (s *stage) turn(ctx context.Context, f *contest, all []*contender) error {
	people, err := s.people(ctx, f.users)
	if err != nil {
		return err
	}
	for _, c := range all {
		if err := s.clear(ctx); err != nil {
			return err
		}
		crowd := crowd{people: people, atOnce: f.users, budget: cellBudget}
		if c.name == grouped.name {
			crowd.budget = 0 // it serves everyone
		}
		if crowd.events, err = s.events(ctx, f.events, f.seats()); err != nil {
			return err
		}
		o := crowd.book(ctx, c.open(c.pool))
		if o.failed == 0 { // which strategies fail is told, not hidden
			err = crowd.expect(o, f.seats())
		}
		if err = errors.Join(err, s.holds(ctx, o)); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if f.cells[c] == nil {
			f.cells[c] = &cell{}
		}
		f.cells[c].add(o)
	}
	return nil
}

// holds fails when the database has fewer bookings than were answered, or any
// rule is broken. Whoever gave up or failed during the commit may have a seat.
func (s *stage) holds(ctx context.Context, o outcome) error {
	var rows int
	err := s.pool.QueryRow(ctx, `select (select count(*) from registrations) + (select count(*) from waitlist_entries)`).Scan(&rows)
	if err != nil {
		return err
	}
	if rows < o.answered() || o.unanswered+o.failed == 0 && rows > o.answered() {
		return fmt.Errorf("%d people were answered, %d have a seat or wait", o.answered(), rows)
	}
	return s.allSound(ctx)
}

func (c *cell) add(o outcome) {
	c.rate = append(c.rate, o.rate())
	c.p50 = append(c.p50, o.percentile(50))
	c.p99 = append(c.p99, o.percentile(99))
	c.last = o
	c.failed += o.failed
}

func (b *bench) printMatrix(contests []*contest, all []*contender) {
	b.printf(`Everyone books at the same moment, half as many seats as people. The desk serves everyone; with the other
strategies whoever has no answer after %.0f s gives up, and the rate is that of those who were answered: "answered"
tells how many. Waits are those of the answered. Transactions, retries and the connections in use at most are those
of the last turn; "failed" are those of all turns who were told of an error, such as a connection that the server
closed. Where nobody failed or gave up the tallies are what the seats allow; in every cell there are at least as many
bookings as answers, and every rule holds for every event.
`, cellBudget.Seconds())
	for i, f := range contests {
		if i == 0 || f.events != contests[i-1].events {
			b.printf("\n### %s\n\n| people | strategy | connections | bookings/s | answered | p50 ms | p99 ms | transactions | retries | failed |\n|---|---|---|---|---|---|---|---|---|---|\n", spreadOver(f.events))
		}
		for _, c := range all {
			at := f.cells[c]
			o := at.last
			answered := "all"
			if o.answered() < f.users {
				answered = fmt.Sprintf("%s of %s in %.0f s", thousands(o.answered()), thousands(f.users), o.took.Seconds())
			}
			b.printf("| %s | %s | %d of %d | %s | %s | %.0f | %.0f | %s | %s | %s |\n", thousands(f.users), c.name, o.spent.Connections, c.conns,
				at.rate.text(0), answered, at.p50.median(), at.p99.median(), thousands(int(o.spent.Transactions)), thousands(int(o.spent.Retries)), thousands(at.failed))
		}
	}
}

func spreadOver(events int) string {
	if events == 1 {
		return "One hot event"
	}
	return "Spread over " + thousands(events) + " events"
}

// plotMatrix draws how each strategy fares with more people, and how long a
// thousand people at one event waited.
func (b *bench) plotMatrix(contests []*contest) error {
	for _, events := range []int{1, 1000} {
		p := plot{
			title: spreadOver(events) + ": bookings a second",
			words: "How many bookings a second each strategy makes when 100 to 100,000 people come at once, with the pool that suits it better. The tables have the same figures.",
			x:     axis{name: "people at the same moment", log: true}, y: axis{name: "bookings a second", log: true},
		}
		for _, s := range append([]strategy{grouped}, rivals...) {
			l := line{name: s.name}
			for _, t := range contests {
				if rate := t.best(s).rate.median(); t.events == events && rate > 0 {
					l.points = append(l.points, point{float64(t.users), rate})
				}
			}
			p.lines = append(p.lines, l)
		}
		if err := b.picture(fmt.Sprintf("bench-rate-%d", events), p); err != nil {
			return err
		}
	}

	p := plot{
		title: "One hot event: how long 1,000 people waited",
		words: "For each strategy, how many of a hundred people had their answer after how many milliseconds, when a thousand came at once.",
		x:     axis{name: "milliseconds until the answer", log: true}, y: axis{name: "answered, of 100 people"},
	}
	for _, t := range contests {
		if t.users != 1000 || t.events != 1 {
			continue
		}
		for _, s := range append([]strategy{grouped}, rivals...) {
			p.lines = append(p.lines, line{s.name, t.best(s).last.distribution(t.users)})
		}
	}
	return b.picture("bench-waits", p)
}

// best is a strategy with the pool with which it made more bookings.
func (c *contest) best(s strategy) *cell {
	var best *cell
	for who, at := range c.cells {
		if who.name == s.name && (best == nil || at.rate.median() > best.rate.median()) {
			best = at
		}
	}
	return best
}

// distribution tells which percentage of all people had their answer after how
// many milliseconds.
func (o outcome) distribution(people int) []point {
	var points []point
	for percent := 1; percent <= 100*len(o.waits)/people; percent++ {
		points = append(points, point{milliseconds(o.waits[percent*people/100-1]), float64(percent)})
	}
	return points
}
