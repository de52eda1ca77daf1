package db

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"rowlock/migrations"
)

// Migrate brings the database at url up to the newest migration and returns
// how many it ran. Instances that start together wait for one another under
// an advisory lock; the second finds nothing left to do.
func Migrate(ctx context.Context, url string) (int, error) {
	provider, conn, err := newProvider(url)
	if err != nil {
		return 0, err
	}
	defer conn.Close() //nolint:errcheck // nothing is left to lose

	done, err := provider.Up(ctx)
	if err != nil {
		return len(done), fmt.Errorf("migrate the database: %w", err)
	}
	return len(done), nil
}

// MigrateDown undoes the newest migration of the database at url.
func MigrateDown(ctx context.Context, url string) error {
	provider, conn, err := newProvider(url)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is left to lose

	if _, err := provider.Down(ctx); err != nil {
		return fmt.Errorf("undo a migration: %w", err)
	}
	return nil
}

// A Version tells how far a database's migrations are beside this program's.
type Version int

// The versions of a database, the earlier ones first.
const (
	// Unmigrated is a database in which no migration has run.
	Unmigrated Version = iota
	// Older lacks a migration that this program carries.
	Older
	// Current has those that this program carries, and no other.
	Current
	// Newer has one that this program does not know.
	Newer
)

// ReadVersion compares the migrations of the database that conn reaches with
// those that this program carries.
func ReadVersion(ctx context.Context, conn Conn) (Version, error) {
	newest, err := newestMigration()
	if err != nil {
		return 0, err
	}
	applied, err := appliedMigration(ctx, conn)
	switch {
	case err != nil:
		return 0, err
	case applied == 0:
		return Unmigrated, nil
	case applied < newest:
		return Older, nil
	case applied > newest:
		return Newer, nil
	}
	return Current, nil
}

// appliedMigration is the number of the newest migration that ran; 0 when none
// did.
func appliedMigration(ctx context.Context, conn Conn) (int64, error) {
	var started bool
	if err := conn.QueryRow(ctx, `select to_regclass('goose_db_version') is not null`).Scan(&started); err != nil {
		return 0, fmt.Errorf("look for migrations: %w", err)
	}
	if !started {
		return 0, nil
	}
	var number int64
	err := conn.QueryRow(ctx, `select coalesce(max(version_id), 0) from goose_db_version where is_applied`).Scan(&number)
	if err != nil {
		return 0, fmt.Errorf("read the migrations that ran: %w", err)
	}
	return number, nil
}

// IsMigrated tells whether the database that conn reaches has every migration
// that this program carries.
func IsMigrated(ctx context.Context, conn Conn) (bool, error) {
	v, err := ReadVersion(ctx, conn)
	return v >= Current, err
}

func newProvider(url string) (*goose.Provider, *sql.DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, nil, fmt.Errorf("read the database URL: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, nil, fmt.Errorf("prepare the migration lock: %w", err)
	}
	conn := stdlib.OpenDB(*config)
	provider, err := goose.NewProvider(goose.DialectPostgres, conn, migrations.FS, goose.WithSessionLocker(locker))
	if err != nil {
		return nil, nil, fmt.Errorf("read the migrations: %w", err)
	}
	return provider, conn, nil
}

func newestMigration() (int64, error) {
	files, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		return 0, fmt.Errorf("list the migrations: %w", err)
	}
	return goose.NumericComponent(slices.Max(files))
}
