// Package embedded runs the PostgreSQL that Rowlock starts itself, so that a
// machine with nothing configured has a real database.
//
// It promises three things. The data folder is never deleted or rewritten to
// get a start going. The program, PostgreSQL or both may be killed at any
// moment, and the next start finds every committed row. And what can go wrong
// on a person's machine is answered with one line that says why and what to do.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// MinMajor is the oldest PostgreSQL that Start accepts.
	MinMajor = 15

	// Database is the database that exists after every Start.
	Database = "rowlock"

	superuser = "rowlock"
)

// Recovery after a crash reads at most what max_wal_size allows; whoever needs
// longer than this hangs.
const startLimit = 5 * time.Minute

// Config says where a server keeps its files and what it tells.
type Config struct {
	// Dir is the data folder: cluster, socket, lock, log and, unless Cache is
	// set, the fetched binaries. It is made when missing.
	Dir string

	// Cache is the folder for fetched binaries when many servers share them;
	// empty means Dir.
	Cache string

	// Announce receives one plain line at a time for the person at the
	// terminal: the few things that take long or happen once. Nil is silent.
	Announce func(line string)

	// Parameters are further server settings. They win over Rowlock's own,
	// except for where the server listens.
	Parameters map[string]string
}

// Server is a PostgreSQL that belongs to this process. When PostgreSQL dies,
// it is started again at the same address.
type Server struct {
	config   Config
	folder   folder
	account  *account // whom PostgreSQL runs as; nil means as ourselves
	binaries binaries
	endpoint endpoint
	lock     *os.File
	log      *os.File

	mu       sync.Mutex
	process  *os.Process // the newest; it may have ended
	logStart int64       // where the log of that process begins

	stopping  context.Context // ended: start no process any more
	beginStop context.CancelFunc
	ready     chan struct{} // closed: the first process answered
	done      chan struct{} // closed: no process runs, none will
	ended     error         // how the last process ended; read after done

	stopOnce sync.Once
	stopErr  error
}

// Start brings up PostgreSQL on the data in c.Dir and returns once it answers;
// ctx limits only the start. The first start makes the cluster, and fetches
// PostgreSQL itself when the machine has none.
//
// It fails with ErrInUse, ErrNoPostgreSQL, ErrOtherVersion, ErrPermission or
// ErrDiskFull for what a person can mend.
func Start(ctx context.Context, c Config) (*Server, error) {
	return start(ctx, c, sources{places: usualPlaces(), tcp: !hasSockets})
}

// sources are what a start depends on beside its Config; tests put others in.
type sources struct {
	places     []string // globs of folders that may hold PostgreSQL's programs
	repository string   // where archives are fetched; empty is the library's
	tcp        bool     // listen on loopback instead of a socket
}

func start(ctx context.Context, c Config, from sources) (*Server, error) {
	s, err := newServer(c)
	if err != nil {
		return nil, err
	}
	err = s.bringUp(ctx, from)
	if err == nil {
		return s, nil
	}
	s.Stop() //nolint:errcheck // what went wrong first matters more
	if ctx.Err() != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", context.Cause(ctx))
	}
	return nil, err
}

func newServer(c Config) (*Server, error) {
	if c.Dir == "" {
		return nil, errors.New("start PostgreSQL: no data folder given")
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("find the data folder: %w", err)
	}
	if c.Announce == nil {
		c.Announce = func(string) {}
	}
	if c.Cache == "" {
		c.Cache = dir
	}
	s := &Server{
		config: c,
		folder: folder(dir),
		ready:  make(chan struct{}),
		done:   make(chan struct{}),
	}
	s.stopping, s.beginStop = context.WithCancel(context.Background())
	close(s.done) // until the supervisor runs
	return s, nil
}

func (s *Server) bringUp(ctx context.Context, from sources) error {
	if err := s.takeFolder(); err != nil {
		return err
	}
	if err := s.chooseBinaries(ctx, from); err != nil {
		return err
	}
	if err := s.folder.awaitIdle(ctx, s.config.Announce); err != nil {
		return err
	}
	if err := s.makeCluster(ctx, from.tcp); err != nil {
		return err
	}
	if err := s.chooseEndpoint(from.tcp); err != nil {
		return err
	}
	if err := s.launch(ctx); err != nil {
		return err
	}
	close(s.ready)
	return s.makeDatabase(ctx)
}

// launch runs PostgreSQL until it answers. Killed processes are gone from the
// system's list a moment before the memory is that they shared, and until then
// PostgreSQL refuses to start.
func (s *Server) launch(ctx context.Context) error {
	for tooLong := time.After(idleLimit); ; {
		s.done = make(chan struct{})
		go s.supervise()
		err := s.awaitAnswer(ctx)
		if !errors.Is(err, errMemoryInUse) {
			return err
		}
		select {
		case <-tooLong:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// takeFolder makes the data folder ours: nobody else starts on it until Stop.
func (s *Server) takeFolder() error {
	var err error
	if s.folder, err = s.folder.make(); err != nil {
		return err
	}
	if s.lock, err = s.folder.takeLock(); err != nil {
		return err
	}
	if s.account, err = chooseAccount(s.folder); err != nil {
		return err
	}
	if err := s.folder.prepareFor(s.account); err != nil {
		return err
	}
	if s.log, err = s.folder.openLog(); err != nil {
		return err
	}
	return explain(giveToOwner(string(s.folder), s.lock, s.log), s.folder)
}

// awaitAnswer returns when PostgreSQL answers a client.
func (s *Server) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	slow := time.AfterFunc(3*time.Second, func() {
		s.config.Announce("PostgreSQL is still starting; after a sudden stop it first reads back its log.")
	})
	defer slow.Stop()

	for {
		err := s.ping(ctx)
		if err == nil {
			return nil
		}
		if refusal, ok := errors.AsType[*pgconn.PgError](err); ok && !startsUp(refusal) {
			return fmt.Errorf("PostgreSQL refuses Rowlock: %s (%s): see %s", refusal.Message, refusal.Code, s.folder.log())
		}
		select {
		case <-s.done:
			return s.explainEnd()
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL did not answer for %v: see %s", startLimit, s.folder.log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// startsUp tells whether the server will answer later.
func startsUp(refusal *pgconn.PgError) bool {
	const cannotConnectNow, tooManyConnections = "57P03", "53300"
	return refusal.Code == cannotConnectNow || refusal.Code == tooManyConnections
}

// makeDatabase makes Database unless it exists. It is not a part of making
// the cluster, which may be killed between the two.
func (s *Server) makeDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return fmt.Errorf("reach PostgreSQL: %w", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is left to lose

	var exists bool
	err = conn.QueryRow(ctx, `select exists (select from pg_database where datname = $1)`, Database).Scan(&exists)
	if err != nil {
		return fmt.Errorf("look for database %s: %w", Database, err)
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, `create database `+Database); err != nil {
		return fmt.Errorf("make database %s: %w", Database, explainWords(err.Error(), s.folder, err))
	}
	return nil
}

// URL is the connection string of a database of this server. It stays valid
// until Stop, also across restarts of PostgreSQL.
func (s *Server) URL(database string) string {
	return s.endpoint.url(database)
}

// Version is the version of PostgreSQL that runs, such as "15.14".
func (s *Server) Version() string {
	return s.binaries.version()
}

// Stop cuts off all clients, has PostgreSQL write everything down, waits until
// it has ended and gives the folder back. Every call after the first returns
// what the first returned.
func (s *Server) Stop() error {
	s.stopOnce.Do(func() { s.stopErr = s.stop() })
	return s.stopErr
}
