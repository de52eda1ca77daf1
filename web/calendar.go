package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"rowlock/event"
)

// eventCalendar handles GET /events/:id/calendar.ics. Opening the file again
// after a change updates the entry that the first one made.
func (s *Server) eventCalendar(c echo.Context) error {
	e, _, err := s.visibleEvent(c)
	if err != nil {
		return err
	}
	// The same event has the same validator, whenever it is asked for.
	if isStranger(c) && isCurrent(c, tagOf([]byte(calendar(e, s.baseURL, e.UpdatedAt)))) {
		return c.NoContent(http.StatusNotModified)
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, fmt.Sprintf("attachment; filename=%q", fileName(e.Title, "event")+".ics"))
	return c.Blob(http.StatusOK, "text/calendar; charset=utf-8", []byte(calendar(e, s.baseURL, s.now())))
}

// calendar writes an event as RFC 5545 has it. The UID never changes and the
// sequence grows with every edit, so that calendars know an entry again and
// which of two versions is newer.
func calendar(e event.Event, baseURL string, now time.Time) string {
	status, sequence := "CONFIRMED", e.Revision
	switch e.Status {
	case event.Draft:
		status = "TENTATIVE"
	case event.Cancelled: // newer than the last edit, but no edit itself
		status, sequence = "CANCELLED", e.Revision+1
	}
	address := baseURL + "/events/" + e.ID.String()

	var b strings.Builder
	line := func(name, value string) { b.WriteString(folded(name + ":" + value)) }
	line("BEGIN", "VCALENDAR")
	line("VERSION", "2.0")
	line("PRODID", "-//Rowlock//Rowlock//EN")
	line("METHOD", "PUBLISH")
	line("BEGIN", "VEVENT")
	line("UID", e.ID.String()+"@rowlock")
	line("DTSTAMP", calendarTime(now))
	line("LAST-MODIFIED", calendarTime(e.UpdatedAt))
	line("SEQUENCE", strconv.Itoa(sequence))
	line("DTSTART", calendarTime(e.StartsAt))
	line("DTEND", calendarTime(e.EndsAt))
	line("STATUS", status)
	line("SUMMARY", calendarText(e.Title))
	if e.Location != "" {
		line("LOCATION", calendarText(e.Location))
	}
	line("DESCRIPTION", calendarText(strings.TrimSpace(e.Description+"\n\n"+address)))
	line("URL", address)
	line("END", "VEVENT")
	line("END", "VCALENDAR")
	return b.String()
}

// calendarTime writes t in UTC, which needs no description of a time zone.
func calendarTime(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

var calendarEscapes = strings.NewReplacer(`\`, `\\`, `;`, `\;`, `,`, `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`)

// calendarText escapes text, and leaves out control characters, which the
// format has no way to write.
func calendarText(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return -1
		}
		return r
	}, calendarEscapes.Replace(text))
}

// folded ends a line as the format does, and breaks it so that no piece is
// longer than 75 bytes and no character is cut apart.
func folded(line string) string {
	var b strings.Builder
	room := 75
	for _, r := range line {
		if size := utf8.RuneLen(r); size > room {
			b.WriteString("\r\n ")
			room = 74
		}
		b.WriteRune(r)
		room -= utf8.RuneLen(r)
	}
	b.WriteString("\r\n")
	return b.String()
}

// fileName makes a name from a title that every system takes: otherwise, where
// the title has no letter or digit that they do.
func fileName(title, otherwise string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	name := strings.Join(words, "-")
	if len(name) > 60 {
		name = strings.TrimRight(name[:60], "-")
	}
	if name == "" {
		return otherwise
	}
	return name
}

// oneLine joins the words of a text with single spaces.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
