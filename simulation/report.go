package simulation

import (
	"time"

	"github.com/google/uuid"
)

// A Report is a finished run as scripts read it. Its JSON is what Rowlock
// promises to them.
type Report struct {
	Results           ReportTally   `json:"simulation_results"`
	ID                uuid.UUID     `json:"id"`
	Strategy          string        `json:"strategy"`
	Overbooked        int           `json:"overbooked"`
	BookingsPerSecond float64       `json:"bookings_per_second"`
	LatencyMS         ReportLatency `json:"latency_ms"`
	Checks            []ReportCheck `json:"checks"`
}

// A ReportTally counts what became of the made-up people.
type ReportTally struct {
	TotalAttempted      int `json:"total_attempted"`
	SuccessCount        int `json:"success_count"`
	WaitlistedCount     int `json:"waitlisted_count"`
	FailedCount         int `json:"failed_count"`
	FinalSeatsRemaining int `json:"final_seats_remaining"`
}

// ReportLatency is in milliseconds, of those who got a seat or a place in line:
// all is 0 when nobody did.
type ReportLatency struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// A ReportCheck is the verdict on one rule.
type ReportCheck struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// Report sums the run up for scripts.
func (s Simulation) Report() Report {
	latency := s.Results.Latency
	r := Report{
		Results: ReportTally{
			TotalAttempted: s.Users, SuccessCount: s.Tally.Registered, WaitlistedCount: s.Tally.Waitlisted,
			FailedCount: s.Tally.Failed, FinalSeatsRemaining: s.Tally.SeatsRemaining,
		},
		ID: s.ID, Strategy: s.Strategy, Overbooked: s.Tally.Overbooked,
		BookingsPerSecond: s.Results.BookingsPerSecond,
		LatencyMS: ReportLatency{
			P50: milliseconds(latency.P50), P95: milliseconds(latency.P95),
			P99: milliseconds(latency.P99), Max: milliseconds(latency.Max),
		},
		Checks: make([]ReportCheck, len(s.Results.Checks)), // [] when empty, never null
	}
	for i, c := range s.Results.Checks {
		r.Checks[i] = ReportCheck{c.Name, c.OK, c.Detail.String()}
	}
	return r
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}
