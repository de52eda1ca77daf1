package gallery

import (
	"math"
	"net/http"
	"time"

	"github.com/a-h/templ"
	"github.com/google/uuid"

	"rowlock/booking"
	"rowlock/event"
	"rowlock/locale"
	"rowlock/simulation"
	"rowlock/views"
)

func labShots(l *locale.Locale) []shot {
	const group, path = "Lab", "/admin/lab"
	events := []event.Event{coxes, lanterns, oars}
	form := views.ComparisonForm{Events: events, Strategies: simulation.Strategies()}
	refused := form
	refused.Users, refused.Patience, refused.Chosen, refused.Name = "0", "3600", []string{"grouped"}, "Rush hour"
	refused.Problems = map[string]string{
		"users": l.Say("Choose from 1 to %s people.", simulation.MaxUsers), "strategy": l.Say("Choose two strategies or more."), "patience": l.Say("Choose from 1 to %s seconds.", 600),
	}
	list := []simulation.Comparison{compared(1, simulation.Running), compared(2, simulation.Done), compared(3, simulation.Failed)}
	list[1].Name = "Before tuning, on the laptop"

	running := compared(1, simulation.Running)
	running.Runs = []simulation.Simulation{running.Runs[0], givenUp(72, 577, 0), running.Runs[2]}
	running.Runs[2].State, running.Runs[2].Phase, running.Runs[2].Answered = simulation.Running, simulation.Booking, 412
	running.Runs[2].Tally = simulation.Tally{Registered: 10, Waitlisted: 402, Failed: 140}
	gaveUp := compared(6, simulation.Done)
	gaveUp.Runs[1], gaveUp.Runs[3] = givenUp(72, 577, 0), givenUp(74, 0, 0)
	gaveUp.Runs[3].Strategy = "conditional"
	stopped := compared(3, simulation.Failed)
	stopped.Runs, stopped.Failure = stopped.Runs[:2], locale.Later("The program was stopped before it was done.")
	broken := compared(4, simulation.Done)
	broken.Runs[2].Tally.Overbooked, broken.Runs[2].Results.Checks = 2, checks(true)
	picked := simulation.Comparison{Name: "Runs side by side", State: simulation.Done, Runs: sizes()}
	elsewhere := simulation.Comparison{Name: "Runs side by side", State: simulation.Done, Runs: sizes()[:2]}
	elsewhere.Runs[1].EventID, elsewhere.Runs[1].EventTitle = endless.ID, endless.Title
	emptied := compared(5, simulation.Done)
	emptied.Runs = nil

	labPage := func(in views.Lab) func(p views.Page) templ.Component {
		return func(p views.Page) templ.Component { return views.LabPage(p, in) }
	}
	comparedPage := func(in views.Compared) func(p views.Page) templ.Component {
		return func(p views.Page) templ.Component { return views.ComparedPage(p, in) }
	}
	return []shot{
		{group: group, name: "The lab", slug: "lab", viewer: admin, path: path, page: labPage(views.Lab{Form: form, Comparisons: list, Pager: views.Pager{Total: 3, Page: 1, Pages: 1}})},
		{group: group, name: "The lab, nothing yet", slug: "lab-empty", viewer: admin, path: path, page: labPage(views.Lab{Form: form})},
		{group: group, name: "The lab, a form with problems", slug: "lab-problems", viewer: admin, path: path, status: http.StatusUnprocessableEntity, page: labPage(views.Lab{Form: refused})},
		{group: group, name: "A comparison, running", slug: "comparison-running", viewer: admin, path: path + "/1", page: comparedPage(views.Compared{Comparison: running})},
		{group: group, name: "A comparison, done", slug: "comparison", viewer: admin, path: path + "/1", page: comparedPage(views.Compared{Comparison: compared(2, simulation.Done)})},
		{group: group, name: "A comparison, cut short", slug: "comparison-failed", viewer: admin, path: path + "/1", page: comparedPage(views.Compared{Comparison: stopped})},
		{group: group, name: "A comparison, many gave up", slug: "comparison-gave-up", viewer: admin, path: path + "/1", page: comparedPage(views.Compared{Comparison: gaveUp})},
		{group: group, name: "A comparison, overbooked", slug: "comparison-broken", viewer: admin, path: path + "/1", page: comparedPage(views.Compared{Comparison: broken})},
		{group: group, name: "A comparison, its runs deleted", slug: "comparison-empty", viewer: admin, path: path + "/1", page: comparedPage(views.Compared{Comparison: emptied})},
		{group: group, name: "A comparison, a name refused", slug: "comparison-name", viewer: admin, path: path + "/1", status: http.StatusUnprocessableEntity, page: comparedPage(views.Compared{Comparison: compared(2, simulation.Done), Problem: l.Say("Give it a name of 1 to %s characters.", simulation.MaxName), Typed: " "})},
		{group: group, name: "Runs that were picked", slug: "comparison-picked", viewer: admin, path: path + "/runs", page: comparedPage(views.Compared{Comparison: picked})},
		{group: group, name: "Runs that were picked, of two events", slug: "comparison-picked-events", viewer: admin, path: path + "/runs", page: comparedPage(views.Compared{Comparison: elsewhere})},
	}
}

// compared is all four strategies in the rush for ten seats.
func compared(n int, state simulation.State) simulation.Comparison {
	c := simulation.Comparison{
		ID: id(800 + n), Name: coxes.Title + ", 1000 people", EventID: coxes.ID, EventTitle: coxes.Title,
		StartedBy: admin.ID, StartedByName: admin.Name, Strategies: simulation.Strategies(), Users: 1000, Seats: 10,
		State: state, StartedAt: now.Add(-time.Duration(n) * time.Hour),
	}
	optimistic := rushed(73, "optimistic", 1000, 60*time.Second, 9_412+22_310, 6)
	optimistic.Tally.Waitlisted, optimistic.Tally.Failed = 778, 212
	optimistic.Results.Retries, optimistic.Results.GaveUpAfter, optimistic.Results.BookingsPerSecond = 22_310, 60*time.Second, 13.1
	optimistic.Results.Failures = []simulation.Failure{{Cause: locale.Later("gave up after %s s without an answer", 60), Count: 212}}
	grouped := rushed(71, "grouped", 1000, 96*time.Millisecond, 3, 1)
	grouped.Results.Groups = []simulation.Group{{Requests: 1, Took: 3 * time.Millisecond}, {Requests: 187, Took: 19 * time.Millisecond}, {Requests: 812, Took: 64 * time.Millisecond}}
	c.Runs = []simulation.Simulation{
		grouped,
		rushed(72, "pessimistic", 1000, 2380*time.Millisecond, 1000, 6),
		optimistic,
		rushed(74, "conditional", 1000, 1810*time.Millisecond, 1000, 6),
	}
	for i := range c.Runs {
		c.Runs[i].ComparisonID = uuid.NullUUID{UUID: c.ID, Valid: true}
	}
	return c
}

// sizes are runs of the desk with crowds of different sizes.
func sizes() []simulation.Simulation {
	var list []simulation.Simulation
	for i, users := range []int{100, 1_000, 20_000} {
		s := rushed(75+i, "grouped", users, time.Duration(20+users/8)*time.Millisecond, int64(2+users/700), 1)
		for requests := users % 7; requests <= min(users, 1024); requests = requests*3 + 1 {
			s.Results.Groups = append(s.Results.Groups, simulation.Group{Requests: max(1, requests), Took: 2*time.Millisecond + time.Duration(requests)*(80+time.Duration(i)*9)*time.Microsecond})
		}
		list = append(list, s)
	}
	list[2].Name = "Opening day"
	return list
}

// rushed is a run in which so many people ask for ten seats and the last of
// them is answered after that time.
func rushed(n int, strategy string, users int, last time.Duration, transactions int64, connections int) simulation.Simulation {
	s := run(n, strategy, simulation.Done)
	s.Users, s.Answered = users, users
	s.Tally = simulation.Tally{Registered: 10, Waitlisted: users - 10}
	s.Results = simulation.Results{
		Took: last, BookingsPerSecond: float64(users) / last.Seconds(), Checks: append(checks(false), booking.Check{Name: "answers-kept", OK: true, Detail: locale.Later("All %s answers that were given are in the database.", users)}),
		Transactions: transactions, Connections: connections,
	}
	p := pace(strategy, last)
	s.Results.Pace = p
	s.Results.Latency = simulation.Latency{P50: p[100], P95: p[190], P99: p[198], Max: last}
	return s
}

// pace is when people had their answers, the last after that time: at an even
// pace, or with the optimistic strategy at one that slackens.
func pace(strategy string, last time.Duration) []time.Duration {
	var pace []time.Duration
	for i := range simulation.PaceSteps + 1 {
		share := float64(i) / simulation.PaceSteps
		if strategy == simulation.Optimistic {
			share = math.Pow(share, 2.6)
		}
		pace = append(pace, last/40+time.Duration(share*float64(last-last/40)))
	}
	return pace
}
