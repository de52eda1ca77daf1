package simulation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/audit"
	"rowlock/booking"
	"rowlock/event"
)

// A Runner starts simulations and carries them out in the background. Of all
// the runners that share a database, one has a simulation running at a time.
type Runner struct {
	pool    *pgxpool.Pool
	bookers map[string]booking.Booker
	log     *slog.Logger

	mu       sync.Mutex
	runs     map[uuid.UUID]*run
	contests map[uuid.UUID]*contest
	stopping bool
}

// NewRunner makes a runner that offers the strategies in bookers, by their
// names in [Strategies]. It keeps its own work on pool: a booker that shares
// the pool would leave it no connection to tell how far a run is.
func NewRunner(pool *pgxpool.Pool, bookers map[string]booking.Booker, log *slog.Logger) *Runner {
	return &Runner{pool: pool, bookers: bookers, log: log, runs: map[uuid.UUID]*run{}, contests: map[uuid.UUID]*contest{}}
}

// Strategies names the strategies that can be chosen, the default first.
func (r *Runner) Strategies() []string {
	return slices.DeleteFunc(Strategies(), func(name string) bool { return r.bookers[name] == nil })
}

// Start begins a simulation and returns its ID while it runs on in the
// background, whatever becomes of ctx. It is refused with [ErrUsers],
// [ErrSeats], [ErrOwnSeats], [ErrStrategy], [ErrTarget], [ErrPatience],
// [ErrName], [ErrRunning], [ErrNotBookable], [booking.ErrNoEvent] and, once the
// runner closes, [booking.ErrStopping].
func (r *Runner) Start(ctx context.Context, p Params) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, fmt.Errorf("make an id: %w", err)
	}
	u, err := r.begin(ctx, id, p)
	if err != nil {
		return uuid.Nil, err
	}
	go r.carryOut(u)
	return u.id, nil
}

// begin writes a run down that is to be carried out. It can be done again with
// the same ID when a connection broke.
func (r *Runner) begin(ctx context.Context, id uuid.UUID, p Params) (*run, error) {
	p = p.withDefaults()
	if err := r.refuses(p); err != nil {
		return nil, err
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopping {
		return nil, booking.ErrStopping
	}
	u, err := r.open(ctx, id, p)
	if err != nil {
		return nil, fmt.Errorf("start a simulation of event %s: %w", p.EventID, err)
	}
	r.runs[u.id] = u
	return u, nil
}

// carryOut returns when the run has come to its end.
func (r *Runner) carryOut(u *run) {
	u.carryOut()
	r.mu.Lock()
	delete(r.runs, u.id)
	r.mu.Unlock()
	close(u.ended)
}

func (p Params) withDefaults() Params {
	if p.Strategy == "" {
		p.Strategy = Grouped
	}
	if p.Target == "" {
		p.Target = Rehearsal
	}
	if p.Patience == 0 {
		p.Patience = DefaultPatience
	}
	p.Name = strings.TrimSpace(p.Name)
	return p
}

func (r *Runner) refuses(p Params) error {
	switch {
	case p.Users < 1 || p.Users > MaxUsers:
		return ErrUsers
	case r.bookers[p.Strategy] == nil:
		return ErrStrategy
	case p.Target != Rehearsal && p.Target != EventItself:
		return ErrTarget
	case p.Seats != nil && p.Target == EventItself:
		return ErrOwnSeats
	case p.Seats != nil && (*p.Seats < 0 || *p.Seats > event.MaxCapacity):
		return ErrSeats
	case p.Patience < time.Second || p.Patience > MaxPatience:
		return ErrPatience
	case len([]rune(p.Name)) > MaxName:
		return ErrName
	}
	return nil
}

// open writes the run down and makes the rehearsal. Its heart beats first, so
// that nobody takes it for dead.
func (r *Runner) open(ctx context.Context, id uuid.UUID, p Params) (*run, error) {
	heart, err := r.newHeart(ctx, id)
	if err != nil {
		return nil, err
	}
	var booked uuid.UUID
	err = pgx.BeginFunc(ctx, heart.conn, func(tx pgx.Tx) error {
		if err := waitForStarts(ctx, tx); err != nil {
			return err
		}
		// An earlier try may have been committed although its answer was lost.
		err := tx.QueryRow(ctx, `select coalesce(rehearsal_id, event_id) from simulations where id = $1`, id).Scan(&booked)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if err := takeTurn(ctx, tx, p.comparison); err != nil {
			return err
		}
		e, err := event.NewStore(tx).ByID(ctx, p.EventID)
		if errors.Is(err, event.ErrNotFound) {
			return booking.ErrNoEvent
		}
		if err != nil {
			return err
		}
		if p.Target == EventItself && !e.Bookable(time.Now()) {
			return ErrNotBookable
		}
		booked, err = insertRun(ctx, tx, id, e, p)
		return err
	})
	if err != nil {
		heart.stop()
		return nil, err
	}
	return newRun(r, heart, booked, p), nil
}

// waitForStarts waits for every runner that is about to start or to stop
// something, until tx ends.
func waitForStarts(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('rowlock simulation', 0))`)
	if err != nil {
		return fmt.Errorf("wait for other starts: %w", err)
	}
	return nil
}

// takeTurn refuses when a simulation runs, or a comparison other than ours. One
// that was killed is written down as failed: it stops nobody. Wait for other
// starts before.
func takeTurn(ctx context.Context, tx pgx.Tx, ours uuid.NullUUID) error {
	for _, table := range []string{"simulations", "comparisons"} {
		_, err := tx.Exec(ctx, `
			update `+table+` set state = 'failed', failure = @killed, finished_at = now() where `+isDead, runArgs())
		if err != nil {
			return fmt.Errorf("end killed %s: %w", table, err)
		}
	}
	var running bool
	err := tx.QueryRow(ctx, `
		select exists (select from simulations where state = 'running')
		    or exists (select from comparisons where state = 'running' and id is distinct from $1)`, ours).Scan(&running)
	if err != nil {
		return fmt.Errorf("look for a running simulation: %w", err)
	}
	if running {
		return ErrRunning
	}
	return nil
}

func insertRun(ctx context.Context, tx pgx.Tx, id uuid.UUID, e event.Event, p Params) (booked uuid.UUID, err error) {
	seats, booked := e.SeatsRemaining, e.ID
	var rehearsalID uuid.NullUUID
	if p.Target == Rehearsal {
		if booked, err = uuid.NewV7(); err != nil {
			return uuid.Nil, fmt.Errorf("make an id: %w", err)
		}
		rehearsalID = uuid.NullUUID{UUID: booked, Valid: true}
		if p.Seats != nil {
			seats = *p.Seats
		}
	}
	_, err = tx.Exec(ctx, `
		insert into simulations (id, name, event_id, event_title, rehearsal_id, started_by, target, strategy, state, users, seats, seats_remaining, comparison_id, stopped_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8, 'running', $9, $10, $10, $11, (select stopped_by from comparisons where id = $11))`,
		id, p.Name, e.ID, e.Title, rehearsalID, p.StartedBy, p.Target, p.Strategy, p.Users, seats, p.comparison)
	if err != nil {
		return uuid.Nil, fmt.Errorf("insert the simulation: %w", err)
	}
	if rehearsalID.Valid {
		if err := insertRehearsal(ctx, tx, booked, id, e.ID, seats); err != nil {
			return uuid.Nil, err
		}
	}
	return booked, audit.Write(ctx, tx, audit.Entry{
		Actor: p.StartedBy, Action: audit.SimulationStarted, Entity: audit.Simulation, EntityID: id, Event: e.ID,
		Detail: map[string]any{"users": p.Users, "strategy": p.Strategy, "target": p.Target, "seats": seats},
	})
}

// insertRehearsal copies an event as one that is open for booking, whatever
// the event's own times and status are.
func insertRehearsal(ctx context.Context, tx pgx.Tx, id, simulationID, eventID uuid.UUID, seats int) error {
	_, err := tx.Exec(ctx, `
		insert into events (id, title, description, location, starts_at, ends_at, time_zone,
			status, organizer_id, capacity, seats_remaining, simulation_id)
		select $1, title, description, location, now() + interval '1 day', now() + interval '1 day' + (ends_at - starts_at), time_zone,
			'published', organizer_id, $4, $4, $2
		from events where id = $3`, id, simulationID, eventID, seats)
	if err != nil {
		return fmt.Errorf("insert the rehearsal: %w", err)
	}
	return nil
}

// Wait returns a simulation when it has come to its end, on whatever instance
// it runs.
func (r *Runner) Wait(ctx context.Context, id uuid.UUID) (Simulation, error) {
	r.mu.Lock()
	u := r.runs[id]
	r.mu.Unlock()
	if u != nil {
		select {
		case <-u.ended:
		case <-ctx.Done():
			return Simulation{}, ctx.Err()
		}
	}
	for {
		s, err := ByID(ctx, r.pool, id)
		if err != nil || s.State != Running {
			return s, err
		}
		select {
		case <-time.After(beatEvery):
		case <-ctx.Done():
			return Simulation{}, ctx.Err()
		}
	}
}

// Interrupt starts nothing more and ends what runs here, as [Runner.Stop] does.
// What was interrupted is written down as failed because the program was
// stopped, with the tally and the checks of what was done. It does not wait for
// that: see [Runner.Close].
func (r *Runner) Interrupt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopping = true
	for _, u := range r.runs {
		u.end(errStopped)
	}
}

// Close starts nothing more. A simulation whose people are being made is
// stopped; one that waits for answers may go on until ctx ends. What was
// stopped is written down as failed, and so is a comparison that had runs to
// come; should the database be out of reach, that takes up to ten seconds longer
// than ctx. Close the runner before the desk, or people in the desk's queue are
// turned away.
func (r *Runner) Close(ctx context.Context) error {
	r.mu.Lock()
	r.stopping = true
	var left []*run
	for _, u := range r.runs {
		u.stopPreparing(errStopped)
		left = append(left, u)
	}
	contests := slices.Collect(maps.Values(r.contests))
	r.mu.Unlock()

	for _, u := range left {
		select {
		case <-u.ended:
			continue
		case <-ctx.Done():
		}
		u.stop(errStopped)
		<-u.ended
	}
	for _, c := range contests {
		select {
		case <-c.ended: // soon, as it can begin no further run
			continue
		case <-ctx.Done():
		}
		c.stop(errStopped)
		<-c.ended
	}
	return ctx.Err()
}
