//go:build linux || darwin

package embedded

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// makeArchive packs programs that stand for the PostgreSQL of this machine,
// the way the real archives are packed: a jar around a compressed tar.
var makeArchive = sync.OnceValues(func() ([]byte, error) {
	s, err := newServer(Config{Dir: playground})
	if err != nil {
		return nil, err
	}
	found, _ := s.findBinaries(context.Background(), usualPlaces())
	if len(found) == 0 {
		return nil, errors.New("this machine has no PostgreSQL to pack")
	}
	var packed bytes.Buffer
	files := tar.NewWriter(&packed)
	for _, program := range []string{"postgres", "initdb", "pg_ctl"} {
		script := fmt.Sprintf("#!/bin/sh\nexec %s \"$@\"\n", found[0].path(program))
		files.WriteHeader(&tar.Header{Name: "bin/" + program, Mode: 0o755, Size: int64(len(script))})
		files.Write([]byte(script))
	}
	if err := files.Close(); err != nil {
		return nil, err
	}
	return wrap(&packed)
})

func wrap(packed *bytes.Buffer) ([]byte, error) {
	xz := exec.Command("xz", "--stdout")
	xz.Stdin = packed
	compressed, err := xz.Output()
	if err != nil {
		return nil, err
	}
	var jar bytes.Buffer
	zipped := zip.NewWriter(&jar)
	file, err := zipped.Create("postgres-linux-x86_64.txz")
	if err != nil {
		return nil, err
	}
	if _, err := file.Write(compressed); err != nil {
		return nil, err
	}
	err = zipped.Close()
	return jar.Bytes(), err
}

// repository serves an archive and what answers when its checksum is asked.
type repository struct {
	*httptest.Server
	asked atomic.Int32
}

func newRepository(t *testing.T, checksum func(archive []byte) (int, string)) *repository {
	t.Helper()
	if _, err := exec.LookPath("xz"); err != nil {
		t.Skip("packing the archive needs xz")
	}
	archive, err := makeArchive()
	if err != nil {
		t.Fatal(err)
	}
	var r repository
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.asked.Add(1)
		if !strings.HasSuffix(request.URL.Path, ".sha256") {
			w.Write(archive)
			return
		}
		status, text := checksum(archive)
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	}))
	t.Cleanup(r.Close)
	return &r
}

func rightChecksum(archive []byte) (int, string) {
	return http.StatusOK, fmt.Sprintf("%x\n", sha256.Sum256(archive))
}

func TestAMachineWithoutPostgreSQLFetchesItOnce(t *testing.T) {
	t.Parallel()
	r := newRepository(t, rightChecksum)
	f, cache := newFolder(t), newFolder(t)
	var said []string
	c := Config{Dir: string(f), Cache: string(cache), Parameters: fast, Announce: func(line string) { said = append(said, line) }}

	for range 2 {
		s, err := start(t.Context(), c, sources{repository: r.URL})
		if err != nil {
			t.Fatal(err)
		}
		connect(t, s.URL(Database))
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if asked := r.asked.Load(); asked != 2 {
		t.Errorf("the repository was asked %d times, want once for the archive and once for its checksum", asked)
	}
	if len(said) != 2 || !strings.Contains(said[0], "Fetching PostgreSQL 18.3.0") {
		t.Errorf("it said %q", said)
	}
	if unfinished := cache.glob("fetch-*"); len(unfinished) > 0 {
		t.Errorf("left behind: %v", unfinished)
	}
}

func TestAnArchiveThatCannotBeTrustedIsNotRun(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		checksum func([]byte) (int, string)
		says     string
	}{
		{"no checksum", func([]byte) (int, string) { return http.StatusNotFound, "not found" }, "no checksum"},
		{"a page instead", func([]byte) (int, string) { return http.StatusOK, "<html>Please sign in" }, "no checksum"},
		{"an empty checksum", func([]byte) (int, string) { return http.StatusOK, "" }, "no checksum"},
		{"another checksum", func([]byte) (int, string) { return http.StatusOK, strings.Repeat("a", 64) }, "checksums do not match"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFolder(t)
			_, err := start(t.Context(), Config{Dir: string(f)}, sources{repository: newRepository(t, tt.checksum).URL})
			wantFault(t, err, ErrNoPostgreSQL, tt.says, "DATABASE_URL")
			if left := append(f.glob("postgresql-*"), f.glob("fetch-*")...); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestARepositoryThatCannotBeReachedIsTheCause(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	_, err := start(t.Context(), Config{Dir: string(newFolder(t))}, sources{repository: gone.URL})
	wantFault(t, err, ErrNoPostgreSQL, "connection refused", "DATABASE_URL")
}

func TestFetchingEndsWithTheStart(t *testing.T) {
	t.Parallel()
	asked, over := make(chan struct{}), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-over
	}))
	defer slow.Close()
	defer close(over)

	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	// It would wait for ever otherwise: the repository never answers.
	_, err := start(ctx, Config{Dir: string(newFolder(t))}, sources{repository: slow.URL})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}
