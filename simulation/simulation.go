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

// MaxUsers is the largest simulation. Its first 50,000 people ask at the same
// moment; each of the others asks when one of those before has an answer.
const MaxUsers = 100_000

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
	// ErrSeats says that a rehearsal's seats are out of range, or that seats
	// were chosen for the event itself, which has those it has.
	ErrSeats = errors.New("seats must be a number from 0 to 100000")
	// ErrStrategy says that there is no such strategy.
	ErrStrategy = errors.New("no such strategy")
	// ErrTarget says that the target is neither of the two.
	ErrTarget = errors.New("the target must be rehearsal or event")
	// ErrNotBookable says that nobody can book the event itself now, made up
	// or not. A rehearsal of it can always be booked.
	ErrNotBookable = errors.New("the event cannot be booked now")
	// ErrRunning says that one simulation runs at a time, and one does now.
	ErrRunning = errors.New("another simulation is running")
	// ErrNotFinished says that a simulation can be undone only when it has
	// come to its end.
	ErrNotFinished = errors.New("the simulation is still running")
	// ErrNothingToUndo says that the simulation was undone before.
	ErrNothingToUndo = errors.New("the simulation was undone before")
)

// Params are what an admin chooses.
type Params struct {
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
}

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
	ID         uuid.UUID
	EventID    uuid.UUID
	EventTitle string
	// RehearsalID names the private copy that was booked.
	RehearsalID   uuid.NullUUID
	StartedBy     uuid.UUID
	StartedByName string
	Target        Target
	Strategy      string
	State         State
	// Failure says why a failed simulation failed, in words for an admin.
	Failure string
	// Phase is what a running simulation does now: [Preparing], [Booking] or
	// [Checking].
	Phase string
	// Users attempted to book; Seats were free before them; Answered of them
	// have an answer so far.
	Users, Seats, Answered int
	Tally                  Tally
	Results                Results
	StartedAt              time.Time
	FinishedAt, UndoneAt   *time.Time
}

// A Tally counts what became of the made-up people.
type Tally struct {
	Registered, Waitlisted, Failed int
	// SeatsRemaining is how many seats are still free.
	SeatsRemaining int
	// Overbooked is how many people were confirmed beyond the seats there
	// were.
	Overbooked int
}

// Results are the measurements and verdicts of a finished run.
type Results struct {
	// Took is the time from the moment everyone was released to the last
	// answer.
	Took              time.Duration `json:"took"`
	BookingsPerSecond float64       `json:"bookings_per_second"`
	Latency           Latency       `json:"latency"`
	// Histogram counts answers by latency, in buckets that follow one another.
	Histogram []Bucket `json:"histogram"`
	// Failures counts the failed by cause, the most frequent first.
	Failures []Failure       `json:"failures"`
	Checks   []booking.Check `json:"checks"`
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
	Cause string `json:"cause"`
	Count int    `json:"count"`
}
