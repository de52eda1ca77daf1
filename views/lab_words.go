package views

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rowlock/simulation"
)

// findings tell in sentences what the figures show. Each is worked out from
// the runs at hand: none says what should have come out.
func findings(c Compared) []string {
	done := c.finished()
	var list []string
	if len(done) > 0 {
		list = append(list, safetyFinding(done))
	}
	list = append(list, speedFindings(done)...)
	list = append(list, transactionFindings(done)...)
	for _, s := range done {
		list = append(list, troubleFindings(s)...)
	}
	for _, s := range c.series() {
		if s.Run.State == simulation.Failed {
			list = append(list, s.Label+" did not finish. "+s.Run.Failure)
		}
	}
	return list
}

func safetyFinding(done []series) string {
	sum := soundnessOf(done)
	if !sum.holds() {
		var broken []string
		for _, s := range done {
			if !holds(s.Run) {
				broken = append(broken, fmt.Sprintf("%s (%s overbooked, %s failed)", s.Label,
					number(s.Run.Tally.Overbooked), count(len(failedChecks(s.Run)), "check", "checks")))
			}
		}
		return "A promise was broken by " + listed(broken) + "."
	}
	same := !slices.ContainsFunc(done, func(s series) bool { return s.Run.Tally.Registered != done[0].Run.Tally.Registered })
	if same && len(done) > 1 {
		return fmt.Sprintf("Safety is no difference: each gave out %s, nobody was overbooked, and all %s checks passed.",
			count(done[0].Run.Tally.Registered, "seat", "seats"), number(sum.Checks))
	}
	return "Nobody was overbooked, and all " + number(sum.Checks) + " checks passed."
}

// alike is how many times as fast one run may be as another before a word is
// said about it: two runs of the same strategy differ as much.
const alike = 1.3

func speedFindings(done []series) []string {
	fastest, slowest, ok := extremes(done)
	if !ok {
		return nil
	}
	high, low := fastest.Run.Results, slowest.Run.Results
	if !isTold(fastest, slowest) {
		return []string{fmt.Sprintf("Speed is hardly one either: between %s and %s bookings per second.",
			rate(low.BookingsPerSecond), rate(high.BookingsPerSecond))}
	}
	return []string{
		fmt.Sprintf("%s answered %s in %s, %s bookings per second. %s needed %s for %s, %s per second: %s times fewer.",
			fastest.Label, count(fastest.served(), "person", "people"), took(lastAnswer(fastest)), rate(high.BookingsPerSecond),
			slowest.Label, took(lastAnswer(slowest)), number(slowest.served()), rate(low.BookingsPerSecond),
			times(high.BookingsPerSecond, low.BookingsPerSecond)),
		fmt.Sprintf("Half of the people had their answer within %s with %s, and within %s with %s. One in a hundred waited longer than %s and %s.",
			took(high.Latency.P50), inSentence(fastest), took(low.Latency.P50), inSentence(slowest), took(high.Latency.P99), took(low.Latency.P99)),
	}
}

// lastAnswer is when the last of those who were served had their answer.
func lastAnswer(s series) time.Duration {
	if pace := s.Run.Results.Pace; len(pace) > 0 {
		return pace[len(pace)-1]
	}
	return s.Run.Results.Took
}

// troubleFindings tell what went in vain in a run, and for whom.
func troubleFindings(s series) []string {
	r := s.Run.Results
	var list []string
	if r.Retries > 0 && s.served() > 0 {
		list = append(list, fmt.Sprintf("%s decided %s in vain, %s for each answer: whoever found the event changed meanwhile had to begin again.",
			s.Label, count(int(r.Retries), "time", "times"), countOf(float64(r.Retries)/float64(s.served()), "retry", "retries")))
	}
	if r.GaveUpAfter > 0 {
		list = append(list, fmt.Sprintf("With %s %s gave up after %s without an answer. Without that limit it would have gone on.",
			inSentence(s), count(gaveUp(r), "person", "people"), took(r.GaveUpAfter)))
	}
	for _, f := range r.Failures {
		if !strings.HasPrefix(f.Cause, gaveUpCause) {
			list = append(list, fmt.Sprintf("With %s %s had no seat and no place: %s.", inSentence(s), count(f.Count, "person", "people"), f.Cause))
		}
	}
	return list
}

// gaveUpCause begins the cause of those who gave up.
const gaveUpCause = "gave up after "

func gaveUp(r simulation.Results) int {
	for _, f := range r.Failures {
		if strings.HasPrefix(f.Cause, gaveUpCause) {
			return f.Count
		}
	}
	return 0
}

// transactionFindings tell what the answers cost: of each run whose commits
// were shared, and of all others together.
func transactionFindings(done []series) []string {
	var list, each []string
	connections := 0
	for _, s := range done {
		r := s.Run.Results
		switch {
		case r.Transactions == 0 || s.served() == 0:
		case answersPerTransaction(s) >= alike:
			list = append(list, sharedFinding(s))
		default:
			each = append(each, number(int(r.Transactions))+" with "+inSentence(s))
			connections = max(connections, r.Connections)
		}
	}
	if len(each) > 0 {
		list = append(list, fmt.Sprintf("A transaction for each booking adds up: %s, on up to %s. None of them shares its commit with another.",
			listed(each), count(connections, "connection", "connections")))
	}
	return list
}

func answersPerTransaction(s series) float64 {
	return float64(s.served()) / float64(s.Run.Results.Transactions)
}

func sharedFinding(s series) string {
	r := s.Run.Results
	largest := 0
	for _, g := range r.Groups {
		largest = max(largest, g.Requests)
	}
	text := fmt.Sprintf("%s used %s on %s for %s: each commit paid for %s of them", s.Label,
		count(int(r.Transactions), "transaction", "transactions"), count(r.Connections, "connection", "connections"),
		count(s.served(), "answer", "answers"), threeDigits(answersPerTransaction(s)))
	if largest > 0 {
		text += ", the largest group had " + number(largest)
	}
	return text + "."
}

func countOf(f float64, one, many string) string {
	text := threeDigits(f)
	if text == "1" {
		return "1 " + one
	}
	return text + " " + many
}

// inSentence is a label in the middle of a sentence: a strategy's name, which
// is no proper name, begins small there.
func inSentence(s series) string {
	if s.Run.Name == "" {
		return strings.ToLower(s.Label[:1]) + s.Label[1:]
	}
	return "“" + s.Label + "”"
}

// listed joins things as people list them: "a, b and c".
func listed(things []string) string {
	if len(things) < 2 {
		return strings.Join(things, "")
	}
	return strings.Join(things[:len(things)-1], ", ") + " and " + things[len(things)-1]
}
