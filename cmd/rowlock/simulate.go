package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"rowlock/booking"
	"rowlock/db"
	"rowlock/simulation"
)

type simulateCommand struct {
	Event    string        `required:"" placeholder:"ID" help:"The event to rehearse: the last part of its page's address."`
	Users    int           `default:"1000" help:"How many made-up people book at once, 1 to 100000."`
	Seats    *int          `help:"How many seats the rehearsal has; as many as the event has free when unset."`
	Strategy []string      `default:"grouped" enum:"grouped,pessimistic,optimistic,conditional,all" help:"How bookings are made safe: ${enum}. Several are compared, one after the other."`
	Patience time.Duration `default:"60s" help:"How long people wait for an answer before they give up; the desk (grouped) is always waited for."`
	Name     string        `help:"What to call the run or the comparison."`
	JSON     bool          `help:"Answer in JSON."`
}

// Run rehearses the event with made-up people, who stay until the run is
// undone on its page, or compares strategies. It fails when a run or a check
// does.
func (c *simulateCommand) Run(ctx context.Context, t terminal, s *settings) error {
	eventID, err := uuid.Parse(c.Event)
	if err != nil {
		return booking.ErrNoEvent
	}
	if c.Patience < time.Second { // the runner takes 0 for no choice
		return simulation.ErrPatience
	}
	d, err := s.join(ctx, db.PageLimits, (*database).leaveAsIs)
	if err != nil {
		return err
	}
	defer d.close()
	if err := d.openBooking(ctx); err != nil {
		return err
	}
	desk := booking.NewDesk(d.booking, slog.Default())
	// How a run ends is printed: the log is for what goes wrong beside that.
	log := slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: max(s.LogLevel, slog.LevelWarn)}))
	runner := simulation.NewRunner(d.pages, bookers(d, desk), log)
	defer closeAll(runner, desk)

	if slices.Contains(c.Strategy, "all") {
		c.Strategy = simulation.Strategies()
	}
	if len(c.Strategy) > 1 {
		return c.compare(ctx, t, d, runner, eventID)
	}
	return c.runOne(ctx, t, d, runner, eventID)
}

// closeAll has what was broken off written down as such.
func closeAll(runner *simulation.Runner, desk *booking.Desk) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	// Too late is as good as done here: the program ends.
	_ = runner.Close(ctx)
	_ = desk.Close(ctx)
}

func (c *simulateCommand) runOne(ctx context.Context, t terminal, d *database, runner *simulation.Runner, eventID uuid.UUID) error {
	id, err := runner.Start(ctx, simulation.Params{
		Name: c.Name, EventID: eventID, Users: c.Users, Seats: c.Seats, Strategy: c.Strategy[0], Patience: c.Patience,
	})
	if err != nil {
		return err
	}
	stop := styleFor(t.err).show(t.err, func() (string, error) {
		run, err := simulation.ByID(ctx, d.pages, id)
		return progress(run), err
	})
	run, err := await(ctx, runner, id, runner.Wait)
	stop()
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(t.out).Encode(run.Report())
	} else {
		printRun(t.out, run)
	}
	if err != nil {
		return err
	}
	if ctx.Err() != nil && run.State != simulation.Done {
		return interrupted(d, "undo the simulation on the page /admin/simulations/"+id.String(), run)
	}
	return verdict(run)
}

const (
	// endTime bounds how long what was interrupted takes to end: whoever asked
	// the desk is answered.
	endTime = 20 * time.Second
	// readTime bounds how long the reading of what was done takes.
	readTime = 5 * time.Second
)

// await waits for what was started to end. Interrupted, it ends it and reads
// what was done until then.
func await[T any](ctx context.Context, runner *simulation.Runner, id uuid.UUID, wait func(context.Context, uuid.UUID) (T, error)) (T, error) {
	ended, err := wait(ctx, id)
	if ctx.Err() == nil || err == nil {
		return ended, err
	}
	runner.Interrupt()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	_ = runner.Close(ending) // where that takes too long, it is over nevertheless
	reading, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTime)
	defer cancel()
	return wait(reading, id)
}

// An interruptedError tells what a command that was interrupted leaves behind.
type interruptedError struct {
	people int
	remedy string
}

func (e *interruptedError) Error() string {
	if e.people == 0 {
		return "interrupted; nobody made up is left"
	}
	return fmt.Sprintf("interrupted; %d made-up people stay in the database: to remove them, %s", e.people, e.remedy)
}

func interrupted(d *database, remedy string, runs ...simulation.Simulation) error {
	ctx, cancel := context.WithTimeout(context.Background(), readTime)
	defer cancel()
	var ids []uuid.UUID
	for _, run := range runs {
		ids = append(ids, run.ID)
	}
	people, err := simulation.PeopleLeft(ctx, d.pages, ids...)
	if err != nil {
		return err
	}
	return &interruptedError{people, remedy}
}

func (c *simulateCommand) compare(ctx context.Context, t terminal, d *database, runner *simulation.Runner, eventID uuid.UUID) error {
	id, err := runner.Compare(ctx, simulation.ComparisonParams{
		Name: c.Name, EventID: eventID, Users: c.Users, Seats: c.Seats, Strategies: c.Strategy, Patience: c.Patience,
	})
	if err != nil {
		return err
	}
	stop := styleFor(t.err).show(t.err, func() (string, error) {
		comparison, err := simulation.ComparisonByID(ctx, d.pages, id)
		return comparing(comparison), err
	})
	comparison, err := await(ctx, runner, id, runner.WaitComparison)
	stop()
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(t.out).Encode(comparison.Export())
	} else {
		printComparison(t.out, comparison)
	}
	if err != nil {
		return err
	}
	if ctx.Err() != nil && comparison.State != simulation.Done {
		return interrupted(d, "delete the comparison on the page /admin/lab/"+id.String(), comparison.Runs...)
	}
	if comparison.State == simulation.Failed {
		return fmt.Errorf("the comparison failed: %s", comparison.Failure)
	}
	for _, run := range comparison.Runs {
		if err := verdict(run); err != nil {
			return err
		}
	}
	return nil
}

// verdict is the error that a finished run ends the command with, if any.
func verdict(run simulation.Simulation) error {
	switch {
	case run.State == simulation.Failed:
		return fmt.Errorf("the simulation failed: %s", run.Failure)
	case !booking.AllHold(run.Results.Checks):
		return errRuleBroken
	}
	return nil
}

// A barStyle is how the progress of a run is told.
type barStyle struct {
	every     time.Duration
	line, end string
}

var (
	// drawn is one line that is drawn anew, and gone in the end.
	drawn = barStyle{every: 250 * time.Millisecond, line: "\r\033[K%s", end: "\r\033[K"}
	// written is a line now and then, for a log.
	written = barStyle{every: 10 * time.Second, line: "%s\n"}
)

func styleFor(w io.Writer) barStyle {
	if _, ok := terminalOf(w); ok {
		return drawn
	}
	return written
}

// show keeps telling what read returns, until stop is called.
func (s barStyle) show(w io.Writer, read func() (string, error)) (stop func()) {
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for {
			select {
			case <-done:
				fmt.Fprint(w, s.end)
				return
			case <-time.After(s.every):
			}
			if line, err := read(); err == nil {
				fmt.Fprintf(w, s.line, line)
			}
		}
	}()
	return func() { close(done); <-gone }
}

func progress(run simulation.Simulation) string {
	const width = 30
	filled := width * run.Through() / max(run.Users, 1)
	bar := strings.Repeat("█", filled) + strings.Repeat("░", width-filled)
	return fmt.Sprintf("%-10s %s %d of %d", run.Phase, bar, run.Through(), run.Users)
}

// comparing tells how far the run that goes on is.
func comparing(c simulation.Comparison) string {
	if len(c.Runs) == 0 {
		return "starting"
	}
	run := c.Runs[len(c.Runs)-1]
	return fmt.Sprintf("%d/%d %-11s %s", len(c.Runs), len(c.Strategies), run.Strategy, progress(run))
}

func printRun(out io.Writer, run simulation.Simulation) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range runFigures {
		fmt.Fprintf(w, "%s\t%v\n", f.name, f.of(run))
	}
	w.Flush() //nolint:errcheck // as any print to a terminal
	printFailures(out, "", run)
	printChecks(out, run.Results.Checks)
}

// printComparison sets the runs side by side, and says of each what is wrong
// with it.
func printComparison(out io.Writer, c simulation.Comparison) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	const names = "%-19s" // to the left, as the figures are to the right
	fmt.Fprintf(w, names, "")
	for _, run := range c.Runs {
		fmt.Fprintf(w, "\t%s", run.Strategy)
	}
	fmt.Fprintln(w, "\t")
	for _, f := range runFigures {
		fmt.Fprintf(w, names, f.name)
		for _, run := range c.Runs {
			fmt.Fprintf(w, "\t%v", f.of(run))
		}
		fmt.Fprintln(w, "\t")
	}
	w.Flush() //nolint:errcheck // as any print to a terminal
	for _, run := range c.Runs {
		printFailures(out, run.Strategy+" ", run)
		broken := slices.DeleteFunc(slices.Clone(run.Results.Checks), func(check booking.Check) bool { return check.OK })
		printChecks(out, broken)
	}
}

func printFailures(out io.Writer, who string, run simulation.Simulation) {
	for _, f := range run.Results.Failures {
		fmt.Fprintf(out, "%sfailed: %d × %s\n", who, f.Count, f.Cause)
	}
	if run.State == simulation.Failed {
		fmt.Fprintf(out, "%sdid not finish: %s\n", who, run.Failure)
	}
}

// runFigures are what a terminal tells of a run.
var runFigures = []struct {
	name string
	of   func(run simulation.Simulation) any
}{
	{"attempted", func(run simulation.Simulation) any { return run.Users }},
	{"registered", func(run simulation.Simulation) any { return run.Tally.Registered }},
	{"waitlisted", func(run simulation.Simulation) any { return run.Tally.Waitlisted }},
	{"failed", func(run simulation.Simulation) any { return run.Tally.Failed }},
	{"seats remaining", func(run simulation.Simulation) any { return run.Tally.SeatsRemaining }},
	{"overbooked", func(run simulation.Simulation) any { return run.Tally.Overbooked }},
	{"bookings per second", ofAnswers(func(r simulation.Results) any { return perSecond(r.BookingsPerSecond) })},
	{"latency p50", ofAnswers(func(r simulation.Results) any { return short(r.Latency.P50) })},
	{"latency p95", ofAnswers(func(r simulation.Results) any { return short(r.Latency.P95) })},
	{"latency p99", ofAnswers(func(r simulation.Results) any { return short(r.Latency.P99) })},
	{"latency max", ofAnswers(func(r simulation.Results) any { return short(r.Latency.Max) })},
	{"transactions", ofDone(func(r simulation.Results) any { return r.Transactions })},
	{"retries", ofDone(func(r simulation.Results) any { return r.Retries })},
	{"connections", ofDone(func(r simulation.Results) any { return r.Connections })},
	{"checks passed", func(run simulation.Simulation) any {
		passed := 0
		for _, check := range run.Results.Checks {
			if check.OK {
				passed++
			}
		}
		return fmt.Sprintf("%d/%d", passed, len(run.Results.Checks))
	}},
}

// ofDone is a figure that only a run that is done has.
func ofDone(of func(simulation.Results) any) func(simulation.Simulation) any {
	return func(run simulation.Simulation) any {
		if run.State != simulation.Done {
			return "-"
		}
		return of(run.Results)
	}
}

// ofAnswers is a figure that a run has in which somebody had an answer.
func ofAnswers(of func(simulation.Results) any) func(simulation.Simulation) any {
	return func(run simulation.Simulation) any {
		if run.Answered == 0 {
			return "-"
		}
		return ofDone(of)(run)
	}
}

func short(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

// perSecond rounds a rate as the pages do.
func perSecond(rate float64) string {
	if rate < 10 {
		rate = math.Round(rate*10) / 10
	} else {
		rate = math.Round(rate)
	}
	return strconv.FormatFloat(rate, 'f', -1, 64)
}
