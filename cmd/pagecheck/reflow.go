package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/chromedp/chromedp"
)

// zoomedWidths are those to which every page must shrink, in CSS pixels: a desk's
// at a zoom of 400 % and of 200 %.
var zoomedWidths = []int64{320, 640}

// wide names what sticks out of a page that would have to be scrolled sideways.
const wide = `{
	const limit = document.documentElement.clientWidth;
	const sticksOut = (e) => e.checkVisibility() && e.getBoundingClientRect().right > limit + 1;
	const found = [...document.querySelectorAll("body *")].filter(sticksOut).slice(-1);
	document.documentElement.scrollWidth <= limit ? [] : (found.length ? found : [document.body]).map((e) => e.outerHTML.slice(0, 300))
}`

// checkReflow reports a page that does not fit one of the widths.
func checkReflow(tab context.Context, widths []int64, page string, report *report) error {
	for _, width := range widths {
		if err := chromedp.Do(tab, chromedp.EmulateViewport(width, 800)); err != nil {
			return err
		}
		found, err := chromedp.Run(tab, chromedp.Evaluate[[]string](wide))
		if err != nil {
			return fmt.Errorf("measure %s: %w", page, err)
		}
		for _, html := range found {
			report.add(finding{what: "The page is wider than " + strconv.FormatInt(width, 10) + " pixels", where: html}, page)
		}
	}
	return nil
}
