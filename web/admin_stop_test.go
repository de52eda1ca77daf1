package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"rowlock/account"
)

// holdTable keeps everybody from writing to a table until it is let go.
func (s *site) holdTable(table string) (letGo func()) {
	s.t.Helper()
	tx, err := s.pool.Begin(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := tx.Exec(context.Background(), `set local idle_in_transaction_session_timeout = 0; lock table `+table+` in exclusive mode`); err != nil {
		s.t.Fatal(err)
	}
	return func() { tx.Rollback(context.Background()) } //nolint:errcheck // it may have been let go
}

// An admin stops a run that takes too long, reads what was done until then and
// undoes it.
func TestStopASimulation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 10)
	c := s.as(account.Admin)
	letGo := s.holdTable("registrations")
	defer letGo()

	path := c.post("/admin/simulations", "event", e.ID.String(), "users", "5", "strategy", "pessimistic", "target", "rehearsal").wants(http.StatusSeeOther).location()
	c.get(path).has(`form[action="` + path + `/stop"] + #simulation[data-state=running]`)
	for s.count(`select count(*) from simulations where phase = 'booking'`) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	c.post(path + "/stop").leadsTo(path)
	s.await(runOf(t, path))

	page := c.get(path).has(`#simulation[data-state=failed]`).says("stopped it before it was done").hasNo(`form[action="` + path + `/stop"]`)
	if got := page.text(`[data-tally=registered]`) + " of " + page.text(`[data-tally=failed]`); got != "0 of 5" {
		t.Errorf("the page shows %s", got)
	}
	page.has(`[data-check=no-overbooking][data-ok=true]`)
	if got := c.json(http.MethodGet, path).wants(http.StatusConflict).jsonError(); !strings.Contains(got, "stopped it") {
		t.Errorf("a script is told %q", got)
	}
	c.post(path + "/stop").leadsTo(path)
	c.json(http.MethodPost, path+"/stop").wants(http.StatusConflict)
	letGo()
	c.post(path + "/undo").leadsTo(path)
}

func TestStopAComparison(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.event(s.person(account.Organizer), 10)
	c := s.as(account.Admin)
	letGo := s.holdTable("registrations")
	defer letGo()

	path := c.post("/admin/lab", "event", e.ID.String(), "users", "10", "strategy", "grouped", "strategy", "pessimistic").wants(http.StatusSeeOther).location()
	c.get(path).has(`form[action="` + path + `/stop"] + #comparison[data-state=running]`)
	for s.count(`select count(*) from simulations where phase = 'booking'`) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	c.post(path + "/stop").leadsTo(path)
	letGo() // the desk answers everyone who has asked
	comparison := s.awaitComparison(uuid.MustParse(strings.TrimPrefix(path, "/admin/lab/")))
	if len(comparison.Runs) != 1 {
		t.Errorf("it came to %d runs", len(comparison.Runs))
	}
	c.get(path).has(`#comparison[data-state=failed]`).says("stopped it before it was done").hasNo(`form[action="` + path + `/stop"]`)
	c.post(path + "/stop").leadsTo(path)
}
