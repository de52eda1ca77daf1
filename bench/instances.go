package main

import (
	"context"
	"sync/atomic"

	"rowlock/booking"
)

// desks are the desks of several instances, each with a pool of its own, and
// people spread over them as a proxy would spread them.
type desks struct {
	each []booking.Booker
	next atomic.Int64
}

func (d *desks) Book(ctx context.Context, r booking.Request) (booking.Answer, error) {
	return d.each[int(d.next.Add(1))%len(d.each)].Book(ctx, r)
}

// instances sets one desk against three.
func instances(ctx context.Context, b *bench) error {
	const people = 20_000
	s, err := b.newStage(ctx, programConns)
	if err != nil {
		return err
	}
	defer s.pool.Close()
	one, three := &desks{each: []booking.Booker{grouped.open(s.pool)}}, &desks{}
	for range 3 {
		other, err := b.newStage(ctx, programConns)
		if err != nil {
			return err
		}
		defer other.pool.Close()
		three.each = append(three.each, grouped.open(other.pool))
	}

	b.printf("20,000 people book at the same moment, half of them get a seat. One desk serves them all, or three desks with a\npool of %d connections each, as in three instances, a third of the people each. All share this machine.\n\n", programConns)
	b.printf("| events | one desk, bookings/s | three desks, bookings/s | ratio |\n|---|---|---|---|\n")
	for _, events := range []int{1, 1000} {
		var single, triple, ratio spread
		for round := range b.rounds + 1 {
			var rates [2]float64
			for i, d := range []*desks{one, three} {
				if err := s.clear(ctx); err != nil {
					return err
				}
				o, err := s.rush(ctx, d, people, events, people/events/2, people)
				if err != nil {
					return err
				}
				rates[i] = o.rate()
			}
			if round == 0 {
				continue
			}
			single, triple, ratio = append(single, rates[0]), append(triple, rates[1]), append(ratio, rates[1]/rates[0])
		}
		b.printf("| %s | %s | %s | **%s** |\n", thousands(events), single.text(0), triple.text(0), ratio.text(2))
	}
	b.printf("\nNone failed, the tallies are what the seats allow, and every rule holds for every event.\n")
	return nil
}
