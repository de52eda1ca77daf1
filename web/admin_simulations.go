package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"rowlock/booking"
	"rowlock/event"
	"rowlock/locale"
	"rowlock/simulation"
	"rowlock/views"
)

// noEvent asks for the simulations of all events.
var noEvent = uuid.Nil

// errNoEventChosen says that the form names no event.
var errNoEventChosen = fmt.Errorf("none was chosen: %w", booking.ErrNoEvent)

// ownSeats says why nobody chooses the seats of the event itself.
var ownSeats = locale.Later("The event itself has the seats it has. Leave this empty, or rehearse.")

// simulateEvent handles POST /admin/events/:id/simulate.
func (s *Server) simulateEvent(c echo.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	form := simulationForm(c)
	form.EventID = id.String()
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
	if field, text := simulationProblem(err); !text.IsEmpty() && !wantsJSON(c) {
		form.Problems = sayAll(c, map[string]locale.Text{field: text})
		status := http.StatusUnprocessableEntity
		if errors.Is(err, simulation.ErrRunning) || errors.Is(err, simulation.ErrNotBookable) {
			status = http.StatusConflict
		}
		return s.showDashboard(c, status, form)
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
	if run.State == simulation.Failed {
		return answerFailed(c, run.ID, run.Failure, run.Stopped)
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
		return p, errNoEventChosen
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
func simulationProblem(err error) (field string, text locale.Text) {
	switch {
	case errors.Is(err, simulation.ErrUsers):
		return "users", locale.Later("Choose from 1 to %s people.", simulation.MaxUsers)
	case errors.Is(err, simulation.ErrOwnSeats):
		return "seats", ownSeats
	case errors.Is(err, simulation.ErrSeats):
		return "seats", locale.Later("Choose from 0 to %s seats, or leave this empty.", event.MaxCapacity)
	case errors.Is(err, simulation.ErrStrategy):
		return "strategy", locale.Later("Choose one of the strategies.")
	case errors.Is(err, simulation.ErrTarget):
		return "target", locale.Later("Choose a rehearsal or the event itself.")
	case errors.Is(err, simulation.ErrNotBookable):
		return "target", locale.Later("Nobody can book this event now. Choose a rehearsal.")
	case errors.Is(err, simulation.ErrRunning):
		return "", locale.Later("Another simulation is running. Wait until it is done, then start yours.")
	case errors.Is(err, errNoEventChosen):
		return "event", locale.Later("Choose an event.")
	}
	return "", locale.Text{}
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
	if form.EventID == "" {
		form.EventID = firstBookable(events, now)
	}
	form.Events, form.Strategies = events, s.simulations.Strategies()
	return form, nil
}

// firstBookable is the id of the first event with a seat to give now: whoever
// changes nothing in the form can simulate it, also on the event itself. Empty
// when there is none.
func firstBookable(events []event.Event, now time.Time) string {
	for _, e := range events {
		if e.Bookable(now) && e.SeatsRemaining > 0 {
			return e.ID.String()
		}
	}
	return ""
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
	return render(c, http.StatusOK, views.SimulationsPage(s.page(c, say(c, "Simulations")), in), nil)
}

// simulationPage handles GET /admin/simulations/:id. While the run goes on,
// the page follows it.
func (s *Server) simulationPage(c echo.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := s.simulationRun(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if wantsJSON(c) {
		return answerRun(c, in.Simulation)
	}
	p := s.page(c, say(c, "Simulation of %s", in.Simulation.EventTitle))
	return render(c, http.StatusOK, views.SimulationPage(p, in), views.SimulationProgress(p, in))
}

// simulationRun reads a run with what its page sets beside it.
func (s *Server) simulationRun(ctx context.Context, id uuid.UUID) (views.SimulationRun, error) {
	run, err := simulation.ByID(ctx, s.pages, id)
	if err != nil {
		return views.SimulationRun{}, err
	}
	earlier, err := s.earlierRuns(ctx, run)
	return views.SimulationRun{Simulation: run, Earlier: earlier}, err
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
	s.flash(c, views.FlashDone, say(c, "The simulation is undone: its people and their bookings are gone."))
	return redirect(c, "/admin/simulations/"+id.String())
}

// answerRun answers a script that reads a run: with the report, and where the
// run is not done with its state beside that. While it goes on the status is
// 202 and the report tells how far it is.
func answerRun(c echo.Context, run simulation.Simulation) error {
	switch run.State {
	case simulation.Running:
		return c.JSON(http.StatusAccepted, struct {
			simulation.Report
			State    simulation.State `json:"state"`
			Phase    string           `json:"phase"`
			Answered int              `json:"answered"`
		}{run.Report(), run.State, run.Phase, run.Answered})
	case simulation.Failed:
		return c.JSON(http.StatusOK, struct {
			simulation.Report
			State   simulation.State `json:"state"`
			Failure string           `json:"failure"`
		}{run.Report(), run.State, run.Failure.String()})
	}
	return c.JSON(http.StatusOK, run.Report())
}

// answerFailed answers a script that started what did not come to its end.
func answerFailed(c echo.Context, id uuid.UUID, failure locale.Text, stopped bool) error {
	status := http.StatusInternalServerError
	if stopped {
		status = http.StatusConflict
	}
	return c.JSON(status, struct {
		Error string    `json:"error"`
		ID    uuid.UUID `json:"id"`
	}{failure.String(), id})
}
