package web

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"rowlock/account"
)

// requireUser lets in whoever is signed in. Others are sent to sign in, and
// from there back to what they wanted.
func (s *Server) requireUser(next echo.HandlerFunc) echo.HandlerFunc {
	return s.require(next, func(account.User) bool { return true })
}

// requireOrganizer lets in organizers and admins.
func (s *Server) requireOrganizer(next echo.HandlerFunc) echo.HandlerFunc {
	return s.require(next, account.User.IsOrganizer)
}

// requireAdmin lets in admins.
func (s *Server) requireAdmin(next echo.HandlerFunc) echo.HandlerFunc {
	return s.require(next, account.User.IsAdmin)
}

func (s *Server) require(next echo.HandlerFunc, may func(account.User) bool) echo.HandlerFunc {
	return func(c echo.Context) error {
		user := viewer(c)
		if !isKnown(user) {
			return askToSignIn(c)
		}
		if !may(user) {
			return errForbidden
		}
		return next(c)
	}
}

func askToSignIn(c echo.Context) error {
	if wantsJSON(c) {
		return errNotSignedIn
	}
	return redirect(c, "/login?next="+url.QueryEscape(comeBackPath(c)))
}

// comeBackPath is the page that a stranger should see after signing in. A
// form's own address cannot be opened: then it is the page that held the form,
// which the browser names, or the nearest one above the form's address. A page
// of another site cannot get here; its forms were refused.
func comeBackPath(c echo.Context) string {
	r := c.Request()
	if r.Method == http.MethodGet && !wantsPart(c) {
		return localPath(r.URL.RequestURI())
	}
	for _, header := range []string{"HX-Current-URL", "Referer"} {
		from, err := url.Parse(r.Header.Get(header))
		if err == nil && from.Path != "" {
			return nearestPage(c, localPath(from.RequestURI()))
		}
	}
	return nearestPage(c, localPath(r.URL.EscapedPath()))
}

// nearestPage is an address that can be opened: address itself, or else the
// nearest one above it. The answer to a form that was refused stands at an
// address that only takes forms.
func nearestPage(c echo.Context, address string) string {
	opened, _, _ := strings.Cut(address, "?")
	if isPage(c, opened) {
		return address
	}
	for opened != "/" && !isPage(c, opened) {
		opened = path.Dir(opened)
	}
	return opened
}

// isPage tells whether a local address without its query can be opened.
func isPage(c echo.Context, address string) bool {
	probe := c.Echo().AcquireContext()
	defer c.Echo().ReleaseContext(probe)
	c.Echo().Router().Find(http.MethodGet, address, probe)
	return slices.ContainsFunc(c.Echo().Routes(), func(r *echo.Route) bool {
		return r.Method == http.MethodGet && r.Path == probe.Path()
	})
}
