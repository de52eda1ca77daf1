package event

import (
	"errors"
	"fmt"
	"sync"
	"time"

	// Zones must be known on every machine alike, also in a container without
	// its own copy of them.
	_ "time/tzdata"
)

// What a local time can be refused with.
var (
	// ErrNotATime says that the text is not a date with a time.
	ErrNotATime = errors.New("not a date and time such as 2027-03-01T18:30")
	// ErrSkippedTime says that no clock in the zone ever shows the time: it
	// falls into the hour that is skipped when summer time begins.
	ErrSkippedTime = errors.New("the clocks skip this time")
)

// localLayouts are how browsers write a datetime-local field, and how people
// type one where the browser does not know it.
var localLayouts = []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04"}

// ParseLocal reads a wall-clock time such as "2027-03-01T18:30" in zone.
//
// A time that the clocks show twice, when summer time ends, is the first of
// the two. A time that they skip is refused with [ErrSkippedTime]: whoever
// typed it meant something else.
func ParseLocal(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range localLayouts {
		wall, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		t, exists := inZone(wall, zone)
		if !exists {
			return time.Time{}, ErrSkippedTime
		}
		return t, nil
	}
	return time.Time{}, ErrNotATime
}

// zones are those that were asked for, by name: some hundred exist. The time
// package reads a file for each question, and a page asks seven times.
var zones sync.Map

// LoadZone finds a time zone by its IANA name, and reads it once. It refuses ""
// and "Local", which mean a different zone on every machine.
func LoadZone(name string) (*time.Location, error) {
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location), nil
	}
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("time zone %q has no place of its own", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, err
	}
	zones.Store(name, zone)
	return zone, nil
}

// inZone finds the moment at which clocks in zone show what wall shows in UTC:
// the first of two, and for a time that they skip the moment as far after the
// skip as wall is after its beginning, with exists false.
//
// It looks at the offsets a day before and a day after. They differ only where
// the clocks change in between, and then the two moments they give are the
// only candidates.
func inZone(wall time.Time, zone *time.Location) (t time.Time, exists bool) {
	before, after := wall.Add(-offset(wall.AddDate(0, 0, -1), zone)), wall.Add(-offset(wall.AddDate(0, 0, 1), zone))
	switch {
	case shows(before, wall, zone):
		return before.In(zone), true
	case shows(after, wall, zone):
		return after.In(zone), true
	default:
		return before.In(zone), false
	}
}

func offset(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

// shows tells whether clocks in zone show wall at t.
func shows(t, wall time.Time, zone *time.Location) bool {
	return t.Add(offset(t, zone)).Equal(wall)
}

// asWall is what clocks in zone show at t, as a time in UTC: the opposite of
// [inZone].
func asWall(t time.Time, zone *time.Location) time.Time {
	return t.Add(offset(t, zone)).UTC()
}

// MovedAfter gives the details of the next occasion of a weekly event: every
// time moved by the same number of whole weeks, at least one, until it starts
// after now. Clocks on the wall show the same times as before, also across a
// change to or from summer time.
func (d Details) MovedAfter(now time.Time) Details {
	zone, err := LoadZone(d.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	weeks := max(1, int(now.Sub(d.StartsAt)/week))
	for !moved(d.StartsAt, weeks, zone).After(now) {
		weeks++
	}

	next := d
	next.StartsAt = moved(d.StartsAt, weeks, zone)
	next.EndsAt = moved(d.EndsAt, weeks, zone)
	if !next.EndsAt.After(next.StartsAt) { // the clocks swallow all of it
		next.EndsAt = next.StartsAt.Add(d.EndsAt.Sub(d.StartsAt))
	}
	next.RegistrationOpensAt = movedIfSet(d.RegistrationOpensAt, weeks, zone)
	next.RegistrationClosesAt = movedIfSet(d.RegistrationClosesAt, weeks, zone)
	if opens, closes := next.RegistrationOpensAt, next.RegistrationClosesAt; opens != nil && closes != nil && !closes.After(*opens) {
		later := opens.Add(d.RegistrationClosesAt.Sub(*d.RegistrationOpensAt))
		next.RegistrationClosesAt = &later
	}
	return next
}

const week = 7 * 24 * time.Hour

func moved(t time.Time, weeks int, zone *time.Location) time.Time {
	to, _ := inZone(asWall(t, zone).AddDate(0, 0, 7*weeks), zone)
	return to
}

func movedIfSet(t *time.Time, weeks int, zone *time.Location) *time.Time {
	if t == nil {
		return nil
	}
	to := moved(*t, weeks, zone)
	return &to
}
