package main

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/event"
)

// anotherTab opens one more tab of the visitor's browser. Like every tab of a
// browser without a screen, it believes that somebody looks at it.
func (v *visitor) anotherTab() *visitor {
	v.t.Helper()
	tab := &visitor{t: v.t, site: v.site, name: v.name + "’s other tab", screen: v.screen}
	ctx, leave := chromedp.NewContext(v.ctx, chromedp.WithListener(tab.notice))
	tab.ctx = ctx
	v.t.Cleanup(func() {
		leave()
		tab.mu.Lock()
		defer tab.mu.Unlock()
		for _, trouble := range tab.troubles {
			v.t.Errorf("%s: %s", tab.name, trouble)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		v.t.Fatalf("open %s: %v", tab.name, err)
	}
	call(tab, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	return tab
}

// testOpenPages watches pages on which nobody clicks.
func testOpenPages(t *testing.T, s *demoSite) {
	e := s.event(t, "Two chairs by the fire", 2)
	path := "/events/" + e.ID.String()
	holder := s.person(t, "Hugo Holder", account.Attendee)

	looking := s.visitor(t, "Lou", phone)
	looking.opens(path)
	looking.has(`#booking[data-seats-remaining="2"]`)
	unmoved := looking.staysOnThisPage()

	s.books(t, holder, e)
	looking.has(`#booking[data-seats-remaining="1"]`)
	looking.sees("Sign in to book a seat")
	s.books(t, s.person(t, "Greta Guest", account.Attendee), e)
	looking.has(`#booking[data-seats-remaining="0"]`)
	looking.has(`#event-state .tag-full`)
	looking.sees("Sign in to join the line")

	fay := s.person(t, "Fay Faster", account.Attendee)
	s.books(t, fay, e)
	waiting := s.visitor(t, "Ida", desktop)
	waiting.signsIn(s.person(t, "Ida Inline", account.Attendee))
	waiting.opens(path)
	waiting.sees("1 person is before you")
	waiting.clicks("Join the line")
	waiting.has(`#booking[data-booking=waitlisted][data-place="2"]`)
	waiting.hears("You are number 2 in line.")
	still := waiting.staysOnThisPage()
	s.leaves(t, fay, e)
	waiting.has(`#booking[data-booking=waitlisted][data-place="1"]`)
	waiting.sees("You are next in line")
	waiting.hears("You are next in line")
	s.leaves(t, holder, e)
	waiting.sees("A seat came free, and it is yours.")
	waiting.has("#booking[data-booking=confirmed] .code")
	waiting.hears("A seat came free, and it is yours.")
	looking.has(`#booking[data-seats-remaining="0"]`)
	still()
	unmoved()
}

func (s *demoSite) leaves(t *testing.T, u account.User, e event.Event) {
	t.Helper()
	if _, err := s.desk.Cancel(t.Context(), booking.Cancellation{EventID: e.ID, UserID: u.ID, ActorID: u.ID}); err != nil {
		t.Fatal(err)
	}
}

// testTenTabs opens more tabs than HTTP/1.1 allows a browser connections.
func testTenTabs(t *testing.T, s *demoSite) {
	e := s.event(t, "Ten windows on the river", 20)
	path := "/events/" + e.ID.String()
	tabs := []*visitor{s.visitor(t, "Tom", desktop)}
	tabs[0].signsIn(s.person(t, "Tom Tabs", account.Attendee))
	for len(tabs) < 10 {
		tabs = append(tabs, tabs[0].anotherTab())
	}
	for _, tab := range tabs {
		tab.opens(path)
	}
	tabs[9].clicks("Book a seat")
	for _, tab := range tabs {
		tab.has(`#booking[data-booking=confirmed][data-seats-remaining="19"]`)
	}
	for _, tab := range tabs[7:] {
		tab.opens("/bookings")
		tab.has("[data-booking=confirmed]")
	}
}
