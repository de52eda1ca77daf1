package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/booking"
	"rowlock/db"
	"rowlock/proof/mutant"
	"rowlock/simulation"
)

// killServerInSimulations kills a PostgreSQL of its own in the middle of a run
// of each strategy, and of a comparison of all.
func (p *proof) killServerInSimulations(ctx context.Context, b mutant.Break, end *stopwatch) (err error) {
	s, stop, err := p.ownServer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	l, shut, err := openLab(ctx, s, b)
	if err != nil {
		return err
	}
	defer shut()
	users := p.pick(4_000, 400)
	for _, strategy := range l.runner.Strategies() {
		if err := p.killInRun(ctx, l, strategy, users, end); err != nil {
			return fmt.Errorf("%s: %w", strategy, err)
		}
	}
	if err := p.killInComparison(ctx, l, users, end); err != nil {
		return fmt.Errorf("a comparison: %w", err)
	}
	return l.follows(ctx)
}

func tryPostgresInSimulations(ctx context.Context, p *proof, _ *stage, b mutant.Break) error {
	return p.killServerInSimulations(ctx, b, new(stopwatch))
}

// A lab simulates with all strategies, like a running Rowlock, and notes what
// everybody is told.
type lab struct {
	*stage
	runner *simulation.Runner

	mu sync.Mutex
	// told is by strategy, since the last kill was prepared.
	told map[string][]told
	// left is how many more are told something before the postmaster is killed.
	left, postmaster int
	killed           time.Time
}

// openLab has a desk that breaks a rule, and the other strategies as they are.
func openLab(ctx context.Context, s *stage, b mutant.Break) (l *lab, shut func(), err error) {
	var pools []*pgxpool.Pool
	closePools := func() {
		for _, pool := range pools {
			pool.Close()
		}
	}
	for _, limits := range []db.Limits{db.PageLimits, db.BookingLimits, db.BookingLimits} {
		pool, err := db.Open(ctx, s.url, limits)
		if err != nil {
			closePools()
			return nil, nil, err
		}
		pools = append(pools, pool)
	}
	pages, desks, rivals := pools[0], pools[1], pools[2]
	d := booking.NewDesk(desks, discard())
	l = &lab{stage: s}
	l.runner = simulation.NewRunner(pages, map[string]booking.Booker{
		simulation.Grouped:     l.noting(simulation.Grouped, mutate(d, desks, b)),
		simulation.Pessimistic: l.noting(simulation.Pessimistic, booking.NewPessimistic(rivals)),
		simulation.Optimistic:  l.noting(simulation.Optimistic, booking.NewOptimistic(rivals)),
		simulation.Conditional: l.noting(simulation.Conditional, booking.NewConditional(rivals)),
	}, discard())
	return l, func() {
		unlimited := context.WithoutCancel(ctx)
		l.runner.Close(unlimited) //nolint:errcheck // without a limit it only waits
		d.Close(unlimited)        //nolint:errcheck // the same
		closePools()
	}, nil
}

// A bookerFunc is a strategy.
type bookerFunc func(ctx context.Context, r booking.Request) (booking.Answer, error)

func (f bookerFunc) Book(ctx context.Context, r booking.Request) (booking.Answer, error) {
	return f(ctx, r)
}

func (l *lab) noting(strategy string, b booking.Booker) booking.Booker {
	return bookerFunc(func(ctx context.Context, r booking.Request) (booking.Answer, error) {
		a, err := b.Book(ctx, r)
		if err == nil {
			l.note(strategy, told{r.UserID, a.Standing, a.Position})
		}
		return a, err
	})
}

// note kills the postmaster with the answer that was chosen for it.
func (l *lab) note(strategy string, t told) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told[strategy] = append(l.told[strategy], t)
	if l.left--; l.left == 0 {
		l.killed = time.Now()
		kill(l.postmaster) //nolint:errcheck // then the server lives, and was never started again
	}
}

// prepare has the postmaster killed when so many people have their answer.
func (l *lab) prepare(ctx context.Context, answers int) error {
	pid, err := l.stage.postmaster(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told, l.left, l.postmaster, l.killed = map[string][]told{}, answers, pid, time.Time{}
	return err
}

const labSeats = 100

func (p *proof) killInRun(ctx context.Context, l *lab, strategy string, users int, end *stopwatch) error {
	event, err := l.event(ctx, labSeats)
	if err != nil {
		return err
	}
	if err := l.prepare(ctx, 1+p.dice.IntN(users*3/4)); err != nil {
		return err
	}
	id, err := l.runner.Start(ctx, simulation.Params{EventID: event, StartedBy: l.organizer, Users: users, Strategy: strategy})
	if err != nil {
		return err
	}
	var run simulation.Simulation
	err = l.patiently(ctx, func() (err error) { run, err = l.runner.Wait(ctx, id); return err })
	if err != nil {
		return err
	}
	if err := l.wasKilled(ctx, end, run); err != nil {
		return err
	}
	if err := l.judgeRun(ctx, run); err != nil {
		return err
	}
	p.count("kills of PostgreSQL in a simulation", 1)
	p.count("answers given in those simulations", run.Tally.Registered+run.Tally.Waitlisted)
	return l.sound(ctx)
}

func (p *proof) killInComparison(ctx context.Context, l *lab, users int, end *stopwatch) error {
	event, err := l.event(ctx, labSeats)
	if err != nil {
		return err
	}
	strategies := l.runner.Strategies()
	if err := l.prepare(ctx, 1+p.dice.IntN(len(strategies)*users*3/4)); err != nil {
		return err
	}
	id, err := l.runner.Compare(ctx, simulation.ComparisonParams{EventID: event, StartedBy: l.organizer, Users: users, Strategies: strategies})
	if err != nil {
		return err
	}
	var c simulation.Comparison
	err = l.patiently(ctx, func() (err error) { c, err = l.runner.WaitComparison(ctx, id); return err })
	if err != nil {
		return err
	}
	if err := l.wasKilled(ctx, end, c.Runs...); err != nil {
		return err
	}
	if c.State != simulation.Done || len(c.Runs) != len(strategies) {
		return fmt.Errorf("%w: it is %s with %d runs: %s", errAnswer, c.State, len(c.Runs), c.Failure)
	}
	for _, run := range c.Runs {
		if err := l.judgeRun(ctx, run); err != nil {
			return fmt.Errorf("its %s run: %w", run.Strategy, err)
		}
	}
	p.count("kills of PostgreSQL in a comparison", 1)
	return l.sound(ctx)
}

// patiently reads until the database can be read: a run that tells of its end
// too soon must be heard out.
func (l *lab) patiently(ctx context.Context, read func() error) error {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		err := read()
		if err == nil || !db.MayPass(err) || time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
	}
}

// soonOver is how long after a kill the run in which it was has to be over.
const soonOver = 30 * time.Second

// wasKilled takes the time from the kill to the end of the run that it met, and
// has nobody read through a connection that died in it.
func (l *lab) wasKilled(ctx context.Context, end *stopwatch, runs ...simulation.Simulation) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.killed.IsZero() {
		return errors.New("it ended before PostgreSQL could be killed")
	}
	l.pool.Reset()
	// A run whose last answers met the kill may be over while connections that
	// outlived it still serve, and before the server is back.
	var pid int
	err := l.patiently(ctx, func() (err error) { pid, err = l.stage.postmaster(ctx); return err })
	if err != nil || pid == l.postmaster {
		return errors.Join(errors.New("PostgreSQL was not started again"), err)
	}
	for _, run := range runs {
		if run.FinishedAt == nil || run.FinishedAt.Before(l.killed) {
			continue
		}
		took := run.FinishedAt.Sub(l.killed)
		if took > soonOver {
			return fmt.Errorf("the %s run ended %v after the kill", run.Strategy, took)
		}
		end.took(took)
		break
	}
	return nil
}

// judgeRun holds what a run says of itself against what people were told and
// against the database. The outage was shorter than a run waits, so there is no
// excuse for one that is not done.
func (l *lab) judgeRun(ctx context.Context, run simulation.Simulation) error {
	if run.State != simulation.Done {
		return fmt.Errorf("%w: the run is %s: %s", errAnswer, run.State, run.Failure)
	}
	if !booking.AllHold(run.Results.Checks) {
		return fmt.Errorf("%w: of the run's own %d checks, not all hold", errRule, len(run.Results.Checks))
	}
	kept, err := l.kept(ctx)
	if err != nil {
		return err
	}
	l.mu.Lock()
	answers := slices.Clone(l.told[run.Strategy])
	l.mu.Unlock()
	want := simulation.Tally{Failed: run.Users - len(answers)}
	for _, t := range answers {
		if kept[t.Person] != t {
			return fmt.Errorf("%w: person %s was told %s #%d and is %s #%d", errAnswer, t.Person, t.Standing, t.Number, kept[t.Person].Standing, kept[t.Person].Number)
		}
		if t.Standing == booking.Confirmed {
			want.Registered++
		} else {
			want.Waitlisted++
		}
	}
	if want.SeatsRemaining, err = l.seatsLeft(ctx, run.RehearsalID.UUID); err != nil {
		return err
	}
	if run.Tally != want {
		return fmt.Errorf("%w: the run tells %+v and it was %+v", errAnswer, run.Tally, want)
	}
	causes := 0
	for _, f := range run.Results.Failures {
		causes += f.Count
	}
	if causes != run.Tally.Failed {
		return fmt.Errorf("%w: %d failed, and the causes are those of %d", errAnswer, run.Tally.Failed, causes)
	}
	return nil
}

func (s *stage) seatsLeft(ctx context.Context, event uuid.UUID) (n int, err error) {
	if err = s.pool.QueryRow(ctx, `select seats_remaining from events where id = $1`, event).Scan(&n); err != nil {
		return 0, fmt.Errorf("read the seats of event %s: %w", event, err)
	}
	return n, nil
}

// follows wants the next simulation to be as if nothing had happened.
func (l *lab) follows(ctx context.Context) error {
	event, err := l.event(ctx, 5)
	if err != nil {
		return err
	}
	id, err := l.runner.Start(ctx, simulation.Params{EventID: event, StartedBy: l.organizer, Users: 50})
	if err != nil {
		return fmt.Errorf("the next simulation: %w", err)
	}
	run, err := l.runner.Wait(ctx, id)
	if err != nil {
		return err
	}
	if want := (simulation.Tally{Registered: 5, Waitlisted: 45}); run.State != simulation.Done || run.Tally != want {
		return fmt.Errorf("the next simulation is %s with %+v: %s", run.State, run.Tally, run.Failure)
	}
	return nil
}
