package simulation

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"rowlock/booking"
	"rowlock/db"
)

const (
	// outageLimit is how long a run waits for a database that is out of reach.
	// It outlasts a restart of PostgreSQL, and a failover.
	outageLimit = time.Minute
	// forAsLongAsItTakes is for what must not be lost.
	forAsLongAsItTakes = time.Duration(1<<63 - 1)
	// tryLimit ends one try, whose connection may hang.
	tryLimit = 30 * time.Second
	// saveTimeout bounds how long a run or a comparison that was told to end
	// tries to write that down.
	saveTimeout = 10 * time.Second
)

// outlast does something with the database, and does it again while that is
// out of reach, until ctx ends or so much time has passed since the first
// failure. What is done may have been committed although it failed, so it must
// bear being done twice.
func outlast(ctx context.Context, log *slog.Logger, limit time.Duration, do func(ctx context.Context) error) error {
	var failing time.Time
	pause := 25 * time.Millisecond
	for {
		err := try(ctx, do)
		if err == nil || ctx.Err() != nil || !mayPass(err) {
			return err
		}
		if failing.IsZero() {
			failing = time.Now()
		}
		if time.Since(failing) > limit {
			return err
		}
		log.Warn("simulation: waiting for the database", "cause", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
		pause = min(2*pause, time.Second)
	}
}

func try(ctx context.Context, do func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	return do(ctx)
}

// refusals are errors that a database which is back does not change.
var refusals = []error{booking.ErrStopping, booking.ErrNoEvent, ErrRunning, ErrNotBookable}

func mayPass(err error) bool {
	isErr := func(refusal error) bool { return errors.Is(err, refusal) }
	return db.MayPass(err) && !slices.ContainsFunc(refusals, isErr)
}

// lingering is a context that ends d after ctx does.
func lingering(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return later, func() { forget(); cancel() }
}
