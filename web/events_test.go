package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/event"
)

func TestAScriptIsToldToSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 3)
	for _, path := range []string{"/events/" + e.ID.String() + "/book", "/events/" + e.ID.String() + "/cancel"} {
		if message := s.stranger().json(http.MethodPost, path).wants(http.StatusUnauthorized).jsonError(); message == "" {
			t.Errorf("%s gives no reason", path)
		}
	}
}

func TestEventsList(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	organizer := s.person(account.Organizer)
	ana := s.as(account.Attendee)
	booked := s.event(organizer, 5)
	s.book(booked, ana.user)
	s.draft(organizer, 5)
	gone := s.event(organizer, 5)
	s.exec(`update events set title = 'Yesterday', starts_at = now() - interval '1 day', ends_at = now() - interval '1 hour' where id = $1`, gone.ID)
	for i := range event.UpcomingPerPage {
		e := s.event(organizer, 5)
		s.exec(`update events set title = $2, starts_at = starts_at + $3::int * interval '1 hour', ends_at = ends_at + interval '2 days' where id = $1`,
			e.ID, fmt.Sprintf("Chess <b>%02d</b> & tea", i), i+1)
	}

	t.Run("as a page", func(t *testing.T) {
		a := s.stranger().get("/").wants(http.StatusOK)
		if n := a.find("[data-seats-remaining]").Length(); n != event.UpcomingPerPage {
			t.Errorf("%d events on the first page", n)
		}
		a.says("Chess <b>00</b> & tea").hasNo("main h3 b")
		s.stranger().get("/events?page=2").wants(http.StatusOK).says("Chess <b>11</b> & tea")
		s.stranger().get("/events?page=99").wants(http.StatusOK).says("Chess <b>11</b> & tea")
		s.stranger().get("/events?q=yesterday").wants(http.StatusOK).says("Nothing matches")
	})
	t.Run("knows where the viewer has a seat", func(t *testing.T) {
		ana.get("/events").has(`[data-booking="confirmed"]`)
		s.stranger().get("/events").hasNo(`[data-booking="confirmed"]`)
	})
	t.Run("as the part that a search swaps", func(t *testing.T) {
		s.stranger().htmx(http.MethodGet, "/events", "q", "chess").wants(http.StatusOK).has("#events").hasNo("header, nav, title")
	})
	t.Run("as JSON", func(t *testing.T) {
		var got eventList
		s.stranger().json(http.MethodGet, "/events", "q", "chess 03").wants(http.StatusOK).decode(&got)
		if len(got.Events) != 1 || got.Total != 1 || got.Page != 1 || got.Pages != 1 {
			t.Fatalf("got %+v", got)
		}
		e := got.Events[0]
		if e.Title != "Chess <b>03</b> & tea" || e.SeatsRemaining != 5 || e.Capacity != 5 || e.Status != "published" || e.Standing != "none" || e.TimeZone != "Europe/Lisbon" {
			t.Errorf("got %+v", e)
		}
		empty := s.stranger().json(http.MethodGet, "/events", "q", "nothing at all").wants(http.StatusOK).Body
		if want := `{"events":[],"total":0,"page":1,"pages":1}`; strings.TrimSpace(empty) != want {
			t.Errorf("no events are %s, want %s", empty, want)
		}
	})
}

// eventList and oneEvent are what scripts read of events.
type eventList struct {
	Events             []oneEvent
	Total, Page, Pages int
}

type oneEvent struct {
	ID                       uuid.UUID
	Title, Status            string
	TimeZone                 string    `json:"time_zone"`
	StartsAt                 time.Time `json:"starts_at"`
	Capacity, Waiting, Place int
	SeatsRemaining           int `json:"seats_remaining"`
	Standing                 string
	BookingID                *uuid.UUID `json:"booking_id"`
}

// told is what scripts read of a booking.
type told struct {
	Standing                 string
	Place, Position, Waiting int
	Already                  bool
	Message                  string
	SeatsRemaining           int        `json:"seats_remaining"`
	BookingID                *uuid.UUID `json:"booking_id"`
}

func TestEventAsJSON(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 2)
	ana := s.as(account.Attendee)
	seat := s.book(e, ana.user)

	var got oneEvent
	body := ana.json(http.MethodGet, eventPath(e)).wants(http.StatusOK)
	body.decode(&got)
	if got.ID != e.ID || got.SeatsRemaining != 1 || got.Standing != "confirmed" || got.BookingID == nil || *got.BookingID != seat.RegistrationID || !got.StartsAt.Equal(e.StartsAt) {
		t.Errorf("got %+v", got)
	}
	var keys map[string]json.RawMessage
	body.decode(&keys)
	if _, local := keys["starts_at"]; !local || strings.Contains(body.Body, "password") || strings.Contains(body.Body, ana.user.Email) {
		t.Errorf("got %s", body.Body)
	}
	if message := s.stranger().json(http.MethodGet, "/events/"+uuid.NewString()).wants(http.StatusNotFound).jsonError(); message == "" {
		t.Error("no such event, and no word about it")
	}
}

// The journey of people who book a small event, step by step, as each of the
// three kinds of askers sees it.
func TestBookAndCancel(t *testing.T) {
	t.Parallel()
	steps := []struct {
		who, do, seen string
		booking       string
		place         int
		message       string
	}{
		{"ana", "book", "seat", "confirmed", 0, "You have a seat."},
		{"ana", "book", "seat", "confirmed", 0, "You already have a seat."},
		{"ben", "book", "seat", "waitlisted", 1, "The last seat just went; you are number 1 in line."},
		{"cleo", "book", "line", "waitlisted", 2, "You are number 2 in line. When a seat comes free and it is your turn, it is yours."},
		{"cleo", "book", "", "waitlisted", 2, "You are already in line, as number 2."},
		{"dora", "cancel", "", "none", 0, "You have neither a seat nor a place in line here; there was nothing to cancel."},
		{"dora", "book", "line", "waitlisted", 3, "You are number 3 in line. When a seat comes free and it is your turn, it is yours."},
		{"dora", "cancel", "", "none", 0, "You have left the line."},
		{"ana", "cancel", "", "cancelled", 0, "Your seat is cancelled. Thank you for letting somebody else have it."},
		{"ana", "cancel", "", "cancelled", 0, "You have neither a seat nor a place in line here; there was nothing to cancel."},
		{"ben", "book", "seat", "confirmed", 0, "You already have a seat."},
		{"cleo", "book", "", "waitlisted", 1, "You are already in line, as number 1."},
		{"cleo", "cancel", "", "none", 0, "You have left the line."},
		{"ben", "cancel", "", "cancelled", 0, "Your seat is cancelled. Thank you for letting somebody else have it."},
		{"ana", "book", "line", "confirmed", 0, "A seat had just come free: it is yours."},
	}
	askers := map[string]func(t *testing.T, c *client, path, seen string) (booking, message string, place string){
		"form": func(t *testing.T, c *client, path, seen string) (string, string, string) {
			a := c.post(path, "seen", seen).wants(http.StatusSeeOther)
			page := c.get(a.location()).wants(http.StatusOK)
			box := page.find("#booking")
			return box.AttrOr("data-booking", ""), page.text(".notices .flash"), box.AttrOr("data-place", "0")
		},
		"htmx": func(t *testing.T, c *client, path, seen string) (string, string, string) {
			a := c.htmx(http.MethodPost, path, "seen", seen).wants(http.StatusOK).hasNo("title, nav")
			box := a.find("#booking")
			return box.AttrOr("data-booking", ""), a.text("[data-announce]"), box.AttrOr("data-place", "0")
		},
		"JSON": func(t *testing.T, c *client, path, seen string) (string, string, string) {
			var got told
			c.json(http.MethodPost, path, "seen", seen).wants(http.StatusOK).decode(&got)
			if (got.Standing == "confirmed") != (got.BookingID != nil) {
				t.Errorf("%s with booking %v", got.Standing, got.BookingID)
			}
			return got.Standing, got.Message, fmt.Sprint(got.Place)
		},
	}
	for kind, ask := range askers {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			e := s.event(s.person(account.Organizer), 1)
			people := map[string]*client{}
			for i, step := range steps {
				if people[step.who] == nil {
					people[step.who] = s.as(account.Attendee)
				}
				got, message, place := ask(t, people[step.who], eventPath(e)+"/"+step.do, step.seen)
				if got != step.booking || message != step.message || place != fmt.Sprint(step.place) {
					t.Errorf("step %d, %s %ss: %s, place %s, %q; want %s, place %d, %q", i, step.who, step.do, got, place, message, step.booking, step.place, step.message)
				}
			}
			s.holds(e)
		})
	}
}

func TestBookedNumbersAsJSON(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 1)
	var first, again, second told
	ana := s.as(account.Attendee)
	ana.json(http.MethodPost, eventPath(e)+"/book").wants(http.StatusOK).decode(&first)
	ana.json(http.MethodPost, eventPath(e)+"/book").wants(http.StatusOK).decode(&again)
	s.as(account.Attendee).json(http.MethodPost, eventPath(e)+"/book").wants(http.StatusOK).decode(&second)

	if first.Position != 1 || first.SeatsRemaining != 0 || first.Already {
		t.Errorf("the first gets %+v", first)
	}
	if again.Position != 1 || !again.Already || *again.BookingID != *first.BookingID {
		t.Errorf("asking again gives %+v", again)
	}
	if second.Position != 2 || second.Place != 1 || second.Waiting != 1 || second.Already {
		t.Errorf("the second gets %+v", second)
	}
}

func TestBookingFromTheListGoesBackThere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 1)
	ana := s.as(account.Attendee)
	s.book(e, ana.user)
	ana.post(eventPath(e)+"/cancel", "next", "/bookings").leadsTo("/bookings")
	ana.post(eventPath(e)+"/book", "next", "https://evil.example/").leadsTo("/")
	ana.post(eventPath(e)+"/cancel", "next", "//evil.example/").leadsTo("/")
	if to := ana.htmx(http.MethodPost, eventPath(e)+"/book", "next", "/bookings").wants(http.StatusNoContent).Header.Get("HX-Redirect"); to != "/bookings" {
		t.Errorf("htmx is sent to %q", to)
	}
}

func TestRefusedBookings(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	organizer := s.person(account.Organizer)
	tests := []struct {
		name, change string
		do           string
		want         string
	}{
		{"cancelled", `update events set status = 'cancelled' where id = $1`, "book", "This event is cancelled."},
		{"started", `update events set starts_at = now() - interval '1 minute' where id = $1`, "book", "This event has started."},
		{"not open yet", `update events set registration_opens_at = '2999-03-01T18:30Z', starts_at = '2999-04-01', ends_at = '2999-04-02' where id = $1`, "book",
			"Booking opens on Fri 1 March 2999, 18:30, Lisbon time (UTC)."},
		{"closed", `update events set registration_closes_at = now() - interval '1 minute' where id = $1`, "book", "Booking has closed."},
		{"leaving after the start", `update events set starts_at = now() - interval '1 minute' where id = $1`, "cancel", "This event has started."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := s.event(organizer, 5)
			ana := s.as(account.Attendee)
			if tt.do == "cancel" {
				s.book(e, ana.user)
			}
			s.exec(tt.change, e.ID)
			before := s.count(`select count(*) from registrations where event_id = $1 and status = 'confirmed'`, e.ID)
			path := eventPath(e) + "/" + tt.do

			ana.post(path).wants(http.StatusConflict).has("title").says(tt.want)
			ana.htmx(http.MethodPost, path).wants(http.StatusConflict).has("section#booking [role=alert]").hasNo("title").says(tt.want)
			if message := ana.json(http.MethodPost, path).wants(http.StatusConflict).jsonError(); message == "" {
				t.Error("a script is told nothing")
			}
			if after := s.count(`select count(*) from registrations where event_id = $1 and status = 'confirmed'`, e.ID); after != before {
				t.Errorf("%d seats became %d", before, after)
			}
		})
	}
}

// While an instance stops, people are asked to try again soon, each where they
// clicked.
func TestBookingWhileRestarting(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 5)
	ana := s.as(account.Attendee)
	if err := s.desk.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	path := eventPath(e) + "/book"
	page := ana.post(path).wants(http.StatusServiceUnavailable).has("title").says("Try again in a few seconds.")
	part := ana.htmx(http.MethodPost, path).wants(http.StatusServiceUnavailable).has("section#booking [role=alert]").hasNo("title").says("Try again in a few seconds.")
	script := ana.json(http.MethodPost, path).wants(http.StatusServiceUnavailable)
	for _, a := range []*answer{page, part, script} {
		if a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", a.what)
		}
	}
}

// Twenty people who click at the same moment for three seats all get an
// answer that is true.
func TestEveryoneClicksAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 3)
	crowd := make([]*client, 20)
	for i := range crowd {
		crowd[i] = s.as(account.Attendee)
	}
	var confirmed atomic.Int64
	var mu sync.Mutex
	var places []int
	var wait sync.WaitGroup
	for _, c := range crowd {
		wait.Go(func() {
			var got told
			c.json(http.MethodPost, eventPath(e)+"/book").wants(http.StatusOK).decode(&got)
			if got.Standing == "confirmed" {
				confirmed.Add(1)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			places = append(places, got.Place)
		})
	}
	wait.Wait()
	slices.Sort(places)
	want := make([]int, 17)
	for i := range want {
		want[i] = i + 1
	}
	if confirmed.Load() != 3 || !slices.Equal(places, want) {
		t.Errorf("%d have a seat, the others stand at %v", confirmed.Load(), places)
	}
	s.holds(e)
}

func TestBookingsAndTickets(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	organizer := s.person(account.Organizer)
	ana, ben := s.as(account.Attendee), s.as(account.Attendee)
	with, full, gone := s.event(organizer, 3), s.event(organizer, 1), s.event(organizer, 3)
	seat := s.book(with, ana.user)
	s.book(full, ben.user)
	s.book(full, ana.user)
	s.book(gone, ana.user)
	if _, err := s.desk.Cancel(t.Context(), booking.Cancellation{EventID: gone.ID, UserID: ana.user.ID, ActorID: ana.user.ID}); err != nil {
		t.Fatal(err)
	}

	a := ana.get("/bookings").wants(http.StatusOK)
	for _, standing := range []string{"confirmed", "waitlisted", "cancelled"} {
		if n := a.find(`[data-booking="` + standing + `"]`).Length(); n != 1 {
			t.Errorf("%d bookings are %s", n, standing)
		}
	}
	ben.get("/bookings").hasNo(`[data-booking="cancelled"]`)

	ticket := "/bookings/" + seat.RegistrationID.String()
	var code string
	if err := s.pool.QueryRow(t.Context(), `select ticket_code from registrations where id = $1`, seat.RegistrationID).Scan(&code); err != nil {
		t.Fatal(err)
	}
	if shown := ana.get(ticket).wants(http.StatusOK).text(".bigcode"); strings.ReplaceAll(shown, " ", "") != code {
		t.Errorf("the ticket shows %q, want %q", shown, code)
	}
	if other := ben.get(ticket).wants(http.StatusNotFound); strings.Contains(other.Body, code) {
		t.Error("somebody else sees the ticket")
	}

	var got struct{ Bookings []oneEvent }
	ana.json(http.MethodGet, "/bookings").wants(http.StatusOK).decode(&got)
	if len(got.Bookings) != 3 {
		t.Errorf("a script sees %d bookings", len(got.Bookings))
	}
}

// What a simulation makes is to be seen on no page of events, neither the
// private copy that it books nor its people at a real event.
func TestSimulationsAreInvisible(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	organizer := s.signedIn(s.person(account.Organizer))
	e, copied := s.event(organizer.user, 5), s.event(organizer.user, 5)
	madeUp := s.person(account.Attendee)
	s.book(e, madeUp)
	simulation := uuid.Must(uuid.NewV7())
	s.exec(`insert into simulations (id, event_id, event_title, started_by, target, strategy, state, users, seats)
		values ($1, $2, 'x', $3, 'rehearsal', 'grouped', 'done', 1, 1)`, simulation, e.ID, organizer.user.ID)
	s.exec(`update events set simulation_id = $1, title = 'The rehearsal' where id = $2`, simulation, copied.ID)
	s.exec(`update users set simulation_id = $1, name = 'Made-up Person' where id = $2`, simulation, madeUp.ID)
	s.exec(`update registrations set simulation_id = $1 where user_id = $2`, simulation, madeUp.ID)

	admin := s.as(account.Admin)
	for _, c := range []*client{s.stranger(), organizer, admin} {
		for _, path := range []string{"", "/calendar.ics"} {
			c.get(eventPath(copied) + path).wants(http.StatusNotFound)
		}
		for _, path := range []string{"/", "/events?q=rehearsal"} {
			if a := c.get(path).wants(http.StatusOK); strings.Contains(a.text("#events"), "The rehearsal") {
				t.Errorf("%s shows the rehearsal", path)
			}
		}
		if body := c.json(http.MethodGet, "/events").Body; strings.Contains(body, copied.ID.String()) {
			t.Errorf("JSON shows the rehearsal: %s", body)
		}
	}
	for _, c := range []*client{organizer, admin} {
		for _, path := range []string{"", "/edit", "/attendees", "/attendees.csv"} {
			c.get("/organizer" + eventPath(copied) + path).wants(http.StatusNotFound)
		}
		for _, path := range []string{"/publish", "/duplicate", "/cancel"} {
			c.post("/organizer" + eventPath(copied) + path).wants(http.StatusNotFound)
		}
		for _, path := range []string{"/attendees", "/attendees?q=made-up", "/attendees.csv"} {
			a := c.get("/organizer" + eventPath(e) + path).wants(http.StatusOK)
			if strings.Contains(a.Body, madeUp.ID.String()) || strings.Contains(a.Body, "Made-up Person") {
				t.Errorf("%s shows the made-up person", path)
			}
		}
	}
	if a := organizer.get("/organizer/events").wants(http.StatusOK); strings.Contains(a.Body, copied.ID.String()) {
		t.Error("the organizer's list shows the rehearsal")
	}
}

func eventPath(e event.Event) string { return "/events/" + e.ID.String() }

// draft makes a draft of organizer's that starts in a week.
func (s *site) draft(organizer account.User, capacity int) event.Event {
	s.t.Helper()
	start := time.Now().Add(7 * 24 * time.Hour).Truncate(time.Minute)
	e, err := s.events.Create(context.Background(), organizer.ID, event.Details{
		Title: "Draft of a plan", StartsAt: start, EndsAt: start.Add(time.Hour), TimeZone: "Europe/Lisbon", Capacity: capacity,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

// book has the person book without a browser.
func (s *site) book(e event.Event, who account.User) booking.Answer {
	s.t.Helper()
	a, err := s.desk.Book(context.Background(), booking.Request{EventID: e.ID, UserID: who.ID})
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// holds reports every rule that the event breaks.
func (s *site) holds(e event.Event) {
	s.t.Helper()
	checks, err := booking.CheckEvent(context.Background(), s.pool, e.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range checks {
		if !c.OK {
			s.t.Errorf("%s: %s", c.Name, c.Detail)
		}
	}
}

// Somebody opens the page while they wait, is promoted, and then clicks "Yes,
// leave the line".
func TestLeavingTheLineTooLateKeepsTheSeat(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 1)
	first, second := s.as(account.Attendee), s.as(account.Attendee)
	first.post(eventPath(e) + "/book").wants(http.StatusSeeOther)
	second.post(eventPath(e) + "/book").wants(http.StatusSeeOther)
	first.post(eventPath(e)+"/cancel", "seen", "seat").wants(http.StatusSeeOther)

	box := second.htmx(http.MethodPost, eventPath(e)+"/cancel", "seen", "line").wants(http.StatusOK)
	if got := box.find("#booking").AttrOr("data-booking", ""); got != "confirmed" {
		t.Errorf("the booking is %q", got)
	}
	box.says("A seat had just come free: it is yours.")
}
