package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/db"
	"rowlock/db/dbtest"
	"rowlock/db/embedded"
)

// command runs one command line on a database and returns what it printed.
func command(t *testing.T, url, input string, args ...string) (string, error) {
	t.Helper()
	t.Setenv("DATABASE_URL", url)
	var out, errs bytes.Buffer
	err := run(t.Context(), args, terminal{in: strings.NewReader(input), out: &out, err: &errs})
	return out.String(), err
}

// query returns the one text that sql finds in the database at url.
func query(t *testing.T, url, sql string) (text string) {
	t.Helper()
	conn := connect(t, url)
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), sql).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// change carries out sql in the database at url.
func change(t *testing.T, url, sql string) {
	t.Helper()
	conn := connect(t, url)
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), sql); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestMigrateCommand(t *testing.T) {
	url := dbtest.EmptyURL(t)
	for _, want := range []string{"migrations were run", "0 migrations were run"} {
		if out, err := command(t, url, "", "migrate"); err != nil || !strings.Contains(out, want) {
			t.Errorf("got %q, %v", out, err)
		}
	}
}

// Only who serves, or says so with migrate, upgrades a database: a newer
// program may be tried beside an older one that serves.
func TestCommandsThatDoNotFitADatabaseLeaveItAsItIs(t *testing.T) {
	empty, older, newer := dbtest.EmptyURL(t), dbtest.URL(t), dbtest.URL(t)
	if err := db.MigrateDown(t.Context(), older); err != nil {
		t.Fatal(err)
	}
	change(t, newer, `insert into goose_db_version (version_id, is_applied) values (99999, true)`)

	verify := []string{"verify"}
	simulate := []string{"simulate", "--event", uuid.NewString()}
	admin := []string{"admin", "create", "--email", "cox@example.org", "--name", "Cox"}
	demo := []string{"demo"}
	for _, tt := range []struct {
		name, url, way string
		commands       [][]string
	}{
		{"an empty database", empty, "rowlock migrate", [][]string{verify, simulate}},
		{"an older Rowlock's", older, "rowlock migrate", [][]string{verify, simulate, admin, demo}},
		{"a newer Rowlock's", newer, "that one's program", [][]string{verify, simulate, admin, demo}},
	} {
		for _, args := range tt.commands {
			t.Run(args[0]+" on "+tt.name, func(t *testing.T) {
				const everything = `
					select coalesce(string_agg(attrelid::regclass || '.' || attname, ' ' order by attrelid::regclass::text, attnum), '')
					from pg_attribute join pg_class on attrelid = pg_class.oid where relnamespace = 'public'::regnamespace and attnum > 0`
				before := query(t, tt.url, everything)
				_, err := command(t, tt.url, "steady at the catch\n", args...)
				if err == nil || !strings.Contains(explain(err), tt.way) || strings.Contains(explain(err), "\n") {
					t.Errorf("got %v, want a line with %q", err, tt.way)
				}
				if after := query(t, tt.url, everything); after != before {
					t.Errorf("the database was\n%s\nand is\n%s", before, after)
				}
			})
		}
	}
}

func TestAdminCreateCommand(t *testing.T) {
	url := dbtest.EmptyURL(t)
	create := func(password string) (string, error) {
		return command(t, url, password, "admin", "create", "--email", "Cox@example.org", "--name", "Cox")
	}
	if _, err := create("short\n"); err == nil || !strings.Contains(err.Error(), "10 characters") {
		t.Errorf("a short password: %v", err)
	}
	if out, err := create("steady at the catch\n"); err != nil || !strings.Contains(out, "can sign in as Cox@example.org") {
		t.Errorf("got %q, %v", out, err)
	}
	if _, err := create("steady at the catch\n"); err == nil || !strings.Contains(err.Error(), "somebody has signed up") {
		t.Errorf("the second time: %v", err)
	}
}

func TestDemoCommandFillsOnlyAnEmptyDatabase(t *testing.T) {
	url := dbtest.URL(t)
	if _, err := command(t, url, "", "demo"); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t, url, "", "demo"); err == nil || !strings.Contains(err.Error(), "only an empty one") {
		t.Errorf("the second time: %v", err)
	}
	if out, err := command(t, url, "", "verify"); err != nil || strings.Contains(out, "BROKEN") {
		t.Errorf("the demo does not verify: %v\n%s", err, out)
	}
}

// serving starts serve in the background and returns its address once it is
// ready; stop ends it and returns what serve returned.
func serving(t *testing.T, args ...string) (address string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, append([]string{"serve", "--addr", "127.0.0.1:0", "--log-level", "error"}, args...),
			terminal{in: strings.NewReader(""), out: in, err: io.Discard})
		in.CloseWithError(fmt.Errorf("serve ended: %w", err))
		done <- err
	}()

	greeted := make(chan string, 1)
	go func() {
		var seen bytes.Buffer
		buffer := make([]byte, 4096)
		for {
			n, err := out.Read(buffer)
			seen.Write(buffer[:n])
			if found := regexp.MustCompile(`http://\S+`).FindString(seen.String()); found != "" || err != nil {
				greeted <- found
				io.Copy(io.Discard, out)
				return
			}
		}
	}()
	select {
	case address = <-greeted:
	case <-time.After(60 * time.Second):
	}
	if address == "" {
		cancel()
		t.Fatalf("serve did not get ready: %v", <-done)
	}
	return address, func() error { cancel(); return <-done }
}

// page is what a stranger is shown.
func page(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// openDir is a folder that PostgreSQL may enter when the tests run as root and
// it does not.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != filepath.Dir(os.TempDir()) && d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestServeStartsOnNothingAndKeepsItsData(t *testing.T) {
	t.Setenv("DATABASE_URL", "")
	dir := filepath.Join(openDir(t), "data")
	var events [2]string
	for i := range events {
		address, stop := serving(t, "--data-dir", dir)
		events[i] = strings.Join(regexp.MustCompile(`/events/[0-9a-f-]{36}`).FindAllString(page(t, address+"/events"), -1), " ")
		if !strings.Contains(page(t, address+"/login"), demoPassword) {
			t.Error("the sign-in page offers no demo people")
		}
		if i == 0 {
			if err := run(t.Context(), []string{"migrate", "--data-dir", dir}, terminal{out: io.Discard, err: io.Discard}); !errors.Is(err, embedded.ErrInUse) {
				t.Errorf("a second program on the same data: %v", err)
			}
		}
		if err := stop(); err != nil {
			t.Fatalf("stop: %v", err)
		}
	}
	if events[0] == "" || events[0] != events[1] {
		t.Errorf("the first start showed %q, the second %q", events[0], events[1])
	}
}

// Who begins with an admin of their own gets neither a demo nor the offer to
// sign in as people who are not there.
func TestServeAfterAdminCreateAddsNoDemo(t *testing.T) {
	dir := filepath.Join(openDir(t), "data")
	_, err := command(t, "", "steady at the catch\n", "admin", "create", "--email", "cox@example.org", "--name", "Cox", "--data-dir", dir)
	if err != nil {
		t.Fatal(err)
	}
	address, stop := serving(t, "--data-dir", dir)
	if strings.Contains(page(t, address+"/login"), demoPassword) {
		t.Error("the sign-in page offers demo people")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A demo is one on a database that was given, too.
func TestServeOffersThePeopleOfTheDemoCommand(t *testing.T) {
	url := dbtest.URL(t)
	if _, err := command(t, url, "", "demo"); err != nil {
		t.Fatal(err)
	}
	address, stop := serving(t)
	if !strings.Contains(page(t, address+"/login"), demoPassword) {
		t.Error("the sign-in page offers no demo people")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestServeOnAGivenDatabaseAddsNoDemo(t *testing.T) {
	url := dbtest.URL(t)
	t.Setenv("DATABASE_URL", url)
	address, stop := serving(t)
	if strings.Contains(page(t, address+"/login"), demoPassword) {
		t.Error("the sign-in page offers demo people")
	}
	if err := healthcheck(t, address); err != nil {
		t.Errorf("healthcheck: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := healthcheck(t, address); err == nil {
		t.Error("healthcheck finds a stopped instance healthy")
	}
}

func healthcheck(t *testing.T, address string) error {
	return run(t.Context(), []string{"healthcheck", "--addr", strings.TrimPrefix(address, "http://")}, terminal{out: io.Discard, err: io.Discard})
}

// The instance is asked where it serves, which need not be the loopback.
func TestHealthcheckAsksWhereTheInstanceServes(t *testing.T) {
	everywhere, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	instance := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go instance.Serve(everywhere)
	t.Cleanup(func() { instance.Close() })

	_, port, err := net.SplitHostPort(everywhere.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for host, ready := range map[string]bool{
		"": true, "0.0.0.0": true, "[::]": true, "127.0.0.1": true, "localhost": true,
		"no-such-host.invalid": false,
	} {
		if err := healthcheck(t, "http://"+host+":"+port); (err == nil) != ready {
			t.Errorf("at %q it says %v", host, err)
		}
	}
}

func TestWhatEndsTheProgramIsToldWithAWayOut(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	good := dbtest.URL(t)
	old := oldServer(t)
	latin := latinDatabase(t)

	for _, tt := range []struct {
		name, url, way string
		args           []string
	}{
		{"no server", "postgres://rowlock@127.0.0.1:1/rowlock", "check DATABASE_URL", nil},
		{"no such socket", "postgres:///rowlock?host=/nonexistent", "check DATABASE_URL", nil},
		{"no such host", "postgres://rowlock@no-such-host.invalid/rowlock", "check DATABASE_URL", nil},
		{"no such database", regexp.MustCompile(`/[^/?]+\?`).ReplaceAllString(good, "/none?"), "createdb", nil},
		{"no URL at all", "postgres://%zz", "looks like postgres://", nil},
		{"a slash in the password", "postgres://rowlock:hush/hush@127.0.0.1/rowlock", "PGPASSWORD", nil},
		{"a percent sign in the password", "postgres://rowlock:hush%hush@127.0.0.1/rowlock", "PGPASSWORD", nil},
		{"a space in the password", "host=127.0.0.1 password=hush hush", "PGPASSWORD", nil},
		{"no such option", "postgres://rowlock:hush@127.0.0.1/rowlock?sslmode=maybe", "sslmode is invalid", nil},
		{"no such certificate", "postgres://rowlock:hush@127.0.0.1/rowlock?sslmode=verify-full&sslrootcert=/none.crt", "/none.crt", nil},
		{"a server from before Rowlock's time", old, "this server is 13.4: upgrade", nil},
		{"a database without most letters", latin, "this one has LATIN1: make another (createdb --encoding=UTF8", nil},
		{"a short session key", good, "openssl rand", []string{"--session-key", "c2hvcnQ="}},
		{"a proxy that is none", good, "neither an address nor a network", []string{"--trusted-proxies", "somewhere"}},
		{"a base URL without a scheme", good, "https://events.example.org", []string{"--base-url", "events"}},
		{"an address in use", good, "ROWLOCK_ADDR", []string{"--addr", taken.Addr().String()}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := command(t, tt.url, "", append([]string{"serve", "--addr", "127.0.0.1:0"}, tt.args...)...)
			if err == nil {
				t.Fatal("it started")
			}
			if line := explain(err); !strings.Contains(line, tt.way) || strings.Contains(line, "\n") || strings.Contains(line, "hush") {
				t.Errorf("got %q, want a line with %q and no password", line, tt.way)
			}
		})
	}

	for _, url := range []string{old, latin} {
		_, err := command(t, url, "", "migrate")
		if !errors.Is(err, db.ErrOldServer) && !errors.Is(err, db.ErrEncoding) {
			t.Errorf("migrate: %v", err)
		}
	}
}

// oldServer is a database that says of itself what PostgreSQL 13 would.
func oldServer(t *testing.T) string {
	t.Helper()
	url := dbtest.URL(t)
	change(t, url, `create schema old`)
	change(t, url, `
		create function old.current_setting(name text) returns text language sql as $$
			select case name when 'server_version_num' then '130004' when 'server_version' then '13.4' else pg_catalog.current_setting(name) end
		$$`)
	return url + "&search_path=old,pg_catalog,public"
}

func latinDatabase(t *testing.T) string {
	t.Helper()
	url := dbtest.EmptyURL(t)
	change(t, url, `create database latin encoding 'LATIN1' locale 'C' template template0`)
	t.Cleanup(func() { change(t, url, `drop database latin`) })
	return regexp.MustCompile(`/[^/?]+\?`).ReplaceAllString(url, "/latin?")
}

func TestACommandThatASignalEndsSaysThatItWasStopped(t *testing.T) {
	t.Setenv("DATABASE_URL", dbtest.URL(t))
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, args := range [][]string{{"serve", "--addr", "127.0.0.1:0"}, {"migrate"}, {"verify"}, {"demo"}} {
		err := run(stopped, args, terminal{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
		if err == nil || explain(err) != "stopped before it was done" {
			t.Errorf("%v: got %v", args, err)
		}
	}
}
