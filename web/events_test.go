package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/event"
)

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
