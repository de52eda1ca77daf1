package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/audit"
	"rowlock/db"
)

// PerPage is how many people [Store.List] returns at once.
const PerPage = 50

// What the management of people can be refused with, beside [ErrLastAdmin].
var (
	// ErrRole says that there is no such role.
	ErrRole = errors.New("no such role")
	// ErrAmbiguous says that several people have the name that was looked for.
	ErrAmbiguous = errors.New("several people have this name")
)

// Roles lists every role, from the least to the most.
func Roles() []Role { return []Role{Attendee, Organizer, Admin} }

// Valid tells whether there is such a role.
func (r Role) Valid() bool { return r == Attendee || r == Organizer || r == Admin }

// A Filter narrows the list of people.
type Filter struct {
	// Query is looked for in names and email addresses, in any case, with or
	// without accents.
	Query string
	// Role, where set, is the only one listed.
	Role Role
	// Page counts from 1. A page beyond the last is the last.
	Page int
}

// A UserList is one page of people by name.
type UserList struct {
	Users              []User
	Total, Page, Pages int
}

// List finds people. Those whom a simulation made up are never among them.
func (s *Store) List(ctx context.Context, f Filter) (UserList, error) {
	const found = `
		from users u
		where u.simulation_id is null
		  and (@role = '' or u.role = @role)
		  and (@query = '' or u.name ~ @query or u.email ~ @query)`
	args := pgx.NamedArgs{"role": string(f.Role), "query": db.Pattern(strings.TrimSpace(f.Query)), "limit": PerPage}

	var list UserList
	if err := s.conn.QueryRow(ctx, `select count(*)`+found, args).Scan(&list.Total); err != nil {
		return UserList{}, fmt.Errorf("count people: %w", err)
	}
	list.Pages = max(1, (list.Total+PerPage-1)/PerPage)
	list.Page = min(max(1, f.Page), list.Pages)
	args["offset"] = (list.Page - 1) * PerPage

	rows, err := s.conn.Query(ctx, `
		select `+userColumns+found+`
		order by lower(u.name), u.id limit @limit offset @offset`, args)
	if err != nil {
		return UserList{}, fmt.Errorf("list people: %w", err)
	}
	list.Users, err = pgx.CollectRows(rows, scanUser)
	if err != nil {
		return UserList{}, fmt.Errorf("list people: %w", err)
	}
	return list, nil
}

func scanUser(row pgx.CollectableRow) (User, error) {
	var u User
	err := row.Scan(u.fields()...)
	return u, err
}

// Find looks somebody up by id, by email address or by their whole name, in
// any case. It fails with [ErrNotFound], and with [ErrAmbiguous] for a name
// that several people share.
func (s *Store) Find(ctx context.Context, text string) (User, error) {
	text = strings.TrimSpace(text)
	id, err := uuid.Parse(text)
	if err != nil {
		id = uuid.Nil
	}
	rows, err := s.conn.Query(ctx, `
		select `+userColumns+` from users u
		where u.simulation_id is null and (u.id = $1 or lower(u.email) = lower($2) or lower(u.name) = lower($2))
		-- An address is one person's own, whoever bears it as a name.
		order by lower(u.email) = lower($2) desc
		limit 2`, id, text)
	if err != nil {
		return User{}, fmt.Errorf("find a person: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanUser)
	switch {
	case err != nil:
		return User{}, fmt.Errorf("find a person: %w", err)
	case len(found) == 0:
		return User{}, ErrNotFound
	case len(found) == 2 && !strings.EqualFold(found[0].Email, text):
		return User{}, ErrAmbiguous
	}
	return found[0], nil
}

// CountActive tells how many people may sign in.
func (s *Store) CountActive(ctx context.Context) (int, error) {
	var n int
	err := s.conn.QueryRow(ctx, `select count(*) from users where is_active and simulation_id is null`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count active people: %w", err)
	}
	return n, nil
}

// A Change is what an admin makes of a person.
type Change struct {
	UserID, ActorID uuid.UUID
	// Role stays as it is where it is empty, and IsActive where it is nil.
	Role     Role
	IsActive *bool
}

// of is the person after the change.
func (c Change) of(u User) User {
	u.Role = cmp.Or(c.Role, u.Role)
	if c.IsActive != nil {
		u.IsActive = *c.IsActive
	}
	return u
}

// Manage sets a person's role and whether they may sign in. Whoever is
// deactivated is out at their next click, in every browser; they keep the seats
// they have, and from its return on are given none. It fails with
// [ErrNotFound], [ErrRole], and with [ErrLastAdmin] where nobody would be left
// to manage the system.
func (s *Store) Manage(ctx context.Context, c Change) error {
	if c.Role != "" && !c.Role.Valid() {
		return ErrRole
	}
	err := pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
		admins, err := countAdmins(ctx, tx)
		if err != nil {
			return err
		}
		was, err := lockUser(ctx, tx, c.UserID)
		if err != nil {
			return err
		}
		becomes := c.of(was)
		staysAdmin := becomes.IsAdmin() && becomes.IsActive
		if was.IsAdmin() && was.IsActive && !staysAdmin && admins == 1 {
			return ErrLastAdmin
		}
		return applyChange(ctx, tx, was, becomes, c.ActorID)
	})
	if err != nil {
		return fmt.Errorf("manage person %s: %w", c.UserID, err)
	}
	return nil
}

// countAdmins counts the active admins, and keeps everybody else from changing
// people until tx ends. Two admins who demote each other at the same moment
// meet here: the second waits, and then counts one admin less.
func countAdmins(ctx context.Context, tx pgx.Tx) (n int, err error) {
	// Not the rows of the admins: whoever holds several people's rows could
	// wait in a circle with bookings, which hold those of everyone they are for.
	if _, err = tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('rowlock people', 0))`); err != nil {
		return 0, fmt.Errorf("wait for other changes of people: %w", err)
	}
	if err = tx.QueryRow(ctx, `select count(*) from users where role = 'admin' and is_active`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the admins: %w", err)
	}
	return n, nil
}

// lockUser waits for bookings under way that are for the person, and keeps
// later ones waiting until tx ends: what they give, they give before the
// change, or knowing of it.
func lockUser(ctx context.Context, tx pgx.Tx, id uuid.UUID) (User, error) {
	var u User
	err := tx.QueryRow(ctx, `
		select `+userColumns+` from users u
		where u.id = $1 and u.simulation_id is null for update`, id).Scan(u.fields()...)
	if errors.Is(err, pgx.ErrNoRows) {
		return User{}, ErrNotFound
	}
	if err != nil {
		return User{}, fmt.Errorf("lock the person: %w", err)
	}
	return u, nil
}

func applyChange(ctx context.Context, tx pgx.Tx, was, becomes User, actorID uuid.UUID) error {
	if _, err := tx.Exec(ctx, `update users set role = $2, is_active = $3 where id = $1`, was.ID, becomes.Role, becomes.IsActive); err != nil {
		return fmt.Errorf("update the person: %w", err)
	}
	if !becomes.IsActive {
		if _, err := tx.Exec(ctx, `delete from sessions where user_id = $1`, was.ID); err != nil {
			return fmt.Errorf("end the person's sessions: %w", err)
		}
	}
	return audit.Write(ctx, tx, changeEntries(was, becomes, actorID)...)
}

func changeEntries(was, becomes User, actorID uuid.UUID) []audit.Entry {
	about := audit.Entry{Actor: actorID, Entity: audit.User, EntityID: was.ID, User: was.ID}
	var entries []audit.Entry
	if was.Role != becomes.Role {
		e := about
		e.Action, e.Detail = audit.RoleChanged, map[string]any{"role": map[string]any{"from": was.Role, "to": becomes.Role}}
		entries = append(entries, e)
	}
	if was.IsActive != becomes.IsActive {
		e := about
		e.Action = audit.UserActivated
		if !becomes.IsActive {
			e.Action = audit.UserDeactivated
		}
		e.Detail = map[string]any{"is_active": map[string]any{"from": was.IsActive, "to": becomes.IsActive}}
		entries = append(entries, e)
	}
	return entries
}
