package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/booking"
	"rowlock/db"
	"rowlock/proof/model"
)

// A shortage is something that a desk needs and cannot have for a while.
type shortage struct {
	name   string
	limits db.Limits
	// as tells the connection string of whom the desk works as; nil is the
	// stage's own.
	as func(ctx context.Context, s *stage) (url string, err error)
	// begin takes it away before the rush, and gives a way to put it back.
	begin func(ctx context.Context, s *stage, pool *pgxpool.Pool, a *arena) (end func() error, err error)
}

func tight(change func(*db.Limits)) db.Limits {
	l := db.BookingLimits
	change(&l)
	return l
}

var (
	poolExhausted = shortage{
		name: "the desk's pool exhausted", limits: tight(func(l *db.Limits) { l.MaxConns = 3 }),
		begin: takePool,
	}
	serverExhausted = shortage{
		name: "the server's connections exhausted", limits: db.BookingLimits,
		as: addRole, begin: refuseConnections,
	}
	rowLocked = shortage{
		name: "an event's row locked, the lock timeout at 0.1 s", limits: tight(func(l *db.Limits) { l.LockTimeout = 100 * time.Millisecond }),
		begin: lockRow,
	}
	writesSlow = shortage{
		name: "writing slower than the statement timeout of 0.1 s", limits: tight(func(l *db.Limits) { l.StatementTimeout = 100 * time.Millisecond }),
		begin: writeSlowly,
	}
	commitsRefused = shortage{
		name: "every commit refused, as by a full disk", limits: db.BookingLimits,
		begin: refuseCommits,
	}
	allShortages = []shortage{poolExhausted, serverExhausted, rowLocked, writesSlow, commitsRefused}
)

// shortages takes away what desks need while people book, and gives it back.
func shortages(ctx context.Context, p *proof) error {
	for _, sh := range allShortages {
		s, err := p.stage(ctx)
		if err != nil {
			return err
		}
		err = p.endure(ctx, s, sh, func(pool *pgxpool.Pool) desk { return booking.NewDesk(pool, discard()) })
		s.close()
		if err != nil {
			return fmt.Errorf("%s: %w", sh.name, err)
		}
	}
	return errors.Join(
		p.wherePossible(frozen, p.freeze(ctx, realDesk)),
		p.wherePossible(diskFull, p.fillDisk(ctx, realDesk)))
}

// What shortages try where the machine lets them.
const (
	frozen   = "a frozen instance"
	diskFull = "a full disk"
)

// endure lets people book during a shortage. Nobody must be turned away, and
// not everybody served before its end, or it was none.
func (p *proof) endure(ctx context.Context, s *stage, sh shortage, open func(*pgxpool.Pool) desk) error {
	address := s.url
	if sh.as != nil {
		var err error
		if address, err = sh.as(ctx, s); err != nil {
			return err
		}
	}
	pool, err := db.Open(ctx, address, sh.limits)
	if err != nil {
		return err
	}
	defer pool.Close()
	d := open(pool)
	people := p.pick(2_000, 200)
	r, err := s.gather(ctx, people)
	if err != nil {
		return err
	}
	end, err := sh.begin(ctx, s, pool, r.arena)
	if err != nil {
		return err
	}
	recovery, err := r.endure(ctx, s, d, time.Duration(p.pick(2_000, 400))*time.Millisecond, end)
	if err != nil {
		return err
	}
	p.tell("%s: all %d answered, the last %.2f s after its end", sh.name, people, recovery.Seconds())
	return nil
}

// endure lets the people of the rush book, ends the shortage after a while and
// tells how long it then took until everyone was answered.
func (r *rush) endure(ctx context.Context, s *stage, d desk, while time.Duration, end func() error) (time.Duration, error) {
	var answered atomic.Int64
	r.start(func(i int) model.Reply {
		defer answered.Add(1)
		return r.book(ctx, d, i)
	})
	time.Sleep(while)
	early := answered.Load()
	err := end()
	ended := time.Now()
	r.wait()
	recovery := time.Since(ended)
	if err != nil {
		return 0, fmt.Errorf("end the shortage: %w", err)
	}
	nothing, err := r.judge(ctx, s)
	switch {
	case err != nil:
		return 0, err
	case nothing > 0:
		return 0, fmt.Errorf("%w: %d people were turned away", errAnswer, nothing)
	case int(early) == len(r.replies):
		return 0, errors.New("everyone was answered before the end of the shortage: nothing was shown")
	}
	return recovery, nil
}

// takePool borrows all connections of the desk's pool.
func takePool(ctx context.Context, _ *stage, pool *pgxpool.Pool, _ *arena) (func() error, error) {
	var taken []*pgxpool.Conn
	for range pool.Config().MaxConns {
		c, err := pool.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		taken = append(taken, c)
	}
	return func() error {
		for _, c := range taken {
			c.Release()
		}
		return nil
	}, nil
}

// addRole adds somebody whose connections the server counts, as it does not a
// superuser's.
func addRole(ctx context.Context, s *stage) (string, error) {
	u, err := url.Parse(s.url)
	if err != nil {
		return "", fmt.Errorf("read the connection string: %w", err)
	}
	role := shopOf(s)
	password, _ := u.User.Password()
	u.User = url.UserPassword(role, password)
	return u.String(), s.exec(ctx,
		fmt.Sprintf(`create role %s login password '%s'`, role, password),
		`grant all on all tables in schema public to `+role)
}

func shopOf(s *stage) string { return "shop_" + s.pool.Config().ConnConfig.Database }

// refuseConnections has the server answer "too many connections" to the role.
func refuseConnections(ctx context.Context, s *stage, _ *pgxpool.Pool, _ *arena) (func() error, error) {
	role := shopOf(s)
	err := s.exec(ctx,
		`alter role `+role+` connection limit 0`,
		fmt.Sprintf(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '%s'`, role))
	return func() error { return s.exec(ctx, `alter role `+role+` connection limit -1`) }, err
}

func (s *stage) exec(ctx context.Context, statements ...string) error {
	for _, sql := range statements {
		if _, err := s.pool.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// lockRow locks the event's row.
func lockRow(ctx context.Context, s *stage, _ *pgxpool.Pool, a *arena) (func() error, error) {
	release, err := s.holdRow(ctx, a)
	return func() error { release(); return nil }, err
}

// writeSlowly makes each insertion of seats take half a second.
func writeSlowly(ctx context.Context, s *stage, _ *pgxpool.Pool, _ *arena) (func() error, error) {
	err := s.exec(ctx,
		`create function dawdle() returns trigger language plpgsql as $$ begin perform pg_sleep(0.5); return null; end $$`,
		`create trigger dawdle after insert on registrations for each statement execute function dawdle()`)
	return func() error { return s.exec(ctx, `drop trigger dawdle on registrations`) }, err
}

// refuseCommits lets seats be written and then refuses their commit.
func refuseCommits(ctx context.Context, s *stage, _ *pgxpool.Pool, _ *arena) (func() error, error) {
	err := s.exec(ctx,
		`create function refuse() returns trigger language plpgsql as $$ begin raise 'no room' using errcode = 'disk_full'; end $$`,
		`create constraint trigger refuse after insert on registrations deferrable initially deferred for each row execute function refuse()`)
	return func() error { return s.exec(ctx, `drop trigger refuse on registrations`) }, err
}
