package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/views"
	"rowlock/web"
)

func TestSignUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.stranger()
	c.get("/signup?next=%2Fbookings").wants(http.StatusOK).has(`form[action="/signup"] input[name=next][value="/bookings"]`)

	// Nobody becomes an admin by asking for it.
	c.post("/signup", "name", "Ana Lopes", "email", "ana@example.org", "password", password, "role", "admin", "is_active", "false", "next", "/bookings").leadsTo("/bookings")
	c.get("/bookings").wants(http.StatusOK).says("Welcome, Ana Lopes")
	c.get("/bookings").says("Ana Lopes").hasNo(".flash")
	if n := s.count(`select count(*) from users where email = 'ana@example.org' and role = 'attendee' and is_active`); n != 1 {
		t.Errorf("%d attendees, want 1", n)
	}
	c.get("/admin").wants(http.StatusForbidden)
	c.get("/signup").leadsTo("/")
}

func TestSignUpFormComesBackWithProblems(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	taken := s.person(account.Attendee)
	tests := []struct {
		name                  string
		given, email, secret  string
		field                 string
		keptName, keptAddress string
	}{
		{"no name", " ", "ana@example.org", password, "name", "", "ana@example.org"},
		{"no address", "Ana", "ana at example", password, "email", "Ana", "ana at example"},
		{"a short password", `Ana "<b>"`, "ana@example.org", "tooshort", "password", `Ana "<b>"`, "ana@example.org"},
		{"a taken address, in capitals", "Ana", strings.ToUpper(taken.Email), password, "email", "Ana", strings.ToUpper(taken.Email)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := s.stranger()
			a := c.post("/signup", "name", tt.given, "email", tt.email, "password", tt.secret, "next", "/bookings").wants(http.StatusUnprocessableEntity)
			form := a.find(`form[action="/signup"]`)
			if name, _ := form.Find("[name=name]").Attr("value"); name != tt.keptName {
				t.Errorf("the name became %q", name)
			}
			if email, _ := form.Find("[name=email]").Attr("value"); email != tt.keptAddress {
				t.Errorf("the address became %q", email)
			}
			if next, _ := form.Find("[name=next]").Attr("value"); next != "/bookings" {
				t.Errorf("next became %q", next)
			}
			if form.Find(`[aria-invalid=true]`).Length() != 1 || form.Find("[aria-invalid=true][name="+tt.field+"]").Length() != 1 {
				t.Errorf("the problem is not beside %s in %s", tt.field, a.Body)
			}
			if strings.Contains(a.Body, tt.secret) {
				t.Error("the password is shown")
			}
			if len(a.Cookies) != 0 {
				t.Errorf("a refusal sets %v", a.Cookies)
			}
		})
	}
	if n := s.count(`select count(*) from users`); n != 1 {
		t.Errorf("%d people, want the one who was there", n)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	u, gone := s.person(account.Attendee), s.person(account.Attendee)
	s.exec(`update users set is_active = false where id = $1`, gone.ID)

	tests := []struct {
		name, email, password string
		status                int
	}{
		{"wrong password", u.Email, "a boat for four", http.StatusUnprocessableEntity},
		{"unknown address", "nobody@example.org", password, http.StatusUnprocessableEntity},
		{"nothing at all", "", "", http.StatusUnprocessableEntity},
		{"deactivated", gone.Email, password, http.StatusForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := s.stranger()
			a := c.post("/login", "email", tt.email, "password", tt.password).wants(tt.status)
			if kept, _ := a.find(`form[action="/login"] [name=email]`).Attr("value"); kept != tt.email {
				t.Errorf("the address became %q", kept)
			}
			if tt.password != "" && strings.Contains(a.Body, tt.password) {
				t.Error("the password is shown")
			}
			if len(a.Cookies) != 0 {
				t.Errorf("a refusal sets %v", a.Cookies)
			}
			if message := c.json(http.MethodPost, "/login", "email", tt.email, "password", tt.password).wants(tt.status).jsonError(); message == "" {
				t.Error("a script is not told why")
			}
		})
	}
	// Nothing tells an unknown address from a wrong password.
	wrong := s.stranger().json(http.MethodPost, "/login", "email", u.Email, "password", "wrong")
	unknown := s.stranger().json(http.MethodPost, "/login", "email", "nobody@example.org", "password", "wrong")
	if wrong.Body != unknown.Body {
		t.Errorf("%s is told from %s", wrong.Body, unknown.Body)
	}

	c := s.stranger()
	c.post("/login", "email", u.Email, "password", password).leadsTo("/")
	c.get("/").wants(http.StatusOK).says(u.Name).has(`form[action="/logout"][method=post]`)
	c.get("/login").leadsTo("/")
}

func TestSignInAsksToWait(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	u := s.person(account.Attendee)
	c := s.stranger()
	for range 10 {
		c.post("/login", "email", u.Email, "password", "wrong").wants(http.StatusUnprocessableEntity)
	}
	a := c.post("/login", "email", u.Email, "password", password).wants(http.StatusTooManyRequests).says("minutes, then try again")
	if seconds, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 15*60 {
		t.Errorf("Retry-After is %q", a.Header.Get("Retry-After"))
	}
	if kept, _ := a.find(`form[action="/login"] [name=email]`).Attr("value"); kept != u.Email {
		t.Errorf("the address became %q", kept)
	}
	js := c.json(http.MethodPost, "/login", "email", u.Email, "password", password).wants(http.StatusTooManyRequests)
	if js.Header.Get("Retry-After") == "" || js.jsonError() == "" {
		t.Errorf("a script is told %v %s", js.Header, js.Body)
	}
	// Somebody else behind the same address is not held up.
	s.as(account.Attendee)
}

func TestDemoOffersItsPeople(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(config *web.Config) {
		config.Demo = true
		config.DemoPeople = []views.DemoPerson{{Name: "Ana", Email: "person-1@example.org", Role: account.Attendee, Password: password}}
	})
	s.person(account.Attendee)
	c := s.stranger()
	form := c.get("/login").wants(http.StatusOK).find(`form:has(input[type=hidden][name=password])`)
	email, _ := form.Find("[name=email]").Attr("value")
	secret, _ := form.Find("[name=password]").Attr("value")
	c.post("/login", "email", email, "password", secret).leadsTo("/")
	c.get("/account").wants(http.StatusOK)

	newSite(t).stranger().get("/login").hasNo(`input[type=hidden][name=password]`)
}

func TestSignInRotatesTheSession(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	u, other := s.person(account.Attendee), s.person(account.Attendee)
	c := s.signedIn(u)
	before := c.http.Jar.Cookies(mustParse(t, s.url))

	c.post("/login", "email", other.Email, "password", password).leadsTo("/")
	c.get("/account").wants(http.StatusOK).says(other.Email)
	if n := s.count(`select count(*) from sessions where user_id = $1`, u.ID); n != 0 {
		t.Errorf("%d sessions of the one who was signed in before are left", n)
	}
	// A copy of the old cookie is worth nothing.
	thief := s.stranger()
	thief.http.Jar.SetCookies(mustParse(t, s.url), before)
	thief.get("/account").leadsTo("/login?next=%2Faccount")
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.as(account.Attendee)
	before := c.http.Jar.Cookies(mustParse(t, s.url))

	c.get("/logout").wants(http.StatusMethodNotAllowed)
	c.get("/account").wants(http.StatusOK)
	c.post("/logout").leadsTo("/")
	a := c.get("/").says("You are signed out.")
	if len(a.Cookies) != 1 || a.Cookies[0].MaxAge >= 0 {
		t.Errorf("the cookie is not taken back: %v", a.Cookies)
	}
	c.get("/account").leadsTo("/login?next=%2Faccount")
	c.http.Jar.SetCookies(mustParse(t, s.url), before)
	c.get("/account").leadsTo("/login?next=%2Faccount")
	if n := s.count(`select count(*) from sessions`); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	// Signing out twice, in two tabs, is no error.
	c.post("/logout").leadsTo("/")
}

func TestDeactivatedPeopleAreOutAtTheirNextClick(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 3)
	c := s.as(account.Attendee)
	c.get("/account").wants(http.StatusOK)
	s.exec(`update users set is_active = false where id = $1`, c.user.ID)
	c.post("/events/" + e.ID.String() + "/book").wants(http.StatusSeeOther)
	c.get("/account").leadsTo("/login?next=%2Faccount")
	if n := s.count(`select count(*) from registrations`); n != 0 {
		t.Errorf("they booked %d seats", n)
	}
}

func TestAccountPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.as(account.Attendee)
	c.get("/account").wants(http.StatusOK).says(c.user.Email)

	c.post("/account", "name", "  Ana Lopes ", "role", "admin").leadsTo("/account")
	c.get("/account").says("Your name is saved.").has(`[name=name][value="Ana Lopes"]`)
	c.post("/account", "name", "").wants(http.StatusUnprocessableEntity).has(`[name=name][aria-invalid=true]`)
	if n := s.count(`select count(*) from users where role <> 'attendee'`); n != 0 {
		t.Error("a form made an admin")
	}
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.as(account.Attendee)
	elsewhere := s.signedIn(c.user)

	c.post("/account/password", "current_password", "wrong", "password", "a boat for four").
		wants(http.StatusUnprocessableEntity).has(`[name=current_password][aria-invalid=true]`).hasNo(`[name=password][aria-invalid=true]`)
	c.post("/account/password", "current_password", password, "password", "short").
		wants(http.StatusUnprocessableEntity).has(`[name=password][aria-invalid=true]`).hasNo(`[name=current_password][aria-invalid=true]`)
	elsewhere.get("/account").wants(http.StatusOK)

	c.post("/account/password", "current_password", password, "password", "a boat for four").leadsTo("/account")
	c.get("/account").wants(http.StatusOK).says("Your password is changed.")
	elsewhere.get("/account").leadsTo("/login?next=%2Faccount")
	elsewhere.post("/login", "email", c.user.Email, "password", password).wants(http.StatusUnprocessableEntity)
	elsewhere.post("/login", "email", c.user.Email, "password", "a boat for four").leadsTo("/")

	for range 10 {
		c.post("/account/password", "current_password", "wrong", "password", "a boat for five")
	}
	a := c.post("/account/password", "current_password", "a boat for four", "password", "a boat for five").wants(http.StatusTooManyRequests)
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestSessionsCanBeEnded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.as(account.Attendee)
	phone, laptop, other := s.signedIn(c.user), s.signedIn(c.user), s.as(account.Attendee)
	action := func(of *client) string {
		id := s.sessionID(of)
		return "/account/sessions/" + id.String() + "/end"
	}

	page := c.get("/account").wants(http.StatusOK)
	page.has(`form[action="` + action(phone) + `"]`).has(`form[action="` + action(laptop) + `"]`).hasNo(`form[action="` + action(other) + `"]`)
	c.post(action(other)).wants(http.StatusNotFound)
	other.get("/account").wants(http.StatusOK)
	c.post("/account/sessions/no-uuid/end").wants(http.StatusNotFound)

	c.post(action(phone)).leadsTo("/account")
	phone.get("/account").leadsTo("/login?next=%2Faccount")
	laptop.get("/account").wants(http.StatusOK)

	c.post("/account/sessions/end-others").leadsTo("/account")
	laptop.get("/account").leadsTo("/login?next=%2Faccount")
	c.get("/account").wants(http.StatusOK)
	other.get("/account").wants(http.StatusOK)

	c.post(action(c)).leadsTo("/")
	c.get("/account").leadsTo("/login?next=%2Faccount")
}

// sessionID is the session of a browser, found by making it the last one that
// its person used.
func (s *site) sessionID(c *client) uuid.UUID {
	s.t.Helper()
	s.exec(`update sessions set last_seen_at = now() - interval '10 minutes' where user_id = $1`, c.user.ID)
	c.get("/account").wants(http.StatusOK)
	var id uuid.UUID
	if err := s.pool.QueryRow(s.t.Context(), `select id from sessions where user_id = $1 order by last_seen_at desc limit 1`, c.user.ID).Scan(&id); err != nil {
		s.t.Fatal(err)
	}
	return id
}

func TestCookie(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	u := s.person(account.Attendee)
	for _, path := range []string{"/", "/events", "/login", "/signup", "/nothing", "/healthz"} {
		if a := s.stranger().get(path); len(a.Cookies) != 0 {
			t.Errorf("%s gives a stranger %v", path, a.Cookies)
		}
	}

	a := s.stranger().post("/login", "email", u.Email, "password", password)
	if len(a.Cookies) != 1 {
		t.Fatalf("got %v, want one cookie", a.Cookies)
	}
	cookie := a.Cookies[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" || cookie.Secure || cookie.MaxAge != 90*24*60*60 {
		t.Errorf("got %v", cookie)
	}
	forged := s.stranger()
	cookie.Value = cookie.Value[:len(cookie.Value)-4] + "AAAA"
	forged.http.Jar.SetCookies(mustParse(t, s.url), []*http.Cookie{cookie})
	forged.get("/account").leadsTo("/login?next=%2Faccount")
}

func TestHTTPSCookiesNeverTravelInTheOpen(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(config *web.Config) { config.BaseURL = "https://events.example.org" })
	u := s.person(account.Attendee)
	form := url.Values{"email": {u.Email}, "password": {password}}
	r := httptest.NewRequest(http.MethodPost, "http://internal.example/login", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// A proxy passes on another Host than the browser's.
	r.Header.Set("Origin", "https://events.example.org")
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, r)

	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || len(cookies) != 1 || !cookies[0].Secure || !strings.HasPrefix(cookies[0].Name, "__Host-") {
		t.Errorf("got status %d and %v", w.Code, cookies)
	}
	if w.Header().Get("Strict-Transport-Security") == "" {
		t.Error("no Strict-Transport-Security")
	}
}

func mustParse(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
