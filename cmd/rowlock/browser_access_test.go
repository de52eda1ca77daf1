package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/google/uuid"

	"rowlock/account"
)

// hands are a way to work a page: those of a visitor use a pointer.
type hands interface {
	clicks(name string)
	fills(label, text string)
	chooses(label, option string)
}

// A keyboard is a visitor who uses nothing else.
type keyboard struct{ *visitor }

func (k keyboard) clicks(name string) {
	k.t.Helper()
	k.tabsTo(name)
	k.presses(kb.Enter)
}

// fills types over what the field holds, which Tab has selected.
func (k keyboard) fills(label, text string) {
	k.t.Helper()
	k.tabsToOne("input, textarea", label)
	k.presses(text)
}

func (k keyboard) chooses(label, option string) {
	k.t.Helper()
	k.tabsToOne("select", label)
	for range look[int](k.visitor, "a list", `document.activeElement.options.length`) {
		if chosen := look[string](k.visitor, "a choice", `words(document.activeElement.selectedOptions[0])`); strings.Contains(chosen, option) {
			return
		}
		k.presses(kb.ArrowDown)
	}
	k.t.Fatalf("%s cannot choose “%s” of “%s” with the keyboard", k.name, option, label)
}

func testOrganizerWithoutScripts(t *testing.T, s *demoSite) {
	v := s.visitor(t, "Petra", phone).withoutScripts()
	v.organizes(v)
}

func testOrganizerKeyboard(t *testing.T, s *demoSite) {
	v := s.visitor(t, "Kai", desktop)
	v.organizes(keyboard{v})
}

// organizes takes an event from a draft to one that somebody was removed from.
func (v *visitor) organizes(by hands) {
	v.t.Helper()
	s := v.site
	title := v.name + " ties knots"
	v.signsInBy(by, s.person(v.t, v.name+" Organizer", account.Organizer))

	v.opens("/organizer/events")
	by.clicks("Plan an event")
	v.comesTo("/organizer/events/new")
	by.fills("Title", title)
	by.clicks("Save as draft")
	v.sees("Saved as a draft")
	overview := v.path()
	by.clicks("Publish")
	v.sees("The event is published")

	e, err := s.events.ByID(v.t.Context(), uuid.MustParse(strings.TrimPrefix(overview, "/organizer/events/")))
	if err != nil {
		v.t.Fatal(err)
	}
	ana := s.person(v.t, "Ana Attendee", account.Attendee)
	s.books(v.t, ana, e)
	by.clicks("Edit")
	v.comesTo(overview + "/edit")
	by.fills("How many seats", "12")
	by.clicks("Save changes")
	v.comesTo(overview)
	v.has(`[data-seats-remaining="11"][data-capacity="12"]`)

	by.clicks("Attendees")
	v.comesTo(overview + "/attendees")
	by.clicks("Remove Ana Attendee")
	by.clicks("Yes, remove Ana Attendee")
	v.sees("Removed.")
	v.has(fmt.Sprintf("tr[data-user=%q][data-booking=cancelled]", ana.ID))
}

func testAdminWithoutScripts(t *testing.T, s *demoSite) {
	v := s.visitor(t, "Piet", phone).withoutScripts()
	v.administers(v)
}

func testAdminKeyboard(t *testing.T, s *demoSite) {
	v := s.visitor(t, "Kira", desktop)
	v.administers(keyboard{v})
}

// administers reads what a simulation finds, and makes somebody an organizer.
func (v *visitor) administers(by hands) {
	v.t.Helper()
	s := v.site
	s.simulating.Lock()
	defer s.simulating.Unlock()
	e := s.event(v.t, v.name+" rehearses a rush", 7)
	v.signsInBy(by, s.person(v.t, v.name+" Admin", account.Admin))

	v.opens("/admin/events")
	by.fills("Title or place", e.Title)
	by.clicks("Show")
	v.has(".ledger > li:only-child")
	by.clicks("Simulate " + e.Title)
	v.comesTo("/admin")
	by.fills("People", "40")
	by.clicks("Start the simulation")
	v.has("#simulation[data-state=done]")
	for tally, want := range map[string]string{"registered": "7", "waitlisted": "33", "overbooked": "0"} {
		if got := v.reads("[data-tally=" + tally + "]"); got != want {
			v.t.Errorf("%s: %s, not %s", tally, got, want)
		}
	}
	v.hasNo("[data-check]:not([data-ok=true])")

	rita := s.person(v.t, "Rita Riser", account.Attendee)
	v.opens("/admin/users")
	by.fills("Name or email", rita.Email)
	by.clicks("Show")
	v.sees("1 person")
	by.chooses("Role of Rita Riser", "Organizer")
	by.clicks("Save Rita Riser")
	v.sees("Rita Riser is an organizer and can sign in.")
}
