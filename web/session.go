package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"rowlock/account"
	"rowlock/views"
)

// A visit is what is known about who makes a request.
type visit struct {
	// began is when the request came.
	began time.Time
	// cookie is nil until somebody needs what it holds: see [Server.openCookie].
	cookie  *sessions.Session
	changed bool
	// recognized tells that it was found out who makes the request.
	recognized bool
	// visitor is zero for a stranger.
	visitor
}

// tokenValue is what the cookie names the session by.
const tokenValue = "token"

// Whether a cache may keep an answer, and by which headers of a request the
// answer differs: what is asked for, in which language, by whom, as a part or
// whole, and ahead of time or not. They are made once for all answers, which
// only ever replace a value.
var (
	keptWhileCurrent = []string{"no-cache"}
	keptByNobody     = []string{"private, no-store"}
	whatPagesVaryBy  = []string{"Accept, Accept-Language, Cookie, HX-Request, Save-Data"}
)

// loadVisit finds out who makes the request, in one query or, for the desk, in
// none where the browser was known a moment ago. Pages for a signed-in person
// are kept by no cache.
func (s *Server) loadVisit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if forMachines(c) {
			return next(c)
		}
		h := c.Response().Header()
		h[echo.HeaderCacheControl] = keptWhileCurrent
		if c.Request().Method == http.MethodGet { // no cache answers another
			h[echo.HeaderVary] = whatPagesVaryBy
		}
		v := visitOf(c)
		if err := s.recognize(c, v); err != nil {
			return err
		}
		v.recognized = true
		if isKnown(v.user) {
			h[echo.HeaderCacheControl] = keptByNobody
		}
		return next(c)
	}
}

// recognize finds out whose the cookie is. The desk checks the session of
// whoever it books for, in the transaction that books: there it is enough to
// know whose the session was.
func (s *Server) recognize(c echo.Context, v *visit) error {
	sent := cookiesSent(c)
	if isBooking(c) {
		if known, ok := s.visitors.recall(sent, v.began); ok {
			v.visitor = known
			return nil
		}
	}
	text, ok := s.openCookie(c, v).Values[tokenValue].(string)
	if !ok {
		return nil
	}
	token, err := account.ParseToken(text)
	if err == nil {
		v.user, err = s.accounts.SignedIn(c.Request().Context(), token)
	}
	if errors.Is(err, account.ErrNoSession) {
		s.estrange(c, v)
		return nil
	}
	if err != nil {
		return err
	}
	v.sessionID = token.ID
	s.visitors.remember(sent, v.visitor, v.began)
	return nil
}

// cookiesSent is all that the browser sent as cookies: whoever sends the same
// again is the same. It is empty where they fill several headers, of which one
// alone may be anybody's, and where they are too long to be kept.
func cookiesSent(c echo.Context) string {
	sent := c.Request().Header["Cookie"]
	if len(sent) != 1 || len(sent[0]) > longestKept {
		return ""
	}
	return sent[0]
}

// openCookie reads the cookie, and sees to it that it is saved with the
// response when something changes it.
func (s *Server) openCookie(c echo.Context, v *visit) *sessions.Session {
	if v.cookie == nil {
		// A cookie that cannot be read is an old key's or a forgery: a
		// stranger's either way.
		v.cookie, _ = s.cookies.New(c.Request(), cookieName(s.secure))
		c.Response().Before(func() { s.saveCookie(c, v) })
	}
	return v.cookie
}

// estrange takes back from the browser a session that is over, and leaves a
// stranger.
func (s *Server) estrange(c echo.Context, v *visit) {
	s.visitors.forget(cookiesSent(c))
	delete(s.openCookie(c, v).Values, tokenValue)
	v.changed, v.visitor = true, visitor{}
}

// startVisit signs user in: a new session takes the place of the one that the
// browser had, whoever's it was.
func (s *Server) startVisit(c echo.Context, user account.User) error {
	ctx := c.Request().Context()
	v := visitOf(c)
	if isKnown(v.user) {
		if err := s.endVisit(c); err != nil {
			return err
		}
	}
	token, err := s.accounts.StartSession(ctx, user.ID, c.Request().UserAgent())
	if err != nil {
		return err
	}
	s.openCookie(c, v).Values[tokenValue] = token.Encode()
	v.changed, v.user = true, user
	return nil
}

// endVisit signs the viewer out and forgets all that the cookie held.
func (s *Server) endVisit(c echo.Context) error {
	v := visitOf(c)
	err := s.accounts.EndSession(c.Request().Context(), v.user.ID, v.sessionID)
	if err != nil && !errors.Is(err, account.ErrNoSession) {
		return err
	}
	clear(s.openCookie(c, v).Values)
	v.changed, v.visitor = true, visitor{}
	return nil
}

// saveCookie runs just before the response's headers are sent. A cookie that
// has nothing to say is taken back.
func (s *Server) saveCookie(c echo.Context, v *visit) {
	if !v.changed {
		return
	}
	if len(v.cookie.Values) == 0 {
		v.cookie.Options.MaxAge = -1
	}
	if err := s.cookies.Save(c.Request(), c.Response(), v.cookie); err != nil {
		s.log.Error("save the session cookie", "request", requestID(c), "error", err)
	}
}

// flash has the next page say text, once.
func (s *Server) flash(c echo.Context, kind views.FlashKind, text string) {
	v := visitOf(c)
	s.openCookie(c, v).AddFlash(string(kind) + " " + text)
	v.changed = true
}

// takeFlash is the last flash that waits, nil when none does.
func takeFlash(c echo.Context) *views.Flash {
	v := visitOf(c)
	if v.cookie == nil {
		return nil
	}
	waiting := v.cookie.Flashes()
	if len(waiting) == 0 {
		return nil
	}
	v.changed = true
	text, _ := waiting[len(waiting)-1].(string)
	kind, text, ok := strings.Cut(text, " ")
	if !ok {
		return nil
	}
	return &views.Flash{Kind: views.FlashKind(kind), Text: text}
}

// viewer is who is signed in, the zero user for a stranger.
func viewer(c echo.Context) account.User { return visitOf(c).user }

// isKnown tells a person from a stranger.
func isKnown(u account.User) bool { return u.ID != uuid.Nil }

// isStranger tells whether the answer is what it would be for anybody: nobody
// is signed in, and nothing waits to be said.
func isStranger(c echo.Context) bool {
	v := visitOf(c)
	return v.cookie != nil && len(v.cookie.Values) == 0 && !v.changed
}
