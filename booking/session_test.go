package booking_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"rowlock/booking"
)

// signIn starts a session for each of the people.
func (h *house) signIn(people []uuid.UUID) []uuid.UUID {
	h.t.Helper()
	sessions := make([]uuid.UUID, len(people))
	for i := range sessions {
		sessions[i] = uuid.Must(uuid.NewV7())
	}
	h.exec(`insert into sessions (id, user_id, secret_hash, expires_at)
		select id, user_id, sha256(id::text::bytea), now() + interval '1 hour' from unnest($1::uuid[], $2::uuid[]) as s (id, user_id)`, sessions, people)
	return sessions
}

// bookAs books as a browser in which the session was started.
func (h *house) bookAs(session, event, person uuid.UUID) (booking.Answer, error) {
	return h.desk.Book(context.Background(), booking.Request{EventID: event, UserID: person, SessionID: session})
}

func TestWhoIsSignedOutNeitherBooksNorCancels(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(5), h.crowd(3)
	s := h.signIn(p)
	for i := range p {
		if a, err := h.bookAs(s[i], regatta, p[i]); err != nil || a.Standing != booking.Confirmed {
			t.Fatalf("signed in: got %+v, %v", a, err)
		}
	}
	h.exec(`delete from sessions where id = $1`, s[0])
	h.exec(`update sessions set expires_at = now() where id = $1`, s[1])
	h.exec(`update users set is_active = false where id = $1`, p[2])

	for i := range p {
		another := h.event(5)
		if _, err := h.bookAs(s[i], another, p[i]); !errors.Is(err, booking.ErrSignedOut) {
			t.Errorf("person %d books: got %v, want ErrSignedOut", i, err)
		}
		c := booking.Cancellation{EventID: regatta, UserID: p[i], SessionID: s[i], ActorID: p[i]}
		if _, err := h.desk.Cancel(t.Context(), c); !errors.Is(err, booking.ErrSignedOut) {
			t.Errorf("person %d cancels: got %v, want ErrSignedOut", i, err)
		}
		if mine, other := h.standing(regatta, p[i]), h.standing(another, p[i]); mine != "confirmed" || other != "none" {
			t.Errorf("person %d is %s and %s, want what was before", i, mine, other)
		}
	}
}

// Whoever is signed out holds nobody up who asks at the same moment.
func TestASignedOutPersonLeavesTheirGroupAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(20), h.crowd(40)
	s := h.signIn(p)
	for i := range p {
		if i%2 == 1 {
			h.exec(`delete from sessions where id = $1`, s[i])
		}
	}
	var books []func()
	for i := range p {
		books = append(books, func() {
			a, err := h.bookAs(s[i], regatta, p[i])
			if isOut := i%2 == 1; isOut != errors.Is(err, booking.ErrSignedOut) || !isOut && a.Standing != booking.Confirmed {
				t.Errorf("person %d: got %+v, %v", i, a, err)
			}
		})
	}
	atOnce(books...)
	if n := h.number(`select count(*) from registrations where event_id = $1`, regatta); n != 20 {
		t.Errorf("%d have a seat, want the 20 who are signed in", n)
	}
	h.mustHold()
}

// Whoever asks after the session has ended is refused, whatever came before.
func TestRaceOfSigningOutAgainstBooking(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.crowd(60)
	s := h.signIn(p)
	events := []uuid.UUID{h.event(60), h.event(60), h.event(60)}
	var books, ends []func()
	for i := range p {
		books = append(books, func() {
			for _, e := range events {
				_, err := h.bookAs(s[i], e, p[i])
				if err != nil && !errors.Is(err, booking.ErrSignedOut) {
					t.Error(err)
				}
			}
		})
		ends = append(ends, func() {
			h.exec(`delete from sessions where id = $1`, s[i])
			for _, e := range events {
				a, err := h.bookAs(s[i], e, p[i])
				if !errors.Is(err, booking.ErrSignedOut) {
					t.Errorf("person %d, signed out: got %+v, %v", i, a, err)
				}
			}
		})
	}
	atOnce(interleave(books, ends)...)
	h.mustHold()
}
