package event_test

import (
	"testing"
	"time"

	"rowlock/event"
)

func TestParseLocal(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, zone, text string
		want             string // RFC 3339, or the error
	}{
		{"winter", "Europe/Lisbon", "2027-03-01T18:30", "2027-03-01T18:30:00Z"},
		{"summer", "Europe/Lisbon", "2027-07-01T18:30", "2027-07-01T18:30:00+01:00"},
		{"with seconds, as some browsers send it", "UTC", "2027-03-01T18:30:00", "2027-03-01T18:30:00Z"},
		{"with a space, as people type it", "Asia/Tokyo", "2027-03-01 18:30", "2027-03-01T18:30:00+09:00"},
		{"just before the clocks go forward", "Europe/Berlin", "2027-03-28T01:59", "2027-03-28T01:59:00+01:00"},
		{"in the skipped hour", "Europe/Berlin", "2027-03-28T02:00", event.ErrSkippedTime.Error()},
		{"at the end of the skipped hour", "Europe/Berlin", "2027-03-28T02:59", event.ErrSkippedTime.Error()},
		{"just after the skipped hour", "Europe/Berlin", "2027-03-28T03:00", "2027-03-28T03:00:00+02:00"},
		{"shown twice: the first", "Europe/Berlin", "2027-10-31T02:30", "2027-10-31T02:30:00+02:00"},
		{"just after the doubled hour", "Europe/Berlin", "2027-10-31T03:00", "2027-10-31T03:00:00+01:00"},
		{"shown twice in New York", "America/New_York", "2027-11-07T01:15", "2027-11-07T01:15:00-04:00"},
		{"skipped in Sydney", "Australia/Sydney", "2027-10-03T02:30", event.ErrSkippedTime.Error()},
		{"half an hour skipped on Lord Howe", "Australia/Lord_Howe", "2027-10-03T02:15", event.ErrSkippedTime.Error()},
		{"only half an hour skipped", "Australia/Lord_Howe", "2027-10-03T02:30", "2027-10-03T02:30:00+11:00"},
		{"a skipped midnight", "Africa/Cairo", "2027-04-30T00:30", event.ErrSkippedTime.Error()},
		{"no such day", "UTC", "2027-02-30T18:30", event.ErrNotATime.Error()},
		{"no time", "UTC", "2027-03-01", event.ErrNotATime.Error()},
		{"nothing", "UTC", "", event.ErrNotATime.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := event.ParseLocal(tt.text, zone(t, tt.zone))
			text := got.Format(time.RFC3339)
			if err != nil {
				text = err.Error()
			}
			if text != tt.want {
				t.Errorf("%q in %s: got %s, want %s", tt.text, tt.zone, text, tt.want)
			}
		})
	}
}

// Every quarter of an hour of two years in zones with all kinds of changes
// comes back as it went in, unless the clocks show it twice or never.
func TestParseLocalReadsWhatClocksShow(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca", "Asia/Kathmandu", "UTC"} {
		z := zone(t, name)
		seen := map[string]bool{}
		end := time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)
		for at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); at.Before(end); at = at.Add(15 * time.Minute) {
			text := at.In(z).Format("2006-01-02T15:04")
			got, err := event.ParseLocal(text, z)
			if err != nil {
				t.Fatalf("%s in %s: %v", text, name, err)
			}
			if first := !seen[text]; first != got.Equal(at) {
				t.Fatalf("%s in %s, seen before: %v: got %s, want %s", text, name, !first, got, at)
			}
			seen[text] = true
		}
	}
}

func TestLoadZoneRefusesWhatIsNoPlace(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "Local", "Europe/Atlantis", "../etc/passwd", "CEST"} {
		if _, err := event.LoadZone(name); err == nil {
			t.Errorf("%q was accepted", name)
		}
	}
}

// A page asks for its event's zone again and again.
func TestLoadZoneReadsAZoneOnce(t *testing.T) {
	t.Parallel()
	first, err := event.LoadZone("Pacific/Apia")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := event.LoadZone("Pacific/Apia"); err != nil || again != first {
		t.Errorf("the zone was read again: %p after %p, %v", again, first, err)
	}
}

func TestMovedAfter(t *testing.T) {
	t.Parallel()
	now := moment(t, "2027-03-20T12:00:00Z")
	tests := []struct {
		name, zone         string
		starts, ends       string
		wantStart, wantEnd string
	}{
		{"an event to come moves by one week", "Europe/Lisbon",
			"2027-03-24T18:30:00Z", "2027-03-24T20:00:00Z", "2027-03-31T18:30:00+01:00", "2027-03-31T20:00:00+01:00"},
		{"a past event moves to its next weekday", "Asia/Tokyo",
			"2026-12-03T19:00:00+09:00", "2026-12-03T21:00:00+09:00", "2027-03-25T19:00:00+09:00", "2027-03-25T21:00:00+09:00"},
		{"years ago, across many changes of clocks", "America/New_York",
			"2021-07-04T10:00:00-04:00", "2021-07-04T12:00:00-04:00", "2027-03-21T10:00:00-04:00", "2027-03-21T12:00:00-04:00"},
		{"just over, the same weekday", "UTC",
			"2027-03-20T11:00:00Z", "2027-03-20T11:30:00Z", "2027-03-27T11:00:00Z", "2027-03-27T11:30:00Z"},
		{"into the skipped hour", "Europe/Berlin",
			"2027-03-21T02:30:00+01:00", "2027-03-21T04:00:00+01:00", "2027-03-28T03:30:00+02:00", "2027-03-28T04:00:00+02:00"},
		{"swallowed by the skipped hour", "Europe/Berlin",
			"2027-03-21T02:30:00+01:00", "2027-03-21T03:15:00+01:00", "2027-03-28T03:30:00+02:00", "2027-03-28T04:15:00+02:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := event.Details{StartsAt: moment(t, tt.starts), EndsAt: moment(t, tt.ends), TimeZone: tt.zone}
			next := d.MovedAfter(now)
			if got := next.StartsAt.Format(time.RFC3339); got != tt.wantStart {
				t.Errorf("starts %s, want %s", got, tt.wantStart)
			}
			if got := next.EndsAt.Format(time.RFC3339); got != tt.wantEnd {
				t.Errorf("ends %s, want %s", got, tt.wantEnd)
			}
		})
	}
}

func TestMovedAfterMovesTheRegistrationWindowAlong(t *testing.T) {
	t.Parallel()
	d := details()
	opens, closes := d.StartsAt.AddDate(0, 0, -14), d.StartsAt.Add(-time.Hour)
	d.RegistrationOpensAt, d.RegistrationClosesAt = &opens, &closes

	next := d.MovedAfter(d.EndsAt)

	if problems := next.Problems(d.EndsAt); len(problems) > 0 {
		t.Errorf("the copy has problems: %v", problems)
	}
	if !next.RegistrationOpensAt.Equal(opens.AddDate(0, 0, 7)) || !next.RegistrationClosesAt.Equal(closes.AddDate(0, 0, 7)) {
		t.Errorf("the window moved to %s, %s", next.RegistrationOpensAt, next.RegistrationClosesAt)
	}
	if !d.RegistrationOpensAt.Equal(opens) {
		t.Error("the original's window moved too")
	}
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := event.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
