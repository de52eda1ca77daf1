package web

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"rowlock/views"
)

// page is what the layout around a page needs to know. A flash that waits is
// taken along, and so is shown once.
func (s *Server) page(c echo.Context, title string) views.Page {
	p := views.Page{
		Title:   title,
		Path:    comeBackPath(c),
		BaseURL: s.baseURL,
		Now:     s.now().UTC(),
		Demo:    s.demo,
	}
	p.Unrecognized = !visitOf(c).recognized
	if user := viewer(c); isKnown(user) {
		p.Viewer = &user
	}
	// A part has no place for a flash, and a page that is fetched ahead may
	// never be seen: it waits for the next page.
	if !wantsPart(c) && !isPreload(c.Request()) {
		p.Flash = takeFlash(c)
	}
	return p
}

// pageAt is [Server.page] for a page with a form that may be the answer to that
// form: its address is path, not the form's, and not that of another page from
// which the form was sent.
func (s *Server) pageAt(c echo.Context, path, title string) views.Page {
	p := s.page(c, title)
	if own, _, _ := strings.Cut(p.Path, "?"); own != path {
		p.Path = path
	}
	return p
}

// render answers with part when htmx asks to swap one in, and with page
// otherwise; a nil part means there is none. It renders before it writes, so
// that a failure is still a clean 500.
func render(c echo.Context, status int, page, part templ.Component) error {
	component := page
	if part != nil && wantsPart(c) {
		component = part
	}
	buffer := templ.GetBuffer()
	defer templ.ReleaseBuffer(buffer)
	if err := component.Render(c.Request().Context(), buffer); err != nil {
		return fmt.Errorf("render %s: %w", c.Path(), err)
	}
	// What is for one person, or is said once, has no validator.
	if status == http.StatusOK && isStranger(c) && isCurrent(c, tagOf(buffer.Bytes())) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.HTMLBlob(status, buffer.Bytes())
}

// redirect sends the browser on to path, a local address, with 303. An htmx
// request cannot follow that to another page, so it gets a header that makes
// the browser go there.
func redirect(c echo.Context, path string) error {
	if wantsPart(c) {
		c.Response().Header().Set("HX-Redirect", path)
		return c.NoContent(http.StatusNoContent)
	}
	return c.Redirect(http.StatusSeeOther, path)
}

// wantsPart tells whether htmx asks for a part of a page. A boosted link and a
// step back in history need the whole page.
func wantsPart(c echo.Context) bool {
	h := c.Request().Header
	return h.Get("HX-Request") == "true" && h.Get("HX-Boosted") != "true" && h.Get("HX-History-Restore-Request") != "true"
}
