package db_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/jackc/pgx/v5/pgconn"

	"rowlock/db"
)

// heldQueries end when the test lets them.
type heldQueries struct {
	began  chan []int
	finish chan error
}

// find finds what is positive.
func (h heldQueries) find(_ context.Context, keys []int) (map[int]string, error) {
	h.began <- keys
	found := make(map[int]string)
	for _, k := range keys {
		if k > 0 {
			found[k] = "found"
		}
	}
	return found, <-h.finish
}

func TestWhoeverAsksDuringAQuerySharesTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		held := heldQueries{make(chan []int), make(chan error)}
		lookup := db.NewLookup(held.find)
		type answer struct {
			key int
			ok  bool
			err error
		}
		answers := make(chan answer, 10)
		ask := func(ctx context.Context, key int) {
			_, ok, err := lookup.Get(ctx, key)
			answers <- answer{key, ok, err}
		}

		go ask(t.Context(), 1)
		if keys := <-held.began; !slices.Equal(keys, []int{1}) {
			t.Errorf("the first query asks for %v, want 1 alone", keys)
		}
		leaving, leave := context.WithCancel(t.Context())
		go ask(leaving, 5)
		for _, key := range []int{2, 3, 3, -4} {
			go ask(t.Context(), key)
		}
		synctest.Wait() // all of them have come
		leave()
		if a := <-answers; a.key != 5 || !errors.Is(a.err, context.Canceled) {
			t.Errorf("got %+v, want the one who leaves to be let go", a)
		}
		held.finish <- nil
		if a := <-answers; a != (answer{1, true, nil}) {
			t.Errorf("the first got %+v", a)
		}

		keys := slices.Sorted(slices.Values(<-held.began))
		if !slices.Equal(keys, []int{-4, 2, 3, 3, 5}) {
			t.Errorf("the second query asks for %v, want everyone who came during the first", keys)
		}
		held.finish <- nil
		for range 4 {
			if a := <-answers; a.err != nil || a.ok != (a.key > 0) {
				t.Errorf("got %+v", a)
			}
		}
	})
}

func TestALookupIsAsFreshAsItsQuestion(t *testing.T) {
	t.Parallel()
	var version atomic.Int64
	lookup := db.NewLookup(func(_ context.Context, keys []int) (map[int]int64, error) {
		found, now := make(map[int]int64), version.Load()
		for _, k := range keys {
			found[k] = now
		}
		return found, nil
	})
	var wg sync.WaitGroup
	for person := range 20 {
		wg.Go(func() {
			for range 500 {
				changed := version.Add(1)
				if seen, ok, err := lookup.Get(t.Context(), person); seen < changed || !ok || err != nil {
					t.Errorf("saw version %d (%t, %v) after version %d was made", seen, ok, err, changed)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestALookupIsRepeatedOnceWhenItsConnectionBroke(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		cause     error
		wantTries int
	}{
		{"the connection broke", io.ErrUnexpectedEOF, 2},
		{"the server stops", &pgconn.PgError{Code: "57P01"}, 2},
		{"the server refuses", &pgconn.PgError{Code: "42P01"}, 1},
		{"the server is out of reach", &pgconn.ConnectError{}, 1},
	}
	for _, tt := range tests {
		tries, breaks := 0, 1
		lookup := db.NewLookup(func(context.Context, []int) (map[int]bool, error) {
			tries++
			if tries <= breaks {
				return nil, tt.cause
			}
			return map[int]bool{1: true}, nil
		})
		_, ok, err := lookup.Get(t.Context(), 1)
		if tries != tt.wantTries || ok != (tt.wantTries == 2) || (err == nil) != ok {
			t.Errorf("%s: got %t, %v after %d tries, want %d", tt.name, ok, err, tries, tt.wantTries)
		}
		tries, breaks = 0, 9
		if _, _, err := lookup.Get(t.Context(), 1); !errors.Is(err, tt.cause) || tries != tt.wantTries {
			t.Errorf("%s for longer: got %v after %d tries, want %d", tt.name, err, tries, tt.wantTries)
		}
	}
}

func TestALookupThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lookup := db.NewLookup(func(ctx context.Context, _ []int) (map[int]bool, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if _, _, err := lookup.Get(t.Context(), 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want that it took too long", err)
		}
	})
}
