package web_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"rowlock/account"
	"rowlock/static"
)

// Browsers that do not save data are told which links they may follow by
// themselves; what they follow then is tested in a browser.
func TestPreloadIsOfferedToWhoSavesNoData(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for saves, want := range map[string]string{"": strconv.Quote(static.Path("preload.rules")), "on": ""} {
		for _, c := range []*client{s.stranger(), s.as(account.Attendee)} {
			r := c.request(http.MethodGet, "/")
			if saves != "" {
				r.Header.Set("Save-Data", saves)
			}
			a := c.send(r).wants(http.StatusOK)
			if got := a.Header.Get("Speculation-Rules"); got != want {
				t.Errorf("with Save-Data %q the rules are %q, want %q", saves, got, want)
			}
			if vary := strings.Join(a.Header.Values("Vary"), ", "); !strings.Contains(vary, "Save-Data") {
				t.Errorf("the page varies by %q", vary)
			}
		}
	}

	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, static.Path("preload.rules"), nil))
	if got := w.Header().Get("Content-Type"); got != "application/speculationrules+json" || !json.Valid(w.Body.Bytes()) {
		t.Errorf("the rules are %s of type %q", w.Body, got)
	}
}

// A page that is fetched ahead may never be seen: what is said once waits for
// one that is.
func TestAPreloadTakesNoFlash(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	leaving := s.as(account.Attendee)
	leaving.post("/logout").wants(http.StatusSeeOther)
	r := leaving.request(http.MethodGet, "/")
	r.Header.Set("Sec-Purpose", "prefetch;anonymous-client-ip")
	leaving.send(r).wants(http.StatusOK).hasNo(".flash")
	leaving.get("/").has(".flash")
	leaving.get("/").hasNo(".flash")
}
