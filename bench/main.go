// Command bench measures what Rowlock claims of its speed, on a PostgreSQL of
// its own with everything durable, and prints the figures as Markdown.
//
// Machines differ and are seldom quiet, so it compares: whatever is set
// against something else is measured in turns within the same run, and the
// medians of the turns and of their ratios are told.
//
//	go run ./bench -out docs/benchmarks.md # everything, about half an hour
//	go run ./bench -only rush              # one part, at the terminal alone
//	go run ./bench -only rush -out docs/benchmarks.md # keeps the other parts
package main

import (
	"bytes"
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
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

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
	{"matrix", "Four strategies side by side", matrix},
	{"spread", "A thousand events at once", scattered},
	{"groups", "Group size against throughput", groups},
	{"instances", "Several instances", instances},
	{"month", "A month of data", month},
	{"memory", "Memory of those who wait", memory},
	{"program", "The whole program", wholeProgram},
	{"http", "Bookings through HTTP", throughHTTP},
	{"pages", "Public pages", publicPages},
	{"live", "Open pages", openPages},
}

// A bench is the database that is measured on and where the figures go.
type bench struct {
	server *embedded.Server
	dir    string
	out    io.Writer
	doc    *document // nil when the figures are not kept
	rounds int
}

func main() {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	only := flag.String("only", "", "measure these `parts` alone, such as rush,bulk; there are\n"+strings.Join(names, ", "))
	rounds := flag.Int("rounds", 7, "how many rounds each comparison takes")
	out := flag.String("out", "", "keep the figures in this `file` too, and plots in pictures/ beside it; each part\nreplaces its own section, those that are not measured stay as they are")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE)
	defer stop()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	if err := run(ctx, *only, *rounds, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, rounds int, out string) error {
	chosen, titles, err := choose(only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("/var/tmp", "rowlock-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}

	// Garbage is collected as often as in the program, see ballastSize there.
	defer runtime.KeepAlive(make([]byte, 32<<20))

	b := &bench{dir: dir, rounds: rounds}
	if out != "" {
		b.doc = &document{path: out, titles: titles}
	}
	if b.server, err = embedded.Start(ctx, embedded.Config{Dir: filepath.Join(dir, "data")}); err != nil {
		return err
	}
	defer b.server.Stop() //nolint:errcheck // the figures are out

	if _, err := db.Migrate(ctx, b.server.URL(embedded.Database)); err != nil {
		return err
	}
	if err := b.newDatabase(ctx, untouched, embedded.Database); err != nil {
		return err
	}
	for _, p := range chosen {
		if err := b.run(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// choose returns the named parts, or all, and every part's title.
func choose(only string) (chosen []part, titles []string, err error) {
	for _, p := range parts {
		titles = append(titles, p.title)
	}
	if only == "" {
		return parts, titles, nil
	}
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
		if i < 0 {
			return nil, nil, fmt.Errorf("there is no part %q: -h lists them", name)
		}
		chosen = append(chosen, parts[i])
	}
	return chosen, titles, nil
}

// run measures a part on a fresh database, shows its figures as they come and
// keeps them when all are there.
func (b *bench) run(ctx context.Context, p part) error {
	if err := b.newDatabase(ctx, embedded.Database, untouched); err != nil {
		return err
	}
	var body bytes.Buffer
	b.out = io.MultiWriter(os.Stdout, &body)
	fmt.Printf("\n## %s\n\n", p.title)
	start := time.Now()
	if err := p.measure(ctx, b); err != nil {
		return err
	}
	b.printf("\n*%s: %d × %s, %s, %s, PostgreSQL %s; %s with `go run ./bench -only %s -rounds %d`*\n",
		time.Now().Format(time.DateOnly), runtime.NumCPU(), processor(), runtime.GOOS, runtime.Version(),
		b.server.Version(), time.Since(start).Round(time.Second), p.name, b.rounds)
	if b.doc == nil {
		return nil
	}
	return b.doc.put(p.title, body.String())
}

// untouched is a migrated database from which fresh ones are copied.
const untouched = "untouched"

// newDatabase makes a database anew as a copy of another.
func (b *bench) newDatabase(ctx context.Context, name, like string) error {
	conn, err := pgx.Connect(ctx, b.server.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // it has done its work
	if _, err := conn.Exec(ctx, "drop database if exists "+name+" with (force)"); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "create database "+name+" template "+like)
	return err
}

func (b *bench) printf(format string, args ...any) { fmt.Fprintf(b.out, format, args...) }

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
