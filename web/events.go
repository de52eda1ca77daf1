package web

import (
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"rowlock/booking"
	"rowlock/event"
	"rowlock/locale"
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
	p := s.page(c, say(c, "What’s on"))
	p.Description = say(c, "Book a seat at the next events, or a place in line where they are full.")
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
	if p.Description == "" {
		p.Description = say(c, "See how many seats are left, and book one.")
	}
	return p
}

// visibleEvent finds the event that the path names and how the viewer stands
// to it. Other people's drafts do not exist for the viewer.
func (s *Server) visibleEvent(c echo.Context) (event.Event, booking.Mine, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return event.Event{}, booking.Mine{}, err
	}
	seen, ok, err := s.sights.Get(c.Request().Context(), look{id, viewer(c).ID})
	if err != nil {
		return event.Event{}, booking.Mine{}, err
	}
	if !ok || seen.event.Status == event.Draft && !viewer(c).MayManage(seen.event.OrganizerID) {
		return event.Event{}, booking.Mine{}, event.ErrNotFound
	}
	return seen.event, seen.mine, nil
}

// bookEvent handles POST /events/:id/book.
func (s *Server) bookEvent(c echo.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	v := visitOf(c)
	a, err := s.desk.Book(c.Request().Context(), booking.Request{EventID: id, UserID: v.user.ID, SessionID: v.sessionID})
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
	v := visitOf(c)
	a, err := s.desk.Cancel(c.Request().Context(), booking.Cancellation{
		EventID: id, UserID: v.user.ID, SessionID: v.sessionID, ActorID: v.user.ID,
		PlaceOnly: formText(c, "seen") == views.SeenLine,
	})
	if err != nil {
		return s.refuseBooking(c, err)
	}
	return s.answerBooking(c, a, cancelledNotice)
}

// answerBooking tells what the desk did: a script gets it as data, htmx gets
// the box it swaps, a plain form goes back to where it was.
func (s *Server) answerBooking(c echo.Context, a booking.Answer, word func(booking.Answer, booking.Mine, string) locale.Text) error {
	after := sight{mine: booking.Mine{Standing: a.Standing, Place: a.Place, RegistrationID: a.RegistrationID}}
	isSeen := false
	if !wantsJSON(c) || !tellsAll(a) {
		e, mine, err := s.visibleEvent(c)
		if isSeen = err == nil; isSeen {
			after = sight{e, mine}
			a.Seats = booking.Seats{Capacity: e.Capacity, Remaining: e.SeatsRemaining, Waiting: e.Waiting}
		} else {
			// It is done and durable. Whoever heard of an error now would
			// think that it is not.
			s.log.WarnContext(c.Request().Context(), "look at an event after the desk answered", "request", requestID(c), "error", err)
		}
	}
	notice := word(a, after.mine, formText(c, "seen")).In(locale.From(c.Request().Context()))
	switch {
	case wantsJSON(c):
		return c.JSON(http.StatusOK, newAnswerJSON(after.mine, a, notice))
	case isSeen && wantsPart(c) && formText(c, "next") == "":
		return s.showEvent(c, http.StatusOK, views.Booking{Event: after.event, Mine: after.mine, Notice: notice})
	}
	s.flash(c, views.FlashDone, notice)
	return redirect(c, eventOr(c))
}

// tellsAll tells whether an answer is all that a script wants to know. It
// leaves out the place of somebody who was in line before, and the seat that
// somebody had once who leaves the line.
func tellsAll(a booking.Answer) bool {
	return a.Standing == booking.Confirmed || a.Standing == booking.Waitlisted && a.Place > 0
}

// refuseBooking tells why the desk refused, where the person clicked: in the
// box, or on the event's page. A script gets the error itself, and so does
// whoever asked for an event that they cannot see, or came in a rush. Whoever
// was signed out since they were last recognized is asked to sign in.
func (s *Server) refuseBooking(c echo.Context, cause error) error {
	if errors.Is(cause, booking.ErrSignedOut) {
		s.estrange(c, visitOf(c))
		return askToSignIn(c)
	}
	r := explain(cause)
	isBusy := r.status == http.StatusServiceUnavailable
	if wantsJSON(c) || r.status != http.StatusConflict && !(isBusy && wantsPart(c)) {
		return cause
	}
	e, mine, err := s.visibleEvent(c)
	if err != nil {
		return errors.Join(cause, err)
	}
	l := locale.From(c.Request().Context())
	notice := r.title.In(l) + ". " + r.text.In(l)
	if errors.Is(cause, booking.ErrNotOpenYet) && e.RegistrationOpensAt != nil {
		notice = l.Say("Booking opens on %s.", views.MomentText(c.Request().Context(), *e.RegistrationOpensAt, e))
	}
	if isBusy {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(r.retry.Seconds()))))
	}
	return s.showEvent(c, r.status, views.Booking{Event: e, Mine: mine, Notice: notice, Refused: true})
}

// bookedNotice tells somebody who asked for a seat what they got. seen is what
// the form had offered them, so that a surprise is explained.
func bookedNotice(a booking.Answer, mine booking.Mine, seen string) locale.Text {
	switch {
	case a.Standing == booking.Confirmed && a.Already:
		return locale.Later("You already have a seat.")
	case a.Standing == booking.Confirmed && seen == views.SeenLine:
		return locale.Later("A seat had just come free: it is yours.")
	case a.Standing == booking.Confirmed:
		return locale.Later("You have a seat.")
	case mine.Standing == booking.Confirmed:
		return locale.Later("You were in line, and a seat has just come free: it is yours.")
	case a.Already:
		return locale.Later("You are already in line, as number %s.", placeOf(a, mine))
	case seen == views.SeenSeat:
		return locale.Later("The last seat just went; you are number %s in line.", placeOf(a, mine))
	default:
		return locale.Later("You are number %s in line. When a seat comes free and it is your turn, it is yours.", placeOf(a, mine))
	}
}

// placeOf prefers the place as it is now to the one that was drawn.
func placeOf(a booking.Answer, mine booking.Mine) int {
	if mine.Place > 0 {
		return mine.Place
	}
	return a.Place
}

func cancelledNotice(a booking.Answer, _ booking.Mine, _ string) locale.Text {
	switch {
	case a.Standing == booking.Confirmed:
		return locale.Later("A seat had just come free: it is yours. Cancel it if you no longer want it.")
	case a.Already:
		return locale.Later("You have neither a seat nor a place in line here; there was nothing to cancel.")
	case a.Standing == booking.Cancelled:
		return locale.Later("Your seat is cancelled. Thank you for letting somebody else have it.")
	default:
		return locale.Later("You have left the line.")
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
