package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/audit"
	"rowlock/booking"
)

// TestInABrowser drives the whole program as people do. Each of its tests
// brings its own people and events, so they run side by side on one site.
func TestInABrowser(t *testing.T) {
	t.Parallel()
	s := startDemoSite(t)
	for _, journey := range []struct {
		name string
		test func(*testing.T, *demoSite)
	}{
		{"a newcomer finds, books and gives up a seat", testNewcomer},
		{"the first in line gets the seat that comes free", testLine},
		{"who comes too late for the last seat is told so", testLostRace},
		{"open pages show what changes", testOpenPages},
		{"ten tabs of one browser all stay usable", testTenTabs},
		{"an event is fetched while the pointer rests on its link", testPreload},
		{"the browser follows by itself only links that change nothing", testPreloadChangesNothing},
		{"an organizer runs an event from draft to cancellation", testOrganizer},
		{"an admin simulates a rush", testSimulation},
		{"an admin compares strategies in the lab", testLab},
		{"an admin stops what takes too long", testStop},
		{"an admin deactivates somebody, who is out at the next click", testDeactivation},
		{"whoever was signed out elsewhere signs in again and books", testSignedOutElsewhere},
		{"everything an attendee needs works without scripts", testWithoutScripts},
		{"everything an organizer needs works without scripts", testOrganizerWithoutScripts},
		{"everything an admin needs works without scripts", testAdminWithoutScripts},
		{"a pressed button is busy until the answer is there", testBusy},
		{"a double click books once", testDoubleClick},
		{"a double click without scripts books once", testDoubleClickWithoutScripts},
		{"the keyboard alone signs in and books", testKeyboard},
		{"the keyboard alone runs an event", testOrganizerKeyboard},
		{"the keyboard alone simulates a rush and gives a role", testAdminKeyboard},
		{"no page is wider than a small phone", testNarrow},
		{"a booking is made in German and read in French", testLanguages},
		{"every title is read in its own direction", testScripts},
		{"nothing moves for those who ask for no motion", testStill},
	} {
		t.Run(journey.name, func(t *testing.T) {
			t.Parallel()
			journey.test(t, s)
		})
	}
}

func testNewcomer(t *testing.T, s *demoSite) {
	e := s.event(t, "Quartets for absolute beginners", 3)
	path := "/events/" + e.ID.String()
	nina := s.visitor(t, "Nina", phone)

	nina.opens("/")
	nina.fills("Find an event", "quartets")
	nina.sees("1 event matches")
	nina.clicks("Quartets for absolute beginners")
	nina.comesTo(path)
	nina.has(`#booking[data-booking=none][data-seats-remaining="3"]`)

	nina.clicks("Sign in to book a seat")
	nina.comesTo("/login")
	nina.clicks("Sign up")
	nina.comesTo("/signup")
	nina.fills("Your name", "Nina Newcomer")
	nina.fills("Email address", "nina.newcomer@example.org")
	nina.fills("Password", personsPassword)
	nina.clicks("Sign up")
	nina.comesTo(path)

	stayed := nina.staysOnThisPage()
	nina.clicks("Book a seat")
	nina.has(`#booking[data-booking=confirmed][data-seats-remaining="2"]`)
	nina.sees("You have a seat")
	stayed()

	nina.clicks("My bookings")
	nina.comesTo("/bookings")
	nina.clicks("Quartets for absolute beginners")
	nina.has(".admission[data-booking=confirmed]")
	nina.sees("Nina Newcomer")
	u, err := s.accounts.Find(t.Context(), "nina.newcomer@example.org")
	if err != nil {
		t.Fatal(err)
	}
	_, mine := s.standing(t, u, e)
	if shown := strings.ReplaceAll(nina.reads(".bigcode"), " ", ""); shown != mine.TicketCode {
		t.Errorf("the ticket shows the code %q, but it is %q", shown, mine.TicketCode)
	}

	nina.clicks("Cancel my seat")
	nina.clicks("Yes, give up my seat")
	nina.comesTo("/bookings")
	nina.sees("Your seat is cancelled")
	nina.opens(path)
	nina.has(`#booking[data-booking=cancelled][data-seats-remaining="3"]`)
}

func testLine(t *testing.T, s *demoSite) {
	e := s.event(t, "Supper for one", 1)
	path := "/events/" + e.ID.String()
	ben, ana := s.person(t, "Ben Holder", account.Attendee), s.person(t, "Ana Waiting", account.Attendee)
	s.books(t, ben, e)

	waiting := s.visitor(t, "Ana", phone)
	waiting.signsIn(ana)
	waiting.opens(path)
	waiting.sees("Full")
	waiting.clicks("Join the line")
	waiting.has(`#booking[data-booking=waitlisted][data-place="1"]`)
	waiting.clicks("My bookings")
	waiting.has(`[data-booking=waitlisted] [data-place="1"]`)

	holder := s.visitor(t, "Ben", desktop)
	holder.signsIn(ben)
	holder.opens(path)
	stayed := holder.staysOnThisPage()
	holder.clicks("Cancel my seat")
	holder.clicks("Yes, give up my seat")
	holder.has(`#booking[data-booking=cancelled][data-seats-remaining="0"]`)
	stayed()

	waiting.opens(path)
	waiting.has("#booking[data-booking=confirmed]")
	waiting.sees("You have a seat")
}

func testLostRace(t *testing.T, s *demoSite) {
	e := s.event(t, "One last seat", 1)
	late := s.visitor(t, "Lea", desktop)
	late.signsIn(s.person(t, "Lea Late", account.Attendee))
	late.opens("/events/" + e.ID.String())
	late.has(`#booking[data-seats-remaining="1"]`)

	// The numbers change as they do; the button does not while she is on it.
	stayed := late.staysOnThisPage()
	late.tabsTo("Book a seat")
	s.books(t, s.person(t, "Quick One", account.Attendee), e)
	s.books(t, s.person(t, "Quick Two", account.Attendee), e)
	late.has(`#booking[data-seats-remaining="0"]`)
	late.presses(kb.Enter)
	late.sees("The last seat just went; you are number 2 in line.")
	late.has(`#booking[data-booking=waitlisted][data-place="2"]`)
	stayed()
}

func testOrganizer(t *testing.T, s *demoSite) {
	jonas := s.visitor(t, "Jonas", desktop)
	jonas.signsIn(s.person(t, "Jonas Organizer", account.Organizer))

	// A mistake is explained where it is, and nothing typed is lost.
	jonas.opens("/organizer/events")
	jonas.clicks("Plan an event")
	jonas.comesTo("/organizer/events/new")
	jonas.fills("Title", "Knots, splices and bends")
	jonas.fills("Starts", "2031-05-03T18:30")
	jonas.fills("Ends", "2031-05-03T17:30")
	jonas.fills("Time zone", "Europe/Lisbon")
	jonas.fills("How many seats", "1")
	jonas.expects(http.StatusUnprocessableEntity)
	jonas.clicks("Save as draft")
	jonas.has("#ends_at[aria-invalid=true]")
	if problem := jonas.reads("#ends_at-problem"); !strings.Contains(problem, "end after it starts") {
		t.Errorf("beside the field stands %q", problem)
	}
	if title := jonas.reads("#title"); title != "Knots, splices and bends" {
		t.Errorf("the title is now %q", title)
	}

	jonas.fills("Ends", "2031-05-03T20:30")
	jonas.clicks("Save as draft")
	jonas.sees("Saved as a draft")
	overview := jonas.path()
	path := strings.TrimPrefix(overview, "/organizer")
	jonas.clicks("Publish")
	jonas.sees("The event is published")

	// One books, one waits.
	e, err := s.events.ByID(t.Context(), uuid.MustParse(overview[strings.LastIndex(overview, "/")+1:]))
	if err != nil {
		t.Fatal(err)
	}
	ana, ben := s.person(t, "Ana Attendee", account.Attendee), s.person(t, "Ben Behind", account.Attendee)
	s.books(t, ana, e)
	s.books(t, ben, e)
	jonas.opens(overview)
	jonas.has(`[data-seats-remaining="0"][data-capacity="1"]`)
	jonas.sees("1 with a seat, 1 in line")

	// A second seat goes to the line.
	jonas.clicks("Edit")
	jonas.comesTo(overview + "/edit")
	jonas.fills("How many seats", "2")
	jonas.clicks("Save changes")
	jonas.sees("The first person in line now has a seat.")
	jonas.has(`[data-seats-remaining="0"][data-capacity="2"]`)
	jonas.sees("100%")

	jonas.clicks("Attendees")
	jonas.comesTo(overview + "/attendees")
	if n := jonas.counts("tr[data-booking=confirmed]"); n != 2 {
		t.Errorf("the list has %d people with a seat, not 2", n)
	}
	jonas.clicks("Remove Ana Attendee")
	jonas.clicks("Yes, remove Ana Attendee")
	jonas.sees("Removed.")
	jonas.has(fmt.Sprintf("tr[data-user=%q][data-booking=cancelled]", ana.ID))

	jonas.opens(overview)
	jonas.clicks("Duplicate")
	jonas.sees("This is a new draft")
	if jonas.path() == overview+"/edit" {
		t.Error("the duplicate is the event itself")
	}
	if title := jonas.reads("#title"); title != "Knots, splices and bends" {
		t.Errorf("the duplicate is called %q", title)
	}

	jonas.opens(overview)
	jonas.clicks("Cancel the event")
	jonas.clicks("Yes, cancel the event")
	jonas.sees("The event is cancelled.")

	attendee := s.visitor(t, "Ben", phone)
	attendee.signsIn(ben)
	attendee.opens(path)
	attendee.sees("This event is cancelled")
	attendee.clicks("My bookings")
	attendee.sees("The event was cancelled")
}

func testSimulation(t *testing.T, s *demoSite) {
	s.simulating.Lock()
	defer s.simulating.Unlock()
	e := s.event(t, "Ten aprons for a thousand printers", 10)
	admin := s.visitor(t, "Marta", desktop)
	admin.signsIn(s.person(t, "Marta Admin", account.Admin))

	// The slow strategy leaves time to watch.
	admin.clicks("Admin")
	admin.comesTo("/admin")
	admin.chooses("Event", "Ten aprons for a thousand printers")
	admin.fills("People", "1000")
	admin.chooses("Strategy", "Pessimistic")
	admin.clicks("Start the simulation")
	admin.has("#simulation[data-state=running] progress")
	admin.has("#simulation[data-state=done]")
	admin.showsTenOfAThousand()

	admin.clicks("Run another")
	admin.comesTo("/admin")
	admin.chooses("Strategy", "Grouped")
	admin.clicks("Start the simulation")
	admin.has("#simulation[data-state=done]")
	admin.showsTenOfAThousand()
	admin.sees("Beside earlier runs of this event")

	// Both were rehearsals: the event has all its seats.
	admin.opens("/events/" + e.ID.String())
	admin.has(`#booking[data-seats-remaining="10"]`)

	admin.opens("/admin/simulations")
	admin.clicks("Ten aprons for a thousand printers")
	admin.has("#simulation[data-state=done]")
	admin.clicks("Undo this simulation")
	admin.sees("The simulation is undone")
	admin.hasNo("#simulation form[action$=undo]")
	admin.fitsPhones()
}

// showsTenOfAThousand reports an error unless the run that is shown gave ten
// seats to a thousand people and broke no rule.
func (v *visitor) showsTenOfAThousand() {
	v.t.Helper()
	for tally, want := range map[string]string{
		"registered": "10", "waitlisted": "990", "failed": "0", "seats-remaining": "0", "overbooked": "0",
	} {
		if got := v.reads("[data-tally=" + tally + "]"); got != want {
			v.t.Errorf("%s: %s, not %s", tally, got, want)
		}
	}
	if n := v.counts("[data-check]"); n < 6 {
		v.t.Errorf("%d checks are shown", n)
	}
	v.hasNo("[data-check]:not([data-ok=true])")
}

func testDeactivation(t *testing.T, s *demoSite) {
	finn := s.person(t, "Finn Farewell", account.Attendee)
	leaver := s.visitor(t, "Finn", phone)
	leaver.signsIn(finn)

	admin := s.visitor(t, "Marta", desktop)
	admin.signsIn(s.person(t, "Marta Admin", account.Admin))
	admin.opens("/admin")
	admin.clicks("People")
	admin.comesTo("/admin/users")
	admin.fills("Name or email", finn.Email)
	admin.clicks("Show")
	admin.sees("1 person")
	admin.clicks("Active")
	admin.clicks("Save")
	admin.sees("Finn Farewell is deactivated")

	leaver.clicks("My bookings")
	leaver.comesTo("/login")

	admin.opens("/admin/audit")
	admin.fills("Person", finn.Email)
	admin.chooses("What happened", "Person deactivated")
	admin.clicks("Show")
	admin.sees("Show everything")
	admin.has(fmt.Sprintf("[data-action=%q]", audit.UserDeactivated))
	admin.sees("Marta Admin deactivated Finn Farewell")
	if n := admin.counts("[data-action]"); n != 1 {
		t.Errorf("the log has %d lines of it", n)
	}
}

func testSignedOutElsewhere(t *testing.T, s *demoSite) {
	scripted, plain := s.visitor(t, "Sol", phone), s.visitor(t, "Sol without scripts", desktop).withoutScripts()
	for _, v := range []*visitor{scripted, plain} {
		u, e := s.person(t, v.name, account.Attendee), s.event(t, "Knots that hold", 3)
		path := "/events/" + e.ID.String()
		v.signsIn(u)
		v.opens(path)
		s.books(t, s.person(t, "Somebody else", account.Attendee), e)
		if v == scripted { // the page listens, and so is not told who has signed out
			v.has(`#booking[data-seats-remaining="2"]`)
		}
		if ended, err := s.accounts.EndOtherSessions(t.Context(), u.ID, uuid.Nil); ended != 1 || err != nil {
			t.Fatalf("ended %d sessions, %v", ended, err)
		}
		v.clicks("Book a seat")
		v.comesTo("/login")
		if _, mine := s.standing(t, u, e); mine.Standing != booking.None {
			t.Errorf("%s was signed out and is %s", v.name, mine.Standing)
		}
		v.fills("Email address", u.Email)
		v.fills("Password", personsPassword)
		v.clicks("Sign in")
		v.comesTo(path)
		v.clicks("Book a seat")
		v.has(`#booking[data-booking=confirmed][data-seats-remaining="1"]`)
	}
}

func testWithoutScripts(t *testing.T, s *demoSite) {
	e := s.event(t, "Oboes in the afternoon", 2)
	full := s.event(t, "Bassoons in the evening", 1)
	s.books(t, s.person(t, "Early Bird", account.Attendee), full)
	path := "/events/" + e.ID.String()
	plain := s.visitor(t, "Paul", phone).withoutScripts()

	plain.opens("/events")
	plain.fills("Find an event", "oboes")
	plain.clicks("Search")
	plain.sees("1 event matches")
	plain.clicks("Oboes in the afternoon")
	plain.comesTo(path)
	plain.clicks("Sign in to book a seat")
	plain.comesTo("/login")
	plain.clicks("Sign up")
	plain.comesTo("/signup")
	plain.fills("Your name", "Paul Plain")
	plain.fills("Email address", "paul.plain@example.org")
	plain.fills("Password", personsPassword)
	plain.clicks("Sign up")
	plain.comesTo(path)

	plain.clicks("Book a seat")
	plain.has(`#booking[data-booking=confirmed][data-seats-remaining="1"]`)
	plain.sees("You have a seat.")
	plain.clicks("Show your ticket")
	plain.has(".admission[data-booking=confirmed]")
	plain.opens(path)
	plain.clicks("Cancel my seat")
	plain.clicks("Yes, give up my seat")
	plain.has(`#booking[data-booking=cancelled][data-seats-remaining="2"]`)
	plain.clicks("Book a seat")
	plain.has(`#booking[data-booking=confirmed][data-seats-remaining="1"]`)

	plain.opens("/events/" + full.ID.String())
	plain.clicks("Join the line")
	plain.has(`#booking[data-booking=waitlisted][data-place="1"]`)
	plain.clicks("Leave the line")
	plain.clicks("Yes, leave the line")
	plain.has("#booking:not([data-booking=waitlisted])")

	plain.clicks("My bookings")
	plain.sees("Oboes in the afternoon")
	plain.clicks("Your account")
	plain.comesTo("/account")
	plain.clicks("Sign out here")
	plain.sees("Sign in")
}

func testDoubleClick(t *testing.T, s *demoSite) {
	e := s.event(t, "Two clicks, one chair", 5)
	u := s.person(t, "Dora Double", account.Attendee)
	dora := s.visitor(t, "Dora", desktop)
	dora.signsIn(u)
	dora.opens("/events/" + e.ID.String())
	before := dora.posted()
	// The answer to the first click comes after the second.
	answers := dora.holdsAnswers()
	dora.doubleClicks("Book a seat")
	answers()
	dora.has(`#booking[data-booking=confirmed][data-seats-remaining="4"]`)
	dora.hasNo("[role=alert]:not(:empty)")
	if sent := dora.posted() - before; sent != 1 {
		t.Errorf("%d requests were sent", sent)
	}
	s.holdsOneSeat(t, u, e.ID.String())
}

func testDoubleClickWithoutScripts(t *testing.T, s *demoSite) {
	e := s.event(t, "Two posts, one chair", 5)
	u := s.person(t, "Dirk Double", account.Attendee)
	dirk := s.visitor(t, "Dirk", desktop).withoutScripts()
	dirk.signsIn(u)
	dirk.opens("/events/" + e.ID.String())
	before := dirk.posted()
	answers := dirk.holdsAnswers()
	dirk.doubleClicks("Book a seat")
	answers()
	dirk.has(`#booking[data-booking=confirmed][data-seats-remaining="4"]`)
	dirk.sees("have a seat")
	dirk.hasNo("[role=alert]:not(:empty)")
	if sent := dirk.posted() - before; sent < 2 {
		t.Errorf("only %d request was sent: the test shows nothing", sent)
	}
	s.holdsOneSeat(t, u, e.ID.String())
}

func testKeyboard(t *testing.T, s *demoSite) {
	e := s.event(t, "Piano, all keys", 2)
	u := s.person(t, "Kay Board", account.Attendee)
	kay := s.visitor(t, "Kay", desktop)
	kay.opens("/events/" + e.ID.String())
	kay.tabsTo("Skip to the content")
	kay.presses(kb.Enter)
	kay.tabsTo("Sign in to book a seat")
	kay.presses(kb.Enter)
	kay.comesTo("/login")
	kay.tabsTo("Email address")
	kay.presses(u.Email)
	kay.tabsTo("Password")
	kay.presses(personsPassword)
	kay.presses(kb.Enter)
	kay.comesTo("/events/" + e.ID.String())

	kay.tabsTo("Book a seat")
	kay.presses(kb.Enter)
	kay.has("#booking[data-booking=confirmed]")
	kay.hears("You have a seat.")
	// After the swap the keyboard goes on from there, not from the top.
	kay.tabsTo("Show your ticket")
	kay.tabsTo("Cancel my seat")
	kay.presses(kb.Enter)
	kay.tabsTo("Yes, give up my seat")
	kay.presses(kb.Enter)
	kay.has("#booking[data-booking=cancelled]")
	kay.hears("Your seat is cancelled.")
}

func testNarrow(t *testing.T, s *demoSite) {
	e := s.event(t, "An event whose title is long enough to need several lines on a phone, Donaudampfschifffahrtsgesellschaft", 3)
	ana := s.person(t, "Ana Attendee-of-the-very-long-Name", account.Attendee)
	boss := s.person(t, "Wilhelmina Featherstonehaugh-Cholmondeley", account.Admin)
	s.books(t, ana, e)
	s.books(t, boss, e)
	_, mine := s.standing(t, boss, e)

	v := s.visitor(t, "Wilhelmina", phone)
	measure := func(paths ...string) {
		t.Helper()
		for _, path := range paths {
			v.opens(path)
			v.fitsPhones()
		}
	}
	organizing := "/organizer/events/" + e.ID.String()

	v.expects(http.StatusNotFound)
	measure("/events", "/events?q=nothing+like+it", "/events/"+e.ID.String(), "/login", "/signup", "/no/such/page")
	v.signsIn(boss)
	measure("/events", "/events/"+e.ID.String(), "/bookings", "/bookings/"+mine.RegistrationID.String(), "/account",
		"/organizer/events", "/organizer/events/new", organizing, organizing+"/edit", organizing+"/attendees",
		"/admin", "/admin/events", "/admin/simulations", "/admin/users", "/admin/audit")
}

// fitsPhones reports an error when the page is wider than a phone, or than a
// small one.
func (v *visitor) fitsPhones() {
	v.t.Helper()
	for _, width := range []int64{390, 320} {
		v.do("take another phone", chromedp.EmulateViewport(width, 844))
		if wide := v.sticksOut(width); wide != "" {
			v.t.Errorf("%s at %d pixels: %s", v.path(), width, wide)
		}
	}
}

// sticksOut names what does not fit the width.
func (v *visitor) sticksOut(width int64) string {
	v.t.Helper()
	return look[string](v, "a page", `
		const limit = `+strconv.FormatInt(width, 10)+`;
		const wide = [...document.querySelectorAll("body *")].filter((e) => seen(e) && e.getBoundingClientRect().right > limit + 1);
		document.documentElement.scrollWidth <= limit ? "" :
			document.documentElement.scrollWidth + " pixels wide, because of " + wide.slice(-3).map((e) => e.tagName + "." + e.className + " “" + words(e).slice(0, 40) + "”").join(", ")`)
}

// holdsOneSeat reports an error unless the person has a seat, and with it one
// seat of the event is taken.
func (s *demoSite) holdsOneSeat(t *testing.T, u account.User, id string) {
	t.Helper()
	var seats int
	err := s.pool.QueryRow(t.Context(), `
		select count(*) from registrations r join events e on e.id = r.event_id
		where e.id = $1 and r.user_id = $2 and r.status = $3 and e.seats_remaining = e.capacity - 1`, id, u.ID, booking.Confirmed).Scan(&seats)
	if err != nil || seats != 1 {
		t.Errorf("%s holds %d seats, %v", u.Name, seats, err)
	}
}
