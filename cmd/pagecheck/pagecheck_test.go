package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"rowlock/tour"
)

// broken has a mistake for each checker that reads pages: words that are hard
// to read by day and by night, a picture for those who see only, a word that
// stays bold, and a line that does not break.
const broken = `<!DOCTYPE html>
<html lang="en">
<head>
	<meta charset="utf-8">
	<title>Broken</title>
	<style>
		:root { color-scheme: light dark }
		.pale { color: #aaa; background: #fff }
		@media (prefers-color-scheme: dark) { .pale { color: #222; background: #000 } }
	</style>
</head>
<body>
	<main>
		<h1>Broken</h1>
		<p class="pale">Who can read this?</p>
		<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">
		<p hx-get="/">One <b>two</p>
		<pre>A line that is far too long for a small phone, and for which nothing was arranged</pre>
	</main>
</body>
</html>`

// foundTools skips a test where there are no tools, unless ROWLOCK_PAGE_CHECKS
// is "required".
func foundTools(t *testing.T) tools {
	t.Helper()
	found, err := findTools("node_modules")
	if err != nil && os.Getenv("ROWLOCK_PAGE_CHECKS") == "required" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return found
}

func TestCheckersFindWhatIsBroken(t *testing.T) {
	t.Parallel()
	tools := foundTools(t)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(broken))
	}))
	t.Cleanup(page.Close)
	browser, closeBrowser, err := tour.OpenBrowser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeBrowser)
	if err := chromedp.Do(browser, chromedp.Navigate(page.URL)); err != nil {
		t.Fatal(err)
	}
	axe, err := newAccessibility(tools.axe)
	if err != nil {
		t.Fatal(err)
	}
	markup := &markup{jar: tools.vnu, folder: t.TempDir()}
	if err := markup.write("broken"+servedSuffix, broken); err != nil {
		t.Fatal(err)
	}

	report := &report{}
	if err := checkReflow(browser, zoomedWidths, "broken", report); err != nil {
		t.Fatal(err)
	}
	if err := axe.check(browser, tour.Lights, "broken", report); err != nil {
		t.Fatal(err)
	}
	if err := markup.check(t.Context(), report); err != nil {
		t.Fatal(err)
	}

	everyLight := []string{"broken at 1280-dark", "broken at 1280-light", "broken at 390-dark", "broken at 390-light"}
	for _, want := range []struct {
		what  string
		pages []string
	}{
		{"axe color-contrast", everyLight},
		{"axe image-alt", everyLight},
		{"The page is wider than 320 pixels", []string{"broken"}},
		{"HTML error: End tag “p” seen, but there were open elements", []string{"broken as served"}},
	} {
		var pages []string
		for _, f := range report.findings {
			if strings.HasPrefix(f.what, want.what) {
				pages = append(pages, report.pages[f]...)
			}
		}
		slices.Sort(pages)
		if !slices.Equal(pages, want.pages) {
			t.Errorf("%q was found on %q, not on %q", want.what, pages, want.pages)
		}
	}
	for _, f := range report.findings {
		if strings.Contains(f.what, "hx-") {
			t.Errorf("what is allowed is reported: %s", f.what)
		}
	}
}

// pale can be read by day only.
const pale = `<!DOCTYPE html>
<html lang="en">
<head>
	<meta charset="utf-8"><title>Pale</title>
	<style>:root { color-scheme: light dark } @media (prefers-color-scheme: dark) { h1 { color: #222; background: #000 } }</style>
</head>
<body><main><h1>Who can read this at night?</h1></main></body>
</html>`

// crowded has navigation that is too long for a phone, and a stray tag.
const crowded = `<!DOCTYPE html>
<html lang="fr">
<head><meta charset="utf-8"><title>Serré</title><style>.mainnav li { float: left; width: 15rem }</style></head>
<body>
	<nav class="mainnav"><ul><li>Tous les événements<li>Toutes mes réservations</ul></nav>
	<main><h1>Serré</h1></main>
	</b>
</body>
</html>`

func TestFindingsInTheStyleGuideNameItsLanguages(t *testing.T) {
	t.Parallel()
	tools := foundTools(t)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		page := broken
		switch r.Header.Get("Accept-Language") {
		case "en":
			page = pale
		case "fr":
			page = crowded
		}
		_, _ = w.Write([]byte(page))
	}))
	t.Cleanup(site.Close)
	browser, closeBrowser, err := tour.OpenBrowser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeBrowser)
	axe, err := newAccessibility(tools.axe)
	if err != nil {
		t.Fatal(err)
	}

	report := &report{}
	checkers := checkers{axe: axe, markup: &markup{jar: tools.vnu, folder: t.TempDir()}, report: report}
	if _, err := checkStyleguide(browser, site.URL, []string{"/styleguide/page"}, checkers); err != nil {
		t.Fatal(err)
	}
	if err := checkers.markup.check(t.Context(), report); err != nil {
		t.Fatal(err)
	}

	const german, french = "styleguide-page in Deutsch", "styleguide-page in Français"
	for what, want := range map[string][]string{
		"axe color-contrast": {
			"styleguide-page in English at 390-dark", "styleguide-page in English at 1280-dark", german + " at 390-light",
		},
		"The page says that its language is \"en\"": {german},
		"The page is wider than 390 pixels":         {german},
		"axe image-alt":                             {german + " at 390-light"},
		"HTML error: End tag “p” seen":              {german + " as served"},
		"The main navigation takes 2 rows":          {french + " at 390-light"},
		"HTML error: Stray end tag “b”":             {french + " as served"},
	} {
		var pages []string
		for _, f := range report.findings {
			if strings.HasPrefix(f.what, what) {
				pages = append(pages, report.pages[f]...)
			}
		}
		if !slices.Equal(pages, want) {
			t.Errorf("%q was found on %q, not on %q", what, pages, want)
		}
	}
}

func TestScoresBelowTheLeastAreExplained(t *testing.T) {
	t.Parallel()
	var card scorecard
	err := json.Unmarshal([]byte(`{
		"categories": {
			"performance": {"score": 1}, "accessibility": {"score": 0.95}, "best-practices": {"score": 0.96},
			"seo": {"score": 0.94, "auditRefs": [{"id": "meta-description", "weight": 1}, {"id": "canonical", "weight": 1}, {"id": "title", "weight": 1}]}
		},
		"audits": {
			"meta-description": {"title": "Document does not have a meta description", "score": 0},
			"canonical": {"title": "Document has a valid canonical link", "score": null},
			"title": {"title": "Document has a title", "score": 1}
		}
	}`), &card)
	if err != nil {
		t.Fatal(err)
	}
	if card.passes() {
		t.Error("94 points pass")
	}

	report := &report{}
	card.complain("/events", report)
	want := []finding{{what: "Lighthouse gives seo 94 points, fewer than 95", why: "Document does not have a meta description"}}
	if !slices.Equal(report.findings, want) {
		t.Errorf("got %+v, want %+v", report.findings, want)
	}
}

func TestAMissingScoreDoesNotPass(t *testing.T) {
	t.Parallel()
	var card scorecard
	if err := json.Unmarshal([]byte(`{"categories": {"performance": {"score": null}}}`), &card); err != nil {
		t.Fatal(err)
	}
	if card.passes() {
		t.Error("a page without scores passes")
	}
}
