package audit_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/audit"
	"rowlock/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// A book is a log with two people, an event and a simulation in it.
type book struct {
	t                    *testing.T
	tx                   pgx.Tx
	ana, otto            uuid.UUID
	regatta, simulation  uuid.UUID
	first, second, third audit.Entry
}

// newBook writes three lines: Otto creates the event, Ana books it, Otto
// removes her.
func newBook(t *testing.T) *book {
	t.Helper()
	b := &book{t: t, tx: dbtest.Tx(t)}
	b.ana, b.otto = b.person("Ana"), b.person("Otto")
	b.regatta, b.simulation = uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	b.exec(`insert into events (id, title, description, location, starts_at, ends_at, time_zone, organizer_id, capacity, seats_remaining)
		values ($1, 'Regatta', '', '', now(), now() + interval '1 hour', 'UTC', $2, 5, 5)`, b.regatta, b.otto)
	b.first = b.write(audit.Entry{Actor: b.otto, Action: audit.EventCreated, Entity: audit.Event, EntityID: b.regatta, Event: b.regatta})
	b.second = b.write(audit.Entry{Actor: b.ana, Action: audit.SeatConfirmed, Entity: audit.Registration, EntityID: uuid.New(), Event: b.regatta, User: b.ana})
	b.third = b.write(audit.Entry{Actor: b.otto, Action: audit.SeatRemoved, Entity: audit.Registration, EntityID: uuid.New(), Event: b.regatta, User: b.ana,
		Detail: map[string]any{"because": "no-show"}})
	return b
}

func (b *book) exec(sql string, args ...any) {
	b.t.Helper()
	if _, err := b.tx.Exec(b.t.Context(), sql, args...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) person(name string) uuid.UUID {
	b.t.Helper()
	id := uuid.Must(uuid.NewV7())
	b.exec(`insert into users (id, name, email, password_hash, role) values ($1, $2, $3, 'none', 'attendee')`,
		id, name, id.String()+"@example.org")
	return id
}

func (b *book) write(e audit.Entry) audit.Entry {
	b.t.Helper()
	e.ID = uuid.Must(uuid.NewV7())
	if err := audit.Write(b.t.Context(), b.tx, e); err != nil {
		b.t.Fatal(err)
	}
	return e
}

func (b *book) list(f audit.Filter) []audit.Line {
	b.t.Helper()
	lines, err := audit.List(b.t.Context(), b.tx, f)
	if err != nil {
		b.t.Fatal(err)
	}
	return lines
}

// actions lists what the lines tell, newest first.
func actions(lines []audit.Line) string {
	var words []string
	for _, l := range lines {
		words = append(words, string(l.Action))
	}
	return strings.Join(words, " ")
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	stranger := b.person("Stranger")
	b.write(audit.Entry{Action: audit.SignedUp, Entity: audit.User, EntityID: stranger, User: stranger})
	b.write(audit.Entry{Actor: uuid.New(), Action: audit.LineJoined, Entity: audit.WaitlistEntry, EntityID: uuid.New(), Event: b.regatta, Simulation: b.simulation})

	tests := []struct {
		name   string
		filter audit.Filter
		want   string
	}{
		{"an event", audit.Filter{Event: b.regatta}, "registration.removed registration.confirmed event.created"},
		{"a person it happened to", audit.Filter{Person: b.ana}, "registration.removed registration.confirmed"},
		{"a person who did it", audit.Filter{Person: b.otto}, "registration.removed event.created"},
		{"an action at an event", audit.Filter{Event: b.regatta, Action: audit.SeatConfirmed}, "registration.confirmed"},
		{"a person, an event and an action", audit.Filter{Person: b.otto, Event: b.regatta, Action: audit.EventCreated}, "event.created"},
		{"what the system did", audit.Filter{Person: stranger}, "user.signed_up"},
		{"somebody else's action", audit.Filter{Person: b.ana, Action: audit.EventCreated}, ""},
		{"before a line", audit.Filter{Event: b.regatta, Before: b.third.ID}, "registration.confirmed event.created"},
		{"a person before a line", audit.Filter{Person: b.otto, Before: b.third.ID}, "event.created"},
		{"so many lines", audit.Filter{Event: b.regatta, Limit: 1}, "registration.removed"},
		{"so many of a person's", audit.Filter{Person: b.ana, Limit: 1}, "registration.removed"},
		{"a simulation", audit.Filter{Simulation: b.simulation}, "waitlist_entry.joined"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := actions(b.list(tt.filter)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestListHidesSimulations(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	made := b.write(audit.Entry{Actor: b.ana, Action: audit.SeatConfirmed, Entity: audit.Registration, EntityID: uuid.New(), Event: b.regatta, User: b.ana, Simulation: b.simulation})
	for name, f := range map[string]audit.Filter{"everything": {}, "its event": {Event: b.regatta}, "its person": {Person: b.ana}, "its action": {Action: audit.SeatConfirmed}} {
		for _, l := range b.list(f) {
			if l.ID == made.ID {
				t.Errorf("%s lists what a simulation did", name)
			}
		}
	}
}

func TestLineKnowsNames(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	before := time.Now().Add(-time.Minute)
	l := b.list(audit.Filter{Event: b.regatta, Limit: 1})[0]
	got := fmt.Sprint(l.ActorName, l.UserName, l.EventTitle, l.Entity, l.Detail["because"], l.At.After(before))
	if want := fmt.Sprint("Otto", "Ana", "Regatta", audit.Registration, "no-show", true); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if l.Actor != b.otto || l.User != b.ana || l.Event != b.regatta || l.EntityID != b.third.EntityID {
		t.Errorf("the line has other ids than what was written: %+v", l.Entry)
	}
}

// Whoever did it may be gone: the line stays, without a name.
func TestLineOfPeopleWhoAreGone(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	gone := uuid.New()
	b.write(audit.Entry{Actor: gone, Action: audit.UserRenamed, Entity: audit.User, EntityID: gone, User: gone})
	lines := b.list(audit.Filter{Person: gone})
	if len(lines) != 1 || lines[0].ActorName != "" || lines[0].Actor != gone || lines[0].Event != uuid.Nil {
		t.Errorf("got %+v, want one line without names", lines)
	}
}

// Pages follow one another without a gap or a repetition, also where a
// person's two halves meet.
func TestListPages(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	var want []uuid.UUID
	for i := range 2*audit.PerPage + 7 {
		e := audit.Entry{Actor: b.otto, Action: audit.SeatRemoved, Entity: audit.Registration, EntityID: uuid.New(), User: b.person("Attendee")}
		if i%3 == 0 {
			e = audit.Entry{Actor: b.otto, Action: audit.UserRenamed, Entity: audit.User, EntityID: b.otto, User: b.otto}
		}
		want = append([]uuid.UUID{b.write(e).ID}, want...)
	}
	want = append(want, b.third.ID, b.first.ID)

	var got []uuid.UUID
	f := audit.Filter{Person: b.otto}
	for _, size := range []int{audit.PerPage, audit.PerPage, 9, 0} {
		lines := b.list(f)
		if len(lines) != size {
			t.Fatalf("got a page of %d lines, want %d", len(lines), size)
		}
		for _, l := range lines {
			got = append(got, l.ID)
			f.Before = l.ID
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Error("the pages do not list every line once, newest first")
	}
}

// The newest page is read alone, however much real people and simulations wrote
// before and after it, be it of everything, of what all do or of what hardly
// anybody does.
func TestTheNewestLinesAreFoundAmongAnyNumber(t *testing.T) {
	t.Parallel()
	const many = 5000
	b := newBook(t)
	b.exec(`insert into audit_log (id, at, action, entity_type, entity_id, simulation_id)
		select gen_random_uuid(), now(), 'registration.confirmed', 'registration', gen_random_uuid(), null::uuid from generate_series(1, $1)
		union all
		select ('ff' || right(gen_random_uuid()::text, -2))::uuid, now(), 'registration.confirmed', 'registration', gen_random_uuid(), $2::uuid
		from generate_series(1, $1)`, many, b.simulation)
	b.exec(`analyze audit_log`) // as the server does when a table has grown
	// And as it may do with what is asked often: one plan for any action.
	b.exec(`set local plan_cache_mode = force_generic_plan`)

	read := func() (n int) {
		b.t.Helper()
		if err := b.tx.QueryRow(t.Context(), `select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'audit_log'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	list := func(f audit.Filter, want int) []audit.Line {
		b.t.Helper()
		f.Limit = 10
		before := read()
		lines := b.list(f)
		if n := read() - before; n > 2*f.Limit || len(lines) != want {
			t.Errorf("%q: %d lines took reading %d, want %d", f.Action, len(lines), n, want)
		}
		return lines
	}
	list(audit.Filter{Action: audit.SeatConfirmed}, 10)
	list(audit.Filter{Action: audit.SeatRemoved}, 1)
	list(audit.Filter{Action: audit.LineLeft}, 0)
	lines := list(audit.Filter{}, 10)
	// Random ids stand above and below the last: in order, then.
	if !slices.IsSortedFunc(lines, func(a, b audit.Line) int { return bytes.Compare(b.ID[:], a.ID[:]) }) {
		t.Error("the lines do not come newest first")
	}
}

// Whoever looks for an action chooses among these.
func TestEveryActionIsListed(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "audit.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Action" {
			return true
		}
		found++
		action, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil || !slices.Contains(audit.Actions(), audit.Action(action)) {
			t.Errorf("%s is not listed (%v)", action, err)
		}
		return true
	})
	if found != len(audit.Actions()) {
		t.Errorf("%d actions are declared, %d listed", found, len(audit.Actions()))
	}
}

func TestLogIsAppendOnly(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"update": `update audit_log set action = 'user.renamed' where id = $1`,
		"delete": `delete from audit_log where id = $1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook(t)
			_, err := b.tx.Exec(t.Context(), sql, b.second.ID)
			mustRefuse(t, err)
		})
	}
	t.Run("truncate", func(t *testing.T) {
		t.Parallel()
		// In a database of its own: the lock on the whole table would make
		// every other test wait.
		_, err := dbtest.Pool(t).Exec(t.Context(), `truncate audit_log`)
		mustRefuse(t, err)
	})
}

func mustRefuse(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "append-only") {
		t.Errorf("got %v, want a refusal", err)
	}
}
