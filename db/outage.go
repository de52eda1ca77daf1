package db

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// MayPass tells whether what failed with err may well succeed a moment later:
// the connection broke, the server restarts or is full, another transaction was
// preferred. Whatever is no answer of the server's is taken for a broken
// connection, unless the caller gave up or there was no such row: rule out
// errors of your own first.
func MayPass(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return !errors.Is(err, context.Canceled) && !errors.Is(err, pgx.ErrNoRows)
	}
	switch e.Code[:2] {
	case "08", // connection exception
		"40", // serialization failure, deadlock
		"53", // too many connections, disk full, out of memory
		"55", // lock timeout
		"57", // shutdown, crash, statement timeout
		"58": // input or output error
		return true
	}
	return e.Code == "25P03" // idle in transaction for too long
}
