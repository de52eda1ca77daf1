package db_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowlock/db"
)

func TestMayPass(t *testing.T) {
	t.Parallel()
	refusal := func(code string) error { return fmt.Errorf("book: %w", &pgconn.PgError{Code: code}) }
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"the server starts up", refusal("57P03"), true},
		{"the server crashed", refusal("57P02"), true},
		{"too many connections", refusal("53300"), true},
		{"a deadlock", refusal("40P01"), true},
		{"a lock that was waited for too long", refusal("55P03"), true},
		{"idle for too long", refusal("25P03"), true},
		{"a duplicate", refusal("23505"), false},
		{"no such table", refusal("42P01"), false},
		{"nobody listens", fmt.Errorf("get a connection: %w", &pgconn.ConnectError{}), true},
		{"a broken connection", fmt.Errorf("read: %w", io.ErrUnexpectedEOF), true},
		{"no answer in time", context.DeadlineExceeded, true},
		{"a caller who gave up", fmt.Errorf("read: %w", context.Canceled), false},
		{"no such row", errors.Join(errors.New("read"), pgx.ErrNoRows), false},
	} {
		if got := db.MayPass(tt.err); got != tt.want {
			t.Errorf("%s: got %t", tt.name, got)
		}
	}
}
