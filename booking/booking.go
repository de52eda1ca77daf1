// Package booking gives out seats. It is the heart of Rowlock, and it keeps
// one promise: an event never has more confirmed people than seats, nobody in
// line is skipped, and an answer is given only when PostgreSQL has it for good.
//
// Every change of seats goes through a [Desk]. Requests for one event queue in
// memory in the order of their arrival; one worker at a time takes the whole
// queue, locks the event's row once, decides, writes everything in a few
// statements, commits, and answers each caller. The busier an event, the
// larger the groups, so that a rush costs little more than a trickle.
package booking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Standing says how a person stands to an event.
type Standing string

// The standings. They are also the words that pages and scripts read.
const (
	None       Standing = "none"
	Confirmed  Standing = "confirmed"
	Waitlisted Standing = "waitlisted"
	Cancelled  Standing = "cancelled"
)

// A Request is one person's wish about one event.
type Request struct {
	EventID uuid.UUID
	UserID  uuid.UUID
	// SessionID, where it is set, is the person's session that asks. The desk
	// checks in the transaction that books that it is not over, so whoever
	// asks may have learnt a while ago whose it is.
	SessionID uuid.UUID
}

// An Answer tells what became of a request. It is given after the commit: what
// it says is durable.
type Answer struct {
	// Standing is how the person stands to the event now.
	Standing Standing
	// Already is set when the request changed nothing, because the person
	// stood there before.
	Already bool
	// Position is the number that the person drew on arrival. Numbers of one
	// event grow in the order of arrival and are never used again.
	Position int
	// Place is the place in line of somebody who just joined it; 1 is next.
	// It is 0 for everyone else: [Find] counts a place at any time.
	Place int
	// RegistrationID names the seat of somebody who is confirmed.
	RegistrationID uuid.UUID
	// Seats are the event's right after this answer was decided, and before
	// the next was.
	Seats Seats
}

// Seats sum up how full an event is.
type Seats struct {
	Capacity, Remaining, Waiting int
}

// A Booker is a strategy that makes booking safe: the desk's groups, or one of
// the ways it is compared with.
type Booker interface {
	// Book gives the person a seat, or the end of the line when none is left.
	// It refuses with one of this package's errors.
	Book(ctx context.Context, r Request) (Answer, error)
}

// What a request can be refused with. Nothing has changed then, but after
// [ErrOutcomeUnknown].
var (
	// ErrNoEvent says that there is no such event, or that it is a draft.
	ErrNoEvent = errors.New("no such event")
	// ErrNoPerson says that there is no such person.
	ErrNoPerson = errors.New("no such person")
	// ErrInactive says that the person's account is deactivated.
	ErrInactive = errors.New("the account is deactivated")
	// ErrSignedOut says that the session that asks is over, or its person's
	// account deactivated.
	ErrSignedOut = errors.New("the session is over")
	// ErrDraft says that the event was never published.
	ErrDraft = errors.New("the event is a draft")
	// ErrEventCancelled says that the event will not take place.
	ErrEventCancelled = errors.New("the event is cancelled")
	// ErrStarted says that the event has begun.
	ErrStarted = errors.New("the event has started")
	// ErrNotOpenYet says that registration has not opened yet.
	ErrNotOpenYet = errors.New("registration has not opened yet")
	// ErrClosed says that registration has closed.
	ErrClosed = errors.New("registration is closed")
	// ErrBusy says that the queue is full. Trying again soon is right.
	ErrBusy = errors.New("too many requests for this event at this moment")
	// ErrStopping says that this instance is shutting down.
	ErrStopping = errors.New("the desk is closing")
	// ErrUnavailable says that the database stayed out of reach.
	ErrUnavailable = errors.New("the database is out of reach")
	// ErrOutcomeUnknown says that the connection broke during the commit and
	// the database stayed out of reach: the change may stand or not. Looking
	// again, or asking again, is safe.
	ErrOutcomeUnknown = errors.New("the database did not confirm the change")
)

// A TooFewSeatsError refuses a capacity below the number of people who have a
// seat.
type TooFewSeatsError struct {
	// Confirmed is how many people have a seat.
	Confirmed int
}

func (e *TooFewSeatsError) Error() string {
	return fmt.Sprintf("%d people have a seat", e.Confirmed)
}

// Mine is one person's standing at one event, as read.
type Mine struct {
	Standing Standing
	// RegistrationID names the seat, present or past; uuid.Nil where the
	// person never had one.
	RegistrationID uuid.UUID
	TicketCode     string
	// Place is the place in line, 1 is next; 0 outside the line.
	Place int
	// Promoted tells that the seat came by way of the line.
	Promoted bool
	// Since is when the person booked, joined the line or cancelled.
	Since time.Time
}
