package account

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/argon2id"
)

func TestRecommendedIsWhatOWASPAsksFor(t *testing.T) {
	t.Parallel()
	h := NewHasher(Recommended)
	hash, err := h.hash(t.Context(), "a boat for three")
	if err != nil {
		t.Fatal(err)
	}
	params, _, _, err := argon2id.DecodeHash(hash)
	if err != nil || params.Memory < 19*1024 || params.Iterations < 2 || params.Parallelism != 1 {
		t.Errorf("got %+v, %v", params, err)
	}
	if match, outdated, err := h.checkNow("a boat for three", hash); !match || outdated || err != nil {
		t.Errorf("got %t, %t, %v", match, outdated, err)
	}
	// An unknown address costs what a known one does.
	if dummy, _, _, err := argon2id.DecodeHash(h.dummy); err != nil || *dummy != *params {
		t.Errorf("the dummy has %+v, %v, want %+v", dummy, err, params)
	}
}

// crowd has n people at once ask for a turn of work.
func crowd(ctx context.Context, h *Hasher, n int, work func() error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = h.turn(ctx, work) })
	}
	wg.Wait()
	return errs
}

func count(errs []error, want error) int {
	n := 0
	for _, err := range errs {
		if errors.Is(err, want) {
			n++
		}
	}
	return n
}

func TestFewHashesRunAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := TestHasher()
		var running, most atomic.Int64
		errs := crowd(t.Context(), h, 200, func() error {
			n := running.Add(1)
			defer running.Add(-1)
			for {
				seen := most.Load()
				if n <= seen || most.CompareAndSwap(seen, n) {
					break
				}
			}
			time.Sleep(35 * time.Millisecond)
			return nil
		})
		if served := count(errs, nil); served != 200 {
			t.Errorf("%d of 200 were served", served)
		}
		if limit := int64(runtime.GOMAXPROCS(0)); most.Load() > limit || most.Load() > maxRunning {
			t.Errorf("%d ran at once, on %d processors", most.Load(), limit)
		}
	})
}

func TestBeyondTheBoundPeopleAreTurnedAwayAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := TestHasher()
		start := time.Now()
		var turnedAway sync.Map
		errs := make([]error, 300)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				errs[i] = h.turn(t.Context(), func() error { time.Sleep(time.Millisecond); return nil })
				if errs[i] != nil {
					turnedAway.Store(i, time.Since(start))
				}
			})
		}
		wg.Wait()
		places := maxWaiting + cap(h.running)
		if served := count(errs, nil); served != places {
			t.Errorf("%d were served, want %d", served, places)
		}
		if busy := count(errs, ErrBusy); busy != 300-places {
			t.Errorf("%d were turned away, want %d", busy, 300-places)
		}
		turnedAway.Range(func(i, after any) bool {
			if after.(time.Duration) > 0 {
				t.Errorf("%d waited %s to be turned away", i, after)
			}
			return true
		})
		if err := h.turn(t.Context(), func() error { return nil }); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestNobodyWaitsForEver(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		patience time.Duration
		want     error
		after    time.Duration
	}{
		{"the hasher gives up", time.Hour, ErrBusy, maxWait},
		{"the visitor gives up", time.Second, context.DeadlineExceeded, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := TestHasher()
				var wg sync.WaitGroup
				for range cap(h.running) {
					wg.Go(func() {
						err := h.turn(t.Context(), func() error { time.Sleep(time.Minute); return nil })
						if err != nil {
							t.Error(err)
						}
					})
				}
				synctest.Wait()

				ctx, cancel := context.WithTimeout(t.Context(), tt.patience)
				defer cancel()
				start := time.Now()
				err := h.turn(ctx, func() error { t.Error("it ran"); return nil })
				if !errors.Is(err, tt.want) || !errors.Is(err, ErrBusy) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				if waited := time.Since(start); waited != tt.after {
					t.Errorf("waited %s, want %s", waited, tt.after)
				}
				wg.Wait()
			})
		})
	}
}
