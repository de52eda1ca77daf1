package booking_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowlock/db"
	"rowlock/db/dbtest"
)

// How PostgreSQL refuses.
const (
	foreignKeyViolation  = "23503"
	featureNotSupported  = "0A000"
	serializationFailure = "40001"
)

// refusal is the code with which the database refused, or empty.
func refusal(err error) string {
	if e := new(pgconn.PgError); errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// references are all that registrations and waitlist entries refer to.
var references = []struct{ table, column, to string }{
	{"registrations", "event_id", "events"},
	{"registrations", "user_id", "users"},
	{"waitlist_entries", "event_id", "events"},
	{"waitlist_entries", "user_id", "users"},
}

// columns are what a test fills in of a table, from a list of events and
// people that is numbered by n.
var columns = map[string]struct{ names, values string }{
	"registrations": {
		"id, event_id, user_id, position, status, ticket_code, booked_at",
		"gen_random_uuid(), p.event_id, p.user_id, p.n, 'confirmed', left(md5(p.user_id::text), 12), now()"},
	"waitlist_entries": {
		"id, event_id, user_id, position, joined_at",
		"gen_random_uuid(), p.event_id, p.user_id, p.n, now()"},
}

// pairs is the list of the events $1 and the people $2.
const pairs = `unnest($1::uuid[], $2::uuid[]) with ordinality as p (event_id, user_id, n)`

// insertInto adds a row for each pair, past the desk.
func insertInto(table string) string {
	return `insert into public.` + table + ` (` + columns[table].names + `) select ` + columns[table].values + ` from ` + pairs
}

// join adds one row.
func join(conn db.Conn, table string, event, person uuid.UUID) error {
	_, err := conn.Exec(context.Background(), insertInto(table), []uuid.UUID{event}, []uuid.UUID{person})
	return err
}

func (h *house) begin(isolation pgx.TxIsoLevel) pgx.Tx {
	h.t.Helper()
	tx, err := h.pool.BeginTx(context.Background(), pgx.TxOptions{IsoLevel: isolation})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { tx.Rollback(context.Background()) }) //nolint:errcheck // most have ended
	return tx
}

// remember begins a transaction that sees the database as it is now.
func (h *house) remember(isolation pgx.TxIsoLevel) pgx.Tx {
	h.t.Helper()
	tx := h.begin(isolation)
	if _, err := tx.Exec(context.Background(), `select`); err != nil {
		h.t.Fatal(err)
	}
	return tx
}

// rows counts the rows of a table.
func (h *house) rows(table string) int { return h.number(`select count(*) from ` + table) }

// orphans counts the rows that refer to what does not exist.
func (h *house) orphans() int {
	return h.number(`
		select count(*) from (select event_id, user_id from registrations union all select event_id, user_id from waitlist_entries) r
		where not exists (select from events where id = event_id) or not exists (select from users where id = user_id)`)
}

// However rows are inserted, one that refers to no event or to nobody fails its
// statement, by the name of the reference. With nothing amiss the same statement
// does what it says.
func TestNobodyBooksWhatDoesNotExist(t *testing.T) {
	t.Parallel()
	missing := uuid.MustParse(another)
	statement := func(write func(table string) string) func(conn *pgx.Conn, table string, events, people []uuid.UUID) error {
		return func(conn *pgx.Conn, table string, events, people []uuid.UUID) error {
			_, err := conn.Exec(context.Background(), write(table), events, people)
			return err
		}
	}
	plain := statement(insertInto)
	tests := []struct {
		name string
		// session is what the connection did before.
		session string
		insert  func(conn *pgx.Conn, table string, events, people []uuid.UUID) error
	}{
		{"inserted", ``, plain},
		{"inserted unless it is there", ``, statement(func(table string) string {
			return insertInto(table) + ` on conflict do nothing`
		})},
		{"inserted or updated", ``, statement(func(table string) string {
			return insertInto(table) + ` on conflict (event_id, user_id) do update set position = excluded.position`
		})},
		{"merged", ``, statement(func(table string) string {
			return `merge into ` + table + ` r using ` + pairs + ` on r.event_id = p.event_id and r.user_id = p.user_id
				when not matched then insert (` + columns[table].names + `) values (` + columns[table].values + `)`
		})},
		{"inserted by two parts of a statement", ``, statement(func(table string) string {
			return `with odd as (` + insertInto(table) + ` where n % 2 = 1) ` + insertInto(table) + ` where n % 2 = 0`
		})},
		{"copied", ``, func(conn *pgx.Conn, table string, events, people []uuid.UUID) error {
			rows, err := conn.Query(context.Background(), `select `+columns[table].values+` from `+pairs, events, people)
			if err != nil {
				return err
			}
			var copied [][]any
			for rows.Next() {
				values, err := rows.Values()
				if err != nil {
					return err
				}
				copied = append(copied, values)
			}
			_, err = conn.CopyFrom(context.Background(), pgx.Identifier{table}, strings.Split(columns[table].names, ", "), pgx.CopyFromRows(copied))
			return err
		}},
		{"restored, as by pg_dump", `set search_path = ''`, plain},
		{"inserted beside tables of the session's own", `
			create temporary table events as select '` + another + `'::uuid as id;
			create temporary table users as select '` + another + `'::uuid as id`, plain},
		{"inserted beside a schema of the user's own", `
			do $$ begin execute format('create schema %I', current_user); end $$;
			create table events as select '` + another + `'::uuid as id;
			create table users as select '` + another + `'::uuid as id`, plain},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			event, people := h.event(10), h.crowd(5)
			conn, err := pgx.Connect(t.Context(), h.pool.Config().ConnString())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(context.Background())
			if _, err := conn.Exec(t.Context(), tt.session); err != nil {
				t.Fatal(err)
			}

			for _, r := range references {
				for _, n := range []int{1, len(people)} {
					events, who := slices.Repeat([]uuid.UUID{event}, n), slices.Clone(people[:n])
					if r.to == "events" {
						events[n/2] = missing
					} else {
						who[n/2] = missing
					}
					err := tt.insert(conn, r.table, events, who)
					if refusal(err) != foreignKeyViolation || !db.Violates(err, r.table+"_"+r.column+"_fkey") {
						t.Errorf("%s of %d without %s: %v", r.table, n, r.column, err)
					}
				}
			}
			for _, table := range []string{"registrations", "waitlist_entries"} {
				if n := h.rows(table); n != 0 {
					t.Errorf("%d %s were refused and are there", n, table)
				}
				if err := tt.insert(conn, table, slices.Repeat([]uuid.UUID{event}, len(people)), people); err != nil {
					t.Errorf("%s with nothing amiss: %v", table, err)
				}
				if n := h.rows(table); n != len(people) {
					t.Errorf("%d %s are there, want %d", n, table, len(people))
				}
			}
		})
	}
}

// What a statement adds or takes away itself counts when the statement ends.
func TestAReferenceIsHeldToTheEndOfItsStatement(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	event, person := h.event(5), h.person()
	newcomer := `with newcomer as (insert into users (id, name, email, password_hash, role)
		values (gen_random_uuid(), 'New', 'new@example.org', 'none', 'attendee') returning id)
		insert into registrations (id, event_id, user_id, position, status, ticket_code, booked_at)
		select gen_random_uuid(), $1, id, 1, 'confirmed', 'abcdefabcdef', now() from newcomer`
	if _, err := h.pool.Exec(t.Context(), newcomer, event); err != nil {
		t.Errorf("a person who comes with the statement: %v", err)
	}
	leaver := `with leaver as (delete from users where id = $2 returning id)
		insert into registrations (id, event_id, user_id, position, status, ticket_code, booked_at)
		select gen_random_uuid(), $1, id, 2, 'confirmed', 'abcdefabcdef', now() from leaver`
	if _, err := h.pool.Exec(t.Context(), leaver, event, person); refusal(err) != foreignKeyViolation {
		t.Errorf("a person who goes with the statement: %v", err)
	}
	if err := join(h.pool, "registrations", event, person); err != nil {
		t.Fatal(err)
	}
	both := `with seats as (delete from registrations where user_id = $1) delete from users where id = $1`
	if _, err := h.pool.Exec(t.Context(), both, person); err != nil {
		t.Errorf("a person who goes with their seat: %v", err)
	}
	if n := h.orphans(); n != 0 {
		t.Errorf("%d rows refer to nothing", n)
	}
}

// eachReference runs a test of every reference in a house of its own, where
// nobody refers to the event and the person yet.
func eachReference(t *testing.T, test func(t *testing.T, s tie)) {
	t.Parallel()
	for _, r := range references {
		t.Run(r.table+"."+r.column, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			s := tie{house: h, table: r.table, to: r.to, event: h.event(5), person: h.person()}
			s.referred = s.event
			if r.to == "users" {
				s.referred = s.person
			}
			test(t, s)
		})
	}
}

// A tie is a row of a table that the person may have at the event, seen for one
// of these two: referred, which is in the table to.
type tie struct {
	*house
	table, to               string
	event, person, referred uuid.UUID
}

func (s tie) join(conn db.Conn) error { return join(conn, s.table, s.event, s.person) }

// remove takes what the row refers to away.
func (s tie) remove(conn db.Conn) error {
	_, err := conn.Exec(context.Background(), `delete from `+s.to+` where id = $1`, s.referred)
	return err
}

func (s tie) isThere() bool {
	return s.number(`select count(*) from `+s.to+` where id = $1`, s.referred) == 1
}

func TestWhatARowRefersToCannotBeDeleted(t *testing.T) {
	eachReference(t, func(t *testing.T, s tie) {
		free := map[string]uuid.UUID{"events": s.house.event(5), "users": s.house.person()}[s.to]
		if err := s.join(s.pool); err != nil {
			t.Fatal(err)
		}
		if err := s.remove(s.pool); refusal(err) != foreignKeyViolation || !s.isThere() {
			t.Errorf("alone: %v", err)
		}
		_, err := s.pool.Exec(t.Context(), `delete from `+s.to+` where id = any($1)`, []uuid.UUID{free, s.referred})
		if refusal(err) != foreignKeyViolation || !s.isThere() {
			t.Errorf("beside one that is free to go: %v", err)
		}
		if tag, err := s.pool.Exec(t.Context(), `delete from `+s.to+` where id = $1`, free); err != nil || tag.RowsAffected() != 1 {
			t.Errorf("one that is free to go: %v, %v", tag, err)
		}
		s.exec(`delete from ` + s.table)
		if err := s.remove(s.pool); err != nil || s.isThere() {
			t.Errorf("once nobody refers to it: %v", err)
		}
	})
}

// A policy, an empty path or tables of its own hide a row from a session, and
// not from the reference.
func TestAHiddenRowStillRefers(t *testing.T) {
	eachReference(t, func(t *testing.T, s tie) {
		if err := s.join(s.pool); err != nil {
			t.Fatal(err)
		}
		for name, hide := range map[string]string{
			"by a policy": `
				create role rowlock_blind;
				grant all on events, users, registrations, waitlist_entries to rowlock_blind;
				alter table registrations enable row level security;
				alter table waitlist_entries enable row level security;
				set local role rowlock_blind`,
			"behind tables of the session's own": `
				create temporary table registrations (like public.registrations);
				create temporary table waitlist_entries (like public.waitlist_entries)`,
			"by an empty path": `
				set local search_path = ''`,
		} {
			tx := s.begin(pgx.ReadCommitted)
			if _, err := tx.Exec(t.Context(), hide); err != nil {
				t.Fatal(err)
			}
			_, err := tx.Exec(t.Context(), `delete from public.`+s.to+` where id = $1`, s.referred)
			if refusal(err) != foreignKeyViolation {
				t.Errorf("%s: %v", name, err)
			}
			tx.Rollback(t.Context()) //nolint:errcheck // it has failed
		}
	})
}

func TestWhatRowsReferToCannotBeTruncated(t *testing.T) {
	eachReference(t, func(t *testing.T, s tie) {
		// What refers to users by a foreign key keeps them by itself.
		s.exec(`alter table sessions drop constraint sessions_user_id_fkey; alter table events drop constraint events_organizer_id_fkey`)
		truncate := `truncate ` + s.to
		if err := s.join(s.pool); err != nil {
			t.Fatal(err)
		}
		if _, err := s.pool.Exec(t.Context(), truncate); refusal(err) != foreignKeyViolation || !s.isThere() {
			t.Errorf("got %v", err)
		}
		s.exec(`truncate events, registrations, waitlist_entries`)
		if s.event = s.house.event(5); s.to == "events" {
			s.referred = s.event
		}

		// The row comes to be while both wait.
		tx, late := s.begin(pgx.ReadCommitted), s.remember(pgx.RepeatableRead)
		if err := s.join(tx); err != nil {
			t.Fatal(err)
		}
		truncated := make(chan error, 2)
		for _, conn := range []db.Conn{s.pool, late} {
			go func() {
				_, err := conn.Exec(context.Background(), truncate)
				truncated <- err
			}()
		}
		s.waitFor(func() bool { return s.blocked() == 2 })
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := <-truncated; err == nil {
				t.Error("a truncation overlooked who came while it waited")
			}
		}
		late.Rollback(t.Context()) //nolint:errcheck // it has failed
		if n := s.orphans(); n != 0 {
			t.Errorf("%d rows refer to nothing", n)
		}
		s.exec(`truncate registrations, waitlist_entries`)
		if _, err := s.pool.Exec(t.Context(), truncate); err != nil || s.isThere() {
			t.Errorf("with nobody there: %v", err)
		}
	})
}

func TestKeysAreWrittenOnce(t *testing.T) {
	t.Parallel()
	for _, key := range []struct{ table, column, other string }{
		{"events", "id", `gen_random_uuid()`},
		{"users", "id", `gen_random_uuid()`},
		{"registrations", "event_id", `(select id from events where capacity = 3)`},
		{"registrations", "user_id", `(select id from users where name = 'Organizer')`},
		{"waitlist_entries", "event_id", `(select id from events where capacity = 3)`},
		{"waitlist_entries", "user_id", `(select id from users where name = 'Organizer')`},
	} {
		t.Run(key.table+"."+key.column, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.exec(`update users set name = 'Organizer'`)
			h.event(3)
			event := h.event(1)
			seated, waiting := h.person(), h.person()
			h.book(event, seated)
			h.book(event, waiting)
			one := ` where id = (select max(id::text)::uuid from ` + key.table + `)`
			mustRefuse := func(name, sql string) {
				t.Helper()
				if _, err := h.pool.Exec(t.Context(), sql); refusal(err) != featureNotSupported {
					t.Errorf("%s: %v", name, err)
				}
			}

			mustRefuse("another key", `update `+key.table+` set `+key.column+` = `+key.other+one)
			if key.table == "registrations" || key.table == "waitlist_entries" {
				mustRefuse("another key on conflict", `insert into `+key.table+` select * from `+key.table+one+
					` on conflict (id) do update set `+key.column+` = `+key.other)
			}
			h.exec(`update ` + key.table + ` set ` + key.column + ` = ` + key.column)

			// The statement itself names no key here.
			h.exec(`create function swap() returns trigger language plpgsql as $$ begin new.` + key.column + ` := gen_random_uuid(); return new; end $$;
				create trigger swap before update on ` + key.table + ` for each row execute function swap()`)
			some := map[string]string{"events": "title = 'Sprint'", "users": "name = 'Cox'"}[key.table]
			if some == "" {
				some = "position = position + 1"
			}
			mustRefuse("another key by a trigger", `update `+key.table+` set `+some+one)
			h.mustHold()
			if n := h.orphans(); n != 0 {
				t.Errorf("%d rows refer to nothing", n)
			}
		})
	}
}

// Under a stricter isolation a deletion would look at the rows of an older
// moment, and not see who came since.
func TestDeletionAtAnOlderMomentIsRefused(t *testing.T) {
	eachReference(t, func(t *testing.T, s tie) {
		var older []pgx.Tx
		for _, isolation := range []pgx.TxIsoLevel{pgx.RepeatableRead, pgx.Serializable} {
			older = append(older, s.remember(isolation))
		}
		if err := s.join(s.pool); err != nil {
			t.Fatal(err)
		}
		for _, tx := range older {
			if err := s.remove(tx); refusal(err) != featureNotSupported {
				t.Errorf("got %v", err)
			}
			tx.Rollback(t.Context()) //nolint:errcheck // it has failed
		}
	})
}

func TestDeletionWaitsForARowUnderWay(t *testing.T) {
	eachReference(t, func(t *testing.T, s tie) {
		underWay := func(end func(pgx.Tx) error) error {
			t.Helper()
			tx := s.begin(pgx.ReadCommitted)
			if err := s.join(tx); err != nil {
				t.Fatal(err)
			}
			removed := make(chan error, 1)
			go func() { removed <- s.remove(s.pool) }()
			s.waitFor(func() bool { return s.blocked() == 1 || len(removed) > 0 })
			if len(removed) > 0 {
				t.Error("the deletion was done before the row")
			}
			if err := end(tx); err != nil {
				t.Fatal(err)
			}
			return <-removed
		}
		if err := underWay(func(tx pgx.Tx) error { return tx.Commit(t.Context()) }); refusal(err) != foreignKeyViolation || !s.isThere() {
			t.Errorf("after the row came to be: %v", err)
		}
		s.exec(`delete from ` + s.table)
		if err := underWay(func(tx pgx.Tx) error { return tx.Rollback(t.Context()) }); err != nil || s.isThere() {
			t.Errorf("after the row came to nothing: %v", err)
		}
	})
}

func TestARowWaitsForADeletionUnderWay(t *testing.T) {
	eachReference(t, func(t *testing.T, s tie) {
		older := s.remember(pgx.RepeatableRead)
		underWay := func(end func(pgx.Tx) error) error {
			t.Helper()
			tx := s.begin(pgx.ReadCommitted)
			if err := s.remove(tx); err != nil {
				t.Fatal(err)
			}
			joined := make(chan error, 1)
			go func() { joined <- s.join(s.pool) }()
			s.waitFor(func() bool { return s.blocked() == 1 || len(joined) > 0 })
			if len(joined) > 0 {
				t.Error("the row was there before the deletion ended")
			}
			if err := end(tx); err != nil {
				t.Fatal(err)
			}
			return <-joined
		}
		if err := underWay(func(tx pgx.Tx) error { return tx.Rollback(t.Context()) }); err != nil || s.rows(s.table) != 1 {
			t.Errorf("after the deletion came to nothing: %v", err)
		}
		s.exec(`delete from ` + s.table)
		if err := underWay(func(tx pgx.Tx) error { return tx.Commit(t.Context()) }); refusal(err) != foreignKeyViolation {
			t.Errorf("after the deletion: %v", err)
		}
		if err := s.join(older); refusal(err) != serializationFailure {
			t.Errorf("at a moment before the deletion: %v", err)
		}
	})
}

// Whoever is changed while the row waits for them is still there.
func TestARowOutlastsAChangeOfWhatItRefersTo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	event, people := h.event(5), h.crowd(3)
	for _, table := range []string{"registrations", "waitlist_entries"} {
		tx := h.begin(pgx.ReadCommitted)
		for _, lock := range []string{`select from users for update`, `update users set name = 'Other'`, `select from events for update`, `update events set title = 'Other'`} {
			if _, err := tx.Exec(t.Context(), lock); err != nil {
				t.Fatal(err)
			}
		}
		joined := make(chan error, 1)
		go func() {
			_, err := h.pool.Exec(context.Background(), insertInto(table), slices.Repeat([]uuid.UUID{event}, len(people)), people)
			joined <- err
		}()
		h.waitFor(func() bool { return h.blocked() == 1 })
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-joined; err != nil || h.rows(table) != len(people) {
			t.Errorf("%s: %v", table, err)
		}
	}
}

// When somebody is given a row and deleted at the same moment, either happens
// and the other is refused.
func TestRaceOfRowsAgainstDeletions(t *testing.T) {
	eachReference(t, func(t *testing.T, s tie) {
		const rounds, each = 15, 8
		var came, went atomic.Int64
		for range rounds {
			var race []func()
			people := s.crowd(each)
			for _, person := range people {
				s := s
				s.person, s.event = person, s.house.event(5)
				s.referred = map[string]uuid.UUID{"events": s.event, "users": s.person}[s.to]
				var joined, removed error
				var ended atomic.Int32
				end := func() {
					if ended.Add(1) < 2 {
						return
					}
					switch {
					case joined == nil && refusal(removed) == foreignKeyViolation:
						came.Add(1)
					case removed == nil && refusal(joined) == foreignKeyViolation:
						went.Add(1)
					default:
						t.Errorf("the row: %v; the deletion: %v", joined, removed)
					}
				}
				race = append(race,
					func() { joined = s.join(s.pool); end() },
					func() { removed = s.remove(s.pool); end() })
			}
			atOnce(race...)
		}
		t.Logf("%d rows came, %d went before", came.Load(), went.Load())
		if n := s.orphans(); n != 0 || s.rows(s.table) != int(came.Load()) {
			t.Errorf("%d rows refer to nothing; %d are there of %d", n, s.rows(s.table), came.Load())
		}
	})
}

// Back with the foreign keys, and then with the triggers again, all rows are as
// they were, and the promise is kept.
func TestMigrationsOfReferencesKeepTheBookings(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	pool, err := db.Open(t.Context(), url, db.Limits{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	h := &house{t: t, pool: pool, desk: newDesk(t, pool)}
	h.organizer = h.person()
	event := h.event(2)
	for _, person := range h.crowd(4) {
		h.book(event, person)
	}
	read := func() (text string) {
		t.Helper()
		err := pool.QueryRow(t.Context(), `
			select string_agg(line, E'\n' order by line)
			from (select r::text as line from registrations r union all select w::text from waitlist_entries w union all select u::text from users u) as lines`).Scan(&text)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	mustKeep := func(when string) {
		t.Helper()
		for _, r := range references {
			e, p := event, h.person()
			if r.to == "events" {
				e = uuid.New()
			} else {
				p = uuid.New()
			}
			if err := join(pool, r.table, e, p); !db.Violates(err, r.table+"_"+r.column+"_fkey") {
				t.Errorf("%s, %s without %s: %v", when, r.table, r.column, err)
			}
			if _, err := pool.Exec(t.Context(), `delete from `+r.to+` where id in (select `+r.column+` from `+r.table+`)`); refusal(err) != foreignKeyViolation {
				t.Errorf("%s, %s of %s: %v", when, r.to, r.table, err)
			}
		}
		h.exec(`delete from users where name = 'Person' and not exists (select from registrations where user_id = users.id)
			and not exists (select from waitlist_entries where user_id = users.id) and id <> $1`, h.organizer)
	}
	before := read()
	foreignKeys := func() int {
		return h.number(`select count(*) from pg_constraint where contype = 'f' and conrelid in ('registrations'::regclass, 'waitlist_entries'::regclass)`)
	}

	mustKeep("by triggers")
	for foreignKeys() == 0 {
		if err := db.MigrateDown(t.Context(), url); err != nil {
			t.Fatal(err)
		}
	}
	if n := foreignKeys(); n != len(references) {
		t.Errorf("%d foreign keys are back, want %d", n, len(references))
	}
	mustKeep("by foreign keys")
	if _, err := db.Migrate(t.Context(), url); err != nil || foreignKeys() != 0 {
		t.Fatalf("up again: %v, with %d foreign keys", err, foreignKeys())
	}
	mustKeep("by triggers again")
	if after := read(); after != before {
		t.Errorf("there is\n%s\nand there was\n%s", after, before)
	}
	h.mustHold()
}
