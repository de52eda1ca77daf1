package views

import (
	"time"

	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/audit"
	"rowlock/booking"
	"rowlock/event"
	"rowlock/simulation"
)

// Events is the public list.
type Events struct {
	// Query is what the visitor searches for, as typed.
	Query  string
	Events []event.Event
	Pager
	// Mine holds the viewer's standing at those of the events where they have
	// one.
	Mine map[uuid.UUID]booking.Mine
}

// Booking is an event as one visitor sees it.
type Booking struct {
	Event event.Event
	// Mine is the zero value, or has Standing None, for a stranger.
	Mine booking.Mine
	// Notice tells in a sentence what became of the request that is answered
	// here: "The last seat just went; you are number 3 in line." Empty when
	// the page was merely opened.
	Notice string
	// Refused marks a notice that says no.
	Refused bool
}

// What the book form says in its field "seen": whether the visitor was offered
// a seat or a place in line. It lets the answer explain what changed since.
const (
	SeenSeat = "seat"
	SeenLine = "line"
)

// SignUp is the sign-up form: what was typed and what is wrong with it.
// Passwords are never shown again.
type SignUp struct {
	Name, Email string
	// Next is the local address to go to afterwards.
	Next string
	// Problems are keyed by field name: name, email, password. The key ""
	// holds what belongs to no field.
	Problems map[string]string
}

// SignIn is the sign-in form.
type SignIn struct {
	Email string
	// Next is the local address to go to afterwards.
	Next     string
	Problems map[string]string
	// People are offered by a demo, to sign in as with one click.
	People []DemoPerson
}

// A DemoPerson is a made-up person whom everyone may sign in as.
type DemoPerson struct {
	Name, Email string
	Role        account.Role
	Password    string
}

// Account is a person's own page. Its forms post to /account (name), to
// /account/password (current_password, password), to
// /account/sessions/{id}/end and to /account/sessions/end-others.
type Account struct {
	// Name as typed, or as it is.
	Name string
	// Problems are keyed by field name: name, current_password, password.
	Problems map[string]string
	Sessions []Session
}

// A Session is one browser in which the person is signed in.
type Session struct {
	ID uuid.UUID
	// Agent is the browser's User-Agent header.
	Agent                 string
	CreatedAt, LastSeenAt time.Time
	// Current marks the session that shows the page.
	Current bool
}

// OrganizerEvents is an organizer's list of their own events.
type OrganizerEvents struct {
	Query  string
	Events []event.Event
	Pager
}

// EventForm is the form for a new event, which posts to /organizer/events,
// and for an existing one, which posts to /organizer/events/{id}. The fields
// are title, description, location, starts_at, ends_at, time_zone,
// registration_opens_at, registration_closes_at, capacity and, for an existing
// event, revision. Times are local to the time zone: "2027-03-01T18:30".
//
// [NewEventForm] and [EditEventForm] fill it.
type EventForm struct {
	// ID is uuid.Nil for a new event.
	ID     uuid.UUID
	Status event.Status
	// Confirmed is how many people have a seat, and so the least capacity.
	Confirmed int
	Revision  string

	Title, Description, Location              string
	StartsAt, EndsAt, TimeZone                string
	RegistrationOpensAt, RegistrationClosesAt string
	Capacity                                  string
	// Problems are keyed by field name.
	Problems map[string]string
	// Theirs is set when somebody else saved the event after the form was
	// opened: the event as they left it. The form keeps what was typed; give
	// it the Revision of Theirs, so that saving again is a decision.
	Theirs *event.Event
}

// EventOverview is an event as its organizer sees it.
type EventOverview struct {
	Event   event.Event
	Numbers booking.Numbers
}

// Attendees is an organizer's list of people at one event. Removing one posts
// to /organizer/events/{id}/attendees/{user}/remove.
type Attendees struct {
	Event event.Event
	// Query and Standing narrow the list; they are the fields q and standing.
	Query    string
	Standing booking.Standing
	List     []booking.Attendee
	Pager
}

// Dashboard is the state of the system at a glance.
type Dashboard struct {
	// Upcoming counts the published events that have not started; People the
	// active ones; Confirmed the seats taken at upcoming events; Waiting the
	// places in their lines.
	Upcoming, People, Confirmed, Waiting int
	Database                             Database
	// Checks are the verdicts of the integrity checks over everything.
	Checks []booking.Check
	// Form starts a simulation.
	Form SimulationForm
	// Recent are the latest runs, newest first.
	Recent []simulation.Simulation
}

// Database tells how PostgreSQL is.
type Database struct {
	// Version is PostgreSQL's own, such as "16.4".
	Version string
	// Size is in bytes.
	Size int64
	// Connections of MaxConnections are open, ours and others'.
	Connections, MaxConnections int
	// Migration is the number of the newest one that was applied.
	Migration int64
}

// SimulationForm is what an admin chooses. It posts to /admin/simulations with
// the fields event, users, strategy, target and seats; the same fields but
// event are understood at /admin/events/{id}/simulate.
type SimulationForm struct {
	// Events can be simulated: those that could be booked.
	Events []event.Event
	// The rest is as typed; empty means the default.
	EventID, Users, Strategy, Target, Seats string
	// Strategies can be chosen, the first is the default.
	Strategies []string
	// Problems are keyed by field name.
	Problems map[string]string
}

// AdminEvents is everybody's events.
type AdminEvents struct {
	Query string
	// Status narrows the list; it is the field status, empty for all.
	Status event.Status
	Events []event.Event
	Pager
}

// Simulations is the list of runs.
type Simulations struct {
	List []simulation.Simulation
	// EventID and EventTitle are set when only one event's runs are listed.
	EventID    uuid.UUID
	EventTitle string
	Pager
}

// SimulationRun is one run.
type SimulationRun struct {
	Simulation simulation.Simulation
	// Earlier are other finished runs of the same event, newest first. The
	// comparison is drawn from them.
	Earlier []simulation.Simulation
}

// Users is the list of people. Each row posts role and is_active to
// /admin/users/{id}: "false", and "true" after it when the box is ticked.
type Users struct {
	// Query and Role narrow the list; they are the fields q and role.
	Query string
	Role  account.Role
	Users []account.User
	Pager
	// Problem says why the change of ProblemUser was refused.
	Problem     string
	ProblemUser uuid.UUID
}

// Audit is the log. Its filter is the fields person, event and action, all
// optional; older lines are reached by before.
type Audit struct {
	// Person and Event are as typed: an id, or a name, address or title to
	// look for.
	Person, Event string
	Action        audit.Action
	// Problems are keyed by field name.
	Problems map[string]string
	Lines    []audit.Line
	// Older is the ID of the last line when there are more, else uuid.Nil.
	Older uuid.UUID
}
