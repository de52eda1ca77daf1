package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/booking"
	"rowlock/db"
	"rowlock/proof/model"
	"rowlock/proof/mutant"
)

// realDesk is no mutant at all.
const realDesk mutant.Break = ""

// mutate is a desk that breaks a rule, or d itself.
func mutate(d *booking.Desk, pool *pgxpool.Pool, b mutant.Break) queueing {
	if b == realDesk {
		return d
	}
	return mutant.New(pool, d, b)
}

// A trial shows one proof, in a short form, desks that break one rule each.
type trial struct {
	proof string
	// part tells what of the proof is shown, where that is not all of it.
	part string
	// control is the desk that must pass: a mutant that breaks nothing, or the
	// real one where a desk without a receipt would have to say too often that
	// nobody knows.
	control mutant.Break
	mutants []mutant.Break
	// show is the proof on a desk that breaks a rule. It is repeated until it
	// catches the mutant.
	show func(ctx context.Context, p *proof, s *stage, b mutant.Break) error
}

func (t trial) String() string {
	if t.part == "" {
		return t.proof
	}
	return t.proof + ", " + t.part
}

// trials has each proof catch what it is there for.
var trials = []trial{
	{"histories", "", mutant.Nothing, []mutant.Break{mutant.LockAndCount, mutant.CheckBeforeLock, mutant.AnswerBeforeCommit, mutant.SkipTheLine}, tryHistories},
	{"histories", "", mutant.Nothing, []mutant.Break{mutant.ForgetPeople}, tryPurges},
	{"instances", "in a storm", mutant.Nothing, []mutant.Break{mutant.AnswerBeforeCommit}, tryInstances},
	{"instances", "in a simulation", mutant.Nothing, []mutant.Break{mutant.AnswerBeforeCommit, mutant.TwoCommits}, trySimulations},
	{"program", "in a crowd", realDesk, []mutant.Break{mutant.AnswerBeforeCommit}, tryProgram},
	{"program", "in a simulation", realDesk, []mutant.Break{mutant.LeavePeople}, tryProgramInSimulation},
	{"postgres", "in a storm", realDesk, []mutant.Break{mutant.AnswerBeforeCommit}, tryPostgres},
	{"postgres", "in simulations", realDesk, []mutant.Break{mutant.AnswerBeforeCommit}, tryPostgresInSimulations},
	{"commits", "", realDesk, []mutant.Break{mutant.GuessLost, mutant.GuessDone}, tryCommits},
	{"patience", "", mutant.Nothing, []mutant.Break{mutant.TellNothing, mutant.TellUnknown, mutant.TryOn}, tryPatience},
	{"shortages", poolExhausted.name, mutant.Nothing, []mutant.Break{mutant.TurnAway}, tryShortage(poolExhausted)},
	{"shortages", serverExhausted.name, mutant.Nothing, []mutant.Break{mutant.TurnAway}, tryShortage(serverExhausted)},
	{"shortages", rowLocked.name, mutant.Nothing, []mutant.Break{mutant.TurnAway}, tryShortage(rowLocked)},
	{"shortages", writesSlow.name, mutant.Nothing, []mutant.Break{mutant.TurnAway, mutant.GuessDone}, tryShortage(writesSlow)},
	{"shortages", commitsRefused.name, mutant.Nothing, []mutant.Break{mutant.AnswerBeforeCommit, mutant.GuessDone}, tryShortage(commitsRefused)},
	{"shortages", frozen, mutant.Nothing, []mutant.Break{mutant.GuessDone}, tryFrozen},
	{"shortages", diskFull, realDesk, []mutant.Break{mutant.GuessDone}, tryFullDisk},
	{"leavers", "", mutant.Nothing, []mutant.Break{mutant.BookForLeavers}, tryLeavers},
	{"walk", "", mutant.Nothing, []mutant.Break{mutant.SkipTheLine}, tryWalk},
	{"order", "", realDesk, []mutant.Break{mutant.LastComeFirst}, tryOrder},
}

// maxTries bounds how often a proof is shown a mutant.
const maxTries = 20

// mutants shows that each proof can fail: it has to catch a desk with that one
// rule broken, and to pass the same desk with none broken.
func mutants(ctx context.Context, p *proof) error {
	for _, t := range trials {
		if err := p.wherePossible(t.String(), p.try(ctx, t)); err != nil {
			return err
		}
	}
	return nil
}

func (p *proof) try(ctx context.Context, t trial) error {
	s, err := p.stage(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	switch err := t.show(ctx, p.quiet(), s, t.control); {
	case errors.Is(err, errNotTried):
		return err
	case err != nil:
		return fmt.Errorf("with no rule broken: %w", err)
	}
	for _, b := range t.mutants {
		began := time.Now()
		tries, err := p.catch(ctx, t, b)
		if err != nil {
			return fmt.Errorf("%s: %w", b, err)
		}
		p.tell("%s: %q caught at try %d, in %.1f s", t, b, tries, time.Since(began).Seconds())
	}
	return nil
}

// quiet is a proof whose counts are told to nobody.
func (p *proof) quiet() *proof { return &proof{world: p.world, short: true, dice: p.dice} }

// catch returns at which try a mutant was caught. What it breaks stays broken,
// so it has a database of its own.
func (p *proof) catch(ctx context.Context, t trial, b mutant.Break) (int, error) {
	s, err := p.stage(ctx)
	if err != nil {
		return 0, err
	}
	defer s.close()
	for n := range maxTries {
		switch err := t.show(ctx, p.quiet(), s, b); {
		case err == nil, errors.Is(err, model.ErrUndecided):
		case caught(err):
			return n + 1, nil
		default: // not wrapped: what could be tried before can be tried now
			return 0, fmt.Errorf("the proof failed, but for another reason: %v", err) //nolint:errorlint
		}
	}
	return 0, fmt.Errorf("not caught in %d tries: the proof proves nothing", maxTries)
}

// caught tells whether a proof failed for what it is there to find.
func caught(err error) bool {
	return slices.ContainsFunc([]error{model.ErrNoOrder, errRule, errAnswer}, func(reason error) bool { return errors.Is(err, reason) })
}

// opens makes desks that break a rule.
func opens(b mutant.Break) opener {
	return func(ctx context.Context, url string) (desk, func(), error) {
		pool, err := db.Open(ctx, url, db.BookingLimits)
		if err != nil {
			return nil, nil, err
		}
		d := booking.NewDesk(pool, discard())
		return mutate(d, pool, b), func() {
			d.Close(context.WithoutCancel(ctx)) //nolint:errcheck // without a limit it only waits
			pool.Close()
		}, nil
	}
}

func tryHistories(ctx context.Context, p *proof, s *stage, b mutant.Break) error {
	return p.stormOne(ctx, s, b, crowd{Ends: true})
}

func tryPurges(ctx context.Context, p *proof, s *stage, b mutant.Break) error {
	return p.stormOne(ctx, s, b, crowd{Purges: true})
}

// stormOne lets a crowd storm a single desk that breaks a rule.
func (p *proof) stormOne(ctx context.Context, s *stage, b mutant.Break, c crowd) error {
	d, shut, err := opens(b)(ctx, s.url)
	if err != nil {
		return err
	}
	defer shut()
	c.Visitors, c.Requests, c.Seed = 12, p.pick(25, 12), p.nextSeed()
	return p.storm(ctx, s, []desk{d}, c)
}

func tryInstances(ctx context.Context, p *proof, s *stage, b mutant.Break) error {
	return p.killInStorm(ctx, s, b, p.nextSeed(), new(stopwatch))
}

func trySimulations(ctx context.Context, p *proof, _ *stage, b mutant.Break) error {
	return p.killInSimulation(ctx, b, simulatedUsers/20)
}

func tryProgram(ctx context.Context, p *proof, s *stage, b mutant.Break) error {
	binary, err := p.build(ctx, b)
	if err != nil {
		return err
	}
	return p.killPrograms(ctx, s, binary, 1, 1, new(stopwatch))
}

func tryProgramInSimulation(ctx context.Context, p *proof, s *stage, b mutant.Break) error {
	binary, err := p.build(ctx, b)
	if err != nil {
		return err
	}
	return p.killWhileSimulating(ctx, s, binary)
}

func tryPostgres(ctx context.Context, p *proof, _ *stage, b mutant.Break) error {
	return p.killServer(ctx, b, new(stopwatch))
}

func tryCommits(ctx context.Context, p *proof, s *stage, b mutant.Break) error {
	proxy, d, shut, err := s.proxied(ctx, opens(b))
	if err != nil {
		return err
	}
	defer shut()
	return p.stormAndCut(ctx, s, proxy, d, p.nextSeed())
}

// tryPatience has clerks wait for two seconds and not for half a minute.
func tryPatience(ctx context.Context, p *proof, _ *stage, b mutant.Break) error {
	return p.outwait(ctx, func(l db.Limits) opener {
		l.LockTimeout = 100 * time.Millisecond
		return func(ctx context.Context, url string) (desk, func(), error) {
			pool, err := db.Open(ctx, url, l)
			if err != nil {
				return nil, nil, err
			}
			c := mutant.New(pool, booking.NewDesk(pool, discard()), b)
			c.Patience = 2 * time.Second
			return c, pool.Close, nil
		}
	})
}

func tryShortage(sh shortage) func(ctx context.Context, p *proof, _ *stage, b mutant.Break) error {
	return func(ctx context.Context, p *proof, _ *stage, b mutant.Break) error {
		fresh, err := p.stage(ctx)
		if err != nil {
			return err
		}
		defer fresh.close()
		return p.endure(ctx, fresh, sh, func(pool *pgxpool.Pool) desk { return mutate(booking.NewDesk(pool, discard()), pool, b) })
	}
}

func tryFrozen(ctx context.Context, p *proof, _ *stage, b mutant.Break) error {
	return p.freeze(ctx, b)
}

func tryFullDisk(ctx context.Context, p *proof, _ *stage, b mutant.Break) error {
	return p.fillDisk(ctx, b)
}

func tryLeavers(ctx context.Context, p *proof, s *stage, b mutant.Break) error {
	return p.stormOne(ctx, s, b, crowd{Impatient: true})
}

func tryWalk(ctx context.Context, p *proof, s *stage, b mutant.Break) error {
	d, shut, err := opens(b)(ctx, s.url)
	if err != nil {
		return err
	}
	defer shut()
	return p.walkOnce(ctx, s, []desk{d}, p.nextSeed())
}

func tryOrder(ctx context.Context, _ *proof, s *stage, b mutant.Break) error {
	d, shut, err := opens(b)(ctx, s.url)
	if err != nil {
		return err
	}
	defer shut()
	return s.inOrder(ctx, d.(queueing), 50, func(context.Context, *stage, *arena) error { return nil })
}
