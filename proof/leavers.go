package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"rowlock/proof/model"
)

// leavers has visitors give up at random moments. Whoever was told that they
// had given up must have nothing; everyone else must have what they were told.
func leavers(ctx context.Context, p *proof) error {
	s, err := p.stage(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	desks, shut, err := s.instances(ctx, 2)
	if err != nil {
		return err
	}
	defer shut()

	for range p.pick(15, 1) {
		seed := p.nextSeed()
		c := crowd{Visitors: 12, Requests: p.pick(25, 12), Seed: seed, Impatient: true}
		if err := p.storm(ctx, s, desks, c); err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
	}
	for range p.pick(10, 1) {
		if err := p.leaveTheQueue(ctx, s, desks); err != nil {
			return err
		}
	}
	return nil
}

// leaveTheQueue has many people book once each. Half of them leave while an
// event's row is held up and they wait, or about when they are served.
func (p *proof) leaveTheQueue(ctx context.Context, s *stage, desks []desk) error {
	const people, busy = 600, 30 * time.Millisecond
	limits := make([]time.Duration, people)
	for i := range limits {
		limits[i] = p.soon(2 * busy)
	}
	r, err := s.gather(ctx, people)
	if err != nil {
		return err
	}
	release, err := s.holdRow(ctx, r.arena)
	if err != nil {
		return err
	}
	defer release()
	time.AfterFunc(busy, release)

	var late atomic.Int64
	r.start(func(i int) model.Reply {
		mine := ctx
		if i%2 == 0 {
			var leave context.CancelFunc
			mine, leave = context.WithTimeout(ctx, limits[i])
			defer leave()
		}
		reply := r.book(mine, desks[i%3%len(desks)], i)
		if mine.Err() != nil && !reply.Nothing {
			late.Add(1)
		}
		return reply
	})
	nothing, err := r.judge(ctx, s)
	if err == nil && nothing == 0 {
		err = errors.New("nobody left in time: nothing was shown")
	}
	p.count("left the queue and have nothing", nothing)
	p.count("left too late and have what they were told", int(late.Load()))
	return err
}

// impatience ends at a random moment, often while the request is under way.
func impatience(ctx context.Context, dice *rand.Rand) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, time.Duration(dice.Int64N(int64(6*time.Millisecond))))
}
