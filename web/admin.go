package web

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"

	"rowlock/booking"
	"rowlock/db"
	"rowlock/event"
	"rowlock/locale"
	"rowlock/simulation"
	"rowlock/views"
)

// recentRuns is how many simulations the dashboard lists.
const recentRuns = 5

// dashboardPage handles GET /admin. The query may fill the form that starts a
// simulation: ?event=…&users=1000.
func (s *Server) dashboardPage(c echo.Context) error {
	return s.showDashboard(c, http.StatusOK, simulationForm(c))
}

func (s *Server) showDashboard(c echo.Context, status int, form views.SimulationForm) error {
	ctx := c.Request().Context()
	now := s.now()
	overview, err := booking.ReadOverview(ctx, s.pages, now)
	if err != nil {
		return err
	}
	people, err := s.accounts.CountActive(ctx)
	if err != nil {
		return err
	}
	database, err := db.ReadStatus(ctx, s.pages)
	if err != nil {
		return err
	}
	runs, err := simulation.List(ctx, s.pages, noEvent, 1)
	if err != nil {
		return err
	}
	if form, err = s.withChoices(ctx, form, now); err != nil {
		return err
	}
	return render(c, status, views.DashboardPage(s.pageAt(c, "/admin", say(c, "Overview")), views.Dashboard{
		Upcoming: overview.Upcoming, People: people, Confirmed: overview.Confirmed, Waiting: overview.Waiting,
		Database: views.Database(database),
		Checks:   s.checks.read(ctx, s.pages),
		Form:     form,
		Recent:   runs.Simulations[:min(recentRuns, len(runs.Simulations))],
	}), nil)
}

// adminEventsPage handles GET /admin/events.
func (s *Server) adminEventsPage(c echo.Context) error {
	search := event.Search{
		Query: formText(c, "q"), Status: event.Status(formText(c, "status")),
		Page: pageNumber(c), Now: s.now(),
	}
	list, err := s.events.All(c.Request().Context(), search)
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, views.AdminEventsPage(s.page(c, say(c, "Events")), views.AdminEvents{
		Query: search.Query, Status: search.Status, Events: list.Events,
		Pager: views.Pager{Total: list.Total, Page: list.Page, Pages: list.Pages},
	}), nil)
}

// checksKeptFor is how old the verdicts on the dashboard may be. They read
// every registration there is, so admins who reload share one look.
const checksKeptFor = 10 * time.Second

// recentChecks keeps the last verdicts over everything.
type recentChecks struct {
	mu     sync.Mutex
	at     time.Time
	checks []booking.Check
}

// read returns verdicts that are at most [checksKeptFor] old. Where the checks
// themselves fail, that is the verdict: the dashboard is for the days on which
// something is wrong.
func (r *recentChecks) read(ctx context.Context, pool *pgxpool.Pool) []booking.Check {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) < checksKeptFor {
		return r.checks
	}
	checks, err := booking.CheckAll(ctx, pool)
	if err != nil {
		return []booking.Check{{
			Name:   "checks-finish",
			Detail: locale.Later("The checks did not finish in time. Run “rowlock verify”, which may take as long as it needs."),
		}}
	}
	r.at, r.checks = time.Now(), checks
	return checks
}
