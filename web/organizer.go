package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"rowlock/booking"
	"rowlock/event"
	"rowlock/locale"
	"rowlock/views"
)

const organizerPath = "/organizer/events"

func overviewPath(e event.Event) string { return organizerPath + "/" + e.ID.String() }

// managedEvent finds the event that the path names. Events of other organizers
// do not exist for the viewer, unless they are an admin.
func (s *Server) managedEvent(c echo.Context) (event.Event, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return event.Event{}, err
	}
	e, err := s.events.ByID(c.Request().Context(), id)
	if err != nil {
		return event.Event{}, err
	}
	if !viewer(c).MayManage(e.OrganizerID) {
		return event.Event{}, event.ErrNotFound
	}
	return e, nil
}

// organizerEventsPage handles GET /organizer/events.
func (s *Server) organizerEventsPage(c echo.Context) error {
	query := formText(c, "q")
	list, err := s.events.OfOrganizer(c.Request().Context(), viewer(c).ID, event.Search{Query: query, Page: pageNumber(c), Now: s.now()})
	if err != nil {
		return err
	}
	in := views.OrganizerEvents{Query: query, Events: list.Events, Pager: pager(list)}
	return render(c, http.StatusOK, views.OrganizerEventsPage(s.page(c, say(c, "Your events")), in), nil)
}

// eventOverviewPage handles GET /organizer/events/:id.
func (s *Server) eventOverviewPage(c echo.Context) error {
	e, err := s.managedEvent(c)
	if err != nil {
		return err
	}
	numbers, err := booking.NumbersOf(c.Request().Context(), s.pages, e.ID, e.Zone())
	if err != nil {
		return err
	}
	in := views.EventOverview{Event: e, Numbers: numbers}
	return render(c, http.StatusOK, views.EventOverviewPage(s.page(c, e.Title), in), nil)
}

// publishEvent handles POST /organizer/events/:id/publish.
func (s *Server) publishEvent(c echo.Context) error {
	e, err := s.managedEvent(c)
	if err != nil {
		return err
	}
	return s.publish(c, e)
}

// publish opens a draft to everyone, and says so on its overview.
func (s *Server) publish(c echo.Context, e event.Event) error {
	if _, err := s.events.Publish(c.Request().Context(), e.ID, viewer(c).ID, s.now()); err != nil {
		return err
	}
	s.hub.Changed(e.ID)
	s.flash(c, views.FlashDone, say(c, "The event is published: people can see and book it now. Share its link."))
	return redirect(c, overviewPath(e))
}

// cancelEvent handles POST /organizer/events/:id/cancel.
func (s *Server) cancelEvent(c echo.Context) error {
	e, err := s.managedEvent(c)
	if err != nil {
		return err
	}
	ended, err := s.desk.CancelEvent(c.Request().Context(), e.ID, viewer(c).ID)
	if err != nil {
		return err
	}
	s.flash(c, views.FlashDone, endedText(c, ended))
	return redirect(c, overviewPath(e))
}

func endedText(c echo.Context, ended int) string {
	if ended == 0 {
		return say(c, "The event is cancelled. Nobody had a seat or waited for one.")
	}
	return countText(c, ended,
		"The event is cancelled. The seat or place of %s person ended with it.",
		"The event is cancelled. The seats and places of %s people ended with it.")
}

// duplicateEvent handles POST /organizer/events/:id/duplicate.
func (s *Server) duplicateEvent(c echo.Context) error {
	e, err := s.managedEvent(c)
	if err != nil {
		return err
	}
	draft, err := s.events.Duplicate(c.Request().Context(), e.ID, viewer(c).ID, s.now())
	if err != nil {
		return err
	}
	day := locale.From(c.Request().Context()).Date(draft.StartsAt.In(draft.Zone()), "Monday, 2 January 2006")
	s.flash(c, views.FlashDone, say(c, "This is a new draft with the same details, moved to %s. Look it over, then publish it.", day))
	return redirect(c, overviewPath(draft)+"/edit")
}
