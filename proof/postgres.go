package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"rowlock/db"
	"rowlock/db/embedded"
	"rowlock/proof/model"
	"rowlock/proof/mutant"
)

// postgres kills PostgreSQL, and at other times one of its working processes,
// in the middle of storms, and kills it in the middle of simulations. Every
// answer must be true afterwards, and those who wait get theirs.
func postgres(ctx context.Context, p *proof) error {
	var outage stopwatch
	for range p.pick(2, 1) {
		if err := p.killServer(ctx, realDesk, &outage); err != nil {
			return err
		}
	}
	p.tell("whoever asked at the moment of a kill had their answer %s later at the latest, the restart included", &outage)
	var end stopwatch
	for range p.pick(3, 1) {
		if err := p.killServerInSimulations(ctx, realDesk, &end); err != nil {
			return fmt.Errorf("in a simulation: %w", err)
		}
	}
	p.tell("every simulation and comparison was done, with true figures, and the run in the middle of which the kill came was over %s later at the latest", &end)
	return nil
}

// killServer kills a PostgreSQL of its own several times. Each time it is
// started again after a longer pause, so there are not too many.
func (p *proof) killServer(ctx context.Context, b mutant.Break, outage *stopwatch) (err error) {
	s, stop, err := p.ownServer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	var desks []desk
	for range 2 {
		d, shut, err := opens(b)(ctx, s.url)
		if err != nil {
			return err
		}
		defer shut()
		desks = append(desks, d)
	}

	for n := range p.pick(6, 1) {
		seed := p.nextSeed()
		if err := p.killInTheMiddle(ctx, s, desks, seed, n%3 < 2, outage); err != nil {
			return fmt.Errorf("seed %d, kill %d: %w", seed, n+1, err)
		}
	}
	return nil
}

// ownServer is a stage on a PostgreSQL that may be killed.
func (p *proof) ownServer(ctx context.Context) (s *stage, stop func() error, err error) {
	p.made++
	server, err := embedded.Start(ctx, embedded.Config{
		Dir: filepath.Join(p.dir, fmt.Sprintf("postgres-%d", p.made)), Parameters: p.parameters,
	})
	if err != nil {
		return nil, nil, err
	}
	url := server.URL(embedded.Database)
	if _, err = db.Migrate(ctx, url); err == nil {
		s, err = openStage(ctx, url)
	}
	if err != nil {
		return nil, nil, errors.Join(err, server.Stop())
	}
	return s, func() error { s.close(); return server.Stop() }, nil
}

func (p *proof) killInTheMiddle(ctx context.Context, s *stage, desks []desk, seed uint64, whole bool, outage *stopwatch) error {
	a, h, err := s.arena(ctx, 3, 9)
	if err != nil {
		return err
	}
	c := crowd{Visitors: 12, Requests: 40, Seed: seed}
	var storm sync.WaitGroup
	storm.Go(func() { c.storm(ctx, a, desks...) })

	p.awaitRequests(ctx, h, 20+p.dice.IntN(250))
	killOne, what := s.killWorker, "kills of a working process of PostgreSQL"
	if whole {
		killOne, what = s.killPostmaster, "kills of PostgreSQL"
	}
	err = killOne(ctx)
	killed := time.Now()
	if err == nil {
		// Each desk is asked at once, while the server is down.
		for i, d := range desks {
			if r := a.ask(ctx, d, -2-i, model.Ask{Kind: model.Book, Person: i}); r.Nothing {
				err = errors.Join(err, fmt.Errorf("instance %d did not find back within its patience", i+1))
			}
		}
		outage.took(time.Since(killed))
		p.count(what, 1)
	}
	storm.Wait()
	if err != nil {
		return err
	}
	p.count("requests", h.Len())
	p.count("without a known outcome", h.Unknown())
	return s.judge(ctx, a, h)
}

func (s *stage) killPostmaster(ctx context.Context) error {
	pid, err := s.postmaster(ctx)
	if err != nil {
		return err
	}
	return kill(pid)
}

// postmaster is the process that all others of PostgreSQL belong to.
func (s *stage) postmaster(ctx context.Context) (pid int, err error) {
	var text string
	if err := s.pool.QueryRow(ctx, `select pg_read_file('postmaster.pid')`).Scan(&text); err != nil {
		return 0, fmt.Errorf("find PostgreSQL's process: %w", err)
	}
	first, _, _ := strings.Cut(text, "\n")
	if pid, err = strconv.Atoi(first); err != nil {
		return 0, fmt.Errorf("find PostgreSQL's process: %w", err)
	}
	return pid, nil
}

// killWorker kills the process behind a connection that is at work, upon which
// PostgreSQL ends all others too and recovers.
func (s *stage) killWorker(ctx context.Context) error {
	for range 1000 {
		var pid int
		err := s.pool.QueryRow(ctx, `
			select coalesce(max(pid), 0) from pg_stat_activity
			where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()`).Scan(&pid)
		if err != nil {
			return fmt.Errorf("find a working process: %w", err)
		}
		if pid > 0 {
			return kill(pid)
		}
	}
	return errors.New("no process is at work")
}

func kill(pid int) error {
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return process.Kill()
}
