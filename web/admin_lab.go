package web

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"rowlock/locale"
	"rowlock/simulation"
	"rowlock/views"
)

const labPath = "/admin/lab"

func comparisonPath(id uuid.UUID) string { return labPath + "/" + id.String() }

// What a choice of runs can be refused with.
var (
	errFewRuns  = errors.New("fewer than two runs were picked")
	errManyRuns = fmt.Errorf("more than %d runs were picked", simulation.MaxCompared)
)

// labPage handles GET /admin/lab. The query may fill the form that starts a
// comparison: ?event=…&users=1000.
func (s *Server) labPage(c echo.Context) error {
	return s.showLab(c, http.StatusOK, comparisonForm(c))
}

func (s *Server) showLab(c echo.Context, status int, form views.ComparisonForm) error {
	ctx := c.Request().Context()
	list, err := simulation.Comparisons(ctx, s.pages, pageNumber(c))
	if err != nil {
		return err
	}
	choices, err := s.withChoices(ctx, views.SimulationForm{EventID: form.EventID}, s.now())
	if err != nil {
		return err
	}
	form.Events, form.Strategies = choices.Events, choices.Strategies
	return render(c, status, views.LabPage(s.pageAt(c, labPath, say(c, "Lab")), views.Lab{
		Form: form, Comparisons: list.Comparisons,
		Pager: views.Pager{Total: list.Total, Page: list.Page, Pages: list.Pages},
	}), nil)
}

// comparisonForm reads the form's fields as typed, from a form or a query.
func comparisonForm(c echo.Context) views.ComparisonForm {
	form := views.ComparisonForm{
		Name:     formText(c, "name"),
		EventID:  formText(c, "event"),
		Users:    formText(c, "users"),
		Seats:    formText(c, "seats"),
		Patience: formText(c, "patience"),
	}
	if fields, err := c.FormParams(); err == nil {
		form.Chosen = fields["strategy"]
	}
	return form
}

// startComparison handles POST /admin/lab. A browser is sent to the
// comparison's page; a script gets all figures when the last run has ended.
func (s *Server) startComparison(c echo.Context) error {
	form := comparisonForm(c)
	params, err := comparisonParams(form)
	if err == nil {
		params.StartedBy = viewer(c).ID
		params.Crowd = countText(c, params.Users, "%s person", "%s people")
		var id uuid.UUID
		if id, err = s.simulations.Compare(c.Request().Context(), params); err == nil {
			return s.answerComparing(c, id)
		}
	}
	if field, text := comparisonProblem(err); !text.IsEmpty() && !wantsJSON(c) {
		form.Problems = sayAll(c, map[string]locale.Text{field: text})
		status := http.StatusUnprocessableEntity
		if errors.Is(err, simulation.ErrRunning) {
			status = http.StatusConflict
		}
		return s.showLab(c, status, form)
	}
	return err
}

func (s *Server) answerComparing(c echo.Context, id uuid.UUID) error {
	if !wantsJSON(c) {
		return redirect(c, comparisonPath(id))
	}
	// Four long runs outlast the time that the server gives other answers.
	// Where there is no such limit, there is none to lift.
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Time{})
	comparison, err := s.simulations.WaitComparison(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if comparison.State == simulation.Failed {
		return answerFailed(c, comparison.ID, comparison.Failure, comparison.Stopped)
	}
	return answerComparison(c, comparison)
}

func comparisonParams(form views.ComparisonForm) (simulation.ComparisonParams, error) {
	each, err := simulationParams(views.SimulationForm{EventID: form.EventID, Users: form.Users, Seats: form.Seats})
	p := simulation.ComparisonParams{
		Name: form.Name, EventID: each.EventID, Users: each.Users, Seats: each.Seats, Strategies: form.Chosen,
	}
	if err != nil || form.Patience == "" {
		return p, err
	}
	seconds, err := strconv.Atoi(form.Patience)
	if err != nil || seconds < 1 || seconds > int(simulation.MaxPatience/time.Second) {
		return p, simulation.ErrPatience
	}
	p.Patience = time.Duration(seconds) * time.Second
	return p, nil
}

// comparisonProblem tells beside which field of the form a refusal belongs.
func comparisonProblem(err error) (field string, text locale.Text) {
	switch {
	case errors.Is(err, simulation.ErrFewStrategies):
		return "strategy", locale.Later("Choose two strategies or more.")
	case errors.Is(err, simulation.ErrPatience):
		return "patience", locale.Later("Choose from 1 to %s seconds.", int(simulation.MaxPatience/time.Second))
	case errors.Is(err, simulation.ErrName):
		return "name", locale.Later("Choose a name of at most %s characters, or leave this empty.", simulation.MaxName)
	case errors.Is(err, simulation.ErrRunning):
		return "", locale.Later("Another simulation is running. Wait until it is done, then start yours.")
	}
	return simulationProblem(err)
}

// comparisonPage handles GET /admin/lab/:id. While the runs go on, the page's
// part asks for itself again.
func (s *Server) comparisonPage(c echo.Context) error {
	comparison, err := s.comparison(c)
	if err != nil {
		return err
	}
	if wantsJSON(c) {
		return answerComparison(c, comparison)
	}
	return s.showCompared(c, http.StatusOK, views.Compared{Comparison: comparison})
}

func (s *Server) comparison(c echo.Context) (simulation.Comparison, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return simulation.Comparison{}, err
	}
	return simulation.ComparisonByID(c.Request().Context(), s.pages, id)
}

func (s *Server) showCompared(c echo.Context, status int, in views.Compared) error {
	p := s.page(c, in.Title(c.Request().Context()))
	return render(c, status, views.ComparedPage(p, in), views.ComparedProgress(p, in))
}

// answerComparison answers a script that reads one: with 202 while the runs go
// on. That it failed stands in what is read.
func answerComparison(c echo.Context, comparison simulation.Comparison) error {
	status := http.StatusOK
	if comparison.State == simulation.Running {
		status = http.StatusAccepted
	}
	return c.JSON(status, comparison.Export())
}

// pickedPage handles GET /admin/lab/runs?run=…&run=…: any runs side by side.
func (s *Server) pickedPage(c echo.Context) error {
	picked, err := s.picked(c, 2)
	if (errors.Is(err, errFewRuns) || errors.Is(err, errManyRuns)) && !wantsJSON(c) {
		s.flash(c, views.FlashFailed, explain(err).text.In(locale.From(c.Request().Context())))
		return redirect(c, "/admin/simulations")
	}
	if err != nil {
		return err
	}
	if wantsJSON(c) {
		return answerComparison(c, picked)
	}
	return s.showCompared(c, http.StatusOK, views.Compared{Comparison: picked})
}

// picked makes a comparison of the runs that the query names, of which there
// have to be so many at least. One that is named twice counts once.
func (s *Server) picked(c echo.Context, least int) (simulation.Comparison, error) {
	var ids []uuid.UUID
	for _, name := range c.QueryParams()["run"] {
		id, err := uuid.Parse(name)
		if err != nil {
			return simulation.Comparison{}, simulation.ErrNotFound
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
		if len(ids) > simulation.MaxCompared {
			return simulation.Comparison{}, errManyRuns
		}
	}
	if len(ids) < least {
		return simulation.Comparison{}, errFewRuns
	}
	runs, err := simulation.ByIDs(c.Request().Context(), s.pages, ids)
	name := "Runs side by side"
	if len(runs) == 1 {
		name = cmp.Or(runs[0].Name, runs[0].EventTitle)
	}
	return simulation.Comparison{Name: name, State: simulation.Done, Runs: runs}, err
}

// pickedFile handles GET /admin/lab/runs.csv and /admin/lab/runs.json, also of
// a single run.
func (s *Server) pickedFile(c echo.Context) error {
	picked, err := s.picked(c, 1)
	if err != nil {
		return err
	}
	return writeFile(c, picked)
}

// comparisonFile handles GET /admin/lab/:id/runs.csv and
// /admin/lab/:id/runs.json.
func (s *Server) comparisonFile(c echo.Context) error {
	comparison, err := s.comparison(c)
	if err != nil {
		return err
	}
	return writeFile(c, comparison)
}

// writeFile answers with a file of the kind that the address ends with.
func writeFile(c echo.Context, comparison simulation.Comparison) error {
	what := "comparison"
	if comparison.ID == uuid.Nil {
		what = "simulation"
	}
	name := fileName(comparison.Name, what)
	h := c.Response().Header()
	if strings.HasSuffix(c.Path(), ".json") {
		h.Set(echo.HeaderContentDisposition, fmt.Sprintf("attachment; filename=%q", name+".json"))
		text, err := json.MarshalIndent(comparison.Export(), "", "  ")
		if err != nil {
			return fmt.Errorf("write comparison %s: %w", comparison.ID, err)
		}
		return c.JSONBlob(http.StatusOK, append(text, '\n'))
	}
	h.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	h.Set(echo.HeaderContentDisposition, fmt.Sprintf("attachment; filename=%q", name+".csv"))
	c.Response().WriteHeader(http.StatusOK)
	return writeRuns(c.Response(), comparison.Export())
}

// runColumns head the file of runs. Times are in milliseconds. The failures are
// those of people, by cause; the failure is why the run did not finish.
var runColumns = []string{
	"run", "name", "event", "strategy", "state", "started_at", "users", "seats",
	"registered", "waitlisted", "failed", "overbooked", "seats_remaining", "took_ms", "bookings_per_second",
	"p50_ms", "p95_ms", "p99_ms", "max_ms", "transactions", "retries", "connections", "gave_up_after_ms",
	"checks_passed", "checks", "failures", "failure",
}

func writeRuns(out *echo.Response, comparison simulation.ComparisonExport) error {
	if _, err := out.Write([]byte(byteOrderMark)); err != nil {
		return fmt.Errorf("write runs: %w", err)
	}
	w := csv.NewWriter(out)
	w.UseCRLF = true
	_ = w.Write(runColumns)
	for _, e := range comparison.Runs {
		_ = w.Write(runCells(e))
	}
	w.Flush() // and its error is that of any write before
	if err := w.Error(); err != nil {
		return fmt.Errorf("write runs: %w", err)
	}
	return nil
}

func runCells(e simulation.Export) []string {
	float := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	passed := 0
	for _, check := range e.Checks {
		if check.OK {
			passed++
		}
	}
	var failures []string
	for _, f := range e.Failures {
		failures = append(failures, fmt.Sprintf("%d × %s", f.Count, f.Cause))
	}
	tally, latency := e.Results, e.LatencyMS
	return []string{
		e.ID.String(), plainCell(e.Name), plainCell(e.Event), e.Strategy, string(e.State), e.StartedAt.Format(time.RFC3339), strconv.Itoa(e.Users), strconv.Itoa(e.Seats),
		strconv.Itoa(tally.SuccessCount), strconv.Itoa(tally.WaitlistedCount), strconv.Itoa(tally.FailedCount), strconv.Itoa(e.Overbooked), strconv.Itoa(tally.FinalSeatsRemaining), float(e.TookMS), float(e.BookingsPerSecond),
		float(latency.P50), float(latency.P95), float(latency.P99), float(latency.Max), strconv.FormatInt(e.Transactions, 10), strconv.FormatInt(e.Retries, 10), strconv.Itoa(e.Connections), float(e.GaveUpAfterMS),
		strconv.Itoa(passed), strconv.Itoa(len(e.Checks)), strings.Join(failures, "; "), plainCell(e.Failure),
	}
}

// renameComparison handles POST /admin/lab/:id/rename.
func (s *Server) renameComparison(c echo.Context) error {
	comparison, err := s.comparison(c)
	if err != nil {
		return err
	}
	name := formText(c, "name")
	err = simulation.RenameComparison(c.Request().Context(), s.pages, comparison.ID, name)
	if errors.Is(err, simulation.ErrName) && !wantsJSON(c) {
		in := views.Compared{Comparison: comparison, Problem: say(c, "Give it a name of 1 to %s characters.", simulation.MaxName), Typed: name}
		return s.showCompared(c, http.StatusUnprocessableEntity, in)
	}
	if err != nil {
		return err
	}
	s.flash(c, views.FlashDone, say(c, "Renamed."))
	return redirect(c, comparisonPath(comparison.ID))
}

// deleteComparison handles POST /admin/lab/:id/delete.
func (s *Server) deleteComparison(c echo.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	// Four times a hundred thousand people take a while to go.
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Time{})
	if err := s.simulations.DeleteComparison(c.Request().Context(), id, viewer(c).ID); err != nil {
		return err
	}
	s.flash(c, views.FlashDone, say(c, "The comparison is deleted, and with it its people and their bookings."))
	return redirect(c, labPath)
}

// renameSimulation handles POST /admin/simulations/:id/rename.
func (s *Server) renameSimulation(c echo.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	err = simulation.Rename(c.Request().Context(), s.pages, id, formText(c, "name"))
	switch {
	case errors.Is(err, simulation.ErrName) && !wantsJSON(c):
		s.flash(c, views.FlashFailed, say(c, "Not renamed: a name has at most %s characters.", simulation.MaxName))
	case err != nil:
		return err
	default:
		s.flash(c, views.FlashDone, say(c, "Renamed."))
	}
	return redirect(c, "/admin/simulations/"+id.String())
}

// deleteSimulation handles POST /admin/simulations/:id/delete.
func (s *Server) deleteSimulation(c echo.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Time{})
	if err := s.simulations.Delete(c.Request().Context(), id, viewer(c).ID); err != nil {
		return err
	}
	s.flash(c, views.FlashDone, say(c, "The simulation is deleted, and with it its people and their bookings."))
	return redirect(c, "/admin/simulations")
}

// followComparison handles GET /admin/lab/:id/live: a stream of the
// comparison's part of the page while it runs, which ends when it does.
func (s *Server) followComparison(c echo.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	watch, err := s.feeds.comparisons.Watch(id, liveViewer(c))
	if err != nil {
		return refuseStream(c)
	}
	defer watch.Close()

	first, err := s.readComparisonState(c.Request().Context(), id)
	if err != nil {
		return err
	}
	page := &followedRun{language: locale.From(c.Request().Context())}
	return follow(c, watch, first, page.next)
}

func (s *Server) readComparisonState(ctx context.Context, id uuid.UUID) (*runState, error) {
	comparison, err := simulation.ComparisonByID(ctx, s.pages, id)
	if err != nil {
		return nil, err
	}
	part := views.ComparedProgress(views.Page{Now: s.now()}, views.Compared{Comparison: comparison})
	return &runState{part: part, isOver: comparison.State != simulation.Running}, nil
}
