// Command pagecheck looks at every page of Rowlock with the eyes of three
// checkers, and fails when one of them finds fault:
//
//	npm ci --prefix cmd/pagecheck
//	go run ./cmd/pagecheck
//
// axe judges accessibility, on a phone and on a desk, by day and by night; vnu
// the HTML, as it is served and as scripts leave it; Lighthouse gives the pages
// that anyone may see points for speed, accessibility, good practice and being
// found. Nothing may stick out of a page that is zoomed in, either.
//
// It starts a Rowlock of its own on a new demo and leaves nothing running
// behind. It needs Chromium, Node.js and Java.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"rowlock/tour"
)

// patience bounds a whole run.
const patience = 20 * time.Minute

func main() {
	modules := flag.String("tools", "cmd/pagecheck/node_modules", "the `folder` into which npm has put the tools")
	only := flag.String("only", "", "check only pages whose name has this `text`, and give no points")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, patience)
	err := run(ctx, *modules, *only)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pagecheck:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, modules, only string) (err error) {
	tools, err := findTools(modules)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "rowlock-pagecheck-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	site, err := tour.StartSite(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.Stop()) }()

	report := &report{}
	// What was found is worth knowing, also when a checker breaks down later.
	defer report.print(os.Stdout)
	if err := checkPages(ctx, tools, site, folder, only, report); err != nil {
		return err
	}
	if only == "" {
		if err := scorePages(ctx, tools, site, folder, report); err != nil {
			return err
		}
	}
	if n := len(report.findings); n > 0 {
		return fmt.Errorf("%d findings", n)
	}
	fmt.Println("Nothing is wrong with them.")
	return nil
}

// checkPages goes on all tours, with axe and vnu.
func checkPages(ctx context.Context, tools tools, site *tour.Site, folder, only string, report *report) error {
	axe, err := newAccessibility(tools.axe)
	if err != nil {
		return err
	}
	markup := &markup{jar: tools.vnu, folder: folder}
	browser, closeBrowser, err := tour.OpenBrowser(ctx)
	if err != nil {
		return err
	}
	defer closeBrowser()

	start, pages := time.Now(), 0
	err = tour.Walk(browser, site, func(tab context.Context, at tour.Stop) error {
		if !strings.Contains(at.Name, only) {
			return nil
		}
		pages++
		if err := markup.keep(tab, at); err != nil {
			return fmt.Errorf("keep %s: %w", at.Name, err)
		}
		if err := checkReflow(tab, at.Name, report); err != nil {
			return err
		}
		if err := axe.check(tab, at.Name, report); err != nil {
			return fmt.Errorf("check %s: %w", at.Name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Printf("axe has looked at %d pages in %d lights (%s).\n", pages, len(tour.Lights), since(start))
	start = time.Now()
	if err := markup.check(ctx, report); err != nil {
		return err
	}
	fmt.Printf("vnu has read the HTML of %d pages (%s).\n", pages, since(start))
	return nil
}

// scorePages has Lighthouse score every page that anyone may see.
func scorePages(ctx context.Context, tools tools, site *tour.Site, folder string, report *report) error {
	lighthouse := &lighthouse{script: tools.lighthouse, browser: tools.browser, folder: folder, progress: os.Stdout}
	start := time.Now()
	for _, address := range tour.PublicAddresses() {
		path, err := site.Resolve(address)
		if err != nil {
			return err
		}
		there, err := isThere(ctx, site.URL+path)
		if err != nil {
			return err
		}
		if !there {
			continue // the tour goes to a page that there is not, too
		}
		if err := lighthouse.check(ctx, site.URL+path, report); err != nil {
			return err
		}
	}
	fmt.Printf("Lighthouse has scored the public pages (%s).\n", since(start))
	return nil
}

func isThere(ctx context.Context, url string) (bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close() //nolint:errcheck // only the status matters
	return response.StatusCode == http.StatusOK, nil
}

func since(start time.Time) time.Duration { return time.Since(start).Round(time.Second) }
