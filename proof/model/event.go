// Package model says what an event of Rowlock is when one thing happens after
// the other: no database, no locks, no time. It is written apart from package
// booking, from the rules alone, so that the two can be held against each
// other.
package model

import (
	"fmt"
	"slices"
	"strings"

	"rowlock/booking"
)

// An Event is all that decides about an event's seats. People are numbers from
// 0 to len(People)-1.
type Event struct {
	Capacity int
	// Next is the number that the next arrival draws.
	Next int
	// Revision counts edits.
	Revision  int
	Cancelled bool
	People    []Person
	// Line is who waits, the next first.
	Line []int
}

// A Person is what one person has of an event.
type Person struct {
	// Seat is None, Confirmed, or Cancelled for a seat that was given up.
	Seat booking.Standing
	// SeatNumber is the arrival number that the seat came by.
	SeatNumber int
	// LineNumber is the arrival number of a place in line, or 0.
	LineNumber int
	// Inactive people can neither book nor be promoted.
	Inactive bool
}

// New is an event without attendees.
func New(capacity, people int) Event {
	e := Event{Capacity: capacity, Next: 1, Revision: 1, People: make([]Person, people)}
	for i := range e.People {
		e.People[i].Seat = booking.None
	}
	return e
}

// Kind is what is asked of an event.
type Kind string

// What can be asked.
const (
	Book        Kind = "book"
	Cancel      Kind = "cancel"
	Resize      Kind = "resize"
	CancelEvent Kind = "cancel the event"
	// Deactivate and Activate switch a person's account.
	Deactivate Kind = "deactivate"
	Activate   Kind = "activate"
	// Look is what a person sees on the event's page.
	Look Kind = "look"
	// Inspect reads everything.
	Inspect Kind = "inspect"
)

// An Ask is one request.
type Ask struct {
	Kind   Kind `json:"kind"`
	Person int  `json:"person,omitempty"`
	// Capacity is what Resize asks for, Revision what its asker saw last.
	Capacity int `json:"capacity,omitempty"`
	Revision int `json:"revision,omitempty"`
}

// What a request can be refused with.
const (
	EventIsCancelled = "the event is cancelled"
	EditedSince      = "edited since"
	TooFewSeats      = "too few seats"
	IsInactive       = "the person is inactive"
)

// A Reply is what became of an Ask. Only the fields that its kind fills are
// set.
type Reply struct {
	// Unknown tells that nobody knows: the one who asked was killed, or was
	// told that the outcome is unknown.
	Unknown bool `json:"unknown,omitempty"`
	// Nothing tells that the one who asked was told that nothing happened:
	// they gave up waiting, or the database stayed out of reach.
	Nothing bool   `json:"nothing,omitempty"`
	Refusal string `json:"refusal,omitempty"`
	// Told is how much of the answer the one who asked could see.
	Told Told `json:"told,omitempty"`

	Standing booking.Standing `json:"standing,omitempty"`
	Already  bool             `json:"already,omitempty"`
	Number   int              `json:"number,omitempty"`
	Place    int              `json:"place,omitempty"`
	// Count is how many were promoted, ended, or have a seat when that is
	// more than the seats asked for.
	Count int `json:"count,omitempty"`

	// How full the event is, as a page shows it and a desk answers.
	Free     int `json:"free,omitempty"`
	Waiting  int `json:"waiting,omitempty"`
	Capacity int `json:"capacity,omitempty"`
	// What only a page shows.
	Revision  int  `json:"revision,omitempty"`
	Cancelled bool `json:"cancelled,omitempty"`

	// Seen is what Inspect found.
	Seen *Event `json:"seen,omitempty"`
}

// Told is how much of an answer somebody sees.
type Told string

// The pages of a site do not show all that a desk answers.
const (
	Everything Told = ""
	// OnlyNumber is Number and Already.
	OnlyNumber Told = "the number"
	// OnlyBox is what the box on an event's page shows: Standing, Place, Free
	// and Capacity.
	OnlyBox Told = "the box"
	// OnlyDone is that it was not refused.
	OnlyDone Told = "done"
)

// seen is the part of a reply that somebody sees who is told so much.
func (r Reply) seen(t Told) Reply {
	switch t {
	case OnlyNumber:
		r = Reply{Refusal: r.Refusal, Number: r.Number, Already: r.Already}
	case OnlyBox:
		r = Reply{Refusal: r.Refusal, Standing: r.Standing, Place: r.Place, Free: r.Free, Capacity: r.Capacity}
	case OnlyDone:
		r = Reply{Refusal: r.Refusal}
	}
	r.Told = t
	return r
}

// Do carries out one request and leaves e as it was.
func (e Event) Do(a Ask) (Event, Reply) {
	switch a.Kind {
	case Look:
		return e, e.look(a.Person)
	case Inspect:
		return e, Reply{Seen: &e}
	}
	after := e
	after.People, after.Line = slices.Clone(e.People), slices.Clone(e.Line)
	return after, (&after).change(a)
}

func (e *Event) change(a Ask) Reply {
	switch a.Kind {
	case Book:
		return e.withSeats(e.book(a.Person))
	case Cancel:
		return e.withSeats(e.cancel(a.Person))
	case Resize:
		return e.resize(a)
	case CancelEvent:
		return e.end()
	case Deactivate, Activate:
		e.People[a.Person].Inactive = a.Kind == Deactivate
		return Reply{}
	}
	panic("no such request: " + a.Kind)
}

// withSeats adds how full the event is then, which a desk tells with its
// answer.
func (e *Event) withSeats(r Reply) Reply {
	if r.Refusal == "" {
		r.Free, r.Waiting, r.Capacity = e.Free(), len(e.Line), e.Capacity
	}
	return r
}

func (e *Event) book(i int) Reply {
	p := &e.People[i]
	switch {
	case p.Inactive:
		return Reply{Refusal: IsInactive}
	case p.Seat == booking.Confirmed:
		return Reply{Standing: booking.Confirmed, Already: true, Number: p.SeatNumber}
	case p.LineNumber > 0:
		return Reply{Standing: booking.Waitlisted, Already: true, Number: p.LineNumber}
	case e.Cancelled:
		return Reply{Refusal: EventIsCancelled}
	}
	number := e.Next
	e.Next++
	if e.Free() > 0 {
		p.Seat, p.SeatNumber = booking.Confirmed, number
		return Reply{Standing: booking.Confirmed, Number: number}
	}
	p.LineNumber = number
	e.Line = append(e.Line, i)
	return Reply{Standing: booking.Waitlisted, Number: number, Place: len(e.Line)}
}

func (e *Event) cancel(i int) Reply {
	p := &e.People[i]
	switch {
	case p.LineNumber > 0:
		number := p.LineNumber
		e.leaveLine(i)
		return Reply{Standing: booking.None, Number: number}
	case p.Seat == booking.Confirmed:
		p.Seat = booking.Cancelled
		e.promote()
		return Reply{Standing: booking.Cancelled, Number: p.SeatNumber}
	case p.Seat == booking.Cancelled:
		return Reply{Standing: booking.Cancelled, Already: true, Number: p.SeatNumber}
	}
	return Reply{Standing: booking.None, Already: true}
}

func (e *Event) resize(a Ask) Reply {
	switch {
	case e.Cancelled:
		return Reply{Refusal: EventIsCancelled}
	case a.Revision != e.Revision:
		return Reply{Refusal: EditedSince}
	case a.Capacity < e.confirmed():
		return Reply{Refusal: TooFewSeats, Count: e.confirmed()}
	}
	e.Capacity = a.Capacity
	e.Revision++
	return Reply{Count: e.promote()}
}

// end cancels the event.
func (e *Event) end() Reply {
	if e.Cancelled {
		return Reply{}
	}
	ended := e.confirmed() + len(e.Line)
	for i := range e.People {
		p := &e.People[i]
		if p.Seat == booking.Confirmed {
			p.Seat = booking.Cancelled
		}
		p.LineNumber = 0
	}
	e.Line, e.Cancelled = nil, true
	return Reply{Count: ended}
}

// promote gives free seats to the first in line; whoever is inactive when
// their turn comes loses their place.
func (e *Event) promote() (promoted int) {
	for e.Free() > 0 && len(e.Line) > 0 {
		i := e.Line[0]
		number := e.People[i].LineNumber
		e.leaveLine(i)
		if p := &e.People[i]; !p.Inactive {
			p.Seat, p.SeatNumber = booking.Confirmed, number
			promoted++
		}
	}
	return promoted
}

func (e *Event) leaveLine(i int) {
	e.People[i].LineNumber = 0
	e.Line = slices.DeleteFunc(e.Line, func(other int) bool { return other == i })
}

func (e Event) look(i int) Reply {
	p := e.People[i]
	r := Reply{
		Standing: p.Seat, Free: e.Free(), Waiting: len(e.Line),
		Capacity: e.Capacity, Revision: e.Revision, Cancelled: e.Cancelled,
	}
	if p.LineNumber > 0 {
		r.Standing, r.Place = booking.Waitlisted, slices.Index(e.Line, i)+1
	}
	return r
}

// Free is how many seats are left.
func (e Event) Free() int { return e.Capacity - e.confirmed() }

func (e Event) confirmed() (n int) {
	for _, p := range e.People {
		if p.Seat == booking.Confirmed {
			n++
		}
	}
	return n
}

// Equal tells whether the two are the same in all that decides about seats.
func (e Event) Equal(o Event) bool {
	return e.Capacity == o.Capacity && e.Next == o.Next && e.Revision == o.Revision && e.Cancelled == o.Cancelled &&
		slices.Equal(e.People, o.People) && slices.Equal(e.Line, o.Line)
}

// Equal tells whether the two say the same, as far as r tells.
func (r Reply) Equal(o Reply) bool {
	o = o.seen(r.Told)
	if (r.Seen == nil) != (o.Seen == nil) || r.Seen != nil && !r.Seen.Equal(*o.Seen) {
		return false
	}
	r.Seen, o.Seen = nil, nil
	return r == o
}

func (e Event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d seats, next number %d, revision %d", e.Capacity, e.Next, e.Revision)
	if e.Cancelled {
		b.WriteString(", cancelled")
	}
	for i, p := range e.People {
		if p.Seat != booking.None {
			fmt.Fprintf(&b, "; %d: %s #%d", i, p.Seat, p.SeatNumber)
		}
	}
	for _, i := range e.Line {
		fmt.Fprintf(&b, "; %d waits #%d", i, e.People[i].LineNumber)
	}
	return b.String()
}

func (a Ask) String() string {
	switch a.Kind {
	case Resize:
		return fmt.Sprintf("resize to %d at revision %d", a.Capacity, a.Revision)
	case CancelEvent, Inspect:
		return string(a.Kind)
	}
	return fmt.Sprintf("%s, person %d", a.Kind, a.Person)
}

func (r Reply) String() string {
	switch {
	case r.Unknown:
		return "nobody knows"
	case r.Nothing:
		return "nothing happened"
	case r.Refusal != "" && r.Count > 0:
		return fmt.Sprintf("refused: %s (%d)", r.Refusal, r.Count)
	case r.Refusal != "":
		return "refused: " + r.Refusal
	case r.Seen != nil:
		return r.Seen.String()
	case r.Told == OnlyNumber:
		return fmt.Sprintf("#%d, already %t", r.Number, r.Already)
	case r.Told == OnlyDone:
		return "done"
	case r.Standing == "":
		return fmt.Sprintf("done, %d people moved", r.Count)
	}
	var b strings.Builder
	b.WriteString(string(r.Standing))
	if r.Already {
		b.WriteString(" already")
	}
	for _, f := range []struct {
		name  string
		value int
	}{{"#", r.Number}, {"place ", r.Place}} {
		if f.value > 0 {
			fmt.Fprintf(&b, ", %s%d", f.name, f.value)
		}
	}
	fmt.Fprintf(&b, ", %d of %d free, %d waiting", r.Free, r.Capacity, r.Waiting)
	if r.Revision > 0 {
		fmt.Fprintf(&b, ", revision %d", r.Revision)
	}
	return b.String()
}
