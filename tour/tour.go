// Package tour walks through a Rowlock that is filled with the demo, as each
// kind of person does, and stops at every page in its main states: for those
// who take pictures of the pages, and for those who check them. A test of
// package web holds that no page is left out.
package tour

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// A tour is what one visitor does, in a browser that knows nobody yet.
type tour struct {
	visitor string
	steps   []step
}

// A visit is a tour under way.
type visit struct {
	site *Site
	look func(context.Context, Stop) error
	// document is the request that brought the page.
	document atomic.Pointer[network.RequestID]
}

// A Stop is a page in one state.
type Stop struct {
	// Name is unlike every other stop's.
	Name     string
	document network.RequestID
}

// Served is the page's HTML as it came from the server, in the tab that shows
// it: before any script has changed a part of it.
func (s Stop) Served(tab context.Context) (string, error) {
	body, err := chromedp.Call(tab, network.GetResponseBody, network.GetResponseBodyParams{RequestID: s.document})
	if err != nil {
		return "", fmt.Errorf("ask the browser for what %s came as: %w", s.Name, err)
	}
	return string(body.Body), nil
}

// Walk goes on all tours with a browser from [OpenBrowser]. At every stop it
// calls look with the tab that shows the page, and ends at the first error.
func Walk(browser context.Context, s *Site, look func(tab context.Context, at Stop) error) error {
	for _, t := range tours {
		v := &visit{site: s, look: look}
		if err := v.goOn(browser, t); err != nil {
			return err
		}
	}
	return nil
}

// Addresses are those of all pages to which the tours lead, without queries.
// An ID in them is a word in braces.
func Addresses() []string {
	var all []string
	for _, t := range tours {
		all = append(all, t.addresses()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// PublicAddresses are those to which the stranger's tour leads: one for each
// page, for [Site.Resolve].
func PublicAddresses() []string {
	known := map[string]bool{}
	return slices.DeleteFunc(tours[0].addresses(), func(address string) bool {
		page := placeholder.ReplaceAllString(address, "{}")
		defer func() { known[page] = true }()
		return known[page]
	})
}

func (t tour) addresses() []string {
	var all []string
	for _, s := range t.steps {
		for _, address := range s.addresses {
			path, _, _ := strings.Cut(address, "?")
			all = append(all, path)
		}
	}
	return all
}

// placeholder stands for the ID of an event in an address: a part of its title
// in braces.
var placeholder = regexp.MustCompile(`\{[^}]*\}`)

func (v *visit) goOn(browser context.Context, t tour) error {
	ctx, leave := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(v.notice))
	defer leave()
	if err := chromedp.Do(ctx); err != nil {
		return err
	}
	// Far enough from some of the events that their pages tell both times.
	if _, err := chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Lisbon"}); err != nil {
		return err
	}
	// A page that changes by itself is in no state for long.
	_, err := chromedp.Call(ctx, network.SetBlockedURLs, network.SetBlockedURLsParams{
		URLPatterns: []*network.BlockPattern{{URLPattern: "*://*:*/events/*/live", Block: true}},
	})
	if err != nil {
		return err
	}
	for i, s := range t.steps {
		if err := v.take(ctx, s); err != nil {
			return fmt.Errorf("step %d of the %s: %w", i+1, t.visitor, err)
		}
	}
	return nil
}

func (v *visit) notice(what any) {
	if e, ok := what.(*network.EventResponseReceived); ok && e.Type == network.ResourceTypeDocument {
		v.document.Store(&e.RequestID)
	}
}

func (v *visit) take(ctx context.Context, s step) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	return s.do(ctx, v)
}
