package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"rowlock/account"
)

// simulated runs a simulation of the event to its end.
func (s *site) simulated(eventID uuid.UUID, users int) uuid.UUID {
	s.t.Helper()
	return s.simulate(simulationOf(eventID, users))
}

func TestUnknownThingsOfAdminsAreNotFound(t *testing.T) {
	t.Parallel()
	c := newSite(t).as(account.Admin)
	nothing := uuid.NewString()
	for _, route := range []struct{ method, path string }{
		{"POST", "/admin/events/" + nothing + "/simulate?users=5"},
		{"POST", "/admin/events/nonsense/simulate?users=5"},
		{"POST", "/admin/simulations?users=5&event=" + nothing},
		{"GET", "/admin?event=" + nothing},
		{"GET", "/admin/simulations/" + nothing},
		{"GET", "/admin/simulations/nonsense"},
		{"GET", "/admin/simulations?event=" + nothing},
		{"GET", "/admin/simulations?event=nonsense"},
		{"POST", "/admin/simulations/" + nothing + "/undo"},
		{"POST", "/admin/users/" + nothing + "?role=admin"},
		{"POST", "/admin/users/nonsense?role=admin"},
		{"GET", "/admin/audit?before=nonsense"},
	} {
		if a := c.send(c.request(route.method, route.path)); a.Status != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", a.what, a.Status)
		}
	}
}

func TestDashboard(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	organizer := s.person(account.Organizer)
	e := s.event(organizer, 1)
	for range 3 {
		s.book(e, s.person(account.Attendee))
	}
	c := s.as(account.Admin)
	a := c.get("/admin").wants(http.StatusOK)
	a.has(`form[method=post][action="/admin/simulations"] select[name=event] option[value="` + e.ID.String() + `"]`)
	a.has(`input[name=users]`).has(`select[name=strategy] option[value=grouped]`).has(`input[name=target][value=event]`).has(`input[name=seats]`)
	a.has(`[data-check=no-overbooking][data-ok=true]`).hasNo(`[data-ok=false]`)
	if got := a.text("dl.facts div:first-child dd"); !regexp.MustCompile(`^\d+\.\d+$`).MatchString(got) {
		t.Errorf("the version of PostgreSQL is %q", got)
	}
	// 1 upcoming event with 1 seat taken, 2 in line, 5 people.
	var figures []string
	for _, figure := range a.find("dl.figures dd").EachIter() {
		figures = append(figures, strings.TrimSpace(figure.Text()))
	}
	if got := strings.Join(figures, " "); got != "1 1 2 5" {
		t.Errorf("the figures are %q, want 1 1 2 5", got)
	}

	// The form proposes the first event that has a seat to give now.
	full, closed, free := e, s.event(organizer, 5), s.event(organizer, 5)
	s.exec(`update events set registration_closes_at = now() - interval '1 hour' where id = $1`, closed.ID)
	s.exec(`update events set starts_at = starts_at - interval '1 day' where id in ($1, $2)`, full.ID, closed.ID)
	c.get("/admin").wants(http.StatusOK).has(`select[name=event] option[value="` + free.ID.String() + `"][selected]`)

	draft, err := s.events.Duplicate(context.Background(), e.ID, organizer.ID, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	a = c.get("/admin?users=77&event=" + draft.ID.String()).wants(http.StatusOK).has(`.tabs a[href="/admin"][aria-current=page]`)
	a.has(`select[name=event] option[value="` + draft.ID.String() + `"][selected]`).has(`input[name=users][value="77"]`)
}

// The dashboard shows what is wrong, for up to ten seconds as it was.
func TestDashboardTellsWhatIsBroken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 5)
	s.exec(`update events set seats_remaining = 2 where id = $1`, e.ID)
	c := s.as(account.Admin)
	c.get("/admin").wants(http.StatusOK).has(`[data-check=seats-add-up][data-ok=false]`).has(`[data-check=no-overbooking][data-ok=true]`)
	s.exec(`update events set seats_remaining = 5 where id = $1`, e.ID)
	c.get("/admin").wants(http.StatusOK).has(`[data-check=seats-add-up][data-ok=false]`)
}

func TestAdminEvents(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.as(account.Admin)
	c.get("/admin/events").wants(http.StatusOK).says("Nothing is planned yet")
	c.get("/admin/events?status=draft").wants(http.StatusOK).says("Nothing matches what you look for.")

	first, second := s.event(s.person(account.Organizer), 3), s.event(s.person(account.Organizer), 3)
	s.exec(`update events set title = 'Sculling', status = 'cancelled' where id = $1`, second.ID)
	s.simulated(first.ID, 2)

	tests := []struct {
		query string
		want  string
	}{
		{"", "Rowing for beginners Sculling"},
		{"?q=scull", "Sculling"},
		{"?status=published", "Rowing for beginners"},
		{"?q=scull&status=published", ""},
	}
	for _, tt := range tests {
		a := c.get("/admin/events" + tt.query).wants(http.StatusOK)
		for _, title := range []string{"Rowing for beginners", "Sculling"} {
			want := strings.Contains(tt.want, title)
			if got := strings.Contains(a.text("main"), title); got != want {
				t.Errorf("%q lists %s: %v, want %v", tt.query, title, got, want)
			}
		}
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ana := s.person(account.Attendee)
	otto := s.person(account.Organizer)
	s.simulated(s.event(otto, 3).ID, 5)
	c := s.as(account.Admin)
	row := func(u account.User) string { return `tr[data-user="` + u.ID.String() + `"]` }

	a := c.get("/admin/users").wants(http.StatusOK).has(row(ana)).has(row(otto)).has(row(c.user))
	if n := a.find("tr[data-user]").Length(); n != 3 {
		t.Errorf("%d people are listed, want 3 and nobody made up", n)
	}
	c.get("/admin/users?q=" + url.QueryEscape(strings.ToUpper(ana.Email))).has(row(ana)).hasNo(row(otto))
	c.get("/admin/users?role=organizer").has(row(otto)).hasNo(row(ana))

	change := c.request(http.MethodPost, "/admin/users/"+ana.ID.String(), "role", "organizer", "is_active", "true")
	change.Header.Set("Referer", s.url+"/admin/users?q=person&page=1")
	c.send(change).leadsTo("/admin/users?q=person&page=1")
	c.get("/admin/users").says(ana.Name + " is an organizer and can sign in.").has(row(ana) + ` select[name=role] option[value=organizer][selected]`)

	// Deactivated: out at the next click, wherever signed in.
	browser := s.signedIn(ana)
	browser.get("/organizer/events").wants(http.StatusOK)
	c.post("/admin/users/"+ana.ID.String(), "role", "organizer", "is_active", "false").leadsTo("/admin/users")
	c.get("/admin/users").has(row(ana) + `[data-active=false]`)
	browser.get("/organizer/events").leadsTo("/login?next=%2Forganizer%2Fevents")

	a = c.post("/admin/users/"+ana.ID.String(), "role", "king", "is_active", "true").wants(http.StatusUnprocessableEntity)
	a.says("Choose attendee, organizer or admin.").has(row(ana) + `[data-active=false]`)
}

// What a script does not send stays as it is, though a browser that sends an
// empty checkbox sends nothing either.
func TestManagingChangesWhatIsSent(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c, ana := s.as(account.Admin), s.person(account.Attendee)
	path := "/admin/users/" + ana.ID.String()
	tests := []struct {
		fields   []string
		status   int
		role     account.Role
		isActive bool
	}{
		{[]string{"role", "organizer"}, http.StatusSeeOther, account.Organizer, true},
		{nil, http.StatusSeeOther, account.Organizer, true},
		{[]string{"is_active", "on"}, http.StatusUnprocessableEntity, account.Organizer, true},
		{[]string{"role", "admin", "is_active", ""}, http.StatusUnprocessableEntity, account.Organizer, true},
		{[]string{"is_active", "false"}, http.StatusSeeOther, account.Organizer, false},
		{[]string{"role", "attendee"}, http.StatusSeeOther, account.Attendee, false},
		{[]string{"is_active", "false", "is_active", "true"}, http.StatusSeeOther, account.Attendee, true},
	}
	for _, tt := range tests {
		c.post(path, tt.fields...).wants(tt.status)
		if now, err := s.accounts.ByID(t.Context(), ana.ID); err != nil || now.Role != tt.role || now.IsActive != tt.isActive {
			t.Errorf("%q: now %s, active %v, %v; want %s, %v", tt.fields, now.Role, now.IsActive, err, tt.role, tt.isActive)
		}
	}
}

func TestLastAdminStays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.as(account.Admin)
	me := "/admin/users/" + c.user.ID.String()
	for name, fields := range map[string][]string{
		"demoted":     {"role", "organizer", "is_active", "true"},
		"deactivated": {"role", "admin", "is_active", "false"},
	} {
		a := c.post(me, fields...).wants(http.StatusConflict)
		if !strings.Contains(a.text("body"), "This is the last active admin. Make somebody else an admin first.") {
			t.Errorf("%s: the page says %q", name, a.text("main"))
		}
		if got := c.json(http.MethodPost, me, fields...).wants(http.StatusConflict).jsonError(); !strings.Contains(got, "stay admin") {
			t.Errorf("%s: a script is told %q", name, got)
		}
		c.get("/admin").wants(http.StatusOK)
	}
	other := s.as(account.Admin)
	c.post(me, "role", "attendee", "is_active", "true").leadsTo("/admin/users")
	c.get("/admin").wants(http.StatusForbidden)
	other.get("/admin").wants(http.StatusOK)
}

func TestAudit(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	otto, ana := s.person(account.Organizer), s.person(account.Attendee)
	rowing, sculling := s.event(otto, 5), s.event(otto, 5)
	s.exec(`update events set title = 'Sculling' where id = $1`, sculling.ID)
	s.book(rowing, ana)
	s.simulated(rowing.ID, 5)
	c := s.as(account.Admin)

	tests := []struct {
		name  string
		query string
		want  string
	}{
		{"a person by address", "?person=" + url.QueryEscape(ana.Email), "registration.confirmed user.created"},
		{"a person by name", "?person=" + url.QueryEscape(ana.Name), "registration.confirmed user.created"},
		{"a person by id", "?person=" + ana.ID.String(), "registration.confirmed user.created"},
		{"an event by id", "?event=" + rowing.ID.String(), "simulation.started registration.confirmed event.published event.created"},
		{"an event by a part of its title", "?event=beginners", "simulation.started registration.confirmed event.published event.created"},
		{"an action", "?action=event.created", "event.created event.created"},
		{"all at once", "?action=event.published&event=sculling&person=" + otto.ID.String(), "event.published"},
		{"somebody who never was", "?person=" + uuid.NewString(), ""},
	}
	for _, tt := range tests {
		a := c.get("/admin/audit" + tt.query).wants(http.StatusOK)
		if got := actionsOn(a); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}

	s.exec(`update events set title = 'Rowing at night' where id = $1`, sculling.ID)
	for query, problem := range map[string]string{
		"?person=nobody%40example.org": "Nobody has this name or email address.",
		"?event=chess":                 "No event has this in its title.",
		"?event=rowing":                "Several events have this in their title.",
		"?action=event.exploded":       "Choose an action from the list.",
	} {
		a := c.get("/admin/audit" + query).wants(http.StatusUnprocessableEntity).hasNo(".empty")
		field, _, _ := strings.Cut(query[1:], "=")
		a.has("#" + field + `[aria-invalid=true][aria-describedby="` + field + `-problem"]`)
		if got := a.text("#" + field + "-problem"); !strings.HasPrefix(got, problem) {
			t.Errorf("%s: beside the field stands %q", query, got)
		}
		if got := actionsOn(a); got != "" {
			t.Errorf("%s: lists %q", query, got)
		}
	}
}

func actionsOn(a *answer) string {
	var actions []string
	for _, li := range a.find("li[data-action]").EachIter() {
		action, _ := li.Attr("data-action")
		actions = append(actions, action)
	}
	return strings.Join(actions, " ")
}

// The pages of the log follow one another, with their filter.
func TestAuditPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.as(account.Admin)
	for i := range 60 {
		s.exec(`insert into audit_log (id, at, actor_id, action, entity_type, entity_id) values ($1, now(), $2, 'user.renamed', 'user', $2)`,
			uuid.Must(uuid.NewV7()), c.user.ID)
		if i == 30 {
			s.exec(`insert into audit_log (id, at, action, entity_type, entity_id) values ($1, now(), 'user.activated', 'user', $2)`,
				uuid.Must(uuid.NewV7()), c.user.ID)
		}
	}
	first := c.get("/admin/audit?action=user.renamed").wants(http.StatusOK)
	older, ok := first.find("a[rel=next]").Attr("href")
	if n := first.find("li[data-action]").Length(); n != 50 || !ok {
		t.Fatalf("the first page has %d lines, a next one: %v", n, ok)
	}
	second := c.get(older).wants(http.StatusOK).hasNo("a[rel=next]")
	if got := fmt.Sprint(actionsOn(second)); got != strings.TrimSpace(strings.Repeat("user.renamed ", 10)) {
		t.Errorf("the second page has %s", got)
	}
}
