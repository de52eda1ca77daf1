package views

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"rowlock/event"
	"rowlock/simulation"
)

// Lab is where strategies are compared.
type Lab struct {
	Form        ComparisonForm
	Comparisons []simulation.Comparison
	Pager
}

// ComparisonForm is what an admin chooses. It posts to /admin/lab with the
// fields name, event, users, seats, patience, and strategy as often as
// strategies are chosen.
type ComparisonForm struct {
	// Events can be rehearsed.
	Events []event.Event
	// These are as typed; empty means the default.
	Name, EventID, Users, Seats, Patience string
	// Chosen are some of the Strategies that are offered; none means all.
	Strategies, Chosen []string
	// Problems are keyed by field name.
	Problems map[string]string
}

// A Compared is runs side by side: those of a comparison, or some that were
// picked one by one, whose comparison has no ID.
type Compared struct {
	simulation.Comparison
	// Problem says why a new name was refused, Typed what it was.
	Problem, Typed string
}

func labPath(id uuid.UUID) string { return "/admin/lab/" + id.String() }

// isPicked tells whether the runs were picked one by one.
func (c Compared) isPicked() bool { return c.ID == uuid.Nil }

// exportPath is where the figures are read as a file of that kind.
func (c Compared) exportPath(kind string) string {
	if !c.isPicked() {
		return labPath(c.ID) + "/runs." + kind
	}
	var pairs []string
	for _, s := range c.Runs {
		pairs = append(pairs, "run="+s.ID.String())
	}
	return "/admin/lab/runs." + kind + "?" + strings.Join(pairs, "&")
}

// finished are the runs that came to their end.
func (c Compared) finished() []series {
	var done []series
	for _, s := range c.series() {
		if s.Run.State == simulation.Done {
			done = append(done, s)
		}
	}
	return done
}

// A series is a run as charts and tables show it.
type series struct {
	Run   simulation.Simulation
	Label string
	// Look names the classes of its colour and its kind of line.
	Look string
}

// series names every run so that no two have the same name: by what an admin
// called it or by its strategy, then by how many people there were, then by a
// number.
func (c Compared) series() []series {
	list := make([]series, len(c.Runs))
	names, looks := map[string]int{}, map[string]int{}
	for i, s := range c.Runs {
		list[i] = series{Run: s, Label: orElse(s.Name, shortStrategy(s.Strategy))}
		names[list[i].Label]++
	}
	taken := map[string]int{}
	for i := range list {
		s := &list[i]
		if names[s.Label] > 1 {
			s.Label += ", " + count(s.Run.Users, "person", "people")
		}
		if taken[s.Label]++; taken[s.Label] > 1 {
			s.Label += fmt.Sprintf(" (%d)", taken[s.Label])
		}
		looks[s.Run.Strategy]++
		s.Look = fmt.Sprintf("of-%s nth-%d", s.Run.Strategy, min(looks[s.Run.Strategy], 4))
	}
	return list
}

// served is how many people got a seat or a place in line.
func (s series) served() int { return s.Run.Tally.Registered + s.Run.Tally.Waitlisted }

// turn tells how far a comparison is with one of its strategies.
type turn struct {
	Strategy string
	Run      *simulation.Simulation
}

func (c Compared) turns() []turn {
	list := make([]turn, len(c.Strategies))
	for i, name := range c.Strategies {
		list[i].Strategy = name
		for j := range c.Runs {
			if c.Runs[j].Strategy == name {
				list[i].Run = &c.Runs[j]
			}
		}
	}
	return list
}

// ended counts the strategies that had their turn.
func (c Compared) ended() int {
	n := 0
	for _, t := range c.turns() {
		if t.Run != nil && t.Run.State != simulation.Running {
			n++
		}
	}
	return n
}

// answered is how many people have their answers, once they have begun to ask.
func (t turn) answered() (n string, known bool) {
	if t.Run == nil {
		return "0", true
	}
	preparing := t.Run.State == simulation.Running && t.Run.Phase == simulation.Preparing
	return strconv.Itoa(t.Run.Answered), !preparing
}

// words tell what the strategy does now.
func (t turn) words() string {
	switch {
	case t.Run == nil:
		return "waits for its turn"
	case t.Run.State == simulation.Running && t.Run.Phase == simulation.Booking:
		return number(t.Run.Answered) + " of " + number(t.Run.Users) + " answered"
	case t.Run.State == simulation.Running:
		return strings.ToLower(phaseText(*t.Run)[:1]) + phaseText(*t.Run)[1:]
	case t.Run.State == simulation.Failed:
		return "did not finish"
	}
	return "all answered in " + took(t.Run.Results.Took)
}

// askedOfAll tells what all the runs did, as far as it is the same.
func (c Compared) askedOfAll() string {
	if len(c.Runs) == 0 {
		return ""
	}
	first := c.Runs[0]
	for _, s := range c.Runs {
		if s.Users != first.Users || s.Seats != first.Seats {
			return number(len(c.Runs)) + " runs that differ in more than the strategy."
		}
	}
	return strings.TrimSuffix(askedText(first), ".") + ", once with each strategy."
}

// soundness sums up whether the promises were kept.
type soundness struct {
	Overbooked, Checks, Passed int
}

func soundnessOf(list []series) soundness {
	var sum soundness
	for _, s := range list {
		sum.Overbooked += s.Run.Tally.Overbooked
		sum.Checks += len(s.Run.Results.Checks)
		sum.Passed += passed(s.Run.Results.Checks)
	}
	return sum
}

func (s soundness) holds() bool { return s.Overbooked == 0 && s.Passed == s.Checks && s.Checks > 0 }

func (s soundness) text() string {
	switch {
	case s.Overbooked > 0:
		return number(s.Overbooked) + " overbooked. Look at the checks below."
	case s.Passed < s.Checks:
		return number(s.Checks-s.Passed) + " of " + number(s.Checks) + " checks failed. Look at them below."
	}
	return "Nobody was overbooked, and all " + number(s.Checks) + " checks passed."
}

// extremes are the fastest and the slowest of the runs. There are none unless
// two runs came to their end and answered somebody.
func extremes(list []series) (fastest, slowest series, ok bool) {
	for _, s := range list {
		rate := s.Run.Results.BookingsPerSecond
		if rate <= 0 {
			continue
		}
		if fastest.Label == "" || rate > fastest.Run.Results.BookingsPerSecond {
			fastest = s
		}
		if slowest.Label == "" || rate <= slowest.Run.Results.BookingsPerSecond {
			slowest = s
		}
	}
	return fastest, slowest, fastest.Label != slowest.Label
}

// isTold tells whether the fastest is so much faster that it is the headline.
func isTold(fastest, slowest series) bool {
	return fastest.Run.Results.BookingsPerSecond >= alike*slowest.Run.Results.BookingsPerSecond
}

// times is how many times as much a is as b: "25", "1.4".
func times(a, b float64) string {
	ratio := a / b
	if ratio >= 10 {
		return number(int(ratio + 0.5))
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", ratio), ".0")
}

// A comparedFigure is a row of the table in which runs stand side by side.
type comparedFigure struct {
	Name, Hook string
	Of         func(s simulation.Simulation) string
	// Bad marks a value that is bad news.
	Bad func(s simulation.Simulation) bool
}

func comparedFigures() []comparedFigure {
	counted := func(name, hook string, of func(s simulation.Simulation) int) comparedFigure {
		return comparedFigure{Name: name, Hook: hook, Of: func(s simulation.Simulation) string { return number(of(s)) }}
	}
	timed := func(name, hook string, of func(s simulation.Simulation) time.Duration) comparedFigure {
		return comparedFigure{Name: name, Hook: hook, Of: func(s simulation.Simulation) string { return took(of(s)) }}
	}
	failed := counted("Failed", "failed", func(s simulation.Simulation) int { return s.Tally.Failed })
	failed.Bad = func(s simulation.Simulation) bool { return s.Tally.Failed > 0 }
	overbooked := counted("Overbooked", "overbooked", func(s simulation.Simulation) int { return s.Tally.Overbooked })
	overbooked.Bad = func(s simulation.Simulation) bool { return s.Tally.Overbooked > 0 }
	return []comparedFigure{
		counted("People", "users", func(s simulation.Simulation) int { return s.Users }),
		counted("Free seats", "seats", func(s simulation.Simulation) int { return s.Seats }),
		counted("Registered", "registered", func(s simulation.Simulation) int { return s.Tally.Registered }),
		counted("In line", "waitlisted", func(s simulation.Simulation) int { return s.Tally.Waitlisted }),
		failed,
		overbooked,
		{Name: "Bookings per second", Hook: "rate", Of: func(s simulation.Simulation) string { return rate(s.Results.BookingsPerSecond) }},
		timed("Half waited at most", "p50", func(s simulation.Simulation) time.Duration { return s.Results.Latency.P50 }),
		timed("95 %", "p95", func(s simulation.Simulation) time.Duration { return s.Results.Latency.P95 }),
		timed("99 %", "p99", func(s simulation.Simulation) time.Duration { return s.Results.Latency.P99 }),
		timed("Longest", "max", func(s simulation.Simulation) time.Duration { return s.Results.Latency.Max }),
		counted("Retries", "retries", func(s simulation.Simulation) int { return int(s.Results.Retries) }),
		{Name: "Transactions", Hook: "transactions", Of: func(s simulation.Simulation) string { return measured(int(s.Results.Transactions)) }},
		{Name: "Connections at most", Hook: "connections", Of: func(s simulation.Simulation) string { return measured(s.Results.Connections) }},
		{Name: "Checks passed", Hook: "checks", Of: func(s simulation.Simulation) string {
			return number(passed(s.Results.Checks)) + " of " + number(len(s.Results.Checks))
		}, Bad: func(s simulation.Simulation) bool { return !allHold(s.Results.Checks) }},
	}
}

// measured is a count that is never zero, unless nobody counted.
func measured(n int) string {
	if n == 0 {
		return "not counted"
	}
	return number(n)
}

// failedChecks are the checks of a run that did not hold.
func failedChecks(s simulation.Simulation) []string {
	var list []string
	for _, c := range s.Results.Checks {
		if !c.OK {
			list = append(list, c.Name+": "+c.Detail)
		}
	}
	return list
}

// troubled are the runs in which something failed.
func (c Compared) troubled() []series {
	var list []series
	for _, s := range c.series() {
		if s.Run.State == simulation.Failed || len(s.Run.Results.Failures) > 0 || len(failedChecks(s.Run)) > 0 {
			list = append(list, s)
		}
	}
	return list
}

// strategyIdeas tell in a sentence how the strategies differ.
var strategyIdeas = map[string]string{
	simulation.Grouped:     "The desk: one transaction for all who wait. What visitors use.",
	simulation.Pessimistic: "Lock the event’s row, look, decide, write: a transaction each.",
	simulation.Optimistic:  "Look without a lock; begin again if the event changed meanwhile.",
	simulation.Conditional: "One update that takes a seat only while one is left.",
}

func strategyIdea(name string) string { return strategyIdeas[name] }

// patienceText is a time as the form has it.
func patienceText(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// pickText names a run to whoever hears a tick box and not the row it is in.
func pickText(p Page, s simulation.Simulation) string {
	return orElse(s.Name, s.EventTitle) + ", " + s.Strategy + ", " + count(s.Users, "person", "people") + ", " + fromNow(s.StartedAt, p.Now, p.Now.Location())
}
