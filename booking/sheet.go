package booking

import (
	"crypto/rand"
	"encoding/base32"
	"time"

	"github.com/google/uuid"

	"rowlock/audit"
	"rowlock/event"
)

// A sheet is one event as a transaction sees it while it holds the row lock,
// and what the transaction has decided to change. Decisions touch nothing but
// the sheet: all strategies decide with the same rules and differ only in how
// they read, lock and write.
type sheet struct {
	now     time.Time
	eventID uuid.UUID
	event   seats

	// sessions are those that are not over, of those that ask.
	sessions      map[uuid.UUID]bool
	people        map[uuid.UUID]person
	registrations map[uuid.UUID]*registration // by user
	entries       map[uuid.UUID]*entry        // by user

	// line is the head of the waitlist in order. It reaches at least as far as
	// the group can promote; lineWhole tells that it is the whole waitlist, so
	// that whoever joins belongs behind it.
	line      []*entry
	lineWhole bool

	// details are the event's before an edit, and edited after one.
	details event.Details
	edited  *event.Details

	// What is to be written beside the registrations that changed.
	created []*registration
	joined  []*entry
	left    []uuid.UUID
	log     []audit.Entry
}

// seats are the columns of an event's row that decide about seats.
type seats struct {
	Status               event.Status
	StartsAt             time.Time
	RegistrationOpensAt  *time.Time
	RegistrationClosesAt *time.Time
	Capacity             int
	SeatsRemaining       int
	Waiting              int
	NextPosition         int
	Revision             int
	SimulationID         uuid.NullUUID
}

type person struct {
	ID           uuid.UUID
	IsActive     bool
	SimulationID uuid.NullUUID
}

// A registration is a row of registrations, as read or as to be written.
type registration struct {
	ID           uuid.UUID
	UserID       uuid.UUID
	Status       Standing
	Position     int
	Promoted     bool
	TicketCode   string
	BookedAt     time.Time
	CancelledAt  *time.Time
	SimulationID uuid.NullUUID

	isNew, changed bool
}

// An entry is a row of waitlist_entries, as read or as to be written.
type entry struct {
	ID           uuid.UUID
	UserID       uuid.UUID
	Position     int
	IsActive     bool
	SimulationID uuid.NullUUID

	isNew, gone bool
}

// newSheet makes an empty sheet with room for what so many requests change.
func newSheet(eventID uuid.UUID, requests int) *sheet {
	return &sheet{
		now:           time.Now(),
		eventID:       eventID,
		people:        make(map[uuid.UUID]person, requests),
		registrations: make(map[uuid.UUID]*registration, requests),
		entries:       make(map[uuid.UUID]*entry, requests),
		log:           make([]audit.Entry, 0, requests),
	}
}

// settle does what is asked for, unless the session that asks is over, as it is
// for whoever is deactivated.
func (s *sheet) settle(w wish, a *answer) error {
	if id := w.session(); id != uuid.Nil && (!s.sessions[id] || !s.people[w.person()].IsActive) {
		return ErrSignedOut
	}
	return w.decide(s, a)
}

// book gives the person a seat, or the end of the line when none is left.
func (s *sheet) book(userID uuid.UUID) (Answer, error) {
	a, err := s.give(userID)
	a.Seats = s.event.sum()
	return a, err
}

func (s *sheet) give(userID uuid.UUID) (Answer, error) {
	p, known := s.people[userID]
	if !known {
		return Answer{}, ErrNoPerson
	}
	if !p.IsActive {
		return Answer{}, ErrInactive
	}
	if s.event.Status == event.Draft || s.event.isOthersRehearsal(p) {
		return Answer{}, ErrNoEvent
	}
	if answer, ok := s.standing(userID); ok {
		return answer, nil
	}
	if err := s.event.open(s.now); err != nil {
		return Answer{}, err
	}
	if s.event.SeatsRemaining > 0 {
		return s.confirm(p), nil
	}
	return s.join(p), nil
}

// cancel ends what the person holds: a seat, which goes to the first in line,
// or a place in line.
func (s *sheet) cancel(c Cancellation) (Answer, error) {
	a, err := s.takeBack(c)
	a.Seats = s.event.sum()
	return a, err
}

func (s *sheet) takeBack(c Cancellation) (Answer, error) {
	if s.event.Status == event.Draft {
		return Answer{}, ErrNoEvent
	}
	r, e := s.registrations[c.UserID], s.entries[c.UserID]
	hasSeat := r != nil && r.Status == Confirmed
	inLine := e != nil && !e.gone

	switch {
	case !hasSeat && !inLine && r != nil:
		return Answer{Standing: Cancelled, Already: true, Position: r.Position}, nil
	case !hasSeat && !inLine:
		return Answer{Standing: None, Already: true}, nil
	case hasSeat && c.PlaceOnly:
		return Answer{Standing: Confirmed, Already: true, Position: r.Position, RegistrationID: r.ID}, nil
	case s.event.started(s.now):
		return Answer{}, ErrStarted
	case inLine:
		s.leave(e, c.ActorID)
		return Answer{Standing: None, Position: e.Position}, nil
	}

	s.release(r, c.ActorID, nil)
	s.promote(c.ActorID)
	return Answer{Standing: Cancelled, Position: r.Position, RegistrationID: r.ID}, nil
}

// edit replaces the event's details. More seats promote as many from the
// line; it returns how many that were.
func (s *sheet) edit(c Edit) (int, error) {
	confirmed := s.event.Capacity - s.event.SeatsRemaining
	switch {
	case s.event.Status == event.Cancelled:
		return 0, ErrEventCancelled
	case c.Revision != s.event.Revision:
		return 0, event.ErrChanged
	case c.Details.Capacity < confirmed:
		return 0, &TooFewSeatsError{Confirmed: confirmed}
	}

	s.note(audit.Entry{
		Actor: c.ActorID, Action: audit.EventEdited, Entity: audit.Event, EntityID: s.eventID,
		Detail: event.Diff(s.details, c.Details),
	})
	s.details, s.edited = c.Details, &c.Details
	s.event.SeatsRemaining += c.Details.Capacity - s.event.Capacity
	s.event.Capacity = c.Details.Capacity
	s.event.Revision++
	return s.promote(c.ActorID), nil
}

// cancelEvent ends the event, everybody's seat and the line. It returns how
// many people that were. The sheet must have been read with everyone on it.
func (s *sheet) cancelEvent(actorID uuid.UUID) (int, error) {
	switch {
	case s.event.Status == event.Draft:
		return 0, ErrDraft
	case s.event.Status == event.Cancelled:
		return 0, nil
	case s.event.started(s.now):
		return 0, ErrStarted
	}

	ended := 0
	s.note(audit.Entry{Actor: actorID, Action: audit.EventCancelled, Entity: audit.Event, EntityID: s.eventID})
	because := map[string]any{"because": "event cancelled"}
	for _, r := range s.registrations {
		if r.Status == Confirmed {
			s.release(r, actorID, because)
			ended++
		}
	}
	for _, e := range s.entries {
		if !e.gone {
			s.drop(e, audit.LineRemoved, actorID, because)
			ended++
		}
	}
	s.event.Status = event.Cancelled
	return ended, nil
}

// standing answers somebody who has a seat or waits already.
func (s *sheet) standing(userID uuid.UUID) (Answer, bool) {
	if r := s.registrations[userID]; r != nil && r.Status == Confirmed {
		return Answer{Standing: Confirmed, Already: true, Position: r.Position, RegistrationID: r.ID}, true
	}
	if e := s.entries[userID]; e != nil && !e.gone {
		return Answer{Standing: Waitlisted, Already: true, Position: e.Position}, true
	}
	return Answer{}, false
}

func (s *sheet) confirm(p person) Answer {
	s.event.SeatsRemaining--
	r := s.seat(p.ID, p.SimulationID, s.draw(), false)
	s.note(audit.Entry{
		Actor: p.ID, Action: audit.SeatConfirmed, Entity: audit.Registration, EntityID: r.ID,
		User: p.ID, Simulation: p.SimulationID.UUID,
	})
	return Answer{Standing: Confirmed, Position: r.Position, RegistrationID: r.ID}
}

func (s *sheet) join(p person) Answer {
	e := &entry{
		ID: newID(), UserID: p.ID, Position: s.draw(),
		IsActive: true, SimulationID: p.SimulationID, isNew: true,
	}
	s.entries[p.ID] = e
	s.joined = append(s.joined, e)
	if s.lineWhole {
		s.line = append(s.line, e)
	}
	s.event.Waiting++
	s.note(audit.Entry{
		Actor: p.ID, Action: audit.LineJoined, Entity: audit.WaitlistEntry, EntityID: e.ID,
		User: p.ID, Simulation: p.SimulationID.UUID,
	})
	return Answer{Standing: Waitlisted, Position: e.Position, Place: s.event.Waiting}
}

// promote gives free seats to the first in line until no seat or no line is
// left, and returns how many it gave. Deactivated people whose turn comes lose
// their place instead.
func (s *sheet) promote(actorID uuid.UUID) int {
	promoted := 0
	for s.event.SeatsRemaining > 0 && len(s.line) > 0 {
		e := s.line[0]
		s.line = s.line[1:]
		switch {
		case e.gone:
		case !e.IsActive:
			s.drop(e, audit.LineRemoved, actorID, map[string]any{"because": "account deactivated"})
		default:
			s.promoteFirst(e, actorID)
			promoted++
		}
	}
	return promoted
}

func (s *sheet) promoteFirst(e *entry, actorID uuid.UUID) {
	s.takeOut(e)
	s.event.SeatsRemaining--
	r := s.seat(e.UserID, e.SimulationID, e.Position, true)
	s.note(audit.Entry{
		Actor: actorID, Action: audit.SeatPromoted, Entity: audit.Registration, EntityID: r.ID,
		User: e.UserID, Simulation: e.SimulationID.UUID,
	})
}

// seat writes the person's one registration: a new one, or the old one
// revived with a ticket of its own.
func (s *sheet) seat(userID uuid.UUID, simulationID uuid.NullUUID, position int, promoted bool) *registration {
	r := s.registrations[userID]
	if r == nil {
		r = &registration{ID: newID(), UserID: userID, SimulationID: simulationID, isNew: true}
		s.registrations[userID] = r
		s.created = append(s.created, r)
	}
	r.Status, r.Position, r.Promoted = Confirmed, position, promoted
	r.TicketCode, r.BookedAt, r.CancelledAt = newTicketCode(), s.now, nil
	r.changed = true
	return r
}

// release ends a registration and leaves its seat free, for promote to give
// away.
func (s *sheet) release(r *registration, actorID uuid.UUID, detail map[string]any) {
	now := s.now
	r.Status, r.CancelledAt, r.changed = Cancelled, &now, true
	s.event.SeatsRemaining++

	action := audit.SeatCancelled
	if actorID != r.UserID {
		action = audit.SeatRemoved
	}
	s.note(audit.Entry{
		Actor: actorID, Action: action, Entity: audit.Registration, EntityID: r.ID,
		User: r.UserID, Detail: detail, Simulation: r.SimulationID.UUID,
	})
}

func (s *sheet) leave(e *entry, actorID uuid.UUID) {
	action := audit.LineLeft
	if actorID != e.UserID {
		action = audit.LineRemoved
	}
	s.drop(e, action, actorID, nil)
}

func (s *sheet) drop(e *entry, action audit.Action, actorID uuid.UUID, detail map[string]any) {
	s.takeOut(e)
	s.note(audit.Entry{
		Actor: actorID, Action: action, Entity: audit.WaitlistEntry, EntityID: e.ID,
		User: e.UserID, Detail: detail, Simulation: e.SimulationID.UUID,
	})
}

func (s *sheet) takeOut(e *entry) {
	e.gone = true
	s.event.Waiting--
	if !e.isNew {
		s.left = append(s.left, e.ID)
	}
}

// draw takes the next arrival number.
func (s *sheet) draw() int {
	n := s.event.NextPosition
	s.event.NextPosition++
	return n
}

// note logs a change: no change goes without a line in the log, and the
// first line's ID later tells whether the transaction was committed.
func (s *sheet) note(e audit.Entry) {
	e.ID, e.At, e.Event = newID(), s.now, s.eventID
	if e.Simulation == uuid.Nil {
		e.Simulation = s.event.SimulationID.UUID
	}
	s.log = append(s.log, e)
}

func (e seats) sum() Seats { return Seats{e.Capacity, e.SeatsRemaining, e.Waiting} }

// isOthersRehearsal tells whether the event is a simulation's private copy and
// the person is not of that simulation.
func (e seats) isOthersRehearsal(p person) bool {
	return e.SimulationID.Valid && p.SimulationID != e.SimulationID
}

// open tells why nobody may book at now, or nil.
func (e seats) open(now time.Time) error {
	switch {
	case e.Status == event.Cancelled:
		return ErrEventCancelled
	case e.started(now):
		return ErrStarted
	case e.RegistrationOpensAt != nil && now.Before(*e.RegistrationOpensAt):
		return ErrNotOpenYet
	case e.RegistrationClosesAt != nil && !now.Before(*e.RegistrationClosesAt):
		return ErrClosed
	}
	return nil
}

func (e seats) started(now time.Time) bool { return !now.Before(e.StartsAt) }

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// ticketAlphabet is Crockford's base 32: no letter looks like a digit.
var ticketAlphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// newTicketCode draws 60 random bits, as 12 characters that are easy to read
// aloud.
func newTicketCode() string {
	var b [8]byte
	rand.Read(b[:]) //nolint:errcheck // never fails, as its documentation promises
	return ticketAlphabet.EncodeToString(b[:])[:12]
}
