package views

import (
	"context"
	"time"

	"rowlock/booking"
	"rowlock/event"
)

// A bookingGroup is one part of a person's bookings.
type bookingGroup struct {
	Title string
	Held  []booking.Held
	// Quiet groups are shown small: nothing is to be done about them.
	Quiet bool
}

// bookingGroups sorts a person's bookings into what is coming up, what is past
// and what was cancelled, each in the order given.
func bookingGroups(ctx context.Context, all []booking.Held, now time.Time) []bookingGroup {
	comingUp := bookingGroup{Title: say(ctx, "Coming up")}
	past := bookingGroup{Title: say(ctx, "Past"), Quiet: true}
	cancelled := bookingGroup{Title: say(ctx, "Cancelled bookings"), Quiet: true}
	for _, h := range all {
		switch {
		case !held(h.Mine) || h.Event.Status == event.Cancelled:
			cancelled.Held = append(cancelled.Held, h)
		case h.Event.Ended(now):
			past.Held = append(past.Held, h)
		default:
			comingUp.Held = append(comingUp.Held, h)
		}
	}

	var groups []bookingGroup
	for _, g := range []bookingGroup{comingUp, past, cancelled} {
		if len(g.Held) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

// endedText tells how a booking in the quiet part of the list ended.
func endedText(ctx context.Context, h booking.Held) string {
	switch {
	case h.Event.Status == event.Cancelled:
		return say(ctx, "The event was cancelled")
	case h.Mine.Standing == booking.Waitlisted:
		return say(ctx, "No seat became free")
	case h.Mine.Standing == booking.Confirmed:
		return say(ctx, "You had a seat")
	}
	return say(ctx, "You cancelled")
}
