package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/db"
	"rowlock/event"
	"rowlock/proof/model"
)

// A desk is whatever changes seats: a [booking.Desk], or a mutant of one.
type desk interface {
	booking.Booker
	Cancel(ctx context.Context, c booking.Cancellation) (booking.Answer, error)
	Edit(ctx context.Context, c booking.Edit) (promoted int, err error)
	CancelEvent(ctx context.Context, eventID, actorID uuid.UUID) (ended int, err error)
}

// A stage is a database of a proof's own, with an organizer in it.
type stage struct {
	url string
	// pool reads and prepares, past whatever stands between desk and database.
	pool      *pgxpool.Pool
	organizer uuid.UUID
}

// stageLimits let a check wait while PostgreSQL starts again.
var stageLimits = db.Limits{MaxConns: 20, StatementTimeout: time.Minute, LockTimeout: time.Minute}

// openStage works on the migrated database at url.
func openStage(ctx context.Context, url string) (*stage, error) {
	pool, err := db.Open(ctx, url, stageLimits)
	if err != nil {
		return nil, err
	}
	s := &stage{url: url, pool: pool}
	organizer, err := s.people(ctx, 1)
	if err != nil {
		pool.Close()
		return nil, err
	}
	s.organizer = organizer[0]
	return s, nil
}

func (s *stage) close() { s.pool.Close() }

// people adds n people.
func (s *stage) people(ctx context.Context, n int) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7())
	}
	_, err := s.pool.Exec(ctx, `
		insert into users (id, name, email, password_hash, role)
		select id, 'Person', id || '@example.org', 'none', 'attendee' from unnest($1::uuid[]) as u (id)`, ids)
	if err != nil {
		return nil, fmt.Errorf("add %d people: %w", n, err)
	}
	return ids, nil
}

// event adds a published event that starts tomorrow.
func (s *stage) event(ctx context.Context, capacity int) (uuid.UUID, error) {
	id := uuid.Must(uuid.NewV7())
	_, err := s.pool.Exec(ctx, `
		insert into events (id, title, description, location, starts_at, ends_at, time_zone, status, organizer_id, capacity, seats_remaining)
		values ($1, 'Regatta', '', '', now() + interval '1 day', now() + interval '2 days', 'UTC', 'published', $2, $3, $3)`,
		id, s.organizer, capacity)
	if err != nil {
		return id, fmt.Errorf("add an event: %w", err)
	}
	return id, nil
}

var (
	// errRule says that a rule that must always hold does not.
	errRule = errors.New("the database breaks a rule")
	// errAnswer says that somebody was told what is not so.
	errAnswer = errors.New("an answer is not true")
)

// sound fails with errRule when a rule that must always hold does not, anywhere in the
// database.
func (s *stage) sound(ctx context.Context) error {
	checks, err := booking.CheckAll(ctx, s.pool)
	if err != nil {
		return err
	}
	var broken []error
	for _, c := range checks {
		if !c.OK {
			broken = append(broken, fmt.Errorf("%w: %s does not hold: %s", errRule, c.Name, c.Detail))
		}
	}
	return errors.Join(broken...)
}

// instance is a desk on a pool of its own, as every running Rowlock has.
func (s *stage) instance(ctx context.Context) (*booking.Desk, func(), error) {
	return openInstance(ctx, s.url, db.BookingLimits)
}

func openInstance(ctx context.Context, url string, limits db.Limits) (*booking.Desk, func(), error) {
	pool, err := db.Open(ctx, url, limits)
	if err != nil {
		return nil, nil, err
	}
	d := booking.NewDesk(pool, slog.New(slog.DiscardHandler))
	return d, func() {
		d.Close(context.WithoutCancel(ctx)) //nolint:errcheck // without a limit it only waits
		pool.Close()
	}, nil
}

// An arena is one event and the people who struggle for its seats. Whatever
// they ask and are answered is noted.
type arena struct {
	// ID names the event, People those who ask, by their numbers in the model.
	ID     uuid.UUID
	People []uuid.UUID
	// Organizer edits and cancels the event.
	Organizer uuid.UUID

	pool  *pgxpool.Pool
	notes notes
}

// notes is where requests and replies are written down: in a history, or, from
// a process that will be killed, in a pipe.
type notes interface {
	// asked is told of each request before it is made.
	Asked(visitor int, q model.Ask, at int64) (ticket int)
	// Answered is told of the reply before whoever asked goes on.
	Answered(ticket int, r model.Reply, at int64)
}

// arena makes an event of so many seats, and its history, which begins.
func (s *stage) arena(ctx context.Context, capacity, people int) (*arena, *model.History, error) {
	id, err := s.event(ctx, capacity)
	if err != nil {
		return nil, nil, err
	}
	crowd, err := s.people(ctx, people)
	if err != nil {
		return nil, nil, err
	}
	h := model.NewHistory(model.New(capacity, people))
	return &arena{ID: id, People: crowd, Organizer: s.organizer, pool: s.pool, notes: h}, h, nil
}

// ask makes a request at a desk and notes it with its reply.
func (a *arena) ask(ctx context.Context, d desk, visitor int, q model.Ask) model.Reply {
	ticket := a.notes.Asked(visitor, q, model.Now())
	r, err := a.carryOut(ctx, d, q)
	switch {
	case err != nil && q.Kind == model.Look:
		r = model.Reply{Nothing: true} // the page did not load
	case err != nil:
		r = refusal(err)
	}
	a.notes.Answered(ticket, r, model.Now())
	return r
}

func (a *arena) carryOut(ctx context.Context, d desk, q model.Ask) (model.Reply, error) {
	if s, ok := d.(*site); ok && s.offers(q.Kind) {
		return s.carryOut(ctx, a, q)
	}
	switch q.Kind {
	case model.Book:
		return reply(d.Book(ctx, booking.Request{EventID: a.ID, UserID: a.People[q.Person]}))
	case model.Cancel:
		person := a.People[q.Person]
		return reply(d.Cancel(ctx, booking.Cancellation{EventID: a.ID, UserID: person, ActorID: person}))
	case model.Resize:
		details, err := a.details(ctx, q.Capacity)
		if err != nil {
			return model.Reply{Nothing: true}, nil //nolint:nilerr // it was not even asked
		}
		n, err := d.Edit(ctx, booking.Edit{EventID: a.ID, ActorID: a.Organizer, Revision: q.Revision, Details: details})
		return model.Reply{Count: n}, err
	case model.CancelEvent:
		n, err := d.CancelEvent(ctx, a.ID, a.Organizer)
		return model.Reply{Count: n}, err
	case model.Deactivate, model.Activate:
		// An admin does not give up halfway.
		err := account.NewStore(a.pool, nil).Manage(context.WithoutCancel(ctx), account.Change{
			UserID: a.People[q.Person], ActorID: a.Organizer, IsActive: new(q.Kind == model.Activate),
		})
		return model.Reply{}, err
	case model.Look:
		return a.look(ctx, q.Person)
	case model.Inspect:
		seen, err := a.inspect(ctx)
		return model.Reply{Seen: &seen}, err
	}
	return model.Reply{}, fmt.Errorf("no such request: %s", q.Kind)
}

func (a *arena) details(ctx context.Context, capacity int) (event.Details, error) {
	e, err := event.NewStore(a.pool).ByID(ctx, a.ID)
	e.Details.Capacity = capacity
	return e.Details, err
}

func reply(a booking.Answer, err error) (model.Reply, error) {
	return model.Reply{
		Standing: a.Standing, Already: a.Already, Number: a.Position, Place: a.Place,
		Free: a.Seats.Remaining, Waiting: a.Seats.Waiting, Capacity: a.Seats.Capacity,
	}, err
}

// refusal says what an error tells the one who asked: why not, that nothing
// happened, or that nobody knows.
func refusal(err error) model.Reply {
	var few *booking.TooFewSeatsError
	switch {
	case errors.Is(err, booking.ErrEventCancelled):
		return model.Reply{Refusal: model.EventIsCancelled}
	case errors.Is(err, event.ErrChanged):
		return model.Reply{Refusal: model.EditedSince}
	case errors.Is(err, booking.ErrInactive):
		return model.Reply{Refusal: model.IsInactive}
	case errors.As(err, &few):
		return model.Reply{Refusal: model.TooFewSeats, Count: few.Confirmed}
	case errors.Is(err, booking.ErrBusy), errors.Is(err, booking.ErrStopping), errors.Is(err, booking.ErrUnavailable),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return model.Reply{Nothing: true}
	}
	return model.Reply{Unknown: true}
}

// look reads what the event's page shows the person.
func (a *arena) look(ctx context.Context, person int) (model.Reply, error) {
	e, mine, err := booking.Find(ctx, a.pool, a.ID, a.People[person])
	return model.Reply{
		Standing: mine.Standing, Place: mine.Place, Free: e.SeatsRemaining, Waiting: e.Waiting,
		Capacity: e.Capacity, Revision: e.Revision, Cancelled: e.Status == event.Cancelled,
	}, err
}

// inspect reads everything that decides about the event's seats, in one
// statement and so at one moment.
func (a *arena) inspect(ctx context.Context) (model.Event, error) {
	e := model.New(0, len(a.People))
	rows, err := a.pool.Query(ctx, `
		select e.capacity, e.next_position, e.revision, e.status = 'cancelled',
		       p.n - 1, not u.is_active, coalesce(r.status, 'none'), coalesce(r.position, 0), coalesce(w.position, 0)
		from events e
		cross join unnest($2::uuid[]) with ordinality as p (id, n)
		join users u on u.id = p.id
		left join registrations r on r.event_id = e.id and r.user_id = p.id
		left join waitlist_entries w on w.event_id = e.id and w.user_id = p.id
		where e.id = $1 order by w.position`, a.ID, a.People)
	if err != nil {
		return e, fmt.Errorf("inspect event %s: %w", a.ID, err)
	}
	var i int
	var p model.Person
	fields := []any{&e.Capacity, &e.Next, &e.Revision, &e.Cancelled, &i, &p.Inactive, &p.Seat, &p.SeatNumber, &p.LineNumber}
	_, err = pgx.ForEachRow(rows, fields, func() error {
		e.People[i] = p
		if p.LineNumber > 0 {
			e.Line = append(e.Line, i)
		}
		return nil
	})
	if err != nil {
		return e, fmt.Errorf("inspect event %s: %w", a.ID, err)
	}
	return e, nil
}
