package web_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/event"
	"rowlock/live"
	"rowlock/web"
)

// A clock goes on only when it is told to.
type clock struct {
	start time.Time
	gone  atomic.Int64
}

func (c *clock) now() time.Time          { return c.start.Add(time.Duration(c.gone.Load())) }
func (c *clock) passes(by time.Duration) { c.gone.Add(int64(by)) }

// stillSite is a site on which no time passes by itself, so that no page gets
// too old to be shown again.
func stillSite(t testing.TB) (*site, *clock) {
	t.Helper()
	c := &clock{start: time.Now()}
	return newSite(t, func(config *web.Config) { config.Now = c.now }), c
}

// rename changes an event behind the site's back, which no page can learn of.
func (s *site) rename(e event.Event, title string) {
	s.t.Helper()
	s.exec(`update events set title = $2 where id = $1`, e.ID, title)
}

// seats is the number that the page, or the first ticket of the list, shows.
func (a *answer) seats() int {
	a.t.Helper()
	text, _ := a.find("[data-seats-remaining]").First().Attr("data-seats-remaining")
	n, err := strconv.Atoi(text)
	if err != nil {
		a.t.Fatalf("%s shows no seats: %v", a.what, err)
	}
	return n
}

func TestStrangersShareAPageForASecondAtMost(t *testing.T) {
	t.Parallel()
	s, clock := stillSite(t)
	e := s.event(s.person(account.Organizer), 3)
	for _, path := range []string{"/", "/events?q=row", eventPath(e), eventPath(e) + "?from=letter"} {
		s.rename(e, "Rowing before")
		clock.passes(time.Second)
		s.stranger().get(path).wants(http.StatusOK).says("Rowing before")

		s.rename(e, "Rowing afterwards")
		clock.passes(time.Second - time.Nanosecond)
		s.stranger().get(path).wants(http.StatusOK).says("Rowing before")
		clock.passes(time.Nanosecond)
		s.stranger().get(path).wants(http.StatusOK).says("Rowing afterwards")
	}
}

// No page gets too old here: what is new was told.
func TestAChangeIsShownToStrangersAtOnce(t *testing.T) {
	t.Parallel()
	s, _ := stillSite(t)
	organizer := s.signedIn(s.person(account.Organizer))
	e, stranger := s.event(organizer.user, 3), s.stranger()
	shows := func(want int) {
		t.Helper()
		for name, got := range map[string]int{
			"the event": stranger.get(eventPath(e)).seats(),
			"its part":  stranger.htmx(http.MethodGet, eventPath(e)).seats(),
			"the list":  stranger.get("/events").seats(),
		} {
			if got != want {
				t.Errorf("%s shows %d seats, want %d", name, got, want)
			}
		}
	}
	shows(3)
	ana := s.as(account.Attendee)
	ana.post(eventPath(e) + "/book").wants(http.StatusSeeOther)
	shows(2)
	ana.post(eventPath(e) + "/cancel").wants(http.StatusSeeOther)
	shows(3)
	if _, err := s.desk.Edit(t.Context(), booking.Edit{EventID: e.ID, ActorID: organizer.user.ID, Revision: e.Revision, Details: withCapacity(e, 5)}); err != nil {
		t.Fatal(err)
	}
	shows(5)

	organizer.post(organizerPath(e) + "/cancel").wants(http.StatusSeeOther)
	stranger.get(eventPath(e)).wants(http.StatusOK).says("Cancelled")
	if stranger.get("/events").find(`a[href="`+eventPath(e)+`"]`).Length() > 0 {
		t.Error("the list shows the cancelled event")
	}
	draft := s.draft(organizer.user, 4)
	stranger.get(eventPath(draft)).wants(http.StatusNotFound)
	organizer.post(organizerPath(draft) + "/publish").wants(http.StatusSeeOther)
	stranger.get(eventPath(draft)).wants(http.StatusOK)
	stranger.get("/events").has(`a[href="` + eventPath(draft) + `"]`)
}

func organizerPath(e event.Event) string { return "/organizer/events/" + e.ID.String() }

func withCapacity(e event.Event, capacity int) event.Details {
	d := e.Details
	d.Capacity = capacity
	return d
}

// Another instance hears of a change though its clock stands still.
func TestAChangeIsShownByTheOtherInstance(t *testing.T) {
	t.Parallel()
	s, clock := stillSite(t)
	there := s.anotherInstance(clock)
	e := s.event(s.person(account.Organizer), 3)
	seats := func() int {
		t.Helper()
		w := httptest.NewRecorder()
		there.ServeHTTP(w, httptest.NewRequest(http.MethodGet, eventPath(e), nil))
		return (&answer{t: t, what: "the other instance", Body: w.Body.String()}).seats()
	}
	if n := seats(); n != 3 {
		t.Fatalf("%d seats at first", n)
	}
	s.book(e, s.person(account.Attendee))
	deadline := time.Now().Add(20 * time.Second)
	for seats() != 2 {
		if time.Now().After(deadline) {
			t.Fatal("the other instance still shows the page from before the booking")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// anotherInstance is a second server on the same database. Both know of each
// other when it returns.
func (s *site) anotherInstance(clock *clock) *web.Server {
	s.t.Helper()
	log := slog.New(slog.NewTextHandler(s.t.Output(), nil))
	hub := live.NewHub(log)
	s.t.Cleanup(hub.Close)
	for _, h := range []*live.Hub{s.hub, hub} {
		// A hub that has come to the others says that anything may have changed.
		met := make(chan struct{})
		say := sync.OnceFunc(func() { close(met) })
		h.Heed(func(ids ...uuid.UUID) {
			if len(ids) == 0 {
				say()
			}
		})
		if err := h.Join(s.pool.Config().ConnString()); err != nil {
			s.t.Fatal(err)
		}
		<-met
	}
	server, err := web.New(web.Config{BaseURL: s.url, SessionKey: sessionKey, Log: log, Now: clock.now}, web.Services{
		Pages: s.pool, Accounts: s.accounts, Events: s.events, Desk: s.desk, Simulations: s.simulations, Live: hub,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return server
}

func TestAKeptPageIsForStrangersAlone(t *testing.T) {
	t.Parallel()
	s, _ := stillSite(t)
	e := s.event(s.person(account.Organizer), 3)
	for _, path := range []string{"/", eventPath(e)} {
		ana, bert := s.as(account.Attendee), s.as(account.Attendee)
		for range 2 {
			stranger := s.stranger().get(path).wants(http.StatusOK).hasNo(".me").has(`.who a[href^="/login"]`)
			if stranger.Header.Get("ETag") == "" || stranger.Header.Get("Cache-Control") != "no-cache" {
				t.Errorf("%s for a stranger comes with %v", path, stranger.Header)
			}
			for _, c := range []*client{ana, bert} {
				r := c.request(http.MethodGet, path)
				r.Header.Set("If-None-Match", stranger.Header.Get("ETag"))
				a := c.send(r).wants(http.StatusOK)
				if got := a.text(".me"); got != "Your account: "+c.user.Name {
					t.Errorf("%s for %s is %q's", path, c.user.Name, got)
				}
				if a.Header.Get("ETag") != "" || a.Header.Get("Cache-Control") != "private, no-store" {
					t.Errorf("%s for a person comes with %v", path, a.Header)
				}
			}
		}
	}
}

// What is said once is said to one visitor, though others look at the page
// before and after.
func TestAFlashIsNotKept(t *testing.T) {
	t.Parallel()
	s, _ := stillSite(t)
	path := eventPath(s.event(s.person(account.Organizer), 3))
	s.stranger().get(path).hasNo(".flash")
	leaving := s.as(account.Attendee)
	leaving.post("/logout").wants(http.StatusSeeOther)
	flashed := leaving.get(path).has(".flash")
	if flashed.Header.Get("ETag") != "" {
		t.Error("a page that says something once has a validator")
	}
	s.stranger().get(path).hasNo(".flash")
	leaving.get(path).hasNo(".flash")
}

// One address has several pages: in every language, whole or in part, for
// people or for scripts. Each visitor gets theirs, whoever asked before.
func TestEachKindOfVisitorGetsTheirPage(t *testing.T) {
	t.Parallel()
	s, _ := stillSite(t)
	path := eventPath(s.event(s.person(account.Organizer), 3))
	c := s.stranger()
	for range 2 {
		for _, language := range []string{"en", "de", "fr"} {
			r := c.request(http.MethodGet, path)
			r.Header.Set("Accept-Language", language)
			if got, _ := c.send(r).find("html").Attr("lang"); got != language {
				t.Errorf("who asks for %q gets %q", language, got)
			}
		}
		if part := c.htmx(http.MethodGet, path); strings.Contains(part.Body, "<html") {
			t.Error("htmx gets a whole page")
		}
		c.get(path).has("main #booking")
		var script struct{ Capacity int }
		c.json(http.MethodGet, path).decode(&script)
		if script.Capacity != 3 {
			t.Errorf("a script is told of %d seats", script.Capacity)
		}
		for _, query := range []string{"", "?from=letter", "?from=poster"} {
			c.get(path + query).has(fmt.Sprintf(`.who a[href="/login?next=%s"]`, strings.NewReplacer("/", "%2F", "?", "%3F", "=", "%3D").Replace(path+query)))
		}
	}
}

func TestAPageThatTheBrowserHasIsNotSentAgain(t *testing.T) {
	t.Parallel()
	s, clock := stillSite(t)
	e := s.event(s.person(account.Organizer), 3)
	c := s.stranger()
	for _, path := range []string{"/", "/events?q=row", eventPath(e), eventPath(e) + "/calendar.ics", "/login", "/signup"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			tag := c.get(path).wants(http.StatusOK).Header.Get("ETag")
			if tag == "" {
				t.Fatalf("%s has no validator", path)
			}
			clock.passes(2 * time.Second) // rendered again, it is the same
			for known, want := range map[string]int{
				tag: http.StatusNotModified, `"other", ` + tag: http.StatusNotModified, strings.TrimPrefix(tag, "W/"): http.StatusNotModified,
				"*": http.StatusNotModified, `"other"`: http.StatusOK, `W/"other"`: http.StatusOK,
			} {
				r := c.request(method, path)
				r.Header.Set("If-None-Match", known)
				a := c.send(r).wants(want)
				if want != http.StatusNotModified {
					continue
				}
				if a.Body != "" || a.Header.Get("Content-Length") != "" || a.Header.Get("Content-Encoding") != "" {
					t.Errorf("%s: 304 comes with a body: %v", path, a.Header)
				}
				if a.Header.Get("ETag") != tag || a.Header.Get("Cache-Control") != "no-cache" || a.Header.Get("Content-Security-Policy") == "" {
					t.Errorf("%s: 304 comes with %v", path, a.Header)
				}
			}
		}
	}

	tag := c.get(eventPath(e)).Header.Get("ETag")
	s.book(e, s.person(account.Attendee))
	r := c.request(http.MethodGet, eventPath(e))
	r.Header.Set("If-None-Match", tag)
	if n := c.send(r).wants(http.StatusOK).seats(); n != 2 {
		t.Errorf("a page that changed shows %d seats", n)
	}
}

func TestAKeptPageIsTheSameCompressed(t *testing.T) {
	t.Parallel()
	s, _ := stillSite(t)
	path := eventPath(s.event(s.person(account.Organizer), 3))
	ask := func(encoding string) (*http.Response, []byte) {
		t.Helper()
		r := s.stranger().request(http.MethodGet, path)
		r.Header.Set("Accept-Encoding", encoding) // so that the client leaves it as it came
		response, err := s.transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close() //nolint:errcheck // it was read to its end
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if response.ContentLength != int64(len(body)) || !strings.Contains(strings.Join(response.Header.Values("Vary"), ", "), "Accept-Encoding") {
			t.Errorf("%q: %d bytes come with %v", encoding, len(body), response.Header)
		}
		return response, body
	}
	_, plain := ask("identity")
	for range 2 {
		response, body := ask("br, gzip;q=0.8")
		if response.Header.Get("Content-Encoding") != "gzip" || len(body) >= len(plain) {
			t.Fatalf("%d bytes come with %v", len(body), response.Header)
		}
		unzip, err := gzip.NewReader(strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(unzip); err != nil || string(text) != string(plain) {
			t.Errorf("compressed it is another page: %v", err)
		}
		if response, body = ask("gzip;q=0"); response.Header.Get("Content-Encoding") != "" || string(body) != string(plain) {
			t.Error("who wants no gzip gets it")
		}
	}
}

// While strangers look without a break, whoever has booked and looks finds
// their booking counted.
func TestKeptPagesKeepUpWithARush(t *testing.T) {
	t.Parallel()
	const seats = 25
	s, _ := stillSite(t)
	e := s.event(s.person(account.Organizer), seats)
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for c := s.stranger(); ctx.Err() == nil; {
				c.get(eventPath(e))
				c.get("/events")
			}
		})
	}
	defer readers.Wait()
	defer stop()
	looker := s.stranger()
	for taken := 1; taken <= seats; taken++ {
		s.book(e, s.person(account.Attendee))
		for _, path := range []string{eventPath(e), "/events"} {
			if got := looker.get(path).seats(); got != seats-taken {
				t.Fatalf("%s shows %d seats after %d bookings of %d", path, got, taken, seats)
			}
		}
	}
}
