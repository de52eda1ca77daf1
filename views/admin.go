package views

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"rowlock/audit"
	"rowlock/booking"
	"rowlock/simulation"
)

// allHold tells whether every check passed. No check at all is no proof.
func allHold(checks []booking.Check) bool {
	for _, c := range checks {
		if !c.OK {
			return false
		}
	}
	return len(checks) > 0
}

func passed(checks []booking.Check) int {
	n := 0
	for _, c := range checks {
		if c.OK {
			n++
		}
	}
	return n
}

// checkText is the name of a check in words: "No overbooking".
func checkText(name string) string {
	return capital(strings.ReplaceAll(name, "-", " "))
}

// phaseText tells what a running simulation does.
func phaseText(s simulation.Simulation) string {
	switch s.Phase {
	case simulation.Booking:
		return "Booking, all at once"
	case simulation.Checking:
		return "Checking every answer against the database"
	}
	return "Making " + count(s.Users, "person", "people")
}

// askedText tells what a simulation did, in a sentence.
func askedText(s simulation.Simulation) string {
	people := "One person asks"
	if s.Users != 1 {
		people = number(s.Users) + " people ask"
	}
	return people + " for " + count(s.Seats, "seat", "seats") + " at the same moment."
}

// holds tells whether a finished run kept every promise.
func holds(s simulation.Simulation) bool {
	return s.State == simulation.Done && s.Tally.Overbooked == 0 && allHold(s.Results.Checks)
}

// together tells whether the last of many answers came so soon after the
// median that the times in between say nothing.
func together(s simulation.Simulation) bool {
	l := s.Results.Latency
	return s.Users > 1 && l.Max > 0 && l.Max-l.P50 <= l.Max/20
}

// verdictText sums up a finished run in a sentence.
func verdictText(s simulation.Simulation) string {
	checks := s.Results.Checks
	switch {
	case s.Tally.Overbooked > 0:
		return "More people were confirmed than there were seats. Look at the checks below."
	case !allHold(checks):
		return number(passed(checks)) + " of " + number(len(checks)) + " checks passed. Look at the others below."
	default:
		return "Nobody was confirmed beyond the seats there were, and all " + number(len(checks)) + " checks passed."
	}
}

// A comparison sets runs of one event side by side.
type comparison struct {
	Runs []simulation.Simulation
	// Fastest is the greatest rate among them.
	Fastest float64
}

// compare puts the run itself before the earlier ones.
func compare(in SimulationRun) comparison {
	c := comparison{Runs: append([]simulation.Simulation{in.Simulation}, in.Earlier...)}
	for _, s := range c.Runs {
		c.Fastest = max(c.Fastest, s.Results.BookingsPerSecond)
	}
	return c
}

// Share is a run's rate in hundredths of the fastest, as a length.
func (c comparison) Share(s simulation.Simulation) string {
	if c.Fastest <= 0 {
		return "0"
	}
	return strconv.FormatFloat(100*s.Results.BookingsPerSecond/c.Fastest, 'f', 1, 64)
}

// rate is a number of bookings per second: "12,400", "0.8".
func rate(perSecond float64) string {
	if perSecond < 10 {
		return strconv.FormatFloat(perSecond, 'f', 1, 64)
	}
	return number(int(perSecond + 0.5))
}

// actionTexts name the actions in the filter of the log.
var actionTexts = map[audit.Action]string{
	audit.SignedUp:          "Signed up",
	audit.UserCreated:       "Person created",
	audit.UserRenamed:       "Person renamed",
	audit.PasswordChanged:   "Password changed",
	audit.RoleChanged:       "Role changed",
	audit.UserActivated:     "Person activated",
	audit.UserDeactivated:   "Person deactivated",
	audit.EventCreated:      "Event created",
	audit.EventEdited:       "Event edited",
	audit.EventPublished:    "Event published",
	audit.EventCancelled:    "Event cancelled",
	audit.SeatConfirmed:     "Seat booked",
	audit.SeatPromoted:      "Seat given to the first in line",
	audit.SeatCancelled:     "Seat given up",
	audit.SeatRemoved:       "Attendee removed",
	audit.LineJoined:        "Line joined",
	audit.LineLeft:          "Line left",
	audit.LineRemoved:       "Removed from the line",
	audit.SimulationStarted: "Simulation started",
	audit.SimulationUndone:  "Simulation undone",
	audit.SimulationDeleted: "Simulation deleted",
}

func actionText(a audit.Action) string {
	if text, ok := actionTexts[a]; ok {
		return text
	}
	return string(a)
}

func actionOptions() []option {
	options := []option{{"", "Anything"}}
	for _, a := range audit.Actions() {
		options = append(options, option{string(a), actionText(a)})
	}
	return options
}

// sentences tell what happened. {actor}, {user} and {event} stand for the
// names of those; {who} is the person where they acted for themselves.
var sentences = map[audit.Action]string{
	audit.SignedUp:          "{who} signed up",
	audit.UserCreated:       "{actor} created {user}",
	audit.UserRenamed:       "{who} took another name",
	audit.PasswordChanged:   "{who} changed their password",
	audit.RoleChanged:       "{actor} changed the role of {user}",
	audit.UserActivated:     "{actor} activated {user}",
	audit.UserDeactivated:   "{actor} deactivated {user}",
	audit.EventCreated:      "{actor} created {event}",
	audit.EventEdited:       "{actor} edited {event}",
	audit.EventPublished:    "{actor} published {event}",
	audit.EventCancelled:    "{actor} cancelled {event}",
	audit.SeatConfirmed:     "{who} booked a seat at {event}",
	audit.SeatPromoted:      "{user} came from the line to a seat at {event}",
	audit.SeatCancelled:     "{who} gave up their seat at {event}",
	audit.SeatRemoved:       "{actor} took the seat of {user} at {event}",
	audit.LineJoined:        "{who} joined the line for {event}",
	audit.LineLeft:          "{who} left the line for {event}",
	audit.LineRemoved:       "{actor} took {user} out of the line for {event}",
	audit.SimulationStarted: "{actor} started a simulation of {event}",
	audit.SimulationUndone:  "{actor} undid a simulation of {event}",
	audit.SimulationDeleted: "{actor} deleted a simulation of {event}",
}

// A piece of a sentence, which leads to more of the log where Path is set.
type piece struct{ Text, Path string }

// sentence tells what a line of the log says.
func sentence(l audit.Line) []piece {
	text, ok := sentences[l.Action]
	if !ok {
		text = "{actor}: " + string(l.Action) + " {user} {event}"
	}
	var pieces []piece
	for text != "" {
		before, rest, found := strings.Cut(text, "{")
		if before != "" {
			pieces = append(pieces, piece{Text: before})
		}
		if !found {
			break
		}
		var name string
		name, text, _ = strings.Cut(rest, "}")
		pieces = append(pieces, named(l, name))
	}
	return pieces
}

func named(l audit.Line, name string) piece {
	switch name {
	case "event":
		return piece{quoted(l.EventTitle, "an event that is gone"), address("/admin/audit", "event", idText(l.Event))}
	case "user":
		return piece{orElse(l.UserName, "somebody who is gone"), address("/admin/audit", "person", idText(l.User))}
	case "who":
		if l.UserName != "" || l.Actor == uuid.Nil {
			return piece{orElse(l.UserName, "Somebody who is gone"), address("/admin/audit", "person", idText(l.User))}
		}
	}
	if l.Actor == uuid.Nil {
		return piece{Text: "Rowlock"}
	}
	return piece{orElse(l.ActorName, "Somebody who is gone"), address("/admin/audit", "person", idText(l.Actor))}
}

func quoted(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return "“" + text + "”"
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// detailText tells what else a line of the log says, in the order of its
// names: "capacity: 20 → 30 · title: Row → Row again".
func detailText(l audit.Line) string {
	var parts []string
	for _, name := range sortedKeys(l.Detail) {
		label := strings.ReplaceAll(name, "_", " ")
		if change, ok := l.Detail[name].(map[string]any); ok {
			parts = append(parts, label+": "+valueText(change["from"])+" → "+valueText(change["to"]))
			continue
		}
		parts = append(parts, label+": "+valueText(l.Detail[name]))
	}
	return strings.Join(parts, " · ")
}

func valueText(value any) string {
	switch v := value.(type) {
	case nil:
		return "none"
	case string:
		return orElse(firstSentence(v, 80), "empty")
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case float64:
		if v == float64(int(v)) {
			return number(int(v))
		}
	case int:
		return number(v)
	}
	return fmt.Sprint(value)
}
