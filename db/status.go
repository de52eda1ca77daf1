package db

import (
	"context"
	"fmt"
)

// Status tells how the database server is.
type Status struct {
	// Version is PostgreSQL's own, such as "16.4".
	Version string
	// Size is that of the database in bytes.
	Size int64
	// Connections of MaxConnections are open at the server, ours and others'.
	Connections, MaxConnections int
	// Migration is the number of the newest one that was applied.
	Migration int64
}

// ReadStatus asks the server how it is.
func ReadStatus(ctx context.Context, conn Conn) (Status, error) {
	var s Status
	err := conn.QueryRow(ctx, `
		select split_part(current_setting('server_version'), ' ', 1),
		       pg_database_size(current_database()),
		       (select sum(numbackends) from pg_stat_database)::int,
		       current_setting('max_connections')::int,
		       (select coalesce(max(version_id), 0) from goose_db_version where is_applied)`).
		Scan(&s.Version, &s.Size, &s.Connections, &s.MaxConnections, &s.Migration)
	if err != nil {
		return Status{}, fmt.Errorf("read the state of the database: %w", err)
	}
	return s, nil
}
