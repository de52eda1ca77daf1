package main

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/preload"
	"github.com/chromedp/chromedp"

	"rowlock/account"
)

// testPreload rests on a link, and then clicks: the page is there already. It
// brings itself up to date with what happened between the two.
func testPreload(t *testing.T, s *demoSite) {
	pia := s.visitor(t, "Pia", desktop)
	pia.signsIn(s.person(t, "Pia Patient", account.Attendee))
	for _, v := range []*visitor{pia, s.visitor(t, "Sven", desktop)} {
		e := s.event(t, "Coffee at the weir with "+v.name, 4)
		path := "/events/" + e.ID.String()
		seen := v.watchPreloads()
		v.opens("/events?q=" + url.QueryEscape(e.Title))

		v.restsOn(e.Title)
		seen.awaitReady(v, s.url+path)
		s.books(t, s.person(t, "Quinn Quick", account.Attendee), e)
		v.clicks(e.Title)
		v.comesTo(path)
		if how := look[string](v, "how the page came", `performance.getEntriesByType("navigation")[0].deliveryType`); how != "navigational-prefetch" {
			t.Errorf("%s’s page came by %q", v.name, how)
		}
		v.has(`#booking[data-seats-remaining="3"]`)
	}
}

// testPreloadChangesNothing looks which links the browser may follow by
// itself, on pages with all kinds of them.
func testPreloadChangesNothing(t *testing.T, s *demoSite) {
	v := s.visitor(t, "Petra", desktop)
	seen := v.watchPreloads()
	onlyShown := regexp.MustCompile(`^` + regexp.QuoteMeta(s.url) + `/(events(/[0-9a-f-]{36})?)?(\?.*)?$`)
	e := s.event(t, "Nothing happens here", 4)
	petra := s.person(t, "Petra Patient", account.Attendee)
	s.books(t, petra, e)
	walk := func(paths ...string) {
		for _, path := range paths {
			v.opens(path)
			for _, address := range seen.awaitCandidates(v) {
				if !onlyShown.MatchString(address) {
					t.Errorf("%s lets the browser follow %s", path, address)
				}
			}
		}
	}
	walk("/", "/events?q=nothing", "/events/"+e.ID.String(), "/login")
	v.signsIn(petra)
	walk("/", "/events/"+e.ID.String(), "/bookings", "/account")
}

// restsOn leaves the pointer on what has the name.
func (v *visitor) restsOn(name string) {
	v.t.Helper()
	x, y := v.find(name)
	v.do("rest on "+name, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y))
}

// preloads are what a browser tells of the pages that it fetches by itself.
type preloads struct {
	mu sync.Mutex
	// ready are the addresses that are there already.
	ready []string
	// candidates are what each page that was opened lets the browser follow.
	candidates map[cdp.LoaderID][]string
}

func (v *visitor) watchPreloads() *preloads {
	v.t.Helper()
	p := &preloads{candidates: map[cdp.LoaderID][]string{}}
	if err := chromedp.Listen(v.ctx, p.notice); err != nil {
		v.t.Fatal(err)
	}
	call(v, preload.Enable, cdp.Empty{})
	return p
}

func (p *preloads) notice(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *preload.EventPrefetchStatusUpdated:
		if e.Status == preload.IngStatusReady {
			p.ready = append(p.ready, e.PrefetchURL)
		}
	case *preload.EventPreloadingAttemptSourcesUpdated:
		for _, source := range e.PreloadingAttemptSources {
			p.candidates[e.LoaderID] = append(p.candidates[e.LoaderID], source.Key.URL)
		}
	}
}

// awaitReady waits until the browser has fetched an address.
func (p *preloads) awaitReady(v *visitor, address string) {
	v.t.Helper()
	p.await(v, "a page fetched ahead", func() bool { return slices.Contains(p.ready, address) })
}

// awaitCandidates waits until the browser knows what the page lets it follow:
// every page has a link to the list at least.
func (p *preloads) awaitCandidates(v *visitor) []string {
	v.t.Helper()
	var found []string
	p.await(v, "links to follow", func() bool {
		found = slices.Concat(slices.Collect(maps.Values(p.candidates))...)
		return len(found) > 0
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.candidates)
	return found
}

func (p *preloads) await(v *visitor, what string, isThere func() bool) {
	v.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		p.mu.Lock()
		there := isThere()
		p.mu.Unlock()
		if there {
			return
		}
		if time.Now().After(deadline) {
			v.t.Fatalf("%s waits in vain for %s", v.name, what)
		}
	}
}
