package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// A part that is measured alone replaces its own section: the others keep
// their figures, in the order of the parts, and those of a part that is no more
// go.
func TestDocumentReplacesOneSection(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	before := "# Benchmarks\n\nOld words.\n\n## Second\n\n### With a part\n\n2 of old\n\n## Gone\n\n0\n\n## Third\n\n3\n"
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	d := document{path: path, titles: []string{"First", "Second", "Third"}}
	for _, section := range []struct{ title, body string }{{"Third", "3 anew\n"}, {"First", "\n1"}} {
		if err := d.put(section.title, section.body); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := preface + "\n## First\n\n1\n\n## Second\n\n### With a part\n\n2 of old\n\n## Third\n\n3 anew\n"
	if string(got) != want {
		t.Errorf("the document is\n%s\nwant\n%s", got, want)
	}
}

// What the tallies must be is known before anybody books; a wrong one ends the
// measurement.
func TestCrowdExpectsWhatTheSeatsAllow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		people, events int
		seats          int
		outcome        outcome
		ok             bool
	}{
		{"as many as there are seats", 10, 1, 4, outcome{registered: 4, waitlisted: 6}, true},
		{"one too many", 10, 1, 4, outcome{registered: 5, waitlisted: 5}, false},
		{"one too few", 10, 1, 4, outcome{registered: 3, waitlisted: 7}, false},
		{"somebody has no answer", 10, 1, 4, outcome{registered: 4, waitlisted: 5}, false},
		{"uneven events", 5, 3, 2, outcome{registered: 5}, true},
		{"uneven events that are full", 5, 3, 1, outcome{registered: 3, waitlisted: 2}, true},
		{"more events than people", 2, 5, 1, outcome{registered: 2}, true},
		{"somebody failed", 2, 1, 2, outcome{registered: 1, failed: 1}, false},
		{"time was up", 10, 1, 4, outcome{registered: 3, unanswered: 7}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := crowd{people: make([]uuid.UUID, tt.people), events: make([]uuid.UUID, tt.events)}
			if err := c.expect(tt.outcome, tt.seats); (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Nobody holds two seats at an event of a town, also of those who book while it
// is measured, and everyone is asked as often as the others.
func TestTownGivesEveryoneTheirOwnSeats(t *testing.T) {
	t.Parallel()
	for _, town := range []town{
		{people: newIDs(1_000), events: newIDs(100)},
		{people: newIDs(100_000), events: newIDs(10_000)},
	} {
		held := map[uuid.UUID]int{}
		for event := range town.events {
			holders := map[uuid.UUID]bool{}
			for n := range perEvent + 40 {
				person := town.holder(event, n)
				if holders[person] {
					t.Fatalf("of %d people, one has two seats at event %d", len(town.people), event)
				}
				holders[person] = true
				if n < perEvent {
					held[person]++
				}
			}
		}
		for _, n := range held {
			if n != 10 {
				t.Fatalf("of %d people, one has %d bookings", len(town.people), n)
			}
		}
	}
}

func TestScaleReachesFromRoundNumberToRoundNumber(t *testing.T) {
	t.Parallel()
	tests := []struct {
		axis   axis
		values []float64
		ticks  string
	}{
		{axis{log: true}, []float64{100, 100_000}, "100 1,000 10,000 100,000"},
		{axis{log: true}, []float64{72, 1_300}, "50 100 200 500 1,000 2,000"},
		{axis{log: true}, []float64{1, 1}, "1 2 5 10"},
		{axis{log: true}, []float64{0.3, 7}, "0.2 0.5 1 2 5 10"},
		{axis{}, []float64{3, 87}, "0 20 40 60 80 100"},
	}
	for _, tt := range tests {
		s := newScale(tt.axis, tt.values, 0, 500)
		var ticks []string
		for _, tick := range s.ticks() {
			ticks = append(ticks, short(tick))
			if at := s.at(tick); at < -0.01 || at > 500.01 {
				t.Errorf("%v: %g is at %g, outside", tt.values, tick, at)
			}
		}
		if got := strings.Join(ticks, " "); got != tt.ticks {
			t.Errorf("%v has ticks at %s, want %s", tt.values, got, tt.ticks)
		}
	}
}

// A plot is well-formed whatever its words are, and says what it shows.
func TestPlotIsWellFormed(t *testing.T) {
	t.Parallel()
	p := plot{
		title: "Fish & chips", words: "a < b", x: axis{name: "x"}, y: axis{name: "y", log: true},
		lines: []line{{"one", []point{{1, 10}, {2, 1000}}}, {"nobody was answered", nil}},
	}
	svg := string(p.svg())
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"<title id=\"title\">Fish &amp; chips</title>", "<desc id=\"words\">a &lt; b</desc>", "prefers-color-scheme:dark"} {
		if !strings.Contains(svg, want) {
			t.Errorf("the plot lacks %s", want)
		}
	}
}

func TestDistributionIsOfAllPeople(t *testing.T) {
	t.Parallel()
	o := outcome{}
	for i := range 50 {
		o.waits = append(o.waits, time.Duration(i+1)*time.Millisecond)
	}
	points := o.distribution(200)
	if len(points) != 25 || points[0] != (point{2, 1}) || points[24] != (point{50, 25}) {
		t.Errorf("50 of 200 people were answered: %v", points)
	}
}

func TestThousands(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 100_000: "100,000", 1_234_567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for want, s := range map[float64]spread{7: {7}, 3: {5, 1}, 2: {9, 2, 1}, 4: {1, 100, 3, 5}} {
		if got := s.median(); got != want {
			t.Errorf("the median of %v is %v, not %v", s, got, want)
		}
	}
}
