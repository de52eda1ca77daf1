// Package audit keeps the append-only log of who changed what: every change to
// events, seats, people and roles writes its entries in its own transaction,
// and the database refuses to change or delete them afterwards.
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
		SimulationStarted, SimulationStopped, SimulationUndone, SimulationDeleted,
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

// Write adds entries to the log, in one statement. Give it the transaction
// that makes the change.
func Write(ctx context.Context, conn db.Conn, entries ...Entry) error {
	if len(entries) == 0 {
		return nil
	}
	sql, args, err := Statement(entries)
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("write %d audit entries: %w", len(entries), err)
	}
	return nil
}

// Statement is the one statement that writes entries, for a transaction that
// sends all of its writes at once. There must be at least one entry.
func Statement(entries []Entry) (sql string, args []any, err error) {
	args, err = columns(entries)
	return insert, args, err
}

const insert = `
insert into audit_log (id, at, actor_id, action, entity_type, entity_id, event_id, user_id, detail, simulation_id)
select * from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::uuid[], $9::text[]::jsonb[], $10::uuid[])`

func columns(entries []Entry) ([]any, error) {
	n := len(entries)
	ids, ats := make([]uuid.UUID, n), make([]time.Time, n)
	actors, entityIDs, events, users, simulations := make([]uuid.NullUUID, n), make([]uuid.UUID, n), make([]uuid.NullUUID, n), make([]uuid.NullUUID, n), make([]uuid.NullUUID, n)
	actions, entities, details := make([]string, n), make([]string, n), make([]string, n)

	now := time.Now()
	for i, e := range entries {
		if e.ID == uuid.Nil {
			e.ID = uuid.Must(uuid.NewV7())
		}
		if e.At.IsZero() {
			e.At = now
		}
		details[i] = "{}"
		if len(e.Detail) > 0 {
			text, err := json.Marshal(e.Detail)
			if err != nil {
				return nil, fmt.Errorf("write the detail of %s: %w", e.Action, err)
			}
			details[i] = string(text)
		}
		ids[i], ats[i] = e.ID, e.At
		actions[i], entities[i], entityIDs[i] = string(e.Action), string(e.Entity), e.EntityID
		actors[i], events[i], users[i], simulations[i] = orNull(e.Actor), orNull(e.Event), orNull(e.User), orNull(e.Simulation)
	}
	return []any{ids, ats, actors, actions, entities, entityIDs, events, users, details, simulations}, nil
}

func orNull(id uuid.UUID) uuid.NullUUID {
	return uuid.NullUUID{UUID: id, Valid: id != uuid.Nil}
}
