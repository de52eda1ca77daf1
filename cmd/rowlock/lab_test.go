package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/booking"
	"rowlock/db"
	"rowlock/db/dbtest"
	"rowlock/simulation"
)

// A field is a database with an organizer, beside the commands.
type field struct {
	t         *testing.T
	url       string
	conn      *pgx.Conn
	organizer uuid.UUID
	people    int
}

func newField(t *testing.T) *field {
	t.Helper()
	f := &field{t: t, url: dbtest.URL(t)}
	var err error
	if f.conn, err = pgx.Connect(t.Context(), f.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.conn.Close(context.Background()) })
	f.organizer = f.person()
	return f
}

func (f *field) exec(sql string, args ...any) {
	f.t.Helper()
	if _, err := f.conn.Exec(f.t.Context(), sql, args...); err != nil {
		f.t.Fatal(err)
	}
}

func (f *field) person() uuid.UUID {
	f.t.Helper()
	f.people++
	id := uuid.Must(uuid.NewV7())
	f.exec(`insert into users (id, name, email, password_hash, role) values ($1, 'Person', $2, 'none', 'attendee')`,
		id, fmt.Sprintf("person-%d@example.org", f.people))
	return id
}

func (f *field) event(capacity int) uuid.UUID {
	f.t.Helper()
	id := uuid.Must(uuid.NewV7())
	f.exec(`insert into events (id, title, description, location, starts_at, ends_at, time_zone, status, organizer_id, capacity, seats_remaining)
		values ($1, 'Regatta', '', '', now() + interval '1 day', now() + interval '2 days', 'UTC', 'published', $2, $3, $3)`,
		id, f.organizer, capacity)
	return id
}

// full is an event with two seats that are taken and somebody in line.
func (f *field) full() uuid.UUID {
	f.t.Helper()
	id := f.event(2)
	for position := 1; position <= 2; position++ {
		f.exec(`insert into registrations (id, event_id, user_id, status, position, ticket_code, booked_at)
			values ($1, $2, $3, 'confirmed', $4, left(md5(random()::text), 12), now())`, uuid.New(), id, f.person(), position)
	}
	f.exec(`insert into waitlist_entries (id, event_id, user_id, position, joined_at) values ($1, $2, $3, 3, now())`, uuid.New(), id, f.person())
	f.exec(`update events set seats_remaining = 0, waiting = 1, next_position = 4 where id = $1`, id)
	return id
}

// A damage breaks a rule at the event $1, past the constraints that would
// otherwise prevent it. Guilty is where the rows that then break the rule are
// found, and the event itself where it is the event's own row.
type damage struct{ rule, sql, guilty string }

var damages = []damage{
	{"no-overbooking", `update events set capacity = 1, seats_remaining = 0 where id = $1`,
		`select id from registrations where event_id = $1 and position = 2`},
	{"seats-add-up", `update events set capacity = 3, seats_remaining = 0 where id = $1`,
		`select id from events where id = $1`},
	{"line-adds-up", `update events set waiting = 7 where id = $1`,
		`select id from events where id = $1`},
	{"no-idle-seat", `update registrations set status = 'cancelled', cancelled_at = now() where event_id = $1 and position = 1`,
		`select id from waitlist_entries where event_id = $1`},
	{"one-standing", `insert into registrations (id, event_id, user_id, status, position, ticket_code, booked_at)
		select gen_random_uuid(), event_id, user_id, 'confirmed', 90, left(md5(random()::text), 12), now() from waitlist_entries where event_id = $1`,
		`select id from registrations where event_id = $1 and position = 90 union all select id from waitlist_entries where event_id = $1`},
	{"one-standing", `with another as (
			insert into registrations (id, event_id, user_id, status, position, ticket_code, booked_at)
			select gen_random_uuid(), event_id, user_id, 'confirmed', 4, left(md5(random()::text), 12), now()
			from registrations where event_id = $1 and position = 2)
		update events set capacity = 3, next_position = 5 where id = $1`,
		`select id from registrations where event_id = $1 and position > 1`},
	{"order-of-arrival", `update registrations set position = position + 3 where event_id = $1`,
		`select id from registrations where event_id = $1 union all select id from waitlist_entries where event_id = $1`},
	{"numbers-drawn-once", `update registrations set position = 1 where event_id = $1`,
		`select id from registrations where event_id = $1`},
	{"numbers-drawn-once", `update events set next_position = 2 where id = $1`,
		`select id from registrations where event_id = $1 and position = 2 union all select id from waitlist_entries where event_id = $1`},
	{"cancelled-is-over", `update events set status = 'cancelled' where id = $1`,
		`select id from registrations where event_id = $1 union all select id from waitlist_entries where event_id = $1`},
	{"references-exist", `delete from events where id = $1`,
		`select id from registrations where event_id = $1 union all select id from waitlist_entries where event_id = $1`},
	{"references-exist", `delete from users where id in (
			select user_id from registrations where event_id = $1 and position = 2 union all select user_id from waitlist_entries where event_id = $1)`,
		`select id from registrations where event_id = $1 and position = 2 union all select id from waitlist_entries where event_id = $1`},
}

// rules is how many there are to break.
const rules = 9

// A database that is broken in every way at once, each at two events, has each
// row that takes part named, under the rule that it breaks, and no sound one.
func TestVerifyNamesEveryBrokenRow(t *testing.T) {
	f := newField(t)
	sound := f.full()
	if out, err := command(t, f.url, "", "verify"); err != nil || strings.Contains(out, "BROKEN") || strings.Count(out, "ok ") != rules {
		t.Fatalf("a sound database: %v\n%s", err, out)
	}
	f.exec(`alter table events drop constraint events_seats_remaining_check, drop constraint events_free_seat_check`)
	f.exec(`alter table registrations drop constraint registrations_event_id_user_id_key`)
	f.exec(`alter table events disable trigger user`)
	f.exec(`alter table users disable trigger user`)
	guilty := map[string][]uuid.UUID{}
	for _, d := range damages {
		for range 2 {
			event := f.full()
			f.exec(d.sql, event)
			rows, err := f.conn.Query(t.Context(), d.guilty, event)
			if err != nil {
				t.Fatal(err)
			}
			ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			if err != nil || len(ids) == 0 {
				t.Fatalf("%s: nothing is broken: %v", d.rule, err)
			}
			guilty[d.rule] = append(append(guilty[d.rule], event), ids...)
		}
	}

	out, err := command(t, f.url, "", "verify")
	if !errors.Is(err, errRuleBroken) {
		t.Errorf("it ended with %v", err)
	}
	named := map[string]string{} // what is said under each rule
	rule := ""
	for line := range strings.Lines(out) {
		if found, ok := strings.CutPrefix(line, "BROKEN  "); ok {
			rule = strings.TrimSpace(found)
		}
		named[rule] += line
	}

	asJSON, err := command(t, f.url, "", "verify", "--json")
	var report struct{ Checks []booking.Check }
	if jsonErr := json.Unmarshal([]byte(asJSON), &report); jsonErr != nil || !errors.Is(err, errRuleBroken) || len(report.Checks) != rules {
		t.Fatalf("in JSON: %v, %v, %s", err, jsonErr, asJSON)
	}
	for _, check := range report.Checks {
		inJSON := fmt.Sprint(check.Breaches)
		for _, id := range guilty[check.Name] {
			if !strings.Contains(named[check.Name], id.String()) {
				t.Errorf("%s does not name %s:\n%s", check.Name, id, named[check.Name])
			}
			if !strings.Contains(inJSON, id.String()) {
				t.Errorf("%s does not name %s in JSON: %s", check.Name, id, inJSON)
			}
		}
		if check.OK || len(guilty[check.Name]) == 0 {
			t.Errorf("in JSON %s is %v", check.Name, check.OK)
		}
	}
	innocent, err := f.conn.Query(t.Context(), `select id from registrations where event_id = $1 union all select id from waitlist_entries where event_id = $1`, sound)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := pgx.CollectRows(innocent, pgx.RowTo[uuid.UUID])
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range append(ids, sound) {
		if strings.Contains(out, id.String()) {
			t.Errorf("%s is sound and named:\n%s", id, out)
		}
	}
}

// Somebody who looks for what is broken is not to be spared the rest of it.
func TestVerifyNamesThousandsOfBrokenRows(t *testing.T) {
	f := newField(t)
	const events = 1200
	f.exec(`alter table events drop constraint events_seats_remaining_check`)
	f.exec(`insert into events (id, title, description, location, starts_at, ends_at, time_zone, status, organizer_id, capacity, seats_remaining)
		select gen_random_uuid(), 'Regatta', '', '', now(), now() + interval '1 day', 'UTC', 'published', $1, 2, 3 from generate_series(1, $2)`,
		f.organizer, events)

	out, err := command(t, f.url, "", "verify")
	if named := strings.Count(out, "3 seats are shown as free, 2 are"); named != events || !errors.Is(err, errRuleBroken) {
		t.Errorf("%d of %d are named: %v", named, events, err)
	}
	out, err = command(t, f.url, "", "verify", "--json")
	if named := strings.Count(out, "3 seats are shown as free, 2 are"); named != events+1 || !errors.Is(err, errRuleBroken) {
		t.Errorf("in JSON %d of %d are named, beside the detail: %v", named-1, events, err)
	}
}

// The pages' connections end a statement after ten seconds. Here the events
// themselves tell how much time the one who reads them has.
func TestVerifyTakesAsLongAsItNeeds(t *testing.T) {
	f := newField(t)
	f.full()
	f.exec(`create function wants_time() returns boolean language plpgsql as $$
		begin
			if current_setting('statement_timeout') <> '0' then
				raise exception 'the checks may take %', current_setting('statement_timeout');
			end if;
			return true;
		end $$`)
	f.exec(`alter table events rename to every_event`)
	f.exec(`create view events as select * from every_event where wants_time()`)
	if out, err := command(t, f.url, "", "verify"); err != nil || strings.Count(out, "ok ") != rules {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestSimulateCommand(t *testing.T) {
	f := newField(t)
	regatta := f.event(5).String()
	out, err := command(t, f.url, "", "simulate", "--event", regatta, "--users", "30")
	if err != nil || !strings.Contains(out, "registered") || !strings.Contains(out, "answers-kept") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = command(t, f.url, "", "simulate", "--event", regatta, "--users", "30", "--json")
	var report simulation.Report
	if jsonErr := json.Unmarshal([]byte(out), &report); err != nil || jsonErr != nil || report.Results.SuccessCount != 5 || report.Results.WaitlistedCount != 25 {
		t.Errorf("in JSON: %v, %v, %s", err, jsonErr, out)
	}
	if _, err := command(t, f.url, "", "simulate", "--event", uuid.NewString()); !errors.Is(err, booking.ErrNoEvent) {
		t.Errorf("no such event: %v", err)
	}
}

// No patience at all is refused, not taken for the usual one; a run is called
// what it was to be called.
func TestSimulateCommandTakesWhatIsTyped(t *testing.T) {
	f := newField(t)
	regatta := f.event(5).String()
	for _, patience := range []string{"0s", "-5s", "900ms", "601s"} {
		if _, err := command(t, f.url, "", "simulate", "--event", regatta, "--users", "5", "--patience="+patience); !errors.Is(err, simulation.ErrPatience) {
			t.Errorf("a patience of %s: %v", patience, err)
		}
	}
	if out, err := command(t, f.url, "", "simulate", "--event", regatta, "--users", "5", "--name", " From the terminal "); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if got := query(t, f.url, `select name from simulations`); got != "From the terminal" {
		t.Errorf("it is called %q", got)
	}
	if _, err := command(t, f.url, "", "simulate", "--event", regatta, "--users", "5", "--name", strings.Repeat("x", 101)); !errors.Is(err, simulation.ErrName) {
		t.Errorf("a long name: %v", err)
	}
}

// Who interrupts a run is told what was done, and how to get rid of it.
func TestSimulateCommandInterrupted(t *testing.T) {
	for _, tt := range []struct {
		name, table, path string
		args, says        []string
	}{
		{"a run", "simulations", "/admin/simulations/", []string{"--strategy", "pessimistic"},
			[]string{"registered           0\n", "failed               20\n", "bookings per second  -\n", "latency p50          -\n", "no-overbooking", "left when the simulation was stopped"}},
		{"a comparison", "comparisons", "/admin/lab/", []string{"--strategy", "pessimistic", "--strategy", "optimistic"},
			[]string{"pessimistic did not finish: The program was stopped before it was done."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newField(t)
			regatta := f.event(5).String()
			t.Setenv("DATABASE_URL", f.url)
			tx, err := f.conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback(context.Background()) //nolint:errcheck // the database goes with the test
			if _, err := tx.Exec(t.Context(), `set local idle_in_transaction_session_timeout = 0; lock table registrations in exclusive mode`); err != nil {
				t.Fatal(err)
			}

			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			go func() {
				for query(t, f.url, `select count(*)::text from simulations where phase = 'booking'`) == "0" {
					time.Sleep(10 * time.Millisecond)
				}
				interrupt()
			}()
			var out, errs bytes.Buffer
			err = run(ctx, append([]string{"simulate", "--event", regatta, "--users", "20"}, tt.args...), terminal{out: &out, err: &errs})
			if err == nil {
				t.Fatalf("it ended well:\n%s", out.String())
			}
			path := tt.path + query(t, f.url, `select id::text from `+tt.table)
			if line := explain(err); !strings.HasPrefix(line, "interrupted; 20 made-up people stay") || !strings.HasSuffix(line, path) {
				t.Errorf("it ends with %q, want the way to %s", line, path)
			}
			for _, words := range tt.says {
				if !strings.Contains(out.String(), words) {
					t.Errorf("it does not print %q but\n%s", words, out.String())
				}
			}
			if errs.Len() > 0 {
				t.Errorf("it logs %s", errs.String())
			}
		})
	}
}

func TestRatesAreRoundedAsOnPages(t *testing.T) {
	t.Parallel()
	for rate, want := range map[float64]string{1560.7: "1561", 12: "12", 9.96: "10", 0.84: "0.8", 0: "0"} {
		if got := perSecond(rate); got != want {
			t.Errorf("%g per second is told as %s, want %s", rate, got, want)
		}
	}
}

// At a terminal progress is one line that moves; a log gets plain lines, and
// few of them.
func TestProgressIsShownAsItsPlaceAllows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		style barStyle
		want  string
	}{
		{"a terminal", drawn, strings.Repeat("\r\033[Kbooking", 87) + "\r\033[K"},
		{"a log", written, "booking\nbooking\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var shown bytes.Buffer
				stop := tt.style.show(&shown, func() (string, error) { return "booking", nil })
				time.Sleep(21*time.Second + 900*time.Millisecond)
				stop()
				if shown.String() != tt.want {
					t.Errorf("got %q, want %q", shown.String(), tt.want)
				}
			})
		})
	}

	reader, pipe := io.Pipe()
	defer reader.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, w := range []io.Writer{pipe, file} {
		if style := styleFor(w); style != written {
			t.Errorf("%T is taken for a terminal", w)
		}
	}
}

// Several strategies are set side by side in the terminal.
func TestSimulateCommandCompares(t *testing.T) {
	f := newField(t)
	regatta := f.event(5).String()
	out, err := command(t, f.url, "", "simulate", "--event", regatta, "--users", "40", "--strategy", "all", "--name", "From the terminal")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	table := map[string][]string{}
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		table[strings.Join(fields[:max(0, len(fields)-4)], " ")] = fields[max(0, len(fields)-4):]
	}
	for name, want := range map[string]string{
		"": "grouped pessimistic optimistic conditional", "registered": "5 5 5 5", "waitlisted": "35 35 35 35", "failed": "0 0 0 0", "overbooked": "0 0 0 0",
	} {
		if got := strings.Join(table[name], " "); got != want {
			t.Errorf("%s: got %q, want %q in\n%s", name, got, want, out)
		}
	}

	out, err = command(t, f.url, "", "simulate", "--event", regatta, "--users", "10", "--strategy", "conditional", "--strategy", "grouped", "--json")
	var export simulation.ComparisonExport
	if jsonErr := json.Unmarshal([]byte(out), &export); err != nil || jsonErr != nil || len(export.Runs) != 2 || export.Runs[0].Strategy != "grouped" || export.Runs[1].Transactions != 10 {
		t.Errorf("in JSON: %v, %v, %.300s", err, jsonErr, out)
	}
}

// A run that breaks a rule ends the command with an error, so that a script
// sees it.
func TestSimulateCommandFailsWithACheck(t *testing.T) {
	f := newField(t)
	regatta := f.event(5).String()
	f.exec(`create function lie() returns trigger language plpgsql as $$ begin new.position := 1; return new; end $$`)
	f.exec(`create trigger lie before insert on registrations for each row execute function lie()`)
	for _, args := range [][]string{{"--users", "20"}, {"--users", "20", "--strategy", "all"}, {"--users", "20", "--json"}} {
		out, err := command(t, f.url, "", append([]string{"simulate", "--event", regatta}, args...)...)
		if !errors.Is(err, errRuleBroken) || !strings.Contains(out, "numbers-drawn-once") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

// Commands work beside a Rowlock that has started the database itself. A
// second one that would serve is still told who is first.
func TestCommandsJoinARunningRowlock(t *testing.T) {
	t.Setenv("DATABASE_URL", "")
	dir := filepath.Join(openDir(t), "data")
	_, stop := serving(t, "--data-dir", dir)
	beside := func(input string, args ...string) (string, error) {
		var out, errs bytes.Buffer
		err := run(t.Context(), append(args, "--data-dir", dir, "--log-level", "error"), terminal{in: strings.NewReader(input), out: &out, err: &errs})
		return out.String(), err
	}
	if out, err := beside("", "verify"); err != nil || !strings.Contains(out, "ok ") {
		t.Errorf("verify: %v\n%s", err, out)
	}
	if out, err := beside("steady at the catch\n", "admin", "create", "--email", "cox@example.org", "--name", "Cox"); err != nil || !strings.Contains(out, "can sign in") {
		t.Errorf("admin create: %v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s := settings{DataDir: dir}
	d, err := s.join(ctx, db.PageLimits, (*database).leaveAsIs)
	if err != nil {
		t.Fatal(err)
	}
	var event string
	err = d.pages.QueryRow(ctx, `select id::text from events where status = 'published' and simulation_id is null limit 1`).Scan(&event)
	d.close()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := beside("", "simulate", "--event", event, "--users", "20"); err != nil || !strings.Contains(out, "registered") {
		t.Errorf("simulate: %v\n%s", err, out)
	}
	if _, err := beside("", "serve", "--addr", "127.0.0.1:0"); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second serve: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
