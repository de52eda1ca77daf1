//go:build linux || darwin

package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// nowhere is a repository without archives.
func nowhere(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return server.URL
}

// install writes programs that answer like PostgreSQL of that version; initdb
// says words and does not work.
func install(t *testing.T, version, words string) sources {
	t.Helper()
	bin := newFolder(t)
	if err := os.Chmod(string(bin), 0o755); err != nil {
		t.Fatal(err)
	}
	writeScript(t, bin.join("postgres"), fmt.Sprintf("echo 'postgres (PostgreSQL) %s'", version))
	writeScript(t, bin.join("initdb"), fmt.Sprintf("echo '%s' >&2; exit 1", words))
	return sources{places: []string{string(bin)}, repository: nowhere(t)}
}

// broken writes programs that do no more than say words.
func broken(t *testing.T, words string) sources {
	t.Helper()
	from := install(t, "15.4", "")
	writeScript(t, from.places[0]+"/postgres", fmt.Sprintf("echo '%s' >&2; exit 127", words))
	return from
}

func writeScript(t *testing.T, path, body string) {
	t.Helper()
	writeProgram(t, path, []byte("#!/bin/sh\n"+body+"\n"))
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestWhatAPersonCanMendIsSaidInOneLine starts in a way that cannot work and
// checks that the line names the cause and the way out.
func TestWhatAPersonCanMendIsSaidInOneLine(t *testing.T) {
	t.Parallel()
	here := func(t *testing.T) sources { return sources{places: usualPlaces(), repository: nowhere(t)} }
	tests := []struct {
		name    string
		sources func(t *testing.T) sources
		data    map[string]string // files of the data folder
		want    error
		says    []string
	}{
		{
			name:    "no PostgreSQL",
			sources: func(t *testing.T) sources { return sources{repository: nowhere(t)} },
			want:    ErrNoPostgreSQL,
			says:    []string{"no PostgreSQL 15 or newer", "18.3.0", "install", "DATABASE_URL"},
		},
		{
			name:    "too old a PostgreSQL",
			sources: func(t *testing.T) sources { return install(t, "13.4 (Debian 13.4-1)", "") },
			want:    ErrNoPostgreSQL,
			says:    []string{"too old", "PostgreSQL 13.4 in", "install", "DATABASE_URL"},
		},
		{
			name: "a PostgreSQL that does not run",
			sources: func(t *testing.T) sources {
				return broken(t, "postgres: error while loading shared libraries: libicu.so.60")
			},
			want: ErrNoPostgreSQL,
			says: []string{"does not run (postgres: error while loading shared libraries: libicu.so.60)", "install", "DATABASE_URL"},
		},
		{
			name:    "data of a version that cannot be had",
			sources: here,
			data:    map[string]string{"PG_VERSION": "99\n", "base/1/112": "precious"},
			want:    ErrOtherVersion,
			says:    []string{"written by PostgreSQL 99", "this machine has only PostgreSQL 1", "install", "ROWLOCK_DATA_DIR"},
		},
		{
			name:    "data of a version that is too old",
			sources: func(t *testing.T) sources { return install(t, "14.2", "") },
			data:    map[string]string{"PG_VERSION": "14\n", "base/1/112": "precious"},
			want:    ErrOtherVersion,
			says:    []string{"written by PostgreSQL 14", "needs 15 or newer", "pg_upgrade", "ROWLOCK_DATA_DIR"},
		},
		{
			name:    "data of a version that is not here",
			sources: func(t *testing.T) sources { return install(t, "16.1", "") },
			data:    map[string]string{"PG_VERSION": "15\n", "base/1/112": "precious"},
			want:    ErrOtherVersion,
			says:    []string{"written by PostgreSQL 15", "this machine has only PostgreSQL 16.1", "install", "ROWLOCK_DATA_DIR"},
		},
		{
			name:    "files that are no cluster",
			sources: here,
			data:    map[string]string{"diary": "precious"},
			says:    []string{"holds files that are no PostgreSQL data", "ROWLOCK_DATA_DIR"},
		},
		{
			name:    "a version that cannot be read",
			sources: here,
			data:    map[string]string{"PG_VERSION": "", "base/1/112": "precious"},
			says:    []string{"PG_VERSION holds no version", "backup", "ROWLOCK_DATA_DIR"},
		},
		{
			name: "a full disk",
			sources: func(t *testing.T) sources {
				return install(t, "15.4", `initdb: error: could not write file "x": No space left on device`)
			},
			want: ErrDiskFull,
			says: []string{"the disk that holds", "free some space"},
		},
		{
			name:    "another refusal of initdb",
			sources: func(t *testing.T) sources { return install(t, "15.4", "initdb: error: not today") },
			says:    []string{"PostgreSQL 15.4", "not today", "postgres.log"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t)
			for name, text := range tt.data {
				put(t, filepath.Join(f.data(), name), text)
			}
			_, err := start(t.Context(), Config{Dir: string(f), Parameters: fast}, tt.sources(t))
			wantFault(t, err, tt.want, tt.says...)
			for name, text := range tt.data {
				if got, err := os.ReadFile(filepath.Join(f.data(), name)); err != nil || string(got) != text {
					t.Errorf("data/%s became %q (%v)", name, got, err)
				}
			}
		})
	}
}

func wantFault(t *testing.T, err, want error, says ...string) {
	t.Helper()
	if err == nil || want != nil && !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
	for _, words := range says {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("%q does not say %q", err, words)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q is more than one line", err)
	}
}

func TestASettingThatPostgreSQLRefusesIsQuoted(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Config{Dir: string(seeded(t)), Parameters: map[string]string{"shared_buffers": "lots"}})
	wantFault(t, err, nil, `invalid value for parameter "shared_buffers": "lots"`, "postgres.log")
}

func TestAFolderThatMayNotBeUsedIsNamed(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	mode := fs.FileMode(0o555)
	if os.Geteuid() == 0 {
		mode = 0o755 // the other process is nobody
	}
	if err := os.Chmod(string(f), mode); err != nil {
		t.Fatal(err)
	}
	line := <-say(t, ordinaryChild(t, f))
	wantFault(t, errors.New(line), nil, "fault user ", "may not use "+string(f), "permission denied", "ROWLOCK_DATA_DIR")
}

// TestAFolderThatCannotBeReachedIsNamed is about root, who may go where the
// user who runs PostgreSQL may not.
func TestAFolderThatCannotBeReachedIsNamed(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root drops to another user")
	}
	closed := newFolder(t)
	_, err := Start(t.Context(), Config{Dir: closed.join("rowlock")})
	wantFault(t, err, ErrPermission, "who may not enter "+string(closed)+":", "chmod", "ROWLOCK_DATA_DIR")
}

func TestTheLastWordsAreTheCause(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, log, want string }{
		{"nothing", "", ""},
		{"a cause and what follows from it", `
2026-11-22 10:00:00.000 UTC [7] FATAL:  could not write lock file "postmaster.pid": No space left on device
2026-11-22 10:00:00.000 UTC [7] LOG:  database system is shut down`,
			`could not write lock file "postmaster.pid": No space left on device`},
		{"a full disk and what follows from it", `
2026-11-22 10:00:00.000 UTC [7] FATAL:  could not extend file "base/1/2691": No space left on device
2026-11-22 10:00:00.000 UTC [7] PANIC:  cannot abort transaction 1, it was already committed`,
			`could not extend file "base/1/2691": No space left on device`},
		{"a client that came too early", `
2026-11-22 10:00:00.000 UTC [7] PANIC:  could not locate a valid checkpoint record
2026-11-22 10:00:00.000 UTC [8] FATAL:  the database system is starting up`,
			"could not locate a valid checkpoint record"},
		{"a sudden end", "2026-11-22 10:00:00.000 UTC [7] LOG:  database system is ready to accept connections", ""},
		{"the loader", "postgres: error while loading shared libraries: libicu.so.60", "postgres: error while loading shared libraries: libicu.so.60"},
		{"initdb", "creating subdirectories ... ok\ninitdb: error: invalid locale name \"C.UTF-8\"\ninitdb: hint: use another", `invalid locale name "C.UTF-8"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := lastWordsIn([]byte(tt.log)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestALongLogIsPutAside(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	put(t, f.log(), strings.Repeat("x", logKeeps+1))
	log, err := f.openLog()
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for path, want := range map[string]int64{f.log(): 0, f.log() + ".1": logKeeps + 1} {
		if info, err := os.Stat(path); err != nil || info.Size() != want {
			t.Errorf("%s: %v, want %d bytes", path, err, want)
		}
	}
}
