package views

import (
	"context"
	"strings"
	"time"

	"rowlock/booking"
	"rowlock/event"
)

// A month is the events of one month of the programme.
type month struct {
	Name, Year string
	Events     []event.Event
}

// months cuts a list that is ordered by time into months of the calendar.
func months(ctx context.Context, events []event.Event) []month {
	var cut []month
	for _, e := range events {
		start := e.StartsAt.In(e.Zone())
		name, year := say(ctx, start.Format("January")), start.Format("2006")
		if len(cut) == 0 || cut[len(cut)-1].Name != name || cut[len(cut)-1].Year != year {
			cut = append(cut, month{Name: name, Year: year})
		}
		last := &cut[len(cut)-1]
		last.Events = append(last.Events, e)
	}
	return cut
}

// offered is what the book form offers the visitor, for its field "seen".
func offered(e event.Event) string {
	if e.SeatsRemaining > 0 {
		return SeenSeat
	}
	return SeenLine
}

// notBookable says why an event cannot be booked now, and since or from when.
// Both are empty for one that can.
func notBookable(ctx context.Context, e event.Event, now time.Time) (title, text string) {
	switch {
	case e.Status == event.Cancelled:
		return say(ctx, "This event is cancelled"), say(ctx, "It will not take place, and nobody holds a seat any more.")
	case e.Status == event.Draft:
		return say(ctx, "This event is a draft"), say(ctx, "Only its organizer sees it. Booking opens when it is published.")
	case e.Ended(now):
		return say(ctx, "This event is over"), say(ctx, "It ended %s.", fromNow(ctx, e.EndsAt, now, e.Zone()))
	case e.Started(now):
		return say(ctx, "This event is under way"),
			say(ctx, "It started %s, so seats can no longer be booked or given back.", fromNow(ctx, e.StartsAt, now, e.Zone()))
	case e.NotYetOpen(now):
		return say(ctx, "Booking opens %s", fromNow(ctx, *e.RegistrationOpensAt, now, e.Zone())),
			say(ctx, "On %s.", MomentText(ctx, *e.RegistrationOpensAt, e))
	case e.Closed(now):
		return say(ctx, "Booking has closed"),
			say(ctx, "It closed on %s.", MomentText(ctx, *e.RegistrationClosesAt, e))
	}
	return "", ""
}

// canLeave tells whether somebody who has a seat or a place can still give it
// up.
func canLeave(e event.Event, m booking.Mine, now time.Time) bool {
	return held(m) && e.Status == event.Published && !e.Started(now)
}

// saidByHeading tells whether the notice takes the place of the box's heading:
// good news about a seat or a place is not said twice.
func saidByHeading(in Booking) bool {
	return in.Notice != "" && !in.Refused && held(in.Mine) && in.Event.Status != event.Cancelled
}

// newsAndMore parts a notice after its first sentence, which is fit for a
// heading.
func newsAndMore(notice string) (news, more string) {
	news, more, found := strings.Cut(notice, ". ")
	if found {
		news += "."
	}
	return news, more
}
