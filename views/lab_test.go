package views

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/google/uuid"

	"rowlock/booking"
	"rowlock/locale"
	"rowlock/simulation"
)

// raced is a run whose people had their answers at an even pace.
func raced(strategy string, users int, last time.Duration, transactions int64) simulation.Simulation {
	s := simulation.Simulation{
		Strategy: strategy, State: simulation.Done, Users: users, Seats: 10,
		Tally: simulation.Tally{Registered: 10, Waitlisted: users - 10},
		Results: simulation.Results{
			Took: last, BookingsPerSecond: float64(users) / last.Seconds(), Transactions: transactions, Connections: 1,
			Latency: simulation.Latency{P50: last / 2, P95: last * 95 / 100, P99: last * 99 / 100, Max: last},
			Checks:  []booking.Check{{Name: "no-overbooking", OK: true}},
		},
	}
	for i := range simulation.PaceSteps + 1 {
		s.Results.Pace = append(s.Results.Pace, last/100+time.Duration(i)*(last-last/100)/simulation.PaceSteps)
	}
	return s
}

func comparedOf(runs ...simulation.Simulation) Compared {
	return Compared{Comparison: simulation.Comparison{State: simulation.Done, Runs: runs}}
}

func TestNoTwoRunsHaveTheSameName(t *testing.T) {
	t.Parallel()
	named := raced("grouped", 100, time.Second, 2)
	named.Name = "Warm"
	var labels, looks []string
	for _, s := range comparedOf(
		raced("grouped", 100, time.Second, 2), raced("grouped", 2000, time.Second, 2), raced("pessimistic", 100, time.Second, 100),
		named, raced("grouped", 100, time.Second, 2),
	).series(context.Background()) {
		labels, looks = append(labels, s.Label), append(looks, s.Look)
	}
	if want := []string{"Grouped, 100 people", "Grouped, 2,000 people", "Pessimistic", "Warm", "Grouped, 100 people (2)"}; !slices.Equal(labels, want) {
		t.Errorf("got %q, want %q", labels, want)
	}
	if want := []string{"of-grouped nth-1", "of-grouped nth-2", "of-pessimistic nth-1", "of-grouped nth-3", "of-grouped nth-4"}; !slices.Equal(looks, want) {
		t.Errorf("got %q, want %q", looks, want)
	}
}

// Comparing again means the same people, strategies and patience.
func TestCompareAgainIsTheSameComparison(t *testing.T) {
	t.Parallel()
	c := comparedOf()
	c.EventID, c.Users, c.Seats, c.Strategies = uuid.UUID{1}, 40, 5, []string{"grouped", "optimistic"}
	const rest = "event=01000000-0000-0000-0000-000000000000%s&seats=5&strategy=grouped&strategy=optimistic&users=40"
	for patience, want := range map[time.Duration]string{7 * time.Second: "&patience=7", 0: ""} {
		c.Patience = patience
		if got := c.againPath(); got != "/admin/lab?"+fmt.Sprintf(rest, want) {
			t.Errorf("after a patience of %v it is %s", patience, got)
		}
	}
}

// What runs have in common is said of them, and what they differ in.
func TestPickedRunsAreDescribedAsTheyAre(t *testing.T) {
	t.Parallel()
	at := func(n byte, title string, s simulation.Simulation) simulation.Simulation {
		s.EventID, s.EventTitle = uuid.UUID{n}, title
		return s
	}
	regatta := func(strategy string, users int) simulation.Simulation {
		return at(1, "Regatta", raced(strategy, users, time.Second, 2))
	}
	lanterns := at(2, "The lantern parade by the old harbour", raced("grouped", 50, time.Second, 2))
	tests := []struct {
		name   string
		runs   []simulation.Simulation
		says   string
		labels []string
	}{
		{"strategies", []simulation.Simulation{regatta("grouped", 50), regatta("optimistic", 50)},
			"Regatta: 50 people ask for 10 seats at the same moment, once with each strategy.", []string{"Grouped", "Optimistic"}},
		{"one strategy", []simulation.Simulation{regatta("grouped", 50), regatta("grouped", 50)},
			"Regatta: 50 people ask for 10 seats at the same moment. 2 runs with the same strategy.", []string{"Grouped, 50 people", "Grouped, 50 people (2)"}},
		{"a strategy twice", []simulation.Simulation{regatta("grouped", 50), regatta("optimistic", 50), regatta("grouped", 50)},
			"Regatta: 50 people ask for 10 seats at the same moment. 3 runs with 2 strategies.", []string{"Grouped, 50 people", "Optimistic", "Grouped, 50 people (2)"}},
		{"events", []simulation.Simulation{regatta("grouped", 50), lanterns},
			"2 runs that differ in the event.", []string{"Grouped, Regatta", "Grouped, The lantern parade by t…"}},
		{"people and strategy", []simulation.Simulation{regatta("grouped", 50), regatta("optimistic", 70)},
			"Regatta: 2 runs that differ in the number of people and the strategy.", []string{"Grouped", "Optimistic"}},
		{"events of the same name", []simulation.Simulation{regatta("grouped", 50), at(3, "Regatta", regatta("grouped", 50))},
			"2 runs that differ in the event.", []string{"Grouped, Regatta, 50 people", "Grouped, Regatta, 50 people (2)"}},
	}
	for _, tt := range tests {
		c := comparedOf(tt.runs...)
		if got := c.askedOfAll(context.Background()); got != tt.says {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.says)
		}
		var labels []string
		for _, s := range c.series(context.Background()) {
			labels = append(labels, s.Label)
		}
		if !slices.Equal(labels, tt.labels) {
			t.Errorf("%s: the labels are %q, want %q", tt.name, labels, tt.labels)
		}
	}
}

// What is said follows from the figures, and is not said when they do not bear
// it out.
func TestFindings(t *testing.T) {
	t.Parallel()
	fast, slow := raced("grouped", 1000, 100*time.Millisecond, 4), raced("pessimistic", 1000, 2*time.Second, 1000)
	fast.Results.Groups = []simulation.Group{{Requests: 1}, {Requests: 999}}
	retried := raced("optimistic", 1000, 60*time.Second, 3500)
	retried.Tally = simulation.Tally{Registered: 10, Waitlisted: 790, Failed: 200}
	retried.Results.BookingsPerSecond, retried.Results.Latency.P50 = 800.0/60, 20*time.Second
	retried.Results.Retries, retried.Results.GaveUpAfter = 2400, time.Minute
	retried.Results.Failures = []simulation.Failure{{Cause: locale.Later("gave up after %s s without an answer", 60), Count: 198}, {Cause: locale.Later("the queue was full"), Count: 2}}
	broken := raced("conditional", 1000, 2*time.Second, 1000)
	broken.Tally.Overbooked, broken.Results.Checks = 3, []booking.Check{{Name: "no-overbooking", Detail: locale.Later("%s people for %s seats", "13", "10")}}
	ended := simulation.Simulation{Strategy: "optimistic", State: simulation.Failed, Failure: locale.Later("The database was gone.")}
	stopped := simulation.Simulation{Strategy: "optimistic", State: simulation.Failed, Stopped: true, Results: simulation.Results{Checks: []booking.Check{{Name: "answers-kept"}}}}
	mirrored := raced("pessimistic", 1000, 50*time.Millisecond, 1000)

	tests := []struct {
		name          string
		runs          []simulation.Simulation
		says, keptOff []string
	}{
		{"the desk is faster", []simulation.Simulation{fast, slow}, []string{
			"Safety is no difference: each gave out 10 seats",
			"Grouped answered 1,000 people in 100 ms, 10,000 bookings per second. Pessimistic needed 2 s for 1,000, 500 per second: 20 times fewer.",
			"each commit paid for 250 of them, the largest group had 999", "adds up: 1,000 with pessimistic, on up to 1 connection",
		}, []string{"in vain", "gave up"}},
		{"the desk is slower", []simulation.Simulation{fast, mirrored}, []string{"Pessimistic answered 1,000 people in 50 ms", "Grouped needed 100 ms"}, []string{"20 times"}},
		{"all alike", []simulation.Simulation{slow, slow}, []string{"hardly one either: between 500 and 500"}, []string{"fewer", "in vain"}},
		{"retries and patience", []simulation.Simulation{fast, retried}, []string{
			"Optimistic needed 60 s for 800 of 1,000, 13 per second",
			"Of those who had an answer, half had it within 50 ms with grouped, and within 20 s with optimistic.",
			"Optimistic decided 2,400 times in vain, 3 retries for each answer", "198 people gave up after 60 s", "With optimistic 2 people had no seat and no place: the queue was full.",
		}, []string{"promise was broken", "Half of the people"}},
		{"a broken promise", []simulation.Simulation{fast, broken}, []string{"A promise was broken by Conditional (3 overbooked, 1 check failed)."}, []string{"Safety is no difference"}},
		{"one that did not finish", []simulation.Simulation{fast, ended}, []string{"Optimistic did not finish. The database was gone."}, []string{"fewer", "Safety is no difference"}},
		{"a promise broken by one that was stopped", []simulation.Simulation{fast, stopped}, []string{"A promise was broken by Optimistic (0 overbooked, 1 check failed)."}, []string{"Nobody was overbooked"}},
		{"none that finished", []simulation.Simulation{ended}, []string{"did not finish"}, []string{"Nobody was overbooked"}},
	}
	for _, tt := range tests {
		text := strings.Join(findings(context.Background(), comparedOf(tt.runs...)), "\n")
		for _, words := range tt.says {
			if !strings.Contains(text, words) {
				t.Errorf("%s: does not say %q but\n%s", tt.name, words, text)
			}
		}
		for _, words := range tt.keptOff {
			if strings.Contains(text, words) {
				t.Errorf("%s: says %q:\n%s", tt.name, words, text)
			}
		}
	}
}

// The verdict on a projector is about every run that was checked, also about
// those that were stopped.
func TestTheBoardCountsTheChecksOfStoppedRuns(t *testing.T) {
	t.Parallel()
	done, stopped := raced("grouped", 100, time.Second, 2), raced("pessimistic", 100, time.Second, 20)
	stopped.State, stopped.Stopped, stopped.Results.BookingsPerSecond = simulation.Failed, true, 0
	broken := stopped
	broken.Results.Checks = []booking.Check{{Name: "no-overbooking", OK: true}, {Name: "answers-kept", Detail: locale.Later("lost")}}
	const holds, fails = `<div class="verdict holds" role="status"`, `<div class="verdict fails" role="status"`
	for _, tt := range []struct {
		name string
		runs []simulation.Simulation
		want []string
	}{
		{"all hold", []simulation.Simulation{done, stopped}, []string{holds, "Nobody was overbooked, and all 2 checks passed."}},
		{"one of a stopped run failed", []simulation.Simulation{done, broken}, []string{fails, "1 of 3 checks failed."}},
		{"the one run was stopped, and a check failed", []simulation.Simulation{broken}, []string{fails, "1 of 2 checks failed."}},
	} {
		var page strings.Builder
		if err := ComparedProgress(Page{}, comparedOf(tt.runs...)).Render(context.Background(), &page); err != nil {
			t.Fatal(err)
		}
		for _, words := range tt.want {
			if !strings.Contains(page.String(), words) {
				t.Errorf("%s: the page lacks %q", tt.name, words)
			}
		}
	}
}

// givenUp is a run in which so many had an answer, and the others gave up after
// a second.
func givenUp(users, served int, last time.Duration) simulation.Simulation {
	s := raced("pessimistic", users, last, int64(users))
	s.Tally = simulation.Tally{Registered: min(10, served), Waitlisted: max(0, served-10), Failed: users - served}
	s.Results.BookingsPerSecond = float64(served) / last.Seconds()
	s.Results.Took, s.Results.GaveUpAfter = 1010*time.Millisecond, time.Second
	s.Results.Failures = []simulation.Failure{{Cause: locale.Later("gave up after %s s without an answer", "1"), Count: users - served}}
	if served == 0 {
		s.Results.Latency, s.Results.Pace, s.Results.BookingsPerSecond = simulation.Latency{}, nil, 0
	}
	return s
}

func textOf(t *testing.T, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// No page says of people who gave up that they were answered, and those who
// have no answer have no waiting time.
func TestWhoGaveUpIsNotAnswered(t *testing.T) {
	t.Parallel()
	refusedToo := givenUp(4000, 1577, 990*time.Millisecond)
	refusedToo.Results.Failures[0].Count -= 31
	refusedToo.Results.Failures = append(refusedToo.Results.Failures, simulation.Failure{Cause: locale.Later("the queue was full"), Count: 31})
	tests := []struct {
		name          string
		run           simulation.Simulation
		says, keptOff []string
	}{
		{"some gave up", givenUp(4000, 1577, 990*time.Millisecond),
			[]string{"1,577 of 4,000 had an answer; 2,423 gave up after 1 s.", "Last answer after", "990 ms", "Half of the answered within", "1,593"},
			[]string{"All answered", "Everyone was answered", "all answered", "1.01 s"}},
		{"some gave up, some were refused", refusedToo,
			[]string{"1,577 of 4,000 had an answer; 2,392 gave up after 1 s and 31 failed."}, []string{"All answered", "all answered"}},
		{"everybody gave up", givenUp(4000, 0, time.Second),
			[]string{"Nobody had an answer; 4,000 gave up after 1 s."},
			[]string{"All answered", "Last answer", "Everyone was answered", "all answered", "0 ms", "Longest"}},
		{"nobody gave up", raced("pessimistic", 4000, time.Second, 4000), []string{"All answered after", "Half waited at most"}, []string{"had an answer"}},
	}
	for _, tt := range tests {
		ctx := context.Background()
		texts := map[string]string{
			"its page":          textOf(t, SimulationPage(Page{}, SimulationRun{Simulation: tt.run})),
			"the board of runs": turn{Run: &tt.run}.words(ctx),
		}
		for _, words := range tt.says {
			if !strings.Contains(texts["its page"], words) {
				t.Errorf("%s: its page does not say %q", tt.name, words)
			}
		}
		for where, text := range texts {
			for _, words := range tt.keptOff {
				if strings.Contains(text, words) {
					t.Errorf("%s: %s says %q", tt.name, where, words)
				}
			}
		}
	}

	mixed := comparedOf(raced("grouped", 4000, 100*time.Millisecond, 4), givenUp(4000, 0, time.Second))
	table := textOf(t, comparedTable(mixed))
	if !strings.Contains(table, ">–<") || strings.Contains(table, ">0 ms") {
		t.Error("a run without an answer has waiting times in the table")
	}
}

// Every plot stays inside its frame, whatever the figures: also with one
// person, with nobody answered, and with runs of old that measured less.
func TestPlotsHoldWhateverTheFigures(t *testing.T) {
	t.Parallel()
	none := raced("optimistic", 20, time.Second, 0)
	none.Results.Pace, none.Tally = nil, simulation.Tally{Failed: 20}
	none.Results.BookingsPerSecond = 0
	one := raced("grouped", 11, time.Second, 1)
	for i := range one.Results.Pace {
		one.Results.Pace[i] = time.Second
	}
	one.Results.Groups = []simulation.Group{{Requests: 1, Took: time.Millisecond}}
	many := raced("grouped", 100_000, 20*time.Second, 100)
	many.Results.Groups = []simulation.Group{{Requests: 1, Took: time.Millisecond}, {Requests: 1024, Took: 90 * time.Millisecond}, {Requests: 700}}
	for name, runs := range map[string][]simulation.Simulation{
		"nothing": nil, "nobody answered": {none}, "one moment": {one}, "all of them": {none, one, many},
	} {
		done := comparedOf(runs...).finished(context.Background())
		w, r, g := newWaits(context.Background(), done), newRace(done), newGroupsPlot(done)
		if w.IsEmpty() != (len(runs) == 0 || name == "nobody answered") {
			t.Errorf("%s: the plot of waits is empty: %t", name, w.IsEmpty())
		}
		for _, b := range speedBars(context.Background(), done) {
			mustFit(t, name, b.Length, plotWidth)
		}
		if w.IsEmpty() {
			continue
		}
		for axis, ticks := range [][]tick{w.Ticks(context.Background()), r.XTicks(context.Background()), g.XTicks(context.Background())} {
			if last := ticks[len(ticks)-1]; last.At > plotWidth-40 && last.Anchor != "end" {
				t.Errorf("%s: the last word below plot %d ends outside: %+v", name, axis, last)
			}
		}
		for _, ticks := range [][]tick{w.Ticks(context.Background()), r.XTicks(context.Background()), r.YTicks(context.Background()), g.XTicks(context.Background()), g.YTicks(context.Background())} {
			if len(ticks) < 2 {
				t.Errorf("%s: an axis has %d ticks", name, len(ticks))
			}
			for _, tick := range ticks {
				mustFit(t, name, tick.At, plotWidth)
			}
		}
		for _, h := range w.Rows {
			if len(h.Run.Results.Pace) > 0 {
				if path := w.Hill(h); path == "" || strings.Contains(path, "NaN") || strings.Contains(path, "Inf") {
					t.Errorf("%s: the hill is %q", name, path)
				}
				mustFit(t, name, w.x(lastAnswer(h.series)), plotWidth)
			}
		}
		for _, s := range r.Runners {
			if path := r.Line(s); strings.Contains(path, "NaN") || strings.Contains(path, "Inf") {
				t.Errorf("%s: the line is %q", name, path)
			}
		}
		for _, s := range g.Runs {
			for _, group := range s.Run.Results.Groups {
				mustFit(t, name, g.x.at(float64(group.Requests)), plotWidth)
				mustFit(t, name, g.y.at(groupRate(group)), fieldHeight)
			}
		}
	}
}

// However runs are called, a plot has room for their labels, keeps them apart,
// and keeps them from running into the numbers beside them.
func TestLongLabelsFitIntoAPlot(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	long := series{Label: "Pessimistic, Lisbon Gophers: what th…, 100,000 people"}
	other := series{Label: "Pessimistic, Lisbon Gophers: what th…, 1,000 people"}
	for s, want := range map[*series]string{&long: "Pessimistic, Lisbon Go…100,000 people", &other: "Pessimistic, Lisbon Go…, 1,000 people"} {
		if got := s.plotLabel(); got != want || len([]rune(got)) > plotLine {
			t.Errorf("%q is %q in a plot, want %q", s.Label, got, want)
		}
	}
	short := series{Label: "Grouped"}
	if bars := speedBars(ctx, []series{short, short}); bars[0].labelAt() != bars[0].rateAt() || speedHeight(bars) != 2*barRow {
		t.Errorf("short labels stand above their numbers: %+v", bars)
	}
	long.Run.Results.BookingsPerSecond = 37_254
	bars := speedBars(ctx, []series{short, long})
	for _, b := range bars {
		if b.labelAt() >= b.rateAt() || b.top()+barThick > speedHeight(bars) {
			t.Errorf("%s is at %d, its number at %d, its bar at %d of %d", b.Label, b.labelAt(), b.rateAt(), b.top(), speedHeight(bars))
		}
	}
}

// Above a hill stand the run's label and what the hill shows, one below the
// other where both are long.
func TestTheWordsAboveAHillDoNotMeet(t *testing.T) {
	t.Parallel()
	quick, left := raced("grouped", 4000, time.Second, 4), givenUp(4000, 1577, 990*time.Millisecond)
	for name, tt := range map[string]struct {
		runs  []simulation.Simulation
		apart int
	}{
		"short words": {[]simulation.Simulation{quick, raced("conditional", 4000, time.Second, 4)}, 0}, "long words": {[]simulation.Simulation{quick, left}, plotRaise},
	} {
		w := newWaits(context.Background(), comparedOf(tt.runs...).finished(context.Background()))
		for i, h := range w.Rows {
			if got := h.wordsAt() - h.labelAt(); got != tt.apart {
				t.Errorf("%s: the words stand %d below the label, want %d", name, got, tt.apart)
			}
			if i > 0 && float64(h.labelAt()) < w.Rows[i-1].Foot()+20 {
				t.Errorf("%s: a label at %d stands in the hill above, whose foot is at %g", name, h.labelAt(), w.Rows[i-1].Foot())
			}
		}
		if last := w.Rows[len(w.Rows)-1]; last.Foot() > float64(w.Height()-waitFoot) {
			t.Errorf("%s: the last hill ends at %g of %d", name, last.Foot(), w.Height())
		}
	}
}

func mustFit(t *testing.T, name string, at, limit float64) {
	t.Helper()
	if math.IsNaN(at) || at < 0 || at > limit {
		t.Errorf("%s: something is drawn at %g of %g", name, at, limit)
	}
}

// A hill is as large as its crowd, and where its crowd is.
func TestHillsStandWhereThePeopleAre(t *testing.T) {
	t.Parallel()
	w := newWaits(context.Background(), comparedOf(raced("grouped", 100, 100*time.Millisecond, 2), raced("pessimistic", 100, 10*time.Second, 100)).finished(context.Background()))
	var tops []int
	for _, h := range w.Rows {
		crowd := w.crowds(h.Run.Results.Pace)
		sum := 0.0
		for _, n := range crowd {
			sum += n
		}
		if math.Abs(sum-simulation.PaceSteps) > 0.5 {
			t.Errorf("%s: %.1f of %d parts of the people are in the hill", h.Label, sum, simulation.PaceSteps)
		}
		tops = append(tops, slices.Index(crowd, slices.Max(crowd)))
	}
	// Four steps of ten from 1 ms to 10 s, two of which lie between the two.
	if apart := tops[1] - tops[0]; apart < hillSteps/2-2 || apart > hillSteps/2+2 {
		t.Errorf("the tops are %d of %d steps apart", apart, hillSteps)
	}
}

func TestGroupSizes(t *testing.T) {
	t.Parallel()
	sizes := groupSizes([]simulation.Group{{Requests: 1, Took: time.Millisecond}, {Requests: 5, Took: time.Millisecond}, {Requests: 7, Took: 2 * time.Millisecond}, {Requests: 64, Took: 4 * time.Millisecond}})
	var texts []string
	for _, s := range sizes {
		texts = append(texts, s.sizeText(t.Context())+": "+numberText(t.Context(), s.Groups)+", "+rate(t.Context(), s.rate()))
	}
	if want := []string{"1: 1, 1,000", "4 to 7: 2, 4,000", "64 to 127: 1, 16,000"}; !slices.Equal(texts, want) {
		t.Errorf("got %q, want %q", texts, want)
	}
}

func TestRoundStep(t *testing.T) {
	t.Parallel()
	for least, want := range map[float64]float64{0.7: 1, 1: 1, 1.2: 2, 2.5: 5, 7: 10, 260: 500, 0.03: 0.05} {
		if got := roundStep(least); math.Abs(got-want) > 1e-9 {
			t.Errorf("%g: got %g, want %g", least, got, want)
		}
	}
}
