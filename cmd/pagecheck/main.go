// Command pagecheck looks at every page of Rowlock with the eyes of three
// checkers, and fails when one of them finds fault:
//
//	npm ci --prefix cmd/pagecheck
//	go run ./cmd/pagecheck
//
// axe judges accessibility, on a phone and on a desk, by day and by night; vnu
// the HTML, as it is served and as scripts leave it; Lighthouse gives the pages
// that anyone may see points for speed, accessibility, good practice and being
// found. Nothing may stick out of a page that is zoomed in, either. The style
// guide's pages are looked at, too, in other languages than English on a phone.
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
	"rowlock/views/gallery"
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

// checkers are what looks at each page.
type checkers struct {
	axe    *accessibility
	markup *markup
	report *report
	// only is a part of the names of the pages to look at.
	only string
}

// checkPages goes on all tours, and through the style guide in every language,
// with axe and vnu.
func checkPages(ctx context.Context, tools tools, site *tour.Site, folder, only string, report *report) error {
	axe, err := newAccessibility(tools.axe)
	if err != nil {
		return err
	}
	checkers := checkers{axe: axe, markup: &markup{jar: tools.vnu, folder: folder}, report: report, only: only}
	browser, closeBrowser, err := tour.OpenBrowser(ctx)
	if err != nil {
		return err
	}
	defer closeBrowser()

	start := time.Now()
	toured, err := checkTours(browser, site, checkers)
	if err != nil {
		return err
	}
	fmt.Printf("axe has looked at %d pages in %d lights (%s).\n", toured, len(tour.Lights), since(start))
	start = time.Now()
	shown, err := checkStyleguide(browser, site.URL, gallery.Addresses(), checkers)
	if err != nil {
		return err
	}
	fmt.Printf("axe has looked at %d pages of the style guide (%s).\n", shown, since(start))
	start = time.Now()
	if err := checkers.markup.check(ctx, report); err != nil {
		return err
	}
	fmt.Printf("vnu has read the HTML of %d pages (%s).\n", toured+shown, since(start))
	return nil
}

// checkTours looks at each page to which the tours lead, in English.
func checkTours(browser context.Context, site *tour.Site, checkers checkers) (pages int, err error) {
	err = tour.Walk(browser, site, func(tab context.Context, at tour.Stop) error {
		if !strings.Contains(at.Name, checkers.only) {
			return nil
		}
		pages++
		if err := checkers.markup.keep(tab, at); err != nil {
			return fmt.Errorf("keep %s: %w", at.Name, err)
		}
		if err := checkReflow(tab, zoomedWidths, at.Name, checkers.report); err != nil {
			return err
		}
		if err := checkers.axe.check(tab, tour.Lights, at.Name, checkers.report); err != nil {
			return fmt.Errorf("check %s: %w", at.Name, err)
		}
		return nil
	})
	return pages, err
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
