package model

import (
	"errors"
	"strings"
	"testing"

	"rowlock/booking"
)

func TestDo(t *testing.T) {
	t.Parallel()
	// One seat, four people; each step is followed by what must be answered.
	e := New(1, 4)
	steps := []struct {
		ask  Ask
		want string
	}{
		{Ask{Kind: Book, Person: 0}, "confirmed, #1, 0 of 1 free, 0 waiting"},
		{Ask{Kind: Book, Person: 0}, "confirmed already, #1, 0 of 1 free, 0 waiting"},
		{Ask{Kind: Book, Person: 1}, "waitlisted, #2, place 1, 0 of 1 free, 1 waiting"},
		{Ask{Kind: Book, Person: 2}, "waitlisted, #3, place 2, 0 of 1 free, 2 waiting"},
		{Ask{Kind: Book, Person: 1}, "waitlisted already, #2, 0 of 1 free, 2 waiting"},
		{Ask{Kind: Look, Person: 2}, "waitlisted, place 2, 0 of 1 free, 2 waiting, revision 1"},
		{Ask{Kind: Cancel, Person: 1}, "none, #2, 0 of 1 free, 1 waiting"},
		{Ask{Kind: Cancel, Person: 1}, "none already, 0 of 1 free, 1 waiting"},
		{Ask{Kind: Book, Person: 1}, "waitlisted, #4, place 2, 0 of 1 free, 2 waiting"},
		{Ask{Kind: Cancel, Person: 0}, "cancelled, #1, 0 of 1 free, 1 waiting"}, // promotes 2
		{Ask{Kind: Cancel, Person: 0}, "cancelled already, #1, 0 of 1 free, 1 waiting"},
		{Ask{Kind: Book, Person: 2}, "confirmed already, #3, 0 of 1 free, 1 waiting"},
		{Ask{Kind: Resize, Capacity: 0, Revision: 1}, "refused: too few seats (1)"},
		{Ask{Kind: Resize, Capacity: 9, Revision: 7}, "refused: edited since"},
		{Ask{Kind: Book, Person: 3}, "waitlisted, #5, place 2, 0 of 1 free, 2 waiting"},
		{Ask{Kind: Deactivate, Person: 1}, "done, 0 people moved"},
		{Ask{Kind: Book, Person: 1}, "refused: the person is inactive"},
		{Ask{Kind: Resize, Capacity: 3, Revision: 1}, "done, 1 people moved"}, // 1 loses the place, 3 is promoted
		{Ask{Kind: Look, Person: 3}, "confirmed, 1 of 3 free, 0 waiting, revision 2"},
		{Ask{Kind: CancelEvent}, "done, 2 people moved"},
		{Ask{Kind: CancelEvent}, "done, 0 people moved"},
		{Ask{Kind: Book, Person: 0}, "refused: the event is cancelled"},
		{Ask{Kind: Resize, Capacity: 9, Revision: 2}, "refused: the event is cancelled"},
		{Ask{Kind: Look, Person: 3}, "cancelled, 3 of 3 free, 0 waiting, revision 2"},
	}
	for i, step := range steps {
		before := e.String()
		after, got := e.Do(step.ask)
		if got.String() != step.want {
			t.Errorf("step %d, %s: got %q, want %q", i+1, step.ask, got, step.want)
		}
		if e.String() != before {
			t.Fatalf("step %d, %s changed the event that it was asked of", i+1, step.ask)
		}
		e = after
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	seat := func(n int) Reply { return Reply{Standing: booking.Confirmed, Number: n, Capacity: 1} }
	line := func(n, place int) Reply {
		return Reply{Standing: booking.Waitlisted, Number: n, Place: place, Waiting: place, Capacity: 1}
	}
	book := func(p int) Ask { return Ask{Kind: Book, Person: p} }
	after := func(asks ...Ask) Reply {
		e := New(1, 3)
		for _, a := range asks {
			e, _ = e.Do(a)
		}
		return Reply{Seen: &e}
	}
	type op struct {
		ask          Ask
		call, answer int64
		reply        Reply
	}
	tests := []struct {
		name string
		ops  []op
		want error
	}{
		{"one after the other", []op{{book(0), 1, 2, seat(1)}, {book(1), 3, 4, line(2, 1)}}, nil},
		{"at once, in the other order", []op{{book(0), 1, 9, line(2, 1)}, {book(1), 2, 8, seat(1)}}, nil},
		{"the later got the seat", []op{{book(0), 1, 2, line(2, 1)}, {book(1), 3, 4, seat(1)}}, ErrNoOrder},
		{"one seat for two", []op{{book(0), 1, 9, seat(1)}, {book(1), 2, 8, seat(2)}}, ErrNoOrder},
		{"already, though it is the first time", []op{{book(0), 1, 2, Reply{Standing: booking.Confirmed, Already: true, Number: 1, Capacity: 1}}}, ErrNoOrder},
		{"an answer that counts wrongly", []op{{book(0), 1, 2, Reply{Standing: booking.Confirmed, Number: 1, Free: 1, Capacity: 1}}}, ErrNoOrder},
		{"an answer that is not in the database", []op{{book(0), 1, 2, seat(1)}, {Ask{Kind: Inspect}, 3, 4, after()}}, ErrNoOrder},
		{"an unknown outcome that took place", []op{{book(0), 1, 2, Reply{Unknown: true}}, {Ask{Kind: Inspect}, 3, 4, after(book(0))}}, nil},
		{"an unknown outcome that did not", []op{{book(0), 1, 2, Reply{Unknown: true}}, {Ask{Kind: Inspect}, 3, 4, after()}}, nil},
		{"an unknown outcome does not explain what nobody asked for", []op{{book(0), 1, 2, Reply{Unknown: true}}, {Ask{Kind: Inspect}, 3, 4, after(book(1))}}, ErrNoOrder},
		{"nothing happened", []op{{book(0), 1, 2, Reply{Nothing: true}}, {Ask{Kind: Inspect}, 3, 4, after()}}, nil},
		{"nothing was to happen, and did", []op{{book(0), 1, 2, Reply{Nothing: true}}, {Ask{Kind: Inspect}, 3, 4, after(book(0))}}, ErrNoOrder},
		{"an effect before its cause", []op{{Ask{Kind: Inspect}, 1, 2, after(book(0))}, {book(0), 3, 4, seat(1)}}, ErrNoOrder},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := NewHistory(New(1, 3))
			for i, o := range tt.ops {
				h.Answered(h.Asked(i, o.ask, o.call), o.reply, o.answer)
			}
			err := h.Check()
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), "then ") {
				t.Errorf("it does not tell which answer: %v", err)
			}
		})
	}
}
