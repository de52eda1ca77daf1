package simulation

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"rowlock/booking"
)

// What may pass is tried again, but not for ever, and not when it was refused
// or nobody waits for it any more.
func TestOutlast(t *testing.T) {
	t.Parallel()
	startsUp, duplicate := &pgconn.PgError{Code: "57P03"}, &pgconn.PgError{Code: "23505"}
	ended, end := context.WithCancel(t.Context())
	end()
	for _, tt := range []struct {
		name  string
		ctx   context.Context
		limit time.Duration
		errs  []error
		want  error
		tries int
	}{
		{"the server is back in time", t.Context(), time.Minute, []error{startsUp, startsUp, nil}, nil, 3},
		{"the server stays away", t.Context(), -1, []error{startsUp, startsUp, nil}, startsUp, 1},
		{"the server refuses it", t.Context(), time.Minute, []error{duplicate, nil}, duplicate, 1},
		{"we refuse it", t.Context(), time.Minute, []error{booking.ErrStopping, nil}, booking.ErrStopping, 1},
		{"nobody waits", ended, time.Minute, []error{startsUp, nil}, startsUp, 1},
	} {
		tries := 0
		err := outlast(tt.ctx, slog.New(slog.DiscardHandler), tt.limit, func(context.Context) error {
			tries++
			return tt.errs[tries-1]
		})
		if !errors.Is(err, tt.want) || tries != tt.tries {
			t.Errorf("%s: %v after %d tries, want %v after %d", tt.name, err, tries, tt.want, tt.tries)
		}
	}
}
