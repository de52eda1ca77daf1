package dbtest

import (
	"os"
	"testing"
	"time"
)

func TestSweepSparesWhatRunsAndRemovesWhatWasKilled(t *testing.T) {
	t.Parallel()
	parent := openFolder(t)
	c, err := startCluster(t.Context(), parent)
	if err != nil {
		t.Fatal(err)
	}

	age(t, c.dir, time.Hour)
	sweep(parent)
	if err := c.exec(t.Context(), `select 1`); err != nil {
		t.Error("a running cluster was swept:", err)
	}

	c.admin.Close()
	if err := c.server.Stop(); err != nil {
		t.Fatal(err)
	}
	age(t, c.dir, time.Second)
	sweep(parent)
	if _, err := os.Stat(c.dir); err != nil {
		t.Error("a young folder was swept:", err)
	}

	age(t, c.dir, time.Hour)
	sweep(parent)
	if _, err := os.Stat(c.dir); !os.IsNotExist(err) {
		t.Errorf("an old folder is still there (%v)", err)
	}
}

// openFolder is a folder that PostgreSQL can reach when root runs the tests;
// t.TempDir is closed to others.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(fastFolder(), "rowlock-sweep-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) }) //nolint:errcheck // it should be empty by then
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// age makes dir look as if nobody had touched it for so long.
func age(t *testing.T, dir string, d time.Duration) {
	t.Helper()
	past := time.Now().Add(-d)
	if err := os.Chtimes(dir, past, past); err != nil {
		t.Fatal(err)
	}
}
