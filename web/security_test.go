package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"rowlock/account"
	"rowlock/static"
	"rowlock/web"
)

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	crossSite := s.stranger().request(http.MethodPost, "/login")
	crossSite.Header.Set("Origin", "https://evil.example")
	answers := []*answer{
		s.stranger().get("/").wants(http.StatusOK),
		s.stranger().get("/nothing").wants(http.StatusNotFound),
		s.stranger().get("/account").wants(http.StatusSeeOther),
		s.stranger().get("/%00").wants(http.StatusBadRequest),
		s.stranger().get("/healthz").wants(http.StatusOK),
		s.stranger().get(static.Path("app.css")).wants(http.StatusOK),
		s.stranger().send(crossSite).wants(http.StatusForbidden),
	}
	for _, a := range answers {
		for header, want := range map[string]string{
			"Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; " +
				"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
			"X-Content-Type-Options":     "nosniff",
			"X-Frame-Options":            "DENY",
			"Referrer-Policy":            "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := a.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", a.what, header, got, want)
			}
		}
		if a.Header.Get("Permissions-Policy") == "" || a.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: headers are missing in %v", a.what, a.Header)
		}
		if a.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: says Strict-Transport-Security over http", a.what)
		}
	}
}

// What governs pages is left out of data, which no browser shows; what keeps it
// from being taken for something else stays.
func TestDataCarriesTheHeadersThatConcernIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for path, want := range map[string]int{"/events": http.StatusOK, "/bookings": http.StatusUnauthorized, "/nothing": http.StatusNotFound} {
		a := s.stranger().json(http.MethodGet, path).wants(want)
		for header, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
			"Content-Security-Policy": "", "Speculation-Rules": "",
		} {
			if got := a.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", path, header, got, want)
			}
		}
	}
}

func TestPagesOfSignedInPeopleAreNotKept(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tests := []struct {
		c    *client
		path string
		want string
	}{
		{s.stranger(), "/", "no-cache"},
		{s.stranger(), "/nothing", "no-cache"},
		{s.as(account.Attendee), "/", "private, no-store"},
		{s.as(account.Attendee), "/account", "private, no-store"},
		{s.as(account.Attendee), "/nothing", "private, no-store"},
		{s.as(account.Attendee), static.Path("app.css"), "public, max-age=31536000, immutable"},
	}
	for _, tt := range tests {
		a := tt.c.get(tt.path)
		if got := a.Header.Get("Cache-Control"); got != tt.want {
			t.Errorf("%s: Cache-Control is %q, want %q", tt.path, got, tt.want)
		}
		if vary := strings.Join(a.Header.Values("Vary"), ", "); tt.want != "public, max-age=31536000, immutable" &&
			(!strings.Contains(vary, "HX-Request") || !strings.Contains(vary, "Cookie") || !strings.Contains(vary, "Accept")) {
			t.Errorf("%s: Vary is %q", tt.path, vary)
		}
	}
}

// A rush of bookings is answered in as little as can be: no cache keeps a
// booking, and its few bytes are not worth packing.
func TestAScriptsBookingIsAnsweredInFewHeaders(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c, e := s.as(account.Attendee), s.event(s.person(account.Organizer), 5)
	r := c.request(http.MethodPost, "/events/"+e.ID.String()+"/book")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Accept-Encoding", "gzip")
	a := c.send(r)
	a.wants(http.StatusOK)
	for _, name := range []string{"Vary", "Content-Encoding", "Content-Security-Policy"} {
		if got := a.Header.Get(name); got != "" {
			t.Errorf("%s is %q", name, got)
		}
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.as(account.Attendee)
	tests := []struct {
		name   string
		header map[string]string
		want   int
	}{
		{"our own", map[string]string{"Sec-Fetch-Site": "same-origin"}, http.StatusSeeOther},
		{"a script outside a browser", map[string]string{"Origin": ""}, http.StatusSeeOther},
		{"an old browser on our page", map[string]string{"Origin": s.url}, http.StatusSeeOther},
		{"another site", map[string]string{"Sec-Fetch-Site": "cross-site"}, http.StatusForbidden},
		{"a neighbouring host", map[string]string{"Sec-Fetch-Site": "same-site"}, http.StatusForbidden},
		{"another site in an old browser", map[string]string{"Origin": "https://evil.example"}, http.StatusForbidden},
		{"a sandboxed frame", map[string]string{"Origin": "null"}, http.StatusForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := c.request(http.MethodPost, "/account", "name", tt.name)
			r.Header.Del("Origin")
			for name, value := range tt.header {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			c.send(r).wants(tt.want)
			done := s.count(`select count(*) from users where name = $1`, tt.name) == 1
			if done != (tt.want == http.StatusSeeOther) {
				t.Errorf("it took effect: %t", done)
			}
		})
	}
	r := c.request(http.MethodPost, "/account", "name", "Eve")
	r.Header.Set("Origin", "https://evil.example")
	refused := c.send(r).wants(http.StatusForbidden).says("This form came from another site").has("main h1")
	// Nobody looked who they are, so they are not asked to sign in again.
	refused.hasNo(`[href^="/login"]`).hasNo(`[href^="/signup"]`)
}

func TestWhatIsNoTextIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.as(account.Attendee)
	gets := []string{"/events?q=%00", "/events?q=a%00b", "/events?%00=a", "/events?q=%ff%fe", "/events/%00", "/events/%c3%28", "/%00"}
	for _, path := range gets {
		c.get(path).wants(http.StatusBadRequest).says("We could not read that").has("main h1")
	}
	posts := [][2]string{{"name", "a\x00b"}, {"name", "\xff"}, {"\x00", "a"}, {"other", "\xc3\x28"}}
	for _, field := range posts {
		c.post("/account", field[0], field[1]).wants(http.StatusBadRequest)
		s.stranger().post("/login", field[0], field[1]).wants(http.StatusBadRequest)
	}
	broken := c.request(http.MethodPost, "/account")
	broken.Body, broken.ContentLength = io.NopCloser(strings.NewReader("name=%zz")), 8
	c.send(broken).wants(http.StatusBadRequest)

	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.WriteField("name", "a\x00b"); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	multi := c.request(http.MethodPost, "/account")
	multi.Body, multi.ContentLength = io.NopCloser(&body), int64(body.Len())
	multi.Header.Set("Content-Type", form.FormDataContentType())
	c.send(multi).wants(http.StatusBadRequest)

	if js := c.json(http.MethodGet, "/events?q=%00").wants(http.StatusBadRequest); js.jsonError() == "" {
		t.Error("a script is not told why")
	}
	// Text of every kind is fine.
	c.post("/account", "name", "Åsa 🚣 Łęcka").leadsTo("/account")
	c.get("/events?q=%F0%9F%9A%A3").wants(http.StatusOK)
}

func TestTooMuchTextIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.stranger()
	c.post("/login", "email", "a@example.org", "password", strings.Repeat("a", 1<<20)).wants(http.StatusRequestEntityTooLarge).says("too much text")
	c.post("/login", "email", "a@example.org", "password", strings.Repeat("a", 1<<19)).wants(http.StatusUnprocessableEntity)
}

func TestHEADIsAnsweredLikeGET(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, path := range []string{"/", "/login", "/healthz", "/account", "/nothing", static.Path("app.css")} {
		get, head := s.stranger().get(path), s.stranger().send(s.stranger().request(http.MethodHead, path))
		if head.Status != get.Status || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") || head.location() != get.location() {
			t.Errorf("%s: got %d %v, want %d %v", path, head.Status, head.Header, get.Status, get.Header)
		}
		if head.Body != "" {
			t.Errorf("%s: HEAD has a body", path)
		}
	}
	s.stranger().send(s.stranger().request(http.MethodHead, "/logout")).wants(http.StatusMethodNotAllowed)
}

func TestPagesAreCompressed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	get := func(path, accept string) *answer {
		r := s.stranger().request(http.MethodGet, path)
		// Set by hand, so that the client does not unpack.
		r.Header.Set("Accept-Encoding", "gzip")
		if accept != "" {
			r.Header.Set("Accept", accept)
		}
		return s.stranger().send(r)
	}
	a := get("/login", "")
	if a.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("Content-Encoding is %q", a.Header.Get("Content-Encoding"))
	}
	plain, err := gzip.NewReader(strings.NewReader(a.Body))
	if err != nil {
		t.Fatal(err)
	}
	if html, err := io.ReadAll(plain); err != nil || !bytes.Contains(html, []byte("<h1")) {
		t.Errorf("got %.200s, %v", html, err)
	}
	if a := get("/login", "text/event-stream"); a.Header.Get("Content-Encoding") != "" {
		t.Error("a stream is compressed")
	}
	if a := get("/healthz", ""); a.Header.Get("Content-Encoding") != "" {
		t.Error("a few bytes are compressed")
	}
	if a := get("/nothing", ""); a.Status != http.StatusNotFound {
		t.Errorf("an error page: status %d", a.Status)
	}
}

func TestForwardedAddressCountsOnlyFromTrustedProxies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		trusted []netip.Prefix
		header  string
		want    string
	}{
		{"no proxy is trusted", nil, "203.0.113.5", "127.0.0.1"},
		{"another proxy is trusted", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "203.0.113.5", "127.0.0.1"},
		{"the proxy is trusted", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "203.0.113.5", "203.0.113.5"},
		{"what the visitor adds is not", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "198.51.100.1, 203.0.113.5", "203.0.113.5"},
		{"nonsense is not", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "nonsense", "127.0.0.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(config *web.Config) { config.TrustedProxies = tt.trusted })
			r := s.stranger().request(http.MethodPost, "/login", "email", "a@example.org", "password", "wrong")
			r.Header.Set("X-Forwarded-For", tt.header)
			s.stranger().send(r).wants(http.StatusUnprocessableEntity)
			if n := s.count(`select count(*) from failed_sign_ins where address = $1::text::inet`, tt.want); n != 1 {
				t.Errorf("the failure is not counted for %s", tt.want)
			}
		})
	}
}

// A logbook keeps what is logged.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestLogNamesTheRouteAndNoSecret(t *testing.T) {
	t.Parallel()
	var log logbook
	s := newSite(t, func(config *web.Config) { config.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	c := s.as(account.Attendee)
	a := c.get("/login?next=%2Fbookings%3Fkey%3Dtop-secret").wants(http.StatusSeeOther)

	if line := log.line("route=/login", "method=GET"); !strings.Contains(line, "status=303") || !strings.Contains(line, "ms=") ||
		!strings.Contains(line, "request="+a.Header.Get("X-Request-Id")) {
		t.Errorf("logged %q", line)
	}
	for _, secret := range []string{"top-secret", password, "person-1@example.org", a.Header.Get("Set-Cookie")} {
		if secret != "" && strings.Contains(log.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

// line is the first line that has all the words.
func (l *logbook) line(words ...string) string {
next:
	for line := range strings.Lines(l.String()) {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue next
			}
		}
		return line
	}
	return ""
}
