package web_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/account"
	"rowlock/db/dbtest"
)

// An event's page takes one query, and one more recognizes who asks.
func TestEventPageTakesTwoQueries(t *testing.T) {
	t.Parallel()
	config, err := pgxpool.ParseConfig(dbtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	queries := &queryLog{}
	config.ConnConfig.Tracer = queries
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := newSiteOn(t, pool, pool, pool)

	e := s.event(s.person(account.Organizer), 1)
	ana, ben := s.as(account.Attendee), s.as(account.Attendee)
	s.book(e, ana.user)
	s.book(e, ben.user)
	for who, c := range map[string]*client{"stranger": s.stranger(), "with a seat": ana, "in line": ben} {
		want := 2
		if who == "stranger" {
			want = 1
		}
		queries.take()
		c.get(eventPath(e)).wants(http.StatusOK)
		if made := queries.take(); len(made) != want {
			t.Errorf("%s: %d queries, want %d:\n%s", who, len(made), want, strings.Join(made, "\n"))
		}
	}
}

// queryLog keeps every statement that a pool runs.
type queryLog struct {
	mu  sync.Mutex
	all []string
}

func (l *queryLog) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, q.SQL)
	return ctx
}

func (l *queryLog) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (l *queryLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.all
	l.all = nil
	return all
}
