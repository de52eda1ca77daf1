package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"rowlock/account"
	"rowlock/audit"
	"rowlock/db"
	"rowlock/event"
	"rowlock/locale"
	"rowlock/views"
)

// auditPage handles GET /admin/audit. A filter that finds nobody, or too many,
// lists nothing and says so: the log without it would look like an answer.
func (s *Server) auditPage(c echo.Context) error {
	ctx := c.Request().Context()
	in := views.Audit{
		Person: formText(c, "person"), Event: formText(c, "event"), Action: audit.Action(formText(c, "action")),
		Problems: map[string]string{},
	}
	filter, err := s.auditFilter(ctx, &in)
	if err != nil {
		return err
	}
	if text := formText(c, "before"); text != "" {
		if filter.Before, err = uuid.Parse(text); err != nil {
			return echo.NewHTTPError(http.StatusNotFound).SetInternal(err)
		}
	}
	status := http.StatusUnprocessableEntity
	if len(in.Problems) == 0 {
		status = http.StatusOK
		if in.Lines, in.Older, err = s.auditLines(ctx, filter); err != nil {
			return err
		}
	}
	return render(c, status, views.AuditPage(s.page(c, say(c, "Log")), in), nil)
}

// auditLines reads one page, and the ID to go on from when it is not the last.
func (s *Server) auditLines(ctx context.Context, f audit.Filter) (lines []audit.Line, older uuid.UUID, err error) {
	f.Limit = audit.PerPage + 1
	lines, err = audit.List(ctx, s.pages, f)
	if err != nil || len(lines) < f.Limit {
		return lines, uuid.Nil, err
	}
	lines = lines[:audit.PerPage]
	return lines, lines[len(lines)-1].ID, nil
}

// auditFilter finds out whom and what the admin means, and notes what it
// cannot find beside its field.
func (s *Server) auditFilter(ctx context.Context, in *views.Audit) (audit.Filter, error) {
	f := audit.Filter{Action: in.Action}
	if in.Action != "" && !slices.Contains(audit.Actions(), in.Action) {
		in.Problems["action"] = locale.From(ctx).Say("Choose an action from the list.")
	}
	var err error
	if f.Person, err = s.findPerson(ctx, in); err != nil {
		return f, err
	}
	f.Event, err = s.findEvent(ctx, in)
	return f, err
}

// findPerson takes an id as it is: the log remembers people who are gone.
func (s *Server) findPerson(ctx context.Context, in *views.Audit) (uuid.UUID, error) {
	if in.Person == "" {
		return uuid.Nil, nil
	}
	if id, err := uuid.Parse(in.Person); err == nil {
		return id, nil
	}
	user, err := s.accounts.Find(ctx, in.Person)
	switch {
	case errors.Is(err, account.ErrNotFound):
		in.Problems["person"] = locale.From(ctx).Say("Nobody has this name or email address.")
	case errors.Is(err, account.ErrAmbiguous):
		in.Problems["person"] = locale.From(ctx).Say("Several people have this name. Type the email address.")
	case err != nil:
		return uuid.Nil, err
	}
	return user.ID, nil
}

func (s *Server) findEvent(ctx context.Context, in *views.Audit) (uuid.UUID, error) {
	if in.Event == "" {
		return uuid.Nil, nil
	}
	if id, err := uuid.Parse(in.Event); err == nil {
		return id, nil
	}
	list, err := s.events.All(ctx, event.Search{Query: in.Event, Now: s.now()})
	if err != nil {
		return uuid.Nil, err
	}
	id, problem := pickByTitle(list.Events, in.Event)
	if !problem.IsEmpty() {
		in.Problems["event"] = problem.In(locale.From(ctx))
	}
	return id, nil
}

// pickByTitle finds the one event with that title, or else the one with that
// in its title.
func pickByTitle(events []event.Event, text string) (id uuid.UUID, problem locale.Text) {
	text = db.Fold(text)
	var whole, part []uuid.UUID
	for _, e := range events {
		title := db.Fold(e.Title)
		if title == text {
			whole = append(whole, e.ID)
		}
		if strings.Contains(title, text) {
			part = append(part, e.ID)
		}
	}
	switch {
	case len(whole) == 1:
		return whole[0], locale.Text{}
	case len(part) == 1:
		return part[0], locale.Text{}
	case len(part) == 0:
		return uuid.Nil, locale.Later("No event has this in its title.")
	}
	return uuid.Nil, locale.Later("Several events have this in their title. Type more of it, or the event’s id.")
}
