package web_test

import (
	"context"
	"encoding/csv"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/simulation"
)

// compare runs a comparison of both strategies to its end.
func (s *site) compare(p simulation.ComparisonParams) simulation.Comparison {
	s.t.Helper()
	p.Strategies = []string{"grouped", "pessimistic"}
	id, err := s.simulations.Compare(context.Background(), p)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.awaitComparison(id)
}

func (s *site) awaitComparison(id uuid.UUID) simulation.Comparison {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := s.simulations.WaitComparison(ctx, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// An admin compares two strategies, reads what came of it, names it, takes the
// figures home and deletes it all.
func TestLabJourney(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 5)
	c := s.as(account.Admin)

	c.get("/admin/lab").wants(http.StatusOK).has(`input[name=strategy][value=pessimistic][checked]`).has(`select[name=event] option[value="` + e.ID.String() + `"]`)
	started := c.post("/admin/lab", "event", e.ID.String(), "users", "40", "seats", "", "patience", "30", "name", "Lunch break",
		"strategy", "pessimistic", "strategy", "grouped").wants(http.StatusSeeOther)
	path := started.location()
	comparison := s.awaitComparison(uuid.MustParse(strings.TrimPrefix(path, "/admin/lab/")))

	page := c.get(path).wants(http.StatusOK).has(`#comparison[data-state=done]`).has(`[data-overbooked="0"]`).says("Lunch break").says("Nobody was overbooked")
	if got := cells(page, `[data-figure=registered] td`); got != "5 5" {
		t.Errorf("registered: got %q", got)
	}
	if got := cells(page, `[data-figure=waitlisted] td`); got != "35 35" {
		t.Errorf("in line: got %q", got)
	}
	if got := cells(page, `[data-figure=transactions] td`); !strings.HasSuffix(got, " 40") {
		t.Errorf("transactions: got %q", got)
	}
	mustNamePlots(t, page)
	again, _ := page.find(`a:contains("Compare again")`).Attr("href")
	c.get(again).wants(http.StatusOK).has(`#users[value="40"]`).has(`#seats[value="5"]`).has(`#patience[value="30"]`).
		has(`input[name=strategy][value=grouped][checked]`).has(`input[name=strategy][value=pessimistic][checked]`)
	c.htmx("GET", path).wants(http.StatusOK).has(`#comparison`).hasNo("title + body, header")
	c.get("/admin/lab").has(`a[href="` + path + `"]`)

	c.post(path+"/rename", "name", " Second try ").leadsTo(path)
	c.post(path+"/rename", "name", " ").wants(http.StatusUnprocessableEntity).has(`#name[aria-invalid=true]`)
	c.get(path).says("Second try")

	run := "/admin/simulations/" + comparison.Runs[0].ID.String()
	c.post(run+"/rename", "name", "The quick one").leadsTo(run)
	c.get(run).says("The quick one").has(`a[href="` + path + `"]`)
	c.post(run+"/rename", "name", strings.Repeat("x", 101)).leadsTo(run)
	c.get(run).says("Not renamed")
	c.get(path).has(`[data-strategy=grouped]:contains("The quick one")`)

	c.post(path + "/delete").leadsTo("/admin/lab")
	c.get(path).wants(http.StatusNotFound)
	c.get(run).wants(http.StatusNotFound)
	if n := s.count(`select count(*) from users where simulation_id is not null`) + s.count(`select count(*) from simulations`); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// cells are the texts of the selected elements, side by side.
func cells(a *answer, selector string) string {
	return strings.Join(a.find(selector).Map(func(_ int, s *goquery.Selection) string { return s.Text() }), " ")
}

// mustNamePlots fails the test unless every plot says what it shows to whoever
// cannot see it, and has its numbers in a table.
func mustNamePlots(t *testing.T, page *answer) {
	t.Helper()
	plots := page.find("figure.plot")
	if plots.Length() != 4 {
		t.Errorf("there are %d plots, want 4", plots.Length())
	}
	plots.Each(func(_ int, figure *goquery.Selection) {
		svg := figure.Find("svg[role=img]")
		for _, id := range strings.Fields(svg.AttrOr("aria-labelledby", "")) {
			if named := svg.Find("#" + id); strings.TrimSpace(named.Text()) == "" {
				t.Errorf("#%s of a plot says nothing", id)
			}
		}
		if svg.Find("title").Length() != 1 || !strings.Contains(svg.Find("desc").Text(), "Grouped") {
			t.Errorf("a plot is not described: %s", figure.Find("figcaption").Text())
		}
		if !figure.HasClass("speed") && figure.Find("details tbody tr").Length() == 0 {
			t.Errorf("a plot has no table: %s", figure.Find("figcaption").Text())
		}
	})
}

func TestLabFormProblems(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 5).ID.String()
	c := s.as(account.Admin)
	tests := []struct {
		name, field string
		fields      []string
	}{
		{"one strategy", "strategy", []string{"event", e, "users", "5", "strategy", "grouped"}},
		{"a strategy that is not there", "strategy", []string{"event", e, "users", "5", "strategy", "grouped", "strategy", "hope"}},
		{"nobody", "users", []string{"event", e, "users", "0", "strategy", "grouped", "strategy", "pessimistic"}},
		{"half a seat", "seats", []string{"event", e, "users", "5", "seats", "0.5", "strategy", "grouped", "strategy", "pessimistic"}},
		{"no patience", "patience", []string{"event", e, "users", "5", "patience", "0", "strategy", "grouped", "strategy", "pessimistic"}},
		{"patience without end", "patience", []string{"event", e, "users", "5", "patience", "99999999999", "strategy", "grouped", "strategy", "pessimistic"}},
		{"a long name", "name", []string{"event", e, "users", "5", "name", strings.Repeat("x", 101), "strategy", "grouped", "strategy", "pessimistic"}},
		{"no event", "event", []string{"users", "5", "strategy", "grouped", "strategy", "pessimistic"}},
	}
	for _, tt := range tests {
		a := c.post("/admin/lab", tt.fields...)
		if a.Status != http.StatusUnprocessableEntity || a.find("#"+tt.field+"-problem").Length() != 1 {
			t.Errorf("%s: status %d, no problem beside %s", tt.name, a.Status, tt.field)
		}
		if j := c.json("POST", "/admin/lab", tt.fields...); j.Status != http.StatusUnprocessableEntity && j.Status != http.StatusNotFound || j.jsonError() == "" {
			t.Errorf("%s, for a script: status %d, %s", tt.name, j.Status, j.Body)
		}
	}
	kept := c.post("/admin/lab", "event", e, "users", "0", "patience", "7", "name", "Rush", "strategy", "grouped")
	kept.has(`#users[value="0"]`).has(`#patience[value="7"]`).has(`#name[value=Rush]`).has(`#strategy-grouped[checked]`).hasNo(`#strategy-pessimistic[checked]`)
	if n := s.count(`select count(*) from comparisons`); n != 0 {
		t.Errorf("%d comparisons were started", n)
	}
}

func TestUnknownThingsOfTheLabAreNotFound(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.as(account.Admin)
	nothing := uuid.NewString()
	for _, route := range []struct{ method, path string }{
		{"GET", "/admin/lab/" + nothing},
		{"GET", "/admin/lab/nonsense"},
		{"GET", "/admin/lab/" + nothing + "/live"},
		{"GET", "/admin/lab/" + nothing + "/runs.csv"},
		{"GET", "/admin/lab/" + nothing + "/runs.json"},
		{"POST", "/admin/lab/" + nothing + "/rename?name=x"},
		{"POST", "/admin/lab/" + nothing + "/delete"},
		{"GET", "/admin/lab?event=" + nothing},
		{"GET", "/admin/lab/runs?run=" + nothing + "&run=" + uuid.NewString()},
		{"GET", "/admin/lab/runs?run=a&run=b"},
		{"POST", "/admin/simulations/" + nothing + "/rename?name=x"},
		{"POST", "/admin/simulations/" + nothing + "/delete"},
	} {
		if a := c.send(c.request(route.method, route.path)); a.Status != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", a.what, a.Status)
		}
	}
	c.get("/admin/lab/runs?run=" + nothing).leadsTo("/admin/simulations")
	c.get("/admin/simulations").says("Tick two runs or more.")
	c.get("/admin/lab/runs?run=" + nothing + "&run=" + nothing).leadsTo("/admin/simulations")
	c.get("/admin/simulations").says("Tick two runs or more.")
	many := nothing
	for range simulation.MaxCompared {
		many += "&run=" + uuid.NewString()
	}
	c.get("/admin/lab/runs?run=" + many).leadsTo("/admin/simulations")
	c.get("/admin/simulations").says("Tick eight runs at most.")
	c.json("GET", "/admin/lab/runs", "run", nothing).wants(http.StatusUnprocessableEntity)
}

// Any runs can be ticked in the list and set side by side, in the order in
// which they were.
func TestPickedRuns(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 5)
	small, large := s.simulated(e.ID, 6), s.simulated(e.ID, 30)
	c := s.as(account.Admin)
	c.get("/admin/simulations").has(`form#pick[method=get][action="/admin/lab/runs"]`).has(`input[name=run][value="` + small.String() + `"]`)

	page := c.get("/admin/lab/runs?run=" + large.String() + "&run=" + small.String()).wants(http.StatusOK)
	if got := cells(page, `thead [data-strategy]`); got != "Grouped, 30 people Grouped, 6 people" {
		t.Errorf("the runs are %q", got)
	}
	if got := cells(page, `[data-figure=users] td`); got != "30 6" {
		t.Errorf("people: got %q", got)
	}
	page.hasNo(`form[action$="/delete"]`)
	for _, kind := range []string{"csv", "json"} {
		link, _ := page.find(`a[href^="/admin/lab/runs.` + kind + `?"]`).Attr("href")
		c.get(link).wants(http.StatusOK)
	}
}

func TestLabFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 5)
	s.exec(`update events set title = '=SUM(A1)' where id = $1`, e.ID)
	comparison := s.compare(simulation.ComparisonParams{EventID: e.ID, Users: 12, Name: "Café & co"})
	c := s.as(account.Admin)
	path := "/admin/lab/" + comparison.ID.String()

	file := c.get(path + "/runs.csv").wants(http.StatusOK)
	if got := file.Header.Get("Content-Disposition"); got != `attachment; filename="caf-co.csv"` {
		t.Errorf("the file is %s", got)
	}
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.Body, "\ufeff"))).ReadAll()
	if err != nil || len(lines) != 3 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	cell := func(line int, column string) string { return lines[line][slices.Index(lines[0], column)] }
	for i, strategy := range []string{"grouped", "pessimistic"} {
		for column, want := range map[string]string{
			"strategy": strategy, "event": "'=SUM(A1)", "state": "done", "users": "12", "seats": "5", "registered": "5",
			"waitlisted": "7", "failed": "0", "overbooked": "0", "retries": "0", "failures": "", "failure": "", "checks_passed": cell(i+1, "checks"),
		} {
			if got := cell(i+1, column); got != want {
				t.Errorf("%s of %s: got %q, want %q", column, strategy, got, want)
			}
		}
	}
	if last := lines[0][len(lines[0])-1]; last != "failure" { // what scripts read by number stays where it was
		t.Errorf("the last column is %s", last)
	}
	if cell(2, "transactions") != "12" || cell(1, "p99_ms") == "0" {
		t.Errorf("the figures are %v", lines)
	}

	s.exec(`update comparisons set name = '日本'`)
	for path, want := range map[string]string{path + "/runs.csv": "comparison.csv", "/admin/lab/runs.json?run=" + comparison.Runs[0].ID.String(): "sum-a1.json"} {
		if got := c.get(path).Header.Get("Content-Disposition"); got != `attachment; filename="`+want+`"` {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	s.exec(`update comparisons set name = 'Café & co'`)

	for _, read := range []*answer{c.get(path + "/runs.json").wants(http.StatusOK), c.json("GET", path).wants(http.StatusOK)} {
		var export simulation.ComparisonExport
		read.decode(&export)
		if export.Name != "Café & co" || *export.ID != comparison.ID || len(export.Runs) != 2 || export.Runs[1].Results.SuccessCount != 5 || len(export.Runs[0].AnsweredMS) != simulation.PaceSteps+1 {
			t.Errorf("it reads %.300s", read.Body)
		}
	}
	if got := c.get(path + "/runs.json").Header.Get("Content-Disposition"); got != `attachment; filename="caf-co.json"` {
		t.Errorf("the file is %s", got)
	}
}

// A script waits for the figures, and one that looks in between is told how
// far it is.
func TestLabInProgress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 5)
	c := s.as(account.Admin)
	var export simulation.ComparisonExport
	c.json("POST", "/admin/lab", "event", e.ID.String(), "users", "9", "seats", "2", "strategy", "grouped", "strategy", "pessimistic").wants(http.StatusOK).decode(&export)
	if export.State != simulation.Done || len(export.Runs) != 2 || export.Runs[0].Results.WaitlistedCount != 7 {
		t.Errorf("it reads %+v", export)
	}

	path := "/admin/lab/" + export.ID.String()
	s.exec(`update comparisons set state = 'running', heartbeat_at = now() + interval '1 hour'`)
	s.exec(`update simulations set state = 'running', phase = 'booking', answered = 4, registered = 1, waitlisted = 3, heartbeat_at = now() + interval '1 hour' where strategy = 'pessimistic'`)
	page := c.get(path).wants(http.StatusOK).has(`#comparison[data-state=running][data-live="` + path + `/live"]`)
	if !strings.Contains(page.Body, `<noscript><meta http-equiv="refresh"`) {
		t.Error("without JavaScript the page does not look again")
	}
	page.has(`[data-turn=grouped][data-state=done] .bar[width="640"]`).hasNo(`[data-turn=grouped] progress`)
	for tally, want := range map[string]string{"grouped] [data-tally=registered": "2", "grouped] [data-tally=waitlisted": "7", "grouped] [data-tally=overbooked": "0", "pessimistic] [data-tally=registered": "1", "pessimistic] [data-tally=waitlisted": "3"} {
		if got := page.text(`[data-turn=` + tally + `]`); got != want {
			t.Errorf("[%s] is %s, want %s", tally, got, want)
		}
	}
	page.has(`[data-turn=pessimistic][data-state=running] progress[value="4"][max="9"]`).says("1 of 2 strategies done").hasNo(`form[action="` + path + `/delete"]`)
	c.json("GET", path).wants(http.StatusAccepted)
	c.post(path + "/delete").wants(http.StatusConflict)
	other := c.post("/admin/lab", "event", e.ID.String(), "users", "9", "strategy", "grouped", "strategy", "pessimistic").wants(http.StatusConflict)
	other.says("Another simulation is running")
	s.exec(`update simulations set state = 'done'`)
	s.exec(`update comparisons set state = 'done'`)
}
