package booking

import (
	"context"
	"fmt"
	"time"

	"rowlock/db"
)

// An Overview sums up the published events that have not started.
type Overview struct {
	// Upcoming is how many there are, Confirmed how many of their seats are
	// taken, Waiting how many people stand in their lines.
	Upcoming, Confirmed, Waiting int
}

// ReadOverview sums up what is to come after now.
func ReadOverview(ctx context.Context, conn db.Conn, now time.Time) (Overview, error) {
	var o Overview
	err := conn.QueryRow(ctx, `
		select count(*), coalesce(sum(capacity - seats_remaining), 0), coalesce(sum(waiting), 0)
		from events where status = 'published' and starts_at > $1 and simulation_id is null`, now).
		Scan(&o.Upcoming, &o.Confirmed, &o.Waiting)
	if err != nil {
		return Overview{}, fmt.Errorf("sum up the events to come: %w", err)
	}
	return o, nil
}
