package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/db/dbtest"
	"rowlock/event"
	"rowlock/live"
	"rowlock/simulation"
	"rowlock/web"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// password is everybody's in tests.
const password = "a boat for three"

// sessionKey is long enough, and nothing more.
var sessionKey = []byte("0123456789abcdef0123456789abcdef")

// A site is a whole server on a database of its own.
type site struct {
	t           testing.TB
	url         string
	server      *web.Server
	pool        *pgxpool.Pool
	accounts    *account.Store
	events      *event.Store
	desk        *booking.Desk
	simulations *simulation.Runner
	hub         *live.Hub
	// transport is the site's own: a site that closes breaks off what others
	// ask through the default one.
	transport http.RoundTripper

	people atomic.Int64
}

// newSite starts a site. Each change sees the configuration before the server
// is made.
func newSite(t testing.TB, changes ...func(*web.Config)) *site {
	t.Helper()
	pool := dbtest.Pool(t)
	return newSiteOn(t, pool, pool, pool, changes...)
}

// newSiteOn starts a site on pools of one database: the test's own, the pages'
// and the desk's.
func newSiteOn(t testing.TB, pool, pages, seats *pgxpool.Pool, changes ...func(*web.Config)) *site {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	s := &site{
		t:        t,
		pool:     pool,
		accounts: account.NewStore(pages, account.TestHasher()),
		events:   event.NewStore(pages),
		hub:      live.NewHub(log),
	}
	s.desk = booking.NewDesk(seats, log, s.hub.Changed)
	s.simulations = simulation.NewRunner(pages, map[string]booking.Booker{
		"grouped":     s.desk,
		"pessimistic": booking.NewPessimistic(seats),
	}, log)

	listener := httptest.NewUnstartedServer(nil)
	s.url = "http://" + listener.Listener.Addr().String()
	config := web.Config{BaseURL: s.url, SessionKey: sessionKey, Log: log}
	for _, change := range changes {
		change(&config)
	}
	server, err := web.New(config, web.Services{
		Pages: pages, Accounts: s.accounts, Events: s.events, Desk: s.desk, Simulations: s.simulations, Live: s.hub,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.server = server
	listener.Config.Handler = server
	listener.Start()
	s.transport = listener.Client().Transport
	t.Cleanup(func() {
		s.hub.Close()
		listener.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.simulations.Close(ctx); err != nil {
			t.Errorf("close the simulations: %v", err)
		}
		if err := s.desk.Close(ctx); err != nil {
			t.Errorf("close the desk: %v", err)
		}
	})
	return s
}

// exec changes the database behind the site's back.
func (s *site) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.pool.Exec(context.Background(), sql, args...); err != nil {
		s.t.Fatal(err)
	}
}

// count is the number that a query finds.
func (s *site) count(sql string, args ...any) int {
	s.t.Helper()
	var n int
	if err := s.pool.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// person makes somebody with a role, whose password is [password].
func (s *site) person(role account.Role) account.User {
	s.t.Helper()
	n := s.people.Add(1)
	u, err := s.accounts.CreateUser(context.Background(), account.NewUser{
		Name:     fmt.Sprintf("Person %d", n),
		Email:    fmt.Sprintf("person-%d@example.org", n),
		Password: password,
		Role:     role,
	}, uuid.Nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

// event publishes an event of organizer's, with so many seats, that starts in
// a week.
func (s *site) event(organizer account.User, capacity int) event.Event {
	s.t.Helper()
	start := time.Now().Add(7 * 24 * time.Hour).Truncate(time.Minute)
	e, err := s.events.Create(context.Background(), organizer.ID, event.Details{
		Title:    "Rowing for beginners",
		Location: "Boathouse 3",
		StartsAt: start,
		EndsAt:   start.Add(2 * time.Hour),
		TimeZone: "Europe/Lisbon",
		Capacity: capacity,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	e, err = s.events.Publish(context.Background(), e.ID, organizer.ID, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	s.hub.Changed(e.ID)
	return e
}

// draft makes a draft of organizer's that starts in a week.
func (s *site) draft(organizer account.User, capacity int) event.Event {
	s.t.Helper()
	start := time.Now().Add(7 * 24 * time.Hour).Truncate(time.Minute)
	e, err := s.events.Create(context.Background(), organizer.ID, event.Details{
		Title: "Draft of a plan", StartsAt: start, EndsAt: start.Add(time.Hour), TimeZone: "Europe/Lisbon", Capacity: capacity,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

// book has the person book without a browser.
func (s *site) book(e event.Event, who account.User) booking.Answer {
	s.t.Helper()
	a, err := s.desk.Book(context.Background(), booking.Request{EventID: e.ID, UserID: who.ID})
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// holds reports every rule that the event breaks.
func (s *site) holds(e event.Event) {
	s.t.Helper()
	checks, err := booking.CheckEvent(context.Background(), s.pool, e.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range checks {
		if !c.OK {
			s.t.Errorf("%s: %s", c.Name, c.Detail)
		}
	}
}

func eventPath(e event.Event) string { return "/events/" + e.ID.String() }

// A client is one browser. It keeps cookies and follows no redirect.
type client struct {
	t    testing.TB
	site *site
	http *http.Client
	// user is who signed in; the zero user for a stranger.
	user account.User
}

// stranger opens a browser in which nobody is signed in.
func (s *site) stranger() *client {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &client{t: s.t, site: s, http: &http.Client{
		Jar:           jar,
		Transport:     s.transport,
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// as opens a browser in which a new person with the role is signed in.
func (s *site) as(role account.Role) *client {
	s.t.Helper()
	return s.signedIn(s.person(role))
}

// signedIn opens a browser in which user is signed in.
func (s *site) signedIn(user account.User) *client {
	s.t.Helper()
	c := s.stranger()
	c.post("/login", "email", user.Email, "password", password).wants(http.StatusSeeOther)
	c.user = user
	return c
}

// get opens a page.
func (c *client) get(path string) *answer {
	c.t.Helper()
	return c.send(c.request(http.MethodGet, path))
}

// post sends a form as a browser without JavaScript does. The fields are names
// and values in turn.
func (c *client) post(path string, fields ...string) *answer {
	c.t.Helper()
	return c.send(c.request(http.MethodPost, path, fields...))
}

// htmx sends a form, or opens a page where method is GET, as htmx does.
func (c *client) htmx(method, path string, fields ...string) *answer {
	c.t.Helper()
	r := c.request(method, path, fields...)
	r.Header.Set("HX-Request", "true")
	return c.send(r)
}

// json sends a form, or opens a page, as a script that reads JSON does.
func (c *client) json(method, path string, fields ...string) *answer {
	c.t.Helper()
	r := c.request(method, path, fields...)
	r.Header.Set("Accept", "application/json")
	return c.send(r)
}

// request makes a request that can still be changed before it is sent.
func (c *client) request(method, path string, fields ...string) *http.Request {
	c.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	} else if len(form) > 0 {
		path += "?" + form.Encode()
	}
	r, err := http.NewRequest(method, c.site.url+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", c.site.url)
	}
	return r
}

// send sends a request and reads the whole answer.
func (c *client) send(r *http.Request) *answer {
	c.t.Helper()
	response, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read to its end
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return &answer{
		t: c.t, what: r.Method + " " + r.URL.Path,
		Status: response.StatusCode, Header: response.Header, Cookies: response.Cookies(), Body: string(body),
	}
}

// An answer is what came back.
type answer struct {
	t       testing.TB
	what    string
	Status  int
	Header  http.Header
	Cookies []*http.Cookie
	Body    string
	doc     *goquery.Document
}

// wants ends the test unless the answer has the status.
func (a *answer) wants(status int) *answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("%s: status %d (to %q), want %d\n%.2000s", a.what, a.Status, a.location(), status, a.Body)
	}
	return a
}

// leadsTo ends the test unless the answer sends the browser to path.
func (a *answer) leadsTo(path string) *answer {
	a.t.Helper()
	a.wants(http.StatusSeeOther)
	if a.location() != path {
		a.t.Fatalf("%s: leads to %q, want %q", a.what, a.location(), path)
	}
	return a
}

func (a *answer) location() string { return a.Header.Get("Location") }

// find selects elements of the page.
func (a *answer) find(selector string) *goquery.Selection {
	a.t.Helper()
	if a.doc == nil {
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.Body))
		if err != nil {
			a.t.Fatal(err)
		}
		a.doc = doc
	}
	return a.doc.Find(selector)
}

// has reports an error unless the page has the element.
func (a *answer) has(selector string) *answer {
	a.t.Helper()
	if a.find(selector).Length() == 0 {
		a.t.Errorf("%s: no %s in\n%.4000s", a.what, selector, a.Body)
	}
	return a
}

// hasNo reports an error when the page has the element.
func (a *answer) hasNo(selector string) *answer {
	a.t.Helper()
	if a.find(selector).Length() > 0 {
		a.t.Errorf("%s: there is %s", a.what, selector)
	}
	return a
}

// text is the text of the selected elements, with single spaces.
func (a *answer) text(selector string) string {
	a.t.Helper()
	return strings.Join(strings.Fields(a.find(selector).Text()), " ")
}

// says reports an error unless the page's text has the words.
func (a *answer) says(words string) *answer {
	a.t.Helper()
	if !strings.Contains(a.text("body"), words) {
		a.t.Errorf("%s: does not say %q but %q", a.what, words, a.text("body"))
	}
	return a
}

// decode reads the answer's JSON.
func (a *answer) decode(into any) {
	a.t.Helper()
	if err := json.Unmarshal([]byte(a.Body), into); err != nil {
		a.t.Fatalf("%s: %v in %.2000s", a.what, err, a.Body)
	}
}

// jsonError is the message of a refusal in JSON.
func (a *answer) jsonError() string {
	a.t.Helper()
	var refusal struct {
		Error string `json:"error"`
	}
	a.decode(&refusal)
	return refusal.Error
}
