package booking

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/audit"
	"rowlock/db"
)

// readEvent reads what decides about an event's seats, as [scanSeats] scans it.
const readEvent = `
select status, starts_at, registration_opens_at, registration_closes_at,
       capacity, seats_remaining, waiting, next_position, revision, simulation_id
from events where id = $1`

// lockEvent takes the event's row lock: every other change of the event's
// seats waits until this transaction ends. What depends on it is read by later
// statements, for under read committed a statement sees registrations as they
// were before it waited.
const lockEvent = readEvent + ` for update`

// readPeople also keeps anybody from deactivating these people until the
// transaction ends, or waits until that is done and sees it. It is the lock
// that inserting a row of theirs takes anyway, only earlier; nothing but a
// deactivation waits for it. Nearly always they are alike, and one row has the
// ids of all.
const readPeople = `
select is_active, simulation_id, array_agg(id)
from (select id, is_active, simulation_id from users where id = any($1) order by id for key share) as u
group by is_active, simulation_id`

// readPerson is readPeople of one person.
const readPerson = `select is_active, simulation_id, array[id] from users where id = $1 for key share`

// readSessions tells which sessions are not over, in one row. They are looked up
// by key alone: a plan made while the table was empty might as well begin with
// all that are not over.
const readSessions = `
select array_agg(id) from (select id, expires_at from sessions where id = any($1) offset 0) as s
where expires_at > now()`

// findReceipt tells whether a line of the log is there, a simulation's or not.
const findReceipt = `select exists (select from audit_log where simulated in (false, true) and id = $1)`

const registrationColumns = `
r.id, r.user_id, r.status, r.position, r.promoted, r.ticket_code, r.booked_at, r.cancelled_at, r.simulation_id`

// whoseRegistration and whoseEntry look up one pair, who, by the key of both
// columns, however much the person has booked and however long the line is.
// Offset 0 keeps it so: as a plain join, a plan made while the table was young
// reads the whole event, again for every group. An entry is found by comparing
// rows, which only the index that begins with the person can serve; by columns,
// such a plan may choose the line's index.
const (
	whoseRegistration = `
select * from registrations where event_id = who.event_id and user_id = who.user_id offset 0`

	whoseEntry = `
select * from waitlist_entries
where (user_id, event_id) >= (who.user_id, who.event_id) and (user_id, event_id) <= (who.user_id, who.event_id) offset 0`
)

// each pairs the event $1 with each of the people $2, and one with the person
// $2.
const (
	each = `(select $1::uuid as event_id, user_id from unnest($2::uuid[]) as u (user_id)) as who`
	one  = `(select $1::uuid as event_id, $2::uuid as user_id) as who`
)

func registrationsOf(who string) string {
	return `
select ` + registrationColumns + ` from ` + who + ` cross join lateral (` + whoseRegistration + `) as r`
}

// entriesOf reads places in line in the columns of registrations, with no
// status.
func entriesOf(who string) string {
	return `
select w.id, w.user_id, '', w.position, false, '', w.joined_at, null, w.simulation_id
from ` + who + ` cross join lateral (` + whoseEntry + `) as w`
}

var (
	readRegistrations = registrationsOf(each)

	// readStandings looks nobody up in the line while nobody waits, as the
	// locked row tells.
	readStandings = registrationsOf(each) + ` union all ` + entriesOf(each) + ` where (select waiting from events where id = $1) > 0`

	// readStanding is readStandings of one person, without what only pays off
	// for several.
	readStanding = registrationsOf(one) + ` union all ` + entriesOf(one)
)

const readConfirmed = `
select ` + registrationColumns + ` from registrations r where r.event_id = $1 and r.status = 'confirmed'`

// readLine reads the first in line up to the $2nd active person, or everyone
// when fewer are active, and keeps their accounts as they are: see readPeople.
// Whoever was just deactivated is returned as inactive, though counted as
// active; isWhole tells when nobody is left behind the last.
const readLine = `
with last as (select (
    select w.position
    from waitlist_entries w join users u on u.id = w.user_id
    where w.event_id = $1 and u.is_active
    order by w.position offset $2 - 1 limit 1) as position)
select w.id, w.user_id, w.position, u.is_active, w.simulation_id, last.position is null as is_whole
from last, waitlist_entries w join users u on u.id = w.user_id
where w.event_id = $1 and w.position <= coalesce(last.position, 2147483647)
order by w.position for key share of u`

func scanSeats(row pgx.Row) (seats, error) {
	var e seats
	err := row.Scan(&e.Status, &e.StartsAt, &e.RegistrationOpensAt, &e.RegistrationClosesAt,
		&e.Capacity, &e.SeatsRemaining, &e.Waiting, &e.NextPosition, &e.Revision, &e.SimulationID)
	if errors.Is(err, pgx.ErrNoRows) {
		return e, ErrNoEvent
	}
	if err != nil {
		return e, fmt.Errorf("lock the event: %w", err)
	}
	return e, nil
}

func (s *sheet) readPeople(rows pgx.Rows, err error) error {
	var p person
	var ids []uuid.UUID
	err = forEach(rows, err, []any{&p.IsActive, &p.SimulationID, &ids}, func() {
		for _, p.ID = range ids {
			s.people[p.ID] = p
		}
	})
	if err != nil {
		return fmt.Errorf("read people: %w", err)
	}
	return nil
}

func (s *sheet) readSessions(row pgx.Row) error {
	var ids []uuid.UUID
	if err := row.Scan(&ids); err != nil {
		return fmt.Errorf("read sessions: %w", err)
	}
	s.sessions = make(map[uuid.UUID]bool, len(ids))
	for _, id := range ids {
		s.sessions[id] = true
	}
	return nil
}

// readStandings takes the rows of [readStandings], or of any statement with
// the same columns.
func (s *sheet) readStandings(rows pgx.Rows, err error) error {
	var r registration
	err = forEach(rows, err,
		[]any{&r.ID, &r.UserID, &r.Status, &r.Position, &r.Promoted, &r.TicketCode, &r.BookedAt, &r.CancelledAt, &r.SimulationID},
		func() {
			if r.Status == "" {
				s.entries[r.UserID] = &entry{ID: r.ID, UserID: r.UserID, Position: r.Position, IsActive: true, SimulationID: r.SimulationID}
				return
			}
			row := r
			s.registrations[r.UserID] = &row
		})
	if err != nil {
		return fmt.Errorf("read standings: %w", err)
	}
	return nil
}

// scanLine takes the rows of [readLine]. No rows are the whole of a line.
func scanLine(rows pgx.Rows, err error) (line []*entry, isWhole bool, _ error) {
	isWhole = true
	var e entry
	err = forEach(rows, err, []any{&e.ID, &e.UserID, &e.Position, &e.IsActive, &e.SimulationID, &isWhole},
		func() { row := e; line = append(line, &row) })
	if err != nil {
		return nil, false, fmt.Errorf("read the line: %w", err)
	}
	return line, isWhole, nil
}

func forEach(rows pgx.Rows, err error, targets []any, do func()) error {
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, targets, func() error { do(); return nil })
	return err
}

// writes lists the statements that bring the database to what the sheet says.
// Each writes any number of rows.
func (s *sheet) writes() ([]db.Statement, error) {
	list, err := s.rowWrites()
	return append(list, s.updateEvent()), err
}

// rowWrites lists the statements for everything but the event's own row.
// Registrations and entries go in by person: people come in any order, and an
// index takes neighbours faster. The log goes in as it grew: most of its indexes
// are in that order.
func (s *sheet) rowWrites() ([]db.Statement, error) {
	slices.SortFunc(s.created, func(a, b *registration) int { return bytes.Compare(a.UserID[:], b.UserID[:]) })
	slices.SortFunc(s.joined, func(a, b *entry) int { return bytes.Compare(a.UserID[:], b.UserID[:]) })
	var list []db.Statement
	if len(s.left) > 0 {
		list = append(list, db.Statement{SQL: `delete from waitlist_entries where id = any($1)`, Args: []any{s.left}})
	}
	for _, rows := range byKind(s.created) {
		list = append(list, s.insertRegistrations(rows))
	}
	if updated := s.updated(); len(updated) > 0 {
		list = append(list, updateRegistrations(updated))
	}
	if joined := s.stillWaiting(); len(joined) > 0 {
		list = append(list, s.insertEntries(joined))
	}
	log, err := audit.Statements(s.log)
	return append(list, log...), err
}

func (s *sheet) updated() []*registration {
	var list []*registration
	for _, r := range s.registrations {
		if r.changed && !r.isNew {
			list = append(list, r)
		}
	}
	return list
}

// stillWaiting lists who joined the line and did not leave it again within
// the same group.
func (s *sheet) stillWaiting() []*entry {
	return slices.DeleteFunc(s.joined, func(e *entry) bool { return e.gone })
}

// A kind is what new registrations share that differ in nothing but whose
// they are and when they came.
type kind struct {
	status       Standing
	promoted     bool
	simulationID uuid.NullUUID
}

func (r *registration) kind() kind { return kind{r.Status, r.Promoted, r.SimulationID} }

// byKind parts new registrations by kind. Nearly always there is one: all got
// seats by coming first, or all by way of the line.
func byKind(rows []*registration) map[kind][]*registration {
	parts := map[kind][]*registration{}
	for _, r := range rows {
		parts[r.kind()] = append(parts[r.kind()], r)
	}
	return parts
}

// insertRegistrations inserts rows of one kind. What they share goes over once:
// every column that is sent as an array costs the database a pass.
func (s *sheet) insertRegistrations(rows []*registration) db.Statement {
	n := len(rows)
	ids, users, positions, codes := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]int32, n), make([]string, n)
	for i, r := range rows {
		ids[i], users[i], positions[i], codes[i] = r.ID, r.UserID, int32(r.Position), r.TicketCode
	}
	shared := rows[0]
	return db.Statement{SQL: `
insert into registrations (event_id, booked_at, status, promoted, cancelled_at, simulation_id, id, user_id, position, ticket_code)
select $1, $2, $3, $4, $5, $6, * from unnest($7::uuid[], $8::uuid[], $9::int[], $10::text[])`,
		Args: []any{s.eventID, s.now, string(shared.Status), shared.Promoted, shared.CancelledAt, shared.SimulationID, ids, users, positions, codes}}
}

func updateRegistrations(rows []*registration) db.Statement {
	n := len(rows)
	ids, statuses, positions, promoted := make([]uuid.UUID, n), make([]string, n), make([]int32, n), make([]bool, n)
	codes, booked, cancelled := make([]string, n), make([]time.Time, n), make([]*time.Time, n)
	for i, r := range rows {
		ids[i], statuses[i], positions[i], promoted[i] = r.ID, string(r.Status), int32(r.Position), r.Promoted
		codes[i], booked[i], cancelled[i] = r.TicketCode, r.BookedAt, r.CancelledAt
	}
	return db.Statement{SQL: `
update registrations r
set status = c.status, position = c.position, promoted = c.promoted, ticket_code = c.ticket_code,
    booked_at = c.booked_at, cancelled_at = c.cancelled_at, checked_in_at = null
from unnest($1::uuid[], $2::text[], $3::int[], $4::bool[], $5::text[], $6::timestamptz[], $7::timestamptz[])
     as c (id, status, position, promoted, ticket_code, booked_at, cancelled_at)
where r.id = c.id`,
		Args: []any{ids, statuses, positions, promoted, codes, booked, cancelled}}
}

func (s *sheet) insertEntries(rows []*entry) db.Statement {
	n := len(rows)
	ids, users, positions, simulations := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]int32, n), make([]uuid.NullUUID, n)
	for i, e := range rows {
		ids[i], users[i], positions[i], simulations[i] = e.ID, e.UserID, int32(e.Position), e.SimulationID
	}
	return db.Statement{SQL: `
insert into waitlist_entries (event_id, joined_at, id, user_id, position, simulation_id)
select $1, $2, * from unnest($3::uuid[], $4::uuid[], $5::int[], $6::uuid[])`,
		Args: []any{s.eventID, s.now, ids, users, positions, simulations}}
}

func (s *sheet) updateEvent() db.Statement {
	e := s.event
	return db.Statement{SQL: `
update events
set status = $2, capacity = $3, seats_remaining = $4, waiting = $5, next_position = $6, version = version + 1
where id = $1`,
		Args: []any{s.eventID, e.Status, e.Capacity, e.SeatsRemaining, e.Waiting, e.NextPosition}}
}
