package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/chromedp/chromedp"

	"rowlock/tour"
)

// rules are the groups of axe's rules that hold: WCAG 2.2 up to level AA, and
// what axe calls best practices.
var rules = []string{"wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"}

// An accessibility check runs axe in the tab that shows a page.
type accessibility struct {
	// script defines axe, run lets it look at the page.
	script, run string
}

// newAccessibility reads axe from a file of its package.
func newAccessibility(file string) (*accessibility, error) {
	script, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	options, err := json.Marshal(map[string]any{
		"runOnly":     map[string]any{"type": "tag", "values": rules},
		"resultTypes": []string{"violations"},
	})
	if err != nil {
		return nil, err
	}
	run := fmt.Sprintf(`axe.run(document, %s).then((found) => found.violations.flatMap((v) => v.nodes.map((n) => ({
		rule: v.id, help: v.help, html: n.html.slice(0, 300), why: n.failureSummary,
	}))))`, options)
	return &accessibility{script: string(script), run: run}, nil
}

// check looks at the tab's page in each of the lights.
func (a *accessibility) check(tab context.Context, lights []tour.Light, page string, report *report) error {
	if err := chromedp.Do(tab, chromedp.Evaluate[chromedp.Void](a.script)); err != nil {
		return fmt.Errorf("load axe: %w", err)
	}
	for _, light := range lights {
		if err := light.Put(tab); err != nil {
			return err
		}
		found, err := chromedp.Run(tab, chromedp.Evaluate[[]struct{ Rule, Help, HTML, Why string }](a.run, chromedp.EvalAwaitPromise))
		if err != nil {
			return fmt.Errorf("run axe: %w", err)
		}
		for _, f := range found {
			report.add(finding{what: "axe " + f.Rule + ": " + f.Help, where: f.HTML, why: f.Why}, page+" at "+light.String())
		}
	}
	return nil
}
