package account

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/audit"
	"rowlock/db"
)

// A Store reads and changes people and their sessions. Every change to a
// person writes its line of the audit log in its own transaction.
type Store struct {
	conn     db.Conn
	hasher   *Hasher
	sessions *db.Lookup[sessionKey, *User]
}

// NewStore makes a store. One hasher serves a whole program, however many
// stores it has.
func NewStore(conn db.Conn, hasher *Hasher) *Store {
	s := &Store{conn: conn, hasher: hasher}
	s.sessions = db.NewLookup(s.findSessions)
	return s
}

// userColumns are what [User.fields] scans, of a table named u.
const userColumns = `u.id, u.name, u.email, u.role, u.is_active, u.created_at`

func (u *User) fields() []any {
	return []any{&u.ID, &u.Name, &u.Email, &u.Role, &u.IsActive, &u.CreatedAt}
}

// ByID finds a person, or fails with [ErrNotFound]. The made-up people of a
// simulation are nobody.
func (s *Store) ByID(ctx context.Context, id uuid.UUID) (User, error) {
	var u User
	err := s.conn.QueryRow(ctx, `select `+userColumns+` from users u where u.id = $1 and u.simulation_id is null`, id).Scan(u.fields()...)
	if errors.Is(err, pgx.ErrNoRows) {
		return User{}, ErrNotFound
	}
	if err != nil {
		return User{}, fmt.Errorf("find person %s: %w", id, err)
	}
	return u, nil
}

// SignUp is what a person types to sign up.
type SignUp struct {
	Name, Email, Password string
}

// SignUp makes an attendee. It fails with an [*InvalidError], [ErrEmailTaken]
// or [ErrBusy].
func (s *Store) SignUp(ctx context.Context, in SignUp) (User, error) {
	if err := checkNew(in); err != nil {
		return User{}, err
	}
	return s.create(ctx, NewUser{in.Name, in.Email, in.Password, Attendee}, audit.Entry{Action: audit.SignedUp})
}

// CreateAdmin makes an admin without anybody's leave, for the command line.
// It fails as [Store.SignUp] does.
func (s *Store) CreateAdmin(ctx context.Context, name, email, password string) (User, error) {
	in := SignUp{Name: name, Email: email, Password: password}
	if err := checkNew(in); err != nil {
		return User{}, err
	}
	return s.CreateUser(ctx, NewUser{in.Name, in.Email, in.Password, Admin}, uuid.Nil)
}

// checkNew judges what was typed about a person to be made.
func checkNew(in SignUp) error {
	name, email := strings.TrimSpace(in.Name), strings.TrimSpace(in.Email)
	found := problems{}
	found.add("name", nameProblem(name))
	found.add("email", emailProblem(email))
	found.add("password", passwordProblem(in.Password, name, email))
	return found.err()
}

// A NewUser is a person to be made, of any role.
type NewUser struct {
	Name, Email, Password string
	Role                  Role
}

// CreateUser makes a person of any role; actor is who decided it, uuid.Nil the
// system itself. It takes any password, as a demo's is printed for all to
// read; otherwise it fails as [Store.SignUp] does.
func (s *Store) CreateUser(ctx context.Context, in NewUser, actor uuid.UUID) (User, error) {
	found := problems{}
	found.add("name", nameProblem(strings.TrimSpace(in.Name)))
	found.add("email", emailProblem(strings.TrimSpace(in.Email)))
	if err := found.err(); err != nil {
		return User{}, err
	}
	return s.create(ctx, in, audit.Entry{
		Action: audit.UserCreated,
		Actor:  actor,
		Detail: map[string]any{"role": in.Role},
	})
}

// create hashes before it borrows a connection, and lets the database judge
// whether the address is free: a look beforehand could be outrun.
func (s *Store) create(ctx context.Context, in NewUser, entry audit.Entry) (User, error) {
	hash, err := s.hasher.hash(ctx, in.Password)
	if err != nil {
		return User{}, err
	}

	u := User{ID: uuid.Must(uuid.NewV7())}
	entry.Entity, entry.EntityID, entry.User = audit.User, u.ID, u.ID
	if entry.Action == audit.SignedUp {
		entry.Actor = u.ID
	}
	err = pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			insert into users as u (id, name, email, password_hash, role)
			values ($1, $2, $3, $4, $5)
			returning `+userColumns,
			u.ID, strings.TrimSpace(in.Name), strings.TrimSpace(in.Email), hash, in.Role).Scan(u.fields()...)
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, entry)
	})
	if db.Violates(err, "users_email_key") {
		return User{}, ErrEmailTaken
	}
	if err != nil {
		return User{}, fmt.Errorf("create a person: %w", err)
	}
	return u, nil
}

// SignIn finds the person to whom email and password belong; from is where
// the attempt comes from. It fails with [ErrWrongPassword], at the same cost
// whether the address is known or not, with [ErrInactive], with a
// [*TooManyAttemptsError] without looking at the password, or with [ErrBusy].
//
// A password that was hashed with other parameters than today's is hashed
// anew.
func (s *Store) SignIn(ctx context.Context, email, password string, from netip.Addr) (User, error) {
	a := newAttempt(email, from)
	// Whoever is over the limit does not take a turn from the others.
	if err := s.checkAttempts(ctx, a); err != nil {
		return User{}, err
	}
	u, hash, err := s.findByEmail(ctx, email)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return User{}, err
	}
	if err := s.verify(ctx, a, u.ID, password, hash); err != nil {
		return User{}, err
	}
	if !u.IsActive {
		return User{}, ErrInactive
	}
	return u, nil
}

// findByEmail returns the zero user and an empty hash with [ErrNotFound].
func (s *Store) findByEmail(ctx context.Context, email string) (User, string, error) {
	var u User
	var hash string
	err := s.conn.QueryRow(ctx, `
		select `+userColumns+`, u.password_hash from users u
		where lower(u.email) = lower($1) and u.password_hash is not null`,
		strings.TrimSpace(email)).Scan(append(u.fields(), &hash)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return User{}, "", ErrNotFound
	}
	if err != nil {
		return User{}, "", fmt.Errorf("find a person by address: %w", err)
	}
	return u, hash, nil
}

// verify checks the password that an attempt gives for the person with hash,
// whose id is uuid.Nil and whose hash is empty when nobody has the address.
//
// Everything that counts happens within one turn of the hasher: the limit is
// looked at again, then the password, then the failure is written. However
// many guesses come at once, only as many as hashes run can pass the limit.
func (s *Store) verify(ctx context.Context, a attempt, userID uuid.UUID, password, hash string) error {
	return s.hasher.turn(ctx, func() error {
		if err := s.checkAttempts(ctx, a); err != nil {
			return err
		}
		known := hash != ""
		if !known {
			hash = s.hasher.dummy
		}
		match, outdated, err := s.hasher.checkNow(password, hash)
		if err != nil {
			return fmt.Errorf("sign in %s: %w", userID, err)
		}
		if !match || !known {
			return errors.Join(ErrWrongPassword, s.recordFailure(ctx, a))
		}
		if outdated {
			if err := s.rehash(ctx, userID, password, hash); err != nil {
				return err
			}
		}
		return s.forgetFailures(ctx, a)
	})
}

// rehash keeps a password under today's parameters, unless it was changed in
// the meantime.
func (s *Store) rehash(ctx context.Context, userID uuid.UUID, password, old string) error {
	hash, err := s.hasher.hashNow(password)
	if err != nil {
		return err
	}
	_, err = s.conn.Exec(ctx, `update users set password_hash = $3 where id = $1 and password_hash = $2`, userID, old, hash)
	if err != nil {
		return fmt.Errorf("hash the password of %s anew: %w", userID, err)
	}
	return nil
}

// Rename changes a person's own name. It fails with an [*InvalidError] or
// [ErrNotFound].
func (s *Store) Rename(ctx context.Context, userID uuid.UUID, name string) error {
	name = strings.TrimSpace(name)
	found := problems{}
	found.add("name", nameProblem(name))
	if err := found.err(); err != nil {
		return err
	}

	err := pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
		var old string
		err := tx.QueryRow(ctx, `select name from users where id = $1 for no key update`, userID).Scan(&old)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil || old == name {
			return err
		}
		if _, err := tx.Exec(ctx, `update users set name = $2 where id = $1`, userID, name); err != nil {
			return err
		}
		return audit.Write(ctx, tx, ownChange(audit.UserRenamed, userID, map[string]any{"from": old, "to": name}))
	})
	if err != nil {
		return fmt.Errorf("rename %s: %w", userID, err)
	}
	return nil
}

// A PasswordChange is a person's wish for a new password.
type PasswordChange struct {
	UserID       uuid.UUID
	Current, New string
	// SessionID is the session that asks, the only one that stays.
	SessionID uuid.UUID
	// From is where the wish comes from: guessing the current password is
	// limited as guessing at sign-in is.
	From netip.Addr
}

// ChangePassword gives a person a new password and ends all of their sessions
// but the one that asks. It fails with [ErrWrongPassword] when the current
// password is not theirs, with an [*InvalidError] about the field password,
// with a [*TooManyAttemptsError] or with [ErrBusy].
func (s *Store) ChangePassword(ctx context.Context, change PasswordChange) error {
	var u User
	var old string
	err := s.conn.QueryRow(ctx, `
		select `+userColumns+`, u.password_hash from users u
		where u.id = $1 and u.password_hash is not null`, change.UserID).Scan(append(u.fields(), &old)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("find person %s: %w", change.UserID, err)
	}
	found := problems{}
	found.add("password", passwordProblem(change.New, u.Name, u.Email))
	if err := found.err(); err != nil {
		return err
	}
	if err := s.verify(ctx, newAttempt(u.Email, change.From), u.ID, change.Current, old); err != nil {
		return err
	}
	return s.setPassword(ctx, change)
}

func (s *Store) setPassword(ctx context.Context, change PasswordChange) error {
	hash, err := s.hasher.hash(ctx, change.New)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `update users set password_hash = $2 where id = $1`, change.UserID, hash); err != nil {
			return err
		}
		ended, err := endSessions(ctx, tx, change.UserID, change.SessionID)
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, ownChange(audit.PasswordChanged, change.UserID, map[string]any{"sessions_ended": ended}))
	})
	if err != nil {
		return fmt.Errorf("change the password of %s: %w", change.UserID, err)
	}
	return nil
}

// ownChange is the line about what people do to themselves.
func ownChange(action audit.Action, userID uuid.UUID, detail map[string]any) audit.Entry {
	return audit.Entry{
		Action: action, Actor: userID, Entity: audit.User, EntityID: userID, User: userID, Detail: detail,
	}
}
