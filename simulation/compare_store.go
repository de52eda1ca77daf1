package simulation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/db"
)

// selectComparisons reads a killed comparison as failed even before anybody
// has written that down.
const selectComparisons = `
	select c.id, c.name, c.event_id, c.event_title, c.started_by, coalesce(u.name, ''), c.strategies, c.users, c.seats, coalesce(c.patience, interval '0'),
	       case when dead then 'failed' else c.state end, case when dead then @killed else c.failure end, c.started_at, c.finished_at,
	       c.stopped_by is not null
	from (select *, ` + isDead + ` as dead from comparisons) c
	left join users u on u.id = c.started_by`

// ComparisonByID reads one comparison with its runs, or fails with
// [ErrNoComparison].
func ComparisonByID(ctx context.Context, conn db.Conn, id uuid.UUID) (Comparison, error) {
	args := runArgs()
	args["id"] = id
	c, err := queryOne(ctx, conn, selectComparisons+` where c.id = @id`, args, scanComparison)
	if errors.Is(err, pgx.ErrNoRows) {
		return Comparison{}, ErrNoComparison
	}
	if err != nil {
		return Comparison{}, fmt.Errorf("read comparison %s: %w", id, err)
	}
	if c.Runs, err = queryAll(ctx, conn, selectRuns+` where s.comparison_id = @id order by s.id`, args, scanRun); err != nil {
		return Comparison{}, fmt.Errorf("read the runs of comparison %s: %w", id, err)
	}
	return c, nil
}

// ComparisonList is one page of comparisons.
type ComparisonList struct {
	Comparisons        []Comparison
	Total, Page, Pages int
}

// Comparisons lists the comparisons without their runs, newest first. Pages
// count from 1; a page beyond the last is the last.
func Comparisons(ctx context.Context, conn db.Conn, page int) (ComparisonList, error) {
	var list ComparisonList
	if err := conn.QueryRow(ctx, `select count(*) from comparisons`).Scan(&list.Total); err != nil {
		return ComparisonList{}, fmt.Errorf("count comparisons: %w", err)
	}
	list.Pages = max(1, (list.Total+PerPage-1)/PerPage)
	list.Page = min(max(1, page), list.Pages)
	args := runArgs()
	args["limit"], args["offset"] = PerPage, (list.Page-1)*PerPage
	var err error
	list.Comparisons, err = queryAll(ctx, conn, selectComparisons+` order by c.id desc limit @limit offset @offset`, args, scanComparison)
	if err != nil {
		return ComparisonList{}, fmt.Errorf("list comparisons: %w", err)
	}
	return list, nil
}

// ByIDs reads runs in the order in which they are named, each once. It fails
// with [ErrNotFound] when there is one that is not.
func ByIDs(ctx context.Context, conn db.Conn, ids []uuid.UUID) ([]Simulation, error) {
	args := runArgs()
	args["ids"] = ids
	found, err := queryAll(ctx, conn, selectRuns+` where s.id = any(@ids)`, args, scanRun)
	if err != nil {
		return nil, fmt.Errorf("read %d simulations: %w", len(ids), err)
	}
	byID := map[uuid.UUID]Simulation{}
	for _, s := range found {
		byID[s.ID] = s
	}
	var runs []Simulation
	taken := map[uuid.UUID]bool{}
	for _, id := range ids {
		s, ok := byID[id]
		if !ok {
			return nil, ErrNotFound
		}
		if !taken[id] {
			runs = append(runs, s)
		}
		taken[id] = true
	}
	return runs, nil
}

// Rename gives a run another name, or none when it is empty. It fails with
// [ErrName] and [ErrNotFound].
func Rename(ctx context.Context, conn db.Conn, id uuid.UUID, name string) error {
	name = strings.TrimSpace(name)
	if len([]rune(name)) > MaxName {
		return ErrName
	}
	tag, err := conn.Exec(ctx, `update simulations set name = $2 where id = $1`, id, name)
	if err != nil {
		return fmt.Errorf("rename simulation %s: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNotFound
	}
	return nil
}

// RenameComparison gives a comparison another name. It fails with [ErrName]
// and [ErrNoComparison].
func RenameComparison(ctx context.Context, conn db.Conn, id uuid.UUID, name string) error {
	name = strings.TrimSpace(name)
	if n := len([]rune(name)); n < 1 || n > MaxName {
		return ErrName
	}
	tag, err := conn.Exec(ctx, `update comparisons set name = $2 where id = $1`, id, name)
	if err != nil {
		return fmt.Errorf("rename comparison %s: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNoComparison
	}
	return nil
}

func scanComparison(row pgx.CollectableRow) (Comparison, error) {
	var c Comparison
	err := row.Scan(&c.ID, &c.Name, &c.EventID, &c.EventTitle, &c.StartedBy, &c.StartedByName, &c.Strategies, &c.Users, &c.Seats, &c.Patience,
		&c.State, &c.Failure, &c.StartedAt, &c.FinishedAt, &c.Stopped)
	return c, err
}

func queryAll[T any](ctx context.Context, conn db.Conn, sql string, args pgx.NamedArgs, scan pgx.RowToFunc[T]) ([]T, error) {
	rows, err := conn.Query(ctx, sql, args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

func queryOne[T any](ctx context.Context, conn db.Conn, sql string, args pgx.NamedArgs, scan pgx.RowToFunc[T]) (T, error) {
	rows, err := conn.Query(ctx, sql, args)
	if err != nil {
		var none T
		return none, err
	}
	return pgx.CollectExactlyOneRow(rows, scan)
}
