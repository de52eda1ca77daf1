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
	if !mustSeed(t, pool, now) {
		t.Error("it says that it did nothing")
	}
	mustBeWhole(t, pool, now)

	t.Run("is made once", func(t *testing.T) {
		before := rows(t, pool)
		if mustSeed(t, pool, now) {
			t.Error("it says that it did something")
		}
		if after := rows(t, pool); after != before {
			t.Errorf("%d rows became %d", before, after)
		}
	})
}

// A start that is broken off, by Ctrl-C or by a power cut, is finished by the
// next, even long afterwards, and nobody who came in between loses anything.
func TestADemoThatWasBrokenOffIsFinished(t *testing.T) {
	t.Parallel()
	for name, booked := range map[string]bool{"before the first booking": false, "before the last step": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, now := dbtest.Pool(t), time.Now()
			desk := booking.NewDesk(pool, slog.New(slog.DiscardHandler))
			if !booked {
				if err := desk.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			breakOff(t, pool, desk, now.AddDate(0, -6, 0))
			cox, err := account.NewStore(pool, account.TestHasher()).CreateAdmin(t.Context(), "Cox", "cox@example.org", "steady at the catch")
			if err != nil {
				t.Fatal(err)
			}

			if !mustSeed(t, pool, now) {
				t.Error("it says that there was nothing to finish")
			}
			mustBeWhole(t, pool, now)
			if _, err := account.NewStore(pool, account.TestHasher()).ByID(t.Context(), cox.ID); err != nil {
				t.Errorf("the admin who came in between: %v", err)
			}
		})
	}
}

// breakOff seeds a demo no event of which gets as far as its last step.
func breakOff(t *testing.T, pool *pgxpool.Pool, desk *booking.Desk, now time.Time) {
	t.Helper()
	exec := func(sql string) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`create function break_off() returns trigger language plpgsql as $$ begin raise exception 'broken off'; end $$;
	      create trigger break_off before delete on settings for each row execute function break_off()`)
	if _, err := seedDemo(t.Context(), pool, account.TestHasher(), desk, now); err == nil {
		t.Fatal("it was not broken off")
	}
	exec(`drop function break_off cascade`)
}

// A database that people came to without a demo has none.
func TestADemoIsOnlyWhereItWasMade(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	_, err := account.NewStore(pool, account.TestHasher()).CreateAdmin(t.Context(), "Cox", "cox@example.org", "steady at the catch")
	if err != nil {
		t.Fatal(err)
	}
	if mustSeed(t, pool, time.Now()) {
		t.Error("somebody's database became a demo")
	}
	if has, err := hasDemo(t.Context(), pool); err != nil || has {
		t.Errorf("somebody's database says that it is a demo: %t, %v", has, err)
	}
}

// mustBeWhole fails the test where the demo is not as it is meant to be.
func mustBeWhole(t *testing.T, pool *pgxpool.Pool, now time.Time) {
	t.Helper()
	if has, err := hasDemo(t.Context(), pool); err != nil || !has {
		t.Errorf("the database says that it has a demo: %t, %v", has, err)
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

	t.Run("has every event at its time with its people", func(t *testing.T) {
		for _, e := range demoEvents {
			zone, err := event.LoadZone(e.zone)
			if err != nil {
				t.Fatal(err)
			}
			var starts time.Time
			var people int
			err = pool.QueryRow(t.Context(), `
				select starts_at, (select count(*) from registrations where event_id = e.id and status = 'confirmed')
				                + (select count(*) from waitlist_entries where event_id = e.id)
				from events e where title = $1`, e.title).Scan(&starts, &people)
			if want := e.startsAt(now, zone); err != nil || !starts.Equal(want) {
				t.Errorf("%q starts at %s, not %s: %v", e.title, starts, want, err)
			}
			if want := e.people(); people != want {
				t.Errorf("%q has %d people, not %d", e.title, people, want)
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
}

// people is how many have a seat or wait in the end.
func (e demoEvent) people() int {
	n := e.before + e.after - e.cancels
	if e.ana && !e.anaCancels {
		n++
	}
	if e.status == event.Cancelled {
		n = 0
	}
	return n
}

// mustSeed tells what seedDemo does.
func mustSeed(t *testing.T, pool *pgxpool.Pool, now time.Time) bool {
	t.Helper()
	desk := booking.NewDesk(pool, slog.New(slog.DiscardHandler))
	seeded, err := seedDemo(t.Context(), pool, account.TestHasher(), desk, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := desk.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return seeded
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
