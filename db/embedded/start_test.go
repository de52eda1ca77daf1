//go:build linux || darwin

package embedded

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func TestTheFirstStartMakesADatabaseAndTheSecondKeepsIt(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	var said []string
	c := Config{Dir: string(f), Parameters: fast, Announce: func(line string) { said = append(said, line) }}

	first, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	_, err = connect(t, first.URL(Database)).Exec(t.Context(), `create table notes (note text); insert into notes values ('kept')`)
	if err != nil {
		t.Fatal(err)
	}
	if len(said) != 1 || !strings.Contains(said[0], string(f)) || !strings.Contains(said[0], first.Version()) {
		t.Errorf("the first start said %q", said)
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}

	said = nil
	second, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Stop()
	wantNotes(t, second.URL(Database), "kept")
	if len(said) != 0 {
		t.Errorf("the second start said %q", said)
	}
}

// Root has another user run PostgreSQL: where root runs the tests, this one
// alone goes the ordinary way.
func TestAnOrdinaryUserRunsPostgreSQLAsThemselves(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	cmd, uid := ordinaryChild(t, f), os.Geteuid()
	if as := cmd.SysProcAttr; as != nil {
		uid = int(as.Credential.Uid)
		if err := os.Chown(string(f), uid, int(as.Credential.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	line := <-say(t, cmd)
	url, up := strings.CutPrefix(line, "up ")
	if !up {
		t.Fatalf("it said %q", line)
	}
	if err := connect(t, url).Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if owner := ownerOf(f.data()); owner == nil || int(owner.uid) != uid {
		t.Errorf("the data belong to %+v, not to user %d", owner, uid)
	}
}

func TestPostgreSQLIsFoundWhereSystemsPutIt(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{
		"/usr/lib/postgresql/17/bin",                              // Debian, Ubuntu
		"/usr/pgsql-17/bin",                                       // Red Hat, from PostgreSQL itself
		"/usr/lib/postgresql17/bin",                               // SUSE
		"/usr/lib64/postgresql-17/bin",                            // Gentoo
		"/usr/libexec/postgresql17",                               // Alpine
		"/usr/local/pgsql/bin",                                    // built from source
		"/opt/homebrew/opt/postgresql@17/bin",                     // Homebrew
		"/usr/local/opt/postgresql@17/bin",                        // Homebrew on Intel
		"/home/linuxbrew/.linuxbrew/opt/postgresql@17/bin",        // Homebrew on Linux
		"/opt/local/lib/postgresql17/bin",                         // MacPorts
		"/Applications/Postgres.app/Contents/Versions/latest/bin", // Postgres.app
		"/Library/PostgreSQL/17/bin",                              // EnterpriseDB
	} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			root := newFolder(t)
			bin := filepath.Join(string(root), dir)
			if err := os.MkdirAll(bin, 0o755); err != nil {
				t.Fatal(err)
			}
			bin, err := filepath.EvalSymlinks(bin)
			if err != nil {
				t.Fatal(err)
			}
			writeScript(t, filepath.Join(bin, "postgres"), "echo 'postgres (PostgreSQL) 17.2'")
			writeScript(t, filepath.Join(bin, "initdb"), "exit 1")
			var places []string
			for _, place := range usualPlaces() {
				places = append(places, filepath.Join(string(root), place))
			}

			s, err := newServer(Config{Dir: string(root)})
			if err != nil {
				t.Fatal(err)
			}
			found, broken := s.findBinaries(t.Context(), places)
			if len(found) != 1 || found[0] != (binaries{bin, 17, 2}) || broken != nil {
				t.Errorf("found %v, %v", found, broken)
			}
		})
	}
}

func TestTheDatabaseKnowsTheCaseOfAllLetters(t *testing.T) {
	t.Parallel()
	s := mustStart(t, seeded(t))
	var lower string
	err := connect(t, s.URL(Database)).QueryRow(t.Context(), `select lower('ZOË ÉŁÓ')`).Scan(&lower)
	if err != nil || lower != "zoë éłó" {
		t.Errorf("lower case is %q, %v", lower, err)
	}
}

func TestASecondProcessIsToldWhoIsFirst(t *testing.T) {
	t.Parallel()
	f := seeded(t)
	s := mustStart(t, f)

	line := <-say(t, childCommand(t, os.Args[0], f))
	if !strings.HasPrefix(line, "fault ") || !strings.Contains(line, fmt.Sprintf("another process (%d)", os.Getpid())) {
		t.Errorf("it said %q", line)
	}
	if _, err := Start(t.Context(), Config{Dir: string(f)}); !errors.Is(err, ErrInUse) {
		t.Errorf("a second start in one process: %v", err)
	}
	if err := Remove(string(f)); !errors.Is(err, ErrInUse) {
		t.Errorf("removing the folder of a running server: %v", err)
	}
	wantNotes(t, s.URL(Database), "seeded")
}

func TestStopCutsOffClientsAndLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	f := seeded(t)
	s := mustStart(t, f)
	conn := connect(t, s.URL(Database))
	if _, err := conn.Exec(t.Context(), `begin; insert into notes values ('not committed')`); err != nil {
		t.Fatal(err)
	}

	began := time.Now()
	if err := errors.Join(s.Stop(), s.Stop()); err != nil {
		t.Error(err)
	}
	if d := time.Since(began); d > fastStopLimit/2 {
		t.Errorf("stopping took %v", d)
	}
	if busy := f.running(); len(busy) > 0 {
		t.Errorf("still running: %v", busy)
	}
	if f.postmasterPID() != 0 {
		t.Error("PostgreSQL was not shut down cleanly: its lock file is still there")
	}
	wantNotes(t, mustStart(t, f).URL(Database), "seeded")
}

func TestCtrlCDoesNotReachPostgreSQL(t *testing.T) {
	t.Parallel()
	f := seeded(t)
	mustStart(t, f)
	group, err := syscall.Getpgid(f.postmasterPID())
	if err != nil || group == syscall.Getpgrp() {
		t.Errorf("PostgreSQL is in process group %d (%v), we are in %d", group, err, syscall.Getpgrp())
	}
}

func TestAFolderWithALongAndOddNameWorks(t *testing.T) {
	t.Parallel()
	for _, name := range []string{strings.Repeat("long", 30), `odd, "quoted" [and] so* é`} {
		f := folder(filepath.Join(playground, name))
		if err := os.Rename(string(seeded(t)), string(f)); err != nil {
			t.Fatal(err)
		}
		s := mustStart(t, f)
		wantNotes(t, s.URL(Database), "seeded")
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(s.endpoint.socketDir); s.endpoint.temporary && !os.IsNotExist(err) {
			t.Errorf("the socket's folder is still there (%v)", err)
		}
	}
}

func TestTheLoopbackAsksForThePassword(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	startTCP := func() *Server {
		s, err := start(t.Context(), Config{Dir: string(f), Parameters: fast}, sources{places: usualPlaces(), tcp: true})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := startTCP().Stop(); err != nil {
		t.Fatal(err)
	}
	s := startTCP()
	defer s.Stop()
	connect(t, s.URL(Database))

	guess, err := url.Parse(s.URL(Database))
	if err != nil {
		t.Fatal(err)
	}
	guess.User = url.UserPassword(superuser, "guess")
	_, err = pgx.Connect(t.Context(), guess.String())
	if refusal, ok := errors.AsType[*pgconn.PgError](err); !ok || refusal.Code != "28P01" {
		t.Errorf("a wrong password: %v", err)
	}
}

func TestOthersReachNeitherTheSocketNorTheData(t *testing.T) {
	t.Parallel()
	f := seeded(t)
	mustStart(t, f)
	for _, dir := range []string{f.socket(), f.data()} {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o007 != 0 {
			t.Errorf("%s: %v, %v", dir, info.Mode(), err)
		}
	}
}

func TestACancelledStartLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, Config{Dir: string(f), Parameters: fast}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it ended with %v", err)
	}
	if unfinished := f.glob("init-*"); len(unfinished) > 0 {
		t.Errorf("left behind: %v", unfinished)
	}
	if _, err := os.Stat(f.data()); !os.IsNotExist(err) {
		t.Errorf("there are data (%v)", err)
	}
}

func TestRemoveTakesOnlyWhatStartMade(t *testing.T) {
	t.Parallel()
	f := seeded(t)
	if err := Remove(string(f)); err == nil {
		t.Error("a folder that no server ever locked was removed")
	}
	if err := mustStart(t, f).Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.join("diary"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Remove(string(f)); err == nil {
		t.Error("a folder with a diary in it was removed")
	}
	if left, _ := filepath.Glob(f.join("*")); !slices.Equal(left, []string{f.join("diary")}) {
		t.Errorf("left behind: %v", left)
	}
}

func TestPostgreSQLLearnsNoSecrets(t *testing.T) {
	for _, name := range []string{"PGDATA", "PGPASSWORD", "DATABASE_URL", "ROWLOCK_SESSION_KEY"} {
		t.Setenv(name, "secret")
	}
	if env := environment(); strings.Contains(strings.Join(env, " "), "secret") {
		t.Errorf("its environment is %q", env)
	}
}

func TestDefaultDir(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/home/ana/data")
	dir, err := DefaultDir()
	want := map[bool]string{true: "/var/lib/rowlock", false: "/home/ana/data/rowlock"}[os.Geteuid() == 0]
	if err != nil || dir != want && !strings.HasSuffix(dir, "Rowlock") {
		t.Errorf("it is %q (%v), want %q", dir, err, want)
	}
}
