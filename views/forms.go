package views

import (
	"slices"
	"strconv"
	"time"

	"rowlock/event"
)

// LocalTime is the shape of the times that a form sends and shows: what a
// browser's date and time field speaks.
const LocalTime = "2006-01-02T15:04"

// NewEventForm is the empty form for an event in zone, with sensible times
// filled in: next week, in the evening, for two hours.
func NewEventForm(now time.Time, zone string) EventForm {
	location, err := event.LoadZone(zone)
	if err != nil {
		zone, location = "UTC", time.UTC
	}
	day := now.In(location).AddDate(0, 0, 7)
	start := time.Date(day.Year(), day.Month(), day.Day(), 18, 30, 0, 0, location)
	return EventForm{
		Status:   event.Draft,
		StartsAt: start.Format(LocalTime),
		EndsAt:   start.Add(2 * time.Hour).Format(LocalTime),
		TimeZone: zone,
		Capacity: "30",
	}
}

// EditEventForm is the form filled with an event as it is.
func EditEventForm(e event.Event) EventForm {
	return EventForm{
		ID:                   e.ID,
		Status:               e.Status,
		Confirmed:            e.Confirmed(),
		Revision:             strconv.Itoa(e.Revision),
		Title:                e.Title,
		Description:          e.Description,
		Location:             e.Location,
		StartsAt:             localTime(&e.StartsAt, e.Zone()),
		EndsAt:               localTime(&e.EndsAt, e.Zone()),
		TimeZone:             e.TimeZone,
		RegistrationOpensAt:  localTime(e.RegistrationOpensAt, e.Zone()),
		RegistrationClosesAt: localTime(e.RegistrationClosesAt, e.Zone()),
		Capacity:             strconv.Itoa(e.Capacity),
	}
}

func localTime(t *time.Time, zone *time.Location) string {
	if t == nil {
		return ""
	}
	return t.In(zone).Format(LocalTime)
}

// eventFields are the fields of an event's form, from top to bottom.
var eventFields = []string{
	"title", "description", "location", "starts_at", "ends_at", "time_zone", "capacity",
	"registration_opens_at", "registration_closes_at",
}

// problemsInOrder are the keys of problems in the order of a form: first what
// belongs to no field, then fields from top to bottom, then any others.
func problemsInOrder(problems map[string]string, fields []string) []string {
	place := func(name string) int {
		if name == "" {
			return -1
		}
		if i := slices.Index(fields, name); i >= 0 {
			return i
		}
		return len(fields)
	}
	names := sortedKeys(problems)
	slices.SortStableFunc(names, func(a, b string) int { return place(a) - place(b) })
	return names
}
