package booking

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/db"
	"rowlock/event"
)

const (
	// attemptTimeout bounds one try at a group: the wait for a connection and
	// for the row lock, and the work.
	attemptTimeout = 20 * time.Second

	// patience is how long a group keeps trying while the database is out of
	// reach. It outlasts a restart of PostgreSQL, and a failover that takes
	// twenty seconds.
	patience = 30 * time.Second
)

// A group is the requests for one event that one transaction settles.
type group struct {
	eventID uuid.UUID
	tickets []*ticket
	// receipt is the ID of the first log line that the last try meant to
	// write. A try whose connection broke during the commit is not guessed at:
	// the log tells whether it was committed. It keeps its lines, but for those
	// of a simulation that is undone, and none is undone while it waits here.
	receipt uuid.UUID
	// tries counts the transactions.
	tries int
}

// settle answers every ticket of the group. It tries again for as long as
// [patience] lasts when the database is out of reach or another transaction
// was preferred. It takes no context: a visitor who leaves must not end the
// wait of the others.
func (g *group) settle(pool *pgxpool.Pool, log *slog.Logger) {
	deadline := time.Now().Add(patience)
	pause := 25 * time.Millisecond
	for {
		err := g.try(pool)
		switch {
		case err == nil:
			return
		case refusesData(err) && len(g.tickets) > 1:
			g.settleEachAlone(pool, log)
			return
		case !worthRetrying(err), time.Now().After(deadline):
			g.fail(err, log)
			return
		}
		log.Warn("booking: trying a group again", "event", g.eventID, "requests", len(g.tickets), "cause", err)
		time.Sleep(pause)
		pause = min(2*pause, time.Second)
	}
}

// settleEachAlone keeps one request that the database refuses from failing its
// neighbours.
func (g *group) settleEachAlone(pool *pgxpool.Pool, log *slog.Logger) {
	for i := range g.tickets {
		alone := group{eventID: g.eventID, tickets: g.tickets[i : i+1]}
		alone.settle(pool, log)
		g.tries += alone.tries
	}
}

// fail answers everybody with the cause as far as it concerns them.
func (g *group) fail(cause error, log *slog.Logger) {
	err := cause
	switch {
	case errors.Is(cause, ErrNoEvent), refusesData(cause):
	case g.receipt != uuid.Nil:
		err = ErrOutcomeUnknown
	case worthRetrying(cause):
		err = ErrUnavailable
	}
	if !errors.Is(err, ErrNoEvent) {
		log.Error("booking: gave up on a group", "event", g.eventID, "requests", len(g.tickets), "cause", cause)
	}
	for _, t := range g.tickets {
		t.answer, t.err = nil, err
	}
}

// try runs one transaction, in two round trips when nobody cancels: lock and
// read, then write and commit.
func (g *group) try(pool *pgxpool.Pool) (err error) {
	g.tries++
	ctx, cancel := context.WithTimeout(context.Background(), attemptTimeout)
	defer cancel()

	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("get a connection: %w", err)
	}
	defer conn.Release()
	defer func() {
		if conn.Conn().PgConn().TxStatus() != 'I' {
			// Should this fail too, Release throws the connection away.
			_, _ = conn.Exec(ctx, `rollback`)
		}
	}()

	s, committed, err := g.read(ctx, conn)
	if err != nil || committed {
		return err
	}
	for _, t := range g.tickets {
		t.answer = new(answer)
		t.err = s.settle(t.wish, t.answer)
	}
	if len(s.log) == 0 {
		return nil
	}
	g.receipt = s.log[0].ID
	err = s.commit(ctx, conn)
	if err == nil || rolledBack(err) {
		g.receipt = uuid.Nil
	}
	return err
}

// read begins the transaction, locks the event and reads what the group's
// decisions need. It tells whether an earlier try was committed after all.
func (g *group) read(ctx context.Context, conn *pgxpool.Conn) (s *sheet, committed bool, err error) {
	users := g.all(wish.person)
	sessions := g.all(wish.session)
	b := &pgx.Batch{}
	b.Queue(`begin`)
	b.Queue(lockEvent, g.eventID)
	if len(users) == 1 {
		b.Queue(readPerson, users[0])
		b.Queue(readStanding, g.eventID, users[0])
	} else {
		b.Queue(readPeople, users)
		b.Queue(readStandings, g.eventID, users)
	}
	if len(sessions) > 0 {
		b.Queue(readSessions, sessions)
	}
	if g.receipt != uuid.Nil {
		b.Queue(findReceipt, g.receipt)
	}

	results := conn.SendBatch(ctx, b)
	s, committed, err = g.scan(results, len(sessions) > 0)
	if closeErr := results.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("read the event: %w", closeErr)
	}
	if err != nil || committed {
		return nil, committed, err
	}
	return s, false, g.readMore(ctx, conn, s)
}

// all lists what the wishes name of one kind.
func (g *group) all(of func(wish) uuid.UUID) []uuid.UUID {
	list := make([]uuid.UUID, 0, len(g.tickets))
	for _, t := range g.tickets {
		if id := of(t.wish); id != uuid.Nil {
			list = append(list, id)
		}
	}
	return list
}

func (g *group) scan(results pgx.BatchResults, withSessions bool) (s *sheet, committed bool, err error) {
	s = newSheet(g.eventID, len(g.tickets))
	if _, err := results.Exec(); err != nil {
		return nil, false, fmt.Errorf("begin: %w", err)
	}
	if s.event, err = scanSeats(results.QueryRow()); err != nil {
		return nil, false, err
	}
	if err := s.readPeople(results.Query()); err != nil {
		return nil, false, err
	}
	if err := s.readStandings(results.Query()); err != nil {
		return nil, false, err
	}
	if withSessions {
		if err := s.readSessions(results.QueryRow()); err != nil {
			return nil, false, err
		}
	}
	if g.receipt != uuid.Nil {
		if err := results.QueryRow().Scan(&committed); err != nil {
			return nil, false, fmt.Errorf("look for an earlier commit: %w", err)
		}
	}
	return s, committed, nil
}

// readMore reads what only some wishes need: the line's head where seats may
// come free, the details where they are edited, everyone where all ends.
func (g *group) readMore(ctx context.Context, conn *pgxpool.Conn, s *sheet) error {
	need := g.reach(s.event.Capacity)
	if need.everyone {
		if err := s.readStandings(conn.Query(ctx, readConfirmed, g.eventID)); err != nil {
			return err
		}
		need.seats = s.event.Waiting + 1
	}
	if need.details {
		e, err := event.NewStore(conn).ByID(ctx, g.eventID)
		if errors.Is(err, event.ErrNotFound) {
			return ErrNoEvent
		}
		if err != nil {
			return err
		}
		s.details = e.Details
	}
	if need.seats == 0 {
		return nil
	}
	return s.readLine(ctx, conn, need.seats)
}

// readLine reads the line's head, up to the last that may be promoted, with
// the registrations of those in it who had a seat before.
func (s *sheet) readLine(ctx context.Context, conn db.Conn, seats int) error {
	if err := s.readHead(ctx, conn, seats); err != nil || len(s.line) == 0 {
		return err
	}
	users := make([]uuid.UUID, len(s.line))
	for i, e := range s.line {
		s.entries[e.UserID] = e
		users[i] = e.UserID
	}
	return s.readStandings(conn.Query(ctx, readRegistrations, s.eventID, users))
}

// readHead reads the line until as many in it are active as may be promoted.
// Once is enough but for somebody who is being deactivated at this moment.
func (s *sheet) readHead(ctx context.Context, conn db.Conn, seats int) error {
	for {
		line, isWhole, err := scanLine(conn.Query(ctx, readLine, s.eventID, seats))
		if err != nil {
			return err
		}
		active := 0
		for _, e := range line {
			if e.IsActive {
				active++
			}
		}
		if isWhole || active >= seats {
			s.line, s.lineWhole = line, isWhole
			return nil
		}
	}
}

// reach sums up what the group's wishes need of an event with that capacity.
func (g *group) reach(capacity int) reach {
	var sum reach
	for _, t := range g.tickets {
		r := t.wish.reach()
		sum.seats += r.seats + max(0, r.capacity-capacity)
		sum.details = sum.details || r.details
		sum.everyone = sum.everyone || r.everyone
	}
	return sum
}

// commit writes the sheet and ends the transaction, in one round trip.
func (s *sheet) commit(ctx context.Context, conn *pgxpool.Conn) error {
	statements, err := s.writes()
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	for _, w := range statements {
		b.Queue(w.SQL, w.Args...)
	}
	if s.edited != nil {
		event.QueueDetails(b, s.eventID, *s.edited)
	}
	b.Queue(`commit`)
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("write and commit: %w", err)
	}
	return nil
}

// worthRetrying tells whether the same group may well succeed a moment later.
func worthRetrying(err error) bool { return !errors.Is(err, ErrNoEvent) && db.MayPass(err) }

// rolledBack tells whether the server itself said that it undid the
// transaction. A fatal error says so only of the connection.
func rolledBack(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.SeverityUnlocalized == "ERROR"
}

// refusesData tells whether the database refused what was to be written.
func refusesData(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code[:2] == "23" || e.Code[:2] == "22")
}
