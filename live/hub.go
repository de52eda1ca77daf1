// Package live tells open pages what has changed, on every instance.
//
// A page that is open watches a thing: an event, a simulation. After a change
// is committed, [Hub.Changed] marks the thing. Each instance then reads what
// it is like now, once for all that watch it and a few times a second at most,
// and hands the same state to each of them.
//
// Instances tell each other with NOTIFY, on a connection of their own and
// never inside a booking's transaction, where it would make all commits of the
// database wait in one line. A notice says only that something changed, so one
// that is lost or comes twice does no harm: whatever is watched is also read
// again every few seconds, and at once when the connection was away.
package live

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/google/uuid"
)

// MaxWatches bounds how many pages watch on one instance.
const MaxWatches = 20_000

// What a watch can be refused with. The page looks again by itself, later.
var (
	// ErrFull says that as many pages watch as may, on this instance or for
	// this viewer.
	ErrFull = errors.New("too many open pages")
	// ErrClosed says that this instance is shutting down.
	ErrClosed = errors.New("the hub is closed")
)

// A Hub joins the open pages of one instance to the changes of all instances.
type Hub struct {
	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu    sync.Mutex
	feeds []marker
	// watching counts watches, and perKey those that share a bound.
	watching int
	perKey   map[string]int

	peers peers
}

// A marker notes what has to be read again.
type marker interface {
	mark(ids ...uuid.UUID)
	markAll()
}

// NewHub opens a hub. It hears of this instance's changes; [Hub.Join] lets it
// hear of others'.
func NewHub(log *slog.Logger) *Hub {
	h := &Hub{log: log, perKey: map[string]int{}}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

// Changed says that the thing with this ID is different now. Call it after the
// commit: it never waits for the database or a page.
func (h *Hub) Changed(id uuid.UUID) {
	h.mark(id)
	h.peers.add(id)
}

// Heed calls heard with what changed, on whichever instance, and with nothing
// when anything may have: while the connection to the others was away, say. It
// must not wait, and not call the hub.
func (h *Hub) Heed(heard func(ids ...uuid.UUID)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.feeds = append(h.feeds[:len(h.feeds):len(h.feeds)], listener(heard))
}

// A listener is told of changes at once, watched or not.
type listener func(ids ...uuid.UUID)

func (l listener) mark(ids ...uuid.UUID) {
	if len(ids) > 0 {
		l(ids...)
	}
}

func (l listener) markAll() { l() }

// Close ends every watch, and lets go of the database. It does not wait for
// those who watch.
func (h *Hub) Close() {
	h.cancel()
	h.work.Wait()
}

func (h *Hub) mark(ids ...uuid.UUID) {
	for _, f := range h.allFeeds() {
		f.mark(ids...)
	}
}

func (h *Hub) markAll() {
	for _, f := range h.allFeeds() {
		f.markAll()
	}
}

func (h *Hub) allFeeds() []marker {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.feeds
}

// add starts a feed's work, unless the hub is closed.
func (h *Hub) add(f marker, run func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ctx.Err() != nil {
		return
	}
	h.feeds = append(h.feeds[:len(h.feeds):len(h.feeds)], f)
	h.work.Go(run)
}

// enter counts a viewer in, and refuses one too many.
func (h *Hub) enter(v Viewer) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.ctx.Err() != nil:
		return ErrClosed
	case h.watching >= MaxWatches, h.perKey[v.Key] >= v.Most:
		return ErrFull
	}
	h.watching++
	h.perKey[v.Key]++
	return nil
}

func (h *Hub) leave(v Viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watching--
	if h.perKey[v.Key]--; h.perKey[v.Key] == 0 {
		delete(h.perKey, v.Key)
	}
}

// Watching counts the pages that watch on this instance.
func (h *Hub) Watching() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.watching
}
