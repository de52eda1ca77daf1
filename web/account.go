package web

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"rowlock/account"
	"rowlock/locale"
	"rowlock/views"
)

// signUpPage handles GET /signup.
func (s *Server) signUpPage(c echo.Context) error {
	next := localPath(formText(c, "next"))
	if isKnown(viewer(c)) {
		return redirect(c, next)
	}
	return s.showSignUp(c, http.StatusOK, views.SignUp{Next: next})
}

// signUp handles POST /signup. It reads no role: whoever signs up attends.
func (s *Server) signUp(c echo.Context) error {
	in := views.SignUp{
		Name:  formText(c, "name"),
		Email: formText(c, "email"),
		Next:  localPath(formText(c, "next")),
	}
	// A password is taken as typed, with the space around it.
	user, err := s.accounts.SignUp(c.Request().Context(), account.SignUp{Name: in.Name, Email: in.Email, Password: c.FormValue("password")})
	if invalid, ok := errors.AsType[*account.InvalidError](err); ok {
		in.Problems = sayAll(c, invalid.Problems)
		return s.showSignUp(c, http.StatusUnprocessableEntity, in)
	}
	if errors.Is(err, account.ErrEmailTaken) {
		in.Problems = map[string]string{"email": say(c, "This address has an account already. Sign in with it instead.")}
		return s.showSignUp(c, http.StatusUnprocessableEntity, in)
	}
	if err != nil {
		return err
	}

	if err := s.startVisit(c, user); err != nil {
		return err
	}
	s.flash(c, views.FlashDone, say(c, "Welcome, %s. Your account is ready.", user.Name))
	return redirect(c, in.Next)
}

func (s *Server) showSignUp(c echo.Context, status int, in views.SignUp) error {
	p := s.pageAt(c, "/signup", say(c, "Sign up"))
	p.Description = say(c, "Make an account, and book a seat at an event in two taps.")
	return render(c, status, views.SignUpPage(p, in), nil)
}

// signInPage handles GET /login.
func (s *Server) signInPage(c echo.Context) error {
	next := localPath(formText(c, "next"))
	if isKnown(viewer(c)) {
		return redirect(c, next)
	}
	return s.showSignIn(c, http.StatusOK, views.SignIn{Next: next})
}

// signIn handles POST /login.
func (s *Server) signIn(c echo.Context) error {
	in := views.SignIn{Email: formText(c, "email"), Next: localPath(formText(c, "next"))}
	user, err := s.accounts.SignIn(c.Request().Context(), in.Email, c.FormValue("password"), visitorAddress(c))
	if problem := signInProblem(err); !problem.IsEmpty() {
		return s.refuseSignIn(c, in, problem.In(locale.From(c.Request().Context())), err)
	}
	if err != nil {
		return err
	}

	if err := s.startVisit(c, user); err != nil {
		return err
	}
	return redirect(c, in.Next)
}

// signInProblem words what a person can do about a sign-in that failed.
func signInProblem(err error) locale.Text {
	if many, ok := errors.AsType[*account.TooManyAttemptsError](err); ok {
		return tooManyAttempts(many)
	}
	switch {
	case errors.Is(err, account.ErrWrongPassword):
		return locale.Later("This address and this password do not belong together. Check both.")
	case errors.Is(err, account.ErrInactive):
		return locale.Later("Your account is deactivated. Ask an admin to activate it again.")
	}
	return locale.Text{}
}

// refuseSignIn shows the form again. A script reads why as JSON.
func (s *Server) refuseSignIn(c echo.Context, in views.SignIn, problem string, cause error) error {
	status := explain(cause).status
	if errors.Is(cause, account.ErrWrongPassword) {
		status = http.StatusUnprocessableEntity
	}
	if many, ok := errors.AsType[*account.TooManyAttemptsError](cause); ok {
		setRetryAfter(c, many.RetryAfter)
	}
	if wantsJSON(c) {
		return c.JSON(status, map[string]string{"error": problem})
	}
	in.Problems = map[string]string{"": problem}
	return s.showSignIn(c, status, in)
}

func (s *Server) showSignIn(c echo.Context, status int, in views.SignIn) error {
	in.People = s.demoPeople
	p := s.pageAt(c, "/login", say(c, "Sign in"))
	p.Description = say(c, "Sign in to book seats and to see your bookings and places in line.")
	return render(c, status, views.SignInPage(p, in), nil)
}

// tooManyAttempts tells how long to wait, in whole minutes.
func tooManyAttempts(e *account.TooManyAttemptsError) locale.Text {
	minutes := int(math.Ceil(e.RetryAfter.Minutes()))
	return locale.LaterCount(max(1, minutes),
		"Too many sign-ins failed. Wait %s minute, then try again.", "Too many sign-ins failed. Wait %s minutes, then try again.")
}

func setRetryAfter(c echo.Context, wait time.Duration) {
	c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(wait.Seconds()))))
}

// signOut handles POST /logout.
func (s *Server) signOut(c echo.Context) error {
	if isKnown(viewer(c)) {
		if err := s.endVisit(c); err != nil {
			return err
		}
		s.flash(c, views.FlashDone, say(c, "You are signed out."))
	}
	return redirect(c, "/")
}

// accountPage handles GET /account.
func (s *Server) accountPage(c echo.Context) error {
	return s.showAccount(c, http.StatusOK, viewer(c).Name, nil)
}

// renameUser handles POST /account.
func (s *Server) renameUser(c echo.Context) error {
	name := formText(c, "name")
	err := s.accounts.Rename(c.Request().Context(), viewer(c).ID, name)
	if invalid, ok := errors.AsType[*account.InvalidError](err); ok {
		return s.showAccount(c, http.StatusUnprocessableEntity, name, sayAll(c, invalid.Problems))
	}
	if err != nil {
		return err
	}
	s.flash(c, views.FlashDone, say(c, "Your name is saved."))
	return redirect(c, "/account")
}

// changePassword handles POST /account/password.
func (s *Server) changePassword(c echo.Context) error {
	v := visitOf(c)
	err := s.accounts.ChangePassword(c.Request().Context(), account.PasswordChange{
		UserID:    v.user.ID,
		Current:   c.FormValue("current_password"),
		New:       c.FormValue("password"),
		SessionID: v.sessionID,
		From:      visitorAddress(c),
	})
	if invalid, ok := errors.AsType[*account.InvalidError](err); ok {
		return s.showAccount(c, http.StatusUnprocessableEntity, v.user.Name, sayAll(c, invalid.Problems))
	}
	if errors.Is(err, account.ErrWrongPassword) {
		problem := map[string]string{"current_password": say(c, "This is not your current password.")}
		return s.showAccount(c, http.StatusUnprocessableEntity, v.user.Name, problem)
	}
	if many, ok := errors.AsType[*account.TooManyAttemptsError](err); ok {
		setRetryAfter(c, many.RetryAfter)
		problem := map[string]string{"current_password": tooManyAttempts(many).In(locale.From(c.Request().Context()))}
		return s.showAccount(c, http.StatusTooManyRequests, v.user.Name, problem)
	}
	if err != nil {
		return err
	}
	s.flash(c, views.FlashDone, say(c, "Your password is changed. Every other browser is signed out."))
	return redirect(c, "/account")
}

func (s *Server) showAccount(c echo.Context, status int, name string, problems map[string]string) error {
	v := visitOf(c)
	sessions, err := s.accounts.Sessions(c.Request().Context(), v.user.ID)
	if err != nil {
		return err
	}
	in := views.Account{Name: name, Problems: problems}
	for _, session := range sessions {
		in.Sessions = append(in.Sessions, views.Session{
			ID:         session.ID,
			Agent:      session.Agent,
			CreatedAt:  session.CreatedAt,
			LastSeenAt: session.LastSeenAt,
			Current:    session.ID == v.sessionID,
		})
	}
	return render(c, status, views.AccountPage(s.pageAt(c, "/account", say(c, "Your account")), in), nil)
}

// endSession handles POST /account/sessions/:id/end. Ending the session that
// asks is signing out.
func (s *Server) endSession(c echo.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	if id == visitOf(c).sessionID {
		return s.signOut(c)
	}
	if err := s.accounts.EndSession(c.Request().Context(), viewer(c).ID, id); err != nil {
		return err
	}
	s.flash(c, views.FlashDone, say(c, "That browser is signed out."))
	return redirect(c, "/account")
}

// endOtherSessions handles POST /account/sessions/end-others.
func (s *Server) endOtherSessions(c echo.Context) error {
	v := visitOf(c)
	ended, err := s.accounts.EndOtherSessions(c.Request().Context(), v.user.ID, v.sessionID)
	if err != nil {
		return err
	}
	text := say(c, "You are signed in nowhere else.")
	if ended > 0 {
		text = say(c, "Every other browser is signed out.")
	}
	s.flash(c, views.FlashDone, text)
	return redirect(c, "/account")
}
