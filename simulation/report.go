package simulation

import (
	"time"

	"github.com/google/uuid"

	"rowlock/booking"
)

// A Report is a simulation as scripts read it: the answer in JSON of the
// website and of the command line.
type Report struct {
	Results           ReportTally     `json:"simulation_results"`
	ID                uuid.UUID       `json:"id"`
	Strategy          string          `json:"strategy"`
	State             State           `json:"state"`
	Overbooked        int             `json:"overbooked"`
	BookingsPerSecond float64         `json:"bookings_per_second"`
	LatencyMS         ReportLatency   `json:"latency_ms"`
	Checks            []booking.Check `json:"checks"`
	// Answered counts who has an answer while the simulation runs.
	Answered int `json:"answered"`
}

// A ReportTally counts what became of the made-up people.
type ReportTally struct {
	TotalAttempted      int `json:"total_attempted"`
	SuccessCount        int `json:"success_count"`
	WaitlistedCount     int `json:"waitlisted_count"`
	FailedCount         int `json:"failed_count"`
	FinalSeatsRemaining int `json:"final_seats_remaining"`
}

// A ReportLatency is in milliseconds.
type ReportLatency struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Report puts the simulation into the shape that scripts read.
func (s Simulation) Report() Report {
	latency := s.Results.Latency
	return Report{
		Results: ReportTally{
			TotalAttempted:      s.Users,
			SuccessCount:        s.Tally.Registered,
			WaitlistedCount:     s.Tally.Waitlisted,
			FailedCount:         s.Tally.Failed,
			FinalSeatsRemaining: s.Tally.SeatsRemaining,
		},
		ID: s.ID, Strategy: s.Strategy, State: s.State, Overbooked: s.Tally.Overbooked,
		BookingsPerSecond: s.Results.BookingsPerSecond,
		LatencyMS: ReportLatency{
			P50: milliseconds(latency.P50), P95: milliseconds(latency.P95),
			P99: milliseconds(latency.P99), Max: milliseconds(latency.Max),
		},
		Checks:   append([]booking.Check{}, s.Results.Checks...),
		Answered: s.Answered,
	}
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}
