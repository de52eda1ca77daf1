package gallery

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/audit"
	"rowlock/booking"
	"rowlock/event"
	"rowlock/locale"
	"rowlock/simulation"
)

// id numbers the samples.
func id(n int) uuid.UUID { return uuid.MustParse(fmt.Sprintf("0193a000-0000-7000-8000-%012d", n)) }

var (
	ana    = &account.User{ID: id(1), Name: "Ana Martins", Email: "ana@rowlock.example", Role: account.Attendee, IsActive: true, CreatedAt: now.AddDate(0, -3, 0)}
	marta  = &account.User{ID: id(2), Name: "Marta Lindqvist", Email: "organizer@rowlock.example", Role: account.Organizer, IsActive: true, CreatedAt: now.AddDate(0, -8, 0)}
	admin  = &account.User{ID: id(3), Name: "Jonas Weber", Email: "admin@rowlock.example", Role: account.Admin, IsActive: true, CreatedAt: now.AddDate(-1, 0, 0)}
	noEnd  = &account.User{ID: id(4), Name: "Wolfeschlegelsteinhausenbergerdorff Keihanaikukauakahihuliheekahaunaele", Email: "wolfeschlegelsteinhausenbergerdorff.keihanaikukauakahihuliheekahaunaele@a-very-long-domain-name.example", Role: account.Attendee, IsActive: true, CreatedAt: now.AddDate(0, 0, -2)}
	people = []account.User{
		*admin, *ana, *marta,
		{ID: id(5), Name: "Łukasz Wiśniewski", Email: "lukasz@rowlock.example", Role: account.Attendee, IsActive: true, CreatedAt: now.AddDate(0, -1, -4)},
		{ID: id(6), Name: "ליאור כהן", Email: "lior@rowlock.example", Role: account.Organizer, IsActive: true, CreatedAt: now.AddDate(0, -2, 0)},
		{ID: id(7), Name: "Sofia Rossi", Email: "sofia@rowlock.example", Role: account.Attendee, IsActive: false, CreatedAt: now.AddDate(0, -5, 0)},
		*noEnd,
	}
)

const about = `We scull from the old boathouse to the lighthouse and back, about eight kilometres at an easy pace, with lanterns on every bow once the sun is down.

You need to have rowed before, in any boat. We lend single and double sculls; say at the door which you like better. Bring clothes that may get wet, and something warm for afterwards: there is soup.

If the wind is above four Beaufort we stay ashore and mend oars instead. The forecast is at https://example.org/forecast, and we decide at noon on the day.`

func made(n int, title, place, zone string, days, hour, hours, capacity, remaining, waiting int) event.Event {
	location, err := time.LoadLocation(zone)
	if err != nil {
		location = time.UTC
	}
	day := now.In(location).AddDate(0, 0, days)
	start := time.Date(day.Year(), day.Month(), day.Day(), hour, 30, 0, 0, location)
	return event.Event{
		Details: event.Details{
			Title: title, Description: about, Location: place, TimeZone: zone,
			StartsAt: start, EndsAt: start.Add(time.Duration(hours) * time.Hour), Capacity: capacity,
		},
		ID: id(100 + n), Status: event.Published, OrganizerID: marta.ID, OrganizerName: marta.Name,
		SeatsRemaining: remaining, Waiting: waiting, Revision: 3,
		CreatedAt: now.AddDate(0, -1, 0), UpdatedAt: now.AddDate(0, 0, -3),
	}
}

var (
	lanterns = made(1, "Evening sculling by lantern light", "Boathouse 4, Rua do Cais 12, Lisbon", "Europe/Lisbon", 12, 18, 2, 30, 11, 0)
	oars     = made(2, "Mending oars: a workshop for cold hands", "Werkstatt am Kanal, Berlin", "Europe/Berlin", 3, 10, 3, 12, 2, 0)
	coxes    = made(3, "First steps as a cox", "Thames Rowing Hall, Putney Embankment, London", "Europe/London", 5, 9, 2, 8, 0, 14)
	talk     = made(4, "Why rowing boats got so narrow", "Online, the link is on your ticket", "America/New_York", 9, 19, 1, 500, 212, 0)
	regatta  = made(5, "Spring regatta: helpers’ evening", "Clubhouse, upper floor", "Europe/Lisbon", 26, 20, 2, 60, 41, 0)
	night    = made(6, "All night on the Neva", "Strelka, Saint Petersburg", "Asia/Kolkata", 41, 22, 9, 4, 1, 0)
	soon     = opening(made(7, "Learn to row in a weekend", "Lake Bled, main jetty", "Europe/Vienna", 48, 8, 9, 16, 16, 0))
	closed   = closing(made(8, "Ergometer marathon", "Gym B", "Europe/Lisbon", 2, 17, 4, 24, 5, 0))
	off      = withStatus(made(9, "Full moon paddle", "South shore", "Europe/Lisbon", 7, 21, 2, 20, 20, 0), event.Cancelled)
	draft    = withStatus(made(10, "Rigging for beginners", "", "Europe/Lisbon", 30, 18, 2, 10, 10, 0), event.Draft)
	past     = made(11, "New Year’s row", "Boathouse 4", "Europe/Lisbon", -50, 10, 2, 40, 3, 0)
	running  = made(12, "Saturday training", "Boathouse 4", "Europe/Lisbon", 0, 8, 4, 20, 6, 0)
	endless  = made(13, "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsversammlung", "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch", "America/Argentina/Buenos_Aires", 14, 21, 6, 100_000, 99_999, 0)
	hebrew   = made(14, "חתירה לאור פנסים", "בית הסירות, תל אביב", "Asia/Jerusalem", 20, 18, 2, 30, 12, 0)
	last     = made(15, "Night watch at the slipway", "Slipway 2", "Europe/Lisbon", 4, 21, 2, 18, 1, 0)
)

func opening(e event.Event) event.Event {
	t := now.AddDate(0, 0, 4)
	e.RegistrationOpensAt = &t
	return e
}

func closing(e event.Event) event.Event {
	t := now.AddDate(0, 0, -1)
	e.RegistrationClosesAt = &t
	return e
}

func withStatus(e event.Event, s event.Status) event.Event {
	e.Status = s
	return e
}

func simulated(e event.Event, remaining, waiting int) event.Event {
	e.SeatsRemaining, e.Waiting = remaining, waiting
	return e
}

func seat(promoted bool) booking.Mine {
	return booking.Mine{Standing: booking.Confirmed, RegistrationID: id(501), TicketCode: "K7QF2M9X4TPA", Promoted: promoted, Since: now.AddDate(0, 0, -2)}
}

func place(n int) booking.Mine {
	return booking.Mine{Standing: booking.Waitlisted, Place: n, Since: now.Add(-3 * time.Hour)}
}

func gone() booking.Mine {
	return booking.Mine{Standing: booking.Cancelled, RegistrationID: id(502), TicketCode: "M2XK8QPA7TF9", Since: now.Add(-time.Hour)}
}

func perDay(days int) []booking.DayCount {
	var list []booking.DayCount
	for i := range days {
		list = append(list, booking.DayCount{Day: now.AddDate(0, 0, i-days), Bookings: (i*i*7 + i*3) % 11})
	}
	return list
}

func attendees() []booking.Attendee {
	at := now.Add(-30 * time.Minute)
	return []booking.Attendee{
		{UserID: id(1), Name: ana.Name, Email: ana.Email, Mine: seat(false), CheckedInAt: &at},
		{UserID: id(5), Name: people[3].Name, Email: people[3].Email, Mine: seat(true)},
		{UserID: id(4), Name: noEnd.Name, Email: noEnd.Email, Mine: seat(false)},
		{UserID: id(6), Name: people[4].Name, Email: people[4].Email, Mine: place(1)},
		{UserID: id(8), Name: "Tom Adeyemi", Email: "tom@rowlock.example", Mine: place(2)},
		{UserID: id(7), Name: "Sofia Rossi", Email: "sofia@rowlock.example", Mine: gone()},
	}
}

func checks(broken bool) []booking.Check {
	list := []booking.Check{
		{Name: "no-overbooking", OK: true, Detail: locale.Later("Nobody is confirmed beyond the seats there are.")},
		{Name: "seats-add-up", OK: true, Detail: locale.Later("Seats remaining are the capacity less the confirmed.")},
		{Name: "line-adds-up", OK: true, Detail: locale.Later("Every line is as long as is shown.")},
		{Name: "no-idle-seat", OK: true, Detail: locale.Later("No seat is free while somebody waits.")},
		{Name: "one-standing", OK: true, Detail: locale.Later("Nobody has two seats at one event, two places in line, or both a seat and a place.")},
		{Name: "order-of-arrival", OK: true, Detail: locale.Later("Seats went out in the order of arrival: nobody in line came before somebody with a seat.")},
		{Name: "numbers-drawn-once", OK: true, Detail: locale.Later("Every arrival number was drawn once.")},
		{Name: "cancelled-is-over", OK: true, Detail: locale.Later("Cancelled events have no attendees and no line.")},
		{Name: "references-exist", OK: true, Detail: locale.Later("Every seat and every place in line belongs to an event and to a person.")},
	}
	if broken {
		list[1] = booking.Check{
			Name: "seats-add-up", Detail: shownAsFree(101, 3, 2),
			Breaches: []locale.Text{shownAsFree(101, 3, 2), shownAsFree(102, 1, 0)},
		}
	}
	return list
}

func shownAsFree(n, shown, free int) locale.Text {
	return locale.Later("event %s: %s", id(n).String(), locale.Later("%s seats are shown as free, %s are", shown, free))
}

func run(n int, strategy string, state simulation.State) simulation.Simulation {
	finished := now.Add(-time.Duration(n) * time.Hour)
	s := simulation.Simulation{
		ID: id(700 + n), EventID: coxes.ID, EventTitle: coxes.Title, StartedBy: admin.ID, StartedByName: admin.Name,
		Target: simulation.Rehearsal, Strategy: strategy, State: state, Phase: simulation.Booking,
		Users: 1000, Seats: 10, Answered: 1000, StartedAt: finished.Add(-2 * time.Second), FinishedAt: &finished,
		Tally: simulation.Tally{Registered: 10, Waitlisted: 990},
		Results: simulation.Results{
			Took: 96 * time.Millisecond, BookingsPerSecond: 10_412,
			Latency: simulation.Latency{P50: 61 * time.Millisecond, P95: 88 * time.Millisecond, P99: 93 * time.Millisecond, Max: 96 * time.Millisecond},
			Histogram: []simulation.Bucket{
				{From: 2 * time.Millisecond, To: 5 * time.Millisecond, Count: 12}, {From: 5 * time.Millisecond, To: 10 * time.Millisecond, Count: 64},
				{From: 10 * time.Millisecond, To: 20 * time.Millisecond, Count: 142}, {From: 20 * time.Millisecond, To: 50 * time.Millisecond, Count: 307},
				{From: 50 * time.Millisecond, To: 100 * time.Millisecond, Count: 475},
			},
			Checks: checks(false),
		},
	}
	if strategy == "pessimistic" {
		s.Results.Took, s.Results.BookingsPerSecond = 2380*time.Millisecond, 420
		s.Results.Latency = simulation.Latency{P50: 1210 * time.Millisecond, P95: 2250 * time.Millisecond, P99: 2350 * time.Millisecond, Max: 2380 * time.Millisecond}
	}
	s.Results.Pace = pace(strategy, s.Results.Took)
	return s
}

// runningRun is a rush of 50,000 for 12,000 seats, half a second and more after
// the doors opened.
func runningRun(phase string, answered int) simulation.Simulation {
	s := run(0, "grouped", simulation.Running)
	s.Users, s.Seats = 50_000, 12_000
	s.Phase, s.Answered, s.FinishedAt = phase, answered, nil
	s.Results = simulation.Results{}
	s.Tally = simulation.Tally{Registered: min(answered, s.Seats), Waitlisted: max(0, answered-s.Seats), SeatsRemaining: max(0, s.Seats-answered)}
	const moments = 6
	for i := 1; i <= moments && answered > 0; i++ {
		by := answered * i / moments
		s.Results.SoFar = append(s.Results.SoFar, simulation.Moment{At: time.Duration(i) * 250 * time.Millisecond, Registered: min(by, s.Seats), Waitlisted: max(0, by-s.Seats)})
	}
	return s
}

func brokenRun() simulation.Simulation {
	s := run(1, "optimistic", simulation.Done)
	s.Tally = simulation.Tally{Registered: 12, Waitlisted: 951, Failed: 37, Overbooked: 2}
	s.Results.Failures = []simulation.Failure{{Cause: locale.Later("the queue was full"), Count: 31}, {Cause: locale.Later("no answer in time"), Count: 6}}
	s.Results.Checks = checks(true)
	s.Target = simulation.EventItself
	return s
}

// givenUp is a run in which so many of a thousand had an answer, so many were
// refused, and the others gave up after a second.
func givenUp(n, served, refused int) simulation.Simulation {
	s := run(n, "pessimistic", simulation.Done)
	s.Answered, s.Tally = served, simulation.Tally{Registered: min(10, served), Waitlisted: max(0, served-10), SeatsRemaining: max(0, 10-served), Failed: 1000 - served}
	s.Results = simulation.Results{
		Took: 1013 * time.Millisecond, GaveUpAfter: time.Second, Checks: checks(false),
		Failures: []simulation.Failure{{Cause: locale.Later("gave up after %s s without an answer", "1"), Count: 1000 - served - refused}},
	}
	if refused > 0 {
		s.Results.Failures = append(s.Results.Failures, simulation.Failure{Cause: locale.Later("the queue was full"), Count: refused})
	}
	if served > 0 {
		last := 986 * time.Millisecond
		p := pace(s.Strategy, last)
		s.Results.Pace, s.Results.BookingsPerSecond = p, float64(served)/last.Seconds()
		s.Results.Latency = simulation.Latency{P50: p[100], P95: p[190], P99: p[198], Max: last}
		s.Results.Histogram = []simulation.Bucket{
			{From: 20 * time.Millisecond, To: 50 * time.Millisecond, Count: served / 50}, {From: 50 * time.Millisecond, To: 100 * time.Millisecond, Count: served / 20},
			{From: 100 * time.Millisecond, To: 200 * time.Millisecond, Count: served / 9}, {From: 200 * time.Millisecond, To: 500 * time.Millisecond, Count: served / 3},
			{From: 500 * time.Millisecond, To: time.Second, Count: served - served/50 - served/20 - served/9 - served/3},
		}
	}
	return s
}

func lines() []audit.Line {
	entry := func(n int, action audit.Action, actor, user *account.User, e event.Event, detail map[string]any) audit.Line {
		l := audit.Line{Entry: audit.Entry{ID: id(900 + n), At: now.Add(-time.Duration(n*n) * time.Minute), Action: action, Event: e.ID, Detail: detail}, EventTitle: e.Title}
		if actor != nil {
			l.Actor, l.ActorName = actor.ID, actor.Name
		}
		if user != nil {
			l.User, l.UserName = user.ID, user.Name
		}
		return l
	}
	var none event.Event
	return []audit.Line{
		entry(1, audit.SeatConfirmed, ana, ana, lanterns, nil),
		entry(2, audit.SeatPromoted, nil, &people[3], coxes, nil),
		entry(3, audit.SeatRemoved, marta, &people[5], coxes, nil),
		entry(4, audit.LineJoined, &people[4], &people[4], coxes, nil),
		entry(5, audit.EventEdited, marta, nil, lanterns, map[string]any{"capacity": map[string]any{"from": 20.0, "to": 30.0}, "title": map[string]any{"from": "Evening sculling", "to": lanterns.Title}}),
		entry(6, audit.RoleChanged, admin, marta, none, map[string]any{"role": map[string]any{"from": "attendee", "to": "organizer"}}),
		entry(7, audit.SimulationStarted, admin, nil, coxes, map[string]any{"users": 1000.0, "strategy": "grouped", "target": "rehearsal", "seats": 10.0}),
		entry(8, audit.SignedUp, ana, ana, none, map[string]any{"role": "attendee"}),
		entry(9, audit.LineRemoved, marta, noEnd, endless, map[string]any{"because": "account deactivated"}),
	}
}
