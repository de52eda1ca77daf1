package views

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"rowlock/event"
	"rowlock/locale"
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

// alone is a run with no other beside it.
func alone(s simulation.Simulation) Compared {
	return Compared{Comparison: simulation.Comparison{Runs: []simulation.Simulation{s}}}
}

func labPath(id uuid.UUID) string { return "/admin/lab/" + id.String() }

// Title is what stands above the runs.
func (c Compared) Title(ctx context.Context) string {
	if c.isPicked() {
		return say(ctx, "Runs side by side")
	}
	return c.Name
}

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

// againPath is the form for another comparison like this one.
func (c Compared) againPath() string {
	pairs := []string{"event", c.EventID.String(), "users", strconv.Itoa(c.Users), "seats", strconv.Itoa(c.Seats)}
	if c.Patience > 0 {
		pairs = append(pairs, "patience", patienceText(c.Patience))
	}
	for _, name := range c.Strategies {
		pairs = append(pairs, "strategy", name)
	}
	return address("/admin/lab", pairs...)
}

// finished are the runs that came to their end.
func (c Compared) finished(ctx context.Context) []series {
	var done []series
	for _, s := range c.series(ctx) {
		if s.Run.State == simulation.Done {
			done = append(done, s)
		}
	}
	return done
}

// judged are the runs that tell whether the promises were kept: those that came
// to their end, and of the others those that got as far as a verdict.
func (c Compared) judged(ctx context.Context) []series {
	var judged []series
	for _, s := range c.series(ctx) {
		if s.Run.State == simulation.Done || len(s.Run.Results.Checks) > 0 || s.Run.Tally.Overbooked > 0 {
			judged = append(judged, s)
		}
	}
	return judged
}

// hasBoard tells whether there is something to put on a projector: a run that
// came to its end, or a promise that was broken before.
func (c Compared) hasBoard(ctx context.Context) bool {
	return len(c.finished(ctx)) > 0 || slices.ContainsFunc(c.judged(ctx), breaks)
}

// A series is a run as charts and tables show it.
type series struct {
	Run   simulation.Simulation
	Label string
	// Look names the classes of its colour and its kind of line.
	Look string
}

// series names every run so that no two have the same name: by what an admin
// called it or by its strategy, and by its event where there are several, then
// by how many people there were, then by a number.
func (c Compared) series(ctx context.Context) []series {
	list := make([]series, len(c.Runs))
	names, looks := map[string]int{}, map[string]int{}
	for i, s := range c.Runs {
		list[i] = series{Run: s, Label: orElse(s.Name, shortStrategy(ctx, s.Strategy))}
		if s.Name == "" && !c.ofOneEvent() {
			list[i].Label += ", " + shortTitle(s.EventTitle)
		}
		names[list[i].Label]++
	}
	taken := map[string]int{}
	for i := range list {
		s := &list[i]
		if names[s.Label] > 1 {
			s.Label += ", " + peopleText(ctx, s.Run.Users)
		}
		if taken[s.Label]++; taken[s.Label] > 1 {
			s.Label += fmt.Sprintf(" (%d)", taken[s.Label])
		}
		looks[s.Run.Strategy]++
		s.Look = fmt.Sprintf("of-%s nth-%d", s.Run.Strategy, min(looks[s.Run.Strategy], 4))
	}
	return list
}

// shortTitle is as much of an event's title as a plot has room for.
func shortTitle(title string) string {
	const most = 24
	runes := []rune(title)
	if len(runes) <= most {
		return title
	}
	return strings.TrimSpace(string(runes[:most-1])) + "…"
}

// served is how many people got a seat or a place in line.
func (s series) served() int { return served(s.Run) }

// turn tells how far a comparison is with one of its strategies.
type turn struct {
	Strategy string
	Run      *simulation.Simulation
	// Length is that of the bar of a run that is done, beside the fastest.
	Length float64
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
	fastest := 0.0
	for _, t := range list {
		if t.isDone() {
			fastest = max(fastest, t.Run.Results.BookingsPerSecond)
		}
	}
	for i, t := range list {
		if t.isDone() {
			list[i].Length = barLength(t.Run.Results.BookingsPerSecond, fastest, plotWidth)
		}
	}
	return list
}

func (t turn) isDone() bool { return t.Run != nil && t.Run.State == simulation.Done }

// state is that of the strategy's run, for scripts.
func (t turn) state() string {
	if t.Run == nil {
		return "waiting"
	}
	return string(t.Run.State)
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

// through is how many people have an answer or failed, once they have begun to
// ask.
func (t turn) through() (n string, known bool) {
	if t.Run == nil {
		return "0", true
	}
	preparing := t.Run.State == simulation.Running && t.Run.Phase == simulation.Preparing
	return strconv.Itoa(t.Run.Through()), !preparing
}

// words tell what the strategy does now.
func (t turn) words(ctx context.Context) string {
	switch {
	case t.Run == nil:
		return say(ctx, "waits for its turn")
	case t.Run.State == simulation.Running && t.Run.Phase == simulation.Booking:
		return say(ctx, "%s of %s answered", t.Run.Answered, t.Run.Users)
	case t.Run.State == simulation.Running:
		return phaseText(ctx, *t.Run)
	case t.Run.State == simulation.Failed:
		return say(ctx, "did not finish")
	}
	if t.Run.Tally.Failed > 0 {
		return answeredText(ctx, *t.Run)
	}
	return say(ctx, "all answered in %s", took(ctx, t.Run.Results.Took))
}

// askedOfAll tells what all the runs did, as far as it is the same, else what
// is not.
func (c Compared) askedOfAll(ctx context.Context) string {
	if len(c.Runs) == 0 {
		return ""
	}
	text := c.sameOfAll(ctx)
	if c.isPicked() && c.ofOneEvent() {
		return say(ctx, "%s: %s", c.Runs[0].EventTitle, text)
	}
	return text
}

func (c Compared) sameOfAll(ctx context.Context) string {
	first := c.Runs[0]
	events, users, seats, used := map[uuid.UUID]bool{}, map[int]bool{}, map[int]bool{}, map[string]bool{}
	for _, s := range c.Runs {
		events[s.EventID], users[s.Users], seats[s.Seats], used[s.Strategy] = true, true, true, true
	}
	switch {
	case len(events) > 1 || len(users) > 1 || len(seats) > 1:
		var differ []string
		note := func(n int, what string) {
			if n > 1 {
				differ = append(differ, what)
			}
		}
		note(len(events), say(ctx, "the event"))
		note(len(users), say(ctx, "the number of people"))
		note(len(seats), say(ctx, "the number of seats"))
		note(len(used), say(ctx, "the strategy"))
		return say(ctx, "%s runs that differ in %s.", len(c.Runs), listed(ctx, differ))
	case len(used) == 1 && len(c.Runs) > 1:
		return askedText(ctx, first) + " " + say(ctx, "%s runs with the same strategy.", len(c.Runs))
	case len(used) < len(c.Runs):
		return askedText(ctx, first) + " " + say(ctx, "%s runs with %s strategies.", len(c.Runs), len(used))
	case first.Users > simulation.MaxAtOnce:
		return askedText(ctx, first) + " " + say(ctx, "Once with each strategy.")
	}
	return countText(ctx, first.Users,
		"%s person asks for %s at the same moment, once with each strategy.",
		"%s people ask for %s at the same moment, once with each strategy.", seatsText(ctx, first.Seats))
}

// ofOneEvent tells whether all the runs were of the same event.
func (c Compared) ofOneEvent() bool {
	return !slices.ContainsFunc(c.Runs, func(s simulation.Simulation) bool { return s.EventID != c.Runs[0].EventID })
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

// breaks tells whether a run broke a promise, whether it was done or not.
func breaks(s series) bool {
	return s.Run.Tally.Overbooked > 0 || !allHold(s.Run.Results.Checks)
}

func (s soundness) holds() bool { return s.Overbooked == 0 && s.Passed == s.Checks && s.Checks > 0 }

func (s soundness) text(ctx context.Context) string {
	switch {
	case s.Overbooked > 0:
		return say(ctx, "%s overbooked. Look at the checks below.", s.Overbooked)
	case s.Passed < s.Checks:
		return say(ctx, "%s of %s checks failed. Look at them below.", s.Checks-s.Passed, s.Checks)
	}
	return say(ctx, "Nobody was overbooked, and all %s checks passed.", s.Checks)
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
func times(ctx context.Context, a, b float64) string {
	ratio := a / b
	if ratio >= 10 {
		return numberText(ctx, int(ratio+0.5))
	}
	return locale.From(ctx).Decimal(ratio, 1)
}

// A comparedFigure is a row of the table in which runs stand side by side.
type comparedFigure struct {
	Name, Hook string
	Of         func(s simulation.Simulation) string
	// Bad marks a value that is bad news.
	Bad func(s simulation.Simulation) bool
}

func comparedFigures(ctx context.Context) []comparedFigure {
	counted := func(name, hook string, of func(s simulation.Simulation) int) comparedFigure {
		return comparedFigure{Name: name, Hook: hook, Of: func(s simulation.Simulation) string { return numberText(ctx, of(s)) }}
	}
	timed := func(name, hook string, of func(s simulation.Simulation) time.Duration) comparedFigure {
		return comparedFigure{Name: name, Hook: hook, Of: func(s simulation.Simulation) string { return waited(ctx, s, of(s)) }}
	}
	failed := counted(say(ctx, "Failed"), "failed", func(s simulation.Simulation) int { return s.Tally.Failed })
	failed.Bad = func(s simulation.Simulation) bool { return s.Tally.Failed > 0 }
	overbooked := counted(say(ctx, "Overbooked"), "overbooked", func(s simulation.Simulation) int { return s.Tally.Overbooked })
	overbooked.Bad = func(s simulation.Simulation) bool { return s.Tally.Overbooked > 0 }
	return []comparedFigure{
		counted(say(ctx, "People"), "users", func(s simulation.Simulation) int { return s.Users }),
		counted(say(ctx, "Free seats"), "seats", func(s simulation.Simulation) int { return s.Seats }),
		counted(say(ctx, "Registered"), "registered", func(s simulation.Simulation) int { return s.Tally.Registered }),
		counted(say(ctx, "In line"), "waitlisted", func(s simulation.Simulation) int { return s.Tally.Waitlisted }),
		failed,
		overbooked,
		counted(say(ctx, "Answered"), "answered", served),
		{Name: say(ctx, "Bookings per second"), Hook: "rate", Of: func(s simulation.Simulation) string { return rate(ctx, s.Results.BookingsPerSecond) }},
		timed(say(ctx, "Half of the answered within"), "p50", func(s simulation.Simulation) time.Duration { return s.Results.Latency.P50 }),
		timed(percentText(ctx, 95), "p95", func(s simulation.Simulation) time.Duration { return s.Results.Latency.P95 }),
		timed(percentText(ctx, 99), "p99", func(s simulation.Simulation) time.Duration { return s.Results.Latency.P99 }),
		timed(say(ctx, "Longest"), "max", func(s simulation.Simulation) time.Duration { return s.Results.Latency.Max }),
		counted(say(ctx, "Retries"), "retries", func(s simulation.Simulation) int { return int(s.Results.Retries) }),
		{Name: say(ctx, "Transactions"), Hook: "transactions", Of: func(s simulation.Simulation) string { return measured(ctx, int(s.Results.Transactions)) }},
		{Name: say(ctx, "Connections at most"), Hook: "connections", Of: func(s simulation.Simulation) string { return measured(ctx, s.Results.Connections) }},
		{Name: say(ctx, "Checks passed"), Hook: "checks", Of: func(s simulation.Simulation) string {
			return say(ctx, "%s of %s", passed(s.Results.Checks), len(s.Results.Checks))
		}, Bad: func(s simulation.Simulation) bool { return !allHold(s.Results.Checks) }},
	}
}

// measured is a count that is never zero, unless nobody counted.
func measured(ctx context.Context, n int) string {
	if n == 0 {
		return say(ctx, "not counted")
	}
	return numberText(ctx, n)
}

// failedChecks are the checks of a run that did not hold.
func failedChecks(ctx context.Context, s simulation.Simulation) []string {
	var list []string
	for _, c := range s.Results.Checks {
		if !c.OK {
			list = append(list, say(ctx, "%s: %s", checkText(ctx, c.Name), said(ctx, c.Detail)))
		}
	}
	return list
}

// troubled are the runs in which something failed.
func (c Compared) troubled(ctx context.Context) []series {
	var list []series
	for _, s := range c.series(ctx) {
		if s.Run.State == simulation.Failed || len(s.Run.Results.Failures) > 0 || len(failedChecks(ctx, s.Run)) > 0 {
			list = append(list, s)
		}
	}
	return list
}

// strategyIdeas tell in a sentence how the strategies differ.
var strategyIdeas = map[string]locale.Text{
	simulation.Grouped:     locale.Later("The desk: one transaction for all who wait. What visitors use."),
	simulation.Pessimistic: locale.Later("Lock the event’s row, look, decide, write: a transaction each."),
	simulation.Optimistic:  locale.Later("Look without a lock; begin again if the event changed meanwhile."),
	simulation.Conditional: locale.Later("One update that takes a seat only while one is left."),
}

func strategyIdea(ctx context.Context, name string) string { return said(ctx, strategyIdeas[name]) }

// patienceText is a time as the form has it.
func patienceText(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// pickText names a run to whoever hears a tick box and not the row it is in.
func pickText(ctx context.Context, p Page, s simulation.Simulation) string {
	return orElse(s.Name, s.EventTitle) + ", " + shortStrategy(ctx, s.Strategy) + ", " + peopleText(ctx, s.Users) + ", " + fromNow(ctx, s.StartedAt, p.Now, p.Now.Location())
}
