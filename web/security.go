package web

import (
	"compress/gzip"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"rowlock/static"
)

// maxBody bounds what a request may send. The longest form, an event with its
// description, stays well below it.
const maxBody = 1 << 20

// contentPolicy lets a page load what the server itself serves, and nothing
// written into the page run: a title that smuggles in a script stays text.
const contentPolicy = "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// dataHeaders are what every answer carries. They are made once for all
// answers, which only ever replace a value.
func dataHeaders(secure bool) http.Header {
	h := http.Header{
		"X-Content-Type-Options":       {"nosniff"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
	}
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	return h
}

// pageHeaders are what every answer carries that a browser may show.
func pageHeaders(secure bool) http.Header {
	h := dataHeaders(secure)
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Frame-Options", "DENY")
	// Our own pages learn where a visitor came from; others learn nothing.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	return h
}

// setSecurityHeaders runs before the handlers, so that errors carry the
// headers too. A script that asks for JSON shows no page: a browser asks for a
// page in other words, whatever site the link stands on. In a rush of bookings
// each header counts.
func setSecurityHeaders(secure bool) echo.MiddlewareFunc {
	page, data := pageHeaders(secure), dataHeaders(secure)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if wantsJSON(c) {
				maps.Copy(c.Response().Header(), data)
			} else {
				maps.Copy(c.Response().Header(), page)
			}
			return next(c)
		}
	}
}

// refuseCrossOrigin refuses changes that another site's page asks for with the
// visitor's cookie. Scripts outside a browser send neither header that it
// looks at, and pass.
func (s *Server) refuseCrossOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := s.origins.Check(c.Request()); err != nil {
			return errors.Join(errCrossOrigin, err)
		}
		return next(c)
	}
}

// refuseBadText refuses NUL bytes and invalid UTF-8 in the path, the query and
// the form: PostgreSQL takes neither, and no keyboard makes them.
func refuseBadText(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if !isText(r.URL.Path) || r.URL.RawQuery != "" && !areTexts(r.URL.Query()) {
			return errBadText
		}
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = http.MaxBytesReader(c.Response(), r.Body, maxBody)
			if err := parseForm(r); err != nil {
				return err
			}
			if !areTexts(r.PostForm) {
				return errBadText
			}
		}
		return next(c)
	}
}

func parseForm(r *http.Request) error {
	err := r.ParseForm()
	if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && mediaType == "multipart/form-data" {
		err = r.ParseMultipartForm(maxBody)
	}
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return echo.NewHTTPError(http.StatusRequestEntityTooLarge).SetInternal(tooLong)
	}
	if err != nil {
		return errors.Join(errBadText, err)
	}
	return nil
}

func areTexts(values url.Values) bool {
	for key, all := range values {
		if !isText(key) {
			return false
		}
		for _, value := range all {
			if !isText(value) {
				return false
			}
		}
	}
	return true
}

func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}

// clientAddress finds out who is asking. A header can be made up by anyone, so
// X-Forwarded-For counts only as far as trusted proxies have written it.
func clientAddress(trusted []netip.Prefix) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range trusted {
		options = append(options, echo.TrustIPRange(&net.IPNet{
			IP:   p.Addr().AsSlice(),
			Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

// visitorAddress is the address that a request came from, the zero Addr when
// it came over a unix socket.
func visitorAddress(c echo.Context) netip.Addr {
	address, err := netip.ParseAddr(c.RealIP())
	if err != nil {
		return netip.Addr{}
	}
	return address
}

// answerHead answers HEAD wherever GET is answered, with the same headers and
// no body. It stands before Echo, which routes by the method that came in.
func answerHead(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			// A copy: the server behind us looks at its own request to know
			// that no body follows.
			r = r.Clone(r.Context())
			r.Method = http.MethodGet
			w = headWriter{w}
		}
		next.ServeHTTP(w, r)
	})
}

// headWriter drops the body of an answer to HEAD.
type headWriter struct{ http.ResponseWriter }

func (headWriter) Write(b []byte) (int, error) { return len(b), nil }

// Unwrap lets [http.ResponseController] reach the connection.
func (w headWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// compress shortens pages, at the quickest level: they are for one person and
// sent once, and more work saves a twentieth of the bytes. Files come
// compressed, a stream must not wait in a compressor's buffer, and what the desk
// answers to a script is short.
func compress() echo.MiddlewareFunc {
	return middleware.GzipWithConfig(middleware.GzipConfig{
		Level:     gzip.BestSpeed,
		MinLength: 1024,
		Skipper: func(c echo.Context) bool {
			return isFile(c) || isStream(c) || isBooking(c) && wantsJSON(c) || strings.Contains(c.Request().Header.Get(echo.HeaderAccept), "text/event-stream")
		},
	})
}

// recoverPanic turns a panic into an error, so that it is answered and logged
// like any other.
func recoverPanic(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			switch cause := recover(); cause {
			case nil:
			case http.ErrAbortHandler:
				panic(cause)
			default:
				err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
			}
		}()
		return next(c)
	}
}

// logRequest gives the request an id, answers its error and writes one line
// about it. The line names the route, never the query: it may hold what is
// nobody's business.
func (s *Server) logRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := strconv.FormatUint(rand.Uint64(), 36) //nolint:gosec // a name, and no secret
		c.Response().Header()[echo.HeaderXRequestID] = []string{id}
		if err := next(c); err != nil {
			s.showError(c, err) // not c.Error: it knows nothing of our own context
		}

		level := slog.LevelInfo
		if forMachines(c) || isStream(c) {
			level = slog.LevelDebug
		}
		if ctx := c.Request().Context(); s.log.Enabled(ctx, level) {
			s.log.LogAttrs(ctx, level, "request",
				slog.String("method", c.Request().Method),
				slog.String("route", c.Path()),
				slog.Int("status", c.Response().Status),
				slog.Int64("ms", s.now().Sub(visitOf(c).began).Milliseconds()),
				slog.String("request", id))
		}
		return nil
	}
}

// requestID names the request in the log and in the answer's headers.
func requestID(c echo.Context) string {
	return c.Response().Header().Get(echo.HeaderXRequestID)
}

// forMachines tells whether the address is one that no person opens.
func forMachines(c echo.Context) bool {
	return isFile(c) || c.Path() == "/healthz" || c.Path() == "/readyz"
}

// isStream tells whether the answer goes on until the page is closed.
func isStream(c echo.Context) bool { return strings.HasSuffix(c.Path(), "/live") }

func isFile(c echo.Context) bool { return c.Path() == static.Prefix+"*" }
