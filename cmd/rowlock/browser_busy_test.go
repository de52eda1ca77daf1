package main

import (
	"testing"
	"time"

	"rowlock/account"
)

// testBusy presses buttons whose answers take their time: those of a form that
// only asks, of one that htmx sends and of one that leads to another page.
func testBusy(t *testing.T, s *demoSite) {
	e := s.event(t, "Patience on the water", 5)
	bea := s.visitor(t, "Bea", desktop)
	bea.signsIn(s.person(t, "Bea Busy", account.Attendee))
	bea.opens("/events")
	bea.withSlowNetwork(700 * time.Millisecond)

	bea.clicks("Search")
	bea.has(`.search button[aria-busy=true]`)
	look[bool](bea, "a search that is done", `!document.querySelector("[aria-busy]")`)

	bea.opens("/events/" + e.ID.String())
	bea.clicks("Book a seat")
	bea.has(`#booking button[aria-busy=true]`)
	bea.sees("Booking…")
	bea.has(`#booking[data-booking=confirmed]`)

	bea.clicks("Sign out")
	bea.has(`.signout button[aria-busy=true]`)
	bea.comesTo("/")
	bea.hasNo("[aria-busy]")
}
