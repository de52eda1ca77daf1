package web

import (
	"net/http"
	"regexp"
	"slices"
	"testing"

	"rowlock/tour"
)

// notPages are the addresses at which a browser gets something else than a
// page: for machines, files, streams.
var notPages = regexp.MustCompile(`^/(healthz|readyz|static/\*|styleguide/\*)$|\.(ics|csv|json)$|/live$`)

// Pictures, and the checks of every page, are as complete as the tours are.
func TestToursLeadToEveryPage(t *testing.T) {
	t.Parallel()
	e := AllRoutes()
	id := regexp.MustCompile(`\{[^}]*\}`)
	var visited []string
	for _, address := range tour.Addresses() {
		c := e.NewContext(nil, nil)
		e.Router().Find(http.MethodGet, id.ReplaceAllString(address, "id"), c)
		visited = append(visited, c.Path())
	}

	pages := 0
	for _, route := range e.Routes() {
		if route.Method != http.MethodGet || notPages.MatchString(route.Path) {
			continue
		}
		pages++
		if !slices.Contains(visited, route.Path) {
			t.Errorf("no tour leads to %s: add a stop to tour/tours.go", route.Path)
		}
	}
	if pages < 20 {
		t.Errorf("only %d pages were found", pages)
	}
}
