package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"
)

// A proof is one exhibit while it is shown.
type proof struct {
	*world
	// short takes seconds instead of minutes.
	short bool
	dice  *rand.Rand

	told   []string
	counts []counted
}

type counted struct {
	what string
	n    int
}

// pick is how often something is done.
func (p *proof) pick(long, short int) int {
	if p.short {
		return short
	}
	return long
}

// nextSeed is where the next crowd's dice start.
func (p *proof) nextSeed() uint64 { return p.dice.Uint64N(1 << 32) }

// tell notes a line for the table.
func (p *proof) tell(format string, args ...any) {
	p.told = append(p.told, fmt.Sprintf(format, args...))
}

// count adds to what the table counts.
func (p *proof) count(what string, n int) {
	i := slices.IndexFunc(p.counts, func(c counted) bool { return c.what == what })
	if i < 0 {
		p.counts = append(p.counts, counted{what, n})
		return
	}
	p.counts[i].n += n
}

func (p *proof) counted() string {
	var parts []string
	for _, c := range p.counts {
		parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
	}
	return strings.Join(parts, ", ")
}

// discard is the log of whatever is expected to fail.
func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// stage opens a database of the proof's own.
func (p *proof) stage(ctx context.Context) (*stage, error) {
	url, err := p.migrated(ctx)
	if err != nil {
		return nil, err
	}
	return openStage(ctx, url)
}

// errNotTried ends a proof, or a part of one, that was not shown.
var errNotTried = errors.New("not tried")

// lacking ends what this machine lacks something for. Where ROWLOCK_FAULTS is
// "required", as it is where everything is known to be there, that is a failure.
func lacking(cause error) error {
	if os.Getenv("ROWLOCK_FAULTS") == "required" {
		return cause
	}
	return fmt.Errorf("%w: %w", errNotTried, cause)
}

// show runs the proof and writes its part of the table. It returns errNotTried,
// what is broken, or nil for a proof that holds.
func (p *proof) show(ctx context.Context, e exhibit, out io.Writer) error {
	start := time.Now()
	fmt.Fprintf(out, "\n%-10s %s\n", e.name, e.claim)
	err := e.show(ctx, p)
	for _, line := range p.told {
		fmt.Fprintf(out, "           - %s\n", line)
	}
	if c := p.counted(); c != "" {
		fmt.Fprintf(out, "           - %s\n", c)
	}
	verdict := "HOLDS"
	switch {
	case errors.Is(err, errNotTried):
		verdict = "NOT TRIED: " + strings.TrimPrefix(err.Error(), errNotTried.Error()+": ")
	case err != nil:
		verdict = "BROKEN: " + strings.ReplaceAll(err.Error(), "\n", "\n           ")
	}
	fmt.Fprintf(out, "           %s (%.1f s)\n", verdict, time.Since(start).Seconds())
	return err
}

// wherePossible names the part of a proof that failed, and tells of one that
// this machine lacks something for.
func (p *proof) wherePossible(part string, err error) error {
	if errors.Is(err, errNotTried) {
		p.tell("%s: %v", part, err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", part, err)
	}
	return nil
}

// A stopwatch keeps the longest of several times.
type stopwatch struct{ longest time.Duration }

func (w *stopwatch) took(d time.Duration) { w.longest = max(w.longest, d) }

func (w *stopwatch) String() string { return fmt.Sprintf("%.2f s", w.longest.Seconds()) }
