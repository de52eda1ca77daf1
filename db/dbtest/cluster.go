package dbtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/db"
	"rowlock/db/embedded"
)

const (
	folderPrefix = "rowlock-test-"

	// migrated is the database that is cloned.
	migrated = "migrated"
)

// cluster is the PostgreSQL of a test program.
type cluster struct {
	dir    string
	server *embedded.Server
	admin  *pgxpool.Pool
	count  atomic.Int64 // of databases made so far

	migrate func() error                  // once
	shared  func() (*pgxpool.Pool, error) // once
	close   []func()                      // what shared opened
}

// parameters trade what a power cut would cost, which in tests is nothing,
// for speed.
var parameters = map[string]string{
	"fsync":            "off",
	"full_page_writes": "off",
	"max_connections":  "300",
	"shared_buffers":   "64MB",
	// In the cluster's folder, so that a killed run leaves nothing elsewhere.
	"dynamic_shared_memory_type": "mmap",
}

func startCluster(ctx context.Context, parent string) (*cluster, error) {
	dir, err := os.MkdirTemp(parent, folderPrefix)
	if err != nil {
		return nil, fmt.Errorf("make a folder for the test database: %w", err)
	}
	// Where a fetched PostgreSQL would be shared by all packages and runs.
	cache, _ := embedded.DefaultDir()
	server, err := embedded.Start(ctx, embedded.Config{Dir: dir, Cache: cache, Parameters: parameters})
	if err != nil {
		embedded.Remove(dir) //nolint:errcheck // why it did not start matters more
		return nil, err
	}
	c := &cluster{dir: dir, server: server}
	c.migrate = sync.OnceValue(c.makeTemplate)
	c.shared = sync.OnceValues(c.openShared)
	if c.admin, err = pgxpool.New(ctx, server.URL("postgres")); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

func (c *cluster) stop() error {
	for _, close := range c.close {
		close()
	}
	if c.admin != nil {
		c.admin.Close()
	}
	return errors.Join(c.server.Stop(), removeUnlessSwept(c.dir))
}

// removeUnlessSwept does not mind when another test program clears up faster.
func removeUnlessSwept(dir string) error {
	err := embedded.Remove(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, embedded.ErrInUse) {
		return nil
	}
	return err
}

// sweep removes the folders of test programs that were killed. A young folder
// may not be locked yet by the program that is making it.
func sweep(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, folderPrefix+"*"))
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		if embedded.Remove(dir) != nil {
			os.Remove(dir) //nolint:errcheck // it goes when it is empty
		}
	}
}

// makeTemplate migrates the database that is cloned, and closes it: one that
// is connected to cannot be.
func (c *cluster) makeTemplate() error {
	ctx := context.Background()
	if err := c.exec(ctx, `create database `+migrated); err != nil {
		return err
	}
	if _, err := db.Migrate(ctx, c.server.URL(migrated)); err != nil {
		return err
	}
	return c.exec(ctx, `alter database `+migrated+` allow_connections false`)
}

func (c *cluster) openShared() (*pgxpool.Pool, error) {
	ctx := context.Background()
	name, err := c.cloneMigrated(ctx)
	if err != nil {
		return nil, err
	}
	l := limits
	l.MaxConns = sharedConns
	pool, err := db.Open(ctx, c.server.URL(name), l)
	if err != nil {
		return nil, err
	}
	c.close = append(c.close, pool.Close)
	return pool, nil
}

// cloneMigrated copies files rather than pages through the log: twice as fast
// without fsync.
func (c *cluster) cloneMigrated(ctx context.Context) (string, error) {
	if err := c.migrate(); err != nil {
		return "", err
	}
	name := c.nextName()
	return name, c.exec(ctx, `create database `+name+` template `+migrated+` strategy file_copy`)
}

func (c *cluster) makeEmpty(ctx context.Context) (string, error) {
	name := c.nextName()
	return name, c.exec(ctx, `create database `+name+` strategy file_copy`)
}

func (c *cluster) drop(ctx context.Context, name string) error {
	return c.exec(ctx, `drop database `+name+` with (force)`)
}

func (c *cluster) nextName() string {
	return fmt.Sprintf("test_%d", c.count.Add(1))
}

func (c *cluster) exec(ctx context.Context, sql string) error {
	if _, err := c.admin.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}
