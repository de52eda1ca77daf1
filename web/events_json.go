package web

import (
	"time"

	"github.com/google/uuid"

	"rowlock/booking"
	"rowlock/event"
)

// What scripts read: the same facts as the pages, times in the event's own
// zone.

type eventJSON struct {
	ID                   uuid.UUID    `json:"id"`
	Title                string       `json:"title"`
	Description          string       `json:"description"`
	Location             string       `json:"location"`
	Organizer            string       `json:"organizer"`
	Status               event.Status `json:"status"`
	StartsAt             time.Time    `json:"starts_at"`
	EndsAt               time.Time    `json:"ends_at"`
	TimeZone             string       `json:"time_zone"`
	RegistrationOpensAt  *time.Time   `json:"registration_opens_at"`
	RegistrationClosesAt *time.Time   `json:"registration_closes_at"`
	Capacity             int          `json:"capacity"`
	SeatsRemaining       int          `json:"seats_remaining"`
	Waiting              int          `json:"waiting"`
	standingJSON
}

// standingJSON is how the person who asks stands to an event.
type standingJSON struct {
	Standing booking.Standing `json:"standing"`
	// Place is the place in line, 0 outside it.
	Place int `json:"place"`
	// BookingID names the seat of somebody who has one.
	BookingID *uuid.UUID `json:"booking_id,omitempty"`
}

func newEventJSON(e event.Event, mine booking.Mine) eventJSON {
	zone := e.Zone()
	return eventJSON{
		ID: e.ID, Title: e.Title, Description: e.Description, Location: e.Location,
		Organizer: e.OrganizerName, Status: e.Status,
		StartsAt: e.StartsAt.In(zone), EndsAt: e.EndsAt.In(zone), TimeZone: e.TimeZone,
		RegistrationOpensAt: timeIn(e.RegistrationOpensAt, zone), RegistrationClosesAt: timeIn(e.RegistrationClosesAt, zone),
		Capacity: e.Capacity, SeatsRemaining: e.SeatsRemaining, Waiting: e.Waiting,
		standingJSON: newStandingJSON(mine),
	}
}

func newStandingJSON(mine booking.Mine) standingJSON {
	j := standingJSON{Standing: mine.Standing, Place: mine.Place}
	switch mine.Standing {
	case "":
		j.Standing = booking.None
	case booking.Confirmed:
		j.BookingID = &mine.RegistrationID
	}
	return j
}

func timeIn(t *time.Time, zone *time.Location) *time.Time {
	if t == nil {
		return nil
	}
	local := t.In(zone)
	return &local
}

type eventListJSON struct {
	Events []eventJSON `json:"events"`
	Total  int         `json:"total"`
	Page   int         `json:"page"`
	Pages  int         `json:"pages"`
}

func newEventListJSON(l event.List, mine map[uuid.UUID]booking.Mine) eventListJSON {
	events := make([]eventJSON, len(l.Events)) // [] when empty, never null
	for i, e := range l.Events {
		events[i] = newEventJSON(e, mine[e.ID])
	}
	return eventListJSON{Events: events, Total: l.Total, Page: l.Page, Pages: l.Pages}
}

type bookingsJSON struct {
	Bookings []eventJSON `json:"bookings"`
}

func newBookingsJSON(held []booking.Held) bookingsJSON {
	bookings := make([]eventJSON, len(held))
	for i, h := range held {
		bookings[i] = newEventJSON(h.Event, h.Mine)
	}
	return bookingsJSON{bookings}
}

// answerJSON tells what became of a request to book or cancel.
type answerJSON struct {
	standingJSON
	// Position is the number drawn on arrival.
	Position int `json:"position"`
	// Already tells that nothing changed.
	Already bool   `json:"already"`
	Message string `json:"message"`
	seatsJSON
}

// seatsJSON is how full the event was at the moment of which the standing tells.
type seatsJSON struct {
	SeatsRemaining int `json:"seats_remaining"`
	Waiting        int `json:"waiting"`
	Capacity       int `json:"capacity"`
}

func newAnswerJSON(mine booking.Mine, a booking.Answer, message string) answerJSON {
	return answerJSON{
		standingJSON: newStandingJSON(mine), Position: a.Position, Already: a.Already, Message: message,
		seatsJSON: seatsJSON{SeatsRemaining: a.Seats.Remaining, Waiting: a.Seats.Waiting, Capacity: a.Seats.Capacity},
	}
}
