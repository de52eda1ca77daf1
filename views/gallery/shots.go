package gallery

import (
	"net/http"
	"strconv"
	"time"

	"github.com/a-h/templ"
	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/audit"
	"rowlock/booking"
	"rowlock/event"
	"rowlock/locale"
	"rowlock/simulation"
	"rowlock/views"
)

// shots lists every page in every state, in the order in which a person meets
// them, with what the program says in the language l.
func shots(l *locale.Locale) []shot {
	var all []shot
	all = append(all, eventShots(l)...)
	all = append(all, accountShots(l)...)
	all = append(all, bookingShots(l)...)
	all = append(all, organizerShots(l)...)
	all = append(all, adminShots(l)...)
	all = append(all, labShots(l)...)
	return append(all, errorShots(l)...)
}

func eventShots(l *locale.Locale) []shot {
	const group = "Events"
	list := views.Events{
		Events: []event.Event{closed, oars, last, coxes, off, talk, lanterns, regatta, night, soon},
		Pager:  views.Pager{Total: 42, Page: 1, Pages: 3},
		Mine:   map[uuid.UUID]booking.Mine{oars.ID: seat(false), coxes.ID: place(3)},
	}
	stranger := list
	stranger.Mine = nil

	all := []shot{
		{group: group, name: "The list, for a stranger", slug: "events", path: "/events", page: func(p views.Page) templ.Component { return views.EventsPage(p, stranger) }},
		{group: group, name: "The list, signed in", slug: "events-mine", viewer: ana, path: "/events", page: func(p views.Page) templ.Component { return views.EventsPage(p, list) }},
		{group: group, name: "The list, after a search", slug: "events-found", viewer: ana, path: "/events", page: func(p views.Page) templ.Component {
			return views.EventsPage(p, views.Events{Query: "lantern", Events: []event.Event{lanterns}, Pager: views.Pager{Total: 1, Page: 1, Pages: 1}})
		}},
		{group: group, name: "The list, nothing found", slug: "events-none", path: "/events", page: func(p views.Page) templ.Component {
			return views.EventsPage(p, views.Events{Query: "submarines", Pager: views.Pager{Page: 1}})
		}},
		{group: group, name: "The list, nothing planned", slug: "events-empty", viewer: marta, path: "/events", page: func(p views.Page) templ.Component {
			return views.EventsPage(p, views.Events{Pager: views.Pager{Page: 1}})
		}},
		{group: group, name: "The list, long words and another script", slug: "events-long", viewer: noEnd, path: "/events", page: func(p views.Page) templ.Component {
			return views.EventsPage(p, views.Events{Events: []event.Event{endless, hebrew}, Pager: views.Pager{Total: 2, Page: 1, Pages: 1}, Mine: map[uuid.UUID]booking.Mine{hebrew.ID: seat(true)}})
		}},
	}
	for _, s := range []struct {
		name, slug string
		viewer     *account.User
		in         views.Booking
		status     int
	}{
		{"An event, for a stranger", "event", nil, views.Booking{Event: lanterns}, 0},
		{"An event, signed in", "event-open", ana, views.Booking{Event: lanterns}, 0},
		{"An event, just booked", "event-booked", ana, views.Booking{Event: simulated(lanterns, 10, 0), Mine: seat(false), Notice: l.Say("You have a seat.")}, 0},
		{"An event, the last seat just went", "event-line", ana, views.Booking{Event: simulated(coxes, 0, 3), Mine: place(3), Notice: l.Say("The last seat just went; you are number %s in line.", 3)}, 0},
		{"An event, full", "event-full", ana, views.Booking{Event: coxes}, 0},
		{"An event, full, for a stranger", "event-full-stranger", nil, views.Booking{Event: coxes}, 0},
		{"An event, the last seat", "event-last", ana, views.Booking{Event: last}, 0},
		{"An event, promoted", "event-promoted", ana, views.Booking{Event: coxes, Mine: seat(true)}, 0},
		{"An event, just cancelled", "event-left", ana, views.Booking{Event: lanterns, Mine: gone(), Notice: l.Say("Your seat is cancelled. Thank you for letting somebody else have it.")}, 0},
		{"An event, refused", "event-refused", ana, views.Booking{Event: lanterns, Refused: true, Notice: l.Say("Very many people are booking this event") + ". " + l.Say("Nothing was lost. Try again in a few seconds.")}, http.StatusServiceUnavailable},
		{"An event, not open yet", "event-soon", ana, views.Booking{Event: soon}, 0},
		{"An event, booking closed", "event-closed", ana, views.Booking{Event: closed}, 0},
		{"An event, under way", "event-running", ana, views.Booking{Event: running, Mine: seat(false)}, 0},
		{"An event, over", "event-past", nil, views.Booking{Event: past}, 0},
		{"An event, cancelled", "event-off", ana, views.Booking{Event: off, Mine: gone()}, 0},
		{"An event, a draft of one’s own", "event-draft", marta, views.Booking{Event: draft}, 0},
		{"An event, long words", "event-long", noEnd, views.Booking{Event: endless}, 0},
		{"An event, another script", "event-hebrew", ana, views.Booking{Event: hebrew}, 0},
	} {
		all = append(all, shot{group: group, name: s.name, slug: s.slug, viewer: s.viewer, status: s.status, path: "/events/" + s.in.Event.ID.String(),
			set:  func(p *views.Page) { p.Title, p.Description = s.in.Event.Title, "Thu 4 March 2027 · Boathouse 4" },
			page: func(p views.Page) templ.Component { return views.EventPage(p, s.in) }})
	}
	return all
}

func accountShots(l *locale.Locale) []shot {
	const group = "Accounts"
	demo := []views.DemoPerson{
		{Name: "Ana Martins", Email: "ana@rowlock.example", Role: account.Attendee, Password: "rowlock-demo"},
		{Name: "Marta Lindqvist", Email: "organizer@rowlock.example", Role: account.Organizer, Password: "rowlock-demo"},
		{Name: "Jonas Weber", Email: "admin@rowlock.example", Role: account.Admin, Password: "rowlock-demo"},
	}
	sessions := []views.Session{
		{ID: id(801), Agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", CreatedAt: now.AddDate(0, 0, -4), LastSeenAt: now, Current: true},
		{ID: id(802), Agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1", CreatedAt: now.AddDate(0, -1, 0), LastSeenAt: now.Add(-5 * time.Hour)},
		{ID: id(803), Agent: "", CreatedAt: now.AddDate(0, -1, -2), LastSeenAt: now.AddDate(0, 0, -9)},
	}
	return []shot{
		{group: group, name: "Sign up", slug: "signup", path: "/signup", page: func(p views.Page) templ.Component { return views.SignUpPage(p, views.SignUp{}) }},
		{group: group, name: "Sign up, with problems", slug: "signup-problems", path: "/signup", status: http.StatusUnprocessableEntity, page: func(p views.Page) templ.Component {
			return views.SignUpPage(p, views.SignUp{Name: "Ana Martins", Email: "ana@rowlock", Next: "/events", Problems: map[string]string{
				"email": l.Say("This address has an account already. Sign in with it instead."), "password": l.Say("Please use at least %s characters. A few words make a good password.", account.MinPassword),
			}})
		}},
		{group: group, name: "Sign in, in a demo", slug: "login", path: "/login", page: func(p views.Page) templ.Component { return views.SignInPage(p, views.SignIn{People: demo}) }},
		{group: group, name: "Sign in, refused", slug: "login-refused", path: "/login", status: http.StatusUnprocessableEntity, page: func(p views.Page) templ.Component {
			return views.SignInPage(p, views.SignIn{Email: "ana@rowlock.example", Problems: map[string]string{"": l.Say("This address and this password do not belong together. Check both.")}})
		}, set: func(p *views.Page) { p.Demo = false }},
		{group: group, name: "Account", slug: "account", viewer: ana, path: "/account", page: func(p views.Page) templ.Component {
			return views.AccountPage(p, views.Account{Name: ana.Name, Sessions: sessions})
		}},
		{group: group, name: "Account, with problems", slug: "account-problems", viewer: noEnd, path: "/account", status: http.StatusUnprocessableEntity, page: func(p views.Page) templ.Component {
			return views.AccountPage(p, views.Account{Name: noEnd.Name, Sessions: sessions[:1], Problems: map[string]string{"current_password": l.Say("This is not your current password.")}})
		}},
	}
}

func bookingShots(l *locale.Locale) []shot {
	const group = "Bookings"
	all := []booking.Held{
		{Event: oars, Mine: seat(false)}, {Event: coxes, Mine: place(3)}, {Event: lanterns, Mine: seat(true)},
		{Event: past, Mine: seat(false)}, {Event: off, Mine: gone()}, {Event: regatta, Mine: gone()},
	}
	return []shot{
		{group: group, name: "My bookings", slug: "bookings", viewer: ana, path: "/bookings", page: func(p views.Page) templ.Component { return views.BookingsPage(p, all) },
			set: func(p *views.Page) {
				p.Flash = &views.Flash{Kind: views.FlashDone, Text: l.Say("Your seat is cancelled. Thank you for letting somebody else have it.")}
			}},
		{group: group, name: "My bookings, none", slug: "bookings-empty", viewer: ana, path: "/bookings", page: func(p views.Page) templ.Component { return views.BookingsPage(p, nil) }},
		{group: group, name: "A ticket", slug: "ticket", viewer: ana, path: "/bookings/1", page: func(p views.Page) templ.Component {
			return views.TicketPage(p, booking.Held{Event: lanterns, Mine: seat(false)})
		}},
		{group: group, name: "A ticket that is no longer good", slug: "ticket-void", viewer: ana, path: "/bookings/1", page: func(p views.Page) templ.Component {
			return views.TicketPage(p, booking.Held{Event: off, Mine: gone()})
		}},
	}
}

func organizerShots(l *locale.Locale) []shot {
	const group = "Organizer"
	mine := []event.Event{oars, coxes, lanterns, regatta, draft, off, past}
	edited := lanterns
	edited.Title, edited.Capacity, edited.Revision = "Evening sculling, now with soup", 40, 4
	conflict := views.EditEventForm(lanterns)
	conflict.Description += "\n\nThere is tea, too."
	conflict.Theirs, conflict.Revision = &edited, "4"
	broken := views.NewEventForm(now, "Europe/Lisbon")
	broken.EndsAt, broken.Capacity = "2027-02-27T17:00", "0"
	broken.Problems = map[string]string{"title": l.Say("Give the event a title."), "ends_at": l.Say("The event must end after it starts."), "capacity": l.Say("Choose from 1 to %s seats.", event.MaxCapacity)}

	overview := func(e event.Event, n booking.Numbers) func(p views.Page) templ.Component {
		return func(p views.Page) templ.Component {
			return views.EventOverviewPage(p, views.EventOverview{Event: e, Numbers: n})
		}
	}
	listed := func(in views.Attendees) func(p views.Page) templ.Component {
		return func(p views.Page) templ.Component { return views.AttendeesPage(p, in) }
	}
	const path = "/organizer/events"
	return []shot{
		{group: group, name: "Your events", slug: "organizer", viewer: marta, path: path, page: func(p views.Page) templ.Component {
			return views.OrganizerEventsPage(p, views.OrganizerEvents{Events: mine, Pager: views.Pager{Total: 7, Page: 1, Pages: 1}})
		}},
		{group: group, name: "Your events, none", slug: "organizer-empty", viewer: marta, path: path, page: func(p views.Page) templ.Component {
			return views.OrganizerEventsPage(p, views.OrganizerEvents{})
		}},
		{group: group, name: "Plan an event", slug: "event-new", viewer: marta, path: path + "/new", page: func(p views.Page) templ.Component {
			return views.EventFormPage(p, views.NewEventForm(now, "Europe/Lisbon"))
		}},
		{group: group, name: "Plan an event, with problems", slug: "event-new-problems", viewer: marta, path: path, status: http.StatusUnprocessableEntity, page: func(p views.Page) templ.Component { return views.EventFormPage(p, broken) }},
		{group: group, name: "Edit an event", slug: "event-edit", viewer: marta, path: path, page: func(p views.Page) templ.Component { return views.EventFormPage(p, views.EditEventForm(lanterns)) }},
		{group: group, name: "Edit an event that somebody else saved", slug: "event-conflict", viewer: marta, path: path, status: http.StatusConflict, page: func(p views.Page) templ.Component { return views.EventFormPage(p, conflict) }},
		{group: group, name: "Overview", slug: "overview", viewer: marta, path: path, page: overview(coxes, booking.Numbers{Confirmed: 8, Waiting: 14, Cancelled: 3, Promoted: 2, PerDay: perDay(24)})},
		{group: group, name: "Overview, half a year of bookings", slug: "overview-long", viewer: marta, path: path, page: overview(talk, booking.Numbers{Confirmed: 288, Cancelled: 31, PerDay: perDay(180)})},
		{group: group, name: "Overview of a draft", slug: "overview-draft", viewer: marta, path: path, page: overview(draft, booking.Numbers{})},
		{group: group, name: "Overview of a cancelled event", slug: "overview-off", viewer: marta, path: path, page: overview(off, booking.Numbers{Cancelled: 12, PerDay: perDay(3)})},
		{group: group, name: "Attendees", slug: "attendees", viewer: marta, path: path, page: listed(views.Attendees{Event: coxes, List: attendees(), Pager: views.Pager{Total: 6, Page: 1, Pages: 1}})},
		{group: group, name: "Attendees, nobody found", slug: "attendees-none", viewer: marta, path: path, page: listed(views.Attendees{Event: coxes, Query: "zzz", Standing: booking.Waitlisted})},
		{group: group, name: "Attendees, nobody yet", slug: "attendees-empty", viewer: marta, path: path, page: listed(views.Attendees{Event: lanterns})},
	}
}

func adminShots(l *locale.Locale) []shot {
	const group = "Admin"
	form := views.SimulationForm{Events: []event.Event{coxes, lanterns, oars}, Strategies: []string{"grouped", "pessimistic"}}
	refused := form
	refused.Users, refused.Target = "200000", string(simulation.EventItself)
	refused.Problems = map[string]string{"users": l.Say("Choose from 1 to %s people.", simulation.MaxUsers)}
	dashboard := views.Dashboard{
		Upcoming: 11, People: 1_284, Confirmed: 642, Waiting: 58,
		Database: views.Database{Version: "15.14", Size: 48_211_968, Connections: 12, MaxConnections: 100, Migration: 5},
		Checks:   checks(false), Form: form,
		Recent: []simulation.Simulation{runningRun(simulation.Booking, 21_400), run(1, "grouped", simulation.Done), run(2, "pessimistic", simulation.Done), brokenRun(), failedRun()},
	}
	broken := dashboard
	broken.Checks, broken.Form, broken.Recent = checks(true), refused, nil

	oneRun := func(in views.SimulationRun) func(p views.Page) templ.Component {
		return func(p views.Page) templ.Component { return views.SimulationPage(p, in) }
	}
	undone := run(1, "grouped", simulation.Done)
	at := now.Add(-10 * time.Minute)
	undone.UndoneAt = &at
	earlier := []simulation.Simulation{run(2, "pessimistic", simulation.Done), run(26, "grouped", simulation.Done)}
	const runs = "/admin/simulations"
	return []shot{
		{group: group, name: "Dashboard", slug: "admin", viewer: admin, path: "/admin", page: func(p views.Page) templ.Component { return views.DashboardPage(p, dashboard) }},
		{group: group, name: "Dashboard, with problems", slug: "admin-problems", viewer: admin, path: "/admin", status: http.StatusUnprocessableEntity, page: func(p views.Page) templ.Component { return views.DashboardPage(p, broken) }},
		{group: group, name: "Events", slug: "admin-events", viewer: admin, path: "/admin/events", page: func(p views.Page) templ.Component {
			return views.AdminEventsPage(p, views.AdminEvents{Events: []event.Event{oars, coxes, endless, draft}, Pager: views.Pager{Total: 90, Page: 2, Pages: 5}})
		}},
		{group: group, name: "Simulations", slug: "simulations", viewer: admin, path: runs, page: func(p views.Page) templ.Component {
			return views.SimulationsPage(p, views.Simulations{List: dashboard.Recent, Pager: views.Pager{Total: 5, Page: 1, Pages: 1}})
		}},
		{group: group, name: "Simulations, none", slug: "simulations-empty", viewer: admin, path: runs, page: func(p views.Page) templ.Component { return views.SimulationsPage(p, views.Simulations{}) }},
		{group: group, name: "A simulation, preparing", slug: "simulation-preparing", viewer: admin, path: runs + "/1", page: oneRun(views.SimulationRun{Simulation: runningRun(simulation.Preparing, 0)})},
		{group: group, name: "A simulation, running", slug: "simulation-running", viewer: admin, path: runs + "/1", page: oneRun(views.SimulationRun{Simulation: runningRun(simulation.Booking, 21_400)})},
		{group: group, name: "A simulation, done", slug: "simulation", viewer: admin, path: runs + "/1", page: oneRun(views.SimulationRun{Simulation: run(1, "grouped", simulation.Done), Earlier: earlier})},
		{group: group, name: "A simulation, many gave up", slug: "simulation-gave-up", viewer: admin, path: runs + "/1", page: oneRun(views.SimulationRun{Simulation: givenUp(1, 577, 212), Earlier: []simulation.Simulation{givenUp(2, 0, 0), run(3, "grouped", simulation.Done)}})},
		{group: group, name: "A simulation, everybody gave up", slug: "simulation-no-answer", viewer: admin, path: runs + "/1", page: oneRun(views.SimulationRun{Simulation: givenUp(1, 0, 0)})},
		{group: group, name: "A simulation, overbooked", slug: "simulation-broken", viewer: admin, path: runs + "/1", page: oneRun(views.SimulationRun{Simulation: brokenRun()})},
		{group: group, name: "A simulation, did not finish", slug: "simulation-failed", viewer: admin, path: runs + "/1", page: oneRun(views.SimulationRun{Simulation: failedRun()})},
		{group: group, name: "A simulation, undone", slug: "simulation-undone", viewer: admin, path: runs + "/1", page: oneRun(views.SimulationRun{Simulation: undone})},
		{group: group, name: "People", slug: "users", viewer: admin, path: "/admin/users", page: func(p views.Page) templ.Component {
			return views.UsersPage(p, views.Users{Users: people, Pager: views.Pager{Total: 1_284, Page: 1, Pages: 26}})
		}},
		{group: group, name: "People, a change refused", slug: "users-refused", viewer: admin, path: "/admin/users", status: http.StatusConflict, page: func(p views.Page) templ.Component {
			return views.UsersPage(p, views.Users{Users: people[:1], Pager: views.Pager{Total: 1, Page: 1, Pages: 1}, Problem: l.Say("This is the last active admin. Make somebody else an admin first."), ProblemUser: admin.ID})
		}},
		{group: group, name: "Log", slug: "audit", viewer: admin, path: "/admin/audit", page: func(p views.Page) templ.Component {
			return views.AuditPage(p, views.Audit{Lines: lines(), Older: id(999)})
		}},
		{group: group, name: "Log, nobody found", slug: "audit-none", viewer: admin, path: "/admin/audit", page: func(p views.Page) templ.Component {
			return views.AuditPage(p, views.Audit{Person: "nobody", Action: audit.SeatConfirmed, Problems: map[string]string{"person": l.Say("Nobody has this name or email address.")}})
		}},
	}
}

func failedRun() simulation.Simulation {
	s := run(3, "grouped", simulation.Failed)
	s.Failure = locale.Later("The program was stopped before it was done.")
	return s
}

func errorShots(l *locale.Locale) []shot {
	var all []shot
	for _, t := range []views.Trouble{
		{Status: http.StatusForbidden, Title: l.Say("This page is not for your account"), Text: l.Say("If you need it for your work, ask an admin for the role.")},
		{Status: http.StatusNotFound, Title: l.Say("There is no such event"), Text: l.Say("It may have been removed, or the link is incomplete.")},
		{Status: http.StatusConflict, Title: l.Say("This event has started"), Text: l.Say("It can no longer be booked or left."), NextText: l.Say("My bookings"), NextPath: "/bookings"},
		{Status: http.StatusTooManyRequests, Title: l.Say("Too many failed sign-ins"), Text: l.Count(7, "Too many sign-ins failed. Wait %s minute, then try again.", "Too many sign-ins failed. Wait %s minutes, then try again."), NextText: l.Say("Sign in"), NextPath: "/login"},
		{Status: http.StatusInternalServerError, Title: l.Say("Something went wrong on our side"), Text: l.Say("Nothing you did was wrong. Try again; if it stays so, tell the organizer.")},
	} {
		code := strconv.Itoa(t.Status)
		all = append(all, errorShot(code, "error-"+code, t))
	}

	busy := views.Trouble{Status: http.StatusServiceUnavailable, Title: l.Say("Very many people are here at this moment"), Text: l.Say("Nothing was lost. Try again in a few seconds.")}
	page, form := busy, busy
	page.NextText, page.NextPath = l.Say("Try again"), "/events"
	form.Again = &views.Again{Path: "/events/" + lanterns.ID.String() + "/book"}
	return append(all,
		errorShot("503, for a page", "error-503", page),
		errorShot("503, for a form that can be sent again", "error-503-form", form),
	)
}

func errorShot(name, slug string, t views.Trouble) shot {
	return shot{group: "Errors", name: name, slug: slug, status: t.Status, path: "/events/x",
		page: func(p views.Page) templ.Component { return views.ErrorPage(p, t) },
		// An instance that has too much to do does not look who asks.
		set: func(p *views.Page) { p.Unrecognized = t.Status == http.StatusServiceUnavailable }}
}
