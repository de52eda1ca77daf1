package booking_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"rowlock/booking"
	"rowlock/db"
)

// another is the row that a test adds.
const another = "00000000-0000-7000-8000-000000000000"

// Each break of a rule is made on purpose, past the constraints that would
// otherwise prevent it, to see that the rule's check catches it and names the
// rows that take part, and none besides. Anna and Ben have the two seats, with
// the numbers 1 and 2, and Cora waits with number 3.
func TestEveryCheckCanFail(t *testing.T) {
	t.Parallel()
	loosen := `
		alter table events drop constraint events_seats_remaining_check, drop constraint events_free_seat_check;
		alter table registrations drop constraint registrations_event_id_user_id_key;
		alter table waitlist_entries drop constraint waitlist_entries_user_id_event_id_key, drop constraint waitlist_entries_event_id_position_key;
		alter table events disable trigger user;
		alter table users disable trigger user;`
	// give is another confirmed registration with number 4.
	give := func(person, status string) string {
		return `insert into registrations (id, event_id, user_id, status, position, ticket_code, booked_at, cancelled_at)
			select '` + another + `', e.id, u.id, '` + status + `', 4, '000000000000', now(), case '` + status + `' when 'cancelled' then now() end
			from events e, users u where u.name = '` + person + `';
			update events set next_position = 5;`
	}
	// queue is another place in line.
	queue := func(person string, number int) string {
		return fmt.Sprintf(`insert into waitlist_entries (id, event_id, user_id, position, joined_at)
			select '%s', e.id, u.id, %d, now() from events e, users u where u.name = '%s';
			update events set next_position = greatest(next_position, 5), waiting = waiting + 1;`, another, number, person)
	}
	tests := []struct {
		rule, name, broken string
		says               []string
	}{
		{"no-overbooking", "more people than seats", `update events set capacity = 0`, []string{
			"2 people for 0 seats: registration ANNA is one too many", "2 people for 0 seats: registration BEN is one too many"}},
		{"no-overbooking", "one person more", `update events set capacity = 1`, []string{
			"2 people for 1 seats: registration BEN is one too many"}},
		{"no-overbooking", "fewer seats left than none", `update events set seats_remaining = -1`, []string{
			"-1 seats are shown as free"}},
		{"seats-add-up", "a seat that nobody freed", `update events set seats_remaining = 7`, []string{
			"7 seats are shown as free, 0 are"}},
		{"line-adds-up", "a line longer than it is", `update events set waiting = waiting + 1`, []string{
			"2 are shown in line, 1 are"}},
		{"no-idle-seat", "nobody was promoted", `update registrations set status = 'cancelled', cancelled_at = now() where position = 1;` + queue("Dora", 4), []string{
			"1 seats are free while 2 wait: waitlist entry CORA is due one"}},
		{"one-standing", "a seat and a place", give("Cora", "confirmed"), []string{
			"person Cora has a seat, registration ANOTHER, and waits, waitlist entry CORA"}},
		{"one-standing", "two seats", give("Anna", "confirmed"), []string{
			"person Anna has 2 registrations, one of them ANNA", "person Anna has 2 registrations, one of them ANOTHER"}},
		{"one-standing", "a seat and one given up", give("Anna", "cancelled"), []string{
			"person Anna has 2 registrations, one of them ANNA", "person Anna has 2 registrations, one of them ANOTHER"}},
		{"one-standing", "two places in line", queue("Cora", 4), []string{
			"person Cora has 2 places in line, one of them waitlist entry ANOTHER", "person Cora has 2 places in line, one of them waitlist entry CORA"}},
		{"order-of-arrival", "promoted past the line", `update registrations set position = position + 3; update events set next_position = 6`, []string{
			"registration ANNA has a seat with number 4 while number 3 waits", "registration BEN has a seat with number 5 while number 3 waits",
			"waitlist entry CORA waits with number 3 while number 5 has a seat"}},
		{"numbers-drawn-once", "two seats with one number", `update registrations set position = 1`, []string{
			"number 1 was drawn 2 times, once for registration ANNA", "number 1 was drawn 2 times, once for registration BEN"}},
		{"numbers-drawn-once", "a seat and a place with one number", queue("Dora", 2), []string{
			"number 2 was drawn 2 times, once for registration BEN", "number 2 was drawn 2 times, once for waitlist entry ANOTHER"}},
		{"numbers-drawn-once", "numbers yet to be drawn", `update events set next_position = 2`, []string{
			"registration BEN has number 2, and the next to be drawn is 2", "waitlist entry CORA has number 3, and the next to be drawn is 2"}},
		{"cancelled-is-over", "everyone is still there", `update events set status = 'cancelled'`, []string{
			"registration ANNA is confirmed at a cancelled event", "registration BEN is confirmed at a cancelled event",
			"waitlist entry CORA waits at a cancelled event"}},
		{"references-exist", "no event", `delete from events`, []string{
			"registration ANNA is at an event that does not exist", "registration BEN is at an event that does not exist",
			"waitlist entry CORA is at an event that does not exist"}},
		{"references-exist", "no person with a seat", `delete from users where name = 'Anna'`, []string{
			"registration ANNA is of person Anna, who does not exist"}},
		{"references-exist", "no person in line", `delete from users where name = 'Cora'`, []string{
			"waitlist entry CORA is of person Cora, who does not exist"}},
	}
	for _, tt := range tests {
		t.Run(tt.rule+"/"+tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			regatta := h.event(2)
			known := []string{another, "ANOTHER", regatta.String(), "EVENT"}
			for i, person := range h.crowd(4) {
				name := []string{"Anna", "Ben", "Cora", "Dora"}[i]
				h.exec(`update users set name = $2 where id = $1`, person, name)
				known = append(known, person.String(), name)
				if i == 3 {
					break // Dora comes later, if at all
				}
				h.book(regatta, person)
				known = append(known, h.row(regatta, person), strings.ToUpper(name))
			}
			h.mustHold()
			h.exec(loosen)
			h.exec(tt.broken)

			checks, err := booking.CheckEvent(t.Context(), h.pool, regatta)
			if err != nil {
				t.Fatal(err)
			}
			c := checkOf(t, checks, tt.rule)
			var said, want []string
			for _, breach := range c.Breaches {
				said = append(said, strings.NewReplacer(known...).Replace(breach.String()))
			}
			for _, says := range tt.says {
				want = append(want, "event EVENT: "+says)
			}
			slices.Sort(said)
			if c.OK || !slices.Equal(said, want) || c.Detail.String() != c.Breaches[0].String() {
				t.Errorf("the check says %v, %q\n%s\nwant\n%s", c.OK, c.Detail, strings.Join(said, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// row is the ID of the person's registration or waitlist entry.
func (h *house) row(event, person uuid.UUID) string {
	h.t.Helper()
	var id string
	err := h.pool.QueryRow(h.t.Context(), `
		select id::text from registrations where event_id = $1 and user_id = $2
		union all select id::text from waitlist_entries where event_id = $1 and user_id = $2`, event, person).Scan(&id)
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

func checkOf(t *testing.T, checks []booking.Check, rule string) booking.Check {
	t.Helper()
	i := slices.IndexFunc(checks, func(c booking.Check) bool { return c.Name == rule })
	if i < 0 {
		t.Fatalf("no check is named %s", rule)
	}
	return checks[i]
}

// Somebody who gave up a seat and came back when all were taken waits, and
// their old registration stays.
func TestAFormerSeatIsNoSecondStanding(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	regatta := h.event(1)
	crowd := h.crowd(2)
	h.book(regatta, crowd[0])
	h.cancel(regatta, crowd[0])
	h.book(regatta, crowd[1])
	h.book(regatta, crowd[0])
	h.mustHold()
}

func TestChecksOfOneEventOverlookTheOthers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	broken, sound := h.event(2), h.event(2)
	h.book(broken, h.person())
	h.exec(`update events set seats_remaining = 2 where id = $1`, broken)

	if checks, err := booking.CheckEvent(t.Context(), h.pool, sound); err != nil || !booking.AllHold(checks) {
		t.Errorf("%+v, %v", checks, err)
	}
	if checks, err := booking.CheckAll(t.Context(), h.pool); err != nil || booking.AllHold(checks) {
		t.Errorf("%+v, %v", checks, err)
	}
}

// A server keeps its verdicts in memory; who verifies wants every breach.
func TestVerifyNamesEveryBreach(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const events = 1001
	h.exec(`alter table events drop constraint events_seats_remaining_check`)
	h.exec(`insert into events (id, title, description, location, starts_at, ends_at, time_zone, status, organizer_id, capacity, seats_remaining)
		select gen_random_uuid(), 'Regatta', '', '', now(), now() + interval '1 day', 'UTC', 'published', $1, 2, 3 from generate_series(1, $2)`,
		h.organizer, events)
	for name, tt := range map[string]struct {
		check func(context.Context, db.Conn) ([]booking.Check, error)
		want  int
	}{
		"CheckAll": {booking.CheckAll, 1000},
		"Verify":   {booking.Verify, events},
	} {
		checks, err := tt.check(t.Context(), h.pool)
		if err != nil {
			t.Fatal(err)
		}
		named := 0
		for _, c := range checks {
			named += len(c.Breaches)
		}
		if named != tt.want {
			t.Errorf("%s names %d breaches, want %d", name, named, tt.want)
		}
	}
}
