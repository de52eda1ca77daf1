package main

import (
	"context"
	"fmt"
	"sync"

	"rowlock/booking"
	"rowlock/proof/model"
)

// A rush is many people who book one event, once each, at the same moment.
type rush struct {
	arena   *arena
	replies []model.Reply
	people  sync.WaitGroup
}

// gather makes an event with seats for a third of the people.
func (s *stage) gather(ctx context.Context, people int) (*rush, error) {
	a, _, err := s.arena(ctx, people/3, people)
	return &rush{arena: a, replies: make([]model.Reply, people)}, err
}

// start lets everyone in, with f for each.
func (r *rush) start(f func(i int) model.Reply) {
	for i := range r.replies {
		r.startOne(i, f)
	}
}

func (r *rush) startOne(i int, f func(i int) model.Reply) {
	r.people.Go(func() { r.replies[i] = f(i) })
}

func (r *rush) book(ctx context.Context, d desk, i int) model.Reply {
	return r.arena.ask(ctx, d, i, model.Ask{Kind: model.Book, Person: i})
}

func (r *rush) wait() { r.people.Wait() }

// judge waits for everyone and holds what each was told against the database.
// It returns how many were told that nothing happened.
func (r *rush) judge(ctx context.Context, s *stage) (nothing int, err error) {
	r.wait()
	seen, err := r.arena.inspect(ctx)
	if err != nil {
		return 0, err
	}
	for i, reply := range r.replies {
		told := told{Standing: reply.Standing, Number: reply.Number}
		switch {
		case reply.Unknown || reply.Refusal != "":
			return 0, fmt.Errorf("%w: person %d was answered %q", errAnswer, i, reply)
		case reply.Nothing:
			nothing++
			told.Standing = booking.None
		}
		if has := has(seen.People[i]); has != told {
			return 0, fmt.Errorf("%w: person %d was told %s #%d and is %s #%d", errAnswer, i, told.Standing, told.Number, has.Standing, has.Number)
		}
	}
	if seen.Next != 1+len(r.replies)-nothing {
		return 0, fmt.Errorf("%w: %d people were served, and the next number is %d", errAnswer, len(r.replies)-nothing, seen.Next)
	}
	return nothing, s.sound(ctx)
}

// has puts what a person has into the words of an answer.
func has(p model.Person) told {
	if p.LineNumber > 0 {
		return told{Standing: booking.Waitlisted, Number: p.LineNumber}
	}
	return told{Standing: p.Seat, Number: p.SeatNumber}
}
