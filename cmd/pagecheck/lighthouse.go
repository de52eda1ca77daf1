package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	// leastScore is what a public page needs in each of Lighthouse's
	// categories, of 100.
	leastScore = 95
	// attempts is how often a page may be measured until it scores that: what
	// else runs on the machine costs points for speed, and gives none.
	attempts = 3
)

// categories are what Lighthouse scores, in its own words.
var categories = []string{"performance", "accessibility", "best-practices", "seo"}

// A lighthouse scores pages as a phone on a slow network would show them.
type lighthouse struct {
	script, browser, folder string
	progress                io.Writer
}

// A scorecard is what Lighthouse says about one page.
type scorecard struct {
	RuntimeError struct{ Code, Message string }
	Categories   map[string]struct {
		Score     float64 // 0 to 1
		AuditRefs []struct {
			ID     string
			Weight float64
		}
	}
	Audits map[string]struct {
		Title, DisplayValue string
		Score               *float64 // nil for what does not apply
	}
}

// check scores the page, and reports what keeps it below the least score.
func (l *lighthouse) check(ctx context.Context, address string, report *report) error {
	for attempt := 1; ; attempt++ {
		card, err := l.score(ctx, address)
		if err != nil && attempt < attempts && ctx.Err() == nil {
			// On a busy machine the browser now and then loses its own trace.
			fmt.Fprintf(l.progress, "  %v\n", err)
			continue
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(l.progress, "  %s\n", card.line(address))
		if card.passes() {
			return nil
		}
		if attempt == attempts {
			card.complain(address, report)
			return nil
		}
	}
}

func (l *lighthouse) score(ctx context.Context, address string) (scorecard, error) {
	file := filepath.Join(l.folder, "scores.json")
	run := exec.CommandContext(ctx, "node", l.script, address,
		"--only-categories="+strings.Join(categories, ","),
		"--throttling-method=simulate", "--form-factor=mobile",
		"--output=json", "--output-path="+file, "--quiet", "--no-enable-error-reporting",
		// It opens our own pages only, and many containers allow no sandbox.
		"--chrome-flags=--headless=new --no-sandbox --disable-component-update --no-pings")
	run.Env = append(os.Environ(), "CHROME_PATH="+l.browser)
	var stderr bytes.Buffer
	run.Stderr = &stderr
	if err := run.Run(); err != nil {
		return scorecard{}, fmt.Errorf("run lighthouse for %s: %w\n%s", address, err, stderr.String())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return scorecard{}, err
	}
	var card scorecard
	if err := json.Unmarshal(text, &card); err != nil {
		return scorecard{}, fmt.Errorf("read the scores of %s: %w", address, err)
	}
	if card.RuntimeError.Code != "" {
		return scorecard{}, fmt.Errorf("lighthouse could not measure %s: %s", address, card.RuntimeError.Message)
	}
	return card, nil
}

// points are out of 100. A category that is missing has none.
func (c scorecard) points(category string) int { return int(c.Categories[category].Score*100 + .5) }

func (c scorecard) passes() bool {
	for _, category := range categories {
		if c.points(category) < leastScore {
			return false
		}
	}
	return true
}

func (c scorecard) line(address string) string {
	var scores []string
	for _, category := range categories {
		scores = append(scores, fmt.Sprintf("%s %d", category, c.points(category)))
	}
	return address + ": " + strings.Join(scores, ", ")
}

// complain reports each category with too few points, and what cost them.
func (c scorecard) complain(address string, report *report) {
	for _, category := range categories {
		if c.points(category) >= leastScore {
			continue
		}
		var costs []string
		for _, ref := range c.Categories[category].AuditRefs {
			audit := c.Audits[ref.ID]
			if ref.Weight > 0 && audit.Score != nil && *audit.Score < 1 {
				costs = append(costs, strings.TrimSpace(audit.Title+" "+audit.DisplayValue))
			}
		}
		report.add(finding{
			what: fmt.Sprintf("Lighthouse gives %s %d points, fewer than %d", category, c.points(category), leastScore),
			why:  strings.Join(costs, "\n"),
		}, address)
	}
}
