package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"rowlock/account"
	"rowlock/static"
	"rowlock/web"
)

// visitors come to every door, in this order.
var visitors = []string{"a stranger", "an attendee", "another organizer", "the organizer", "an admin"}

// toLogin is what a stranger gets who would have to sign in: 303 to the form,
// 401 in a script.
const toLogin = -http.StatusSeeOther

// The answers to all visitors where anyone may come in, whoever is signed in,
// only the organizer of this event and admins, or only admins.
func anyone(status int) [5]int   { return [5]int{status, status, status, status, status} }
func signedIn(status int) [5]int { return [5]int{toLogin, status, status, status, status} }
func owners(status int) [5]int   { return [5]int{toLogin, 403, 404, status, status} }
func admins(status int) [5]int   { return [5]int{toLogin, 403, 403, 403, status} }

// newTea are the fields of an event.
const newTea = "?title=Tea&capacity=3&time_zone=UTC&starts_at=2999-03-01T18:30&ends_at=2999-03-01T20:30"

// A door is an address, and what each of the visitors is answered there.
type door struct {
	address string
	want    [5]int
}

var doors = []door{
	{"GET /healthz", anyone(200)},
	{"GET /readyz", anyone(200)},
	{"GET " + static.Path("app.css"), anyone(200)},
	{"GET /styleguide", anyone(404)}, // a demo's
	{"GET /styleguide/events", anyone(404)},
	{"GET /nonsense", anyone(404)},

	{"GET /", anyone(200)},
	{"GET /events", anyone(200)},
	{"GET /events/{event}", anyone(200)},
	{"GET /events/{draft}", [5]int{404, 404, 404, 200, 200}},
	{"GET /events/{none}", anyone(404)},
	{"GET /events/nonsense", anyone(404)},
	{"GET /events/{event}/calendar.ics", anyone(200)},
	{"GET /events/{draft}/calendar.ics", [5]int{404, 404, 404, 200, 200}},
	{"GET /events/{event}/live", anyone(200)},
	{"GET /events/{draft}/live", [5]int{404, 404, 404, 200, 200}},
	{"GET /signup", [5]int{200, 303, 303, 303, 303}},
	{"POST /signup?name=Somebody&email={new}&password=a+boat+for+three", anyone(303)},
	{"GET /login", [5]int{200, 303, 303, 303, 303}},
	{"POST /login?email={email}&password=a+boat+for+three", anyone(303)},
	{"POST /login?email={email}&password=a+boat+for+nobody", anyone(422)},
	{"POST /logout", anyone(303)},
	{"POST /language?language=de", anyone(303)},

	{"POST /events/{event}/book", signedIn(303)},
	{"POST /events/{draft}/book", signedIn(404)},
	{"POST /events/{none}/book", signedIn(404)},
	{"POST /events/nonsense/book", signedIn(404)},
	{"POST /events/{event}/cancel", signedIn(303)},
	{"POST /events/{draft}/cancel", signedIn(404)},
	{"POST /events/nonsense/cancel", signedIn(404)},
	{"GET /bookings", signedIn(200)},
	{"GET /bookings/{seat}", signedIn(404)}, // somebody else's
	{"GET /bookings/nonsense", signedIn(404)},
	{"GET /account", signedIn(200)},
	{"POST /account?name=Another", signedIn(303)},
	{"POST /account/password?current_password=a+boat+for+three&password=a+boat+for+four", signedIn(303)},
	{"POST /account/sessions/end-others", signedIn(303)},
	{"POST /account/sessions/{session}/end", signedIn(404)}, // somebody else's
	{"POST /account/sessions/nonsense/end", signedIn(404)},

	{"GET /organizer/events", [5]int{toLogin, 403, 200, 200, 200}},
	{"GET /organizer/events/new", [5]int{toLogin, 403, 200, 200, 200}},
	{"POST /organizer/events", [5]int{toLogin, 403, 422, 422, 422}},
	{"POST /organizer/events" + newTea, [5]int{toLogin, 403, 303, 303, 303}},
	{"GET /organizer/events/{event}", owners(200)},
	{"GET /organizer/events/{draft}", owners(200)},
	{"GET /organizer/events/{none}", [5]int{toLogin, 403, 404, 404, 404}},
	{"GET /organizer/events/nonsense", [5]int{toLogin, 403, 404, 404, 404}},
	{"POST /organizer/events/{event}", owners(422)},
	{"POST /organizer/events/{event}" + newTea + "&revision=1", owners(303)},
	{"GET /organizer/events/{event}/edit", owners(200)},
	{"POST /organizer/events/{draft}/publish", owners(303)},
	{"POST /organizer/events/{event}/cancel", owners(303)},
	{"POST /organizer/events/{draft}/cancel", owners(409)},
	{"POST /organizer/events/{event}/duplicate", owners(303)},
	{"GET /organizer/events/{event}/attendees", owners(200)},
	{"GET /organizer/events/{event}/attendees.csv", owners(200)},
	{"POST /organizer/events/{event}/attendees/{person}/remove", owners(303)},
	{"POST /organizer/events/{event}/attendees/nonsense/remove", owners(404)},

	{"GET /admin", admins(200)},
	{"GET /admin/events", admins(200)},
	{"POST /admin/events/{event}/simulate?users=2", admins(303)},
	{"GET /admin/simulations", admins(200)},
	{"POST /admin/simulations?users=2&event={event}", admins(303)},
	{"GET /admin/simulations/{run}", admins(200)},
	{"GET /admin/simulations/{run}/live", admins(200)},
	{"POST /admin/simulations/{run}/stop", admins(303)},
	{"POST /admin/simulations/{run}/undo", admins(303)},
	{"POST /admin/simulations/{run}/rename?name=Mine", admins(303)},
	{"POST /admin/simulations/{run}/delete", admins(303)},
	{"GET /admin/lab", admins(200)},
	{"POST /admin/lab?users=2&strategy=grouped&strategy=pessimistic&event={event}", admins(303)},
	{"GET /admin/lab/runs?run={one}&run={two}", admins(200)},
	{"GET /admin/lab/runs.csv?run={one}&run={two}", admins(200)},
	{"GET /admin/lab/runs.json?run={one}&run={two}", admins(200)},
	{"GET /admin/lab/{comparison}", admins(200)},
	{"GET /admin/lab/{comparison}/live", admins(200)},
	{"GET /admin/lab/{comparison}/runs.csv", admins(200)},
	{"GET /admin/lab/{comparison}/runs.json", admins(200)},
	{"POST /admin/lab/{comparison}/stop", admins(303)},
	{"POST /admin/lab/{comparison}/rename?name=Mine", admins(303)},
	{"POST /admin/lab/{comparison}/delete", admins(303)},
	{"GET /admin/users", admins(200)},
	{"POST /admin/users/{person}?role=organizer", admins(303)},
	{"GET /admin/audit", admins(200)},
	{"GET /admin/nonsense", admins(404)},
}

// Whoever may not come in is told so, and changes nothing.
func TestDoors(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	hall := s.newHall()
	for _, door := range doors {
		method, path, _ := strings.Cut(door.address, " ")
		for i, who := range visitors {
			t.Run(door.address+" as "+who, func(t *testing.T) {
				c, want, before := hall.clients[i], door.want[i], s.everything()
				a := c.visit(c.request(method, hall.names.Replace(path)))
				if want == toLogin {
					a.leadsToLogin()
					if c.json(method, hall.names.Replace(path)).wants(http.StatusUnauthorized).jsonError() == "" {
						t.Error("a script is given no reason")
					}
				} else if a.Status != want || strings.HasPrefix(a.location(), "/login") {
					t.Fatalf("status %d to %q, want %d", a.Status, a.location(), want)
				}
				if want < 0 || want >= http.StatusBadRequest {
					if s.everything() != before {
						t.Error("refused, and yet something changed")
					}
				} else if method == http.MethodPost {
					s.awaitRuns()
					hall = s.newHall()
				}
			})
		}
	}
}

func TestEveryRouteHasItsDoor(t *testing.T) {
	t.Parallel()
	e := web.AllRoutes()
	var known []string
	for _, door := range doors {
		method, address, _ := strings.Cut(door.address, " ")
		path, _, _ := strings.Cut(address, "?")
		c := e.NewContext(nil, nil)
		e.Router().Find(method, path, c)
		known = append(known, method+" "+c.Path())
	}
	for _, route := range e.Routes() {
		if name := route.Method + " " + route.Path; route.Method != echo.RouteNotFound && !slices.Contains(known, name) {
			t.Errorf("nobody knows who may come to %s: add it to the doors", name)
		}
	}
}

// A hall is where the visitors stand, with names for what they ask for.
type hall struct {
	clients []*client // as [visitors]
	names   *strings.Replacer
}

// newHall makes an event with a guest, a draft, a simulation and a comparison
// of two, and everybody who comes to see them.
func (s *site) newHall() hall {
	s.t.Helper()
	organizer, guest := s.as(account.Organizer), s.as(account.Attendee)
	e, draft := s.event(organizer.user, 3), s.draft(organizer.user, 3)
	seat := s.book(e, guest.user)
	sessions, err := s.accounts.Sessions(s.t.Context(), guest.user.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	run, comparison, one, two := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	s.exec(`insert into comparisons (id, name, event_id, event_title, started_by, strategies, users, seats, state, finished_at)
		values ($1, 'Both', $2, 'x', $3, '{grouped, pessimistic}', 2, 3, 'done', now())`, comparison, e.ID, organizer.user.ID)
	s.exec(`insert into simulations (id, event_id, event_title, started_by, target, strategy, state, users, seats, finished_at, comparison_id)
		values ($1, $5, 'x', $6, 'rehearsal', 'grouped', 'done', 2, 3, now(), null), ($2, $5, 'x', $6, 'rehearsal', 'grouped', 'done', 2, 3, now(), $4),
			($3, $5, 'x', $6, 'rehearsal', 'pessimistic', 'done', 2, 3, now(), $4)`, run, one, two, comparison, e.ID, organizer.user.ID)
	return hall{
		clients: []*client{s.stranger(), s.as(account.Attendee), s.as(account.Organizer), organizer, s.as(account.Admin)},
		names: strings.NewReplacer("{event}", e.ID.String(), "{draft}", draft.ID.String(), "{none}", uuid.NewString(),
			"{seat}", seat.RegistrationID.String(), "{session}", sessions[0].ID.String(), "{person}", guest.user.ID.String(), "{email}", guest.user.Email,
			"{new}", uuid.NewString()+"@example.org", "{run}", run.String(), "{comparison}", comparison.String(), "{one}", one.String(), "{two}", two.String()),
	}
}

// visit sends a request, and leaves a stream open until the test ends.
func (c *client) visit(r *http.Request) *answer {
	c.t.Helper()
	if !strings.HasSuffix(r.URL.Path, "/live") {
		return c.send(r)
	}
	response, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { response.Body.Close() }) //nolint:errcheck // it is read no further
	return &answer{t: c.t, what: r.Method + " " + r.URL.Path, Status: response.StatusCode, Header: response.Header}
}

// leadsToLogin ends the test unless the answer asks to sign in.
func (a *answer) leadsToLogin() {
	a.t.Helper()
	if a.wants(http.StatusSeeOther); !strings.HasPrefix(a.location(), "/login?next=") {
		a.t.Fatalf("%s: leads to %q, want to sign in", a.what, a.location())
	}
}

// awaitRuns waits for the end of simulations.
func (s *site) awaitRuns() {
	s.t.Helper()
	comesTrue(s.t, "no simulation runs", func() bool {
		return s.count(`select (select count(*) from simulations where state = 'running') + (select count(*) from comparisons where state = 'running')`) == 0
	})
}
