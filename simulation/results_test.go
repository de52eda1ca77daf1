package simulation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"rowlock/booking"
)

func TestPercentile(t *testing.T) {
	t.Parallel()
	hundred := make([]int32, 100)
	for i := range hundred {
		hundred[i] = int32(i + 1)
	}
	tests := []struct {
		sorted []int32
		p      int
		want   time.Duration
	}{
		{hundred, 50, 50 * time.Microsecond},
		{hundred, 99, 99 * time.Microsecond},
		{[]int32{7}, 50, 7 * time.Microsecond},
		{[]int32{7}, 99, 7 * time.Microsecond},
		{[]int32{1, 9}, 50, 1 * time.Microsecond},
		{[]int32{1, 9}, 95, 9 * time.Microsecond},
	}
	for _, tt := range tests {
		if got := percentile(tt.sorted, tt.p); got != tt.want {
			t.Errorf("p%d of %d: got %v, want %v", tt.p, len(tt.sorted), got, tt.want)
		}
	}
}

func TestHistogram(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		sorted []int32
		want   string
	}{
		{"one quick answer", []int32{50}, "0s-100µs:1"},
		{"an answer at a bound", []int32{99, 100, 199, 200}, "0s-100µs:1 100µs-200µs:2 200µs-500µs:1"},
		{"nobody before, a gap within", []int32{1_500, 12_000}, "1ms-2ms:1 2ms-5ms:0 5ms-10ms:0 10ms-20ms:1"},
		{"slow", []int32{3_000_000, 4_999_999}, "2s-5s:2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var words []string
			for _, b := range histogram(tt.sorted) {
				words = append(words, fmt.Sprintf("%v-%v:%d", b.From, b.To, b.Count))
			}
			if got := strings.Join(words, " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// What a lost database was to people is told in an admin's words, and not with
// the address at which it was looked for.
func TestCausesOfAnOutage(t *testing.T) {
	t.Parallel()
	startsUp := &pgconn.PgError{Code: "57P03", Message: "the database system is starting up"}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&pgconn.ConnectError{}, "the database was out of reach"},
		{fmt.Errorf("begin: %w", &pgconn.ConnectError{}), "the database was out of reach"},
		{fmt.Errorf("commit: %w", io.ErrUnexpectedEOF), "the database did not confirm the booking"},
		{fmt.Errorf("write: %w", &net.OpError{Op: "write", Err: syscall.EPIPE}), "the database did not confirm the booking"},
		{fmt.Errorf("begin: %w", startsUp), "the database refused: the database system is starting up"},
		{context.DeadlineExceeded, "no answer in time"},
		{fmt.Errorf("book: %w", errors.New("the moon was full")), "the moon was full"},
	} {
		if got := causeOf(tt.err).String(); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.err, got, tt.want)
		}
	}
}

// Whoever gave up waited for nothing: the times, the histogram and the rate are
// of those who had an answer.
func TestWaitsAreOfThoseWhoHadAnAnswer(t *testing.T) {
	t.Parallel()
	const ms = 1000
	c := crowd{
		outcomes: []outcome{refused, waitlisted, registered, refused, registered, waitlisted, refused},
		waited:   []int32{1000 * ms, 40 * ms, 10 * ms, 1010 * ms, 20 * ms, 30 * ms, 1000 * ms},
	}
	r := c.measure()
	if want := (Latency{P50: 20 * time.Millisecond, P95: 40 * time.Millisecond, P99: 40 * time.Millisecond, Max: 40 * time.Millisecond}); r.Latency != want {
		t.Errorf("the latencies are %+v, want %+v", r.Latency, want)
	}
	counted := 0
	for _, b := range r.Histogram {
		counted += b.Count
	}
	if counted != 4 || r.Pace[PaceSteps] != r.Latency.Max || r.Pace[PaceSteps/2] != r.Latency.P50 {
		t.Errorf("the histogram counts %d of 4, the pace leads to %v", counted, r.Pace[PaceSteps])
	}
	if r.BookingsPerSecond != 100 || r.Took != 1010*time.Millisecond {
		t.Errorf("%g bookings per second until the last of 4 in 40 ms, and all were through after %v", r.BookingsPerSecond, r.Took)
	}

	none := crowd{outcomes: []outcome{refused, refused}, waited: []int32{1000 * ms, 1001 * ms}}
	if r := none.measure(); r.Latency != (Latency{}) || r.Histogram != nil || r.Pace != nil || r.BookingsPerSecond != 0 || r.Took != 1001*time.Millisecond {
		t.Errorf("when everybody gave up it is %+v", r)
	}
}

// A run that was measured when giving up counted as an answer is read as one is
// measured now; one of now is read as it was measured.
func TestOldRunsAreReadAsNewOnes(t *testing.T) {
	t.Parallel()
	const ms = 1000
	c := crowd{outcomes: make([]outcome, 400), waited: make([]int32, 400)}
	for i := range c.outcomes {
		c.outcomes[i], c.waited[i] = refused, 1000*ms
		if i < 150 {
			c.outcomes[i], c.waited[i] = registered, int32(i+1)*ms
		}
	}
	measured := c.measure()
	now := measured
	now.ofAnswersOnly(150)
	if len(now.Histogram) != len(measured.Histogram) || now.Latency != measured.Latency || now.BookingsPerSecond != measured.BookingsPerSecond {
		t.Errorf("a run of now is read as %+v", now)
	}

	old := measured
	old.Histogram = append(slices.Clone(measured.Histogram), Bucket{From: time.Second, To: 2 * time.Second, Count: 250})
	old.Latency, old.BookingsPerSecond = Latency{P50: time.Second, P95: time.Second, P99: time.Second, Max: time.Second}, 150
	old.ofAnswersOnly(150)
	if old.Latency != measured.Latency || old.BookingsPerSecond != measured.BookingsPerSecond || old.Histogram != nil {
		t.Errorf("an old one is read as %+v, %g per second, with %d buckets", old.Latency, old.BookingsPerSecond, len(old.Histogram))
	}

	none := Results{Histogram: []Bucket{{From: time.Second, To: 2 * time.Second, Count: 400}}, Latency: Latency{P50: time.Second, Max: time.Second}}
	if none.ofAnswersOnly(0); none.Latency != (Latency{}) || none.Histogram != nil {
		t.Errorf("an old one without an answer is read as %+v", none)
	}
}

// Beyond the limit, somebody comes in for everyone who leaves: nobody is left
// outside, and no more than the limit ever wait.
func TestCrowdBeyondItsLimit(t *testing.T) {
	t.Parallel()
	b := &countingBooker{}
	c := crowd{limit: 30}
	people := make([]uuid.UUID, 200)
	c.gather(b, uuid.New(), people)
	if came := c.came.Load(); came != 30 {
		t.Errorf("%d came before the doors opened, want 30", came)
	}
	if b.calls.Load() != 0 {
		t.Error("somebody booked before the doors opened")
	}
	select {
	case <-c.release():
	case <-time.After(time.Minute):
		t.Fatal("somebody never got an answer")
	}
	if n := b.calls.Load(); n != 200 || c.tally().Registered != 200 || c.answered() != 200 {
		t.Errorf("%d of 200 booked, the tally is %+v", n, c.tally())
	}
	if most := b.most.Load(); most > 30 || most < 2 {
		t.Errorf("%d waited at once, the limit is 30", most)
	}
}

// A countingBooker gives everyone a seat and counts how many asked at once.
type countingBooker struct{ calls, inside, most atomic.Int32 }

func (b *countingBooker) Book(context.Context, booking.Request) (booking.Answer, error) {
	defer b.inside.Add(-1)
	for n := b.inside.Add(1); ; {
		most := b.most.Load()
		if n <= most || b.most.CompareAndSwap(most, n) {
			break
		}
	}
	time.Sleep(time.Millisecond)
	return booking.Answer{Standing: booking.Confirmed, Position: int(b.calls.Add(1))}, nil
}

// Somebody who was sent to the line although others came later and got a seat
// is found out.
func TestCheckOrder(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		outcomes  []outcome
		positions []int32
		ok        bool
	}{
		{"seats first", []outcome{waitlisted, registered, registered}, []int32{3, 1, 2}, true},
		{"a seat for somebody behind", []outcome{waitlisted, registered, registered}, []int32{2, 1, 3}, false},
		{"the same number twice", []outcome{waitlisted, registered}, []int32{1, 1}, false},
		{"seats for all", []outcome{registered, registered}, []int32{2, 1}, true},
		{"a line only", []outcome{waitlisted, waitlisted}, []int32{2, 1}, true},
		{"the refused count for nothing", []outcome{refused, waitlisted, registered}, []int32{0, 2, 1}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := crowd{outcomes: tt.outcomes, positions: tt.positions}
			if got := c.checkOrder(); got.OK != tt.ok {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// Somebody in line may have got a seat since: that keeps the answer, another
// seat does not.
func TestCheckKept(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		told outcome
		has  place
		ok   bool
	}{
		{"a seat", registered, place{registered, 5, false}, true},
		{"a place in line", waitlisted, place{waitlisted, 5, false}, true},
		{"promoted since", waitlisted, place{registered, 5, true}, true},
		{"a seat, but not by promotion", waitlisted, place{registered, 5, false}, false},
		{"only a place in line", registered, place{waitlisted, 5, false}, false},
		{"another number", registered, place{registered, 6, false}, false},
		{"nothing", waitlisted, place{}, false},
		{"nothing, as was told", refused, place{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			person := uuid.New()
			c := crowd{people: []uuid.UUID{person}, outcomes: []outcome{tt.told}, positions: []int32{5}}
			kept := map[uuid.UUID]place{}
			if tt.has != (place{}) {
				kept[person] = tt.has
			}
			if got := c.checkKept(kept); got.OK != tt.ok {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// The first 2,304 people have names of their own.
func TestMadeUpNames(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for i := range len(firstNames) * len(lastNames) {
		name := madeUpName(i)
		if known[name] {
			t.Fatalf("person %d is a second %s", i, name)
		}
		known[name] = true
	}
	if len(known) != 2304 {
		t.Errorf("there are %d names", len(known))
	}
}
