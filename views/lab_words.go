package views

import (
	"context"
	"slices"
	"strings"
	"time"

	"rowlock/locale"
	"rowlock/simulation"
)

// findings tell in sentences what the figures show. Each is worked out from
// the runs at hand: none says what should have come out.
func findings(ctx context.Context, c Compared) []string {
	done := c.finished(ctx)
	var list []string
	if judged := c.judged(ctx); len(judged) > 0 {
		list = append(list, safetyFinding(ctx, judged))
	}
	list = append(list, speedFindings(ctx, done)...)
	list = append(list, transactionFindings(ctx, done)...)
	for _, s := range done {
		list = append(list, troubleFindings(ctx, s)...)
	}
	for _, s := range c.series(ctx) {
		if s.Run.State == simulation.Failed {
			list = append(list, say(ctx, "%s did not finish. %s", s.Label, s.Run.Failure))
		}
	}
	return list
}

func safetyFinding(ctx context.Context, judged []series) string {
	sum := soundnessOf(judged)
	if !sum.holds() {
		var broken []string
		for _, s := range judged {
			if breaks(s) {
				broken = append(broken, say(ctx, "%s (%s overbooked, %s)", s.Label, s.Run.Tally.Overbooked,
					countText(ctx, len(failedChecks(ctx, s.Run)), "%s check failed", "%s checks failed")))
			}
		}
		return say(ctx, "A promise was broken by %s.", listed(ctx, broken))
	}
	same := !slices.ContainsFunc(judged, func(s series) bool { return s.Run.Tally.Registered != judged[0].Run.Tally.Registered })
	if same && len(judged) > 1 {
		return say(ctx, "Safety is no difference: each gave out %s, nobody was overbooked, and all %s checks passed.",
			seatsText(ctx, judged[0].Run.Tally.Registered), sum.Checks)
	}
	return sum.text(ctx)
}

// alike is how many times as fast one run may be as another before a word is
// said about it: two runs of the same strategy differ as much.
const alike = 1.3

func speedFindings(ctx context.Context, done []series) []string {
	fastest, slowest, ok := extremes(done)
	if !ok {
		return nil
	}
	high, low := fastest.Run.Results, slowest.Run.Results
	if !isTold(fastest, slowest) {
		return []string{say(ctx, "Speed is hardly one either: between %s and %s bookings per second.",
			rate(ctx, low.BookingsPerSecond), rate(ctx, high.BookingsPerSecond))}
	}
	return []string{
		say(ctx, "%s answered %s in %s, %s bookings per second. %s needed %s for %s, %s per second: %s times fewer.",
			fastest.Label, servedText(ctx, fastest), took(ctx, lastAnswer(fastest)), rate(ctx, high.BookingsPerSecond),
			slowest.Label, took(ctx, lastAnswer(slowest)), servedNumber(ctx, slowest), rate(ctx, low.BookingsPerSecond),
			times(ctx, high.BookingsPerSecond, low.BookingsPerSecond)),
		waitFinding(ctx, fastest, slowest),
	}
}

// servedText counts the people who had an answer, out of all where others had
// none.
func servedText(ctx context.Context, s series) string {
	if s.served() < s.Run.Users {
		return countText(ctx, s.Run.Users, "%[2]s of %[1]s person", "%[2]s of %[1]s people", s.served())
	}
	return peopleText(ctx, s.served())
}

// servedNumber is [servedText] where people were named before.
func servedNumber(ctx context.Context, s series) string {
	if s.served() < s.Run.Users {
		return say(ctx, "%s of %s", s.served(), s.Run.Users)
	}
	return numberText(ctx, s.served())
}

func waitFinding(ctx context.Context, fastest, slowest series) string {
	high, low := fastest.Run.Results.Latency, slowest.Run.Results.Latency
	times := []any{took(ctx, high.P50), inSentence(ctx, fastest), took(ctx, low.P50), inSentence(ctx, slowest), took(ctx, high.P99), took(ctx, low.P99)}
	if fastest.Run.Tally.Failed > 0 || slowest.Run.Tally.Failed > 0 {
		return say(ctx, "Of those who had an answer, half had it within %s with %s, and within %s with %s. One in a hundred of them waited longer than %s and %s.", times...)
	}
	return say(ctx, "Half of the people had their answer within %s with %s, and within %s with %s. One in a hundred waited longer than %s and %s.", times...)
}

// lastAnswer is when the last of those who were served had their answer.
func lastAnswer(s series) time.Duration {
	if pace := s.Run.Results.Pace; len(pace) > 0 {
		return pace[len(pace)-1]
	}
	return s.Run.Results.Took
}

// troubleFindings tell what went in vain in a run, and for whom.
func troubleFindings(ctx context.Context, s series) []string {
	r := s.Run.Results
	var list []string
	if r.Retries > 0 && s.served() > 0 {
		list = append(list, countText(ctx, int(r.Retries),
			"%[2]s decided %[1]s time in vain, %[3]s: whoever found the event changed meanwhile had to begin again.",
			"%[2]s decided %[1]s times in vain, %[3]s: whoever found the event changed meanwhile had to begin again.",
			s.Label, retriesForEach(ctx, s)))
	}
	if r.GaveUpAfter > 0 {
		list = append(list, say(ctx, "With %s %s gave up after %s without an answer. Without that limit it would have gone on.",
			inSentence(ctx, s), peopleText(ctx, gaveUp(r)), took(ctx, r.GaveUpAfter)))
	}
	for _, f := range r.Failures {
		if !strings.HasPrefix(f.Cause.String(), gaveUpCause) {
			list = append(list, say(ctx, "With %s %s had no seat and no place: %s.", inSentence(ctx, s), peopleText(ctx, f.Count), f.Cause))
		}
	}
	return list
}

// gaveUpCause begins the cause of those who gave up.
const gaveUpCause = "gave up after "

func gaveUp(r simulation.Results) int {
	for _, f := range r.Failures {
		if strings.HasPrefix(f.Cause.String(), gaveUpCause) {
			return f.Count
		}
	}
	return 0
}

// transactionFindings tell what the answers cost: of each run whose commits
// were shared, and of all others together.
func transactionFindings(ctx context.Context, done []series) []string {
	var list, each []string
	connections := 0
	for _, s := range done {
		r := s.Run.Results
		switch {
		case r.Transactions == 0 || s.served() == 0:
		case answersPerTransaction(s) >= alike:
			list = append(list, sharedFinding(ctx, s))
		default:
			each = append(each, say(ctx, "%s with %s", int(r.Transactions), inSentence(ctx, s)))
			connections = max(connections, r.Connections)
		}
	}
	if len(each) > 0 {
		list = append(list, say(ctx, "A transaction for each booking adds up: %s, on up to %s. None of them shares its commit with another.",
			listed(ctx, each), connectionsText(ctx, connections)))
	}
	return list
}

func answersPerTransaction(s series) float64 {
	return float64(s.served()) / float64(s.Run.Results.Transactions)
}

func sharedFinding(ctx context.Context, s series) string {
	r := s.Run.Results
	largest := 0
	for _, g := range r.Groups {
		largest = max(largest, g.Requests)
	}
	figures := []any{
		s.Label, countText(ctx, int(r.Transactions), "%s transaction", "%s transactions"), connectionsText(ctx, r.Connections),
		countText(ctx, s.served(), "%s answer", "%s answers"), threeDigits(ctx, answersPerTransaction(s)),
	}
	if largest == 0 {
		return say(ctx, "%s used %s on %s for %s: each commit paid for %s of them.", figures...)
	}
	return say(ctx, "%s used %s on %s for %s: each commit paid for %s of them, the largest group had %s.", append(figures, largest)...)
}

func connectionsText(ctx context.Context, n int) string {
	return countText(ctx, n, "%s connection", "%s connections")
}

func retriesForEach(ctx context.Context, s series) string {
	ratio := threeDigits(ctx, float64(s.Run.Results.Retries)/float64(s.served()))
	if ratio == numberText(ctx, 1) {
		return say(ctx, "%s retry for each answer", ratio)
	}
	return say(ctx, "%s retries for each answer", ratio)
}

// strategiesInSentences are the strategies' names, which are no proper names,
// in the middle of a sentence.
var strategiesInSentences = map[string]locale.Text{
	simulation.Grouped:     locale.Later("grouped"),
	simulation.Pessimistic: locale.Later("pessimistic"),
	simulation.Optimistic:  locale.Later("optimistic"),
	simulation.Conditional: locale.Later("conditional"),
}

// inSentence is a label in the middle of a sentence.
func inSentence(ctx context.Context, s series) string {
	if s.Run.Name != "" {
		return say(ctx, "“%s”", s.Label)
	}
	rest := strings.TrimPrefix(s.Label, shortStrategy(ctx, s.Run.Strategy))
	return orElse(said(ctx, strategiesInSentences[s.Run.Strategy]), s.Run.Strategy) + rest
}

// listed joins things as people list them: "a, b and c".
func listed(ctx context.Context, things []string) string {
	if len(things) < 2 {
		return strings.Join(things, "")
	}
	last := len(things) - 1
	return say(ctx, "%s and %s", strings.Join(things[:last], ", "), things[last])
}
