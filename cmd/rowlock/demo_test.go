package main

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/db/dbtest"
	"rowlock/event"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestSeedDemo(t *testing.T) {
	t.Parallel()
	pool, now := dbtest.Pool(t), time.Now()
	start := time.Now()
	seed(t, pool, now)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the demo took %s", took)
	}

	t.Run("holds every rule", func(t *testing.T) {
		checks, err := booking.CheckAll(t.Context(), pool)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range checks {
			if !c.OK {
				t.Errorf("%s: %s", c.Name, c.Detail)
			}
		}
	})

	t.Run("everyone can sign in", func(t *testing.T) {
		accounts := account.NewStore(pool, account.TestHasher())
		for _, p := range append(demoPeople, demoOrganizer) {
			u, err := accounts.SignIn(t.Context(), p.Email, demoPassword, netip.MustParseAddr("127.0.0.1"))
			if err != nil || u.Role != p.Role || u.Name != p.Name {
				t.Errorf("%s signs in as %s, %s: %v", p.Email, u.Name, u.Role, err)
			}
		}
		if _, err := accounts.SignIn(t.Context(), "zoe.anderson@rowlock.example", demoPassword, netip.MustParseAddr("127.0.0.1")); err != nil {
			t.Errorf("somebody of the crowd: %v", err)
		}
	})

	t.Run("has events in every state", func(t *testing.T) {
		list, err := event.NewStore(pool).All(t.Context(), event.Search{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		states, zones, organizers := map[string]int{}, map[string]bool{}, map[uuid.UUID]bool{}
		for _, e := range list.Events {
			states[stateOf(e, now)]++
			zones[e.TimeZone], organizers[e.OrganizerID] = true, true
			if problems := e.Problems(time.Time{}); len(problems) > 0 {
				t.Errorf("%q has problems: %v", e.Title, problems)
			}
			if hour := e.StartsAt.In(e.Zone()).Hour(); hour < 6 || hour > 21 {
				t.Errorf("%q starts at %d o'clock", e.Title, hour)
			}
		}
		for _, state := range []string{"draft", "cancelled", "past", "not yet open", "closed", "full", "nearly full", "open"} {
			if states[state] == 0 {
				t.Errorf("no event is %s: %v", state, states)
			}
		}
		if len(zones) < 5 || len(organizers) != 2 || list.Total < 12 {
			t.Errorf("%d events in %d zones of %d organizers", list.Total, len(zones), len(organizers))
		}
	})

	t.Run("gives Ana something to see", func(t *testing.T) {
		var ana uuid.UUID
		if err := pool.QueryRow(t.Context(), `select id from users where email = 'ana@rowlock.example'`).Scan(&ana); err != nil {
			t.Fatal(err)
		}
		held, err := booking.HeldBy(t.Context(), pool, ana)
		if err != nil {
			t.Fatal(err)
		}
		standings := map[booking.Standing]int{}
		for _, h := range held {
			standings[h.Mine.Standing]++
			if h.Mine.Standing == booking.Waitlisted && h.Mine.Place != 3 {
				t.Errorf("Ana is number %d in line for %q, not 3", h.Mine.Place, h.Event.Title)
			}
		}
		if standings[booking.Confirmed] == 0 || standings[booking.Waitlisted] == 0 || standings[booking.Cancelled] == 0 {
			t.Errorf("Ana stands like this: %v", standings)
		}
	})

	t.Run("books over several days, before the event and after signing up", func(t *testing.T) {
		var days, wrong int
		err := pool.QueryRow(t.Context(), `
			select count(distinct date_trunc('day', r.booked_at)),
			       count(*) filter (where r.booked_at > e.starts_at or r.booked_at < u.created_at or r.booked_at > now() or r.cancelled_at < r.booked_at)
			from registrations r join events e on e.id = r.event_id join users u on u.id = r.user_id`).Scan(&days, &wrong)
		if err != nil || days < 10 || wrong > 0 {
			t.Errorf("%d days, %d bookings at an impossible time, %v", days, wrong, err)
		}
	})

	t.Run("is made once", func(t *testing.T) {
		before := rows(t, pool)
		seed(t, pool, now)
		if after := rows(t, pool); after != before {
			t.Errorf("%d rows became %d", before, after)
		}
	})
}

func seed(t *testing.T, pool *pgxpool.Pool, now time.Time) {
	t.Helper()
	desk := booking.NewDesk(pool, slog.New(slog.DiscardHandler))
	if err := seedDemo(t.Context(), pool, account.TestHasher(), desk, now); err != nil {
		t.Fatal(err)
	}
	if err := desk.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func rows(t *testing.T, pool *pgxpool.Pool) int {
	t.Helper()
	var n int
	err := pool.QueryRow(t.Context(), `
		select (select count(*) from users) + (select count(*) from events) + (select count(*) from registrations) + (select count(*) from audit_log)`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func stateOf(e event.Event, now time.Time) string {
	switch {
	case e.Status != event.Published:
		return string(e.Status)
	case e.Ended(now):
		return "past"
	case e.NotYetOpen(now):
		return "not yet open"
	case e.Closed(now):
		return "closed"
	case e.SeatsRemaining == 0 && e.Waiting > 0:
		return "full"
	case e.SeatsRemaining <= 2:
		return "nearly full"
	default:
		return "open"
	}
}
