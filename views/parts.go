package views

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/event"
	"rowlock/locale"
	"rowlock/simulation"
)

// The addresses of things. Pages name them through these only.

func eventPath(id uuid.UUID) string     { return "/events/" + id.String() }
func ticketPath(id uuid.UUID) string    { return "/bookings/" + id.String() }
func organizePath(id uuid.UUID) string  { return "/organizer/events/" + id.String() }
func attendeesPath(id uuid.UUID) string { return organizePath(id) + "/attendees" }
func runPath(id uuid.UUID) string       { return "/admin/simulations/" + id.String() }

// standing is m's word, also where the viewer is a stranger.
func standing(m booking.Mine) booking.Standing {
	if m.Standing == "" {
		return booking.None
	}
	return m.Standing
}

// held tells whether the person has a seat or a place in line.
func held(m booking.Mine) bool {
	return m.Standing == booking.Confirmed || m.Standing == booking.Waitlisted
}

// A state says in a few words what can be done about an event now.
type state struct {
	// Kind picks the look: open, few, full, shut, cancelled, draft.
	Kind string
	Text string
}

// few is the number of free seats from which on people should hurry.
const few = 3

// stateOf tells how e stands at now for somebody who has no seat in it.
func stateOf(ctx context.Context, e event.Event, now time.Time) state {
	switch {
	case e.Status == event.Cancelled:
		return state{"cancelled", say(ctx, "Cancelled")}
	case e.Status == event.Draft:
		return state{"draft", say(ctx, "Draft")}
	case e.Ended(now):
		return state{"shut", say(ctx, "Over")}
	case e.Started(now):
		return state{"shut", say(ctx, "Under way")}
	case e.NotYetOpen(now):
		return state{"shut", say(ctx, "Booking opens %s", fromNow(ctx, *e.RegistrationOpensAt, now, e.Zone()))}
	case e.Closed(now):
		return state{"shut", say(ctx, "Booking closed")}
	case e.SeatsRemaining == 0:
		return state{"full", say(ctx, "Full")}
	case e.SeatsRemaining == 1 && e.Capacity > 1:
		return state{"few", say(ctx, "Last seat")}
	case e.SeatsRemaining <= few && e.Capacity > few:
		return state{"few", countText(ctx, e.SeatsRemaining, "Last %s seat", "Last %s seats")}
	default:
		return state{"open", say(ctx, "Open")}
	}
}

// standingText tells the viewer how they stand to an event.
func standingText(ctx context.Context, m booking.Mine) string {
	switch m.Standing {
	case booking.Confirmed:
		return say(ctx, "You have a seat")
	case booking.Waitlisted:
		return placeText(ctx, m.Place)
	case booking.Cancelled:
		return say(ctx, "You cancelled")
	}
	return ""
}

// placeText tells the viewer their place in line.
func placeText(ctx context.Context, place int) string {
	if place == 1 {
		return say(ctx, "You are next in line")
	}
	return say(ctx, "You are number %s in line", place)
}

// lineText tells how long an event's line is.
func lineText(ctx context.Context, waiting int) string {
	if waiting == 0 {
		return say(ctx, "Nobody in line")
	}
	return countText(ctx, waiting, "%s in line", "%s in line")
}

// seatsLeft is what stands beside the large number of free seats.
func seatsLeft(ctx context.Context, n int) string {
	text := countText(ctx, n, "%s seat left", "%s seats left")
	return strings.TrimSpace(strings.Replace(text, numberText(ctx, n), "", 1))
}

func allTaken(ctx context.Context, capacity int) string {
	return countText(ctx, capacity, "%s seat, and it is taken", "All %s seats are taken")
}

// beforeYou tells somebody who may join an event's line what to expect.
func beforeYou(ctx context.Context, waiting int) string {
	if waiting == 0 {
		return say(ctx, "You would be next: when somebody cancels, the first in line gets the seat by itself.")
	}
	return countText(ctx, waiting,
		"%s person is before you: when somebody cancels, the first in line gets the seat by itself.",
		"%s people are before you: when somebody cancels, the first in line gets the seat by itself.")
}

// parted cuts a text into what is before, in and after its brackets.
func parted(text string) (before, inside, after string) {
	before, rest, _ := strings.Cut(text, "[")
	inside, after, _ = strings.Cut(rest, "]")
	return before, inside, after
}

// roleText is the word for a role.
func roleText(ctx context.Context, role account.Role) string {
	switch role {
	case account.Admin:
		return say(ctx, "Admin")
	case account.Organizer:
		return say(ctx, "Organizer")
	}
	return say(ctx, "Attendee")
}

// strategyTexts explain the strategies of a simulation.
var strategyTexts = map[string]locale.Text{
	simulation.Grouped:     locale.Later("Grouped: the desk, as visitors use it"),
	simulation.Pessimistic: locale.Later("Pessimistic: one row lock per booking"),
	simulation.Optimistic:  locale.Later("Optimistic: version column, retry"),
	simulation.Conditional: locale.Later("Conditional: one guarded update"),
}

func strategyText(ctx context.Context, name string) string {
	return orElse(strategyTexts[name].In(locale.From(ctx)), name)
}

// shortStrategies are the names of the strategies alone.
var shortStrategies = map[string]locale.Text{
	simulation.Grouped:     locale.Later("Grouped"),
	simulation.Pessimistic: locale.Later("Pessimistic"),
	simulation.Optimistic:  locale.Later("Optimistic"),
	simulation.Conditional: locale.Later("Conditional"),
}

func shortStrategy(ctx context.Context, name string) string {
	return orElse(shortStrategies[name].In(locale.From(ctx)), name)
}

// capital begins a word or a sentence in small Latin letters with a capital.
func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func targetText(ctx context.Context, t simulation.Target) string {
	if t == simulation.EventItself {
		return say(ctx, "The event itself")
	}
	return say(ctx, "Rehearsal on a private copy")
}

// paragraphs splits what an organizer wrote at its empty lines.
func paragraphs(text string) []string {
	var found []string
	for _, p := range emptyLines.Split(strings.ReplaceAll(text, "\r\n", "\n"), -1) {
		if p = strings.TrimSpace(p); p != "" {
			found = append(found, p)
		}
	}
	return found
}

var emptyLines = regexp.MustCompile(`\n[ \t]*\n`)

// A run of text, which is a link where Link is set.
type textRun struct {
	Text string
	Link bool
}

// webAddress matches an address inside a text, but not the full stop, comma or
// bracket after it.
var webAddress = regexp.MustCompile(`https?://[^\s<>"]*[^\s<>".,;:!?)\]'’”]`)

// linked splits text into what is an address and what is not.
func linked(text string) []textRun {
	var runs []textRun
	last := 0
	for _, found := range webAddress.FindAllStringIndex(text, -1) {
		if found[0] > last {
			runs = append(runs, textRun{Text: text[last:found[0]]})
		}
		runs = append(runs, textRun{Text: text[found[0]:found[1]], Link: true})
		last = found[1]
	}
	if last < len(text) {
		runs = append(runs, textRun{Text: text[last:]})
	}
	return runs
}

// firstSentence is the beginning of a description, for previews.
func firstSentence(text string, limit int) string {
	text = strings.Join(strings.Fields(text), " ")
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	cut := string(runes[:limit])
	if space := strings.LastIndex(cut, " "); space > 0 {
		cut = cut[:space]
	}
	return strings.TrimRight(cut, " ,;:–-") + "…"
}
