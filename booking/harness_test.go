package booking_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/booking"
	"rowlock/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// patience is how long a test waits for what takes a fraction of a second.
const patience = time.Minute

// A house is a database with an organizer, and a desk on it.
type house struct {
	t         testing.TB
	pool      *pgxpool.Pool
	desk      *booking.Desk
	organizer uuid.UUID
	people    int
}

func newHouse(t testing.TB) *house {
	t.Helper()
	pool := dbtest.Pool(t)
	h := &house{t: t, pool: pool, desk: newDesk(t, pool)}
	h.organizer = h.person()
	return h
}

func newDesk(t testing.TB, pool *pgxpool.Pool) *booking.Desk {
	desk := booking.NewDesk(pool, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := desk.Close(ctx); err != nil {
			t.Errorf("close the desk: %v", err)
		}
	})
	return desk
}

// strategies are all ways to book, by name.
func (h *house) strategies() map[string]booking.Booker {
	return map[string]booking.Booker{
		"grouped":     h.desk,
		"pessimistic": booking.NewPessimistic(h.pool),
		"optimistic":  booking.NewOptimistic(h.pool),
		"conditional": booking.NewConditional(h.pool),
	}
}

func (h *house) exec(sql string, args ...any) {
	h.t.Helper()
	if _, err := h.pool.Exec(context.Background(), sql, args...); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) number(sql string, args ...any) int {
	h.t.Helper()
	var n int
	if err := h.pool.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

func (h *house) person() uuid.UUID { return h.crowd(1)[0] }

// crowd adds n people.
func (h *house) crowd(n int) []uuid.UUID {
	h.t.Helper()
	ids := make([]uuid.UUID, n)
	emails := make([]string, n)
	for i := range ids {
		h.people++
		ids[i] = uuid.Must(uuid.NewV7())
		emails[i] = fmt.Sprintf("person-%d@example.org", h.people)
	}
	h.exec(`insert into users (id, name, email, password_hash, role)
		select id, 'Person', email, 'none', 'attendee' from unnest($1::uuid[], $2::text[]) as u (id, email)`, ids, emails)
	return ids
}

// event adds a published event that starts tomorrow.
func (h *house) event(capacity int) uuid.UUID {
	h.t.Helper()
	id := uuid.Must(uuid.NewV7())
	h.exec(`insert into events (id, title, description, location, starts_at, ends_at, time_zone, status, organizer_id, capacity, seats_remaining)
		values ($1, 'Regatta', '', '', now() + interval '1 day', now() + interval '2 days', 'UTC', 'published', $2, $3, $3)`,
		id, h.organizer, capacity)
	return id
}

func (h *house) book(event, person uuid.UUID) booking.Answer {
	h.t.Helper()
	answer, err := h.desk.Book(context.Background(), booking.Request{EventID: event, UserID: person})
	if err != nil {
		h.t.Fatalf("book: %v", err)
	}
	return answer
}

func (h *house) cancel(event, person uuid.UUID) booking.Answer {
	h.t.Helper()
	answer, err := h.desk.Cancel(context.Background(), booking.Cancellation{EventID: event, UserID: person, ActorID: person})
	if err != nil {
		h.t.Fatalf("cancel: %v", err)
	}
	return answer
}

// standing reads how a person stands, the place in line behind a slash.
func (h *house) standing(event, person uuid.UUID) string {
	h.t.Helper()
	_, mine, err := booking.Find(context.Background(), h.pool, event, person)
	if err != nil {
		h.t.Fatal(err)
	}
	if mine.Standing == booking.Waitlisted {
		return fmt.Sprintf("%s/%d", mine.Standing, mine.Place)
	}
	return string(mine.Standing)
}

// mustHold fails the test when a rule that always holds does not.
func (h *house) mustHold() {
	h.t.Helper()
	checks, err := booking.CheckAll(context.Background(), h.pool)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, c := range checks {
		if !c.OK {
			h.t.Errorf("%s does not hold: %s", c.Name, c.Detail)
		}
	}
}

// atOnce starts every function at the same moment and waits for all.
func atOnce(functions ...func()) {
	gate := make(chan struct{})
	var wg sync.WaitGroup
	for _, f := range functions {
		wg.Go(func() { <-gate; f() })
	}
	close(gate)
	wg.Wait()
}
