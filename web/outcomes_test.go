package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/labstack/echo/v4"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/event"
	"rowlock/simulation"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err    error
		status int
		// retry is the least that a visitor is asked to wait.
		retry time.Duration
	}{
		{event.ErrNotFound, http.StatusNotFound, 0},
		{booking.ErrNoEvent, http.StatusNotFound, 0},
		{simulation.ErrNotFound, http.StatusNotFound, 0},
		{account.ErrNoSession, http.StatusNotFound, 0},
		{echo.ErrNotFound, http.StatusNotFound, 0},
		{echo.ErrMethodNotAllowed, http.StatusMethodNotAllowed, 0},
		{echo.ErrStatusRequestEntityTooLarge, http.StatusRequestEntityTooLarge, 0},
		{errNotSignedIn, http.StatusUnauthorized, 0},
		{errForbidden, http.StatusForbidden, 0},
		{account.ErrInactive, http.StatusForbidden, 0},
		{booking.ErrClosed, http.StatusConflict, 0},
		{&booking.TooFewSeatsError{Confirmed: 7}, http.StatusConflict, 0},
		{event.ErrChanged, http.StatusConflict, 0},
		{account.ErrLastAdmin, http.StatusConflict, 0},
		{simulation.ErrUsers, http.StatusUnprocessableEntity, 0},
		{&account.TooManyAttemptsError{RetryAfter: 3 * time.Minute}, http.StatusTooManyRequests, 3 * time.Minute},
		{account.ErrBusy, http.StatusServiceUnavailable, time.Second},
		{fmt.Errorf("%w: %w", account.ErrBusy, context.DeadlineExceeded), http.StatusServiceUnavailable, time.Second},
		{booking.ErrBusy, http.StatusServiceUnavailable, time.Second},
		{errOverloaded, http.StatusServiceUnavailable, time.Second},
		{context.DeadlineExceeded, http.StatusServiceUnavailable, time.Second},
		{&pgconn.PgError{Code: "57014"}, http.StatusServiceUnavailable, time.Second},
		{&pgconn.PgError{Code: "55P03"}, http.StatusServiceUnavailable, time.Second},
		{&pgconn.PgError{Code: "42P01"}, http.StatusInternalServerError, 0},
		{booking.ErrOutcomeUnknown, http.StatusServiceUnavailable, time.Second},
		{errors.New("a bug"), http.StatusInternalServerError, 0},
		{echo.NewHTTPError(http.StatusTeapot, "a secret"), http.StatusInternalServerError, 0},
	}
	for _, tt := range tests {
		// Errors come wrapped in what was being done.
		got := explain(fmt.Errorf("book event 7 for person 9: %w", tt.err))
		if got.status != tt.status || got.retry < tt.retry || got.retry > 0 != (tt.retry > 0) {
			t.Errorf("%v: got status %d and a wait of %s, want %d and %s at least", tt.err, got.status, got.retry, tt.status, tt.retry)
		}
		if got.title.IsEmpty() || got.text.IsEmpty() {
			t.Errorf("%v: nothing is said", tt.err)
		}
	}
}

func TestPanicsAreAnswered(t *testing.T) {
	t.Parallel()
	err := recoverPanic(func(echo.Context) error { panic("a bug") })(nil)
	if err == nil || explain(err).status != http.StatusInternalServerError {
		t.Errorf("got %v", err)
	}
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Error("a handler cannot break off its answer")
		}
	}()
	_ = recoverPanic(func(echo.Context) error { panic(http.ErrAbortHandler) })(nil)
}

func TestConfigThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	key := make([]byte, minSessionKey)
	tests := []struct {
		name string
		base string
		key  []byte
		fine bool
	}{
		{"fine", "https://events.example.org", key, true},
		{"a slash at the end", "http://127.0.0.1:8080/", key, true},
		{"a short key", "https://events.example.org", key[1:], false},
		{"no address", "", key, false},
		{"no scheme", "events.example.org", key, false},
		{"a path", "https://example.org/events", key, false},
		{"another scheme", "ftp://example.org", key, false},
	}
	for _, tt := range tests {
		_, err := New(Config{BaseURL: tt.base, SessionKey: tt.key}, Services{})
		if (err == nil) != tt.fine {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}
