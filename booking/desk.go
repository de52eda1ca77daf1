package booking

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/event"
)

const (
	// groupLimit bounds how many requests one transaction settles. Nine tenths
	// of what grouping gains are there at 64 and all of it at 512; larger
	// groups only make people wait longer for their answer.
	groupLimit = 1024

	// queueLimit bounds how many requests wait for one event on one instance.
	// It is a few seconds' work and the size of the largest simulation.
	queueLimit = 100_000
)

// A Desk is the part of a running instance through which every change of seats
// goes. Within one instance, requests for an event are settled in the order in
// which they reached its desk. Desks of several instances meet at the event's
// row lock, and each keeps its own order.
//
// At most one connection per event with waiting requests is in use, and never
// more than the pool has.
type Desk struct {
	pool *pgxpool.Pool
	log  *slog.Logger
	// changed are told of every event that a group was settled for.
	changed []func(eventID uuid.UUID)
	counter
	queueLimit int

	mu       sync.Mutex
	queues   map[uuid.UUID]*queue
	watches  map[uuid.UUID]*func(Settled)
	stopping bool
	workers  sync.WaitGroup
}

// A queue holds the requests for one event that no group has taken yet. It
// exists while a worker serves the event.
type queue struct {
	// waiting holds the live tickets in order of arrival, and for a while
	// those whose callers have left.
	waiting []*ticket
	live    int
}

// drop forgets a ticket whose caller has left. They are cleared away together
// once they outnumber the others: if each were looked for, a hundred thousand
// who leave would each search the whole queue.
func (q *queue) drop() {
	q.live--
	if q.live < len(q.waiting)/2 {
		q.waiting = slices.DeleteFunc(q.waiting, func(t *ticket) bool { return t.taken })
	}
}

// A ticket is one request on its way through the desk. A hundred thousand of
// them may wait at once, so it is small, and what answers it comes late.
type ticket struct {
	wish wish
	// answered is closed when the worker has answered.
	answered chan struct{}
	taken    bool
	answer   *answer
	err      error
}

// An answer is what a ticket that was not refused gets.
type answer struct {
	Answer
	// count is how many people an edit promoted or a cancelled event had.
	count int
}

func (t *ticket) result() (answer, error) {
	if t.err != nil {
		return answer{}, t.err
	}
	return *t.answer, nil
}

// NewDesk opens a desk that works on pool, whose connections nothing else
// should keep busy: see [rowlock/db.BookingLimits]. Each of changed is told of
// an event after every group of its requests, just before they are answered:
// whoever has an answer and looks finds nothing older. It must not block: all
// of them wait for it.
func NewDesk(pool *pgxpool.Pool, log *slog.Logger, changed ...func(eventID uuid.UUID)) *Desk {
	return &Desk{
		pool: pool, log: log, changed: changed, queueLimit: queueLimit,
		queues: map[uuid.UUID]*queue{}, watches: map[uuid.UUID]*func(Settled){},
	}
}

// Book gives the person a seat, or the end of the line when none is left.
// Asking again returns what the person has, with Already set.
//
// A caller whose context ends before its turn leaves the queue and gets the
// context's error; from then on the answer is waited for, because the booking
// stands. Book can be refused with [ErrNoEvent], [ErrSignedOut], [ErrNoPerson],
// [ErrInactive], [ErrEventCancelled], [ErrStarted], [ErrNotOpenYet],
// [ErrClosed], [ErrBusy], [ErrStopping], [ErrUnavailable] and
// [ErrOutcomeUnknown].
func (d *Desk) Book(ctx context.Context, r Request) (Answer, error) {
	a, err := d.settle(ctx, r.EventID, bookWish{r.UserID, r.SessionID}).result()
	return a.Answer, err
}

// A Cancellation gives up a seat or a place in line.
type Cancellation struct {
	EventID uuid.UUID
	UserID  uuid.UUID
	// SessionID is checked as a [Request]'s is.
	SessionID uuid.UUID
	// ActorID is who asks for it: the person, or an organizer who removes
	// them.
	ActorID uuid.UUID
	// PlaceOnly gives up nothing but a place in line: somebody who leaves the
	// line while they are promoted keeps the seat.
	PlaceOnly bool
}

// Cancel ends the person's registration, and promotes the first in line in the
// same transaction, or ends their place in line. Whoever has neither gets an
// answer with Already set. It can be refused with [ErrNoEvent], [ErrSignedOut],
// [ErrStarted], and like Book for want of a database.
func (d *Desk) Cancel(ctx context.Context, c Cancellation) (Answer, error) {
	a, err := d.settle(ctx, c.EventID, cancelWish{c}).result()
	return a.Answer, err
}

// An Edit replaces an event's details, capacity among them.
type Edit struct {
	EventID uuid.UUID
	ActorID uuid.UUID
	// Revision is the event's revision when the editor last saw it.
	Revision int
	Details  event.Details
}

// Edit saves an event's details and, when seats were added, promotes as many
// people from the line; it returns how many. It is refused with
// [event.ErrChanged] when somebody else edited the event since, with
// [*TooFewSeatsError] when more people have a seat than there would be, with
// [ErrEventCancelled], [ErrNoEvent], and like Book for want of a database.
func (d *Desk) Edit(ctx context.Context, c Edit) (promoted int, err error) {
	a, err := d.settle(ctx, c.EventID, editWish{c}).result()
	return a.count, err
}

// CancelEvent cancels the event, every seat and the line, and returns how many
// people that concerned. Cancelling twice changes nothing. It is refused with
// [ErrDraft], [ErrStarted], [ErrNoEvent], and like Book for want of a database.
func (d *Desk) CancelEvent(ctx context.Context, eventID, actorID uuid.UUID) (ended int, err error) {
	a, err := d.settle(ctx, eventID, cancelEventWish{actorID}).result()
	return a.count, err
}

// Close refuses new requests with [ErrStopping] and waits until those that
// wait have been settled, or until ctx ends.
func (d *Desk) Close(ctx context.Context) error {
	d.mu.Lock()
	d.stopping = true
	d.mu.Unlock()

	idle := make(chan struct{})
	go func() { d.workers.Wait(); close(idle) }()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Waiting tells how many requests wait for an event, those being settled and
// those whose callers have left not counted.
func (d *Desk) Waiting(eventID uuid.UUID) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if q := d.queues[eventID]; q != nil {
		return q.live
	}
	return 0
}

// settle queues a wish and returns its ticket when it is answered.
func (d *Desk) settle(ctx context.Context, eventID uuid.UUID, w wish) *ticket {
	t := &ticket{wish: w, answered: make(chan struct{})}
	if ctx.Err() != nil {
		t.err = context.Cause(ctx)
		return t
	}
	if err := d.enqueue(eventID, t); err != nil {
		t.err = err // never enqueued: still ours alone
		return t
	}
	if ctx.Done() == nil {
		// Nobody to watch, as in a simulation: the goroutine parks here on a
		// stack of the smallest size.
		<-t.answered
		return t
	}
	d.watch(ctx, eventID, t)
	return t
}

// watch waits for the answer, or for the caller to leave the queue.
func (d *Desk) watch(ctx context.Context, eventID uuid.UUID, t *ticket) {
	select {
	case <-t.answered:
	case <-ctx.Done():
		if !d.leave(eventID, t) {
			<-t.answered
			return
		}
		t.err = context.Cause(ctx)
	}
}

func (d *Desk) enqueue(eventID uuid.UUID, t *ticket) error {
	d.mu.Lock()
	defer d.mu.Unlock()

	if d.stopping {
		return ErrStopping
	}
	q := d.queues[eventID]
	if q == nil {
		q = &queue{}
		d.queues[eventID] = q
		d.workers.Go(func() { d.serve(eventID) })
	}
	if q.live >= d.queueLimit {
		return ErrBusy
	}
	q.waiting = append(q.waiting, t)
	q.live++
	return nil
}

// leave drops a ticket whose caller has left, and tells whether no group has
// taken it before.
func (d *Desk) leave(eventID uuid.UUID, t *ticket) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t.taken {
		return false
	}
	t.taken = true // the worker passes over it
	d.queues[eventID].drop()
	return true
}

// serve settles groups of an event's requests until none is left. While one
// group commits, the next gathers.
func (d *Desk) serve(eventID uuid.UUID) {
	for {
		tickets, watch := d.take(eventID)
		if tickets == nil {
			return
		}
		began := time.Now()
		g := &group{eventID: eventID, tickets: tickets}
		g.settle(d.pool, d.log)
		d.transactions.Add(int64(g.tries))
		d.retries.Add(int64(g.tries - 1))
		if watch != nil {
			(*watch)(Settled{Requests: len(tickets), Transactions: g.tries, Took: time.Since(began)})
		}
		for _, tell := range d.changed {
			tell(eventID)
		}
		d.answer(tickets)
	}
}

// answer wakes those who wait: many of them while the database works on the
// next group.
func (d *Desk) answer(tickets []*ticket) {
	if len(tickets) == 1 {
		close(tickets[0].answered)
		return
	}
	d.workers.Go(func() {
		for _, t := range tickets {
			close(t.answered)
		}
	})
}

// take removes the next group from an event's queue, in order of arrival, and
// tells who watches. It returns nil, and forgets the queue, when nobody waits.
func (d *Desk) take(eventID uuid.UUID) ([]*ticket, *func(Settled)) {
	d.mu.Lock()
	defer d.mu.Unlock()

	q := d.queues[eventID]
	tickets := make([]*ticket, 0, min(len(q.waiting), groupLimit))
	for len(q.waiting) > 0 && len(tickets) < groupLimit {
		t := q.waiting[0]
		q.waiting[0] = nil // the array outlives its tickets
		q.waiting = q.waiting[1:]
		if !t.taken {
			t.taken = true
			tickets = append(tickets, t)
		}
	}
	q.live -= len(tickets)
	if len(tickets) == 0 {
		delete(d.queues, eventID)
		return nil, nil
	}
	return tickets, d.watches[eventID]
}
