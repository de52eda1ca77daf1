package web_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/account"
	"rowlock/web"
)

// Looks that come at the same time share a query: still all are told their own
// standing, and nobody sees what is not for them.
func TestARushMixesNobodyUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	host := s.as(account.Organizer)
	e, other, draft := s.event(host.user, 5), s.event(host.user, 2), s.draft(host.user, 2)
	crowd := make([]*client, 15)
	for i := range crowd {
		crowd[i] = s.as(account.Attendee)
	}
	var rush sync.WaitGroup
	for i, c := range crowd {
		rush.Go(func() {
			var got told
			c.json(http.MethodPost, eventPath(e)+"/book").wants(http.StatusOK).decode(&got)
			var standing string
			var id *uuid.UUID
			var place int
			err := s.pool.QueryRow(t.Context(), `
				select coalesce(r.status, 'waitlisted'), r.id,
				       (select count(*) from waitlist_entries w join waitlist_entries mine using (event_id)
				        where mine.user_id = $2 and mine.event_id = $1 and w.position <= mine.position)
				from users u left join registrations r on r.user_id = u.id and r.event_id = $1
				where u.id = $2`, e.ID, c.user.ID).Scan(&standing, &id, &place)
			if err != nil || got.Standing != standing || !reflect.DeepEqual(got.BookingID, id) || got.Place != place {
				t.Errorf("person %d is told %+v, but stands there as %s in place %d with %v, %v", i, got, standing, place, id, err)
			}
		})
		rush.Go(func() {
			if who := s.stranger().get(eventPath(e)).wants(http.StatusOK); who.find("#booking").AttrOr("data-booking", "") != "none" {
				t.Error("a stranger is shown somebody's booking")
			}
		})
		rush.Go(func() {
			var got told
			c.json(http.MethodGet, eventPath(other)).wants(http.StatusOK).decode(&got)
			if got.Standing != "none" {
				t.Errorf("person %d is told %+v of an event that they did not book", i, got)
			}
		})
		rush.Go(func() { c.get(eventPath(draft)).wants(http.StatusNotFound) })
		rush.Go(func() { host.get(eventPath(draft)).wants(http.StatusOK) })
		rush.Go(func() { c.get("/events/00000000-0000-7000-8000-000000000000").wants(http.StatusNotFound) })
	}
	rush.Wait()
	s.holds(e)
}

// What the desk has done stands. A visitor is told so even when the event
// cannot be looked at any more afterwards.
func TestABookingIsToldThoughTheEventCannotBeReadAfterwards(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 1)
	lost, err := pgxpool.New(t.Context(), s.pool.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	lost.Close()
	half, err := web.New(web.Config{BaseURL: s.url, SessionKey: sessionKey}, web.Services{
		Pages: lost, Accounts: s.accounts, Events: s.events, Desk: s.desk, Simulations: s.simulations, Live: s.hub,
	})
	if err != nil {
		t.Fatal(err)
	}
	people := []*client{s.as(account.Attendee), s.as(account.Attendee)}
	server := httptest.NewServer(half)
	t.Cleanup(server.Close)
	s.url = server.URL

	booked := people[0].json(http.MethodPost, "/events/"+e.ID.String()+"/book").wants(http.StatusOK)
	if !strings.Contains(booked.Body, `"You have a seat."`) || !strings.Contains(booked.Body, `"seats_remaining":0,"waiting":0,"capacity":1`) {
		t.Errorf("a script is told %s", booked.Body)
	}
	people[1].post("/events/"+e.ID.String()+"/book", "seen", "seat").leadsTo("/events/" + e.ID.String())
	if n := s.count(`select count(*) from waitlist_entries where event_id = $1`, e.ID); n != 1 {
		t.Errorf("%d people are in line, want 1", n)
	}
}
