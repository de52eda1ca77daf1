package db_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"rowlock/db"
	"rowlock/db/dbtest"
)

func TestNobodyWaitsForAConnectionForEver(t *testing.T) {
	t.Parallel()
	pool, err := db.Open(t.Context(), dbtest.URL(t), db.Limits{
		MaxConns: 1, Patience: time.Second, StatementTimeout: time.Minute, LockTimeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	var one int
	visitor, leave := context.WithTimeout(t.Context(), time.Minute)
	defer leave()
	err = pool.QueryRow(visitor, `select 1`).Scan(&one)
	if !errors.Is(err, context.DeadlineExceeded) || visitor.Err() != nil {
		t.Errorf("got %v, and the visitor %v: want that the pool gave up", err, visitor.Err())
	}

	// It ends no statement: a connection that is there may be used for long.
	conn.Release()
	if err := pool.QueryRow(visitor, `select 1 from pg_sleep(1.5)`).Scan(&one); err != nil || one != 1 {
		t.Errorf("a slow statement: got %v", err)
	}
}
