package simulation_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/db"
	"rowlock/simulation"
)

// A run whose instance was killed reads as failed, stops nobody, and can be
// undone: at once when its session ended with it, and after a while when the
// server, or a pooler before it, still takes the session for alive.
func TestKilledRun(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		hasSession  bool
		alive, dead string // how long after the last beat
	}{
		// The clock goes on until it is asked: a beat of the near future is new
		// for long enough, and one of 4 s ago would be too old without a session.
		"its session ended":    {false, "-8 seconds", "3 seconds"},
		"its session is there": {true, "4 seconds", "16 seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, nil)
			event := s.event(10)
			run := s.run(simulation.Params{EventID: event, Users: 12})
			if tt.hasSession {
				s.holdSession(run.ID)
			}
			s.exec(`update simulations set state = 'running', heartbeat_at = now() - $2::interval, finished_at = null where id = $1`, run.ID, tt.alive)
			if _, err := s.start(simulation.Params{EventID: event, Users: 1}); !errors.Is(err, simulation.ErrRunning) {
				t.Fatalf("%s after its last beat: got %v, want a refusal", tt.alive, err)
			}

			s.exec(`update simulations set heartbeat_at = now() - $2::interval where id = $1`, run.ID, tt.dead)
			if read := s.wait(run.ID); read.State != simulation.Failed || !strings.Contains(read.Failure.String(), "stopped") {
				t.Errorf("%s after: it reads as %s, %q", tt.dead, read.State, read.Failure)
			}
			s.mustBeReplaced(event, run.ID)
		})
	}
}

// A server that has just restarted leaves a pool of broken connections: a run
// that starts then takes one that is whole.
func TestARunStartsOverBrokenConnections(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	event := s.event(3)
	other := open(t, s.pool.Config().ConnString(), db.CheckLimits)

	var held []*pgxpool.Conn
	for range 4 {
		conn, err := s.pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, conn)
	}
	for _, conn := range held {
		conn.Release()
	}
	const rest = `from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`
	if _, err := other.Exec(t.Context(), `select pg_terminate_backend(pid) `+rest); err != nil {
		t.Fatal(err)
	}
	s.comesTrue("all connections are broken", func() bool {
		var n int
		err := other.QueryRow(t.Context(), `select count(*) `+rest).Scan(&n)
		return err == nil && n == 0
	})

	id, err := s.start(simulation.Params{EventID: event, Users: 5})
	if err != nil {
		t.Fatal(err)
	}
	if run := s.wait(id); run.State != simulation.Done {
		t.Errorf("got %s, %s", run.State, run.Failure)
	}
}

// holdSession holds the lock that a run's session holds.
func (s *stage) holdSession(id uuid.UUID) {
	s.t.Helper()
	conn, err := s.pool.Acquire(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(conn.Release)
	if _, err := conn.Exec(s.t.Context(), `select pg_advisory_lock(hashtextextended($1::uuid::text, 0))`, id); err != nil {
		s.t.Fatal(err)
	}
}

// mustBeReplaced wants the next run to write the killed one down as failed.
func (s *stage) mustBeReplaced(event, killed uuid.UUID) {
	t := s.t
	t.Helper()
	if next := s.run(simulation.Params{EventID: event, Users: 1}); next.State != simulation.Done {
		t.Errorf("the next one is %s", next.State)
	}
	if n := s.number(`select count(*) from simulations where state = 'failed' and finished_at is not null and failure <> '' and id = $1`, killed); n != 1 {
		t.Error("the killed run was not written down as failed")
	}
	if err := s.runner.Undo(t.Context(), killed, s.admin); err != nil {
		t.Error(err)
	}
	s.mustHold()
}

// A run that nobody restarted after its instance was killed can be undone as
// it is.
func TestUndoKilledRun(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.serverHasBeenUp(2.1)
	run := s.run(simulation.Params{EventID: s.event(10), Users: 12})
	s.exec(`update simulations set state = 'running', heartbeat_at = now() - interval '16 seconds', finished_at = null where id = $1`, run.ID)
	if err := s.runner.Undo(t.Context(), run.ID, s.admin); err != nil {
		t.Fatal(err)
	}
	if n := s.number(`select count(*) from simulations where state = 'failed' and undone_at is not null and finished_at is not null`); n != 1 {
		t.Error("it was not written down as failed and undone")
	}
}
