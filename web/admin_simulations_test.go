package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/simulation"
)

func simulationOf(eventID uuid.UUID, users int) simulation.Params {
	return simulation.Params{EventID: eventID, Users: users}
}

// simulate runs a simulation to its end.
func (s *site) simulate(p simulation.Params) uuid.UUID {
	s.t.Helper()
	id, err := s.simulations.Start(context.Background(), p)
	if err != nil {
		s.t.Fatal(err)
	}
	s.await(id)
	return id
}

func (s *site) await(id uuid.UUID) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := s.simulations.Wait(ctx, id); err != nil {
		s.t.Fatal(err)
	}
}

func runOf(t *testing.T, path string) uuid.UUID {
	t.Helper()
	id, err := uuid.Parse(strings.TrimPrefix(path, "/admin/simulations/"))
	if err != nil {
		t.Fatalf("%q is not the page of a simulation", path)
	}
	return id
}

// An admin starts a simulation from the dashboard, watches it, reads what came
// of it and undoes it.
func TestSimulationJourney(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 10)
	c := s.as(account.Admin)

	started := c.post("/admin/simulations", "event", e.ID.String(), "users", "60", "strategy", "grouped", "target", "rehearsal", "seats", "").wants(http.StatusSeeOther)
	path := started.location()
	id := runOf(t, path)
	s.await(id)

	page := c.get(path).wants(http.StatusOK).has(`#simulation[data-state=done]`).has(`[data-check=answers-kept][data-ok=true]`).has(`figure[data-plot=race] path.way`)
	for tally, want := range map[string]string{"registered": "10", "waitlisted": "50", "failed": "0", "seats-remaining": "0", "overbooked": "0"} {
		if got := page.text(`[data-tally=` + tally + `]`); got != want {
			t.Errorf("%s: got %q, want %s", tally, got, want)
		}
	}
	c.get("/admin/simulations").wants(http.StatusOK).has(`a[href="` + path + `"]`)
	c.get("/admin/simulations?event=" + e.ID.String()).wants(http.StatusOK).has(`a[href="` + path + `"]`)
	other := s.event(s.person(account.Organizer), 10)
	c.get("/admin/simulations?event=" + other.ID.String()).wants(http.StatusOK).hasNo(`a[href="` + path + `"]`)
	c.get("/admin").has(`a[href="` + path + `"]`)

	page.has(`form[action="` + path + `/undo"]`)
	c.post(path + "/undo").leadsTo(path)
	c.get(path).says("The simulation is undone").hasNo(`form[action="` + path + `/undo"]`)
	if n := s.count(`select count(*) from users where simulation_id is not null`); n != 0 {
		t.Errorf("%d made-up people are left", n)
	}
	c.post(path + "/undo").wants(http.StatusConflict)
}

// The designed address starts one too, from a form or from a query.
func TestSimulateEvent(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 10)
	c := s.as(account.Admin)
	address := "/admin/events/" + e.ID.String() + "/simulate"

	fromForm := runOf(t, c.post(address, "users", "12", "strategy", "pessimistic").wants(http.StatusSeeOther).location())
	s.await(fromForm)
	fromQuery := runOf(t, c.post(address+"?users=13&seats=2").wants(http.StatusSeeOther).location())
	s.await(fromQuery)
	if n := s.count(`select count(*) from simulations where (id = $1 and users = 12 and strategy = 'pessimistic' and seats = 10 and target = 'rehearsal')
		or (id = $2 and users = 13 and strategy = 'grouped' and seats = 2)`, fromForm, fromQuery); n != 2 {
		t.Errorf("%d of the two simulations are as they were asked for", n)
	}

	itself := runOf(t, c.post(address, "users", "4", "target", "event").wants(http.StatusSeeOther).location())
	s.await(itself)
	c.get("/events/" + e.ID.String()).has(`[data-seats-remaining="6"]`)
	c.post("/admin/simulations/" + itself.String() + "/undo").wants(http.StatusSeeOther)
	c.get("/events/" + e.ID.String()).has(`[data-seats-remaining="10"]`)
}

// What scripts read is promised, name by name.
func TestSimulateJSON(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 10)
	c := s.as(account.Admin)
	a := c.json(http.MethodPost, "/admin/events/"+e.ID.String()+"/simulate?users=40").wants(http.StatusOK)

	var report map[string]json.RawMessage
	a.decode(&report)
	mustHaveKeys(t, "the report", report, "simulation_results", "id", "strategy", "overbooked", "bookings_per_second", "latency_ms", "checks")
	var tally map[string]int
	mustDecode(t, report["simulation_results"], &tally)
	want := map[string]int{"total_attempted": 40, "success_count": 10, "waitlisted_count": 30, "failed_count": 0, "final_seats_remaining": 0}
	mustHaveKeys(t, "the results", tally, "total_attempted", "success_count", "waitlisted_count", "failed_count", "final_seats_remaining")
	for name, n := range want {
		if tally[name] != n {
			t.Errorf("%s is %d, want %d", name, tally[name], n)
		}
	}
	var latency map[string]float64
	mustDecode(t, report["latency_ms"], &latency)
	mustHaveKeys(t, "the latency", latency, "p50", "p95", "p99", "max")
	if latency["p50"] <= 0 || latency["p50"] > latency["max"] {
		t.Errorf("the latency is %v", latency)
	}
	var checks []map[string]any
	mustDecode(t, report["checks"], &checks)
	if len(checks) < 6 {
		t.Errorf("there are %d checks", len(checks))
	}
	for _, check := range checks {
		mustHaveKeys(t, "a check", check, "name", "ok", "detail")
		if check["ok"] != true || check["detail"] == "" {
			t.Errorf("a check reads %v", check)
		}
	}
	if string(report["strategy"]) != `"grouped"` || string(report["overbooked"]) != "0" {
		t.Errorf("strategy %s, overbooked %s", report["strategy"], report["overbooked"])
	}

	var id string
	mustDecode(t, report["id"], &id)
	if again := c.json(http.MethodGet, "/admin/simulations/"+id).wants(http.StatusOK); again.Body != a.Body {
		t.Errorf("read again it is %s, was %s", again.Body, a.Body)
	}
}

func mustDecode(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

func mustHaveKeys[V any](t *testing.T, what string, object map[string]V, keys ...string) {
	t.Helper()
	var got []string
	for key := range object {
		got = append(got, key)
	}
	slices.Sort(got)
	slices.Sort(keys)
	if !slices.Equal(got, keys) {
		t.Errorf("%s has %v, want %v", what, got, keys)
	}
}

// A form with a mistake is shown again, as it was typed.
func TestSimulationFormProblems(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 10)
	closed := s.event(s.person(account.Organizer), 10)
	s.exec(`update events set registration_closes_at = now() - interval '1 hour' where id = $1`, closed.ID)
	c := s.as(account.Admin)
	chosen := func(id uuid.UUID) string { return `select[name=event] option[selected][value="` + id.String() + `"]` }

	tests := []struct {
		name   string
		fields []string
		status int
		says   string
		kept   string
	}{
		{"nobody", []string{"event", e.ID.String(), "users", "0"}, 422, "Choose from 1 to 100,000 people.", `input[name=users][value="0"]`},
		{"too many", []string{"event", e.ID.String(), "users", "100001", "seats", "7"}, 422, "Choose from 1 to 100,000 people.", `input[name=seats][value="7"]`},
		{"not a number", []string{"event", e.ID.String(), "users", "many"}, 422, "Choose from 1 to 100,000 people.", `input[name=users][value="many"]`},
		{"no number", []string{"event", e.ID.String()}, 422, "Choose from 1 to 100,000 people.", chosen(e.ID)},
		{"negative seats", []string{"event", e.ID.String(), "users", "5", "seats", "-1"}, 422, "Choose from 0 to 100,000 seats", `input[name=seats][value="-1"]`},
		{"seats for the event itself", []string{"event", e.ID.String(), "users", "5", "seats", "5", "target", "event"}, 422, "The event itself has the seats it has.", `input[name=target][value=event][checked]`},
		{"a strategy that is not there", []string{"event", e.ID.String(), "users", "5", "strategy", "hope"}, 422, "Choose one of the strategies.", chosen(e.ID)},
		{"a target that is not there", []string{"event", e.ID.String(), "users", "5", "target", "moon"}, 422, "Choose a rehearsal or the event itself.", chosen(e.ID)},
		{"no event", []string{"users", "5"}, 422, "Choose an event.", `input[name=users][value="5"]`},
		{"an event that is closed", []string{"event", closed.ID.String(), "users", "5", "target", "event"}, 409, "Nobody can book this event now.", chosen(closed.ID)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c.post("/admin/simulations", tt.fields...).wants(tt.status).says(tt.says).has(tt.kept)
			if message := c.json(http.MethodPost, "/admin/simulations", tt.fields...).jsonError(); message == "" {
				t.Error("a script is not told")
			}
		})
	}
	ownSeats := c.json(http.MethodPost, "/admin/simulations", "event", e.ID.String(), "users", "5", "seats", "5", "target", "event").wants(http.StatusUnprocessableEntity)
	if got := ownSeats.jsonError(); !strings.Contains(got, "The event itself has the seats it has.") {
		t.Errorf("of seats for the event itself a script is told %q", got)
	}
	address := "/admin/events/" + e.ID.String() + "/simulate"
	for _, users := range []string{"0", "100001", "-1", "", "1e3"} {
		c.post(address, "users", users).wants(http.StatusUnprocessableEntity).says("1 to 100,000").has(chosen(e.ID))
		if got := c.json(http.MethodPost, address, "users", users).wants(http.StatusUnprocessableEntity).jsonError(); !strings.Contains(got, "from 1 to 100000") {
			t.Errorf("%q users: a script is told %q", users, got)
		}
	}
	if n := s.count(`select count(*) from simulations`); n != 0 {
		t.Errorf("%d simulations were started", n)
	}
}

// While a run goes on, its page follows it, scripts get
// how far it is, and neither a second run nor an undo is possible.
func TestSimulationInProgress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 10)
	c := s.as(account.Admin)
	id := s.simulated(e.ID, 8)
	s.exec(`update simulations set state = 'running', phase = 'booking', answered = 5, heartbeat_at = now() + interval '1 hour' where id = $1`, id)
	path := "/admin/simulations/" + id.String()

	c.get(path).wants(http.StatusOK).has(`html`).has(`#simulation[data-state=running][data-part="` + path + `"][data-live="` + path + `/live"]`).
		has(`progress[max="8"][value="5"]`).hasNo(`form[action="` + path + `/undo"]`)
	part := c.htmx(http.MethodGet, path).wants(http.StatusOK).has(`#simulation[data-state=running]`)
	if strings.Contains(part.Body, "<html") {
		t.Error("htmx gets the whole page")
	}
	var progress struct {
		State    string `json:"state"`
		Answered int    `json:"answered"`
	}
	c.json(http.MethodGet, path).wants(http.StatusAccepted).decode(&progress)
	if progress.State != "running" || progress.Answered != 5 {
		t.Errorf("a script reads %+v", progress)
	}
	c.post(path + "/undo").wants(http.StatusConflict)
	c.post("/admin/simulations", "event", e.ID.String(), "users", "5").wants(http.StatusConflict).says("Another simulation is running.").
		has(`input[name=users][value="5"]`)

	s.exec(`update simulations set state = 'done' where id = $1`, id)
	c.htmx(http.MethodGet, path).wants(http.StatusOK).has(`#simulation[data-state=done]`).hasNo(`[hx-get]`)
}

// A run that goes on shows what became of its people so far: to a page that
// follows it, to one that is opened late, and on another instance.
func TestSimulationShowsItsTallyWhileItRuns(t *testing.T) {
	t.Parallel()
	s, clock := stillSite(t)
	there := s.anotherInstance(clock)
	e := s.event(s.person(account.Organizer), 10)
	c := s.as(account.Admin)
	letGo := s.holdTable("waitlist_entries")
	defer letGo()

	path := c.post("/admin/simulations", "event", e.ID.String(), "users", "14", "strategy", "pessimistic").wants(http.StatusSeeOther).location()
	const seen = `#simulation[data-state=running] `
	followed := c.follows(path+"/live").sees(seen+`[data-tally=registered]:contains("10")`, seen+`.growth path.registered`)
	late := c.get(path).wants(http.StatusOK)
	w := httptest.NewRecorder()
	r := c.request(http.MethodGet, path)
	for _, cookie := range c.http.Jar.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	there.ServeHTTP(w, r)
	for name, page := range map[string]*goquery.Document{"the page that follows": followed, "a late page": parsed(t, late.Body), "the other instance": parsed(t, w.Body.String())} {
		for tally, want := range map[string]string{"registered": "10", "waitlisted": "0", "failed": "0", "seats-remaining": "0", "overbooked": "0"} {
			if got := strings.TrimSpace(page.Find(seen + `[data-tally=` + tally + `]`).Text()); got != want {
				t.Errorf("%s shows %q %s, want %s", name, got, tally, want)
			}
		}
		if !finds(page, []string{seen + `.growth path.registered`, seen + `.crowd path.registered`, seen + `progress[value="10"]`}) {
			t.Errorf("%s draws nothing", name)
		}
	}
	letGo()
	s.await(runOf(t, path))
	c.get(path).has(`#simulation[data-state=done] [data-tally=waitlisted]:contains("4")`)
}

// The figures of a single run can be taken home from its page.
func TestSimulationFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 10)
	c := s.as(account.Admin)
	id := s.simulated(e.ID, 12)
	link := "/admin/lab/runs.%s?run=" + id.String()
	page := c.get("/admin/simulations/" + id.String()).wants(http.StatusOK)
	for _, kind := range []string{"csv", "json"} {
		page.has(`a[href="` + fmt.Sprintf(link, kind) + `"]`)
	}

	var file simulation.ComparisonExport
	c.get(fmt.Sprintf(link, "json")).wants(http.StatusOK).decode(&file)
	if len(file.Runs) != 1 || file.Name != e.Title || file.Runs[0].ID != id || file.Runs[0].Results.WaitlistedCount != 2 {
		t.Errorf("the file reads %+v", file)
	}
	lines := strings.Split(c.get(fmt.Sprintf(link, "csv")).wants(http.StatusOK).Body, "\r\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[1], id.String()+",") {
		t.Errorf("the table reads %q", lines)
	}
	c.get("/admin/lab/runs.csv").wants(http.StatusUnprocessableEntity)
}

func TestFailedSimulation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 10)
	c := s.as(account.Admin)
	id := s.simulated(e.ID, 8)
	// A silence is not put down to the run while the server has just started.
	s.exec(`select pg_sleep(greatest(0, 2.1 - extract(epoch from clock_timestamp() - pg_postmaster_start_time())))`)
	s.exec(`update simulations set state = 'running', heartbeat_at = now() - interval '1 minute' where id = $1`, id)
	path := "/admin/simulations/" + id.String()
	c.get(path).wants(http.StatusOK).has(`#simulation[data-state=failed]`).hasNo(`[hx-get]`).has(`form[action="` + path + `/undo"]`)
	var read map[string]json.RawMessage
	c.json(http.MethodGet, path).wants(http.StatusOK).decode(&read)
	mustHaveKeys(t, "what a script reads", read, "simulation_results", "id", "strategy", "overbooked", "bookings_per_second", "latency_ms", "checks", "state", "failure")
	if string(read["state"]) != `"failed"` || !strings.Contains(string(read["failure"]), "stopped") {
		t.Errorf("a script reads %s, %s", read["state"], read["failure"])
	}
	table := c.get("/admin/lab/runs.csv?run=" + id.String()).wants(http.StatusOK).Body
	if lines := strings.Split(strings.TrimSpace(table), "\r\n"); !strings.HasSuffix(lines[0], ",failure") || !strings.Contains(lines[1], "stopped") {
		t.Errorf("a table of it reads %q", lines)
	}
	c.post(path + "/undo").leadsTo(path)
}

// A finished run is set beside the earlier ones of its event.
func TestSimulationComparison(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e, other := s.event(s.person(account.Organizer), 10), s.event(s.person(account.Organizer), 10)
	earlier, elsewhere := s.simulated(e.ID, 3), s.simulated(other.ID, 3)
	run, later := s.simulated(e.ID, 4), s.simulated(e.ID, 5)
	a := s.as(account.Admin).get("/admin/simulations/" + run.String()).wants(http.StatusOK)
	a.has(`a[href="/admin/simulations/` + earlier.String() + `"]`)
	a.hasNo(`a[href="/admin/simulations/` + elsewhere.String() + `"]`).hasNo(`a[href="/admin/simulations/` + later.String() + `"]`)
}
