package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/db"
	"rowlock/event"
)

// PerPage is how many runs [List] returns at once.
const PerPage = 20

// selectRuns reads a killed run as failed even before anybody has written that
// down.
const selectRuns = `
	select s.id, s.name, s.comparison_id, s.event_id, s.event_title, s.rehearsal_id, s.started_by, coalesce(u.name, ''), s.target, s.strategy,
	       case when dead then 'failed' else s.state end, case when dead then @killed else s.failure end, s.phase,
	       s.users, s.seats, s.answered, s.registered, s.waitlisted, s.failed, s.seats_remaining, s.overbooked,
	       s.results, s.started_at, s.finished_at, s.undone_at, s.stopped_by is not null
	from (select *, ` + isDead + ` as dead from simulations) s
	left join users u on u.id = s.started_by`

func runArgs() pgx.NamedArgs {
	return pgx.NamedArgs{"killed": killed, "silent": silentFor, "gone": goneFor}
}

// ByID reads one run, or fails with [ErrNotFound].
func ByID(ctx context.Context, conn db.Conn, id uuid.UUID) (Simulation, error) {
	args := runArgs()
	args["id"] = id
	rows, err := conn.Query(ctx, selectRuns+` where s.id = @id`, args)
	if err != nil {
		return Simulation{}, fmt.Errorf("read simulation %s: %w", id, err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, scanRun)
	if errors.Is(err, pgx.ErrNoRows) {
		return Simulation{}, ErrNotFound
	}
	if err != nil {
		return Simulation{}, fmt.Errorf("read simulation %s: %w", id, err)
	}
	return s, nil
}

// Runs is one page of simulations.
type Runs struct {
	Simulations        []Simulation
	Total, Page, Pages int
}

// List reads the runs of one event, or of all for uuid.Nil, newest first.
// Pages count from 1; a page beyond the last is the last.
func List(ctx context.Context, conn db.Conn, eventID uuid.UUID, page int) (Runs, error) {
	const found = ` where @event::uuid is null or s.event_id = @event`
	args := runArgs()
	args["event"] = uuid.NullUUID{UUID: eventID, Valid: eventID != uuid.Nil}

	var list Runs
	err := conn.QueryRow(ctx, `select count(*) from simulations s`+found, args).Scan(&list.Total)
	if err != nil {
		return Runs{}, fmt.Errorf("count simulations: %w", err)
	}
	list.Pages = max(1, (list.Total+PerPage-1)/PerPage)
	list.Page = min(max(1, page), list.Pages)
	args["limit"], args["offset"] = PerPage, (list.Page-1)*PerPage

	rows, err := conn.Query(ctx, selectRuns+found+` order by s.id desc limit @limit offset @offset`, args)
	if err != nil {
		return Runs{}, fmt.Errorf("list simulations: %w", err)
	}
	list.Simulations, err = pgx.CollectRows(rows, scanRun)
	if err != nil {
		return Runs{}, fmt.Errorf("list simulations: %w", err)
	}
	return list, nil
}

// choicesLimit bounds how many events a form offers.
const choicesLimit = 200

// Choices lists the events that a form offers to simulate: the published ones
// that have not started, the soonest first. A rehearsal of any other event is
// possible too.
func Choices(ctx context.Context, conn db.Conn, now time.Time) ([]event.Event, error) {
	rows, err := conn.Query(ctx, `
		select `+event.Columns+` from events e join users o on o.id = e.organizer_id
		where e.status = 'published' and e.starts_at > $1 and e.simulation_id is null
		order by e.starts_at, e.id limit $2`, now, choicesLimit)
	if err != nil {
		return nil, fmt.Errorf("list the events to choose from: %w", err)
	}
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (event.Event, error) {
		var e event.Event
		err := row.Scan(e.Fields()...)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("list the events to choose from: %w", err)
	}
	return events, nil
}

func scanRun(row pgx.CollectableRow) (Simulation, error) {
	var s Simulation
	var results []byte
	err := row.Scan(&s.ID, &s.Name, &s.ComparisonID, &s.EventID, &s.EventTitle, &s.RehearsalID, &s.StartedBy, &s.StartedByName, &s.Target, &s.Strategy,
		&s.State, &s.Failure, &s.Phase,
		&s.Users, &s.Seats, &s.Answered, &s.Tally.Registered, &s.Tally.Waitlisted, &s.Tally.Failed, &s.Tally.SeatsRemaining, &s.Tally.Overbooked,
		&results, &s.StartedAt, &s.FinishedAt, &s.UndoneAt, &s.Stopped)
	if err != nil {
		return Simulation{}, err
	}
	if err := json.Unmarshal(results, &s.Results); err != nil {
		return Simulation{}, fmt.Errorf("read the results of simulation %s: %w", s.ID, err)
	}
	s.Results.ofAnswersOnly(s.Tally.Registered + s.Tally.Waitlisted)
	return s, nil
}
