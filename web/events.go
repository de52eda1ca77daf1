package web

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/event"
	"rowlock/views"
)

// eventsPage handles GET / and GET /events.
func (s *Server) eventsPage(c echo.Context) error {
	query := formText(c, "q")
	list, err := s.events.Upcoming(c.Request().Context(), event.Search{Query: query, Page: pageNumber(c), Now: s.now()})
	if err != nil {
		return err
	}
	mine, err := s.standings(c)
	if err != nil {
		return err
	}

	if wantsJSON(c) {
		return c.JSON(http.StatusOK, newEventListJSON(list, mine))
	}
	p := s.page(c, "What’s on")
	p.Description = "Book a seat at the next events, or a place in line where they are full."
	in := views.Events{Query: query, Events: list.Events, Mine: mine, Pager: pager(list)}
	return render(c, http.StatusOK, views.EventsPage(p, in), views.EventsList(p, in))
}

// standings tells how the viewer stands to each event that they ever booked.
func (s *Server) standings(c echo.Context) (map[uuid.UUID]booking.Mine, error) {
	user := viewer(c)
	if !isKnown(user) {
		return nil, nil
	}
	held, err := booking.HeldBy(c.Request().Context(), s.pages, user.ID)
	if err != nil {
		return nil, err
	}
	mine := make(map[uuid.UUID]booking.Mine, len(held))
	for _, h := range held {
		mine[h.Event.ID] = h.Mine
	}
	return mine, nil
}

// eventPage handles GET /events/:id. It takes one query beside the one that
// recognizes the visitor.
func (s *Server) eventPage(c echo.Context) error {
	e, mine, err := s.visibleEvent(c)
	if err != nil {
		return err
	}
	if wantsJSON(c) {
		return c.JSON(http.StatusOK, newEventJSON(e, mine))
	}
	in := views.Booking{Event: e, Mine: mine}
	p := s.describedPage(c, e)
	return render(c, http.StatusOK, views.EventPage(p, in), views.LiveBooking(p, in))
}

// showEvent answers with the event's page, or with the box in it that booking
// and cancelling change.
func (s *Server) showEvent(c echo.Context, status int, in views.Booking) error {
	p := s.describedPage(c, in.Event)
	return render(c, status, views.EventPage(p, in), views.BookingBox(p, in))
}

func (s *Server) describedPage(c echo.Context, e event.Event) views.Page {
	p := s.page(c, e.Title)
	p.Description = summary(e.Description)
	return p
}

// visibleEvent finds the event that the path names and how the viewer stands
// to it. Other people's drafts do not exist for the viewer.
func (s *Server) visibleEvent(c echo.Context) (event.Event, booking.Mine, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return event.Event{}, booking.Mine{}, err
	}
	e, mine, err := booking.Find(c.Request().Context(), s.pages, id, viewer(c).ID)
	if err != nil {
		return event.Event{}, booking.Mine{}, err
	}
	if e.Status == event.Draft && !mayManage(viewer(c), e) {
		return event.Event{}, booking.Mine{}, event.ErrNotFound
	}
	return e, mine, nil
}

// mayManage tells whether the person is the event's organizer and still one,
// or an admin.
func mayManage(u account.User, e event.Event) bool {
	return u.IsAdmin() || u.IsOrganizer() && u.ID == e.OrganizerID
}

// bookEvent handles POST /events/:id/book.
func (s *Server) bookEvent(c echo.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	a, err := s.desk.Book(c.Request().Context(), booking.Request{EventID: id, UserID: viewer(c).ID})
	if err != nil {
		return s.refuseBooking(c, err)
	}
	return s.answerBooking(c, a, bookedNotice)
}

// cancelBooking handles POST /events/:id/cancel, for a seat and for a place in
// line alike.
func (s *Server) cancelBooking(c echo.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	user := viewer(c).ID
	a, err := s.desk.Cancel(c.Request().Context(), booking.Cancellation{
		EventID: id, UserID: user, ActorID: user,
		PlaceOnly: formText(c, "seen") == views.SeenLine,
	})
	if err != nil {
		return s.refuseBooking(c, err)
	}
	return s.answerBooking(c, a, cancelledNotice)
}

// answerBooking tells what the desk did: a script gets it as data, htmx gets
// the box it swaps, a plain form goes back to where it was.
func (s *Server) answerBooking(c echo.Context, a booking.Answer, say func(booking.Answer, booking.Mine, string) string) error {
	e, mine, err := s.visibleEvent(c)
	if err != nil {
		return err
	}
	notice := say(a, mine, formText(c, "seen"))
	switch {
	case wantsJSON(c):
		return c.JSON(http.StatusOK, newAnswerJSON(e, mine, a, notice))
	case wantsPart(c) && formText(c, "next") == "":
		return s.showEvent(c, http.StatusOK, views.Booking{Event: e, Mine: mine, Notice: notice})
	}
	s.flash(c, views.FlashDone, notice)
	return redirect(c, eventOr(c))
}

// refuseBooking tells why the desk refused, where the person clicked: in the
// box, or on the event's page. A script gets the error itself, and so does
// whoever asked for an event that they cannot see, or came in a rush.
func (s *Server) refuseBooking(c echo.Context, cause error) error {
	r := explain(cause)
	isBusy := r.Status == http.StatusServiceUnavailable
	if wantsJSON(c) || r.Status != http.StatusConflict && !(isBusy && wantsPart(c)) {
		return cause
	}
	e, mine, err := s.visibleEvent(c)
	if err != nil {
		return errors.Join(cause, err)
	}
	notice := r.Title + ". " + r.Text
	if errors.Is(cause, booking.ErrNotOpenYet) && e.RegistrationOpensAt != nil {
		notice = "Booking opens on " + e.RegistrationOpensAt.In(e.Zone()).Format("Monday, 2 January 2006 at 15:04") + "."
	}
	if isBusy {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(r.retry.Seconds()))))
	}
	return s.showEvent(c, r.Status, views.Booking{Event: e, Mine: mine, Notice: notice, Refused: true})
}

// bookedNotice tells somebody who asked for a seat what they got. seen is what
// the form had offered them, so that a surprise is explained.
func bookedNotice(a booking.Answer, mine booking.Mine, seen string) string {
	switch {
	case a.Standing == booking.Confirmed && a.Already:
		return "You already have a seat."
	case a.Standing == booking.Confirmed && seen == views.SeenLine:
		return "A seat had just come free: it is yours."
	case a.Standing == booking.Confirmed:
		return "You have a seat."
	case mine.Standing == booking.Confirmed:
		return "You were in line, and a seat has just come free: it is yours."
	case a.Already:
		return fmt.Sprintf("You are already in line, as number %d.", placeOf(a, mine))
	case seen == views.SeenSeat:
		return fmt.Sprintf("The last seat just went; you are number %d in line.", placeOf(a, mine))
	default:
		return fmt.Sprintf("You are number %d in line. When a seat comes free and it is your turn, it is yours.", placeOf(a, mine))
	}
}

// placeOf prefers the place as it is now to the one that was drawn.
func placeOf(a booking.Answer, mine booking.Mine) int {
	if mine.Place > 0 {
		return mine.Place
	}
	return a.Place
}

func cancelledNotice(a booking.Answer, _ booking.Mine, _ string) string {
	switch {
	case a.Standing == booking.Confirmed:
		return "A seat had just come free: it is yours. Cancel it if you no longer want it."
	case a.Already:
		return "You have neither a seat nor a place in line here; there was nothing to cancel."
	case a.Standing == booking.Cancelled:
		return "Your seat is cancelled. Thank you for letting somebody else have it."
	default:
		return "You have left the line."
	}
}

// eventOr is the page that a booking form leads back to: the one that its
// field "next" names, else the event's.
func eventOr(c echo.Context) string {
	if next := formText(c, "next"); next != "" {
		return localPath(next)
	}
	return "/events/" + c.Param("id")
}

func pager(l event.List) views.Pager {
	return views.Pager{Total: l.Total, Page: l.Page, Pages: l.Pages}
}

// summary is the beginning of a description, for search engines and chats.
func summary(description string) string {
	const limit = 160
	runes := []rune(oneLine(description))
	if len(runes) <= limit {
		return string(runes)
	}
	return string(runes[:limit-1]) + "…"
}
