package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rowlock/account"
	"rowlock/web"
)

// An instance knows for a while whose a cookie is. Whoever was signed out in
// the meantime, on another instance or by an admin, books and cancels nothing.
func TestABrowserThatWasSignedOutElsewhereBooksNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	organizer := s.person(account.Organizer)
	held, wanted := s.event(organizer, 5), s.event(organizer, 5)
	ways := []struct {
		name string
		end  func(u account.User)
	}{
		{"their session was ended", func(u account.User) { s.exec(`delete from sessions where user_id = $1`, u.ID) }},
		{"their session expired", func(u account.User) { s.exec(`update sessions set expires_at = now() where user_id = $1`, u.ID) }},
		{"an admin deactivated them", func(u account.User) {
			no := false
			if err := s.accounts.Manage(t.Context(), account.Change{UserID: u.ID, IsActive: &no}); err != nil {
				t.Error(err)
			}
		}},
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			c := s.as(account.Attendee)
			c.post(eventPath(held) + "/book").leadsTo(eventPath(held))
			cookies := c.http.Jar.Cookies(mustParse(t, s.url))
			way.end(c.user)

			c.json(http.MethodPost, eventPath(wanted)+"/book").wants(http.StatusUnauthorized)
			c.http.Jar.SetCookies(mustParse(t, s.url), cookies) // as if the answer had not come
			c.post(eventPath(wanted) + "/book").leadsTo("/login?next=" + url.QueryEscape(eventPath(wanted)))
			c.http.Jar.SetCookies(mustParse(t, s.url), cookies)
			c.htmx(http.MethodPost, eventPath(held)+"/cancel").wants(http.StatusNoContent)
			c.get("/bookings").leadsTo("/login?next=%2Fbookings")

			if n := s.count(`select count(*) from registrations where user_id = $1 and status = 'confirmed' and event_id = $2`, c.user.ID, held.ID); n != 1 {
				t.Errorf("they hold %d of the seats that they had", n)
			}
			if n := s.count(`select count(*) from registrations where user_id = $1`, c.user.ID); n != 1 {
				t.Errorf("they have %d registrations, want one", n)
			}
		})
	}
}

// A browser that signs out and in again, as somebody else, is who signed in
// last: nothing is known by the browser, only by its cookie.
func TestBookingsAreOfWhoeverSignedInLast(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 5)
	first, second := s.person(account.Attendee), s.person(account.Attendee)
	c := s.signedIn(first)
	c.json(http.MethodPost, eventPath(e)+"/book").wants(http.StatusOK)
	old := c.http.Jar.Cookies(mustParse(t, s.url))
	c.post("/logout").wants(http.StatusSeeOther)
	c.json(http.MethodPost, eventPath(e)+"/cancel").wants(http.StatusUnauthorized)
	c.post("/login", "email", second.Email, "password", password).wants(http.StatusSeeOther)
	c.json(http.MethodPost, eventPath(e)+"/book").wants(http.StatusOK)
	c.http.Jar.SetCookies(mustParse(t, s.url), old)
	c.json(http.MethodPost, eventPath(e)+"/cancel").wants(http.StatusUnauthorized)
	if n := s.count(`select count(*) from registrations where event_id = $1 and status = 'confirmed' and user_id in ($2, $3)`, e.ID, first.ID, second.ID); n != 2 {
		t.Errorf("%d of the two have a seat", n)
	}
}

// A visitor is known again by the cookies that they send. Where two people send
// some alike, each is still who their session says.
func TestPeopleWhoSendSomeCookiesAlikeAreToldApart(t *testing.T) {
	t.Parallel()
	for name, cookies := range map[string]func(session string) []string{
		"the session in a header of its own": func(session string) []string { return []string{"rowlock_language=en", session} },
		"the session behind much else":       func(session string) []string { return []string{"other=" + strings.Repeat("x", 4000) + "; " + session} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			e := s.event(s.person(account.Organizer), 5)
			for range 2 {
				c := s.as(account.Attendee)
				session := c.http.Jar.Cookies(mustParse(t, s.url))[0].String()
				c.http.Jar = nil
				for range 2 { // met anew, and perhaps known
					r := c.request(http.MethodPost, eventPath(e)+"/book")
					r.Header["Cookie"] = cookies(session)
					c.send(r).leadsTo(eventPath(e))
				}
				if s.count(`select count(*) from registrations where event_id = $1 and user_id = $2`, e.ID, c.user.ID) != 1 {
					t.Error("somebody else has the seat")
				}
			}
			s.stranger().post(eventPath(e) + "/book").leadsTo("/login?next=" + url.QueryEscape(eventPath(e)))
		})
	}
}

// However long a browser does nothing but book, its use is noted.
func TestBookingsKeepASessionAlive(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	s := newSite(t, func(c *web.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	})
	e := s.event(s.person(account.Organizer), 5)
	c := s.as(account.Attendee)
	c.json(http.MethodPost, eventPath(e)+"/book").wants(http.StatusOK)
	s.exec(`update sessions set last_seen_at = now() - interval '10 minutes' where user_id = $1`, c.user.ID)
	noted := `select count(*) from sessions where user_id = $1 and last_seen_at > now() - interval '1 minute'`
	c.json(http.MethodPost, eventPath(e)+"/book").wants(http.StatusOK)
	if s.count(noted, c.user.ID) != 0 {
		t.Error("a booking right after another asked who it was for")
	}
	later.Store(int64(2 * time.Minute))
	c.json(http.MethodPost, eventPath(e)+"/book").wants(http.StatusOK)
	if s.count(noted, c.user.ID) != 1 {
		t.Error("a booking two minutes later was not noted")
	}
}
