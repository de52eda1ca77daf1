package simulation_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/booking"
	"rowlock/db"
	"rowlock/db/dbtest"
	"rowlock/simulation"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// patience is how long a test waits for what takes a fraction of a second.
const patience = time.Minute

// A stage is a database with an admin, a desk and a runner on it.
type stage struct {
	t       *testing.T
	pool    *pgxpool.Pool
	desk    *booking.Desk
	runner  *simulation.Runner
	bookers map[string]booking.Booker
	admin   uuid.UUID
}

// newStage offers every strategy, and those in more, which may take a known
// name.
func newStage(t *testing.T, more map[string]booking.Booker) *stage {
	t.Helper()
	url := dbtest.URL(t)
	pages, seats := open(t, url, db.PageLimits), open(t, url, db.BookingLimits)
	log := slog.New(slog.DiscardHandler)
	s := &stage{t: t, pool: pages, desk: booking.NewDesk(seats, log)}
	s.bookers = map[string]booking.Booker{"grouped": s.desk, "pessimistic": booking.NewPessimistic(seats)}
	for name, b := range more {
		s.bookers[name] = b
	}
	s.runner = simulation.NewRunner(pages, s.bookers, log)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.runner.Close(ctx); err != nil {
			t.Errorf("close the runner: %v", err)
		}
		if err := s.desk.Close(ctx); err != nil {
			t.Errorf("close the desk: %v", err)
		}
	})
	s.admin = s.person()
	return s
}

func open(t *testing.T, url string, limits db.Limits) *pgxpool.Pool {
	t.Helper()
	pool, err := db.Open(t.Context(), url, limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func (s *stage) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.pool.Exec(context.Background(), sql, args...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) number(sql string, args ...any) int {
	s.t.Helper()
	var n int
	if err := s.pool.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// person adds somebody real.
func (s *stage) person() uuid.UUID {
	s.t.Helper()
	id := uuid.Must(uuid.NewV7())
	s.exec(`insert into users (id, name, email, password_hash, role) values ($1, 'Person', $2, 'none', 'attendee')`,
		id, id.String()+"@example.org")
	return id
}

// event adds a published event that starts tomorrow.
func (s *stage) event(capacity int) uuid.UUID {
	s.t.Helper()
	id := uuid.Must(uuid.NewV7())
	s.exec(`insert into events (id, title, description, location, starts_at, ends_at, time_zone, status, organizer_id, capacity, seats_remaining)
		values ($1, 'Regatta', '', '', now() + interval '1 day', now() + interval '2 days', 'UTC', 'published', $2, $3, $3)`,
		id, s.admin, capacity)
	return id
}

// book books the event for somebody real.
func (s *stage) book(event uuid.UUID) uuid.UUID {
	s.t.Helper()
	id := s.person()
	if _, err := s.desk.Book(context.Background(), booking.Request{EventID: event, UserID: id}); err != nil {
		s.t.Fatal(err)
	}
	return id
}

// standing is how somebody real stands to the event.
func (s *stage) standing(event, person uuid.UUID) booking.Standing {
	s.t.Helper()
	_, mine, err := booking.Find(context.Background(), s.pool, event, person)
	if err != nil {
		s.t.Fatal(err)
	}
	return mine.Standing
}

func (s *stage) start(p simulation.Params) (uuid.UUID, error) {
	p.StartedBy = s.admin
	return s.runner.Start(s.t.Context(), p)
}

// comesTrue waits until something that happens elsewhere has happened.
func (s *stage) comesTrue(what string, happened func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !happened(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("it never came true that %s", what)
		}
	}
}

// run starts a simulation and returns it when it has ended.
func (s *stage) run(p simulation.Params) simulation.Simulation {
	s.t.Helper()
	id, err := s.start(p)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.wait(id)
}

func (s *stage) wait(id uuid.UUID) simulation.Simulation {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	run, err := s.runner.Wait(ctx, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return run
}

// snapshot reads all that a simulation may have changed at an event.
func (s *stage) snapshot(event uuid.UUID) string {
	s.t.Helper()
	var text string
	err := s.pool.QueryRow(context.Background(), `
		select format('seats %s of %s, waiting %s, registrations %s, entries %s, log %s', seats_remaining, capacity, waiting,
			(select count(*) from registrations where event_id = e.id),
			(select count(*) from waitlist_entries where event_id = e.id),
			(select count(*) from audit_log where event_id = e.id and entity_type <> 'simulation'))
		from events e where id = $1`, event).Scan(&text)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// mustHold fails the test when a rule that always holds does not.
func (s *stage) mustHold() {
	s.t.Helper()
	checks, err := booking.CheckAll(context.Background(), s.pool)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range checks {
		if !c.OK {
			s.t.Errorf("%s does not hold: %s", c.Name, c.Detail)
		}
	}
}

// failed lists the checks of a run that are not OK.
func failed(run simulation.Simulation) []string {
	var names []string
	for _, c := range run.Results.Checks {
		if !c.OK {
			names = append(names, c.Name)
		}
	}
	return names
}

// A bookerFunc is a strategy for one test.
type bookerFunc func(ctx context.Context, r booking.Request) (booking.Answer, error)

func (f bookerFunc) Book(ctx context.Context, r booking.Request) (booking.Answer, error) {
	return f(ctx, r)
}

func (s *stage) awaitPhase(id uuid.UUID, phase string) {
	s.t.Helper()
	s.comesTrue("it comes to "+phase, func() bool { return s.read(id).Phase == phase })
}

// outage takes the database away from everybody until it is ended.
func (s *stage) outage() (end func()) {
	s.t.Helper()
	config := s.pool.Config().ConnConfig.Copy()
	name := config.Database
	config.Database = "postgres"
	exec := func(sql string, args ...any) {
		conn, err := pgx.ConnectConfig(context.Background(), config)
		if err != nil {
			s.t.Error(err)
			return
		}
		defer conn.Close(context.Background()) //nolint:errcheck // nothing is left to lose
		if _, err := conn.Exec(context.Background(), sql, args...); err != nil {
			s.t.Error(err)
		}
	}
	exec(`alter database ` + name + ` allow_connections false`)
	exec(`select pg_terminate_backend(pid) from pg_stat_activity where datname = $1`, name)
	end = sync.OnceFunc(func() { exec(`alter database ` + name + ` allow_connections true`) })
	s.t.Cleanup(end)
	return end
}

// serverHasBeenUp waits until a silence of that length is no longer put down to
// the start of the server.
func (s *stage) serverHasBeenUp(seconds float64) {
	s.t.Helper()
	s.exec(`select pg_sleep(greatest(0, $1 - extract(epoch from clock_timestamp() - pg_postmaster_start_time())))`, seconds)
}

func (s *stage) read(id uuid.UUID) simulation.Simulation {
	s.t.Helper()
	run, err := simulation.ByID(s.t.Context(), s.pool, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return run
}
