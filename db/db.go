// Package db opens Rowlock's database: connection pools with limits that fit
// how they are used, migrations that any number of instances may run at once,
// and the few questions about errors that every package asks. It knows no
// table.
package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Conn is what a store needs of the database. A pool, a connection and a
// transaction all are one, so a store joins a larger transaction, or a test's,
// unchanged.
type Conn interface {
	Begin(ctx context.Context) (pgx.Tx, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// A Statement is one SQL statement with its arguments.
type Statement struct {
	SQL  string
	Args []any
}

// MinVersion is the oldest PostgreSQL that Rowlock runs on, as
// server_version_num counts: its SQL needs what version 15 brought.
const MinVersion = 150000

// ErrOldServer says that the server is older than [MinVersion].
var ErrOldServer = errors.New("Rowlock needs PostgreSQL 15 or newer")

// ErrEncoding says that the database cannot hold every language's letters.
var ErrEncoding = errors.New("Rowlock needs a database with the encoding UTF8")

// Limits bound what a pool takes from the server and how long a statement may
// keep others waiting.
type Limits struct {
	// MaxConns is the number of connections at most.
	MaxConns int32
	// Patience ends the wait for a connection while all are busy, with
	// [context.DeadlineExceeded]. 0 waits for as long as the caller does.
	Patience time.Duration
	// StatementTimeout ends a statement that runs longer; 0 ends none.
	StatementTimeout time.Duration
	// LockTimeout ends a statement that waits longer for a lock; 0 ends none.
	LockTimeout time.Duration
	// KeysOnly has every statement planned once and never by reading a whole
	// table, for work that looks everything up by key: a plan that was made
	// while a table was empty must still be right when it is large.
	KeysOnly bool
}

// PageLimits suit the requests of a browser: each borrows one connection for
// a few milliseconds, so a few connections carry thousands of people, and a
// page that waited this long has lost its reader.
var PageLimits = Limits{MaxConns: 12, Patience: 10 * time.Second, StatementTimeout: 10 * time.Second, LockTimeout: 5 * time.Second}

// BookingLimits suit the desk. One connection works for one busy event at a
// time; more of them on one row only make each other wait. They are kept apart
// from the pages' so that neither a storm of readers nor a storm of bookings
// starves the other.
var BookingLimits = Limits{MaxConns: 6, StatementTimeout: 30 * time.Second, LockTimeout: 10 * time.Second, KeysOnly: true}

// CheckLimits suit one long look at everything, for which somebody waits at a
// terminal: it takes as long as it needs.
var CheckLimits = Limits{MaxConns: 1}

// idleTimeout ends a transaction whose program hangs, before those who wait for
// its row locks lose their patience. Ours are idle for a millisecond at most.
const idleTimeout = 5 * time.Second

// Open connects a pool to the database at url and checks that it answers,
// is new enough and holds any text. It waits at most ten seconds for an answer.
func Open(ctx context.Context, url string, l Limits) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database URL: %w", err)
	}
	config.MaxConns = l.MaxConns
	config.MaxConnIdleTime = 5 * time.Minute
	config.MaxConnLifetime = time.Hour
	config.MaxConnLifetimeJitter = 10 * time.Minute
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 5 * time.Second
	}

	p := config.ConnConfig.RuntimeParams
	p["application_name"] = "rowlock"
	p["timezone"] = "UTC"
	p["statement_timeout"] = milliseconds(l.StatementTimeout)
	p["lock_timeout"] = milliseconds(l.LockTimeout)
	p["idle_in_transaction_session_timeout"] = milliseconds(idleTimeout)

	if l.KeysOnly {
		p["plan_cache_mode"] = "force_generic_plan"
		p["enable_seqscan"] = "off"
	}

	if l.Patience > 0 {
		config.ConnConfig.Tracer = patience(l.Patience)
	}
	config.AfterConnect = func(_ context.Context, c *pgx.Conn) error {
		registerUUID(c.TypeMap())
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := checkServer(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

func checkServer(ctx context.Context, pool *pgxpool.Pool) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()

	var number int
	var name, encoding string
	err := pool.QueryRow(ctx, `
		select current_setting('server_version_num')::int, current_setting('server_version'), current_setting('server_encoding')`).
		Scan(&number, &name, &encoding)
	if err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	if number < MinVersion {
		return fmt.Errorf("%w: this server is %s", ErrOldServer, name)
	}
	// SQL_ASCII, of a server that was made without a locale, keeps all bytes.
	if encoding != "UTF8" && encoding != "SQL_ASCII" {
		return fmt.Errorf("%w: this one has %s", ErrEncoding, encoding)
	}
	return nil
}

func milliseconds(d time.Duration) string {
	return fmt.Sprint(d.Milliseconds())
}

// Violates tells whether err is the refusal of the named constraint or unique
// index.
func Violates(err error, constraint string) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.ConstraintName == constraint
}
