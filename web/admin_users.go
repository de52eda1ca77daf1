package web

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"rowlock/account"
	"rowlock/views"
)

// usersPage handles GET /admin/users.
func (s *Server) usersPage(c echo.Context) error {
	return s.showUsers(c, http.StatusOK, account.Filter{
		Query: formText(c, "q"), Role: account.Role(formText(c, "role")), Page: pageNumber(c),
	}, views.Users{})
}

func (s *Server) showUsers(c echo.Context, status int, f account.Filter, in views.Users) error {
	list, err := s.accounts.List(c.Request().Context(), f)
	if err != nil {
		return err
	}
	in.Query, in.Role, in.Users = f.Query, f.Role, list.Users
	in.Pager = views.Pager{Total: list.Total, Page: list.Page, Pages: list.Pages}
	return render(c, status, views.UsersPage(s.pageAt(c, "/admin/users", say(c, "People")), in), nil)
}

// manageUser handles POST /admin/users/:id. A refusal shows the person alone
// in the list, with the reason beside them.
func (s *Server) manageUser(c echo.Context) error {
	ctx := c.Request().Context()
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	isActive, err := isActiveIn(c)
	if err != nil {
		return err
	}
	err = s.accounts.Manage(ctx, account.Change{
		UserID: id, ActorID: viewer(c).ID, Role: account.Role(formText(c, "role")), IsActive: isActive,
	})
	if status, problem := manageProblem(c, err); problem != "" && !wantsJSON(c) {
		user, err := s.accounts.ByID(ctx, id)
		if err != nil {
			return err
		}
		in := views.Users{Problem: problem, ProblemUser: id}
		return s.showUsers(c, status, account.Filter{Query: user.Email}, in)
	}
	if err != nil {
		return err
	}

	user, err := s.accounts.ByID(ctx, id)
	if err != nil {
		return err
	}
	s.flash(c, views.FlashDone, managed(c, user))
	return redirect(c, listBehind(c))
}

// isActiveIn reads the checkbox is_active, and nil where it was not sent. A
// browser sends nothing for an empty checkbox, so the page sends "false" ahead
// of it: whoever does not name the field leaves it as it is.
func isActiveIn(c echo.Context) (*bool, error) {
	fields, err := c.FormParams()
	if err != nil || !fields.Has("is_active") {
		return nil, err
	}
	sent := fields["is_active"]
	switch sent[len(sent)-1] {
	case "true":
		return new(true), nil
	case "false":
		return new(false), nil
	}
	return nil, errIsActive
}

func manageProblem(c echo.Context, err error) (status int, problem string) {
	switch {
	case errors.Is(err, account.ErrLastAdmin):
		return http.StatusConflict, say(c, "This is the last active admin. Make somebody else an admin first.")
	case errors.Is(err, account.ErrRole):
		return http.StatusUnprocessableEntity, say(c, "Choose attendee, organizer or admin.")
	}
	return 0, ""
}

func managed(c echo.Context, u account.User) string {
	switch {
	case !u.IsActive:
		return say(c, "%s is deactivated and signed out everywhere.", u.Name)
	case u.Role == account.Admin:
		return say(c, "%s is an admin and can sign in.", u.Name)
	case u.Role == account.Organizer:
		return say(c, "%s is an organizer and can sign in.", u.Name)
	}
	return say(c, "%s is an attendee and can sign in.", u.Name)
}

// listBehind is the list that the form was sent from, with its search and
// page, which the browser names.
func listBehind(c echo.Context) string {
	const list = "/admin/users"
	from, err := url.Parse(c.Request().Referer())
	if err != nil || from.Path != list {
		return list
	}
	return localPath(from.RequestURI())
}
