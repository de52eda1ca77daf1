package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"rowlock/booking"
	"rowlock/simulation"
)

type simulateCommand struct {
	Event    string `required:"" placeholder:"ID" help:"The event to rehearse: the last part of its page's address."`
	Users    int    `default:"1000" help:"How many made-up people book at once, 1 to 100000."`
	Seats    *int   `help:"How many seats the rehearsal has; as many as the event has free when unset."`
	Strategy string `default:"grouped" enum:"grouped,pessimistic,optimistic,conditional" help:"How bookings are made safe: ${enum}."`
	JSON     bool   `help:"Answer in JSON."`
}

// Run rehearses the event with made-up people, who stay until the run is
// undone on its page. It fails when a check does.
func (c *simulateCommand) Run(ctx context.Context, t terminal, s *settings) error {
	eventID, err := uuid.Parse(c.Event)
	if err != nil {
		return booking.ErrNoEvent
	}
	d, err := s.open(ctx, nil)
	if err != nil {
		return err
	}
	defer d.close()

	desk := booking.NewDesk(d.booking, slog.Default())
	runner := simulation.NewRunner(d.pages, bookers(d, desk), slog.Default())
	id, err := runner.Start(ctx, simulation.Params{EventID: eventID, Users: c.Users, Seats: c.Seats, Strategy: c.Strategy})
	if err != nil {
		return err
	}
	run, err := c.await(ctx, runner, d, id, t.err)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := json.NewEncoder(t.out).Encode(run.Report()); err != nil {
			return err
		}
	} else {
		printRun(t.out, run)
	}
	switch {
	case run.State == simulation.Failed:
		return fmt.Errorf("the simulation failed: %s", run.Failure)
	case !booking.AllHold(run.Results.Checks):
		return errRuleBroken
	}
	return desk.Close(ctx)
}

// await draws a bar while the simulation runs.
func (c *simulateCommand) await(ctx context.Context, runner *simulation.Runner, d *database, id uuid.UUID, w io.Writer) (simulation.Simulation, error) {
	done := make(chan struct{})
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			select {
			case <-done:
				fmt.Fprint(w, "\r\033[K")
				return
			case <-time.After(250 * time.Millisecond):
			}
			if run, err := simulation.ByID(ctx, d.pages, id); err == nil {
				fmt.Fprintf(w, "\r\033[K%-10s %s %d of %d", run.Phase, bar(run.Answered, run.Users), run.Answered, run.Users)
			}
		}
	}()
	run, err := runner.Wait(ctx, id)
	close(done)
	<-gone
	return run, err
}

func bar(done, all int) string {
	const width = 30
	filled := width * done / max(all, 1)
	return strings.Repeat("█", filled) + strings.Repeat("░", width-filled)
}

func printRun(out io.Writer, run simulation.Simulation) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, line := range []struct {
		name  string
		value any
	}{
		{"attempted", run.Users},
		{"registered", run.Tally.Registered},
		{"waitlisted", run.Tally.Waitlisted},
		{"failed", run.Tally.Failed},
		{"seats remaining", run.Tally.SeatsRemaining},
		{"overbooked", run.Tally.Overbooked},
		{"bookings per second", int(run.Results.BookingsPerSecond)},
		{"latency p50", run.Results.Latency.P50},
		{"latency p99", run.Results.Latency.P99},
	} {
		fmt.Fprintf(w, "%s\t%v\n", line.name, line.value)
	}
	w.Flush() //nolint:errcheck // as any print to a terminal
	for _, f := range run.Results.Failures {
		fmt.Fprintf(out, "failed: %d × %s\n", f.Count, f.Cause)
	}
	printChecks(out, run.Results.Checks)
}
