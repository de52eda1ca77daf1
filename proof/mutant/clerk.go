// Package mutant has desks with one rule broken on purpose each. A proof that
// does not catch its mutant proves nothing.
package mutant

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/booking"
)

// Break names the rule that a mutant breaks.
type Break string

// The mutants. Nothing breaks no rule: it must pass wherever another is
// caught.
const (
	Nothing Break = "nothing"
	// LockAndCount counts the seats in the statement that takes the lock, and
	// so as they were before it waited.
	LockAndCount Break = "lock and count in one statement"
	// CheckBeforeLock looks whether there is a seat to cancel before it locks.
	CheckBeforeLock Break = "check before lock"
	// AnswerBeforeCommit answers when everything is written but the commit.
	AnswerBeforeCommit Break = "answer before commit"
	// GuessLost takes a commit without an answer for one that did not happen,
	// and starts over without a look at the receipt.
	GuessLost Break = "guess that a commit was lost"
	// GuessDone takes a failed try for one that was committed.
	GuessDone Break = "guess that a commit was done"
	// SkipTheLine promotes the last in line.
	SkipTheLine Break = "promote the last in line"
	// BookForLeavers tells somebody who gave up that nothing happened, and
	// books for them nevertheless.
	BookForLeavers Break = "book for who gave up"
	// ForgetPeople reads people without a lock, so that they are deactivated
	// while they are given a seat.
	ForgetPeople Break = "people read without a lock"
	// LastComeFirst serves those who wait in the wrong order.
	LastComeFirst Break = "serve the last first"
	// TurnAway gives up at the first failure.
	TurnAway Break = "turn people away at the first failure"
	// TellNothing says of a commit without an answer that nothing happened.
	TellNothing Break = "an unknown outcome told as nothing"
	// TellUnknown says that nobody knows where the server has said that it
	// rolled back.
	TellUnknown Break = "a rollback told as unknown"
	// TryOn goes on trying for somebody who was told that nothing happened.
	TryOn Break = "try on after giving up"
	// TwoCommits commits who has which seat before the event's own counters,
	// and holds the event's row until both are in: only who is stopped in
	// between leaves a half.
	TwoCommits Break = "seats and counters in two commits"
	// LeavePeople undoes a simulation but for the people of it.
	LeavePeople Break = "an undone simulation's people left"
)

// A Clerk is the simplest desk there is: one transaction per request, without
// groups or log. Resizing and cancelling events it leaves to a real desk.
type Clerk struct {
	*booking.Desk
	// Patience is how long it tries while the database fails.
	Patience time.Duration

	pool   *pgxpool.Pool
	broken Break

	// counter is held by whoever is served, mu guards those who wait.
	counter, mu sync.Mutex
	stack       []chan struct{}
}

// New makes a clerk that works on pool and breaks one rule.
func New(pool *pgxpool.Pool, d *booking.Desk, b Break) *Clerk {
	return &Clerk{Desk: d, Patience: 30 * time.Second, pool: pool, broken: b}
}

// Book is [booking.Desk.Book], but for what is broken.
func (c *Clerk) Book(ctx context.Context, r booking.Request) (booking.Answer, error) {
	return c.serve(ctx, func(ctx context.Context) (booking.Answer, error) {
		return c.settle(ctx, r.EventID, func(tx pgx.Tx) (booking.Answer, error) { return c.book(ctx, tx, r) })
	})
}

// Cancel is [booking.Desk.Cancel], but for what is broken.
func (c *Clerk) Cancel(ctx context.Context, r booking.Cancellation) (booking.Answer, error) {
	return c.serve(ctx, func(ctx context.Context) (booking.Answer, error) {
		return c.settle(ctx, r.EventID, func(tx pgx.Tx) (booking.Answer, error) { return c.cancel(ctx, tx, r) })
	})
}

// serve calls f when it is the caller's turn.
func (c *Clerk) serve(ctx context.Context, f func(context.Context) (booking.Answer, error)) (booking.Answer, error) {
	switch c.broken {
	case LastComeFirst:
		defer c.lastFirst()()
		return f(ctx)
	case BookForLeavers:
		return leavable(ctx, f)
	}
	if ctx.Err() != nil {
		return booking.Answer{}, ctx.Err()
	}
	return f(context.WithoutCancel(ctx))
}

// lastFirst waits until nobody is served and nobody came later.
func (c *Clerk) lastFirst() (leave func()) {
	turn := make(chan struct{})
	c.mu.Lock()
	c.stack = append(c.stack, turn)
	c.mu.Unlock()
	go func() {
		c.counter.Lock()
		c.mu.Lock()
		last := len(c.stack) - 1
		next := c.stack[last]
		c.stack = c.stack[:last]
		c.mu.Unlock()
		close(next)
	}()
	<-turn
	return c.counter.Unlock
}

func leavable(ctx context.Context, f func(context.Context) (booking.Answer, error)) (booking.Answer, error) {
	var a booking.Answer
	var err error
	done := make(chan struct{})
	go func() { a, err = f(context.WithoutCancel(ctx)); close(done) }()
	select {
	case <-done:
		return a, err
	case <-ctx.Done():
		return booking.Answer{}, ctx.Err()
	}
}

// Waiting counts, like [booking.Desk.Waiting], who is not being served.
func (c *Clerk) Waiting(uuid.UUID) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.stack)
}

// settle runs f in a transaction until one is answered for.
func (c *Clerk) settle(ctx context.Context, eventID uuid.UUID, f func(pgx.Tx) (booking.Answer, error)) (booking.Answer, error) {
	for deadline := time.Now().Add(c.Patience); ; time.Sleep(pause) {
		a, wrote, err := c.try(ctx, eventID, f)
		refused := errors.Is(err, booking.ErrNoEvent) || errors.Is(err, booking.ErrNoPerson) || errors.Is(err, booking.ErrEventCancelled) || errors.Is(err, booking.ErrInactive)
		var answer *pgconn.PgError
		switch {
		case err == nil, refused:
			return a, err
		case wrote && c.broken == GuessDone:
			return a, nil
		case c.broken == TurnAway, errors.As(err, &answer) && strings.HasPrefix(answer.Code, integrityViolation):
			return a, fmt.Errorf("%w: %w", booking.ErrUnavailable, err)
		case wrote && c.broken != GuessLost && !errors.As(err, &answer):
			if c.broken == TellNothing {
				return a, booking.ErrUnavailable
			}
			return a, booking.ErrOutcomeUnknown
		case time.Now().After(deadline):
			return a, c.giveUpOn(ctx, eventID, f, err)
		}
	}
}

// integrityViolation begins the codes of what the database refuses for ever: a
// clerk that breaks a rule must not try it until its patience ends.
const integrityViolation = "23"

// pause is how long a clerk waits before it tries again.
const pause = 10 * time.Millisecond

// giveUpOn tells what to say when patience is at its end, of tries that the
// server has rolled back, the last one with err.
func (c *Clerk) giveUpOn(ctx context.Context, eventID uuid.UUID, f func(pgx.Tx) (booking.Answer, error), err error) error {
	switch c.broken {
	case TellUnknown:
		return booking.ErrOutcomeUnknown
	case TryOn:
		go func() {
			for range 10 * c.Patience / pause {
				if _, _, err := c.try(ctx, eventID, f); err == nil {
					return
				}
				time.Sleep(pause)
			}
		}()
	}
	return fmt.Errorf("%w: %w", booking.ErrUnavailable, err)
}

// try tells in wrote whether the transaction got as far as to write.
func (c *Clerk) try(ctx context.Context, eventID uuid.UUID, f func(pgx.Tx) (booking.Answer, error)) (a booking.Answer, wrote bool, err error) {
	if c.broken == TwoCommits {
		// Each takes two connections: nobody may hold the last one and wait.
		c.counter.Lock()
		defer c.counter.Unlock()
	}
	tx, err := c.begin(ctx)
	if err != nil {
		return a, false, err
	}
	if a, err = f(tx); err == nil {
		err = tx.QueryRow(ctx, `select capacity, seats_remaining, waiting from events where id = $1`, eventID).
			Scan(&a.Seats.Capacity, &a.Seats.Remaining, &a.Seats.Waiting)
	}
	if err != nil {
		tx.Rollback(ctx) //nolint:errcheck // the transaction ends either way
		return a, a.Standing != "" && !a.Already, err
	}
	if c.broken == AnswerBeforeCommit {
		go func() {
			time.Sleep(2 * time.Millisecond)
			tx.Commit(ctx) //nolint:errcheck // that nobody looks is what is broken
		}()
		return a, true, nil
	}
	return a, true, tx.Commit(ctx)
}

func (c *Clerk) begin(ctx context.Context) (pgx.Tx, error) {
	if c.broken == TurnAway {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, 100*time.Millisecond)
		defer end()
	}
	tx, err := c.pool.Begin(ctx)
	if err != nil || c.broken != TwoCommits {
		return tx, err
	}
	people, err := c.pool.Begin(ctx)
	if err != nil {
		tx.Rollback(ctx) //nolint:errcheck // the transaction ends either way
		return nil, err
	}
	return halves{tx, people}, nil
}

// halves is a transaction on an event's own row, and another one on whatever
// else there is.
type halves struct {
	pgx.Tx
	people pgx.Tx
}

// of is the transaction that a statement belongs to.
func (h halves) of(sql string) pgx.Tx {
	if strings.Contains(sql, "from events") || strings.Contains(sql, "update events") {
		return h.Tx
	}
	return h.people
}

func (h halves) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return h.of(sql).Exec(ctx, sql, args...)
}

func (h halves) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return h.of(sql).QueryRow(ctx, sql, args...)
}

func (h halves) Commit(ctx context.Context) error {
	if err := h.people.Commit(ctx); err != nil {
		h.Tx.Rollback(ctx) //nolint:errcheck // the transaction ends either way
		return err
	}
	time.Sleep(2 * time.Millisecond)
	return h.Tx.Commit(ctx)
}

func (h halves) Rollback(ctx context.Context) error {
	return errors.Join(h.people.Rollback(ctx), h.Tx.Rollback(ctx))
}

// counts is an event as a transaction sees it.
type counts struct {
	status                             string
	capacity, waiting, next, confirmed int
}

func (c *Clerk) lock(ctx context.Context, tx pgx.Tx, eventID uuid.UUID) (n counts, err error) {
	const confirmed = `(select count(*) from registrations where event_id = $1 and status = 'confirmed')`
	if c.broken == LockAndCount {
		err = tx.QueryRow(ctx, `select status, capacity, waiting, next_position, `+confirmed+` from events where id = $1 for update`, eventID).
			Scan(&n.status, &n.capacity, &n.waiting, &n.next, &n.confirmed)
	} else {
		strength := "update"
		if c.broken == TwoCommits {
			strength = "no key update" // which lets the other half refer to the event
		}
		err = tx.QueryRow(ctx, `select status, capacity, waiting, next_position from events where id = $1 for `+strength, eventID).
			Scan(&n.status, &n.capacity, &n.waiting, &n.next)
		if err == nil {
			err = tx.QueryRow(ctx, `select `+confirmed, eventID).Scan(&n.confirmed)
		}
	}
	if errors.Is(err, pgx.ErrNoRows) {
		err = booking.ErrNoEvent
	}
	return n, err
}

// standing is what a person has of an event.
type standing struct {
	active       bool
	seat         booking.Standing
	number, line int
}

func (c *Clerk) standing(ctx context.Context, tx pgx.Tx, eventID, userID uuid.UUID) (s standing, err error) {
	err = tx.QueryRow(ctx, `
		select u.is_active, coalesce(r.status, 'none'), coalesce(r.position, 0), coalesce(w.position, 0)
		from users u
		left join registrations r on r.user_id = u.id and r.event_id = $1
		left join waitlist_entries w on w.user_id = u.id and w.event_id = $1
		where u.id = $2`+c.keep(), eventID, userID).Scan(&s.active, &s.seat, &s.number, &s.line)
	if errors.Is(err, pgx.ErrNoRows) {
		err = booking.ErrNoPerson
	}
	return s, err
}

// keep ends a statement so that nobody deactivates the people u that it reads
// until the transaction ends.
func (c *Clerk) keep() string {
	if c.broken == ForgetPeople {
		return ""
	}
	return ` for key share of u`
}

func (c *Clerk) book(ctx context.Context, tx pgx.Tx, r booking.Request) (booking.Answer, error) {
	n, err := c.lock(ctx, tx, r.EventID)
	if err != nil {
		return booking.Answer{}, err
	}
	s, err := c.standing(ctx, tx, r.EventID, r.UserID)
	if c.broken == ForgetPeople {
		time.Sleep(20 * time.Millisecond) // and much may happen to them
	}
	switch {
	case err != nil:
		return booking.Answer{}, err
	case !s.active:
		return booking.Answer{}, booking.ErrInactive
	case s.seat == booking.Confirmed:
		return booking.Answer{Standing: booking.Confirmed, Already: true, Position: s.number}, nil
	case s.line > 0:
		return booking.Answer{Standing: booking.Waitlisted, Already: true, Position: s.line}, nil
	case n.status == "cancelled":
		return booking.Answer{}, booking.ErrEventCancelled
	case n.confirmed < n.capacity:
		a := booking.Answer{Standing: booking.Confirmed, Position: n.next}
		if err := c.seat(ctx, tx, r.EventID, r.UserID, n.next); err != nil {
			return a, err
		}
		_, err := tx.Exec(ctx, `update events set seats_remaining = $2, next_position = next_position + 1, version = version + 1 where id = $1`,
			r.EventID, n.capacity-n.confirmed-1)
		return a, err
	}
	a := booking.Answer{Standing: booking.Waitlisted, Position: n.next, Place: n.waiting + 1}
	_, err = tx.Exec(ctx, `insert into waitlist_entries (id, event_id, user_id, position, joined_at) values ($1, $2, $3, $4, now())`,
		uuid.New(), r.EventID, r.UserID, n.next)
	if err != nil {
		return a, err
	}
	_, err = tx.Exec(ctx, `update events set waiting = waiting + 1, next_position = next_position + 1, version = version + 1 where id = $1`, r.EventID)
	return a, err
}

func (c *Clerk) seat(ctx context.Context, tx pgx.Tx, eventID, userID uuid.UUID, number int) error {
	code := uuid.NewString()
	_, err := tx.Exec(ctx, `
		insert into registrations (id, event_id, user_id, status, position, ticket_code, booked_at)
		values ($1, $2, $3, 'confirmed', $4, $5, now())
		on conflict (event_id, user_id) do update
		set status = 'confirmed', position = excluded.position, cancelled_at = null, ticket_code = excluded.ticket_code`,
		uuid.New(), eventID, userID, number, code[len(code)-12:])
	return err
}

func (c *Clerk) cancel(ctx context.Context, tx pgx.Tx, r booking.Cancellation) (booking.Answer, error) {
	var s standing
	var err error
	if c.broken == CheckBeforeLock {
		if s, err = c.standing(ctx, tx, r.EventID, r.UserID); err != nil {
			return booking.Answer{}, err
		}
	}
	n, err := c.lock(ctx, tx, r.EventID)
	if err != nil {
		return booking.Answer{}, err
	}
	if c.broken != CheckBeforeLock {
		if s, err = c.standing(ctx, tx, r.EventID, r.UserID); err != nil {
			return booking.Answer{}, err
		}
	}
	switch {
	case s.line > 0:
		a := booking.Answer{Standing: booking.None, Position: s.line}
		return a, c.leaveLine(ctx, tx, r.EventID, r.UserID)
	case s.seat == booking.Confirmed:
		a := booking.Answer{Standing: booking.Cancelled, Position: s.number}
		return a, c.giveUp(ctx, tx, r, n)
	case s.seat == booking.Cancelled:
		return booking.Answer{Standing: booking.Cancelled, Already: true, Position: s.number}, nil
	}
	return booking.Answer{Standing: booking.None, Already: true}, nil
}

func (c *Clerk) leaveLine(ctx context.Context, tx pgx.Tx, eventID, userID uuid.UUID) error {
	if _, err := tx.Exec(ctx, `delete from waitlist_entries where event_id = $1 and user_id = $2`, eventID, userID); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `update events set waiting = waiting - 1, version = version + 1 where id = $1`, eventID)
	return err
}

// giveUp ends a seat and promotes the first in line who is active.
func (c *Clerk) giveUp(ctx context.Context, tx pgx.Tx, r booking.Cancellation, n counts) error {
	_, err := tx.Exec(ctx, `update registrations set status = 'cancelled', cancelled_at = now() where event_id = $1 and user_id = $2`, r.EventID, r.UserID)
	if err != nil {
		return err
	}
	order := "asc"
	if c.broken == SkipTheLine {
		order = "desc"
	}
	for range n.waiting {
		var next uuid.UUID
		var number int
		var active bool
		err = tx.QueryRow(ctx, `select user_id, position, u.is_active from waitlist_entries join users u on u.id = user_id
			where event_id = $1 order by position `+order+` limit 1`+c.keep(), r.EventID).Scan(&next, &number, &active)
		if err != nil {
			return err
		}
		if err := c.leaveLine(ctx, tx, r.EventID, next); err != nil {
			return err
		}
		if active {
			return c.seat(ctx, tx, r.EventID, next, number)
		}
	}
	_, err = tx.Exec(ctx, `update events set seats_remaining = seats_remaining + 1, version = version + 1 where id = $1`, r.EventID)
	return err
}
