package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"rowlock/proof/model"
)

// A crowd is visitors who ask for whatever comes to their mind, each request
// after the answer to the one before.
type crowd struct {
	Visitors int    `json:"visitors"`
	Requests int    `json:"requests"` // of each visitor
	Seed     uint64 `json:"seed"`
	// First is the number of the first visitor.
	First int `json:"first"`
	// Ends tells that one of them may cancel the event near the end.
	Ends bool `json:"ends"`
	// Purges tells that an admin among them deactivates people and lets them in
	// again.
	Purges bool `json:"purges"`
	// Impatient tells that they give up at random moments.
	Impatient bool `json:"impatient"`
}

// storm lets the crowd in and returns when everyone has every answer. The
// visitors go to the desks in turn.
func (c crowd) storm(ctx context.Context, a *arena, desks ...desk) {
	var wg sync.WaitGroup
	for i := range c.Visitors {
		wg.Go(func() { c.visit(ctx, a, desks[i%len(desks)], i) })
	}
	wg.Wait()
}

func (c crowd) visit(ctx context.Context, a *arena, d desk, i int) {
	dice := rand.New(rand.NewPCG(c.Seed, uint64(i))) //nolint:gosec // a seed must replay
	v := visitor{number: c.First + i, dice: dice, arena: a, desk: d}
	for n := range c.Requests {
		if c.Ends && i == 0 && n == c.Requests*4/5 && dice.IntN(3) == 0 {
			v.ask(ctx, model.Ask{Kind: model.CancelEvent})
			continue
		}
		if c.Purges && dice.IntN(5) == 0 {
			v.purge(ctx)
			continue
		}
		v.askPatiently(ctx, c.Impatient)
	}
}

// A visitor is one of a crowd.
type visitor struct {
	number int
	dice   *rand.Rand
	arena  *arena
	desk   desk
}

func (v *visitor) askPatiently(ctx context.Context, impatient bool) {
	if impatient {
		var leave context.CancelFunc
		ctx, leave = impatience(ctx, v.dice)
		defer leave()
	}
	v.askSomething(ctx)
}

func (v *visitor) ask(ctx context.Context, q model.Ask) model.Reply {
	return v.arena.ask(ctx, v.desk, v.number, q)
}

// askSomething books and cancels for anybody: a person may well be at several
// places at once, as people with two tabs are.
func (v *visitor) askSomething(ctx context.Context) {
	q := model.Ask{Person: v.dice.IntN(len(v.arena.People))}
	switch luck := v.dice.IntN(100); {
	case luck < 45:
		q.Kind = model.Book
	case luck < 78:
		q.Kind = model.Cancel
	case luck < 90:
		q.Kind = model.Look
	default:
		v.resize(ctx, q.Person)
		return
	}
	v.ask(ctx, q)
}

// purge deactivates somebody, looks at what that leaves them with, and lets
// them in again, but not before those who booked for them meanwhile have their
// answer: else that might as well have come afterwards.
func (v *visitor) purge(ctx context.Context) {
	person := v.dice.IntN(len(v.arena.People))
	v.ask(ctx, model.Ask{Kind: model.Deactivate, Person: person})
	v.ask(ctx, model.Ask{Kind: model.Look, Person: person})
	time.Sleep(40 * time.Millisecond)
	v.ask(ctx, model.Ask{Kind: model.Activate, Person: person})
}

// resize opens the form and saves it, with what may be too few seats.
func (v *visitor) resize(ctx context.Context, person int) {
	form := v.ask(ctx, model.Ask{Kind: model.Look, Person: person})
	v.ask(ctx, model.Ask{Kind: model.Resize, Capacity: v.dice.IntN(len(v.arena.People)), Revision: form.Revision})
}

// judge ends an event's history with all that the database has, and fails
// unless one order of all requests explains that and every answer, and every
// rule holds that always must.
func (s *stage) judge(ctx context.Context, a *arena, h *model.History) error {
	seen, err := a.inspect(ctx)
	if err != nil {
		return err
	}
	at := model.Now()
	h.Answered(h.Asked(-1, model.Ask{Kind: model.Inspect}, at), model.Reply{Seen: &seen}, at+1)
	return errors.Join(h.Check(), s.sound(ctx))
}
