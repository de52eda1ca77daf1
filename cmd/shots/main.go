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
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/chromedp/chromedp"

	"rowlock/tour"
)

// patience bounds a whole run.
const patience = 10 * time.Minute

func main() {
	out := flag.String("out", "shots", "the `folder` for the pictures")
	only := flag.String("only", "", "keep only pictures whose name has this `text`")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, patience)
	err := run(ctx, &album{folder: *out, only: *only})
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "shots:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, album *album) (err error) {
	if err := os.MkdirAll(album.folder, 0o755); err != nil {
		return err
	}
	site, err := tour.StartSite(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.Stop()) }()

	browser, closeBrowser, err := tour.OpenBrowser(ctx)
	if err != nil {
		return err
	}
	defer closeBrowser()

	if err := tour.Walk(browser, site, album.add); err != nil {
		return err
	}
	fmt.Printf("%d pictures are in %s\n", album.taken, album.folder)
	return nil
}

// An album keeps the pictures.
type album struct {
	folder, only string
	taken        int
}

// add photographs the whole page that the tab shows, in every light.
func (a *album) add(tab context.Context, at tour.Stop) error {
	if !strings.Contains(at.Name, a.only) {
		return nil
	}
	for _, light := range tour.Lights {
		picture, err := photograph(tab, light)
		if err != nil {
			return fmt.Errorf("photograph %s: %w", at.Name, err)
		}
		file := filepath.Join(a.folder, fmt.Sprintf("%s-%s.png", at.Name, light))
		if err := os.WriteFile(file, picture, 0o644); err != nil {
			return err
		}
		a.taken++
	}
	return nil
}

func photograph(tab context.Context, light tour.Light) ([]byte, error) {
	if err := light.Put(tab); err != nil {
		return nil, err
	}
	return chromedp.Run(tab, chromedp.FullScreenshot(100))
}
