package main

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"

	"rowlock/account"
	"rowlock/event"
)

// testScripts writes an event from right to left, with a word that is wider
// than any phone.
func testScripts(t *testing.T, s *demoSite) {
	title := "أمسية الشعر على ضفة النهر"
	word := strings.Repeat("Strandpromenaden", 4)[:60]
	layla := s.person(t, "ليلى حداد", account.Organizer)
	start := time.Now().Add(7 * 24 * time.Hour).Truncate(time.Minute)
	e, err := s.events.Create(t.Context(), layla.ID, event.Details{
		Title: title, Location: word, TimeZone: "Africa/Cairo", Capacity: 4, StartsAt: start, EndsAt: start.Add(time.Hour),
		Description: "قصائد قديمة وجديدة، وشاي بالنعناع.\n\n" + word,
	})
	if err != nil {
		t.Fatal(err)
	}
	if e, err = s.events.Publish(t.Context(), e.ID, layla.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	s.books(t, layla, e)
	_, mine := s.standing(t, layla, e)

	v := s.visitor(t, "Layla", phone)
	v.signsIn(layla)
	organizing := "/organizer/events/" + e.ID.String()
	for _, page := range []struct {
		path string
		// rightToLeft are what has the title or her name in it, leftToRight
		// what is around them.
		rightToLeft, leftToRight []string
	}{
		{"/events?q=أمسية", []string{".ticket h3"}, []string{"html", ".ticket-facts span"}},
		{"/events/" + e.ID.String(), []string{"h1", ".prose"}, []string{"html", "#booking"}},
		{"/bookings", []string{".ticket h3"}, []string{"html"}},
		{"/bookings/" + mine.RegistrationID.String(), []string{"h1"}, []string{"html"}},
		{organizing, []string{"h1"}, []string{"html"}},
		{organizing + "/edit", []string{"#title", "#description"}, []string{"html", "#location"}},
		{organizing + "/attendees", []string{"tbody th"}, []string{"html", "thead th"}},
		{"/account", []string{"#name"}, []string{"html", "h1"}},
	} {
		v.opens(page.path)
		v.fitsPhones()
		for _, selector := range page.rightToLeft {
			v.readsFrom(selector, "rtl")
		}
		for _, selector := range page.leftToRight {
			v.readsFrom(selector, "ltr")
		}
	}
}

// readsFrom reports an error unless what the selector names is read in that
// direction: ltr or rtl.
func (v *visitor) readsFrom(selector, direction string) {
	v.t.Helper()
	v.has(selector)
	got := look[string](v, selector, `getComputedStyle(document.querySelector(`+strconv.Quote(selector)+`)).direction`)
	if got != direction {
		v.t.Errorf("%s on %s is read %s, not %s", selector, v.path(), got, direction)
	}
}

// testStill asks for no motion, and looks for it in every style that then
// holds.
func testStill(t *testing.T, s *demoSite) {
	e := s.event(t, "Sitting still by the water", 4)
	v := s.visitor(t, "Stella", desktop)
	moving := func(wish string) []string {
		call(v, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: wish}},
		})
		v.opens("/events/" + e.ID.String())
		return look[[]string](v, "the styles", `
			const holds = (rule) => !(rule instanceof CSSMediaRule) || matchMedia(rule.conditionText).matches;
			const moves = (style) => /[1-9]/.test(style?.transitionDuration ?? "") || /[1-9]/.test(style?.animationDuration ?? "") || style?.scrollBehavior === "smooth";
			const inside = (rules) => [...rules].filter(holds).flatMap((rule) => [
				...(moves(rule.style) ? [rule.cssText] : []), ...inside(rule.cssRules ?? []),
			]);
			[...document.styleSheets].flatMap((sheet) => inside(sheet.cssRules))`)
	}
	if len(moving("no-preference")) == 0 {
		t.Error("nothing moves for those who do not mind: the test shows nothing")
	}
	if found := moving("reduce"); len(found) > 0 {
		t.Errorf("moves all the same: %q", found)
	}
}
