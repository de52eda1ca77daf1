package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/labstack/echo/v4"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/event"
	"rowlock/locale"
	"rowlock/simulation"
	"rowlock/views"
)

// What a request can be refused with before it reaches a handler.
var (
	errNotSignedIn = errors.New("nobody is signed in")
	errForbidden   = errors.New("the role does not allow this")
	errCrossOrigin = errors.New("the form was sent by another site")
	errBadText     = errors.New("the request holds what is no text")
	errIsActive    = errors.New("is_active is neither true nor false")
)

// outcomes lists every error that a visitor can meet and what they are told.
// Any other error is ours: logged in full, shown as a plain 500.
var outcomes = []struct {
	err    error
	status int
	title  locale.Text
	text   locale.Text
	// retry, where set, is how long a visitor should wait; they are told so,
	// and their program by the header Retry-After.
	retry time.Duration
	// next, where set, is the way on; otherwise it is the list of events.
	nextText locale.Text
	nextPath string
}{
	{err: event.ErrNotFound, status: http.StatusNotFound, title: locale.Later("There is no such event"), text: locale.Later("It may have been removed, or the link is incomplete.")},
	{err: booking.ErrNoEvent, status: http.StatusNotFound, title: locale.Later("There is no such event"), text: locale.Later("It may have been removed, or the link is incomplete.")},
	{err: simulation.ErrNotFound, status: http.StatusNotFound, title: locale.Later("There is no such simulation"), text: locale.Later("Choose one from the list of past runs."), nextText: locale.Later("Past runs"), nextPath: "/admin/simulations"},
	{err: simulation.ErrNoComparison, status: http.StatusNotFound, title: locale.Later("There is no such comparison"), text: locale.Later("Choose one from the list."), nextText: locale.Later("The lab"), nextPath: "/admin/lab"},
	{err: account.ErrNotFound, status: http.StatusNotFound, title: locale.Later("There is no such person"), text: locale.Later("Look for them in the list of people."), nextText: locale.Later("People"), nextPath: "/admin/users"},
	{err: account.ErrNoSession, status: http.StatusNotFound, title: locale.Later("That browser is signed out already"), text: locale.Later("Your account page shows where you are still signed in."), nextText: locale.Later("Your account"), nextPath: "/account"},

	{err: errNotSignedIn, status: http.StatusUnauthorized, title: locale.Later("Please sign in"), text: locale.Later("Sign in with the form at /login and keep the cookie.")},
	{err: booking.ErrSignedOut, status: http.StatusUnauthorized, title: locale.Later("Please sign in"), text: locale.Later("Sign in with the form at /login and keep the cookie.")},
	{err: errForbidden, status: http.StatusForbidden, title: locale.Later("This page is not for your account"), text: locale.Later("If you need it for your work, ask an admin for the role.")},
	{err: errCrossOrigin, status: http.StatusForbidden, title: locale.Later("This form came from another site"), text: locale.Later("To keep your account safe we did nothing. Open the page here and try again.")},
	{err: account.ErrInactive, status: http.StatusForbidden, title: locale.Later("Your account is deactivated"), text: locale.Later("Ask an admin to activate it again.")},
	{err: booking.ErrInactive, status: http.StatusForbidden, title: locale.Later("Your account is deactivated"), text: locale.Later("Ask an admin to activate it again.")},
	{err: booking.ErrNoPerson, status: http.StatusForbidden, title: locale.Later("Your account no longer exists"), text: locale.Later("Sign up again to book."), nextText: locale.Later("Sign up"), nextPath: "/signup"},

	{err: booking.ErrEventCancelled, status: http.StatusConflict, title: locale.Later("This event is cancelled"), text: locale.Later("Nobody can book it any more. Perhaps another event suits you.")},
	{err: booking.ErrDraft, status: http.StatusConflict, title: locale.Later("This event is a draft"), text: locale.Later("Nobody else sees a draft, so there is nothing to cancel.")},
	{err: booking.ErrStarted, status: http.StatusConflict, title: locale.Later("This event has started"), text: locale.Later("It can no longer be booked or left.")},
	{err: booking.ErrNotOpenYet, status: http.StatusConflict, title: locale.Later("Booking has not opened yet"), text: locale.Later("The event’s page says when it does.")},
	{err: booking.ErrClosed, status: http.StatusConflict, title: locale.Later("Booking has closed"), text: locale.Later("Perhaps another event suits you.")},
	{err: event.ErrChanged, status: http.StatusConflict, title: locale.Later("Somebody else edited this event"), text: locale.Later("Nothing was saved. Open the event again and make your change on top of theirs.")},
	{err: event.ErrCancelled, status: http.StatusConflict, title: locale.Later("This event is cancelled"), text: locale.Later("A cancelled event stays as it is. Duplicate it to offer it again.")},
	{err: event.ErrEnded, status: http.StatusConflict, title: locale.Later("This event is over"), text: locale.Later("Give it a date to come first.")},
	{err: account.ErrLastAdmin, status: http.StatusConflict, title: locale.Later("Somebody has to stay admin"), text: locale.Later("Make another active person an admin first.")},
	{err: account.ErrEmailTaken, status: http.StatusConflict, title: locale.Later("This address has an account already"), text: locale.Later("Sign in with it, or choose another address.")},
	{err: simulation.ErrRunning, status: http.StatusConflict, title: locale.Later("Another simulation is running"), text: locale.Later("Wait until it is done, then start yours.")},
	{err: simulation.ErrNotBookable, status: http.StatusConflict, title: locale.Later("This event cannot be booked now"), text: locale.Later("Choose one that is published and has not started.")},
	{err: simulation.ErrNotFinished, status: http.StatusConflict, title: locale.Later("The simulation is still running"), text: locale.Later("Wait until it is done.")},
	{err: simulation.ErrNotRunning, status: http.StatusConflict, title: locale.Later("The simulation is over"), text: locale.Later("There is nothing left to stop.")},
	{err: simulation.ErrNothingToUndo, status: http.StatusConflict, title: locale.Later("The simulation was undone before"), text: locale.Later("Nothing of it is left.")},

	{err: simulation.ErrUsers, status: http.StatusUnprocessableEntity, title: locale.Later("That is too few or too many people"), text: locale.Later("Users must be a number from 1 to 100000.")},
	{err: simulation.ErrSeats, status: http.StatusUnprocessableEntity, title: locale.Later("That is too few or too many seats"), text: locale.Later("Seats must be a number from 0 to 100000.")},
	{err: simulation.ErrOwnSeats, status: http.StatusUnprocessableEntity, title: locale.Later("These seats cannot be chosen"), text: ownSeats},
	{err: simulation.ErrStrategy, status: http.StatusUnprocessableEntity, title: locale.Later("There is no such strategy"), text: locale.Later("Choose one from the list.")},
	{err: simulation.ErrFewStrategies, status: http.StatusUnprocessableEntity, title: locale.Later("There is nothing to compare"), text: locale.Later("Choose two strategies or more.")},
	{err: simulation.ErrPatience, status: http.StatusUnprocessableEntity, title: locale.Later("That is too short or too long"), text: locale.Later("Patience must be a number of seconds from 1 to 600.")},
	{err: simulation.ErrName, status: http.StatusUnprocessableEntity, title: locale.Later("That is no name"), text: locale.Later("A name has from 1 to 100 characters.")},
	{err: errFewRuns, status: http.StatusUnprocessableEntity, title: locale.Later("There is nothing to compare"), text: locale.Later("Tick two runs or more."), nextText: locale.Later("Past runs"), nextPath: "/admin/simulations"},
	{err: errManyRuns, status: http.StatusUnprocessableEntity, title: locale.Later("That is too much for one page"), text: locale.Later("Tick eight runs at most."), nextText: locale.Later("Past runs"), nextPath: "/admin/simulations"},
	{err: simulation.ErrTarget, status: http.StatusUnprocessableEntity, title: locale.Later("There is no such target"), text: locale.Later("The target is rehearsal or event.")},
	{err: account.ErrRole, status: http.StatusUnprocessableEntity, title: locale.Later("There is no such role"), text: locale.Later("Choose attendee, organizer or admin.")},
	{err: errIsActive, status: http.StatusUnprocessableEntity, title: locale.Later("We could not read that"), text: locale.Later("The field is_active must be true or false.")},
	{err: errBadText, status: http.StatusBadRequest, title: locale.Later("We could not read that"), text: locale.Later("The address or the form holds characters that are no text. Type them again.")},

	{err: account.ErrTooManyAttempts, status: http.StatusTooManyRequests, title: locale.Later("Too many failed sign-ins"), text: locale.Later("Wait a few minutes, then try again."), retry: time.Minute},
	{err: account.ErrBusy, status: http.StatusServiceUnavailable, title: locale.Later("Very many people are signing in"), text: locale.Later("Try again in a few seconds."), retry: 5 * time.Second},
	{err: booking.ErrBusy, status: http.StatusServiceUnavailable, title: locale.Later("Very many people are booking this event"), text: locale.Later("Nothing was lost. Try again in a few seconds."), retry: 2 * time.Second},
	{err: errOverloaded, status: http.StatusServiceUnavailable, title: locale.Later("Very many people are here at this moment"), text: locale.Later("Nothing was lost. Try again in a few seconds."), retry: 2 * time.Second},
	{err: booking.ErrStopping, status: http.StatusServiceUnavailable, title: locale.Later("We are restarting"), text: locale.Later("Try again in a few seconds."), retry: 5 * time.Second},
	{err: booking.ErrOutcomeUnknown, status: http.StatusServiceUnavailable, title: locale.Later("We lost touch with our records for a moment"), text: locale.Later("Look at your bookings: if this one is not there, try again."), retry: 5 * time.Second, nextText: locale.Later("My bookings"), nextPath: "/bookings"},
	{err: booking.ErrUnavailable, status: http.StatusServiceUnavailable, title: locale.Later("Our records are out of reach for a moment"), text: locale.Later("Nothing was changed. Try again in a few seconds."), retry: 5 * time.Second},
	{err: context.DeadlineExceeded, status: http.StatusServiceUnavailable, title: locale.Later("That took too long"), text: locale.Later("We are very busy. Try again in a few seconds."), retry: 5 * time.Second},
}

// What PostgreSQL says of a statement that ran or waited longer than our limits.
const statementTimeout, lockTimeout = "57014", "55P03"

// statusVisitorLeft is what the log says of a request whose visitor did not
// wait for the answer.
const statusVisitorLeft = 499

// A refusal is an outcome together with what only this one error knows.
type refusal struct {
	status      int
	title, text locale.Text
	nextText    locale.Text
	nextPath    string
	retry       time.Duration
}

// in is the refusal as a visitor reads it.
func (r refusal) in(l *locale.Locale) views.Trouble {
	return views.Trouble{Status: r.status, Title: r.title.In(l), Text: r.text.In(l), NextText: r.nextText.In(l), NextPath: r.nextPath}
}

// explain finds what a visitor is told about err.
func explain(err error) refusal {
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			r := refusal{o.status, o.title, o.text, o.nextText, o.nextPath, o.retry}
			if many, ok := errors.AsType[*account.TooManyAttemptsError](err); ok {
				r.text, r.retry = tooManyAttempts(many), many.RetryAfter
			}
			return r
		}
	}
	if few, ok := errors.AsType[*booking.TooFewSeatsError](err); ok {
		return refusal{
			status: http.StatusConflict,
			title:  locale.Later("That is fewer seats than are taken"),
			text: locale.LaterCount(few.Confirmed,
				"%s person has a seat. Choose at least as many.", "%s people have a seat. Choose at least as many."),
		}
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return explain(booking.ErrUnavailable)
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && (e.Code == statementTimeout || e.Code == lockTimeout) {
		return explain(context.DeadlineExceeded)
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok {
		return explainStatus(e.Code)
	}
	return explainStatus(http.StatusInternalServerError)
}

// explainStatus words what the router and the parsing of requests refuse.
func explainStatus(status int) refusal {
	r := refusal{status: status}
	switch status {
	case http.StatusNotFound:
		r.title, r.text = locale.Later("There is no such page"), locale.Later("The link may be old or incomplete.")
	case http.StatusMethodNotAllowed:
		r.title, r.text = locale.Later("This page does not work that way"), locale.Later("Open it from a link or a form of ours.")
	case http.StatusRequestEntityTooLarge:
		r.title, r.text = locale.Later("That is too much text"), locale.Later("Shorten it and send it again.")
	case http.StatusBadRequest:
		r.title, r.text = locale.Later("We could not read that"), locale.Later("Open the page again and type it once more.")
	default:
		r.status = http.StatusInternalServerError
		r.title = locale.Later("Something went wrong on our side")
		r.text = locale.Later("Nothing you did was wrong. Try again; if it stays so, tell the organizer.")
	}
	return r
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
	if r.status >= http.StatusInternalServerError && !errors.Is(err, errOverloaded) {
		s.log.ErrorContext(ctx, "request failed", "method", c.Request().Method, "route", c.Path(),
			"status", r.status, "request", requestID(c), "user", viewer(c).ID, "error", err)
	}
	if r.retry > 0 {
		setRetryAfter(c, r.retry)
	}
	if err := s.answerTrouble(c, r.in(locale.From(ctx))); err != nil {
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
	if t.Status == http.StatusServiceUnavailable && t.NextPath == "" && !wantsPart(c) {
		tryAgain(c, &t)
	}
	p := s.page(c, t.Title)
	return render(c, t.Status, views.ErrorPage(p, t), views.ErrorPart(p, t))
}
