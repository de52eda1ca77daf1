package event_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"rowlock/event"
)

// details are those of a good event in UTC, a week after [noon].
func details() event.Details {
	return event.Details{
		Title:       "Clay for beginners",
		Description: "Two hours at the wheel.",
		Location:    "Oficina do Barro, Lisbon",
		StartsAt:    noon.AddDate(0, 0, 7),
		EndsAt:      noon.AddDate(0, 0, 7).Add(2 * time.Hour),
		TimeZone:    "UTC",
		Capacity:    12,
	}
}

var noon = time.Date(2027, 5, 3, 12, 0, 0, 0, time.UTC)

func TestProblems(t *testing.T) {
	t.Parallel()
	at := func(d event.Details, before time.Duration) *time.Time {
		then := d.StartsAt.Add(-before)
		return &then
	}
	tests := []struct {
		name   string
		change func(d *event.Details)
		want   string // the fields with a problem
	}{
		{"none", func(*event.Details) {}, ""},
		{"everything is missing", func(d *event.Details) { *d = event.Details{} }, "capacity starts_at time_zone title"},
		{"the longest texts", func(d *event.Details) {
			d.Title, d.Description, d.Location = strings.Repeat("é", 150), strings.Repeat("é", 10_000), strings.Repeat("é", 200)
		}, ""},
		{"texts one too long", func(d *event.Details) {
			d.Title, d.Description, d.Location = strings.Repeat("é", 151), strings.Repeat("é", 10_001), strings.Repeat("é", 201)
		}, "description location title"},
		{"no description and no place", func(d *event.Details) { d.Description, d.Location = "", "" }, ""},
		{"a title of two lines", func(d *event.Details) { d.Title = "Clay\nfor all" }, "title"},
		{"a description of two lines", func(d *event.Details) { d.Description = "Clay\nfor all" }, ""},
		{"no end", func(d *event.Details) { d.EndsAt = time.Time{} }, "ends_at"},
		{"ends as it starts", func(d *event.Details) { d.EndsAt = d.StartsAt }, "ends_at"},
		{"over since this moment", func(d *event.Details) { d.StartsAt, d.EndsAt = noon.Add(-time.Hour), noon }, "starts_at"},
		{"under way", func(d *event.Details) { d.StartsAt = noon.Add(-time.Hour) }, ""},
		{"a made-up zone", func(d *event.Details) { d.TimeZone = "Europe/Atlantis" }, "time_zone"},
		{"the zone of whoever asks", func(d *event.Details) { d.TimeZone = "Local" }, "time_zone"},
		{"no seats", func(d *event.Details) { d.Capacity = 0 }, "capacity"},
		{"one seat", func(d *event.Details) { d.Capacity = 1 }, ""},
		{"most seats", func(d *event.Details) { d.Capacity = 100_000 }, ""},
		{"one seat too many", func(d *event.Details) { d.Capacity = 100_001 }, "capacity"},
		{"a window until the start", func(d *event.Details) {
			d.RegistrationOpensAt, d.RegistrationClosesAt = at(*d, time.Hour), at(*d, 0)
		}, ""},
		{"opens at the start", func(d *event.Details) { d.RegistrationOpensAt = at(*d, 0) }, "registration_opens_at"},
		{"closes after the start", func(d *event.Details) { d.RegistrationClosesAt = at(*d, -time.Minute) }, "registration_closes_at"},
		{"closes as it opens", func(d *event.Details) {
			d.RegistrationOpensAt, d.RegistrationClosesAt = at(*d, time.Hour), at(*d, time.Hour)
		}, "registration_closes_at"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := details()
			tt.change(&d)
			problems := d.Problems(noon)
			if got := strings.Join(slices.Sorted(maps.Keys(problems)), " "); got != tt.want {
				t.Errorf("got problems with %q, want %q: %v", got, tt.want, problems)
			}
		})
	}
}

func TestProblemsOfAPastEventWithoutAClock(t *testing.T) {
	t.Parallel()
	if problems := details().Problems(time.Time{}); len(problems) > 0 {
		t.Errorf("a correction to an event of the past is refused: %v", problems)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	from := details()
	opens := from.StartsAt.AddDate(0, 0, -3)
	to := from
	to.Title, to.Capacity = "Clay for all", 20
	to.TimeZone, to.RegistrationOpensAt = "Europe/Berlin", &opens
	to.EndsAt = from.EndsAt.Add(time.Hour).In(zone(t, "Asia/Tokyo")) // kept in the event's zone, not in this one
	to.StartsAt = from.StartsAt.In(zone(t, "Asia/Tokyo"))            // the same moment

	got, err := json.Marshal(event.Diff(from, to))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"capacity":{"from":12,"to":20},` +
		`"ends_at":{"from":"2027-05-10T14:00:00Z","to":"2027-05-10T17:00:00+02:00"},` +
		`"registration_opens_at":{"from":null,"to":"2027-05-07T14:00:00+02:00"},` +
		`"time_zone":{"from":"UTC","to":"Europe/Berlin"},` +
		`"title":{"from":"Clay for beginners","to":"Clay for all"}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if same := event.Diff(from, from); len(same) != 0 {
		t.Errorf("an edit that changes nothing: %v", same)
	}
}
