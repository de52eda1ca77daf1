package simulation

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"rowlock/booking"
	"rowlock/locale"
)

// measure sums up how long people waited for a seat or a place in line. Who
// was refused or gave up is in none of it but the time that everything took.
func (c *crowd) measure() Results {
	r := Results{Took: microseconds(slices.Max(c.waited))}
	answered := c.answeredAfter()
	if len(answered) == 0 {
		return r
	}
	last := microseconds(answered[len(answered)-1])
	r.Latency = Latency{P50: percentile(answered, 50), P95: percentile(answered, 95), P99: percentile(answered, 99), Max: last}
	r.Histogram = histogram(answered)
	r.Pace = pace(answered)
	if last > 0 {
		r.BookingsPerSecond = float64(len(answered)) / last.Seconds()
	}
	return r
}

// ofAnswersOnly corrects what was measured before, when whoever gave up counted
// as answered at that moment. The histogram, which cannot be, is left out. Runs
// that are older than their pace stay as they are.
func (r *Results) ofAnswersOnly(answers int) {
	counted := 0
	for _, b := range r.Histogram {
		counted += b.Count
	}
	if counted <= answers || answers > 0 && len(r.Pace) != PaceSteps+1 {
		return
	}
	r.Histogram, r.Latency, r.BookingsPerSecond = nil, Latency{}, 0
	if answers == 0 {
		return
	}
	at := func(percent int) time.Duration { return r.Pace[percent*PaceSteps/100] }
	r.Latency = Latency{P50: at(50), P95: at(95), P99: at(99), Max: at(100)}
	if r.Latency.Max > 0 {
		r.BookingsPerSecond = float64(answers) / r.Latency.Max.Seconds()
	}
}

// answeredAfter sorts the waiting times of those who got a seat or a place in
// line.
func (c *crowd) answeredAfter() []int32 {
	var waited []int32
	for i, o := range c.outcomes {
		if o == registered || o == waitlisted {
			waited = append(waited, c.waited[i])
		}
	}
	slices.Sort(waited)
	return waited
}

// percentile is the least waiting time that p percent of the people did not
// exceed.
func percentile(sorted []int32, p int) time.Duration {
	rank := (len(sorted)*p + 99) / 100
	return microseconds(sorted[max(rank, 1)-1])
}

// histogram counts sorted waiting times in buckets that people can read: each
// ends at 1, 2 or 5 times a power of ten. It begins with the first bucket that
// holds somebody and ends with the last.
func histogram(sorted []int32) []Bucket {
	var buckets []Bucket
	from, to, digit := time.Duration(0), 100*time.Microsecond, 0
	for len(sorted) > 0 {
		n, _ := slices.BinarySearchFunc(sorted, to, func(us int32, to time.Duration) int {
			return int(microseconds(us) - to)
		})
		if n > 0 || len(buckets) > 0 {
			buckets = append(buckets, Bucket{From: from, To: to, Count: n})
		}
		sorted = sorted[n:]
		from = to
		if digit = (digit + 1) % 3; digit == 2 {
			to = to * 5 / 2
		} else {
			to *= 2
		}
	}
	return buckets
}

func microseconds(us int32) time.Duration { return time.Duration(us) * time.Microsecond }

// maxCauses bounds how many causes are told apart, should the text of an
// unknown error be different for everyone.
const maxCauses = 20

var otherCause = locale.Later("other causes")

// errNoAnswer counts an answer that is neither a seat nor a place in line.
var errNoAnswer = errors.New("neither a seat nor a place in line")

// errSentHome counts somebody who asked in vain, or not at all, because the
// simulation was stopped.
var errSentHome = errors.New("the simulation was stopped")

// causes puts the errors that a booker may give into an admin's words.
var causes = []struct {
	err   error
	words locale.Text
}{
	{errNoAnswer, locale.Later("was given neither a seat nor a place in line")},
	{errSentHome, locale.Later("left when the simulation was stopped")},
	{booking.ErrNoEvent, locale.Later("the event was gone")},
	{booking.ErrNoPerson, locale.Later("the person was gone")},
	{booking.ErrInactive, locale.Later("the account was deactivated")},
	{booking.ErrEventCancelled, locale.Later("the event was cancelled")},
	{booking.ErrStarted, locale.Later("the event had started")},
	{booking.ErrNotOpenYet, locale.Later("registration had not opened")},
	{booking.ErrClosed, locale.Later("registration had closed")},
	{booking.ErrBusy, locale.Later("the queue was full")},
	{booking.ErrStopping, locale.Later("the program was stopping")},
	{booking.ErrUnavailable, locale.Later("the database was out of reach")},
	{booking.ErrOutcomeUnknown, locale.Later("the database did not confirm the booking")},
	{context.DeadlineExceeded, locale.Later("no answer in time")},
}

// causeOf names the cause of a failed booking, the same for all whom it met:
// of an unknown error it is the innermost, which tells of no ids.
func causeOf(err error) locale.Text {
	for _, c := range causes {
		if errors.Is(err, c.err) {
			return c.words
		}
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return causeOf(booking.ErrUnavailable)
	}
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok {
		return locale.Later("the database refused: %s", refusal.Message)
	}
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, io.ErrUnexpectedEOF) {
		return causeOf(booking.ErrOutcomeUnknown) // the connection broke
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return locale.Later(err.Error()) // in no catalogue: it is said as it is
}

func gaveUpAfter(patience time.Duration) locale.Text {
	return locale.Later("gave up after %s s without an answer", strconv.FormatFloat(patience.Seconds(), 'g', -1, 64))
}

// gaveUpAfter is how long people waited before they gave up, or 0 when nobody
// did.
func (c *crowd) gaveUpAfter() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.gaveUp {
		return 0
	}
	return c.patience
}

// pace tells when each further [PaceSteps]th of the sorted had their answers.
func pace(sorted []int32) []time.Duration {
	pace := make([]time.Duration, PaceSteps+1)
	for i := range pace {
		rank := (len(sorted)*i + PaceSteps - 1) / PaceSteps
		pace[i] = microseconds(sorted[max(rank, 1)-1])
	}
	return pace
}

// failures lists the causes, the most frequent first.
func (c *crowd) failures() []Failure {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Failure
	for _, f := range c.causes {
		list = append(list, *f)
	}
	slices.SortFunc(list, func(a, b Failure) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Cause.String(), b.Cause.String())
	})
	return list
}
