package views

import (
	"context"
	"math"
	"net/url"
	"strings"
	"time"

	"rowlock/event"
	"rowlock/locale"
)

// clockText is an event's time without its first day: "18:30–20:30".
func clockText(ctx context.Context, e event.Event) string {
	start, end := e.StartsAt.In(e.Zone()), e.EndsAt.In(e.Zone())
	if onOneDay(e) {
		return clock(start) + "–" + clock(end)
	}
	return clock(start) + " – " + date(ctx, end, "Mon 2 January") + ", " + clock(end)
}

// momentText is a single moment in an event's zone: "Thu 4 March 2027, 18:30".
func momentText(ctx context.Context, t time.Time, zone *time.Location) string {
	t = t.In(zone)
	return dayText(ctx, t) + ", " + clock(t)
}

func dayText(ctx context.Context, t time.Time) string {
	return date(ctx, t, "Mon 2 January 2006")
}

func clock(t time.Time) string { return t.Format("15:04") }

// onOneDay tells whether an event ends on the day on which it starts.
func onOneDay(e event.Event) bool {
	return sameDay(e.StartsAt.In(e.Zone()), e.EndsAt.In(e.Zone()))
}

func sameDay(a, b time.Time) bool {
	return a.Year() == b.Year() && a.YearDay() == b.YearDay()
}

// MomentText is a single moment in an event's zone, which it names:
// "Thu 4 March 2027, 18:30, Lisbon time (UTC)".
func MomentText(ctx context.Context, t time.Time, e event.Event) string {
	return momentText(ctx, t, e.Zone()) + ", " + zoneText(ctx, t, e)
}

// momentFromNow is a single moment in an event's zone, and how far off it is:
// "Thu 4 March 2027, 18:30 (in 12 days)".
func momentFromNow(ctx context.Context, t, now time.Time, zone *time.Location) string {
	return momentText(ctx, t, zone) + " (" + fromNow(ctx, t, now, zone) + ")"
}

// zoneText names an event's zone by its city and by its distance from UTC at t:
// "Lisbon time (UTC+1)".
func zoneText(ctx context.Context, t time.Time, e event.Event) string {
	offset := offsetText(t.In(e.Zone()))
	if place := zonePlace(e); place != "" {
		return say(ctx, "%s time (%s)", place, offset)
	}
	return offset
}

// offsetText is the distance from UTC of the zone that t is told in: "UTC+5:30".
func offsetText(t time.Time) string {
	offset := strings.TrimSuffix(t.Format("UTC-07:00"), ":00")
	offset = strings.Replace(offset, "UTC+0", "UTC+", 1)
	offset = strings.Replace(offset, "UTC-0", "UTC−", 1)
	offset = strings.Replace(offset, "UTC-", "UTC−", 1)
	if offset == "UTC+0" || offset == "UTC+" {
		return "UTC"
	}
	return offset
}

// zoneShort names an event's zone where there is little room: "Lisbon time".
func zoneShort(ctx context.Context, e event.Event) string {
	if place := zonePlace(e); place != "" {
		return say(ctx, "%s time", place)
	}
	return zoneText(ctx, e.StartsAt, e)
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
func fromNow(ctx context.Context, t, now time.Time, zone *time.Location) string {
	t, now = t.In(zone), now.In(zone)
	if sameDay(t, now) || t.Sub(now).Abs() < 6*time.Hour {
		return fromThisHour(ctx, t.Sub(now))
	}
	days := calendarDays(t) - calendarDays(now)
	switch {
	case days == 1:
		return say(ctx, "tomorrow")
	case days == -1:
		return say(ctx, "yesterday")
	case days > 0:
		return inDays(ctx, days)
	default:
		return daysAgo(ctx, -days)
	}
}

func fromThisHour(ctx context.Context, d time.Duration) string {
	minutes, hours := int(math.Round(d.Abs().Minutes())), int(math.Round(d.Abs().Hours()))
	switch {
	case minutes < 1:
		return say(ctx, "now")
	case minutes < 60 && d > 0:
		return countText(ctx, minutes, "in %s minute", "in %s minutes")
	case minutes < 60:
		return countText(ctx, minutes, "%s minute ago", "%s minutes ago")
	case d > 0:
		return countText(ctx, hours, "in %s hour", "in %s hours")
	default:
		return countText(ctx, hours, "%s hour ago", "%s hours ago")
	}
}

// calendarDays numbers the days of the calendar, whatever the zone and however
// long its days are.
func calendarDays(t time.Time) int {
	return int(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

func inDays(ctx context.Context, days int) string {
	switch {
	case days < 31:
		return countText(ctx, days, "in %s day", "in %s days")
	case days < 365:
		return countText(ctx, inMonths(days), "in %s month", "in %s months")
	default:
		return countText(ctx, inYears(days), "in %s year", "in %s years")
	}
}

func daysAgo(ctx context.Context, days int) string {
	switch {
	case days < 31:
		return countText(ctx, days, "%s day ago", "%s days ago")
	case days < 365:
		return countText(ctx, inMonths(days), "%s month ago", "%s months ago")
	default:
		return countText(ctx, inYears(days), "%s year ago", "%s years ago")
	}
}

func inMonths(days int) int { return int(math.Round(float64(days) / 30.4)) }
func inYears(days int) int  { return int(math.Round(float64(days) / 365.25)) }

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
func took(ctx context.Context, d time.Duration) string {
	if ms := float64(d) / float64(time.Millisecond); ms < nextUnit {
		return say(ctx, "%s ms", threeDigits(ctx, ms))
	}
	return say(ctx, "%s s", threeDigits(ctx, d.Seconds()))
}

// nextUnit is the number from which on three digits are one of the next unit:
// there is "1 s" and no "1,000 ms".
const nextUnit = 999.5

func threeDigits(ctx context.Context, f float64) string {
	switch {
	case f >= 100:
		return numberText(ctx, int(math.Round(f)))
	case f >= 10:
		return locale.From(ctx).Decimal(f, 1)
	default:
		return locale.From(ctx).Decimal(f, 2)
	}
}

// bytesText is a size as people read it: "38.2 MB".
func bytesText(ctx context.Context, n int64) string {
	size := float64(n)
	switch {
	case n < 1e3:
		return countText(ctx, int(n), "%s byte", "%s bytes")
	case size < nextUnit*1e3:
		return say(ctx, "%s kB", threeDigits(ctx, size/1e3))
	case size < nextUnit*1e6:
		return say(ctx, "%s MB", threeDigits(ctx, size/1e6))
	case size < nextUnit*1e9:
		return say(ctx, "%s GB", threeDigits(ctx, size/1e9))
	default:
		return say(ctx, "%s TB", threeDigits(ctx, size/1e12))
	}
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
func agentText(ctx context.Context, agent string) string {
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
		return say(ctx, "Unknown browser")
	case browser == "":
		return say(ctx, "A browser on %s", system)
	case system == "":
		return browser
	}
	return say(ctx, "%s on %s", browser, system)
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

// address is path with the given pairs of names and values as its query, in
// which a name may come again; pairs without a value are left out.
func address(path string, pairs ...string) string {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Add(pairs[i], pairs[i+1])
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// digitGroups cuts a number where the reader's language sets thousands apart:
// each group but the first comes with the sign that stands before it.
func digitGroups(ctx context.Context, n int) []digitGroup {
	groups := []digitGroup{{}}
	for _, r := range numberText(ctx, n) {
		if r < '0' || r > '9' {
			groups = append(groups, digitGroup{Sign: string(r)})
			continue
		}
		groups[len(groups)-1].Digits += string(r)
	}
	return groups
}

type digitGroup struct{ Sign, Digits string }
