package db

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// lookupTimeout bounds one query of a [Lookup], the wait for a connection
// included.
const lookupTimeout = 10 * time.Second

// A Lookup finds things by their keys, many with one query. Whoever asks while
// a query is under way waits for the next, together with all who come in the
// meantime: alone nobody waits for company, and in a rush thousands share a
// query and a connection.
//
// The query that answers a question begins after the question was asked, so
// an answer is as fresh as that of a query of one's own.
type Lookup[K comparable, V any] struct {
	find func(ctx context.Context, keys []K) (map[K]V, error)

	mu sync.Mutex
	// next gathers those who ask while a query is under way.
	next *round[K, V]
	busy bool
}

// A round is those who share a query.
type round[K comparable, V any] struct {
	keys  []K
	done  chan struct{}
	found map[K]V
	err   error
}

// NewLookup makes a lookup. find gets the keys of all who asked, some of them
// perhaps more than once, and returns what it found of them. It is never
// called twice at once. It must only read, or at least may be repeated: a
// query whose connection broke is asked once more.
func NewLookup[K comparable, V any](find func(ctx context.Context, keys []K) (map[K]V, error)) *Lookup[K, V] {
	return &Lookup[K, V]{find: find}
}

// Get finds one thing, and tells whether there is one. It fails when the query
// does, and when ctx ends: the others of the round get their answers all the
// same. Two queries' time is the longest that it takes.
func (l *Lookup[K, V]) Get(ctx context.Context, key K) (value V, ok bool, err error) {
	r := l.join(key)
	select {
	case <-r.done:
	case <-ctx.Done():
		return value, false, ctx.Err()
	}
	value, ok = r.found[key]
	return value, ok, r.err
}

// join adds a key to the round that gathers.
func (l *Lookup[K, V]) join(key K) *round[K, V] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == nil {
		l.next = &round[K, V]{done: make(chan struct{})}
	}
	r := l.next
	r.keys = append(r.keys, key)
	if !l.busy {
		l.busy = true
		go l.serve()
	}
	return r
}

// serve asks for round after round until nobody waits.
func (l *Lookup[K, V]) serve() {
	for r := l.take(); r != nil; r = l.take() {
		r.found, r.err = l.ask(r.keys)
		close(r.done)
	}
}

func (l *Lookup[K, V]) take() *round[K, V] {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.next
	l.next = nil
	l.busy = r != nil
	return r
}

// ask takes no visitor's context: one who leaves must not end the wait of the
// others.
func (l *Lookup[K, V]) ask(keys []K) (map[K]V, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	found, err := l.find(ctx, keys)
	if err != nil && ctx.Err() == nil && broke(err) {
		found, err = l.find(ctx, keys)
	}
	return found, err
}

// broke tells whether a connection was lost that had stood.
func broke(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return false
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "57P01" || e.Code == "57P02" // the server is stopping, or has crashed
	}
	return true
}
