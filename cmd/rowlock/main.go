// Command rowlock is event registration that never overbooks: a web server
// for attendees, organizers and admins, with the PostgreSQL it needs when the
// machine offers no other.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "rowlock: "+explain(err))
		os.Exit(1)
	}
}

// A terminal is where a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

// terminalOf is the descriptor of the terminal that a stream leads to, if it
// does.
func terminalOf(stream any) (fd int, ok bool) {
	f, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	return int(f.Fd()), true
}

// commands are the subcommands with their flags. Every setting can be given as
// a flag or as an environment variable; the flag wins.
type commands struct {
	settings

	Serve    serveCommand    `cmd:"" default:"withargs" help:"Serve the site until a signal (what rowlock does without a command)."`
	Migrate  migrateCommand  `cmd:"" help:"Bring the database up to this program's version."`
	Admin    adminCommands   `cmd:"" help:"Manage admins."`
	Simulate simulateCommand `cmd:"" help:"Let made-up people book an event at once and tally what became of them."`
	Verify   verifyCommand   `cmd:"" help:"Check every rule that must always hold on the whole database."`
	Demo     demoCommand     `cmd:"" help:"Fill an empty database with demo people and events."`

	Healthcheck healthcheckCommand `cmd:"" hidden:"" help:"Ask a running instance whether it is ready."`
}

// run carries out one command. It returns when the command is done or, for
// serve, when ctx ends and everything has been put away.
func run(ctx context.Context, args []string, t terminal) error {
	var c commands
	parser, err := kong.New(&c,
		kong.Name("rowlock"),
		kong.Description("Event registration that never overbooks."),
		kong.UsageOnError(),
		kong.Writers(t.out, t.err),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(t, &c.settings),
	)
	if err != nil {
		return err
	}
	selected, err := parser.Parse(args)
	if err != nil {
		return err
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: c.LogLevel})))
	return selected.Run()
}
