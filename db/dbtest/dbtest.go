// Package dbtest lends tests real databases.
//
// Each test program gets a PostgreSQL of its own, started when the first test
// asks for a database and gone when the last has run, so packages are tested
// side by side and need nothing set up. A package that uses it says
//
//	func TestMain(m *testing.M) { dbtest.Main(m) }
//
// Most tests want [Tx], which costs next to nothing. What races, commits or
// listens wants [Pool] or [URL], a database that nobody else sees.
package dbtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/db"
)

// limits leave room for slow machines, and end a test that waits for itself.
var limits = db.Limits{MaxConns: 30, StatementTimeout: 2 * time.Minute, LockTimeout: 15 * time.Second}

// sharedConns is how many tests can hold a [Tx] at once.
const sharedConns = 100

var inMain atomic.Bool

// Main runs the tests of a package, stops its PostgreSQL and exits. TestMain
// calls it.
func Main(m *testing.M) {
	inMain.Store(true)
	code := m.Run()
	if err := stopCluster(); err != nil {
		fmt.Fprintln(os.Stderr, "dbtest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// URL is the connection string of a database of the test's own, with all
// migrations run. It is dropped when the test ends.
func URL(t testing.TB) string {
	t.Helper()
	return lend(t, (*cluster).cloneMigrated)
}

// EmptyURL is the connection string of a database of the test's own in which
// no migration has run. It is dropped when the test ends.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return lend(t, (*cluster).makeEmpty)
}

// Pool is a pool on a database like that of [URL]. It is closed when the test
// ends.
func Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := db.Open(t.Context(), URL(t), limits)
	if err != nil {
		t.Fatal("dbtest:", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// Tx is a transaction on a migrated database that all tests of the package
// share. It is rolled back when the test ends, so tests do not see each
// other's rows; but two that insert the same key wait for each other.
func Tx(t testing.TB) pgx.Tx {
	t.Helper()
	shared, err := mustCluster(t).shared()
	if err != nil {
		t.Fatal("dbtest:", err)
	}
	tx, err := shared.Begin(t.Context())
	if err != nil {
		t.Fatal("dbtest: begin a transaction:", err)
	}
	t.Cleanup(func() { rollBack(t, tx) })
	return tx
}

func rollBack(t testing.TB, tx pgx.Tx) {
	err := tx.Rollback(context.Background())
	if errors.Is(err, pgx.ErrTxClosed) {
		t.Error("dbtest: the test ended the transaction that dbtest.Tx lent it: use dbtest.Pool to commit")
	} else if err != nil {
		t.Error("dbtest: roll back:", err)
	}
}

// lend makes a database and drops it when the test ends.
func lend(t testing.TB, makeDatabase func(*cluster, context.Context) (string, error)) string {
	t.Helper()
	c := mustCluster(t)
	name, err := makeDatabase(c, t.Context())
	if err != nil {
		t.Fatal("dbtest:", err)
	}
	t.Cleanup(func() {
		if err := c.drop(context.Background(), name); err != nil {
			t.Error("dbtest:", err)
		}
	})
	return c.server.URL(name)
}

func mustCluster(t testing.TB) *cluster {
	t.Helper()
	if !inMain.Load() {
		t.Fatal("dbtest: nobody would stop the database: add to this package's tests\n\n\tfunc TestMain(m *testing.M) { dbtest.Main(m) }\n")
	}
	c, err := startOnce()
	if err != nil {
		t.Fatal("dbtest:", err)
	}
	return c
}

// started is what startOnce started, for stopCluster alone.
var started *cluster

var startOnce = sync.OnceValues(func() (*cluster, error) {
	parent := fastFolder()
	sweep(parent)
	var err error
	started, err = startCluster(context.Background(), parent)
	return started, err
})

func stopCluster() error {
	if started == nil {
		return nil
	}
	return started.stop()
}
