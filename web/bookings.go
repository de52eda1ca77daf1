package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"rowlock/booking"
	"rowlock/views"
)

// bookingsPage handles GET /bookings.
func (s *Server) bookingsPage(c echo.Context) error {
	held, err := booking.HeldBy(c.Request().Context(), s.pages, viewer(c).ID)
	if err != nil {
		return err
	}
	if wantsJSON(c) {
		return c.JSON(http.StatusOK, newBookingsJSON(held))
	}
	return render(c, http.StatusOK, views.BookingsPage(s.page(c, say(c, "My bookings")), held), nil)
}

// ticketPage handles GET /bookings/:id. Somebody else's ticket does not exist
// for the viewer.
func (s *Server) ticketPage(c echo.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	held, err := booking.HeldBy(c.Request().Context(), s.pages, viewer(c).ID)
	if err != nil {
		return err
	}
	for _, h := range held {
		if h.Mine.RegistrationID == id {
			return render(c, http.StatusOK, views.TicketPage(s.page(c, say(c, "Ticket for %s", h.Event.Title)), h), nil)
		}
	}
	return echo.ErrNotFound
}
