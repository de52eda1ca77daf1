//go:build linux || darwin

package embedded

import (
	"os"
	"path/filepath"
	"testing"
)

// Another process may work beside the one that started the server, whether it
// listens on a socket, on one elsewhere, or on a port.
func TestRunningFindsTheServer(t *testing.T) {
	t.Parallel()
	seed := seeded(t)
	open := string(newFolder(t)) // to the user whom PostgreSQL runs as
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	comma := folder(filepath.Join(open, "a, b"))
	if err := os.MkdirAll(string(comma), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(seed.data(), comma.data()); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]folder{"a socket in the folder": seeded(t), "a socket elsewhere": comma} {
		if _, err := Running(string(f), Database); err == nil {
			t.Errorf("%s: found before it was started", name)
		}
		s := mustStart(t, f)
		url, err := Running(string(f), Database)
		if err != nil || url != s.URL(Database) {
			t.Errorf("%s: got %q, want %q: %v", name, url, s.URL(Database), err)
		}
		wantNotes(t, url, "seeded")
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		if _, err := Running(string(f), Database); err == nil {
			t.Errorf("%s: found after it was stopped", name)
		}
	}
}

func TestRunningReadsAPortAndItsPassword(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(f.data(), 0o700); err != nil {
		t.Fatal(err)
	}
	write(f.password(), "secret\n")
	write(filepath.Join(f.data(), "postmaster.pid"), "12\n/data\n1\n4711\n\n127.0.0.1\n  1 2\nready   \n")
	if url, err := Running(string(f), Database); err != nil || url != "postgres://rowlock:secret@127.0.0.1:4711/rowlock?sslmode=disable" {
		t.Errorf("got %q, %v", url, err)
	}
	for name, text := range map[string]string{
		"starting": "12\n/data\n1\n4711\n\n127.0.0.1\n  1 2\nstarting\n", "cut short": "12\n/data\n1\n47", "no port": "12\n/data\n1\nx\n\n127.0.0.1\n  1 2\nready\n",
	} {
		write(filepath.Join(f.data(), "postmaster.pid"), text)
		if url, err := Running(string(f), Database); err == nil {
			t.Errorf("%s: got %q", name, url)
		}
	}
}
