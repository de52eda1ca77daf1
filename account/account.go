// Package account holds people: how they sign up and in, the sessions they
// keep, and the roles that say what they may do.
package account

import (
	"errors"
	"time"

	"github.com/google/uuid"
)

// Role says what a person may do. Each role may do all that the one before it
// may.
type Role string

// The roles. Signing up always makes an attendee.
const (
	Attendee  Role = "attendee"
	Organizer Role = "organizer"
	Admin     Role = "admin"
)

// A User is one person.
type User struct {
	ID       uuid.UUID
	Name     string
	Email    string
	Role     Role
	IsActive bool
	// CreatedAt is when the person signed up.
	CreatedAt time.Time
}

// IsOrganizer tells whether the person may manage events of their own.
func (u User) IsOrganizer() bool { return u.Role == Organizer || u.Role == Admin }

// IsAdmin tells whether the person may manage everything.
func (u User) IsAdmin() bool { return u.Role == Admin }

// MayManage tells whether the person may manage what an organizer plans: they
// are that organizer, and still one, or an admin.
func (u User) MayManage(organizerID uuid.UUID) bool {
	return u.IsAdmin() || u.IsOrganizer() && u.ID == organizerID
}

// What sign-up, sign-in and the management of people can be refused with.
var (
	// ErrNotFound says that there is no such person.
	ErrNotFound = errors.New("no such person")
	// ErrEmailTaken says that somebody has signed up with the address before.
	ErrEmailTaken = errors.New("the email address is taken")
	// ErrWrongPassword says that the address and the password do not belong
	// together, or that nobody has the address: it never says which.
	ErrWrongPassword = errors.New("wrong email address or password")
	// ErrInactive says that an admin has deactivated the person.
	ErrInactive = errors.New("the account is deactivated")
	// ErrTooManyAttempts says that too many sign-ins failed for the account or
	// from the address; see [TooManyAttemptsError] for how long to wait.
	ErrTooManyAttempts = errors.New("too many failed sign-ins")
	// ErrBusy says that too many passwords are being checked already.
	ErrBusy = errors.New("too many people are signing in at this moment")
	// ErrLastAdmin says that the change would leave nobody to manage the
	// system.
	ErrLastAdmin = errors.New("the last active admin must stay")
	// ErrNoSession says that a session does not exist, has expired or was
	// revoked.
	ErrNoSession = errors.New("no such session")
)
