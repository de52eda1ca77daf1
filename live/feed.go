package live

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	// minPause is the least time between two reads of a feed: what changes in
	// the meantime is read together.
	minPause = 250 * time.Millisecond
	// maxPause is the most, also for a feed whose reads take long.
	maxPause = 5 * time.Second
	// rest is how many times as long as a read took the pause after it is. It
	// bounds what pages cost the database to a fifth of one connection, and
	// makes them wait when the machine is busy with bookings.
	rest = 4
	// restPerWatch is the pause for each page that was told: two thousand pages
	// hear four times a second, five thousand twice. It bounds what writing to
	// them costs, whatever the bookings do.
	restPerWatch = 100 * time.Microsecond
	// readTimeout bounds a read.
	readTimeout = 5 * time.Second
)

// A Feed hands the states of things of one kind to those who watch them.
type Feed[S any] struct {
	hub    *Hub
	period time.Duration
	read   func(ctx context.Context, asked []Asked) (map[uuid.UUID]S, error)

	mu     sync.Mutex
	topics map[uuid.UUID]map[*Watch[S]]struct{}
	dirty  map[uuid.UUID]struct{}
	wake   chan struct{}
}

// Asked names a thing that is watched, and the people among those who watch
// it; strangers are left out, and somebody with two pages comes twice.
type Asked struct {
	ID     uuid.UUID
	People []uuid.UUID
}

// NewFeed opens a feed. read tells what things are like now; a feed never
// calls it twice at once, but after changes, a few times a second at most, and
// for everything that is watched once per period. That catches what nobody
// told of. A thing that read leaves out is told to nobody.
func NewFeed[S any](h *Hub, period time.Duration, read func(ctx context.Context, asked []Asked) (map[uuid.UUID]S, error)) *Feed[S] {
	f := &Feed[S]{
		hub: h, period: period, read: read,
		topics: map[uuid.UUID]map[*Watch[S]]struct{}{},
		dirty:  map[uuid.UUID]struct{}{},
		wake:   make(chan struct{}, 1),
	}
	h.add(f, f.run)
	return f
}

// A Viewer is who opens a page.
type Viewer struct {
	// ID is the person, uuid.Nil for a stranger.
	ID uuid.UUID
	// Key names what shares a bound, such as a browser, and Most is the bound.
	Key  string
	Most int
}

// A Watch is one open page's view of one thing.
type Watch[S any] struct {
	feed   *Feed[S]
	id     uuid.UUID
	viewer Viewer
	states chan S
}

// Watch begins to watch a thing: every change after it returns is told. What
// the thing is like at first, the caller reads itself, and afterwards: then
// nothing falls in between. It can be refused with [ErrFull] and [ErrClosed].
// Whoever watches must say [Watch.Close] in the end.
func (f *Feed[S]) Watch(id uuid.UUID, v Viewer) (*Watch[S], error) {
	if err := f.hub.enter(v); err != nil {
		return nil, err
	}
	w := &Watch[S]{feed: f, id: id, viewer: v, states: make(chan S, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.topics[id] == nil {
		f.topics[id] = map[*Watch[S]]struct{}{}
	}
	f.topics[id][w] = struct{}{}
	return w, nil
}

// States tells what the thing is like whenever it was read again. It holds the
// newest state alone: who is slow misses those in between.
func (w *Watch[S]) States() <-chan S { return w.states }

// Ended is closed when the hub is.
func (w *Watch[S]) Ended() <-chan struct{} { return w.feed.hub.ctx.Done() }

// Close ends the watch.
func (w *Watch[S]) Close() {
	f := w.feed
	f.mu.Lock()
	delete(f.topics[w.id], w)
	if len(f.topics[w.id]) == 0 {
		delete(f.topics, w.id)
		delete(f.dirty, w.id)
	}
	f.mu.Unlock()
	f.hub.leave(w.viewer)
}

// tell replaces what the page has not yet taken. Only the feed's own goroutine
// calls it, so there is room.
func (w *Watch[S]) tell(state S) {
	select {
	case <-w.states:
	default:
	}
	w.states <- state
}

// mark notes that things changed, as far as they are watched.
func (f *Feed[S]) mark(ids ...uuid.UUID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		if f.topics[id] != nil {
			f.dirty[id] = struct{}{}
		}
	}
	f.ring()
}

func (f *Feed[S]) markAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id := range f.topics {
		f.dirty[id] = struct{}{}
	}
	f.ring()
}

func (f *Feed[S]) ring() {
	if len(f.dirty) == 0 {
		return
	}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *Feed[S]) run() {
	again := time.NewTicker(f.period)
	defer again.Stop()
	for {
		select {
		case <-f.wake:
		case <-again.C:
			f.markAll()
		case <-f.hub.ctx.Done():
			return
		}
		select {
		case <-time.After(f.refresh()):
		case <-f.hub.ctx.Done():
			return
		}
	}
}

// refresh reads what is marked, tells those who watch, and returns how long to
// pause.
func (f *Feed[S]) refresh() (pause time.Duration) {
	asked, watches := f.take()
	if len(asked) == 0 {
		return 0
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(f.hub.ctx, readTimeout)
	defer cancel()
	states, err := f.read(ctx, asked)
	took := time.Since(start)
	if err != nil {
		if f.hub.ctx.Err() == nil {
			f.hub.log.Warn("live: could not read what changed", "things", len(asked), "cause", err)
		}
		for _, a := range asked {
			f.mark(a.ID)
		}
		return time.Second
	}
	told := 0
	for id, state := range states {
		for _, w := range watches[id] {
			w.tell(state)
			told++
		}
	}
	pause = max(minPause, rest*took, time.Duration(told)*restPerWatch)
	return min(pause, maxPause)
}

// take empties the list of what is marked. It also lists who watches now, for
// only they may be told: somebody who comes later has read something newer,
// and is not among the people that are asked for.
func (f *Feed[S]) take() ([]Asked, map[uuid.UUID][]*Watch[S]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := make([]Asked, 0, len(f.dirty))
	watches := make(map[uuid.UUID][]*Watch[S], len(f.dirty))
	for id := range f.dirty {
		a := Asked{ID: id}
		for w := range f.topics[id] {
			watches[id] = append(watches[id], w)
			if w.viewer.ID != uuid.Nil {
				a.People = append(a.People, w.viewer.ID)
			}
		}
		asked = append(asked, a)
	}
	clear(f.dirty)
	return asked, watches
}
