// Package gallery shows every page in every state with made-up data, so that
// people who change the looks can look. It is for development and demos and
// reads nothing but itself.
package gallery

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"rowlock/account"
	"rowlock/locale"
	"rowlock/views"
)

// Prefix is where [Handler] expects to be mounted.
const Prefix = "/styleguide"

// now is the time at which everything in the gallery is true.
var now = time.Date(2027, 2, 20, 9, 30, 0, 0, time.UTC)

// A shot is a page in one state.
type shot struct {
	group, name, slug string
	viewer            *account.User
	// path is the address that the navigation believes to be at.
	path   string
	status int
	page   func(p views.Page) templ.Component
	// set changes the page's surroundings.
	set func(p *views.Page)
}

// Handler serves the list of pages at [Prefix] and each page below it.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all := shots(locale.From(r.Context()))
		slug := strings.Trim(strings.TrimPrefix(r.URL.Path, Prefix), "/")
		if slug == "" {
			p := views.Page{Title: "Style guide", Path: Prefix, Now: now, Demo: true}
			serve(w, r, http.StatusOK, views.StyleguidePage(p, specimens(all), lanterns))
			return
		}
		i := slices.IndexFunc(all, func(s shot) bool { return s.slug == slug })
		if i < 0 {
			http.NotFound(w, r)
			return
		}
		serve(w, r, all[i].statusCode(), all[i].component())
	})
}

// Addresses are those of all pages, for whoever looks at each of them.
func Addresses() []string {
	var all []string
	for _, s := range specimens(shots(locale.English)) {
		all = append(all, s.Path)
	}
	return all
}

func (s shot) statusCode() int {
	if s.status == 0 {
		return http.StatusOK
	}
	return s.status
}

func (s shot) component() templ.Component {
	p := views.Page{Title: s.name, Viewer: s.viewer, Path: s.path, Now: now, Demo: true, Still: true, BaseURL: "https://rowlock.example"}
	if s.set != nil {
		s.set(&p)
	}
	return s.page(p)
}

func specimens(all []shot) []views.Specimen {
	var list []views.Specimen
	for _, s := range all {
		list = append(list, views.Specimen{Group: s.group, Name: s.name, Path: Prefix + "/" + s.slug})
	}
	return list
}

func serve(w http.ResponseWriter, r *http.Request, status int, page templ.Component) {
	buffer := templ.GetBuffer()
	defer templ.ReleaseBuffer(buffer)
	if err := page.Render(r.Context(), buffer); err != nil {
		http.Error(w, "The page could not be rendered.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	// A visitor who has left is nobody's mistake.
	_, _ = w.Write(buffer.Bytes())
}
