// Package web is Rowlock in a browser: routes, sessions, forms and the table
// of errors. It is the only package that knows Echo, cookies and status codes.
//
// Every page works without JavaScript: forms post, a success answers 303, a
// form with a problem is shown again with 422. Where htmx asks for a part of a
// page it gets the part.
package web

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/sessions"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/db"
	"rowlock/event"
	"rowlock/live"
	"rowlock/simulation"
	"rowlock/views"
)

// Config is what a server needs to know about where it runs.
type Config struct {
	// BaseURL is the address by which browsers reach the server, such as
	// "https://events.example.org". With https, cookies are sent over https
	// only and browsers are told to stay there.
	BaseURL string
	// SessionKey signs the session cookies. Instances that serve the same
	// people share it. It has at least 32 bytes.
	SessionKey []byte
	// TrustedProxies are the networks whose X-Forwarded-For is believed. With
	// none, the address of the connection is the visitor's.
	TrustedProxies []netip.Prefix
	// Demo says on every page that the data is made up; DemoPeople are offered
	// on the sign-in page.
	Demo       bool
	DemoPeople []views.DemoPerson
	Log        *slog.Logger
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// MaxBookings and MaxPages bound how many requests to book or cancel, and
	// how many others, are under way at once. What comes beyond is answered
	// with 503. 0 is the default, which is meant for every server.
	MaxBookings, MaxPages int
}

// Services are what the pages show and change.
type Services struct {
	// Pages is the pool that requests read from.
	Pages       *pgxpool.Pool
	Accounts    *account.Store
	Events      *event.Store
	Desk        *booking.Desk
	Simulations *simulation.Runner
	// Live tells open pages what changed. Where there is none, they learn of
	// it a few seconds later.
	Live *live.Hub
}

// A Server answers every request of a browser or a script.
type Server struct {
	handler  http.Handler
	cookies  *sessions.CookieStore
	visitors recentVisitors
	origins  *http.CrossOriginProtection

	baseURL string
	// secure says that browsers reach the server by https.
	secure     bool
	demo       bool
	demoPeople []views.DemoPerson

	pages       *pgxpool.Pool
	accounts    *account.Store
	events      *event.Store
	desk        *booking.Desk
	simulations *simulation.Runner
	hub         *live.Hub

	bookingBound, pageBound *bound

	sights *db.Lookup[look, sight]
	feeds  feeds
	kept   keptPages
	// checks are the dashboard's.
	checks recentChecks

	log *slog.Logger
	now func() time.Time
}

// New builds a server. It fails when the configuration cannot work.
func New(config Config, services Services) (*Server, error) {
	base, err := parseBaseURL(config.BaseURL)
	if err != nil {
		return nil, err
	}
	s := &Server{
		origins:     http.NewCrossOriginProtection(),
		baseURL:     base.String(),
		secure:      base.Scheme == "https",
		demo:        config.Demo,
		demoPeople:  config.DemoPeople,
		pages:       services.Pages,
		accounts:    services.Accounts,
		events:      services.Events,
		desk:        services.Desk,
		simulations: services.Simulations,
		log:         config.Log,
		now:         config.Now,

		bookingBound: &bound{name: "bookings", most: cmp.Or(config.MaxBookings, maxBookings)},
		pageBound:    &bound{name: "pages", most: cmp.Or(config.MaxPages, maxPages)},
		kept:         keptPages{pages: map[pageKey]*keptEntry{}},
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.cookies, err = newCookies(config.SessionKey, s.secure); err != nil {
		return nil, err
	}
	// A proxy may rewrite the Host header that an Origin is compared with.
	if err := s.origins.AddTrustedOrigin(s.baseURL); err != nil {
		return nil, fmt.Errorf("read the base URL: %w", err)
	}
	if services.Live == nil {
		services.Live = live.NewHub(s.log)
	}
	s.hub = services.Live
	s.hub.Heed(s.kept.forget)
	s.sights = db.NewLookup(s.findSights)
	s.openFeeds(services.Live)
	s.handler = answerHead(s.newEcho(config.TrustedProxies))
	return s, nil
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.handler.ServeHTTP(w, r)
}

func (s *Server) newEcho(trusted []netip.Prefix) *echo.Echo {
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) { s.showError(c, err) }
	e.IPExtractor = clientAddress(trusted)

	useAll(e,
		s.knowRequest,
		s.logRequest,
		recoverPanic,
		setSecurityHeaders(s.secure),
		offerPreload,
		speakLanguage,
		s.refuseCrossOrigin,
		s.boundRequests,
		s.loadVisit,
		refuseBadText,
		s.keepPages,
		compress(),
	)
	s.routes(e)
	return e
}

// useAll has every request go through the middleware, the first outermost. The
// chain is built once: Echo by itself builds one for each request.
func useAll(e *echo.Echo, middleware ...echo.MiddlewareFunc) {
	chain := func(c echo.Context) error { return c.Handler()(c) }
	for _, m := range slices.Backward(middleware) {
		chain = m(chain)
	}
	e.Use(func(echo.HandlerFunc) echo.HandlerFunc { return chain })
}

func parseBaseURL(text string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimSuffix(text, "/"))
	if err != nil {
		return nil, fmt.Errorf("read the base URL: %w", err)
	}
	if base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.Path != "" || base.RawQuery != "" || base.Fragment != "" || base.User != nil {
		return nil, fmt.Errorf("the base URL %q is not like https://events.example.org", text)
	}
	return base, nil
}
