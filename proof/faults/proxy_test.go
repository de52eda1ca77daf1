package faults

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// Each fate is what its name says, however the client asks for the commit.
func TestFates(t *testing.T) {
	t.Parallel()
	direct := dbtest.Pool(t)
	if _, err := direct.Exec(t.Context(), `create table notes (text text)`); err != nil {
		t.Fatal(err)
	}
	proxy, err := NewProxy(t.Context(), direct.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	url := proxy.URL(direct.Config().ConnConfig.Database)

	write := map[string]func(ctx context.Context, c *pgx.Conn, text string) error{
		"a transaction": func(ctx context.Context, c *pgx.Conn, text string) error {
			return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, `insert into notes values ($1)`, text)
				return err
			})
		},
		"a batch": func(ctx context.Context, c *pgx.Conn, text string) error {
			b := &pgx.Batch{}
			b.Queue(`begin`)
			b.Queue(`insert into notes values ($1)`, text)
			b.Queue(`commit`)
			return c.SendBatch(ctx, b).Close()
		},
	}
	written := map[Fate]bool{Pass: true, CutAfter: true, Late: true}
	for name, write := range write {
		for fate := range fates {
			text := name + ", " + fate.String()
			before := proxy.Count(fate)
			proxy.Judge(always(fate))
			conn, err := pgx.Connect(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			err = write(t.Context(), conn, text)
			conn.Close(context.Background())
			if (err == nil) != (fate == Pass) {
				t.Errorf("%s: the client got %v", text, err)
			}
			if fate == CutBoth {
				continue // nobody can know
			}
			if got := comesThere(t, direct, text, written[fate]); got != written[fate] {
				t.Errorf("%s: written is %v", text, got)
			}
			if proxy.Count(fate) != before+1 {
				t.Errorf("%s: %d commits were judged", text, proxy.Count(fate)-before)
			}
		}
	}
}

// The server stays away from the moment of a commit on, which meets its own
// fate all the same: the client learns of a break when the server is through.
func TestALastCommitMeetsItsFate(t *testing.T) {
	t.Parallel()
	direct := dbtest.Pool(t)
	if _, err := direct.Exec(t.Context(), `create table notes (number integer)`); err != nil {
		t.Fatal(err)
	}
	for number := range 20 {
		proxy, err := NewProxy(t.Context(), direct.Config().ConnString())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(proxy.Close)
		url := proxy.URL(direct.Config().ConnConfig.Database)
		var conns []*pgx.Conn
		for range 2 {
			conn, err := pgx.Connect(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close(context.Background()) })
			conns = append(conns, conn)
		}

		proxy.Judge(func() Fate { proxy.Leave(); return CutAfter })
		err = pgx.BeginFunc(t.Context(), conns[0], func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `insert into notes values ($1)`, number)
			return err
		})
		if err == nil {
			t.Fatal("the client got an answer")
		}
		var n int
		if err := direct.QueryRow(t.Context(), `select count(*) from notes where number = $1`, number).Scan(&n); err != nil || n != 1 {
			t.Errorf("when the connection broke, commit %d was not through: %v", number, err)
		}
		if err := conns[1].Ping(t.Context()); err == nil {
			t.Error("another connection still answers")
		}
		if _, err := pgx.Connect(t.Context(), url); err == nil {
			t.Error("one can still connect")
		}
	}
}

// comesThere also waits for a late commit: long for one that should come, and
// longer than it would take for one that should not.
func comesThere(t *testing.T, pool *pgxpool.Pool, text string, should bool) bool {
	t.Helper()
	wait := 2 * lateness
	if should {
		wait = 20 * time.Second
	}
	for end := time.Now().Add(wait); ; time.Sleep(lateness / 5) {
		isOver := time.Now().After(end)
		var n int
		if err := pool.QueryRow(t.Context(), `select count(*) from notes where text = $1`, text).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 || isOver {
			return n > 0
		}
	}
}

func TestCutAndDelay(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	proxy, err := NewProxy(t.Context(), pool.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	conn, err := pgx.Connect(t.Context(), proxy.URL(pool.Config().ConnConfig.Database))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())

	proxy.Delay(always(50 * time.Millisecond))
	start := time.Now()
	if err := conn.Ping(t.Context()); err != nil || time.Since(start) < 100*time.Millisecond {
		t.Errorf("there and back took %v, %v", time.Since(start), err)
	}
	proxy.Delay(nil)
	if n := proxy.Cut(); n != 1 {
		t.Errorf("cut %d connections", n)
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("a connection that was cut answers")
	}
}
