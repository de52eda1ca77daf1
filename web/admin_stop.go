package web

import (
	"errors"

	"github.com/labstack/echo/v4"

	"rowlock/simulation"
	"rowlock/views"
)

// stopSimulation handles POST /admin/simulations/:id/stop. The run's page tells
// when it has ended: people who have asked are answered first.
func (s *Server) stopSimulation(c echo.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	err = s.simulations.Stop(c.Request().Context(), id, viewer(c).ID)
	return s.answerStopped(c, err, "/admin/simulations/"+id.String())
}

// stopComparison handles POST /admin/lab/:id/stop.
func (s *Server) stopComparison(c echo.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	err = s.simulations.StopComparison(c.Request().Context(), id, viewer(c).ID)
	return s.answerStopped(c, err, comparisonPath(id))
}

// answerStopped takes a browser back to the page of what it stopped, also when
// that had just ended by itself: the page tells.
func (s *Server) answerStopped(c echo.Context, err error, path string) error {
	if errors.Is(err, simulation.ErrNotRunning) && !wantsJSON(c) {
		return redirect(c, path)
	}
	if err != nil {
		return err
	}
	s.flash(c, views.FlashDone, say(c, "It stops as soon as those who have asked are answered."))
	return redirect(c, path)
}
