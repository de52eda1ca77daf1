package views

import (
	"context"
	"strconv"
	"strings"
	"time"

	"rowlock/booking"
	"rowlock/locale"
	"rowlock/simulation"
)

// allHold tells whether every check passed. No check at all is no proof.
func allHold(checks []booking.Check) bool {
	for _, c := range checks {
		if !c.OK {
			return false
		}
	}
	return len(checks) > 0
}

func passed(checks []booking.Check) int {
	n := 0
	for _, c := range checks {
		if c.OK {
			n++
		}
	}
	return n
}

// checkTexts are the names of checks in words.
var checkTexts = map[string]locale.Text{
	"no-overbooking":     locale.Later("No overbooking"),
	"seats-add-up":       locale.Later("Seats add up"),
	"line-adds-up":       locale.Later("Line adds up"),
	"no-idle-seat":       locale.Later("No idle seat"),
	"one-standing":       locale.Later("One standing"),
	"order-of-arrival":   locale.Later("Order of arrival"),
	"numbers-drawn-once": locale.Later("Numbers drawn once"),
	"cancelled-is-over":  locale.Later("Cancelled is over"),
	"references-exist":   locale.Later("References exist"),
	"answers-kept":       locale.Later("Answers kept"),
	"answers-in-order":   locale.Later("Answers in order"),
	"checks-finish":      locale.Later("Checks finish"),
}

// checkText is the name of a check in words: "No overbooking". One that a run
// of long ago was held to and nobody knows any more keeps its own name.
func checkText(ctx context.Context, name string) string {
	if text, ok := checkTexts[name]; ok {
		return said(ctx, text)
	}
	return capital(strings.ReplaceAll(name, "-", " "))
}

// phaseText tells what a running simulation does.
func phaseText(ctx context.Context, s simulation.Simulation) string {
	switch s.Phase {
	case simulation.Booking:
		if s.Users > simulation.MaxAtOnce {
			return say(ctx, "Booking, %s at once", simulation.MaxAtOnce)
		}
		return say(ctx, "Booking, all at once")
	case simulation.Checking:
		return say(ctx, "Checking every answer against the database")
	}
	return countText(ctx, s.Users, "Making %s person", "Making %s people")
}

// askedText tells what a simulation did, in a sentence.
func askedText(ctx context.Context, s simulation.Simulation) string {
	if s.Users > simulation.MaxAtOnce {
		return say(ctx, "%s people ask for %s, %s of them at the same moment and each of the others as soon as somebody has an answer.",
			s.Users, seatsText(ctx, s.Seats), simulation.MaxAtOnce)
	}
	return countText(ctx, s.Users, "%s person asks for %s at the same moment.", "%s people ask for %s at the same moment.", seatsText(ctx, s.Seats))
}

// atOnceHint tells those who let more people ask that not all do so at once.
func atOnceHint(ctx context.Context) string {
	return say(ctx, "Up to %s ask at once; of more, each comes in as soon as somebody has an answer.", simulation.MaxAtOnce)
}

func seatsText(ctx context.Context, n int) string { return countText(ctx, n, "%s seat", "%s seats") }

func peopleText(ctx context.Context, n int) string {
	return countText(ctx, n, "%s person", "%s people")
}

// startedBy names who started a simulation or a comparison.
func startedBy(ctx context.Context, name string) string {
	if name == "" {
		return say(ctx, "Started by somebody who is gone")
	}
	return say(ctx, "Started by %s", name)
}

// holds tells whether a finished run kept every promise.
func holds(s simulation.Simulation) bool {
	return s.State == simulation.Done && s.Tally.Overbooked == 0 && allHold(s.Results.Checks)
}

// together tells whether the last of everybody's answers came so soon after the
// median that the times in between say nothing.
func together(s simulation.Simulation) bool {
	l := s.Results.Latency
	return s.Users > 1 && s.Tally.Failed == 0 && l.Max > 0 && l.Max-l.P50 <= l.Max/20
}

// served is how many people got a seat or a place in line.
func served(s simulation.Simulation) int { return s.Tally.Registered + s.Tally.Waitlisted }

// answeredText tells of a finished run how many had an answer, and what became
// of the others: "1,577 of 4,000 had an answer; 2,423 gave up after 1 s".
func answeredText(ctx context.Context, s simulation.Simulation) string {
	had := say(ctx, "Nobody had an answer")
	if n := served(s); n > 0 {
		had = countText(ctx, n, "%s of %s had an answer", "%s of %s had an answer", s.Users)
	}
	var rest []string
	left := gaveUp(s.Results)
	if left > 0 {
		rest = append(rest, countText(ctx, left, "%s gave up after %s", "%s gave up after %s", took(ctx, s.Results.GaveUpAfter)))
	}
	if others := s.Tally.Failed - left; others > 0 {
		rest = append(rest, countText(ctx, others, "%s failed", "%s failed"))
	}
	return say(ctx, "%s; %s", had, listed(ctx, rest))
}

// lastAnswerText names the time of the last answer.
func lastAnswerText(ctx context.Context, s simulation.Simulation) string {
	if s.Tally.Failed > 0 {
		return say(ctx, "Last answer after")
	}
	return say(ctx, "All answered after")
}

// halfText names the median of the times until the answers.
func halfText(ctx context.Context, s simulation.Simulation) string {
	if s.Tally.Failed > 0 {
		return say(ctx, "Half of the answered within")
	}
	return say(ctx, "Half waited at most")
}

// waited is how long people of a run waited for their answers, if there were
// any.
func waited(ctx context.Context, s simulation.Simulation, d time.Duration) string {
	if served(s) == 0 {
		return "–"
	}
	return took(ctx, d)
}

// verdictText sums up a finished run in a sentence.
func verdictText(ctx context.Context, s simulation.Simulation) string {
	checks := s.Results.Checks
	switch {
	case s.Tally.Overbooked > 0:
		return say(ctx, "More people were confirmed than there were seats. Look at the checks below.")
	case !allHold(checks):
		return say(ctx, "%s of %s checks passed. Look at the others below.", passed(checks), len(checks))
	default:
		return say(ctx, "Nobody was confirmed beyond the seats there were, and all %s checks passed.", len(checks))
	}
}

// A comparison sets runs of one event side by side.
type comparison struct {
	Runs []simulation.Simulation
	// Fastest is the greatest rate among them.
	Fastest float64
}

// compare puts the run itself before the earlier ones.
func compare(in SimulationRun) comparison {
	c := comparison{Runs: append([]simulation.Simulation{in.Simulation}, in.Earlier...)}
	for _, s := range c.Runs {
		c.Fastest = max(c.Fastest, s.Results.BookingsPerSecond)
	}
	return c
}

// Share is a run's rate in hundredths of the fastest, as a length.
func (c comparison) Share(s simulation.Simulation) string {
	if c.Fastest <= 0 {
		return "0"
	}
	return strconv.FormatFloat(100*s.Results.BookingsPerSecond/c.Fastest, 'f', 1, 64)
}

// rate is a number of bookings per second: "12,400", "0.8".
func rate(ctx context.Context, perSecond float64) string {
	if perSecond < 10 {
		return locale.From(ctx).Decimal(perSecond, 1)
	}
	return numberText(ctx, int(perSecond+0.5))
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
