package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"rowlock/booking"
	"rowlock/db"
	"rowlock/proof/faults"
	"rowlock/proof/model"
)

// broken are the fates after which a client cannot know what became of its
// commit.
var broken = []faults.Fate{faults.CutBefore, faults.CutBoth, faults.CutAfter, faults.Late}

// commits cuts connections exactly while a commit is on its way, then cuts and
// delays them at any moment.
func commits(ctx context.Context, p *proof) error {
	s, err := p.stage(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	proxy, d, shut, err := s.proxied(ctx, openDesk)
	if err != nil {
		return err
	}
	defer shut()

	for _, fate := range broken {
		for _, q := range everyChange {
			if err := p.cutExactly(ctx, s, proxy, d, fate, q); err != nil {
				return fmt.Errorf("commit %s: %w", fate, err)
			}
		}
	}
	p.tell("each kind of change with each fate of its commit is answered as if nothing had been cut")

	for range p.pick(15, 1) {
		seed := p.nextSeed()
		if err := p.stormAndCut(ctx, s, proxy, d, seed); err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
	}
	for _, fate := range broken {
		p.count("commits "+fate.String(), proxy.Count(fate))
	}
	return nil
}

// opener makes a desk on the database at url.
type opener func(ctx context.Context, url string) (d desk, shut func(), err error)

func openDesk(ctx context.Context, url string) (desk, func(), error) {
	d, shut, err := openInstance(ctx, url, db.BookingLimits)
	return d, shut, err
}

// proxied is a desk behind a proxy.
func (s *stage) proxied(ctx context.Context, open opener) (*faults.Proxy, desk, func(), error) {
	proxy, err := faults.NewProxy(ctx, s.url)
	if err != nil {
		return nil, nil, nil, err
	}
	d, shut, err := open(ctx, proxy.URL(s.pool.Config().ConnConfig.Database))
	if err != nil {
		proxy.Close()
		return nil, nil, nil, err
	}
	return proxy, d, func() {
		proxy.Judge(nil)
		proxy.Delay(nil)
		shut()
		proxy.Close()
	}, nil
}

// full is how an event with one seat stands before everyChange: person 0 has
// the seat, 1 and 2 wait, 3 has nothing.
var full = []model.Ask{{Kind: model.Book, Person: 0}, {Kind: model.Book, Person: 1}, {Kind: model.Book, Person: 2}}

// everyChange is one change of each kind.
var everyChange = []model.Ask{
	{Kind: model.Book, Person: 3},
	{Kind: model.Cancel, Person: 0},
	{Kind: model.Cancel, Person: 1}, // leaves the line
	{Kind: model.Resize, Capacity: 2, Revision: 1},
	{Kind: model.CancelEvent},
}

// cutExactly lets the first commit of a request have that fate.
func (p *proof) cutExactly(ctx context.Context, s *stage, proxy *faults.Proxy, d desk, fate faults.Fate, q model.Ask) error {
	a, h, err := s.arena(ctx, 1, 4)
	if err != nil {
		return err
	}
	e := model.New(1, 4)
	proxy.Judge(nil)
	for _, first := range full {
		if e, err = exactly(ctx, a, d, e, first); err != nil {
			return err
		}
	}
	var once sync.Once
	proxy.Judge(func() (f faults.Fate) { once.Do(func() { f = fate }); return f })
	if _, err := exactly(ctx, a, d, e, q); err != nil {
		return err
	}
	return s.judge(ctx, a, h)
}

// exactly makes a request and wants the model's very answer to it.
func exactly(ctx context.Context, a *arena, d desk, e model.Event, q model.Ask) (model.Event, error) {
	after, want := e.Do(q)
	if got := a.ask(ctx, d, 0, q); !got.Equal(want) {
		return after, fmt.Errorf("%w: %s: answered %q, must be %q", errAnswer, q, got, want)
	}
	return after, nil
}

// stormAndCut cuts and delays whatever passes between the desk and the
// database, while another instance works undisturbed.
func (p *proof) stormAndCut(ctx context.Context, s *stage, proxy *faults.Proxy, d desk, seed uint64) error {
	direct, shut, err := s.instance(ctx)
	if err != nil {
		return err
	}
	defer shut()
	a, h, err := s.arena(ctx, 3, 9)
	if err != nil {
		return err
	}
	proxy.Judge(func() faults.Fate {
		if rand.N(3) > 0 { //nolint:gosec // these dice are not cast in order anyway
			return faults.Pass
		}
		return broken[rand.IntN(len(broken))] //nolint:gosec // as above
	})
	proxy.Delay(func() time.Duration { return rand.N(2 * time.Millisecond) }) //nolint:gosec // as above
	stop := make(chan struct{})
	var cutting sync.WaitGroup
	cutting.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(40*time.Millisecond + rand.N(200*time.Millisecond)): //nolint:gosec // as above
				proxy.Cut()
			}
		}
	})
	crowd{Visitors: 12, Requests: p.pick(12, 6), Seed: seed, Ends: true}.storm(ctx, a, d, d, direct)
	close(stop)
	cutting.Wait()

	p.count("requests in storms", h.Len())
	p.count("without a known outcome", h.Unknown())
	return s.judge(ctx, a, h)
}

// patience waits until desks give up on a database that stays out of reach, and
// looks whether what they say then is true.
func patience(ctx context.Context, p *proof) error {
	if p.short {
		return fmt.Errorf("%w: the desk's patience is half a minute", errNotTried)
	}
	return p.outwait(ctx, func(l db.Limits) opener {
		return func(ctx context.Context, url string) (desk, func(), error) {
			d, shut, err := openInstance(ctx, url, l)
			return d, shut, err
		}
	})
}

// outwait keeps the database from desks for longer than they try.
func (p *proof) outwait(ctx context.Context, open func(db.Limits) opener) error {
	s, err := p.stage(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	slow, err := p.stage(ctx)
	if err != nil {
		return err
	}
	defer slow.close()

	var all sync.WaitGroup
	errs := make([]error, 4)
	all.Go(func() { errs[0] = s.loseAfter(ctx, open(db.BookingLimits), faults.CutBefore, booking.None) })
	all.Go(func() { errs[1] = s.loseAfter(ctx, open(db.BookingLimits), faults.CutAfter, booking.Confirmed) })
	all.Go(func() { errs[2] = s.holdRowForLong(ctx, open(db.BookingLimits)) })
	all.Go(func() {
		errs[3] = slow.refuseForLong(ctx, open(tight(func(l *db.Limits) { l.StatementTimeout = 100 * time.Millisecond })))
	})
	all.Wait()
	p.tell("a commit cut before and after it reached a server that then stays away: told that nobody knows; asking again is safe")
	p.tell("an event's row locked, or the database refusing what is written, for longer than that: told that nothing happened, and nothing did")
	return firstOf(errs...)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// loseAfter cuts a booking's commit and takes the database away.
func (s *stage) loseAfter(ctx context.Context, open opener, fate faults.Fate, kept booking.Standing) error {
	proxy, d, shut, err := s.proxied(ctx, open)
	if err != nil {
		return err
	}
	defer shut()
	a, h, err := s.arena(ctx, 1, 2)
	if err != nil {
		return err
	}
	proxy.Judge(func() faults.Fate { proxy.Leave(); return fate })
	if r := a.ask(ctx, d, 0, model.Ask{Kind: model.Book, Person: 0}); !r.Unknown {
		return fmt.Errorf("%w: commit %s, then no database: answered %q", errAnswer, fate, r)
	}
	if r := a.ask(ctx, d, 0, model.Ask{Kind: model.Look, Person: 0}); r.Standing != kept {
		return fmt.Errorf("%w: commit %s: the person is %s", errAnswer, fate, r.Standing)
	}
	direct, shutDirect, err := s.instance(ctx)
	if err != nil {
		return err
	}
	defer shutDirect()
	again := a.ask(ctx, direct, 0, model.Ask{Kind: model.Book, Person: 0})
	if again.Standing != booking.Confirmed || again.Number != 1 || again.Already != (kept == booking.Confirmed) {
		return fmt.Errorf("%w: commit %s, asked again: %q", errAnswer, fate, again)
	}
	return s.judge(ctx, a, h)
}

// holdRowForLong locks an event for longer than the desk's patience.
func (s *stage) holdRowForLong(ctx context.Context, open opener) error {
	d, shut, err := open(ctx, s.url)
	if err != nil {
		return err
	}
	defer shut()
	a, h, err := s.arena(ctx, 1, 2)
	if err != nil {
		return err
	}
	release, err := s.holdRow(ctx, a)
	if err != nil {
		return err
	}
	defer release()
	if r := a.ask(ctx, d, 0, model.Ask{Kind: model.Book, Person: 0}); !r.Nothing {
		return fmt.Errorf("%w: the row was locked all the time: answered %q", errAnswer, r)
	}
	release()
	if r := a.ask(ctx, d, 0, model.Ask{Kind: model.Book, Person: 1}); r.Number != 1 {
		return fmt.Errorf("%w: after the lock: answered %q", errAnswer, r)
	}
	return s.judge(ctx, a, h)
}

// refuseForLong has the database end what is written, again and again, for
// longer than the desk's patience.
func (s *stage) refuseForLong(ctx context.Context, open opener) error {
	d, shut, err := open(ctx, s.url)
	if err != nil {
		return err
	}
	defer shut()
	a, h, err := s.arena(ctx, 1, 2)
	if err != nil {
		return err
	}
	end, err := writeSlowly(ctx, s, nil, a)
	if err != nil {
		return err
	}
	if r := a.ask(ctx, d, 0, model.Ask{Kind: model.Book, Person: 0}); !r.Nothing {
		return fmt.Errorf("%w: the database refused every try: answered %q", errAnswer, r)
	}
	if err := end(); err != nil {
		return err
	}
	if r := a.ask(ctx, d, 0, model.Ask{Kind: model.Book, Person: 1}); r.Number != 1 {
		return fmt.Errorf("%w: after the refusals: answered %q", errAnswer, r)
	}
	return s.judge(ctx, a, h)
}

// holdRow locks an event's row until release is called.
func (s *stage) holdRow(ctx context.Context, a *arena) (release func(), err error) {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("lock event %s: %w", a.ID, err)
	}
	release = func() { tx.Rollback(context.WithoutCancel(ctx)) } //nolint:errcheck // a second call does nothing
	// Whoever holds it does so longer than a transaction of Rowlock's may.
	if _, err := tx.Exec(ctx, `set local idle_in_transaction_session_timeout = 0`); err != nil {
		release()
		return nil, fmt.Errorf("lock event %s: %w", a.ID, err)
	}
	if _, err := tx.Exec(ctx, `select from events where id = $1 for update`, a.ID); err != nil {
		release()
		return nil, fmt.Errorf("lock event %s: %w", a.ID, err)
	}
	return release, nil
}
