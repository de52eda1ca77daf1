package web_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/account"
	"rowlock/db"
	"rowlock/db/dbtest"
)

// With one connection for all pages and one for the desk, everybody is
// answered, whether a browser, htmx or a script asks and while other pages stay
// open: no request ever waits for a second connection with the first in hand.
func TestNoRequestHoldsTwoConnections(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	lone := func(limits db.Limits) *pgxpool.Pool {
		limits.MaxConns, limits.Patience = 1, 20*time.Second
		return openPool(t, url, limits)
	}
	s := newSiteOn(t, openPool(t, url, db.PageLimits), lone(db.PageLimits), lone(db.BookingLimits))
	hall := s.newHall()
	for _, door := range doors {
		if strings.Contains(door.address, "users=") {
			continue // a simulation keeps a connection for as long as it goes on
		}
		method, path, _ := strings.Cut(door.address, " ")
		for _, as := range []struct{ header, value string }{{"Accept", "text/html"}, {"HX-Request", "true"}, {"Accept", "application/json"}} {
			for _, who := range door.welcome() {
				r := hall.clients[who].request(method, hall.names.Replace(path))
				r.Header.Set(as.header, as.value)
				if a := hall.clients[who].visit(r); a.Status >= http.StatusInternalServerError {
					t.Errorf("%s by %s with %s: status %d", door.address, visitors[who], as, a.Status)
				}
				if method == http.MethodPost {
					hall = s.newHall()
				}
			}
		}
	}
}

// welcome are the first and the last of the visitors who are let in.
func (d door) welcome() []int {
	var all []int
	for i, status := range d.want {
		if status > 0 && status < http.StatusBadRequest {
			all = append(all, i)
		}
	}
	if len(all) < 2 {
		return all
	}
	return []int{all[0], all[len(all)-1]}
}

func openPool(t *testing.T, url string, limits db.Limits) *pgxpool.Pool {
	t.Helper()
	pool, err := db.Open(t.Context(), url, limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

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
