package web

import (
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
)

// AllRoutes is a router with every address that a server has, a demo's too.
func AllRoutes() *echo.Echo {
	e := echo.New()
	(&Server{demo: true}).routes(e)
	return e
}

// NewCookies makes the store of the session cookie.
var NewCookies = newCookies

// KnownCookies is how many cookies one generation has.
const KnownCookies = knownCookies

// CookiesKnown is how many cookies the store knows again.
func CookiesKnown(store *sessions.CookieStore) int {
	c := store.Codecs[0].(*checkedOnce)
	return len(c.recent) + len(c.older)
}
