package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/labstack/echo/v4"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/event"
	"rowlock/simulation"
	"rowlock/views"
)

// What a request can be refused with before it reaches a handler.
var (
	errNotSignedIn = errors.New("nobody is signed in")
	errForbidden   = errors.New("the role does not allow this")
	errCrossOrigin = errors.New("the form was sent by another site")
	errBadText     = errors.New("the request holds what is no text")
)

// outcomes lists every error that a visitor can meet and what they are told.
// Any other error is ours: logged in full, shown as a plain 500.
var outcomes = []struct {
	err    error
	status int
	title  string
	text   string
	// retry, where set, is how long a visitor should wait; they are told so,
	// and their program by the header Retry-After.
	retry time.Duration
	// next, where set, is the way on; otherwise it is the list of events.
	nextText, nextPath string
}{
	{err: event.ErrNotFound, status: http.StatusNotFound, title: "There is no such event", text: "It may have been removed, or the link is incomplete."},
	{err: booking.ErrNoEvent, status: http.StatusNotFound, title: "There is no such event", text: "It may have been removed, or the link is incomplete."},
	{err: simulation.ErrNotFound, status: http.StatusNotFound, title: "There is no such simulation", text: "Choose one from the list of past runs.", nextText: "Past runs", nextPath: "/admin/simulations"},
	{err: simulation.ErrNoComparison, status: http.StatusNotFound, title: "There is no such comparison", text: "Choose one from the list.", nextText: "The lab", nextPath: "/admin/lab"},
	{err: account.ErrNotFound, status: http.StatusNotFound, title: "There is no such person", text: "Look for them in the list of people.", nextText: "People", nextPath: "/admin/users"},
	{err: account.ErrNoSession, status: http.StatusNotFound, title: "That browser is signed out already", text: "Your account page shows where you are still signed in.", nextText: "Your account", nextPath: "/account"},

	{err: errNotSignedIn, status: http.StatusUnauthorized, title: "Please sign in", text: "Sign in with the form at /login and keep the cookie."},
	{err: errForbidden, status: http.StatusForbidden, title: "This page is not for your account", text: "If you need it for your work, ask an admin for the role."},
	{err: errCrossOrigin, status: http.StatusForbidden, title: "This form came from another site", text: "To keep your account safe we did nothing. Open the page here and try again."},
	{err: account.ErrInactive, status: http.StatusForbidden, title: "Your account is deactivated", text: "Ask an admin to activate it again."},
	{err: booking.ErrInactive, status: http.StatusForbidden, title: "Your account is deactivated", text: "Ask an admin to activate it again."},
	{err: booking.ErrNoPerson, status: http.StatusForbidden, title: "Your account no longer exists", text: "Sign up again to book.", nextText: "Sign up", nextPath: "/signup"},

	{err: booking.ErrEventCancelled, status: http.StatusConflict, title: "This event is cancelled", text: "Nobody can book it any more. Perhaps another event suits you."},
	{err: booking.ErrStarted, status: http.StatusConflict, title: "This event has started", text: "It can no longer be booked or left."},
	{err: booking.ErrNotOpenYet, status: http.StatusConflict, title: "Booking has not opened yet", text: "The event's page says when it does."},
	{err: booking.ErrClosed, status: http.StatusConflict, title: "Booking has closed", text: "Perhaps another event suits you."},
	{err: event.ErrChanged, status: http.StatusConflict, title: "Somebody else edited this event", text: "Nothing was saved. Open the event again and make your change on top of theirs."},
	{err: event.ErrCancelled, status: http.StatusConflict, title: "This event is cancelled", text: "A cancelled event stays as it is. Duplicate it to offer it again."},
	{err: event.ErrEnded, status: http.StatusConflict, title: "This event is over", text: "Give it a date to come first."},
	{err: account.ErrLastAdmin, status: http.StatusConflict, title: "Somebody has to stay admin", text: "Make another active person an admin first."},
	{err: account.ErrEmailTaken, status: http.StatusConflict, title: "This address has an account already", text: "Sign in with it, or choose another address."},
	{err: simulation.ErrRunning, status: http.StatusConflict, title: "Another simulation is running", text: "Wait until it is done, then start yours."},
	{err: simulation.ErrNotBookable, status: http.StatusConflict, title: "This event cannot be booked now", text: "Choose one that is published and has not started."},
	{err: simulation.ErrNotFinished, status: http.StatusConflict, title: "The simulation is still running", text: "Wait until it is done."},
	{err: simulation.ErrNothingToUndo, status: http.StatusConflict, title: "The simulation was undone before", text: "Nothing of it is left."},

	{err: simulation.ErrUsers, status: http.StatusUnprocessableEntity, title: "That is too few or too many people", text: "Users must be a number from 1 to 100000."},
	{err: simulation.ErrSeats, status: http.StatusUnprocessableEntity, title: "That is too few or too many seats", text: "Seats must be a number from 0 to 100000."},
	{err: simulation.ErrStrategy, status: http.StatusUnprocessableEntity, title: "There is no such strategy", text: "Choose one from the list."},
	{err: simulation.ErrFewStrategies, status: http.StatusUnprocessableEntity, title: "There is nothing to compare", text: "Choose two strategies or more."},
	{err: simulation.ErrPatience, status: http.StatusUnprocessableEntity, title: "That is too short or too long", text: "Patience must be a number of seconds from 1 to 600."},
	{err: simulation.ErrName, status: http.StatusUnprocessableEntity, title: "That is no name", text: "A name has from 1 to 100 characters."},
	{err: errFewRuns, status: http.StatusUnprocessableEntity, title: "There is nothing to compare", text: "Tick two runs or more.", nextText: "Past runs", nextPath: "/admin/simulations"},
	{err: errManyRuns, status: http.StatusUnprocessableEntity, title: "That is too much for one page", text: "Tick eight runs at most.", nextText: "Past runs", nextPath: "/admin/simulations"},
	{err: simulation.ErrTarget, status: http.StatusUnprocessableEntity, title: "There is no such target", text: "The target is rehearsal or event."},
	{err: account.ErrRole, status: http.StatusUnprocessableEntity, title: "There is no such role", text: "Choose attendee, organizer or admin."},
	{err: errBadText, status: http.StatusBadRequest, title: "We could not read that", text: "The address or the form holds characters that are no text. Type them again."},

	{err: account.ErrTooManyAttempts, status: http.StatusTooManyRequests, title: "Too many failed sign-ins", text: "Wait a few minutes, then try again.", retry: time.Minute},
	{err: account.ErrBusy, status: http.StatusServiceUnavailable, title: "Very many people are signing in", text: "Try again in a few seconds.", retry: 5 * time.Second},
	{err: booking.ErrBusy, status: http.StatusServiceUnavailable, title: "Very many people are booking this event", text: "Nothing was lost. Try again in a few seconds.", retry: 2 * time.Second},
	{err: booking.ErrStopping, status: http.StatusServiceUnavailable, title: "We are restarting", text: "Try again in a few seconds.", retry: 5 * time.Second},
	{err: booking.ErrOutcomeUnknown, status: http.StatusServiceUnavailable, title: "We lost touch with our records for a moment", text: "Look at your bookings: if this one is not there, try again.", retry: 5 * time.Second, nextText: "My bookings", nextPath: "/bookings"},
	{err: booking.ErrUnavailable, status: http.StatusServiceUnavailable, title: "Our records are out of reach for a moment", text: "Nothing was changed. Try again in a few seconds.", retry: 5 * time.Second},
	{err: context.DeadlineExceeded, status: http.StatusServiceUnavailable, title: "That took too long", text: "We are very busy. Try again in a few seconds.", retry: 5 * time.Second},
}

// statusVisitorLeft is what the log says of a request whose visitor did not
// wait for the answer.
const statusVisitorLeft = 499

// A refusal is an outcome together with what only this one error knows.
type refusal struct {
	views.Trouble
	retry time.Duration
}

// explain finds what a visitor is told about err.
func explain(err error) refusal {
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			r := refusal{views.Trouble{Status: o.status, Title: o.title, Text: o.text, NextText: o.nextText, NextPath: o.nextPath}, o.retry}
			if many, ok := errors.AsType[*account.TooManyAttemptsError](err); ok {
				r.Text, r.retry = tooManyAttempts(many), many.RetryAfter
			}
			return r
		}
	}
	if few, ok := errors.AsType[*booking.TooFewSeatsError](err); ok {
		return refusal{Trouble: views.Trouble{
			Status: http.StatusConflict,
			Title:  "That is fewer seats than are taken",
			Text:   strconv.Itoa(few.Confirmed) + " people have a seat. Choose at least as many.",
		}}
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return explain(booking.ErrUnavailable)
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok {
		return explainStatus(e.Code)
	}
	return explainStatus(http.StatusInternalServerError)
}

// explainStatus words what the router and the parsing of requests refuse.
func explainStatus(status int) refusal {
	t := views.Trouble{Status: status}
	switch status {
	case http.StatusNotFound:
		t.Title, t.Text = "There is no such page", "The link may be old or incomplete."
	case http.StatusMethodNotAllowed:
		t.Title, t.Text = "This page does not work that way", "Open it from a link or a form of ours."
	case http.StatusRequestEntityTooLarge:
		t.Title, t.Text = "That is too much text", "Shorten it and send it again."
	case http.StatusBadRequest:
		t.Title, t.Text = "We could not read that", "Open the page again and type it once more."
	default:
		t.Status = http.StatusInternalServerError
		t.Title, t.Text = "Something went wrong on our side", "Nothing you did was wrong. Try again; if it stays so, tell the organizer."
	}
	return refusal{Trouble: t}
}

// showError answers a request that ended with err, in the form that the asker
// reads. Only the log learns the cause.
func (s *Server) showError(c echo.Context, err error) {
	ctx := c.Request().Context()
	if c.Response().Committed {
		s.log.WarnContext(ctx, "answer broke off", "route", c.Path(), "request", requestID(c), "error", err)
		return
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		c.Response().Status = statusVisitorLeft
		return
	}

	r := explain(err)
	if r.Status >= http.StatusInternalServerError {
		s.log.ErrorContext(ctx, "request failed", "method", c.Request().Method, "route", c.Path(),
			"status", r.Status, "request", requestID(c), "user", viewer(c).ID, "error", err)
	}
	if r.retry > 0 {
		setRetryAfter(c, r.retry)
	}
	if err := s.answerTrouble(c, r.Trouble); err != nil {
		s.log.ErrorContext(ctx, "show an error", "route", c.Path(), "request", requestID(c), "error", err)
	}
}

func (s *Server) answerTrouble(c echo.Context, t views.Trouble) error {
	if wantsJSON(c) {
		return c.JSON(t.Status, map[string]string{"error": t.Title + ". " + t.Text})
	}
	if wantsPart(c) {
		// The part that was to be swapped stays as it is, with what was typed
		// in it: the layout has a place for trouble.
		h := c.Response().Header()
		h.Set("HX-Retarget", "#trouble")
		h.Set("HX-Reswap", "innerHTML")
	}
	p := s.page(c, t.Title)
	return render(c, t.Status, views.ErrorPage(p, t), views.ErrorPart(p, t))
}
