package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"rowlock/account"
)

func TestStrangersAreAskedToSignInAndComeBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 3)
	page := "/events/" + e.ID.String()

	get := s.stranger().request(http.MethodGet, "/organizer/events?q=row%20boats")
	post := s.stranger().request(http.MethodPost, page+"/book")
	fromPage := s.stranger().request(http.MethodPost, page+"/book")
	fromPage.Header.Set("Referer", s.url+page+"?from=mail")
	other := s.stranger().request(http.MethodPost, "/account/password")
	tests := []struct {
		name    string
		request *http.Request
		next    string
	}{
		{"a page, with its query", get, "/organizer/events?q=row%20boats"},
		{"a booking, by a browser that hides where it was", post, page},
		{"a booking, from the event's page", fromPage, page + "?from=mail"},
		{"another form, by a browser that hides where it was", other, "/account"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := s.stranger()
			where := c.send(tt.request).leadsTo("/login?next=" + url.QueryEscape(tt.next)).location()
			u := s.person(account.Organizer)
			next, _ := c.get(where).wants(http.StatusOK).find(`form[action="/login"] input[name=next]`).First().Attr("value")
			c.post("/login", "email", u.Email, "password", password, "next", next).leadsTo(tt.next)
			if a := c.get(tt.next); a.Status != http.StatusOK {
				t.Errorf("%s: status %d, want 200", tt.next, a.Status)
			}
		})
	}

	htmx := s.stranger().request(http.MethodPost, page+"/book")
	htmx.Header.Set("HX-Request", "true")
	htmx.Header.Set("HX-Current-URL", s.url+page)
	a := s.stranger().send(htmx).wants(http.StatusNoContent)
	if got, want := a.Header.Get("HX-Redirect"), "/login?next="+url.QueryEscape(page); got != want {
		t.Errorf("htmx is sent to %q, want %q", got, want)
	}
	if n := s.count(`select count(*) from registrations`); n != 0 {
		t.Errorf("strangers booked %d seats", n)
	}
}

// A form that was refused stands on its own page: the navigation marks that,
// and the language can be changed there. A browser may hide where the form was,
// or name the address of a form that was refused before.
func TestARefusedFormIsOnItsOwnPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	admin := s.as(account.Admin)
	mine := s.event(admin.user, 3)
	own := "/organizer/events/" + mine.ID.String()
	tests := []struct {
		path, page, current string
		fields              []string
	}{
		{"/admin/lab", "/admin/lab", `.tabs [aria-current=page][href="/admin/lab"]`, []string{"users", "0"}},
		{"/admin/simulations", "/admin", `.tabs [aria-current=page][href="/admin"]`, []string{"users", "0"}},
		{"/admin/events/" + mine.ID.String() + "/simulate", "/admin", `.tabs [aria-current=page][href="/admin"]`, []string{"users", "0"}},
		{"/admin/users/" + admin.user.ID.String(), "/admin/users", `.tabs [aria-current=page][href="/admin/users"]`, []string{"role", "king"}},
		{"/account", "/account", `.me[aria-current=page]`, []string{"name", ""}},
		{"/account/password", "/account", `.me[aria-current=page]`, []string{"password", ""}},
		{"/organizer/events", "/organizer/events/new", `.mainnav [aria-current=page][href="/organizer/events"]`, []string{"title", ""}},
		{own, own + "/edit", `.mainnav [aria-current=page][href="/organizer/events"]`, []string{"title", ""}},
	}
	for _, tt := range tests {
		for _, from := range []string{"", tt.page, tt.path, "/events"} {
			r := admin.request(http.MethodPost, tt.path, tt.fields...)
			if from != "" {
				r.Header.Set("Referer", s.url+from)
			}
			a := admin.send(r)
			if a.Status != http.StatusUnprocessableEntity && a.Status != http.StatusConflict {
				t.Errorf("%s: status %d", a.what, a.Status)
			}
			a.has(tt.current).has(`.languages input[name=back][value="` + tt.page + `"]`).hasNo(`.mainnav [aria-current=page][href="/events"]`)
		}
	}

	stranger := s.stranger()
	r := stranger.request(http.MethodPost, "/login", "email", "nobody@example.org", "password", "wrong")
	r.Header.Set("Referer", s.url+"/login?next=%2Fbookings")
	stranger.send(r).wants(http.StatusUnprocessableEntity).has(`.languages input[name=back][value="/login?next=%2Fbookings"]`)

	gone := admin.post("/admin/lab/" + uuid.NewString() + "/rename").wants(http.StatusNotFound)
	gone.has(`.mainnav [aria-current=page][href="/admin"]`)
}

func TestRoles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	pages := []struct {
		path string
		// least is the least role that may come in.
		least account.Role
	}{
		{"/account", account.Attendee},
		{"/bookings", account.Attendee},
		{"/organizer/events", account.Organizer},
		{"/organizer/events/new", account.Organizer},
		{"/admin", account.Admin},
		{"/admin/events", account.Admin},
		{"/admin/simulations", account.Admin},
		{"/admin/users", account.Admin},
		{"/admin/audit", account.Admin},
	}
	rank := map[account.Role]int{account.Attendee: 0, account.Organizer: 1, account.Admin: 2}
	for role := range rank {
		c := s.as(role)
		for _, p := range pages {
			want := http.StatusOK
			if rank[role] < rank[p.least] {
				want = http.StatusForbidden
			}
			if a := c.get(p.path); a.Status != want {
				t.Errorf("%s opens %s: status %d, want %d", role, p.path, a.Status, want)
			}
			a := c.json(http.MethodGet, p.path)
			if want == http.StatusForbidden && (a.Status != want || !strings.Contains(a.jsonError(), "not for your account")) {
				t.Errorf("%s asks for the JSON of %s: status %d, %s", role, p.path, a.Status, a.Body)
			}
		}
	}
	for _, p := range pages {
		s.stranger().get(p.path).leadsTo("/login?next=" + url.QueryEscape(p.path))
		if a := s.stranger().json(http.MethodGet, p.path).wants(http.StatusUnauthorized); a.jsonError() == "" {
			t.Errorf("%s: a script is not told to sign in", p.path)
		}
	}
}

func TestUnknownPagesOfAnAreaStayBehindItsDoor(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.stranger().get("/admin/nothing").leadsTo("/login?next=%2Fadmin%2Fnothing")
	s.as(account.Organizer).get("/admin/nothing").wants(http.StatusForbidden)
	s.as(account.Admin).get("/admin/nothing").wants(http.StatusNotFound)
}

func TestNextLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	u := s.person(account.Attendee)
	tests := []struct{ next, want string }{
		{"/bookings", "/bookings"},
		{"/events?q=a&page=2", "/events?q=a&page=2"},
		{"", "/"},
		{"bookings", "/"},
		{"//evil.example", "/"},
		{"///evil.example", "/"},
		{`/\evil.example`, "/"},
		{`\\evil.example`, "/"},
		{"/\t/evil.example", "/"},
		{"/\n/evil.example", "/"},
		{"/a\r\nSet-Cookie: a=b", "/"},
		{"https://evil.example/", "/"},
		{"javascript:alert(1)", "/"},
		{" //evil.example", "/"},
		{"/%2F/evil.example", "/%2F/evil.example"},
		{"/%zz", "/"},
	}
	for _, tt := range tests {
		s.stranger().post("/login", "email", u.Email, "password", password, "next", tt.next).leadsTo(tt.want)
		s.signedIn(u).get("/login?next=" + url.QueryEscape(tt.next)).leadsTo(tt.want)
	}
}
