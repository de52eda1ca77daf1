package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/booking"
	"rowlock/db"
	"rowlock/proof/model"
	"rowlock/proof/mutant"
	"rowlock/simulation"
)

// instances kills instance processes in the middle of storms and of
// simulations, and looks whether everything that they had answered is true.
func instances(ctx context.Context, p *proof) error {
	s, err := p.stage(ctx)
	if err != nil {
		return err
	}
	defer s.close()

	var recovery stopwatch
	for range p.pick(30, 1) {
		seed := p.nextSeed()
		if err := p.killInStorm(ctx, s, realDesk, seed, &recovery); err != nil {
			return fmt.Errorf("a storm, seed %d: %w", seed, err)
		}
	}
	p.tell("another instance books on the same event %s after the kill at the latest", &recovery)
	for range p.pick(10, 1) {
		if err := p.killInSimulation(ctx, realDesk, p.pick(simulatedUsers, simulatedUsers/4)); err != nil {
			return fmt.Errorf("a simulation: %w", err)
		}
	}
	if p.short {
		return nil
	}
	return p.simulateAfterKill(ctx, s)
}

// killInStorm lets two instances work on one event, kills one, and lets a
// third one start on it.
func (p *proof) killInStorm(ctx context.Context, s *stage, m mutant.Break, seed uint64, recovery *stopwatch) error {
	a, h, err := s.arena(ctx, 3, 9)
	if err != nil {
		return err
	}
	var children []*child
	var reading sync.WaitGroup
	errs := make([]error, 3)
	begin := func(visitors int) error {
		i := len(children)
		t := task{URL: s.url, Limits: db.BookingLimits, Mutant: m, Arena: a, Crowd: crowd{Visitors: visitors, Requests: 40, Seed: seed + uint64(i), First: 10 * i}}
		c, err := startInstance(ctx, t)
		if err != nil {
			return err
		}
		children = append(children, c)
		reading.Go(func() { errs[i] = c.note(h) })
		return nil
	}

	err = errors.Join(begin(6), begin(6))
	if err == nil {
		p.awaitRequests(ctx, h, 20+p.dice.IntN(150))
		children[0].kill()
		killed := time.Now()
		err = p.bookOnce(ctx, s, a)
		recovery.took(time.Since(killed))
		err = errors.Join(err, begin(2))
	}
	reading.Wait()
	if err := errors.Join(append(errs, err)...); err != nil {
		return err
	}
	if !children[0].done {
		p.count("instances killed in a storm", 1)
	}
	p.count("of their requests cut off", h.Unknown())
	return s.judge(ctx, a, h)
}

// awaitRequests waits until so many requests were made.
func (p *proof) awaitRequests(ctx context.Context, h *model.History, n int) {
	for deadline := time.Now().Add(10 * time.Second); h.Len() < n && time.Now().Before(deadline) && ctx.Err() == nil; {
		time.Sleep(time.Millisecond)
	}
}

// bookOnce books through an instance of this process.
func (p *proof) bookOnce(ctx context.Context, s *stage, a *arena) error {
	d, shut, err := s.instance(ctx)
	if err != nil {
		return err
	}
	defer shut()
	if r := a.ask(ctx, d, -2, model.Ask{Kind: model.Book, Person: 0}); r.Nothing || r.Unknown {
		return fmt.Errorf("after the kill nobody can book: %s", r)
	}
	return nil
}

// killInSimulation kills an instance while it simulates, on a database of its
// own, and holds each answer that it gave against the database.
func (p *proof) killInSimulation(ctx context.Context, m mutant.Break, users int) error {
	s, err := p.stage(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	answers, err := p.simulateAndKill(ctx, s, m, users)
	if err != nil {
		return err
	}
	kept, err := s.kept(ctx)
	if err != nil {
		return err
	}
	for _, t := range answers {
		if kept[t.Person] != t {
			return fmt.Errorf("%w: person %s was told %s #%d and is %s #%d", errAnswer, t.Person, t.Standing, t.Number, kept[t.Person].Standing, kept[t.Person].Number)
		}
	}
	p.count("instances killed in a simulation", 1)
	p.count("answers that they had given", len(answers))
	return s.sound(ctx)
}

const (
	simulatedUsers = 8_000
	simulatedSeats = 300
)

// simulateAndKill returns what a killed instance's made-up people were told.
// It is killed at any moment after an answer, and not always right after it.
func (p *proof) simulateAndKill(ctx context.Context, s *stage, m mutant.Break, users int) ([]told, error) {
	event, err := s.event(ctx, simulatedSeats)
	if err != nil {
		return nil, err
	}
	c, err := startInstance(ctx, task{URL: s.url, Limits: db.BookingLimits, Mutant: m, Simulate: event, StartedBy: s.organizer, Users: users, Seats: simulatedSeats})
	if err != nil {
		return nil, err
	}
	var answers []told
	fatal, later := 1+p.dice.IntN(users*3/4), p.soon(5*time.Millisecond)
	err = c.read(func(l line) {
		if l.Told != nil {
			if answers = append(answers, *l.Told); len(answers) == fatal {
				time.AfterFunc(later, c.kill)
			}
		}
	})
	if err == nil && c.done {
		err = errors.New("the simulation ended before it could be killed")
	}
	return answers, err
}

// kept reads what everybody in the database has, in the words of an answer.
func (s *stage) kept(ctx context.Context) (map[uuid.UUID]told, error) {
	rows, err := s.pool.Query(ctx, `
		select user_id, status, position from registrations where status = 'confirmed'
		union all select user_id, 'waitlisted', position from waitlist_entries`)
	if err != nil {
		return nil, fmt.Errorf("read what everybody has: %w", err)
	}
	kept := map[uuid.UUID]told{}
	var t told
	_, err = pgx.ForEachRow(rows, []any{&t.Person, &t.Standing, &t.Number}, func() error {
		if _, twice := kept[t.Person]; twice {
			return fmt.Errorf("%w: person %s has two places", errRule, t.Person)
		}
		kept[t.Person] = t
		return nil
	})
	return kept, err
}

// simulateAfterKill looks how long a killed simulation blocks the next.
func (p *proof) simulateAfterKill(ctx context.Context, s *stage) error {
	if _, err := p.simulateAndKill(ctx, s, realDesk, p.pick(simulatedUsers, simulatedUsers/4)); err != nil {
		return err
	}
	killed := time.Now()
	event, err := s.event(ctx, 5)
	if err != nil {
		return err
	}
	d, shut, err := s.instance(ctx)
	if err != nil {
		return err
	}
	defer shut()
	runner := simulation.NewRunner(s.pool, map[string]booking.Booker{simulation.Grouped: d}, discard())
	for time.Since(killed) < time.Minute {
		id, err := runner.Start(ctx, simulation.Params{EventID: event, StartedBy: s.organizer, Users: 50})
		if errors.Is(err, simulation.ErrRunning) {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if err != nil {
			return err
		}
		waited := time.Since(killed)
		run, err := runner.Wait(ctx, id)
		if err != nil {
			return err
		}
		if run.State != simulation.Done || !booking.AllHold(run.Results.Checks) {
			return fmt.Errorf("the next simulation is %s: %s", run.State, run.Failure)
		}
		p.tell("the next simulation could start %.1f s after the kill", waited.Seconds())
		return s.sound(ctx)
	}
	return errors.New("a killed simulation blocks the next for more than a minute")
}
