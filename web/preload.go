package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"rowlock/static"
)

// preloadRules are the value of the header Speculation-Rules.
var preloadRules = []string{strconv.Quote(static.Path("preload.rules"))}

// offerPreload tells browsers which of our pages they may fetch before a link
// to them is clicked. The rules name pages that only show something: an event
// while the pointer rests on its link, for an open event's page brings its
// seats up to date by itself; a list, which does not, when the press begins.
// Browsers that save data are not told, and those that know no rules do
// nothing.
func offerPreload(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		savesData := strings.EqualFold(c.Request().Header.Get("Save-Data"), "on")
		if !savesData && !forMachines(c) && !wantsJSON(c) {
			c.Response().Header()["Speculation-Rules"] = preloadRules
		}
		return next(c)
	}
}

// isPreload tells whether nobody may ever see the answer: the browser fetches
// a page that perhaps will be opened.
func isPreload(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Sec-Purpose"), "prefetch")
}
