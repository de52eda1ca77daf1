package views

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
	note("Title", mine.Title, theirs.Title)
	note("Description", mine.Description, theirs.Description)
	note("Place", mine.Location, theirs.Location)
	note("Starts", mine.StartsAt, theirs.StartsAt)
	note("Ends", mine.EndsAt, theirs.EndsAt)
	note("Time zone", mine.TimeZone, theirs.TimeZone)
	note("Seats", mine.Capacity, theirs.Capacity)
	note("Booking opens", mine.RegistrationOpensAt, theirs.RegistrationOpensAt)
	note("Booking closes", mine.RegistrationClosesAt, theirs.RegistrationClosesAt)
	return found
}
