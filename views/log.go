package views

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/audit"
	"rowlock/locale"
	"rowlock/simulation"
)

// actionTexts name the actions in the filter of the log.
var actionTexts = map[audit.Action]locale.Text{
	audit.SignedUp:          locale.Later("Signed up"),
	audit.UserCreated:       locale.Later("Person created"),
	audit.UserRenamed:       locale.Later("Person renamed"),
	audit.PasswordChanged:   locale.Later("Password changed"),
	audit.RoleChanged:       locale.Later("Role changed"),
	audit.UserActivated:     locale.Later("Person activated"),
	audit.UserDeactivated:   locale.Later("Person deactivated"),
	audit.EventCreated:      locale.Later("Event created"),
	audit.EventEdited:       locale.Later("Event edited"),
	audit.EventPublished:    locale.Later("Event published"),
	audit.EventCancelled:    locale.Later("Event cancelled"),
	audit.SeatConfirmed:     locale.Later("Seat booked"),
	audit.SeatPromoted:      locale.Later("Seat given to the first in line"),
	audit.SeatCancelled:     locale.Later("Seat given up"),
	audit.SeatRemoved:       locale.Later("Attendee removed"),
	audit.LineJoined:        locale.Later("Line joined"),
	audit.LineLeft:          locale.Later("Line left"),
	audit.LineRemoved:       locale.Later("Removed from the line"),
	audit.SimulationStarted: locale.Later("Simulation started"),
	audit.SimulationStopped: locale.Later("Simulation stopped"),
	audit.SimulationRemoved: locale.Later("Simulation taken off its event"),
	audit.SimulationUndone:  locale.Later("Simulation undone"),
	audit.SimulationDeleted: locale.Later("Simulation deleted"),
}

func actionText(ctx context.Context, a audit.Action) string {
	if text, ok := actionTexts[a]; ok {
		return said(ctx, text)
	}
	return string(a)
}

func actionOptions(ctx context.Context) []option {
	options := []option{{"", say(ctx, "Anything")}}
	for _, a := range audit.Actions() {
		options = append(options, option{string(a), actionText(ctx, a)})
	}
	return options
}

// sentences tell what happened. {actor}, {user} and {event} stand for the
// names of those; {who} is the person where they acted for themselves.
var sentences = map[audit.Action]locale.Text{
	audit.SignedUp:          locale.Later("{who} signed up"),
	audit.UserCreated:       locale.Later("{actor} created {user}"),
	audit.UserRenamed:       locale.Later("{who} took another name"),
	audit.PasswordChanged:   locale.Later("{who} changed their password"),
	audit.RoleChanged:       locale.Later("{actor} changed the role of {user}"),
	audit.UserActivated:     locale.Later("{actor} activated {user}"),
	audit.UserDeactivated:   locale.Later("{actor} deactivated {user}"),
	audit.EventCreated:      locale.Later("{actor} created {event}"),
	audit.EventEdited:       locale.Later("{actor} edited {event}"),
	audit.EventPublished:    locale.Later("{actor} published {event}"),
	audit.EventCancelled:    locale.Later("{actor} cancelled {event}"),
	audit.SeatConfirmed:     locale.Later("{who} booked a seat at {event}"),
	audit.SeatPromoted:      locale.Later("{user} came from the line to a seat at {event}"),
	audit.SeatCancelled:     locale.Later("{who} gave up their seat at {event}"),
	audit.SeatRemoved:       locale.Later("{actor} took the seat of {user} at {event}"),
	audit.LineJoined:        locale.Later("{who} joined the line for {event}"),
	audit.LineLeft:          locale.Later("{who} left the line for {event}"),
	audit.LineRemoved:       locale.Later("{actor} took {user} out of the line for {event}"),
	audit.SimulationStarted: locale.Later("{actor} started a simulation of {event}"),
	audit.SimulationStopped: locale.Later("{actor} stopped a simulation of {event}"),
	audit.SimulationRemoved: locale.Later("{actor} took the people of a simulation off {event}"),
	audit.SimulationUndone:  locale.Later("{actor} undid a simulation of {event}"),
	audit.SimulationDeleted: locale.Later("{actor} deleted a simulation of {event}"),
}

// A piece of a sentence, which leads to more of the log where Path is set.
type piece struct{ Text, Path string }

// sentence tells what a line of the log says.
func sentence(ctx context.Context, l audit.Line) []piece {
	text := "{actor}: " + string(l.Action) + " {user} {event}"
	if known, ok := sentences[l.Action]; ok {
		text = said(ctx, known)
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
		pieces = append(pieces, named(ctx, l, name))
	}
	return pieces
}

func named(ctx context.Context, l audit.Line, name string) piece {
	switch name {
	case "event":
		return piece{quoted(ctx, l.EventTitle), address("/admin/audit", "event", idText(l.Event))}
	case "user":
		return piece{orElse(l.UserName, say(ctx, "somebody who is gone")), address("/admin/audit", "person", idText(l.User))}
	case "who":
		if l.UserName != "" || l.Actor == uuid.Nil {
			return piece{orElse(l.UserName, say(ctx, "Somebody who is gone")), address("/admin/audit", "person", idText(l.User))}
		}
	}
	if l.Actor == uuid.Nil {
		return piece{Text: "Rowlock"}
	}
	return piece{orElse(l.ActorName, say(ctx, "Somebody who is gone")), address("/admin/audit", "person", idText(l.Actor))}
}

func quoted(ctx context.Context, title string) string {
	if title == "" {
		return say(ctx, "an event that is gone")
	}
	return say(ctx, "“%s”", title)
}

// detailTexts name what else a line of the log may say.
var detailTexts = map[string]locale.Text{
	"answered":               locale.Later("answered"),
	"because":                locale.Later("because"),
	"capacity":               locale.Later("capacity"),
	"copy_of":                locale.Later("copy of"),
	"description":            locale.Later("description"),
	"ends_at":                locale.Later("ends"),
	"freed":                  locale.Later("seats freed"),
	"from":                   locale.Later("from"),
	"is_active":              locale.Later("active"),
	"location":               locale.Later("place"),
	"promoted":               locale.Later("promoted"),
	"registration_closes_at": locale.Later("booking closes"),
	"registration_opens_at":  locale.Later("booking opens"),
	"role":                   locale.Later("role"),
	"seats":                  locale.Later("free seats"),
	"sessions_ended":         locale.Later("sessions ended"),
	"starts_at":              locale.Later("starts"),
	"strategy":               locale.Later("strategy"),
	"target":                 locale.Later("booked"),
	"time_zone":              locale.Later("time zone"),
	"title":                  locale.Later("title"),
	"to":                     locale.Later("to"),
	"users":                  locale.Later("people"),
}

// detailText tells what else a line of the log says, in the order of its
// names: "capacity: 20 → 30 · title: Row → Row again".
func detailText(ctx context.Context, l audit.Line) string {
	var parts []string
	for _, name := range sortedKeys(l.Detail) {
		value := valueText(ctx, name, l.Detail[name])
		if change, ok := l.Detail[name].(map[string]any); ok {
			value = valueText(ctx, name, change["from"]) + " → " + valueText(ctx, name, change["to"])
		} else if name == "copy_of" { // an id, which names nothing to anybody
			value = quoted(ctx, l.OriginalTitle)
		}
		label := strings.ReplaceAll(name, "_", " ")
		if text, ok := detailTexts[name]; ok {
			label = said(ctx, text)
		}
		parts = append(parts, say(ctx, "%s: %s", label, value))
	}
	return strings.Join(parts, " · ")
}

func valueText(ctx context.Context, name string, value any) string {
	switch v := value.(type) {
	case nil:
		return say(ctx, "none")
	case string:
		return wordText(ctx, name, v)
	case bool:
		if v {
			return say(ctx, "yes")
		}
		return say(ctx, "no")
	case float64:
		if v == float64(int(v)) {
			return numberText(ctx, int(v))
		}
	case int:
		return numberText(ctx, v)
	}
	return fmt.Sprint(value)
}

// wordText says one of the log's own words and times, and leaves what people
// wrote as it is.
func wordText(ctx context.Context, name, value string) string {
	switch name {
	case "role":
		return roleText(ctx, account.Role(value))
	case "strategy":
		return shortStrategy(ctx, value)
	case "target":
		return targetText(ctx, simulation.Target(value))
	case "because":
		switch value {
		case "event cancelled":
			return say(ctx, "event cancelled")
		case "account deactivated":
			return say(ctx, "account deactivated")
		}
	case "starts_at", "ends_at", "registration_opens_at", "registration_closes_at":
		if t, err := time.Parse(time.RFC3339, value); err == nil {
			return momentText(ctx, t, t.Location()) + " (" + offsetText(t) + ")"
		}
	}
	return orElse(firstSentence(value, 80), say(ctx, "empty"))
}
