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

// awaitBookings waits until the people of a run are booking.
func (s *site) awaitBookings() {
	s.t.Helper()
	for s.count(`select count(*) from simulations where phase = 'booking'`) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
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
	s.awaitBookings()
	c.post(path + "/stop").leadsTo(path)
	s.await(runOf(t, path))

	page := c.get(path).has(`#simulation[data-state=failed]`).says("stopped it before it was done").hasNo(`form[action="` + path + `/stop"]`)
	if got := page.text(`[data-tally=registered]`) + " of " + page.text(`[data-tally=failed]`); got != "0 of 5" {
		t.Errorf("the page shows %s", got)
	}
	page.has(`[data-check=no-overbooking][data-ok=true]`)
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
	s.awaitBookings()
	c.post(path + "/stop").leadsTo(path)
	letGo() // the desk answers everyone who has asked
	comparison := s.awaitComparison(uuid.MustParse(strings.TrimPrefix(path, "/admin/lab/")))
	if len(comparison.Runs) != 1 {
		t.Errorf("it came to %d runs", len(comparison.Runs))
	}
	c.get(path).has(`#comparison[data-state=failed]`).says("stopped it before it was done").hasNo(`form[action="` + path + `/stop"]`)
	c.post(path + "/stop").leadsTo(path)
}

// A script that started something and waited is told by the status that it was
// stopped. One that reads it finds that in what it reads.
func TestScriptsReadWhatWasStopped(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string][]string{
		"/admin/simulations": {"users", "5", "strategy", "pessimistic"},
		"/admin/lab":         {"users", "5", "strategy", "grouped", "strategy", "pessimistic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			e := s.event(s.person(account.Organizer), 10)
			c := s.as(account.Admin)
			letGo := s.holdTable("registrations")
			defer letGo()

			started := make(chan *answer, 1)
			go func() {
				started <- c.json(http.MethodPost, name, append([]string{"event", e.ID.String()}, fields...)...)
			}()
			s.awaitBookings()
			var id uuid.UUID
			if err := s.pool.QueryRow(t.Context(), `select coalesce(comparison_id, id) from simulations`).Scan(&id); err != nil {
				t.Fatal(err)
			}
			path := name + "/" + id.String()
			c.post(path + "/stop").leadsTo(path)
			if name == "/admin/lab" {
				letGo() // the desk answers everyone who has asked, before the next strategy has its turn
			}
			if told := (<-started).wants(http.StatusConflict); !strings.Contains(told.jsonError(), "stopped it") || !strings.Contains(told.Body, id.String()) {
				t.Errorf("whoever started it is told %s", told.Body)
			}
			var read struct{ State, Failure string }
			c.json(http.MethodGet, path).wants(http.StatusOK).decode(&read)
			if read.State != "failed" || !strings.Contains(read.Failure, "stopped it") {
				t.Errorf("whoever reads it finds %+v", read)
			}
		})
	}
}
