// Package audit keeps the append-only log of who changed what: every change to
// events, seats, people and roles writes its entries in its own transaction,
// and the database refuses to change them or to delete them afterwards. Only
// what a simulation's made-up people did goes with the simulation.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rowlock/db"
)

// Action names what happened, as "thing.happened".
type Action string

// The actions that Rowlock writes.
const (
	SignedUp          Action = "user.signed_up"
	UserCreated       Action = "user.created"
	UserRenamed       Action = "user.renamed"
	PasswordChanged   Action = "user.password_changed"
	RoleChanged       Action = "user.role_changed"
	UserActivated     Action = "user.activated"
	UserDeactivated   Action = "user.deactivated"
	EventCreated      Action = "event.created"
	EventEdited       Action = "event.edited"
	EventPublished    Action = "event.published"
	EventCancelled    Action = "event.cancelled"
	SeatConfirmed     Action = "registration.confirmed"
	SeatPromoted      Action = "registration.promoted"
	SeatCancelled     Action = "registration.cancelled"
	SeatRemoved       Action = "registration.removed"
	LineJoined        Action = "waitlist_entry.joined"
	LineLeft          Action = "waitlist_entry.left"
	LineRemoved       Action = "waitlist_entry.removed"
	SimulationStarted Action = "simulation.started"
	SimulationStopped Action = "simulation.stopped"
	SimulationRemoved Action = "simulation.removed"
	SimulationUndone  Action = "simulation.undone"
	SimulationDeleted Action = "simulation.deleted"
)

// Actions lists every action, in the order in which a person would look for
// one.
func Actions() []Action {
	return []Action{
		SeatConfirmed, SeatPromoted, SeatCancelled, SeatRemoved, LineJoined, LineLeft, LineRemoved,
		EventCreated, EventEdited, EventPublished, EventCancelled,
		SignedUp, UserCreated, UserRenamed, PasswordChanged, RoleChanged, UserActivated, UserDeactivated,
		SimulationStarted, SimulationStopped, SimulationRemoved, SimulationUndone, SimulationDeleted,
	}
}

// Entity names the kind of thing that changed.
type Entity string

// The things that are logged. They are the values that the database accepts.
const (
	User          Entity = "user"
	Event         Entity = "event"
	Registration  Entity = "registration"
	WaitlistEntry Entity = "waitlist_entry"
	Simulation    Entity = "simulation"
)

// An Entry is one line of the log.
type Entry struct {
	// ID is made by [Write] when it is zero.
	ID uuid.UUID
	// At is the time of writing when it is zero.
	At time.Time
	// Actor did it; uuid.Nil is the system itself.
	Actor    uuid.UUID
	Action   Action
	Entity   Entity
	EntityID uuid.UUID
	// Event and User are what and whom it is about, uuid.Nil where it is
	// about none.
	Event, User uuid.UUID
	// Detail is what the log says beside that, kept as JSON: old and new
	// values, numbers. Never a secret.
	Detail map[string]any
	// Simulation marks what a simulation's made-up people did.
	Simulation uuid.UUID
}

// Write adds entries to the log. Give it the transaction that makes the
// change.
func Write(ctx context.Context, conn db.Conn, entries ...Entry) error {
	statements, err := Statements(entries)
	if err != nil {
		return err
	}
	for _, w := range statements {
		if _, err := conn.Exec(ctx, w.SQL, w.Args...); err != nil {
			return fmt.Errorf("write %d audit entries: %w", len(entries), err)
		}
	}
	return nil
}

// Statements write entries, for a transaction that sends all of its writes at
// once: one statement for all that tell the same of other people.
func Statements(entries []Entry) ([]db.Statement, error) {
	now := time.Now()
	var all []*subjects // in the order in which their kinds come first
	byKind := map[kind]*subjects{}
	var last *subjects // neighbours are mostly of one kind
	for i := range entries {
		k, err := entries[i].kind(now)
		if err != nil {
			return nil, err
		}
		if last == nil || last.kind != k {
			last = byKind[k]
		}
		if last == nil {
			last = newSubjects(k, len(entries)-i)
			all, byKind[k] = append(all, last), last
		}
		last.add(&entries[i])
	}
	statements := make([]db.Statement, len(all))
	for i, s := range all {
		statements[i] = s.insert()
	}
	return statements, nil
}

// A kind is what entries share that differ in nothing but their subject: what a
// thousand people did in one moment goes to the database once.
type kind struct {
	at                time.Time
	action            Action
	entity            Entity
	event, simulation uuid.UUID
	detail            string
	// byThemselves tells that whoever it is about did it.
	byThemselves bool
}

func (e *Entry) kind(now time.Time) (kind, error) {
	k := kind{e.At, e.Action, e.Entity, e.Event, e.Simulation, "{}", e.Actor == e.User}
	if k.at.IsZero() {
		k.at = now
	}
	if len(e.Detail) > 0 {
		text, err := json.Marshal(e.Detail)
		if err != nil {
			return k, fmt.Errorf("write the detail of %s: %w", e.Action, err)
		}
		k.detail = string(text)
	}
	return k, nil
}

// subjects are the entries of one kind, column by column.
type subjects struct {
	kind
	ids, entityIDs []uuid.UUID
	actors, users  []uuid.NullUUID
}

func newSubjects(k kind, most int) *subjects {
	s := &subjects{
		kind: k,
		ids:  make([]uuid.UUID, 0, most), entityIDs: make([]uuid.UUID, 0, most), users: make([]uuid.NullUUID, 0, most),
	}
	if !k.byThemselves {
		s.actors = make([]uuid.NullUUID, 0, most)
	}
	return s
}

func (s *subjects) add(e *Entry) {
	id := e.ID
	if id == uuid.Nil {
		id = uuid.Must(uuid.NewV7())
	}
	s.ids, s.entityIDs, s.users = append(s.ids, id), append(s.entityIDs, e.EntityID), append(s.users, orNull(e.User))
	if !s.byThemselves {
		s.actors = append(s.actors, orNull(e.Actor))
	}
}

const insertSubjects = `
insert into audit_log (at, action, entity_type, event_id, simulation_id, detail, id, entity_id, user_id, actor_id)
select $1, $2, $3, $4, $5, $6, `

func (s *subjects) insert() db.Statement {
	args := []any{s.at, string(s.action), string(s.entity), orNull(s.event), orNull(s.simulation), s.detail, s.ids, s.entityIDs, s.users}
	if s.byThemselves {
		return db.Statement{SQL: insertSubjects + `*, user_id
from unnest($7::uuid[], $8::uuid[], $9::uuid[]) as s (id, entity_id, user_id)`, Args: args}
	}
	return db.Statement{SQL: insertSubjects + `* from unnest($7::uuid[], $8::uuid[], $9::uuid[], $10::uuid[])`, Args: append(args, s.actors)}
}

func orNull(id uuid.UUID) uuid.NullUUID {
	return uuid.NullUUID{UUID: id, Valid: id != uuid.Nil}
}
