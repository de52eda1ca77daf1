package web_test

import (
	"net/http"
	"strings"
	"testing"
)

// A page speaks the language that the browser asks for, until its reader
// chooses another; the choice leads back to where it was made.
func TestPagesSpeakTheReadersLanguage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.stranger()
	language := func() string {
		r := c.request(http.MethodGet, "/events")
		r.Header.Set("Accept-Language", "de-CH,de;q=0.9,en;q=0.5")
		a := c.send(r).wants(http.StatusOK)
		if got := strings.Join(a.Header.Values("Vary"), ", "); !strings.Contains(got, "Accept-Language") {
			t.Errorf("a page in one of several languages varies by %q", got)
		}
		lang, _ := a.find("html").Attr("lang")
		return lang
	}

	if got := language(); got != "de" {
		t.Errorf("a German browser gets %q", got)
	}
	c.post("/language", "language", "fr", "back", "/events?q=row").leadsTo("/events?q=row")
	if got := language(); got != "fr" {
		t.Errorf("who chose French gets %q", got)
	}
	c.post("/language", "language", "klingon", "back", "https://evil.example/").leadsTo("/")
	if got := language(); got != "en" {
		t.Errorf("who chose what is not there gets %q", got)
	}
}
