// Command proof breaks Rowlock on purpose, in every way that its authors can
// think of, and holds what people were told meanwhile against the database.
// It needs nothing but Go and what Rowlock itself needs, takes a few minutes,
// and fails when any answer was not true.
//
//	go run ./proof                    # everything
//	go run ./proof -only commits      # one proof
//	go run ./proof -seed 42           # the dice of another run
//	go run ./proof -short             # what the tests run
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// exhibits are the proofs, in the order in which they are shown.
var exhibits = []exhibit{
	{"histories", "every answer fits into one order of all requests", histories},
	{"instances", "kill -9 of an instance leaves nothing but true answers", instances},
	{"program", "kill -9 of the built program leaves nothing but true pages", theProgram},
	{"walk", "every answer is the one that the rules demand", walk},
	{"order", "people are served in the order in which they came", order},
	{"leavers", "who gave up has nothing, who did not has what they were told", leavers},
	{"shortages", "whatever runs out, everyone is answered once it is back", shortages},
	{"commits", "a connection cut during COMMIT is answered truly", commits},
	{"patience", "who cannot be answered in time is told so", patience},
	{"postgres", "kill -9 of PostgreSQL leaves nothing but true answers and figures", postgres},
	{"mutants", "each proof catches a desk with one rule broken", mutants},
}

// An exhibit is one proof.
type exhibit struct {
	name, claim string
	show        func(ctx context.Context, p *proof) error
}

func main() {
	if isInstance() {
		os.Exit(beInstance())
	}
	only := flag.String("only", "", "show one proof: "+strings.Join(names(), ", "))
	seed := flag.Uint64("seed", rand.Uint64N(1_000_000), "where the dice start; a failure prints it")
	short := flag.Bool("short", false, "take seconds instead of minutes")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *only, *seed, *short)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "proof:", err)
		os.Exit(1)
	}
}

func names() []string {
	var list []string
	for _, e := range exhibits {
		list = append(list, e.name)
	}
	return list
}

// errFailed says that a proof did not hold; the table has told which.
var errFailed = errors.New("not everything holds")

func run(ctx context.Context, only string, seed uint64, short bool) error {
	// What PostgreSQL and the desks say of faults is expected here.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	dir, err := os.MkdirTemp("/var/tmp", "rowlock-proof-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)                      //nolint:errcheck // a temporary folder
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // PostgreSQL runs as somebody else
		return err
	}
	w := &world{dir: dir}
	if err := w.start(ctx); err != nil {
		return err
	}
	defer w.stop()

	fmt.Printf("Rowlock under faults, seed %d, PostgreSQL %s with fsync on.\n", seed, w.server.Version())
	start := time.Now()
	held, failed, untried := 0, 0, 0
	for i, e := range exhibits {
		if only != "" && only != e.name {
			continue
		}
		p := &proof{world: w, short: short, dice: rand.New(rand.NewPCG(seed, uint64(i)))} //nolint:gosec // a seed must replay
		switch err := p.show(ctx, e, os.Stdout); {
		case err == nil:
			held++
		case errors.Is(err, errNotTried):
			untried++
		default:
			failed++
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if held+failed+untried == 0 {
		return fmt.Errorf("there is no proof %q: choose from %s", only, strings.Join(names(), ", "))
	}
	aside := ""
	if untried > 0 {
		aside = fmt.Sprintf(", %d not tried", untried)
	}
	fmt.Printf("\n%d of %d hold%s, in %v.\n", held, held+failed, aside, time.Since(start).Round(time.Second))
	if failed > 0 {
		return errFailed
	}
	return nil
}
