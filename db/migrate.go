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

// IsMigrated tells whether the database that conn reaches has every migration
// that this program carries.
func IsMigrated(ctx context.Context, conn Conn) (bool, error) {
	newest, err := newestMigration()
	if err != nil {
		return false, err
	}
	var migrated bool
	err = conn.QueryRow(ctx, `select exists (select from goose_db_version where version_id = $1 and is_applied)`, newest).Scan(&migrated)
	if err != nil {
		return false, fmt.Errorf("read the migrations that ran: %w", err)
	}
	return migrated, nil
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
