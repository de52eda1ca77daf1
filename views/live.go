package views

import (
	"context"
	"fmt"
	"time"

	"rowlock/event"
)

// keptLive has the page follow what changes, as far as a part of it names a
// stream.
func keptLive(p Page, yes bool) Page {
	p.live = yes && !p.Still
	return p
}

// isLive tells whether anything about an event's seats can still change.
func isLive(e event.Event, now time.Time) bool {
	return e.Status != event.Cancelled && !e.Ended(now)
}

// Shows names what the box offers its visitor, beside the numbers of seats:
// two boxes that show the same differ in nothing that has to be clicked or
// read anew. It is the same in every language.
func (in Booking) Shows(p Page) string {
	e, m := in.Event, in.Mine
	switch title, _ := notBookable(context.Background(), e, p.Now); {
	case held(m) && e.Status != event.Cancelled:
		return fmt.Sprintf("%s %d, leave %t, over %t", m.Standing, m.Place, canLeave(e, m, p.Now), e.Ended(p.Now))
	case title != "":
		return title
	case !p.SignedIn():
		return "sign in for a " + offered(e)
	default:
		return fmt.Sprintf("%s, a %s behind %d", standing(m), offered(e), e.Waiting)
	}
}
