// Command shots photographs every page of Rowlock in its main states, on a
// phone and on a desk, by day and by night:
//
//	go run ./cmd/shots -out shots
//
// It starts a Rowlock of its own on a new demo, walks through it as a stranger,
// an attendee, an organizer and an admin, and leaves nothing running behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// patience bounds a whole run.
const patience = 10 * time.Minute

func main() {
	out := flag.String("out", "shots", "the `folder` for the pictures")
	only := flag.String("only", "", "keep only pictures whose name has this `text`")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, patience)
	err := run(ctx, *out, *only)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "shots:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, only string) (err error) {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	site, err := startSite(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.stop()) }()

	browser, closeBrowser, err := openBrowser(ctx)
	if err != nil {
		return err
	}
	defer closeBrowser()

	album := &album{folder: out, only: only}
	for _, t := range tours {
		if err := t.walk(browser, site, album); err != nil {
			return err
		}
	}
	fmt.Printf("%d pictures are in %s\n", album.taken, out)
	return nil
}
