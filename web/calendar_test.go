package web_test

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rowlock/account"
	"rowlock/web"
)

func TestCalendar(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) {
		c.Now = func() time.Time { return time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC) }
	})
	e := s.event(s.person(account.Organizer), 5)
	s.exec(`update events set title = $2, location = $3, description = $4, time_zone = 'Asia/Tokyo',
		starts_at = '2027-03-01T18:30+09', ends_at = '2027-03-01T20:00+09', updated_at = '2027-01-01T00:00Z', revision = 7 where id = $1`,
		e.ID, `Tea, ink; and a \ brush`, "茶室 "+strings.Repeat("書", 60), "One\nTwo\r\nThree\u0007\nEND:VEVENT")

	get := func() map[string]string {
		t.Helper()
		a := s.stranger().get(eventPath(e) + "/calendar.ics").wants(http.StatusOK)
		if kind := a.Header.Get("Content-Type"); kind != "text/calendar; charset=utf-8" {
			t.Errorf("content type %q", kind)
		}
		if name := a.Header.Get("Content-Disposition"); name != `attachment; filename="tea-ink-and-a-brush.ics"` {
			t.Errorf("disposition %q", name)
		}
		parseElsewhere(t, a.Body)
		return calendarFields(t, a.Body)
	}

	want := map[string]string{
		"VERSION": "2.0", "METHOD": "PUBLISH", "UID": e.ID.String() + "@rowlock", "DTSTAMP": "20270102T030405Z", "LAST-MODIFIED": "20270101T000000Z",
		"SEQUENCE": "7", "DTSTART": "20270301T093000Z", "DTEND": "20270301T110000Z", "STATUS": "CONFIRMED",
		"SUMMARY": `Tea\, ink\; and a \\ brush`, "LOCATION": "茶室 " + strings.Repeat("書", 60),
		"DESCRIPTION": `One\nTwo\nThree\nEND:VEVENT\n\n` + s.url + eventPath(e), "URL": s.url + eventPath(e),
	}
	first := get()
	for name, value := range want {
		if first[name] != value {
			t.Errorf("%s is %q, want %q", name, first[name], value)
		}
	}

	s.exec(`update events set status = 'cancelled' where id = $1`, e.ID)
	cancelled := get()
	if cancelled["STATUS"] != "CANCELLED" || cancelled["UID"] != first["UID"] || cancelled["SEQUENCE"] <= first["SEQUENCE"] {
		t.Errorf("cancelled: status %s, sequence %s, UID %s", cancelled["STATUS"], cancelled["SEQUENCE"], cancelled["UID"])
	}
}

// calendarFields unfolds a calendar and holds it to the format: CRLF, lines of
// at most 75 bytes, whole characters, one event.
func calendarFields(t *testing.T, text string) map[string]string {
	t.Helper()
	if !strings.HasSuffix(text, "\r\n") || strings.Count(text, "\n") != strings.Count(text, "\r\n") || strings.Count(text, "\r") != strings.Count(text, "\r\n") {
		t.Error("not all lines end in CRLF")
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) {
			t.Errorf("line of %d bytes, valid %v: %q", len(line), utf8.ValidString(line), line)
		}
	}
	fields := map[string]string{}
	var nesting []string
	for line := range strings.SplitSeq(strings.TrimSuffix(strings.ReplaceAll(text, "\r\n ", ""), "\r\n"), "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		if _, twice := fields[name]; !ok || twice && name != "BEGIN" && name != "END" {
			t.Errorf("line %q is no field, or comes twice", line)
		}
		switch name {
		case "BEGIN":
			nesting = append(nesting, value)
		case "END":
			nesting = append(nesting, "-"+value)
		}
		fields[name] = value
	}
	if got := fmt.Sprint(nesting); got != "[VCALENDAR VEVENT -VEVENT -VCALENDAR]" {
		t.Errorf("the parts are %s", got)
	}
	return fields
}

// parseElsewhere has another program read the calendar, where it is installed.
func parseElsewhere(t *testing.T, text string) {
	t.Helper()
	if err := exec.Command("python3", "-c", "import icalendar").Run(); err != nil {
		t.Log("python3-icalendar is not installed; only our own reading of the format was tried")
		return
	}
	c := exec.Command("python3", "-c", "import sys, icalendar; icalendar.Calendar.from_ical(sys.stdin.buffer.read())")
	c.Stdin = strings.NewReader(text)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("icalendar refuses it: %v\n%s", err, out)
	}
}
