package web

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"rowlock/booking"
	"rowlock/event"
)

// A look is one person's at one event; a stranger's is uuid.Nil's.
type look struct{ eventID, personID uuid.UUID }

// A sight is what a look finds.
type sight struct {
	event event.Event
	mine  booking.Mine
}

// findSights answers looks that come at the same time together: after a group
// of bookings, everyone who booked looks at once. Events that do not exist are
// left out.
func (s *Server) findSights(ctx context.Context, looks []look) (map[look]sight, error) {
	if len(looks) == 1 {
		return s.findSight(ctx, looks[0])
	}
	people := make(map[uuid.UUID][]uuid.UUID)
	for _, l := range looks {
		people[l.eventID] = append(people[l.eventID], l.personID)
	}
	views, err := booking.Look(ctx, s.pages, people)
	if err != nil {
		return nil, err
	}
	sights := make(map[look]sight, len(looks))
	for _, l := range looks {
		if v, ok := views[l.eventID]; ok {
			sights[l] = sight{v.Event, v.Mine[l.personID]}
		}
	}
	return sights, nil
}

// findSight answers a look alone with one query.
func (s *Server) findSight(ctx context.Context, l look) (map[look]sight, error) {
	e, mine, err := booking.Find(ctx, s.pages, l.eventID, l.personID)
	if errors.Is(err, booking.ErrNoEvent) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return map[look]sight{l: {e, mine}}, nil
}
