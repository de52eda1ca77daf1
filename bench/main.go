// Command bench measures what Rowlock claims of its speed, on a PostgreSQL of
// its own with everything durable, and prints the figures as Markdown.
//
// Machines differ and are seldom quiet, so it compares: whatever is set
// against something else is measured in turns within the same run, and the
// medians of the turns and of their ratios are told.
//
//	go run ./bench            # everything, a few minutes
//	go run ./bench -only rush # one part
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"rowlock/db"
	"rowlock/db/embedded"
)

// A part is one measurement with its own heading.
type part struct {
	name, title string
	measure     func(ctx context.Context, b *bench) error
}

var parts = []part{
	{"rush", "A thousand people, ten seats", rush},
	{"bulk", "Against PostgreSQL's own pace", bulk},
	{"alone", "One person alone", alone},
	{"program", "The whole program", wholeProgram},
	{"http", "Bookings through HTTP", throughHTTP},
	{"live", "Open pages", openPages},
}

// A bench is the database that is measured on and where the figures go.
type bench struct {
	server *embedded.Server
	dir    string
	out    io.Writer
	rounds int
}

func main() {
	only := flag.String("only", "", "measure these parts alone, such as rush,bulk")
	rounds := flag.Int("rounds", 7, "how many turns each comparison takes")
	out := flag.String("out", "", "write the figures to this file too")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	if err := run(ctx, *only, *rounds, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, rounds int, out string) error {
	dir, err := os.MkdirTemp("/var/tmp", "rowlock-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}

	b := &bench{dir: dir, out: os.Stdout, rounds: rounds}
	if out != "" {
		file, err := os.Create(out)
		if err != nil {
			return err
		}
		defer file.Close() //nolint:errcheck // what was written is on the screen too
		b.out = io.MultiWriter(os.Stdout, file)
	}
	if b.server, err = embedded.Start(ctx, embedded.Config{Dir: filepath.Join(dir, "data")}); err != nil {
		return err
	}
	defer b.server.Stop() //nolint:errcheck // the figures are out

	if _, err := db.Migrate(ctx, b.server.URL(embedded.Database)); err != nil {
		return err
	}
	b.printMachine()
	for _, p := range parts {
		if only != "" && !slices.Contains(strings.Split(only, ","), p.name) {
			continue
		}
		b.printf("\n## %s\n\n", p.title)
		if err := p.measure(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func (b *bench) printf(format string, args ...any) { fmt.Fprintf(b.out, format, args...) }

func (b *bench) printMachine() {
	b.printf("# Benchmarks\n\nMade by `task bench` (`go run ./bench`) on %s: %d × %s, %s, %s, PostgreSQL %s with\nfsync and synchronous_commit on, over a unix socket where there are any. Each comparison takes %d turns,\none after the other; figures are medians of the turns, with the least and the most in brackets.\n",
		time.Now().Format(time.DateOnly), runtime.NumCPU(), processor(), runtime.GOOS, runtime.Version(), b.server.Version(), b.rounds)
}

// processor is the processor's name where the system tells it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return runtime.GOARCH
}
