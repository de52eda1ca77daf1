package booking

import (
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Spent is what a strategy has used since it was made.
type Spent struct {
	// Transactions were begun.
	Transactions int64
	// Retries are decisions that were made in vain, and made again.
	Retries int64
	// Connections are those in use at this moment.
	Connections int
}

// A counter keeps what a strategy spends, at the price of an addition.
type counter struct {
	transactions, retries atomic.Int64
}

func (c *counter) spent(pool *pgxpool.Pool) Spent {
	return Spent{
		Transactions: c.transactions.Load(),
		Retries:      c.retries.Load(),
		Connections:  int(pool.Stat().AcquiredConns()),
	}
}

// Spent tells what the strategy has used.
func (p *Pessimistic) Spent() Spent { return p.counter.spent(p.pool) }

// Spent tells what the strategy has used.
func (o *Optimistic) Spent() Spent { return o.counter.spent(o.pool) }

// Spent tells what the strategy has used.
func (c *Conditional) Spent() Spent { return c.counter.spent(c.pool) }

// Spent tells what the desk has used, for all events together.
func (d *Desk) Spent() Spent { return d.counter.spent(d.pool) }

// A Settled group is one whose requests are all decided. They are answered
// next.
type Settled struct {
	Requests int
	// Transactions is 1 unless the group had to be tried again.
	Transactions int
	// Took is the time from taking the group out of the queue.
	Took time.Duration
}

// Observe has watch told of every group of the event that the desk settles,
// one after the other, until stop is called. The group's people wait for watch,
// so it must not. An event has one watch at a time: the last takes over.
func (d *Desk) Observe(eventID uuid.UUID, watch func(Settled)) (stop func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	mine := &watch
	d.watches[eventID] = mine
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.watches[eventID] == mine {
			delete(d.watches, eventID)
		}
	}
}
