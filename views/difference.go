package views

import "time"

// A difference is a field of an event that two editors filled differently.
type difference struct{ Label, Theirs string }

// differences lists where theirs differs from mine, in the order of the form.
func differences(mine, theirs EventForm) []difference {
	var found []difference
	note := func(label, mine, theirs string) {
		if mine != theirs {
			found = append(found, difference{label, theirs})
		}
	}
	noteTime := func(label, mine, theirs string) { note(label, sayTime(mine), sayTime(theirs)) }
	note("Title", mine.Title, theirs.Title)
	note("Description", mine.Description, theirs.Description)
	note("Place", mine.Location, theirs.Location)
	noteTime("Starts", mine.StartsAt, theirs.StartsAt)
	noteTime("Ends", mine.EndsAt, theirs.EndsAt)
	note("Time zone", mine.TimeZone, theirs.TimeZone)
	note("Seats", mine.Capacity, theirs.Capacity)
	noteTime("Booking opens", mine.RegistrationOpensAt, theirs.RegistrationOpensAt)
	noteTime("Booking closes", mine.RegistrationClosesAt, theirs.RegistrationClosesAt)
	return found
}

// sayTime is a time of a form in the words of all pages. What was typed and is
// no time stays as it is.
func sayTime(local string) string {
	t, err := time.Parse(LocalTime, local)
	if err != nil {
		return local
	}
	return momentText(t, time.UTC)
}
