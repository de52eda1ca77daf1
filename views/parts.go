package views

import (
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"rowlock/booking"
	"rowlock/event"
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
func stateOf(e event.Event, now time.Time) state {
	switch {
	case e.Status == event.Cancelled:
		return state{"cancelled", "Cancelled"}
	case e.Status == event.Draft:
		return state{"draft", "Draft"}
	case e.Ended(now):
		return state{"shut", "Over"}
	case e.Started(now):
		return state{"shut", "Under way"}
	case e.NotYetOpen(now):
		return state{"shut", "Booking opens " + fromNow(*e.RegistrationOpensAt, now, e.Zone())}
	case e.Closed(now):
		return state{"shut", "Booking closed"}
	case e.SeatsRemaining == 0:
		return state{"full", "Full"}
	case e.SeatsRemaining == 1 && e.Capacity > 1:
		return state{"few", "Last seat"}
	case e.SeatsRemaining <= few && e.Capacity > few:
		return state{"few", "Last " + number(e.SeatsRemaining) + " seats"}
	default:
		return state{"open", "Open"}
	}
}

// standingText tells the viewer how they stand to an event.
func standingText(m booking.Mine) string {
	switch m.Standing {
	case booking.Confirmed:
		return "You have a seat"
	case booking.Waitlisted:
		return "You are " + placeText(m.Place)
	case booking.Cancelled:
		return "You cancelled"
	}
	return ""
}

func placeText(place int) string {
	if place == 1 {
		return "next in line"
	}
	return "number " + number(place) + " in line"
}

// lineText tells how long an event's line is.
func lineText(waiting int) string {
	if waiting == 0 {
		return "Nobody in line"
	}
	return number(waiting) + " in line"
}

// roleTexts are the words for roles.
var roleTexts = map[string]string{"attendee": "Attendee", "organizer": "Organizer", "admin": "Admin"}

// strategyTexts explain the strategies of a simulation.
var strategyTexts = map[string]string{
	"grouped":     "Grouped: the desk, as visitors use it",
	"pessimistic": "Pessimistic: one row lock per booking",
	"optimistic":  "Optimistic: version column, retry",
	"conditional": "Conditional: one guarded update",
}

func strategyText(name string) string {
	if text, ok := strategyTexts[name]; ok {
		return text
	}
	return name
}

// shortStrategy is a strategy's name alone.
func shortStrategy(name string) string { return capital(name) }

// capital begins a word or a sentence in small Latin letters with a capital.
func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func targetText(t simulation.Target) string {
	if t == simulation.EventItself {
		return "The event itself"
	}
	return "Rehearsal on a private copy"
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
