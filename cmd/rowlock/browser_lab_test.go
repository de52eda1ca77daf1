package main

import (
	"context"
	"strings"
	"testing"

	"rowlock/account"
)

// testLab compares strategies, reads what came of it, takes the figures home
// and deletes it all.
func testLab(t *testing.T, s *demoSite) {
	s.simulating.Lock()
	defer s.simulating.Unlock()
	s.event(t, "Five kayaks for a class", 5)
	admin := s.visitor(t, "Lotte", desktop)
	admin.signsIn(s.person(t, "Lotte Lab", account.Admin))

	admin.opens("/admin/lab")
	admin.chooses("Event", "Five kayaks for a class")
	admin.fills("People", "1000")
	admin.fills("Name", "Lunch break")
	admin.clicks("Compare them")
	admin.has("#comparison[data-state=running] [data-turn=optimistic] progress")
	watched := admin.staysOnThisPage()
	admin.has("#comparison[data-state=running] [data-turn=grouped][data-state=done] .bar")
	admin.has("#comparison[data-state=done]")
	watched()

	admin.sees("Nobody was overbooked")
	look[bool](admin, "that nothing is left to stop", `getComputedStyle(document.querySelector("form.stop")).display === "none"`)
	for _, plot := range []string{"waits", "race", "groups"} {
		admin.has("figure[data-plot=" + plot + "] svg path")
		if text := admin.reads("figure[data-plot=" + plot + "] svg desc"); !strings.Contains(text, "Grouped: ") && plot != "groups" {
			t.Errorf("the plot of %s is described as %q", plot, text)
		}
	}
	if n := admin.counts("figure.speed svg rect.bar"); n != 4 {
		t.Errorf("%d strategies are shown side by side, not 4", n)
	}

	file := look[string](admin, "the file of runs", `
		window.fetched ??= fetch(document.querySelector("a[href$='.csv']").href).then((answer) => answer.text()).then((text) => { window.file = text; });
		window.file`)
	if lines := strings.Count(file, "\n"); lines != 5 || !strings.Contains(file, "Five kayaks for a class") {
		t.Errorf("the file of four runs has %d lines:\n%s", lines, file)
	}

	admin.clicks("Delete")
	admin.clicks("Yes, delete it all")
	admin.comesTo("/admin/lab")
	admin.sees("The comparison is deleted")
	admin.hasNo("a[href*='/admin/lab/0']")
	if n := s.madeUpAt(t, "Five kayaks for a class"); n != 0 {
		t.Errorf("%d copies of the event are left", n)
	}
}

// testStop stops a comparison that would take a minute.
func testStop(t *testing.T, s *demoSite) {
	s.simulating.Lock()
	defer s.simulating.Unlock()
	s.event(t, "A canoe with a leak", 3)
	admin := s.visitor(t, "Lotte", phone)
	admin.signsIn(s.person(t, "Lotte Lab", account.Admin))

	admin.opens("/admin/lab")
	admin.chooses("Event", "A canoe with a leak")
	admin.fills("People", "5000")
	admin.clicks("Compare them")
	admin.has("#comparison[data-state=running]")
	admin.clicks("Stop it")
	admin.sees("It stops as soon as those who have asked are answered.")
	admin.has("#comparison[data-state=failed]")
	admin.sees("Lotte Lab stopped it before it was done.")
	admin.fitsPhones()
	admin.clicks("Delete")
	admin.clicks("Yes, delete it all")
	admin.sees("The comparison is deleted")
}

// madeUpAt counts the private copies of an event.
func (s *demoSite) madeUpAt(t *testing.T, title string) (n int) {
	t.Helper()
	err := s.pool.QueryRow(context.Background(), `select count(*) from events where title = $1 and simulation_id is not null`, title).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
