package simulation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/booking"
	"rowlock/locale"
)

const (
	// beatEvery is how often a running simulation says in its row how far it
	// is.
	beatEvery = 250 * time.Millisecond
	// silentFor is how long a row may go without a beat before its run counts
	// as killed, and stops nobody from starting another.
	silentFor = 15 * time.Second
	// goneFor is the same for a run whose session has ended, as it does the
	// moment its program is killed: it outlasts a lost connection.
	goneFor = 2 * time.Second
)

// killed is the failure of a run whose instance went away, or that has no way
// to the database which others reach.
var killed = locale.Later("The program that ran it was not heard of any more: it stopped, or could not reach the database.")

// lockKey is the advisory lock that the session of a run or comparison holds.
const lockKey = `hashtextextended(id::text, 0)`

// isDead tells of a row of simulations or comparisons whether nobody carries
// it out any more. A lock that a pooler keeps for a session that has ended
// only makes that take longer.
//
// No beat is missed while the server is down, and every session has to be opened
// anew after that.
const isDead = `state = 'running' and case when exists (
	select from pg_locks l
	where l.locktype = 'advisory' and l.database = (select oid from pg_database where datname = current_database())
	  and l.objsubid = 1 and l.classid::bigint << 32 | l.objid::bigint = ` + lockKey + `
) then heartbeat_at < now() - @silent::interval
else greatest(heartbeat_at, pg_postmaster_start_time()) < now() - @gone::interval end`

// A heart tells every instance that a run or a comparison goes on here. It has
// a session of its own, which ends with the program, however that ends.
type heart struct {
	id   uuid.UUID
	pool *pgxpool.Pool
	log  *slog.Logger
	conn *pgxpool.Conn
}

func (r *Runner) newHeart(ctx context.Context, id uuid.UUID) (*heart, error) {
	h := &heart{id: id, pool: r.pool, log: r.log.With("id", id)}
	return h, h.attach(ctx)
}

// attach opens the session, unless it is open. After a restart of the server
// all connections that the pool has may be broken: each is tried, and dropped.
func (h *heart) attach(ctx context.Context) error {
	for tries := h.pool.Stat().MaxConns(); ; tries-- {
		if h.conn != nil && !h.conn.Conn().IsClosed() {
			return nil
		}
		h.stop()
		conn, err := h.pool.Acquire(ctx)
		if err != nil {
			return fmt.Errorf("get a connection: %w", err)
		}
		h.conn = conn
		// Should the server still take the session before for alive, then that
		// one has the lock, which does as well.
		_, err = conn.Exec(ctx, `select pg_try_advisory_lock(`+lockKey+`) from (select $1::uuid as id) as own`, h.id)
		if err != nil && (tries == 0 || !conn.Conn().IsClosed() || ctx.Err() != nil) {
			h.stop()
			return fmt.Errorf("take the lock of %s: %w", h.id, err)
		}
	}
}

// stop ends the session, and with it the lock.
func (h *heart) stop() {
	if h.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = h.conn.Conn().Close(ctx) // it is closed on our side, whatever comes of it
	h.conn.Release()
	h.conn = nil
}

// keepBeating runs, until ctx ends, an update that says how far it is and
// returns the name of whoever asked for a stop, or "". It tells end of that,
// and of errDisowned when there is no row to update.
func (h *heart) keepBeating(ctx context.Context, update string, args func() []any, end func(cause error)) {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		var stoppedBy string
		err := h.attach(ctx)
		if err == nil {
			err = h.conn.QueryRow(ctx, update, args()...).Scan(&stoppedBy)
		}
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			end(errDisowned)
		case err != nil && ctx.Err() == nil:
			h.log.Warn("simulation: could not write how far it is", "cause", err)
		case stoppedBy != "":
			end(&stoppedError{stoppedBy})
		}
	}
}

// stopper names in an update whoever asked for a stop.
const stopper = `case when stopped_by is null then '' else coalesce((select name from users where id = stopped_by), 'Somebody') end`

// A stoppedError ends a run that somebody stopped.
type stoppedError struct{ by string }

func (e *stoppedError) Error() string { return e.by + " stopped it" }

// gravity is how grave the log takes the end of a run: that somebody wanted it,
// or the end of the program, is news, and no error.
func gravity(failure error) slog.Level {
	_, stopped := errors.AsType[*stoppedError](failure)
	if stopped || errors.Is(failure, errStopped) || errors.Is(failure, booking.ErrStopping) {
		return slog.LevelInfo
	}
	return slog.LevelError
}
