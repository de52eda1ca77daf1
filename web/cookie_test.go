package web_test

import (
	"net/http"
	"testing"

	"rowlock/account"
	"rowlock/web"
)

func TestSessionCookieSignsIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	u := s.person(account.Attendee)
	token, err := s.accounts.StartSession(t.Context(), u.ID, "a load test")
	if err != nil {
		t.Fatal(err)
	}
	cookie, err := web.SessionCookie(web.Config{BaseURL: s.url, SessionKey: sessionKey}, token)
	if err != nil {
		t.Fatal(err)
	}
	c := s.stranger()
	c.http.Jar.SetCookies(mustParse(t, s.url), []*http.Cookie{cookie})
	c.get("/account").wants(http.StatusOK).says(u.Name)

	another, err := web.SessionCookie(web.Config{BaseURL: s.url, SessionKey: []byte("fedcba9876543210fedcba9876543210")}, token)
	if err != nil {
		t.Fatal(err)
	}
	c.http.Jar.SetCookies(mustParse(t, s.url), []*http.Cookie{another})
	c.get("/account").leadsTo("/login?next=%2Faccount")

	secure, err := web.SessionCookie(web.Config{BaseURL: "https://events.example.org", SessionKey: sessionKey}, token)
	if err != nil || secure.Name != "__Host-rowlock" {
		t.Errorf("got %v, %v", secure, err)
	}
}
