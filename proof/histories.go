package main

import (
	"context"
	"fmt"

	"rowlock/booking"
	"rowlock/db"
)

// histories lets crowds storm events through one, two and three instances, and
// through all strategies at once, and looks for an order of the requests that
// explains every answer.
func histories(ctx context.Context, p *proof) error {
	s, err := p.stage(ctx)
	if err != nil {
		return err
	}
	defer s.close()

	for instances := 1; instances <= 3; instances++ {
		desks, shut, err := s.instances(ctx, instances)
		if err != nil {
			return err
		}
		err = p.storms(ctx, s, desks)
		shut()
		if err != nil {
			return fmt.Errorf("%d instances: %w", instances, err)
		}
	}
	desks, shut, err := s.everyStrategy(ctx)
	if err != nil {
		return err
	}
	defer shut()
	if err := p.storms(ctx, s, desks); err != nil {
		return fmt.Errorf("all strategies at once: %w", err)
	}
	p.tell("1, 2 and 3 instances, and 2 instances beside the 3 other strategies")
	return nil
}

// storms runs one storm after the other, each on an event of its own.
func (p *proof) storms(ctx context.Context, s *stage, desks []desk) error {
	for i := range p.pick(25, 2) {
		seed := p.nextSeed()
		c := crowd{Visitors: 12, Requests: p.pick(25, 12), Seed: seed, Ends: true, Purges: i%2 == 1}
		if err := p.storm(ctx, s, desks, c); err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
	}
	return nil
}

func (p *proof) storm(ctx context.Context, s *stage, desks []desk, c crowd) error {
	a, h, err := s.arena(ctx, 3, 9)
	if err != nil {
		return err
	}
	c.storm(ctx, a, desks...)
	if err := s.judge(ctx, a, h); err != nil {
		return err
	}
	p.count("histories", 1)
	p.count("requests", h.Len()-1)
	p.count("without a known outcome", h.Unknown())
	return nil
}

func (s *stage) instances(ctx context.Context, n int) (desks []desk, shut func(), err error) {
	var shuts []func()
	shut = func() {
		for _, f := range shuts {
			f()
		}
	}
	for range n {
		d, shutOne, err := s.instance(ctx)
		if err != nil {
			shut()
			return nil, nil, err
		}
		desks, shuts = append(desks, d), append(shuts, shutOne)
	}
	return desks, shut, nil
}

// A strategist books by one of the other strategies and does everything else
// at a desk.
type strategist struct {
	desk
	booker booking.Booker
}

func (s strategist) Book(ctx context.Context, r booking.Request) (booking.Answer, error) {
	return s.booker.Book(ctx, r)
}

// everyStrategy is two desks beside each of the other strategies.
func (s *stage) everyStrategy(ctx context.Context) (desks []desk, shut func(), err error) {
	desks, shutDesks, err := s.instances(ctx, 2)
	if err != nil {
		return nil, nil, err
	}
	pool, err := db.Open(ctx, s.url, db.BookingLimits)
	if err != nil {
		shutDesks()
		return nil, nil, err
	}
	for _, b := range []booking.Booker{booking.NewPessimistic(pool), booking.NewOptimistic(pool), booking.NewConditional(pool)} {
		desks = append(desks, strategist{desks[0], b})
	}
	return desks, func() { shutDesks(); pool.Close() }, nil
}
