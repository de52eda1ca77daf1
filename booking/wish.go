package booking

import "github.com/google/uuid"

// A wish is what a ticket asks for.
type wish interface {
	// person is whose standing the decision reads, uuid.Nil for nobody's.
	person() uuid.UUID
	// session is the one that must not be over, uuid.Nil for none.
	session() uuid.UUID
	// reach tells how much of the event the decision reads beside that.
	reach() reach
	// decide changes the sheet and fills in the answer, or refuses.
	decide(s *sheet, a *answer) error
}

// reach is how much of an event a decision may have to read.
type reach struct {
	// seats is how many places of the line it may give away or leave.
	seats int
	// capacity is what the event's capacity may become; 0 leaves it.
	capacity int
	// details tells that it reads the event's details.
	details bool
	// everyone tells that it reads every seat and the whole line.
	everyone bool
}

type bookWish struct{ userID, sessionID uuid.UUID }

func (w bookWish) person() uuid.UUID  { return w.userID }
func (w bookWish) session() uuid.UUID { return w.sessionID }
func (w bookWish) reach() reach       { return reach{} }
func (w bookWish) decide(s *sheet, a *answer) (err error) {
	a.Answer, err = s.book(w.userID)
	return err
}

type cancelWish struct{ Cancellation }

func (w cancelWish) person() uuid.UUID  { return w.UserID }
func (w cancelWish) session() uuid.UUID { return w.SessionID }
func (w cancelWish) reach() reach       { return reach{seats: 1} }
func (w cancelWish) decide(s *sheet, a *answer) (err error) {
	a.Answer, err = s.cancel(w.Cancellation)
	return err
}

type editWish struct{ Edit }

func (w editWish) person() uuid.UUID  { return uuid.Nil }
func (w editWish) session() uuid.UUID { return uuid.Nil }
func (w editWish) reach() reach       { return reach{capacity: w.Details.Capacity, details: true} }
func (w editWish) decide(s *sheet, a *answer) (err error) {
	a.count, err = s.edit(w.Edit)
	return err
}

type cancelEventWish struct{ actorID uuid.UUID }

func (w cancelEventWish) person() uuid.UUID  { return uuid.Nil }
func (w cancelEventWish) session() uuid.UUID { return uuid.Nil }
func (w cancelEventWish) reach() reach       { return reach{everyone: true} }
func (w cancelEventWish) decide(s *sheet, a *answer) (err error) {
	a.count, err = s.cancelEvent(w.actorID)
	return err
}
