// Package event holds what can be booked: its details, its times in its own
// time zone, and its way from draft to published to cancelled.
//
// It never changes seats. Whatever does goes through package booking's desk,
// which holds the event's row lock.
package event

import (
	"errors"
	"time"

	"github.com/google/uuid"
)

// Status is a step of an event's life.
type Status string

// An event is written as a draft, which only its organizer sees, then
// published, and perhaps cancelled. It never goes back.
const (
	Draft     Status = "draft"
	Published Status = "published"
	Cancelled Status = "cancelled"
)

// ErrNotFound says that there is no such event, or none that the asker may
// know of.
var ErrNotFound = errors.New("no such event")

// ErrChanged says that somebody else edited the event after the form that is
// now being saved was opened. Nothing was saved.
var ErrChanged = errors.New("the event was edited by somebody else in the meantime")

// Details are what an organizer decides about an event.
type Details struct {
	Title       string
	Description string
	Location    string
	StartsAt    time.Time
	EndsAt      time.Time
	// TimeZone is an IANA name such as "Europe/Lisbon".
	TimeZone string
	// RegistrationOpensAt is nil when booking opens with publication.
	RegistrationOpensAt *time.Time
	// RegistrationClosesAt is nil when booking closes at the start.
	RegistrationClosesAt *time.Time
	Capacity             int
}

// Limits of an event's details, which the database holds too. Lengths count
// characters.
const (
	MaxTitle       = 150
	MaxDescription = 10_000
	MaxLocation    = 200
	MaxCapacity    = 100_000
)

// An Event is one event with its seats as they were when it was read.
type Event struct {
	Details
	ID            uuid.UUID
	Status        Status
	OrganizerID   uuid.UUID
	OrganizerName string

	SeatsRemaining int
	// Waiting is how many stand in line.
	Waiting int
	// Version grows with every change of seats, Revision with every edit.
	Version  int64
	Revision int

	CreatedAt, UpdatedAt time.Time
	// SimulationID is set on a simulation's private copy.
	SimulationID uuid.NullUUID
}

// Confirmed is the number of people who have a seat.
func (e Event) Confirmed() int { return e.Capacity - e.SeatsRemaining }

// Started tells whether the event has begun at now, and so can neither be
// booked nor left any more.
func (e Event) Started(now time.Time) bool { return !now.Before(e.StartsAt) }

// Ended tells whether the event is over at now.
func (e Event) Ended(now time.Time) bool { return !now.Before(e.EndsAt) }

// NotYetOpen tells whether registration opens only after now.
func (e Event) NotYetOpen(now time.Time) bool {
	return e.RegistrationOpensAt != nil && now.Before(*e.RegistrationOpensAt)
}

// Closed tells whether registration has closed before the event starts.
func (e Event) Closed(now time.Time) bool {
	return e.RegistrationClosesAt != nil && !now.Before(*e.RegistrationClosesAt)
}

// Bookable tells whether a person could get a seat or a place in line at now.
func (e Event) Bookable(now time.Time) bool {
	return e.Status == Published && !e.Started(now) && !e.NotYetOpen(now) && !e.Closed(now)
}

// Zone is the event's time zone, UTC should this machine not know it.
func (e Event) Zone() *time.Location {
	zone, err := LoadZone(e.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}
