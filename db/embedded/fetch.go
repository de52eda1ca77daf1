package embedded

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// fetchLimit is for about 15 MB on a slow line.
const fetchLimit = 15 * time.Minute

// archiveFor is the archive for data of each major version; 0 stands for data
// that are yet to be made.
var archiveFor = map[int]embeddedpostgres.PostgresVersion{
	0:  embeddedpostgres.V18,
	15: embeddedpostgres.V15,
	16: embeddedpostgres.V16,
	17: embeddedpostgres.V17,
	18: embeddedpostgres.V18,
}

// fetch downloads PostgreSQL into the cache. Of several processes that do so
// at once, one downloads and the others wait for it.
func (s *Server) fetch(ctx context.Context, major int, repository string) (binaries, error) {
	version, ok := archiveFor[major]
	if !ok {
		return binaries{}, errors.New("there is no archive of it")
	}
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()

	cache, err := folder(s.config.Cache).make()
	if err != nil {
		return binaries{}, err
	}
	if err := cache.letIn(s.account); err != nil {
		return binaries{}, err
	}
	lock, err := cache.waitForFetchLock(ctx)
	if err != nil {
		return binaries{}, err
	}
	defer unlock(lock)

	home := cache.join("postgresql-" + string(version))
	if _, err := os.Stat(home); err != nil {
		s.config.Announce(fmt.Sprintf("Fetching PostgreSQL %s, once (about 15 MB): this machine has none that fits.", version))
		if err := cache.fetch(ctx, version, repository, home); err != nil {
			return binaries{}, err
		}
	}
	return s.ask(ctx, filepath.Join(home, "bin"))
}

func (f folder) waitForFetchLock(ctx context.Context) (*os.File, error) {
	file, err := os.OpenFile(f.join("fetch.lock"), os.O_RDWR|os.O_CREATE|noFollow, 0o644)
	if err != nil {
		return nil, explain(err, f)
	}
	for {
		err := tryLock(file)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, errLocked) {
			file.Close() //nolint:errcheck // nothing was written
			return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
		}
		select {
		case <-ctx.Done():
			file.Close() //nolint:errcheck // nothing was written
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// fetch downloads and unpacks beside home and renames the whole at the end, so
// that home is complete whenever it exists.
func (f folder) fetch(ctx context.Context, version embeddedpostgres.PostgresVersion, repository, home string) error {
	for _, unfinished := range f.glob("fetch-*") {
		os.RemoveAll(unfinished) //nolint:errcheck // in nobody's way
	}
	work, err := os.MkdirTemp(string(f), "fetch-")
	if err != nil {
		return explain(err, f)
	}
	defer os.RemoveAll(work) //nolint:errcheck // swept by the next fetch

	unpacked := filepath.Join(work, "unpacked")
	if err := download(ctx, version, repository, work, unpacked); err != nil {
		return explainWords(err.Error(), f, explain(err, f))
	}
	if _, ok := programsIn(filepath.Join(unpacked, "bin")); !ok {
		return errors.New("the archive holds no PostgreSQL server")
	}
	if err := openTree(unpacked); err != nil {
		return explain(err, f)
	}
	return explain(os.Rename(unpacked, home), f)
}

// openTree lets everybody read and run what was unpacked, whatever our umask:
// as root it is another user who runs it.
func openTree(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if d.IsDir() || mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode) //nolint:gosec // nobody else works in the folder that we hold the lock of
	})
}

// The library downloads through http.DefaultClient, whose transport download
// replaces for a while.
var downloading sync.Mutex

// download has the library download and unpack, and no more: after that it
// would go on to make a cluster, which on other data than its own begins with
// deleting them. It is given a path for its data that no system deletes, the
// folder "." of a folder, and so ends there.
func download(ctx context.Context, version embeddedpostgres.PostgresVersion, repository, work, unpacked string) error {
	downloading.Lock()
	defer downloading.Unlock()
	plain := http.DefaultClient.Transport
	strict := &strictTransport{ctx: ctx, next: cmp.Or(plain, http.DefaultTransport)}
	http.DefaultClient.Transport = strict
	defer func() { http.DefaultClient.Transport = plain }()

	end := filepath.Join(work, "no-data") + string(filepath.Separator) + "."
	config := embeddedpostgres.DefaultConfig().
		Version(version).
		Port(0). // it insists on a free port, and 0 is always free
		CachePath(filepath.Join(work, "archive")).
		RuntimePath(unpacked).
		DataPath(end).
		Logger(io.Discard)
	if repository != "" {
		config = config.BinaryRepositoryURL(repository)
	}

	err := embeddedpostgres.NewDatabase(config).Start()
	switch {
	case strict.refused != nil:
		return strict.refused
	case err == nil:
		return errors.New("the archive was unpacked in an unknown way")
	case strings.Contains(err.Error(), end):
		return nil
	}
	return err
}

// strictTransport ends downloads with ctx and insists on the checksum of an
// archive. The library takes an archive unchecked when the checksum cannot be
// had, and keeps quiet about why a request did not work.
type strictTransport struct {
	ctx     context.Context
	next    http.RoundTripper
	refused error
}

func (t *strictTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(r.WithContext(t.ctx))
	if err == nil && strings.HasSuffix(r.URL.Path, ".sha256") {
		err = readChecksum(response)
	}
	if err != nil {
		t.refused = err
		return nil, err
	}
	return response, nil
}

var checksumPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// readChecksum replaces the body of response by the bare checksum in it: the
// library compares every byte, and would pass over one that it cannot read.
func readChecksum(response *http.Response) error {
	defer response.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err != nil {
		return fmt.Errorf("read the checksum of the archive: %w", err)
	}
	body = bytes.TrimSpace(body)
	if response.StatusCode != http.StatusOK || !checksumPattern.Match(body) {
		return fmt.Errorf("the archive has no checksum, so it cannot be trusted (%s)", response.Status)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}
