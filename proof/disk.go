package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"rowlock/db"
	"rowlock/db/embedded"
	"rowlock/proof/faults"
	"rowlock/proof/mutant"
)

// smallDisk holds a PostgreSQL with little more than nothing in it.
const smallDisk = 160 << 20

// fillDisk lets people book while PostgreSQL's disk is full: first its tables
// cannot grow, then its log cannot either, which PostgreSQL does not survive.
func (p *proof) fillDisk(ctx context.Context, b mutant.Break) (err error) {
	dir := filepath.Join(p.dir, "small-disk")
	unmount, err := faults.SmallDisk(dir, smallDisk)
	if err != nil {
		return lacking(fmt.Errorf("no small disk: %w", err))
	}
	defer func() { err = errors.Join(err, unmount()) }()
	server, err := embedded.Start(ctx, embedded.Config{Dir: filepath.Join(dir, "data"), Parameters: p.parameters})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	url := server.URL(embedded.Database)
	if _, err := db.Migrate(ctx, url); err != nil {
		return err
	}
	s, err := openStage(ctx, url)
	if err != nil {
		return err
	}
	defer s.close()
	d, shut, err := opens(b)(ctx, s.url)
	if err != nil {
		return err
	}
	defer shut()

	err = p.bookOnFullDisk(ctx, s, d, dir, "the disk full", func() error { return nil })
	if err != nil {
		return err
	}
	return p.bookOnFullDisk(ctx, s, d, dir, "the disk full up to the log, PostgreSQL down", func() error { return s.useUpLog(ctx) })
}

func (p *proof) bookOnFullDisk(ctx context.Context, s *stage, d desk, dir, name string, more func() error) error {
	r, err := s.gather(ctx, 3_000)
	if err != nil {
		return err
	}
	release, err := faults.Fill(dir)
	if err != nil {
		return err
	}
	if err := more(); err != nil {
		return errors.Join(err, release())
	}
	recovery, err := r.endure(ctx, s, d, time.Duration(p.pick(3_000, 600))*time.Millisecond, release)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	p.tell("%s: all %d answered, the last %.2f s after there was room again", name, len(r.replies), recovery.Seconds())
	return nil
}

// useUpLog begins new files of PostgreSQL's log until there is no room for
// one.
func (s *stage) useUpLog(ctx context.Context) error {
	for range 50 {
		if _, err := s.pool.Exec(ctx, `select pg_switch_wal(), pg_logical_emit_message(true, 'proof', 'full')`); err != nil {
			return nil //nolint:nilerr // which is what was wanted
		}
	}
	return errors.New("PostgreSQL's log does not end")
}

// freeze stops an instance while it holds an event's row, as a machine does
// that swaps or sleeps, and looks when another can book there.
func (p *proof) freeze(ctx context.Context, b mutant.Break) error {
	s, err := p.stage(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	a, h, err := s.arena(ctx, 10, 40) // so many that most requests change something
	if err != nil {
		return err
	}
	limits := db.BookingLimits
	if p.short {
		limits.StatementTimeout = time.Second
	}
	seed := p.nextSeed()
	c, err := startInstance(ctx, task{URL: s.url, Limits: limits, Mutant: b, Arena: a, Crowd: crowd{Visitors: 6, Requests: 60, Seed: seed}})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.note(h) }()
	p.awaitRequests(ctx, h, 20)

	thaw, err := s.freezeWithLock(ctx, c)
	if err != nil {
		c.kill()
		return errors.Join(err, <-ended)
	}
	frozen := time.Now()
	booked := p.bookOnce(ctx, s, a)
	blocked := time.Since(frozen)
	if err := errors.Join(booked, thaw(), <-ended); err != nil {
		return err
	}
	p.tell("an instance frozen with an event's row locked: others could book there after %.1f s, and thawed it answers truly", blocked.Seconds())
	return s.judge(ctx, a, h)
}

// freezeWithLock freezes the instance again and again until it is within a
// transaction.
func (s *stage) freezeWithLock(ctx context.Context, c *child) (thaw func() error, err error) {
	for range 2_000 {
		thaw, err = faults.Freeze(c.cmd.Process)
		if errors.Is(err, errors.ErrUnsupported) {
			return nil, lacking(err)
		}
		if err != nil {
			return nil, err
		}
		time.Sleep(2 * time.Millisecond) // what it sent arrives
		var within bool
		err = s.pool.QueryRow(ctx, `
			select exists (select from pg_stat_activity where datname = current_database() and state = 'idle in transaction')`).Scan(&within)
		if err != nil || within {
			return thaw, err
		}
		if err := thaw(); err != nil {
			return nil, err
		}
		time.Sleep(time.Millisecond)
	}
	return nil, errors.New("it was never caught within a transaction")
}
