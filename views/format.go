package views

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rowlock/event"
)

// whenText is an event's time as a person would say it:
// "Thu 4 March 2027, 18:30–20:30".
func whenText(e event.Event) string {
	start, end := e.StartsAt.In(e.Zone()), e.EndsAt.In(e.Zone())
	if onOneDay(e) {
		return dayText(start) + ", " + clock(start) + "–" + clock(end)
	}
	return dayText(start) + ", " + clock(start) + " – " + dayText(end) + ", " + clock(end)
}

// clockText is an event's time without its first day: "18:30–20:30".
func clockText(e event.Event) string {
	start, end := e.StartsAt.In(e.Zone()), e.EndsAt.In(e.Zone())
	if onOneDay(e) {
		return clock(start) + "–" + clock(end)
	}
	return clock(start) + " – " + end.Format("Mon 2 January") + ", " + clock(end)
}

// momentText is a single moment in an event's zone: "Thu 4 March 2027, 18:30".
func momentText(t time.Time, zone *time.Location) string {
	t = t.In(zone)
	return dayText(t) + ", " + clock(t)
}

func dayText(t time.Time) string { return t.Format("Mon 2 January 2006") }

func clock(t time.Time) string { return t.Format("15:04") }

// onOneDay tells whether an event ends on the day on which it starts.
func onOneDay(e event.Event) bool {
	return sameDay(e.StartsAt.In(e.Zone()), e.EndsAt.In(e.Zone()))
}

func sameDay(a, b time.Time) bool {
	return a.Year() == b.Year() && a.YearDay() == b.YearDay()
}

// zoneText names an event's zone by its city and by its distance from UTC at
// the time of the event: "Lisbon time (UTC+1)".
func zoneText(e event.Event) string {
	offset := e.StartsAt.In(e.Zone()).Format("UTC-07:00")
	offset = strings.TrimSuffix(offset, ":00")
	offset = strings.Replace(offset, "UTC+0", "UTC+", 1)
	offset = strings.Replace(offset, "UTC-0", "UTC−", 1)
	offset = strings.Replace(offset, "UTC-", "UTC−", 1)
	if offset == "UTC+0" || offset == "UTC+" {
		offset = "UTC"
	}
	if place := zonePlace(e); place != "" {
		return place + " time (" + offset + ")"
	}
	return offset
}

// zoneShort names an event's zone where there is little room: "Lisbon time".
func zoneShort(e event.Event) string {
	if place := zonePlace(e); place != "" {
		return place + " time"
	}
	return zoneText(e)
}

// zonePlace is the city that an event's zone is named after, if any.
func zonePlace(e event.Event) string {
	area, city, found := strings.Cut(e.TimeZone, "/")
	if !found || area == "Etc" || e.Zone() == time.UTC {
		return ""
	}
	city = city[strings.LastIndex(city, "/")+1:]
	return strings.ReplaceAll(city, "_", " ")
}

// fromNow tells how far t is from now: in hours on the same day or nearly so,
// else in days of the calendar in zone. "in 3 hours", "tomorrow", "in 12 days",
// "2 months ago".
func fromNow(t, now time.Time, zone *time.Location) string {
	t, now = t.In(zone), now.In(zone)
	if sameDay(t, now) || t.Sub(now).Abs() < 6*time.Hour {
		return fromThisHour(t.Sub(now))
	}
	days := calendarDays(t) - calendarDays(now)
	switch {
	case days == 1:
		return "tomorrow"
	case days == -1:
		return "yesterday"
	case days > 0:
		return "in " + span(days)
	default:
		return span(-days) + " ago"
	}
}

func fromThisHour(d time.Duration) string {
	minutes := int(math.Round(d.Abs().Minutes()))
	var text string
	switch {
	case minutes < 1:
		return "now"
	case minutes < 60:
		text = count(minutes, "minute", "minutes")
	default:
		text = count(int(math.Round(d.Abs().Hours())), "hour", "hours")
	}
	if d > 0 {
		return "in " + text
	}
	return text + " ago"
}

// calendarDays numbers the days of the calendar, whatever the zone and however
// long its days are.
func calendarDays(t time.Time) int {
	return int(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

func span(days int) string {
	switch {
	case days < 31:
		return count(days, "day", "days")
	case days < 365:
		return count(int(math.Round(float64(days)/30.4)), "month", "months")
	default:
		return count(int(math.Round(float64(days)/365.25)), "year", "years")
	}
}

// count is a number with its noun: "1 seat", "1,200 seats".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// number writes n with thousands apart: "12,500".
func number(n int) string {
	digits := strconv.Itoa(n)
	start := 3
	if n < 0 {
		start = 4
	}
	for i := len(digits) - 3; i > start-3; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// percent is part of whole, rounded, but never 100 or 0 while it is not quite:
// a nearly full event is not full.
func percent(part, whole int) int {
	if whole <= 0 {
		return 0
	}
	p := int(math.Round(100 * float64(part) / float64(whole)))
	switch {
	case p >= 100 && part < whole:
		return 99
	case p <= 0 && part > 0:
		return 1
	}
	return p
}

// took is a duration to three digits at most: "0.84 ms", "12.3 ms", "1.52 s".
func took(d time.Duration) string {
	if d >= time.Second {
		return threeDigits(d.Seconds()) + " s"
	}
	return threeDigits(float64(d)/float64(time.Millisecond)) + " ms"
}

func threeDigits(f float64) string {
	switch {
	case f >= 100:
		return number(int(math.Round(f)))
	case f >= 10:
		return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0")
	default:
		return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(f, 'f', 2, 64), "0"), ".")
	}
}

// bytesText is a size as people read it: "38.2 MB".
func bytesText(n int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB"}
	size, unit := float64(n), 0
	for size >= 1000 && unit < len(units)-1 {
		size /= 1000
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return threeDigits(size) + " " + units[unit]
}

// ticketText sets a ticket's code in groups that can be read out.
func ticketText(code string) string {
	var groups []string
	for len(code) > 4 {
		groups = append(groups, code[:4])
		code = code[4:]
	}
	return strings.Join(append(groups, code), " ")
}

// agentText names a browser and its system from a User-Agent header, as far as
// people know the names.
func agentText(agent string) string {
	browser := firstFound(agent, [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"FxiOS", "Firefox"},
		{"CriOS", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
	})
	system := firstFound(agent, [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"},
		{"CrOS", "ChromeOS"}, {"Mac OS X", "Mac"}, {"Linux", "Linux"},
	})
	switch {
	case browser == "" && system == "":
		return "Unknown browser"
	case browser == "":
		return "A browser on " + system
	case system == "":
		return browser
	}
	return browser + " on " + system
}

func firstFound(text string, names [][2]string) string {
	for _, name := range names {
		if strings.Contains(text, name[0]) {
			return name[1]
		}
	}
	return ""
}

// datetime is the value of a time element's attribute of that name.
func datetime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// address is path with the given pairs of names and values as its query;
// pairs without a value are left out.
func address(path string, pairs ...string) string {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}
