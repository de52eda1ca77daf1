package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/db"
)

// PerPage is how many lines [List] returns unless asked for another number.
const PerPage = 50

// A Line is an entry as people read it, with the names that its ids stand for
// where they are still known.
type Line struct {
	Entry
	ActorName, UserName, EventTitle string
	// OriginalTitle is the title of the event that the event is a copy of.
	OriginalTitle string
}

// A Filter narrows what is read of the log. Its zero value is the newest page
// of everything that real people did.
type Filter struct {
	// Person, where set, acted or was acted upon.
	Person uuid.UUID
	Event  uuid.UUID
	Action Action
	// Simulation, where set, reads what that simulation's made-up people did
	// instead: nothing else ever shows it.
	Simulation uuid.UUID
	// Before, where set, is the ID of the last line of the page before.
	Before uuid.UUID
	// Limit is the number of lines at most, PerPage where it is 0. Asking for
	// one more than is shown tells whether there are older lines.
	Limit int
}

// List reads the log, newest first.
func List(ctx context.Context, conn db.Conn, f Filter) ([]Line, error) {
	if f.Limit == 0 {
		f.Limit = PerPage
	}
	rows, err := conn.Query(ctx, f.query(), f.args())
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	lines, err := pgx.CollectRows(rows, scanLine)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return lines, nil
}

// query joins the names to one page of lines, after the page was cut.
//
// A person's lines are cut twice, once as the person it happened to and once
// as the one who did it to others, because each half then has an index of its
// own. What one did to others may be long, and is walked until the limit; what
// happened to one person is not, and is sorted.
func (f Filter) query() string {
	page := "select * from audit_log where " + f.where() + order
	if f.Person != uuid.Nil {
		page = fmt.Sprintf(`
			select * from (
				(select * from audit_log where user_id = @person and %[1]s %[2]s)
				union all
				(select * from audit_log where actor_id = @person and actor_id is distinct from user_id and %[1]s %[2]s)
			) halves %[2]s`, f.where(), order)
	}
	return `
		select l.id, l.at, coalesce(l.actor_id, @nil), l.action, l.entity_type, l.entity_id,
		       coalesce(l.event_id, @nil), coalesce(l.user_id, @nil), l.detail, coalesce(l.simulation_id, @nil),
		       coalesce(actor.name, ''), coalesce(person.name, ''), coalesce(e.title, ''), coalesce(original.title, '')
		from (` + page + `) l
		left join users actor  on actor.id  = l.actor_id
		left join users person on person.id = l.user_id
		left join events e     on e.id      = l.event_id
		left join events original on original.id = case when l.action = @created then (l.detail->>'copy_of')::uuid end
		order by l.id desc`
}

// order puts the newest first: an entry's id begins with its time.
const order = " order by id desc limit @limit"

// Two actions make up most of a log, and are in no index: they are looked for
// line by line, from the newest. Where one of them is rare after all, that takes
// a tenth of a second or two for each million lines.
var (
	common = []string{string(SeatConfirmed), string(LineJoined)}
	rare   = "action not in ('" + strings.Join(common, "', '") + "')"
)

func (f Filter) where() string {
	// The primary key has the one condition, the other indexes have the other.
	conditions := []string{"not simulated", "simulation_id is null"}
	if f.Simulation != uuid.Nil {
		conditions = []string{"simulation_id = @simulation"}
	}
	if f.Event != uuid.Nil {
		conditions = append(conditions, "event_id = @event")
	}
	if f.Action != "" {
		conditions = append(conditions, "action = @action")
		if !slices.Contains(common, string(f.Action)) {
			conditions = append(conditions, rare)
		}
	}
	if f.Before != uuid.Nil {
		conditions = append(conditions, "id < @before")
	}
	return strings.Join(conditions, " and ")
}

func (f Filter) args() pgx.NamedArgs {
	return pgx.NamedArgs{
		"person": f.Person, "event": f.Event, "action": string(f.Action), "simulation": f.Simulation,
		"before": f.Before, "limit": f.Limit, "nil": uuid.Nil,
		"created": string(EventCreated),
	}
}

func scanLine(row pgx.CollectableRow) (Line, error) {
	var l Line
	err := row.Scan(&l.ID, &l.At, &l.Actor, &l.Action, &l.Entity, &l.EntityID,
		&l.Event, &l.User, &l.Detail, &l.Simulation,
		&l.ActorName, &l.UserName, &l.EventTitle, &l.OriginalTitle)
	return l, err
}
