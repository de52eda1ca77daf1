package db_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowlock/db"
	"rowlock/db/dbtest"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// shape is everything that migrations make, as one text.
func shape(t *testing.T, url string) string {
	t.Helper()
	var text string
	err := connect(t, url).QueryRow(t.Context(), `
		select coalesce(string_agg(line, E'\n' order by line), '') from (
		    select format('%s.%s %s %s', table_name, column_name, data_type, column_default) as line
		    from information_schema.columns where table_schema = 'public' and table_name <> 'goose_db_version'
		    union all select indexdef from pg_indexes where schemaname = 'public' and tablename <> 'goose_db_version'
		    union all select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
		    from pg_constraint where connamespace = 'public'::regnamespace and conrelid <> 'goose_db_version'::regclass
		    union all select proname from pg_proc where pronamespace = 'public'::regnamespace
		) as lines`).Scan(&text)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestMigrationsGoUpDownAndUpAgain(t *testing.T) {
	t.Parallel()
	url := dbtest.EmptyURL(t)
	ran, err := db.Migrate(t.Context(), url)
	if err != nil || ran == 0 {
		t.Fatalf("%d migrations ran: %v", ran, err)
	}
	first := shape(t, url)

	for range ran {
		if err := db.MigrateDown(t.Context(), url); err != nil {
			t.Fatal(err)
		}
	}
	if left := shape(t, url); left != "" {
		t.Errorf("undoing every migration left\n%s", left)
	}
	if again, err := db.Migrate(t.Context(), url); err != nil || again != ran {
		t.Fatalf("%d migrations ran the second time: %v", again, err)
	}
	if second := shape(t, url); second != first {
		t.Errorf("the second time made\n%s\nthe first made\n%s", second, first)
	}
}

func TestInstancesThatStartTogetherMigrateOnce(t *testing.T) {
	t.Parallel()
	url := dbtest.EmptyURL(t)
	var wg sync.WaitGroup
	ran := make([]int, 4)
	for i := range ran {
		wg.Go(func() {
			var err error
			if ran[i], err = db.Migrate(t.Context(), url); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()

	working := 0
	for _, n := range ran {
		if n > 0 {
			working++
		}
	}
	if working != 1 {
		t.Errorf("the instances ran %v migrations, want all of them in one", ran)
	}
}

func TestReadVersion(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	conn := connect(t, url)
	mustBe := func(what string, want db.Version) {
		t.Helper()
		version, err := db.ReadVersion(t.Context(), conn)
		if err != nil || version != want {
			t.Errorf("%s: got %d, %v, want %d", what, version, err, want)
		}
		migrated, err := db.IsMigrated(t.Context(), conn)
		if err != nil || migrated != (want == db.Current || want == db.Newer) {
			t.Errorf("%s is migrated: %t, %v", what, migrated, err)
		}
	}
	exec := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}

	mustBe("a migrated database", db.Current)
	exec(`insert into goose_db_version (version_id, is_applied) values (99999, true)`)
	mustBe("one with a migration that is not known", db.Newer)
	exec(`delete from goose_db_version where version_id = 99999`)
	if err := db.MigrateDown(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	mustBe("one that lacks the newest", db.Older)
	exec(`delete from goose_db_version where version_id > 0`)
	mustBe("one in which every migration was undone", db.Unmigrated)
	exec(`drop table goose_db_version`)
	mustBe("one in which none ran", db.Unmigrated)
}

func TestOpenKeepsItsLimits(t *testing.T) {
	t.Parallel()
	pool, err := db.Open(t.Context(), dbtest.URL(t), db.BookingLimits)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for setting, want := range map[string]string{
		"statement_timeout":  "30s",
		"lock_timeout":       "10s",
		"synchronous_commit": "on",
		"enable_seqscan":     "off",
		"plan_cache_mode":    "force_generic_plan",

		"idle_in_transaction_session_timeout": "5s",
	} {
		var got string
		if err := pool.QueryRow(t.Context(), `select current_setting($1)`, setting).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, want %q (%v)", setting, got, want, err)
		}
	}
	if n := pool.Config().MaxConns; n != db.BookingLimits.MaxConns {
		t.Errorf("the pool takes %d connections", n)
	}
}

func TestOpenTellsWhatIsWrongWithTheURL(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"postgres://nobody@127.0.0.1:1/none", "postgres://%zz"} {
		if pool, err := db.Open(t.Context(), url, db.PageLimits); err == nil {
			pool.Close()
			t.Errorf("%s opened", url)
		}
	}
}

func TestOpenRefusesADatabaseThatCannotHoldEveryName(t *testing.T) {
	t.Parallel()
	url := dbtest.EmptyURL(t)
	conn := connect(t, url)
	name := conn.Config().Database + "_latin1"
	if _, err := conn.Exec(t.Context(), `create database `+name+` encoding 'LATIN1' locale 'C' template template0`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := conn.Exec(context.Background(), `drop database `+name); err != nil {
			t.Error(err)
		}
	})
	pool, err := db.Open(t.Context(), strings.Replace(url, conn.Config().Database, name, 1), db.PageLimits)
	if err == nil {
		pool.Close()
	}
	if !errors.Is(err, db.ErrEncoding) {
		t.Errorf("got %v", err)
	}
}

func TestViolates(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	_, err := tx.Exec(t.Context(), `insert into users (id, name, email, password_hash, role) values (gen_random_uuid(), 'A', 'a@example.org', 'x', 'captain')`)
	if !db.Violates(err, "users_role_check") || db.Violates(err, "users_name_check") {
		t.Errorf("got %v", err)
	}
	if db.Violates(errors.New("another kind"), "users_role_check") {
		t.Error("any error will do")
	}
}

func TestTheLogKeepsWhatRealPeopleDid(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	ctx := t.Context()
	_, err := pool.Exec(ctx, `
		insert into audit_log (id, at, action, entity_type, entity_id, simulation_id)
		select gen_random_uuid(), now(), 'event.created', 'event', gen_random_uuid(), simulation
		from (values (null), (gen_random_uuid())) as s (simulation)`)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{
		`update audit_log set action = 'event.edited'`,
		`delete from audit_log where simulation_id is null`,
		`truncate audit_log`,
	} {
		if _, err := pool.Exec(ctx, change); err == nil {
			t.Errorf("%s was accepted", change)
		}
	}
	if _, err := pool.Exec(ctx, `delete from audit_log where simulation_id is not null`); err != nil {
		t.Errorf("what a simulation did cannot be removed with it: %v", err)
	}
}
