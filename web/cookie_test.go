package web_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

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

// A cookie that was read before is known again: never what was made to look
// like it, and nobody finds in it what another request put there.
func TestCookiesAreCheckedOnce(t *testing.T) {
	t.Parallel()
	store, err := web.NewCookies(sessionKey, false)
	if err != nil {
		t.Fatal(err)
	}
	const name = "rowlock"
	read := func(name, value string) (*sessions.Session, error) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: name, Value: value})
		return store.New(r, name)
	}
	written := func(token string) string {
		value, err := securecookie.EncodeMulti(name, map[any]any{"token": token}, store.Codecs...)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}

	sent := written("Ana's")
	for range 2 {
		s, err := read(name, sent)
		if err != nil || s.IsNew || s.Values["token"] != "Ana's" || len(s.Values) != 1 {
			t.Fatalf("got %v, %v", s.Values, err)
		}
		s.AddFlash("for one page")
		s.Values["token"] = "changed"
	}
	if _, err := read(name, strings.ToLower(sent)); err == nil {
		t.Error("a cookie that was tampered with was taken")
	}
	if _, err := read("another", sent); err == nil {
		t.Error("a cookie of another name was taken")
	}

	for i := range 3 * web.KnownCookies {
		value := written(strconv.Itoa(i))
		if s, err := read(name, value); err != nil || s.Values["token"] != strconv.Itoa(i) {
			t.Fatalf("cookie %d: got %v, %v", i, s.Values, err)
		}
		if s, err := read(name, sent); err != nil || s.Values["token"] != "Ana's" {
			t.Fatalf("after %d others: got %v, %v", i, s.Values, err)
		}
	}
	if n := web.CookiesKnown(store); n > 2*web.KnownCookies {
		t.Errorf("%d cookies are kept, want no more than %d", n, 2*web.KnownCookies)
	}
}
