package main

import (
	"context"
)

// spreadConns are the sizes of pool that both strategies are given: what the
// program gives them, and more.
var spreadConns = []int32{programConns, 16, 32}

// A scatter is people who spread over events.
type scatter struct {
	name          string
	people, seats int
	// rates and ratios are by size of pool, the desk first.
	rates  [2][]spread
	ratios []spread
}

// scattered sets the desk against one transaction per booking where grouping
// gains least: everyone books at the same moment, but hardly two the same event.
func scattered(ctx context.Context, b *bench) error {
	const events = 1000
	s, err := b.newStage(ctx, programConns)
	if err != nil {
		return err
	}
	defer s.pool.Close()
	var contenders [2][]booker
	for _, conns := range spreadConns {
		pool, err := b.newStage(ctx, conns)
		if err != nil {
			return err
		}
		defer pool.pool.Close()
		contenders[0] = append(contenders[0], grouped.open(pool.pool))
		contenders[1] = append(contenders[1], pessimistic.open(pool.pool))
	}

	scatters := []*scatter{newScatter("1,000 people, each another event", events, 1), newScatter("5,000 people, five at each event", 5*events, 2)}
	for round := range b.rounds + 1 {
		for _, load := range scatters {
			for i := range spreadConns {
				var rates [2]float64
				for j := range contenders {
					if err := s.clear(ctx); err != nil {
						return err
					}
					o, err := s.rush(ctx, contenders[j][i], load.people, events, load.seats, load.people)
					if err != nil {
						return err
					}
					rates[j] = o.rate()
				}
				if round > 0 {
					load.add(i, rates)
				}
			}
		}
	}

	b.printf("People book 1,000 events at the same moment. Where each books another event there is nothing to group: every\nbooking is a transaction by either strategy. Both have the same number of connections.\n\n")
	b.printf("| crowd | connections | grouped, bookings/s | pessimistic, bookings/s | ratio |\n|---|---|---|---|---|\n")
	equal, best := true, true
	for _, load := range scatters {
		for i, conns := range spreadConns {
			b.printf("| %s | %d | %s | %s | **%s** |\n", load.name, conns, load.rates[0][i].text(0), load.rates[1][i].text(0), load.ratios[i].text(2))
			equal = equal && load.ratios[i].median() >= 1
		}
		best = best && load.best(0) >= load.best(1)
	}
	b.printf("\nNone failed, the tallies are what the seats allow, and every rule holds for every event.\n")
	b.target("spread over 1,000 events, no slower than pessimistic with as many connections", equal)
	b.target("nor with each at its best", best)
	return nil
}

func newScatter(name string, people, seats int) *scatter {
	n := len(spreadConns)
	return &scatter{
		name: name, people: people, seats: seats,
		rates: [2][]spread{make([]spread, n), make([]spread, n)}, ratios: make([]spread, n),
	}
}

func (s *scatter) add(i int, rates [2]float64) {
	for j, rate := range rates {
		s.rates[j][i] = append(s.rates[j][i], rate)
	}
	s.ratios[i] = append(s.ratios[i], rates[0]/rates[1])
}

// best is the highest of a contender's medians.
func (s *scatter) best(contender int) float64 {
	highest := 0.0
	for _, rates := range s.rates[contender] {
		highest = max(highest, rates.median())
	}
	return highest
}
