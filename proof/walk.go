package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"

	"rowlock/proof/model"
)

// walk makes one random request after the other, by whatever desk or strategy,
// and wants the model's very answer to each.
func walk(ctx context.Context, p *proof) error {
	s, err := p.stage(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	desks, shut, err := s.everyStrategy(ctx)
	if err != nil {
		return err
	}
	defer shut()
	for range p.pick(20, 1) {
		seed := p.nextSeed()
		if err := p.walkOnce(ctx, s, desks, seed); err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
	}
	return nil
}

// stepsPerWalk are enough that an event is cancelled in about one walk of
// three.
const stepsPerWalk = 250

func (p *proof) walkOnce(ctx context.Context, s *stage, desks []desk, seed uint64) error {
	dice := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a seed must replay
	capacity, people := 1+dice.IntN(4), 4+dice.IntN(6)
	a, h, err := s.arena(ctx, capacity, people)
	if err != nil {
		return err
	}
	e := model.New(capacity, people)
	var steps []string
	for range stepsPerWalk {
		q := randomAsk(dice, e)
		steps = append(steps, q.String())
		before := e
		if e, err = exactly(ctx, a, desks[dice.IntN(len(desks))], e, q); err != nil {
			return fmt.Errorf("step %d: %w\nit stood: %s\nthe steps up to there: %s",
				len(steps), err, before, strings.Join(steps[max(0, len(steps)-8):], "; "))
		}
	}
	p.count("steps", len(steps))
	return s.judge(ctx, a, h)
}

// randomAsk may ask for anything, also for what will be refused.
func randomAsk(dice *rand.Rand, e model.Event) model.Ask {
	q := model.Ask{Person: dice.IntN(len(e.People))}
	switch luck := dice.IntN(1000); {
	case luck < 400:
		q.Kind = model.Book
	case luck < 700:
		q.Kind = model.Cancel
	case luck < 800:
		q.Kind = model.Look
	case luck < 900:
		q = model.Ask{Kind: model.Resize, Capacity: dice.IntN(len(e.People)), Revision: e.Revision - dice.IntN(5)/4}
	case luck < 940:
		q.Kind = model.Deactivate
	case luck < 980:
		q.Kind = model.Activate
	case luck < 998:
		q = model.Ask{Kind: model.Inspect}
	default:
		q = model.Ask{Kind: model.CancelEvent}
	}
	return q
}

// order lets people come to a desk one after the other while its worker is
// held up, disturbed and refused, and wants them served in that order.
func order(ctx context.Context, p *proof) error {
	s, err := p.stage(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	d, shut, err := s.instance(ctx)
	if err != nil {
		return err
	}
	defer shut()
	people := p.pick(2_500, 300)
	for _, trouble := range []struct {
		name string
		make func(context.Context, *stage, *arena) error
	}{
		{"undisturbed", func(context.Context, *stage, *arena) error { return nil }},
		{"with its connection cut", cutWaiting},
		{"with one whom the database refuses", refuseOne},
	} {
		if err := s.inOrder(ctx, d, people, trouble.make); err != nil {
			return fmt.Errorf("%s: %w", trouble.name, err)
		}
		p.count("people in order", people)
	}
	p.tell("undisturbed, with the desk's connection cut while they waited, and with one in the middle whom the database refuses")
	return nil
}

// A queueing desk tells how many wait.
type queueing interface {
	desk
	Waiting(eventID uuid.UUID) int
}

// inOrder has people come in one by one, makes trouble while they all wait, and
// looks at the numbers that they draw.
func (s *stage) inOrder(ctx context.Context, d queueing, people int, trouble func(context.Context, *stage, *arena) error) error {
	r, err := s.gather(ctx, people)
	if err != nil {
		return err
	}
	release, err := s.holdRow(ctx, r.arena)
	if err != nil {
		return err
	}
	defer release()

	for i := range people {
		r.startOne(i, func(i int) model.Reply { return r.book(ctx, d, i) })
		// The first is taken at once, and waits for the row.
		if err := await(ctx, func() bool { return i == 0 && s.waitsForRow(ctx) || i > 0 && d.Waiting(r.arena.ID) == i }); err != nil {
			return err
		}
	}
	if err := trouble(ctx, s, r.arena); err != nil {
		return err
	}
	release()
	r.wait()

	last := 0
	for i, reply := range r.replies {
		if reply.Number > 0 && reply.Number != last+1 {
			return fmt.Errorf("%w: person %d was served as number %d after number %d", errAnswer, i+1, reply.Number, last)
		}
		last = max(last, reply.Number)
	}
	if last < people-1 {
		return fmt.Errorf("%w: only %d of %d were served", errAnswer, last, people)
	}
	return s.sound(ctx)
}

// cutWaiting cuts the connection of the desk that waits for the row.
func cutWaiting(ctx context.Context, s *stage, _ *arena) error {
	_, err := s.pool.Exec(ctx, `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
	return err
}

// refuseOne has the database refuse one in the middle, whoever they are.
func refuseOne(ctx context.Context, s *stage, a *arena) error {
	_, err := s.pool.Exec(ctx, `
		create function refuse() returns trigger language plpgsql as $$
		begin
		    if new.user_id::text = tg_argv[0] then raise exception 'not you' using errcode = 'check_violation'; end if;
		    return new;
		end $$`)
	if err != nil {
		return err
	}
	// The trigger's table is locked for a moment only: nobody writes now.
	_, err = s.pool.Exec(ctx, fmt.Sprintf(`create trigger refuse before insert on registrations for each row execute function refuse('%s')`, a.People[len(a.People)/4]))
	return err
}

// waitsForRow tells whether somebody waits for a row that is locked.
func (s *stage) waitsForRow(ctx context.Context) bool {
	var waits bool
	err := s.pool.QueryRow(ctx, `
		select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')`).Scan(&waits)
	return err == nil && waits
}

// await waits a while for what must come.
func await(ctx context.Context, condition func() bool) error {
	for deadline := time.Now().Add(20 * time.Second); !condition(); {
		if time.Now().After(deadline) || ctx.Err() != nil {
			return errors.New("what the proof waits for did not happen")
		}
		time.Sleep(100 * time.Microsecond)
	}
	return nil
}
