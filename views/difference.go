package views

import (
	"context"
	"time"
)

// A difference is a field of an event that two editors filled differently.
type difference struct{ Label, Theirs string }

// differences lists where theirs differs from mine, in the order of the form.
func differences(ctx context.Context, mine, theirs EventForm) []difference {
	var found []difference
	note := func(label, mine, theirs string) {
		if mine != theirs {
			found = append(found, difference{label, theirs})
		}
	}
	noteTime := func(label, mine, theirs string) { note(label, sayTime(ctx, mine), sayTime(ctx, theirs)) }
	note(say(ctx, "Title"), mine.Title, theirs.Title)
	note(say(ctx, "Description"), mine.Description, theirs.Description)
	note(say(ctx, "Place"), mine.Location, theirs.Location)
	noteTime(say(ctx, "Starts"), mine.StartsAt, theirs.StartsAt)
	noteTime(say(ctx, "Ends"), mine.EndsAt, theirs.EndsAt)
	note(say(ctx, "Time zone"), mine.TimeZone, theirs.TimeZone)
	note(say(ctx, "Seats"), mine.Capacity, theirs.Capacity)
	noteTime(say(ctx, "Booking opens"), mine.RegistrationOpensAt, theirs.RegistrationOpensAt)
	noteTime(say(ctx, "Booking closes"), mine.RegistrationClosesAt, theirs.RegistrationClosesAt)
	return found
}

// sayTime is a time of a form in the words of all pages. What was typed and is
// no time stays as it is.
func sayTime(ctx context.Context, local string) string {
	t, err := time.Parse(LocalTime, local)
	if err != nil {
		return local
	}
	return momentText(ctx, t, time.UTC)
}
