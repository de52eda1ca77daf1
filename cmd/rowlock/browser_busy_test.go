package main

import (
	"testing"

	"rowlock/account"
)

// testBusy presses buttons and looks at them before the answer comes: those of
// a form that only asks, of one that htmx sends and of one that leads to
// another page.
func testBusy(t *testing.T, s *demoSite) {
	e := s.event(t, "Patience on the water", 5)
	bea := s.visitor(t, "Bea", desktop)
	bea.signsIn(s.person(t, "Bea Busy", account.Attendee))

	bea.opens("/events")
	release := bea.holdsAnswers()
	bea.clicks("Search")
	bea.has(`.search button[aria-busy=true]`)
	release()
	look[bool](bea, "a search that is done", `!document.querySelector("[aria-busy]")`)

	bea.opens("/events/" + e.ID.String())
	release = bea.holdsAnswers()
	bea.clicks("Book a seat")
	bea.has(`#booking button[aria-busy=true]`)
	bea.sees("Booking…")
	release()
	bea.has(`#booking[data-booking=confirmed]`)

	wasBusy := bea.watchesFor(`.signout button[aria-busy=true]`)
	bea.clicks("Sign out")
	bea.comesTo("/")
	if !wasBusy() {
		t.Error("the button that signs out was never busy")
	}
	bea.hasNo("[aria-busy]")
}
