package embedded

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// settings are the server's, where PostgreSQL's own do not fit a database that
// runs beside its only program on an ordinary machine.
func (s *Server) settings() map[string]string {
	settings := map[string]string{
		// Two instances' pools, subcommands and a psql beside them.
		"max_connections": "100",
		// What a crowd touches of a month's data fits; the system's cache does
		// the rest. It is memory only as far as there are data to fill it.
		"shared_buffers": "256MB",
		// Every query here is short: compiling one costs more than it saves.
		"jit": "off",
		// A booking that was confirmed on screen survives a power cut.
		"synchronous_commit": "on",
		// A rush of bookings should not wait for checkpoints, and a start
		// after a crash should read back seconds of log, not minutes.
		"max_wal_size":       "1GB",
		"checkpoint_timeout": "10min",
		// Rowlock reports the errors of its queries itself, and some are how
		// a constraint says no; here only what the server says of itself.
		"log_min_messages": "log",
		"log_checkpoints":  "off",
		// lastWords looks for English.
		"lc_messages": "C",
		"timezone":    "UTC",
	}
	maps.Copy(settings, s.config.Parameters)
	maps.Copy(settings, s.endpoint.settings())
	// Marks our processes for awaitIdle, and in ps for people.
	settings["cluster_name"] = s.folder.clusterName()
	return settings
}

// arguments starts with the folder: awaitIdle looks for it there.
func (s *Server) arguments() []string {
	args := []string{"-D", s.folder.data()}
	settings := s.settings()
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// makeCluster makes the cluster unless there is one. It is made beside its
// place and then renamed, so that data exist whole or not at all.
func (s *Server) makeCluster(ctx context.Context, tcp bool) error {
	major, err := s.folder.majorOfData()
	if err != nil || major != 0 {
		return err
	}
	s.config.Announce(fmt.Sprintf("Making a database in %s with PostgreSQL %s, once.", s.folder, s.Version()))

	unfinished, err := os.MkdirTemp(string(s.folder), "init-")
	if err != nil {
		return explain(err, s.folder)
	}
	if err := s.makeClusterIn(ctx, unfinished, tcp); err != nil {
		os.RemoveAll(unfinished) //nolint:errcheck // swept by the next start
		return err
	}
	return nil
}

func (s *Server) makeClusterIn(ctx context.Context, dir string, tcp bool) error {
	if err := giveTo(s.account, dir); err != nil {
		return explain(err, s.folder)
	}
	if tcp {
		if err := s.makePassword(); err != nil {
			return explain(err, s.folder)
		}
	}
	if err := s.initdb(ctx, dir, tcp); err != nil {
		return err
	}
	os.Remove(s.folder.data()) //nolint:errcheck // an empty one may be there; a full one does not go
	if err := os.Rename(dir, s.folder.data()); err != nil {
		return explain(err, s.folder)
	}
	return explain(syncFolder(string(s.folder)), s.folder)
}

// initdb tries the characters of all languages first. Not every system knows
// that locale; the rest of PostgreSQL works without it, but lower() then
// leaves letters such as É as they are.
func (s *Server) initdb(ctx context.Context, dir string, tcp bool) error {
	words, err := s.tryInitdb(ctx, dir, tcp, s.localeOptions()...)
	if err != nil && strings.Contains(words, "locale") {
		words, err = s.tryInitdb(ctx, dir, tcp, "--locale=C")
	}
	if err == nil {
		return nil
	}
	return explainWords(words, s.folder, fmt.Errorf("make a database with PostgreSQL %s in %s: %s: see %s", s.Version(), s.folder, words, s.folder.log()))
}

// localeOptions sorts by code point, which no upgrade of the system changes
// under an index, and knows upper and lower case of all letters.
func (s *Server) localeOptions() []string {
	if s.binaries.major >= 17 {
		return []string{"--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"}
	}
	return []string{"--locale-provider=libc", "--lc-collate=C", "--lc-ctype=C.UTF-8", "--lc-messages=C", "--lc-monetary=C", "--lc-numeric=C", "--lc-time=C"}
}

// tryInitdb also answers with what initdb said last.
func (s *Server) tryInitdb(ctx context.Context, dir string, tcp bool, options ...string) (string, error) {
	// initdb's death signal comes when the thread ends that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	args := append([]string{"-D", dir, "--username=" + superuser, "--encoding=UTF8"}, options...)
	if tcp {
		args = append(args, "--auth=scram-sha-256", "--pwfile="+s.folder.password())
	} else {
		// Whoever reaches the socket is let in: its folder is closed to others.
		args = append(args, "--auth-local=trust", "--auth-host=reject")
	}
	if s.config.Parameters["fsync"] == "off" {
		args = append(args, "--no-sync")
	}
	var out bytes.Buffer
	cmd := s.command(ctx, s.binaries.path("initdb"), args...)
	cmd.Stdout = io.MultiWriter(s.log, &out)
	cmd.Stderr = cmd.Stdout
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	return lastWordsIn(out.Bytes()), err
}

// makePassword invents the password of the superuser. initdb reads it as the
// user whom PostgreSQL runs as.
func (s *Server) makePassword() error {
	os.Remove(s.folder.password()) //nolint:errcheck // of a start that did not get far
	file, err := os.OpenFile(s.folder.password(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // Sync told what there is to tell
	if _, err := file.WriteString(rand.Text() + "\n"); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return giveTo(s.account, file.Name())
}

func (s *Server) readPassword() (string, error) {
	text, err := os.ReadFile(s.folder.password())
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is gone, which holds the password of the data in %s: restore it from a backup, or choose another folder with ROWLOCK_DATA_DIR", s.folder.password(), filepath.Base(s.folder.data()))
	}
	return strings.TrimSpace(string(text)), explain(err, s.folder)
}
