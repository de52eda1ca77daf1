package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/booking"
	"rowlock/event"
	"rowlock/locale"
)

// MaxCompared is how many runs can be set side by side.
const MaxCompared = 8

// A Comparison is a series of rehearsals of one event that differ only in
// their strategy. They run one after the other, so that none disturbs another.
type Comparison struct {
	ID            uuid.UUID
	Name          string
	EventID       uuid.UUID
	EventTitle    string
	StartedBy     uuid.UUID
	StartedByName string
	// Strategies are in the order in which they run.
	Strategies []string
	// Users attempt to book Seats free seats in each run.
	Users, Seats int
	// Patience is as in [Params]; zero where it is unknown.
	Patience time.Duration
	State    State
	// Failure says why the comparison ended before its last run, in words for
	// an admin. A run that failed has its own, and the others go on.
	Failure locale.Text
	// Stopped tells that an admin asked for its end.
	Stopped    bool
	StartedAt  time.Time
	FinishedAt *time.Time
	// Runs are those that have begun and that nobody has deleted, the first
	// one first. Lists of comparisons leave them out.
	Runs []Simulation
}

// ComparisonParams are what an admin chooses.
type ComparisonParams struct {
	// Name is made up when empty: of the event's title and the Crowd, which is
	// a word for the people in the language of whoever starts, else in English.
	Name      string
	Crowd     string
	EventID   uuid.UUID
	StartedBy uuid.UUID
	Users     int
	// Seats overrides how many seats each rehearsal has free; nil means as
	// many as the event has now.
	Seats *int
	// Strategies are two or more of those that the [Runner] offers. Each runs
	// once, in the runner's order.
	Strategies []string
	// Patience is as in [Params].
	Patience time.Duration
}

// A contest is a comparison that this instance carries out.
type contest struct {
	id         uuid.UUID
	runner     *Runner
	strategies []string
	params     Params
	log        *slog.Logger

	heart *heart
	ctx   context.Context
	stop  context.CancelCauseFunc
	ended chan struct{}
}

// Compare begins a comparison and returns its ID while it runs on in the
// background, whatever becomes of ctx. It is refused like [Runner.Start], and
// with [ErrFewStrategies] and [ErrName].
func (r *Runner) Compare(ctx context.Context, p ComparisonParams) (uuid.UUID, error) {
	strategies, err := r.inOrder(p.Strategies)
	if err != nil {
		return uuid.Nil, err
	}
	if p.Name = strings.TrimSpace(p.Name); len([]rune(p.Name)) > MaxName {
		return uuid.Nil, ErrName
	}
	each := Params{
		EventID: p.EventID, StartedBy: p.StartedBy, Users: p.Users, Seats: p.Seats,
		Strategy: strategies[0], Patience: p.Patience,
	}.withDefaults()
	if err := r.refuses(each); err != nil {
		return uuid.Nil, err
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopping {
		return uuid.Nil, booking.ErrStopping
	}
	c := &contest{runner: r, strategies: strategies, params: each, ended: make(chan struct{})}
	if err := c.open(ctx, p.Name, cmp.Or(p.Crowd, fmt.Sprintf("%d people", each.Users))); err != nil {
		return uuid.Nil, fmt.Errorf("compare strategies at event %s: %w", p.EventID, err)
	}
	c.log = r.log.With("comparison", c.id)
	c.ctx, c.stop = context.WithCancelCause(context.Background())
	r.contests[c.id] = c
	go c.carryOut()
	return c.id, nil
}

// inOrder returns the strategies as the runner lists them, each once.
func (r *Runner) inOrder(chosen []string) ([]string, error) {
	offered := r.Strategies()
	for _, name := range chosen {
		if !slices.Contains(offered, name) {
			return nil, ErrStrategy
		}
	}
	list := slices.DeleteFunc(offered, func(name string) bool { return !slices.Contains(chosen, name) })
	if len(list) < 2 {
		return nil, ErrFewStrategies
	}
	return list, nil
}

// open writes the comparison down and settles how many seats every run has.
func (c *contest) open(ctx context.Context, name, crowd string) (err error) {
	if c.id, err = uuid.NewV7(); err != nil {
		return fmt.Errorf("make an id: %w", err)
	}
	c.params.comparison = uuid.NullUUID{UUID: c.id, Valid: true}
	if c.heart, err = c.runner.newHeart(ctx, c.id); err != nil {
		return err
	}
	p := &c.params
	err = pgx.BeginFunc(ctx, c.heart.conn, func(tx pgx.Tx) error {
		if err := waitForStarts(ctx, tx); err != nil {
			return err
		}
		if err := takeTurn(ctx, tx, uuid.NullUUID{}); err != nil {
			return err
		}
		e, err := event.NewStore(tx).ByID(ctx, p.EventID)
		if errors.Is(err, event.ErrNotFound) {
			return booking.ErrNoEvent
		}
		if err != nil {
			return err
		}
		if p.Seats == nil {
			p.Seats = &e.SeatsRemaining
		}
		if name == "" {
			name = defaultName(e.Title, crowd)
		}
		_, err = tx.Exec(ctx, `
			insert into comparisons (id, name, event_id, event_title, started_by, strategies, users, seats, patience, state)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'running')`,
			c.id, name, e.ID, e.Title, p.StartedBy, c.strategies, p.Users, *p.Seats, p.Patience)
		if err != nil {
			return fmt.Errorf("insert the comparison: %w", err)
		}
		return nil
	})
	if err != nil {
		c.heart.stop()
	}
	return err
}

func defaultName(title, crowd string) string {
	end := []rune(", " + crowd)
	start := []rune(title)
	return string(start[:min(len(start), MaxName-len(end))]) + string(end)
}

func (c *contest) carryOut() {
	defer c.heart.stop()
	beats := make(chan struct{})
	go func() {
		defer close(beats)
		c.heart.keepBeating(c.ctx, alive, func() []any { return []any{c.id} }, c.stop)
	}()

	err := c.runAll()
	if cause := context.Cause(c.ctx); err != nil && cause != nil {
		err = cause
	}
	c.save(err) // while the heart beats, as that may take long
	c.stop(nil)
	<-beats

	c.runner.mu.Lock()
	delete(c.runner.contests, c.id)
	c.runner.mu.Unlock()
	close(c.ended)
}

// runAll runs one strategy after the other. A run that fails does not keep the
// next from its turn.
func (c *contest) runAll() error {
	for _, strategy := range c.strategies {
		p := c.params
		p.Strategy = strategy
		u, err := c.begin(p)
		if err != nil {
			return err
		}
		c.runner.carryOut(u)
		if err := c.askStopped(); err != nil {
			return err
		}
	}
	return nil
}

// begin begins the next run. It waits for a database that is out of reach.
func (c *contest) begin(p Params) (*run, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make an id: %w", err)
	}
	var u *run
	err = outlast(c.ctx, c.log, outageLimit, func(ctx context.Context) (err error) {
		u, err = c.runner.begin(ctx, id, p)
		return err
	})
	return u, err
}

// askStopped fails when somebody stopped the comparison, which its heart may
// not have heard yet.
func (c *contest) askStopped() error {
	var by string
	err := outlast(c.ctx, c.log, outageLimit, func(ctx context.Context) error {
		return c.runner.pool.QueryRow(ctx, `select `+stopper+` from comparisons where id = $1`, c.id).Scan(&by)
	})
	if err != nil {
		return fmt.Errorf("ask who stopped comparison %s: %w", c.id, err)
	}
	if by != "" {
		return &stoppedError{by}
	}
	return nil
}

// alive is what the heart writes of a comparison, also between its runs.
const alive = `
	update comparisons set heartbeat_at = now() where id = $1 and state = 'running' returning ` + stopper

// save writes the end of the comparison, and waits for the database like that
// of a run.
func (c *contest) save(failure error) {
	ctx, cancel := lingering(c.ctx, saveTimeout)
	defer cancel()

	state, words := Done, locale.Text{}
	if failure != nil {
		c.log.Log(ctx, gravity(failure), "comparison: did not finish", "event", c.params.EventID, "cause", failure)
		state, words = Failed, inWords(failure)
	}
	err := outlast(ctx, c.log, forAsLongAsItTakes, func(ctx context.Context) error {
		_, err := c.runner.pool.Exec(ctx, `
			update comparisons set state = $2, failure = $3, finished_at = now() where id = $1 and state = 'running'`, c.id, state, words)
		return err
	})
	if err != nil {
		// Its beat stops, so it will count as killed.
		c.log.Error("comparison: could not save the end", "cause", err)
	}
}

// WaitComparison returns a comparison when it has come to its end, on whatever
// instance it runs.
func (r *Runner) WaitComparison(ctx context.Context, id uuid.UUID) (Comparison, error) {
	r.mu.Lock()
	c := r.contests[id]
	r.mu.Unlock()
	if c != nil {
		select {
		case <-c.ended:
		case <-ctx.Done():
			return Comparison{}, ctx.Err()
		}
	}
	for {
		c, err := ComparisonByID(ctx, r.pool, id)
		if err != nil || c.State != Running {
			return c, err
		}
		select {
		case <-time.After(beatEvery):
		case <-ctx.Done():
			return Comparison{}, ctx.Err()
		}
	}
}
