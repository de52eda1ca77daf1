package booking_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"rowlock/booking"
)

// One gave up a seat, the first in line got it, the second waits still, and a
// simulation's person is not counted. A day begins at midnight where the event
// takes place, and a day without bookings is told, too.
func TestNumbersOf(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta, p := h.event(4), h.crowd(6)
	for _, person := range p {
		h.book(regatta, person)
	}
	h.cancel(regatta, p[1])
	for i, at := range []string{"2027-03-01T09:59:59Z", "2027-03-01T10:00Z", "2027-03-02T09:59Z", "2027-02-11T12:00Z", "2027-03-03T10:00Z"} {
		h.exec(`update registrations set booked_at = $2 where user_id = $1`, p[i], at)
	}
	h.exec(`update registrations set simulation_id = $2 where user_id = $1`, p[3], uuid.New())

	for zone, want := range map[string]string{
		"Pacific/Kiritimati": "1 Mar: 1, 2 Mar: 2, 3 Mar: 0, 4 Mar: 1", // 14 hours ahead of UTC
		"Pacific/Pago_Pago":  "28 Feb: 2, 1 Mar: 1, 2 Mar: 1",          // 11 hours behind
		"UTC":                "1 Mar: 2, 2 Mar: 1, 3 Mar: 1",
	} {
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		n, err := booking.NumbersOf(t.Context(), h.pool, regatta, location)
		if err != nil {
			t.Fatal(err)
		}
		if n.Confirmed != 3 || n.Cancelled != 1 || n.Promoted != 1 || n.Waiting != 1 {
			t.Errorf("%s: got %+v", zone, n)
		}
		if got := perDay(n); got != want {
			t.Errorf("%s: got %q, want %q", zone, got, want)
		}
	}

	n, err := booking.NumbersOf(t.Context(), h.pool, h.event(4), time.UTC)
	if err != nil || fmt.Sprint(n) != fmt.Sprint(booking.Numbers{}) {
		t.Errorf("of an event that nobody booked: got %+v, %v", n, err)
	}
}

func perDay(n booking.Numbers) string {
	var days []string
	for _, d := range n.PerDay {
		days = append(days, fmt.Sprintf("%s: %d", d.Day.Format("2 Jan"), d.Bookings))
	}
	return strings.Join(days, ", ")
}
