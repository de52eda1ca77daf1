package booking_test

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/booking"
	"rowlock/db"
)

// What is read depends on who asks, not on how full the event is, how long its
// line is, what the people have booked before or how many are signed in, even
// where the database planned how to read while it was empty. Somebody who asks
// alone is read by other statements than a group.
func TestOnlyThoseWhoAskAreRead(t *testing.T) {
	t.Parallel()
	const many, few = 2000, 20
	for name, size := range map[string]int{"alone": 1, "in groups": few / 2} {
		for _, tables := range [][]string{standings, {"sessions"}} {
			t.Run(name+" of "+tables[0], func(t *testing.T) {
				t.Parallel()
				h := newHouse(t)
				pool := h.onePool(db.BookingLimits)
				h.desk = newDesk(t, pool)
				open, full := h.event(2*many), h.event(0)
				book := func(people []uuid.UUID) {
					sessions := h.signIn(people)
					for i := 0; i < len(people); i += size {
						h.bookTogether(open, people[i:i+size], sessions[i:i+size])
						h.bookTogether(full, people[i:i+size], sessions[i:i+size])
					}
				}
				book(h.crowd(size))
				h.exec(`analyze sessions`)
				book(h.crowd(size))

				// A full event, a long line, many who are signed in, and people
				// who have booked a lot.
				crowd, asking := h.crowd(many), h.crowd(few)
				h.fill(open, crowd)
				h.queue(full, crowd)
				h.signIn(crowd)
				for range 50 {
					h.fill(h.event(2*few), asking)
				}

				// The server may count the first bookings only now.
				bookings := 2 * (size + size + few)
				if n := h.readBy(pool, tables, func() { book(asking) }); n > bookings {
					t.Errorf("%d bookings read %d %s", bookings, n, tables[0])
				}
				h.mustHold()
			})
		}
	}
}

// An earlier commit is looked for by its line's key, by a plan from when the log
// was empty, too.
func TestAReceiptIsFoundWithoutReadingTheLog(t *testing.T) {
	t.Parallel()
	const many = 20_000
	h := newHouse(t)
	h.exec(`analyze audit_log`)
	pool := h.onePool(db.BookingLimits)
	if _, err := pool.Exec(t.Context(), `prepare receipt (uuid) as `+booking.FindReceiptSQL); err != nil {
		t.Fatal(err)
	}
	find := func(id uuid.UUID) (found bool, blocks int) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), fmt.Sprintf(`execute receipt ('%s')`, id), pgx.QueryExecModeSimpleProtocol).Scan(&found); err != nil {
			t.Fatal(err)
		}
		var plan []struct {
			Plan struct {
				Hit  int `json:"Shared Hit Blocks"`
				Read int `json:"Shared Read Blocks"`
			}
		}
		if err := pool.QueryRow(t.Context(), fmt.Sprintf(`explain (analyze, buffers, format json) execute receipt ('%s')`, id), pgx.QueryExecModeSimpleProtocol).Scan(&plan); err != nil {
			t.Fatal(err)
		}
		return found, plan[0].Plan.Hit + plan[0].Plan.Read
	}
	find(uuid.New())
	line, simulated := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	h.exec(`insert into audit_log (id, at, action, entity_type, entity_id, simulation_id)
		select case n when 1 then $1 when 2 then $2 else gen_random_uuid() end, now(), 'registration.confirmed', 'registration', gen_random_uuid(),
			case when n % 2 = 0 then $2::uuid end
		from generate_series(1, $3::int) n`, line, simulated, many)

	for id, want := range map[uuid.UUID]bool{line: true, simulated: true, uuid.New(): false} {
		found, blocks := find(id)
		if found != want || blocks > 20 {
			t.Errorf("found %t, want %t, after %d blocks of a log of %d lines", found, want, blocks, many)
		}
	}
}

// bookTogether books for everyone. The first waits for the event's row, alone,
// while the others gather to be a group.
func (h *house) bookTogether(event uuid.UUID, people, sessions []uuid.UUID) {
	h.t.Helper()
	release := h.holdRow(event)
	var answered sync.WaitGroup
	for i := range people {
		answered.Go(func() {
			if _, err := h.bookAs(sessions[i], event, people[i]); err != nil {
				h.t.Error(err)
			}
		})
		h.waitFor(func() bool {
			if i == 0 {
				return h.pending(event)
			}
			return h.desk.Waiting(event) == i
		})
	}
	release()
	answered.Wait()
}

// A check sets seats beside places in line only where both are of one person,
// whatever the planner is led to: at a large event with a long line it would
// otherwise compare everyone with everyone.
func TestNoCheckComparesEveryoneWithEveryone(t *testing.T) {
	t.Parallel()
	const many = 1000
	h := newHouse(t)
	p := h.crowd(2 * many)
	h.fill(h.event(many), p[:many])
	h.queue(h.event(0), p)
	h.exec(`analyze`) // and what it finds is soon no longer true
	h.exec(`truncate events, registrations, waitlist_entries`)
	regatta := h.event(many)
	h.fill(regatta, p[:many])
	h.queue(regatta, p[many:])

	pool := h.onePool(db.PageLimits)
	ways := []string{"hashjoin", "mergejoin", "nestloop", "sort", "indexscan", "bitmapscan", "seqscan"}
	for off := range 1 << len(ways) {
		for i, way := range ways {
			if _, err := pool.Exec(t.Context(), `select set_config($1, $2, false)`, "enable_"+way, fmt.Sprint(off>>i&1 == 0)); err != nil {
				t.Fatal(err)
			}
		}
		for _, check := range []struct {
			sql  string
			args []any
		}{{booking.CheckAllSQL, nil}, {booking.CheckEventSQL, []any{regatta}}} {
			var plan []struct{ Plan planNode }
			if err := pool.QueryRow(t.Context(), `explain (format json) `+check.sql, check.args...).Scan(&plan); err != nil {
				t.Fatal(err)
			}
			plan[0].Plan.reads(func(join planNode, read map[string]bool) {
				if read["registrations"] && read["waitlist_entries"] && !read["several"] {
					t.Errorf("with settings %b, arguments %v: a %s of seats and places in line", off, check.args, join.Type)
				}
			})
		}
	}
}

// A planNode is a step of a plan, as EXPLAIN tells it.
type planNode struct {
	Type         string `json:"Node Type"`
	Relationship string `json:"Parent Relationship"`
	Relation     string `json:"Relation Name"`
	CTE          string `json:"CTE Name"`
	Plans        []planNode
}

// reads lists what a step and those below it read, and tells of every join what
// it joins. What is only put together is not joined.
func (n planNode) reads(tell func(join planNode, read map[string]bool)) map[string]bool {
	read := map[string]bool{n.Relation: true, n.CTE: true}
	for _, p := range n.Plans {
		below := p.reads(tell)
		if p.Relationship != "InitPlan" {
			maps.Copy(read, below)
		}
	}
	if n.Type == "Append" {
		return nil
	}
	if strings.HasSuffix(n.Type, "Join") || n.Type == "Nested Loop" {
		tell(n, read)
	}
	return read
}

// fill gives everyone a seat.
func (h *house) fill(event uuid.UUID, people []uuid.UUID) {
	h.t.Helper()
	h.exec(`insert into registrations (id, event_id, user_id, status, position, ticket_code, booked_at)
		select gen_random_uuid(), e.id, u.id, 'confirmed', e.next_position + n - 1, substr(md5(random()::text), 1, 12), now()
		from events e, unnest($2::uuid[]) with ordinality as u (id, n) where e.id = $1`, event, people)
	h.exec(`update events set seats_remaining = seats_remaining - $2, next_position = next_position + $2 where id = $1`, event, len(people))
}

// queue gives everyone a place in line.
func (h *house) queue(event uuid.UUID, people []uuid.UUID) {
	h.t.Helper()
	h.exec(`insert into waitlist_entries (id, event_id, user_id, position, joined_at)
		select gen_random_uuid(), e.id, u.id, e.next_position + n - 1, now()
		from events e, unnest($2::uuid[]) with ordinality as u (id, n) where e.id = $1`, event, people)
	h.exec(`update events set waiting = waiting + $2, next_position = next_position + $2 where id = $1`, event, len(people))
}

// onePool is a pool of one connection, which has every plan.
func (h *house) onePool(limits db.Limits) *pgxpool.Pool {
	h.t.Helper()
	limits.MaxConns = 1
	pool, err := db.Open(h.t.Context(), h.pool.Config().ConnString(), limits)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(pool.Close)
	return pool
}

// standings are where it is written who has what.
var standings = []string{"registrations", "waitlist_entries"}

// readBy is how many rows of the tables do reads over the pool's one connection,
// which it closes: a connection tells its counts at the latest when it ends.
func (h *house) readBy(pool *pgxpool.Pool, tables []string, do func()) int {
	h.t.Helper()
	before := h.read(tables)
	do()
	var backend int
	if err := pool.QueryRow(h.t.Context(), `select pg_backend_pid()`).Scan(&backend); err != nil {
		h.t.Fatal(err)
	}
	pool.Close()
	for h.number(`select count(*) from pg_stat_activity where pid = $1`, backend) > 0 {
		time.Sleep(5 * time.Millisecond)
	}
	return h.read(tables) - before
}

// read is how many rows of the tables were read since the database was made.
func (h *house) read(tables []string) int {
	h.t.Helper()
	return h.number(`select sum(seq_tup_read + idx_tup_fetch)::int from pg_stat_user_tables where relname = any($1)`, tables)
}

// A check of one event reads its rows and no others', by a plan that is kept,
// too.
func TestACheckOfOneEventReadsNoOther(t *testing.T) {
	t.Parallel()
	const many, few = 2000, 10
	h := newHouse(t)
	small := h.event(few)
	h.fill(h.event(many), h.crowd(many))
	h.fill(small, h.crowd(few))
	h.exec(`analyze`)
	pool := h.onePool(db.BookingLimits)

	n := h.readBy(pool, standings, func() {
		if checks, err := booking.CheckEvent(t.Context(), pool, small); err != nil || !booking.AllHold(checks) {
			t.Errorf("got %v, %v", checks, err)
		}
	})
	if n > 10*few {
		t.Errorf("a check of %d rows read %d", few, n)
	}
}
