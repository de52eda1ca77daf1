package web

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"rowlock/views"
)

// What one instance has under way at most, where the configuration says
// nothing else. A booking waits for the desk, which may take its time: ten
// thousand of them, asked as fast as they are answered, take some 650 MiB
// (docs/benchmarks.md). Other pages take a connection of the database for a few
// milliseconds, and are bounded apart, so that neither keeps the other out.
const (
	maxBookings = 12_000
	maxPages    = 2_000
)

// errOverloaded says that too many requests are under way.
var errOverloaded = errors.New("too many requests are under way")

// refusedTimeout bounds how long a request that is refused may take to arrive.
const refusedTimeout = 2 * time.Second

// warnEvery is how often the log tells that requests are being refused.
const warnEvery = 10 * time.Second

// A bound lets so many requests be under way at once.
type bound struct {
	name string
	most int

	underWay atomic.Int64
	warned   atomic.Int64 // when it was told, in nanoseconds
}

// boundRequests refuses what would be too much before anything is read or
// written for it: whoever tries again has lost nothing. What machines ask for
// is never refused, and open pages have a bound of their own.
func (s *Server) boundRequests(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if forMachines(c) || isStream(c) {
			return next(c)
		}
		b := s.pageBound
		if isBooking(c) {
			b = s.bookingBound
		}
		defer b.underWay.Add(-1)
		if b.underWay.Add(1) > int64(b.most) {
			b.warn(s.log)
			return errOverloaded
		}
		return next(c)
	}
}

// isBooking tells whether the request goes to the desk.
func isBooking(c echo.Context) bool {
	return c.Path() == "/events/:id/book" || c.Path() == "/events/:id/cancel"
}

func (b *bound) warn(log *slog.Logger) {
	now, last := time.Now().UnixNano(), b.warned.Load()
	if now-last > int64(warnEvery) && b.warned.CompareAndSwap(last, now) {
		log.Warn("too many requests are under way, refusing some", "kind", b.name, "most", b.most)
	}
}

// tryAgain completes what a visitor is told when trying again is the way on:
// the page offers to send the same once more, with all that was typed but
// passwords. It must not be used for what another site sent.
func tryAgain(c echo.Context, t *views.Trouble) {
	r := c.Request()
	if r.Method != http.MethodPost {
		t.NextText, t.NextPath = say(c, "Try again"), localPath(r.URL.RequestURI())
		return
	}
	if r.PostForm == nil { // it was refused before anybody looked
		// Nobody is waited for in vain: what is not here soon is not kept.
		_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Now().Add(refusedTimeout))
		r.Body = http.MaxBytesReader(c.Response(), r.Body, maxBody)
		if err := parseForm(r); err != nil || !areTexts(r.PostForm) {
			return
		}
	}
	typed := url.Values{}
	for field, values := range r.PostForm {
		if !strings.Contains(field, "password") {
			typed[field] = values
		}
	}
	t.Again = &views.Again{Path: localPath(r.URL.RequestURI()), Fields: typed}
}
