package views

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"rowlock/booking"
	"rowlock/simulation"
)

func TestMeterLooksFullOnlyWhenTheEventIs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name            string
		capacity, taken int
		want            meter
	}{
		{"a mark for each seat", 12, 5, meter{12, 5}},
		{"full", 12, 12, meter{12, 12}},
		{"empty", 12, 0, meter{12, 0}},
		{"a large event, one seat taken", 1200, 1, meter{mostMarks, 1}},
		{"a large event, one seat left", 1200, 1199, meter{mostMarks, mostMarks - 1}},
		{"a large event, full", 1200, 1200, meter{mostMarks, mostMarks}},
		{"no seats at all", 0, 0, meter{}},
	}
	for _, tt := range tests {
		if got := meterOf(tt.capacity, tt.taken); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestCrowdShowsEveryone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		s    simulation.Simulation
		want []crowdPart
	}{
		{"a mark for each", simulation.Simulation{State: simulation.Done, Users: 100, Tally: simulation.Tally{Registered: 10, Waitlisted: 88, Failed: 2}}, []crowdPart{
			{"registered", 0, 10}, {"failed", 10, 12}, {"waitlisted", 12, 100},
		}},
		{"the few among many keep a mark", simulation.Simulation{State: simulation.Done, Users: 100_000, Tally: simulation.Tally{Registered: 10, Waitlisted: 99_990}}, []crowdPart{
			{"registered", 0, 1}, {"waitlisted", 1, 1000},
		}},
		{"half way", simulation.Simulation{State: simulation.Running, Users: 2000, Answered: 1000, Tally: simulation.Tally{Registered: 10, Waitlisted: 900, Failed: 90}}, []crowdPart{
			{"registered", 0, 5}, {"failed", 5, 50}, {"waitlisted", 50, 500}, {"asked", 500, 1000},
		}},
		{"not begun", simulation.Simulation{State: simulation.Running, Users: 5}, []crowdPart{{"asked", 0, 5}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := crowdOf(tt.s)
			at := 0
			for i, part := range c.Parts {
				if part.From != at {
					t.Errorf("a gap before mark %d", part.From)
				}
				at = part.To
				if i < len(tt.want) && part != tt.want[i] {
					t.Errorf("got %v, want %v", part, tt.want[i])
				}
			}
			if at != c.Marks {
				t.Errorf("%d of %d marks are drawn", at, c.Marks)
			}
		})
	}
}

// The area of those with a seat is as high as they are many, and grows to the
// right with the time, at round steps.
func TestGrowth(t *testing.T) {
	t.Parallel()
	s := simulation.Simulation{State: simulation.Running, Users: 100}
	if g := newGrowth(s); g.x.to != 1 || g.y.to != 100 || g.Area(nil) != "M92 200L92 200Z" {
		t.Errorf("before anybody is answered it is %+v, %s", g, g.Area(nil))
	}
	s.Results.SoFar = []simulation.Moment{{At: time.Second, Registered: 25}, {At: 3 * time.Second, Registered: 25, Waitlisted: 25}}
	g := newGrowth(s)
	if got, want := g.Area(func(m simulation.Moment) int { return m.Registered }), "M92 200L200 154L416 154L416 200Z"; g.x.to != 5 || got != want {
		t.Errorf("to %g s the area is %s, want %s", g.x.to, got, want)
	}
}

// Nobody is said to ask at the same moment who comes in later.
func TestALargeCrowdIsNotSaidToAskAtOnce(t *testing.T) {
	t.Parallel()
	run := simulation.Simulation{State: simulation.Running, Phase: simulation.Booking, Users: simulation.MaxAtOnce, Seats: 10}
	said := func() string {
		other := run
		other.Strategy = "pessimistic"
		both := comparedOf(run, other)
		both.ID = uuid.New()
		return strings.Join([]string{askedText(t.Context(), run), phaseText(t.Context(), run), both.askedOfAll(t.Context())}, "\n")
	}
	if got, want := said(), `50,000 people ask for 10 seats at the same moment.
Booking, all at once
50,000 people ask for 10 seats at the same moment, once with each strategy.`; got != want {
		t.Errorf("got %s", got)
	}
	run.Users++
	if got, want := said(), `50,001 people ask for 10 seats, 50,000 of them at the same moment and each of the others as soon as somebody has an answer.
Booking, 50,000 at once
50,001 people ask for 10 seats, 50,000 of them at the same moment and each of the others as soon as somebody has an answer. Once with each strategy.`; got != want {
		t.Errorf("got %s", got)
	}
}

func TestCrowdBreaksIntoRows(t *testing.T) {
	t.Parallel()
	c := crowd{People: 120, Marks: 120}
	got := c.Path(crowdPart{"waitlisted", 48, 102})
	if want := "M576 7H595M0 27H595M0 47H19"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBookingsChart(t *testing.T) {
	t.Parallel()
	day := time.Date(2027, 1, 30, 0, 0, 0, 0, time.UTC)
	c := bookingsChart(context.Background(), []booking.DayCount{{Day: day, Bookings: 3}, {Day: day.AddDate(0, 0, 1)}, {Day: day.AddDate(0, 0, 2), Bookings: 6}})
	if c.First != "30 Jan" || c.Last != "1 Feb" || c.Most() != 6 {
		t.Errorf("got %s to %s, most %d", c.First, c.Last, c.Most())
	}
	if got, want := c.Path(), "M1 100v-50h8v50zM21 100v-100h8v100z"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}

	var long []booking.DayCount
	for i := range 70 {
		long = append(long, booking.DayCount{Day: day.AddDate(0, 0, i), Bookings: 1})
	}
	weeks := bookingsChart(context.Background(), long)
	if len(weeks.Bars) != 10 || weeks.Bars[0].Value != 7 || !strings.Contains(weeks.Title, "week") {
		t.Errorf("70 days are drawn as %d bars, %q", len(weeks.Bars), weeks.Title)
	}
	if empty := bookingsChart(context.Background(), nil); len(empty.Bars) != 0 {
		t.Error("no bookings are drawn")
	}
}

func TestEvenOneAmongThousandsShows(t *testing.T) {
	t.Parallel()
	c := chart{Bars: []bar{{Value: 1}, {Value: 100_000}}}
	if !strings.HasPrefix(c.Path(), "M1 100v-2h8v2z") {
		t.Errorf("got %q", c.Path())
	}
}
