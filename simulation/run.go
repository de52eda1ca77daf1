package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/booking"
	"rowlock/locale"
)

var (
	// errStopped ends a run because its program stops.
	errStopped = errors.New("the program was stopped")
	// errDisowned ends a run whose row says that it is over: this instance
	// slept so long that others took it for dead.
	errDisowned = errors.New("the simulation was taken for dead")
)

// A run is one simulation that this instance carries out.
type run struct {
	id uuid.UUID
	// eventID is the event that is booked: the rehearsal, or the event itself.
	eventID   uuid.UUID
	rehearsal bool
	pool      *pgxpool.Pool
	booker    booking.Booker
	log       *slog.Logger

	heart *heart
	ctx   context.Context
	stop  context.CancelCauseFunc
	ended chan struct{}
	// preparing ends with ctx, or before: once people book, that no longer
	// matters.
	preparing     context.Context
	stopPreparing context.CancelCauseFunc

	phase  atomic.Pointer[string]
	crowd  crowd
	track  track
	effort *effort
	size   int
}

func newRun(r *Runner, h *heart, eventID uuid.UUID, p Params) *run {
	u := &run{
		id: h.id, heart: h, eventID: eventID, rehearsal: p.Target == Rehearsal,
		pool: r.pool, booker: r.bookers[p.Strategy], log: r.log.With("simulation", h.id),
		ended: make(chan struct{}), size: p.Users, crowd: crowd{limit: MaxAtOnce},
	}
	if p.Strategy != Grouped {
		u.crowd.patience = p.Patience
	}
	u.ctx, u.stop = context.WithCancelCause(context.Background())
	u.preparing, u.stopPreparing = context.WithCancelCause(u.ctx)
	u.enter(Preparing)
	return u
}

func (u *run) enter(phase string) { u.phase.Store(&phase) }

// end ends the run at once where it was disowned. One that somebody stopped
// ends when everyone who has asked is answered: whoever undoes it then has all
// of it before them.
func (u *run) end(cause error) {
	if errors.Is(cause, errDisowned) {
		u.stop(cause)
		return
	}
	u.stopPreparing(cause)
	u.crowd.sendHome()
}

// carryOut runs the simulation to its end and saves what came of it.
func (u *run) carryOut() {
	defer u.heart.stop()
	beats := make(chan struct{})
	go func() { defer close(beats); u.heart.keepBeating(u.ctx, howFar, u.howFar, u.end) }()

	tally, results, err := u.simulate()
	if cause := context.Cause(u.ctx); err != nil && cause != nil {
		err = cause
	}
	u.save(tally, results, err) // while the heart beats, as that may take long
	u.stop(nil)
	<-beats
}

// outlast does what [outlast] does, for a minute and until the run is ended.
func (u *run) outlast(do func(ctx context.Context) error) error {
	return outlast(u.ctx, u.log, outageLimit, do)
}

// simulate returns what came of the run. When it fails, the tally is that of
// the people who have an answer, and whoever saves it has yet to read the seats.
func (u *run) simulate() (Tally, Results, error) {
	people, err := u.makePeople()
	if cause := context.Cause(u.preparing); err != nil && cause != nil {
		return u.crowd.soFar(), Results{}, cause
	}
	if err != nil {
		return u.crowd.soFar(), Results{}, fmt.Errorf("make %d people: %w", u.size, err)
	}

	u.crowd.gather(u.booker, u.eventID, people)
	u.effort = watchEffort(u.booker, u.eventID)
	defer u.effort.end()
	answered := u.crowd.release()
	u.enter(Booking)
	select {
	case <-answered:
	case <-u.ctx.Done():
		// Whoever still waits is answered by the booker, and heard by nobody.
		return u.crowd.soFar(), Results{}, context.Cause(u.ctx)
	}

	u.effort.end()
	u.enter(Checking)
	return u.conclude()
}

// conclude measures the answers and holds them against the database.
func (u *run) conclude() (Tally, Results, error) {
	tally, failures := u.crowd.tally(), u.crowd.failures()
	var checks []booking.Check
	err := u.outlast(func(ctx context.Context) (err error) {
		if err = u.readSeats(ctx, &tally); err == nil {
			checks, err = u.check(ctx)
		}
		return err
	})
	if err != nil {
		return tally, Results{Failures: failures}, err
	}
	if u.crowd.cutShort {
		return tally, Results{Checks: checks, Failures: failures}, context.Cause(u.preparing)
	}
	results := u.crowd.measure()
	results.Checks = checks
	results.Failures, results.GaveUpAfter = failures, u.crowd.gaveUpAfter()
	u.effort.tell(&results)
	return tally, results, nil
}

// readSeats reads into the tally what the database has of the seats. It leaves
// the tally alone when it fails.
func (u *run) readSeats(ctx context.Context, t *Tally) error {
	var capacity, remaining, confirmed int
	err := u.pool.QueryRow(ctx, `
		select capacity, seats_remaining,
		       (select count(*) from registrations where event_id = e.id and status = 'confirmed')
		from events e where id = $1`, u.eventID).Scan(&capacity, &remaining, &confirmed)
	if err != nil {
		return fmt.Errorf("read the seats of event %s: %w", u.eventID, err)
	}
	t.SeatsRemaining, t.Overbooked = remaining, max(0, confirmed-capacity)
	return nil
}

// save writes the end of the run, also when the program stops. It waits for a
// database that is out of reach for as long as the program lets it: nobody else
// knows what came of the run.
func (u *run) save(tally Tally, results Results, failure error) {
	ctx, cancel := lingering(u.ctx, saveTimeout)
	defer cancel()

	answered := u.crowd.answered()
	state, words := Done, locale.Text{}
	if failure != nil {
		u.log.Log(ctx, gravity(failure), "simulation: did not finish", "event", u.eventID, "cause", failure)
		state, words = Failed, inWords(failure)
	}
	text, err := json.Marshal(results)
	if err == nil {
		err = outlast(ctx, u.log, forAsLongAsItTakes, func(ctx context.Context) error {
			if failure != nil {
				if err := u.readSeats(ctx, &tally); err != nil {
					return err
				}
			}
			_, err := u.pool.Exec(ctx, `
				update simulations
				set state = $2, failure = $3, phase = $4, answered = $5, registered = $6, waitlisted = $7, failed = $8,
				    seats_remaining = $9, overbooked = $10, results = $11, heartbeat_at = now(), finished_at = now()
				where id = $1 and state = 'running'`,
				u.id, state, words, *u.phase.Load(), answered, tally.Registered, tally.Waitlisted, tally.Failed,
				tally.SeatsRemaining, tally.Overbooked, text)
			return err
		})
	}
	if err != nil {
		// Its beat stops, so it will count as killed.
		u.log.Error("simulation: could not save the end", "cause", err)
	}
}

// inWords says in a sentence why a run failed.
func inWords(failure error) locale.Text {
	var refusal *pgconn.PgError
	var stopped *stoppedError
	switch {
	case errors.As(failure, &stopped):
		return locale.Later("%s stopped it before it was done.", stopped.by)
	case errors.Is(failure, errStopped), errors.Is(failure, booking.ErrStopping):
		return locale.Later("The program was stopped before it was done.")
	case errors.Is(failure, errDisowned):
		return killed
	case errors.As(failure, &refusal):
		return locale.Later("The database refused a step: %s.", refusal.Message)
	}
	return locale.Later("The database could not be reached. The log has the details.")
}

// A crowd is the made-up people and what each of them was answered. Everyone
// writes to a slot of their own, so nobody waits for a lock that is not the
// booker's.
type crowd struct {
	booker  booking.Booker
	eventID uuid.UUID
	people  []uuid.UUID
	ctx     context.Context
	limit   int
	// patience bounds how long everyone waits for an answer; 0 is for ever.
	patience time.Duration
	doors    chan struct{}
	// opened is when all were released, closed when the last was answered.
	opened, closed time.Time
	// came counts who has come to the doors, alive those who are not answered.
	came  atomic.Int64
	alive sync.WaitGroup

	// answers counts the people by what they were answered.
	answers   [refused + 1]atomic.Int64
	outcomes  []outcome
	positions []int32
	waited    []int32 // microseconds since the doors opened

	// sentHome keeps everybody from asking who has not asked yet.
	sentHome atomic.Bool

	mu     sync.Mutex
	causes map[string]*Failure // by the cause's English
	gaveUp bool
	// cutShort tells that somebody has no answer because of sentHome.
	cutShort bool
	// leave ends the wait of those who have patience.
	leave context.CancelCauseFunc
}

// An outcome is what one of the crowd was answered.
type outcome uint8

const (
	unanswered outcome = iota
	registered
	waitlisted
	refused
)

// gather starts a goroutine for each person, up to the crowd's limit, and
// leaves them before closed doors.
func (c *crowd) gather(b booking.Booker, eventID uuid.UUID, people []uuid.UUID) {
	c.booker, c.eventID, c.people = b, eventID, people
	c.doors = make(chan struct{})
	c.outcomes, c.positions, c.waited = make([]outcome, len(people)), make([]int32, len(people)), make([]int32, len(people))
	c.causes = map[string]*Failure{}
	c.alive.Add(len(people))
	for i := range min(len(people), c.limit) {
		if i == sample {
			runtime.GC()
		}
		c.come()
	}
}

// sample is how many people stand before the doors when the runtime is made to
// look at them. It gives new goroutines stacks of the size that those it saw
// last were using, which were the few and large ones of a server; seeing the
// sample, it returns to the smallest and halves what the crowd costs.
const sample = 2_000

// come starts the next person, if there is one.
func (c *crowd) come() {
	if i := int(c.came.Add(1)) - 1; i < len(c.people) {
		go c.attend(i)
	}
}

// release lets everyone in at once. The channel is closed with the last
// answer.
func (c *crowd) release() <-chan struct{} {
	done := make(chan struct{})
	// Without a limit the context never ends, as one that a booker would have
	// to watch would cost every person a larger stack.
	c.ctx = context.Background()
	cancel := func() {}
	if c.patience > 0 {
		c.ctx, cancel = context.WithTimeout(c.leavable(), c.patience)
	}
	c.opened = time.Now()
	close(c.doors)
	go func() {
		c.alive.Wait()
		c.closed = time.Now()
		cancel()
		close(done)
	}()
	return done
}

// leavable is a context that sendHome ends.
func (c *crowd) leavable() context.Context {
	ctx, leave := context.WithCancelCause(context.Background())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leave = leave
	if c.sentHome.Load() {
		leave(errSentHome)
	}
	return ctx
}

// sendHome lets nobody ask any more, and has those leave who wait with
// patience. Whoever waits at the desk is answered in a moment.
func (c *crowd) sendHome() {
	c.sentHome.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leave != nil {
		c.leave(errSentHome)
	}
}

// attend is one person's life. Tens of thousands wait at once, each on a stack
// that must not outgrow the smallest size of 2 KiB: so there is no defer and
// nothing large in this frame, and what only the unlucky need is in another.
func (c *crowd) attend(i int) {
	<-c.doors
	if c.sentHome.Load() {
		c.refuse(i, errSentHome)
		c.come()
		c.alive.Done()
		return
	}
	answer, err := c.booker.Book(c.ctx, booking.Request{EventID: c.eventID, UserID: c.people[i]})
	c.waited[i] = c.sinceOpened()
	switch {
	case err != nil:
		c.refuse(i, err)
	case answer.Standing == booking.Confirmed:
		c.outcomes[i], c.positions[i] = registered, int32(answer.Position)
	case answer.Standing == booking.Waitlisted:
		c.outcomes[i], c.positions[i] = waitlisted, int32(answer.Position)
	default:
		c.refuse(i, errNoAnswer)
	}
	c.answers[c.outcomes[i]].Add(1)
	c.come()
	c.alive.Done()
}

func (c *crowd) sinceOpened() int32 {
	return int32(min(time.Since(c.opened)/time.Microsecond, math.MaxInt32))
}

//go:noinline
func (c *crowd) refuse(i int, err error) {
	c.outcomes[i] = refused
	cause := causeOf(err)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch left := context.Cause(c.ctx); {
	case errors.Is(left, errSentHome), errors.Is(err, errSentHome):
		c.cutShort, cause = true, causeOf(errSentHome)
	case left != nil:
		c.gaveUp, cause = true, gaveUpAfter(c.patience)
	}
	if _, known := c.causes[cause.String()]; !known && len(c.causes) >= maxCauses {
		cause = otherCause
	}
	f, known := c.causes[cause.String()]
	if !known {
		f = &Failure{Cause: cause}
		c.causes[cause.String()] = f
	}
	f.Count++
}

// soFar counts those who are through: they have an answer, or failed.
func (c *crowd) soFar() Tally {
	return Tally{
		Registered: int(c.answers[registered].Load()),
		Waitlisted: int(c.answers[waitlisted].Load()),
		Failed:     int(c.answers[refused].Load()),
	}
}

// answered counts those who got a seat or a place in line.
func (c *crowd) answered() int {
	t := c.soFar()
	return t.Registered + t.Waitlisted
}

// tally counts what became of everybody, when all is over: whoever never asked
// has failed, too.
func (c *crowd) tally() Tally {
	t := c.soFar()
	t.Failed = len(c.people) - t.Registered - t.Waitlisted
	return t
}
