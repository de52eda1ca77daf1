package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rowlock/account"
)

// Whoever has no key for a letter finds its word all the same.
func TestSearchesPassOverAccents(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	admin := s.as(account.Admin)
	organizer := s.person(account.Organizer)
	accented, plain := s.event(organizer, 5), s.event(organizer, 5)
	s.exec(`update events set title = 'Straßenfest mit Łukasz Müller', location = 'København' where id = $1`, accented.ID)
	s.exec(`update events set title = 'Muller, 100% live', location = 'Kobenhavn' where id = $1`, plain.ID)
	zoe, ann := s.person(account.Attendee), s.person(account.Attendee)
	s.exec(`update users set name = 'Zoë Müller' where id = $1`, zoe.ID)
	s.exec(`update users set name = 'Ann_a Muller' where id = $1`, ann.ID)
	s.book(accented, zoe)
	s.book(accented, ann)

	attendees := "/organizer" + eventPath(accented) + "/attendees"
	tests := []struct {
		path, query string
		want        string
	}{
		{"/events", "müller", "accented plain"},
		{"/events", "MULLER kobenhavn", "accented plain"},
		{"/events", "muller strassen lukasz", "accented"},
		{"/events", "0%", "plain"},
		{"/events", "1%0", ""},
		{"/events", "m_ller", ""},
		{"/admin/users", "muller", "zoe ann"},
		{"/admin/users", "MÜLLER", "zoe ann"},
		{"/admin/users", "ZOE", "zoe"},
		{"/admin/users", "_", "ann"},
		{"/admin/users", "%", ""},
		{attendees, "muller", "zoe ann"},
		{attendees, "ZOE MÜLLER", "zoe"},
		{attendees, "n_a", "ann"},
		{attendees, "%", ""},
	}
	for _, tt := range tests {
		a := admin.get(tt.path + "?q=" + url.QueryEscape(tt.query)).wants(http.StatusOK)
		var found []string
		for _, listed := range []struct{ name, selector string }{
			{"accented", `main a[href="` + eventPath(accented) + `"]`},
			{"plain", `main a[href="` + eventPath(plain) + `"]`},
			{"zoe", `tr[data-user="` + zoe.ID.String() + `"]`},
			{"ann", `tr[data-user="` + ann.ID.String() + `"]`},
		} {
			isPeople := listed.name == "zoe" || listed.name == "ann"
			if isPeople == (tt.path != "/events") && a.find(listed.selector).Length() > 0 {
				found = append(found, listed.name)
			}
		}
		if got := strings.Join(found, " "); got != tt.want {
			t.Errorf("%s finds %q for %q, want %q", tt.path, got, tt.query, tt.want)
		}
	}

	// The log's filter takes a title by the same rule.
	admin.get("/admin/audit?event=" + url.QueryEscape("strassenfest")).wants(http.StatusOK).has("li[data-action]")
	admin.get("/admin/audit?event=muller").wants(http.StatusUnprocessableEntity).says("Several events have this in their title.")
}
