package main

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"rowlock/locale"
	"rowlock/tour"
)

var (
	// phone is the light in which pages in other languages than English are
	// looked at: where words have the least room, and once, for colours speak
	// no language.
	phone = tour.Lights[:1]
	// phoneWidths are those to which pages must shrink, in CSS pixels.
	phoneWidths = []int64{320, phone[0].Width}
)

// checkStyleguide looks at the pages of the style guide in every language. It
// shows each page in more states than the tours meet, some of which no tour can
// bring about, and each by its address alone.
func checkStyleguide(browser context.Context, site string, addresses []string, checkers checkers) (pages int, err error) {
	tab, leave := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	defer leave()
	for _, l := range locale.All() {
		if err := askFor(tab, l); err != nil {
			return pages, err
		}
		lights := phone
		if l == locale.English {
			lights = tour.Lights
		}
		for _, address := range addresses {
			name := "styleguide-" + path.Base(address) + " in " + l.Name()
			if !strings.Contains(name, checkers.only) {
				continue
			}
			pages++
			if err := checkIn(tab, l, lights, site+address, name, checkers); err != nil {
				return pages, fmt.Errorf("check %s: %w", name, err)
			}
		}
	}
	return pages, nil
}

// askFor has the tab ask for pages in a language.
func askFor(tab context.Context, l *locale.Locale) error {
	headers := network.Headers{"Accept-Language": l.Code()}
	_, err := chromedp.Call(tab, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: headers})
	return err
}

func checkIn(tab context.Context, l *locale.Locale, lights []tour.Light, address, name string, checkers checkers) error {
	if err := chromedp.Do(tab, chromedp.Navigate(address)); err != nil {
		return err
	}
	served, err := chromedp.Run(tab, chromedp.Evaluate[string](`fetch(location.href).then((page) => page.text())`, chromedp.EvalAwaitPromise))
	if err != nil {
		return err
	}
	if err := checkers.markup.write(name+servedSuffix, served); err != nil {
		return err
	}
	language, err := chromedp.Run(tab, chromedp.Evaluate[string](`document.documentElement.lang`))
	if err != nil {
		return err
	}
	if language != l.Code() {
		checkers.report.add(finding{what: fmt.Sprintf("The page says that its language is %q, not %q", language, l.Code())}, name)
	}
	if err := checkReflow(tab, phoneWidths, name, checkers.report); err != nil {
		return err
	}
	if err := checkNavigation(tab, name, checkers.report); err != nil {
		return err
	}
	return checkers.axe.check(tab, lights, name, checkers.report)
}

// rows counts the lines that the main navigation takes.
const rows = `new Set([...document.querySelectorAll(".mainnav li")].map((item) => item.offsetTop)).size`

// checkNavigation reports a page whose main navigation needs more than a line
// of the phone, where checkReflow has left the tab.
func checkNavigation(tab context.Context, name string, report *report) error {
	n, err := chromedp.Run(tab, chromedp.Evaluate[int](rows))
	if err != nil {
		return fmt.Errorf("count the rows of the navigation: %w", err)
	}
	if n > 1 {
		report.add(finding{what: fmt.Sprintf("The main navigation takes %d rows", n)}, name+" at "+phone[0].String())
	}
	return nil
}
