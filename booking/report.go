package booking

import (
	"time"

	"github.com/google/uuid"

	"rowlock/event"
	"rowlock/locale"
)

// Held is one line of a person's own bookings.
type Held struct {
	Event event.Event
	Mine  Mine
}

// An Attendee is one line of an organizer's list.
type Attendee struct {
	UserID      uuid.UUID
	Name, Email string
	Mine
	CheckedInAt *time.Time
}

// Numbers sum up an event for its organizer.
type Numbers struct {
	Confirmed, Waiting, Cancelled int
	// Promoted is how many of the confirmed came by way of the line.
	Promoted int
	// PerDay counts the bookings that still stand or stood once, by the day
	// on which they were made in the event's time zone, without gaps, from the
	// first to the last.
	PerDay []DayCount
}

// A DayCount is the number of bookings on one day.
type DayCount struct {
	Day      time.Time
	Bookings int
}

// A Check is the verdict on one rule that must always hold.
type Check struct {
	// Name is the rule's short name, fit for an attribute: "no-overbooking".
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Detail says in a sentence what was found.
	Detail locale.Text `json:"detail"`
	// Breaches names what breaks the rule: all of it, or up to a thousand, as
	// the function that checked it says.
	Breaches []locale.Text `json:"breaches,omitempty"`
}
