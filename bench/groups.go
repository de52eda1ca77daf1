package main

import (
	"context"
	"log/slog"
	"sync/atomic"

	"rowlock/booking"
)

// groups tells how throughput grows with the size of the desk's groups. Nothing
// limits them but how many people wait: while one group is settled, those who
// have an answer already are followed by others, who gather for the next.
func groups(ctx context.Context, b *bench) error {
	s, err := b.newStage(ctx, programConns)
	if err != nil {
		return err
	}
	defer s.pool.Close()
	desk := booking.NewDesk(s.pool, slog.Default())

	crowds := []*groupSize{{waiting: 1}, {waiting: 4}, {waiting: 16}, {waiting: 64}, {waiting: 256}, {waiting: 1024}, {waiting: 4096}}
	for round := range b.rounds + 1 {
		for _, c := range crowds {
			if err := s.clear(ctx); err != nil {
				return err
			}
			if err := c.measure(ctx, s, desk, round > 0); err != nil {
				return err
			}
		}
	}

	b.printf("A number of people wait for the same event at any time: whoever has an answer is followed by the next. The\ndesk takes everyone who waits, 1,024 at most, into one transaction.\n\n")
	b.printf("| people waiting | requests in a group | bookings/s | p50 ms | p99 ms | of the highest rate |\n|---|---|---|---|---|---|\n")
	best := 0.0
	for _, c := range crowds {
		best = max(best, c.rate.median())
	}
	sizes := line{name: "the desk"}
	for _, c := range crowds {
		b.printf("| %s | %s | %s | %s | %s | %.2f |\n", thousands(c.waiting), c.size.text(0), c.rate.text(0), c.p50.text(1), c.p99.text(1), c.rate.median()/best)
		sizes.points = append(sizes.points, point{c.size.median(), c.rate.median()})
	}
	return b.picture("bench-groups", plot{
		title: "Throughput against the size of the groups",
		words: "How many bookings a second the desk makes of one event when its transactions settle one to about a thousand requests each.",
		x:     axis{name: "requests in a group, the mean", log: true}, y: axis{name: "bookings a second", log: true},
		lines: []line{sizes},
	})
}

// A groupSize is what a number of people waiting makes of the groups.
type groupSize struct {
	waiting              int
	size, rate, p50, p99 spread
}

// people is how many come one after the other: enough for groups to be of the
// size that the number of those who wait gives them.
func (g *groupSize) people() int { return min(20_000, max(300, 20*g.waiting)) }

func (g *groupSize) measure(ctx context.Context, s *stage, desk *booking.Desk, keep bool) error {
	c := crowd{atOnce: g.waiting}
	var err error
	if c.people, err = s.people(ctx, g.people()); err != nil {
		return err
	}
	if c.events, err = s.events(ctx, 1, g.people()); err != nil {
		return err
	}
	var settled, requests atomic.Int64
	stop := desk.Observe(c.events[0], func(one booking.Settled) {
		settled.Add(1)
		requests.Add(int64(one.Requests))
	})
	defer stop()
	o := c.book(ctx, desk)
	if err := c.expect(o, g.people()); err != nil {
		return err
	}
	if keep {
		g.size = append(g.size, float64(requests.Load())/float64(settled.Load()))
		g.rate = append(g.rate, o.rate())
		g.p50, g.p99 = append(g.p50, o.percentile(50)), append(g.p99, o.percentile(99))
	}
	return s.sound(ctx, c.events[0])
}
