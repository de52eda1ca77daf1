// Package simulation lets N made-up people book one event at the same moment,
// through the same call that a browser's request makes, and tallies what
// became of them. It is how an admin sees with their own eyes that nothing is
// overbooked.
package simulation

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"rowlock/booking"
	"rowlock/locale"
)

// Target says what a simulation books.
type Target string

const (
	// Rehearsal books a private copy of the event, with as many free seats as
	// the event has, so that no real attendee loses one.
	Rehearsal Target = "rehearsal"
	// EventItself books the event, until the simulation is undone.
	EventItself Target = "event"
)

// State says how far a simulation is.
type State string

// A simulation is done when every made-up person has an answer and the checks
// have run. It failed when it could not get that far.
const (
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
)

// MaxUsers is the largest simulation.
const MaxUsers = 100_000

// MaxAtOnce is how many people ask at the same moment at most, and wait for an
// answer at once. Each costs 3 KB, the stack being most of it, so a hundred
// thousand of them would not fit into the 300 MB that the whole program is to
// stay below. Of more, everybody after these comes in as soon as somebody
// leaves: as far as the booker can tell, all were there.
const MaxAtOnce = 50_000

// The ways to make a booking safe. Grouped is the desk, which production uses.
const (
	Grouped     = "grouped"
	Pessimistic = "pessimistic"
	Optimistic  = "optimistic"
	Conditional = "conditional"
)

// Strategies names the ways to make a booking safe that can be compared, the
// default first. A [Runner] offers those that it was given.
func Strategies() []string {
	return []string{Grouped, Pessimistic, Optimistic, Conditional}
}

// What a simulation can be refused with.
var (
	// ErrNotFound says that there is no such simulation.
	ErrNotFound = errors.New("no such simulation")
	// ErrUsers says that the number of made-up people is not from 1 to
	// [MaxUsers].
	ErrUsers = errors.New("users must be a number from 1 to 100000")
	// ErrSeats says that a rehearsal's seats are out of range.
	ErrSeats = errors.New("seats must be a number from 0 to 100000")
	// ErrOwnSeats says that seats were chosen for the event itself, which has
	// those it has.
	ErrOwnSeats = errors.New("only a rehearsal's seats can be chosen")
	// ErrStrategy says that there is no such strategy.
	ErrStrategy = errors.New("no such strategy")
	// ErrTarget says that the target is neither of the two.
	ErrTarget = errors.New("the target must be rehearsal or event")
	// ErrNotBookable says that nobody can book the event itself now, made up
	// or not. A rehearsal of it can always be booked.
	ErrNotBookable = errors.New("the event cannot be booked now")
	// ErrRunning says that one simulation runs at a time, and one does now.
	ErrRunning = errors.New("another simulation is running")
	// ErrNoComparison says that there is no such comparison.
	ErrNoComparison = errors.New("no such comparison")
	// ErrNotRunning says that there is nothing to stop: it has come to its end.
	ErrNotRunning = errors.New("the simulation is over")
	// ErrNotFinished says that a simulation can be undone only when it has
	// come to its end.
	ErrNotFinished = errors.New("the simulation is still running")
	// ErrPatience says that a strategy's time is not from a second to
	// [MaxPatience].
	ErrPatience = errors.New("the time for a strategy must be from 1 to 600 seconds")
	// ErrFewStrategies says that there is nothing to compare.
	ErrFewStrategies = errors.New("a comparison needs two strategies or more")
	// ErrName says that a name is empty or longer than [MaxName].
	ErrName = errors.New("a name has from 1 to 100 characters")
	// ErrNothingToUndo says that the simulation was undone before.
	ErrNothingToUndo = errors.New("the simulation was undone before")
)

// Params are what an admin chooses.
type Params struct {
	// Name is what to call the run; it need not have one.
	Name      string
	EventID   uuid.UUID
	StartedBy uuid.UUID
	Users     int
	// Strategy is one of [Strategies]; empty means grouped.
	Strategy string
	// Target is a rehearsal when empty.
	Target Target
	// Seats overrides how many seats a rehearsal has free; nil means as many
	// as the event.
	Seats *int
	// Patience is how long people wait for their answers before they give up;
	// zero means [DefaultPatience]. Nobody gives up on the desk, which answers
	// everyone in a time of its own.
	Patience time.Duration

	// comparison is set on the runs of one.
	comparison uuid.NullUUID
}

const (
	// DefaultPatience is how long people wait for a strategy other than the
	// desk: a crowd that all want the same row may keep it busy for hours.
	DefaultPatience = time.Minute
	// MaxPatience is the longest that people can be told to wait.
	MaxPatience = 10 * time.Minute
	// MaxName is how many characters a name has at most.
	MaxName = 100
)

// What a running simulation does, one after the other.
const (
	// Preparing makes the people.
	Preparing = "preparing"
	// Booking waits for everyone's answer.
	Booking = "booking"
	// Checking compares the answers with the database.
	Checking = "checking"
)

// A Simulation is one run as it stands in the database.
type Simulation struct {
	ID uuid.UUID
	// Name is what an admin called the run, if anything.
	Name string
	// ComparisonID names the comparison that the run is a part of.
	ComparisonID uuid.NullUUID
	EventID      uuid.UUID
	EventTitle   string
	// RehearsalID names the private copy that was booked.
	RehearsalID   uuid.NullUUID
	StartedBy     uuid.UUID
	StartedByName string
	Target        Target
	Strategy      string
	State         State
	// Failure says why a failed simulation failed, in words for an admin.
	Failure locale.Text
	// Phase is what a running simulation does now: [Preparing], [Booking] or
	// [Checking].
	Phase string
	// Users attempted to book; Seats were free before them; Answered of them
	// got a seat or a place in line so far.
	Users, Seats, Answered int
	// Stopped tells that an admin asked for its end. A run that ended early,
	// for that or another reason, has the tally of the people who had an
	// answer by then, the seats as they were left and, if it came so far, the
	// causes of failures and the checks; it has no other results.
	Stopped              bool
	Tally                Tally
	Results              Results
	StartedAt            time.Time
	FinishedAt, UndoneAt *time.Time
}

// Through counts those who are through so far: they have an answer, or failed.
func (s Simulation) Through() int { return s.Answered + s.Tally.Failed }

// A Tally counts what became of the made-up people, or of those among them who
// are through so far: whoever gave up or was refused has failed.
type Tally struct {
	Registered, Waitlisted, Failed int
	// SeatsRemaining is how many seats are still free.
	SeatsRemaining int
	// Overbooked is how many people were confirmed beyond the seats there
	// were. Of the event itself that is known when the run has ended.
	Overbooked int
}

// Results are the measurements and verdicts of a finished run. Answers are
// seats and places in line: how long people waited is told of those who got
// one, and is zero when nobody did.
type Results struct {
	// SoFar is all that a run has which still goes on: how far it came by when.
	SoFar []Moment `json:"so_far,omitempty"`
	// Took is the time from the moment everyone was released until the last
	// had an answer, was refused or gave up.
	Took time.Duration `json:"took"`
	// BookingsPerSecond counts the answers until the last of them.
	BookingsPerSecond float64 `json:"bookings_per_second"`
	Latency           Latency `json:"latency"`
	// Histogram counts answers by latency, in buckets that follow one another.
	Histogram []Bucket `json:"histogram"`
	// Failures counts the failed by cause, the most frequent first.
	Failures []Failure       `json:"failures"`
	Checks   []booking.Check `json:"checks"`
	// GaveUpAfter is set when people gave up waiting: after so long.
	GaveUpAfter time.Duration `json:"gave_up_after,omitempty"`
	// Pace tells when those who got a seat or a place in line had it: the
	// first of them, then each further [PaceSteps]th of them.
	Pace []time.Duration `json:"pace,omitempty"`
	// Transactions were begun, Retries decisions made in vain, and at most
	// Connections in use at a moment. All are zero in runs of old, which did
	// not count.
	Transactions int64 `json:"transactions,omitempty"`
	Retries      int64 `json:"retries,omitempty"`
	Connections  int   `json:"connections,omitempty"`
	// Groups are those in which the desk settled the requests; of very many,
	// a sample.
	Groups []Group `json:"groups,omitempty"`
}

// PaceSteps is into how many equal parts [Results.Pace] divides the people.
const PaceSteps = 200

// A Group is what the desk settled in one transaction.
type Group struct {
	Requests int           `json:"requests"`
	Took     time.Duration `json:"took"`
}

// Latency sums up how long people waited for their answers, from the moment
// at which everyone was released.
type Latency struct {
	P50 time.Duration `json:"p50"`
	P95 time.Duration `json:"p95"`
	P99 time.Duration `json:"p99"`
	Max time.Duration `json:"max"`
}

// A Bucket counts the answers that came at From or later, and before To.
type Bucket struct {
	From  time.Duration `json:"from"`
	To    time.Duration `json:"to"`
	Count int           `json:"count"`
}

// A Failure is one cause and how many people met it.
type Failure struct {
	Cause locale.Text `json:"cause"`
	Count int         `json:"count"`
}
