package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"rowlock/db"
	"rowlock/db/embedded"
)

// A world is the PostgreSQL that the proofs share, and where they put files.
type world struct {
	dir    string
	server *embedded.Server
	made   int
	// migrated makes a database of its own for a proof; tests have their own
	// way to one.
	migrated func(ctx context.Context) (url string, err error)
	// parameters are those of servers that proofs start for themselves. There
	// are none but in tests, so that fsync is on.
	parameters map[string]string
}

const template = "proof_template"

func (w *world) start(ctx context.Context) (err error) {
	// Nothing is set: fsync and synchronous_commit are on.
	if w.server, err = embedded.Start(ctx, embedded.Config{Dir: filepath.Join(w.dir, "shared")}); err != nil {
		return err
	}
	w.migrated = w.clone
	if err := w.exec(ctx, `create database `+template); err != nil {
		return err
	}
	_, err = db.Migrate(ctx, w.server.URL(template))
	return err
}

func (w *world) stop() {
	if err := w.server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "proof:", err)
	}
}

func (w *world) clone(ctx context.Context) (string, error) {
	w.made++
	name := fmt.Sprintf("proof_%d", w.made)
	return w.server.URL(name), w.exec(ctx, `create database `+name+` template `+template)
}

func (w *world) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, w.server.URL("postgres"))
	if err != nil {
		return fmt.Errorf("reach PostgreSQL: %w", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is left to lose
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}
