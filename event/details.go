package event

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/db"
	"rowlock/locale"
)

// Problems tells what must be put right before the details can be saved: a
// sentence for a person, by the name of the form field it belongs to. It is
// empty when nothing must be.
//
// An event that is over at now is a problem too. A zero now leaves that
// question out, for a correction to an event of the past.
func (d Details) Problems(now time.Time) map[string]locale.Text {
	problems := map[string]locale.Text{}
	note := func(field string, problem locale.Text) {
		if _, noted := problems[field]; !noted {
			problems[field] = problem
		}
	}

	if d.Title == "" {
		note("title", locale.Later("Give the event a title."))
	}
	if n := utf8.RuneCountInString(d.Title); n > MaxTitle {
		note("title", locale.Later("Keep the title to %s characters; these are %s.", MaxTitle, n))
	}
	if hasControls(d.Title) {
		note("title", locale.Later("Keep the title to one line of text."))
	}
	if n := utf8.RuneCountInString(d.Description); n > MaxDescription {
		note("description", locale.Later("Keep the description to %s characters; these are %s.", MaxDescription, n))
	}
	if n := utf8.RuneCountInString(d.Location); n > MaxLocation {
		note("location", locale.Later("Keep the place to %s characters; these are %s.", MaxLocation, n))
	}
	if hasControls(d.Location) {
		note("location", locale.Later("Keep the place to one line of text."))
	}
	if _, err := LoadZone(d.TimeZone); err != nil || len(d.TimeZone) > 64 {
		note("time_zone", badZone)
	}
	if d.Capacity < 1 || d.Capacity > MaxCapacity {
		note("capacity", badCapacity)
	}
	d.noteTimes(note, now)
	return problems
}

func (d Details) noteTimes(note func(field string, problem locale.Text), now time.Time) {
	switch {
	case d.StartsAt.IsZero():
		note("starts_at", locale.Later("Say when the event starts."))
	case d.EndsAt.IsZero():
		note("ends_at", locale.Later("Say when the event ends."))
	case !d.EndsAt.After(d.StartsAt):
		note("ends_at", badEnd)
	case !now.IsZero() && !d.EndsAt.After(now):
		note("starts_at", locale.Later("This is in the past. Choose a time that is still to come."))
	}

	if opens := d.RegistrationOpensAt; opens != nil && !d.StartsAt.IsZero() && !opens.Before(d.StartsAt) {
		note("registration_opens_at", locale.Later("Booking must open before the event starts."))
	}
	if closes := d.RegistrationClosesAt; closes != nil {
		if !d.StartsAt.IsZero() && closes.After(d.StartsAt) {
			note("registration_closes_at", locale.Later("Booking cannot stay open after the event starts."))
		}
		if opens := d.RegistrationOpensAt; opens != nil && !closes.After(*opens) {
			note("registration_closes_at", badClosing)
		}
	}
}

func hasControls(text string) bool { return strings.ContainsFunc(text, unicode.IsControl) }

// refusals maps every constraint on an event's details to what it says to a
// person. [Details.Problems] finds all of this first; the database has the
// last word.
var refusals = []struct {
	constraint, field string
	problem           locale.Text
}{
	{"events_title_check", "title", locale.Later("Give the event a title of up to %s characters.", MaxTitle)},
	{"events_description_check", "description", locale.Later("Keep the description to %s characters.", MaxDescription)},
	{"events_location_check", "location", locale.Later("Keep the place to %s characters.", MaxLocation)},
	{"events_time_zone_check", "time_zone", badZone},
	{"events_capacity_check", "capacity", badCapacity},
	{"events_times_check", "ends_at", badEnd},
	{"events_registration_check", "registration_closes_at", badClosing},
}

// What both [Details.Problems] and the database may find.
var (
	badZone     = locale.Later("Choose a time zone from the list, such as Europe/Lisbon.")
	badCapacity = locale.Later("Choose from 1 to %s seats.", MaxCapacity)
	badEnd      = locale.Later("The event must end after it starts.")
	badClosing  = locale.Later("Booking must close after it opens.")
)

// ProblemsIn reads the database's refusal of an event's details in err the way
// [Details.Problems] tells it. It is nil when err is anything else.
func ProblemsIn(err error) map[string]locale.Text {
	for _, r := range refusals {
		if db.Violates(err, r.constraint) {
			return map[string]locale.Text{r.field: r.problem}
		}
	}
	return nil
}

// Diff lists what an edit changes, as the log keeps it: the field's name with
// its value "from" before "to" after. Times are in the zone of their side.
func Diff(from, to Details) map[string]any {
	changes := map[string]any{}
	note := func(field string, a, b any) {
		if a != b {
			changes[field] = map[string]any{"from": a, "to": b}
		}
	}
	note("title", from.Title, to.Title)
	note("description", from.Description, to.Description)
	note("location", from.Location, to.Location)
	note("time_zone", from.TimeZone, to.TimeZone)
	note("capacity", from.Capacity, to.Capacity)
	noteTime := func(field string, a, b *time.Time) {
		if !sameTime(a, b) {
			note(field, from.logTime(a), to.logTime(b))
		}
	}
	noteTime("starts_at", &from.StartsAt, &to.StartsAt)
	noteTime("ends_at", &from.EndsAt, &to.EndsAt)
	noteTime("registration_opens_at", from.RegistrationOpensAt, to.RegistrationOpensAt)
	noteTime("registration_closes_at", from.RegistrationClosesAt, to.RegistrationClosesAt)
	return changes
}

func sameTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// logTime writes t for the log; nil where it is not set.
func (d Details) logTime(t *time.Time) any {
	if t == nil {
		return nil
	}
	return t.In(Event{Details: d}.Zone()).Format(time.RFC3339)
}

// QueueDetails adds the statement that saves d as the event's details to b:
// everything but the capacity and the other numbers that only the desk
// changes. It counts one revision and writes no audit entry.
//
// Send it in the transaction that holds the event's row lock and has compared
// the revision.
func QueueDetails(b *pgx.Batch, id uuid.UUID, d Details) *pgx.QueuedQuery {
	return b.Queue(`
		update events
		set title = $2, description = $3, location = $4, starts_at = $5, ends_at = $6, time_zone = $7,
		    registration_opens_at = $8, registration_closes_at = $9,
		    revision = revision + 1, updated_at = now()
		where id = $1`,
		id, d.Title, d.Description, d.Location, d.StartsAt, d.EndsAt, d.TimeZone, d.RegistrationOpensAt, d.RegistrationClosesAt)
}
