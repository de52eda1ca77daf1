package views

import (
	"context"
	"fmt"
	"time"

	"rowlock/booking"
	"rowlock/simulation"
)

// A bar is one column of a chart.
type bar struct {
	// Label names the bar where the chart is told as a table.
	Label string
	Value int
}

// A chart is a row of bars drawn as SVG. Its numbers are also told as a table,
// for whoever cannot see bars.
type chart struct {
	// Title says what is counted.
	Title string
	// LabelHead and ValueHead head the table.
	LabelHead, ValueHead string
	Bars                 []bar
	// First and Last label the ends of the axis.
	First, Last string
	// Widest bounds the width of a bar, so that a few do not fill the page.
	Widest int
}

const (
	barPitch    = 10
	barWidth    = 8
	chartHeight = 100
)

// ViewBox is the chart's own space, which is stretched to its place.
func (c chart) ViewBox() string {
	return fmt.Sprintf("0 0 %d %d", len(c.Bars)*barPitch, chartHeight)
}

// Width is the most that the chart takes on a page.
func (c chart) Width() string { return fmt.Sprint(len(c.Bars) * c.Widest) }

// Most is the largest value.
func (c chart) Most() int {
	most := 0
	for _, b := range c.Bars {
		most = max(most, b.Value)
	}
	return most
}

// Path draws every bar that is not empty in one path.
func (c chart) Path() string {
	most := c.Most()
	var path []byte
	for i, b := range c.Bars {
		if b.Value <= 0 {
			continue
		}
		// Even a single one among thousands shows.
		height := max(2, chartHeight*b.Value/most)
		path = fmt.Appendf(path, "M%d %dv-%dh%dv%dz", i*barPitch+(barPitch-barWidth)/2, chartHeight, height, barWidth, height)
	}
	return string(path)
}

// mostDays is how many days are drawn one by one; longer times are drawn by
// the week.
const mostDays = 62

// bookingsChart draws an event's bookings over time.
func bookingsChart(ctx context.Context, days []booking.DayCount) chart {
	c := chart{Title: say(ctx, "Bookings per day"), LabelHead: say(ctx, "Day"), ValueHead: say(ctx, "Bookings"), Widest: 44}
	if len(days) == 0 {
		return c
	}
	c.First, c.Last = date(ctx, days[0].Day, "2 Jan"), date(ctx, days[len(days)-1].Day, "2 Jan")
	if len(days) <= mostDays {
		for _, d := range days {
			c.Bars = append(c.Bars, bar{Label: date(ctx, d.Day, "2 Jan"), Value: d.Bookings})
		}
		return c
	}

	c.Title, c.LabelHead = say(ctx, "Bookings per week"), say(ctx, "Week from")
	for i, d := range days {
		if i%7 == 0 {
			c.Bars = append(c.Bars, bar{Label: date(ctx, d.Day, "2 Jan 2006")})
		}
		c.Bars[len(c.Bars)-1].Value += d.Bookings
	}
	return c
}

// latencyChart draws how long people waited for their answers.
func latencyChart(ctx context.Context, buckets []simulation.Bucket) chart {
	c := chart{Title: say(ctx, "Answers by waiting time"), LabelHead: say(ctx, "Waited"), ValueHead: say(ctx, "People"), Widest: 96}
	if len(buckets) == 0 {
		return c
	}
	c.First, c.Last = took(ctx, buckets[0].From), took(ctx, buckets[len(buckets)-1].To)
	for _, b := range buckets {
		c.Bars = append(c.Bars, bar{Label: rangeText(ctx, b.From, b.To), Value: b.Count})
	}
	return c
}

func rangeText(ctx context.Context, from, to time.Duration) string {
	if from == 0 {
		return say(ctx, "up to %s", took(ctx, to))
	}
	return say(ctx, "%s to %s", took(ctx, from), took(ctx, to))
}
