//go:build linux || darwin

package embedded

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestPostgreSQLIsStartedAgainAtTheSameAddressWhenItIsKilled(t *testing.T) {
	t.Parallel()
	f := seeded(t)
	s := mustStart(t, f)
	url := s.URL(Database)
	for _, note := range []string{"first", "second"} {
		addNote(t, url, note)
		kill(t, f.postmasterPID())
		eventually(t, "PostgreSQL answers again", func() bool { return answers(url) })
	}
	wantNotes(t, url, "seeded", "first", "second")
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

func answers(url string) bool {
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		return false
	}
	conn.Close(context.Background())
	return true
}

func TestStopWorksWhilePostgreSQLIsDead(t *testing.T) {
	t.Parallel()
	f := seeded(t)
	s := mustStart(t, f)
	kill(t, f.postmasterPID())
	stopped := make(chan struct{})
	go func() {
		s.Stop()
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-time.After(20 * time.Second):
		t.Fatal("it did not return")
	}
	wantNotes(t, mustStart(t, f).URL(Database), "seeded")
}

func TestKilledProcessesLoseNothing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		kill func(program, postgres int) []int
	}{
		{"the program", func(program, postgres int) []int { return []int{program} }},
		{"the program, then PostgreSQL", func(program, postgres int) []int { return []int{program, postgres} }},
		{"PostgreSQL, then the program", func(program, postgres int) []int { return []int{postgres, program} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := seeded(t)
			c := startChild(t, f)
			addNote(t, c.url, "saved")
			kill(t, tt.kill(c.cmd.Process.Pid, f.postmasterPID())...)
			wantNotes(t, startAfterLock(t, f).URL(Database), "seeded", "saved")
		})
	}
}

// startAfterLock starts as soon as the killed program has let go of the lock,
// which the system does within moments.
func startAfterLock(t *testing.T, f folder) *Server {
	t.Helper()
	var s *Server
	eventually(t, "the folder is free", func() bool {
		var err error
		s, err = Start(t.Context(), Config{Dir: string(f), Parameters: fast})
		if err != nil && !errors.Is(err, ErrInUse) {
			t.Fatal(err)
		}
		return err == nil
	})
	t.Cleanup(func() { s.Stop() })
	return s
}

// TestMemoryThatAKilledServerStillHoldsIsWaitedFor has PostgreSQL refuse to
// start once with the words that it has for that.
func TestMemoryThatAKilledServerStillHoldsIsWaitedFor(t *testing.T) {
	t.Parallel()
	f := seeded(t)
	s := mustStart(t, f)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	from := install(t, s.Version(), "")
	bin := from.places[0]
	if err := os.Chmod(bin, 0o777); err != nil { //nolint:gosec // the script runs as another user
		t.Fatal(err)
	}
	writeScript(t, bin+"/postgres", `
		if [ "$1" = -D ] && mkdir '`+bin+`/refused'; then
			echo 'FATAL:  pre-existing shared memory block (key 903310, ID 426013) is still in use' >&2
			exit 1
		fi
		exec '`+s.binaries.path("postgres")+`' "$@"`)

	again, err := start(t.Context(), Config{Dir: string(f), Parameters: fast}, from)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Stop()
	if _, err := os.Stat(bin + "/refused"); err != nil {
		t.Error("it did not refuse:", err)
	}
	wantNotes(t, again.URL(Database), "seeded")
}

func TestAKilledFirstStartIsRepaired(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	cmd := childCommand(t, os.Args[0], f)
	say(t, cmd)
	eventually(t, "initdb is at work", func() bool {
		found, _ := filepath.Glob(f.join("init-*/base/1/PG_VERSION"))
		return len(found) > 0
	})
	kill(t, cmd.Process.Pid)

	s := startAfterLock(t, f)
	connect(t, s.URL(Database))
	if unfinished := f.glob("init-*"); len(unfinished) > 0 {
		t.Errorf("left behind: %v", unfinished)
	}
}

// TestLockFilesOfSomebodyElseAreNotBelieved gives the lock files the number of
// a living process, as happens when numbers are used again after a crash.
func TestLockFilesOfSomebodyElseAreNotBelieved(t *testing.T) {
	t.Parallel()
	f := seeded(t)
	if err := mustStart(t, f).Stop(); err != nil {
		t.Fatal(err)
	}
	stranger := exec.Command("sleep", "60")
	a, err := chooseAccount(f)
	if err != nil {
		t.Fatal(err)
	}
	stranger.SysProcAttr = attributes(a)
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer stranger.Wait()
	defer stranger.Process.Kill()

	text := []byte(strconv.Itoa(stranger.Process.Pid) + "\n" + f.data() + "\n")
	for _, path := range []string{filepath.Join(f.data(), "postmaster.pid"), filepath.Join(f.socket(), ".s.PGSQL.5432.lock")} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := giveTo(a, path); err != nil {
			t.Fatal(err)
		}
	}
	wantNotes(t, mustStart(t, f).URL(Database), "seeded")
}

// TestAServerStartedByHandIsLeftAlone starts one the way a person does who
// looks into the data.
func TestAServerStartedByHandIsLeftAlone(t *testing.T) {
	t.Parallel()
	f := seeded(t)
	s := mustStart(t, f)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	byHand := s.command(context.Background(), s.binaries.path("postgres"), "-D", f.data(), "-c", "listen_addresses=", "-c", "unix_socket_directories="+f.socket())
	if err := byHand.Start(); err != nil {
		t.Fatal(err)
	}
	defer byHand.Wait()
	defer s.askToStop(byHand.Process)
	eventually(t, "it answers", func() bool { return answers(s.URL(Database)) })

	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, Config{Dir: string(f)}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a start beside it: %v", err)
	}
	if err := Remove(string(f)); !errors.Is(err, ErrInUse) {
		t.Errorf("removing its data: %v", err)
	}
	wantNotes(t, s.URL(Database), "seeded")
}
