package web_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"rowlock/account"
	"rowlock/static"
	"rowlock/web"
)

// comesTrue waits until something that happens elsewhere has happened.
func comesTrue(t testing.TB, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came true that %s", what)
		}
	}
}

// lockWaits counts the statements that wait for a lock.
func (s *site) lockWaits() int {
	s.t.Helper()
	return s.count(`select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
}

// asksToTryAgain reports an error unless the answer asks for patience.
func (a *answer) asksToTryAgain() *answer {
	a.t.Helper()
	a.wants(http.StatusServiceUnavailable)
	if seconds, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 10 {
		a.t.Errorf("%s: asks to wait %q seconds", a.what, a.Header.Get("Retry-After"))
	}
	return a
}

func TestBookingsBeyondTheBoundAreAskedToTryAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(config *web.Config) { config.MaxBookings = 3 })
	e := s.event(s.person(account.Organizer), 2)
	late, page := s.as(account.Attendee), s.as(account.Attendee)

	lock, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Rollback(t.Context())
	if _, err := lock.Exec(t.Context(), `select from events where id = $1 for update`, e.ID); err != nil {
		t.Fatal(err)
	}
	var held sync.WaitGroup
	hold := func() {
		c := s.as(account.Attendee)
		held.Go(func() { c.post(eventPath(e) + "/book").wants(http.StatusSeeOther) })
	}
	hold()
	comesTrue(t, "the first booking waits for the event", func() bool { return s.lockWaits() == 1 })
	hold()
	hold()
	comesTrue(t, "two bookings wait behind it", func() bool { return s.desk.Waiting(e.ID) == 2 })
	page.get("/bookings").wants(http.StatusOK)

	// From now on whoever were to be recognized would wait.
	if _, err := lock.Exec(t.Context(), `lock table sessions in access exclusive mode`); err != nil {
		t.Fatal(err)
	}
	busy := late.post(eventPath(e)+"/book", "seen", "seat", "next", "/bookings").asksToTryAgain().
		says("Very many people are here at this moment").says("Nothing was lost")
	// Nobody looked who asks: whoever is signed in is not told to sign in.
	busy.hasNo(`[href^="/login"]`).hasNo(`[href^="/signup"]`)
	late.post(eventPath(e) + "/cancel").asksToTryAgain()
	if got := late.json(http.MethodPost, eventPath(e)+"/book").asksToTryAgain(); got.jsonError() == "" {
		t.Errorf("a script gets %s", got.Body)
	}
	part := late.htmx(http.MethodPost, eventPath(e)+"/book").asksToTryAgain().hasNo("main").hasNo("form")
	if part.Header.Get("HX-Retarget") != "#trouble" {
		t.Errorf("htmx is told %v", part.Header)
	}

	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	held.Wait()
	late.submit(busy, "main form").leadsTo("/bookings")
	if n := s.count(`select count(*) from registrations where event_id = $1`, e.ID) + s.count(`select count(*) from waitlist_entries where event_id = $1`, e.ID); n != 4 {
		t.Errorf("%d people have a seat or wait, want 4", n)
	}
	s.holds(e)
}

func TestPagesBeyondTheBoundKeepNobodyElseOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(config *web.Config) { config.MaxPages = 2 })
	organizer := s.as(account.Organizer)
	e := s.event(organizer.user, 2)
	ana, admin := s.as(account.Attendee), s.as(account.Admin)

	lock, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Rollback(t.Context())
	if _, err := lock.Exec(t.Context(), `lock table simulations in access exclusive mode`); err != nil {
		t.Fatal(err)
	}
	var held sync.WaitGroup
	for range 2 {
		held.Go(func() { admin.get("/admin/simulations").wants(http.StatusOK) })
	}
	comesTrue(t, "two pages are under way", func() bool { return s.lockWaits() == 2 })

	again := s.stranger().get("/events?q=rowing").asksToTryAgain().text(`main a[href="/events?q=rowing"]`)
	if again != "Try again" {
		t.Errorf("the way on is %q", again)
	}
	form := organizer.post("/organizer/events/"+e.ID.String(), "title", "What took <long> to type", "capacity", "7").asksToTryAgain()
	if kept := form.find(`main form input[name="title"]`).AttrOr("value", ""); kept != "What took <long> to type" {
		t.Errorf("of what was typed %q is kept", kept)
	}
	s.stranger().post("/login", "email", "ana@example.org", "password", "a secret").asksToTryAgain().
		has(`main form[action="/login"] input[value="ana@example.org"]`).hasNo(`input[value="a secret"]`)

	// Bookings, streams and what machines ask for are not pages.
	ana.post(eventPath(e) + "/book").leadsTo(eventPath(e))
	s.stranger().get("/healthz").wants(http.StatusOK)
	s.stranger().get("/readyz").wants(http.StatusOK)
	s.stranger().get(static.Path("app.css")).wants(http.StatusOK)
	stream := s.stranger().request(http.MethodGet, eventPath(e)+"/live")
	open, err := s.transport.RoundTrip(stream)
	if err != nil {
		t.Fatal(err)
	}
	open.Body.Close()
	if open.StatusCode != http.StatusOK {
		t.Errorf("a stream is answered with %s", open.Status)
	}

	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	held.Wait()
	s.stranger().get("/signup").wants(http.StatusOK)
}

// submit sends the form that a page shows, as its button does.
func (c *client) submit(page *answer, form string) *answer {
	c.t.Helper()
	page.has(form)
	var fields []string
	for _, input := range page.find(form + " input").EachIter() {
		fields = append(fields, input.AttrOr("name", ""), input.AttrOr("value", ""))
	}
	return c.post(page.find(form).AttrOr("action", ""), fields...)
}
