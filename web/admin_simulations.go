package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"rowlock/booking"
	"rowlock/event"
	"rowlock/simulation"
	"rowlock/views"
)

// noEvent asks for the simulations of all events.
var noEvent = uuid.Nil

// simulateEvent handles POST /admin/events/:id/simulate.
func (s *Server) simulateEvent(c echo.Context) error {
	form := simulationForm(c)
	form.EventID = c.Param("id")
	return s.simulate(c, form)
}

// simulateChosen handles POST /admin/simulations, for a form in which the
// event is one of the fields.
func (s *Server) simulateChosen(c echo.Context) error {
	return s.simulate(c, simulationForm(c))
}

// simulate starts a run. A browser is sent to its page; a script gets the
// results when it ends.
func (s *Server) simulate(c echo.Context, form views.SimulationForm) error {
	params, err := simulationParams(form)
	if err == nil {
		params.StartedBy = viewer(c).ID
		var id uuid.UUID
		if id, err = s.simulations.Start(c.Request().Context(), params); err == nil {
			return s.answerStarted(c, id)
		}
	}
	if field, text := simulationProblem(err, params); text != "" && !wantsJSON(c) {
		form.Problems = map[string]string{field: text}
		return s.showDashboard(c, explain(err).Status, form)
	}
	return err
}

func (s *Server) answerStarted(c echo.Context, id uuid.UUID) error {
	if !wantsJSON(c) {
		return redirect(c, "/admin/simulations/"+id.String())
	}
	// A long run outlasts the time that the server gives other answers. Where
	// there is no such limit, there is none to lift.
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Time{})
	run, err := s.simulations.Wait(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return answerRun(c, run)
}

// simulationForm reads the form's fields as typed, from a form or a query.
func simulationForm(c echo.Context) views.SimulationForm {
	return views.SimulationForm{
		EventID:  formText(c, "event"),
		Users:    formText(c, "users"),
		Strategy: formText(c, "strategy"),
		Target:   formText(c, "target"),
		Seats:    formText(c, "seats"),
	}
}

func simulationParams(form views.SimulationForm) (simulation.Params, error) {
	p := simulation.Params{Strategy: form.Strategy, Target: simulation.Target(form.Target)}
	var err error
	if p.EventID, err = uuid.Parse(form.EventID); err != nil {
		return p, booking.ErrNoEvent
	}
	if p.Users, err = strconv.Atoi(form.Users); err != nil {
		return p, simulation.ErrUsers
	}
	if form.Seats != "" {
		seats, err := strconv.Atoi(form.Seats)
		if err != nil {
			return p, simulation.ErrSeats
		}
		p.Seats = &seats
	}
	return p, nil
}

// simulationProblem tells beside which field of the form a refusal belongs.
func simulationProblem(err error, p simulation.Params) (field, text string) {
	switch {
	case errors.Is(err, simulation.ErrUsers):
		return "users", "Choose from 1 to 100,000 people."
	case errors.Is(err, simulation.ErrSeats) && p.Target == simulation.EventItself:
		return "seats", "The event itself has the seats it has. Leave this empty, or rehearse."
	case errors.Is(err, simulation.ErrSeats):
		return "seats", "Choose from 0 to 100,000 seats, or leave this empty."
	case errors.Is(err, simulation.ErrStrategy):
		return "strategy", "Choose one of the strategies."
	case errors.Is(err, simulation.ErrTarget):
		return "target", "Choose a rehearsal or the event itself."
	case errors.Is(err, simulation.ErrNotBookable):
		return "target", "Nobody can book this event now. Choose a rehearsal."
	case errors.Is(err, simulation.ErrRunning):
		return "", "Another simulation is running. Wait until it is done, then start yours."
	case errors.Is(err, booking.ErrNoEvent) && p.EventID == uuid.Nil:
		return "event", "Choose an event."
	}
	return "", ""
}

// withChoices fills in what the form offers. An event that was chosen
// elsewhere is among it, though it could not be booked.
func (s *Server) withChoices(ctx context.Context, form views.SimulationForm, now time.Time) (views.SimulationForm, error) {
	events, err := simulation.Choices(ctx, s.pages, now)
	if err != nil {
		return form, err
	}
	if chosen, err := uuid.Parse(form.EventID); err == nil &&
		!slices.ContainsFunc(events, func(e event.Event) bool { return e.ID == chosen }) {
		e, err := s.events.ByID(ctx, chosen)
		if err != nil {
			return form, err
		}
		events = append(events, e)
	}
	form.Events, form.Strategies = events, s.simulations.Strategies()
	return form, nil
}

// simulationsPage handles GET /admin/simulations, of one event with ?event=….
func (s *Server) simulationsPage(c echo.Context) error {
	ctx := c.Request().Context()
	in := views.Simulations{}
	if text := formText(c, "event"); text != "" {
		id, err := uuid.Parse(text)
		if err != nil {
			return event.ErrNotFound
		}
		e, err := s.events.ByID(ctx, id)
		if err != nil {
			return err
		}
		in.EventID, in.EventTitle = id, e.Title
	}
	runs, err := simulation.List(ctx, s.pages, in.EventID, pageNumber(c))
	if err != nil {
		return err
	}
	in.List = runs.Simulations
	in.Pager = views.Pager{Total: runs.Total, Page: runs.Page, Pages: runs.Pages}
	return render(c, http.StatusOK, views.SimulationsPage(s.page(c, "Simulations"), in), nil)
}

// simulationPage handles GET /admin/simulations/:id. While the run goes on,
// the page's part asks for itself again.
func (s *Server) simulationPage(c echo.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	run, err := simulation.ByID(c.Request().Context(), s.pages, id)
	if err != nil {
		return err
	}
	if wantsJSON(c) {
		return answerRun(c, run)
	}
	earlier, err := s.earlierRuns(c.Request().Context(), run)
	if err != nil {
		return err
	}
	p := s.page(c, "Simulation of "+run.EventTitle)
	in := views.SimulationRun{Simulation: run, Earlier: earlier}
	return render(c, http.StatusOK, views.SimulationPage(p, in), views.SimulationProgress(p, in))
}

// earlierRuns lists the runs of the same event that a finished one is compared
// with, newest first.
func (s *Server) earlierRuns(ctx context.Context, run simulation.Simulation) ([]simulation.Simulation, error) {
	if run.State == simulation.Running {
		return nil, nil
	}
	runs, err := simulation.List(ctx, s.pages, run.EventID, 1)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(runs.Simulations, func(other simulation.Simulation) bool {
		return other.State != simulation.Done || !other.StartedAt.Before(run.StartedAt)
	}), nil
}

// undoSimulation handles POST /admin/simulations/:id/undo.
func (s *Server) undoSimulation(c echo.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	// A hundred thousand people take a while to go.
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Time{})
	if err := s.simulations.Undo(c.Request().Context(), id, viewer(c).ID); err != nil {
		return err
	}
	s.flash(c, views.FlashDone, "The simulation is undone: its people and their bookings are gone.")
	return redirect(c, "/admin/simulations/"+id.String())
}

// simulationJSON is a run as scripts read it.
type simulationJSON struct {
	Results           simulationResultsJSON `json:"simulation_results"`
	ID                uuid.UUID             `json:"id"`
	Strategy          string                `json:"strategy"`
	Overbooked        int                   `json:"overbooked"`
	BookingsPerSecond float64               `json:"bookings_per_second"`
	LatencyMS         latencyJSON           `json:"latency_ms"`
	Checks            []checkJSON           `json:"checks"`
	// State is left out of a run that is done.
	State simulation.State `json:"state,omitempty"`
	// Answered tells how far a run is that still goes on.
	Answered int `json:"answered,omitempty"`
}

type simulationResultsJSON struct {
	TotalAttempted      int `json:"total_attempted"`
	SuccessCount        int `json:"success_count"`
	WaitlistedCount     int `json:"waitlisted_count"`
	FailedCount         int `json:"failed_count"`
	FinalSeatsRemaining int `json:"final_seats_remaining"`
}

type latencyJSON struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

type checkJSON struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// answerRun answers a script: 200 when the run is done, 202 while it goes on,
// and 500 with the cause when it failed.
func answerRun(c echo.Context, run simulation.Simulation) error {
	if run.State == simulation.Failed {
		return c.JSON(http.StatusInternalServerError, map[string]string{"error": run.Failure, "id": run.ID.String()})
	}
	latency := run.Results.Latency
	answer := simulationJSON{
		Results: simulationResultsJSON{
			TotalAttempted: run.Users, SuccessCount: run.Tally.Registered, WaitlistedCount: run.Tally.Waitlisted,
			FailedCount: run.Tally.Failed, FinalSeatsRemaining: run.Tally.SeatsRemaining,
		},
		ID: run.ID, Strategy: run.Strategy, Overbooked: run.Tally.Overbooked,
		BookingsPerSecond: run.Results.BookingsPerSecond,
		LatencyMS: latencyJSON{
			P50: milliseconds(latency.P50), P95: milliseconds(latency.P95),
			P99: milliseconds(latency.P99), Max: milliseconds(latency.Max),
		},
		Checks: make([]checkJSON, len(run.Results.Checks)),
	}
	for i, check := range run.Results.Checks {
		answer.Checks[i] = checkJSON{check.Name, check.OK, check.Detail}
	}
	if run.State == simulation.Running {
		answer.State, answer.Answered = run.State, run.Answered
		return c.JSON(http.StatusAccepted, answer)
	}
	return c.JSON(http.StatusOK, answer)
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}
