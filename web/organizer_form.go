package web

import (
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"rowlock/booking"
	"rowlock/event"
	"rowlock/locale"
	"rowlock/views"
)

// newEventPage handles GET /organizer/events/new. It proposes the time zone
// of another event of the same organizer: most stay where they are.
func (s *Server) newEventPage(c echo.Context) error {
	list, err := s.events.OfOrganizer(c.Request().Context(), viewer(c).ID, event.Search{Now: s.now()})
	if err != nil {
		return err
	}
	zone := ""
	if len(list.Events) > 0 {
		zone = list.Events[0].TimeZone
	}
	return s.showEventForm(c, http.StatusOK, views.NewEventForm(s.now(), zone))
}

// createEvent handles POST /organizer/events.
func (s *Server) createEvent(c echo.Context) error {
	form := views.EventForm{Status: event.Draft}
	d := s.readEventForm(c, &form, event.Event{})
	if len(form.Problems) > 0 {
		return s.showEventForm(c, http.StatusUnprocessableEntity, form)
	}

	e, err := s.events.Create(c.Request().Context(), viewer(c).ID, d)
	if problems := event.ProblemsIn(err); problems != nil {
		form.Problems = sayAll(c, problems)
		return s.showEventForm(c, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	if toPublish(c) {
		return s.publish(c, e)
	}
	s.flash(c, views.FlashDone, say(c, "Saved as a draft that only you can see. Publish it when it is ready."))
	return redirect(c, overviewPath(e))
}

// toPublish tells whether a form was sent by its button "Save and publish".
func toPublish(c echo.Context) bool { return formText(c, "publish") == "true" }

// editEventPage handles GET /organizer/events/:id/edit.
func (s *Server) editEventPage(c echo.Context) error {
	e, err := s.managedEvent(c)
	if err != nil {
		return err
	}
	if e.Status == event.Cancelled {
		return event.ErrCancelled
	}
	return s.showEventForm(c, http.StatusOK, views.EditEventForm(e))
}

// saveEvent handles POST /organizer/events/:id.
//
// The form carries the revision that its writer saw. When somebody else has
// saved the event since, nothing is overwritten: the form comes back as typed,
// beside what is saved now, and saving once more is then a decision. A script
// that sends no revision edits the event as it is.
func (s *Server) saveEvent(c echo.Context) error {
	e, err := s.managedEvent(c)
	if err != nil {
		return err
	}
	form := views.EditEventForm(e)
	d := s.readEventForm(c, &form, e)
	if form.Revision != strconv.Itoa(e.Revision) {
		return s.settleConflict(c, form, d, e)
	}
	if len(form.Problems) > 0 {
		return s.showEventForm(c, http.StatusUnprocessableEntity, form)
	}

	promoted, err := s.desk.Edit(c.Request().Context(), booking.Edit{
		EventID: e.ID, ActorID: viewer(c).ID, Revision: e.Revision, Details: d,
	})
	if few, ok := errors.AsType[*booking.TooFewSeatsError](err); ok {
		form.Confirmed = few.Confirmed
		form.Problems = map[string]string{"capacity": tooFewSeats(c, few.Confirmed)}
		return s.showEventForm(c, http.StatusUnprocessableEntity, form)
	}
	if problems := event.ProblemsIn(err); problems != nil {
		form.Problems = sayAll(c, problems)
		return s.showEventForm(c, http.StatusUnprocessableEntity, form)
	}
	if errors.Is(err, event.ErrChanged) { // saved between our look and our turn
		if e, err = s.managedEvent(c); err != nil {
			return err
		}
		return s.settleConflict(c, form, d, e)
	}
	if err != nil {
		return err
	}
	if e.Status == event.Draft && toPublish(c) {
		return s.publish(c, e)
	}
	s.flash(c, views.FlashDone, savedText(c, promoted))
	return redirect(c, overviewPath(e))
}

// settleConflict answers an edit of an event that was saved since its form was
// opened. When what is saved is what was typed, the same click arrived twice,
// and nobody has to decide anything.
func (s *Server) settleConflict(c echo.Context, form views.EventForm, typed event.Details, theirs event.Event) error {
	if len(form.Problems) == 0 && len(event.Diff(theirs.Details, typed)) == 0 {
		s.flash(c, views.FlashDone, savedText(c, 0))
		return redirect(c, overviewPath(theirs))
	}
	form.Status, form.Confirmed = theirs.Status, theirs.Confirmed()
	form.Revision, form.Theirs = strconv.Itoa(theirs.Revision), &theirs
	return s.showEventForm(c, http.StatusConflict, form)
}

func (s *Server) showEventForm(c echo.Context, status int, form views.EventForm) error {
	path, title := organizerPath+"/new", say(c, "Plan an event")
	if form.ID != uuid.Nil {
		path, title = organizerPath+"/"+form.ID.String()+"/edit", say(c, "Edit event")
	}
	return render(c, status, views.EventFormPage(s.pageAt(c, path, title), form), nil)
}

func tooFewSeats(c echo.Context, confirmed int) string {
	return countText(c, confirmed,
		"%s person has a seat already. Keep at least %s, or remove them first.",
		"%s people have a seat already. Keep at least %s, or remove some of them first.", confirmed)
}

func savedText(c echo.Context, promoted int) string {
	switch promoted {
	case 0:
		return say(c, "Saved.")
	case 1:
		return say(c, "Saved. The first person in line now has a seat.")
	}
	return countText(c, promoted, "Saved. The first %s person in line now has a seat.", "Saved. The first %s people in line now have a seat.")
}

// readEventForm fills form with what was typed and returns what it means.
// Everything that is wrong with it is in form.Problems. saved is the event as
// it is; the zero Event for a new one.
func (s *Server) readEventForm(c echo.Context, form *views.EventForm, saved event.Event) event.Details {
	if revision := formText(c, "revision"); revision != "" {
		form.Revision = revision
	}
	form.Title, form.Location = formText(c, "title"), formText(c, "location")
	form.Description = strings.ReplaceAll(formText(c, "description"), "\r\n", "\n") // as browsers end lines
	form.TimeZone, form.Capacity = formText(c, "time_zone"), formText(c, "capacity")
	form.StartsAt, form.EndsAt = formText(c, "starts_at"), formText(c, "ends_at")
	form.RegistrationOpensAt, form.RegistrationClosesAt = formText(c, "registration_opens_at"), formText(c, "registration_closes_at")

	r := formReader{problems: map[string]locale.Text{}}
	zone := r.zone(form.TimeZone)
	d := event.Details{
		Title: form.Title, Description: form.Description, Location: form.Location, TimeZone: form.TimeZone,
		RegistrationOpensAt:  r.time("registration_opens_at", form.RegistrationOpensAt, zone),
		RegistrationClosesAt: r.time("registration_closes_at", form.RegistrationClosesAt, zone),
		Capacity:             r.number("capacity", form.Capacity),
	}
	if t := r.time("starts_at", form.StartsAt, zone); t != nil {
		d.StartsAt = *t
	}
	if t := r.time("ends_at", form.EndsAt, zone); t != nil {
		d.EndsAt = *t
	}

	now := s.now()
	if d.EndsAt.Equal(saved.EndsAt) && !toPublish(c) {
		now = time.Time{} // what is over may still be put right
	}
	form.Problems = sayAll(c, d.Problems(now))
	maps.Copy(form.Problems, sayAll(c, r.problems)) // what cannot be read comes first
	return d
}

// A formReader turns texts into values and notes which it cannot read.
type formReader struct{ problems map[string]locale.Text }

// zone is the named time zone. An unknown one is UTC here; the event's details
// tell the problem.
func (r formReader) zone(name string) *time.Location {
	zone, err := event.LoadZone(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// time is nil for an empty text, and for one with a problem.
func (r formReader) time(field, text string, zone *time.Location) *time.Time {
	if text == "" {
		return nil
	}
	t, err := event.ParseLocal(text, zone)
	switch {
	case errors.Is(err, event.ErrSkippedTime):
		r.problems[field] = locale.Later("The clocks go forward and skip this time. Choose one an hour earlier or later.")
		return nil
	case err != nil:
		r.problems[field] = locale.Later("Write a date and a time, such as %s.", "2027-03-01T18:30")
		return nil
	}
	return &t
}

func (r formReader) number(field, text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		r.problems[field] = locale.Later("Write a whole number, such as %s.", 30)
	}
	return n
}
