package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/booking"
)

// told is what scripts read of a booking.
type told struct {
	Standing                 string
	Place, Position, Waiting int
	Already                  bool
	Message                  string
	SeatsRemaining           int        `json:"seats_remaining"`
	BookingID                *uuid.UUID `json:"booking_id"`
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
	ana.get("/bookings/" + uuid.Nil.String()).wants(http.StatusNotFound) // a place in line is no ticket

	var got struct{ Bookings []oneEvent }
	ana.json(http.MethodGet, "/bookings").wants(http.StatusOK).decode(&got)
	if len(got.Bookings) != 3 {
		t.Errorf("a script sees %d bookings", len(got.Bookings))
	}
}
