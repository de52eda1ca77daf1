package web

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"rowlock/booking"
	"rowlock/event"
	"rowlock/views"
)

// attendeesPage handles GET /organizer/events/:id/attendees.
func (s *Server) attendeesPage(c echo.Context) error {
	e, err := s.managedEvent(c)
	if err != nil {
		return err
	}
	filter := attendeeFilter(c)
	filter.Page = pageNumber(c)
	list, total, err := booking.Attendees(c.Request().Context(), s.pages, e.ID, filter)
	if err == nil && len(list) == 0 && filter.Page > 1 { // beyond the last page, where nothing is counted
		filter.Page = 1
		list, total, err = booking.Attendees(c.Request().Context(), s.pages, e.ID, filter)
	}
	if err != nil {
		return err
	}
	in := views.Attendees{
		Event: e, Query: filter.Query, Standing: filter.Standing, List: list,
		Pager: views.Pager{Total: total, Page: filter.Page, Pages: max(1, (total+booking.AttendeesPerPage-1)/booking.AttendeesPerPage)},
	}
	return render(c, http.StatusOK, views.AttendeesPage(s.page(c, say(c, "Attendees of %s", e.Title)), in), nil)
}

// attendeeFilter reads the search and the standing that the list is narrowed
// to. A standing that nobody has narrows nothing.
func attendeeFilter(c echo.Context) booking.AttendeeFilter {
	f := booking.AttendeeFilter{Query: formText(c, "q")}
	switch standing := booking.Standing(formText(c, "standing")); standing {
	case booking.Confirmed, booking.Waitlisted, booking.Cancelled:
		f.Standing = standing
	}
	return f
}

// attendeesFile handles GET /organizer/events/:id/attendees.csv: everyone whom
// the same search and filter list, on one page.
func (s *Server) attendeesFile(c echo.Context) error {
	e, err := s.managedEvent(c)
	if err != nil {
		return err
	}
	list, _, err := booking.Attendees(c.Request().Context(), s.pages, e.ID, attendeeFilter(c))
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	h.Set(echo.HeaderContentDisposition, fmt.Sprintf("attachment; filename=%q", fileName(e.Title, "event")+"-attendees.csv"))
	c.Response().WriteHeader(http.StatusOK)
	return writeAttendees(c.Response(), e, list)
}

// byteOrderMark makes spreadsheets read the file as UTF-8; without it some
// spoil every name that is not English.
const byteOrderMark = "\ufeff"

func writeAttendees(out *echo.Response, e event.Event, list []booking.Attendee) error {
	if _, err := out.Write([]byte(byteOrderMark)); err != nil {
		return fmt.Errorf("write the attendees of event %s: %w", e.ID, err)
	}
	w := csv.NewWriter(out)
	w.UseCRLF = true
	_ = w.Write([]string{"Name", "Email", "Standing", "Place in line", "Since (" + e.TimeZone + ")", "From the line", "Ticket", "Checked in"})
	for _, a := range list {
		_ = w.Write(attendeeCells(a, e.Zone()))
	}
	w.Flush() // and its error is that of any write before
	if err := w.Error(); err != nil {
		return fmt.Errorf("write the attendees of event %s: %w", e.ID, err)
	}
	return nil
}

func attendeeCells(a booking.Attendee, zone *time.Location) []string {
	place, promoted, checkedIn := "", "", ""
	if a.Place > 0 {
		place = strconv.Itoa(a.Place)
	}
	if a.Promoted {
		promoted = "yes"
	}
	if a.CheckedInAt != nil {
		checkedIn = a.CheckedInAt.In(zone).Format(time.DateTime)
	}
	return []string{
		plainCell(a.Name), plainCell(a.Email), string(a.Standing), place,
		a.Since.In(zone).Format(time.DateTime), promoted, a.TicketCode, checkedIn,
	}
}

// plainCell keeps a spreadsheet from running what somebody signed up as: a
// cell that begins like a formula begins with an apostrophe instead.
func plainCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		return "'" + text
	}
	return text
}

// removeAttendee handles POST /organizer/events/:id/attendees/:user/remove.
func (s *Server) removeAttendee(c echo.Context) error {
	e, err := s.managedEvent(c)
	if err != nil {
		return err
	}
	userID, err := pathID(c, "user")
	if err != nil {
		return err
	}
	a, err := s.desk.Cancel(c.Request().Context(), booking.Cancellation{EventID: e.ID, UserID: userID, ActorID: viewer(c).ID})
	if err != nil {
		return err
	}
	switch {
	case a.Already:
		s.flash(c, views.FlashNote, say(c, "That person had neither a seat nor a place in line any more."))
	case a.Standing == booking.Cancelled:
		s.flash(c, views.FlashDone, say(c, "Removed. If somebody was in line, the first of them has the seat now."))
	default:
		s.flash(c, views.FlashDone, say(c, "Removed from the line."))
	}
	return redirect(c, overviewPath(e)+"/attendees")
}
