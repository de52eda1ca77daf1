package web_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/event"
	"rowlock/live"
)

// A followed page is one whose stream is open.
type followed struct {
	t        testing.TB
	path     string
	header   http.Header
	messages chan string
	leave    context.CancelFunc
}

// follows opens the stream of a page, as the page does.
func (c *client) follows(path string) *followed {
	c.t.Helper()
	ctx, leave := context.WithCancel(context.Background())
	r := c.request(http.MethodGet, path).WithContext(ctx)
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Accept-Encoding", "gzip")
	patient := *c.http
	patient.Timeout = 0
	response, err := patient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		c.t.Fatalf("follow %s: status %d, %q", path, response.StatusCode, response.Header)
	}
	f := &followed{t: c.t, path: path, header: response.Header, messages: make(chan string, 100), leave: leave}
	go func() {
		defer close(f.messages)
		defer response.Body.Close() //nolint:errcheck // it was read to its end
		f.read(bufio.NewScanner(response.Body))
	}()
	c.t.Cleanup(leave)
	return f
}

// read takes the stream apart as a browser does.
func (f *followed) read(lines *bufio.Scanner) {
	lines.Buffer(nil, 1<<20)
	var data []string
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case field == "data":
			data = append(data, value)
		case lines.Text() == "" && data != nil:
			f.messages <- strings.Join(data, "\n")
			data = nil
		}
	}
}

// sees waits for a message in which every selector finds something, and
// returns it.
func (f *followed) sees(selectors ...string) *goquery.Document {
	f.t.Helper()
	deadline := time.After(20 * time.Second)
	last := ""
	for {
		select {
		case message, open := <-f.messages:
			if !open {
				f.t.Fatalf("%s ended without %q; the last message was %s", f.path, selectors, last)
			}
			last = message
			if doc := parsed(f.t, message); finds(doc, selectors) {
				return doc
			}
		case <-deadline:
			f.t.Fatalf("%s never told %q; the last message was %s", f.path, selectors, last)
		}
	}
}

// ends waits until the stream is over.
func (f *followed) ends() {
	f.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case _, open := <-f.messages:
			if !open {
				return
			}
		case <-deadline:
			f.t.Fatalf("%s goes on", f.path)
		}
	}
}

func parsed(t testing.TB, html string) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(html))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func finds(doc *goquery.Document, selectors []string) bool {
	for _, s := range selectors {
		if doc.Find(s).Length() == 0 {
			return false
		}
	}
	return true
}

// anotherDesk is the desk of a second instance on the site's database.
func (s *site) anotherDesk() *booking.Desk {
	s.t.Helper()
	log := slog.New(slog.NewTextHandler(s.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	hub := live.NewHub(log)
	for _, h := range []*live.Hub{hub, s.hub} {
		if err := h.Join(s.pool.Config().ConnString()); err != nil {
			s.t.Fatal(err)
		}
	}
	desk := booking.NewDesk(s.pool, log, hub.Changed)
	s.t.Cleanup(func() {
		hub.Close()
		if err := desk.Close(context.Background()); err != nil {
			s.t.Errorf("close the other desk: %v", err)
		}
	})
	return desk
}

func (s *site) bookAt(d *booking.Desk, e event.Event, u account.User) {
	s.t.Helper()
	if _, err := d.Book(context.Background(), booking.Request{EventID: e.ID, UserID: u.ID}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) cancelAt(d *booking.Desk, e event.Event, u account.User) {
	s.t.Helper()
	if _, err := d.Cancel(context.Background(), booking.Cancellation{EventID: e.ID, UserID: u.ID, ActorID: u.ID}); err != nil {
		s.t.Fatal(err)
	}
}

func livePath(e event.Event) string { return "/events/" + e.ID.String() + "/live" }

func TestAnOpenPageFollowsTheSeats(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	elsewhere := s.anotherDesk()
	e := s.event(s.person(account.Organizer), 2)
	stranger, newcomer := s.stranger().follows(livePath(e)), s.as(account.Attendee).follows(livePath(e))
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Encoding": ""} {
		if got := stranger.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}

	stranger.sees(`#booking[data-seats-remaining="2"]`, `.pass-stub a[href^="/login"]`, `#event-state:not(:has(.tag))`)
	newcomer.sees(`#booking[data-seats-remaining="2"]`, `form[action$="/book"] input[value="seat"]`)

	// Only the numbers change, not what one can do.
	s.bookAt(s.desk, e, s.person(account.Attendee))
	for _, page := range []*followed{stranger, newcomer} {
		if n := page.sees(`#booking[data-seats-remaining="1"]`).Find(".pass-stub").Length(); n > 0 {
			t.Error("what can be done is sent again though it is the same")
		}
	}
	// On another instance, and the word above the title is told together with
	// the numbers.
	s.bookAt(elsewhere, e, s.person(account.Attendee))
	stranger.sees(`#booking[data-seats-remaining="0"]`, `#event-state .tag-full`, `.pass-stub a[href^="/login"]`)
	newcomer.sees(`#booking[data-seats-remaining="0"]`, `#event-state .tag-full`, `form[action$="/book"] input[value="line"]`)
}

func TestAPromotionReachesThePersonInLine(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	elsewhere := s.anotherDesk()
	e := s.event(s.person(account.Organizer), 1)
	holder, first, second := s.person(account.Attendee), s.as(account.Attendee), s.as(account.Attendee)
	for _, u := range []account.User{holder, first.user, second.user} {
		s.bookAt(s.desk, e, u)
	}
	stranger, one, two := s.stranger().follows(livePath(e)), first.follows(livePath(e)), second.follows(livePath(e))
	one.sees(`#booking[data-booking="waitlisted"][data-place="1"]`)
	two.sees(`#booking[data-booking="waitlisted"][data-place="2"]`)
	stranger.sees(`#booking[data-booking="none"]`)

	s.cancelAt(elsewhere, e, holder)
	said := one.sees(`#booking[data-booking="confirmed"]`, `.pass-stub .code`, `[data-announce]`).Find("[data-announce]").Text()
	if !strings.Contains(said, "A seat came free") {
		t.Errorf("the news is %q", said)
	}
	two.sees(`#booking[data-booking="waitlisted"][data-place="1"]`, `.pass-stub h2`)

	// A stranger hears of the line, and of nobody in it.
	stranger.leave()
	for message := range stranger.messages {
		if doc := parsed(t, message); finds(doc, []string{"[data-place]"}) || finds(doc, []string{".code"}) || !finds(doc, []string{`#booking[data-booking="none"]`}) {
			t.Errorf("a stranger is told %s", message)
		}
	}
}

// Somebody with a seat is sent the numbers, and their ticket only once.
func TestTheTicketIsSentOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 3)
	holder := s.as(account.Attendee)
	s.bookAt(s.desk, e, holder.user)
	page := holder.follows(livePath(e))
	page.sees(`#booking[data-booking="confirmed"]`, `.pass-stub .code`)
	s.bookAt(s.desk, e, s.person(account.Attendee))
	if doc := page.sees(`#booking[data-seats-remaining="1"]`); doc.Find(".code").Length() > 0 {
		t.Error("the ticket is sent again")
	}
}

// What happens past the desk, such as an edit by another program, is found.
func TestAMissedChangeIsFound(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 3)
	page := s.stranger().follows(livePath(e))
	page.sees(`#booking[data-seats-remaining="3"]`)
	s.exec(`update events set capacity = 9, seats_remaining = 9, version = version + 1 where id = $1`, e.ID)
	page.sees(`#booking[data-seats-remaining="9"]`)
}

func TestTheStreamOfACancelledEventEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	organizer := s.person(account.Organizer)
	e := s.event(organizer, 3)
	page := s.stranger().follows(livePath(e))
	page.sees(`#booking[data-live]`)
	if _, err := s.desk.CancelEvent(t.Context(), e.ID, organizer.ID); err != nil {
		t.Fatal(err)
	}
	page.sees(`#booking:not([data-live])`, `#event-state .tag-cancelled`)
	page.ends()
}

func TestWhoMayFollow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	organizer := s.as(account.Organizer)
	draft := s.event(organizer.user, 3)
	s.exec(`update events set status = 'draft' where id = $1`, draft.ID)
	run := s.simulated(s.event(organizer.user, 3).ID, 2)
	runPath := fmt.Sprintf("/admin/simulations/%s/live", run)

	s.stranger().get(livePath(draft)).wants(http.StatusNotFound)
	s.as(account.Organizer).get(livePath(draft)).wants(http.StatusNotFound)
	s.stranger().get("/events/not-an-id/live").wants(http.StatusNotFound)
	organizer.follows(livePath(draft)).sees(`#booking`, `#event-state .tag-draft`)
	s.stranger().get(runPath).wants(http.StatusSeeOther)
	organizer.get(runPath).wants(http.StatusForbidden)
	s.as(account.Admin).get("/admin/simulations/" + draft.ID.String() + "/live").wants(http.StatusNotFound)
	if n := s.hub.Watching(); n > 1 {
		t.Errorf("%d watch, though only one may", n)
	}
}

func TestHeadOfAStreamEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 3)
	c := s.stranger()
	a := c.send(c.request(http.MethodHead, livePath(e))).wants(http.StatusOK)
	if a.Header.Get("Content-Type") != "text/event-stream" || a.Body != "" {
		t.Errorf("got %q and %q", a.Header, a.Body)
	}
}

func TestOnePersonsStreamsAreBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 3)
	c := s.as(account.Attendee)
	pages := make([]*followed, 30)
	for i := range pages {
		pages[i] = c.follows(livePath(e))
	}
	refusal := c.get(livePath(e)).wants(http.StatusServiceUnavailable)
	if refusal.Header.Get("Retry-After") == "" {
		t.Error("nothing says when to try again")
	}
	// The page itself goes on, by asking for its part.
	c.htmx(http.MethodGet, "/events/"+e.ID.String()).wants(http.StatusOK).has("#booking[data-live]").has("#event-state").hasNo("main")
	s.as(account.Attendee).follows(livePath(e)).sees("#booking")

	pages[0].leave()
	pages[0].ends()
	deadline := time.Now().Add(20 * time.Second)
	for s.hub.Watching() > 30 && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	c.follows(livePath(e)).sees("#booking")
}

func TestASimulationIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	admin := s.as(account.Admin)
	id := s.simulated(s.event(s.person(account.Organizer), 3).ID, 8)
	path := fmt.Sprintf("/admin/simulations/%s", id)
	// Another instance runs it: this one sees its row alone.
	s.exec(`update simulations set state = 'running', phase = 'booking', answered = 2, heartbeat_at = now() + interval '1 hour' where id = $1`, id)
	page := admin.follows(path + "/live")
	page.sees(`#simulation[data-state="running"][data-live]`, `progress[value="2"]`)
	s.exec(`update simulations set answered = 5 where id = $1`, id)
	page.sees(`progress[value="5"]`)
	s.exec(`update simulations set state = 'done' where id = $1`, id)
	page.sees(`#simulation[data-state="done"]:not([data-live])`, `[data-tally="overbooked"]`)
	page.ends()
}

func TestAStopDoesNotWaitForOpenPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 3)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s.server, ReadHeaderTimeout: time.Second}
	server.RegisterOnShutdown(s.hub.Close)
	go server.Serve(listener) //nolint:errcheck // it ends with the test
	c := s.stranger()
	c.site = &site{t: t, url: "http://" + listener.Addr().String()}
	pages := []*followed{c.follows(livePath(e)), c.follows(livePath(e))}
	for _, page := range pages {
		page.sees("#booking")
	}

	// It would wait for ever for a page that stays open.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		page.ends()
	}
	s.stranger().get(livePath(e)).wants(http.StatusServiceUnavailable)
}

// A stuckReader takes the first message of a stream and then nothing.
type stuckReader struct {
	header http.Header

	mu       sync.Mutex
	writes   int
	patience time.Duration // of the server with the newest write
	first    chan struct{} // closed when the first message is there
	stuck    chan struct{}
	timedOut chan struct{}
}

func (r *stuckReader) Header() http.Header { return r.header }
func (r *stuckReader) WriteHeader(int)     {}
func (r *stuckReader) Flush()              {}

func (r *stuckReader) SetWriteDeadline(at time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.patience = time.Until(at)
	return nil
}

func (r *stuckReader) Write(b []byte) (int, error) {
	r.mu.Lock()
	r.writes++
	n := r.writes
	r.mu.Unlock()
	switch n {
	case 1: // the retry time
	case 2:
		close(r.first)
	default:
		close(r.stuck)
		<-r.timedOut
		return 0, context.DeadlineExceeded
	}
	return len(b), nil
}

// A page that takes nothing keeps nobody from booking, nor other pages from
// hearing of it, and is dropped after a while.
func TestASlowReaderIsDropped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 5)
	reader := &stuckReader{header: http.Header{}, first: make(chan struct{}), stuck: make(chan struct{}), timedOut: make(chan struct{})}
	dropped := make(chan struct{})
	go func() {
		defer close(dropped)
		s.server.ServeHTTP(reader, s.stranger().request(http.MethodGet, livePath(e)))
	}()
	page := s.stranger().follows(livePath(e))
	page.sees(`#booking[data-seats-remaining="5"]`)
	<-reader.first // what is booked now is news to it

	s.bookAt(s.desk, e, s.person(account.Attendee))
	<-reader.stuck
	s.bookAt(s.desk, e, s.person(account.Attendee))
	page.sees(`#booking[data-seats-remaining="3"]`)
	reader.mu.Lock()
	if wait := reader.patience; wait <= 0 || wait > 10*time.Second {
		t.Errorf("the write may take %s", wait)
	}
	reader.mu.Unlock()
	close(reader.timedOut)
	<-dropped
}
