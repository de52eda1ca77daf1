package web_test

import (
	"encoding/csv"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/event"
	"rowlock/web"
)

// spring is "now" where the calendar matters: two days before the clocks go
// forward in Lisbon.
var spring = time.Date(2027, 3, 26, 12, 0, 0, 0, time.UTC)

func inSpring(c *web.Config) { c.Now = func() time.Time { return spring } }

// plan is a good event as an organizer types it.
func plan(changes ...string) []string {
	fields := map[string]string{
		"title": "  Clay for beginners ", "description": "Two hours\r\nat the wheel.", "location": "Oficina do Barro",
		"starts_at": "2027-04-01T18:30", "ends_at": "2027-04-01T20:30", "time_zone": "Europe/Lisbon", "capacity": "12",
	}
	for i := 0; i+1 < len(changes); i += 2 {
		fields[changes[i]] = changes[i+1]
	}
	var all []string
	for name, value := range maps.All(fields) {
		all = append(all, name, value)
	}
	return all
}

func TestCreateEvent(t *testing.T) {
	t.Parallel()
	s := newSite(t, inSpring)
	olga := s.as(account.Organizer)

	a := olga.post("/organizer/events", plan("registration_opens_at", "2027-03-27T09:00", "registration_closes_at", "2027-04-01T12:00")...).wants(http.StatusSeeOther)
	e := s.saved(a.location())
	if e.Status != event.Draft || e.OrganizerID != olga.user.ID || e.Title != "Clay for beginners" || e.Description != "Two hours\nat the wheel." || e.Capacity != 12 {
		t.Errorf("saved %+v", e)
	}
	for name, got := range map[string]*time.Time{"2027-04-01T17:30:00Z": &e.StartsAt, "2027-04-01T19:30:00Z": &e.EndsAt, "2027-03-27T09:00:00Z": e.RegistrationOpensAt, "2027-04-01T11:00:00Z": e.RegistrationClosesAt} {
		if got == nil || got.UTC().Format(time.RFC3339) != name {
			t.Errorf("saved %v, want %s", got, name)
		}
	}
	olga.get(a.location()).wants(http.StatusOK).has(".flash").says("Saved as a draft")
	if n := s.count(`select count(*) from audit_log where action = 'event.created' and actor_id = $1 and event_id = $2`, olga.user.ID, e.ID); n != 1 {
		t.Errorf("%d lines in the log", n)
	}

	a = olga.post("/organizer/events", plan("publish", "true")...).wants(http.StatusSeeOther)
	if e := s.saved(a.location()); e.Status != event.Published {
		t.Errorf("saved and published, it is %s", e.Status)
	}
	olga.get(a.location()).says("The event is published")
}

// A form with a problem comes back with 422, as it was typed, with the problem
// beside the field; nothing is saved. That holds for a new event and for an
// existing one.
func TestEventFormProblems(t *testing.T) {
	t.Parallel()
	s := newSite(t, inSpring)
	olga := s.as(account.Organizer)
	e := s.saved(olga.post("/organizer/events", plan()...).location())
	tests := []struct {
		name         string
		field, typed string
		want         string
	}{
		{"no title", "title", "", "Give the event a title."},
		{"a long title", "title", strings.Repeat("é", 151), "151"},
		{"markup", "title", strings.Repeat("<b>", 60), "180"},
		{"a long description", "description", strings.Repeat("x", 10_001), "10,001"},
		{"a long place", "location", strings.Repeat("x", 201), "201"},
		{"no start", "starts_at", "", "Say when the event starts."},
		{"a start that is none", "starts_at", "tomorrow", "2027-03-01T18:30"},
		{"no end", "ends_at", "", "Say when the event ends."},
		{"an end before the start", "ends_at", "2027-04-01T18:29", "must end after it starts"},
		{"no zone", "time_zone", "", "Choose a time zone"},
		{"a zone that is none", "time_zone", "Europe/Atlantis", "Choose a time zone"},
		{"no seats", "capacity", "0", "from 1 to 100,000"},
		{"too many seats", "capacity", "100001", "from 1 to 100,000"},
		{"seats in words", "capacity", "a dozen", "whole number"},
		{"half a seat", "capacity", "1.5", "whole number"},
		{"more seats than fit a number", "capacity", "99999999999999999999", "whole number"},
		{"booking opens too late", "registration_opens_at", "2027-04-01T18:30", "must open before"},
		{"booking closes too late", "registration_closes_at", "2027-04-01T18:31", "cannot stay open"},
		{"booking opens at a time that is skipped", "registration_opens_at", "2027-03-28T01:30", "skip this time"},
	}
	for _, tt := range tests {
		for _, path := range []string{"/organizer/events", "/organizer" + eventPath(e)} {
			t.Run(tt.name+" at "+path, func(t *testing.T) {
				before := s.count(`select count(*) + sum(revision) from events`)
				a := olga.post(path, plan(tt.field, tt.typed)...).wants(http.StatusUnprocessableEntity)
				if got := a.text("#" + tt.field + "-problem"); !strings.Contains(got, tt.want) {
					t.Errorf("beside the field: %q, want %q", got, tt.want)
				}
				if n := a.find(".problem").Length(); n != 1 {
					t.Errorf("%d problems: %s", n, a.text(".problem"))
				}
				for i, typed := 0, plan(tt.field, tt.typed); i < len(typed); i += 2 {
					want := strings.TrimSpace(strings.ReplaceAll(typed[i+1], "\r\n", "\n"))
					if got := a.value(typed[i]); got != want {
						t.Errorf("%s comes back as %.60q, typed was %.60q", typed[i], got, want)
					}
				}
				if after := s.count(`select count(*) + sum(revision) from events`); after != before {
					t.Error("something was saved")
				}
			})
		}
	}
	t.Run("an event in the past", func(t *testing.T) {
		olga.post("/organizer/events", plan("starts_at", "2027-03-26T09:00", "ends_at", "2027-03-26T11:00")...).
			wants(http.StatusUnprocessableEntity).says("This is in the past")
	})
	t.Run("bad bytes", func(t *testing.T) {
		olga.post("/organizer/events", plan("title", "nul \x00")...).wants(http.StatusBadRequest)
		olga.post("/organizer/events", plan("title", "not \xff text")...).wants(http.StatusBadRequest)
	})
}

func TestNewEventFormProposesTheOrganizersZone(t *testing.T) {
	t.Parallel()
	s := newSite(t, inSpring)
	olga := s.as(account.Organizer)
	if got := olga.get("/organizer/events/new").wants(http.StatusOK).value("time_zone"); got != "UTC" {
		t.Errorf("the first form proposes %q", got)
	}
	olga.post("/organizer/events", plan("time_zone", "Asia/Tokyo")...).wants(http.StatusSeeOther)
	form := olga.get("/organizer/events/new").wants(http.StatusOK)
	if got := form.value("time_zone"); got != "Asia/Tokyo" {
		t.Errorf("the second form proposes %q", got)
	}
	// The form can be sent as it is proposed, but for the title.
	fields := []string{"title", "Tea"}
	for _, name := range []string{"starts_at", "ends_at", "time_zone", "capacity"} {
		fields = append(fields, name, form.value(name))
	}
	olga.post("/organizer/events", fields...).wants(http.StatusSeeOther)
}

func TestEditEvent(t *testing.T) {
	t.Parallel()
	s := newSite(t, inSpring)
	olga := s.as(account.Organizer)
	path := olga.post("/organizer/events", plan("publish", "true")...).location()

	form := olga.get(path + "/edit").wants(http.StatusOK)
	for name, want := range map[string]string{"starts_at": "2027-04-01T18:30", "time_zone": "Europe/Lisbon", "capacity": "12", "revision": "1"} {
		if got := form.value(name); got != want {
			t.Errorf("the form shows %s %q, want %q", name, got, want)
		}
	}
	olga.post(path, plan("revision", "1", "title", "Clay for all", "time_zone", "Asia/Tokyo")...).leadsTo(path)

	e := s.saved(path)
	if e.Title != "Clay for all" || e.StartsAt.UTC().Format(time.RFC3339) != "2027-04-01T09:30:00Z" || e.Revision != 2 || e.Status != event.Published {
		t.Errorf("saved %+v", e)
	}
	olga.get(path).says("Saved.")
	if n := s.count(`select count(*) from audit_log where action = 'event.edited' and actor_id = $1 and event_id = $2
		and detail->'title' = '{"from": "Clay for beginners", "to": "Clay for all"}' and not detail ? 'capacity'`, olga.user.ID, e.ID); n != 1 {
		t.Error("the log does not say what changed")
	}
}

// Two people edit an event. The second is told, sees what is saved now, loses
// nothing typed, and overwrites only by saving once more.
func TestTwoPeopleEditTheSameEvent(t *testing.T) {
	t.Parallel()
	s := newSite(t, inSpring)
	olga, admin := s.as(account.Organizer), s.as(account.Admin)
	path := olga.post("/organizer/events", plan()...).location()
	seen := olga.get(path + "/edit").value("revision")

	admin.post(path, plan("revision", seen, "title", "The admin's title", "capacity", "20")...).leadsTo(path)
	told := olga.post(path, plan("revision", seen, "title", "Olga's title", "description", "Olga's words")...).wants(http.StatusConflict)

	told.says("Somebody else saved this event").has("[data-conflict]")
	if theirs := told.text("[data-conflict]"); !strings.Contains(theirs, "The admin's title") || !strings.Contains(theirs, "20") {
		t.Errorf("what is saved now is shown as %q", theirs)
	}
	for name, want := range map[string]string{"title": "Olga's title", "description": "Olga's words", "revision": "2"} {
		if got := told.value(name); got != want {
			t.Errorf("%s comes back as %q, want %q", name, got, want)
		}
	}
	if e := s.saved(path); e.Title != "The admin's title" || e.Capacity != 20 || e.Revision != 2 {
		t.Errorf("overwritten: %+v", e)
	}

	olga.post(path, plan("revision", told.value("revision"), "title", "Olga's title", "capacity", "20")...).leadsTo(path)
	if e := s.saved(path); e.Title != "Olga's title" || e.Capacity != 20 {
		t.Errorf("the second decision saved %+v", e)
	}
}

func TestADoubleClickOnSaveIsNoConflict(t *testing.T) {
	t.Parallel()
	s := newSite(t, inSpring)
	olga := s.as(account.Organizer)
	path := olga.post("/organizer/events", plan()...).location()
	fields := plan("revision", "1", "title", "Clay for all")
	olga.post(path, fields...).leadsTo(path)
	olga.post(path, fields...).leadsTo(path)
	if e := s.saved(path); e.Revision != 2 {
		t.Errorf("saved %d times", e.Revision-1)
	}
}

// Ten people save different edits of the same form at the same moment: one is
// saved, nine are told.
func TestEditsAtTheSameMoment(t *testing.T) {
	t.Parallel()
	s := newSite(t, inSpring)
	olga := s.as(account.Organizer)
	path := olga.post("/organizer/events", plan()...).location()

	statuses := make([]int, 10)
	var wait sync.WaitGroup
	for i := range statuses {
		wait.Go(func() {
			statuses[i] = olga.post(path, plan("revision", "1", "title", fmt.Sprintf("Title %d", i))...).Status
		})
	}
	wait.Wait()

	saved, told := 0, 0
	for i, status := range statuses {
		switch status {
		case http.StatusSeeOther:
			saved++
			if e := s.saved(path); e.Title != fmt.Sprintf("Title %d", i) {
				t.Errorf("%d was told it is saved, but %q is", i, e.Title)
			}
		case http.StatusConflict:
			told++
		}
	}
	if saved != 1 || told != 9 {
		t.Errorf("%d saved, %d told: %v", saved, told, statuses)
	}
}

func TestResize(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	olga := s.signedIn(s.person(account.Organizer))
	e := s.event(olga.user, 2)
	path := "/organizer" + eventPath(e)
	for range 5 {
		s.book(e, s.person(account.Attendee))
	}
	form := olga.get(path + "/edit")
	same := func(capacity string) []string {
		return []string{"title", e.Title, "starts_at", form.value("starts_at"), "ends_at", form.value("ends_at"), "time_zone", e.TimeZone,
			"capacity", capacity}
	}

	t.Run("fewer than are confirmed is refused, with the number", func(t *testing.T) {
		a := olga.post(path, same("1")...).wants(http.StatusUnprocessableEntity)
		if got, want := a.text("#capacity-problem"), "2 people have a seat already. Keep at least 2, or remove some of them first."; got != want {
			t.Errorf("beside the field: %q, want %q", got, want)
		}
		if a.value("capacity") != "1" || a.value("title") != e.Title {
			t.Error("what was typed is lost")
		}
		if now := s.saved(path); now.Capacity != 2 || now.Revision != 1 {
			t.Errorf("saved all the same: %+v", now.Details)
		}
	})
	t.Run("more seats go to the line", func(t *testing.T) {
		olga.post(path, same("4")...).leadsTo(path)
		olga.get(path).says("The first 2 people in line now have a seat.")
		if now := s.saved(path); now.Capacity != 4 || now.SeatsRemaining != 0 || now.Waiting != 1 {
			t.Errorf("now %d seats, %d free, %d in line", now.Capacity, now.SeatsRemaining, now.Waiting)
		}
	})
	t.Run("more than the line needs stay free", func(t *testing.T) {
		olga.post(path, same("10")...).leadsTo(path)
		olga.get(path).says("The first person in line now has a seat.")
		if now := s.saved(path); now.SeatsRemaining != 5 || now.Waiting != 0 {
			t.Errorf("%d free, %d in line", now.SeatsRemaining, now.Waiting)
		}
	})
	t.Run("exactly as many as are confirmed", func(t *testing.T) {
		olga.post(path, same("5")...).leadsTo(path)
		if now := s.saved(path); now.Capacity != 5 || now.SeatsRemaining != 0 {
			t.Errorf("%d seats, %d free", now.Capacity, now.SeatsRemaining)
		}
	})
	s.holds(e)
}

func TestAPastEventCanBeCorrectedButNotMovedWithinThePast(t *testing.T) {
	t.Parallel()
	s := newSite(t, inSpring)
	olga := s.as(account.Organizer)
	path := olga.post("/organizer/events", plan()...).location()
	id := s.saved(path).ID
	s.exec(`update events set starts_at = '2027-03-01T18:30Z', ends_at = '2027-03-01T20:30Z' where id = $1`, id)
	past := []string{"starts_at", "2027-03-01T18:30", "ends_at", "2027-03-01T20:30"}

	olga.post(path, plan(append(past, "title", "Corrected")...)...).leadsTo(path)
	if e := s.saved(path); e.Title != "Corrected" {
		t.Errorf("the title is %q", e.Title)
	}
	olga.post(path, plan(append(past, "ends_at", "2027-03-01T21:30")...)...).wants(http.StatusUnprocessableEntity).says("This is in the past")
	olga.post(path + "/publish").wants(http.StatusConflict).says("This event is over")
}

func TestPublishAndCancelEvent(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	organizer := s.signedIn(s.person(account.Organizer))
	e := s.draft(organizer.user, 1)
	path := "/organizer" + eventPath(e)
	s.stranger().get(eventPath(e)).wants(http.StatusNotFound)

	organizer.post(path + "/cancel").wants(http.StatusConflict).says("Nobody else sees a draft, so there is nothing to cancel.")
	organizer.get(path).has(`form[action$="/publish"]`)
	s.stranger().get(eventPath(e)).wants(http.StatusNotFound)

	organizer.post(path + "/publish").leadsTo(path)
	organizer.post(path + "/publish").leadsTo(path)
	s.stranger().get(eventPath(e)).wants(http.StatusOK)
	ana, ben := s.as(account.Attendee), s.as(account.Attendee)
	ana.post(eventPath(e) + "/book").wants(http.StatusSeeOther)
	ben.post(eventPath(e) + "/book").wants(http.StatusSeeOther)

	organizer.get(path).has(`details form[action$="/cancel"]`) // asks first, without JavaScript
	organizer.post(path + "/cancel").leadsTo(path)
	organizer.get(path).says("The event is cancelled. The seats and places of 2 people ended with it.")
	organizer.post(path + "/cancel").leadsTo(path)
	if now := s.saved(path); now.Status != event.Cancelled || now.Confirmed() != 0 || now.Waiting != 0 {
		t.Errorf("now %s, %d confirmed, %d in line", now.Status, now.Confirmed(), now.Waiting)
	}
	for _, c := range []*client{ana, ben, s.stranger()} {
		c.get(eventPath(e)).wants(http.StatusOK).says("Cancelled").hasNo(`[data-booking="confirmed"], [data-booking="waitlisted"]`)
	}
	organizer.get(path + "/edit").wants(http.StatusConflict)
	organizer.post(path + "/publish").wants(http.StatusConflict)
	organizer.post(path, "title", "x", "starts_at", "2999-01-01T10:00", "ends_at", "2999-01-01T11:00", "time_zone", "UTC", "capacity", "1").wants(http.StatusConflict)
	if n := s.count(`select count(*) from audit_log where event_id = $1 and action in ('event.published', 'event.cancelled')`, e.ID); n != 2 {
		t.Errorf("%d lines in the log, want 2", n)
	}
	s.holds(e)
}

func TestDuplicateEvent(t *testing.T) {
	t.Parallel()
	s := newSite(t, inSpring)
	olga := s.as(account.Organizer)
	path := olga.post("/organizer/events", plan("starts_at", "2027-03-27T18:30", "ends_at", "2027-03-27T20:30", "publish", "true")...).location()

	to := olga.post(path + "/duplicate").wants(http.StatusSeeOther).location()
	form := olga.get(to).wants(http.StatusOK)
	form.says("moved to Saturday, 3 April 2027")
	for name, want := range map[string]string{"title": "Clay for beginners", "starts_at": "2027-04-03T18:30", "ends_at": "2027-04-03T20:30", "capacity": "12"} {
		if got := form.value(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	copied := strings.TrimSuffix(to, "/edit")
	if e := s.saved(copied); e.Status != event.Draft {
		t.Errorf("the copy is %s", e.Status)
	}
	log := s.as(account.Admin).get("/admin/audit?event=" + strings.TrimPrefix(copied, "/organizer/events/"))
	log.says("copy of: “Clay for beginners”")

	// The form of a draft can also publish it, once it has a date to come.
	s.exec(`update events set starts_at = '2027-03-01 18:30Z', ends_at = '2027-03-01 20:30Z' where status = 'draft'`)
	changes := []string{"title", "Clay again", "publish", "true", "revision", form.value("revision")}
	past := plan(append(changes, "starts_at", "2027-03-01T18:30", "ends_at", "2027-03-01T20:30")...)
	olga.post(copied, past...).wants(http.StatusUnprocessableEntity).says("This is in the past")
	olga.post(copied, plan(changes...)...).leadsTo(copied)
	if e := s.saved(copied); e.Status != event.Published || e.Title != "Clay again" {
		t.Errorf("the copy is %s and called %q", e.Status, e.Title)
	}
}

func TestOrganizersOverviewAndList(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	organizer := s.signedIn(s.person(account.Organizer))
	e := s.event(organizer.user, 2)
	for range 3 {
		s.book(e, s.person(account.Attendee))
	}
	overview := organizer.get("/organizer" + eventPath(e)).wants(http.StatusOK).has(`[data-seats-remaining="0"][data-capacity="2"]`)
	for name, want := range map[string]string{"Filled": "100%", "In line": "1", "Cancelled bookings": "0"} {
		if got := overview.text(`dt:contains("` + name + `") + dd`); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	s.event(s.person(account.Organizer), 5)
	s.exec(`update events set title = 'Somebody else’s' where id <> $1`, e.ID)
	list := organizer.get("/organizer/events").wants(http.StatusOK).says(e.Title)
	if strings.Contains(list.Body, "Somebody else") {
		t.Error("the list shows somebody else's event")
	}
	organizer.get("/organizer/events?q=nothing").wants(http.StatusOK).says("Nothing matches")
}

func TestAttendees(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	organizer := s.signedIn(s.person(account.Organizer))
	e := s.event(organizer.user, 2)
	people := []account.User{s.person(account.Attendee), s.person(account.Attendee), s.person(account.Attendee), s.person(account.Attendee)}
	for _, p := range people {
		s.book(e, p)
	}
	if _, err := s.desk.Cancel(t.Context(), booking.Cancellation{EventID: e.ID, UserID: people[0].ID, ActorID: people[0].ID}); err != nil {
		t.Fatal(err)
	}
	path := "/organizer" + eventPath(e) + "/attendees"
	tests := []struct {
		query string
		want  []int // the people listed, in order
	}{
		{"", []int{1, 2, 3, 0}},
		{"?standing=confirmed", []int{1, 2}},
		{"?standing=waitlisted", []int{3}},
		{"?standing=cancelled", []int{0}},
		{"?standing=nonsense", []int{1, 2, 3, 0}},
		{"?q=" + people[2].Email, []int{2}},
		{"?q=nobody", nil},
		{"?page=9", []int{1, 2, 3, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			rows := organizer.get(path + tt.query).wants(http.StatusOK).find("tr[data-user]")
			if rows.Length() != len(tt.want) {
				t.Fatalf("%d people, want %d", rows.Length(), len(tt.want))
			}
			for i, n := range tt.want {
				if got := rows.Eq(i).AttrOr("data-user", ""); got != people[n].ID.String() {
					t.Errorf("row %d is %s, want person %d", i, got, n)
				}
			}
		})
	}

	t.Run("removing somebody lets the first in line have the seat", func(t *testing.T) {
		remove := path + "/" + people[1].ID.String() + "/remove"
		organizer.post(remove).leadsTo(path)
		organizer.get(path).says("Removed.")
		if n := s.count(`select count(*) from registrations where event_id = $1 and user_id = $2 and status = 'confirmed'`, e.ID, people[3].ID); n != 1 {
			t.Error("the first in line has no seat")
		}
		if n := s.count(`select count(*) from audit_log where action = 'registration.removed' and actor_id = $1 and user_id = $2`, organizer.user.ID, people[1].ID); n != 1 {
			t.Error("the log does not tell who removed whom")
		}
		organizer.post(remove).leadsTo(path)
		organizer.get(path).says("neither a seat nor a place in line any more")
		s.holds(e)
	})
}

func TestAttendeesFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	organizer := s.signedIn(s.person(account.Organizer))
	e := s.event(organizer.user, 20)
	names := []string{`=HYPERLINK("https://evil.example","x")`, "+1+1", "-2", "@SUM(A1)", "\tTab", "Zoë O’Brien, “Z”", "Two\nlines", `Quote "q"`}
	for _, name := range names {
		p := s.person(account.Attendee)
		s.exec(`update users set name = $2 where id = $1`, p.ID, name)
		s.book(e, p)
	}
	boss := s.person(account.Attendee)
	s.exec(`update users set email = '=cmd@example.org' where id = $1`, boss.ID)
	s.book(e, boss)

	a := organizer.get("/organizer" + eventPath(e) + "/attendees.csv").wants(http.StatusOK)
	if got := a.Header.Get("Content-Type"); got != "text/csv; charset=utf-8" {
		t.Errorf("content type %q", got)
	}
	if got := a.Header.Get("Content-Disposition"); got != `attachment; filename="rowing-for-beginners-attendees.csv"` {
		t.Errorf("disposition %q", got)
	}
	text, ok := strings.CutPrefix(a.Body, "\ufeff")
	if !ok {
		t.Error("no byte order mark")
	}
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != len(names)+2 {
		t.Fatalf("%d lines for %d people", len(lines), len(names)+1)
	}
	want := []string{`'` + names[0], "'+1+1", "'-2", "'@SUM(A1)", "'\tTab", names[5], names[6], names[7]}
	for i, name := range want {
		if got := lines[i+1][0]; got != name {
			t.Errorf("line %d names %q, want %q", i+1, got, name)
		}
		if lines[i+1][2] != "confirmed" || len(lines[i+1][6]) != 12 {
			t.Errorf("line %d is %q", i+1, lines[i+1])
		}
	}
	if got := lines[len(lines)-1][1]; got != "'=cmd@example.org" {
		t.Errorf("an address is %q", got)
	}
	for _, line := range lines {
		for _, cell := range line {
			if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
				t.Errorf("the cell %q begins like a formula", cell)
			}
		}
	}
	if one := organizer.get("/organizer" + eventPath(e) + "/attendees.csv?q=cmd").wants(http.StatusOK).Body; strings.Count(one, "\r\n") != 2 {
		t.Errorf("the search does not narrow the file: %q", one)
	}
}

// Whoever loses the role or the account is out at the next click.
func TestAFormerOrganizerIsOutAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	admin := s.person(account.Admin)
	tests := []struct {
		name   string
		change account.Change
		want   int
	}{
		{"demoted", account.Change{Role: account.Attendee}, http.StatusForbidden},
		{"deactivated", account.Change{IsActive: new(false)}, http.StatusSeeOther}, // to sign in
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			olga := s.signedIn(s.person(account.Organizer))
			e, draft := s.event(olga.user, 3), s.draft(olga.user, 3)
			path := "/organizer" + eventPath(e)
			olga.get(path).wants(http.StatusOK)
			toOrganize := `a[href="` + path + `"]`
			olga.get(eventPath(e)).wants(http.StatusOK).has(toOrganize)

			tt.change.UserID, tt.change.ActorID = olga.user.ID, admin.ID
			if err := s.accounts.Manage(t.Context(), tt.change); err != nil {
				t.Fatal(err)
			}
			for _, p := range []string{"/organizer/events", path, path + "/edit", path + "/attendees.csv"} {
				if a := olga.get(p).wants(tt.want); tt.want == http.StatusSeeOther && !strings.HasPrefix(a.location(), "/login") {
					t.Errorf("%s leads to %q", p, a.location())
				}
			}
			olga.post(path + "/cancel").wants(tt.want)
			olga.get(eventPath(draft)).wants(http.StatusNotFound)
			olga.get(eventPath(e)).wants(http.StatusOK).hasNo(toOrganize)
			if now := s.saved(path); now.Status != event.Published {
				t.Errorf("the event is %s", now.Status)
			}
		})
	}
}

// saved is the event that an organizer's path is about, as the database has it.
func (s *site) saved(path string) event.Event {
	s.t.Helper()
	id, err := uuid.Parse(strings.TrimPrefix(path, "/organizer/events/"))
	if err != nil {
		s.t.Fatalf("%q is no event's path", path)
	}
	e, err := s.events.ByID(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

// value is what a field of the page's form holds.
func (a *answer) value(field string) string {
	a.t.Helper()
	input := a.find(`form [name="` + field + `"]`)
	if input.Length() == 0 {
		a.t.Fatalf("%s: no field %s", a.what, field)
	}
	if input.Is("textarea") {
		return input.Text()
	}
	return input.AttrOr("value", "")
}
