package simulation

import (
	"time"

	"github.com/google/uuid"
)

// An Export is a run with all that was measured, as scripts and spreadsheets
// read it. Its JSON, like a [Report]'s, is what Rowlock promises to them.
type Export struct {
	Report
	Name      string    `json:"name"`
	EventID   uuid.UUID `json:"event_id"`
	Event     string    `json:"event"`
	Target    Target    `json:"target"`
	State     State     `json:"state"`
	Failure   string    `json:"failure,omitempty"`
	Users     int       `json:"users"`
	Seats     int       `json:"seats"`
	StartedAt time.Time `json:"started_at"`
	TookMS    float64   `json:"took_ms"`
	// GaveUpAfterMS is 0 when nobody gave up.
	GaveUpAfterMS float64         `json:"gave_up_after_ms"`
	Transactions  int64           `json:"transactions"`
	Retries       int64           `json:"retries"`
	Connections   int             `json:"connections"`
	Failures      []ExportFailure `json:"failures"`
	Groups        []ExportGroup   `json:"groups"`
	// AnsweredMS tells when each two-hundredth of those with an answer had it.
	AnsweredMS []float64 `json:"answered_ms"`
}

// An ExportFailure is one cause and how many people met it.
type ExportFailure struct {
	Cause string `json:"cause"`
	Count int    `json:"count"`
}

// An ExportGroup is a group that the desk settled.
type ExportGroup struct {
	Requests int     `json:"requests"`
	TookMS   float64 `json:"took_ms"`
}

// Export tells all about the run.
func (s Simulation) Export() Export {
	e := Export{
		Report: s.Report(), Name: s.Name, EventID: s.EventID, Event: s.EventTitle, Target: s.Target, State: s.State, Failure: s.Failure.String(),
		Users: s.Users, Seats: s.Seats, StartedAt: s.StartedAt.UTC(),
		TookMS: milliseconds(s.Results.Took), GaveUpAfterMS: milliseconds(s.Results.GaveUpAfter),
		Transactions: s.Results.Transactions, Retries: s.Results.Retries, Connections: s.Results.Connections,
		// [] when empty, never null.
		Failures:   make([]ExportFailure, len(s.Results.Failures)),
		Groups:     make([]ExportGroup, len(s.Results.Groups)),
		AnsweredMS: make([]float64, len(s.Results.Pace)),
	}
	for i, f := range s.Results.Failures {
		e.Failures[i] = ExportFailure{f.Cause.String(), f.Count}
	}
	for i, g := range s.Results.Groups {
		e.Groups[i] = ExportGroup{g.Requests, milliseconds(g.Took)}
	}
	for i, at := range s.Results.Pace {
		e.AnsweredMS[i] = milliseconds(at)
	}
	return e
}

// A ComparisonExport is a comparison as scripts read it. Runs that were picked
// one by one have no ID and no state of their own.
type ComparisonExport struct {
	ID      *uuid.UUID `json:"id"`
	Name    string     `json:"name"`
	State   State      `json:"state"`
	Failure string     `json:"failure,omitempty"`
	Runs    []Export   `json:"runs"`
}

// Export tells all about the comparison.
func (c Comparison) Export() ComparisonExport {
	e := ComparisonExport{Name: c.Name, State: c.State, Failure: c.Failure.String(), Runs: make([]Export, len(c.Runs))}
	if c.ID != uuid.Nil {
		e.ID = &c.ID
	}
	for i, s := range c.Runs {
		e.Runs[i] = s.Export()
	}
	return e
}
