package event

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/audit"
	"rowlock/db"
)

// What publishing can be refused with.
var (
	// ErrCancelled says that the event was cancelled, which is for good.
	ErrCancelled = errors.New("the event is cancelled")
	// ErrEnded says that the event is over by its own times.
	ErrEnded = errors.New("the event has ended")
)

// Columns lists, in the order of [Event.Fields], what is read of an event:
// "events e" joined with "users o", its organizer.
const Columns = `e.id, e.status, e.organizer_id, o.name,
	e.title, e.description, e.location, e.starts_at, e.ends_at, e.time_zone,
	e.registration_opens_at, e.registration_closes_at,
	e.capacity, e.seats_remaining, e.waiting, e.version, e.revision,
	e.created_at, e.updated_at, e.simulation_id`

// Fields are where a row of [Columns] is scanned into.
func (e *Event) Fields() []any {
	return []any{&e.ID, &e.Status, &e.OrganizerID, &e.OrganizerName,
		&e.Title, &e.Description, &e.Location, &e.StartsAt, &e.EndsAt, &e.TimeZone,
		&e.RegistrationOpensAt, &e.RegistrationClosesAt,
		&e.Capacity, &e.SeatsRemaining, &e.Waiting, &e.Version, &e.Revision,
		&e.CreatedAt, &e.UpdatedAt, &e.SimulationID}
}

const selectEvents = `select ` + Columns + ` from events e join users o on o.id = e.organizer_id`

// A Store reads and writes events. The private copies that simulations book
// do not exist for it.
type Store struct {
	conn db.Conn
}

// NewStore makes a store that works on conn.
func NewStore(conn db.Conn) *Store { return &Store{conn: conn} }

// ByID finds an event of any status, or fails with [ErrNotFound]. Who may see
// a draft is for the caller to decide.
func (s *Store) ByID(ctx context.Context, id uuid.UUID) (Event, error) {
	return find(ctx, s.conn, id, "")
}

func find(ctx context.Context, conn db.Conn, id uuid.UUID, lock string) (Event, error) {
	var e Event
	err := conn.QueryRow(ctx, selectEvents+` where e.id = $1 and e.simulation_id is null `+lock, id).Scan(e.Fields()...)
	if errors.Is(err, pgx.ErrNoRows) {
		return Event{}, ErrNotFound
	}
	if err != nil {
		return Event{}, fmt.Errorf("read event %s: %w", id, err)
	}
	return e, nil
}

// Create saves a new draft that belongs to actorID. [ProblemsIn] reads its
// error.
func (s *Store) Create(ctx context.Context, actorID uuid.UUID, d Details) (Event, error) {
	var e Event
	err := pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
		var err error
		e, err = insert(ctx, tx, d, actorID, actorID, nil)
		return err
	})
	if err != nil {
		return Event{}, fmt.Errorf("create an event of organizer %s: %w", actorID, err)
	}
	return e, nil
}

// Duplicate saves a new draft with the details of an event, moved by whole
// weeks as [Details.MovedAfter] tells. It belongs to the same organizer and
// has all of its seats free.
func (s *Store) Duplicate(ctx context.Context, id, actorID uuid.UUID, now time.Time) (Event, error) {
	var e Event
	err := pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
		original, err := find(ctx, tx, id, "")
		if err != nil {
			return err
		}
		e, err = insert(ctx, tx, original.MovedAfter(now), original.OrganizerID, actorID, map[string]any{"copy_of": id})
		return err
	})
	if err != nil {
		return Event{}, fmt.Errorf("duplicate event %s: %w", id, err)
	}
	return e, nil
}

func insert(ctx context.Context, tx pgx.Tx, d Details, organizerID, actorID uuid.UUID, detail map[string]any) (Event, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Event{}, fmt.Errorf("make an id: %w", err)
	}
	_, err = tx.Exec(ctx, `
		insert into events (id, title, description, location, starts_at, ends_at, time_zone,
			registration_opens_at, registration_closes_at, capacity, seats_remaining, organizer_id)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)`,
		id, d.Title, d.Description, d.Location, d.StartsAt, d.EndsAt, d.TimeZone,
		d.RegistrationOpensAt, d.RegistrationClosesAt, d.Capacity, organizerID)
	if err != nil {
		return Event{}, fmt.Errorf("insert event: %w", err)
	}
	if err := write(ctx, tx, audit.EventCreated, id, actorID, detail); err != nil {
		return Event{}, err
	}
	return find(ctx, tx, id, "")
}

// Publish opens a draft to everyone. To publish it twice is no error and
// changes nothing. It fails with [ErrNotFound], [ErrCancelled], or [ErrEnded]
// for a draft whose end is not after now.
func (s *Store) Publish(ctx context.Context, id, actorID uuid.UUID, now time.Time) (Event, error) {
	var e Event
	err := pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
		var err error
		e, err = find(ctx, tx, id, "for no key update of e")
		switch {
		case err != nil:
			return err
		case e.Status == Published:
			return nil
		case e.Status == Cancelled:
			return ErrCancelled
		case e.Ended(now):
			return ErrEnded
		}
		return publish(ctx, tx, &e, actorID)
	})
	if err != nil {
		return Event{}, fmt.Errorf("publish event %s: %w", id, err)
	}
	return e, nil
}

func publish(ctx context.Context, tx pgx.Tx, e *Event, actorID uuid.UUID) error {
	err := tx.QueryRow(ctx, `
		update events set status = 'published', updated_at = now()
		where id = $1 returning status, updated_at`, e.ID).Scan(&e.Status, &e.UpdatedAt)
	if err != nil {
		return fmt.Errorf("update event: %w", err)
	}
	return write(ctx, tx, audit.EventPublished, e.ID, actorID, nil)
}

func write(ctx context.Context, tx pgx.Tx, action audit.Action, id, actorID uuid.UUID, detail map[string]any) error {
	return audit.Write(ctx, tx, audit.Entry{
		Actor: actorID, Action: action, Entity: audit.Event, EntityID: id, Event: id, Detail: detail,
	})
}

// How many events a page of a list holds.
const (
	UpcomingPerPage = 12
	ManagedPerPage  = 20
)

// A Search narrows a list of events.
type Search struct {
	// Query holds words that all must occur, in any case and order, with or
	// without accents, in the title, location or description. The first ten
	// count.
	Query string
	// Status narrows what organizers and admins see; empty means any.
	Status Status
	// Page counts from 1. Beyond the last page is the last page.
	Page int
	Now  time.Time
}

// A List is one page of events.
type List struct {
	Events []Event
	// Total counts the events on all pages.
	Total int
	// Page is the page shown, of Pages; both are 1 when there are no events.
	Page, Pages int
}

// Upcoming lists what everyone may see and come to: published events that
// have not started, the soonest first.
func (s *Store) Upcoming(ctx context.Context, q Search) (List, error) {
	return s.list(ctx, `e.status = 'published' and e.starts_at > $1`, `e.starts_at, e.id`, UpcomingPerPage, q, q.Now)
}

// OfOrganizer lists the events of one organizer, drafts included: those to
// come first, the soonest at the top, then those that are over, the latest at
// the top.
func (s *Store) OfOrganizer(ctx context.Context, organizerID uuid.UUID, q Search) (List, error) {
	return s.list(ctx, `e.organizer_id = $2 and ($3 = '' or e.status = $3)`, managedOrder, ManagedPerPage, q, q.Now, organizerID, string(q.Status))
}

// All lists the events of every organizer for admins, in the order of
// [Store.OfOrganizer].
func (s *Store) All(ctx context.Context, q Search) (List, error) {
	return s.list(ctx, `($2 = '' or e.status = $2)`, managedOrder, ManagedPerPage, q, q.Now, string(q.Status))
}

const managedOrder = `e.ends_at <= $1, case when e.ends_at > $1 then e.starts_at end, e.starts_at desc, e.id`

// list reads one page of the events that condition and q.Query leave. The
// count comes first, so that a page beyond the end becomes the last one.
func (s *Store) list(ctx context.Context, condition, order string, perPage int, q Search, args ...any) (List, error) {
	where := ` where e.simulation_id is null and ` + condition
	// Without a search no text is read.
	if words := patterns(q.Query); len(words) > 0 {
		args = append(args, words)
		where += fmt.Sprintf(` and concat_ws(E'\n', e.title, e.location, e.description) ~ all ($%d)`, len(args))
	}

	l := List{Page: 1, Pages: 1}
	// Where only the order uses $1, the count still has to say what it is.
	count := `select count(*) from events e` + where + ` and $1::timestamptz is not null`
	if err := s.conn.QueryRow(ctx, count, args...).Scan(&l.Total); err != nil {
		return List{}, fmt.Errorf("count events: %w", err)
	}
	if l.Total == 0 {
		return l, nil
	}
	l.Pages = (l.Total + perPage - 1) / perPage
	l.Page = min(max(q.Page, 1), l.Pages)

	rows, err := s.conn.Query(ctx, selectEvents+where+fmt.Sprintf(` order by %s limit %d offset %d`, order, perPage, (l.Page-1)*perPage), args...)
	if err != nil {
		return List{}, fmt.Errorf("list events: %w", err)
	}
	l.Events, err = pgx.CollectRows(rows, scan)
	if err != nil {
		return List{}, fmt.Errorf("list events: %w", err)
	}
	return l, nil
}

func scan(row pgx.CollectableRow) (Event, error) {
	var e Event
	err := row.Scan(e.Fields()...)
	return e, err
}

// patterns makes one pattern of each word, all of which must match.
func patterns(query string) []string {
	words := strings.Fields(query)
	words = words[:min(len(words), 10)]
	for i, word := range words {
		words[i] = db.Pattern(word)
	}
	return words
}
