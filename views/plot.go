package views

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"rowlock/simulation"
)

// The plots of the lab are drawn in units of their own, plotWidth to a plot.
// Words in them have the size that the style sheet gives them, larger on a
// phone, where a unit is smaller.
const (
	plotWidth = 640
	plotEdge  = 8
	// barRow is a bar with its words above it.
	barRow, barTop, barThick = 66, 36, 20
	// waitRow is a hill with its words above it, and waitFoot holds the axis.
	waitRow, waitTop, waitHill, waitFoot = 100, 36, 56, 44
	// fieldHeight is a plot with two axes, whose field begins at fieldLeft and
	// ends at fieldFoot above the edge.
	fieldHeight, fieldLeft, fieldTop, fieldFoot = 400, 92, 16, 50
)

// A tick is a place on an axis.
type tick struct {
	At     float64
	Text   string
	Anchor string
}

// xy writes a coordinate.
func xy(f float64) string { return strconv.FormatFloat(math.Round(f*10)/10, 'f', -1, 64) }

// A line is points that are joined.
type line []byte

func (l line) to(x, y float64) line {
	command := "L"
	if len(l) == 0 {
		command = "M"
	}
	return fmt.Appendf(l, "%s%s %s", command, xy(x), xy(y))
}

// plotLine is how many characters of a label fit side by side into a plot, and
// plotRaise the height of a line of them.
const plotLine, plotRaise = 38, 30

// plotLabel is the label as far as a plot has room for it. Runs differ at the
// beginning and at the end of their labels, so the middle is left out.
func (s series) plotLabel() string {
	const end = 15
	runes := []rune(s.Label)
	if len(runes) <= plotLine {
		return s.Label
	}
	begin := strings.TrimRight(string(runes[:plotLine-1-end]), " ,…")
	return begin + "…" + strings.TrimLeft(string(runes[len(runes)-end:]), " …")
}

// speedBar is a run's bookings per second as a length.
type speedBar struct {
	series
	Row    int
	Length float64
	// Rate is the number, and raised how much higher than it the label stands,
	// where they would meet.
	Rate   string
	raised int
}

func speedBars(ctx context.Context, done []series) []speedBar {
	most, raised := 0.0, 0
	bars := make([]speedBar, len(done))
	for i, s := range done {
		most = max(most, s.Run.Results.BookingsPerSecond)
		bars[i] = speedBar{series: s, Row: i, Rate: rate(ctx, s.Run.Results.BookingsPerSecond)}
		if len([]rune(s.plotLabel()+bars[i].Rate)) > plotLine {
			raised = plotRaise
		}
	}
	for i := range bars {
		b := &bars[i]
		b.raised, b.Length = raised, barLength(b.Run.Results.BookingsPerSecond, most, plotWidth-2*plotEdge)
	}
	return bars
}

func speedHeight(bars []speedBar) (height int) {
	for _, b := range bars {
		height += barRow + b.raised
	}
	return height
}

// labelAt, rateAt and top are where a row's label, its number and its bar are.
func (b speedBar) labelAt() int { return b.Row*(barRow+b.raised) + barTop - 8 }
func (b speedBar) rateAt() int  { return b.labelAt() + b.raised }
func (b speedBar) top() int     { return b.rateAt() + 8 }

// barLength is that of a rate where the fastest fills the width. However slow,
// it is seen.
func barLength(rate, fastest, width float64) float64 {
	if rate <= 0 {
		return 0
	}
	return max(2, width*rate/fastest)
}

// waits is the plot of how long people waited: a hill for each run over one
// axis, on which every step is ten times as long as the one before.
type waits struct {
	Rows     []waitHillOf
	from, to float64 // powers of ten of a second
}

type waitHillOf struct {
	series
	Row int
	// raised is how much higher the label stands than the words beside it,
	// where they would meet.
	raised int
}

// waitLine is how many characters of a label and lighter words fit above a
// hill.
const waitLine = 44

// newWaits plots the runs that know when their people had their answers.
func newWaits(ctx context.Context, done []series) waits {
	w := waits{from: math.Inf(1), to: math.Inf(-1)}
	raised := 0
	for i, s := range done {
		h := waitHillOf{series: s, Row: i}
		if len([]rune(s.plotLabel()+h.words(ctx))) > waitLine {
			raised = plotRaise
		}
		w.Rows = append(w.Rows, h)
		if pace := s.Run.Results.Pace; len(pace) > 0 {
			w.from = min(w.from, math.Floor(powerOfTen(pace[0])))
			w.to = max(w.to, math.Ceil(powerOfTen(pace[len(pace)-1])))
		}
	}
	for i := range w.Rows {
		w.Rows[i].raised = raised
	}
	if w.from >= w.to {
		w.to = w.from + 1 // all at one moment, on a step
	}
	return w
}

// IsEmpty tells that no run has anything to plot.
func (w waits) IsEmpty() bool { return math.IsInf(w.from, 0) }

// powerOfTen is of a second. No commit is quicker than the least.
func powerOfTen(d time.Duration) float64 {
	return math.Log10(max(d, 100*time.Microsecond).Seconds())
}

func (w waits) x(d time.Duration) float64 {
	share := (powerOfTen(d) - w.from) / (w.to - w.from)
	return plotEdge + share*(plotWidth-2*plotEdge)
}

func (w waits) Height() int {
	height := waitFoot
	for _, h := range w.Rows {
		height += waitRow + h.raised
	}
	return height
}

// Foot is where the hills of a row stand.
func (h waitHillOf) Foot() float64 { return float64(h.wordsAt() + 12 + waitHill) }

// labelAt and wordsAt are the lines on which a row's label and its words are
// written.
func (h waitHillOf) labelAt() int { return h.Row*(waitRow+h.raised) + waitTop - 12 }
func (h waitHillOf) wordsAt() int { return h.labelAt() + h.raised }

// Ticks stand at every power of ten.
func (w waits) Ticks(ctx context.Context) []tick {
	var ticks []tick
	for power := w.from; power <= w.to; power++ {
		at := time.Duration(math.Round(math.Pow(10, power) * float64(time.Second)))
		ticks = append(ticks, tick{At: w.x(at), Text: took(ctx, at), Anchor: "middle"})
	}
	ticks[0].Anchor, ticks[len(ticks)-1].Anchor = "start", "end"
	return ticks
}

// hillSteps is how finely a hill is drawn.
const hillSteps = 72

// Hill draws how many people had their answer at which time. Every hill is as
// high as the others: their places count, and their width.
func (w waits) Hill(h waitHillOf) string {
	crowd := smooth(w.crowds(h.Run.Results.Pace))
	most := slices.Max(crowd)
	if most == 0 {
		return ""
	}
	step := (plotWidth - 2*plotEdge) / float64(hillSteps)
	foot := h.Foot()
	path := line{}.to(plotEdge, foot)
	for i, n := range crowd {
		path = path.to(plotEdge+(float64(i)+0.5)*step, foot-waitHill*n/most)
	}
	return string(append(path.to(plotWidth-plotEdge, foot), 'Z'))
}

// crowds counts the people in each step of the axis. Between two points of the
// pace they are taken to come evenly.
func (w waits) crowds(pace []time.Duration) []float64 {
	crowd := make([]float64, hillSteps)
	at := func(d time.Duration) float64 {
		return (powerOfTen(d) - w.from) / (w.to - w.from) * hillSteps
	}
	for i := 1; i < len(pace); i++ {
		first, last := at(pace[i-1]), at(pace[i])
		a, b := clamp(int(first), hillSteps), clamp(int(last), hillSteps)
		if a == b {
			crowd[a]++
			continue
		}
		for j := a; j <= b; j++ {
			overlap := min(last, float64(j+1)) - max(first, float64(j))
			crowd[j] += max(0, overlap) / (last - first)
		}
	}
	return crowd
}

func clamp(i, n int) int { return min(max(i, 0), n-1) }

// smooth takes the roughness of few people out of a hill.
func smooth(rough []float64) []float64 {
	weights := []float64{1, 3, 5, 3, 1}
	even := make([]float64, len(rough))
	for i := range rough {
		for j, weight := range weights {
			if k := i + j - len(weights)/2; k >= 0 && k < len(rough) {
				even[i] += weight * rough[k]
			}
		}
	}
	return even
}

// Mark is a stroke through a hill at the time by which so many had their
// answers.
func (w waits) Mark(h waitHillOf, at time.Duration, height float64) string {
	x, foot := xy(w.x(at)), h.Foot()
	return fmt.Sprintf("M%s %sV%s", x, xy(foot), xy(foot-height*waitHill))
}

// words tell what a hill shows.
func (h waitHillOf) words(ctx context.Context) string {
	r := h.Run.Results
	if len(r.Pace) == 0 {
		if h.served() == 0 {
			return say(ctx, "nobody was answered")
		}
		return say(ctx, "an old run, without its pace")
	}
	if r.GaveUpAfter > 0 {
		return say(ctx, "%s gave up; half the rest by %s", gaveUp(r), took(ctx, r.Pace[len(r.Pace)/2]))
	}
	return say(ctx, "half by %s, 99%% by %s", took(ctx, r.Latency.P50), took(ctx, r.Latency.P99))
}

// A field is a plot with two axes.
type plotField struct {
	x, y scale
}

// A scale leads from values to coordinates.
type scale struct {
	from, to   float64 // values, or their logarithms
	start, end float64 // coordinates
	isLog      bool
}

func (s scale) at(value float64) float64 {
	if s.isLog {
		value = math.Log2(value)
	}
	return s.start + (value-s.from)/(s.to-s.from)*(s.end-s.start)
}

// race is the plot of how many people had their answers at which time.
type race struct {
	plotField
	Runners []series
	inUnit  func(d time.Duration) float64
	isLong  bool
}

func newRace(done []series) race {
	r := race{}
	var longest time.Duration
	most := 0
	for _, s := range done {
		if len(s.Run.Results.Pace) > 0 {
			r.Runners = append(r.Runners, s)
			longest = max(longest, lastAnswer(s))
			most = max(most, s.served())
		}
	}
	r.isLong = longest >= 2*time.Second
	r.inUnit = func(d time.Duration) float64 { return d.Seconds() }
	if !r.isLong {
		r.inUnit = func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	}
	r.x = scale{to: max(r.inUnit(longest), 1e-3) * 1.02, start: fieldLeft, end: plotWidth - plotEdge}
	r.y = scale{to: max(float64(most), 1) * 1.04, start: fieldHeight - fieldFoot, end: fieldTop}
	return r
}

// what tells what the plot shows.
func (r race) what(ctx context.Context) string {
	if r.isLong {
		return say(ctx, "People with a seat or a place in line, against seconds since the first asked.")
	}
	return say(ctx, "People with a seat or a place in line, against milliseconds since the first asked.")
}

func (r race) XTicks(ctx context.Context) []tick { return endingInside(evenTicks(ctx, r.x)) }
func (r race) YTicks(ctx context.Context) []tick { return evenTicks(ctx, r.y) }

// Line is a runner's way up.
func (r race) Line(s series) string {
	pace := s.Run.Results.Pace
	path := line{}.to(r.x.at(0), r.y.at(0))
	for i, at := range pace {
		path = path.to(r.x.at(r.inUnit(at)), r.y.at(float64(s.served())*float64(i)/float64(len(pace)-1)))
	}
	return string(path)
}

// Goal is where a runner arrived.
func (r race) Goal(s series) (x, y string) {
	return xy(r.x.at(r.inUnit(lastAnswer(s)))), xy(r.y.at(float64(s.served())))
}

// evenTicks divide an axis at round numbers.
func evenTicks(ctx context.Context, s scale) []tick {
	step := roundStep((s.to - s.from) / 4)
	var ticks []tick
	for value := s.from; value <= s.to; value += step {
		text := threeDigits(ctx, value)
		if value >= 1000 {
			text = numberText(ctx, int(math.Round(value)))
		}
		ticks = append(ticks, tick{At: s.at(value), Text: text, Anchor: "middle"})
	}
	return ticks
}

// roundStep is the least of 1, 2 and 5 times a power of ten that is not less.
func roundStep(least float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(least)))
	for _, digit := range []float64{1, 2, 5} {
		if digit*power >= least*(1-1e-9) {
			return digit * power
		}
	}
	return 10 * power
}

// growth is the plot of how many people of a running simulation have a seat or
// a place in line. It is as high as all of them, and as wide as a round time.
type growth struct {
	plotField
	moments []simulation.Moment
}

const growthHeight = 250

func newGrowth(s simulation.Simulation) growth {
	g := growth{moments: s.Results.SoFar}
	seconds := 1.0
	if n := len(g.moments); n > 0 {
		seconds = max(seconds, roundStep(g.moments[n-1].At.Seconds()))
	}
	g.x = scale{to: seconds, start: fieldLeft, end: plotWidth - plotEdge}
	g.y = scale{to: float64(s.Users), start: growthHeight - fieldFoot, end: fieldTop}
	return g
}

// Area lies below the line of a count.
func (g growth) Area(count func(simulation.Moment) int) string {
	path := line{}.to(g.x.at(0), g.y.at(0))
	x := g.x.at(0)
	for _, m := range g.moments {
		x = g.x.at(m.At.Seconds())
		path = path.to(x, g.y.at(float64(count(m))))
	}
	return string(append(path.to(x, g.y.at(0)), 'Z'))
}

// groups is the plot of how fast the desk settled groups of which size. On
// both axes each step is a doubling.
type groupsPlot struct {
	plotField
	Runs []series
}

func newGroupsPlot(done []series) groupsPlot {
	g := groupsPlot{}
	largest, slowest, fastest := 2.0, math.Inf(1), 0.0
	for _, s := range done {
		if len(s.Run.Results.Groups) == 0 {
			continue
		}
		g.Runs = append(g.Runs, s)
		for _, one := range s.Run.Results.Groups {
			largest = max(largest, float64(one.Requests))
			slowest, fastest = min(slowest, groupRate(one)), max(fastest, groupRate(one))
		}
	}
	g.x = scale{to: math.Ceil(math.Log2(largest)), start: fieldLeft + 14, end: plotWidth - plotEdge - 8, isLog: true}
	if len(g.Runs) > 0 {
		g.y = scale{from: math.Floor(math.Log2(slowest)), to: math.Ceil(math.Log2(fastest) + 1e-9), start: fieldHeight - fieldFoot, end: fieldTop, isLog: true}
		if g.y.to <= g.y.from {
			g.y.to = g.y.from + 1
		}
	}
	return g
}

// groupRate is how many requests a second were settled in groups like this.
func groupRate(g simulation.Group) float64 {
	return float64(g.Requests) / max(g.Took, time.Microsecond).Seconds()
}

func (g groupsPlot) XTicks(ctx context.Context) []tick { return endingInside(doublingTicks(ctx, g.x)) }

// endingInside keeps the last word of an axis inside the plot.
func endingInside(ticks []tick) []tick {
	if last := &ticks[len(ticks)-1]; last.At > plotWidth-40 {
		last.Anchor = "end"
	}
	return ticks
}

func (g groupsPlot) YTicks(ctx context.Context) []tick { return doublingTicks(ctx, g.y) }

// doublingTicks stand at some of the powers of two.
func doublingTicks(ctx context.Context, s scale) []tick {
	every := math.Ceil((s.to - s.from + 1) / 6)
	var ticks []tick
	for power := s.from; power <= s.to; power += every {
		value := math.Pow(2, power)
		ticks = append(ticks, tick{At: s.at(value), Text: threeDigits(ctx, value), Anchor: "middle"})
	}
	return ticks
}

// Dot is where a group lies.
func (g groupsPlot) Dot(one simulation.Group) (x, y string) {
	return xy(g.x.at(float64(one.Requests))), xy(g.y.at(groupRate(one)))
}

// A groupSize is the groups of one run from From to To requests.
type groupSize struct {
	From, To int
	Groups   int
	requests int
	took     time.Duration
}

func (s groupSize) rate() float64 {
	return float64(s.requests) / max(s.took, time.Microsecond).Seconds()
}

func (s groupSize) sizeText(ctx context.Context) string {
	if s.From == s.To {
		return numberText(ctx, s.From)
	}
	return say(ctx, "%s to %s", s.From, s.To)
}

// groupSizes sums groups up by doublings of their size, those without a group
// left out.
func groupSizes(groups []simulation.Group) []groupSize {
	var sizes []groupSize
	for _, g := range groups {
		power := int(math.Log2(float64(max(g.Requests, 1))))
		for len(sizes) <= power {
			from := 1 << len(sizes)
			sizes = append(sizes, groupSize{From: from, To: 2*from - 1})
		}
		s := &sizes[power]
		s.Groups++
		s.requests += g.Requests
		s.took += g.Took
	}
	return slices.DeleteFunc(sizes, func(s groupSize) bool { return s.Groups == 0 })
}

// Line joins the mean rates of one run's sizes.
func (g groupsPlot) Line(s series) string {
	var path line
	for _, size := range groupSizes(s.Run.Results.Groups) {
		mean := float64(size.requests) / float64(size.Groups)
		path = path.to(g.x.at(mean), g.y.at(size.rate()))
	}
	return string(path)
}
